#!/usr/bin/env bats
# The built-in filter and the loading of any: what every system call of the machine gets, and the proof. Programs that people
# run are in 630-filter-programs.bats.

load helpers
load filter

setup() {
	test_dir
	image_make
	filter_image
}

# default_calls [CAP ...]: asks the kernel about every call under the default filter with these kept.
default_calls() {
	capshim_run --image -- -- /syscalls <<-END
		user: app
		cap_add: [$(tr ' ' ',' <<<"$*")]
	END
	assert_success || return
	diff <("$BPFSIM" calls default "$@") <(printf '%s\n' "$output")
}

@test "without the key in the config the default filter is there, with unconfined none" {
	capshim_run --image -- -- /probe <<<'user: app'
	assert_unprivileged 1234
	assert_probe seccomp 2
	capshim_run --image -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_unprivileged 1234
	assert_probe seccomp 0
}

@test "every call of the machine gets from the kernel what the simulation of the default filter says" {
	default_calls
}

@test "the same with each capability kept alone" {
	local cap all
	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
	[ "$(wc -w <<<"$all")" -ge 38 ]
	for cap in $all; do
		default_calls "$cap"
	done
}

@test "the same with several kept, and with everything" {
	default_calls sys_admin bpf
	default_calls sys_admin perfmon sys_ptrace dac_read_search
	default_calls syslog sys_admin net_bind_service
	# shellcheck disable=SC2046 # a list of words
	default_calls $("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
}

@test "the default filter does what its JSON says, whatever is kept" {
	local cap all
	simulate check default
	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
	for cap in $all; do
		simulate check default "$cap"
		simulate check default "$cap" sys_admin
	done
	# shellcheck disable=SC2086 # a list of words
	simulate check default $all
}

@test "the table has every call that libseccomp knows, and its number on each ABI of the machine" {
	local names header=/usr/include/seccomp-syscalls.h
	[ "$LIBC" != musl ] || header=$(ls "$DEPS_DIR"/"$(uname -m)"-*/include/seccomp-syscalls.h)
	mapfile -t names < <(sed -n 's/^#define __SNR_\([a-z0-9_]*\).*/\1/p' "$header")
	[ ${#names[@]} -gt 400 ]
	simulate table "${names[@]}"
	assert_output --regexp '^[0-9]+ calls, 3 ABIs$'
}

@test "the profile that is built in, packed, is that of config/seccomp/default.json" {
	simulate builtin "$REPO/config/seccomp/default.json"
	assert_output 'the same'
}

@test "libseccomp, asked to compile the same rules, answers the same" {
	simulate libseccomp "$REPO/config/seccomp/default.json"
	simulate libseccomp "$REPO/config/seccomp/default.json" sys_admin sys_ptrace
}

# denied ERRNO NAME [ARGUMENT ...]
denied() {
	local errno=$1
	shift
	simulate call default "$CAPS" "$@"
	assert_output "errno $errno"
}

allowed() {
	simulate call default "$CAPS" "$@"
	assert_output allow
}

@test "what reaches into the kernel, the host or other containers is denied without a capability" {
	local call CAPS=
	for call in acct add_key bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount \
		fsopen fspick get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie \
		mbind mount mount_setattr move_mount move_pages migrate_pages nfsservctl open_by_handle_at open_tree \
		perf_event_open pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl \
		quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon \
		syslog umount2 unshare uselib userfaultfd ustat vhangup; do
		denied 1 "$call" 0 0 0 0 0 0
	done
	for call in clone3 io_uring_enter io_uring_register io_uring_setup modify_ldt; do
		denied 38 "$call" 0 0 0 0 0 0
	done
}

@test "a capability brings its calls and no others" {
	local row CAPS call
	for row in SYS_CHROOT:chroot SYS_TIME:clock_settime,settimeofday SYS_BOOT:reboot SYS_MODULE:init_module \
		SYS_PTRACE:ptrace,process_vm_readv,pidfd_getfd SYS_NICE:mbind SYSLOG:syslog BPF:bpf \
		PERFMON:perf_event_open DAC_READ_SEARCH:open_by_handle_at SYS_PACCT:acct SYS_RAWIO:iopl \
		SYS_ADMIN:mount,bpf,perf_event_open,syslog; do
		CAPS=${row%%:*}
		for call in $(tr , ' ' <<<"${row#*:}"); do
			allowed "$call"
		done
		denied 1 keyctl
		denied 38 io_uring_setup
		denied 38 clone3
		[ "$CAPS" = SYS_ADMIN ] || denied 1 mount
		[ "$CAPS" = SYS_CHROOT ] || denied 1 chroot
	done
}

@test "no new user namespace by any way, whatever is kept" {
	local CAPS
	for CAPS in '' SYS_ADMIN; do
		denied 1 clone 0x10000011
		denied 1 clone 0x90000011
		denied 1 unshare 0x10000000
		denied 1 unshare 0x10020000
		denied 1 unshare 0x110000000
		denied 1 setns 3 0x10000000
		denied 1 setns 3 0
		denied 1 setns 3 0x100000000
		denied 1 setns 3 0x50000000
		denied 38 clone3
		allowed clone 0x11
		allowed clone 0x3d0f00
	done
	allowed unshare 0x40000000
	allowed setns 3 0x40000000
	capshim_run --image -- -- /probe --try-regain <<<'user: app'
	assert_unprivileged 1234
	assert_probe regain.user_namespace EPERM
}

@test "TIOCSTI and TIOCLINUX: the lower half of the request counts, as it does for the kernel" {
	local CAPS high request
	for CAPS in '' SYS_ADMIN; do
		for request in 5412 541c; do
			for high in '' 1 80000000 ffffffff; do
				denied 1 ioctl 0 "0x${high}${high:+0000}$request"
				denied 1 ioctl 0 "0x${high}0000$request"
			done
			allowed ioctl 0 "0x1$request"
			allowed ioctl 0 "0x${request}00000000"
		done
		for request in 0x5401 0x5413 0x541b 0x541d 0; do
			allowed ioctl 0 "$request"
		done
	done
	capshim_run --image -- -- /syscalls -r 16 0 0x100005412 0 <<<'user: app'
	assert_output "16 errno 1"
}

@test "sockets: the families of containers, and the lower half of the family counts" {
	local CAPS='' family
	for family in 1 2 10 16 17 29 31 43 44; do
		allowed socket "$family"
		allowed socket "0xffffffff0000$(printf %04x "$family")"
	done
	# As a kernel without them answers: EAFNOSUPPORT. There are none above 63.
	for family in 0 $(seq 3 9) $(seq 11 15) $(seq 18 28) 30 $(seq 32 42) $(seq 45 63); do
		denied 97 socket "$family"
		denied 97 socket "0x10000$(printf %04x "$family")"
	done
	for family in 64 65 0x10001 0x80000001; do
		denied 1 socket "$family"
	done
	allowed socketpair 1
	denied 1 socketpair 30
}

@test "other ABIs are killed, calls newer than the profile get ENOSYS" {
	simulate call default '' 20@0x40000003
	assert_output kill
	simulate call default '' 0x40000027
	assert_output kill
	local CAPS=''
	denied 38 9999
	denied 38 0x3fffffff
}

@test "a seccomp() that reports success and does nothing is not believed" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:retval=0 \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_refused 112 "not in force"
}

# Below another filter of ours there already is a canary that answers.
@test "nor is it below another filter; an honest one loads there as well" {
	local inner="$T/inner" outer="$T/outer"
	printf '%s\n' 'user: "1234:1234"' >"$inner"
	printf '%s\n' 'user: "1234:1234"' "seccomp: $T/outer.json" >"$outer"
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$T/outer.json"
	observe timeout 20 "$CAPSHIM" -c "$outer" -- "$CAPSHIM" -c "$inner" -- "$CAPSHIM" -c "$inner" -- "$PROBE"
	assert_unprivileged 1234
	observe timeout 20 "$CAPSHIM" -c "$outer" -- "$(command -v strace)" -f -o "$T/work/trace" -e trace=seccomp \
		-e inject=seccomp:retval=0 "$CAPSHIM" -c "$inner" -- "$PROBE"
	assert_refused 112 "not in force"
}

@test "a kernel that refuses the filter is a failure of the system" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:error=EINVAL \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_refused 111 "seccomp"
}

@test "without seccomp(2) the prctl of older kernels is used, and proven just so" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:error=ENOSYS \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_unprivileged 1234
	assert_probe seccomp 2
}

@test "the workload's children cannot leave the filter, nor does init keep them from it" {
	capshim_run --image -- -- /syscalls 272 0x10000000 <<-'END'
		user: app
		init: true
	END
	assert_success
	assert_line "272 errno 1"
}
