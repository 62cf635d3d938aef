/*
 * printf(3) of the static binary; builds with another C library use that library's. It supports the conversions that
 * capshim and its libraries use, and is 9 KB smaller than musl's, most of which handles floating point and wide
 * characters. snprintf(3), vasprintf(3), dprintf(3) and the like are musl's own: they only call these three.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Output to a buffer of SIZE bytes: LENGTH is the length of the full text, TO receives what fits. */
struct format {
	char *to;
	size_t size, length;
};

/* One conversion: %-08.3s */
struct conversion {
	bool left, zeros, prefix;
	int width, precision; /* -1: none */
	int longs;            /* 1 for l and z, which have the same size, 2 for ll */
};

static void format_put(struct format *format, const char *bytes, size_t count)
{
	for (; count > 0; count--, bytes++, format->length++)
		if (format->length + 1 < format->size)
			format->to[format->length] = *bytes;
}

static void format_pad(struct format *format, int count, char with)
{
	for (; count > 0; count--)
		format_put(format, &with, 1);
}

/* Writes TEXT after SIGN, padded to the width. */
static void format_field(struct format *format, const struct conversion *how, const char *sign, const char *text,
			 size_t length)
{
	const size_t front = strlen(sign);
	const int missing = how->width - (int)(front + length);

	if (!how->left && !how->zeros)
		format_pad(format, missing, ' ');
	format_put(format, sign, front);
	if (how->zeros)
		format_pad(format, missing, '0');
	format_put(format, text, length);
	if (how->left)
		format_pad(format, missing, ' ');
}

static void format_number(struct format *format, const struct conversion *how, char letter, uint64_t value)
{
	const unsigned int base = letter == 'x' ? 16 : letter == 'o' ? 8 : 10;
	const bool negative = letter == 'd' && (int64_t)value < 0;
	const char *sign = negative ? "-" : how->prefix && value ? "0x" : "";
	char digits[24], *at = digits + sizeof(digits);

	value = negative ? -value : value;
	do
		*--at = "0123456789abcdef"[value % base];
	while (value /= base);
	format_field(format, how, sign, at, (size_t)(digits + sizeof(digits) - at));
}

/* A number in the format, or `*`; afterwards *AT points behind it. */
static int format_count(const char **at, va_list *args)
{
	int count = 0;

	if (**at == '*') {
		++*at;
		return va_arg(*args, int);
	}
	for (; **at >= '0' && **at <= '9'; ++*at)
		count = count * 10 + (**at - '0');
	return count;
}

static const char *format_conversion(struct format *format, const char *at, va_list *args)
{
	struct conversion how = {.precision = -1};

	for (;; at++) {
		if (*at == '-')
			how.left = true;
		else if (*at == '0')
			how.zeros = true;
		else if (*at == '#')
			how.prefix = true;
		else
			break;
	}
	how.width = format_count(&at, args);
	if (*at == '.') {
		at++;
		how.precision = format_count(&at, args);
	}
	for (; *at == 'l' || *at == 'z'; at++)
		how.longs++;

	if (*at == 's') {
		const char *text = va_arg(*args, const char *);
		how.zeros = false;
		format_field(format, &how, "", text,
			     how.precision < 0 ? strlen(text) : strnlen(text, (size_t)how.precision));
	} else if (*at == 'c') {
		const char c = (char)va_arg(*args, int);
		format_put(format, &c, 1);
	} else if (*at == 'd') {
		format_number(format, &how, 'd',
			      (uint64_t)(how.longs > 1 ? va_arg(*args, long long)
					 : how.longs   ? va_arg(*args, long)
						       : va_arg(*args, int)));
	} else if (*at == 'u' || *at == 'x' || *at == 'o') {
		format_number(format, &how, *at,
			      how.longs > 1 ? va_arg(*args, unsigned long long)
			      : how.longs   ? va_arg(*args, unsigned long)
					    : va_arg(*args, unsigned int));
	} else if (*at == '%') {
		format_put(format, at, 1);
	} else {
		__builtin_trap();
	}
	return at + 1;
}

int vsnprintf(char *restrict to, size_t size, const char *restrict text, va_list given)
{
	struct format format = {to, size, 0};
	va_list args;

	va_copy(args, given);
	while (*text) {
		const size_t plain = strcspn(text, "%");
		format_put(&format, text, plain);
		text += plain;
		if (*text)
			text = format_conversion(&format, text + 1, &args);
	}
	va_end(args);
	if (size > 0)
		to[format.length < size ? format.length : size - 1] = '\0';
	return (int)format.length;
}

int vdprintf(int fd, const char *restrict text, va_list args)
{
	char *whole;
	const int length = vasprintf(&whole, text, args);
	ssize_t n = 0;

	for (int done = 0; done < length && n >= 0; done += (int)n) {
		n = write(fd, whole + done, (size_t)(length - done));
		if (n < 0 && errno == EINTR)
			n = 0;
	}
	if (length >= 0)
		free(whole);
	return n < 0 ? -1 : length;
}

/* The libraries call it for a failed assertion: the stream is standard error. */
int vfprintf(FILE *restrict, const char *restrict text, va_list args)
{
	return vdprintf(STDERR_FILENO, text, args);
}
