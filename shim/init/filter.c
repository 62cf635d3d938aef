#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
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
#endif /* another architecture also needs its system call instruction in loop.c */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))

#define EVERY (-1)

/*
 * Everything that PID 1 may still ask of the kernel; any other call kills it, and with it the container. Only the
 * last rows, for finding descendants in /proc when this is not process 1, can open or read anything; no row maps,
 * executes or creates. The kernel treats these arguments as int and reads only the low half, so the filter does the
 * same; both architectures store it first.
 */
static const struct row {
	int call, argument; /* this argument must equal VALUE; EVERY: the call is always allowed */
	uint32_t value;
	bool proc; /* only for init_filter(…, true) */
} rows[] = {
	{SYS_prctl, 0, FILTER_CANARY_OPTION, false},    /* the canary: its error proves the filter */
	{SYS_rt_sigtimedwait, EVERY, 0, false},         /* the next signal */
	{SYS_wait4, 2, INIT_WAIT_OPTIONS, false},       /* reaping */
	{SYS_kill, EVERY, 0, false},                    /* forwarding, and stopping itself */
	{SYS_ioctl, 1, TIOCGPGRP, false},               /* which process group has the terminal */
	{SYS_ioctl, 1, TIOCSPGRP, false},               /* handing the terminal over and taking it back */
	{SYS_clock_gettime, 0, CLOCK_MONOTONIC, false}, /* stop_grace_period */
	{SYS_exit_group, EVERY, 0, false},              /* exit */
	{SYS_write, 0, INIT_GO_FD, false},              /* once: lets the workload go */
	{SYS_ppoll, 1, 1, false},                       /* could a message be written at once? */
	{SYS_write, 0, STDERR_FILENO, false},           /* says why it or the workload ends */
	{SYS_close, 0, INIT_GO_FD, false},              /* afterwards there is nothing to write to */
	{SYS_read, 0, INIT_DROPPED_FD, false},          /* once: its end says that the workload has dropped */
	{SYS_close, 0, INIT_DROPPED_FD, false},         /* afterwards there is nothing to read from */
	{SYS_munmap, EVERY, 0, false},                  /* frees memory that is not needed */
	{SYS_lseek, 0, INIT_PROC_FD, true},             /* rewinds the list of processes */
	{SYS_getdents64, 0, INIT_PROC_FD, true},        /* reads the list */
	{SYS_openat, 2, O_RDONLY | O_CLOEXEC, true},    /* a process's stat file, to find its parent: read-only */
	{SYS_read, 0, INIT_STAT_FD, true},              /* reads that file; the close above closes it */
};

static_assert(INIT_STAT_FD == INIT_GO_FD, "one close(2) for both");
static_assert(INIT_FILTER_ROOM >= 7 + 6 * sizeof(rows) / sizeof(*rows), "the longest filter");

struct filter init_filter(struct sock_filter *code, bool proc)
{
	struct sock_filter *to = code;
	uint32_t last = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		last = (uint32_t)rows[i].call > last ? (uint32_t)rows[i].call : last;
	/* The calls above all rows first: while it loads a filter, the kernel tries it on every call that there is. */
	const struct sock_filter head[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 2, 0),
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
	};
	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		*to++ = head[i];
	for (const struct row *row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++) {
		bool canary = row->call == SYS_prctl;
		if (row->proc && !proc)
			continue;
		*to++ = (struct sock_filter)UNLESS((uint32_t)row->call, row->argument == EVERY ? 1 : 4);
		if (row->argument != EVERY) {
			*to++ = (struct sock_filter)LOAD(args[row->argument]);
			*to++ = (struct sock_filter)UNLESS(row->value, 1);
		}
		*to++ = (struct sock_filter)ANSWER(canary ? SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO
							  : SECCOMP_RET_ALLOW);
		if (row->argument != EVERY)
			*to++ = (struct sock_filter)LOAD(nr);
	}
	*to++ = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
	return (struct filter){.code = code, .count = (unsigned short)(to - code)};
}
