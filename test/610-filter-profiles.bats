#!/usr/bin/env bats
# Profiles of users: Docker's and the OCI runtime spec's JSON, what of it is refused, and compiled ones.

load helpers
load filter

setup() {
	test_dir
	image_make
	filter_image
}

# call ARGUMENT ... under the profile in $T/profile.json, as the simulation has it; the expectation is $1.
simulated() {
	local expected=$1
	shift
	simulate call "$T/profile.json" "${CAPS:-}" "$@"
	assert_output "$expected" || fail "$* should be: $expected"
}

# agrees: the BPF of $T/profile.json does what its JSON says, for calls around every constant.
agrees() {
	simulate check "$T/profile.json"
}

@test "every action is what the workload gets" {
	local action number expected
	while IFS='|' read -r action number expected; do
		profile_run -- /syscalls 110 < <(rules "{\"names\": [\"getppid\"], \"action\": \"$action\"$number}")
		assert_success
		assert_output "110 $expected"
	done <<-'END'
		SCMP_ACT_ALLOW||allow
		SCMP_ACT_LOG||allow
		SCMP_ACT_ERRNO||errno 1
		SCMP_ACT_ERRNO|, "errnoRet": 4094|errno 4094
		SCMP_ACT_TRAP||trap
		SCMP_ACT_KILL||kill
		SCMP_ACT_KILL_THREAD||kill
		SCMP_ACT_KILL_PROCESS||kill
	END
	profile_run -- /syscalls -r 110 < <(rules '{"names": ["getppid"], "action": "SCMP_ACT_TRACE", "errnoRet": 7}')
	assert_output "110 errno 38"
	profile_run -- /syscalls 110 < <(rules)
	assert_output "110 errno 4002"
}

@test "every action as the default" {
	local action expected
	while read -r action expected; do
		profile_run -- /syscalls 110 < <(DEFAULT="\"defaultAction\": \"$action\"" rules)
		assert_output "110 $expected"
	done <<-'END'
		SCMP_ACT_ALLOW allow
		SCMP_ACT_LOG allow
		SCMP_ACT_ERRNO errno 1
		SCMP_ACT_TRAP trap
		SCMP_ACT_KILL kill
		SCMP_ACT_KILL_PROCESS kill
	END
}

@test "a workload that is killed by its filter ends as by SIGSYS, with and without init" {
	local init
	for init in false true; do
		CONFIG="init: $init" profile_run -- /syscalls -r 110 < <(
			rules '{"names": ["getppid"], "action": "SCMP_ACT_KILL_PROCESS"}'
		)
		assert_failure 159
		assert_equal "$init $(grep -c 'the workload was ended by SIGSYS.*allow: \[32bit\]' <<<"$output")" \
			"$init $([ "$init" = true ] && echo 1 || echo 0)"
	done
	CONFIG=$'init: true\nreport: json' profile_run -- /syscalls -r 110 < <(
		rules '{"names": ["getppid"], "action": "SCMP_ACT_KILL_PROCESS"}'
	)
	assert_failure 159
	assert_equal "$(tail -n 1 <<<"$output" | jq -r .message | cut -c 1-31)" 'the workload was ended by SIGSY'
}

# op VALUE [TWO] -- ARGUMENT:ANSWER ...: a rule that allows getppid with args[INDEX] OP VALUE, on the kernel.
operator() {
	local op=$1 value=$2 two=$3 index arg zeros calls answers
	shift 3
	for index in 0 3 5; do
		zeros=(0 0 0 0 0)
		rules "{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": $index,
			\"value\": $value, \"valueTwo\": $two, \"op\": \"SCMP_CMP_$op\"}]}" >"$T/profile.json"
		agrees
		calls=() answers=()
		for arg; do
			calls+=(-- 110 "${zeros[@]:0:index}" "${arg%:*}")
			answers+=("110 ${arg##*:}")
		done
		profile_run "${calls[@]:0:1}" /syscalls "${calls[@]:1}" <"$T/profile.json"
		assert_output "$(printf '%s\n' "${answers[@]}")" || fail "args[$index] $op $value $two"
	done
}

