#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "base/glob.h"
#include "steps/common/change.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/tree.h"
#include "walk/walk.h"

/* A listing may miss names while others in it are removed, so a directory that is not empty is walked again. */
#define PASSES_MAX 16

struct removal {
	struct setup *setup;
	const struct step *step;
	int parent; /* of TOP, on this ground; with a glob TOP itself */
	struct ground ground;
	const char *glob; /* for the entries at depth 1; NULL: all */
	uint64_t removed; /* in this pass */
	size_t mounts;    /* files on which something is mounted, in this pass */
	size_t left;      /* directories that were not empty */
};

static bool not_removed(struct setup *setup, const char *path, int err)
{
	/* EPERM comes from the sticky bit, or from an immutable file, which no capability of capshim removes. */
	return setup_failed(setup, "remove", path, err, err == EPERM ? CAP_FOWNER : CAP_DAC_OVERRIDE);
}

/* unlink(2) is EBUSY for a mount point. */
static bool is_mounted_on(const struct walk_entry *entry)
{
	bool mount = fd_begins_mount(entry->parent, entry->name);

	errno = EBUSY;
	return mount;
}

/*
 * Removes one name. A name that has vanished is fine; a directory that is not empty, or changed its type, waits for
 * the next pass.
 */
static void remove_name(struct removal *removal, const struct walk_entry *entry, int flags)
{
	setup_progress(removal->setup, entry->path);
	if (entry->depth == 1 && removal->glob)
		ground_for_name(entry->parent, entry->stat.uid);
	if (unlinkat(entry->parent, entry->name, flags) == 0) {
		removal->removed++;
		removal->setup->changed++;
	} else if (errno == ENOTEMPTY || errno == EEXIST || errno == EISDIR || errno == ENOTDIR) {
		removal->left++;
	} else if (errno == EBUSY && is_mounted_on(entry)) {
		removal->mounts++;
	} else if (errno != ENOENT) {
		not_removed(removal->setup, entry->path, errno);
	}
}

static bool is_meant(const struct removal *removal, const struct walk_entry *entry)
{
	const char *glob = removal->glob;

	if (entry->depth != 1 || !glob)
		return true;
	/* As in a shell, only a written period matches a leading one. */
	const bool hidden = entry->name[0] == '.' && glob[*glob == '\\'] != '.';
	return !hidden && glob_match(glob, entry->name);
}

static bool removal_enter(void *context, const struct walk_entry *entry)
{
	struct removal *removal = context;

	if (entry->depth == 0)
		return true;
	if (!is_meant(removal, entry))
		return false;
	if (removal->step->recursive)
		return true;
	remove_name(removal, entry, AT_REMOVEDIR);
	return false;
}

static void removal_file(void *context, const struct walk_entry *entry)
{
	if (is_meant(context, entry))
		remove_name(context, entry, 0);
}

static void removal_leave(void *context, const struct walk_entry *entry)
{
	if (entry->depth > 0)
		remove_name(context, entry, AT_REMOVEDIR);
}

static void removal_failed(void *context, const char *path, int err)
{
	const struct removal *removal = context;

	not_removed(removal->setup, path, err);
}

/*
 * Removes what TOP holds, pass by pass, as long as something is removed and something is left. False: it had to stop.
 */
static bool remove_below(struct removal *removal, int top, const char *path)
{
	if (removal->step->recursive && !removal->step->cross_mounts &&
	    ground_may_have_moved(&removal->ground, removal->parent, top))
		return setup_refused(removal->setup, "remove", path, CHANGE_MOVED);
	struct tree_walk tree = {.ground = removal->ground,
				 .parent = removal->parent,
				 .unlock = removal->step->recursive ? S_IRWXU : 0,
				 .blind = !removal->glob,
				 .context = removal,
				 .enter = removal_enter,
				 .file = removal_file,
				 .leave = removal_leave,
				 .failed = removal_failed};

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		removal->removed = 0;
		removal->left = 0;
		removal->mounts = 0;
		tree.mounts = 0;
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
	if (tree.mounts && !removal->glob) /* with a glob they may be entries that it does not match */
		setup_note(removal->setup, "entries of \"%s\" on other mounts that were left alone: %zu", path,
			   tree.mounts);
	return true;
}

