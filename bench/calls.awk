# Accounts for every system call from capshim's start to its execve: reads what strace wrote, prints "PURPOSE<tab>COUNT".
# A call that no line here names is "unaccounted".
#
# The capability sets are 2 calls for each capability that the kernel has: the bounding set is dropped, and read back. The
# kernel has no call for more than one, and /proc is not trusted to
# be there. The rest, and why it stays:

function count(purpose)
{
	if (!(purpose in counts))
		order[++purposes] = purpose
	counts[purpose]++
}

{ sub(/^[0-9]+ +/, "") }

/^execve\(/ { phase++; next }
phase != own { next }

# dropped, read back; one call more each time finds out where the kernel's end is. The ambient set is cleared.
/^prctl\(PR_CAPBSET_|^prctl\(PR_CAP_AMBIENT/ { count("capability sets: bounding and ambient"); next }
# permitted, effective and inheritable: at the start, down to SETPCAP, to what is kept, read back, and once to take back.
/^cap(get|set)\(/ { count("capability sets: the other three"); next }
# musl's own start.
/^(arch_prctl|set_tid_address|brk)\(/ { count("C library"); next }
/^(mmap|munmap|mprotect|madvise)\(/ { count("memory"); next }
# Descriptors 0 to 2 are open, or a file of ours would become the workload's standard output. One call asks for all three.
/^p?poll\(\[\{fd=0|^fcntl\([012], F_GETFD/ { count("standard descriptors open"); next }
/^(fstat|fchown)\([012],/ { count("standard descriptors: whose they are"); next }
# Which of the starts this is; once before the drop, once as its proof, and at the last three times the way back.
/^(getresuid|getresgid|getgroups|getpid|getuid|geteuid|getgid|getegid)\(/ { count("ids read and read back"); next }
/^setres[ug]id\(0, 0, 0/ { count("taking root back must fail"); next }
/^(setresuid|setresgid|setgroups)\(/ { count("ids set"); next }
/^prctl\(PR_[GS]ET_(SECUREBITS|KEEPCAPS|NO_NEW_PRIVS|DUMPABLE)/ { count("securebits, keepcaps, no_new_privs, dumpable"); next }
# The program is looked up as the root that starts it, for its file capabilities, and again as the user: by what a link leads to.
/^(access|fgetxattr|getxattr|pread64|open)\(|^newfstatat\(.*, 0\) / { count("the workload's program: lookup, file capabilities"); next }
# Each component of a path is opened by itself, and its owner and mode looked at: whoever may write to a directory on the
# way may have put the file there. Twice for the file: as it was found, and as it was opened for reading; it is read once,
# one byte more than it should have. An image without a passwd file costs one call, to see that there is none.
/^(openat|openat2|fstat|newfstatat|statx|fstatfs|statfs|readlinkat|read|close|faccessat2|lseek)\(/ {
	count("config and account files: walked, checked, read"); next
}
# What an exec would hand on: read at the start and read back; set back only in runs that change it (steps, init).
/^(rt_sigaction|rt_sigprocmask)\(/ { count("signal dispositions and mask"); next }
/^(setitimer|getitimer|timer_delete)\(/ { count("timers disarmed, read back"); next }
/^personality\(/ { count("personality"); next }
/^keyctl\(/ { count("session keyring"); next }
/^(getcwd|chdir|fchdir|umask)\(/ { count("working directory, umask"); next }
/^(prlimit64|getrlimit|setrlimit)\(/ { count("limits"); next }
# All above 2 are closed; that a canary among them is gone proves it.
/^(close_range|fcntl|dup|dup2|dup3)\(/ { count("descriptors above 2 closed, and a canary of it"); next }
/^(seccomp\(|prctl\((PR_SET_SECCOMP|0x63617073))/ { count("filter and its canary"); next }
/^prctl\(PR_(SET_CHILD_SUBREAPER|SET_PDEATHSIG|GET_PDEATHSIG|CAP)/ { count("process flags"); next }
/^(---|\+\+\+)/ { next }
{ count("unaccounted"); print "bench: unaccounted: " $0 >"/dev/stderr" }

END {
	for (i = 1; i <= purposes; i++)
		printf "%s\t%d\n", order[i], counts[order[i]]
}
