#!/usr/bin/env bats
# seccomp {profile, allow, deny, log}: what a config changes of a profile, as the workload's calls show it. The numbers
# from 424 on are the same on every architecture.

load helpers
load programs
load filter

setup() {
	test_dir
	image_make
	filter_image
}

# answer CHANGES NR [ARG ...]: what the workload's call gets under "seccomp: {CHANGES}".
answer() {
	local changes=$1
	shift
	capshim_run --image -- -- /syscalls "$@" <<-END
		user: app
		seccomp: {$changes}
	END
	assert_success
}

@test "a mapping without changes is the default filter" {
	diff <("$BPFSIM" calls default) <(
		capshim_run --image -- -- /syscalls <<-'END'
			user: app
			seccomp: {log: true}
		END
		printf '%s\n' "$output"
	)
}

@test "allow opens a call or a group, and nothing else" {
	answer '' 425
	assert_output '425 errno 38'
	answer 'allow: io_uring' 425
	assert_output '425 allow'
	answer 'allow: [pidfd_getfd]' 438
	assert_output '438 allow'

	capshim_run --image -- -- /syscalls <<-'END'
		user: app
		seccomp: {allow: io_uring}
	END
	assert_success
	observe diff <("$BPFSIM" calls default) <(printf '%s\n' "$output")
	assert_output --partial '> 425 allow'
	assert_equal "$(grep -c '^[<>]' <<<"$output")" 6
	assert_equal "$(grep -cE '^> 42[567] allow' <<<"$output")" 3
}

@test "allow takes the place of a condition; without it the condition holds" {
	local socket
	socket=$(awk '$2 == "__NR_socket" { print $3 }' < <(echo '#include <sys/syscall.h>' | gcc -dM -E -))
	answer 'allow: ptrace' "$socket" 38
	assert_output "$socket errno 97"
	answer 'allow: socket' "$socket" 38
	assert_output "$socket allow"
}

@test "deny closes a call that the profile allows, with the profile's own error, and wins over allow" {
	answer '' 437
	assert_output '437 allow'
	answer 'deny: openat2' 437
	assert_output '437 errno 1'
	answer 'allow: [openat2, io_uring], deny: [openat2, io_uring]' 437
	assert_output '437 errno 1'
	# What the profile answers to io_uring is stricter by no rank, and was there before.
	answer 'allow: [openat2, io_uring], deny: [openat2, io_uring]' 425
	assert_output '425 errno 1'
}

@test "a profile in a file takes the changes too" {
	rules '{"names": ["io_uring_setup"], "action": "SCMP_ACT_KILL_PROCESS"}' >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	answer 'profile: /etc/profile.json, allow: io_uring' 425
	assert_output '425 allow'
	answer 'profile: /etc/profile.json, allow: io_uring, deny: io_uring_enter' 426
	assert_output '426 errno 4002'
}

@test "a compiled profile takes log, and no allow or deny" {
	rules '{"names": ["io_uring_setup"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	"$CAPSHIM" --compile-seccomp "$T/profile.json" "$IMAGE/etc/profile.bpf"
	answer 'profile: /etc/profile.bpf, log: true' 425
	assert_output '425 allow'
	capshim_run --image -- -- /probe <<<$'user: app\nseccomp: {profile: /etc/profile.bpf, allow: chmod}'
	assert_refused 100 '/etc/profile.bpf' 'compiled'
}

@test "32bit lets a 32-bit program run, under the same rules; without it the kernel kills it" {
	[ "$(uname -m)" = x86_64 ] || return 0
	cat >"$T/small.S" <<-'END'
		.globl _start
		_start:
			mov $0x10000000, %ebx
			mov $425, %eax          # io_uring_setup: denied with ENOSYS
			int $0x80
			mov %eax, %ebx
			neg %ebx
			mov $1, %eax            # exit with the error
			int $0x80
	END
	gcc -m32 -nostdlib -static -no-pie -o "$IMAGE/small" "$T/small.S"
	capshim_run --image -- -- /small <<<'user: app'
	assert_refused 100 'cannot execute "/small": it is a 32-bit program' 'seccomp: {allow: [32bit]}'
	# A workload that starts it finds out by itself.
	image_shell
	capshim_run --image -- -- /bin/sh -c '/small; exit $?' <<<'user: app'
	assert_equal "$status" 159
	capshim_run --image -- -- /small <<<$'user: app\nseccomp: {allow: 32bit}'
	assert_equal "$status" 38
	# No new user namespaces there either: unshare(CLONE_NEWUSER).
	# shellcheck disable=SC2016 # the assembler's $
	sed -i 's/\$425/$310/' "$T/small.S"
	gcc -m32 -nostdlib -static -no-pie -o "$IMAGE/small" "$T/small.S"
	capshim_run --image -- -- /small <<<$'user: app\nseccomp: {allow: 32bit}'
	assert_equal "$status" 1
}