@test "every operator compares 64 bits, unsigned" {
	local no='errno 4002'
	operator EQ 4294967301 0 0x100000005:allow "5:$no" "0x100000004:$no" "0x200000005:$no"
	operator NE 4294967301 0 "0x100000005:$no" 5:allow 0x200000005:allow 0x100000006:allow
	operator LT 4294967301 0 "0x100000005:$no" 0x100000004:allow 0xffffffff:allow "0x200000000:$no"
	operator LE 4294967301 0 0x100000005:allow "0x100000006:$no" 0xffffffff:allow "0x200000000:$no"
	operator GT 4294967301 0 "0x100000005:$no" 0x100000006:allow "0xffffffff:$no" 0x200000000:allow
	operator GE 4294967301 0 0x100000005:allow "0x100000004:$no" "0xffffffff:$no" 0xffffffffffffffff:allow
	operator MASKED_EQ 4294967295 5 5:allow 0x700000005:allow "4:$no" "0x100000004:$no"
	operator MASKED_EQ 18446744069414584320 4294967296 0x1ffffffff:allow "1:$no" "0x300000000:$no"
}

@test "conditions on several arguments must all hold" {
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [
		{"index": 0, "value": 5, "op": "SCMP_CMP_GT"}, {"index": 1, "value": 7, "op": "SCMP_CMP_NE"},
		{"index": 5, "value": 255, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}' >"$T/profile.json"
	agrees
	simulated allow getppid 6 0 0 0 0 0x301
	simulated 'errno 4002' getppid 5 0 0 0 0 0x301
	simulated 'errno 4002' getppid 6 7 0 0 0 0x301
	simulated 'errno 4002' getppid 6 0 0 0 0 0x302
	profile_run -- /syscalls 110 6 0 0 0 0 0x301 <"$T/profile.json"
	assert_output "110 allow"
	profile_run -- /syscalls 110 6 7 0 0 0 0x301 <"$T/profile.json"
	assert_output "110 errno 4002"
}

# libseccomp up to 2.6.0 merges these two comparisons and lets 5 through (GHSA-4q85-33p6-j5g6).
@test "several 64-bit comparisons on one call, which some releases of libseccomp get wrong" {
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [
			{"index": 1, "value": 5, "op": "SCMP_CMP_LT"}]}' \
		'{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [
			{"index": 1, "value": 8589934597, "op": "SCMP_CMP_GE"}]}' >"$T/profile.json"
	agrees
	profile_run -- /syscalls 110 0 5 <"$T/profile.json"
	assert_output "110 errno 4002"
	profile_run -- /syscalls 110 0 4 <"$T/profile.json"
	assert_output "110 allow"
	profile_run -- /syscalls 110 0 0x200000005 <"$T/profile.json"
	assert_output "110 allow"
	profile_run -- /syscalls 110 0 0x200000004 <"$T/profile.json"
	assert_output "110 errno 4002"
}

