#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "base/signals.h"
#include "steps/common/change.h"
#include "steps/common/content.h"
#include "steps/common/file.h"
#include "steps/common/say.h"
#include "steps/common/temporary.h"
#include "walk/held.h"
#include "walk/make.h"

#define NOT_UNREAD ENOTUNIQ /* the identity could read it before it is given away; no file system call returns that */
#define IS_OPEN EISNAM      /* another process has it open; neither that */
#define IS_MOVED ENOTNAM    /* it may be another mount; neither that */

/* owner_complete() for WANT: NOW is the present file, or NULL for a new one. */
static void settle_owner(struct file_want *want, const struct stat *now, const struct walk_found *at)
{
	struct owner owner = {want->uid, want->gid};

	owner_complete(&owner, now, at);
	want->uid = owner.uid;
	want->gid = owner.gid;
}

/*
 * Where no owner is written what is FOUND on foreign ground stays root's, or that of the directory's owner. But with NEW content
 * that not all may read not what is root's and another group's: who moved it there would choose who may read it.
 */
static bool keep_owner(struct file_want *want, const struct walk_found *found, bool new)
{
	const struct stat *now = &found->stat;
	struct stat above;

	if (!want->as_it_is || want->from_present || !found->ground.foreign)
		return false;
	if (now->st_uid != 0 && (fd_fstat(found->parent, &above) != 0 || above.st_uid != now->st_uid))
		return false;
	if (new && now->st_gid != 0 && now->st_gid != getegid() && (want->mode >> 3 & 07 & ~want->mode))
		return false;
	want->uid = now->st_uid;
	want->gid = now->st_gid;
	return true;
}

bool file_renames_first(int parent, const struct file_want *want)
{
	struct stat stat;

	return fd_fstat(parent, &stat) == 0 && stat.st_mode & S_ISVTX && stat.st_uid != identity_uid() &&
	       want->uid != identity_uid();
}

static int put_in_place(int out, int parent, const char *temporary, const char *name, const struct file_want *want,
			int *cap)
{
	if (!file_give(out, -1, NULL, want, false, cap))
		return -1;
	*cap = CAP_DAC_OVERRIDE;
	/* Of another user it may have been taken for one that was left. */
	if (want->uid != identity_uid() && !temporary_is_at(out, parent, temporary))
		return -1;
	return temporary_place(parent, temporary, name, want->fresh);
}

static bool is_unseen(int fd, bool leased)
{
	if (!leased || fcntl(fd, F_GETLEASE) == F_WRLCK)
		return true;
	errno = ESTALE;
	return false;
}

/*
 * The content of the new file OUT, as its new owner. Before it was given away the identity's user could set its mode and an
 * access control list, and open it: when both are gone the lease shows who has, and in the end who was about to. ESTALE
 * then, and the file is made once more.
 */
static bool fill_given(int out, bool leased, const struct file_want *want, int *cap)
{
	*cap = CAP_FOWNER;
	if (walk_clear_acl(out, -1, NULL, want->uid) != 0 || fchmod(out, 0600) != 0)
		return false;
	*cap = CAP_DAC_OVERRIDE;
	const bool filled = is_unseen(out, leased) && content_write(out, want) && is_unseen(out, leased);
	int err = errno;
	if (!filled)
		(void)!ftruncate(out, 0);
	(void)fcntl(out, F_SETLEASE, F_UNLCK); /* or who reads it under its name would wait */
	errno = err;
	return filled;
}

/* The content of the new file OUT in PARENT. On foreign ground one for another user is given away while it is empty. */
static bool fill_new(int out, int parent, const struct file_want *want, int *cap)
{
	if (walk_disinherit(out, parent) != 0)
		return false;
	if (file_renames_first(parent, want)) {
		errno = NOT_UNREAD;
		return false;
	}
	if (!ground_is_foreign() || want->uid == identity_uid())
		return content_write(out, want);
	const int leased = walk_lease(out, F_WRLCK);
	*cap = CAP_CHOWN;
	if (leased < 0 || fchown(out, want->uid, want->gid) != 0)
		return false;
	const struct ground_acted was = ground_become(want->uid, IDENTITY_NO_ID);
	bool filled = fill_given(out, leased, want, cap);
	ground_back(&was);
	return filled;
}

