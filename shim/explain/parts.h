/* Shared by the files of --explain: what is found out about a plan before anything is printed. */
#pragma once

#include <sys/stat.h>

#include "explain/explain.h"
#include "plan.h"

#define EXPLAIN_CAPS 64

/* Why each capability is needed: [number], the reasons in the order of the run; empty: it is not needed. */
struct explanation {
	struct list always[EXPLAIN_CAPS];
	struct list maybe[EXPLAIN_CAPS]; /* needed only if files, limits or processes of other users ask for it */
	struct list warnings;
};

/* The capabilities that have reasons in LISTS, one list for each. */
uint64_t explain_set(const struct list *lists);

/* Finds what the drop, the workload and every step need from the container. Texts are in the plan's memory. */
void explain_needs(struct plan *plan, struct explanation *to);

/*
 * Finds warnings about the config, and about the image that this process sees: capabilities as good as root, file
 * capabilities of the program, directories of PATH that the workload can write, set-user-ID programs in them.
 */
void explain_warn(struct plan *plan, struct explanation *to);

/* May a process with these ids do to the file of STAT what BIT (S_IROTH, S_IWOTH, S_IXOTH) says, judged by its mode? */
bool explain_may(const struct privileges *who, const struct stat *stat, mode_t bit);

/* Does a step up to and including number LAST give PATH, or a directory above it, to a user other than root? */
bool explain_given(const struct plan *plan, size_t last, const char *path, bool above_only);

/*
 * terminal.c. Where standard output is a terminal, what is written to it between the two is wrapped at 80 columns, from the line
 * "the workload" on: what stands above is there to be copied. terminal_end() takes what terminal_begin() returned.
 */
int terminal_begin(void);
void terminal_end(struct mem *mem, int terminal);

/* An id in words, in MEM: its number, unless only the start knows it. */
const char *explain_id(struct mem *mem, uint32_t id);

/* Prints TITLE, and LINES below it, or "none". Each stays one line, whatever names others have put into it. */
void explain_lines(struct mem *mem, const char *title, const struct list *lines);

/* Prints everything as one JSON object on standard output. */
void explain_json(struct plan *plan, const struct explanation *explained);
