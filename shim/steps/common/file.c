#include "steps/common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/signals.h"
#include "steps/common/abort.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/make.h"

#define CHUNK (32 * 1024)
#define READ_LIMIT (16 * 1024 * 1024)

void file_attributes(const struct step *step, struct file_want *want)
{
	want->mode = step->mode;
	want->uid = step->owner_written ? step->owner.uid : geteuid();
	want->gid = step->owner_written ? step->owner.gid : getegid();
}

/* Where nothing is found: the directory for it. A link that leads to nothing is refused, whoever made it. */
static bool find_absent(struct setup *setup, const char *verb, const char *path, bool make, struct walk_found *found)
{
	struct walk_where where;
	struct stat stat;
	const char *name;

	found->fd = -1;
	found->parent = make ? walk_make_parent(path, &name, &where) : walk_parent(path, &name, &where);
	if (found->parent < 0) {
		setup_unreachable(setup, verb, path, errno, &where);
		return false;
	}
	size_t length = strlen(name);
	if (length < sizeof(found->name)) {
		memcpy(found->name, name, length + 1);
		if (fstatat(found->parent, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
			return true;
		setup_refused(setup, verb, path, "it is a symbolic link to something that does not exist");
	} else {
		setup_failed(setup, verb, path, ENAMETOOLONG, DIAG_NO_CAP);
	}
	close(found->parent);
	return false;
}

bool file_find(struct setup *setup, const char *verb, const char *path, bool make, struct walk_found *found)
{
	struct walk_where where;

	if (walk_find(path, WALK_FOLLOW, found, &where) == 0)
		return true;
	if (errno == ENOENT)
		return find_absent(setup, verb, path, make, found);
	setup_unreachable(setup, verb, path, errno, &where);
	return false;
}

void file_release(struct walk_found *found)
{
	if (found->fd >= 0)
		close(found->fd);
	close(found->parent);
}

char *file_read(struct mem *mem, int fd, int parent, const char *name, size_t *length)
{
	struct stat stat;
	int in = walk_reopen(fd, parent, name, O_RDONLY), ends = 0;
	ssize_t got = -1;

	if (in < 0)
		return NULL;
	if (fd_fstat(in, &stat) != 0 || stat.st_size > READ_LIMIT) {
		close(in);
		errno = stat.st_size > READ_LIMIT ? EFBIG : EIO;
		return NULL;
	}
	/* More than its size, for it may grow, and in procfs it has none. The end is asked for twice, as wanted_part() does. */
	size_t room = (size_t)stat.st_size + CHUNK;
	char *bytes = mem_array(mem, room + 1, 1);
	for (*length = 0; ends < 2 && *length < room; *length += (size_t)got) {
		got = read(in, bytes + *length, room - *length);
		if (got < 0)
			break;
		ends = got > 0 ? 0 : ends + 1;
	}
	close(in);
	if (got > 0)
		errno = EFBIG;
	return got == 0 ? bytes : NULL;
}

/* Entries that do not count: lost+found of a fresh ext4. */
static int count_entries(int directory, bool *seeding)
{
	DIR *dir = fdopendir(directory);
	const struct dirent *entry;
	int count = 0;

	if (!dir) {
		close(directory);
		return -1;
	}
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, FILE_SEEDING) == 0)
			*seeding = true;
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			 strcmp(entry->d_name, "lost+found") != 0)
			count = 1;
	int err = errno;
	closedir(dir);
	errno = err;
	return err ? -1 : count;
}

int file_is_empty(int fd, int parent, const char *name)
{
	struct stat stat;
	bool seeding = false;

	if (fd_fstat(fd, &stat) != 0)
		return -1;
	if (!S_ISDIR(stat.st_mode))
		return stat.st_size == 0;
	int directory = walk_reopen(fd, parent, name, O_RDONLY | O_DIRECTORY);
	int count = directory < 0 ? -1 : count_entries(directory, &seeding);
	if (count < 0)
		return -1;
	/* Only ours counts: whoever owns the volume could otherwise have it seeded again over what it holds. */
	if (seeding && fstatat(fd, FILE_SEEDING, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode) &&
	    stat.st_uid == geteuid())
		return 1;
	return count == 0 && !seeding;
}

int file_holds_only(int fd, int parent, const char *name, const struct list *globs)
{
	int directory = walk_reopen(fd, parent, name, O_RDONLY | O_DIRECTORY);
	DIR *dir = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;
	bool only = true;

	if (!dir) {
		if (directory >= 0)
			close(directory);
		return errno == ENOTDIR ? 0 : -1;
	}
	while (errno = 0, only && (entry = readdir(dir))) {
		only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
		for (size_t i = 0; i < globs->count && !only; i++)
			only = glob_match(globs->items[i], entry->d_name);
	}
	int err = only ? errno : 0;
	closedir(dir);
	errno = err;
	return err ? -1 : only;
}