/*
 * The mode to make a file with that is written under its own name. It may only be the final one if it says the same of
 * every group, because the group is set later, and if no list is inherited from another user.
 */
static mode_t first_mode(const struct ground *ground, const struct file_want *want)
{
	return !ground->foreign && (want->mode >> 3 & 07) == (want->mode & 07) ? want->mode : 0600;
}

/* Who and mode first: the next start takes one that holds less than the content for what a killed run has left. */
static bool fill_direct(int out, int parent, const struct file_want *want, int *cap)
{
	if (walk_disinherit(out, parent) != 0 || !file_give(out, -1, NULL, want, false, cap))
		return false;
	*cap = CAP_DAC_OVERRIDE;
	return content_write(out, want);
}

/*
 * Writes it under another name and renames it into place, or at once under its own. 0, or -1 with errno and the capability
 * that it needs.
 */
static int replace_file(const struct walk_found *at, const struct file_want *want, int *cap)
{
	const int parent = at->parent;
	const char *const name = at->name;
	char temporary[TEMPORARY_NAME];
	uint64_t was;
	int result = -1;

	*cap = CAP_DAC_OVERRIDE;
	signals_block(&was); /* until it is in place, or removed */
	int out = want->direct ? temporary_create(parent, name, first_mode(&at->ground, want))
			       : temporary_file(parent, name, want->clean, temporary);
	if (out >= 0) {
		if (want->direct)
			result = fill_direct(out, parent, want, cap) ? 0 : -1;
		else if (fill_new(out, parent, want, cap))
			result = put_in_place(out, parent, temporary, name, want, cap);
		int err = errno;
		if (result != 0 && (!want->direct || temporary_is_at(out, parent, name)))
			(void)unlinkat(parent, want->direct ? name : temporary, 0);
		close(out);
		errno = err;
	}
	signals_mask(was);
	return result;
}

/*
 * Afterwards no process can use OUT, open for writing, by what its mode, its owner or that owner's access control list have
 * ever permitted. What is RIGHT already is asked too: it may be so since a start that was refused here, or by another step. What
 * all may read others may have open to read; who has it open to write was seen before.
 */
static bool give_in_place(int out, const struct file_want *want, uint32_t owner, bool right, int *cap)
{
	const struct ground_acted was = ground_become(owner, IDENTITY_NO_ID);
	const int leased = right && want->mode & S_IROTH ? 0 : walk_lease(out, F_WRLCK);

	ground_back(&was);
	const bool unseen = leased >= 0 && file_give(out, -1, NULL, want, true, cap) &&
			    walk_clear_acl(out, -1, NULL, want->uid) == 0 && is_unseen(out, leased);
	if (!unseen && errno == ESTALE)
		errno = IS_OPEN;
	return unseen;
}

/* Does another process have IN, which is open for reading, open for writing? Asked as its owner, fcntl(2). */
static bool is_written(int in)
{
	struct stat now;

	if (fd_fstat(in, &now) != 0)
		return true;
	const struct ground_acted was = ground_become(now.st_uid, IDENTITY_NO_ID);
	const bool written = walk_lease(in, F_RDLCK) < 0 && errno == ESTALE;
	ground_back(&was);
	return written;
}

/*
 * Writes into the file itself. The mode and owner first, so that the content is never readable with the old ones; on
 * foreign ground they must be right already, or the file must belong to the identity.
 */
static int overwrite(const struct walk_found *found, const struct file_want *want, int *cap)
{
	struct mem mem = {NULL};
	struct file_want old = {.source = -1};
	struct stat now;
	uint64_t was;
	int result = -1;
	const int in = walk_reopen(found->fd, found->parent, found->name, O_RDONLY);

	*cap = CAP_DAC_OVERRIDE;
	if (in >= 0 ? is_written(in) : errno == EAGAIN) {
		fd_close(in);
		return fd_fail(IS_OPEN);
	}
	old.bytes = file_read(&mem, in, &old.length);
	const int out = walk_reopen(found->fd, found->parent, found->name, O_WRONLY);
	if (out < 0)
		return -1;
	signals_block(&was); /* half a file is worse than a short wait */
	if (fd_fstat(out, &now) == 0) {
		const bool right = file_is_as_wanted(&now, want);
		if (now.st_nlink != 1)
			errno = EMLINK;
		else if (!right && (!ground_may_give(&found->ground, &now, true) ||
				    ground_may_have_moved(&found->ground, found->parent, out)))
			errno = EACCES;
		else if (give_in_place(out, want, now.st_uid, right, cap))
			result = content_replace(out, want, &old);
	}
	int err = errno;
	fd_close(out);
	signals_mask(was);
	mem_release(&mem);
	errno = err;
	return result;
}

