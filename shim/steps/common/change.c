#include "steps/common/change.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "steps/common/mode.h"
#include "steps/common/say.h"
#include "steps/verb.h"
#include "walk/held.h"
#include "walk/make.h"
#include "walk/rule.h"

#define HARD_LINK_TEXT "it has %u names (hard links), and one may lie elsewhere"

/* Files that a user may have linked from another place: fs.protected_hardlinks may be off. */
static bool is_hard_link(const struct fd_stat *now)
{
	return !S_ISDIR(now->mode) && now->nlink > 1;
}

bool change_not_kept(struct setup *setup, const char *verb, const char *path, const struct fd_stat *now)
{
	return setup_refused(setup, verb, path, "the file system did not keep it: it reads uid %u, gid %u, mode %04o",
			     now->uid, now->gid, (unsigned int)now->mode & 07777);
}

bool change_has_moved(struct setup *setup, const char *verb, const char *path, const struct ground *at, int parent,
		      int fd)
{
	return !setup->step->cross_mounts && ground_may_have_moved(at, parent, fd) &&
	       !setup_refused(setup, verb, path, CHANGE_MOVED, "");
}

bool change_has_mode(const struct step *step)
{
	return step->change.set || step->file_mode.set || step->dir_mode.set;
}

/*
 * The mode that the step wants, or the present one. A link has no mode of its own. A file of root's does not become set-id where
 * others could have made it, or moved it there.
 */
static mode_t wanted_mode(const struct change *change, const struct fd_stat *now)
{
	const struct step *step = change->step;
	const bool directory = S_ISDIR(now->mode);
	const bool roots = change->owner.uid == 0 || (change->owner.uid == ACCOUNTS_NO_ID && now->uid == 0);
	const struct mode_change *want = directory ? &step->dir_mode : &step->file_mode;

	if (!want->set)
		want = &step->change;
	if (!want->set || S_ISLNK(now->mode))
		return now->mode & 07777;
	/* A set-group-ID bit without group execution does nothing, and chown(2) leaves it: "g+x" must not complete it. */
	const mode_t idle = directory || now->mode & S_IXGRP ? 0 : S_ISGID;
	const mode_t mode = mode_apply(want, now->mode & ~idle, directory);
	/*
	 * The mode marks a directory that a killed run has not completed: clauses that add rights, or take the owner's, would spoil the
	 * mark for the step that does. Its owner can mark any directory, so the rights of others go.
	 */
	if (directory && !want->octal && ((now->mode & 05777) == WALK_UNFINISHED || (now->mode & 04722) == 04700))
		return now->mode & (mode | 05700) & 07777;
	return roots && !directory && ground_is_foreign() ? mode & (now->mode | ~(mode_t)06000) : mode;
}

/* A link owned by another user keeps its owner: later steps would follow it if root owned it. */
static bool stays(const struct change *change, const struct fd_stat *now)
{
	return S_ISLNK(now->mode) && change->owner.uid == 0 && now->uid != 0;
}

bool change_differs(const struct change *change, const struct fd_stat *now)
{
	return (!stays(change, now) && owner_differs(&change->owner, now)) ||
	       wanted_mode(change, now) != (now->mode & 07777);
}

bool change_is_due(const struct change *change, const struct fd_stat *now)
{
	return change->always || change_differs(change, now);
}

bool change_opens(const struct change *change, const struct fd_stat *now)
{
	return (change->owner.uid != 0 || now->uid == 0) &&
	       (owner_differs(&change->owner, now) || wanted_mode(change, now) & ~now->mode);
}

static bool failed(struct setup *setup, const char *verb, int cap, const char *path, int err)
{
	if (err != EOPNOTSUPP)
		return setup_failed(setup, verb, path, err, err == EACCES ? CAP_DAC_OVERRIDE : cap);
	return setup_refused(
		setup, verb, path,
		"the file system did not keep it (a set-group-ID bit needs a group that the owner is in, or CAP_FSETID)");
}

bool change_failed(struct change *change, const char *path, int err)
{
	const struct verb *verb = change->step->verb;

	return failed(change->setup, verb->name, verb->changes_modes ? CAP_FOWNER : CAP_CHOWN, path, err);
}

/* With its owner a file loses these bits: its old owner chose what it does. */
static bool has_set_id(const struct fd_stat *now)
{
	return !S_ISDIR(now->mode) && now->mode & 06000;
}

/*
 * To the kernel that is a chmod(2), so it refuses the chown(2) to anybody but the owner; and it leaves a set-group-ID bit
 * without group execution, which a mode of this step or a later one could complete.
 */
static int drop_set_id(const struct held *held, struct fd_stat *now)
{
	if (!has_set_id(now))
		return 0;
	now->mode &= ~(uint32_t)06000;
	return ground_chmod(held->fd, held->parent, held->name, now->uid, IDENTITY_NO_ID, now->mode & 07777);
}

/*
 * Changes the owner of what is held. An old owner that the user namespace does not map is nobody to act as. CLEARS: the old
 * owner's access control lists, which would let that user write the file, or what is made below, go; before, so that a run
 * that ends in between leaves none, and again after, because until then the old owner could set them. *CAP is what a failure
 * needs.
 */
