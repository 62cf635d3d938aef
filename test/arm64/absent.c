/*
 * What qemu-user (7.2) does not have or cannot stand, for the capshim that runs under it. All else is what is shipped:
 * the same object files, linked with ld(1) --wrap.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/loop.h"

void __wrap_filter_load(const struct filter *filter);
int __wrap_prctl(int option, ...);
int __real_prctl(int option, ...);
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
_Noreturn void __wrap_init_loop(struct init_state *state);
_Noreturn void __real_init_loop(struct init_state *state);

/* The kernel below is of another architecture: no filter for arm64 means anything to it. */
void __wrap_filter_load(const struct filter *filter)
{
	(void)filter;
}

/* qemu lies in the same memory: what is given back is its own. */
_Noreturn void __wrap_init_loop(struct init_state *state)
{
	for (int i = 0; i < INIT_GAPS; i++)
		state->gaps[i] = (struct init_range){0, 0};
	__real_init_loop(state);
}

/*
 * There is no such option of prctl(2). capshim believes that it is a subreaper; as process 1, which most tests make of
 * it, it inherits orphans anyway.
 */
int __wrap_prctl(int option, ...)
{
	static int subreaper;
	unsigned long arguments[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_GET_CHILD_SUBREAPER)
		*(int *)arguments[0] = subreaper;
	else if (option == PR_SET_CHILD_SUBREAPER)
		subreaper = (int)arguments[0];
	else
		return __real_prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
	return 0;
}

/* There is no execveat(2): the program that a step has opened, by its name in /proc. */
static long execute(long fd, const char *path, unsigned long argv, unsigned long envp)
{
	char name[32];

	if (*path) {
		errno = ENOSYS;
		return -1;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%ld", fd);
	return __real_syscall(SYS_execve, name, argv, envp);
}

long __wrap_syscall(long number, ...)
{
	unsigned long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (number == SYS_execveat)
		return execute((long)a[0], (const char *)a[1], a[2], a[3]);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
