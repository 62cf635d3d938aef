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
#endif /* one more needs its system call instruction in loop.c, too */

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))

#define CALL(call) UNLESS(SYS_##call, 1), ANSWER(SECCOMP_RET_ALLOW)

/*
 * With one value of one argument. All of these arguments are int for the kernel, which reads the low half only: so
 * does this, and both architectures have it first.
 */
#define CALL_IF(call, argument, value, action) \
	UNLESS(SYS_##call, 4), LOAD(args[argument]), UNLESS((uint32_t)(value), 1), ANSWER(action), LOAD(nr)

/*
 * Everything that PID 1 can still ask of the kernel; anything else kills it, and with it the container. Nothing here
 * opens, reads, maps, executes or makes anything.
 */
static const struct sock_filter code[] = {
	LOAD(arch),
	UNLESS(ARCH, 1),
	BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
	ANSWER(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	CALL_IF(prctl, 0, FILTER_CANARY_OPTION, SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO),
	CALL(rt_sigtimedwait),                                         /* the next signal */
	CALL_IF(wait4, 2, INIT_WAIT_OPTIONS, SECCOMP_RET_ALLOW),       /* reaping */
	CALL(kill),                                                    /* forwarding, and stopping itself */
	CALL_IF(ioctl, 1, TIOCGPGRP, SECCOMP_RET_ALLOW),               /* whose the terminal is */
	CALL_IF(ioctl, 1, TIOCSPGRP, SECCOMP_RET_ALLOW),               /* handing it over and back */
	CALL_IF(clock_gettime, 0, CLOCK_MONOTONIC, SECCOMP_RET_ALLOW), /* stop_grace_period */
	CALL(exit_group),
	CALL_IF(write, 0, INIT_GO_FD, SECCOMP_RET_ALLOW),    /* once: lets the workload go */
	CALL_IF(write, 0, STDERR_FILENO, SECCOMP_RET_ALLOW), /* if the canary does not answer: why it ends */
	CALL_IF(close, 0, INIT_GO_FD, SECCOMP_RET_ALLOW),    /* after this there is nothing to write to */
	CALL(munmap),                                        /* giving back what is not needed */
	ANSWER(SECCOMP_RET_KILL_PROCESS),
};

const struct filter init_filter = {.code = (struct sock_filter *)(uintptr_t)code,
				   .count = sizeof(code) / sizeof(*code)};