static int give(const struct held *held, const struct owner *owner, bool always, bool clears, int *cap)
{
	struct fd_stat now = held->now;
	const struct owner old = {now.uid, ACCOUNTS_NO_ID};
	uint64_t effective;

	*cap = CAP_FOWNER;
	(void)identity_now(&effective);
	/* With CAP_CHOWN alone only afterwards. */
	const bool may = identity_can_change() || effective & CAPABILITY_BIT(CAP_FOWNER);
	const bool known = !owner_is_ambiguous(&old);
	/* An open file shows its list soonest, and without /proc it must be open: the new owner may not reach its name. */
	int in = clears && known && S_ISREG(now.mode) ? walk_reopen(held->fd, held->parent, held->name, O_RDONLY) : -1;
	if (in < 0 && clears && known && walk_has_acl(held->fd) < 0) {
		const struct ground_acted was = ground_become(now.uid, IDENTITY_NO_ID);
		in = walk_reopen(held->fd, held->parent, held->name, O_RDONLY);
		ground_back(&was);
	}
	const int fd = in < 0 ? held->fd : in;
	int result = clears && may && known ? walk_clear_acl(fd, held->parent, held->name, now.uid) : 0;
	if (result == 0 && has_set_id(&now) && known)
		result = drop_set_id(held, &now);
	if (result == 0) {
		*cap = CAP_CHOWN;
		result = owner_apply(owner, held, always);
	}
	if (result == 0 && clears)
		result = walk_clear_acl(fd, held->parent, held->name, owner->uid);
	fd_close(in);
	return result;
}

bool change_clears(const struct change *change, const struct fd_stat *now)
{
	return !S_ISLNK(now->mode) && change->owner.uid == 0 && now->uid != 0;
}

/* File capabilities go as well. Read before, and best effort: it is only told. */
static bool has_capabilities(const struct held *held)
{
	if (!S_ISREG(held->now.mode) || !(held->now.mode & 0111))
		return false;
	const int fd = held->fd < 0 ? fd_openat(held->parent, held->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
				    : walk_reopen(held->fd, held->parent, held->name, O_RDONLY);
	const bool has = fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) >= 0;
	fd_close(fd);
	return has;
}

static int set_mode(const struct change *change, const struct held *held, uint32_t uid, mode_t mode)
{
	struct fd_stat now;

	if (ground_chmod(held->fd, held->parent, held->name, uid, change->owner.gid, mode) != 0)
		return -1;
	if (!(mode & 06000))
		return 0;
	if (fd_statx(held->fd, "", &now) != 0)
		return -1;
	if ((now.mode & 07777) == mode)
		return 0;
	return fd_fail(EOPNOTSUPP); /* of a group that the owner is not in: chmod(2) clears the bit silently */
}

/* The owner first, because that clears set-id bits. Then the mode, as the new owner, from the mode that is left. */
static bool change_apply(struct change *change, const struct held *held)
{
	struct fd_stat now = held->now;
	const bool gives = !stays(change, &now) && (change->always || owner_differs(&change->owner, &now));
	const bool modes = change_has_mode(change->step);
	int cap;

	change->uncapable += gives && has_capabilities(held);
	/* Only the top: a path that a step names may be named again by later steps. */
	if (gives && S_ISDIR(now.mode) && (!change->step->recursive || !held->name) && now.uid == identity_uid())
		ground_remember(held->fd);
	if (gives && give(held, &change->owner, change->always, change_clears(change, &now), &cap) != 0)
		return failed(change->setup, "chown", cap, held->path, errno);
	if (gives && (modes || has_set_id(&now)) && (fd_statx(held->fd, "", &now) != 0 || drop_set_id(held, &now) != 0))
		return failed(change->setup, "chmod", CAP_FOWNER, held->path, errno);
	const mode_t mode = wanted_mode(change, &now);
	const uint32_t uid = change->owner.uid == ACCOUNTS_NO_ID ? now.uid : change->owner.uid;
	change->cleared += gives && has_set_id(&held->now) && !(modes && mode & 06000);
	if (!modes || mode == (now.mode & 07777) || set_mode(change, held, uid, mode) == 0)
		return true;
	return failed(change->setup, "chmod", CAP_FOWNER, held->path, errno);
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
	if (is_hard_link(&held->now) && change->step->hardlinks == HARDLINKS_REFUSE)
		return setup_refused(change->setup, change->step->verb->name, held->path, HARD_LINK_TEXT,
				     held->now.nlink);
	if (!change_apply(change, held))
		return false;
	change->setup->changed++;
	return true;
}

/*
 * The mode first in a directory of the identity's: what a run that ends in between leaves must still be allowed to be given
 * away. Otherwise last: chown(2) clears the set-id bits of a file, and a node without a mode is not finished.
 */
