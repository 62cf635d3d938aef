#include "steps/common/launch.h"
#include "steps/verb.h"

void step_run(struct setup *setup, const struct step *step)
{
	(void)!run_to_success(setup, step, step->items.items);
}
