/*
 * Walking a tree that others may be changing at the same time. A directory is read in batches. Its files are handed
 * out at once; the names of its directories stay in the batch until all of them have been walked, then the next batch
 * is read. So memory grows only with the depth. In a deep chain the upper directories are closed, and opened again
 * through ".." on the way back; the inode number shows if a directory was moved in between.
 */
#include "walk/tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/glob.h"
#include "walk/rule.h"
#include "walk/tree_parts.h"

#define OPEN_MAX_DIRECTORIES 64
#define BATCH_BYTES 32768     /* how much one getdents64(2) may fill */
#define BATCH_DEEP_BYTES 4096 /* the same below BATCH_DEPTH, so that depth cannot be used to exhaust memory */
#define BATCH_DEPTH 16
#define PATH_BYTES 1024 /* the length of a path in messages */
#define CUT PATH_BYTES  /* stands for the length of a longer path, which ends with the last directory that fits */

static_assert(offsetof(struct dirent, d_reclen) == 16, "linux_dirent64 of getdents64(2)");

/* A directory that the walk is in. */
struct frame {
	struct tree_directory dir; /* its descriptor is -1 while it is closed */
	int64_t offset;            /* where the next batch begins */
	size_t name;               /* its own name, in its parent's batch */
	size_t base, end;          /* of its batch: the names that are still to be walked, the last one first */
	size_t path_length;        /* of the path to it; CUT if there was no room */
	uint32_t hash;             /* of its path below the top */
	bool closed;               /* it, or a directory above it, was unlocked */
};

struct tree_state {
	struct tree_walk *tree;
	struct frame *frames;
	size_t depth, frames_max; /* frames[depth] is the current directory */
	struct tree_pins pins;
	char *batch;
	size_t batch_max;
	char path[PATH_BYTES + 1]; /* the last byte is for CUT */
};

/* Appends NAME to the path of LENGTH bytes. Returns its new length, or CUT and leaves the path as it is. */
static size_t append(struct tree_state *state, size_t length, const char *name)
{
	size_t more = strlen(name);

	if (length + 1 + more >= PATH_BYTES)
		return CUT;
	if (length == 0 || state->path[length - 1] != '/')
		state->path[length++] = '/';
	memcpy(state->path + length, name, more + 1);
	return length + more;
}

/*
 * NAME could not be read because of ERR: for the process to tell whose it is. Where it has gone or has changed its type that
 * is no failure: the process that changed it is responsible for it.
 */
static void entry_failed(struct tree_state *state, size_t length, const char *name, int err, bool mine)
{
	if (err == ENOENT || err == ENOTDIR || err == ELOOP)
		return;
	state->tree->untold |= !mine;
	if (!mine || !state->tree->failed)
		return;
	append(state, length, name);
	state->tree->failed(state->tree->context, state->path, err);
	state->path[length] = '\0';
}

/*
 * Is it on the same mount as the top? A bind mount has the same st_dev, so mount ids decide. Kernels before 5.8 have
 * none: there the device of a directory decides (a file on overlayfs can show any device).
 */
static bool is_on_mount(const struct tree_state *state, const struct fd_stat *stat)
{
	const struct fd_stat *top = &state->frames[0].dir.stat;

	if (state->tree->cross_mounts)
		return true;
	if (top->mount != 0)
		return stat->mount == top->mount;
	return !stat->mount_begins && (!S_ISDIR(stat->mode) || stat->dev == top->dev);
}

/* Is it for this process to change NAME in the current directory, or to tell that it cannot? */
static bool is_mine(const struct tree_state *state, const char *name, bool directory)
{
	const struct tree_walk *tree = state->tree;
	uint32_t hash = state->frames[state->depth].hash;

	if (tree->by_name || directory)
		hash = tree_hash(tree->by_name ? TREE_HASH : hash, name);
	return tree_is_mine(tree, hash);
}

static void *grow(void *old, size_t bytes)
{
	void *grown = realloc(old, bytes);

	if (!grown)
		diag_die(DIAG_SYSTEM, "cannot get memory for a tree of this depth");
	return grown;
}

