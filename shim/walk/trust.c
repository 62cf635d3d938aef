#include "walk/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/start.h"
#include "walk/held.h"
#include "walk/rule.h"

#define BY_MODE " (chmod go=rX: in a Dockerfile by RUN, for a bind mount on the host)"

static const char *why_not(struct mem *mem, const struct stat *stat)
{
	if (!S_ISREG(stat->st_mode))
		return "it must be a regular file";
	if (walk_is_roots_alone(stat->st_uid, stat->st_mode))
		return NULL;
	if (stat->st_uid == OVERFLOW_ID)
		return "it belongs to uid 65534, as root's files do in a user namespace that does not map root: map "
		       "root's id, or bake the file into the image";
	if (stat->st_uid != 0)
		return mem_format(mem,
				  "it belongs to uid %u: it must be owned by root (in a Dockerfile COPY --chown=0:0, "
				  "for a bind mount chown root on the host)",
				  stat->st_uid);
	return mem_format(mem, "its mode %04o lets others than root write it%s", (unsigned int)stat->st_mode & 07777,
			  BY_MODE);
}

static const char *why_unreachable(struct mem *mem, int err, const struct walk_where *where)
{
	const char *why = walk_why(mem, err, where), *hint = "";

	if (err == EPERM && where->uid == OVERFLOW_ID)
		hint = " (uid 65534: root's files look so in a user namespace that does not map root)";
	else if (err == EPERM && S_ISDIR(where->mode))
		hint = where->uid == 0 ? " (or mounted read-only): put the file elsewhere, such as into /etc"
				       : ": put the file elsewhere, such as into /etc";
	return mem_format(mem, "%s%s", why, hint);
}

/*
 * Opens what usually is there, with one call for each directory where a walk makes three: a path without links, and all
 * directories on the file system of "/", owned by root and writable by nobody else. From "/" down only root can change
 * what the next name means once the directory was checked, so it need not be held. Only a regular file is opened, for
 * opening a device may do something. -1 with errno: ENOENT where there is no such file; anything else is for a walk to
 * find out.
 */
static int open_at_once(const char *path, struct stat *stat)
{
	const struct ground roots = {.foreign = false};
	char name[256] = "";
	dev_t root = 0;

	if (path[0] != '/' || strlen(path) >= sizeof(name) || ground_act(&roots) != 0)
		return fd_fail(EAGAIN);
	for (size_t i = 0; path[i]; name[i] = path[i], i++) {
		if (path[i] != '/')
			continue;
		if (fd_fstatat(AT_FDCWD, i ? name : "/", AT_SYMLINK_NOFOLLOW, stat) != 0)
			return -1;
		if (!S_ISDIR(stat->st_mode) || !walk_is_roots_alone(stat->st_uid, stat->st_mode) ||
		    (i && stat->st_dev != root))
			return fd_fail(EAGAIN);
		root = stat->st_dev;
	}
	if (fd_fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat) != 0)
		return -1;
	if (!S_ISREG(stat->st_mode))
		return fd_fail(EAGAIN);
	int fd = fd_openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fd_fstat(fd, stat) == 0)
		return fd;
	close(fd);
	return fd_fail(EAGAIN);
}

static int open_by_walk(struct mem *mem, const char *path, struct stat *stat, const char **why)
{
	struct walk_found found;

	if (walk_find(path, WALK_FOLLOW | WALK_TRUSTED, &found) != 0) {
		int err = errno;
		*why = why_unreachable(mem, err, &found.where);
		return fd_fail(err);
	}
	int fd = -1;
	*why = why_not(mem, &found.stat);
	if (!*why) {
		fd = walk_reopen_found(&found, O_RDONLY, stat);
		*why = fd < 0 ? mem_format(mem, "%s%s", strerror(errno), errno == EACCES ? BY_MODE : "") : NULL;
	}
	walk_release(&found);
	errno = EPERM;
	return fd;
}

int trust_open(struct mem *mem, const char *path, struct stat *stat, const char **why)
{
	int fd = open_at_once(path, stat);

	if (fd < 0 && errno == ENOENT)
		*why = strerror(ENOENT);
	else if (fd < 0)
		fd = open_by_walk(mem, path, stat, why);
	if (fd < 0)
		return -1;
	/*
	 * The descriptor that will be read or executed is judged. After open_at_once() this is the file's first check; a walk
	 * has checked the file before.
	 */
	*why = why_not(mem, stat);
	if (!*why)
		return fd;
	close(fd);
	return fd_fail(EPERM);
}

char *trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why)
{
	struct stat stat;
	char *bytes = NULL;
	ssize_t n = -1;
	int fd = trust_open(mem, path, &stat, why);

	if (fd < 0)
		return NULL;
	const size_t size = (size_t)stat.st_size;
	if (stat.st_size < 0 || (uintmax_t)stat.st_size > limit) {
		*why = mem_format(mem, "it is larger than %zu bytes", limit);
	} else {
		/* Room for one byte more: a file that grows, or whose size is wrong, does not pass. */
		bytes = mem_alloc(mem, size + 1);
		n = fd_read_all(fd, bytes, size + 1, size);
		if (n < 0)
			*why = mem_text(mem, strerror(errno));
		else if ((size_t)n != size)
			*why = mem_format(mem, "reading it gave %zd bytes instead of its %zu", n, size);
	}
	close(fd);
	errno = EIO; /* it is there */
	if (n < 0 || (size_t)n != size)
		return NULL;
	bytes[size] = '\0';
	*length = size;
	return bytes;
}
