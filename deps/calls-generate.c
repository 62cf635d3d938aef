/*
 * Writes the C source of what shim/filter/calls.h declares while capshim is built: the system calls that libseccomp knows by
 * name, and their numbers for the ABIs that this machine's kernels run. It runs on that machine, or under its emulation.
 *
 * libseccomp cannot list names. It has one for every number of every architecture, and numbers of its own, below zero,
 * for the calls that an architecture does not have.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/calls.h"
#include "filter/filter.h"

#define MOST 2000

/*
 * The ABIs that a machine's kernels run besides their own, the 32-bit one first, and the machine's name in
 * includes.arches. Another machine also needs lines in init/filter.c and init/resident.h, and, for its 32-bit programs, in
 * workload/program.c.
 */
static const struct machine {
	const char *name, *abis[4];
} machines[] = {
	{"amd64", {"x86_64", "x86", "x32"}},
	{"arm64", {"aarch64", "arm"}},
	{"riscv64", {"riscv64"}},
	{"arm", {"arm"}},
};

static char *names[MOST];
static size_t count;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "calls-generate: %s\n", what);
	exit(1);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_names(uint32_t arch, int from, int to)
{
	for (int number = from; number < to; number++) {
		char *name = seccomp_syscall_resolve_num_arch(arch, number);
		size_t i = 0;
		while (name && i < count && strcmp(names[i], name) != 0)
			i++;
		if (name && i == MOST)
			fail("more calls than there is room for");
		if (name && i == count)
			names[count++] = name;
		else
			free(name);
	}
}

static void collect(void)
{
	static const char *const all[] = {"x86",   "x86_64", "x32",    "arm",  "aarch64", "loongarch64", "m68k",
					  "mips",  "mipsel", "mips64", "ppc",  "ppc64",   "ppc64le",     "s390",
					  "s390x", "parisc", "sh",     "sheb", "riscv64", "mips64n32",   "parisc64"};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const uint32_t arch = seccomp_arch_resolve_name(all[i]);
		if (!arch)
			continue;
		add_names(arch, -11000, -10000);
		add_names(arch, -300, CALL_NUMBERS);
		add_names(arch, CALL_ARM_PRIVATE, CALL_ARM_PRIVATE + CALL_SLOTS - CALL_NUMBERS);
	}
	qsort(names, count, sizeof(*names), by_text);
}

/* The slot of NUMBER, which is not below zero. */
static unsigned int slot_of(uint32_t arch, int number)
{
	const uint32_t n = (uint32_t)number & ~(arch == SCMP_ARCH_X32 ? FILTER_X32_BIT : 0);

	if (n < CALL_NUMBERS)
		return n;
	if (arch != SCMP_ARCH_ARM || n < CALL_ARM_PRIVATE || n - CALL_ARM_PRIVATE >= CALL_SLOTS - CALL_NUMBERS)
		fail("a number that has no slot");
	return CALL_NUMBERS + n - CALL_ARM_PRIVATE;
}

/* libseccomp's negative numbers, -1xx and -2xx, of calls that go through socketcall(2) or ipc(2). */
static bool is_multiplexed(int number)
{
	return number <= -100 && number > -300;
}

/* Such a call may also exist on its own, under a number that libseccomp only reveals through another lookup. */
static unsigned int hidden_slot(uint32_t arch, const char *call)
{
	unsigned int slot = CALL_NONE;

	for (int number = 0; number < CALL_NUMBERS && slot == CALL_NONE; number++) {
		char *name = seccomp_syscall_resolve_num_arch(arch, number);
		if (name && strcmp(name, call) == 0)
			slot = (unsigned int)number;
		free(name);
	}
	return slot;
}

static void write_abi(const char *abi)
{
	const uint32_t arch = seccomp_arch_resolve_name(abi);

	if (!arch)
		fail("this libseccomp does not know an architecture of this machine");
	printf("static const uint16_t slots_%s[] = {", abi);
	for (size_t i = 0; i < count; i++) {
		const int number = seccomp_syscall_resolve_name_arch(arch, names[i]);
		if (number == __NR_SCMP_ERROR)
			fail("a name that is none");
		printf("%s%u,", i % 16 ? " " : "\n\t",
		       number >= 0              ? slot_of(arch, number)
		       : is_multiplexed(number) ? hidden_slot(arch, names[i])
						: CALL_NONE);
	}
	printf("\n};\n\nstatic const struct call_sub subs_%s[] = {\n", abi);
	for (size_t i = 0; i < count; i++) {
		const int number = seccomp_syscall_resolve_name_arch(arch, names[i]);
		if (is_multiplexed(number))
			printf("\t{%zu, %d}, /* %s */\n", i, -number, names[i]);
	}
	printf("\t{CALL_NONE, 0},\n};\n\n");
}

static void write_names(void)
{
	size_t at = 0;

	printf("const size_t call_count = %zu;\n\nconst char call_text[] =\n", count);
	for (size_t i = 0; i < count; i++)
		printf("\t\"%s\\0\"\n", names[i]);
	printf(";\n\nconst uint16_t call_names[] = {");
	for (size_t i = 0; i < count; at += strlen(names[i++]) + 1)
		printf("%s%zu,", i % 16 ? " " : "\n\t", at);
	printf("\n};\n");
}

int main(void)
{
	const struct machine *machine = machines;
	const struct scmp_version *version = seccomp_version();

	while (seccomp_arch_resolve_name(machine->abis[0]) != seccomp_arch_native())
		if (++machine == machines + sizeof(machines) / sizeof(*machines))
			fail("no such machine: see the table");
	collect();
	printf("/* Made from libseccomp's table. */\n#include \"filter/calls.h\"\n\n");
	printf("const char call_machine[] = \"%s\";\n", machine->name);
	printf("const char call_made_by[] = \"libseccomp %u.%u.%u\";\n", version->major, version->minor,
	       version->micro);
	write_names();
	for (size_t i = 0; machine->abis[i]; i++)
		write_abi(machine->abis[i]);
	printf("const struct call_abi call_abis[] = {\n");
	for (size_t i = 0; machine->abis[i]; i++)
		printf("\t{0x%xu, \"%s\", slots_%s, subs_%s},\n", seccomp_arch_resolve_name(machine->abis[i]),
		       machine->abis[i], machine->abis[i], machine->abis[i]);
	printf("};\nconst size_t call_nabis = sizeof(call_abis) / sizeof(*call_abis);\n");
	return 0;
}
