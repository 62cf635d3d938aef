#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "steps/common/change.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/make.h"

/* Other runs are in the way once or twice; an owner of the ground who removes the node may be so for ever. */
#define TRIES_MAX 16

static mode_t type_of(const struct step *step)
{
	return step->type[0] == 'c' ? S_IFCHR : step->type[0] == 'b' ? S_IFBLK : S_IFIFO;
}

static bool is_same_device(const struct step *step, const struct stat *stat)
{
	mode_t type = type_of(step);

	return (stat->st_mode & S_IFMT) == type &&
	       (type == S_IFIFO || stat->st_rdev == makedev(step->major, step->minor));
}

/* Gives the node the mode and owner that it should have; all of them if it was just MADE. */
static bool settle(struct setup *setup, const char *path, const struct walk_found *at, bool made)
{
	const struct step *step = setup->step;
	struct owner owner = step->owner;
	struct stat stat;

	if (fd_fstat(at->fd, &stat) != 0)
		return setup_failed(setup, "mknod", path, errno, CAP_MKNOD);
	/* No config gives a node mode 0: a killed run left it after giving it away. */
	bool left = (stat.st_mode & 07777) == 0;
	/* Another run has put its own in its place. */
	made &= left || !at->ground.foreign || stat.st_uid == identity_uid();
	made |= left && stat.st_uid == owner.uid;
	if (made && owner.uid == ACCOUNTS_NO_ID)
		owner.uid = stat.st_uid;
	if (made && owner.gid == ACCOUNTS_NO_ID)
		owner.gid = ground_group(owner.uid);

	if (!is_same_device(step, &stat))
		return setup_refused(setup, "mknod", path, "it exists and is something else");
	if (!made && owner.uid != ACCOUNTS_NO_ID && owner.uid != stat.st_uid && stat.st_uid != geteuid())
		return setup_refused(setup, "mknod", path, "it is uid %u's, who may hold it open: remove it first",
				     stat.st_uid);
	return change_settle(setup, path, at, made || step->mode_written ? step->mode : KEEP_MODE, &owner, made);
}

static int open_node(const struct walk_found *at)
{
	return fd_openat(at->parent, at->name, O_PATH | O_NOFOLLOW);
}

/*
 * Did a killed run leave the node before giving it away? It is made anew, because on foreign ground another process may hold
 * such a node open.
 */
static bool is_left(const struct stat *now)
{
	return (now->st_mode & 07777) == 0 && now->st_uid == identity_uid() &&
	       (S_ISFIFO(now->st_mode) || S_ISCHR(now->st_mode) || S_ISBLK(now->st_mode));
}

/* Makes the node AT, unless it is there. */
static bool make_node(struct setup *setup, const char *path, struct walk_found *at)
{
	const struct step *step = setup->step;
	bool made = false;

	if (at->fd >= 0 && is_left(&at->stat)) {
		(void)unlinkat(at->parent, at->name, 0);
		close(at->fd);
		at->fd = open_node(at);
	}
	const dev_t device = type_of(step) == S_IFIFO ? 0 : makedev(step->major, step->minor);
	/* Another run may be faster; or take the new node for one that is left, and remove it. */
	for (int tries = 0; at->fd < 0 && (tries == 0 || (errno == ENOENT && tries < TRIES_MAX)); tries++) {
		/* Mode 0, so that others cannot open it before it has its owner. */
		made = mknodat(at->parent, at->name, type_of(step), device) == 0;
		if (!made && errno != EEXIST)
			return setup_failed(setup, "mknod", path, errno, errno == EPERM ? CAP_MKNOD : CAP_DAC_OVERRIDE);
		at->fd = open_node(at);
	}
	if (ground_is_given(&at->ground, at->parent) && ground_act(&at->ground) != 0)
		return setup_failed(setup, "mknod", path, errno, DIAG_NO_CAP);
	if (made && at->fd >= 0 && walk_disinherit(at->fd, at->parent) != 0) {
		/* Otherwise the next start would take it for complete. */
		fd_unlink(at->parent, at->name);
		return setup_failed(setup, "take the access control list from", path, errno, DIAG_NO_CAP);
	}
	if (at->fd < 0)
		return setup_failed(setup, "mknod", path, errno, CAP_DAC_OVERRIDE);
	return settle(setup, path, at, made);
}

static bool step_mknod(struct setup *setup, const char *path)
{
	return setup_at(setup, "mknod", path, WALK_MAKE | WALK_NEW | WALK_PARENTS, make_node);
}

static void mknod_check(const struct step *step, struct problems *problems, const struct node *node)
{
	bool numbers = yaml_get(node, "major") && yaml_get(node, "minor");

	if (!step->type)
		yaml_problem(problems, node, "\"mknod\" needs \"type:\" c, b or p");
	else if (type_of(step) != S_IFIFO && !numbers)
		yaml_problem(problems, node, "a device needs \"major:\" and \"minor:\"");
}

static uint64_t mknod_needs(const struct step *step)
{
	return owner_needs(step) | (!step->type || step->type[0] == 'p' ? 0 : CAPABILITY_BIT(CAP_MKNOD));
}

const struct verb verb_mknod = {
	.name = "mknod",
	OPTIONS(OPTION_WITH("type", CHOICE, type, WORDS("c", "b", "p")),
		OPTION_WITH("major", NUMBER, major, .max = 4095), OPTION_WITH("minor", NUMBER, minor, .max = 1048575),
		MAKE_OPTIONS),
	.mode = 0644,
	.act_on = step_mknod,
	.check = mknod_check,
	.needs = mknod_needs,
	.may_need = MAY_ACT,
};