/* Makes room for COUNT frames and BYTES of batches. The contents move. */
static void reserve(struct tree_state *state, size_t count, size_t bytes)
{
	if (count > state->frames_max) {
		state->frames_max = count * 2;
		state->frames = grow(state->frames, state->frames_max * sizeof(*state->frames));
	}
	if (bytes > state->batch_max) {
		state->batch_max = bytes * 2;
		state->batch = grow(state->batch, state->batch_max);
	}
}

/* Acts as the directory at DEPTH asks; -1: as the directory that holds the top asks. */
static int act(const struct tree_state *state, long depth)
{
	return ground_act(depth < 0 ? &state->tree->ground : &state->frames[depth].dir.ground);
}

/* Goes down one directory. The one OPEN_MAX_DIRECTORIES above it is closed for now. */
static void push(struct tree_state *state, const struct tree_directory *opened, size_t name)
{
	size_t depth = ++state->depth;

	reserve(state, depth + 1, 0);
	const struct frame *parent = &state->frames[depth - 1];
	size_t base = (name + strlen(state->batch + name) + 8) & ~(size_t)7; /* records are aligned to 8 */
	state->frames[depth] = (struct frame){
		.dir = *opened,
		.closed = parent->closed || opened->locked,
		.name = name,
		.base = base,
		.end = base,
		.hash = tree_hash(parent->hash, state->batch + name),
		.path_length = append(state, parent->path_length, state->batch + name),
	};
	if (depth >= OPEN_MAX_DIRECTORIES) {
		struct frame *above = &state->frames[depth - OPEN_MAX_DIRECTORIES];
		close(above->dir.fd);
		above->dir.fd = -1;
	}
}

/* Opens the parent of the current directory again. -1 with ESTALE: it is another directory by now. */
static int reopen_parent(struct tree_state *state)
{
	struct frame *parent = &state->frames[state->depth - 1];
	struct fd_stat now;
	/* Looked up as the current directory asks, and opened as its parent asks. */
	int held = act(state, (long)state->depth) != 0
			   ? -1
			   : fd_openat(state->frames[state->depth].dir.fd, "..", O_PATH | O_DIRECTORY);
	int fd =
		held < 0 || act(state, (long)state->depth - 1) != 0 ? -1 : fd_openat(held, ".", O_RDONLY | O_DIRECTORY);
	fd_close(held);
	const bool same = fd >= 0 && fd_statx(fd, "", &now) == 0 && now.dev == parent->dir.stat.dev &&
			  now.ino == parent->dir.stat.ino && now.mount == parent->dir.stat.mount;
	if (same && lseek(fd, parent->offset, SEEK_SET) >= 0) {
		parent->dir.fd = fd;
		return 0;
	}
	if (fd >= 0 && !same)
		errno = ESTALE;
	fd_close(fd);
	return -1;
}

/* Takes the last waiting name off the batch. Its text stays in place until the current directory is read on. */
static size_t take_name(struct frame *frame, const char *batch)
{
	size_t name = frame->end - 1;

	while (name > frame->base && batch[name - 1])
		name--;
	frame->end = name;
	return name;
}

/* Takes the last waiting name, and enters that directory if it is to be walked. */
static void descend(struct tree_state *state)
{
	struct frame *frame = &state->frames[state->depth];
	size_t name = take_name(frame, state->batch);
	const char *text = state->batch + name;
	struct walk_entry entry = {.name = text,
				   .parent = frame->dir.fd,
				   .depth = state->depth + 1,
				   .ground = &frame->dir.ground,
				   .path = state->path};
	struct tree_directory opened = {.fd = -1};

	const bool acts = act(state, (long)state->depth) == 0;
	if (acts &&
	    tree_is_left_out(state->tree, frame->dir.fd, text, tree_hash(frame->hash, text), frame->closed,
			     &entry.stat) &&
	    is_on_mount(state, &entry.stat))
		return;
	if (!acts || tree_open_named(state->tree, frame->dir.fd, text, &frame->dir.ground, &opened) != 0) {
		if (opened.stat.mode && !is_on_mount(state, &opened.stat))
			state->tree->mounts += is_mine(state, text, true);
		else
			entry_failed(state, frame->path_length, text, errno, is_mine(state, text, true));
		fd_close(opened.fd);
		return;
	}
	entry.fd = opened.fd;
	entry.stat = opened.stat;
	if (!is_on_mount(state, &entry.stat)) {
		state->tree->mounts += is_mine(state, text, true);
	} else {
		append(state, frame->path_length, text);
		if (act(state, (long)state->depth) == 0 &&
		    (!state->tree->enter || state->tree->enter(state->tree->context, &entry))) {
			push(state, &opened, name);
			return;
		}
		state->path[frame->path_length] = '\0';
	}
	tree_lock(&opened);
	close(entry.fd);
}

