/*
 * ws_header.h
 *	  What the header of a client's frame alone shows to be wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the stream of frames we are; all zero at its start. */
typedef struct VgWsHeader
{
	uint8_t bytes[10]; /* the header that is coming, without the mask's key */
	uint8_t have;	   /* of them */
	uint64_t payload;  /* bytes still to come, the key's with them */
	uint64_t message;  /* bytes of the message that its frames announced */
} VgWsHeader;

/*
 * Follows the frames through the next bytes.  Returns 0, or the code to close with: 1002
 * for a violation, 1009 for a message of more than limit bytes.  Then *good is the number
 * of bytes before the last one of the wrong header.
 */
extern int vg_ws_header_check(VgWsHeader *header, const uint8_t *data, size_t size, uint64_t limit,
							  size_t *good);
