#include "privilege/identity.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"

/*
 * Out-parameters start with values that fail the checks, so that a call which reports success but did nothing is
 * detected.
 */
#define POISON 0xa5

static struct {
	const struct start *start; /* NULL: there is nothing to change */
	struct fs_identity now;
	uint64_t effective;
	int parent;     /* the process to die with; 0: none */
	bool no_fs_ids; /* the kernel has no setfsuid(2), as gVisor: the effective ids decide about files there */
} self;

static _Noreturn void identity_refused(const char *what, uint32_t id, int err)
{
	if (err == EINVAL)
		diag_die(DIAG_SYSTEM, "cannot act as \"%s %u\" on files: the user namespace does not map this id", what,
			 id);
	diag_die(DIAG_SYSTEM, "cannot act as \"%s %u\" on files: %s", what, id, strerror(err));
}

static _Noreturn void identity_unproven(const char *what, unsigned long long is, unsigned long long want)
{
	diag_die(DIAG_UNPROVEN, "cannot prove \"%s\" of the file system identity: it is %#llx and must be %#llx", what,
		 is, want);
}

/* Changes the effective set only. The permitted set stays, so that any capability can be raised again. */
static void set_effective(uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int word = 0; word < 2; word++) {
		data[word].effective = (uint32_t)(effective >> (32 * word));
		data[word].permitted = (uint32_t)(self.start->permitted >> (32 * word));
		data[word].inheritable = (uint32_t)(self.start->inheritable >> (32 * word));
	}
	if (syscall(SYS_capset, &header, data) != 0)
		diag_cannot("set", "the effective set", errno, DIAG_NO_CAP);
}

static void prove_effective(uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memset(data, POISON, sizeof(data));
	if (syscall(SYS_capget, &header, data) != 0)
		diag_die(DIAG_UNPROVEN, "cannot prove \"the effective set\": %s", strerror(errno));
	uint64_t now = data[0].effective | (uint64_t)data[1].effective << 32;
	if (now != effective)
		identity_unproven("the effective set", now, effective);
}

/* Do the supplementary groups equal the COUNT groups of WANT, in any order? */
static bool groups_are(const uint32_t *want, size_t count)
{
	uint32_t *now = malloc((count + 1) * sizeof(*now));

	if (!now)
		diag_cannot("read", "the supplementary groups", ENOMEM, DIAG_NO_CAP);
	memset(now, POISON, (count + 1) * sizeof(*now));
	bool same = syscall(SYS_getgroups, count + 1, now) == (long)count;
	/*
	 * A user namespace may list them in another order: match each wanted group with one that is there, and use
	 * that up.
	 */
	for (size_t i = 0, left = count; same && i < count; i++) {
		size_t at = 0;
		while (at < left && now[at] != want[i])
			at++;
		same = at < left;
		if (same)
			now[at] = now[--left];
	}
	free(now);
	return same;
}

static void change_groups(const struct fs_identity *who)
{
	bool more = who->more != IDENTITY_NO_ID;
	size_t count = who->ngroups + more;
	uint32_t *list = malloc((count + 1) * sizeof(*list));

	if (!list)
		diag_cannot("set", "the supplementary groups", ENOMEM, DIAG_NO_CAP);
	if (who->ngroups)
		memcpy(list, who->groups, who->ngroups * sizeof(*list));
	list[who->ngroups] = who->more;
	int err = syscall(SYS_setgroups, count, list) == 0 ? 0 : errno;
	/* A user namespace may deny setgroups(2) for good; a list that is already right is fine. */
	if (!groups_are(list, count)) {
		if (err)
			identity_refused("the groups of uid", who->uid, err == EINVAL ? EPERM : err);
		identity_unproven("the groups", 0, count);
	}
	free(list);
}

