/*
 * memory.c
 *	  Allocation, growing texts, the clock.
 */
#include "gateway/src/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *
checked(void *memory)
{
	if (memory == NULL)
	{
		static const char
			message[] = "{\"level\":\"error\",\"msg\":\"out of memory: velo-gateway ends\"}\n";

		fputs(message, stderr);
		abort();
	}
	return memory;
}

void *
vg_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
vg_resize(void *memory, size_t size)
{
	return checked(realloc(memory, size));
}

char *
vg_copy(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *
vg_copy_n(const char *bytes, size_t size)
{
	char *copy = vg_alloc(size + 1);

	memcpy(copy, bytes, size);
	return copy;
}

char *
vg_format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return checked(text);
}

void
vg_free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void
reserve(VgText *text, size_t more)
{
	size_t wanted = text->size + more + 1;

	if (wanted <= text->capacity)
		return;
	if (wanted < 2 * text->capacity)
		wanted = 2 * text->capacity;
	if (wanted < 64)
		wanted = 64;
	text->bytes = vg_resize(text->bytes, wanted);
	text->capacity = wanted;
}

void
vg_text_add_n(VgText *text, const char *bytes, size_t size)
{
	reserve(text, size);
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

void
vg_text_add(VgText *text, const char *string)
{
	vg_text_add_n(text, string, strlen(string));
}

void
vg_text_format(VgText *text, const char *format, ...)
{
	va_list arguments;
	char *added = NULL;

	va_start(arguments, format);
	if (vasprintf(&added, format, arguments) < 0)
		added = NULL;
	va_end(arguments);
	vg_text_add(text, checked(added));
	free(added);
}

void
vg_text_add_identifier(VgText *text, const char *name)
{
	vg_text_add_n(text, "\"", 1);
	for (const char *c = name; *c; c++)
		vg_text_add_n(text, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
	vg_text_add_n(text, "\"", 1);
}

int64_t
vg_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
vg_now_ms(void)
{
	return vg_now_us() / 1000;
}
