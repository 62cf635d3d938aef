#include "needs.h"

#include <errno.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "families.h"
#include "filter/filter.h"

#define C(name) CAPABILITY_BIT(CAP_##name)
/* Looking a path up, and opening what it names. The stronger one is taken away first. */
#define PATH (C(DAC_OVERRIDE) | C(DAC_READ_SEARCH))

/* The manual page of each call names them; both columns are alternatives of which the runs show what is missed. */
static const struct need {
	uint64_t eperm, eacces;
	const char *calls; /* by name, as in families.h */
} needs[] = {
	{C(FOWNER), PATH, "open openat openat2 rmdir unlink unlinkat rename renameat renameat2 chmod fchmodat"},
	{0, PATH,
	 "creat stat lstat newfstatat statx faccessat faccessat2 readlink readlinkat mkdir mkdirat symlink symlinkat truncate "
	 "chdir fchdir execve execveat getdents inotify_add_watch"},
	{C(SYS_ADMIN), PATH, "access mount umount2"},
	{C(FOWNER) | C(DAC_OVERRIDE), PATH, "link linkat"},
	{C(CHOWN), PATH, "chown lchown fchownat"},
	{C(MKNOD), PATH, "mknod mknodat"},
	{C(FOWNER), PATH | C(FOWNER), "utime utimes utimensat"},
	{C(FOWNER), 0, "fchmod"},
	{C(CHOWN), 0, "fchown"},
	{C(FOWNER) | C(SYS_ADMIN) | C(SETFCAP), PATH, "setxattr lsetxattr"},
	{C(FOWNER) | C(SYS_ADMIN) | C(SETFCAP), 0, "fsetxattr"},
	{C(DAC_READ_SEARCH), 0, "open_by_handle_at"},
	{C(SYS_CHROOT), PATH, "chroot"},
	{C(SETUID), 0, "setuid setreuid setresuid"},
	{C(SETGID), 0, "setgid setregid setresgid setgroups"},
	{C(SETPCAP), 0, "capset"},
	{C(SETPCAP) | C(SYS_RESOURCE), 0, "prctl"},
	{C(KILL), 0, "kill tkill tgkill pidfd_send_signal rt_sigqueueinfo"},
	{C(NET_RAW) | C(NET_ADMIN), C(NET_BIND_SERVICE), "bind"},
	{C(NET_RAW) | C(NET_ADMIN), C(NET_RAW), "socket"},
	{C(NET_ADMIN), C(NET_BIND_SERVICE) | PATH, "connect"},
	{C(NET_ADMIN), C(NET_BROADCAST) | PATH, "sendto"},
	{C(NET_ADMIN) | C(SETUID) | C(SETGID) | C(SYS_ADMIN), PATH, "sendmsg"},
	{C(NET_ADMIN) | C(NET_RAW), C(NET_ADMIN), "setsockopt"},
	{C(NET_ADMIN) | C(SYS_ADMIN) | C(SYS_TTY_CONFIG) | C(SYS_RAWIO), C(SYS_ADMIN) | C(NET_ADMIN), "ioctl"},
	{C(SETUID) | C(SETGID) | C(SYS_ADMIN) | C(NET_ADMIN), C(SYS_RESOURCE), "write"},
	{C(SYS_RESOURCE), 0, "setrlimit prlimit"},
	{C(SYS_NICE), C(SYS_NICE), "setpriority"},
	{C(SYS_NICE), 0,
	 "sched_setscheduler sched_setattr sched_setparam sched_setaffinity mbind set_mempolicy migrate_pages move_pages"},
	{C(SYS_NICE) | C(SYS_ADMIN), 0, "ioprio_set"},
	{C(IPC_LOCK), 0, "mlock mlock2 mlockall"},
	{C(IPC_LOCK), C(IPC_OWNER), "shmget"},
	{0, C(IPC_OWNER), "shmat semget semop msgget msgsnd msgrcv"},
	{C(IPC_LOCK) | C(SYS_ADMIN), C(IPC_OWNER), "shmctl"},
	{C(SYS_ADMIN), C(IPC_OWNER), "semctl"},
	{C(SYS_ADMIN) | C(SYS_RESOURCE), C(IPC_OWNER), "msgctl"},
	{0, C(SYS_RESOURCE) | PATH, "mq_open"},
	{C(LEASE) | C(SYS_RESOURCE), C(LEASE), "fcntl"},
	{C(SYS_ADMIN), 0, "pivot_root unshare clone sethostname setdomainname swapon swapoff fanotify_init"},
	{C(SYS_ADMIN) | C(SYS_CHROOT), 0, "setns"},
	{C(SYS_ADMIN) | C(CHECKPOINT_RESTORE), 0, "clone3"},
	{C(SYS_ADMIN), C(SYS_ADMIN), "quotactl keyctl"},
	{0, C(SYS_ADMIN), "seccomp"},
	{C(SYS_PTRACE), 0, "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp get_robust_list"},
	{C(BPF) | C(PERFMON) | C(NET_ADMIN), 0, "bpf"},
	{C(PERFMON), C(PERFMON), "perf_event_open"},
	{C(SYS_TIME), 0, "settimeofday clock_settime adjtimex clock_adjtime"},
	{C(WAKE_ALARM), 0, "timer_create timerfd_create"},
	{C(SYSLOG), 0, "syslog"},
	{C(SYS_BOOT), 0, "reboot kexec_load"},
	{C(SYS_MODULE), 0, "init_module finit_module delete_module"},
	{C(SYS_PACCT), 0, "acct"},
	{C(SYS_TTY_CONFIG), 0, "vhangup"},
};

static const char changing[] =
	"mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat chmod fchmod fchmodat chown "
	"fchown lchown fchownat mknod mknodat truncate";

uint64_t needs_of(long call, int error)
{
	const char *name = filter_call_name(filter_native(), (uint32_t)call);
	uint64_t set = 0;

	for (size_t i = 0; name && i < sizeof(needs) / sizeof(*needs); i++)
		if (families_lists(needs[i].calls, name))
			set |= error == EPERM ? needs[i].eperm : needs[i].eacces;
	return set;
}

bool needs_changes(long call)
{
	const char *name = filter_call_name(filter_native(), (uint32_t)call);

	return name && families_lists(changing, name);
}
