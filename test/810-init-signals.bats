#!/usr/bin/env bats
# bats file_tags=long:20
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# shellcheck disable=SC2154 # status, output and lines are bats'
# Init mode: what becomes of the signals that PID 1 gets, job control, and how it ends.

load helpers
load init

# Every signal that can be forwarded: not KILL and STOP, which the kernel keeps, and CHLD, which is the init's own.
FORWARDED="$(echo {1..8} {10..16} 18 {20..64})"

setup() {
	init_setup
}

teardown() {
	init_teardown
}

# logged SIGNALS [PREFIX]: waits until the log has exactly these, in this order, behind PREFIX.
logged() {
	wait_until same_log "$1" "${2:-}" || {
		cat "$LOG"
		return 1
	}
}

same_log() {
	[ "$(sed -n "s/^$2\([0-9]*\)$/\1/p" "$LOG" | tr '\n' ' ')" = "$1 " ]
}

# send_all: one after the other, each only when the last has come through, for several standard signals become one.
send_all() {
	local signal sent=''

	for signal in $FORWARDED; do
		kill "-$signal" "$INIT"
		sent+="$signal"
		logged "$sent" "${1:-}" || return
		sent+=' '
	done
}

@test "every signal is forwarded, the real-time ones and those that libc hides included" {
	init_config
	init_start "$T/signals" 61
	init_logged 'ready [0-9]+'
	send_all
	init_end
	assert_success
}

@test "the same elsewhere than as PID 1" {
	init_config
	init_start --plain "$T/signals" 61
	init_logged 'ready [0-9]+'
	send_all
	init_end
	assert_success
}

@test "signal_target: process is the workload alone, group is its process group" {
	init_config 'init: {signal_target: process}'
	init_start "$T/signals" 2 --twin
	init_logged 'ready [0-9]+'
	init_logged 'twin ready [0-9]+'
	kill -TERM "$INIT"
	logged 15
	kill -USR1 "$INIT"
	logged '15 10'
	run grep -c '^twin [0-9]' "$LOG"
	assert_output 0
	init_teardown

	init_config 'init: {signal_target: group}'
	init_start "$T/signals" 2 --twin
	init_logged 'ready [0-9]+'
	init_logged 'twin ready [0-9]+'
	kill -TERM "$INIT"
	logged 15
	logged 15 'twin '
	kill -USR1 "$INIT"
	init_end
	assert_success
	logged '15 10'
	logged '15 10' 'twin '
}

@test "group: every signal reaches every member" {
	init_config 'init: {signal_target: group}'
	init_start "$T/signals" 61 --twin
	init_logged 'ready [0-9]+'
	init_logged 'twin ready [0-9]+'
	send_all 'twin '
	logged "$FORWARDED"
	init_end
	assert_success
}

@test "signal_map: another signal, or none" {
	init_config 'init: {signal_map: {TERM: QUIT, HUP: ignore, RTMIN+3: USR2, USR1: RTMAX}}'
	init_start "$T/signals" 5
	init_logged 'ready [0-9]+'
	kill -TERM "$INIT"
	logged 3
	kill -HUP "$INIT"
	kill -37 "$INIT"
	logged '3 12'
	kill -USR1 "$INIT"
	logged '3 12 64'
	kill -QUIT "$INIT"
	logged '3 12 64 3'
	kill -INT "$INIT"
	init_end
	assert_success
	logged '3 12 64 3 2'
}

@test "a signal that was ignored or blocked at the start is forwarded too" {
	init_config
	init_start --with --ignore --with 1 --with --block --with 15 "$T/signals" 2
	init_logged 'ready [0-9]+'
	kill -HUP "$INIT"
	logged 1
	kill -TERM "$INIT"
	init_end
	assert_success
	logged '1 15'
}

@test "a SIGCHLD from anybody is not believed" {
	init_config
	init_start "$T/signals" 1
	init_logged 'ready [0-9]+'
	kill -CHLD "$INIT"
	kill -CHLD "$INIT"
	init_settled
	kill -USR1 "$INIT"
	init_end
	assert_success
	logged 10
}

