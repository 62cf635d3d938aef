#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

struct problem {
	struct problem *next;
	const char *file;
	unsigned int line, column;
	const char *text;
};

/* Where PROBLEM belongs in the order by file, line and column; equal places keep the order they came in. */
static struct problem **place_of(struct problem **at, const struct problem *problem)
{
	for (; *at; at = &(*at)->next) {
		int order = strcmp((*at)->file, problem->file);
		if (order > 0)
			break;
		if (order == 0 &&
		    ((*at)->line > problem->line || ((*at)->line == problem->line && (*at)->column > problem->column)))
			break;
	}
	return at;
}

void problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
		 const char *format, ...)
{
	struct problem *problem = mem_alloc(&problems->mem, sizeof(*problem));
	char text[DIAG_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*problem =
		(struct problem){.file = file, .line = line, .column = column, .text = mem_text(&problems->mem, text)};

	struct problem **at = place_of(&problems->first, problem);
	problem->next = *at;
	*at = problem;
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
