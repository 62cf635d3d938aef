#include "steps/common/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/limits.h>

#include "base/fd.h"
#include "steps/common/abort.h"
#include "steps/common/say.h"

#define CHUNK (32 * 1024)
#define UNTOLD (64 * 1024 * 1024)        /* of a file that does not tell its size, as in procfs */
#define PROGRESS_EVERY (8 * 1024 * 1024) /* bytes: reading the clock for each chunk would cost too much */

/*
 * Reads what belongs at AT of the wanted content into BUFFER, or points *PART at it. 0: the end; -1 with errno. Of a source
 * no more than it had when it was opened: others could let it grow until the disk is full.
 */
static ssize_t wanted_part(const struct file_want *want, off_t at, char *buffer, const char **part)
{
	if (!want->bytes) {
		const off_t size = want->stat->st_size, rest = (size ? size : UNTOLD) - at;
		*part = buffer;
		if (rest <= 0)
			return size ? 0 : fd_fail(EFBIG);
		return pread(want->source, buffer, rest < CHUNK ? (size_t)rest : CHUNK, at);
	}
	size_t left = want->length - (size_t)at;
	*part = want->bytes + at;
	return (ssize_t)(left < CHUNK ? left : CHUNK);
}

/* Of bytes only the size. */
static struct stat wanted_stat(const struct file_want *want)
{
	const struct stat bytes = {.st_size = (off_t)want->length};

	return want->bytes ? bytes : *want->stat;
}

/* Where the data of FD goes on from AT, or its SIZE if only a hole follows: lseek(2), SEEK_DATA. */
static off_t next_data(int fd, off_t size, off_t at)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0 && errno == ENXIO && at < size)
		return size;
	return data > at ? data : at; /* AT where it cannot tell */
}

/* The size of FD if it has holes, otherwise -1. */
static off_t size_with_holes(const struct stat *stat)
{
	return S_ISREG(stat->st_mode) && stat->st_size > 0 && stat->st_blocks <= (stat->st_size - 1) / 512
		       ? stat->st_size
		       : -1;
}

/* Past what is a hole in both: of the source and of IN, whose sizes are -1 without holes. */
static off_t same_hole(const struct file_want *want, off_t source, int in, off_t size, off_t at)
{
	off_t data = source < 0 || size < 0 ? at : next_data(want->source, source, at);
	off_t other = data > at ? next_data(in, size, at) : at;

	return other < data ? other : data;
}

static void progress(const struct file_want *want, off_t at)
{
	if (want->setup && at >= PROGRESS_EVERY && at % PROGRESS_EVERY < CHUNK)
		setup_progress_in(want->setup, want->path, (uint64_t)at);
}

/* Of how many bytes are both the same? memcmp(3) of musl compares byte by byte. */
static size_t same_bytes(const char *a, const char *b, size_t length)
{
	size_t same = 0;
	uint64_t x, y;

	for (; same + sizeof(x) <= length; same += sizeof(x)) {
		memcpy(&x, a + same, sizeof(x));
		memcpy(&y, b + same, sizeof(y));
		if (x != y)
			break;
	}
	while (same < length && a[same] == b[same])
		same++;
	return same;
}

/* Is GOT what is WANTED, but for zeros? After a power cut they stand for what was not on the disk yet. */
static bool is_but_for_zeros(const char *wanted, const char *got, ssize_t length)
{
	while (length > 0 && (*got == *wanted || *got == '\0'))
		wanted++, got++, length--;
	return length == 0;
}

enum content content_is(const struct file_want *want, int in, const struct stat *now)
{
	char wanted[CHUNK], got[CHUNK];
	enum content is = CONTENT_SAME;
	const struct stat source = wanted_stat(want);

	for (off_t at = 0;;) {
		const char *part;
		at = same_hole(want, size_with_holes(&source), in, size_with_holes(now), at);
		if (at > 0 && at == source.st_size && at == now->st_size)
			return is;
		ssize_t length = wanted_part(want, at, wanted, &part);
		ssize_t have = pread(in, got, CHUNK, at);
		if (length < 0 || have < 0 || have > length)
			return CONTENT_OTHER;
		const size_t same = same_bytes(part, got, (size_t)have);
		if (same < (size_t)have) {
			if (!is_but_for_zeros(part + same, got + same, have - (ssize_t)same))
				return CONTENT_OTHER;
			is = CONTENT_LESS;
		}
		if (have < length)
			return CONTENT_LESS;
		at += length;
		if (length == 0)
			return is;
		progress(want, at);
	}
}

