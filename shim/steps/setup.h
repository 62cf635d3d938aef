/* The run of the steps, and the state of the current one. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "plan.h"
#include "steps/step.h"

struct setup {
	const struct plan *plan;
	const struct step *step;
	size_t failures;             /* of this step, if on_error or try_setup lets it go on */
	uint64_t changed, same;      /* for the trace: what the step did, and what was done already */
	struct timespec begin, said; /* monotonic; for the trace and the progress lines */
	struct mem mem;              /* of this step: released when it ends */
};
