#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031 # each test is a subshell; what stands in single quotes is for eval
# --verify: finds each process and thread that holds more than the config names, and nothing else. Real engines are in
# test/940-beside.bats.

load helpers
load beside

setup() {
	beside_setup
	install -m 0755 "${PROBE%/*}/uneven" "${PROBE%/*}/storm" "${PROBE%/*}/deny" "$IMAGE/"
	# A process that has all that the config names, but for what an option changes: ours, started beside capshim.
	CLEAN=(--with --nnp --with --bounding --with none --with --gid --with 1234)
}

teardown() {
	beside_teardown
}

# verify [OPTION ...]: in the container, by an exec.
verify() {
	container_exec /capshim --verify "$@"
}

@test "twenty clean containers: nothing is found, whatever the start and the config" {
	local config start count=0
	local configs=('seccomp: unconfined' 'cap_add: [NET_BIND_SERVICE, KILL]' 'init: true' $'init: true\ncap_add: KILL')

	for config in "${configs[@]}"; do
		for start in root docker nnp minimal nonroot; do
			[[ $start != @(nonroot|minimal) ]] || config=${config//cap_add:/cap_add_optional:}
			container_config etc/capshim.yaml < <(printf '%s\n' 'user: app' "$config" \
				"$([ "$start" != nonroot ] || echo 'supplementary_groups: none')")
			container_start --start "$start" -- -- /probe --sleep 60
			verify
			assert_success || fail "$start, $config: $output" || return
			assert_output --regexp '^(1 process, 1 thread|2 processes, 2 threads): none holds more than "/etc/capshim.yaml" names'
			container_stop
			count=$((count + 1))
		done
	done
	assert_equal "$count" 20
}

@test "the ids are compared with the config, not with those of who asks" {
	container_config etc/capshim.yaml <<<$'user: app\nsupplementary_groups: none'
	container_start --start nonroot -- -- /probe --sleep 60
	verify
	assert_success
	container_exec --start root --with --gid --with 2345 --with --uid --with 2345 /capshim --verify
	assert_success
	# The config is changed, as an update of an image or of a ConfigMap does.
	container_config etc/capshim.yaml <<<$'user: other\nsupplementary_groups: none'
	verify
	assert_failure 112
	assert_line --regexp '^capshim: pid 1 probe: Uid 1234; Gid 1234; CapBnd '
	container_config etc/capshim.yaml <<<$'user: other\non_nonroot: {ids: any}\nsupplementary_groups: none'
	verify
	assert_success
	container_stop
	container_config etc/capshim.yaml <<<$'user: app'
	container_start --start docker -- -- /probe --sleep 60
	container_exec --start root --with --gid --with 1234 --with --uid --with 1234 /capshim --verify
	assert_success
}

@test "a root exec, a set-user-ID program, and what they started" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start --start docker -- -- /probe --sleep 60
	container_beside /probe --sleep 60
	verify
	assert_failure 112
	assert_equal "${#lines[@]}" 1
	assert_line --regexp '^capshim: pid [0-9]+ probe: Uid 0; Gid 0; CapPrm CapEff CapBnd CAP_CHOWN, .*; NoNewPrivs 0: started beside capshim, by docker exec\?$'
	install -m 4755 "$PROBE" "$IMAGE/suid"
	container_beside --with --gid --with 1234 --with --uid --with 1234 /suid --sleep 60
	verify
	assert_failure 112
	assert_equal "${#lines[@]}" 2
	assert_line --regexp '^capshim: pid [0-9]+ suid: Uid 1234 0 0 0; CapPrm '
}

@test "one thing too many is found by itself: user, group, groups, each set, no_new_privs, filter" {
	local -A cases=(['Uid 77']='--uid 77' ['Gid 77']='--gid 77 --uid 1234' ['group 7']='--groups 7,44 --uid 1234')
	local wanted

	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	for wanted in 'Uid 77' 'Gid 77' 'group 7'; do
		# shellcheck disable=SC2046,SC2086 # words
		container_beside "${CLEAN[@]}" $(printf -- '--with %s ' ${cases[$wanted]}) /probe --sleep 60
		verify
		assert_failure 112
		assert_line --regexp "^capshim: pid [0-9]+ probe: $wanted\$" || return
	done
	assert_equal "${#lines[@]}" 3
	container_beside --with --nnp --with --bounding --with kill --with --gid --with 1234 --with --uid --with 1234 /probe --sleep 60
	verify
	assert_line --regexp '^capshim: pid [0-9]+ probe: CapBnd CAP_KILL$'
	container_beside --with --nnp --with --bounding --with kill,setpcap --with --gid --with 1234 --with --keepcaps \
		--with --uid --with 1234 --with --ambient --with kill /probe --sleep 60
	verify
	assert_line --regexp '^capshim: pid [0-9]+ probe: CapInh CapPrm CapEff CapAmb CAP_KILL; CapBnd CAP_KILL, CAP_SETPCAP$'
	container_beside --with --bounding --with none --with --gid --with 1234 --with --uid --with 1234 /probe --sleep 60
	verify
	assert_line --regexp '^capshim: pid [0-9]+ probe: NoNewPrivs 0: started beside capshim, by docker exec\?$'
}

