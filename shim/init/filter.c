#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "init/loop.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#endif /* another architecture also needs its system call instruction in resident.h */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
/* If the accumulator is VALUE, to YES, otherwise to NO: instructions behind the one at AT, which this one is. */
#define IF(at, value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (uint8_t)((yes) - (at)-1), (uint8_t)((no) - (at)-1))

#define EVERY (-1)
#define ONE(value) (value), (value)

/*
 * Everything that PID 1 may still ask of the kernel; any other call kills it, and with it the container. Only the
 * rows for finding descendants in /proc, when this is not process 1, can open or read a file; no row maps, executes or
 * creates. The kernel treats these arguments as int and reads only the low half, so the filter does the same; all
 * architectures store it first.
 */
static const struct row {
	int call, argument;    /* this argument must equal VALUE or OTHER; EVERY: the call is always allowed */
	uint32_t value, other; /* the first row of a call decides */
	bool proc;             /* only for init_filter(…, true) */
} rows[] = {
	{SYS_prctl, 0, ONE(FILTER_CANARY_OPTION), false},    /* the canary: its error proves the filter */
	{SYS_rt_sigtimedwait, EVERY, ONE(0), false},         /* the next signal */
	{SYS_wait4, 2, ONE(INIT_WAIT_OPTIONS), false},       /* reaping */
	{SYS_kill, EVERY, ONE(0), false},                    /* forwarding, and stopping itself */
	{SYS_ioctl, 1, TIOCGPGRP, TIOCSPGRP, false},         /* which process group has the terminal; handing it over */
	{SYS_clock_gettime, 0, ONE(CLOCK_MONOTONIC), false}, /* stop_grace_period */
	{SYS_exit_group, EVERY, ONE(0), false},              /* exit */
	{SYS_ppoll, 1, ONE(1), false},                       /* could a message be written at once? */
	{SYS_write, 0, INIT_GO_FD, STDERR_FILENO, false},    /* lets the workload go; says why something ends */
	{SYS_read, 0, INIT_DROPPED_FD, INIT_STAT_FD, true},  /* as the next row; and a process's stat file */
	{SYS_read, 0, ONE(INIT_DROPPED_FD), false},          /* its end says that the workload has dropped */
	{SYS_close, 0, INIT_GO_FD, INIT_DROPPED_FD, false},  /* afterwards; the first is INIT_STAT_FD as well */
	{SYS_munmap, EVERY, ONE(0), false},                  /* frees memory that is not needed */
	{SYS_lseek, 0, ONE(INIT_PROC_FD), true},             /* rewinds the list of processes */
	{SYS_getdents64, 0, ONE(INIT_PROC_FD), true},        /* reads the list */
	{SYS_openat, 2, ONE(O_RDONLY | O_CLOEXEC), true},    /* a stat file, to find a parent: read-only */
};

static_assert(INIT_STAT_FD == INIT_GO_FD, "one close(2) for both");
static_assert(INIT_FILTER_ROOM >= 9 + 4 * sizeof(rows) / sizeof(*rows), "the longest filter");

/*
 * Built from its end, so that every jump goes to what is there already. As short as it can be, and the calls above all rows
 * first: while it loads a filter, the kernel translates it, and tries it on every call that there is.
 */
struct filter init_filter(struct sock_filter *code, bool proc)
{
	struct sock_filter *at = code + INIT_FILTER_ROOM;
	uint32_t last = 0;

	*--at = (struct sock_filter)ANSWER(SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO);
	const struct sock_filter *const canary = at;
	*--at = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
	const struct sock_filter *const allow = at;
	*--at = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
	const struct sock_filter *const kill = at;
	for (size_t i = sizeof(rows) / sizeof(*rows); i-- > 0;) {
		const struct row *row = &rows[i];
		const struct sock_filter *const next = at, *const yes = row->call == SYS_prctl ? canary : allow;
		const uint32_t call = (uint32_t)row->call;
		last = call > last ? call : last;
		if (row->proc && !proc)
			continue;
		if (row->argument == EVERY) {
			at--;
			*at = (struct sock_filter)IF(at, call, yes, next);
			continue;
		}
		at -= 4;
		at[0] = (struct sock_filter)IF(at, call, at + 1, next);
		at[1] = (struct sock_filter)LOAD(args[row->argument]);
		at[2] = (struct sock_filter)IF(at + 2, row->value, yes, at + 3);
		at[3] = (struct sock_filter)IF(at + 3, row->other, yes, kill);
	}
	const struct sock_filter head[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 2, 0),
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
	};
	at -= sizeof(head) / sizeof(*head);
	memcpy(at, head, sizeof(head));
	return (struct filter){.code = at, .count = (unsigned short)(code + INIT_FILTER_ROOM - at)};
}
