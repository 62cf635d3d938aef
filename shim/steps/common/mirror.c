#include "steps/common/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/path.h"
#include "base/signals.h"
#include "steps/common/change.h"
#include "steps/common/file.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "steps/common/temporary.h"
#include "walk/held.h"
#include "walk/make.h"

/* In a mode: others than root have chosen it, or it is one for another group than root's. */
#define OF_OTHERS S_IFDIR
#define OF_ANOTHER_GROUP S_IFIFO

#define PLANTED EISNAM /* it is not of the owner that this run has given ABOVE; no file system call returns that */

/*
 * Does the directory TO, which was there already, belong to somebody else than ABOVE, which this run has made another
 * user's than the identity's? Who planted it would own what is written there.
 */
static bool is_planted(const struct ground *above, const struct mirror_level *to, const struct stat *stat, uint32_t uid)
{
	return above->entered && above->acts != above->uid && !to->ground.entered && stat->st_uid != above->acts &&
	       stat->st_uid != uid;
}

/*
 * The mode of a directory of the final MODE while it is filled, as its owner, who needs these rights until it is complete.
 * Nobody else may write to it until then: a start after a killed one still finds it owned by root alone. The set-user-ID
 * bit, which means nothing on a directory, marks it as incomplete.
 */
static mode_t filling(mode_t mode)
{
	return ((mode & 03777) | S_IRWXU | S_ISUID) & ~(mode_t)(S_IWGRP | S_IWOTH);
}

/*
 * Gives the owner of the directory TO, which was there already, the rights that this user lacks, until it is filled. If that fails,
 * for one on a read-only mount, all in it may still be right.
 */
static void lend_rights(struct mirror_level *to, const struct stat *stat)
{
	const struct ground *in = &to->ground;

	if (in->foreign && stat->st_uid == (in->entered ? in->acts : in->uid) && (stat->st_mode & S_IRWXU) != S_IRWXU &&
	    ground_chmod(to->fd, -1, NULL, stat->st_uid, IDENTITY_NO_ID, filling(stat->st_mode)) == 0)
		to->closed = stat->st_mode;
}

bool mirror_makes_roots(const struct step *step, const struct ground *in)
{
	return !in->foreign && !owner_gives(step) && identity_uid() == 0;
}

mode_t mirror_mode(const struct ground *from, uint32_t uid, uint32_t gid, mode_t mode)
{
	const bool others = from->foreign || uid != 0 || (mode & (S_ISVTX | S_IWOTH)) == S_IWOTH;

	return (mode & 07777) | (others ? OF_OTHERS : 0) | (gid != 0 ? OF_ANOTHER_GROUP : 0);
}

/*
 * Makes the directory, or opens an existing one. An errno value, or 0; -1: ABOVE was given away before that one was opened, which
 * need not be what was there before.
 */
static int make_or_open(const struct step *step, struct mirror_level *above, const char *name, mode_t mode,
			struct mirror_level *to, bool *made)
{
	struct file_want want;
	struct stat stat;