@test "32bit opens its calls to 32-bit programs alone; a profile that opens them to others still does" {
	[ "$(uname -m)" = x86_64 ] || return 0
	answer 'allow: 32bit' 205 -- 211
	assert_output $'205 errno 1\n211 errno 1'
	answer 'allow: [32bit, set_thread_area]' 205 -- 211
	assert_output $'205 allow\n211 errno 1'
	rules '{"names": ["set_thread_area"], "action": "SCMP_ACT_ALLOW"}' >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	answer 'profile: /etc/profile.json, allow: 32bit' 205 -- 211
	assert_output $'205 allow\n211 errno 4002'
	# A 32-bit program's set_thread_area(NULL): EFAULT is the kernel's own answer.
	# shellcheck disable=SC2016 # assembler
	printf '.globl _start\n_start: mov $243, %%eax; xor %%ebx, %%ebx; int $0x80; neg %%eax; mov %%eax, %%ebx; mov $1, %%eax; int $0x80\n' >"$T/area.S"
	gcc -m32 -nostdlib -static -no-pie -o "$IMAGE/area" "$T/area.S"
	capshim_run --image -- -- /area <<<$'user: app\nseccomp: {allow: 32bit}'
	assert_equal "$status" 14
}

# narrow NUMBER [ARG]: makes /call, a 32-bit program that makes this call with wrong arguments and ends with its error.
narrow() {
	# shellcheck disable=SC2016 # assembler
	printf '.globl _start\n_start: mov $%d, %%eax; mov $%d, %%ebx; xor %%ecx, %%ecx; xor %%edx, %%edx; int $0x80; neg %%eax; mov %%eax, %%ebx; mov $1, %%eax; int $0x80\n' "$1" "${2:-1000}" >"$T/call.S"
	gcc -m32 -nostdlib -static -no-pie -o "$IMAGE/call" "$T/call.S"
}

@test "deny closes a call for 32-bit programs under every name that they have for it" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local pair call number error
	for pair in chown:212:14 sendfile:239:9 truncate:193:14 lseek:140:9 mmap:192:22 stat:195:14 wait4:7:10; do
		IFS=: read -r call number error <<<"$pair"
		narrow "$number"
		capshim_run --image -- -- /call <<<$'user: app\nseccomp: {allow: 32bit}'
		assert_equal "$call $status" "$call $error"
		capshim_run --image -- -- /call <<<"{user: app, seccomp: {allow: 32bit, deny: $call}}"
		assert_equal "$call $status" "$call 1"
	done
	# socketcall(2), allowed by name, makes connect(2) and send(2) as well, as 3 and 9; 64-bit programs have sendto(2) for it.
	for pair in connect:3 sendto:9; do
		narrow 102 "${pair#*:}"
		capshim_run --image -- -- /call <<<'{user: app, seccomp: {allow: [32bit, socketcall]}}'
		assert_equal "$pair $status" "$pair 14"
		capshim_run --image -- -- /call <<<"{user: app, seccomp: {allow: [32bit, socketcall], deny: ${pair%:*}}}"
		assert_equal "$pair $status" "$pair 1"
	done
}

