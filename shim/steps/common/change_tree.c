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
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/process.h"
#include "steps/common/change.h"
#include "steps/common/say.h"
#include "steps/verb.h"
#include "walk/tree.h"
#include "walk/walk.h"

#define PROGRESS_EVERY 64 /* entries: reading the clock for each would cost as much as the entry */
#define SHARE_FROM 512    /* files: many times the cost of starting a process */
#define SHARE_LOOK 1024   /* entries to look at, to see how the tree is to be divided */
#define SHARE_MAX 4       /* processes */

struct job {
	struct change *change;
	struct tree_walk tree;
	int top;
	const char *path;
	uint64_t entries;        /* in this part */
	bool deferred;           /* directories are still to be changed, when the others are done */
	size_t failures;         /* before it began */
	pid_t others[SHARE_MAX]; /* processes; 0 or less: none */
	struct shared *shared;   /* NULL: not shared */
};

/* What another process does. */
struct part {
	struct job job;
	struct change change;
	struct setup setup;
};

/* Memory that the processes share. */
struct shared {
	struct tree_claims claims;
	struct part parts[SHARE_MAX];
};

static void share_end(struct job *job);
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
	bool due = change_is_due(change, &entry->stat),
	     by_name = !change_has_mode(change->step) && entry->roots && !(entry->stat.mode & 06000);
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

	share_end(job);
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

/* Runs in another process, of this NUMBER: its part of the files, from the top of the tree. */
static _Noreturn void work(const struct job *first, size_t number)
{
	struct part *part = &first->shared->parts[number];

	part->setup = *first->change->setup;
	part->setup.changed = part->setup.same = 0;
	part->setup.said.tv_sec += INT32_MAX; /* only the first process reports progress */
	part->change = *first->change;
	part->change.setup = &part->setup;
	part->change.links = part->change.cleared = part->change.uncapable = 0;
	part->job = (struct job){.change = &part->change, .tree = first->tree, .top = first->top, .path = first->path};
	part->job.tree.context = &part->job;
	part->job.tree.part = (unsigned int)number + 2;
	job_walk(&part->job);
	_exit(0);
}

/* How the tree is shaped, as far as the walk came. */
struct shape {
	struct tree_walk tree;
	size_t entries, files, here, most; /* in this directory; in one directory */
};

static bool shape_enter(void *context, const struct walk_entry *)
{
	struct shape *shape = context;

	shape->here = 0;
	shape->tree.stop = ++shape->entries >= SHARE_LOOK;
	return true;
}

static void shape_file(void *context, const struct walk_entry *)
{
	struct shape *shape = context;

	shape->files++;
	if (++shape->here > shape->most)
		shape->most = shape->here;
	shape->tree.stop = ++shape->entries >= SHARE_LOOK;
}

/* Starts so many others to share the work, if the tree is large. Where none could be started, more is left to do here. */
static void share(struct job *job, unsigned int others)
{
	struct tree_walk *tree = &job->tree;
	struct shape shape = {.tree = job->tree};
	pid_t first = getpid();

	shape.tree.context = &shape;
	shape.tree.enter = shape_enter;
	shape.tree.file = shape_file;
	shape.tree.leave = NULL;
	shape.tree.failed = NULL;
	shape.tree.blind = shape.tree.put_off = true;
	if (walk_tree(&shape.tree, job->top, job->path) != 0 || shape.files < SHARE_FROM)
		return;
	void *memory = mmap(NULL, sizeof(*job->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || !memory)
		return;
	job->shared = memory;
	tree->claims = &job->shared->claims;
	/* What is always due must not be looked at twice. */
	tree->by_name = job->change->always || shape.most > shape.files / 4;
	tree->put_off = true;
	for (size_t i = 0; i < others; i++) {
		job->others[i] = process_fork();
		if (job->others[i] == 0) {
			/* If the first process ends, all must end; it may have ended already. */
			identity_die_with(first);
			work(job, i);
		}
	}
}

/* Waits for the other process of this NUMBER and counts what it did. If a failure ended that process, this one ends, too. */
static void collect(struct job *job, size_t number)
{
	struct change *change = job->change;
	const struct part *part = &job->shared->parts[number];
	int status = SIGKILL; /* killed, unless waitpid(2) says otherwise */

	while (waitpid(job->others[number], &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status)); /* the process has reported why */
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
	if (!WIFEXITED(status))
		setup_refused(change->setup, change->step->verb->name, job->path,
			      "a process that shared the work was killed");
}

/* Waits for all others. */
static void share_end(struct job *job)
{
	for (size_t i = 0; job->shared && i < SHARE_MAX; i++)
		if (job->others[i] > 0)
			collect(job, i);
	if (job->shared)
		munmap(job->shared, sizeof(*job->shared));
	job->shared = NULL;
	job->tree.claims = NULL;
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
	};

	job.tree.context = &job;
	const unsigned int others = (held->now.mode & unlock) == unlock ? process_at_once(SHARE_MAX) - 1 : 0;
	if (others > 0)
		share(&job, others);
	job_walk(&job);
	share_end(&job); /* in case the walk had to stop early */
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
	if (!step->cross_mounts && (recursive || change_is_due(change, &held->now)) &&
	    ground_may_have_moved(&found->ground, found->parent, found->fd))
		return setup_refused(change->setup, step->verb->name, held->path, CHANGE_MOVED);
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
