/*
 * What capshim is measured against: the drop and its proof, from root with a full bounding set to a fixed uid and gid
 * with nothing, by the system calls that capshim makes for this (shim/privilege/drop.c, verify.c, the descriptors) and no
 * others. It does without capshim's calls for
 * - which start this is (ids, securebits, the sets): it is for one, and fails in others;
 * - PR_GET_KEEPCAPS, which is a bit of the securebits as well;
 * - what the container gave and is handed on: the signal mask, the working directory, descriptors 0 to 2;
 * - the config, the account files, and the program's lookup and file capabilities.
 * It is linked twice: with no filter, and with the built-in default as finished BPF. Not for use: it explains no failure.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define BITS                                                                                                  \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

extern struct sock_filter filter_code[];
extern const unsigned short filter_count;
extern const unsigned int filter_flags;
extern const int filter_canary;

static int set(unsigned int effective)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	const struct __user_cap_data_struct data[2] = {{effective, effective, 0}, {0, 0, 0}};

	return (int)syscall(SYS_capset, &header, data);
}

/* What survives a drop and execve(2), and is not handed on. */
static int clean(void)
{
	const struct itimerval off = {{0, 0}, {0, 0}};
	int bad = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0L) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

	for (int timer = ITIMER_REAL; timer <= ITIMER_PROF; timer++)
		bad |= (int)syscall(SYS_setitimer, timer, &off, 0L);
	return bad || personality(0xffffffffUL) < 0;
}

static int cleaned(void)
{
	struct itimerval left;
	char about[256];
	int bad = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, about, sizeof(about)) <= 0;

	for (int timer = ITIMER_REAL; timer <= ITIMER_PROF; timer++)
		bad |= syscall(SYS_getitimer, timer, &left) || left.it_value.tv_sec || left.it_value.tv_usec;
	return bad || personality(0xffffffffUL) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

/* Every descriptor above 2, and one for certain. */
static int closed(void)
{
	int canary = (int)syscall(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 3);

	return canary < 3 || syscall(SYS_close_range, 3U, ~0U, 0U) || syscall(SYS_fcntl, canary, F_GETFD) != -1;
}

static int drop(unsigned int id)
{
	int bad = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	bad |= (int)syscall(SYS_setgroups, 0, NULL);
	bad |= (int)syscall(SYS_setresgid, id, id, id);
	bad |= prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) | (int)syscall(SYS_setresuid, id, id, id) | set(1U << CAP_SETPCAP);
	return bad | prctl(PR_SET_SECUREBITS, BITS) | set(0) | prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int prove(unsigned int id)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{1, 1, 1}, {1, 1, 1}};
	unsigned int u[3] = {0}, g[3] = {0}, in, bad;

	bad = syscall(SYS_getresuid, u, u + 1, u + 2) || syscall(SYS_getresgid, g, g + 1, g + 2) ||
	      syscall(SYS_getgroups, 0, NULL) || syscall(SYS_capget, &header, data);
	for (int i = 0; i < 3; i++)
		bad |= (u[i] ^ id) | (g[i] ^ id);
	for (int i = 0; i < 2; i++)
		bad |= data[i].effective | data[i].permitted | data[i].inheritable;
	for (int cap = 0; (int)(in = (unsigned int)prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
		bad |= in;
	bad |= (prctl(PR_GET_SECUREBITS) & 0xff) != BITS || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
	return bad || syscall(SYS_setresuid, 0, 0, 0) == 0 || syscall(SYS_setresgid, 0, 0, 0) == 0 || set(~0U) == 0;
}

static int filter(void)
{
	const struct sock_fprog program = {filter_count, filter_code};

	return filter_count && (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter_flags, &program) ||
				prctl(filter_canary, 0, 0, 0, 0) == 0);
}

int main(int argc, char **argv, char **envp)
{
	if (argc < 2 || drop(1234) || clean() || prove(1234) || cleaned() || closed() || filter())
		return 112;
	execve(argv[1], argv + 1, envp);
	return 111;
}
