#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # others' variables are used here, and each test is a subshell
# Signals that come during the start: none is lost. strace(1) holds capshim up at one call, until it is killed: by then
# the signal has been sent.

load helpers
load init

# All but KILL and STOP.
ALL_BLOCKED=fffffffffffbfeff

setup() {
	init_setup
}

teardown() {
	init_teardown
}

# held CALL [--plain] [--with OPTION ...] [--] WORD ...: init_start, until capshim has blocked all signals; it, and what it
# forks, is held up at the first CALL of each process.
held() {
	local call=$1 around=(unshare --fork --pid --mount-proc --kill-child)
	local with=(--clean --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--plain) around=() ;;
		--with) with+=("$2") && shift ;;
		*) break ;;
		esac
		shift
	done
	[ "${1:-}" != -- ] || shift
	: >"$LOG"
	rm -f "$T/go"
	mkfifo -m 0666 "$T/go"
	# shellcheck disable=SC2016 # for the shell that waits
	"${around[@]}" env --default-signal=INT --default-signal=QUIT "$START" "${with[@]}" -- \
		/bin/sh -c 'read -r go <"$0"; exec "$@"' "$T/go" "$CAPSHIM" -c "$T/capshim.yaml" "${OPTIONS[@]}" -- "$@" \
		</dev/null >>"$LOG" 2>&1 3>&- &
	OUTER=$!
	wait_until shell_waits
	# Only now, for the start state takes such calls as well.
	strace -f -qq -o /dev/null -e signal=none -e "trace=$call" -e "inject=$call:delay_enter=120000000:when=1" -p "$INIT" \
		</dev/null >>"$LOG" 2>&1 3>&- &
	disown
	wait_until traced
	echo >"$T/go"
	wait_until all_blocked
}

# It is what was started, or the child of unshare.
shell_waits() {
	for INIT in "$OUTER" $(pgrep -P "$OUTER"); do
		! tr '\0' ' ' <"/proc/$INIT/cmdline" | grep -q '^/bin/sh -c read' || return 0
	done
	INIT=''
	return 1
}

traced() {
	[ "$(init_status TracerPid)" -gt 0 ]
}

all_blocked() {
	[ "$(init_status SigBlk)" = $ALL_BLOCKED ]
}

# send SIGNAL ...: to it, and lets it go on.
send() {
	local signal

	for signal; do
		kill "-$signal" "$INIT"
	done
	kill -KILL "$(init_status TracerPid)"
}

forked() {
	pgrep -P "$INIT"
}

@test "init: a signal that comes while both processes drop reaches the workload" {
	local where call

	init_config
	for where in '' --plain; do
		for call in setresgid setresuid; do
			# The workload has it blocked, and asks for it.
			held $call $where --with --block --with 15 "$T/signals" 1
			wait_until forked
			send TERM
			init_end
			assert_success
			assert_line 15
		done
		# By its default it ends the workload.
		held setresuid $where /bin/sleep 100
		wait_until forked
		send TERM
		init_end
		assert_failure 143
	done
}

@test "in every start, with and without an init: a signal during the drop is not lost" {
	local start word with

	for start in minimal nonroot nonroot_ambient userns; do
		start_state $start
		with=()
		for word in "${STATE[@]}"; do
			with+=(--with "$word")
		done
		init_config
		held capset "${with[@]}" --with --block --with 15 "$T/signals" 1
		wait_until forked
		send TERM
		init_end
		assert_equal "$start $status $(grep -cx 15 "$LOG")" "$start 0 1"
		init_config 'init: false'
		held capset "${with[@]}" "$T/signals" 1
		send TERM
		init_end
		assert_equal "$start $status $(grep -c ready "$LOG")" "$start 143 0"
	done
}

@test "init: many signals of one start, each once, and none that is not mapped" {
	local signal

	init_config 'init: {signal_map: {USR1: USR2, HUP: ignore}}'
	for signal in 1 10 12 28 34 50; do
		with+=(--with --block --with "$signal")
	done
	held setresuid "${with[@]}" "$T/signals" 4
	wait_until forked
	send 1 10 28 34 50
	init_end
	assert_success
	assert_equal "$(grep -v ready "$LOG" | sort | paste -sd' ')" '12 28 34 50'
}

@test "init: stop_grace_period begins with a signal of the start as well" {
	init_config 'init: {stop_grace_period: 1s}'
	held setresuid --with --block --with 15 "$T/signals" 100
	wait_until forked
	send TERM
	init_end
	assert_failure 137
	assert_line 15
}

@test "without an init: a blocked signal of the start waits for the workload" {
	local where

	init_config 'init: false'
	for where in '' --plain; do
		held getresuid $where --with --block --with 15 "$T/signals" 1
		send TERM
		init_end
		assert_success
		assert_line 15
	done
}

@test "without an init: a request to stop ends the start with 128+n, also as process 1" {
	local where signal call

	init_config 'init: false'
	for where in '' --plain; do
		for signal in 1 2 3 15; do
			held getresuid $where "$T/signals" 1
			send $signal
			init_end
			assert_failure $((128 + signal))
			refute_output --partial ready
		done
		held setresuid $where "$T/signals" 1
		send TERM
		init_end
		assert_failure 143
		refute_output --partial ready
	done
}

@test "without an init: signals ignored at the start change nothing" {
	local where

	init_config 'init: false'
	for where in '' --plain; do
		held getresuid $where --with --ignore --with 15 "$T/probe"
		send TERM
		init_end
		assert_success
		assert_probe ignored 0x4000 blocked 0x0
	done
	# And for process 1 the kernel drops what only a handler could take.
	held getresuid "$T/probe"
	send USR1
	init_end
	assert_success
	assert_probe ignored 0x0 blocked 0x0
}

@test "a request to stop before the first step: no step runs" {
	local where mode

	for mode in true false; do
		init_config "init: $mode" "setup: [{mkdir: $T/made}]"
		for where in '' --plain; do
			held getresuid $where "$T/probe"
			send TERM
			init_end
			assert_failure 143
			refute_workload
			assert [ ! -e "$T/made" ]
		done
	done
}

@test "a signal that is ignored at the start interrupts no step" {
	init_config 'init: false' "setup: [{write: $T/in/made, content: text}]"
	mkdir "$T/in"
	held pwrite64 --plain --with --ignore --with 1 "$T/probe"
	wait_until compgen -G "$T/in/.capshim-*"
	send HUP
	init_end
	assert_success
	assert_equal "$(cat "$T/in/made")" text
}

@test "a request to stop after the last step: the workload does not run" {
	local where

	init_config 'init: false' "setup: [{mkdir: $T/made}]"
	for where in '' --plain; do
		held setresgid $where "$T/probe"
		wait_until test -e "$T/made"
		wait_until all_blocked
		send TERM
		init_end
		assert_failure 143
		refute_workload
		rmdir "$T/made"
	done
}

@test "command: pause ends with 0 on a signal that comes before it has dropped" {
	init_config 'command: pause'
	held setresuid
	send TERM
	init_end
	assert_success
	assert_output ''
}

@test "what only reports ends on a signal, also as process 1" {
	init_config
	OPTIONS=(--explain)
	held getresuid
	send TERM
	init_end
	assert_failure 143
}
