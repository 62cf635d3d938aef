#include "steps/common/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/signals.h"
#include "steps/common/file.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/make.h"

/* A directory just made: its owner, then its mode, which a change of owner may alter. */
static bool own_directory(struct setup *setup, const struct step *step, const char *path, int fd, mode_t mode)
{
	struct file_want want;

	file_attributes(step, &want);
	if ((want.uid != geteuid() || want.gid != getegid()) &&
	    fchownat(fd, "", want.uid, want.gid, AT_EMPTY_PATH) != 0) {
		setup_failed(setup, "chown", path, errno, CAP_CHOWN);
		return false;
	}
	if (walk_chmod(fd, -1, NULL, mode & 07777) != 0) {
		setup_failed(setup, "chmod", path, errno, CAP_FOWNER);
		return false;
	}
	setup->changed++;
	return true;
}

int mirror_directory(struct setup *setup, const struct step *step, const char *path, int parent, const char *name,
		     mode_t mode)
{
	uint64_t was;

	signals_block(&was); /* never left with the mode that it is made with */
	bool made = mkdirat(parent, name, 0700) == 0;
	int fd = -1;
	if (made)
		fd = walk_made(parent, name);
	else if (errno == EEXIST)
		fd = fd_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0) {
		setup_failed(setup, "make the directory", path, errno, CAP_DAC_OVERRIDE);
	} else if (made && !own_directory(setup, step, path, fd, mode)) {
		close(fd);
		fd = -1;
	}
	signals_mask(was);
	return fd;
}

int mirror_open(struct setup *setup, const struct step *step, mode_t mode)
{
	struct walk_found found;
	size_t length = strlen(step->to);

	while (length > 1 && step->to[length - 1] == '/')
		length--;
	const char *path = mem_copy(&setup->mem, step->to, length);
	if (!file_find(setup, "write to", path, true, &found))
		return -1;
	if (found.fd < 0) {
		int fd = mirror_directory(setup, step, path, found.parent, found.name, mode);
		file_release(&found);
		return fd;
	}
	close(found.parent);
	if (S_ISDIR(found.stat.st_mode))
		return found.fd;
	close(found.fd);
	setup_failed(setup, "write to", path, ENOTDIR, DIAG_NO_CAP);
	return -1;
}

static bool mirror_enter(void *context, const struct walk_entry *entry)
{
	struct mirror *mirror = context;

	setup_progress(mirror->setup, entry->path);
	if (entry->depth == 0)
		return true;
	if (entry->depth >= MIRROR_DEPTH) {
		setup_refused(mirror->setup, mirror->verb, entry->path, "more than %d directories inside each other",
			      MIRROR_DEPTH);
		return false;
	}
	int *fd = &mirror->directories[entry->depth];
	if (*fd >= 0)
		close(*fd);
	*fd = mirror_directory(mirror->setup, mirror->step, entry->path, mirror->directories[entry->depth - 1],
			       entry->name, entry->stat.mode);
	return *fd >= 0;
}

static void file(void *context, const struct walk_entry *entry)
{
	struct mirror *mirror = context;

	setup_progress(mirror->setup, entry->path);
	mirror->file(mirror, entry, mirror->directories[entry->depth - 1]);
}

static void mirror_failed(void *context, const char *path, int err)
{
	const struct mirror *mirror = context;

	setup_failed(mirror->setup, "read", path, err, CAP_DAC_OVERRIDE);
}

void mirror_tree(struct mirror *mirror, const struct walk_found *source, const char *path, int to)
{
	struct tree_walk tree = {
		.cross_mounts = true, /* what is read may be made up of mounts: secrets, config maps */
		.exclude = mirror->exclude,
		.context = mirror,
		.enter = mirror_enter,
		.file = file,
		.failed = mirror_failed,
		.pin = true,
	};

	mirror->directories[0] = to;
	for (size_t i = 1; i < MIRROR_DEPTH; i++)
		mirror->directories[i] = -1;
	if (walk_tree(&tree, source->fd, path) != 0)
		setup_failed(mirror->setup, mirror->verb, path, errno, DIAG_NO_CAP);
	for (size_t i = 1; i < MIRROR_DEPTH; i++)
		if (mirror->directories[i] >= 0)
			close(mirror->directories[i]);
	if (mirror->special)
		setup_note(mirror->setup, "%zu entries passed over that are neither files, links nor directories",
			   mirror->special);
	if (mirror->planted)
		setup_note(mirror->setup,
			   "%zu symbolic links that others than root could have made do not become root's: no step "
			   "follows them",
			   mirror->planted);
}

static bool is_inside(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	while (length > 1 && directory[length - 1] == '/')
		length--;
	return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

void mirror_check(const struct step *step, struct problems *problems, const struct node *node)
{
	for (size_t i = 0; i < step->items.count; i++)
		if (is_inside(step->to, step->items.items[i]))
			yaml_problem(problems, yaml_get(node, "to"), "\"%s\" lies inside \"%s\", which is read",
				     step->to, step->items.items[i]);
}