/*
 * Is the content right of the regular file that FOUND describes? IN is that file if it is open already, otherwise -1. One that
 * FOUND does not hold may be another by now, so all of it must be right. Not if another user could have it open for writing:
 * asked before the content is read, and a lease then says so until it is read.
 */
static bool has_content(const struct walk_found *found, const struct file_want *want, int in)
{
	struct stat opened = found->stat;
	const int known = in;

	if (in < 0)
		in = walk_reopen_found(found, O_RDONLY, &opened);
	if (in < 0 && errno == EACCES && !want->others)
		in = file_open_to_compare(found, &opened);
	const bool has = in >= 0 && S_ISREG(opened.st_mode) && (found->fd >= 0 || file_is_as_wanted(&opened, want)) &&
			 (found->ground.foreign || want->uid != 0 || !walk_may_be_written(in)) &&
			 content_is(want, in, &opened) == CONTENT_SAME;

	if (in != known)
		fd_close(in);
	return has;
}

/*
 * Does the file, which is not right yet, only need another mode or owner? Not if it has other hard links, or if another
 * user could have it open for writing, or moved it there: then it is replaced.
 */
static bool needs_no_content(const struct walk_found *found, const struct file_want *want)
{
	const struct stat *now = &found->stat;

	return !file_is_as_wanted(now, want) && !found->ground.foreign && now->st_nlink == 1 &&
	       (now->st_uid == want->uid || now->st_uid == identity_uid()) &&
	       (now->st_mode & (S_IWGRP | S_IWOTH)) == 0 && has_content(found, want, -1);
}