int content_is_cut_short(const struct file_want *want, const struct ground *ground, int parent, const char *name)
{
	struct stat now;
	const int held = fd_openat(parent, name, O_PATH | O_NOFOLLOW);
	int in = -1, is = -1;

	if (held < 0)
		return errno == ENOENT ? 0 : -1;
	if (fd_fstat(held, &now) == 0) {
		is = 0;
		/* A seed gives a file to its owner before it has content. The answer about another's would tell what the source holds. */
		const uint32_t owner = want->uid == ACCOUNTS_NO_ID ? identity_uid() : want->uid;
		if (S_ISREG(now.st_mode) && now.st_nlink == 1 && (now.st_size == 0 || now.st_uid == owner))
			is = (in = file_open(held, parent, name, ground)) < 0 ? -1 : 0;
		/* Somebody else is at it; or its size has to do. */
		if (is < 0 &&
		    (errno == ENOENT || errno == ESTALE || (errno == EACCES && now.st_size >= want->stat->st_size)))
			is = 0;
	}
	if (in >= 0)
		is = content_is(want, in, &now) == CONTENT_LESS;
	fd_close(in);
	fd_close(held);
	return is;
}

static bool write_piece(int out, const char *bytes, ssize_t length, off_t at)
{
	while (length > 0) {
		ssize_t wrote = pwrite(out, bytes, (size_t)length, at);
		if (wrote <= 0)
			return false;
		bytes += wrote;
		length -= wrote;
		at += wrote;
	}
	return true;
}

/*
 * Writes the wanted content. With WHOLE also the holes of the source, because something else may be there, and no signal
 * ends it: EINTR.
 */
static bool fill(int out, const struct file_want *want, bool whole)
{
	char buffer[CHUNK];
	const char *part;
	const struct stat source = wanted_stat(want);
	off_t at = 0, end = 0; /* of what was written */
	ssize_t length = 0;

	const off_t holes = whole ? -1 : size_with_holes(&source);
	do {
		if (holes >= 0)
			at = next_data(want->source, holes, at);
		length = wanted_part(want, at, buffer, &part);
		if (length <= 0)
			break;
		if (!write_piece(out, part, length, at))
			return false;
		end = at += length;
		progress(want, at);
		if (!whole && length == CHUNK && abort_pending()) {
			errno = EINTR;
			return false;
		}
	} while (at != source.st_size);
	return length >= 0 && ((at == end && !whole) || ftruncate(out, at) == 0);
}

/* Its content on the disk, before a name leads to it there. Some file systems have nothing to wait for: fsync(2). */
static bool sync_content(int out, const struct file_want *want)
{
	return want->unsynced || fdatasync(out) == 0 || errno == EINVAL || errno == ENOSYS;
}

/* Of the user's name space alone: file capabilities, labels and access control lists are not for a copy to hand on. */
static bool keep_xattrs(int out, const struct file_want *want)
{
	const int source = want->source;
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
		/* ext4 has room for a few kilobytes. On a full disk the content fails as well. */
		if (!done && size > 0 && (errno == ENOSPC || errno == E2BIG)) {
			setup_note(want->setup, "left out, too large for the file system: \"%s\" of \"%s\"", name,
				   want->path);
			done = true;
		}
	}
	mem_release(&mem);
	return done;
}

/* After the content: writing changes it. */
static bool keep_times(int out, int source)
{
	struct stat stat;

	return fd_fstat(source, &stat) == 0 &&
	       futimens(out, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, stat.st_mtim}) == 0;
}

bool content_write(int out, const struct file_want *want)
{
	if (want->keep_xattrs && !keep_xattrs(out, want))
		return false;
	return fill(out, want, false) && (!want->keep_times || keep_times(out, want->source)) &&
	       sync_content(out, want);
}

/*
 * So that a full disk shows before anything is overwritten. A file system may not know how, fallocate(2), nor may what is
 * to be copied tell its size.
 */
static bool reserve_space(int out, const struct file_want *want)
{
	const struct stat source = wanted_stat(want);

	return source.st_size == 0 || fallocate(out, FALLOC_FL_KEEP_SIZE, 0, source.st_size) == 0 ||
	       errno == EOPNOTSUPP || errno == ENOSYS;
}

int content_replace(int out, const struct file_want *want, const struct file_want *old)
{
	struct stat now;

	if (fd_fstat(out, &now) != 0)
		return -1;
	const bool room = reserve_space(out, want);
	if (room && fill(out, want, true) && sync_content(out, want))
		return 0;
	int err = errno;
	if (room && old->bytes)
		(void)fill(out, old, true);
	(void)!ftruncate(out, now.st_size); /* what was reserved behind the end */
	return fd_fail(err);
}
