#include "privilege/drop.h"

#include <errno.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/text.h"
#include "privilege/identity.h"

#define BIT(cap) CAPABILITY_BIT(cap)
#define PERSONALITY_QUERY 0xffffffffUL

_Static_assert(DROP_SECUREBITS == (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
				   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED),
	       "the securebits that end a drop");

static _Noreturn void refused(const char *verb, const char *object, int cap)
{
	diag_cannot(verb, object, errno, cap);
}

/* The setres*id calls answer EINVAL when the user namespace does not map the id: user_namespaces(7). */
static _Noreturn void refused_id(const char *kind, uint32_t id, int cap)
{
	char why[256];

	if (errno == EINVAL)
		diag_die(DIAG_SYSTEM, "cannot switch to \"%s %u\": the user namespace does not map this id", kind, id);
	diag_die(DIAG_SYSTEM, "cannot switch to \"%s %u\": %s", kind, id, diag_why(why, sizeof(why), errno, cap));
}

/* capset(2): inheritable, permitted and effective set of this thread, the only one. */
static void set_capabilities(uint64_t inheritable, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int word = 0; word < 2; word++) {
		data[word].permitted = (uint32_t)(permitted >> (32 * word));
		data[word].effective = data[word].permitted;
		data[word].inheritable = (uint32_t)(inheritable >> (32 * word));
	}
	if (syscall(SYS_capset, &header, data) != 0)
		refused("set", "the capability sets", DIAG_NO_CAP);
}

/* Clears the ambient set. A kernel without one (before 4.3) answers EINVAL, and then there is nothing to clear. */
static void clear_ambient(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
		refused("clear", "the ambient set", DIAG_NO_CAP);
}

/* Up to EINVAL, which ends the kernel's list. With CAP_SETPCAP it is no error to drop what is not there. */
void drop_bounding(const struct privileges *want, const struct start *start)
{
	if (!(start->effective & BIT(CAP_SETPCAP)))
		return;
	for (unsigned long cap = 0; cap < 64; cap++) {
		if ((want->bounding | start->dropped) & BIT(cap) || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return;
		refused("drop from", "the bounding set", CAP_SETPCAP);
	}
}

static bool same_groups(const struct privileges *want, const struct start *start)
{
	return want->ngroups == start->ngroups &&
	       (want->ngroups == 0 || memcmp(want->groups, start->groups, want->ngroups * sizeof(*want->groups)) == 0);
}

static bool same_uid(const struct privileges *want, const struct start *start)
{
	return want->uid == start->uid && want->uid == start->euid && want->uid == start->suid;
}

static bool same_gid(const struct privileges *want, const struct start *start)
{
	return want->gid == start->gid && want->gid == start->egid && want->gid == start->sgid;
}

/*
 * EPERM although CAP_SETGID is there (drop_plan() checked that): the setgroups file of user_namespaces(7) denies the
 * call. This is acceptable only when the list is already right and every group in it is mapped. setgroups(2) does not
 * say which group is not mapped, so each is tried as the real group id; switch_groups() sets the right one
 * afterwards.
 */
static void setgroups_failed(const struct privileges *want, const struct start *start)
{
	bool denied = errno == EPERM;

	if (denied && !same_groups(want, start))
		diag_die(DIAG_SYSTEM,
			 "cannot set \"the supplementary groups\": %s (the user namespace denies "
			 "setgroups(2), or a seccomp profile does: map groups with newgidmap(1), or ask "
			 "for those of the start)",
			 strerror(errno));
	for (size_t i = 0; i < want->ngroups; i++)
		if (syscall(SYS_setresgid, want->groups[i], -1, -1) != 0)
			refused_id("group", want->groups[i], CAP_SETGID);
	if (!denied)
		refused("set", "the supplementary groups", CAP_SETGID);
}

/*
 * Raw system calls: libc would only broadcast them to threads that do not exist. Ids that already look right are set
 * again where possible, because in a user namespace an unmapped id reads as another one. Without the capability,
 * drop_plan() has checked that everything is right.
 */
static void switch_groups(const struct privileges *want, const struct start *start)
{
	if (!(start->effective & BIT(CAP_SETGID)))
		return;
	if (syscall(SYS_setgroups, want->ngroups, want->groups) != 0)
		setgroups_failed(want, start);
	if (syscall(SYS_setresgid, want->gid, want->gid, want->gid) != 0)
		refused_id("gid", want->gid, CAP_SETGID);
}

static void switch_user(const struct privileges *want, const struct start *start)
{
	if (!(start->effective & BIT(CAP_SETUID)))
		return;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		refused("set", "PR_SET_KEEPCAPS", DIAG_NO_CAP);
	if (syscall(SYS_setresuid, want->uid, want->uid, want->uid) != 0)
		refused_id("uid", want->uid, CAP_SETUID);
}

static void raise_ambient(uint64_t keep)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (keep & BIT(cap) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0)
			refused("raise", "an ambient capability", DIAG_NO_CAP);
}

