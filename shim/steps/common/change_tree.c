/*
 * A whole tree for chown and chmod. Holding every file by a descriptor costs two system calls more than changing it
 * by name, as chown(1) does. So where only root can change the directory, and a name keeps its meaning, chown works
 * by name as well. A large tree is also walked by one process per processor at the same time: the first to come to a
 * directory claims the files in it, or, if most of the tree is in one directory, the files of some names. Each changes the
 * directories that it alone has entered. Until all have ended, no other is changed: what was found to be root's alone must
 * stay so, and the other processes must be able to enter it. A last walk then changes those, the top last. All together
 * need 1 % more processor time than one, but a container that may not use so much at a time does not share.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/capability.h>

#include "steps/common/change.h"
#include "steps/common/say.h"
#include "steps/common/share.h"
#include "steps/common/temporary.h"
#include "steps/verb.h"
#include "walk/rule.h"
#include "walk/tree.h"
#include "walk/walk.h"

#define PROGRESS_EVERY 64 /* entries: reading the clock for each would cost as much as the entry */

struct job {
	struct change *change;
	struct tree_walk tree;
	int top;
	const char *path;
	uint64_t entries; /* in this part */
	bool deferred;    /* directories are still to be changed, when the others are done */
	size_t failures;  /* before it began */
	struct share share;
};

/* What another process does. */
struct part {
	struct job job;
	struct change change;
	struct setup setup;
};

static void together(struct job *job);
static void job_walk(struct job *job);
static bool complete(struct job *job);

/* Is B something else than A, or on another mount, which a rename in another mount namespace has moved to its name? */
static bool is_other(const struct fd_stat *a, const struct fd_stat *b)
{
	return ((a->mode ^ b->mode) & S_IFMT) != 0 || a->mount != b->mount || a->mount_begins != b->mount_begins;
}

static void count(struct job *job, const char *path)
{
	if (++job->entries % PROGRESS_EVERY == 0)
		setup_progress(job->change->setup, path);
}

/* What a killed run has left may hold a secret that the step excludes by its name; and a seed's marker stays with its directory. */
static bool is_left_alone(const struct change *change, const struct walk_entry *entry)
{
	if (temporary_is_seeding(entry->name))
		return change->step->contents_only && entry->depth == 1;
	return temporary_is_left(entry->name) && change_opens(change, &entry->stat);
}

/*
 * Handles an entry that is not a directory. If it was due, the tree holds the next one at once: neighbours are mostly
 * alike, and that saves looking at each twice.
 */
static void job_file(void *context, const struct walk_entry *entry)
{
	struct job *job = context;
	struct change *change = job->change;
	struct held held = {entry->fd, entry->parent, entry->name, entry->path, entry->stat};

	count(job, entry->path);
	const bool due = change_is_due(change, &entry->stat) && !is_left_alone(change, entry);
	/* Asked at the last moment: another container may give the directory away. */
	const bool by_name = due && !change_has_mode(change->step) && !(entry->stat.mode & 06000) &&
			     !change_clears(change, &entry->stat) && !entry->ground->foreign &&
			     !walk_is_of_others(entry->parent);

	job->tree.pin = due && !by_name;
	if (!due) {
		change->setup->same++;
		return;
	}
	if (by_name && entry->fd < 0) {
		(void)change_held(change, &held);
		return;
	}
	if (entry->fd < 0)
		held.fd = walk_pin(entry, &held.now);
	if (held.fd < 0) {
		if (errno != ENOENT)
			change_failed(change, entry->path, errno);
		return;
	}
	if (!is_other(&entry->stat, &held.now))
		(void)change_held(change, &held);
	if (entry->fd < 0)
		close(held.fd);
}

/*
 * Must this directory wait until all parts are walked? What was found to be root's alone must stay so, and who acts in
 * a directory as its owner must find the way on when it has another: so not what others may enter and list anyway,
 * where one user follows the other.
 */
static bool waits(const struct job *job, const struct fd_stat *now)
{
	const mode_t open = S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
	const struct change *change = job->change;

	return job->tree.claims &&
	       (now->uid == 0 || change->owner.uid == 0 || change_has_mode(change->step) || (now->mode & open) != open);
}

