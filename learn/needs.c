#include "needs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/mem.h"
#include "base/status.h"

#define C(name) CAPABILITY_BIT(CAP_##name)
/* Looking a path up, and opening what it names. The stronger one is taken away first. */
#define PATH (C(DAC_OVERRIDE) | C(DAC_READ_SEARCH))

/* The manual page of each call names them; both columns are alternatives of which the runs show what is missed. */
static const struct need_row {
	long call;
	uint64_t eperm, eacces;
} need_rows[] = {
#ifdef SYS_open /* what newer architectures do not have */
	{SYS_open, C(FOWNER), PATH},
	{SYS_creat, 0, PATH},
	{SYS_stat, 0, PATH},
	{SYS_lstat, 0, PATH},
	{SYS_access, C(SYS_ADMIN), PATH},
	{SYS_readlink, 0, PATH},
	{SYS_mkdir, 0, PATH},
	{SYS_rmdir, C(FOWNER), PATH},
	{SYS_unlink, C(FOWNER), PATH},
	{SYS_rename, C(FOWNER), PATH},
	{SYS_link, C(FOWNER) | C(DAC_OVERRIDE), PATH},
	{SYS_symlink, 0, PATH},
	{SYS_chmod, C(FOWNER), PATH},
	{SYS_chown, C(CHOWN), PATH},
	{SYS_lchown, C(CHOWN), PATH},
	{SYS_mknod, C(MKNOD), PATH},
#ifdef SYS_utime
	{SYS_utime, C(FOWNER), PATH | C(FOWNER)},
#endif
	{SYS_utimes, C(FOWNER), PATH | C(FOWNER)},
#endif
	{SYS_openat, C(FOWNER), PATH},
	{SYS_openat2, C(FOWNER), PATH},
#ifdef SYS_newfstatat
	{SYS_newfstatat, 0, PATH},
#endif
	{SYS_statx, 0, PATH},
	{SYS_faccessat, 0, PATH},
	{SYS_faccessat2, 0, PATH},
	{SYS_readlinkat, 0, PATH},
	{SYS_mkdirat, 0, PATH},
	{SYS_unlinkat, C(FOWNER), PATH},
#ifdef SYS_renameat
	{SYS_renameat, C(FOWNER), PATH},
#endif
	{SYS_renameat2, C(FOWNER), PATH},
	{SYS_linkat, C(FOWNER) | C(DAC_OVERRIDE), PATH},
	{SYS_symlinkat, 0, PATH},
	{SYS_fchmod, C(FOWNER), 0},
	{SYS_fchmodat, C(FOWNER), PATH},
	{SYS_fchown, C(CHOWN), 0},
	{SYS_fchownat, C(CHOWN), PATH},
	{SYS_mknodat, C(MKNOD), PATH},
	{SYS_utimensat, C(FOWNER), PATH | C(FOWNER)},
	{SYS_truncate, 0, PATH},
	{SYS_chdir, 0, PATH},
	{SYS_fchdir, 0, PATH},
	{SYS_execve, 0, PATH},
	{SYS_execveat, 0, PATH},
	{SYS_getdents64, 0, PATH},
	{SYS_inotify_add_watch, 0, PATH},
	{SYS_setxattr, C(FOWNER) | C(SYS_ADMIN) | C(SETFCAP), PATH},
	{SYS_lsetxattr, C(FOWNER) | C(SYS_ADMIN) | C(SETFCAP), PATH},
	{SYS_fsetxattr, C(FOWNER) | C(SYS_ADMIN) | C(SETFCAP), 0},
	{SYS_open_by_handle_at, C(DAC_READ_SEARCH), 0},
	{SYS_chroot, C(SYS_CHROOT), PATH},
	{SYS_setuid, C(SETUID), 0},
	{SYS_setreuid, C(SETUID), 0},
	{SYS_setresuid, C(SETUID), 0},
	{SYS_setgid, C(SETGID), 0},
	{SYS_setregid, C(SETGID), 0},
	{SYS_setresgid, C(SETGID), 0},
	{SYS_setgroups, C(SETGID), 0},
	{SYS_capset, C(SETPCAP), 0},
	{SYS_prctl, C(SETPCAP) | C(SYS_RESOURCE), 0},
	{SYS_kill, C(KILL), 0},
	{SYS_tkill, C(KILL), 0},
	{SYS_tgkill, C(KILL), 0},
	{SYS_pidfd_send_signal, C(KILL), 0},
	{SYS_rt_sigqueueinfo, C(KILL), 0},
	{SYS_bind, C(NET_RAW) | C(NET_ADMIN), C(NET_BIND_SERVICE)},
	{SYS_socket, C(NET_RAW) | C(NET_ADMIN), C(NET_RAW)},
	{SYS_connect, C(NET_ADMIN), C(NET_BIND_SERVICE) | PATH},
	{SYS_sendto, C(NET_ADMIN), C(NET_BROADCAST) | PATH},
	{SYS_sendmsg, C(NET_ADMIN) | C(SETUID) | C(SETGID) | C(SYS_ADMIN), PATH},
	{SYS_setsockopt, C(NET_ADMIN) | C(NET_RAW), C(NET_ADMIN)},
	{SYS_ioctl, C(NET_ADMIN) | C(SYS_ADMIN) | C(SYS_TTY_CONFIG) | C(SYS_RAWIO), C(SYS_ADMIN) | C(NET_ADMIN)},
	{SYS_write, C(SETUID) | C(SETGID) | C(SYS_ADMIN) | C(NET_ADMIN), C(SYS_RESOURCE)},
	{SYS_setrlimit, C(SYS_RESOURCE), 0},
	{SYS_prlimit64, C(SYS_RESOURCE), 0},
	{SYS_setpriority, C(SYS_NICE), C(SYS_NICE)},
	{SYS_sched_setscheduler, C(SYS_NICE), 0},
	{SYS_sched_setattr, C(SYS_NICE), 0},
	{SYS_sched_setparam, C(SYS_NICE), 0},
	{SYS_sched_setaffinity, C(SYS_NICE), 0},
	{SYS_ioprio_set, C(SYS_NICE) | C(SYS_ADMIN), 0},
	{SYS_mbind, C(SYS_NICE), 0},
	{SYS_set_mempolicy, C(SYS_NICE), 0},
	{SYS_migrate_pages, C(SYS_NICE), 0},
	{SYS_move_pages, C(SYS_NICE), 0},
	{SYS_mlock, C(IPC_LOCK), 0},
	{SYS_mlock2, C(IPC_LOCK), 0},
	{SYS_mlockall, C(IPC_LOCK), 0},
	{SYS_shmget, C(IPC_LOCK), C(IPC_OWNER)},
	{SYS_shmat, 0, C(IPC_OWNER)},
	{SYS_shmctl, C(IPC_LOCK) | C(SYS_ADMIN), C(IPC_OWNER)},
	{SYS_semget, 0, C(IPC_OWNER)},
	{SYS_semctl, C(SYS_ADMIN), C(IPC_OWNER)},
	{SYS_semop, 0, C(IPC_OWNER)},
	{SYS_msgget, 0, C(IPC_OWNER)},
	{SYS_msgctl, C(SYS_ADMIN) | C(SYS_RESOURCE), C(IPC_OWNER)},
	{SYS_msgsnd, 0, C(IPC_OWNER)},
	{SYS_msgrcv, 0, C(IPC_OWNER)},
	{SYS_mq_open, 0, C(SYS_RESOURCE) | PATH},
	{SYS_fcntl, C(LEASE) | C(SYS_RESOURCE), C(LEASE)},
	{SYS_mount, C(SYS_ADMIN), PATH},
	{SYS_umount2, C(SYS_ADMIN), PATH},
	{SYS_pivot_root, C(SYS_ADMIN), 0},
	{SYS_unshare, C(SYS_ADMIN), 0},
	{SYS_setns, C(SYS_ADMIN) | C(SYS_CHROOT), 0},
	{SYS_clone, C(SYS_ADMIN), 0},
	{SYS_clone3, C(SYS_ADMIN) | C(CHECKPOINT_RESTORE), 0},
	{SYS_sethostname, C(SYS_ADMIN), 0},
	{SYS_setdomainname, C(SYS_ADMIN), 0},
	{SYS_quotactl, C(SYS_ADMIN), C(SYS_ADMIN)},
	{SYS_swapon, C(SYS_ADMIN), 0},
	{SYS_swapoff, C(SYS_ADMIN), 0},
	{SYS_fanotify_init, C(SYS_ADMIN), 0},
	{SYS_seccomp, 0, C(SYS_ADMIN)},
	{SYS_keyctl, C(SYS_ADMIN), C(SYS_ADMIN)},
	{SYS_ptrace, C(SYS_PTRACE), 0},
	{SYS_process_vm_readv, C(SYS_PTRACE), 0},
	{SYS_process_vm_writev, C(SYS_PTRACE), 0},
	{SYS_pidfd_getfd, C(SYS_PTRACE), 0},
	{SYS_kcmp, C(SYS_PTRACE), 0},
	{SYS_get_robust_list, C(SYS_PTRACE), 0},
	{SYS_bpf, C(BPF) | C(PERFMON) | C(NET_ADMIN), 0},
	{SYS_perf_event_open, C(PERFMON), C(PERFMON)},
	{SYS_settimeofday, C(SYS_TIME), 0},
	{SYS_clock_settime, C(SYS_TIME), 0},
	{SYS_adjtimex, C(SYS_TIME), 0},
	{SYS_clock_adjtime, C(SYS_TIME), 0},
	{SYS_timer_create, C(WAKE_ALARM), 0},
	{SYS_timerfd_create, C(WAKE_ALARM), 0},
	{SYS_syslog, C(SYSLOG), 0},
	{SYS_reboot, C(SYS_BOOT), 0},
	{SYS_kexec_load, C(SYS_BOOT), 0},
	{SYS_init_module, C(SYS_MODULE), 0},
	{SYS_finit_module, C(SYS_MODULE), 0},
	{SYS_delete_module, C(SYS_MODULE), 0},
	{SYS_acct, C(SYS_PACCT), 0},
	{SYS_vhangup, C(SYS_TTY_CONFIG), 0},
};

