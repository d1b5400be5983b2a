/*
 * ws_header.c
 *	  Finds the headers in a stream of frames and looks at them before wslay does.
 *
 * wslay finds these faults as well, but closes without a code, and finds a message too
 * long only when its bytes come.  What depends on more than a header (which frame may
 * follow which, UTF-8, reserved bits) it answers as it should.
 */
#include "gateway/src/ws_header.h"

#include <wslay/wslay.h>

#define FIN_BIT 0x80
#define CONTROL_BIT 0x08
#define MASK_BIT 0x80
#define LENGTH_BITS 0x7F
#define LENGTH_OF_2_BYTES 126
#define LENGTH_OF_8_BYTES 127
#define CONTROL_PAYLOAD_MAX 125
#define MASK_KEY_BYTES 4

static int
length_bytes(const VgWsHeader *header)
{
	int length = header->bytes[1] & LENGTH_BITS;

	return length == LENGTH_OF_2_BYTES ? 2 : length == LENGTH_OF_8_BYTES ? 8 : 0;
}

/* All but the mask's key is there: before that wslay makes nothing of it. */
static bool
has_length(const VgWsHeader *header)
{
	return header->have >= 2 && header->have == 2 + length_bytes(header);
}

static uint64_t
payload_length(const VgWsHeader *header)
{
	int bytes = length_bytes(header);
	uint64_t length = bytes == 0 ? header->bytes[1] & LENGTH_BITS : 0;

	for (int i = 0; i < bytes; i++)
		length = length << 8 | header->bytes[2 + i];
	return length;
}

static bool
is_shortest(const VgWsHeader *header, uint64_t length)
{
	int bytes = length_bytes(header);

	if (length > INT64_MAX)
		return false;
	return bytes == 0 || (bytes == 2 ? length >= LENGTH_OF_2_BYTES : length > UINT16_MAX);
}

/* What the first two bytes show. */
static int
check_start(const VgWsHeader *header)
{
	uint8_t opcode = header->bytes[0] & 0x0F;
	int length = header->bytes[1] & LENGTH_BITS;

	if (!(header->bytes[1] & MASK_BIT))
		return WSLAY_CODE_PROTOCOL_ERROR;
	if (!(opcode & CONTROL_BIT))
		return 0;
	if (!(header->bytes[0] & FIN_BIT) || length > CONTROL_PAYLOAD_MAX ||
		(opcode == WSLAY_CONNECTION_CLOSE && length == 1))
		return WSLAY_CODE_PROTOCOL_ERROR;
	return 0;
}

static int
check_length(VgWsHeader *header, uint64_t limit)
{
	uint8_t opcode = header->bytes[0] & 0x0F;
	uint64_t length = payload_length(header);

	if (!is_shortest(header, length))
		return WSLAY_CODE_PROTOCOL_ERROR;
	if (!(opcode & CONTROL_BIT))
	{
		if (opcode != WSLAY_CONTINUATION_FRAME)
			header->message = 0;
		if (length > limit || header->message + length > limit)
			return WSLAY_CODE_MESSAGE_TOO_BIG;
		header->message += length;
	}
	header->payload = MASK_KEY_BYTES + length;
	header->have = 0;
	return 0;
}

int
vg_ws_header_check(VgWsHeader *header, const uint8_t *data, size_t size, uint64_t limit,
				   size_t *good)
{
	size_t at = 0;
	int code = 0;

	while (at < size)
	{
		size_t n = size - at < header->payload ? size - at : header->payload;

		at += n;
		header->payload -= n;
		if (at == size)
			break;
		header->bytes[header->have++] = data[at];
		if (header->have == 2)
			code = check_start(header);
		if (code == 0 && has_length(header))
			code = check_length(header, limit);
		if (code != 0)
			break;
		at++;
	}
	*good = at;
	return code;
}
