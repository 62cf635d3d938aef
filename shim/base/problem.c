#include "base/problem.h"

#include <stdbool.h>
#include <string.h>

#include "base/diag.h"

struct problem {
	struct problem *next;
	const char *file;
	unsigned int line, column;
	const char *text;
};

/* Does A come after B, by file, line and column? */
static bool is_behind(const struct problem *a, const struct problem *b)
{
	int order = strcmp(a->file, b->file);

	if (order != 0)
		return order > 0;
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
		 const char *format, ...)
{
	struct problem *problem = mem_alloc(&problems->mem, sizeof(*problem));
	va_list args;

	va_start(args, format);
	*problem = (struct problem){.file = file,
				    .line = line,
				    .column = column,
				    .text = mem_vformat(&problems->mem, format, args)};
	va_end(args);

	/*
	 * Equal places keep the order in which they were added. There may be 100,000 problems about the environment, and
	 * most belong right behind the one before.
	 */
	struct problem **at = &problems->first;
	if (problems->last && !is_behind(problems->last, problem))
		at = &problems->last->next;
	while (*at && !is_behind(*at, problem))
		at = &(*at)->next;
	problem->next = *at;
	*at = problem;
	problems->last = problem;
	problems->count++;
}

void problems_say(const struct problems *problems)
{
	for (const struct problem *p = problems->first; p; p = p->next) {
		if (p->line)
			diag_say("%s:%u:%u: %s", p->file, p->line, p->column, p->text);
		else
			diag_say("%s: %s", p->file, p->text);
	}
}
