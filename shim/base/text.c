#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 sequence at AT, and its character, RFC 3629; 0: not a valid sequence. */
static size_t decode_character(const unsigned char *at, uint32_t *code)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = at[0] < 0x80   ? 1
			: at[0] < 0xc0 ? 0
			: at[0] < 0xe0 ? 2
			: at[0] < 0xf0 ? 3
			: at[0] < 0xf8 ? 4
				       : 0;

	*code = length > 1 ? at[0] & (0x7fU >> length) : at[0];
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (at[i] & 0x3f);
	}
	return *code < lowest[length] || *code > 0x10ffff || *code >> 11 == 0xd800 >> 11 ? 0 : length;
}

/*
 * A control character, a line separator, or a character that embeds, overrides or isolates a direction: Unicode, UAX
 * 9.
 */
static bool is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

size_t text_escape(char *out, size_t size, const char *text, bool json)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t used = 0;

	while (*at && size - used > TEXT_LONGEST) {
		uint32_t code;
		size_t length = decode_character(at, &code);
		bool wide = json || (length && code >= 0x80);
		if (!length)
			code = json ? 0xfffd : *at;
		if (!length || is_unsafe(code)) {
			used += (size_t)snprintf(out + used, TEXT_LONGEST + 1, wide ? "\\u%04x" : "\\x%02x", code);
		} else {
			if (json && (code == '"' || code == '\\'))
				out[used++] = '\\';
			memcpy(out + used, at, length);
			used += length;
		}
		at += length ? length : 1;
	}
	out[used] = '\0';
	return used;
}
