#include "steps/common/content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/limits.h>

#include "base/fd.h"
#include "steps/common/abort.h"
#include "walk/held.h"

#define CHUNK (32 * 1024)

/* Reads what belongs at AT of the wanted content into BUFFER, or points *PART at it. 0: the end; -1 with errno. */
static ssize_t wanted_part(const struct file_want *want, off_t at, char *buffer, const char **part)
{
	if (!want->bytes) {
		*part = buffer;
		return pread(want->source, buffer, CHUNK, at);
	}
	size_t left = want->length - (size_t)at;
	*part = want->bytes + at;
	return (ssize_t)(left < CHUNK ? left : CHUNK);
}

/*
 * Where the data of FD goes on from AT, or its size where only a hole follows: lseek(2), SEEK_DATA. AT where the file has no
 * holes, or cannot tell.
 */
static off_t next_data(int fd, off_t at)
{
	struct stat stat;

	if (fd_fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_blocks >= (stat.st_size + 511) / 512)
		return at;
	off_t data = lseek(fd, at, SEEK_DATA);
	if (data < 0 && errno == ENXIO && at < stat.st_size)
		return stat.st_size;
	return data > at ? data : at;
}

/* A hole of the source is not written, but in place, where there is something else. */
static off_t skip_hole(const struct file_want *want, off_t at, bool whole)
{
	return want->bytes || whole ? at : next_data(want->source, at);
}

/* Past what is a hole in both. */
static off_t same_hole(const struct file_want *want, int in, off_t at)
{
	off_t data = want->bytes ? at : next_data(want->source, at);
	off_t other = data > at ? next_data(in, at) : at;

	return other < data ? other : data;
}

bool content_is(const struct file_want *want, int fd, int parent, const char *name)
{
	char wanted[CHUNK], got[CHUNK];
	off_t at = 0;
	int in = walk_reopen(fd, parent, name, O_RDONLY);
	bool same = in >= 0;

	while (same) {
		const char *part;
		at = same_hole(want, in, at);
		ssize_t length = wanted_part(want, at, wanted, &part);
		ssize_t have = pread(in, got, CHUNK, at);
		same = length >= 0 && have == length && memcmp(part, got, (size_t)length) == 0;
		if (length == 0)
			break;
		at += length;
	}
	fd_close(in);
	return same;
}

/* Writes the wanted content. False with errno: EINTR where a signal came that ends the setup, unless it is to be WHOLE. */
static bool fill(int out, const struct file_want *want, bool whole)
{
	char buffer[CHUNK];
	const char *part;
	off_t at = 0;
	ssize_t length;

	while ((length = wanted_part(want, at = skip_hole(want, at, whole), buffer, &part)) > 0) {
		while (length > 0) {
			ssize_t wrote = pwrite(out, part, (size_t)length, at);
			if (wrote <= 0)
				return false;
			part += wrote;
			length -= wrote;
			at += wrote;
		}
		if (!whole && abort_pending()) {
			errno = EINTR;
			return false;
		}
	}
	return length == 0 && ftruncate(out, at) == 0;
}

/* Its content on the disk, before a name leads to it there. Some file systems have nothing to wait for: fsync(2). */
static bool sync_content(int out, const struct file_want *want)
{
	return want->unsynced || fdatasync(out) == 0 || errno == EINVAL || errno == ENOSYS;
}

/* Of the user's name space alone: file capabilities, labels and access control lists are not for a copy to hand on. */
static bool keep_xattrs(int out, int source)
{
	static const char space[] = "user.";
	struct mem mem = {NULL};
	char *names = mem_array(&mem, XATTR_LIST_MAX, 1), *value = mem_array(&mem, XATTR_SIZE_MAX, 1);
	ssize_t length = flistxattr(source, names, XATTR_LIST_MAX);
	bool done = length >= 0 || errno == EOPNOTSUPP || errno == ENOSYS;

	for (const char *name = names; done && name < names + length; name += strlen(name) + 1) {
		if (strncmp(name, space, sizeof(space) - 1) != 0)
			continue;
		ssize_t size = fgetxattr(source, name, value, XATTR_SIZE_MAX);
		done = size >= 0 && (fsetxattr(out, name, value, (size_t)size, 0) == 0 || errno == EOPNOTSUPP);
	}
	mem_release(&mem);
	return done;
}

/* What is kept of the source beside its content. The time last: writing changes it. */
static bool keep_rest(int out, const struct file_want *want)
{
	struct stat stat;

	if (want->keep_xattrs && !keep_xattrs(out, want->source))
		return false;
	if (!want->keep_times)
		return true;
	if (fd_fstat(want->source, &stat) != 0)
		return false;
	return futimens(out, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, stat.st_mtim}) == 0;
}

bool content_write(int out, const struct file_want *want)
{
	return fill(out, want, false) && keep_rest(out, want) && sync_content(out, want);
}

/*
 * So that a full disk shows before anything is overwritten. A file system may not know how, fallocate(2), nor may what is
 * to be copied tell its size.
 */
static bool reserve_space(int out, const struct file_want *want)
{
	struct stat source = {.st_size = (off_t)want->length};

	if (!want->bytes && fd_fstat(want->source, &source) != 0)
		return false;
	return source.st_size == 0 || fallocate(out, FALLOC_FL_KEEP_SIZE, 0, source.st_size) == 0 ||
	       errno == EOPNOTSUPP || errno == ENOSYS;
}

int content_replace(int out, const struct file_want *want, const struct file_want *old)
{
	struct stat now;

	if (fd_fstat(out, &now) != 0)
		return -1;
	const bool room = reserve_space(out, want);
	if (room && fill(out, want, true))
		return 0;
	int err = errno;
	if (room && old->bytes)
		(void)fill(out, old, true);
	(void)!ftruncate(out, now.st_size); /* what was reserved behind the end */
	return fd_fail(err);
}