@test "every pair of operators on one call, in every order" {
	local a b
	for a in NE LT LE EQ GE GT; do
		for b in NE LT LE EQ GE GT; do
			rules "{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [
					{\"index\": 1, \"value\": 5, \"op\": \"SCMP_CMP_$a\"}]}" \
				"{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_LOG\", \"args\": [
					{\"index\": 1, \"value\": 8589934597, \"op\": \"SCMP_CMP_$b\"}]}" \
				"{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_TRAP\", \"args\": [
					{\"index\": 2, \"value\": 4294967295, \"op\": \"SCMP_CMP_$a\"},
					{\"index\": 1, \"value\": 4294967296, \"op\": \"SCMP_CMP_$b\"}]}" >"$T/profile.json"
			agrees
		done
	done
}

@test "of rules that contradict each other the strictest holds, wherever it stands" {
	local order
	for order in 0 1; do
		local some=('{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}'
			'{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": [
				{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}')
		rules "${some[$order]}" "${some[$((1 - order))]}" >"$T/profile.json"
		agrees
		simulated allow getppid 0
		simulated 'errno 5' getppid 1
	done
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' \
		'{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4002}' >"$T/profile.json"
	agrees
	simulated 'errno 4002' getppid
	profile_run -- /syscalls 110 <"$T/profile.json"
	assert_output "110 errno 4002"
}

@test "includes and excludes ask for the kept capabilities, the architecture and the kernel" {
	local row keep condition expected
	while read -r keep expected condition; do
		rules "{\"names\": [\"getppid\"], \"action\": \"SCMP_ACT_ALLOW\", $condition}" >"$T/profile.json"
		CONFIG="cap_add: [$keep]" profile_run -- /syscalls 110 <"$T/profile.json"
		assert_output "110 ${expected/no/errno 4002}" || fail "$keep: $condition"
	done <<-'END'
		CHOWN no "includes": {"caps": ["CAP_KILL"]}
		CHOWN allow "includes": {"caps": ["CAP_CHOWN"]}
		CHOWN no "includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}
		CHOWN,KILL allow "includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}
		CHOWN no "excludes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}
		FOWNER allow "excludes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}
		CHOWN allow "includes": {"arches": ["amd64", "arm64"]}
		CHOWN no "includes": {"arches": ["s390x", "ppc64le"]}
		CHOWN no "excludes": {"arches": ["amd64", "arm64"]}
		CHOWN allow "excludes": {"arches": ["s390x"]}
		CHOWN allow "includes": {"minKernel": "4.8"}
		CHOWN no "includes": {"minKernel": "99.0"}
		CHOWN no "excludes": {"minKernel": "4.8"}
		CHOWN allow "excludes": {"minKernel": "99.0"}, "includes": {}
	END
}

@test "Podman's default profile loads unchanged, does what it says, and matches libseccomp's code" {
	local profile=/usr/share/containers/seccomp.json caps
	for caps in '' AUDIT_WRITE 'SYS_ADMIN SYS_PTRACE SYS_CHROOT'; do
		# shellcheck disable=SC2086 # lists of words
		simulate check "$profile" $caps
		# shellcheck disable=SC2086
		simulate libseccomp "$profile" $caps
	done
	profile_run -- /syscalls <"$profile"
	assert_success
	diff <("$BPFSIM" calls "$profile") <(printf '%s\n' "$output")
}

@test "foreign ABIs: those of architectures or archMap are filtered, the others killed" {
	local head='"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4002, '
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	simulated kill 64@0x40000003
	simulated kill 0x4000006e
	DEFAULT=$head'"architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_S390X"]' rules \
		'{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	agrees
	simulated allow 64@0x40000003
	simulated 'errno 4002' 63@0x40000003
	simulated kill 0x4000006e
	simulated kill 1@0x80000016
	DEFAULT=$head'"archMap": [
		{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_X86"]},
		{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X32"]},
		{"architecture": "SCMP_ARCH_NEWER", "subArchitectures": null}]' rules \
		'{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	agrees
	simulated kill 64@0x40000003
	simulated allow 0x4000006e
}

# socketcall(2) and ipc(2) of i386 hide the arguments that a rule speaks of.
@test "a denied call is denied in its multiplexed form as well" {
	DEFAULT='"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"]' rules \
		'{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]}' \
		'{"names": ["shmget"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]}' \
		'{"names": ["connect"], "action": "SCMP_ACT_ERRNO"}' >"$T/profile.json"
	agrees
	simulated 'errno 1' 359@0x40000003 38
	simulated allow 359@0x40000003 1
	simulated 'errno 1' 102@0x40000003 1
	simulated 'errno 1' 102@0x40000003 3
	simulated allow 102@0x40000003 2
	simulated 'errno 1' 117@0x40000003 23
	simulated 'errno 1' 117@0x40000003 0x10017
	simulated allow 117@0x40000003 24
}

@test "calls newer than the profile get ENOSYS where the default is an errno, otherwise the default" {
	rules >"$T/profile.json"
	simulated 'errno 38' 450
	simulated 'errno 4002' 300
	DEFAULT='"defaultAction": "SCMP_ACT_KILL"' rules >"$T/profile.json"
	simulated kill 450
	DEFAULT='"defaultAction": "SCMP_ACT_ALLOW"' rules >"$T/profile.json"
	simulated allow 450
	agrees
}

@test "flags reach the kernel" {
	DEFAULT='"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		"SECCOMP_FILTER_FLAG_TSYNC"]' rules >"$T/profile.json"
	printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" >"$T/config"
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp "$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_unprivileged 1234
	grep -q 'TSYNC|SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW' "$T/trace"
}

@test "each mistake in a profile is refused with its line and column, all of them at once" {
	local line
	profile_run -- /probe <<-'END'
		{
		"defaultAction": "SCMP_ACT_ALOW",
		"listenerPath": "/x",
		"flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"],
		"sycalls": [],
		"architectures": ["x86"],
		"syscalls": [
		{"names": ["getppid"], "action": "SCMP_ACT_NOTIFY"},
		{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4095},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1},
		{"names": ["getppid"], "name": "getpid", "action": "SCMP_ACT_ALLOW"},
		{"action": "SCMP_ACT_ALLOW"},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_IS"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}, {"index": 0, "value": 9, "op": "SCMP_CMP_LE"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_NOPE"]}},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}},
		{"names": ["getppidd"], "action": "SCMP_ACT_KILL"},
		{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "ENOSYS"},
		{"names": {}, "action": "SCMP_ACT_ALLOW"},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]},
		{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "args": ["index"]}
		],
		"archMap": [{"subArchitectures": ["SCMP_ARCH_X86"]}]
		}
	END
	assert_refused 100
	for line in 2 3 4 5 6 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 27; do
		assert_line --regexp "^capshim: /etc/profile.json:$line:[0-9]+: "
	done
	assert_line --partial 'no "architecture"'
	assert_line --partial 'either "architectures" or "archMap"'
	[ "${#lines[@]}" = 25 ]
}

