#include "steps/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/glob.h"
#include "steps/common/temporary.h"
#include "walk/held.h"

#define CHUNK (32 * 1024)
#define READ_LIMIT (16 * 1024 * 1024)

void file_attributes(const struct step *step, struct file_want *want)
{
	want->mode = step->mode;
	want->unsynced = step->sync == SYNC_NO;
	want->uid = step->owner_written ? step->owner.uid : identity_uid();
	want->gid = step->owner_written ? step->owner.gid : identity_gid();
	want->as_it_is = !step->owner_written;
}

int file_open(int fd, int parent, const char *name, const struct ground *ground)
{
	struct stat stat;
	int in = walk_reopen(fd, parent, name, O_RDONLY);

	if (in >= 0 || errno != EACCES || ground->foreign || !identity_can_change() || fd_fstat(fd, &stat) != 0)
		return in;
	const struct ground_acted was = ground_become(stat.st_uid, IDENTITY_NO_ID);
	in = walk_reopen(fd, parent, name, O_RDONLY);
	ground_back(&was);
	return in;
}

int file_open_to_compare(const struct walk_found *found, struct stat *opened)
{
	char link[WALK_LINK];
	const int fd = found->ground.foreign ? fd_openat(found->parent, found->name, O_PATH | O_NOFOLLOW) : -1;
	int in = -1;

	errno = EACCES;
	if (fd_fstat(fd, opened) == 0 && S_ISREG(opened->st_mode) && opened->st_dev == found->stat.st_dev &&
	    opened->st_ino == found->stat.st_ino && walk_link(fd, link) == 0) {
		const struct ground_acted was = ground_become(opened->st_uid, IDENTITY_NO_ID);
		in = fd_openat(AT_FDCWD, link, O_RDONLY | O_NONBLOCK);
		ground_back(&was);
	}
	fd_close(fd);
	return in >= 0 ? in : fd_fail(EACCES);
}

char *file_read(struct mem *mem, int in, size_t *length)
{
	struct stat stat;

	if (in < 0)
		return NULL;
	if (fd_fstat(in, &stat) != 0 || stat.st_size > READ_LIMIT) {
		close(in);
		errno = stat.st_size > READ_LIMIT ? EFBIG : EIO;
		return NULL;
	}
	/* More than its size: it may grow, and in procfs it has none. */
	size_t room = (size_t)stat.st_size + CHUNK;
	char *bytes = mem_array(mem, room + 1, 1);
	const ssize_t got = fd_read_all(in, bytes, room, 0);
	fd_close(in);
	*length = got < 0 ? 0 : (size_t)got;
	if (*length == room)
		errno = EFBIG;
	return got >= 0 && *length < room ? bytes : NULL;
}

int file_is_empty_directory(int fd)
{
	struct stat stat;
	bool seeding = false, empty = true;
	DIR *dir = fd_list(fd);

	for (const char *name; (name = fd_next(dir));)
		if (temporary_is_seeding(name))
			seeding = true;
		else if (strcmp(name, "lost+found") != 0 &&
			 !temporary_is_named(name)) /* of a fresh ext4, or a killed run */
			empty = false;
	if (fd_end(dir) != 0)
		return -1;
	if (!seeding || fstatat(fd, TEMPORARY_SEEDING, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return empty;
	/* One that is empty says nothing: it lies there before the look that is taken under its lock. */
	return S_ISREG(stat.st_mode) && stat.st_uid == identity_uid() && (empty || stat.st_size > 0);
}

int file_holds_only(const struct walk_found *found, const struct list *globs)
{
	DIR *dir = walk_enter(found) == 0 ? fd_list(found->fd) : NULL;
	bool only = true;

	for (const char *name; only && (name = fd_next(dir));)
		only = glob_any(globs, name) || temporary_is_named(name);
	if (fd_end(dir) != 0)
		return !dir && errno == ENOTDIR ? 0 : -1;
	return only;
}

int file_is_empty(const struct walk_found *found)
{
	if (!S_ISDIR(found->stat.st_mode))
		return found->stat.st_size == 0;
	return walk_enter(found) == 0 ? file_is_empty_directory(found->fd) : -1;
}
