#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#ifndef __GLIBC__
/* For all that asks, and nobody seeks more than a few bytes: the C library's way with long ones takes 1.2 KB. */
char *strstr(const char *text, const char *part)
{
	const size_t length = strlen(part);

	for (; strncmp(text, part, length) != 0; text++)
		if (!*text)
			return NULL;
	return (char *)(uintptr_t)text;
}
#endif

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

/* 0 to 35; what is no digit is more. */
static unsigned int digit_of(char c)
{
	if (c <= '9')
		return (unsigned int)(c - '0');
	return (c | ' ') < 'a' ? UINT_MAX : (unsigned int)((c | ' ') - 'a' + 10); /* less are @ and the like */
}

/* strtoull(3) would take 3 KB along: musl's reads a number as scanf(3) does, from a stream. */
uint64_t text_number(const char *text, unsigned int base, const char **end)
{
	const char *at = text;
	uint64_t number = 0;

	while (*at == ' ' || *at == '\t')
		at++;
	bool minus = *at == '-';
	at += minus;
	if (base == 0) {
		base = *at != '0' ? 10 : (at[1] | ' ') == 'x' ? 16 : 8;
		at += base == 16 ? 2 : 0;
	}
	const char *const first = at;
	for (unsigned int digit; (digit = digit_of(*at)) < base; at++)
		if (__builtin_mul_overflow(number, base, &number) || __builtin_add_overflow(number, digit, &number)) {
			number = UINT64_MAX;
			minus = false;
			errno = ERANGE;
		}
	if (end)
		*end = at > first ? at : text;
	return minus ? -number : number;
}

bool text_is_number(const char *text, unsigned int base, int most, uint64_t *to)
{
	const char *end;
	const uint64_t number = text_number(text, base, &end);

	if (*text < '0' || end == text || *end || end - text > most)
		return false;
	*to = number;
	return true;
}

uint32_t text_hash(uint32_t before, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		before = (before ^ (unsigned char)text[i]) * 16777619U;
	return before;
}
