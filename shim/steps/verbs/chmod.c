#include "steps/common/change.h"
#include "steps/common/options.h"

static void chmod_check(const struct step *step, struct problems *problems, const struct node *node)
{
	change_check(step, problems, node);
	if (!change_has_mode(step))
		yaml_problem(problems, node, "\"chmod\" needs \"mode:\", \"file_mode:\" or \"dir_mode:\"");
}

const struct verb verb_chmod = {
	.name = "chmod",
	OPTIONS(CHANGE_OPTIONS),
	.changes_modes = true,
	.act = change_run,
	.check = chmod_check,
	.may_need = MAY_ACT,
};
