
#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/change_tree.h"
#include "steps/common/say.h"
#include "steps/verb.h"

/* A link of somebody else's stays his: as root's, steps would follow it. */
static bool stays(const struct change *change, const struct fd_stat *now)
{
	return S_ISLNK(now->mode) && change->owner.uid == 0 && now->uid != 0;
}

static bool chown_differs(const struct change *change, const struct fd_stat *now)
{
	return !stays(change, now) && owner_differs(&change->owner, now);
}

/* The kernel clears these when the owner changes, for root as well: chown(2). */
static bool loses_set_id(const struct fd_stat *now)
{
	return S_ISREG(now->mode) &&
	       ((now->mode & S_ISUID) || (now->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP));
}

static int chown_apply(struct change *change, const struct held *held)
{
	if (stays(change, &held->now)) /* what always is due comes here as well */
		return 0;
	if (owner_apply(&change->owner, held, change->always) != 0)
		return -1;
	change->cleared += loses_set_id(&held->now);
	return 0;
}

void step_chown(struct setup *setup, const struct step *step)
{
	struct change change = {
		.setup = setup,
		.step = step,
		.verb = "chown",
		.cap = CAP_CHOWN,
		.differs = chown_differs,
		.apply = chown_apply,
		.by_name = true,
		.always = owner_is_ambiguous(&step->owner),
		.owner = step->owner,
	};

	change_run(&change);
	if (change.cleared)
		setup_note(setup,
			   "%llu files lost their set-user-ID or set-group-ID bit, as always when the owner changes",
			   (unsigned long long)change.cleared);
}

void chown_check(const struct step *step, struct problems *problems, const struct node *node)
{
	change_check(step, problems, node);
}