static bool settle_held(struct setup *setup, const struct held *held, mode_t mode, const struct owner *owner)
{
	const struct fd_stat *now = &held->now;
	const bool always = owner_is_ambiguous(owner);
	bool due = mode != (now->mode & 07777);
	struct fd_stat after;
	const bool gives = owner_differs(owner, now) || always;
	const bool first = gives && S_ISDIR(now->mode) && now->uid == identity_uid();
	const uint32_t uid = owner->uid == ACCOUNTS_NO_ID ? now->uid : owner->uid;
	int cap;

	if (due && first && ground_chmod(held->fd, held->parent, held->name, now->uid, now->gid, mode) != 0)
		return setup_failed(setup, "chmod", held->path, errno, CAP_FOWNER);
	const bool other = gives && uid != now->uid;
	if (other && S_ISDIR(now->mode))
		ground_remember(held->fd);
	if (gives && give(held, owner, always, other && now->uid != 0, &cap) != 0) {
		const int err = errno;
		if (due && first)
			(void)!ground_chmod(held->fd, held->parent, held->name, now->uid, now->gid, now->mode & 07777);
		return setup_failed(setup, "chown", held->path, err, cap);
	}
	if (gives && S_ISDIR(now->mode) && !first) /* until now its old owner could set it */
		due = fd_statx(held->fd, "", &after) != 0 || mode != (after.mode & 07777);
	if (due && !first && ground_chmod(held->fd, held->parent, held->name, uid, owner->gid, mode) != 0)
		return setup_failed(setup, "chmod", held->path, errno, CAP_FOWNER);
	return true;
}

/*
 * The mode of what exists, where none is written. Who had a directory before it became root's chose who may write to it, so it
 * loses these rights, also if it became root's in a run that was killed. A mount of root's, or a directory of root's on a
 * read-only one, keeps them: others had no say in them.
 */
static mode_t kept_mode(const struct owner *written, const struct walk_found *found, const struct fd_stat *now)
{
	const mode_t mode = now->mode & 07777;
	const struct stat plain = fd_plain(now);

	if (written->uid != 0 || !S_ISDIR(now->mode) || !(mode & (S_IWGRP | S_IWOTH)))
		return mode;
	if (now->uid == 0 && (found->ground.foreign || now->mount_begins || walk_is_roots(found->fd, &plain)))
		return mode;
	return mode & 05755;
}

bool change_settle(struct setup *setup, const char *path, const struct walk_found *found, mode_t mode,
		   const struct owner *written, bool made)
{
	struct owner whole = *written, *const owner = &whole;
	struct held held = {.fd = found->fd, .parent = found->parent, .name = found->name, .path = path};

	if (fd_statx(held.fd, "", &held.now) != 0)
		return setup_failed(setup, setup_verb(setup), path, errno, DIAG_NO_CAP);
	const struct stat plain = fd_plain(&held.now);
	owner_complete_kept(owner, &plain, found, false);
	if (mode == KEEP_MODE)
		mode = kept_mode(written, found, &held.now);
	if (!owner_differs(owner, &held.now) && !owner_is_ambiguous(owner) && mode == (held.now.mode & 07777)) {
		*(made ? &setup->changed : &setup->same) += 1;
		return true;
	}
	if (is_hard_link(&held.now))
		return setup_refused(setup, "change", path, HARD_LINK_TEXT, held.now.nlink);
	const bool more = mode & ~held.now.mode || owner_differs(owner, &held.now);
	/* With `as: workload` the kernel would permit it, but others can have moved there what is the workload's. */
	if (!made &&
	    (!ground_may_give(&found->ground, &plain, more) || (setup->step->as && found->ground.third && more)))
		return setup_refused(setup, "change", path, CHANGE_NOT_GIVEN, held.now.uid);
	if (!made && ground_may_have_moved(&found->ground, found->parent, held.fd))
		return setup_refused(setup, "change", path, CHANGE_MOVED, CHANGE_MOVED_STEP);
	if (!settle_held(setup, &held, mode, owner))
		return false;
	if (fd_statx(held.fd, "", &held.now) != 0 || owner_differs(owner, &held.now) || mode != (held.now.mode & 07777))
		return change_not_kept(setup, "change", path, &held.now);
	setup->changed++;
	return true;
}

void change_check(const struct step *step, struct problems *problems, const struct node *node)
{
	const struct mode_change *modes[] = {&step->change, &step->dir_mode};
	static const char *const names[] = {"mode", "dir_mode"};

	for (size_t i = 0; i < 2; i++)
		if (modes[i]->octal && modes[i]->bits == WALK_UNFINISHED)
			yaml_problem(problems, yaml_get(node, names[i]), WALK_UNFINISHED_REFUSED, WALK_UNFINISHED);
	for (size_t i = 0; i < step->items.count; i++)
		if (step->recursive && step->items.items[i][strspn(step->items.items[i], "/")] == '\0')
			yaml_problem(problems, node, "\"%s: /\" cannot be recursive: name the directories",
				     step->verb->name);
	if (step->contents_only && (!step->recursive || step->change_policy == CHANGE_ON_ROOT_MISMATCH))
		yaml_problem(
			problems, node,
			"\"contents_only\" leaves the directory itself alone: write \"recursive: true\" with it, and "
			"no \"change_policy: on_root_mismatch\"");
}
