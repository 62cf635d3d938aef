#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/options.h"

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
	.act = change_run,
	.check = change_check,
	.needs = chown_needs,
	.may_need = MAY_ACT | CAPABILITY_BIT(CAP_CHOWN),
};
