#include <linux/capability.h>

#include "base/capability.h"
#include "steps/common/owner.h"
#include "steps/steps.h"

#define BIT(cap) CAPABILITY_BIT(cap)

/* What root needs in files and directories of others, as a used volume has them. */
#define MAY_SEARCH BIT(CAP_DAC_OVERRIDE)
#define MAY_CHANGE (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER))
#define MAY_REPLACE (MAY_CHANGE | BIT(CAP_CHOWN))

/* A directory of the copy is given away before it is filled. */
static uint64_t needs_copy(const struct step *step)
{
	return owner_needs_making(step) | (step->recursive && owner_gives(step) ? BIT(CAP_DAC_OVERRIDE) : 0);
}

/* To root goes only what is not root's yet. */
static uint64_t needs_chown(const struct step *step)
{
	bool user = step->owner.uid != 0 && step->owner.uid != ACCOUNTS_NO_ID;
	bool group = step->owner.gid != 0 && step->owner.gid != ACCOUNTS_NO_ID;

	return user || group ? BIT(CAP_CHOWN) : 0;
}

static uint64_t needs_mount(const struct step *step)
{
	(void)step;
	return BIT(CAP_SYS_ADMIN);
}

static uint64_t needs_mknod(const struct step *step)
{
	return owner_needs_making(step) | (step->type[0] == 'p' ? 0 : BIT(CAP_MKNOD));
}

const struct verb verb_table[] = {
	{
		.name = "mkdir",
		.options = OPTION_MODE | OPTION_OWNER | OPTION_AS,
		.mode = 0755,
		.act = step_mkdir,
		.check = mkdir_check,
		.needs = owner_needs_mkdir,
		.may_need = MAY_CHANGE | BIT(CAP_FSETID),
	},
	{
		.name = "chown",
		.options = OPTION_OWNER | OPTION_RECURSIVE | OPTION_CHANGE_POLICY | OPTION_EXCLUDE | OPTION_HARDLINKS |
			   OPTION_CROSS_MOUNTS | OPTION_ONLY_IF_EXISTS,
		.act = step_chown,
		.check = chown_check,
		.needs = needs_chown,
		.may_need = MAY_SEARCH | BIT(CAP_CHOWN),
	},
	{
		.name = "chmod",
		.options = OPTION_MODE_CHANGE | OPTION_RECURSIVE | OPTION_FILE_MODE | OPTION_EXCLUDE |
			   OPTION_HARDLINKS | OPTION_ONLY_IF_EXISTS,
		.act = step_chmod,
		.check = chmod_check,
		.may_need = MAY_CHANGE | BIT(CAP_FSETID),
	},
	{
		.name = "write",
		.options = OPTION_CONTENT | OPTION_MODE | OPTION_OWNER | OPTION_IF_EXISTS,
		.required = OPTION_CONTENT,
		.mode = 0644,
		.act = step_write,
		.needs = owner_needs_making,
		.may_need = MAY_REPLACE,
	},
	{
		.name = "copy",
		.options = OPTION_TO | OPTION_MODE | OPTION_OWNER | OPTION_RECURSIVE | OPTION_IF_EXISTS |
			   OPTION_ONLY_IF_EMPTY,
		.required = OPTION_TO,
		.mode = 0644,
		.act = step_copy,
		.check = copy_check,
		.needs = needs_copy,
		.may_need = MAY_REPLACE,
	},
	{
		.name = "symlink",
		.options = OPTION_TARGET | OPTION_FORCE,
		.required = OPTION_TARGET,
		.act = step_symlink,
		.may_need = MAY_CHANGE,
	},
	{
		.name = "remove",
		.options = OPTION_RECURSIVE,
		.globs = true,
		.act = step_remove,
		.check = remove_check,
		.may_need = MAY_CHANGE,
	},
	{
		.name = "template",
		.options = OPTION_TO | OPTION_MODE | OPTION_OWNER | OPTION_TEMPLATE,
		.required = OPTION_TO,
		.mode = 0644,
		.act = step_template,
		.check = template_check,
		.needs = owner_needs_making,
		.may_need = MAY_REPLACE,
	},
	{
		.name = "mount",
		.options = OPTION_MOUNT,
		.act = step_mount,
		.check = mount_check,
		.needs = needs_mount,
		.may_need = MAY_SEARCH,
	},
	{
		.name = "sysctl",
		.value = VERB_MAP,
		.act = step_sysctl,
		.check = sysctl_check,
	},
	{
		.name = "mknod",
		.options = OPTION_DEVICE | OPTION_MODE | OPTION_OWNER,
		.mode = 0644,
		.act = step_mknod,
		.check = mknod_check,
		.needs = needs_mknod,
		.may_need = MAY_CHANGE,
	},
	{
		.name = "wait_for",
		.value = VERB_TARGETS,
		.options = OPTION_TIMEOUT | OPTION_NONEMPTY,
		.act = step_wait_for,
		.check = wait_for_check,
	},
	{
		.name = "run",
		.value = VERB_ARGV,
		.options = OPTION_RUN | OPTION_TIMEOUT,
		.act = step_run,
		.may_need = BIT(CAP_KILL),
	},
	{
		.name = "run_dir",
		.options = OPTION_RUN | OPTION_TIMEOUT | OPTION_MATCH,
		.act = step_run_dir,
		.may_need = BIT(CAP_KILL),
	},
	{.name = NULL},
};
