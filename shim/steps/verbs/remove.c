#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "steps/common/change.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "steps/common/share.h"
#include "walk/tree.h"
#include "walk/walk.h"

/* A listing may miss names while others in it are removed, so a directory that is not empty is walked again. */
#define PASSES_MAX 16

struct removal {
	struct setup *setup;
	const struct walk_found *at; /* the directory, and the name in it */
	const char *glob;            /* for what the directory holds; NULL: the name is removed, with all it holds */
	uint64_t removed;            /* in this pass */
	size_t mounts;               /* files on which something is mounted, in this pass */
	size_t left;                 /* directories that were not empty */
	bool shared;                 /* other processes do the same: what is left, and why, the next pass finds out */
};

static bool not_removed(struct setup *setup, const char *path, int err)
{
	/* EPERM comes from the sticky bit, or from an immutable file, which no capability of capshim removes. */
	return setup_failed(setup, "remove", path, err, err == EPERM ? CAP_FOWNER : CAP_DAC_OVERRIDE);
}

/*
 * Removes one name. A name that has vanished is fine; a directory that is not empty, or changed its type, waits for
 * the next pass. unlink(2) is EBUSY for a mount point.
 */
static void remove_name(struct removal *removal, const struct walk_entry *entry, int flags)
{
	setup_progress(removal->setup, entry->path);
	/* Not the entry's ground: the walk has entered the directory, and perhaps its mount, a second time. */
	if (entry->depth == 1 && removal->glob)
		ground_for_name(&removal->at->ground, entry->parent, entry->stat.uid, false);
	const int err = unlinkat(entry->parent, entry->name, flags) == 0 ? 0 : errno;
	if (err == 0) {
		removal->removed++;
		removal->setup->changed++;
	} else if (err == ENOTEMPTY || err == EEXIST || err == EISDIR || err == ENOTDIR) {
		removal->left++;
	} else if (err == EBUSY && fd_begins_mount(entry->parent, entry->name)) {
		removal->mounts++;
	} else if (err != ENOENT && !removal->shared) {
		not_removed(removal->setup, entry->path, err);
	}
}

static bool removal_enter(void *context, const struct walk_entry *entry)
{
	struct removal *removal = context;

	if (entry->depth == 0 || removal->setup->step->recursive)
		return true;
	remove_name(removal, entry, AT_REMOVEDIR);
	return false;
}

static void removal_file(void *context, const struct walk_entry *entry)
{
	remove_name(context, entry, 0);
}

static void removal_leave(void *context, const struct walk_entry *entry)
{
	struct removal *removal = context;

	if (entry->depth > 0 && (entry->own || !removal->shared))
		remove_name(removal, entry, AT_REMOVEDIR);
}

static void removal_failed(void *context, const char *path, int err)
{
	const struct removal *removal = context;

	if (!removal->shared)
		not_removed(removal->setup, path, err);
}

/* A first pass, if the tree is large: by several processes, each in directories of its own. */
static void remove_together(struct removal *removal, struct tree_walk *tree, int top, const char *path)
{
	struct setup *setup = removal->setup, *part;
	/* In one directory they would only wait for each other. */
	struct share share = {.never_by_name = true, .each = sizeof(*part)};

	share_begin(&share, tree, top, path);
	removal->shared = share.memory;
	if (tree->part > 1) {
		removal->setup = part = share_memory(&share, tree->part - 2);
		share_setup(part, setup);
	}
	if (removal->shared)
		(void)!walk_tree(tree, top, path);
	if (tree->part > 1)
		_exit(0);
	/* What one that was killed has not done is done by the next pass. */
	for (size_t i = 0; i < SHARE_MAX; i++)
		if (share.others[i] > 0) {
			(void)!share_wait(&share, i);
			part = share_memory(&share, i);
			setup->changed += part->changed;
		}
	share_end(&share, tree);
	removal->shared = tree->put_off = false;
}

/*
 * Removes what TOP holds, pass by pass, as long as something is removed and something is left. False: it had to stop.
 */
