
#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/change_tree.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/make.h"

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
	/* The top alone: what a step names, later steps name again. */
	if (S_ISDIR(held->now.mode) && (!change->step->recursive || !held->name) && held->now.uid == identity_uid())
		ground_remember(held->fd);
	if (owner_apply(&change->owner, held, change->always) != 0)
		return -1;
	change->cleared += loses_set_id(&held->now);
	/* Its old owner's lists would let him write what is made below: acl(5). */
	if (S_ISDIR(held->now.mode) && change->owner.uid == 0 && held->now.uid != 0)
		return walk_clear_acl(held->fd, 0);
	return 0;
}

static void step_chown(struct setup *setup)
{
	const struct step *step = setup->step;
	struct change change = {
		.setup = setup,
		.step = step,
		.verb = "chown",
		.cap = CAP_CHOWN,
		.differs = chown_differs,
		.apply = chown_apply,
		.by_name = true,
		.may_cross = true,
		.always = owner_is_ambiguous(&step->owner),
		.owner = step->owner,
	};

	change_run(&change);
	if (change.cleared)
		setup_note(setup,
			   "%llu files lost their set-user-ID or set-group-ID bit, as always when the owner changes",
			   (unsigned long long)change.cleared);
}

/* To root goes only what is not root's yet. */
static uint64_t chown_needs(const struct step *step)
{
	bool user = step->owner.uid != 0 && step->owner.uid != ACCOUNTS_NO_ID;
	bool group = step->owner.gid != 0 && step->owner.gid != ACCOUNTS_NO_ID;

	return user || group ? CAPABILITY_BIT(CAP_CHOWN) : 0;
}

static const struct step_option chown_options[] = {
	OPTION("owner", OWNER, owner),
	OPTION_WITH("change_policy", WORD, change_policy, WORDS("always", "on_root_mismatch")),
	CHANGE_OPTIONS,
};

const struct verb verb_chown = {
	.name = "chown",
	OPTIONS(chown_options),
	.owner_is_workload = true,
	.act = step_chown,
	.check = change_check,
	.needs = chown_needs,
	.may_need = MAY_ACT | CAPABILITY_BIT(CAP_CHOWN),
};
