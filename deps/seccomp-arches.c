/*
 * Prints what libseccomp's table of system calls answers, for deps/seccomp-arches: the number of every name on standard
 * input, and of names that nothing has; the name of every number. Compiled with either table, it must print the same.
 */
#include <stdio.h>
#include <string.h>

#include "syscalls.h"

static void answer_name(const char *arch, int column, int kver, const char *name)
{
	printf("%s %s = %d since %d\n", arch, name, syscall_resolve_name(name, column),
	       (int)syscall_resolve_name_kver(name, kver));
}

/* Of the pseudo numbers one belongs to two names: which of them is found does not matter, both have the number. */
static void answer_numbers(const char *arch, int column, int kver, int from, int to)
{
	for (int number = from; number <= to; number++) {
		const char *name = syscall_resolve_num(number, column);
		if (!name)
			continue;
		if (number < 0)
			name = syscall_resolve_name(name, column) == number ? "known" : "wrong";
		printf("%s %d = %s since %d\n", arch, number, name,
		       (int)syscall_resolve_num_kver(number, column, kver));
	}
}

/* The pseudo numbers and the kernel's; then Arm's private ones. */
static void answer_all_numbers(const char *arch, int column, int kver)
{
	answer_numbers(arch, column, kver, -12000, 1200);
	answer_numbers(arch, column, kver, 0xf0000, 0xf0010);
}

int main(void)
{
	char name[64];

#define ARCH(arch) answer_all_numbers(#arch, SYSTBL_OFFSET(arch), SYSTBL_OFFSET(arch##_kver));
	ARCHES
#undef ARCH
	while (fgets(name, sizeof(name), stdin)) {
		name[strcspn(name, "\n")] = '\0';
		for (int wrong = 0; wrong < 3; wrong++) {
			if (wrong == 1)
				name[strlen(name) - 1]++;
			else if (wrong == 2)
				name[strlen(name) - 1] = '\0';
#define ARCH(arch) answer_name(#arch, SYSTBL_OFFSET(arch), SYSTBL_OFFSET(arch##_kver), name);
			ARCHES
#undef ARCH
		}
	}
	return 0;
}