	file_attributes(step, &want);
	if (want.uid == ACCOUNTS_NO_ID)
		want.uid = identity_uid();
	const bool roots = mirror_makes_roots(step, &above->ground);
	if (roots && mode & OF_OTHERS)
		mode &= 0755;
	if (roots && mode & OF_ANOTHER_GROUP && want.gid == 0)
		mode &= ~(mode_t)S_IWGRP;
	mode &= 07777;
	const bool closed = (mode & S_IRWXU) != S_IRWXU || (mode & (S_IWGRP | S_IWOTH));
	*made = mkdirat(above->fd, name, WALK_UNFINISHED) == 0;
	if (!*made && errno != EEXIST)
		return errno;
	to->fd = *made ? walk_made(above->fd, name) : -1;
	if (*made && to->fd < 0 && errno != ESTALE)
		return errno;
	/* It is there, or another run was faster to complete and fill it. */
	*made = to->fd >= 0;
	if (!*made) {
		to->fd = fd_openat(above->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
		if (ground_is_given(&above->ground, above->fd))
			return -1;
	}
	if (to->fd < 0 || fd_fstat(to->fd, &stat) != 0)
		return errno;
	const int unfinished = walk_is_unfinished(to->fd, &stat, want.uid);
	/* Once more: another run may have completed it since then, and its mode is to come back in the end. */
	if (unfinished < 0 || fd_fstat(to->fd, &stat) != 0)
		return errno;
	*made |= unfinished;
	if (*made &&
	    (walk_finish(to->fd, above->fd, name, closed ? filling(mode) : mode & 07777, want.uid, want.gid) != 0 ||
	     fd_fstat(to->fd, &stat) != 0))
		return errno;
	/*
	 * A killed run leaves it without rights of others to write, for the end to give. If clauses of a mode have taken rights of others
	 * from it meanwhile, both stay away.
	 */
	const mode_t left = stat.st_mode | ~(mode_t)055;
	if ((closed || !*made) && (stat.st_mode & 07777) == (filling(mode) & left) && stat.st_uid == want.uid)
		to->closed = ((stat.st_mode & 07777) == filling(mode) ? mode : mode & left & ~(mode_t)022) | S_IFDIR;
	to->uid = stat.st_uid;
	to->made = *made;
	to->clean = *made || (above->tree && !temporary_is_any(to->fd, &to->plain));
	to->device = stat.st_dev;
	to->resumed = above->resumed && !*made;
	to->tree = above->tree;
	to->ground = above->ground;
	ground_enter(&to->ground, above->fd, to->fd, &stat, true);
	if (*made)
		ground_as_owner(&to->ground, stat.st_uid);
	if (is_planted(&above->ground, to, &stat, want.uid))
		return PLANTED;
	if (!*made)
		lend_rights(to, &stat);
	return 0;
}

/*
 * Opens the directory NAME in ABOVE as TO; makes it if it is missing, with MODE and the owner of the step. Follows no
 * link, and of an existing directory changes nothing but what mirror_close() takes back. to->fd is the caller's. False:
 * it was reported.
 */
static bool mirror_directory(struct setup *setup, const char *path, struct mirror_level *above, const char *name,
			     mode_t mode, struct mirror_level *to)
{
	uint64_t was;
	bool made = false;
	int err;

	to->fd = -1;
	signals_block(&was); /* it must not be left with the mode that it is made with */
	do {
		fd_close(to->fd);
		*to = (struct mirror_level){.fd = -1};
		err = ground_act(&above->ground) != 0 ? errno : make_or_open(setup->step, above, name, mode, to, &made);
	} while (err < 0);
	signals_mask(was);
	setup->changed += made && err == 0;
	if (err == 0)
		return true;
	fd_close(to->fd);
	to->fd = -1;
	if (err == PLANTED)
		return setup_refused(
			setup, "write to", path,
			"it belonged to another user before its directory was given away: remove it in a step "
			"before");
	if (err == ENOTDIR)
		return setup_refused(
			setup, "write to", path,
			"what is there must be a directory, and no link to one: remove it in a step before");
	return setup_failed(setup, "make the directory", path, err,
			    made && err == EPERM ? CAP_CHOWN : CAP_DAC_OVERRIDE);
}

void mirror_close(struct setup *setup, const char *path, struct mirror_level *level)
{
	struct stat stat;

	if (level->closed) {
		/* A server that squashes root obeys the owner alone. Who cannot act as that one tries as root. */
		(void)!ground_act(&level->ground);
		/* Another run may have given it to somebody else meanwhile, with another mode. */
		if (fd_fstat(level->fd, &stat) != 0 ||
		    (stat.st_uid == level->uid &&
		     ground_chmod(level->fd, -1, NULL, stat.st_uid, stat.st_gid, level->closed & 07777) != 0))
			setup_failed(setup, "chmod", path, errno, CAP_FOWNER);
	}
	close(level->fd);
	level->fd = -1;
}

bool mirror_open(struct setup *setup, mode_t mode, struct mirror_level *to)
{
	struct walk_found found;
	size_t length = strlen(setup->step->to);

	while (length > 1 && setup->step->to[length - 1] == '/')
		length--;
	const char *path = mem_copy(&setup->mem, setup->step->to, length);
	if (!setup_find(setup, "write to", path, WALK_TARGET, &found))
		return false;
	struct mirror_level above = {.fd = found.parent, .ground = found.ground};
	uint64_t before = setup->changed;
	const bool opened = found.fd >= 0 && !S_ISDIR(found.stat.st_mode)
				    ? setup_failed(setup, "write to", path, ENOTDIR, DIAG_NO_CAP)
				    : mirror_directory(setup, path, &above, found.name, mode, to);
	if (opened && setup->changed > before)
		ground_remember(to->fd);
	walk_release(&found);
	if (!opened || ground_act(&to->ground) == 0)
		return opened;
	fd_close(to->fd);
	return setup_failed(setup, "write to", path, errno, DIAG_NO_CAP);
}

const char *mirror_target(struct mirror *mirror, const struct walk_entry *entry, const char *name)
{
	const char *to = mirror->setup->step->to;
	size_t top = strlen(mirror->top), length = strlen(entry->path), to_length = strlen(to);

	while (to_length > 1 && to[to_length - 1] == '/')
		to_length--;
	while (top > 0 && mirror->top[top - 1] == '/')
		top--;
	/* Of a very long path not even the top may be known. */
	const char *below = length > top ? entry->path + top : "";
	if (entry->cut || length <= top)
		name = NULL;
	length = strlen(below) - (name ? strlen(entry->name) : 0);
	snprintf(mirror->path, sizeof(mirror->path), "%.*s%.*s%s", (int)to_length, to, (int)length, below,
		 name ? name : "");
	return mirror->path;
}

void mirror_want(const struct mirror_level *to, off_t size, struct file_want *want)
{
	want->unsynced |= to->tree;
	want->clean = to->clean;
	want->plain = to->plain && !to->ground.foreign;
	/* An empty one, or one without its time, could not be told from one that is complete. */
	want->direct = to->tree && to->made && size > 0 && !want->keep_times;
}

/*
 * The files of the tree, and their names, are on the disk. If syncfs(2) cannot do it, sync(2) does, also for what lies on
 * other mounts; but only syncfs(2) says of a disk that it failed.
 */
static void sync_tree(struct mirror *mirror, const struct mirror_level *to)
{
	const char *path = mirror->setup->step->to;

	setup_progress(mirror->setup, path); /* it may take long */
	const int fd = ground_act(&to->ground) == 0 ? fd_openat(to->fd, ".", O_RDONLY | O_DIRECTORY) : -1;
	const int result = fd < 0 ? -1 : syncfs(fd);

	if (result != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		setup_failed(mirror->setup, "write to", path, errno, DIAG_NO_CAP);
	else if (result != 0 || mirror->others)
		sync();
	fd_close(fd);
}

const char *mirror_in(struct setup *setup, const char *to, const char *name)
{
	return mem_format(&setup->mem, "%s%s%s", to, to[strlen(to) - 1] == '/' ? "" : "/", name);
}

static void flush(struct mirror *mirror)
{
	if (mirror->flush)
		mirror->flush(mirror);
}

static bool mirror_enter(void *context, const struct walk_entry *entry)
{
	struct mirror *mirror = context;

	setup_progress(mirror->setup, entry->path);
	/* reached by another path, such as a bind mount; mirror_check() has only compared the paths */
	if (entry->stat.dev == mirror->target.dev && entry->stat.ino == mirror->target.ino)
		return setup_refused(mirror->setup, mirror->verb, entry->path,
				     "it is the directory that is written to");
	if (entry->depth == 0)
		return true;
	if (entry->depth >= MIRROR_DEPTH)
		return setup_refused(mirror->setup, mirror->verb, entry->path,
				     "more than %d directories inside each other", MIRROR_DEPTH);
	if (change_has_moved(mirror->setup, mirror->verb, entry->path, entry->ground, entry->parent, entry->fd))
		return false;
	struct mirror_level *level = &mirror->levels[entry->depth];
	flush(mirror); /* before what it was called with is another directory's */
	if (!mirror_directory(mirror->setup, mirror_target(mirror, entry, NULL), level - 1, entry->name,
			      mirror_mode(entry->ground, entry->stat.uid, entry->stat.gid, entry->stat.mode), level))
		return false;
	mirror->others |= level->device != mirror->levels[0].device;
	return true;
}

static void mirror_leave(void *context, const struct walk_entry *entry)
{
	struct mirror *mirror = context;
	struct mirror_level *level = &mirror->levels[entry->depth];

	flush(mirror);
	if (entry->depth == 0)
		return;
	mirror_close(mirror->setup, mirror_target(mirror, entry, NULL), level);
}

static void file(void *context, const struct walk_entry *entry)
{
	struct mirror *mirror = context;

	setup_progress(mirror->setup, entry->path);
	if (temporary_is_left(entry->name) || temporary_is_seeding(entry->name))
		return;
	mirror->file(mirror, entry, &mirror->levels[entry->depth - 1]);
}

static void mirror_failed(void *context, const char *path, int err)
{
	const struct mirror *mirror = context;

	setup_failed(mirror->setup, "read", path, err, CAP_DAC_OVERRIDE);
}

void mirror_tree(struct mirror *mirror, const struct walk_found *source, const char *path,
		 const struct mirror_level *to)
{
	struct tree_walk tree = {
		.ground = source->ground,
		.parent = source->parent,
		/* The source may consist of several mounts: secrets, config maps. Those on foreign ground are asked about. */
		.cross_mounts = true,
		.exclude = mirror->exclude,
		.context = mirror,
		.enter = mirror_enter,
		.file = file,
		.leave = mirror_leave,
		.failed = mirror_failed,
		.pin = mirror->pin,
		.blind = !mirror->pin,
	};
	struct setup *setup = mirror->setup;
	const struct step *step = setup->step;
	const uint64_t before = setup->changed;
	struct mirror_level *top = &mirror->levels[0];

	mirror->top = path;
	*top = *to;
	/* What `keep` finds next time it does not look into, so each file has to be complete. */
	top->tree = step->if_exists != IF_EXISTS_KEEP || step->only_if_empty;
	top->clean |= top->tree && !temporary_is_any(to->fd, &top->plain);
	if (fd_statx(to->fd, "", &mirror->target) != 0) {
		setup_failed(setup, mirror->verb, path, errno, DIAG_NO_CAP);
		return;
	}
	for (size_t i = 1; i < MIRROR_DEPTH; i++)
		mirror->levels[i].fd = -1;
	if (walk_tree(&tree, source->fd, path) != 0)
		setup_failed(setup, mirror->verb, path, errno, DIAG_NO_CAP);
	flush(mirror);
	for (size_t i = 1; i < MIRROR_DEPTH; i++)
		fd_close(mirror->levels[i].fd);
	/* What an interrupted seed has written need not be on the disk. */
	if (top->tree && step->sync == SYNC_YES && (setup->changed > before || top->resumed))
		sync_tree(mirror, top);
	if (mirror->special)
		setup_note(setup, "entries passed over that are neither files, links nor directories: %zu",
			   mirror->special);
	if (mirror->planted)
		setup_note(setup,
			   "symbolic links that others than root could have made, which keep their owner so that no "
			   "step follows them: %zu",
			   mirror->planted);
}

void mirror_check(const struct step *step, struct problems *problems, const struct node *node)
{
	for (size_t i = 0; i < step->items.count; i++)
		if (path_below(step->to, step->items.items[i]))
			yaml_problem(problems, yaml_get(node, "to"), "\"%s\" lies inside \"%s\", which is read",
				     step->to, step->items.items[i]);
}