@test "a process without the filter" {
	container_config etc/capshim.yaml <<<'user: app'
	container_start -- -- /probe --sleep 60
	container_beside "${CLEAN[@]}" --with --uid --with 1234 /probe --sleep 60
	verify
	assert_failure 112
	assert_line --regexp '^capshim: pid [0-9]+ probe: 0 seccomp filters instead of 1$'
	container_stop
	# A runtime's own does not stand for it.
	container_start --entry '/deny 38 999 /capshim --' -- /probe --sleep 60
	container_exec /deny 38 999 /capshim --verify
	assert_success
	container_beside "${CLEAN[@]}" --with --uid --with 1234 /deny 38 999 /probe --sleep 60
	container_exec /deny 38 999 /capshim --verify
	assert_failure 112
	assert_line --regexp '^capshim: pid [0-9]+ probe: 1 seccomp filter instead of 2$'
}

@test "a thread that holds more than the thread that the process is named after" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	container_beside /uneven 1234 44
	verify
	assert_failure 112
	assert_equal "${#lines[@]}" 1
	assert_line --regexp '^capshim: pid [0-9]+ thread [0-9]+ uneven: Uid 0; Gid 0; CapPrm CapEff CapBnd '
}

@test "a list of processes or of threads that cannot be read: 111, and no verdict" {
	local call number count=0

	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	install -m 0755 "$FAULT" "$IMAGE/fault"
	container_start -- -- /probe --sleep 60
	container_beside /uneven 1234 44
	container_exec /fault --list /calls -- /capshim --verify
	assert_failure 112
	while read -r _ call number _; do
		[ "$number" -eq 217 ] || continue # getdents64
		container_exec /fault --at "0:$call" --value -5 -- /capshim --verify
		assert_failure 111 || return
		assert_output --partial 'cannot read "/proc/' || return
		count=$((count + 1))
	done <"$IMAGE/calls"
	[ "$count" -ge 4 ] # of /proc, and of the threads of the second process
}

@test "kept capabilities may be held, and a process that keeps SETUID may have any uid" {
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: [SETUID, SETGID]\ncap_add_optional: [KILL]\nseccomp: unconfined'
	container_start -- -- /start --groups 7 --gid 7 --uid 77 -- /probe --sleep 60
	verify
	assert_success
	sed -i 's/, SETGID//' "$IMAGE/etc/capshim.yaml"
	verify
	assert_failure 112
	assert_line --partial 'Gid 7; group 7; CapInh CapPrm CapEff CapBnd CapAmb CAP_SETGID'
}

@test "an init that is a stranger, and a container that did not come through capshim" {
	container_config etc/capshim.yaml <<<'user: app'
	container_start --entry '/probe --sleep 60'
	verify
	assert_failure 112
	assert_line --regexp '^capshim: pid 1 probe: Uid 0; .*; NoNewPrivs 0; 0 seccomp filters instead of 1$'
}

@test "names that lie: control characters are shown, and end no line" {
	local name

	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	name=$'\nUid:\t9\e[2J"\\\x9b'
	install -m 0755 "$PROBE" "$IMAGE/$name"
	container_beside "/$name" --sleep 60
	verify
	assert_failure 112
	assert_equal "${#lines[@]}" 1
	assert_line --regexp '^capshim: pid [0-9]+ \\nUid:\\x099\\x1b\[2J"\\\\\\x9b: Uid 0; '
	assert_equal "$(LC_ALL=C grep -c '[^ -~]' <<<"$output" || :)" 0
	container_exec /capshim --verify=json
	jq -e '.holdMore | length == 1' <<<"$output"
}

@test "zombies hold nothing, and a process that ends while it is read is not a fault" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	# Root's, and its parent is gone: process 1 does not wait for it.
	container_exec /storm orphans 3 0
	wait_until eval "pgrep --ns $CONTAINER --nslist pid --runstates Z"
	verify
	assert_success
	assert_output --partial '1 process, 1 thread: '
	container_stop
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined\ninit: true'
	container_start -- -- /probe --sleep 60
	container_exec /capshim --as-workload -- /storm orphans 100000000 0 &
	wait_until pgrep --ns "$CONTAINER" --nslist pid -u 1234 -x storm
	for _ in {1..20}; do
		verify
		assert_success || return
	done
	container_stop
	wait $!
}

@test "a hundred processes" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	container_words "${CLEAN[@]}" --with --uid --with 1234 /probe --out /dev/null --sleep 60
	for _ in {1..100}; do
		"${WORDS[@]}" </dev/null >/dev/null 2>&1 3>&- &
	done
	wait_until eval 'verify && [[ $output == "101 processes"* ]]'
	assert_success
}