@test "a signal whose target is gone ends nothing" {
	init_config 'init: {signal_target: group, wait_until: all}'
	init_start /bin/sh -c "setsid $T/signals 1 & exec sleep 0.1"
	init_logged 'ready [0-9]+'
	# The workload's group is empty by then; as PID 1 what is left are all the others.
	wait_until only_orphan
	kill -USR1 "$INIT"
	logged 10
	init_end
	assert_success
}

only_orphan() {
	orphans_only 1
}

# orphans_only COUNT: its children are so many of $T/signals, and no other.
orphans_only() {
	[ "$(pgrep -P "$INIT" | wc -l)" = "$1" ] && [ "$(pgrep -P "$INIT" -f "^$T/signals" | wc -l)" = "$1" ]
}

@test "TSTP, TTIN and TTOU suspend both, CONT resumes both" {
	local signal

	init_config
	for signal in 20 21 22; do
		init_start --plain --with --group "$T/signals" 2 --default $signal
		init_logged 'ready [0-9]+'
		kill -$signal "$INIT"
		wait_until both_in_state T T
		kill -CONT "$INIT"
		wait_until both_in_state S S
		logged 18
		kill -TERM "$INIT"
		init_end
		assert_success
		logged '18 15'
	done
}

# both_in_state INIT WORKLOAD
both_in_state() {
	init_in_state "$1" && [ "$(init_state "$(workload_pid)")" = "$2" ]
}

@test "a stop right behind a CONT suspends both again, and ends nothing" {
	init_config
	init_start --plain --with --group /bin/sleep 60
	wait_until workload_pid
	init_settled
	kill -TSTP "$INIT"
	wait_until both_in_state T T
	# In real time, and on the init's processor: it does not run between the two, and the second takes the first back.
	python3 - "$INIT" <<-'END'
		import os, signal, sys
		init = int(sys.argv[1])
		os.sched_setaffinity(init, {0})
		os.sched_setaffinity(0, {0})
		os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
		os.kill(init, signal.SIGCONT)
		os.kill(init, signal.SIGTSTP)
	END
	wait_until both_in_state T T
	kill -CONT "$INIT"
	wait_until both_in_state S S
	kill -TERM "$INIT"
	init_end
	assert_equal "$status" 143
}

@test "a workload that handles TSTP is not suspended, nor is the init" {
	init_config
	init_start --plain "$T/signals" 2
	init_logged 'ready [0-9]+'
	kill -TSTP "$INIT"
	logged 20
	both_in_state S S
	kill -TERM "$INIT"
	init_end
	assert_success
}

@test "TSTP does not stop a workload under PID 1, because nothing could continue it" {
	init_config
	init_start "$T/signals" 3 --default 20
	init_logged 'ready [0-9]+'
	kill -TSTP "$INIT"
	logged 18
	wait_until both_in_state S S
	# Whoever stops it with STOP means it.
	kill -STOP "$(workload_pid)"
	wait_until both_in_state S T
	kill -CONT "$INIT"
	logged '18 18'
	wait_until both_in_state S S
	kill -TERM "$INIT"
	init_end
	assert_success
	logged '18 18 15'
}

@test "wait_until: main leaves with the workload, all with the last of its descendants" {
	# The orphan takes a session of its own, and ends when the test says.
	local workload="setsid sh -c 'echo begun; until [ -e $T/go ]; do sleep 0.05; done; echo ended' & exit 3"

	init_config 'init: {wait_until: main}'
	init_start /bin/sh -c "$workload"
	init_end
	assert_failure 3
	refute_line ended

	init_config 'init: {wait_until: all}'
	init_start /bin/sh -c "$workload"
	init_logged begun
	sleep 0.3
	init_settled
	touch "$T/go"
	init_end
	assert_failure 3
	assert_line ended

	rm "$T/go"
	init_start --plain /bin/sh -c "$workload"
	init_logged begun
	sleep 0.3
	init_settled
	touch "$T/go"
	init_end
	assert_failure 3
	assert_line ended
}

# Three, each in a session of its own but for the first, and each the child of the one before.
FAMILY="setsid sh -c 'setsid \$0 2 & exec \$0 2' \$0 & exec \$0 3"

