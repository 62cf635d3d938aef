/*
 * A pattern in the first line, and a text. What must hold: glob_match() says what the table below says, which shares
 * nothing with it, and what fnmatch(3) says where the two are meant to agree.
 */
#include <fnmatch.h>
#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "fuzz.h"

#define MOST 256

/* One element of a pattern: any text, or a set of bytes. */
struct atom {
	bool any_text;
	bool bytes[256];
};

static struct atom atoms[MOST + 1];

/* The set that begins at AT; what follows its bracket, or NULL. */
static const unsigned char *parse_set(struct atom *atom, const unsigned char *at)
{
	const bool negated = at[1] == '!' || at[1] == '^';
	const unsigned char *first = at + 1 + negated, *end = first + (*first == ']');

	while (*end && *end != ']')
		end++;
	if (!*end || end == first)
		return NULL;
	for (int byte = 0; byte < 256; byte++)
		atom->bytes[byte] = negated;
	while (first < end) {
		/* A dash at the end of the set is itself. */
		const bool range = end - first > 2 && first[1] == '-';
		for (int byte = first[0]; byte <= first[range ? 2 : 0]; byte++)
			atom->bytes[byte] = !negated;
		first += range ? 3 : 1;
	}
	return end + 1;
}

static size_t parse(const unsigned char *at)
{
	size_t count = 0;

	for (; *at; count++) {
		struct atom *atom = &atoms[count];
		const unsigned char *behind = NULL;
		memset(atom, 0, sizeof(*atom));
		if (*at == '*') {
			atom->any_text = true;
		} else if (*at == '?') {
			memset(atom->bytes, 1, sizeof(atom->bytes));
		} else if (*at == '[' && (behind = parse_set(atom, at))) {
			at = behind;
			continue;
		} else {
			at += *at == '\\' && at[1];
			atom->bytes[*at] = true;
		}
		at++;
	}
	return count;
}

/* Which lengths of TEXT can the atoms so far be? Decided atom by atom. */
static bool match(size_t count, const unsigned char *text, size_t length)
{
	static bool now[MOST + 1], next[MOST + 1];

	memset(now, 0, sizeof(now));
	now[0] = true;
	for (size_t i = 0; i < count; i++) {
		memset(next, 0, sizeof(next));
		bool before = false;
		for (size_t at = 0; at <= length; at++) {
			before = before || now[at];
			if (atoms[i].any_text)
				next[at] = before;
			else
				next[at] = at > 0 && now[at - 1] && atoms[i].bytes[text[at - 1]];
		}
		memcpy(now, next, sizeof(now));
	}
	return now[length];
}

/*
 * fnmatch() has classes, escapes in sets, and characters of several bytes; a last backslash is nothing to it, and of sets
 * that nothing closes it takes some for text and some not.
 */
static bool comparable(const char *pattern, const char *text)
{
	for (const char *c = pattern; *c; c++)
		if (*c & 0x80 || (*c == '\\' && !*++c))
			return false;
	for (const char *c = text; *c; c++)
		if (*c & 0x80)
			return false;
	const char *set = strchr(pattern, '[');
	struct atom atom;
	return !set || (!strpbrk(set + 1, "[\\") && parse_set(&atom, (const unsigned char *)set));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const uint8_t *newline = memchr(bytes, '\n', length);
	struct mem mem = {0};

	if (length > MOST || memchr(bytes, '\0', length))
		return 0;
	size_t first = newline ? (size_t)(newline - bytes) : length;
	const char *pattern = mem_copy(&mem, (const char *)bytes, first);
	const char *text =
		mem_copy(&mem, (const char *)bytes + first + (newline != NULL), length - first - (newline != NULL));
	const bool is = glob_match(pattern, text);

	FUZZ_HOLDS(is == match(parse((const unsigned char *)pattern), (const unsigned char *)text, strlen(text)));
	if (comparable(pattern, text))
		FUZZ_HOLDS(is == (fnmatch(pattern, text, 0) == 0));
	mem_release(&mem);
	return 0;
}