/* The owner that WANT means for a file that has (or, NULL, has not) one: ACCOUNTS_NO_ID is gone. */
static void settle_owner(struct file_want *want, const struct stat *now)
{
	if (want->uid == ACCOUNTS_NO_ID)
		want->uid = now ? now->st_uid : geteuid();
	if (want->gid == ACCOUNTS_NO_ID)
		want->gid = now ? now->st_gid : getegid();
}

/*
 * Reads what belongs at AT of the wanted content into BUFFER, or points *PART at it. 0: the end; -1 with errno. The end is
 * asked for twice: a call that answers nothing once must not cut a copy short. (The size tells less: in sysfs it is 4096.)
 */
static ssize_t wanted_part(const struct file_want *want, off_t at, char *buffer, const char **part)
{
	if (!want->bytes) {
		ssize_t length = pread(want->source, buffer, CHUNK, at);
		*part = buffer;
		return length != 0 ? length : pread(want->source, buffer, CHUNK, at);
	}
	size_t left = want->length - (size_t)at;
	*part = want->bytes + at;
	return (ssize_t)(left < CHUNK ? left : CHUNK);
}

/* 1: the file holds exactly that; 0: not, or it cannot be read. */
static bool same_content(const struct file_want *want, int fd, int parent, const char *name)
{
	char wanted[CHUNK], got[CHUNK];
	off_t at = 0;
	int in = walk_reopen(fd, parent, name, O_RDONLY);
	bool same = in >= 0;

	while (same) {
		const char *part;
		ssize_t length = wanted_part(want, at, wanted, &part);
		ssize_t have = pread(in, got, CHUNK, at);
		same = length >= 0 && have == length && memcmp(part, got, (size_t)length) == 0;
		if (length == 0)
			break;
		at += length;
	}
	if (in >= 0)
		close(in);
	return same;
}

/* Writes the wanted content. False with errno: EINTR where a signal came that ends the setup. */
static bool fill(int out, const struct file_want *want)
{
	char buffer[CHUNK];
	const char *part;
	off_t at = 0;
	ssize_t length;

	while ((length = wanted_part(want, at, buffer, &part)) > 0) {
		while (length > 0) {
			ssize_t wrote = pwrite(out, part, (size_t)length, at);
			if (wrote <= 0)
				return false;
			part += wrote;
			length -= wrote;
			at += wrote;
		}
		if (abort_pending()) {
			errno = EINTR;
			return false;
		}
	}
	return length == 0 && ftruncate(out, at) == 0;
}

/* The owner first: a change of owner takes the set-id bits of the mode away, chown(2). */
static bool own(int fd, const struct file_want *want, int *cap)
{
	struct stat now;

	if (fd_fstat(fd, &now) != 0)
		return false;
	*cap = CAP_CHOWN;
	if ((now.st_uid != want->uid || now.st_gid != want->gid) && fchown(fd, want->uid, want->gid) != 0)
		return false;
	*cap = want->mode & 06000 ? CAP_FSETID : CAP_FOWNER;
	if (fchmod(fd, want->mode) != 0 || fd_fstat(fd, &now) != 0)
		return false;
	if (now.st_uid == want->uid && now.st_gid == want->gid && (now.st_mode & 07777) == want->mode)
		return true;
	errno = EPERM; /* chmod(2) drops set-group-id silently; some network file systems ignore both */
	return false;
}

/* The time in nanoseconds; whoever uses it fails where it exists all the same. */
void file_name_temporary(char name[FILE_TEMPORARY])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, FILE_TEMPORARY, ".capshim-%llx%08lx", (unsigned long long)now.tv_sec,
		 (unsigned long)now.tv_nsec);
}

