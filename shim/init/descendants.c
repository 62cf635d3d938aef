#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "init/loop.h"
#include "init/resident.h"

#define LIST_BYTES 1024
#define STAT_BYTES 512 /* of /proc/PID/stat, proc_pid_stat(5): more than the part that is read */
#define PID_BYTES 8    /* a process id is at most 4194304, proc(5) pid_max */
#define PATH_BYTES (PID_BYTES + sizeof("/stat"))
#define DEPTH 1024 /* of ancestors: the limit against a circle, which reused process ids could form */

static_assert(offsetof(struct dirent, d_reclen) == 16 && offsetof(struct dirent, d_name) == 19, "getdents64(2)");

/* The process id that TEXT starts with, or 0, and "ID/stat" in PATH. */
RESIDENT static int read_pid(const char *text, char *path)
{
	int pid = 0;

	for (int i = 0; i < PID_BYTES && *text >= '0' && *text <= '9'; i++) {
		pid = pid * 10 + (*text - '0');
		*path++ = *text++;
	}
	path[0] = '/';
	path[1] = 's';
	path[2] = 't';
	path[3] = 'a';
	path[4] = 't';
	path[5] = '\0';
	return pid;
}

/*
 * Reads the parent from the file PATH, "PID (NAME) STATE PARENT ...", as read_pid() does; 0: it cannot be read. NAME may
 * contain anything.
 */
RESIDENT static int read_parent(char *path)
{
	char text[STAT_BYTES];
	long length = 0;

	if (call(SYS_openat, INIT_PROC_FD, (long)path, O_RDONLY | O_CLOEXEC, 0) == INIT_STAT_FD)
		length = call(SYS_read, INIT_STAT_FD, (long)text, STAT_BYTES - 1, 0);
	(void)call(SYS_close, INIT_STAT_FD, 0, 0, 0);
	text[length < 0 ? 0 : length] = '\0';
	while (length > 0 && text[length - 1] != ')')
		length--;
	return length > 0 && length + 3 < STAT_BYTES ? read_pid(text + length + 3, path) : 0;
}

RESIDENT static bool is_descendant(char *path, int ancestor)
{
	for (int i = 0; i < DEPTH; i++) {
		const int pid = read_parent(path);
		if (pid <= 1 || pid == ancestor)
			return pid == ancestor;
	}
	return false;
}

RESIDENT int init_signal_descendants(const struct init_state *state, int signal)
{
	char list[LIST_BYTES] __attribute__((aligned(8))), path[PATH_BYTES];
	int count = 0;
	long length;

	if (state->pid1)
		return signal_to(-1, signal) == 0;
	if (!state->proc)
		return 0;
	(void)call(SYS_lseek, INIT_PROC_FD, 0, SEEK_SET, 0);
	while ((length = call(SYS_getdents64, INIT_PROC_FD, (long)list, LIST_BYTES, 0)) > 0) {
		const struct dirent *entry;
		for (long at = 0; at < length; at += entry->d_reclen) {
			entry = (const struct dirent *)(list + at);
			const int pid = read_pid(entry->d_name, path);
			/* A process that cannot be signalled is not looked at further. */
			if (pid > 1 && signal_to(pid, 0) == 0 && is_descendant(path, state->self) &&
			    signal_to(pid, signal) == 0)
				count++;
		}
	}
	return count;
}
