/*
 * A whole tree for chown and chmod. Holding every file by a descriptor costs two system calls more than changing it
 * by name, as chown(1) does. So where only root can change the directory, and a name keeps its meaning, chown works
 * by name as well. The files are also divided by their names into one part per processor. The first part is walked
 * here; if it is large, other processes walk the other parts at the same time, otherwise they are walked here one
 * after the other: listing a small tree again costs next to nothing. Until all parts are walked, no directory is
 * changed: what was found to be root's alone must stay so, and the next part must be able to enter it. A last walk
 * then changes the directories, the top last. With two idle processors that is 1.6 times as fast as one process, on
 * ext4 and on tmpfs, and needs a fifth more processor time, so a container that may not use so much does not share.
 */
#include "steps/common/change_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
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
#define SHARE_AFTER 512   /* entries of the first part: many times the cost of starting a process */
#define SHARE_MAX 4       /* parts */
#define DESCRIPTORS 1024

/* What another process did; in memory shared with it. */
struct result {
	uint64_t changed, same, links, cleared, uncapable;
	size_t failures, mounts, closed;
	bool untold;
};

struct job {
	struct change *change;
	struct tree_walk tree;
	int top;
	const char *path;
	uint64_t entries;        /* in this part */
	bool deferred;           /* directories are still to be changed, when the others are done */
	size_t failures;         /* before it began */
	pid_t others[SHARE_MAX]; /* processes of the parts from 1 on; 0: none */
	struct result *results;  /* NULL: not shared */
};

static void share(struct job *job);
static void share_end(struct job *job);
static void job_walk(struct job *job);
static bool complete(struct job *job);

static bool is_changed_type(const struct fd_stat *a, const struct fd_stat *b)
{
	return ((a->mode ^ b->mode) & S_IFMT) != 0;
}

static void count(struct job *job, const char *path)
{
	if (++job->entries % PROGRESS_EVERY == 0)
		setup_progress(job->change->setup, path);
	if (job->entries == SHARE_AFTER && job->tree.part == 0 && job->tree.parts > 1)
		share(job);
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
	bool due = change_is_due(change, &entry->stat), by_name = !change_has_mode(change->step) && entry->roots;
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
	if (!is_changed_type(&entry->stat, &held.now))
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

	return job->tree.parts > 1 &&
	       (now->uid == 0 || change->owner.uid == 0 || change_has_mode(change->step) || (now->mode & open) != open);
}