/*
 * setfsuid(2) and setfsgid(2) cannot report an error, so a second call with an invalid id reads the result. When it
 * differs, EINVAL (an id that the user namespace does not map) is the only possible reason, because the capability is
 * there.
 * Where the effective id has to change instead, the real and the saved one stay capshim's: whoever it acts for can neither
 * signal nor trace it, kill(2), ptrace(2).
 */
static uint32_t change_id(uint32_t id, long set_fs, long set, long get)
{
	uint32_t real, now = IDENTITY_NO_ID, saved;

	if (!self.no_fs_ids && syscall(set_fs, id) == -1 && errno == ENOSYS)
		self.no_fs_ids = true;
	if (!self.no_fs_ids)
		return (uint32_t)syscall(set_fs, IDENTITY_NO_ID);
	(void)syscall(set, IDENTITY_NO_ID, id, IDENTITY_NO_ID);
	(void)syscall(get, &real, &now, &saved);
	return now;
}

static void change_ids(const struct fs_identity *who)
{
	uint32_t gid = change_id(who->gid, SYS_setfsgid, SYS_setresgid, SYS_getresgid);
	uint32_t uid = change_id(who->uid, SYS_setfsuid, SYS_setresuid, SYS_getresuid);

	/* The process's own ids are always mapped. */
	if (gid != who->gid && gid == self.now.gid && who->gid != self.start->egid)
		identity_refused("gid", who->gid, EINVAL);
	if (gid != who->gid)
		identity_unproven("the gid", gid, who->gid);
	if (uid != who->uid && uid == self.now.uid && who->uid != self.start->euid)
		identity_refused("uid", who->uid, EINVAL);
	if (uid != who->uid)
		identity_unproven("the uid", uid, who->uid);
}

static bool same_identity(const struct fs_identity *a, const struct fs_identity *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->groups == b->groups && a->ngroups == b->ngroups &&
	       a->more == b->more;
}

static void arm_death(void)
{
	if (self.parent && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != self.parent))
		_exit(1);
}

static struct fs_identity identity_own(void)
{
	return (struct fs_identity){
		.uid = self.start->euid,
		.gid = self.start->egid,
		.groups = self.start->groups,
		.ngroups = self.start->ngroups,
		.more = IDENTITY_NO_ID,
	};
}

void identity_become(const struct fs_identity *who, uint64_t effective)
{
	if (!self.start)
		return;
	effective &= self.start->effective;
	if (!same_identity(who, &self.now)) {
		/* Changing back needs SETGID and SETUID: the groups first, while both are effective. */
		set_effective(self.start->effective);
		change_groups(who);
		change_ids(who);
		self.now = *who;
		arm_death();
	} else if (effective == self.effective) {
		return;
	}
	/* Last: when the uid changes to or from 0 the kernel changes this set itself, unless a securebit is locked. */
	set_effective(effective);
	prove_effective(effective);
	self.effective = effective;
}

void identity_return(void)
{
	if (!self.start)
		return;
	const struct fs_identity own = identity_own();
	identity_become(&own, self.start->effective);
}

void identity_begin(const struct start *start)
{
	/* A set-id start is refused elsewhere. execve(2) has made the file system ids equal to the effective ones. */
	if (start->euid != 0)
		return;
	self.start = start;
	self.now = identity_own();
	self.effective = start->effective;
}

void identity_end(void)
{
	identity_return();
	self.start = NULL;
}

bool identity_is_root(void)
{
	return self.start != NULL;
}

bool identity_can_change(void)
{
	const uint64_t both = CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETGID);

	return self.start && (self.start->effective & both) == both;
}

struct fs_identity identity_now(uint64_t *effective)
{
	*effective = self.effective;
	return self.now;
}

bool identity_is_changed(void)
{
	return self.start && (self.now.uid != self.start->euid || self.effective != self.start->effective);
}

uint32_t identity_uid(void)
{
	return self.start ? self.now.uid : geteuid();
}

uint32_t identity_gid(void)
{
	return self.start ? self.now.gid : getegid();
}

void identity_die_with(int parent)
{
	self.parent = parent;
	arm_death();
}
