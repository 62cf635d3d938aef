#include "steps/common/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include "base/fd.h"

#define PREFIX ".capshim-"
#define HASH_DIGITS 16
#define SLOTS 2   /* for so many runs that are at work on one file; others wait a moment */
#define WAITS 200 /* of one run: the owner of a volume can take any number of names */
#define WAIT 10   /* milliseconds */
#define TRIES 4
#define MOMENT 5 /* waits */

/* FNV-1a, because a name of NAME_MAX bytes has no room for more. Names that share a value take turns, or another slot. */
static void name_slot(char temporary[TEMPORARY_NAME], const char *name, unsigned int slot)
{
	uint64_t value = 0xcbf29ce484222325;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 0x100000001b3;
	snprintf(temporary, TEMPORARY_NAME, PREFIX "%016llx-%u", (unsigned long long)value, slot);
}

bool temporary_is_named(const char *name)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0;
}

bool temporary_is_left(const char *name)
{
	/* Only what name_slot() makes: an image may have files of its own that begin so. */
	if (!temporary_is_named(name))
		return false;
	name += sizeof(PREFIX) - 1;
	return strspn(name, "0123456789abcdef") == HASH_DIGITS && name[HASH_DIGITS] == '-' &&
	       !name[HASH_DIGITS + 1 + strspn(name + HASH_DIGITS + 1, "0123456789")];
}

bool temporary_is_seeding(const char *name)
{
	return strcmp(name, TEMPORARY_SEEDING) == 0;
}

/* False: this run has waited long enough. */
static bool wait_moment(void)
{
	static int waits = WAITS;

	return waits > 0 && waits-- > 0 && poll(NULL, 0, WAIT) == 0;
}

