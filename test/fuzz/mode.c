/*
 * A mode as a step writes it. What must hold: it is taken or refused, and applied to files and directories, as chmod(1)
 * would: computed here bit by bit, from the text. And any number in a text is the one of strtoull(3).
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "steps/common/mode.h"

/* The classes of WHO that the bit BIT (0-11) belongs to, and its letter. */
static const struct {
	const char *who;
	char letter;
} bits[12] = {
	{"oa", 'x'}, {"oa", 'w'}, {"oa", 'r'}, {"ga", 'x'}, {"ga", 'w'}, {"ga", 'r'},
	{"ua", 'x'}, {"ua", 'w'}, {"ua", 'r'}, {"oa", 't'}, {"ga", 's'}, {"ua", 's'},
};

static bool any_of(const char *text, size_t length, const char *letters)
{
	for (size_t i = 0; i < length; i++)
		if (strchr(letters, text[i]))
			return true;
	return false;
}

/* One operation, such as "+rX" of LENGTH, for WHO. */
static mode_t operate(const char *who, size_t nwho, const char *operation, size_t length, mode_t now, bool directory)
{
	const bool x = any_of(operation, length, "X") && (directory || now & 0111);
	mode_t after = now;

	for (unsigned int bit = 0; bit < 12; bit++) {
		const char letter[2] = {bits[bit].letter, '\0'};
		const bool named = any_of(operation, length, letter) || (x && *letter == 'x');
		if (!any_of(who, nwho, bits[bit].who))
			continue;
		if (*operation == '-' ? named : *operation == '=' && !named && !(directory && *letter == 's'))
			after &= ~((mode_t)1 << bit);
		if (*operation != '-' && named)
			after |= (mode_t)1 << bit;
	}
	return after;
}

/* Is TEXT a mode? Then *NOW becomes what it makes of it. */
static bool apply(const char *text, mode_t *now, bool directory)
{
	if (*text == '0') {
		char *end;
		const unsigned long mode = strtoul(text, &end, 8);
		*now = (mode_t)mode;
		return !*end && mode <= 07777 && strlen(text) <= 5;
	}
	for (;; text++) {
		const char *who = text;
		size_t nwho = strspn(text, "ugoa");
		text += nwho;
		if (nwho == 0 || !*text || !strchr("+-=", *text))
			return false;
		while (*text && strchr("+-=", *text)) {
			size_t length = 1 + strspn(text + 1, "rwxXst");
			*now = operate(who, nwho, text, length, *now, directory);
			text += length;
		}
		if (*text != ',')
			return !*text;
	}
}

/* What only strtoull(3) takes: a "+", blanks that end a line, and 0x where it says nothing. */
static bool is_odd(const char *text, unsigned int base)
{
	const char *at = text + strspn(text, " \t");

	if (*at == '+' || (*at && strchr("\n\v\f\r", *at)))
		return true;
	at += *at == '-';
	return *at == '0' && (at[1] | ' ') == 'x' &&
	       (base == 16 || (base == 0 && strspn(at + 2, "0123456789abcdefABCDEF") == 0));
}

static void compare_numbers(const char *text)
{
	static const unsigned int bases[] = {0, 8, 10, 16};

	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		const char *end;
		char *should;
		if (is_odd(text, bases[i]))
			continue;
		const uint64_t number = text_number(text, bases[i], &end);
		FUZZ_HOLDS(number == strtoull(text, &should, (int)bases[i]) && end == should);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const mode_t modes[] = {0, 07777, 0644, 0755, 0700, 04711, 02775, 01777, 0111, 0222};
	struct mem mem = {0};
	struct mode_change change;
	const char *text = mem_copy(&mem, (const char *)bytes, length);
	compare_numbers(text);
	const bool taken = mode_parse(&mem, text, &change);

	for (size_t i = 0; i < 2 * sizeof(modes) / sizeof(*modes); i++) {
		mode_t should = modes[i / 2];
		FUZZ_HOLDS(apply(text, &should, i % 2) == taken);
		if (!taken)
			break;
		/* What is above the 12 bits belongs to the type. */
		FUZZ_HOLDS(mode_apply(&change, modes[i / 2] | 0100000, i % 2) == should);
	}
	FUZZ_HOLDS(!taken || change.set);
	mem_release(&mem);
	return 0;
}
