#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/options.h"
#include "steps/common/say.h"

static void step_chown(struct setup *setup)
{
	const struct step *step = setup->step;
	struct change change = {
		.setup = setup,
		.step = step,
		.cap = CAP_CHOWN,
		.always = owner_is_ambiguous(&step->owner),
		.owner = step->owner,
	};

	change_run(&change);
	if (change.cleared)
		setup_note(
			setup,
			"files that lost their set-user-ID or set-group-ID bit, as always when the owner changes: %llu",
			(unsigned long long)change.cleared);
	if (change.uncapable)
		setup_note(
			setup,
			"files that lost their file capabilities, as always when the owner changes (exclude them, or "
			"keep the capabilities by cap_add): %llu",
			(unsigned long long)change.uncapable);
}

/* Only objects that root does not own yet are given to root. The mode is set after the owner, as the new owner. */
static uint64_t chown_needs(const struct step *step)
{
	return (owner_gives(step) || owner_gives_group(step) ? CAPABILITY_BIT(CAP_CHOWN) : 0) |
	       (owner_gives(step) && change_has_mode(step) ? MAY_ACT : 0);
}

const struct verb verb_chown = {
	.name = "chown",
	OPTIONS(OPTION("owner", OWNER, owner),
		OPTION_WITH("change_policy", WORD, change_policy, WORDS("always", "on_root_mismatch")), CHANGE_OPTIONS),
	.owner_is_workload = true,
	.act = step_chown,
	.check = change_check,
	.needs = chown_needs,
	.may_need = MAY_ACT | CAPABILITY_BIT(CAP_CHOWN),
};