@test "deny takes nothing back: a rule that kills still kills, and calls newer than the profile are unknown" {
	[ "$(uname -m)" = x86_64 ] || return 0
	rules '{"names": ["exit"], "action": "SCMP_ACT_ALLOW"}' '{"names": ["socketcall"], "action": "SCMP_ACT_KILL_PROCESS"}' '{"names": ["ipc"], "action": "SCMP_ACT_KILL_PROCESS",
		"args": [{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}]}' >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	for pair in 102:10 117:3; do # socketcall: recv; ipc: semctl
		narrow "${pair%:*}" "${pair#*:}"
		capshim_run --image -- -- /call <<<'{user: app, seccomp: {profile: /etc/profile.json, allow: 32bit, deny: [recv, semctl]}}'
		assert_equal "$pair $status" "$pair 159"
	done
	install -m 0644 "$REPO/config/examples/strict-seccomp.json" "$IMAGE/etc/profile.json"
	narrow 403 # clock_gettime64
	for pair in futex clock_settime; do
		capshim_run --image -- -- /call <<<"{user: app, seccomp: {profile: /etc/profile.json, allow: 32bit, deny: $pair}}"
		assert_equal "$pair $status" "$pair 38"
	done
}

@test "deny: every call of another name, by the profile that allows all; a 64-bit call of its own stays" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local pair call pairs=(chown:chown32 sendfile:sendfile64 truncate:truncate64 futex:futex_time64 clock_settime:clock_settime64
		getdents:readdir getrlimit:ugetrlimit lseek:_llseek mmap:mmap2 newfstatat:fstatat64 stat:stat64 stat:oldstat
		lstat:oldlstat fstat:oldfstat fadvise64:fadvise64_64 rt_sigaction:sigaction rt_sigaction:signal
		rt_sigpending:sigpending rt_sigprocmask:sigprocmask rt_sigprocmask:sgetmask rt_sigprocmask:ssetmask
		rt_sigreturn:sigreturn rt_sigsuspend:sigsuspend select:_newselect setpriority:nice settimeofday:stime
		umount2:umount uname:olduname uname:oldolduname wait4:waitpid)
	printf '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]}' >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	for pair in "${pairs[@]}"; do
		call=${pair#*:}
		capshim_run --image -- --explain-syscall "$call" \
			<<<"{user: app, command: [/probe], seccomp: {profile: /etc/profile.json, deny: ${pair%:*}}}"
		assert_line "$call, by 32-bit programs: denied (Operation not permitted)"
	done
	capshim_run --image -- --explain-syscall getdents64 \
		<<<"{user: app, command: [/probe], seccomp: {profile: /etc/profile.json, deny: getdents}}"
	assert_line 'getdents64: allowed'
	assert_line 'getdents64, by 32-bit programs: allowed'
}

@test "a denied execve or exit_group is a problem of the config's line" {
	capshim_run --image -- --check <<<$'user: app\ncommand: [/probe]\nseccomp:\n  deny: [exit, exit_group]'
	assert_refused 100 ':4:16: nothing could run under this profile: it denies exit_group'
	capshim_run --image -- --check <<<$'user: app\ncommand: [/probe]\nseccomp: {deny: execve}'
	assert_refused 100 ':3:17: nothing could run under this profile: it denies execve'
}

@test "a 32-bit program, or an interpreter that is one: --check, --explain and the start say so before a step runs" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local action profile
	printf '\177ELF\1\1\1%9s\2%c\3%c' '' '' '' | tr ' ' '\0' >"$IMAGE/program"
	printf '\0%.0s' {1..64} >>"$IMAGE/program"
	printf '#!/program -x\n' >"$IMAGE/script"
	chmod 0755 "$IMAGE/program" "$IMAGE/script"
	for action in --check --explain --; do
		for profile in default '{log: true}' '{deny: chmod}' /etc/profile.json; do
			rules >"$IMAGE/etc/profile.json"
			chmod 0644 "$IMAGE/etc/profile.json"
			capshim_run --image -- "$action" <<-END
				user: app
				seccomp: $profile
				command: [/script]
				setup: [{mkdir: /data/made}]
			END
			assert_refused 100 'cannot execute "/program": it is a 32-bit program'
			[ ! -e "$IMAGE/data/made" ]
		done
		for profile in '{allow: 32bit}' unconfined; do
			capshim_run --image -- "$action" <<-END
				user: app
				seccomp: $profile
				command: [/program]
			END
			refute_output --partial '32-bit program,'
		done
	done
}

