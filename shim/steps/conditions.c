#include <errno.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/fd.h"
#include "steps/common/file.h"
#include "steps/common/launch.h"
#include "steps/common/say.h"
#include "steps/steps.h"

/* 1: found. 0: it is not there. -1: it could not be looked at, and that was reported. */
static int look_for(struct setup *setup, const struct condition *condition, struct walk_found *found)
{
	if (walk_find(condition->path, WALK_FOLLOW, found) == 0)
		return 1;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	setup_unreachable(setup, "look at", condition->path, errno, &found->where);
	return -1;
}

/* 1, 0, or -1: the condition could not be evaluated, and that was reported. */
static int holds_exists(struct setup *setup, const struct condition *condition)
{
	struct walk_found found;
	const int there = look_for(setup, condition, &found);

	if (there == 1)
		walk_release(&found);
	return there;
}

/* What does not exist is empty, and holds nothing else: the step that fills it is wanted. */
static int holds_inside(struct setup *setup, const struct condition *condition)
{
	struct walk_found found;
	const int there = look_for(setup, condition, &found);

	if (there != 1)
		return there == 0 ? 1 : -1;
	int holds = condition->kind == WHEN_EMPTY ? file_is_empty(&found) : file_holds_only(&found, &condition->names);
	if (holds < 0)
		setup_failed(setup, "look into", condition->path, errno, CAP_DAC_OVERRIDE);
	walk_release(&found);
	return holds;
}

static int holds_mountpoint(struct setup *setup, const struct condition *condition)
{
	struct walk_found found;
	struct fd_stat stat;
	const int there = look_for(setup, condition, &found);

	if (there != 1)
		return there;
	const int read = fd_statx(found.fd, "", &stat);
	if (read != 0)
		setup_failed(setup, "look at", condition->path, errno, DIAG_NO_CAP);
	walk_release(&found);
	return read == 0 ? stat.mount_begins : -1;
}

static int holds_capability(struct setup *setup, const struct condition *condition)
{
	return (setup->plan->start.effective & CAPABILITY_BIT(condition->capability)) != 0;
}

static int holds_success(struct setup *setup, const struct condition *condition)
{
	int status = run_program(setup, condition->program, condition->program->items.items);

	return status < 0 ? -1 : status == 0;
}

static int holds_any(struct setup *setup, const struct condition *condition)
{
	for (const struct condition_choice *choice = condition->choices; choice; choice = choice->next)
		if (setup_conditions(setup, choice->conditions))
			return 1;
	return 0;
}

bool setup_conditions(struct setup *setup, const struct condition *conditions)
{
	static int (*const holds[])(struct setup *, const struct condition *) = {
		[WHEN_EXISTS] = holds_exists,  [WHEN_EMPTY] = holds_inside,     [WHEN_MOUNTPOINT] = holds_mountpoint,
		[WHEN_CAP] = holds_capability, [WHEN_SUCCEEDS] = holds_success, [WHEN_ONLY] = holds_inside,
		[WHEN_ANY] = holds_any,
	};

	for (const struct condition *c = conditions; c; c = c->next)
		if (holds[c->kind](setup, c) != !c->negate)
			return false;
	return true;
}