uint64_t needs_of(long call, int error)
{
	for (size_t i = 0; i < sizeof(need_rows) / sizeof(*need_rows); i++)
		if (need_rows[i].call == call)
			return error == EPERM ? need_rows[i].eperm : need_rows[i].eacces;
	return 0;
}

bool needs_changes(long call)
{
	static const long changing[] = {
#ifdef SYS_open
		SYS_mkdir,    SYS_rmdir,    SYS_unlink,    SYS_rename,  SYS_link,      SYS_symlink,
		SYS_chmod,    SYS_chown,    SYS_lchown,    SYS_mknod,
#endif
#ifdef SYS_renameat
		SYS_renameat,
#endif
		SYS_mkdirat,  SYS_unlinkat, SYS_renameat2, SYS_linkat,  SYS_symlinkat, SYS_fchmod,
		SYS_fchmodat, SYS_fchown,   SYS_fchownat,  SYS_mknodat, SYS_truncate,
	};

	for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++)
		if (changing[i] == call)
			return true;
	return false;
}

int needs_program_open(void)
{
	return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void needs_program(int proc, pid_t tid, char *name, size_t size)
{
	struct mem mem = {NULL};
	const char *text = status_text(&mem, proc, mem_format(&mem, "%d/comm", tid));

	snprintf(name, size, "%.*s", text && *text ? (int)strcspn(text, "\n") : 1, text && *text ? text : "?");
	mem_release(&mem);
}