@test "a program for the x32 ABI: refused before a step runs, with what would let it run" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local action
	printf '\177ELF\1\1\1%9s\2%c\76%c' '' '' '' | tr ' ' '\0' >"$IMAGE/program"
	printf '\0%.0s' {1..64} >>"$IMAGE/program"
	chmod 0755 "$IMAGE/program"
	for action in --check --; do
		capshim_run --image -- "$action" <<<'{user: app, seccomp: {allow: 32bit}, command: [/program], setup: [{mkdir: /data/made}]}'
		assert_refused 100 'cannot execute "/program": it is a program for the x32 ABI' 'SCMP_ARCH_X32'
		[ ! -e "$IMAGE/data/made" ]
	done
	rules '{"names": ["exit"], "action": "SCMP_ACT_ALLOW"}' |
		sed 's/^{/{"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"], /' >"$IMAGE/etc/profile.json"
	chmod 0644 "$IMAGE/etc/profile.json"
	capshim_run --image -- --check <<<'{user: app, seccomp: /etc/profile.json, command: [/program]}'
	assert_success
}

@test "log asks the kernel to log" {
	printf '%s\n' 'user: "1234:1234"' 'seccomp: {log: true}' >"$T/config"
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp "$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_unprivileged 1234
	grep -q 'SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG,' "$T/trace"
}

@test "--explain says what an addition opens, --explain-syscall where it stands" {
	capshim_run --image -- --explain <<<$'user: app\ncommand: [/probe]\nseccomp: {allow: [io_uring, 32bit]}'
	assert_success
	assert_output --partial 'seccomp allows "io_uring": io_uring: no filter sees its operations'
	assert_output --partial 'seccomp allows "32bit": 32-bit programs run'
	capshim_run --image --config image -- --explain=seccomp
	assert_output --partial 'allowed: io_uring (3 calls)'
	assert_output --partial 'allowed: what C libraries need on some processors (1 call)'
	capshim_run --image -- --explain-syscall io_uring_setup \
		<<<$'user: app\ncommand: [/probe]\nseccomp: {allow: [io_uring]}'
	assert_success
	assert_line --partial 'io_uring_setup: allowed'
	refute_output --partial 'Function not implemented'
	# The kernel's log has the number; the command of the image may stand behind it.
	capshim_run --image --config image -- --explain-syscall 425 -- /probe
	assert_success
	assert_line --partial 'io_uring_setup: allowed'
	capshim_run --image --config image -- --explain-syscall 99999
	assert_refused 100 '"99999" is not a system call'
	# A call that only 32-bit programs have: their own answer.
	[ "$(uname -m)" = x86_64 ] || return 0
	capshim_run --image --config image -- --explain-syscall chown32
	assert_line 'chown32, by 32-bit programs: denied by killing the process'
	capshim_run --image -- --explain-syscall chown32 <<<'{user: app, command: [/probe], seccomp: {allow: 32bit, deny: chown}}'
	assert_line 'chown32, by 32-bit programs: denied (Operation not permitted)'
	assert_line --regexp ':1: denied \(Operation not permitted\)$'
}

# rows: of the table in doc/seccomp.md, "CALL CALL ...|LINE": the first and the last column without the words around them.
rows() {
	/usr/bin/python3 - "$REPO/doc/seccomp.md" <<-'END'
		import re, sys

		table = open(sys.argv[1]).read().split("Docker's default profile allows")[1].split("\n## ")[0]
		for row in re.findall(r"^\| .*`.* \|$", table, re.M):
		    cells = row.strip("| ").split(" | ")
		    print(" ".join(re.findall(r"`([a-z_]+)`", cells[0])) + "|" + re.search(r"`(allow: \[.*?\])`", cells[-1])[1])
	END
}

# number NAME: of a system call.
number() {
	awk -v name="__NR_$1" '$2 == name { print $3 }' < <(echo '#include <sys/syscall.h>' | gcc -dM -E -)
}

@test "doc/seccomp.md: each call in the table is denied, and the line beside it opens it" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local calls line call nr seen=0
	while IFS='|' read -r calls line; do
		for call in $calls; do
			nr=$(number "$call")
			local args=()
			case $call in
			socket | socketpair) args=(30) ;;
			ioctl) args=(0 0x5412) ;;
			personality) args=(0x20000) ;;
			esac
			answer '' "$nr" "${args[@]}"
			assert_output --regexp "^$nr errno [0-9]+$"
			answer "$line" "$nr" "${args[@]}"
			assert_output "$nr allow"
			seen=$((seen + 1))
		done
	done < <(rows)
	[ "$seen" -ge 13 ]
}
