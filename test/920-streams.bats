#!/usr/bin/env bats
# bats file_tags=long:40
# shellcheck disable=SC2030,SC2031,SC2034,SC2153 # each test is a subshell; NAME, MOUNT and FRONT are docker.bash's
# shellcheck disable=SC1003 # a backslash is a key here
# Standard streams, terminals and signals as `docker run` really connects them, with a client on the other end.

load helpers
load engine
load docker

setup_file() {
	export BATS_TEST_TIMEOUT=300
	docker_image
}

setup() {
	docker_setup
	EXEC=('user: app') INIT=('user: app' 'init: true')
}

teardown() {
	docker_teardown
}

# both_modes COMMAND ...: with capshim becoming the workload, and with it staying as its init.
both_modes() {
	docker_config "${EXEC[@]}"
	MODE='exec' "$@" || fail "becoming the workload: $*" || return
	docker_config "${INIT[@]}"
	MODE='init' "$@" || fail "with init: true: $*"
}

# streams IN OUT WHAT-IS-READ: what the last run's workload had, and that it could open its standard output by name.
streams() {
	assert_unprivileged 1234 || return
	assert_line --regexp "^stdio\.0=$1:" || return
	assert_line --regexp "^stdio\.1=$2:1234:" || return
	assert_line --regexp "^stdio\.2=$2:1234:" || return
	assert_probe dev_stdout ok fds 0,1,2 stdin "$3" || return
	[ "$MODE" = init ] || assert_probe pid 1
}

observed=(-- /probe --write-stdout-path --read-stdin)

@test "without -i there is nothing to read, whatever the client has" {
	local case

	for case in /dev/null "$T/file"; do
		echo "not for the container" >"$T/file"
		both_modes without_i "$case"
	done
}

without_i() {
	docker_run "${observed[@]}" <"$1"
	streams device pipe ''
}

# Not with a closed descriptor: the client then takes one of its own connections for standard input.
@test "-i with a file, a pipe and /dev/null" {
	printf 'one\ntwo' >"$T/file"
	both_modes with_file
	both_modes with_pipe
	both_modes with_null
}

with_file() {
	docker_run -i "${observed[@]}" <"$T/file"
	streams pipe pipe 'one\x0atwo'
}

with_pipe() {
	docker_run -i "${observed[@]}" < <(printf 'one\n' && sleep 0.5 && printf 'two')
	streams pipe pipe 'one\x0atwo'
}

with_null() {
	docker_run -i "${observed[@]}" </dev/null
	streams pipe pipe ''
}

@test "standard output and error arrive apart" {
	both_modes apart
}

apart() {
	timeout 60 docker run --rm --network none "${MOUNT[@]}" "$DOCKER_IMAGE" /probe >"$T/out" 2>"$T/err" </dev/null
	grep -qx 'uid=1234,1234,1234,1234' "$T/out" || return
	run cat "$T/err"
	assert_output ''
	timeout 60 docker run --rm --network none "${MOUNT[@]}" "$DOCKER_IMAGE" /nowhere >"$T/out" 2>"$T/err" \
		</dev/null || true
	run cat "$T/out"
	assert_output '' || return
	run cat "$T/err"
	assert_output --partial 'capshim: cannot execute "/nowhere"'
}

@test "-t: a terminal on all three, also where the client has none" {
	both_modes with_t
}

with_t() {
	docker_run -t -- /probe --write-stdout-path </dev/null
	assert_unprivileged 1234 && assert_probe dev_stdout ok sid 1 foreground "$(probe_value pid)" || return
	[ "$(grep -cE '^stdio\.[012]=terminal:1234:' <<<"$output")" = 3 ]
}

@test "-it: the workload reads what is typed, and its output is shown" {
	FRONT=("$TERMINAL" expect env.HOME type 'typed\n^D' expect 'stdin=typed' --)
	both_modes typed
}

typed() {
	docker_run -it "${observed[@]}"
	assert_line status=0 && assert_unprivileged 1234 || return
	assert_probe foreground "$(probe_value pid)" pgid "$(probe_value pid)" sid 1 dev_stdout ok || return
	[ "$(grep -cE '^stdio\.[012]=terminal:1234:' <<<"$output")" = 3 ]
}