/* Hands out an entry that is not a directory, if it belongs to this process's part. True: it is a directory. */
static bool hand_out(struct tree_state *state, const char *name, uint8_t type, bool mine)
{
	struct tree_walk *tree = state->tree;
	struct frame *frame = &state->frames[state->depth];
	struct walk_entry entry = {.name = name,
				   .parent = frame->dir.fd,
				   .fd = -1,
				   .depth = state->depth + 1,
				   .ground = &frame->dir.ground,
				   .path = state->path};
	bool directory = false, blind = tree->blind && type != DT_UNKNOWN;
	int result = 0;

	if (act(state, (long)state->depth) != 0) {
		result = -1;
	} else if (tree->pin) {
		entry.fd = walk_pin(&entry, &entry.stat);
		/* Who reads what is held here acts as this ground asks. */
		if (!tree->as_owners)
			(void)ground_is_given(entry.ground, entry.parent);
		result = entry.fd < 0 ? -1 : 0;
	} else if (blind) {
		entry.stat.mode = (mode_t)type << 12;
	} else {
		result = fd_statx(frame->dir.fd, name, &entry.stat);
	}
	if (result != 0) {
		entry_failed(state, frame->path_length, name, errno, mine);
		return false;
	}
	if (S_ISDIR(entry.stat.mode)) {
		directory = true;
	} else if (!mine) {
		; /* its type had to be looked up */
	} else if (blind || is_on_mount(state, &entry.stat)) {
		entry.cut = append(state, frame->path_length, name) == CUT;
		tree->file(tree->context, &entry);
		state->path[frame->path_length] = '\0';
	} else {
		tree->mounts++;
	}
	tree_unpin(&state->pins, entry.fd);
	if (state->depth + TREE_PINS_MAX > OPEN_MAX_DIRECTORIES)
		tree_unpin(&state->pins, -1);
	return directory;
}

static bool is_skipped(const struct tree_walk *tree, size_t depth, const char *name)
{
	const char *only = depth == 0 ? tree->only : NULL;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (tree->exclude && glob_any(tree->exclude, name)))
		return true;
	/* As in a shell, only a written period matches a leading one. */
	return only && ((name[0] == '.' && only[*only == '\\'] != '.') || !glob_match(only, name));
}

/* Reads the next batch of the current directory. False: there is none. */
static bool read_batch(struct tree_state *state)
{
	size_t size = state->depth < BATCH_DEPTH ? BATCH_BYTES : BATCH_DEEP_BYTES;
	struct frame *frame = &state->frames[state->depth];

	frame->end = frame->base;
	if (!state->tree->file && tree_is_leaf(state->tree, &frame->dir.stat))
		return false;
	reserve(state, 0, frame->base + size);
	char *batch = state->batch + frame->base;
	long length = syscall(SYS_getdents64, frame->dir.fd, batch, size);
	if (length < 0) /* ENOENT: the directory itself was removed */
		entry_failed(state, frame->path_length, ".", errno, true);
	if (length <= 0)
		return false;

	for (long at = 0; at < length;) {
		const struct dirent *record = (const struct dirent *)(const void *)(batch + at);
		const char *name = record->d_name;
		at += record->d_reclen;
		frame->offset = record->d_off;
		if (is_skipped(state->tree, state->depth, name))
			continue;
		if (record->d_type != DT_DIR) {
			bool mine = state->tree->file && (!state->tree->closed_only || frame->closed) &&
				    is_mine(state, name, false);
			if (!mine && record->d_type != DT_UNKNOWN)
				continue;
			if (!hand_out(state, name, record->d_type, mine))
				continue;
		}
		/* Kept in front of the records that are still to be read: a name is shorter than its record. */
		size_t bytes = strlen(name) + 1;
		memmove(state->batch + frame->end, name, bytes);
		frame->end += bytes;
	}
	tree_unpin(&state->pins, -1);
	return true;
}

