#!/usr/bin/env bats
# Starts that no runtime makes: the workload holds exactly what the config names, or it does not run.
# shellcheck disable=SC2153 # START is of helpers.bash

load helpers

setup() {
	test_dir
	install -m 0755 "$CAPSHIM" "$T/capshim"
	install -m 0755 "$PROBE" "$T/probe"
}

# odd [START OPTION ...]: a run from that start; KEEP is its cap_add.
odd() {
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' 'seccomp: unconfined' "cap_add: [${KEEP-}]" >"$T/capshim.yaml"
	observe timeout -k 5 20 "$START" --clean "$@" -- "$T/capshim" -c "$T/capshim.yaml" -- "$T/probe" --fd-end 16 </dev/null
}

# exactly_or_refused [KEPT]: counts in RAN which of the two it was.
exactly_or_refused() {
	if [ "$status" = 0 ]; then
		assert_unprivileged 1234 "$@" && assert_probe groups '' fds 0,1,2 && RAN=$((RAN + 1))
	else
		assert_refused 111
	fi
}

@test "each of the 256 values of the securebits: exactly the capabilities that are named, or refused" {
	local all bits ambient=() KEEP='' RAN

	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p')
	# Without ambient capabilities a start with NOROOT has none; with all of them it has all.
	for KEEP in '' NET_BIND_SERVICE; do
		RAN=0
		for ((bits = 0; bits < 256; bits++)); do
			odd "${ambient[@]}" --securebits $bits
			exactly_or_refused ${KEEP:+net_bind_service} || fail "securebits $bits: $output" || return
		done
		[ "$RAN" -ge 15 ] || fail "only $RAN ran"
		ambient=(--ambient "$all")
	done
}

# copied MODE OWNER [CAPABILITIES]: a capshim like that.
copied() {
	install -m "$1" -o "${2%:*}" -g "${2#*:}" "$CAPSHIM" "$T/capshim"
	[ $# -lt 3 ] || setcap "$3" "$T/capshim"
}

@test "a capshim that is set-id or has file capabilities: whoever could gain by that is refused" {
	local mode owner caps start

	while read -r mode owner caps; do
		for start in "" "--groups none --gid 1234 --uid 1234" "--groups none --gid 1234 --uid 1234 --nnp" \
			"--inheritable setuid,setpcap --groups none --gid 1234 --uid 1234"; do
			rm -f "$T/capshim"
			# shellcheck disable=SC2086 # one word or none; words
			copied "$mode" "$owner" $caps
			# shellcheck disable=SC2086
			odd $start
			if [ -z "$start" ] && [ "$owner" = 0:0 ]; then
				assert_unprivileged 1234 || return
			elif [[ $start == *--nnp ]] || { [ "$owner" = 1234:1234 ] && [ -n "$start" ]; }; then
				# Under no_new_privs neither the bit nor the capabilities count; and 1234 is who it is already.
				assert_success || return
				assert_probe uid 1234,1234,1234,1234 permitted '' effective '' ambient '' no_new_privs 1 || return
			else
				assert_refused 111 || fail "$mode $owner $caps, $start: $output" || return
			fi
		done
	done <<-'END'
		4755 0:0
		2755 0:0
		4755 1234:1234
		4755 999:999
		0755 0:0 cap_setuid,cap_setgid=p
		0755 0:0 cap_setuid,cap_setgid,cap_setpcap=eip
	END
}

@test "65,536 groups at the start: none stays, or all of them where runtime is asked for" {
	cat >"$T/groups.py" <<-'END'
		import os, sys
		os.setgroups(range(100000, 165536))
		os.execv(sys.argv[1], sys.argv[1:])
	END
	odd # for the config
	observe timeout 60 /usr/bin/python3 "$T/groups.py" "$T/capshim" -c "$T/capshim.yaml" -- "$T/probe"
	assert_unprivileged 1234
	assert_probe groups ''
	printf 'user: "1234:1234"\nsupplementary_groups: runtime\n' >"$T/capshim.yaml"
	observe timeout 60 /usr/bin/python3 "$T/groups.py" "$T/capshim" -c "$T/capshim.yaml" -- /bin/sh -c \
		'tr " " "\n" </proc/self/status | grep -c "^1[0-6]....$"'
	assert_success
	assert_output 65535 # and the first stands behind a tab
}

@test "a limit that is too low for a start ends it, before or after the drop; one that is high enough changes nothing" {
	local limit RAN=0 KEEP=KILL

	odd
	for limit in nofile={0..9} nproc={0,1} as={0,1000000,4000000} data=0 stack={0,8192,65536} fsize=0 memlock=0 sigpending=0; do
		observe timeout 20 prlimit "--$limit:${limit#*=}" "$START" --clean -- "$T/capshim" -c "$T/capshim.yaml" -- "$T/probe" </dev/null
		if [ "$status" = 0 ]; then
			assert_unprivileged 1234 kill
			RAN=$((RAN + 1))
		elif [[ $output = *uid=* ]]; then
			assert_line uid=1234,1234,1234,1234 # and then the probe itself had too little
		else
			refute_workload
		fi
	done
	[ "$RAN" -ge 5 ]
}

# answered ERRNO CALL[:ARGUMENT]: what /proc says of the workload of $T/capshim.yaml, behind a filter that answers so each
# time; the fixture deny has the words. Nothing where it does not run, or cannot read or write.
answered() {
	timeout -k 1 20 "$START" --clean --groups 0,42 --personality 0x40000 --fd 9 -- "${PROBE%/*}/deny" "$1" "$2" \
		"$T/capshim" -c "$T/capshim.yaml" -- /bin/cat /proc/self/status /proc/self/personality 2>/dev/null </dev/null |
		grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|[0-9a-f]{8}$)'
}

@test "each call of a start, answered by the runtime's filter with 0 or an error each time: the same privileges, or none" {
	local numbers call option errno same=0 got all=() config wanted

	[ -z "${MACHINE:-}" ] || return 0 # the filter sees the emulator's calls
	numbers=$(echo '#include <sys/syscall.h>' | gcc -dM -E - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\1 \2/p')
	odd # for the config
	for call in $(strace -f -qq -e signal=none "$T/capshim" -c "$T/capshim.yaml" -- /bin/true 2>&1 | sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' | sort -u); do
		[[ $call == @(prctl|execve|arch_prctl) ]] || all+=("$(sed -n "s/^$call //p" <<<"$numbers")")
	done
	[ "${#all[@]}" -ge 30 ]
	for option in 3 4 7 8 21 22 23 24 27 28 36 37 38 39 47; do
		all+=("$(sed -n 's/^prctl //p' <<<"$numbers"):$option")
	done
	for config in 'cap_add: []' 'cap_add: [KILL]'; do
		printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' "$config" >"$T/capshim.yaml"
		wanted=$(answered 38 999)
		[[ $wanted == *$'Groups:\t '*NoNewPrivs:*$'\n00000000' ]] || fail "$wanted"
		for call in "${all[@]}"; do
			for errno in 0 1 22 38; do
				got=$(answered $errno "$call") || continue
				[ "$got" = "$wanted" ] || fail "$config, $call, $errno: $got" || return
				same=$((same + 1))
			done
		done
	done
	[ "$same" -ge 60 ] || fail "only $same ran"
}