static void job_leave(void *context, const struct walk_entry *entry)
{
	struct job *job = context;
	struct held held = {entry->fd, entry->parent, entry->name, entry->path, entry->stat};

	if (job->tree.part > 1 && !entry->own)
		return;
	count(job, entry->path);
	if (entry->depth == 0 && (!complete(job) || job->change->step->contents_only))
		return;
	if (entry->depth > 0 && !entry->own && waits(job, &entry->stat) && change_is_due(job->change, &entry->stat))
		job->deferred = true;
	else
		(void)change_held(job->change, &held);
}

static bool job_is_due(void *context, const struct fd_stat *directory)
{
	const struct job *job = context;

	return change_is_due(job->change, directory);
}

static void directory_leave(void *context, const struct walk_entry *entry)
{
	struct job *job = context;
	struct held held = {entry->fd, entry->parent, entry->name, entry->path, entry->stat};

	if (entry->depth > 0 && change_is_due(job->change, &entry->stat))
		(void)change_held(job->change, &held);
}

/* The first walk has reported it, if it met it as well. */
static void known_failure(void *context, const char *, int)
{
	struct job *job = context;

	job->tree.untold = true;
}

static void job_failed(void *context, const char *path, int err)
{
	struct job *job = context;

	setup_failed(job->change->setup, job->change->step->verb->name, path, err, CAP_DAC_OVERRIDE);
}

/*
 * Changes what waited for the other processes: directories, and all below those that had to be unlocked; and directories
 * that each process took for another's, because somebody made or removed one in them meanwhile.
 */
static void deferred(struct job *first)
{
	struct job job = {.change = first->change, .tree = first->tree, .top = first->top, .path = first->path};

	job.tree.context = &job;
	job.tree.file = first->tree.closed ? job_file : NULL;
	job.tree.leave = directory_leave;
	job.tree.failed = first->tree.closed ? job_failed : known_failure;
	job.tree.put_off = job.tree.by_name = false;
	job.tree.closed_only = true;
	/* What failed is not tried again. */
	job.tree.is_due = first->change->setup->failures == first->failures ? job_is_due : NULL;
	job_walk(&job);
	first->tree.untold |= job.tree.untold;
}

/*
 * All but the top is done. What one process alone could not read nobody has told. False: the top is to stay as it is, for
 * on_root_mismatch looks at nothing else at the next start.
 */
static bool complete(struct job *job)
{
	struct setup *setup = job->change->setup;

	together(job);
	if (job->tree.leaves || job->deferred || job->tree.closed)
		deferred(job);
	if (job->tree.untold && setup->failures == job->failures)
		setup_refused(setup, job->change->step->verb->name, job->path, "a part of it could not be read");
	return setup->failures == job->failures || job->change->step->change_policy != CHANGE_ON_ROOT_MISMATCH;
}

static void job_walk(struct job *job)
{
	struct change *change = job->change;

	if (walk_tree(&job->tree, job->top, job->path) == 0)
		return;
	if (errno == EINVAL)
		setup_refused(change->setup, change->step->verb->name, job->path, "it is the root directory");
	else if (errno == ESTALE)
		setup_refused(change->setup, change->step->verb->name, job->path,
			      "a directory was moved while it was walked");
	else
		change_failed(change, job->path, errno);
}

/* Runs in another process: its part of the files, from the top of the tree. */
static _Noreturn void work(const struct job *first)
{
	struct part *part = share_memory(&first->share, first->tree.part - 2);

	share_setup(&part->setup, first->change->setup);
	part->change = *first->change;
	part->change.setup = &part->setup;
	part->change.links = part->change.cleared = part->change.uncapable = 0;
	part->job = (struct job){.change = &part->change, .tree = first->tree, .top = first->top, .path = first->path};
	part->job.tree.context = &part->job;
	job_walk(&part->job);
	_exit(0);
}

/* Waits for the other process of this NUMBER and counts what it did. */
static void collect(struct job *job, size_t number)
{
	struct change *change = job->change;
	const struct part *part = share_memory(&job->share, number);
	const bool killed = !share_wait(&job->share, number);

	change->setup->changed += part->setup.changed;
	change->setup->same += part->setup.same;
	if (part->setup.failures > job->failures)
		change->setup->failures += part->setup.failures - job->failures;
	change->links += part->change.links;
	change->cleared += part->change.cleared;
	change->uncapable += part->change.uncapable;
	job->tree.mounts += part->job.tree.mounts;
	job->tree.closed += part->job.tree.closed;
	job->tree.untold |= part->job.tree.untold;
	if (killed)
		setup_refused(change->setup, change->step->verb->name, job->path,
			      "a process that shared the work was killed");
}