static void job_leave(void *context, const struct walk_entry *entry)
{
	struct job *job = context;
	struct held held = {entry->fd, entry->parent, entry->name, entry->path, entry->stat};

	count(job, entry->path);
	if (entry->depth == 0 && (!complete(job) || job->change->step->contents_only))
		return;
	if (entry->depth > 0 && waits(job, &entry->stat) && change_is_due(job->change, &entry->stat))
		job->deferred = true;
	else
		(void)change_held(job->change, &held);
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

/* Changes what waited for the other processes: directories, and all below those that had to be unlocked. */
static void deferred(struct job *first)
{
	struct job job = {.change = first->change, .tree = first->tree, .top = first->top, .path = first->path};

	job.tree.context = &job;
	job.tree.file = first->tree.closed ? job_file : NULL;
	job.tree.leave = directory_leave;
	job.tree.failed = first->tree.closed ? job_failed : known_failure;
	job.tree.put_off = false;
	job.tree.closed_only = true;
	job.tree.parts = 0;
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
	if (job->deferred || job->tree.closed)
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
static _Noreturn void work(const struct job *first, unsigned int part)
{
	struct setup setup = *first->change->setup;
	struct change change = *first->change;
	struct job job = {.change = &change, .tree = first->tree, .top = first->top, .path = first->path};

	/* The descriptors of the walk that it was forked from: it needs room for its own. */
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++)
		if (fd != job.top && fd != job.tree.parent)
			close(fd);
	setup.changed = setup.same = 0;
	setup.said.tv_sec += INT32_MAX; /* only the first process reports progress */
	change.setup = &setup;
	change.links = change.cleared = change.uncapable = 0;
	job.tree.context = &job;
	job.tree.leave = NULL;
	job.tree.mounts = job.tree.closed = 0;
	job.tree.part = part;
	job_walk(&job);
	first->results[part] = (struct result){
		.changed = setup.changed,
		.same = setup.same,
		.links = change.links,
		.cleared = change.cleared,
		.uncapable = change.uncapable,
		.failures = setup.failures - first->change->setup->failures,
		.mounts = job.tree.mounts,
		.closed = job.tree.closed,
		.untold = job.tree.untold,
	};
	_exit(0);
}

/* How many processors the container may keep busy: cpu.max of cgroups(7), version 2, is "QUOTA PERIOD" or "max PERIOD". */
static unsigned long quota(void)
{
	char text[64] = "";
	char *end = text;
	int fd = fd_openat(AT_FDCWD, "/sys/fs/cgroup/cpu.max", O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	fd_close(fd);
	const unsigned long time = strtoul(text, &end, 10), period = strtoul(end, NULL, 10);
	return length > 0 && end > text && period > 0 ? time / period : SHARE_MAX;
}

static unsigned int processors(void)
{
	const unsigned long allowed = quota();
	cpu_set_t set;

	if (allowed <= 1 || sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	const unsigned int there = CPU_COUNT(&set) < SHARE_MAX ? (unsigned int)CPU_COUNT(&set) : SHARE_MAX;
	return there < allowed ? there : (unsigned int)allowed;
}

/* Gives the other parts to other processes. share_end() does those for which no process could be started. */
static void share(struct job *job)
{
	pid_t first = getpid();
	void *memory = mmap(NULL, SHARE_MAX * sizeof(*job->results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED || !memory)
		return;
	job->results = memory;
	for (unsigned int part = 1; part < job->tree.parts; part++) {
		job->others[part] = process_fork();
		if (job->others[part] == 0) {
			/* If the first process ends, all must end; it may have ended already. */
			identity_die_with(first);
			work(job, part);
		}
	}
}

/* Waits for the process that walks PART and counts what it did. If a failure ended that process, this one ends, too. */
static void collect(struct job *job, unsigned int part)
{
	struct change *change = job->change;
	const struct result *result = &job->results[part];
	int status = SIGKILL; /* killed, unless waitpid(2) says otherwise */

	while (waitpid(job->others[part], &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		setup_refused(change->setup, change->step->verb->name, job->path,
			      "a process that shared the work was killed");
	else if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status)); /* the process has reported why */
	change->setup->changed += result->changed;
	change->setup->same += result->same;
	change->setup->failures += result->failures;
	change->links += result->links;
	change->cleared += result->cleared;
	change->uncapable += result->uncapable;
	job->tree.mounts += result->mounts;
	job->tree.closed += result->closed;
	job->tree.untold |= result->untold;
}

/* Ends all parts but the first, which also walks the directories and so ends last. */
static void share_end(struct job *job)
{
	for (unsigned int part = 1; part < job->tree.parts; part++) {
		if (job->others[part] > 0) {
			collect(job, part);
			continue;
		}
		struct job rest = {.change = job->change, .tree = job->tree, .top = job->top, .path = job->path};
		rest.tree.context = &rest;
		rest.tree.leave = NULL;
		rest.tree.mounts = rest.tree.closed = 0;
		rest.tree.part = part;
		job_walk(&rest);
		job->tree.mounts += rest.tree.mounts;
		job->tree.closed += rest.tree.closed;
		job->tree.untold |= rest.tree.untold;
	}
	job->tree.parts = 1;
	if (job->results)
		munmap(job->results, SHARE_MAX * sizeof(*job->results));
	job->results = NULL;
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
			 .parts = (held->now.mode & unlock) == unlock ? processors() : 1},
		.top = top->fd,
		.path = path,
		.failures = change->setup->failures,
	};

	job.tree.context = &job;
	job.tree.put_off = job.tree.parts > 1;
	job_walk(&job);
	share_end(&job); /* in case the walk had to stop early */
	if (job.tree.mounts)
		setup_note(change->setup,
			   "entries of \"%s\" on other mounts that were left alone (write "
			   "\"cross_mounts: true\" to include them): %zu",
			   path, job.tree.mounts);
}

static void change_object(struct change *change, const struct walk_found *found, struct held *held)
{
	held->fd = found->fd;
	held->parent = found->parent;
	held->name = found->name;
	if (fd_statx(held->fd, "", &held->now) != 0) {
		change_failed(change, held->path, errno);
		return;
	}
	if (change->step->contents_only && !S_ISDIR(held->now.mode)) {
		setup_refused(change->setup, change->step->verb->name, held->path,
			      "it is not a directory, and \"contents_only\" changes what a directory holds");
		return;
	}
	if (S_ISDIR(held->now.mode) && change->step->recursive) {
		if (!change->step->cross_mounts && ground_may_have_moved(&found->ground, found->parent, found->fd)) {
			setup_refused(change->setup, change->step->verb->name, held->path, CHANGE_MOVED);
			return;
		}
		if (change->step->change_policy == CHANGE_ON_ROOT_MISMATCH && !change_is_due(change, &held->now))
			change->setup->same++;
		else
			change_tree(change, found, held);
		return;
	}
	if (change_held(change, held) &&
	    (fd_statx(held->fd, "", &held->now) != 0 || change_differs(change, &held->now)))
		change_not_kept(change->setup, change->step->verb->name, held->path, &held->now);
}

void change_run(struct change *change)
{
	const struct step *step = change->step;
	struct walk_found found;

	for (size_t i = 0; i < step->items.count; i++) {
		struct held held = {.path = step->items.items[i]};
		if (walk_find(held.path, WALK_FOLLOW, &found) == 0) {
			change_object(change, &found, &held);
			walk_release(&found);
		} else if ((errno != ENOENT && errno != ENOTDIR) || !step->only_if_exists) {
			setup_unreachable(change->setup, change->step->verb->name, held.path, errno, &found.where);
		}
	}
	if (change->links)
		setup_note(change->setup,
			   "files with several names (hard links) that were left alone, because a name "
			   "may lie elsewhere: %llu",
			   (unsigned long long)change->links);
}