/*
 * PR_SET_SECUREBITS replaces the whole word: keep the bits above 0xff, which capshim does not own, and skip the call
 * when nothing would change.
 */
static void lock_securebits(const struct privileges *want, const struct start *start)
{
	unsigned int bits = (start->securebits & ~0xffU) | DROP_SECUREBITS;

	if (want->lock && start->securebits != bits && prctl(PR_SET_SECUREBITS, (unsigned long)bits, 0, 0, 0) != 0)
		refused("lock", "the securebits", CAP_SETPCAP);
}

/*
 * PR_SET_SECUREBITS clears the flag, but may not have been called. PR_SET_KEEPCAPS is EPERM where KEEP_CAPS is locked
 * off.
 */
static void clear_keepcaps(void)
{
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 0 && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		refused("clear", "PR_SET_KEEPCAPS", DIAG_NO_CAP);
}

/*
 * Each change of ids sets this flag again from fs.suid_dumpable, proc(5), but no change that only gives capabilities up:
 * commit_creds() in kernel/cred.c.
 */
static void forbid_dumps(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		refused("set", "PR_SET_DUMPABLE", DIAG_NO_CAP);
}

static void forbid_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		refused("set", "no_new_privs", DIAG_NO_CAP);
}

/*
 * Joins a new session keyring: any process that possesses the start's keyring can use it, whatever its ids. Docker's
 * profile answers EPERM for keyctl(2), gVisor EACCES, a kernel without keys ENOSYS; in those cases the workload
 * cannot use the keyring either. Returns false, with errno, if no keyring was joined.
 */
static bool join_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return true;
	if (errno != EPERM && errno != EACCES && errno != ENOSYS && errno != EOPNOTSUPP && errno != EDQUOT)
		refused("join", "a session keyring of its own", DIAG_NO_CAP);
	return false;
}

/* KEYCTL_DESCRIBE, keyctl(2): "keyring;UID;…", with UID as a signed number */
static bool owns_keyring(uint32_t uid)
{
	char about[256] = "";
	const char *owner = NULL;

	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, about, sizeof(about) - 1) > 0)
		owner = strchr(about, ';');
	return owner && (uint32_t)text_number(owner + 1, 10, NULL) == uid;
}

/*
 * Leaves the start's session keyring for one that belongs to the workload's user: the kernel takes the real user id, which
 * therefore is the first to change. A user may own 200 keys, counted over all containers, keyrings(7). Another container
 * that uses them all up must not prevent a start: then the keyring is charged to the start's user, and stays, revoked, so
 * that it can hold nothing. Or the start's is kept, if the workload's user owns it.
 */
static void leave_keyring(const struct privileges *want, const struct start *start)
{
	if (syscall(SYS_setresuid, want->uid, -1, -1) != 0)
		refused_id("uid", want->uid, CAP_SETUID);
	if (join_keyring() || errno != EDQUOT)
		return;
	if (syscall(SYS_setresuid, start->uid, -1, -1) == 0 && join_keyring()) {
		if (syscall(SYS_keyctl, KEYCTL_REVOKE, KEY_SPEC_SESSION_KEYRING) != 0)
			refused("revoke", "the session keyring", DIAG_NO_CAP);
	} else if (!owns_keyring(want->uid)) {
		diag_die(DIAG_SYSTEM,
			 "cannot join \"a session keyring of its own\": uid %u has no key left, which counts in all "
			 "containers together (raise /proc/sys/kernel/keys/maxkeys on the host, or start as root)",
			 want->uid);
	}
}

/*
 * Resets what else survives both the drop and execve(2) and must not reach the workload: interval timers, a personality
 * that disables address randomisation.
 */
static void clean_leftovers(const struct privileges *want)
{
	const struct itimerval off = {{0, 0}, {0, 0}};

	if (setitimer(ITIMER_REAL, &off, NULL) != 0 || setitimer(ITIMER_VIRTUAL, &off, NULL) != 0 ||
	    setitimer(ITIMER_PROF, &off, NULL) != 0)
		refused("disarm", "the interval timers", DIAG_NO_CAP);
	int now = personality(PERSONALITY_QUERY);
	if (now < 0 ? !want->bare : now & ~PER_MASK && personality((unsigned long)now & PER_MASK) < 0)
		refused("reset", "the personality", DIAG_NO_CAP);
}

/*
 * The order matters more than anything else here: each line says what it needs, which is why it comes before the
 * next.
 * Sources: capabilities(7), "Effect of user ID changes" and "The securebits flags"; kernel/cred.c,
 * security/commoncap.c.
 */
