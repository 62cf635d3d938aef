#include <errno.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "steps/common/file.h"
#include "steps/common/launch.h"
#include "steps/common/say.h"
#include "steps/steps.h"

/* 1, 0, or -1: the condition could not be evaluated, and that was reported. */
static int holds_path(struct setup *setup, const struct condition *condition)
{
	const bool inside = condition->kind == WHEN_EMPTY || condition->kind == WHEN_ONLY;
	struct walk_found found;
	struct fd_stat stat;
	int holds = 1;

	if (walk_find(condition->path, WALK_FOLLOW, &found) != 0) {
		/* What does not exist is empty, and holds nothing else: the step that fills it is wanted. */
		if (errno == ENOENT || errno == ENOTDIR)
			return inside;
		setup_unreachable(setup, "look at", condition->path, errno, &found.where);
		return -1;
	}
	if (condition->kind == WHEN_MOUNTPOINT)
		holds = fd_statx(found.fd, "", &stat) == 0 ? stat.mount_begins : -1;
	else if (condition->kind == WHEN_EMPTY)
		holds = file_is_empty(&found);
	else if (condition->kind == WHEN_ONLY)
		holds = file_holds_only(&found, &condition->names);
	if (holds < 0)
		setup_failed(setup, inside ? "look into" : "look at", condition->path, errno,
			     inside ? CAP_DAC_OVERRIDE : DIAG_NO_CAP);
	walk_release(&found);
	return holds;
}

static int holds_any(struct setup *setup, const struct condition *condition)
{
	for (const struct condition_choice *choice = condition->choices; choice; choice = choice->next)
		if (setup_conditions(setup, choice->conditions))
			return 1;
	return 0;
}

static int condition_holds(struct setup *setup, const struct condition *condition)
{
	int status;

	switch (condition->kind) {
	case WHEN_CAP:
		return (setup->plan->start.effective & condition->capability) != 0;
	case WHEN_SUCCEEDS:
		status = run_program(setup, condition->program, condition->program->items.items);
		return status < 0 ? -1 : status == 0;
	case WHEN_ANY:
		return holds_any(setup, condition);
	default:
		return holds_path(setup, condition);
	}
}

bool setup_conditions(struct setup *setup, const struct condition *conditions)
{
	for (const struct condition *c = conditions; c; c = c->next)
		if (condition_holds(setup, c) != !c->negate)
			return false;
	return true;
}
