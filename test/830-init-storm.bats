#!/usr/bin/env bats
# bats file_tags=long:20
# shellcheck disable=SC2154 # status, output and lines are bats'
# Init mode under load: orphans and signals in great numbers.

load helpers
load init

setup() {
	init_setup
	init_config
}

teardown() {
	init_teardown
}

@test "10,000 orphans of two stages: none is left" {
	init_start "$T/storm" orphans 10000 2000
	wait_until 200 grep -qxE 'made=10000 left=0 growth=0' "$LOG"
	init_end
	assert_success
}

@test "100,000 short-lived orphans: none is left, and the init has not grown" {
	init_start "$T/storm" orphans 100000
	wait_until 200 grep -q made= "$LOG"
	init_end
	assert_success
	assert_output 'made=100000 left=0 growth=0'
}

@test "one SIGCHLD stands for any number of children" {
	mkfifo -m 0666 "$T/go"
	init_start /bin/sh -c "echo begun; read -r go <$T/go; exec $T/storm orphans 500 1000"
	init_logged begun
	# While it is stopped, from outside of its PID namespace, all of them end.
	kill -STOP "$INIT"
	echo >"$T/go"
	wait_until zombies 500
	kill -CONT "$INIT"
	init_logged 'made=500 left=0.*'
	init_end
	assert_success
}

zombies() {
	[ "$(pgrep -P "$INIT" -r Z | wc -l)" = "$1" ]
}

@test "orphans keep no signal and no end waiting" {
	# Two that make orphans for ever; the workload gets each of its signals, and ends.
	init_start /bin/sh -c "$T/storm orphans 100000000 & $T/storm orphans 100000000 & exec $T/signals 20"
	init_logged 'ready [0-9]+'
	for signal in {34..52}; do
		kill "-$signal" "$INIT"
		init_logged "$signal"
	done
	kill -TERM "$INIT"
	init_end
	assert_success
}

@test "a storm of 100,000 signals: as many reach the workload as the kernel took" {
	init_start "$T/signals" 100000 --tally
	init_logged 'ready [0-9]+'
	run timeout 200 "$T/storm" signals "$INIT" 40 100000
	assert_output queued=100000
	wait_until 200 grep -q signals= "$LOG"
	init_end
	assert_success
	assert_line signals=100000
}

@test "the end of the workload is seen among a storm of signals that mean nothing" {
	local sender

	init_start /bin/sh -c "exec sleep 1"
	"$T/storm" signals "$INIT" 17 100000000 >/dev/null 2>&1 3>&- &
	sender=$!
	init_end
	kill "$sender" 2>/dev/null || :
	assert_success
}
