/*
 * The run of the steps, and of the one at hand.
 */
#ifndef CAPSHIM_STEPS_SETUP_H
#define CAPSHIM_STEPS_SETUP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "plan.h"
#include "steps/step.h"

struct setup {
	const struct plan *plan;
	const struct step *step;
	size_t failures;             /* of this step, where on_error or try_setup goes on */
	size_t warnings;             /* said of this step */
	uint64_t changed, same;      /* for the trace: what it did, what it found already done */
	struct timespec begin, said; /* monotonic; for the trace and the progress lines */
	struct mem mem;              /* of this step: released when it ends */
};

#endif
