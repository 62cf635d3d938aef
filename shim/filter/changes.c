#include <errno.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "filter/read.h"

#define GROUP_CALLS 7 /* with the NULL behind the last one */
#define TWINS 8       /* no call has so many */

/* Names for calls that are only useful together. "32bit" opens an ABI; its C libraries need these calls, of that ABI. */
static const struct change_group {
	const char *name, *calls[GROUP_CALLS];
} groups[] = {
	{"32bit", {"get_thread_area", "set_thread_area"}},
	{"io_uring", {"io_uring_setup", "io_uring_enter", "io_uring_register"}},
	{"keyring", {"add_key", "keyctl", "request_key"}},
	{"numa", {"get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages", "move_pages"}},
	{"ptrace", {"ptrace", "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev"}},
};

/*
 * A call, and one that only 32-bit ABIs have and that can do the same: from libseccomp's tables of x86 and Arm, without those
 * whose names say it (add_twins()).
 */
static const char twins[][2][15] = {
	{"getdents", "readdir"},
	{"lseek", "_llseek"},
	{"mmap", "mmap2"},
	{"newfstatat", "fstatat64"},
	{"recvfrom", "recv"},
	{"rt_sigaction", "signal"},
	{"rt_sigprocmask", "sgetmask"},
	{"rt_sigprocmask", "ssetmask"},
	{"select", "_newselect"},
	{"sendto", "send"},
	{"setpriority", "nice"},
	{"settimeofday", "stime"},
	{"umount2", "umount"},
	{"wait4", "waitpid"},
};

static const struct change_group *find_group(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	return NULL;
}

const char *filter_change_call(const char *name)
{
	const struct change_group *group = find_group(name);

	return group ? group->calls[0] : name;
}

/* Adds the call NAME to RULE, unless this is a 64-bit machine that has it itself: a config denies getdents64 by name. */
static void add_twin(struct filter_rule *rule, const char *name)
{
	const int call = call_find(name);

	if (call >= 0 && (call_number(call_abis, (size_t)call) < 0 || !(filter_native() & __AUDIT_ARCH_64BIT)))
		rule->calls[rule->ncalls++] = (uint16_t)call;
}

/* Adds to RULE what 32-bit ABIs have besides the call NAME to do the same. */
static void add_twins(struct mem *mem, struct filter_rule *rule, const char *name)
{
	static const char around[][2][8] = {
		{"", "32"},     {"", "64"}, {"", "_time64"}, {"", "_64"},     {"old", ""},
		{"oldold", ""}, {"u", ""},  {"arm_", ""},    {"arm_", "_64"},
	};

	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++)
		add_twin(rule, mem_format(mem, "%s%s%s", around[i][0], name, around[i][1]));
	if (strncmp(name, "rt_", 3) == 0)
		add_twin(rule, name + 3);
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (strcmp(twins[i][0], name) == 0)
			add_twin(rule, twins[i][1]);
}

/* The calls that ITEM names become those of RULE. False: none, and a problem was added. */
static bool read_calls(struct problems *problems, struct filter_rule *rule, const struct node *item, bool wide,
		       bool denies)
{
	/* An ABI that is not allowed is none to deny calls of. */
	const struct change_group *group = wide || strcmp(item->text, "32bit") != 0 ? find_group(item->text) : NULL;
	const struct change_group alone = {item->text, {item->text}};
	const char *const *names = group ? group->calls : alone.calls;

	rule->calls = mem_array(&problems->mem, GROUP_CALLS + TWINS, sizeof(*rule->calls));
	for (; *names; names++) {
		const int call = call_find(*names);
		if (denies)
			add_twins(&problems->mem, rule, *names);
		if (call >= 0)
			rule->calls[rule->ncalls++] = (uint16_t)call;
		else if (!group)
			return yaml_problem(
				problems, item,
				"\"%s\" must be the name of a system call, or of a group: 32bit (in allow), io_uring, "
				"keyring, numa, ptrace",
				item->text);
	}
	return true;
}

static void change_call(struct filter_reader *reader, const struct node *item, uint32_t action)
{
	struct filter_rule *rule = mem_alloc(&reader->problems->mem, sizeof(*rule));

	if (!filter_is_scalar(reader, item))
		return;
	const bool wide = action == SECCOMP_RET_ALLOW && strcmp(item->text, "32bit") == 0;
	if (wide)
		reader->profile->abis[CALL_ABI_32BIT] = true;
	rule->node = item;
	if (!read_calls(reader->problems, rule, item, wide, action != SECCOMP_RET_ALLOW))
		return;
	rule->here = true;
	rule->change = true;
	rule->foreign = wide;
	rule->action = action;
	if (!reader->profile->changes)
		reader->profile->changes = rule;
	*reader->end = rule;
	reader->end = &rule->next;
}

/*
 * What is denied is denied in the same way as what the profile does not name. A profile that allows by default has no such
 * way.
 */
void filter_read_changes(struct filter_reader *reader)
{
	const struct filter_changes *changes = &reader->target->changes;
	const uint32_t otherwise = reader->profile->action;
	const bool denies = filter_rank(otherwise) < filter_rank(SECCOMP_RET_TRACE);

	for (const struct node *item = NULL; changes->allow && (item = yaml_item(changes->allow, item));)
		change_call(reader, item, SECCOMP_RET_ALLOW);
	for (const struct node *item = NULL; changes->deny && (item = yaml_item(changes->deny, item));)
		change_call(reader, item, denies ? otherwise : SECCOMP_RET_ERRNO | EPERM);
	if (changes->log)
		reader->profile->flags |= SECCOMP_FILTER_FLAG_LOG;
}
