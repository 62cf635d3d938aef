#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "init/loop.h"
#include "init/resident.h"

#define LIST_BYTES 1024
#define STAT_BYTES 512 /* of /proc/PID/stat, proc_pid_stat(5): more than the part that is read */
#define NUMBER_BYTES 8 /* a process id is at most 4194304, proc(5) pid_max */
#define DEPTH 1024     /* of ancestors: the limit against a circle, which reused process ids could form */

/* An entry of getdents64(2). */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* 0 if TEXT does not start with a number. */
RESIDENT static int read_number(const char *text)
{
	int number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (*text - '0');
	return number;
}

/* The parent of PID from its /proc/PID/stat, "PID (NAME) STATE PARENT ...", or 0. NAME may contain anything. */
RESIDENT static int parent_of(int pid)
{
	char path[NUMBER_BYTES + 8], text[STAT_BYTES];
	long length = 0;
	int units[NUMBER_BYTES], digits = 0;

	/* No division: 32-bit Arm would call a function for it that is outside of the section. */
	for (int unit = 1; unit <= pid && digits < NUMBER_BYTES; unit *= 10)
		units[digits++] = unit;
	for (int at = 0; at < digits; at++) {
		path[at] = '0';
		for (; pid >= units[digits - 1 - at]; pid -= units[digits - 1 - at])
			path[at]++;
	}
	path[digits] = '/';
	path[digits + 1] = 's';
	path[digits + 2] = 't';
	path[digits + 3] = 'a';
	path[digits + 4] = 't';
	path[digits + 5] = '\0';
	if (call(SYS_openat, INIT_PROC_FD, (long)path, O_RDONLY | O_CLOEXEC, 0) == INIT_STAT_FD)
		length = call(SYS_read, INIT_STAT_FD, (long)text, STAT_BYTES - 1, 0);
	(void)call(SYS_close, INIT_STAT_FD, 0, 0, 0);
	text[length < 0 ? 0 : length] = '\0';
	while (length > 0 && text[length - 1] != ')')
		length--;
	return length > 0 && length + 3 < STAT_BYTES ? read_number(text + length + 3) : 0;
}

RESIDENT static bool is_descendant(int pid, int ancestor)
{
	for (int i = 0; pid > 1 && i < DEPTH; i++) {
		pid = parent_of(pid);
		if (pid == ancestor)
			return true;
	}
	return false;
}

RESIDENT int init_signal_descendants(const struct init_state *state, int signal)
{
	char list[LIST_BYTES] __attribute__((aligned(8)));
	int count = 0;
	long length;

	if (state->pid1)
		return signal_to(-1, signal) == 0;
	if (!state->proc)
		return 0;
	(void)call(SYS_lseek, INIT_PROC_FD, 0, SEEK_SET, 0);
	while ((length = call(SYS_getdents64, INIT_PROC_FD, (long)list, LIST_BYTES, 0)) > 0) {
		const struct entry *entry;
		for (long at = 0; at < length; at += entry->length) {
			entry = (const struct entry *)(list + at);
			int pid = read_number(entry->name);
			/* A process that cannot be signalled is not looked at further. */
			if (pid > 1 && signal_to(pid, 0) == 0 && is_descendant(pid, state->self) &&
			    signal_to(pid, signal) == 0)
				count++;
		}
	}
	return count;
}
