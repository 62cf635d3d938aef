#include "base/glob.h"

#include <stddef.h>

/*
 * SET starts with a bracket expression: says whether BYTE is in it, and returns what follows; NULL if it is not
 * closed.
 */
static const char *match_set(const char *set, char byte, bool *is_in)
{
	const unsigned char c = (unsigned char)byte;
	const bool negated = set[1] == '!' || set[1] == '^';
	const char *first = set + 1 + negated, *at;

	*is_in = negated;
	/* A ] in front is one of the bytes: an empty set would match nothing. */
	for (at = first; *at && (*at != ']' || at == first); at++) {
		const unsigned char low = (unsigned char)*at;
		if (at[1] == '-' && at[2] && at[2] != ']')
			at += 2;
		if (low <= c && c <= (unsigned char)*at)
			*is_in = !negated;
	}
	return *at ? at + 1 : NULL;
}

/* PATTERN starts with an element that stands for one byte: returns what follows if BYTE matches it, else NULL. */
static const char *match_byte(const char *pattern, char byte)
{
	bool is_in;

	if (*pattern == '?')
		return pattern + 1;
	if (*pattern == '[') {
		const char *behind = match_set(pattern, byte, &is_in);
		if (behind)
			return is_in ? behind : NULL;
	}
	if (*pattern == '\\' && pattern[1])
		pattern++;
	return *pattern == byte ? pattern + 1 : NULL;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL; /* what follows the last `*`, and where in the text it was tried */

	while (*text) {
		const char *behind;
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if ((behind = match_byte(pattern, *text))) {
			pattern = behind;
			text++;
		} else if (star) {
			/*
			 * Only the last `*` ever has to take more: later ones can take whatever an earlier one could.
			 */
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool glob_any(const struct list *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (glob_match(patterns->items[i], text))
			return true;
	return false;
}
