#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/signals.h"
#include "base/start.h"
#include "steps/common/change.h"
#include "steps/common/file.h"
#include "steps/common/mirror.h"
#include "steps/common/options.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/rule.h"

static bool keeps_existing(struct setup *setup, const struct step *step, int to, const char *name)
{
	struct stat stat;

	if (step->if_exists != IF_EXISTS_KEEP || fstatat(to, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	setup->same++;
	return true;
}

/* MODE is the source's. Set-id bits are not taken over: the owner is another now. */
static void put_file(struct setup *setup, const struct step *step, const char *path, int source, mode_t mode,
		     const struct mirror_level *to, const char *name)
{
	struct file_want want = {.source = source};

	file_attributes(step, &want);
	if (!step->mode_written)
		want.mode = mode & 01777;
	(void)file_put(setup, "copy", path, to->fd, &to->ground, name, &want);
}

/* Is it that link already, with that owner? */
static bool same_link(const char *text, size_t length, const struct file_want *want, int to, const char *name)
{
	struct stat now;
	char is[PATH_MAX];

	return fstatat(to, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(now.st_mode) &&
	       (now.st_uid == want->uid || want->uid == ACCOUNTS_NO_ID) &&
	       (now.st_gid == want->gid || want->gid == ACCOUNTS_NO_ID) &&
	       readlinkat(to, name, is, sizeof(is)) == (ssize_t)length && memcmp(is, text, length) == 0;
}

/* Its owner, by a descriptor: another may have taken the name, of which root's would be followed. */
static bool give_link(int fd, const char *text, const struct file_want *want, int *cap)
{
	const size_t length = strlen(text);
	char is[PATH_MAX];
	struct stat made;

	if (fd_fstat(fd, &made) != 0)
		return false;
	if (!S_ISLNK(made.st_mode) || made.st_uid != identity_uid() ||
	    readlinkat(fd, "", is, sizeof(is)) != (ssize_t)length || memcmp(is, text, length) != 0) {
		errno = ESTALE;
		return false;
	}
	*cap = CAP_CHOWN;
	return (made.st_uid == want->uid && made.st_gid == want->gid) || walk_chown(fd, want->uid, want->gid) == 0;
}

/* Made beside it, given its owner, and renamed into place. */
static bool make_link(const char *text, const struct file_want *want, int to, const char *name, int *cap)
{
	char temporary[FILE_TEMPORARY];
	bool late = file_renames_first(to, want);

	*cap = CAP_DAC_OVERRIDE;
	file_name_temporary(temporary);
	if (symlinkat(text, to, temporary) != 0)
		return false;
	int fd = fd_openat(to, temporary, O_PATH | O_NOFOLLOW);
	bool good = fd >= 0 && (late || give_link(fd, text, want, cap)) && renameat(to, temporary, to, name) == 0 &&
		    (!late || give_link(fd, text, want, cap));
	int err = errno;
	if (!good)
		(void)unlinkat(to, temporary, 0);
	fd_close(fd);
	errno = err;
	return good;
}

static void put_link(struct mirror *mirror, const struct walk_entry *entry, const char *text,
		     const struct mirror_level *to)
{
	struct setup *setup = mirror->setup;
	struct file_want want = {.bytes = ""};
	uint64_t was;
	int cap = DIAG_NO_CAP;

	file_attributes(mirror->step, &want);
	if (want.uid == ACCOUNTS_NO_ID)
		want.uid = identity_uid();
	/* A walk does not follow it where it lies; no copy of ours may make that good, as one of root's would. */
	if (want.uid == 0 && !to->ground.foreign &&
	    (entry->ground->foreign || !walk_follows(entry->parent, entry->stat.uid))) {
		want.uid = entry->stat.uid != 0 ? entry->stat.uid : OVERFLOW_ID;
		mirror->planted++;
	}
	if (same_link(text, strlen(text), &want, to->fd, entry->name)) {
		setup->same++;
		return;
	}
	signals_block(&was);
	if (make_link(text, &want, to->fd, entry->name, &cap))
		setup->changed++;
	else
		setup_failed(setup, "copy", entry->path, errno, cap);
	signals_mask(was);
}

/* Reads the source as is due there, and goes on as is due at the destination. */
static void copy_entry(struct mirror *mirror, const struct walk_entry *entry, const struct mirror_level *to)
{
	struct setup *setup = mirror->setup;
	char text[PATH_MAX] = "";
	bool file = S_ISREG(entry->stat.mode), link = S_ISLNK(entry->stat.mode);
	int source = file ? walk_reopen(entry->fd, entry->parent, entry->name, O_RDONLY) : -1;
	ssize_t length = link ? readlinkat(entry->fd, "", text, sizeof(text) - 1) : 0;
	int err = errno;

	if (ground_act(&to->ground) != 0)
		setup_failed(setup, "copy", entry->path, errno, DIAG_NO_CAP);
	else if (keeps_existing(setup, mirror->step, to->fd, entry->name))
		;
	else if (!file && !link)
		mirror->special++;
	else if (length < 0 || (file && source < 0))
		setup_failed(setup, "read", entry->path, err, CAP_DAC_OVERRIDE);
	else if (file)
		put_file(setup, mirror->step, entry->path, source, entry->stat.mode, to, entry->name);
	else
		put_link(mirror, entry, text, to);
	fd_close(source);
}

/*
 * The file that lies there while a seed is not complete. It is given to root where that is possible: one that was root's
 * before cannot be opened as another user, and is there already.
 */
static int open_marker(int to)
{
	struct stat stat;
	int marker =
		fd_checked(openat(to, FILE_SEEDING, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));

	if (marker < 0 && errno == EACCES)
		marker = fd_openat(to, FILE_SEEDING, O_PATH | O_NOFOLLOW);
	if (marker >= 0 && fd_fstat(marker, &stat) == 0 && stat.st_uid == identity_uid() &&
	    stat.st_uid != file_seeder())
		(void)!walk_chown(marker, file_seeder(), IDENTITY_NO_ID);
	return marker;
}

static void close_marker(struct setup *setup, const struct step *step, int marker, int to)
{
	struct stat stat;

	if (fd_fstat(marker, &stat) == 0)
		ground_for_name(to, stat.st_uid);
	close(marker);
	if (unlinkat(to, FILE_SEEDING, 0) != 0)
		setup_failed(setup, "remove " FILE_SEEDING " in", step->to, errno, CAP_DAC_OVERRIDE);
}

/*
 * A directory's contents. With only_if_empty a file lies there until all is copied: only where that is found, or
 * nothing, it is done (again).
 */
static void copy_directory(struct setup *setup, const struct step *step, const char *path,
			   const struct walk_found *source)
{
	struct mirror mirror = {.setup = setup, .step = step, .verb = "copy", .file = copy_entry};
	struct mirror_level to;
	int empty = 1, marker = -1;

	if (mirror_open(setup, step, source->stat.st_mode & 01777, &to) != 0)
		return;
	if (ground_act(&to.ground) != 0)
		empty = -1;
	else if (step->only_if_empty)
		empty = file_is_empty_directory(to.fd);
	if (empty > 0 && step->only_if_empty) {
		marker = open_marker(to.fd);
		empty = marker < 0 ? -1 : 1;
	}
	if (empty < 0)
		setup_failed(setup, "seed", step->to, errno, CAP_DAC_OVERRIDE);
	else if (empty == 0)
		setup->same++;
	else
		mirror_tree(&mirror, source, path, &to);
	if (marker >= 0 && ground_act(&to.ground) == 0)
		close_marker(setup, step, marker, to.fd);
	mirror_finish(setup, step->to, &to);
	close(to.fd);
}

/* Into the directory `to` where it is one or is written as one ("/etc/", several sources), otherwise to that name. */
static void put_source(struct setup *setup, const struct step *step, const char *path, const struct walk_found *source,
		       int in)
{
	struct walk_found found;
	struct mirror_level to = {.fd = -1};
	bool into = step->items.count > 1 || step->to[strlen(step->to) - 1] == '/';
	const char *name = strrchr(path, '/') + 1;

	if (!into && !file_find(setup, "write to", step->to, true, &found))
		return;
	if (!into && found.fd >= 0 && S_ISDIR(found.stat.st_mode)) {
		file_release(&found);
		into = true;
	}
	if (into && mirror_open(setup, step, 0755, &to) != 0)
		return;
	if (!into) {
		to = (struct mirror_level){.fd = found.parent, .ground = found.ground};
		name = found.name;
	}
	if (ground_act(&to.ground) != 0)
		setup_failed(setup, "write to", step->to, errno, DIAG_NO_CAP);
	else if (!keeps_existing(setup, step, to.fd, name))
		put_file(setup, step, step->to, in, source->stat.st_mode, &to, name);
	if (into)
		close(to.fd);
	else
		file_release(&found);
}

static void copy_file(struct setup *setup, const struct step *step, const char *path, const struct walk_found *source)
{
	int in = walk_reopen(source->fd, source->parent, source->name, O_RDONLY);

	if (in < 0) {
		setup_failed(setup, "read", path, errno, CAP_DAC_OVERRIDE);
		return;
	}
	put_source(setup, step, path, source, in);
	close(in);
}

static void copy_one(struct setup *setup, const struct step *step, const char *path)
{
	struct walk_where where;
	struct walk_found source;

	if (walk_find(path, WALK_FOLLOW, &source, &where) != 0) {
		setup_unreachable(setup, "copy", path, errno, &where);
		return;
	}
	if (S_ISREG(source.stat.st_mode))
		copy_file(setup, step, path, &source);
	else if (!S_ISDIR(source.stat.st_mode))
		setup_refused(setup, "copy", path, "it is neither a file nor a directory");
	else if (!step->recursive)
		setup_refused(setup, "copy", path, "it is a directory: write \"recursive: true\"");
	else if (!step->cross_mounts && ground_may_have_moved(&source.ground, source.parent, source.fd))
		setup_refused(setup, "copy", path, CHANGE_MOVED);
	else
		copy_directory(setup, step, path, &source);
	walk_release(&source);
}

static void step_copy(struct setup *setup)
{
	const struct step *step = setup->step;

	for (size_t i = 0; i < step->items.count; i++)
		copy_one(setup, step, step->items.items[i]);
}

static void copy_check(const struct step *step, struct problems *problems, const struct node *node)
{
	if (step->if_exists == IF_EXISTS_APPEND_MISSING)
		yaml_problem(problems, yaml_get(node, "if_exists"),
			     "\"append_missing\" is for write: copy can replace or keep");
	if (step->only_if_empty && !step->recursive)
		yaml_problem(problems, node, "\"only_if_empty\" is for directories: write \"recursive: true\" as well");
	mirror_check(step, problems, node);
}

/* A directory of the copy is given away before it is filled. */
static uint64_t copy_needs(const struct step *step)
{
	return owner_needs(step) | (step->recursive && owner_gives(step) ? MAY_ACT : 0);
}

static const struct step_option copy_options[] = {
	OPTION_WITH("to", TARGET, to, .required = true),
	MAKE_OPTIONS,
	IF_EXISTS_OPTION,
	OPTION("recursive", BOOL, recursive),
	OPTION("only_if_empty", BOOL, only_if_empty),
	OPTION("cross_mounts", BOOL, cross_mounts),
};

const struct verb verb_copy = {
	.name = "copy",
	OPTIONS(copy_options),
	.mode = 0644,
	.act = step_copy,
	.check = copy_check,
	.needs = copy_needs,
	.may_need = MAY_ACT,
};
