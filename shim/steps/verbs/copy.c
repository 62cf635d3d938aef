#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/signals.h"
#include "base/start.h"
#include "steps/common/change.h"
#include "steps/common/content.h"
#include "steps/common/file.h"
#include "steps/common/mirror.h"
#include "steps/common/options.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "steps/common/seed.h"
#include "steps/common/temporary.h"
#include "walk/held.h"
#include "walk/rule.h"

#define AT_ONCE 16 /* files; each uses one descriptor */

/* When a seed starts, existing files are complete, from an interrupted seed, or the workload's. */
static bool keeps(const struct step *step)
{
	return step->if_exists == IF_EXISTS_KEEP || step->only_if_empty;
}

/* Is NAME there already, and stays as it is? Then it is counted, and what a killed run has left of it is removed. */
static bool keeps_existing(struct setup *setup, const struct mirror_level *to, const char *name)
{
	struct stat stat;

	if (!keeps(setup->step) || to->made || fstatat(to->fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (!to->clean)
		temporary_forget(to->fd, name, true);
	setup->same++;
	return true;
}

/*
 * Opens the file NAME in PARENT for reading, whatever has that name by now, as long as it is a regular file. Never follows a
 * link, never blocks. -1 with errno.
 */
static int open_regular(int parent, const char *name, struct stat *stat)
{
	const int fd = walk_open_leased(parent, name, O_RDONLY);

	if (fd < 0 || (fd_fstat(fd, stat) == 0 && S_ISREG(stat->st_mode)))
		return fd;
	close(fd);
	return fd_fail(ESTALE);
}

/* What is copied, and the GROUND that it lies on. */
static bool is_of_others(const struct ground *ground, const struct stat *stat)
{
	return ground->foreign || !walk_is_roots_alone(stat->st_uid, stat->st_mode);
}

/*
 * PATH is the destination's, STAT the SOURCE's, which OTHERS than root could have put there. Set-id bits are not taken over: the
 * owner is another now.
 */
static bool put_file(struct setup *setup, const char *path, int source, const struct stat *stat, bool others,
		     const struct mirror_level *to, const char *name)
{
	const struct step *step = setup->step;
	struct file_want want = {.source = source,
				 .stat = stat,
				 .fresh = keeps(step),
				 .keep_times = list_has(&step->preserve, "times"),
				 .keep_xattrs = list_has(&step->preserve, "xattrs")};

	file_attributes(step, &want);
	want.others = others;
	if (!step->mode_written)
		want.mode = stat->st_mode & (others && mirror_makes_roots(step, &to->ground) ? 01755 : 01777);
	mirror_want(to, stat->st_size, &want);
	const int cut = to->resumed ? content_is_cut_short(&want, &to->ground, to->fd, name) : 0;
	if (cut < 0)
		return setup_failed(setup, "read", path, errno, CAP_DAC_OVERRIDE);
	if (to->resumed && cut == 0 && keeps_existing(setup, to, name))
		return true;
	want.fresh &= cut == 0;
	return file_put(setup, "write", path, to->fd, &to->ground, name, &want);
}

/* Is it that link already, with that owner? As it is it stays root's, or that of the directory's owner: see keep_owner(). */
static bool same_link(const char *text, size_t length, const struct file_want *want, int to, const char *name)
{
	struct stat now, above;
	char is[PATH_MAX];

	return fstatat(to, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(now.st_mode) &&
	       ((want->as_it_is && ground_is_foreign() &&
		 (now.st_uid == 0 || (fd_fstat(to, &above) == 0 && above.st_uid == now.st_uid))) ||
		((now.st_uid == want->uid || want->uid == ACCOUNTS_NO_ID) &&
		 (now.st_gid == want->gid || want->gid == ACCOUNTS_NO_ID))) &&
	       readlinkat(to, name, is, sizeof(is)) == (ssize_t)length && memcmp(is, text, length) == 0;
}

/* Sets its owner through a descriptor: another link may have taken the name, and walks follow links owned by root. */
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

/* Made beside NAME, given its owner, and renamed into place. */
static int make_link(const char *text, const struct file_want *want, int to, const char *name, int *cap)
{
	char temporary[TEMPORARY_NAME];
	bool late = file_renames_first(to, want);

	*cap = CAP_DAC_OVERRIDE;
	if (temporary_link(to, name, text, temporary) != 0)
		return -1;
	int fd = fd_openat(to, temporary, O_PATH | O_NOFOLLOW);
	bool good = fd >= 0 && (late || give_link(fd, text, want, cap)) &&
		    temporary_place(to, temporary, name, want->fresh) == 0 && (!late || give_link(fd, text, want, cap));
	if (!good)
		fd_unlink(to, temporary);
	fd_close(fd);
	return good ? 0 : -1;
}

static void put_link(struct mirror *mirror, const struct walk_entry *entry, const char *text,
		     const struct mirror_level *to)
{
	struct setup *setup = mirror->setup;
	struct file_want want = {.bytes = "", .fresh = keeps(setup->step)};
	uint64_t was;
	int cap = DIAG_NO_CAP, tries = 0, result;
	bool same;

	file_attributes(setup->step, &want);
	if (want.uid == ACCOUNTS_NO_ID)
		want.uid = identity_uid();
	/* Walks refuse to follow this link. They would follow a copy owned by root, so the copy keeps its owner. */
	if (want.uid == 0 && (entry->ground->foreign || !walk_follows(entry->parent, entry->stat.uid))) {
		want.uid = entry->stat.uid != 0 ? entry->stat.uid : OVERFLOW_ID;
		want.as_it_is = false;
		mirror->planted++;
	}
	signals_block(&was);
	do {
		same = same_link(text, strlen(text), &want, to->fd, entry->name);
		result = same ? 0 : make_link(text, &want, to->fd, entry->name, &cap);
	} while (temporary_again(result, &tries));
	if (same && !to->clean)
		temporary_forget(to->fd, entry->name, false);
	if (same)
		setup->same++;
	else if (result == 0)
		setup->changed++;
	else if (errno == EEXIST && want.fresh)
		setup->same++;
	else
		setup_failed(setup, "write", mirror_target(mirror, entry, entry->name), errno, cap);
	signals_mask(was);
}

/* A source that is open already and waits for its turn. */
struct pending_copy {
	int source; /* or an error, negative */
	bool others;
	struct stat stat;
	char name[NAME_MAX + 1];
};

/* Several sources are opened as their ground asks, then written: to act as another ground asks is nine system calls. */
struct copying {
	struct mirror mirror; /* first */
	const struct mirror_level *to;
	struct ground from; /* of the sources, which lie in PARENT: as it was judged when the first was opened */
	int parent;
	char path[2048 + NAME_MAX]; /* of TO, with a slash, where it is not too long to be known */
	size_t count;
	struct pending_copy sources[AT_ONCE];
};

/* What was opened before another container gave the directory away is opened again as its new ground asks. */
static void look_again(struct copying *copying)
{
	while (copying->count > 0 && ground_is_given(&copying->from, copying->parent)) {
		const bool acts = ground_act(&copying->from) == 0;
		for (size_t i = 0; i < copying->count; i++) {
			struct pending_copy *it = &copying->sources[i];
			fd_close(it->source);
			it->source = acts ? open_regular(copying->parent, it->name, &it->stat) : -1;
			if (it->source < 0) {
				it->source = -errno;
			} else if (change_has_moved(copying->mirror.setup, "copy", it->name, &copying->from,
						    copying->parent, it->source)) {
				close(it->source);
				it->source = -ESTALE; /* it was reported */
			}
			it->others = true;
		}
	}
}

static void copy_flush(struct mirror *mirror)
{
	struct copying *copying = (struct copying *)mirror;
	struct setup *setup = mirror->setup;
	const struct mirror_level *to = copying->to;
	char *const end = copying->path + strlen(copying->path);
	struct tree_pins done = {.count = 0};

	look_again(copying);
	for (size_t i = 0; i < copying->count; i++) {
		const struct pending_copy *it = &copying->sources[i];
		if (end > copying->path && end[-1] == '/')
			(void)memccpy(end, it->name, '\0', sizeof(it->name));
		if (it->source == -ENOENT || it->source == -ESTALE)
			; /* gone, or no file any more */
		else if (it->source < 0)
			setup_failed(setup, "read the source of", copying->path, -it->source, CAP_DAC_OVERRIDE);
		else if (ground_act(&to->ground) != 0)
			setup_failed(setup, "write", copying->path, errno, DIAG_NO_CAP);
		else if (to->resumed || !keeps_existing(setup, to, it->name))
			(void)put_file(setup, copying->path, it->source, &it->stat, it->others, to, it->name);
		tree_unpin(&done, it->source);
	}
	tree_unpin(&done, -1);
	copying->count = 0;
}

/* Reads the source as the source asks, and goes on as the destination asks. */
static void copy_entry(struct mirror *mirror, const struct walk_entry *entry, const struct mirror_level *to)
{
	struct copying *copying = (struct copying *)mirror;
	struct setup *setup = mirror->setup;
	struct pending_copy *it = &copying->sources[copying->count];
	char text[PATH_MAX];
	ssize_t length = -1;

	const bool regular = S_ISREG(entry->stat.mode);
	it->source = regular ? open_regular(entry->parent, entry->name, &it->stat) : -1;
	while (regular && it->source < 0 && ground_is_given(entry->ground, entry->parent))
		it->source = ground_act(entry->ground) == 0 ? open_regular(entry->parent, entry->name, &it->stat) : -1;
	if (it->source >= 0 && change_has_moved(setup, "copy", entry->path, entry->ground, entry->parent, it->source)) {
		close(it->source);
		return;
	}
	if (it->source >= 0) {
		it->others = is_of_others(entry->ground, &it->stat);
		if (copying->count++ == 0) {
			copying->to = to;
			copying->from = *entry->ground;
			copying->parent = entry->parent;
			(void)memccpy(copying->path, mirror_target(mirror, entry, ""), '\0', sizeof(mirror->path));
		}
		(void)memccpy(it->name, entry->name, '\0', sizeof(it->name));
		if (copying->count == AT_ONCE)
			copy_flush(mirror);
		return;
	}
	int err = errno;
	struct walk_entry now = *entry;
	/* Only its type is known so far, from a listing. It may have gone since, or be something else. */
	if (fd_statx(entry->parent, entry->name, &now.stat) != 0) {
		if (errno != ENOENT)
			setup_failed(setup, "read", entry->path, errno, CAP_DAC_OVERRIDE);
		return;
	}
	if ((now.stat.mode ^ entry->stat.mode) & S_IFMT)
		return;
	if (S_ISLNK(now.stat.mode)) {
		length = readlinkat(entry->parent, entry->name, text, sizeof(text) - 1);
		err = errno;
	}
	text[length > 0 ? length : 0] = '\0';
	(void)ground_is_given(entry->ground, entry->parent); /* if so, others may have put the link there */
	if (ground_act(&to->ground) != 0) {
		setup_failed(setup, "write", mirror_target(mirror, entry, entry->name), errno, DIAG_NO_CAP);
	} else if (keeps_existing(setup, to, entry->name)) {
		;
	} else if (!S_ISREG(now.stat.mode) && !S_ISLNK(now.stat.mode)) {
		mirror->special++;
	} else if (length >= 0) {
		put_link(mirror, &now, text, to);
	} else {
		(void)!ground_act(entry->ground); /* the text says as whom that was tried */
		setup_failed(setup, "read", entry->path, err, CAP_DAC_OVERRIDE);
	}
}

/* Copies a directory's contents. */
static void copy_directory(struct setup *setup, const char *path, const struct walk_found *source)
{
	const struct step *step = setup->step;
	struct copying copying = {.mirror = {.setup = setup, .verb = "copy", .file = copy_entry, .flush = copy_flush}};
	struct mirror_level to;
	const size_t before = setup->failures;
	int marker = -1; /* of no seed, or none that is due */

	if (!mirror_open(setup,
			 mirror_mode(&source->ground, source->stat.st_uid, source->stat.st_gid,
				     source->stat.st_mode & 01777),
			 &to))
		return;
	if (ground_act(&to.ground) != 0 || (step->only_if_empty && seed_begin(setup, &to, &marker) != 0))
		setup_failed(setup, "seed", step->to, errno, CAP_DAC_OVERRIDE);
	else if (!step->only_if_empty || marker >= 0)
		mirror_tree(&copying.mirror, source, path, &to);
	/* It stays where something is missing, for the next start. */
	if (marker >= 0 && setup->failures == before)
		seed_end(setup, &to, marker);
	fd_close(marker);
	mirror_close(setup, step->to, &to);
}

/*
 * Copies into the directory `to` if it is one or is written as one ("/etc/", several sources), otherwise to that
 * name.
 */
static void put_source(struct setup *setup, const char *path, int in, const struct stat *stat, bool others)
{
	const struct step *step = setup->step;
	struct walk_found found;
	struct mirror_level to = {.fd = -1};
	bool into = step->items.count > 1 || step->to[strlen(step->to) - 1] == '/';
	const char *name = strrchr(path, '/') + 1;

	if (!into && !setup_find(setup, "write to", step->to, WALK_TARGET, &found))
		return;
	if (!into && found.fd >= 0 && S_ISDIR(found.stat.st_mode)) {
		walk_release(&found);
		into = true;
	}
	if (into && !mirror_open(setup, 0755, &to))
		return;
	if (!into) {
		to = (struct mirror_level){.fd = found.parent, .ground = found.ground};
		name = found.name;
	}
	if (ground_act(&to.ground) != 0)
		setup_failed(setup, "write to", step->to, errno, DIAG_NO_CAP);
	else if (!keeps_existing(setup, &to, name))
		(void)put_file(setup, into ? mirror_in(setup, step->to, name) : step->to, in, stat, others, &to, name);
	if (into)
		mirror_close(setup, step->to, &to);
	else
		walk_release(&found);
}

static bool copy_source(struct setup *setup, const char *path, struct walk_found *source)
{
	const struct step *step = setup->step;
	struct stat stat;

	if (change_has_moved(setup, "copy", path, &source->ground, source->parent, source->fd))
		return false;
	if (S_ISREG(source->stat.st_mode)) {
		const int in = walk_reopen_found(source, O_RDONLY, &stat);
		if (in < 0)
			return setup_failed(setup, "read", path, errno, CAP_DAC_OVERRIDE);
		put_source(setup, path, in, &stat, is_of_others(&source->ground, &stat));
		close(in);
		return true;
	}
	if (!S_ISDIR(source->stat.st_mode))
		return setup_refused(setup, "copy", path, "it is neither a file nor a directory");
	if (!step->recursive)
		return setup_refused(setup, "copy", path, "it is a directory: write \"recursive: true\"");
	copy_directory(setup, path, source);
	return true;
}

static bool step_copy(struct setup *setup, const char *path)
{
	return setup_at(setup, "copy", path, WALK_FOLLOW | WALK_SOURCE, copy_source);
}

static void copy_check(const struct step *step, struct problems *problems, const struct node *node)
{
	if (step->if_exists == IF_EXISTS_APPEND_MISSING)
		yaml_problem(problems, yaml_get(node, "if_exists"),
			     "\"append_missing\" is for write: copy can replace or keep");
	for (size_t i = 0; i < step->preserve.count; i++)
		if (strcmp(step->preserve.items[i], "times") != 0 && strcmp(step->preserve.items[i], "xattrs") != 0)
			yaml_problem(problems, yaml_get(node, "preserve"),
				     "\"%s\" cannot be preserved: \"times\" and \"xattrs\" can",
				     step->preserve.items[i]);
	if (step->only_if_empty && !step->recursive)
		yaml_problem(problems, node, "\"only_if_empty\" is for directories: write \"recursive: true\" as well");
	mirror_check(step, problems, node);
}

/* A directory of the copy is given away before it is filled. */
static uint64_t copy_needs(const struct step *step)
{
	return owner_needs(step) | (step->recursive && owner_gives(step) ? MAY_ACT : 0);
}

const struct verb verb_copy = {
	.name = "copy",
	OPTIONS(OPTION_WITH("to", TARGET, to, .required = true), MAKE_OPTIONS, SYNC_OPTION, IF_EXISTS_OPTION,
		OPTION("recursive", BOOL, recursive), OPTION("only_if_empty", BOOL, only_if_empty),
		OPTION("preserve", TEXTS, preserve), OPTION("cross_mounts", BOOL, cross_mounts)),
	.mode = 0644,
	.act_on = step_copy,
	.check = copy_check,
	.needs = copy_needs,
	.may_need = MAY_ACT | CAPABILITY_BIT(CAP_CHOWN), /* links of others keep their owner */
};