static bool remove_below(struct removal *removal, int top, const char *path)
{
	const struct step *step = removal->setup->step;

	/* With a glob the walk has entered TOP, and knows. */
	if (step->recursive && change_has_moved(removal->setup, "remove", path, &removal->at->ground,
						removal->at->parent, removal->glob ? -1 : top))
		return false;
	struct tree_walk tree = {.ground = removal->at->ground,
				 .parent = removal->at->parent,
				 .unlock = step->recursive ? S_IRWXU : 0,
				 .part = 1,
				 .blind = !removal->glob,
				 .only = removal->glob,
				 .context = removal,
				 .enter = removal_enter,
				 .file = removal_file,
				 .leave = removal_leave,
				 .failed = removal_failed};

	if (step->recursive)
		remove_together(removal, &tree, top, path);
	for (int pass = 0; pass < PASSES_MAX; pass++) {
		removal->removed = 0;
		removal->left = removal->mounts = tree.mounts = 0;
		if (walk_tree(&tree, top, path) != 0) {
			if (errno == ESTALE)
				return setup_refused(removal->setup, "remove", path,
						     "a directory was moved while it was walked");
			if (errno == EINVAL)
				return setup_refused(removal->setup, "remove", path, "it is in the root directory");
			return not_removed(removal->setup, path, errno);
		}
		if (removal->left == 0 || removal->removed == 0)
			break;
	}
	tree.mounts += removal->mounts;
	if (tree.mounts)
		setup_note(removal->setup, "entries of \"%s\" on other mounts that were left alone: %zu", path,
			   tree.mounts);
	return true;
}

static bool remove_glob(struct removal *removal, const char *path)
{
	struct setup *setup = removal->setup;
	const uint64_t before = setup->changed;
	const size_t length = (size_t)(removal->glob - path);

	if (!remove_below(removal, removal->at->parent, mem_copy(&setup->mem, path, length > 1 ? length - 1 : 1)))
		return false;
	if (removal->left)
		return setup_refused(setup, "remove", path, "%zu directories are not empty%s", removal->left,
				     setup->step->recursive ? "" : " (write \"recursive: true\")");
	setup->same += setup->changed == before;
	return true;
}

static bool remove_one(struct removal *removal, const char *path)
{
	struct setup *setup = removal->setup;
	const struct walk_found *at = removal->at;
	const bool directory = S_ISDIR(at->stat.st_mode), recursive = setup->step->recursive;

	if (directory && recursive && (!remove_below(removal, at->fd, path) || ground_act(&at->ground) != 0))
		return false;
	ground_for_name(&at->ground, at->parent, at->stat.st_uid, false);
	if (unlinkat(at->parent, at->name, directory ? AT_REMOVEDIR : 0) == 0)
		setup->changed++;
	else if (errno == ENOTEMPTY && !recursive)
		return setup_refused(setup, "remove", path,
				     "it is a directory and not empty (write \"recursive: true\")");
	else if (errno != ENOENT)
		return not_removed(setup, path, errno);
	return true;
}

static bool step_remove(struct setup *setup, const char *path)
{
	struct walk_found at;
	struct removal removal = {.setup = setup, .at = &at};
	const char *name = strrchr(path, '/') + 1, *in = path;
	bool done = true;

	if (name[strcspn(name, "*?[")]) {
		removal.glob = name;
		in = mem_format(&setup->mem, "%.*s*", (int)(name - path), path); /* NAME may be too long for a file's */
	}
	/* Looked up first: on a read-only file system unlink(2) answers EROFS even for what does not exist. */
	const bool found = walk_find(in, WALK_NEW, &at) == 0;
	if (!found && errno != ENOENT && errno != ENOTDIR) /* where a file stands in the way nothing can be */
		return setup_unreachable(setup, "remove", path, errno, &at.where);
	if (found && removal.glob)
		done = remove_glob(&removal, path);
	else if (found && at.fd >= 0)
		done = remove_one(&removal, path);
	else
		setup->same++;
	walk_release(&at);
	return done;
}

static void remove_check(const struct step *step, struct problems *problems, const struct node *node)
{
	for (size_t i = 0; i < step->items.count; i++)
		if (step->items.items[i][strspn(step->items.items[i], "/")] == '\0')
			yaml_problem(problems, node, "\"/\" cannot be removed");
}

const struct verb verb_remove = {
	.name = "remove",
	OPTIONS(OPTION("recursive", BOOL, recursive), OPTION("cross_mounts", BOOL, cross_mounts)),
	.act_on = step_remove,
	.check = remove_check,
	.may_need = MAY_ACT,
};
