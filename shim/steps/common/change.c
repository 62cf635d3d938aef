#include "steps/common/change.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "steps/common/say.h"
#include "steps/verb.h"
#include "walk/make.h"

#define HARD_LINK_TEXT "it has %u names (hard links), and one may lie elsewhere"

/* Names of other places that a user may have given to a file of root's: fs.protected_hardlinks may be off. */
static bool is_hard_link(const struct fd_stat *now)
{
	return !S_ISDIR(now->mode) && now->nlink > 1;
}

void change_not_kept(struct setup *setup, const char *verb, const char *path, const struct fd_stat *now)
{
	setup_refused(setup, verb, path, "the file system did not keep it: it reads uid %u, gid %u, mode %04o",
		      now->uid, now->gid, (unsigned int)now->mode & 07777);
}

bool change_is_due(const struct change *change, const struct fd_stat *now)
{
	return change->always || change->differs(change, now);
}

void change_failed(struct change *change, const char *path, int err)
{
	if (err == EOPNOTSUPP)
		setup_refused(
			change->setup, change->verb, path,
			"the file system did not keep it (a set-group-ID bit needs a group that the owner is in, or "
			"CAP_FSETID)");
	else
		setup_failed(change->setup, change->verb, path, err, err == EACCES ? CAP_DAC_OVERRIDE : change->cap);
}

bool change_held(struct change *change, const struct held *held)
{
	if (!change_is_due(change, &held->now)) {
		change->setup->same++;
		return false;
	}
	if (is_hard_link(&held->now) && change->step->hardlinks == HARDLINKS_SKIP) {
		change->links++;
		return false;
	}
	if (is_hard_link(&held->now) && change->step->hardlinks == HARDLINKS_REFUSE) {
		setup_refused(change->setup, change->verb, held->path, HARD_LINK_TEXT, held->now.nlink);
		return false;
	}
	if (change->apply(change, held) != 0) {
		change_failed(change, held->path, errno);
		return false;
	}
	change->setup->changed++;
	return true;
}

/* The owner first: a change of owner takes set-id bits away, chown(2). Then the mode, as the new owner. */
static bool settle_held(struct setup *setup, const struct held *held, mode_t mode, const struct owner *owner)
{
	const struct fd_stat *now = &held->now;
	bool always = owner_is_ambiguous(owner);
	uint32_t uid = owner->uid == ACCOUNTS_NO_ID ? now->uid : owner->uid;

	if (owner_differs(owner, now) || always) {
		if (S_ISDIR(now->mode) && uid != now->uid)
			ground_remember(held->fd);
		if (owner_apply(owner, held, always) != 0) {
			setup_failed(setup, "chown", held->path, errno, CAP_CHOWN);
			return false;
		}
		/* The old owner's, which would be handed down to all that is made below. Afterwards: he could set it again. */
		if (S_ISDIR(now->mode) && uid != now->uid && now->uid != geteuid() &&
		    walk_clear_acl(held->fd, uid) != 0) {
			setup_failed(setup, "clear the access control list of", held->path, errno,
				     errno == EPERM ? CAP_FOWNER : CAP_DAC_OVERRIDE);
			return false;
		}
	}
	if (mode != (now->mode & 07777) &&
	    ground_chmod(held->fd, held->parent, held->name, uid, owner->gid, mode) != 0) {
		setup_failed(setup, "chmod", held->path, errno, CAP_FOWNER);
		return false;
	}
	return true;
}

void change_settle(struct setup *setup, const struct held *held, const struct ground *ground, mode_t mode,
		   const struct owner *owner, bool made)
{
	const struct stat plain = fd_plain(&held->now);
	struct fd_stat now = held->now;

	if (mode == KEEP_MODE)
		mode = now.mode & 07777;
	if (!owner_differs(owner, &now) && !owner_is_ambiguous(owner) && mode == (now.mode & 07777)) {
		*(made ? &setup->changed : &setup->same) += 1;
		return;
	}
	if (is_hard_link(&now)) {
		setup_refused(setup, "change", held->path, HARD_LINK_TEXT, now.nlink);
		return;
	}
	if (!ground_may_give(ground, &plain)) {
		setup_refused(setup, "change", held->path, CHANGE_NOT_GIVEN, now.uid);
		return;
	}
	if (!settle_held(setup, held, mode, owner))
		return;
	if (fd_statx(held->fd, "", &now) != 0 || owner_differs(owner, &now) || mode != (now.mode & 07777))
		change_not_kept(setup, "change", held->path, &now);
	else
		setup->changed++;
}

void change_check(const struct step *step, struct problems *problems, const struct node *node)
{
	for (size_t i = 0; i < step->items.count; i++)
		if (step->recursive && step->items.items[i][strspn(step->items.items[i], "/")] == '\0')
			yaml_problem(problems, node, "\"%s: /\" cannot be recursive: name the directories",
				     step->verb->name);
}
