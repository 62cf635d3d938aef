/*
 * From runs to the smallest set: rounds of discovery, then each capability is taken away once.
 */
#pragma once

#include "run.h"

struct learned {
	bool passed, interrupted;
	uint64_t keep;                               /* the answer, or what was kept when it ended */
	uint64_t asked;                              /* denied in a run, and not in the answer */
	uint64_t available;                          /* what this container has */
	struct observed_denial denial[OBSERVE_CAPS]; /* of these, where a call is known */
	unsigned int runs, rounds, ms;
	unsigned int limit_ms;           /* of a run, once one has passed */
	const struct observer *observer; /* of the next round; NULL: none */
	const char *back_end;            /* the name of that of the last round */
	bool filtered;                   /* the config's filter was loaded when the answer was proven */
	bool guessed;                    /* no call told what is missing: all were tried, one by one */
	uint64_t calls[OBSERVE_CALLS / 64], count, lost;
	bool foreign;
	bool changed;       /* files, and no --reset put them back */
	uint64_t uncertain; /* not missed by runs that saw what others had changed, or may have: no observer told */
	struct mem mem;
};

/* "CHOWN, KILL": without CAP_, in MEM. */
const char *learn_names(struct mem *mem, uint64_t set);

/*
 * Says each run on standard error. An interruption, a check that never passes and a proof that fails leave `passed` false.
 * Ends the process with a run's status where that did not even come to the workload.
 */
void learn_search(struct learned *to, const struct run_context *context, uint64_t available);

/*
 * One more run with the answer, under the profile TEXT. OBSERVED: to learn what it asks for, and nothing that the workload has
 * printed is shown.
 */
bool learn_under_profile(struct learned *to, const struct run_context *context, const char *text, bool observed);