/* Waits for all others. */
static void together(struct job *job)
{
	for (size_t i = 0; job->share.memory && i < SHARE_MAX; i++)
		if (job->share.others[i] > 0)
			collect(job, i);
	share_end(&job->share, &job->tree);
}

static void change_tree(struct change *change, const struct walk_found *top, const struct held *held)
{
	const struct step *step = change->step;
	const char *path = held->path;
	const mode_t unlock = S_IRUSR | S_IXUSR;
	struct job job = {
		.change = change,
		.tree = {.ground = top->ground,
			 .parent = top->parent,
			 .as_owners = true,
			 .unlock = unlock,
			 .cross_mounts = step->cross_mounts,
			 .exclude = &step->exclude,
			 .file = job_file,
			 .leave = job_leave,
			 .failed = job_failed,
			 .part = 1},
		.top = top->fd,
		.path = path,
		.failures = change->setup->failures,
		/* What is always due must not be looked at twice. */
		.share = {.always_by_name = change->always, .each = sizeof(struct part)},
	};

	job.tree.context = &job;
	if ((held->now.mode & unlock) == unlock)
		share_begin(&job.share, &job.tree, top->fd, path);
	if (job.tree.part > 1)
		work(&job);
	job_walk(&job);
	together(&job); /* in case the walk had to stop early */
	if (job.tree.mounts)
		setup_note(change->setup,
			   "entries of \"%s\" on other mounts that were left alone (write "
			   "\"cross_mounts: true\" to include them): %zu",
			   path, job.tree.mounts);
}

/* False: it was reported, or there was nothing to change. */
static bool change_object(struct change *change, const struct walk_found *found, struct held *held)
{
	const struct step *step = change->step;

	held->fd = found->fd;
	held->parent = found->parent;
	held->name = found->name;
	if (fd_statx(held->fd, "", &held->now) != 0)
		return change_failed(change, held->path, errno);
	if (step->contents_only && !S_ISDIR(held->now.mode))
		return setup_refused(change->setup, step->verb->name, held->path,
				     "it is not a directory, and \"contents_only\" changes what a directory holds");
	const bool recursive = S_ISDIR(held->now.mode) && step->recursive;
	if ((recursive || change_is_due(change, &held->now)) &&
	    change_has_moved(change->setup, step->verb->name, held->path, &found->ground, found->parent, found->fd))
		return false;
	if (!recursive)
		return change_held(change, held) &&
		       ((fd_statx(held->fd, "", &held->now) == 0 && !change_differs(change, &held->now)) ||
			change_not_kept(change->setup, step->verb->name, held->path, &held->now));
	if (step->change_policy == CHANGE_ON_ROOT_MISMATCH && !change_is_due(change, &held->now))
		change->setup->same++;
	else
		change_tree(change, found, held);
	return true;
}

void change_run(struct setup *setup)
{
	const struct step *step = setup->step;
	struct change change = {
		.setup = setup,
		.step = step,
		.always = owner_is_ambiguous(&step->owner),
		.owner = step->owner,
	};
	struct walk_found found;

	for (size_t i = 0; i < step->items.count; i++) {
		struct held held = {.path = step->items.items[i]};
		if (walk_find(held.path, WALK_FOLLOW, &found) == 0) {
			(void)change_object(&change, &found, &held);
			walk_release(&found);
		} else if ((errno != ENOENT && errno != ENOTDIR) || !step->only_if_exists) {
			setup_unreachable(setup, step->verb->name, held.path, errno, &found.where);
		}
	}
	if (change.links)
		setup_note(setup,
			   "files with several names (hard links) that were left alone, because a name "
			   "may lie elsewhere: %llu",
			   (unsigned long long)change.links);
	if (change.cleared)
		setup_note(
			setup,
			"files that lost their set-user-ID or set-group-ID bit, as always when the owner changes: %llu",
			(unsigned long long)change.cleared);
	if (change.uncapable)
		setup_note(
			setup,
			"files that lost their file capabilities, as always when the owner changes (exclude them, or "
			"keep the capabilities by cap_add): %llu",
			(unsigned long long)change.uncapable);
}