@test "a file that is not a profile is refused" {
	local text
	for text in '' '[]' 'null' 'true' '{}' '{"defaultAction": null}' '{"defaultAction": ["SCMP_ACT_ALLOW"]}' '{"syscalls": []}' \
		'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [null]}' '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": 1}' \
		'{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_KILL"}'; do
		profile_run -- /probe <<<"$text"
		assert_refused 100 /etc/profile.json
	done
}

@test "an unknown name is harmless where it is allowed, and said by --check; denied it is an error" {
	rules '{"names": ["getppid", "brandnewcall"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	profile_run -- /syscalls 110 <"$T/profile.json"
	assert_output "110 allow"
	printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" 'command: [/bin/true]' >"$T/config"
	observe timeout 20 "$CAPSHIM" -c "$T/config" --check
	assert_success
	assert_output --partial 'unknown system call "brandnewcall"'
	profile_run -- /probe < <(rules '{"names": ["getppid", "brandnewcall"], "action": "SCMP_ACT_ERRNO"}')
	assert_refused 100 'unknown system call "brandnewcall"'
}

@test "a profile under which nothing could start or end is refused before anything is done" {
	local row
	for row in '"defaultAction": "SCMP_ACT_ERRNO"' '"defaultAction": "SCMP_ACT_KILL"' \
		'"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ERRNO"}]' \
		'"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_TRACE"}]'; do
		profile_run -- /probe <<<"{$row}"
		assert_refused 100 "it denies execve"
	done
	profile_run -- /probe <<<'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["exit_group"], "action": "SCMP_ACT_ERRNO"}]}'
	assert_refused 100 "it denies exit_group"
}

# Not for every argument, so nothing can be said beforehand.
@test "an execve that the filter refuses after all ends in a message and 126" {
	profile_run -- /probe <<<'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["execve"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NE"}]}]}'
	assert_refused 126 /probe
}

# compiled [OPTION ...]: compiles $T/profile.json to $IMAGE/etc/profile.bpf
compiled() {
	observe timeout 20 "$CAPSHIM" "$@" --compile-seccomp "$T/profile.json" "$IMAGE/etc/profile.bpf"
	assert_success
}

# compiled_run [CONFIG LINE]
compiled_run() {
	capshim_run --image "${@:2}" -- -- /syscalls 110 < <(printf '%s\n' 'user: app' 'seccomp: /etc/profile.bpf' "${1:-}")
}

@test "a compiled profile is the same filter" {
	cp /usr/share/containers/seccomp.json "$T/profile.json"
	compiled
	[ "$(stat -c %a "$IMAGE/etc/profile.bpf")" = 644 ]
	diff <("$BPFSIM" calls "$T/profile.json") <("$BPFSIM" calls "$IMAGE/etc/profile.bpf")
	capshim_run --image -- -- /syscalls < <(printf '%s\n' 'user: app' 'seccomp: /etc/profile.bpf')
	diff <("$BPFSIM" calls "$T/profile.json") <(printf '%s\n' "$output")
}

@test "it is refused where the kept capabilities are not those it was compiled for" {
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	compiled
	compiled_run
	assert_output "110 allow"
	compiled_run 'cap_add: [CHOWN]'
	assert_refused 100 profile.bpf "the workload keeps CAP_CHOWN"
	printf '%s\n' 'user: "1234:1234"' 'cap_add: [CHOWN]' 'seccomp: unconfined' 'command: [/bin/true]' >"$T/config"
	compiled -c "$T/config"
	compiled_run 'cap_add: [CHOWN]'
	assert_output "110 allow"
	compiled_run
	assert_refused 100 profile.bpf "compiled for the kept capabilities CAP_CHOWN"
}

