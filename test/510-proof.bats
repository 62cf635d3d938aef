# The proof, line by line: a kernel that lies in one field of one answer, or in two calls so that the answers agree.
# (One call that lies by doing nothing is 950-fault.bats.)
# shellcheck disable=SC2153 # START is of helpers.bash

load helpers
load lie

setup() {
	test_dir
	install -m 0755 "$CAPSHIM" "$T/capshim"
	install -m 0755 "$PROBE" "$T/probe"
}

# lied USER GROUPS INJECTION ...: a run in which strace(1) injects that. The second getresuid(2), getresgid(2),
# getgroups(2) and capget(2) are the proof's; numbers in memory are hexadecimal bytes, the lowest first.
lied() {
	local user=$1 groups=$2 injections=()

	shift 2
	for injection; do
		injections+=(-e "inject=$injection")
	done
	printf '%s\n' "user: \"$user\"" "allow_root: true" "supplementary_groups: $groups" "seccomp: unconfined" \
		>"$T/capshim.yaml"
	observe timeout -k 5 20 "$START" --clean --groups none -- "$(type -P strace)" -qq -o /dev/null "${injections[@]}" \
		"$T/capshim" -c "$T/capshim.yaml" -- "$T/probe" </dev/null
}

ID_1234=d2040000

@test "without a lie the workload runs under the same tracer" {
	lied 1234:1234 '[44, 77]' 'getresuid:error=EPERM:when=99' # which is never made
	assert_unprivileged 1234
	lied 1234:1234 '[44, 77]' "getresuid:retval=0:when=2:poke_exit=@arg1=$ID_1234,@arg2=$ID_1234,@arg3=$ID_1234"
	assert_unprivileged 1234
}

@test "one of the three user or group ids is another" {
	local call right=$ID_1234

	for call in getresuid:user getresgid:group; do
		lied 1234:1234 none "${call%:*}:retval=0:when=2:poke_exit=@arg2=$right,@arg3=$right"
		assert_refused 112 "the real ${call#*:} id"
		lied 1234:1234 none "${call%:*}:retval=0:when=2:poke_exit=@arg1=$right,@arg3=$right"
		assert_refused 112 "the effective ${call#*:} id"
		lied 1234:1234 none "${call%:*}:retval=0:when=2:poke_exit=@arg1=$right,@arg2=$right"
		assert_refused 112 "the saved ${call#*:} id"
	done
}

@test "one of the three ids was not filled in, and the wanted one is 0" {
	local call zero=00000000

	for call in getresuid:user getresgid:group; do
		lied 0:0 none "${call%:*}:retval=0:when=2:poke_exit=@arg2=$zero,@arg3=$zero"
		assert_refused 112 "the real ${call#*:} id"
		lied 0:0 none "${call%:*}:retval=0:when=2:poke_exit=@arg1=$zero,@arg3=$zero"
		assert_refused 112 "the effective ${call#*:} id"
		lied 0:0 none "${call%:*}:retval=0:when=2:poke_exit=@arg1=$zero,@arg2=$zero"
		assert_refused 112 "the saved ${call#*:} id"
	done
}

@test "a list of groups of the right length that was not filled in, or has another, or one twice" {
	lied 1234:1234 '[0]' 'getgroups:retval=1:when=2'
	assert_refused 112 'a supplementary group'
	lied 1234:1234 '[44, 77]' 'getgroups:retval=2:when=2:poke_exit=@arg2=2c00000000000000'
	assert_refused 112 'a supplementary group'
	lied 1234:1234 '[44, 77]' 'getgroups:retval=2:when=2:poke_exit=@arg2=2c0000002c000000'
	assert_refused 112 'a supplementary group'
	lied 1234:1234 '[44, 77]' 'getgroups:retval=2:when=2:poke_exit=@arg2=4d0000002c000000'
	assert_unprivileged 1234
}