# lines COUNT TEXT: so many lines of the log are like TEXT.
lines_are() {
	[ "$(grep -cxE "$2" "$LOG")" = "$1" ]
}

@test "wait_until: all: a stop signal reaches every descendant, in other groups and sessions too" {
	local where

	init_config 'init: {wait_until: all, signal_map: {INT: USR2}}'
	# Of the same user, and no descendant.
	"$START" --groups none --gid 1234 --uid 1234 -- "$T/signals" 100 >"$T/other" 3>&- &
	other=$!
	wait_until grep -q ready "$T/other"
	for where in '' --plain; do
		init_start $where /bin/sh -c "$FAMILY" "$T/signals"
		wait_until lines_are 3 'ready [0-9]+'
		kill -TERM "$INIT"
		wait_until lines_are 3 15
		kill -HUP "$INIT" # no stop signal: for the workload alone
		wait_until lines_are 1 1
		kill -INT "$INIT"
		init_end
		assert_success
		wait_until lines_are 3 12
		lines_are 1 1
	done
	kill -0 $other
	kill -KILL $other
	assert_equal "$(grep -vc ready "$T/other")" 0
}

@test "wait_until: all: KILL reaches them as well when the grace is over, and the last to end is waited for" {
	local where

	init_config 'init: {wait_until: all, stop_grace_period: 1s}'
	for where in '' --plain; do
		init_start $where /bin/sh -c "${FAMILY//[23]/100}" "$T/signals"
		wait_until lines_are 3 'ready [0-9]+'
		kill -TERM "$INIT"
		init_end
		assert_failure 137
		lines_are 3 15
		no_signals
		# The workload has ended, and the others have not.
		init_start $where /bin/sh -c "setsid $T/signals 100 & setsid $T/signals 100 & exec sleep 0.1"
		wait_until lines_are 2 'ready [0-9]+'
		wait_until orphans_only 2
		kill -TERM "$INIT"
		init_end
		assert_success
		lines_are 2 15
		no_signals
	done
}

init_is_grandchild() {
	INIT=$(pgrep -P "$(pgrep -P "$OUTER")")
}

@test "wait_until: all: another's /proc is not believed, and then the workload is stopped as without it" {
	init_config 'init: {wait_until: all, signal_target: group, stop_grace_period: 1s}'
	# In a PID namespace of its own it is not process 1, and /proc shows the one outside.
	unshare --fork --pid --kill-child sh -c '"$@" & wait $!' sh "$START" --clean --env PATH=/usr/bin:/bin -- \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$T/signals" 100 --twin </dev/null >"$LOG" 2>&1 3>&- &
	OUTER=$!
	wait_until lines_are 2 '(twin )?ready [0-9]+'
	init_is_grandchild
	kill -TERM "$INIT"
	init_end
	lines_are 1 15
	lines_are 1 'twin 15'
	assert_failure 137
}

@test "group: the rest of the group gets TERM at the end" {
	init_config 'init: {signal_target: group}'
	init_start --plain /bin/sh -c "$T/signals 1 & until grep -q ready $LOG; do sleep 0.05; done; exit 4"
	init_end
	assert_failure 4
	logged 15
}

@test "stop_grace_period: what did not end in time is killed" {
	local signal where

	for where in '' --plain; do
		for signal in TERM INT QUIT; do
			init_config 'init: {stop_grace_period: 1s}'
			init_start $where "$T/signals" 100
			init_logged 'ready [0-9]+'
			kill -$signal "$INIT"
			init_end
			assert_failure 137
		done
	done
}

# By the timeout of the call that it sleeps in: the third argument of rt_sigtimedwait(2).
waits_for_ever() {
	init_in_state S && grep -q ' 0x0 0x0 ' "/proc/$INIT/syscall"
}

@test "stop_signals: these start the grace, and no others" {
	local signal

	for signal in 28 37; do
		init_config 'init: {stop_grace_period: 1s, stop_signals: [WINCH, RTMIN+3]}'
		init_start "$T/signals" 100
		init_logged 'ready [0-9]+'
		kill -TERM "$INIT"
		logged 15
		kill -USR1 "$INIT"
		logged '15 10'
		wait_until waits_for_ever
		kill -$signal "$INIT"
		init_end
		assert_failure 137
		logged "15 10 $signal"
	done
}

