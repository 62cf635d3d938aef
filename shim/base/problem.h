/* Problems of a config, collected so that one run reports all of them. */
#pragma once

#include <stddef.h>

#include "base/mem.h"

struct problem;

struct problems {
	struct mem mem;        /* memory of the whole configuration: everything that parses allocates from it */
	struct problem *first; /* ordered by file, line and column */
	struct problem *last;  /* that was added */
	size_t count;
	size_t pending; /* those that only the start can decide, such as a variable that an image build does not set */
};

/* Adds "FILE:LINE:COLUMN: …". LINE and COLUMN count from 1; with a LINE of 0 both are left out. FILE is not copied. */
void problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Prints all of them, one line each. */
void problems_say(const struct problems *problems);
