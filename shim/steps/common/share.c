#include "steps/common/share.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

#define SHARE_FROM 512  /* files: many times the cost of starting a process */
#define SHARE_LOOK 1024 /* entries to look at, to see how the tree is to be divided */

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

static size_t bytes(const struct share *share)
{
	return sizeof(*share->memory) + SHARE_MAX * share->each;
}

void share_begin(struct share *share, struct tree_walk *tree, int top, const char *path)
{
	const unsigned int others = process_at_once(SHARE_MAX) - 1;
	struct shape shape = {.tree = *tree};
	const pid_t first = getpid();

	shape.tree.context = &shape;
	shape.tree.enter = shape_enter;
	shape.tree.file = shape_file;
	shape.tree.leave = NULL;
	shape.tree.failed = NULL;
	shape.tree.blind = shape.tree.put_off = true;
	if (others == 0 || walk_tree(&shape.tree, top, path) != 0 || shape.files < SHARE_FROM)
		return;
	const bool by_name = share->always_by_name || shape.most > shape.files / 4;
	if (by_name && share->never_by_name)
		return;
	void *memory = mmap(NULL, bytes(share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || !memory)
		return;
	share->memory = tree->claims = memory;
	tree->by_name = by_name;
	tree->put_off = true;
	/* Where none can be started, more is left to do here. */
	for (unsigned int i = 0; i < others; i++) {
		share->others[i] = process_fork();
		if (share->others[i] != 0)
			continue;
		/* If the first process ends, all must end; it may have ended already. */
		identity_die_with(first);
		tree->part = i + 2;
		return;
	}
}

void *share_memory(const struct share *share, size_t number)
{
	return (char *)(share->memory + 1) + number * share->each;
}

void share_setup(struct setup *part, const struct setup *whole)
{
	*part = *whole;
	part->changed = part->same = 0;
	part->said.tv_sec += INT32_MAX;
}

bool share_wait(const struct share *share, size_t number)
{
	int status = SIGKILL; /* killed, unless waitpid(2) says otherwise */

	while (waitpid(share->others[number], &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status)); /* the process has reported why */
	return WIFEXITED(status);
}

void share_end(struct share *share, struct tree_walk *tree)
{
	if (share->memory)
		munmap(share->memory, bytes(share));
	share->memory = tree->claims = NULL;
}
