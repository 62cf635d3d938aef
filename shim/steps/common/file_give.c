/* Who may use a file that is there: its owner, mode and access control list. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/fd.h"
#include "steps/common/change.h"
#include "steps/common/file.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/make.h"

bool file_is_as_wanted(const struct stat *now, const struct file_want *want)
{
	return now->st_uid == want->uid && now->st_gid == want->gid && (now->st_mode & 07777) == want->mode;
}

/*
 * The mode as far as possible before the owner, so that a run that ends in between has left what may still be given away;
 * then the owner; then, as the new owner, what that has cleared, the set-id bits (chown(2)), or the old owner has changed. The
 * group before a mode that permits more: the old one may be that of a set-group-ID directory.
 *
 * A list of the old owner's goes, and first the group's bits: with the list they are its mask, without it the group's rights,
 * acl(5). Once more as the new owner, for the old one may have put it back.
 */
bool file_give(int fd, int parent, const char *name, const struct file_want *want, bool present, int *cap)
{
	struct stat now;
	uint64_t effective;

	*cap = CAP_FOWNER;
	if (fd_fstat(fd, &now) != 0)
		return false;
	if (file_is_as_wanted(&now, want))
		return true;
	(void)identity_now(&effective);
	const bool first =
		now.st_uid == identity_uid() || identity_can_change() || effective & CAPABILITY_BIT(CAP_FOWNER);
	const bool other = present && now.st_uid != want->uid, listed = other && walk_has_acl(fd) > 0;
	/* What cannot be done whole is not begun. */
	if (other && !(effective & CAPABILITY_BIT(CAP_CHOWN))) {
		*cap = CAP_CHOWN;
		errno = EPERM;
		return false;
	}
	if (listed && !first && want->uid != identity_uid()) {
		errno = EPERM;
		return false;
	}
	const mode_t mode = want->mode & 01777, both = mode & now.st_mode & (listed ? ~(mode_t)S_IRWXG : 07777);
	if (first && (now.st_mode & 07777) != both &&
	    ground_chmod(fd, parent, name, now.st_uid, IDENTITY_NO_ID, both) != 0)
		return false;
	if (listed && first && walk_clear_acl(fd, parent, name, now.st_uid) != 0)
		return false;
	if (first && mode != both && now.st_gid != want->gid && walk_chown(fd, ACCOUNTS_NO_ID, want->gid) != 0) {
		*cap = CAP_CHOWN;
		return false;
	}
	if (first && mode != both && ground_chmod(fd, parent, name, now.st_uid, IDENTITY_NO_ID, mode) != 0)
		return false;
	*cap = CAP_CHOWN;
	if ((now.st_uid != want->uid || now.st_gid != want->gid) && walk_chown(fd, want->uid, want->gid) != 0)
		return false;
	*cap = CAP_FOWNER;
	if (other && walk_has_acl(fd) > 0 && walk_clear_acl(fd, parent, name, want->uid) != 0)
		return false;
	*cap = want->mode & 02000 ? CAP_FSETID : CAP_FOWNER;
	if (fd_fstat(fd, &now) != 0 ||
	    ((now.st_mode & 07777) != want->mode &&
	     (ground_chmod(fd, parent, name, want->uid, want->gid, want->mode) != 0 || fd_fstat(fd, &now) != 0)))
		return false;
	if (file_is_as_wanted(&now, want))
		return true;
	errno = EPERM; /* chmod(2) clears set-group-ID silently; some network file systems ignore both */
	return false;
}

bool file_enforce(struct setup *setup, const char *path, const struct walk_found *found, const struct file_want *want)
{
	const struct stat *now = &found->stat;
	int cap = CAP_FOWNER;
	char link[WALK_LINK];

	if (file_is_as_wanted(now, want)) {
		setup->same++;
		return true;
	}
	if (!S_ISREG(now->st_mode) || now->st_nlink != 1)
		return setup_refused(setup, "change", path, "it must be a regular file without other hard links");
	const bool other = now->st_uid != want->uid;
	if (!ground_may_give(&found->ground, now, other || now->st_gid != want->gid || want->mode & ~now->st_mode))
		return setup_refused(setup, "change", path, CHANGE_NOT_GIVEN, now->st_uid);
	if (ground_may_have_moved(&found->ground, found->parent, found->fd))
		return setup_refused(setup, "change", path, CHANGE_MOVED, CHANGE_MOVED_STEP);
	const struct owner old = {now->st_uid, ACCOUNTS_NO_ID};
	if (other && owner_is_ambiguous(&old))
		return setup_refused(setup, "change", path, "the user namespace does not map its owner");
	/* Opened, its list can be read without /proc. */
	int in = other ? walk_reopen(found->fd, found->parent, found->name, O_RDONLY) : -1;
	if (other && in < 0) {
		const struct ground_acted was = ground_become(now->st_uid, IDENTITY_NO_ID);
		in = walk_reopen(found->fd, found->parent, found->name, O_RDONLY);
		ground_back(&was);
	}
	if (other && in < 0 && walk_link(found->fd, link) != 0)
		return setup_refused(
			setup, "change", path,
			"without /proc nobody can see whether it has an access control list of its owner's");
	const bool given = in < 0 ? file_give(found->fd, found->parent, found->name, want, true, &cap)
				  : file_give(in, -1, NULL, want, true, &cap);
	fd_close(in);
	if (!given)
		return setup_failed(setup, cap == CAP_CHOWN ? "chown" : "chmod", path, errno, cap);
	setup->changed++;
	return true;
}
