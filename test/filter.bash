# shellcheck shell=bash
# shellcheck disable=SC2154 # status and output are bats'
# For the tests of the filter, loaded after helpers.

BPFSIM=${BPFSIM:-${PROBE%/*}/bpfsim}
SYSCALLS=${SYSCALLS:-${PROBE%/*}/syscalls}

# The prober in the image, and a directory for the workload.
filter_image() {
	install -m 0755 "$SYSCALLS" "$IMAGE/syscalls"
	install -d -o 1234 -g 1234 "$T/work"
}

# simulate WORD ...: bpfsim; it must succeed.
simulate() {
	observe timeout 60 "$BPFSIM" "$@"
	assert_success
}

# profile_run [OPTION ...] -- WORD ...: runs the words under the profile on standard input. OPTIONs are capshim_run's;
# what $CONFIG holds is added to the config.
profile_run() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	cat >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	capshim_run --image "${options[@]}" -- "$@" < <(
		printf '%s\n' 'user: app' 'seccomp: /etc/profile.json' "${CONFIG:-}"
	)
}

# rules RULE ...: a profile with these rules; what a program of either C library needs to start and to end is allowed.
# DEFAULT is what stands for the other calls, the default is ERRNO with 4002.
rules() {
	local IFS=,

	printf '{%s, "syscalls": [%s]}' "${DEFAULT:-\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4002}" \
		"{\"names\": [\"execve\", \"exit_group\", \"seccomp\", \"arch_prctl\", \"set_tid_address\", \"mmap\", \"brk\",
		 \"mprotect\", \"clone\", \"rt_sigaction\", \"rt_sigprocmask\", \"poll\", \"ioctl\", \"wait4\", \"close\", \"write\", \"writev\",
		 \"set_robust_list\", \"rseq\", \"prlimit64\", \"readlink\", \"getrandom\", \"newfstatat\"],
		 \"action\": \"SCMP_ACT_ALLOW\"}${*:+,}$*"
}