bool temporary_is_at(int fd, int parent, const char *name)
{
	struct stat held, there;

	if (fd_fstat(fd, &held) != 0 || fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	errno = ESTALE;
	return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

/*
 * Removes TEMPORARY unless somebody is at work on it. True: the name is free. What cannot be opened goes as well, a moment
 * later: it may hold a secret and belong to another user by now, or be a link or a socket that was planted. But its name is not
 * used again, so that a process that is still at work on it does not rename a file of this one. STUCK: it cannot be removed. OWN: only
 * what can be opened goes.
 */
static bool discard(int parent, const char *temporary, bool own, bool *stuck)
{
	struct stat stat;
	int fd = fd_openat(parent, temporary, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	*stuck = false;
	if (fd < 0) {
		const bool free = errno == ENOENT, leased = errno == EAGAIN; /* it is at work on it */
		for (int i = 0; !own && errno == EACCES && i < MOMENT && wait_moment(); i++)
			errno = fstatat(parent, temporary, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? EACCES : errno;
		if (!free && !leased && !own)
			*stuck = unlinkat(parent, temporary, 0) != 0 && errno != ENOENT;
		return free;
	}
	bool gone = flock(fd, LOCK_EX | LOCK_NB) == 0 && temporary_is_at(fd, parent, temporary);
	*stuck = gone && unlinkat(parent, temporary, 0) != 0;
	close(fd);
	return gone && !*stuck;
}

/* Is DIRECTORY the one that this run has searched last? The owner of a volume can take the slots of every file in it. */
static bool is_searched(int directory)
{
	static struct stat last;
	const struct stat before = last;

	return fd_fstat(directory, &last) == 0 && last.st_dev == before.st_dev && last.st_ino == before.st_ino;
}

/*
 * But not BUT. In other slots lies something only where the first two were taken, as then: what was left of any file goes, so
 * that one look at the directory is enough.
 */
static void forget_slots(int parent, const char *name, unsigned int but, bool own)
{
	char temporary[TEMPORARY_NAME];
	bool stuck;

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		name_slot(temporary, name, slot);
		if (slot != but)
			(void)discard(parent, temporary, own, &stuck);
	}
	if (but <= SLOTS || is_searched(parent))
		return;
	name_slot(temporary, name, but);
	DIR *dir = fd_list(parent);
	for (const char *other; (other = fd_next(dir));)
		if (temporary_is_named(other) && strlen(other) == strlen(temporary) && strcmp(other, temporary) != 0)
			(void)discard(parent, other, own, &stuck);
	(void)fd_end(dir);
}

/* Which nobody can have taken: what others have put into the first two may be there to stay. */
static unsigned int other_slot(void)
{
	unsigned int slot = (unsigned int)getpid();

	(void)!getrandom(&slot, sizeof(slot), GRND_NONBLOCK);
	return slot | 1U << 31;
}

bool temporary_is_alone(int fd)
{
	DIR *dir = fd_list(fd);
	bool alone = true;

	for (const char *name; alone && (name = fd_next(dir));)
		alone = temporary_is_named(name);
	return fd_end(dir) == 0 && alone;
}

bool temporary_is_any(int fd, bool *plain)
{
	DIR *dir = fd_list(fd);
	const struct dirent *entry;
	bool any = false;

	*plain = true;
	for (errno = 0; !any && dir && (entry = readdir(dir));) {
		any = temporary_is_named(entry->d_name);
		*plain &= entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_DIR;
	}
	any |= fd_end(dir) != 0;
	*plain &= !any;
	return any;
}

int temporary_create(int parent, const char *name, mode_t mode)
{
	return fd_checked(openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

int temporary_file(int parent, const char *name, bool clean, char temporary[TEMPORARY_NAME])
{
	unsigned int taken = 0;
	bool stuck, waits = true;

	for (unsigned int turn = 0; turn < SLOTS * WAITS + TRIES; turn++) {
		if (turn >= SLOTS && turn % SLOTS == 0 && taken < SLOTS)
			waits = wait_moment();
		const unsigned int slot = taken < SLOTS && waits ? turn % SLOTS : other_slot();
		name_slot(temporary, name, slot);
		int fd = temporary_create(parent, temporary, 0600);
		if (fd < 0 && errno != EEXIST)
			return -1;
		if (fd < 0 && discard(parent, temporary, false, &stuck))
			fd = temporary_create(parent, temporary, 0600);
		else if (fd < 0)
			taken = stuck ? taken + 1 : 0;
		/* Before it was locked another run may have taken it for one that was left. A file system may have no locks. */
		const bool mine = fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
		if (mine && temporary_is_at(fd, parent, temporary)) {
			if (!clean)
				forget_slots(parent, name, slot, false);
			return fd;
		}
		const int err = mine ? errno : ESTALE;
		fd_close(fd);
		if (err != ESTALE && err != ENOENT) { /* not taken: it could not be looked at */
			(void)unlinkat(parent, temporary, 0);
			return fd_fail(err);
		}
	}
	return fd_fail(EEXIST);
}

int temporary_link(int parent, const char *name, const char *text, char temporary[TEMPORARY_NAME])
{
	/* A link cannot be locked. Whoever is at work on the one that goes tries again. */
	name_slot(temporary, name, 0);
	if (symlinkat(text, parent, temporary) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (unlinkat(parent, temporary, 0) != 0 && errno != ENOENT)
		name_slot(temporary, name, other_slot());
	return symlinkat(text, parent, temporary);
}

void temporary_forget(int parent, const char *name, bool own)
{
	forget_slots(parent, name, SLOTS, own);
}

int temporary_place(int parent, const char *temporary, const char *name, bool fresh)
{
	struct stat stat;

	if (!fresh)
		return renameat(parent, temporary, parent, name);
	if (syscall(SYS_renameat2, parent, temporary, parent, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Neither do all file systems know how (NFS), nor all outer filters let it through. */
	if (errno != EINVAL && errno != ENOSYS && errno != EPERM)
		return -1;
	if (linkat(parent, temporary, parent, name, 0) == 0)
		return unlinkat(parent, temporary, 0);
	if (errno == EEXIST)
		return -1;
	if (fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		return fd_fail(EEXIST);
	return renameat(parent, temporary, parent, name);
}

bool temporary_again(int result, int *tries)
{
	return result != 0 && (errno == ENOENT || errno == ESTALE) && (*tries)++ < TRIES;
}