@test "one of the three sets of capget(2) is another, in either word" {
	local set

	for set in effective:0 permitted:1 inheritable:2; do
		lied 1234:1234 none "capget:retval=0:when=2:poke_exit=@arg2=$(words "${set#*:}")"
		assert_refused 112 "the ${set%:*} set"
		lied 1234:1234 none "capget:retval=0:when=2:poke_exit=@arg2=$(words $((${set#*:} + 3)))"
		assert_refused 112 "the ${set%:*} set"
	done
}

# words N: six words, all 0 but the Nth.
words() {
	local i

	for i in 0 1 2 3 4 5; do
		[ "$i" = "$1" ] && printf 01000000 || printf 00000000
	done
}

@test "ids that were not changed, and a kernel that says they were: root comes back" {
	# Without keys, as under Docker's profile: the owner of the keyring would show it.
	lied 1234:1234 none 'setresuid:retval=0:when=2' 'keyctl:error=EPERM' \
		"getresuid:retval=0:when=2:poke_exit=@arg1=$ID_1234,@arg2=$ID_1234,@arg3=$ID_1234"
	assert_refused 112 'uid 0 is out of reach'
	lied 1234:1234 none 'setresgid:retval=0:when=1' \
		"getresgid:retval=0:when=2:poke_exit=@arg1=$ID_1234,@arg2=$ID_1234,@arg3=$ID_1234"
	assert_refused 112 'gid 0 is out of reach'
}

@test "of the ambient set the proof asks for what is kept, no more; a kept one that is missing is 112" {
	printf '%s\n' 'user: "1234:1234"' 'cap_add: [NET_RAW, KILL]' 'seccomp: unconfined' >"$T/capshim.yaml"
	observe timeout -k 5 20 "$START" --clean --groups none -- "$(type -P strace)" -qq -o "$T/trace" -e trace=prctl \
		"$T/capshim" -c "$T/capshim.yaml" -- "$T/probe" </dev/null
	assert_unprivileged 1234 kill,net_raw
	# Those of the proof come after no_new_privs.
	observe sed -n '/PR_SET_NO_NEW_PRIVS/,/PR_GET_SECUREBITS/s/.*\(PR_CAP_AMBIENT_IS_SET, [A-Z_]*\).*/\1/p' "$T/trace"
	assert_output 'PR_CAP_AMBIENT_IS_SET, CAP_KILL
PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW'
	# The raising of one of them did nothing.
	observe timeout -k 5 20 "$START" --clean --groups none -- "$(type -P strace)" -qq -o /dev/null \
		-e "inject=prctl:retval=0:when=$(awk '/PR_CAP_AMBIENT_RAISE, CAP_NET_RAW/ { print NR; exit }' "$T/trace")" \
		"$T/capshim" -c "$T/capshim.yaml" -- "$T/probe" </dev/null
	assert_refused 112 'the ambient set'
}

# prctls_before CALL: the options of each prctl(2) with a capability, up to the first CALL.
prctls_before() { sed -n "/$1/q; s/^prctl(\(PR_CAPBSET_[A-Z]*\), \(CAP_[A-Z_]*\|0x[0-9a-f]*\).*/\1 \2/p" "$T/calls"; }

@test "with SETPCAP the bounding set is dropped unread, to the end of the kernel's list; the proof reads it" {
	local last
	last=$(</proc/sys/kernel/cap_last_cap)
	printf 'user: "1234:1234"\nsupplementary_groups: none\nseccomp: unconfined\ncap_add: [CHOWN]\n' >"$T/capshim.yaml"
	# CHOWN stays, and is the only one that is asked for.
	observe timeout -k 5 20 "$START" --clean -- "$(type -P strace)" -qq -e trace=prctl,setgroups,execve -o "$T/calls" \
		"$T/capshim" -c "$T/capshim.yaml" -- "$T/probe"
	assert_unprivileged 1234 chown
	assert_equal "$(prctls_before setgroups | grep CAPBSET_READ)" 'PR_CAPBSET_READ CAP_CHOWN'
	assert_equal "$(prctls_before setgroups | grep -c CAPBSET_DROP)" $((last + 1)) # CHOWN is not dropped, and the end is asked for
	assert_equal "$(sed '1d; /^execve/q' "$T/calls" | grep -c CAPBSET_READ)" $((1 + last + 2)) # the proof: all, and the end

	# A start that has only some of them ends the same.
	observe "$START" --bounding setgid,setpcap,setuid -- "$T/capshim" -c "$T/capshim.yaml" -- "$T/probe"
	assert_refused 111 'it lacks CAP_CHOWN'
	sed -i '/cap_add/d' "$T/capshim.yaml"
	observe "$START" --bounding setgid,setpcap,setuid -- "$T/capshim" -c "$T/capshim.yaml" -- "$T/probe"
	assert_unprivileged 1234
}

# idle CALLS [START OPTION ...]: a run under a filter that answers 0 to these calls, as the fixture deny takes them. The
# workload is told what it holds by /proc, which no such filter can change.
idle() {
	local calls=$1
	shift
	observe timeout -k 5 20 "$START" --clean "$@" -- "${PROBE%/*}/deny" 0 "$calls" "$T/capshim" -c "$T/capshim.yaml" -- \
		/bin/cat /proc/self/status /proc/self/personality
}

@test "a list of the bounding set that ends before capabilities that every kernel has is not believed" {
	local capability

	for capability in PR_CAPBSET_READ,\ CAP_DAC_OVERRIDE PR_CAPBSET_READ,\ CAP_AUDIT_READ; do
		lie prctl "$capability\)" error=EINVAL <<<'{user: "1234:1234", seccomp: unconfined}'
		assert_refused 112 'cannot prove "the bounding set"'
	done
}

@test "a filter of the runtime that answers 0 to all calls of a kind, and does nothing: no state looks right by that" {
	[ "$(uname -m)" = x86_64 ] || return 0
	local keep calls
	for keep in '' NET_RAW; do
		printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' 'seccomp: unconfined' "cap_add: [$keep]" >"$T/capshim.yaml"
		idle 999 --groups 0,42 --personality 0x40000
		assert_success
		assert_line --regexp '^Groups:[[:space:]]*$'
		assert_line 00000000
		# setgroups and getgroups; the second alone
		idle 116,115 --groups 0,42
		assert_refused 112 'other groups are out of reach'
		idle 115 --groups 0,42
		assert_success
		assert_line --regexp '^Groups:[[:space:]]*$'
		# PR_CAPBSET_DROP and PR_CAPBSET_READ
		idle 157:24,157:23
		assert_refused 112 'where the bounding set ends'
		# personality: all of it, what sets it, and what reads it
		for calls in 135 135:0 135:131072 135:4294967295; do
			idle $calls --personality 0x40000
			assert_refused 112 'personality'
		done
	done
}
