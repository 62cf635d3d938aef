#include "privilege/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/keyctl.h>

#include "base/diag.h"
#include "base/text.h"

/*
 * Every answer starts with a value that fails, so that a call which reports success but did nothing is detected. No
 * /proc and no library: the proof must not share a fault with the drop.
 */
#define POISON_ID 0xdeadbeefU
#define POISON_SET 0xdeadbeefdeadbeefU

static _Noreturn void unproven(const char *what, unsigned long long is, unsigned long long want)
{
	diag_die(DIAG_UNPROVEN, "cannot prove \"%s\": it is %#llx and must be %#llx", what, is, want);
}

static _Noreturn void unreadable(const char *what)
{
	diag_die(DIAG_UNPROVEN, "cannot prove \"%s\": %s", what, strerror(errno));
}

static void must_equal(const char *what, uint64_t is, uint64_t want)
{
	if (is != want)
		unproven(what, is, want);
}

static void prove_ids(const struct privileges *want)
{
	uint32_t real = POISON_ID, effective = POISON_ID, saved = POISON_ID;

	if (syscall(SYS_getresuid, &real, &effective, &saved) != 0)
		unreadable("the user ids");
	must_equal("the real user id", real, want->uid);
	must_equal("the effective user id", effective, want->uid);
	must_equal("the saved user id", saved, want->uid);

	real = effective = saved = POISON_ID;
	if (syscall(SYS_getresgid, &real, &effective, &saved) != 0)
		unreadable("the group ids");
	must_equal("the real group id", real, want->gid);
	must_equal("the effective group id", effective, want->gid);
	must_equal("the saved group id", saved, want->gid);
	/* The file system ids follow the effective ones at every change, and at execve(2): setfsuid(2). */
}

static void prove_groups(const struct privileges *want)
{
	/* Room for one more than wanted, so that a longer list cannot look like the right one. */
	size_t room = want->ngroups + 1;
	uint32_t none = 0, *now = room == 1 ? &none : malloc(room * sizeof(*now));

	if (!now)
		unreadable("the supplementary groups");
	memset(now, 0xa5, room * sizeof(*now));
	long count = syscall(SYS_getgroups, room, now);
	if (count < 0)
		unreadable("the supplementary groups");
	must_equal("the number of supplementary groups", (uint64_t)count, want->ngroups);
	/*
	 * A user namespace may list them in another order: match each wanted group with one that is there, and use
	 * that up.
	 */
	for (size_t i = 0, left = want->ngroups; i < want->ngroups; i++) {
		size_t at = 0;
		while (at < left && now[at] != want->groups[i])
			at++;
		if (at == left)
			unproven("a supplementary group", now[0], want->groups[i]);
		now[at] = now[--left];
	}
	free(room == 1 ? NULL : now);
}

/*
 * The list of capabilities ends where the kernel answers EINVAL: a header may know fewer than the kernel. Every kernel since
 * Linux 3.16 knows CAP_AUDIT_READ, so a list that ends before it was cut short by an outer filter. One of more than 64 comes
 * from a filter that answers 0 to every question, which would look like an empty set.
 */
static void prove_bounding(const struct privileges *want)
{
	uint64_t set = 0;
	long in = 0;

	for (unsigned long cap = 0; cap <= 64 && in >= 0; cap++) {
		in = syscall(SYS_prctl, PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL);
		if (in < 0 && (errno != EINVAL || cap <= CAP_AUDIT_READ))
			unreadable("the bounding set");
		set |= (uint64_t)(in > 0) << (cap % 64);
	}
	if (in >= 0)
		unproven("where the bounding set ends", 64, 0);
	must_equal("the bounding set", set, want->bounding);
}

/*
 * Only kept capabilities are looked up: an ambient capability is always permitted and inheritable
 * (security/commoncap.c, cap_ambient_invariant_ok()), and both of those sets have been read.
 */
static void prove_ambient(const struct privileges *want)
{
	uint64_t set = 0;

	for (unsigned long cap = 0; cap < 64; cap++)
		if (want->keep >> cap & 1)
			set |= (uint64_t)(syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0UL, 0UL) == 1)
			       << cap;
	must_equal("the ambient set", set, want->keep);
}