/* Replaces what is FOUND, or creates it. */
static int put_new(const struct walk_found *found, const struct file_want *want, int *cap)
{
	struct stat now;
	int tries = 0, result;
	do {
		/*
		 * In root's sticky directory root's names are root's alone, and another run may have put its file there since
		 * then. What is to be another user's is root's there from the start, so that the identity's cannot open it.
		 */
		const bool may = fstatat(found->parent, found->name, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
				 now.st_uid == identity_uid();
		if (!may || want->uid != identity_uid())
			ground_for_name(&found->ground, found->parent, may ? 0 : now.st_uid, false);
		result = replace_file(found, want, cap);
	} while (temporary_again(result, &tries) || (result != 0 && errno == EPERM && tries++ == 0));
	/* rename(2) is EBUSY for a mount point; on a read-only file system it does not come to that. Nothing else is reason
	 * enough: a full disk would leave half a file. */
	const bool mount =
		result != 0 && (errno == EBUSY || errno == EROFS) && found->fd >= 0 && fd_begins_mount(found->fd, "");
	/* Root's own name may have another mount by now. */
	if (mount && identity_uid() == 0 && ground_may_have_moved(&found->ground, found->parent, found->fd))
		errno = IS_MOVED;
	else if (mount)
		result = overwrite(found, want, cap);
	return result;
}

/*
 * Removes what a killed run has left of what is FOUND. Where that was root's already, in root's sticky directory, only root may remove
 * it.
 */
static void forget(const struct walk_found *found, const struct file_want *want)
{
	if (want->clean)
		return;
	const struct ground_acted was = ground_become(identity_uid(), IDENTITY_NO_ID); /* as now: to come back to */
	temporary_forget(found->parent, found->name, false);
	ground_for_name(&found->ground, found->parent, 0, false);
	temporary_forget(found->parent, found->name, true);
	ground_back(&was);
}

/* Puts it in place of what is FOUND, or where nothing is. False: it was reported. Counts. */
static bool put_found(struct setup *setup, const char *verb, const struct walk_found *found,
		      const struct file_want *want)
{
	int cap;

	if (found->fd >= 0 && !want->fresh && !S_ISREG(found->stat.st_mode))
		return setup_refused(setup, verb, want->path, "what is there must be a regular file: remove it first");
	if (found->fd >= 0 && (want->fresh || needs_no_content(found, want))) {
		forget(found, want);
		if (!want->fresh)
			return file_enforce(setup, want->path, found, want);
		setup->same++;
		return true;
	}
	if (put_new(found, want, &cap) == 0) {
		setup->changed++;
		return true;
	}
	if (errno == EMLINK)
		return setup_refused(setup, verb, want->path, "it has other hard links, and cannot be replaced");
	if (errno == IS_OPEN)
		return setup_refused(setup, verb, want->path,
				     "another process has it open, and a mount point cannot be replaced");
	if (errno == IS_MOVED)
		return setup_refused(
			setup, verb, want->path,
			"it is root's, and others can rename its mount point: give it to the workload, or mount it below "
			"a directory of root's");
	if (errno == NOT_UNREAD)
		return setup_refused(
			setup, verb, want->path,
			"in a sticky directory of another user it can only be uid %u's, as whom capshim acts",
			identity_uid());
	if (errno != EEXIST || !want->fresh)
		return setup_failed(setup, verb, want->path, errno, cap);
	setup->same++; /* another process put it there meanwhile */
	return true;
}

/* Is it there already? Otherwise what is there is FOUND: -1 as its descriptor, with errno, where that fails. */
static bool is_in_place(struct walk_found *found, const struct file_want *want)
{
	struct file_want new = *want;
	const int in = want->plain && !want->fresh ? walk_open_leased(found->parent, found->name, O_RDONLY) : -1;
	const bool there = (in >= 0 ? fd_fstat(in, &found->stat)
				    : fd_fstatat(found->parent, found->name, AT_SYMLINK_NOFOLLOW, &found->stat)) == 0;
	bool right = false;

	if (there) {
		settle_owner(&new, &found->stat, found);
		(void)keep_owner(&new, found, false);
		right = !want->fresh && file_is_as_wanted(&found->stat, &new) && has_content(found, &new, in);
	}
	fd_close(in);
	if (there && !right)
		found->fd = fd_openat(found->parent, found->name, O_PATH | O_NOFOLLOW);
	return right;
}

bool file_put(struct setup *setup, const char *verb, const char *path, int parent, const struct ground *ground,
	      const char *name, const struct file_want *wanted)
{
	struct file_want want = *wanted, new;
	struct walk_found found = {.fd = -1, .parent = parent, .ground = *ground};
	int cap;

	want.setup = setup;
	want.path = path;
	(void)memccpy(found.name, name, '\0', sizeof(found.name) - 1);
	/* What its owner may not read, the next start could not tell from what is complete. */
	if (want.direct && want.uid == identity_uid() && !(want.mode & 06000) && want.mode & S_IRUSR) {
		new = want;
		settle_owner(&new, NULL, &found);
		if (replace_file(&found, &new, &cap) == 0) {
			setup->changed++;
			return true;
		}
		if (errno != EEXIST)
			return setup_failed(setup, verb, path, errno, cap);
	}
	want.direct = false; /* or another process has put it there meanwhile */
	bool right = is_in_place(&found, &want);
	while (!right && found.fd >= 0 && ground_is_given(&found.ground, parent)) {
		fd_close(found.fd);
		found.fd = -1;
		right = ground_act(&found.ground) == 0 && is_in_place(&found, &want);
	}
	if (right) {
		forget(&found, &want);
		setup->same++;
		return true;
	}
	if ((found.fd < 0 && errno != ENOENT) || (found.fd >= 0 && fd_fstat(found.fd, &found.stat) != 0))
		return setup_failed(setup, verb, path, errno, CAP_DAC_OVERRIDE);
	settle_owner(&want, found.fd < 0 ? NULL : &found.stat, &found);
	const struct ground_acted was = ground_become(identity_uid(), IDENTITY_NO_ID); /* as now: to come back to */
	/*
	 * Where only root could have put it before others could write the directory, root also replaces it. But nobody
	 * else's content runs as root.
	 */
	const bool roots = found.ground.first && found.fd >= 0 && found.stat.st_uid == 0 && found.ground.owner == 0;
	if (roots && !(want.mode & 06000) && (want.from_present ? want.uid == 0 : keep_owner(&want, &found, true)))
		ground_for_name(&found.ground, parent, 0, true);
	bool done = put_found(setup, verb, &found, &want);
	ground_back(&was);
	fd_close(found.fd);
	return done;
}
