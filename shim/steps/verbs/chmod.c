#include <errno.h>

#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/change_tree.h"
#include "steps/common/mode.h"
#include "steps/common/options.h"
#include "walk/ground.h"

/* What the step wants of this one, or NULL: a link has no mode of its own. */
static const struct mode_change *wanted(const struct step *step, mode_t mode)
{
	const struct mode_change *special = S_ISDIR(mode) ? &step->dir_mode : &step->file_mode;

	if (S_ISLNK(mode))
		return NULL;
	if (special->set)
		return special;
	return step->change.set ? &step->change : NULL;
}

static bool chmod_differs(const struct change *change, const struct fd_stat *now)
{
	const struct mode_change *want = wanted(change->step, now->mode);

	return want && mode_apply(want, now->mode, S_ISDIR(now->mode)) != (now->mode & 07777);
}

static int chmod_apply(struct change *change, const struct held *held)
{
	const struct mode_change *want = wanted(change->step, held->now.mode);
	mode_t mode = mode_apply(want, held->now.mode, S_ISDIR(held->now.mode));

	struct fd_stat now;

	if (ground_chmod(held->fd, held->parent, held->name, held->now.uid, IDENTITY_NO_ID, mode) != 0)
		return -1;
	if (!(mode & 06000) || fd_statx(held->fd, "", &now) != 0 || (now.mode & 07777) == mode)
		return 0;
	errno = EOPNOTSUPP; /* of a group that the owner is not in: chmod(2) takes the bit away silently */
	return -1;
}

static void step_chmod(struct setup *setup)
{
	const struct step *step = setup->step;
	struct change change = {
		.setup = setup,
		.step = step,
		.verb = "chmod",
		.cap = CAP_FOWNER,
		.differs = chmod_differs,
		.apply = chmod_apply,
	};

	change_run(&change);
}

static void chmod_check(const struct step *step, struct problems *problems, const struct node *node)
{
	change_check(step, problems, node);
	if (!step->change.set && !step->file_mode.set && !step->dir_mode.set)
		yaml_problem(problems, node, "\"chmod\" needs \"mode:\", \"file_mode:\" or \"dir_mode:\"");
}

static const struct step_option chmod_options[] = {
	OPTION("mode", CHANGE, change),
	OPTION("file_mode", CHANGE, file_mode),
	OPTION("dir_mode", CHANGE, dir_mode),
	CHANGE_OPTIONS,
};

const struct verb verb_chmod = {
	.name = "chmod",
	OPTIONS(chmod_options),
	.changes_modes = true,
	.act = step_chmod,
	.check = chmod_check,
	.may_need = MAY_ACT,
};
