/*
 * What is wrong with a config, collected so that one run reports all of it.
 */
#ifndef CAPSHIM_BASE_PROBLEM_H
#define CAPSHIM_BASE_PROBLEM_H

#include <stddef.h>

#include "base/mem.h"

struct problem;

struct problems {
	struct mem mem;        /* memory of the configuration as a whole: whoever parses takes it from here */
	struct problem *first; /* ordered by file, line and column */
	struct problem *last;
	size_t count;
	size_t pending; /* of these: what only the start decides, such as a variable that is not set while an image is built */
};

/* Adds "FILE:LINE:COLUMN: …"; LINE and COLUMN count from 1, a LINE of 0 leaves both out. FILE is not copied. */
void problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Says all of them, one line each. */
void problems_say(const struct problems *problems);

#endif