@test "with cap_add_optional it is refused by --check and by every start, whether the container has the capability or not" {
	local start

	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' >"$T/profile.json"
	printf '%s\n' 'user: "1234:1234"' 'cap_add: [CHOWN]' 'seccomp: unconfined' 'command: [/bin/true]' >"$T/config"
	compiled -c "$T/config"
	for start in root docker; do
		compiled_run $'cap_add: [CHOWN]\ncap_add_optional: [SYS_NICE]' --start "$start"
		assert_refused 100 profile.bpf 'cap_add_optional leaves two: name the .json profile, or write cap_add' || return
	done
	capshim_run --image --config image -- --check
	assert_refused 100 'cap_add_optional leaves two'
	compiled_run $'cap_add: [CHOWN]\ncap_add_optional: [CHOWN]' # leaves nothing open
	assert_output "110 allow"
}

@test "and where the kernel decides a condition otherwise" {
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}' \
		'{"names": ["getppid"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "3.99"}}' >"$T/profile.json"
	compiled
	compiled_run
	assert_output "110 allow"
	# UNAME26 of personality(2): the kernel says that it is 2.6.
	printf '%s\n' 'user: "1234:1234"' "seccomp: $IMAGE/etc/profile.bpf" >"$T/config"
	observe timeout 20 setarch --uname-2.6 "$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_refused 100 profile.bpf "Linux 4.8 or newer"
	observe timeout 20 setarch --uname-2.6 "$CAPSHIM" --compile-seccomp "$T/profile.json" "$IMAGE/etc/profile.bpf"
	assert_success
	compiled_run
	assert_refused 100 profile.bpf "older than 3.99"
}

@test "a raw, truncated or damaged one is refused, wherever the damage is" {
	rules >"$T/profile.json"
	compiled
	cp "$IMAGE/etc/profile.bpf" "$T/good"
	"$BPFSIM" dump "$T/profile.json" >"$IMAGE/etc/profile.bpf"
	compiled_run
	assert_refused 100 profile.bpf "not a profile compiled by"
	head -c 60 "$T/good" >"$IMAGE/etc/profile.bpf"
	compiled_run
	assert_refused 100 profile.bpf truncated
	{ cat "$T/good" && printf x; } >"$IMAGE/etc/profile.bpf"
	compiled_run
	assert_refused 100 profile.bpf damaged
	{ head -c -1 "$T/good" && printf '\xa5'; } >"$IMAGE/etc/profile.bpf"
	compiled_run
	assert_refused 100 profile.bpf damaged
	# The same reader, without a container for each of some hundred thousand.
	simulate damaged "$T/good"
	assert_output --regexp '^[0-9]{6} damaged files, 0 accepted$'
}

@test "a profile that does not compile leaves no file; neither does one that others can write" {
	echo '{"defaultAction": "SCMP_ACT_NONE"}' >"$T/profile.json"
	observe timeout 20 "$CAPSHIM" --compile-seccomp "$T/profile.json" "$T/out.bpf"
	assert_failure 100
	assert_output --partial "profile.json:1:19:"
	assert [ ! -e "$T/out.bpf" ]
	rules >"$T/profile.json"
	chmod 0666 "$T/profile.json"
	observe timeout 20 "$CAPSHIM" --compile-seccomp "$T/profile.json" "$T/out.bpf"
	assert_failure 100
	assert [ ! -e "$T/out.bpf" ]
	chmod 0644 "$T/profile.json"
	observe timeout 20 "$CAPSHIM" --compile-seccomp "$T/profile.json" "$T/nowhere/out.bpf"
	assert_failure 111
	assert_output --partial "$T/nowhere/out.bpf"
}

@test "a profile must be owned by root and writable by nobody else" {
	rules >"$IMAGE/etc/profile.json"
	chmod 0664 "$IMAGE/etc/profile.json"
	capshim_run --image -- -- /probe < <(printf '%s\n' 'user: app' 'seccomp: /etc/profile.json')
	assert_refused 100 /etc/profile.json
	chmod 0644 "$IMAGE/etc/profile.json"
	chown 1234 "$IMAGE/etc/profile.json"
	capshim_run --image -- -- /probe < <(printf '%s\n' 'user: app' 'seccomp: /etc/profile.json')
	assert_refused 100 /etc/profile.json
}