static void remove_glob(struct setup *setup, const struct step *step, const char *path, const char *glob, int parent,
			const struct ground *ground)
{
	struct removal removal = {.setup = setup, .step = step, .parent = parent, .ground = *ground, .glob = glob};
	uint64_t before = setup->changed;
	size_t length = (size_t)(glob - path);
	char *directory = mem_copy(&setup->mem, path, length > 1 ? length - 1 : 1);

	if (!remove_below(&removal, parent, directory))
		return;
	if (removal.left)
		setup_refused(setup, "remove", path, "%zu directories are not empty%s", removal.left,
			      step->recursive ? "" : " (write \"recursive: true\")");
	else if (setup->changed == before)
		setup->same++;
}

static void remove_directory(struct setup *setup, const struct step *step, const char *path, int parent,
			     const struct ground *ground, const char *name, uint32_t uid)
{
	struct removal removal = {.setup = setup, .step = step, .parent = parent, .ground = *ground};

	if (step->recursive) {
		int top = fd_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
		if (top < 0) {
			not_removed(setup, path, errno);
			return;
		}
		bool done = remove_below(&removal, top, path);
		close(top);
		if (!done || ground_act(ground) != 0)
			return;
	}
	ground_for_name(parent, uid);
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		setup->changed++;
	else if (errno == ENOTEMPTY && !step->recursive)
		setup_refused(setup, "remove", path, "it is a directory and not empty (write \"recursive: true\")");
	else if (errno != ENOENT)
		not_removed(setup, path, errno);
}

static void remove_one(struct setup *setup, const struct step *step, const char *path, int parent,
		       const struct ground *ground, const char *name)
{
	struct stat stat;

	/* Looked up first: on a read-only file system unlink(2) answers EROFS even for what does not exist. */
	if (fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			not_removed(setup, path, errno);
		else
			setup->same++;
	} else if (S_ISDIR(stat.st_mode)) {
		remove_directory(setup, step, path, parent, ground, name, stat.st_uid);
	} else {
		ground_for_name(parent, stat.st_uid);
		if (unlinkat(parent, name, 0) == 0)
			setup->changed++;
		else if (errno != ENOENT)
			not_removed(setup, path, errno);
	}
}

static void step_remove(struct setup *setup, const struct step *step, const char *path)
{
	struct walk_where where;
	struct ground ground;
	const char *name;
	int parent = walk_parent(path, 0, &name, &ground, &where);

	if (parent < 0 && (errno == ENOENT || errno == ENOTDIR)) /* where a file stands in the way nothing can be */
		setup->same++;
	else if (parent < 0)
		setup_unreachable(setup, "remove", path, errno, &where);
	else if (name[strcspn(name, "*?[")])
		remove_glob(setup, step, path, name, parent, &ground);
	else
		remove_one(setup, step, path, parent, &ground, name);
	fd_close(parent);
}

static void remove_check(const struct step *step, struct problems *problems, const struct node *node)
{
	for (size_t i = 0; i < step->items.count; i++)
		if (step->items.items[i][strspn(step->items.items[i], "/")] == '\0')
			yaml_problem(problems, node, "\"/\" cannot be removed");
}

static const struct step_option remove_options[] = {
	OPTION("recursive", BOOL, recursive),
	OPTION("cross_mounts", BOOL, cross_mounts),
};

const struct verb verb_remove = {
	.name = "remove",
	OPTIONS(remove_options),
	.act_on = step_remove,
	.check = remove_check,
	.may_need = MAY_ACT,
};