void drop_privileges(const struct privileges *want, const struct start *start)
{
	uint64_t setpcap = start->permitted & BIT(CAP_SETPCAP);

	identity_end();  /* needs SETUID, SETGID: file system ids, groups and effective set are the start's again */
	clear_ambient(); /* needs nothing; first, so that no later line can bring an ambient capability back */
	drop_bounding(want, start); /* needs SETPCAP effective: setresuid below empties the effective set */
	switch_groups(want, start); /* needs SETGID effective: before setresuid as well */
	leave_keyring(want, start); /* needs SETUID effective, to change the real user id */
	switch_user(want, start);   /* needs SETUID effective; KEEPCAPS lets the permitted set outlive it */
	forbid_dumps(); /* needs nothing; after the last id, and before a process of that uid without capabilities may look */
	set_capabilities(want->keep, want->keep | setpcap); /* effective again, for the lock; I = kept, for ambient */
	raise_ambient(want->keep);    /* needs P and I, and NO_CAP_AMBIENT_RAISE not yet locked: before the lock */
	lock_securebits(want, start); /* needs SETPCAP effective: before it goes */
	set_capabilities(want->keep, want->keep); /* needs nothing; SETPCAP was the last use of privilege */
	clear_keepcaps();        /* needs nothing; set above, and cleared by the lock unless it was not called */
	forbid_new_privileges(); /* needs nothing, and lets the filter load without CAP_SYS_ADMIN */
	clean_leftovers(want);   /* needs nothing */
}

static const char *missing(struct mem *mem, uint64_t set, const struct start *start)
{
	const char *list = capability_list(mem, set);

	if (start->euid != 0)
		return mem_format(mem,
				  "it is uid %u and cannot have %s: start the container as root, or name in "
				  "cap_add_optional what the workload can do without",
				  start->euid, list);
	return mem_format(
		mem,
		"it lacks %s: write each in the container's cap_add (\"capshim --explain\" prints all that this "
		"config needs, and what for)",
		list);
}

/* ID reads as itself but may stand for another id: user_namespaces(7), "Unmapped user and group IDs". */
static const char *unmapped(struct mem *mem, const char *kind, uint32_t id)
{
	return mem_format(mem,
			  "the start has a %s that its user namespace does not map, and that only reads as %u: start "
			  "capshim with ids that are mapped, or as root of the namespace",
			  kind, id);
}

/* The lock of each securebit is the next higher bit. A locked securebit can never change again. */
static const char *securebits_forbid(const struct privileges *want, const struct start *start)
{
	unsigned int bits = start->securebits, locked = (bits >> 1) & 0x55;

	if (want->lock && locked & ((bits ^ DROP_SECUREBITS) | SECBIT_KEEP_CAPS))
		return "a securebit was locked before the start in another way than capshim locks it: start capshim "
		       "without the lock";
	if (locked & SECBIT_KEEP_CAPS && start->effective & BIT(CAP_SETUID))
		return "the securebit KEEP_CAPS was locked before the start: start capshim without the lock";
	if (want->keep && bits & SECBIT_NO_CAP_AMBIENT_RAISE)
		return "the securebit NO_CAP_AMBIENT_RAISE is set at the start, and cap_add needs ambient "
		       "capabilities: start capshim without it, or leave cap_add empty";
	return NULL;
}

/* An id that looks right but cannot be set because it is not mapped, or NULL. */
static const char *unmapped_id(struct mem *mem, const struct privileges *want, const struct start *start)
{
	if (start->gid_unmapped)
		return unmapped(mem, "gid", want->gid);
	if (start->group_unmapped)
		return unmapped(mem, "group", start->unmapped_group);
	return start->uid_unmapped ? unmapped(mem, "uid", want->uid) : NULL;
}

const char *drop_plan(struct privileges *want, const struct start *start, struct mem *mem)
{
	uint64_t lacks = 0;

	want->bounding = start_bounding(start, want->keep); /* an inheritable capability may be in permitted only */
	want->bare = start->bare;
	want->lock =
		!want->bare && (start->effective & BIT(CAP_SETPCAP) || (start->securebits & 0xff) == DROP_SECUREBITS);
	if (want->bare && (want->keep || want->uid == 0))
		return "this kernel has neither securebits nor ambient sets (gVisor): it can run a user other than root that "
		       "keeps no capability, and nothing else";
	if (start->euid != 0 && !(start->effective & BIT(CAP_SETPCAP)))
		want->bounding = start->bounding; /* out of reach, and no_new_privs makes it worthless */
	if (start->bounding != want->bounding || (want->uid == 0 && !want->lock))
		lacks |= BIT(CAP_SETPCAP);
	if (!same_groups(want, start) || !same_gid(want, start))
		lacks |= BIT(CAP_SETGID);
	if (!same_uid(want, start))
		lacks |= BIT(CAP_SETUID);
	lacks = (lacks & ~start->effective) | (want->keep & ~start->permitted);
	if (lacks)
		return missing(mem, lacks, start);
	const char *why = unmapped_id(mem, want, start);
	return why ? why : securebits_forbid(want, start);
}
