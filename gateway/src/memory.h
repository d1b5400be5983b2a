/*
 * memory.h
 *	  Memory that is there, texts that grow, and the clock.
 *
 * A gateway without memory cannot answer that it has none, so running out ends the
 * process; what clients can make it allocate is bounded before (config.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed; for free(). */
extern void *vg_alloc(size_t size);
extern void *vg_resize(void *memory, size_t size);
/* NULL for NULL. */
extern char *vg_copy(const char *text);
extern char *vg_copy_n(const char *bytes, size_t size);
extern char *vg_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites a secret, then frees it; NULL is allowed. */
extern void vg_free_secret(char *secret);

/* A text that grows; all zero is empty. */
typedef struct VgText
{
	char *bytes; /* with a zero byte behind size; NULL when nothing was added */
	size_t size;
	size_t capacity;
} VgText;

extern void vg_text_add(VgText *text, const char *string);
extern void vg_text_add_n(VgText *text, const char *bytes, size_t size);
extern void vg_text_format(VgText *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes. */
extern void vg_text_add_json(VgText *text, const char *string);
/* Text as it is, but U+FFFD for what is no UTF-8; in a string what JSON wants escaped is. */
extern void vg_text_add_utf8(VgText *out, const char *text, size_t length, bool is_string);
/* "name" with quotes doubled: an identifier of SQL. */
extern void vg_text_add_identifier(VgText *text, const char *name);

/* Milliseconds of a clock that only goes forward. */
extern int64_t vg_now_ms(void);
extern int64_t vg_now_us(void);