@test "from outside: the processes of one PID namespace, by a process of it" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	container_beside "${CLEAN[@]}" --with --uid --with 1234 /probe --sleep 60
	observe "$CAPSHIM" --user 1234:1234 --groups 44 --seccomp unconfined --verify "$CONTAINER"
	assert_success
	assert_output '2 processes, 2 threads: none holds more than "command line" names (securebits are not visible)'
	observe "$CAPSHIM" --user 1234:1234 --groups none --seccomp unconfined --verify=json "$CONTAINER"
	assert_failure 112
	jq -e '.processes == 2 and .config == "command line" and (.holdMore | length) == 1 and .holdMore[0].more == ["group 44"] and
		.notVisible == ["securebits"]' <<<"$output"
	observe "$CAPSHIM" --user 1234:1234 --verify 4194305
	assert_failure 111
	assert_output --partial '/proc/4194305'
}

@test "in a user namespace: clean, the same by --as-workload, and a root exec is found" {
	local inside
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: [44]' 'seccomp: unconfined' 'cap_add: [KILL]' >"$T/capshim.yaml"
	# shellcheck disable=SC2153 # of helpers
	"$START" --userns 0:0:65536 --clean -- /usr/bin/unshare --pid --mount --fork --mount-proc --kill-child \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" --sleep 60 </dev/null >"$LOG" 2>&1 3>&- &
	OUTER=$!
	wait_until grep -q ^uid= "$LOG" || fail "$(cat "$LOG")"
	CONTAINER=$(pgrep -P "$OUTER")
	inside=(timeout 30 nsenter --target "$CONTAINER" --user --pid --mount --setuid 0 --setgid 0)
	observe "${inside[@]}" "$CAPSHIM" -c "$T/capshim.yaml" --verify
	assert_success
	assert_output --partial '1 process, 1 thread: none holds more'
	observe "${inside[@]}" "$CAPSHIM" -c "$T/capshim.yaml" --as-workload -- "$PROBE"
	assert_unprivileged 1234 kill
	assert_probe groups 44
	"${inside[@]}" "$PROBE" --sleep 60 </dev/null >"$T/beside.log" 2>&1 3>&- &
	disown
	wait_until grep -q ^uid= "$T/beside.log"
	observe "${inside[@]}" "$CAPSHIM" -c "$T/capshim.yaml" --verify
	assert_failure 112
	assert_output --partial 'Uid 0; Gid 0'
	refute_output --partial 'pid 1 '
}

@test "by the workload itself, also as a health check" {
	container_config etc/capshim.yaml <<<'user: app'
	container_start -- -- /probe --sleep 60
	container_exec /capshim --as-workload -- /capshim --verify
	assert_success
	container_beside "${CLEAN[@]}" --with --uid --with 1234 /probe --sleep 60
	container_exec /capshim --as-workload -- /capshim --verify
	assert_failure 112
	assert_line --partial '0 seccomp filters instead of 1'
}

@test "a /proc that hides processes, or is missing, proves nothing" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	nsenter --target "$CONTAINER" --mount mount -o remount,hidepid=2 proc "$IMAGE/proc"
	verify
	assert_success
	container_exec --start root --with --gid --with 1234 --with --uid --with 1234 /capshim --verify
	assert_failure 111
	assert_output --partial hidepid
	# Docker's root does not have CAP_SYS_PTRACE either, and does not see what another user runs with more: it is in group
	# 0, which hidepid=2 shows everything without gid=.
	nsenter --target "$CONTAINER" --mount mount -o remount,hidepid=2,gid=5 proc "$IMAGE/proc"
	container_beside --with --keepcaps --with --gid --with 33 --with --uid --with 33 --with --ambient --with kill \
		/probe --sleep 60
	verify
	assert_failure 112
	container_exec --start docker /capshim --verify
	assert_refused 111 hidepid CAP_SYS_PTRACE
	container_exec --start docker /capshim --inspect all
	assert_refused 111 hidepid CAP_SYS_PTRACE
	container_exec --start docker /capshim --inspect
	assert_success
	container_exec /capshim --inspect all
	assert_success
	assert_line --partial 'Uid         33 33 33 33'
	container_stop
	container_start --no-proc -- -- /probe --sleep 60
	verify
	assert_failure 111
	assert_output --partial '"/proc"'
}

@test "what cannot be verified: 100" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start -- -- /probe --sleep 60
	container_config etc/none.yaml <<<'command: none'
	container_exec /capshim -c /etc/none.yaml --verify
	assert_refused 100 'command: none'
	container_config etc/bad.yaml <<<'user: nosuch'
	container_exec /capshim -c /etc/bad.yaml --verify
	assert_refused 100 nosuch
	verify 1 2
	assert_refused 100 --verify
	verify one
	assert_refused 100 '"one"'
	verify ''
	assert_refused 100 'takes the number of a process: ""'
	# In a container of its own there is nobody to look at.
	observe unshare --fork --pid --mount-proc "$CAPSHIM" --user 1234:1234 --verify
	assert_refused 100 'no process 1'
}
