#include "base/start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/signals.h"

const struct start_set start_sets[START_SETS] = {
	{"CapInh", "inheritable", offsetof(struct start, inheritable)},
	{"CapPrm", "permitted", offsetof(struct start, permitted)},
	{"CapEff", "effective", offsetof(struct start, effective)},
	{"CapBnd", "bounding", offsetof(struct start, bounding)},
	{"CapAmb", "ambient", offsetof(struct start, ambient)},
};

uint64_t start_set_of(const struct start *start, const struct start_set *set)
{
	return *(const uint64_t *)((const char *)start + set->offset);
}

const char *start_groups(struct mem *mem, const uint32_t *groups, size_t count, const char *separator)
{
	const size_t longest = strlen(separator) + 11; /* with the digits of an id, and a NUL */
	char *text = mem_alloc(mem, count * longest + 1), *to = text;

	for (size_t i = 0; i < count; i++)
		to += snprintf(to, longest, "%s%u", i ? separator : "", groups[i]);
	return text;
}

static _Noreturn void start_unreadable(const char *what)
{
	diag_cannot("read", what, errno, DIAG_NO_CAP);
}

static void read_ids(struct start *start, struct mem *mem)
{
	if (getresuid(&start->uid, &start->euid, &start->suid) != 0)
		start_unreadable("the user ids");
	if (getresgid(&start->gid, &start->egid, &start->sgid) != 0)
		start_unreadable("the group ids");

	int count = getgroups(0, NULL);
	if (count < 0)
		start_unreadable("the supplementary groups");
	if (count == 0)
		return;
	start->groups = mem_array(mem, (size_t)count, sizeof(*start->groups));
	count = getgroups(count, start->groups);
	if (count < 0)
		start_unreadable("the supplementary groups");
	start->ngroups = (size_t)count;
}

uint64_t start_bounding(const struct start *start, uint64_t of)
{
	uint64_t set = 0;

	if (!(start->effective >> CAP_SETPCAP & 1))
		return start->bounding & of;
	for (unsigned long cap = 0; cap < 64; cap++)
		if (of >> cap & 1)
			set |= (uint64_t)(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1) << cap;
	return set;
}

/* capget(2) for three sets, prctl(2) for the bounding and ambient sets: up to EINVAL, which ends the kernel's list. */
static void read_sets(struct start *start)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	if (syscall(SYS_capget, &header, data) != 0)
		start_unreadable("the capability sets");
	start->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	start->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	start->effective = data[0].effective | (uint64_t)data[1].effective << 32;

	for (unsigned long cap = 0; cap < 64 && !(start->effective >> CAP_SETPCAP & 1); cap++) {
		int in = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (in < 0 && errno == EINVAL)
			break;
		if (in < 0)
			start_unreadable("the bounding set");
		start->bounding |= (uint64_t)(in == 1) << cap;
	}
	/* An ambient capability is always permitted and inheritable: only those need to be looked up. */
	uint64_t possible = start->permitted & start->inheritable;
	for (unsigned long cap = 0; cap < 64; cap++)
		if (possible >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			start->ambient |= UINT64_C(1) << cap;
}

/*
 * An unmapped id reads as the overflow id, which may also be a mapped id. Without a capability setresuid(2) can only
 * set an id that is there already; it answers EINVAL if that id is not mapped, and the same goes for a group.
 */
static void read_unmapped(struct start *start)
{
	if (!(start->effective >> CAP_SETUID & 1))
		start->uid_unmapped = syscall(SYS_setresuid, start->uid, start->euid, start->suid) != 0;
	if (start->effective >> CAP_SETGID & 1)
		return;
	start->gid_unmapped = syscall(SYS_setresgid, start->gid, start->egid, start->sgid) != 0;
	for (size_t i = 0; i < start->ngroups && !start->group_unmapped; i++) {
		start->unmapped_group = start->groups[i];
		start->group_unmapped = syscall(SYS_setresgid, start->groups[i], -1, -1) != 0 && errno == EINVAL;
	}
}

void start_read_dispositions(struct start *start, uint64_t signals)
{
	start->touched = signals;
	for (int signal = 1; signal <= START_SIGNALS; signal++) {
		if (!(signals & START_SIGNAL_BIT(signal)))
			continue;
		const unsigned long handler = signals_handler(signal);
		if (handler == SIGNALS_UNREADABLE)
			start_unreadable("the signal dispositions");
		if (handler == (unsigned long)SIG_IGN)
			start->ignored |= START_SIGNAL_BIT(signal);
	}
}

void start_read(struct start *start, struct mem *mem)
{
	read_ids(start, mem);
	read_sets(start);
	read_unmapped(start);

	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	/* A kernel with neither answers EINVAL to both. Only one EINVAL is a fault. */
	start->bare = bits < 0 && errno == EINVAL && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0) < 0 &&
		      errno == EINVAL;
	if (bits < 0 && !start->bare)
		start_unreadable("the securebits");
	start->securebits = start->bare ? 0 : (unsigned int)bits;
}
