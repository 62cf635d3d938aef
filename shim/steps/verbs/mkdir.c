#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/process.h"
#include "privilege/drop.h"
#include "privilege/verify.h"
#include "steps/common/change.h"
#include "steps/common/end.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "steps/common/temporary.h"
#include "walk/make.h"

/* The exit status of the process that makes directories as the workload. */
enum making { OUTCOME_SAME = 0, OUTCOME_FAILED = 1, OUTCOME_CHANGED = 2 };

/* The capability to name in messages: the workload is not meant to have one. */
static int cap_of(const struct step *step)
{
	return step->as ? DIAG_NO_CAP : CAP_DAC_OVERRIDE;
}

/* Counts a directory that was made, or reports that it was not: RESULT is negative. */
static bool count_made(struct setup *setup, const char *path, int result)
{
	if (result < 0)
		return setup_failed(setup, "mkdir", path, errno, errno == EPERM ? CAP_CHOWN : cap_of(setup->step));
	setup->changed++;
	return true;
}

/*
 * Is it as one that this step has just made for another user than the identity, empty and writable by that user alone? Then it
 * also loses its lists, and what a run that was killed has begun in there is completed.
 */
static bool is_as_made(const struct walk_found *found, const struct owner *owner)
{
	const struct stat *now = &found->stat;

	if (!found->ground.foreign || now->st_uid != owner->uid || now->st_mode & (S_IWGRP | S_IWOTH) ||
	    ground_may_have_moved(&found->ground, found->parent, found->fd))
		return false;
	const struct ground_acted was = ground_become(now->st_uid, IDENTITY_NO_ID);
	const bool alone = temporary_is_alone(found->fd);
	ground_back(&was);
	return alone && walk_clear_acl(found->fd, found->parent, found->name, now->st_uid) == 0;
}

/*
 * An existing directory gets the mode and the owner that are written, and nothing else. What a killed run has left is
 * completed.
 */
static bool enforce(struct setup *setup, const char *path, const struct walk_found *found)
{
	const struct step *step = setup->step;
	const struct owner *owner = &step->owner;
	const int unfinished = walk_is_unfinished(found->fd, &found->stat, owner->uid);

	if (!S_ISDIR(found->stat.st_mode))
		return setup_refused(setup, "mkdir", path, "it exists and is no directory");
	if (unfinished < 0)
		return setup_failed(setup, "mkdir", path, errno, cap_of(step));
	if (owner->uid != ACCOUNTS_NO_ID && owner->uid != identity_uid() &&
	    (unfinished > 0 || is_as_made(found, owner)))
		ground_remember(found->fd);
	if (unfinished > 0)
		return count_made(setup, path,
				  walk_finish(found->fd, found->parent, found->name, step->mode, owner->uid,
					      owner->gid));
	return change_settle(setup, path, found, step->mode_written ? step->mode : KEEP_MODE, owner, false);
}

static bool make_one(struct setup *setup, const char *path)
{
	const struct step *step = setup->step;
	struct walk_found found;

	for (bool again = true;; again = false) {
		if (walk_find(path, WALK_TARGET, &found) != 0)
			return setup_unreachable(setup, "mkdir", path, errno == ENOLINK ? EEXIST : errno, &found.where);
		if (found.fd >= 0) {
			bool done = enforce(setup, path, &found);
			walk_release(&found);
			return done;
		}
		int fd = walk_mkdir(found.parent, found.name, step->mode, step->owner.uid, step->owner.gid);
		walk_release(&found);
		fd_close(fd);
		if (fd >= 0 || !again || (errno != EEXIST && errno != ESTALE))
			return count_made(setup, path, fd);
		/* Another run was faster. */
	}
}

static void make_all(struct setup *setup)
{
	for (size_t i = 0; i < setup->step->items.count; i++)
		(void)make_one(setup, setup->step->items.items[i]);
}

/*
 * As the workload and without any capability: on a server that squashes root, or a FUSE mount that refuses root, only
 * the owner can make anything. In a process of its own, with the same drop and proof as the workload's.
 */
static void make_as_workload(struct setup *setup)
{
	struct privileges want = setup->plan->workload;
	int status = SIGKILL; /* killed, unless waitpid(2) says otherwise */

	want.keep = 0;
	const char *why = drop_plan(&want, &setup->plan->start, &setup->mem);
	if (why) {
		setup_refused(setup, "become", "the workload's user", "%s", why);
		return;
	}
	pid_t pid = process_fork();
	if (pid == 0) {
		drop_privileges(&want, &setup->plan->start);
		verify_privileges(&want);
		make_all(setup);
		_exit(setup->failures ? OUTCOME_FAILED : setup->changed ? OUTCOME_CHANGED : OUTCOME_SAME);
	}
	while (pid > 0 && waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
		;
	if (pid < 0) {
		setup_failed(setup, "fork", "mkdir", errno, DIAG_NO_CAP);
	} else if (!WIFEXITED(status)) {
		/* Or stopped, by another process of that user, which need not continue it. */
		if (end_children() != 0)
			diag_cannot("end", "mkdir", errno, CAP_KILL);
		setup_refused(setup, "mkdir", setup_subject(setup), "the process that did it was killed");
	} else if (WEXITSTATUS(status) > OUTCOME_CHANGED) {
		_exit(WEXITSTATUS(status)); /* the process has reported why */
	} else if (WEXITSTATUS(status) == OUTCOME_FAILED) {
		setup->failures++; /* the process has reported it */
	} else if (WEXITSTATUS(status) == OUTCOME_CHANGED) {
		setup->changed++;
	} else {
		setup->same++;
	}
}

static void step_mkdir(struct setup *setup)
{
	if (setup->step->as && !setup->plan->nonroot)
		make_as_workload(setup);
	else
		make_all(setup);
}

static void mkdir_check(const struct step *step, struct problems *problems, const struct node *node)
{
	if (step->mode == WALK_UNFINISHED)
		yaml_problem(problems, yaml_get(node, "mode"), WALK_UNFINISHED_REFUSED, WALK_UNFINISHED);
	if (step->as && step->owner_written)
		yaml_problem(problems, yaml_get(node, "owner"),
			     "what is made \"as: workload\" belongs to the workload: leave \"owner\" out");
}

const struct verb verb_mkdir = {
	.name = "mkdir",
	OPTIONS(MAKE_OPTIONS, OPTION_WITH("as", CHOICE, as, WORDS("workload"))),
	.mode = 0755,
	.act = step_mkdir,
	.check = mkdir_check,
	.needs = owner_needs,
	.may_need = MAY_ACT,
};