@test "stop_grace_period: a workload that became another user ends with process 1" {
	local other=$((100000 + $$)) # nobody else's

	init_config 'init: {stop_grace_period: 1s}' 'cap_add: [SETUID]'
	init_start python3 -c 'import os, time
os.setresuid('"$other, $other, $other"')
print("ready", flush=True)
time.sleep(20)'
	init_logged ready
	kill -TERM "$INIT"
	init_end
	assert_failure 137
	run pgrep -u "$other"
	assert_failure
}

@test "a workload that became another user gets no signal from the init, also where it keeps KILL" {
	local other=$((100000 + $$)) # nobody else's

	init_config 'cap_add: [SETUID, KILL]'
	init_start python3 -c 'import os, signal
os.setresuid('"$other, $other, $other"')
signal.signal(signal.SIGTERM, lambda *_: print("TERM", flush=True))
signal.signal(signal.SIGUSR1, lambda *_: print("end", flush=True))
print("ready", flush=True)
while True:
	signal.pause()'
	init_logged ready
	kill -TERM "$INIT"
	init_settled
	# The workload does get what others send: it would have said TERM first.
	pkill -USR1 -u "$other"
	init_logged end
	run grep TERM "$LOG"
	assert_failure
}

@test "wait_until: all: an orphan of root's, as docker exec leaves, holds process 1 no longer than the grace" {
	init_config 'init: {wait_until: all, stop_grace_period: 1s}'
	init_start /bin/sh -c 'echo ready; sleep 0.3; exit 3'
	init_logged ready
	nsenter -t "$INIT" -p sh -c "$T/signals 100 >/dev/null 3>&- &"
	wait_until only_orphan
	init_settled
	kill -TERM "$INIT"
	init_end
	assert_failure 3
	no_signals
}

@test "stop_grace_period: nothing else starts it, and an end in time is the workload's own" {
	init_config 'init: {stop_grace_period: 100s, signal_map: {QUIT: ignore}}'
	init_start "$T/signals" 3
	init_logged 'ready [0-9]+'
	kill -QUIT "$INIT"
	kill -HUP "$INIT"
	logged 1
	wait_until waits_for_ever
	kill -TERM "$INIT"
	logged '1 15'
	kill -USR1 "$INIT"
	init_end
	assert_success
	logged '1 15 10'
}

@test "stop_grace_period: all that is left is killed" {
	init_config 'init: {stop_grace_period: 1s, wait_until: all}'
	# As PID 1 also what has a session of its own, elsewhere the workload's process group.
	init_start /bin/sh -c "setsid $T/signals 100 & exec sleep 0.1"
	init_logged 'ready [0-9]+'
	wait_until only_orphan
	kill -TERM "$INIT"
	init_end
	assert_success
	run pgrep -f "^$T/signals"
	assert_failure

	init_start --plain /bin/sh -c "$T/signals 100 & exec sleep 0.1"
	init_logged 'ready [0-9]+'
	wait_until only_orphan
	kill -TERM "$INIT"
	init_end
	assert_success
	wait_until no_signals
}

no_signals() {
	! pgrep -f "^$T/signals"
}

@test "without stop_grace_period it waits for as long as it takes" {
	init_config
	init_start "$T/signals" 2
	init_logged 'ready [0-9]+'
	kill -TERM "$INIT"
	logged 15
	wait_until waits_for_ever
	kill -TERM "$INIT"
	init_end
	assert_success
}

@test "a SEGV from outside is a signal like any other" {
	init_config
	init_start --plain "$T/signals" 1
	init_logged 'ready [0-9]+'
	kill -SEGV "$INIT"
	init_end
	assert_success
	logged 11
}

@test "TERM, INT, QUIT and HUP during the setup abort the step and the container with 128+n" {
	local signal where

	init_config 'setup: [{run: [/bin/sh, -c, "echo step; exec sleep 100"]}]'
	for where in '' --plain; do
		for signal in 15 2 3 1; do
			init_start $where "$T/probe"
			init_logged step
			kill -$signal "$INIT"
			init_end
			assert_failure $((128 + signal))
			refute_workload
		done
	done
}