@test "-it: control-C and control-backslash reach the workload, once" {
	FRONT=("$TERMINAL" expect ready type '^C' expect 2 type '^\' expect 3 --)
	both_modes interrupted
	# What handles neither: an init makes INT end it, the kernel protects a process 1 from it.
	FRONT=("$TERMINAL" expect env.HOME type '^C' --)
	docker_config "${INIT[@]}"
	docker_run -it -- /probe --sleep 30
	assert_line status=130
	FRONT=("$TERMINAL" expect env.HOME type '^C' pause 200 type 'still here\n^D' expect stdin= --)
	docker_config "${EXEC[@]}"
	docker_run -it -- /probe --read-stdin
	assert_line status=0
	assert_probe stdin 'still here\x0a'
}

interrupted() {
	docker_run -it -- /signals 2
	assert_line status=0 || return
	# Each of them once; the terminal echoes what was typed.
	run grep -oE '[23]$' <<<"${output/status=*/}"
	assert_output $'2\n3'
}

@test "-it: the exit status is the workload's" {
	FRONT=("$TERMINAL" --)
	both_modes status_of
}

status_of() {
	docker_run -it -- /probe --exit 7
	assert_line status=7 || return
	docker_run -it -- /nowhere
	assert_line status=127 && refute_workload
}

@test "-it: the size of the window is the client's, and a change of it is heard" {
	FRONT=("$TERMINAL" size 30 expect ready pause 300 size 41 expect 28 --)
	both_modes resized
}

resized() {
	docker_run -it -- /signals 1 --default 18
	assert_line status=0
}

@test "-d: what both streams got is in the log" {
	both_modes logged
}

logged() {
	docker_start -- /probe --write-stdout-path --read-stdin --exit 3 || return
	docker_ended 3 || return
	docker_logs
	status=0
	streams device pipe '' || return
	timeout 30 docker rm "$NAME"
}

@test "docker stop: TERM reaches the workload, and its status is the container's" {
	both_modes stopped
	# What does not handle TERM: behind an init it ends by it.
	docker_config "${INIT[@]}"
	docker_start -- /probe --sleep 60
	wait_until docker_says env.HOME=/data
	timeout 30 docker stop -t 20 "$NAME"
	docker_ended 143
}

stopped() {
	docker_start -- /signals 1 || return
	wait_until docker_says 'ready [0-9]+' || return
	timeout 30 docker stop -t 20 "$NAME" || return
	docker_ended 0 || return
	docker_logs
	assert_line 15 || return
	timeout 30 docker rm "$NAME"
}

@test "docker stop and a process 1 that does not handle TERM: killed, 137, as without capshim" {
	docker_config "${EXEC[@]}"
	docker_start -- /probe --sleep 60
	wait_until docker_says env.HOME=/data
	timeout 30 docker stop -t 1 "$NAME"
	docker_ended 137
}

@test "docker kill -s: each signal reaches the workload" {
	both_modes killed
}

killed() {
	docker_start -- /signals 3 || return
	wait_until docker_says 'ready [0-9]+' || return
	local signal number
	while read -r signal number; do
		timeout 20 docker kill -s "$signal" "$NAME" || return
		wait_until docker_says "$number" || return
	done <<-'END'
		HUP 1
		USR1 10
		RTMIN+3 37
	END
	docker_ended 0 || return
	timeout 30 docker rm "$NAME"
}

@test "docker restart: the setup again, the drop again, on the files of before" {
	local steps=('setup:' '  - {mkdir: /var/lib/state, mode: 0700, owner: workload}'
		'  - {write: /var/lib/state/seen, content: "yes", owner: workload}')

	EXEC+=("${steps[@]}") INIT+=("${steps[@]}")
	both_modes restarted
}

restarted() {
	docker_start -- /probe --try-regain --signal-log || return
	wait_until docker_says ready=1 || return
	timeout 40 docker restart -t 1 "$NAME" >/dev/null || return
	wait_until started_twice || return
	docker_logs
	[ "$(grep -cx 'uid=1234,1234,1234,1234' <<<"$output")" = 2 ] || return
	[ "$(grep -cx 'regain.setuid=EPERM' <<<"$output")" = 2 ] || return
	output=$(tac <<<"$output") # the second one's
	status=0
	assert_unprivileged 1234 && assert_no_way_back || return
	timeout 30 docker rm -f "$NAME"
}

started_twice() {
	[ "$(timeout 20 docker logs "$NAME" 2>&1 | grep -cx ready=1)" = 2 ]
}

@test "--init: with Docker's own init the workload holds the same" {
	both_modes behind_tini
	# What the workload leaves is adopted by ours, not by Docker's: it can wait for it.
	docker_config 'user: app' 'init: {wait_until: all}'
	SECONDS=0
	docker_run --init -- /probe --fork-sleep 3 </dev/null
	assert_unprivileged 1234
	[ "$SECONDS" -ge 3 ]
	# Docker's init passes signals on to ours, and ours to the workload.
	docker_config "${INIT[@]}"
	docker_start --init -- /signals 1
	wait_until docker_says 'ready [0-9]+'
	timeout 30 docker stop -t 20 "$NAME"
	docker_ended 0
	docker_logs
	assert_line 15
}

behind_tini() {
	docker_run --init -- /probe --try-regain --exit 5 </dev/null
	assert_equal "$status" 5 || return
	status=0
	assert_unprivileged 1234 && assert_no_way_back || return
	[ "$(probe_value pid)" != 1 ] || return
	# Exactly one of the two stands between it and process 1 where capshim stays.
	[ "$MODE" = init ] || assert_probe ppid 1 || return
	[ "$MODE" = 'exec' ] || refute_line ppid=1
}

@test "--user by number, with and without a group, known or not: stays, with nothing and no way to more" {
	local who id

	docker_config 'user: app' 'on_nonroot: {setup: skip, ids: any}'
	while read -r who id; do
		docker_run --user "$who" --read-only --security-opt no-new-privileges -- /probe --try-regain </dev/null
		assert_success
		assert_probe uid "$id,$id,$id,$id" permitted '' effective '' inheritable '' ambient '' no_new_privs 1 \
			regain.setuid EPERM regain.setgid "$([[ $who == *:* ]] && echo EPERM || echo ok)" \
			regain.capset EPERM regain.setgroups EPERM regain.chroot EPERM
	done <<-'END'
		1234:1234 1234
		2345:44 2345
		77777:77777 77777
		77777 77777
	END
	# Docker gives a number that no passwd file knows the group 0, and so has the workload.
	assert_probe gid 0,0,0,0
}