# explain_syscall NAME, with the config on standard input
explain_syscall() {
	cat >"$T/config"
	observe timeout 20 "$CAPSHIM" -c "$T/config" --explain-syscall "$1"
	assert_success
}

@test "--explain-syscall names the rules that decide, with their lines, and those that do not apply" {
	rules '{"names": ["getppid"], "action": "SCMP_ACT_ALLOW"}' $'\n{"names": ["ioctl", "mount"], "action":
		"SCMP_ACT_ALLOW", "comment": "why not", "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_GE"}],
		"includes": {"caps": ["CAP_SYS_ADMIN"]}}' >"$T/profile.json"
	local line=$(($(grep -n 'why not' "$T/profile.json" | cut -d: -f1) - 1))
	explain_syscall mount < <(printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" 'command: [/bin/true]')
	assert_line "mount: denied (Unknown error 4002)" || assert_line "mount: denied (No error information)"
	assert_line "$T/profile.json:$line: allowed, if args[1] >= 5 - not without CAP_SYS_ADMIN - why not"
	explain_syscall mount < <(printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" 'command: [/bin/true]' \
		'cap_add: [SYS_ADMIN]')
	assert_line --regexp '^mount: depends on its arguments: allowed, or denied'
	explain_syscall getppid < <(printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" 'command: [/bin/true]')
	assert_line "getppid: allowed"
	observe timeout 20 "$CAPSHIM" -c "$T/config" --explain-syscall nosuchcall
	assert_failure 100
	# A call that is newer than this capshim has a number.
	observe timeout 20 "$CAPSHIM" -c "$T/config" --explain-syscall 9999
	assert_success
	assert_output --regexp '^9999: denied \([^)]*\)$'
	explain_syscall keyctl < <(printf '%s\n' 'user: "1234:1234"' 'command: [/bin/true]')
	assert_line "keyctl: denied (Operation not permitted)"
	assert_line --regexp "^default.json:$(grep -n '"keyctl"' "$REPO/config/seccomp/default.json" | cut -d: -f1 |
		awk '{ print $1 - 2 }'): denied .* - keyrings: "
}

@test "--explain-syscall has words for every action, operator and condition" {
	rules '{"names": ["sync"], "action": "SCMP_ACT_LOG"}' '{"names": ["chroot"], "action": "SCMP_ACT_TRACE"}' \
		'{"names": ["acct"], "action": "SCMP_ACT_TRAP"}' '{"names": ["swapon"], "action": "SCMP_ACT_KILL_THREAD"}' \
		'{"names": ["mount"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 3, "value": 12, "valueTwo": 4, "op": "SCMP_CMP_MASKED_EQ"}]}' \
		'{"names": ["umount2"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_CHOWN"]}}' \
		'{"names": ["reboot"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}}' >"$T/profile.json"
	local call text
	while read -r call text; do
		explain_syscall "$call" < <(printf '%s\n' 'user: "1234:1234"' "seccomp: $T/profile.json" \
			'command: [/bin/true]' 'cap_add: [CHOWN]')
		assert_output --partial "$text"
	done <<-'END'
		sync sync: allowed and logged
		chroot chroot: decided by a tracer; without one: Function not implemented
		acct acct: denied with a SIGSYS that can be caught
		swapon swapon: denied by killing the thread
		mount (args[3] & 0xc) == 0x4
		umount2 allowed - not with CAP_CHOWN
		reboot allowed - not on this architecture or kernel
	END
}

@test "--explain=seccomp lists what the filter does in groups; every call that is denied is named" {
	local call
	printf '%s\n' 'user: "1234:1234"' 'command: [/bin/true]' >"$T/config"
	observe timeout 20 "$CAPSHIM" -c "$T/config" --explain
	assert_success
	assert_line --regexp "^  seccomp  [0-9]+ system calls allowed, 5 by their arguments, [0-9]+ denied "
	observe timeout 20 "$CAPSHIM" -c "$T/config" --explain=seccomp
	assert_success
	assert_line --regexp 'allowed: files and directories \('
	assert_line --regexp 'depends on arguments: socket, socketpair '
	for call in $("$BPFSIM" names default); do
		assert_line --regexp "(denied \\(|depends on arguments:).*[ ,:]${call}[, ]"
	done
}
