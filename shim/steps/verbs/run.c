#include "steps/common/launch.h"
#include "steps/common/options.h"

static void step_run(struct setup *setup)
{
	(void)!run_to_success(setup, setup->step->items.items);
}

const struct verb verb_run = {
	.name = "run",
	.value = VERB_ARGV,
	OPTIONS(RUN_OPTIONS),
	.runs = true,
	.act = step_run,
	.may_need = CAPABILITY_BIT(CAP_KILL),
};
