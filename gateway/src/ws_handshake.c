/*
 * ws_handshake.c
 *	  The request that turns HTTP into a WebSocket (RFC 6455, 4.2).
 *
 * No subprotocol and no extension is chosen: what a client offers of them is ignored, as
 * the RFC wants it.
 */
#include "gateway/src/ws_handshake.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define VERSION "13"
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_BYTES 16
#define KEY_LENGTH 24 /* of 16 bytes in base64, with its == */
#define SHA1_BYTES 20
#define ACCEPT_SIZE 32 /* of 20 bytes in base64 and the end */

/* Base64 of 16 bytes; EVP decodes the padding as zero bytes. */
static bool
is_key(const char *key)
{
	unsigned char bytes[KEY_BYTES + 2];

	return key && strlen(key) == KEY_LENGTH && strcmp(key + KEY_LENGTH - 2, "==") == 0 &&
		   EVP_DecodeBlock(bytes, (const unsigned char *) key, KEY_LENGTH) == sizeof(bytes);
}

static bool
accept_key(const char *key, char accept[ACCEPT_SIZE])
{
	char text[KEY_LENGTH + sizeof(ACCEPT_GUID)];
	unsigned char digest[SHA1_BYTES];
	int length = snprintf(text, sizeof(text), "%s%s", key, ACCEPT_GUID);

	/* Fails where SHA-1 is switched off altogether. */
	if (EVP_Digest(text, length, digest, NULL, EVP_sha1(), NULL) != 1)
		return false;
	(void) EVP_EncodeBlock((unsigned char *) accept, digest, SHA1_BYTES);
	return true;
}

bool
vg_ws_handshake(const VgRequest *request, VgReply *reply)
{
	const char *version = vg_request_header(request, "Sec-WebSocket-Version");
	const char *key = vg_request_header(request, "Sec-WebSocket-Key");
	char accept[ACCEPT_SIZE];

	if (!vg_request_header_has(request, "Upgrade", "websocket") ||
		!vg_request_header_has(request, "Connection", "upgrade") || version == NULL ||
		strcmp(version, VERSION) != 0 ||
		vg_request_header_count(request, "Sec-WebSocket-Version") != 1)
	{
		vg_reply_refuse(reply, 426, "08P01", "this address speaks WebSocket only",
						"Open it as a WebSocket of version 13, as new WebSocket(…) does.");
		vg_reply_header(reply, "Upgrade", "websocket");
		vg_reply_header(reply, "Connection", "Upgrade");
		vg_reply_header(reply, "Sec-WebSocket-Version", VERSION);
		return false;
	}
	if (!is_key(key) || vg_request_header_count(request, "Sec-WebSocket-Key") != 1)
	{
		vg_reply_refuse(reply, 400, "08P01", "Sec-WebSocket-Key must be 16 bytes in base64", NULL);
		return false;
	}
	if (!accept_key(key, accept))
	{
		vg_reply_refuse(reply, 500, "XX000", "could not compute SHA-1", NULL);
		return false;
	}
	vg_reply_header(reply, "Upgrade", "websocket");
	vg_reply_header(reply, "Sec-WebSocket-Accept", accept);
	return true;
}
