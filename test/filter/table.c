#include "table.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/calls.h"

static int wrong(const char *abi, const char *call, int is, int should)
{
	printf("%s: %s is %d and should be %d\n", abi, call, is, should);
	return 1;
}

/* libseccomp names a call that socketcall(2) or ipc(2) can make by that; its own number it tells only the other way round. */
static int compare_sub(const struct call_abi *abi, size_t call, int pseudo)
{
	const struct call_sub *sub = call_multiplexed(abi, call);
	const int number = call_number(abi, call);
	char *name = seccomp_syscall_resolve_num_arch(abi->arch, number);
	int failed = 0;

	if (!sub || sub->value != -pseudo)
		failed |= wrong(abi->name, call_name(call), sub ? -sub->value : 0, pseudo);
	if (number >= 0 && (!name || strcmp(name, call_name(call)) != 0))
		failed |= wrong(abi->name, call_name(call), number, -1);
	free(name);
	/* Nor has it a number that the table lacks. */
	for (int n = 0; number < 0 && n < CALL_NUMBERS; n++) {
		name = seccomp_syscall_resolve_num_arch(abi->arch, n);
		if (name && strcmp(name, call_name(call)) == 0)
			failed |= wrong(abi->name, name, number, n);
		free(name);
	}
	return failed;
}

static int compare_call(const struct call_abi *abi, size_t call)
{
	const int should = seccomp_syscall_resolve_name_arch(abi->arch, call_name(call));
	int is = call_number(abi, call);

	if (should <= -100 && should > -300)
		return compare_sub(abi, call, should);
	if (is >= 0 && abi->arch == SCMP_ARCH_X32)
		is |= (int)FILTER_X32_BIT;
	if (call_multiplexed(abi, call) || should == __NR_SCMP_ERROR || (should < 0 ? is != -1 : is != should))
		return wrong(abi->name, call_name(call), is, should);
	return 0;
}

int table_compare(char **names)
{
	int failed = 0;

	for (; *names; names++)
		if (call_find(*names) < 0 || strcmp(call_name((size_t)call_find(*names)), *names) != 0)
			failed |= wrong("names", *names, -1, 0);
	for (size_t abi = 0; abi < call_nabis; abi++)
		for (size_t call = 0; call < call_count; call++)
			failed |= compare_call(&call_abis[abi], call);
	if (!failed)
		printf("%zu calls, %zu ABIs\n", call_count, call_nabis);
	return failed;
}
