#include <string.h>

#include "json.h"

#define DEPTH 64 /* what --explain=json nests is known */
#define DIGITS "0123456789"

static const char *value(const char *at, int depth);

/* Each of these takes where its part begins, and returns where it ends; NULL: it is none, as behind a NULL. */
static const char *blanks(const char *at)
{
	return at ? at + strspn(at, " \t\n\r") : NULL;
}

static const char *word(const char *at, const char *wanted)
{
	return at && strncmp(at, wanted, strlen(wanted)) == 0 ? at + strlen(wanted) : NULL;
}

static const char *string(const char *at)
{
	if (!at || *at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < 0x20)
			return NULL; /* the end of the text among them */
		if (*at != '\\')
			continue;
		if (*++at == 'u' && strspn(at + 1, DIGITS "abcdefABCDEF") >= 4)
			at += 4;
		else if (!*at || !strchr("\"\\/bfnrt", *at))
			return NULL;
	}
	return at + 1;
}

static const char *digits(const char *at)
{
	size_t count = at ? strspn(at, DIGITS) : 0;

	return count ? at + count : NULL;
}

static const char *number(const char *at)
{
	at += *at == '-';
	at = *at == '0' ? at + 1 : digits(at);
	if (at && *at == '.')
		at = digits(at + 1);
	if (at && (*at == 'e' || *at == 'E'))
		at = digits(at + 1 + (at[1] == '+' || at[1] == '-'));
	return at;
}

/* From behind the bracket that opens to behind the one that CLOSES; the members of an object have names. */
static const char *members(const char *at, char closes, int depth)
{
	at = blanks(at);
	if (*at == closes)
		return at + 1;
	do {
		if (closes == '}')
			at = word(blanks(string(blanks(at))), ":");
		at = blanks(value(blanks(at), depth));
	} while (at && *at++ == ',');
	return at && at[-1] == closes ? at : NULL;
}

static const char *value(const char *at, int depth)
{
	if (!at || depth == 0)
		return NULL;
	switch (*at) {
	case '{':
		return members(at + 1, '}', depth - 1);
	case '[':
		return members(at + 1, ']', depth - 1);
	case '"':
		return string(at);
	case 't':
		return word(at, "true");
	case 'f':
		return word(at, "false");
	case 'n':
		return word(at, "null");
	default:
		return number(at);
	}
}

bool json_is(const char *text)
{
	const char *end = blanks(value(blanks(text), DEPTH));

	return end && !*end;
}