/* Writes it under another name and renames it into place. 0, or -1 with errno and the capability that it wants. */
static int replace_file(int parent, const char *name, const struct file_want *want, int *cap)
{
	char temporary[FILE_TEMPORARY];
	uint64_t was;
	int result = -1;

	*cap = CAP_DAC_OVERRIDE;
	file_name_temporary(temporary);
	signals_block(&was); /* until it is in place, or gone */
	int out = fd_checked(openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (out >= 0) {
		if (fill(out, want) && walk_disinherit(out, parent) == 0 && own(out, want, cap)) {
			*cap = CAP_DAC_OVERRIDE;
			result = renameat(parent, temporary, parent, name);
		}
		int err = errno;
		if (result != 0)
			(void)unlinkat(parent, temporary, 0);
		close(out);
		errno = err;
	}
	int err = errno;
	signals_mask(was);
	errno = err;
	return result;
}

/* Writes into the file itself. The mode and owner first, so that the content is not seen with others. */
static int overwrite(int fd, int parent, const char *name, const struct file_want *want, int *cap)
{
	struct stat now;
	int result = -1;
	int out = walk_reopen(fd, parent, name, O_WRONLY);

	*cap = CAP_DAC_OVERRIDE;
	if (out < 0)
		return -1;
	if (fd_fstat(out, &now) == 0) {
		if (now.st_nlink != 1)
			errno = EMLINK;
		else if (own(out, want, cap) && fill(out, want))
			result = 0;
	}
	int err = errno;
	close(out);
	errno = err;
	return result;
}

static bool is_mount(int fd)
{
	struct fd_stat stat;

	return fd_statx(fd, "", &stat) == 0 && stat.mount_begins;
}

/*
 * Does it need no more than another mode or owner? A file with other names is not given one; nor is one that somebody else
 * could write, who may hold it open: it is replaced.
 */
static bool needs_no_content(const struct walk_found *found, const struct file_want *want)
{
	const struct stat *now = &found->stat;
	bool right = now->st_uid == want->uid && now->st_gid == want->gid && (now->st_mode & 07777) == want->mode;
	bool ours = now->st_nlink == 1 && (now->st_uid == want->uid || now->st_uid == geteuid()) &&
		    (now->st_mode & (S_IWGRP | S_IWOTH)) == 0;

	return (right || ours) && same_content(want, found->fd, found->parent, found->name);
}

bool file_put(struct setup *setup, const char *verb, const char *path, int parent, const char *name,
	      const struct file_want *wanted)
{
	struct file_want want = *wanted;
	struct walk_found found = {.parent = parent};
	int cap = CAP_DAC_OVERRIDE, result = -1;

	found.fd = fd_openat(parent, name, O_PATH | O_NOFOLLOW);
	if ((found.fd < 0 && errno != ENOENT) || (found.fd >= 0 && fd_fstat(found.fd, &found.stat) != 0)) {
		setup_failed(setup, verb, path, errno, cap);
		return false;
	}
	snprintf(found.name, sizeof(found.name), "%s", name);
	settle_owner(&want, found.fd < 0 ? NULL : &found.stat);
	if (found.fd >= 0 && !S_ISREG(found.stat.st_mode)) {
		setup_refused(setup, verb, path, "what is there is no regular file: remove it first");
	} else if (found.fd >= 0 && needs_no_content(&found, &want)) {
		result = file_enforce(setup, path, &found, &want.mode, want.uid, want.gid) ? 0 : -1;
	} else {
		result = replace_file(parent, name, &want, &cap);
		if (result != 0 && found.fd >= 0 && is_mount(found.fd))
			result = overwrite(found.fd, parent, name, &want, &cap);
		if (result == 0)
			setup->changed++;
		else if (errno == EMLINK)
			setup_refused(setup, verb, path, "it has other hard links, and cannot be replaced");
		else
			setup_failed(setup, verb, path, errno, cap);
	}
	if (found.fd >= 0)
		close(found.fd);
	return result == 0;
}

bool file_enforce(struct setup *setup, const char *path, const struct walk_found *found, const mode_t *mode,
		  uint32_t uid, uint32_t gid)
{
	struct file_want want = {.uid = uid, .gid = gid};
	bool owner, modes;

	settle_owner(&want, &found->stat);
	owner = found->stat.st_uid != want.uid || found->stat.st_gid != want.gid;
	modes = mode && (found->stat.st_mode & 07777) != *mode;
	if (!owner && !modes) {
		setup->same++;
		return true;
	}
	if (!S_ISREG(found->stat.st_mode) || found->stat.st_nlink != 1) {
		setup_refused(setup, "change", path, "it is no regular file, or has other hard links");
		return false;
	}
	if (owner && fchownat(found->fd, "", want.uid, want.gid, AT_EMPTY_PATH) != 0) {
		setup_failed(setup, "chown", path, errno, CAP_CHOWN);
		return false;
	}
	/* Also where only the owner differs: its change takes set-id bits away, chown(2). */
	if (mode && walk_chmod(found->fd, found->parent, found->name, *mode) != 0) {
		setup_failed(setup, "chmod", path, errno, *mode & 02000 ? CAP_FSETID : CAP_FOWNER);
		return false;
	}
	setup->changed++;
	return true;
}
