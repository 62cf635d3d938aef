#include "families.h"

#include <string.h>

/*
 * Calls without the suffixes of common_length(). What a family has in common is a function of the C library: x86-64 has
 * most calls in an old and in a new form, arm64 in the new form only, and C libraries choose differently.
 */
static const char *const families[] = {
	"open openat openat2 creat",
	"access faccessat faccessat2",
	"stat lstat fstat newfstatat fstatat statx",
	"lseek _llseek",
	"dup dup2 dup3",
	"pipe pipe2",
	"mkdir mkdirat",
	"mknod mknodat",
	"unlink rmdir unlinkat",
	"link linkat",
	"symlink symlinkat",
	"readlink readlinkat",
	"rename renameat renameat2",
	"chmod fchmod fchmodat fchmodat2",
	"chown lchown fchown fchownat",
	"utime utimes futimesat utimensat",
	"pread preadv preadv2",
	"pwrite pwritev pwritev2",
	"sync_file_range sync_file_range2 arm_sync_file_range",
	"fadvise arm_fadvise",
	"poll ppoll",
	"select _newselect pselect6",
	"pause ppoll rt_sigsuspend",
	"epoll_create epoll_create1",
	"epoll_wait epoll_pwait epoll_pwait2",
	"eventfd eventfd2",
	"signalfd signalfd4",
	"inotify_init inotify_init1",
	"io_getevents io_pgetevents",
	"fork vfork clone clone3",
	"execve execveat",
	"wait4 waitid waitpid",
	"getpgrp getpgid",
	"tkill tgkill",
	"alarm setitimer",
	"time gettimeofday clock_gettime",
	"nanosleep clock_nanosleep",
	"futex futex_wait futex_wake futex_waitv futex_requeue",
	"mmap mmap2",
	"mlock mlock2",
	"semop semtimedop",
	"accept accept4",
	"send sendto sendmsg sendmmsg",
	"recv recvfrom recvmsg recvmmsg",
	"getrlimit ugetrlimit setrlimit prlimit",
	"setuid setreuid setresuid",
	"setgid setregid setresgid",
	"rt_sigprocmask sigprocmask",
};

/*
 * What both C libraries do at a process's start and end, in malloc, stdio, locks and signal handlers, and to ask who runs.
 * The last three are what runc does between loading a profile and executing the program where no_new_privs is set.
 */
static const char always[] =
	"execve exit exit_group brk mmap munmap mprotect mremap madvise map_shadow_stack rt_sigaction rt_sigprocmask "
	"rt_sigreturn sigreturn sigaltstack restart_syscall tgkill futex set_robust_list get_robust_list set_tid_address rseq "
	"membarrier sched_yield sched_getaffinity getpid gettid getuid geteuid getgid getegid getrandom clock_gettime "
	"clock_getres nanosleep read readv pread write writev open close fstat lseek access readlink fcntl poll ioctl prctl prlimit "
	"uname sysinfo arch_prctl set_tls cacheflush riscv_flush_icache riscv_hwprobe s390_runtime_instr swapcontext uretprobe "
	"close_range fstatfs getdents";

/* The length of NAME without what 32-bit processors append: fstat64, getuid32, futex_time64, fadvise64_64. */
static size_t common_length(const char *name)
{
	static const char *const suffixes[] = {"_time64", "_64", "64", "32"};
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		const size_t suffix = strlen(suffixes[i]);
		if (length > suffix && strncmp(name + length - suffix, suffixes[i], suffix) == 0)
			length -= suffix;
	}
	return length;
}

/* Is the word of LENGTH characters at NAME one of LIST? */
static bool is_listed(const char *list, const char *name, size_t length)
{
	for (size_t size; *list; list += size + (list[size] == ' ')) {
		size = strcspn(list, " ");
		if (size == length && strncmp(list, name, length) == 0)
			return true;
	}
	return false;
}

bool families_lists(const char *list, const char *name)
{
	return is_listed(list, name, common_length(name));
}

/* families_same() for names that have only the lengths of their common parts. */
static bool is_same(const char *a, size_t length_a, const char *b, size_t length_b)
{
	if (length_a == length_b && strncmp(a, b, length_a) == 0)
		return true;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (is_listed(families[i], a, length_a) && is_listed(families[i], b, length_b))
			return true;
	return false;
}

bool families_same(const char *a, const char *b)
{
	return is_same(a, common_length(a), b, common_length(b));
}

bool families_always(const char *name)
{
	for (const char *word = always; *word; word += strspn(word, " ")) {
		const size_t length = strcspn(word, " ");
		if (is_same(word, length, name, common_length(name)))
			return true;
		word += length;
	}
	return false;
}