/* Leaves the current directory. -1 if the walk cannot find back. */
static int leave(struct tree_state *state)
{
	struct tree_walk *tree = state->tree;
	struct frame *frame = &state->frames[state->depth];
	struct walk_entry entry = {.parent = -1,
				   .fd = frame->dir.fd,
				   .depth = state->depth,
				   .own = state->depth > 0 && tree_is_leaf(state->tree, &frame->dir.stat),
				   .path = state->path};
	int result = 0;

	if (state->depth > 0) {
		if (frame[-1].dir.fd < 0)
			result = reopen_parent(state);
		entry.parent = frame[-1].dir.fd;
		entry.ground = &frame[-1].dir.ground;
		entry.name = state->batch + frame->name;
	}
	tree_lock(&frame->dir);
	if (result == 0 && tree->leave && act(state, (long)state->depth - 1) == 0) {
		if (fd_statx(frame->dir.fd, "", &entry.stat) == 0)
			tree->leave(tree->context, &entry);
		else
			entry_failed(state, frame->path_length, ".", errno, true);
	}
	fd_close(frame->dir.fd);
	frame->dir.fd = -1;
	if (result == 0 && state->depth > 0)
		state->path[frame[-1].path_length] = '\0';
	return result;
}

static int walk_directories(struct tree_state *state)
{
	for (;;) {
		const struct frame *frame = &state->frames[state->depth];
		if (state->tree->stop) {
			return 1;
		} else if (frame->end > frame->base) {
			descend(state);
		} else if (!read_batch(state)) {
			if (leave(state) != 0)
				return -1;
			if (state->depth-- == 0)
				return 0;
		}
	}
}

static bool is_root(const struct fd_stat *top)
{
	struct fd_stat root;

	return fd_statx(AT_FDCWD, "/", &root) != 0 ||
	       (root.dev == top->dev && root.ino == top->ino && root.mount == top->mount);
}

/* Begins with the directory TOP: 0 to go on, 1 if enter() returned false, -1 with errno. */
static int begin(struct tree_state *state, int top, struct walk_entry *entry)
{
	struct tree_directory opened = {.fd = -1};

	if (!state->tree->whole && is_root(&entry->stat))
		return fd_fail(EINVAL);
	if (tree_open_held(state->tree, top, state->tree->parent, &state->tree->ground, &opened) != 0)
		return -1;
	entry->fd = opened.fd;
	entry->stat = opened.stat;
	if (act(state, -1) != 0 || (state->tree->enter && !state->tree->enter(state->tree->context, entry))) {
		tree_lock(&opened);
		close(entry->fd);
		return 1;
	}
	reserve(state, OPEN_MAX_DIRECTORIES, BATCH_BYTES);
	state->frames[0] = (struct frame){
		.dir = opened,
		.closed = opened.locked,
		.hash = TREE_HASH,
		.path_length = strlen(state->path),
	};
	state->tree->leaves = tree_has_leaves(state->tree, entry->fd);
	return 0;
}

int walk_tree(struct tree_walk *tree, int top, const char *path)
{
	struct tree_state state = {.tree = tree};
	struct walk_entry entry = {.parent = -1, .fd = top, .path = state.path};

	snprintf(state.path, sizeof(state.path), "%s", path);
	if (fd_statx(top, "", &entry.stat) != 0)
		return -1;
	int result = begin(&state, top, &entry);
	if (result == 0)
		result = walk_directories(&state);

	int err = errno;
	for (size_t i = 0; result != 0 && state.frames && i <= state.depth; i++)
		fd_close(state.frames[i].dir.fd);
	free(state.batch);
	free(state.frames);
	errno = err;
	return result < 0 ? -1 : 0;
}
