#include "steps/common/mode.h"

#include <string.h>

#include "base/text.h"

#define EXECUTE 0111U
#define SET_ID 06000U

/* A letter and the bits that it stands for. */
struct letter {
	char letter;
	mode_t bits;
};

static const struct letter who_letters[] = {
	{'u', 04700}, {'g', 02070}, {'o', 01007}, {'a', 07777}, {'\0', 0},
};

static const struct letter bit_letters[] = {
	{'r', 0444}, {'w', 0222}, {'x', 0111}, {'s', 06000}, {'t', 01000}, {'\0', 0},
};

static mode_t bits_of(const struct letter *table, char letter)
{
	while (table->letter && table->letter != letter)
		table++;
	return table->bits;
}

static bool parse_octal(const char *text, struct mode_change *change)
{
	uint64_t bits;

	if (!text_is_number(text, 8, 5, &bits) || bits > 07777)
		return false;
	change->bits = (mode_t)bits;
	change->octal = change->set = true;
	return true;
}

/* Parses one operation of a clause, such as "+rX", for WHO. Returns what follows, or NULL. */
static const char *parse_operation(const char *text, mode_t who, struct mode_clause *clause)
{
	*clause = (struct mode_clause){.who = who, .operation = *text};
	if (*text != '+' && *text != '-' && *text != '=')
		return NULL;
	for (text++; *text && !strchr(",+-=", *text); text++) {
		mode_t bits = bits_of(bit_letters, *text);
		if (*text == 'X')
			clause->conditional_x = true;
		else if (bits)
			clause->bits |= bits & who;
		else
			return NULL;
	}
	return text;
}

bool mode_parse(struct mem *mem, const char *text, struct mode_change *change)
{
	mode_t bits;

	*change = (struct mode_change){.set = false};
	if (*text == '0')
		return parse_octal(text, change);
	/* Every operation takes at least one character. */
	change->clauses = mem_array(mem, strlen(text) + 1, sizeof(*change->clauses));
	do {
		mode_t who = 0;
		for (; (bits = bits_of(who_letters, *text)) != 0; text++)
			who |= bits;
		if (who == 0)
			return false;
		do {
			text = parse_operation(text, who, &change->clauses[change->nclauses]);
			if (!text)
				return false;
			change->nclauses++;
		} while (*text && *text != ',');
	} while (*text++ == ',');
	change->set = true;
	return true;
}

mode_t mode_apply(const struct mode_change *change, mode_t now, bool directory)
{
	now &= 07777;
	if (change->octal)
		return change->bits;
	for (size_t i = 0; i < change->nclauses; i++) {
		const struct mode_clause *clause = &change->clauses[i];
		mode_t bits = clause->bits;
		if (clause->conditional_x && (directory || now & EXECUTE))
			bits |= EXECUTE & clause->who;
		if (clause->operation == '=')
			now &= ~(clause->who & (directory ? ~SET_ID : ~(mode_t)0));
		if (clause->operation == '-')
			now &= ~bits;
		else
			now |= bits;
	}
	return now;
}