static void prove_capabilities(const struct privileges *want)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memset(data, 0xa5, sizeof(data));
	if (syscall(SYS_capget, &header, data) != 0)
		unreadable("the capability sets");
	must_equal("the permitted set", data[0].permitted | (uint64_t)data[1].permitted << 32, want->keep);
	must_equal("the effective set", data[0].effective | (uint64_t)data[1].effective << 32, want->keep);
	must_equal("the inheritable set", data[0].inheritable | (uint64_t)data[1].inheritable << 32, want->keep);
	prove_bounding(want);
	prove_ambient(want);
}

static void prove_flags(const struct privileges *want)
{
	long securebits = syscall(SYS_prctl, PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL);

	if (securebits < 0 && !want->bare)
		unreadable("the securebits");
	if (want->lock)
		must_equal("the securebits", (uint64_t)securebits & 0xff, DROP_SECUREBITS);
	must_equal("KEEP_CAPS", (uint64_t)syscall(SYS_prctl, PR_GET_KEEPCAPS, 0UL, 0UL, 0UL, 0UL), 0);
	must_equal("no_new_privs", (uint64_t)syscall(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL), 1);
	must_equal("the dumpable flag", (uint64_t)syscall(SYS_prctl, PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL), 0);
}

/*
 * A call that answers 0 and does nothing looks like a personality without flags. So a flag is set, one that Docker's profile
 * allows, and taken back: each answer is the value before.
 */
static void prove_personality(const struct privileges *want)
{
	const long was = syscall(SYS_personality, UNAME26);

	if (was >= 0) {
		must_equal("the flags of the personality", (uint64_t)was & ~UINT64_C(0xff), 0);
		must_equal("the personality", (uint64_t)syscall(SYS_personality, was), UNAME26);
	}
	const long now = syscall(SYS_personality, 0xffffffffUL);
	must_equal("the flags of the personality", now < 0 && want->bare ? 0 : (uint64_t)now & ~UINT64_C(0xff), 0);
}

static void prove_no_leftovers(const struct privileges *want)
{
	char about[256] = "";

	for (int timer = ITIMER_REAL; timer <= ITIMER_PROF; timer++) {
		unsigned long left[4]; /* the interval, then what is left of it, each in seconds and microseconds */
		memset(left, 0xa5, sizeof(left));
		if (syscall(SYS_getitimer, timer, left) != 0)
			unreadable("the interval timers");
		must_equal("an interval timer", left[2] | left[3], 0);
	}
	prove_personality(want);

	/*
	 * KEYCTL_DESCRIBE answers "keyring;UID;…", with UID as a signed number, keyctl(2). Acceptable: a session
	 * keyring of the workload's user; a revoked one, which gives nothing to anybody; no keys at all. EPERM is the
	 * answer of a seccomp profile.
	 */
	long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, about, sizeof(about) - 1);
	const char *owner = strchr(about, ';');
	if (length >= 0)
		must_equal("the owner of the session keyring",
			   owner ? (uint32_t)text_number(owner + 1, 10, NULL) : POISON_ID, want->uid);
	else if (errno != EKEYREVOKED && errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP && !want->bare)
		unreadable("the owner of the session keyring");
}

/* Tries to regain privilege: each attempt must fail. An id whose capability is kept may change, as the config asks. */
static void prove_no_way_back(const struct privileges *want)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};

	if (want->uid != 0 && !(want->keep >> CAP_SETUID & 1) && syscall(SYS_setresuid, 0, 0, 0) != -1)
		unproven("that uid 0 is out of reach", 0, want->uid);
	if (want->gid != 0 && !(want->keep >> CAP_SETGID & 1) && syscall(SYS_setresgid, 0, 0, 0) != -1)
		unproven("that gid 0 is out of reach", 0, want->gid);
	/* One that did nothing would not be seen where no groups are wanted, and getgroups(2) answers 0 as well. */
	if (!(want->keep >> CAP_SETGID & 1) && syscall(SYS_setgroups, want->ngroups, want->groups) != -1)
		unproven("that other groups are out of reach", 0, want->ngroups);
	if (syscall(SYS_capset, &header, all) != -1)
		unproven("that more capabilities are out of reach", POISON_SET, want->keep);
}

void verify_privileges(const struct privileges *want)
{
	prove_ids(want);
	prove_groups(want);
	prove_capabilities(want);
	prove_flags(want);
	prove_no_leftovers(want);
	prove_no_way_back(want);
}
