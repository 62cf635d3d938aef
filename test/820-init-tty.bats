#!/usr/bin/env bats
# shellcheck disable=SC1003,SC2016 # what stands in single quotes is for others to expand
# shellcheck disable=SC2154 # status, output and lines are bats'
# Init mode on a terminal, with a real one: test/fixtures/terminal.c is the user in front of it.

load helpers
load init

setup() {
	init_setup
	INTERACTIVE=(bash --norc --noprofile -i)
}

teardown() {
	init_teardown
}

# on_terminal [--pid1] [ACTION VALUE ...] -- COMMAND ...
on_terminal() {
	observe timeout -k 5 200 env -i PATH=/usr/bin:/bin TERM=dumb PS1='prompt> ' "${PROBE%/*}/terminal" "$@" 3>&-
	output=${output//$'\r'/}
	mapfile -t lines <<<"$output"
}

# The command, as in a container with a terminal: process 1, session leader, in the foreground.
container() {
	local actions=()

	while [ "$1" != -- ]; do
		actions+=("$1")
		shift
	done
	shift
	on_terminal --pid1 "${actions[@]}" -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$@"
}

# What a user types at a shell's prompt.
typed() {
	printf '%s -c %s -- %s\\n' "$CAPSHIM" "$T/capshim.yaml" "$*"
}

@test "the workload leads a process group of its own, and that is the terminal's foreground" {
	init_config
	container expect foreground= -- "$T/probe"
	assert_success
	assert_line status=0
	assert_equal "$(probe_value foreground)" "$(probe_value pgid)"
	assert_equal "$(probe_value pgid)" "$(probe_value pid)"
	assert_equal "$(probe_value sid)" 1
}

@test "control-C reaches the workload as without an init, and once" {
	init_config
	container expect ready type ^C pause 200 type '^\' -- "$T/signals" 2
	assert_success
	run grep -x '[0-9]*' <<<"$output"
	assert_output $'2\n3'

	# One that does not handle it dies of it, the init says so.
	container expect begun type ^C -- /bin/sh -c 'echo begun; exec sleep 100'
	assert_line status=130
}

@test "control-Z: under PID 1 the workload goes on, because no shell could continue it" {
	init_config
	container expect ready type ^Z expect 18 type ^C -- "$T/signals" 2 --default 20
	assert_success
	assert_line status=0
	# Without an init the kernel ignores it; both ways the next line comes.
	container expect begun type ^Z pause 300 type 'on\n' expect got:on -- \
		/bin/sh -c 'echo begun; read -r word; echo "got:$word"'
	assert_success
	assert_line status=0
}

@test "control-Z: a session leader that is not PID 1 goes on as well, for no shell could continue it" {
	init_config
	on_terminal expect ready type ^Z expect 18 type ^C expect 2 -- \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$T/signals" 2 --default 20
	assert_success
	assert_line status=0
	# Its shell leads the session, and is in its process group.
	on_terminal expect ready type ^Z expect 18 type ^C expect 2 expect code=0 -- \
		/bin/sh -c "$CAPSHIM -c $T/capshim.yaml -- $T/signals 2 --default 20; echo code=\$?"
	assert_success
	assert_line status=0
}

@test "the size of the window and the hang-up reach the workload" {
	init_config
	container expect ready size 33 expect 28 size 34 expect 28 -- "$T/signals" 2
	assert_success
	install -m 0666 /dev/null "$LOG"
	container expect begun hangup now -- /bin/sh -c \
		"trap 'echo hung up >$LOG; exit 3' HUP; echo begun; while :; do sleep 0.05; done"
	assert_line status=3
	assert_equal "$(cat "$LOG")" 'hung up'
}

@test "a hang-up ends a workload that does not expect it" {
	init_config
	container expect begun hangup now -- /bin/sh -c 'echo begun; exec sleep 100'
	assert_line status=129
}

@test "a shell under PID 1 has job control" {
	init_config
	container expect '> ' type "$T/signals 9 --default 20 --default 2\n" expect ready type ^Z expect Stopped \
		type 'fg\n' expect 18 type ^C expect '> ' type 'echo status $?\n' expect 'status 130' type 'exit 6\n' -- \
		"${INTERACTIVE[@]}"
	assert_success
	assert_line status=6
}

@test "under a shell control-Z suspends the whole job, fg resumes it, bg too" {
	init_config
	on_terminal expect '> ' type "$(typed "$T/signals" 4 --default 20)" expect ready \
		type ^Z expect Stopped expect '> ' type 'fg\n' expect 18 \
		type ^C expect 2 \
		type ^Z expect Stopped expect '> ' type 'bg\n' expect 18 type 'jobs\n' expect Running expect '> ' \
		type 'fg\n' expect signals pause 300 type ^C expect 2 expect '> ' type 'echo code=$?\n' expect code=0 \
		type 'exit\n' -- "${INTERACTIVE[@]}"
	assert_success
	assert_line status=0
}

@test "a job of several processes is suspended as one" {
	local job

	init_config
	# All of one user: an init that has given root away cannot stop root's shell.
	job="sh -c '$(typed "$T/signals" 2 --default 20 | sed 's/\\n$//'); echo code=\$?'"
	on_terminal expect '> ' type "$job\\n" expect ready type ^Z expect Stopped expect '> ' type 'fg\n' expect 18 \
		type ^C expect code=0 expect '> ' type 'exit\n' -- \
		"$START" --groups none --gid 1234 --uid 1234 -- "$(command -v bash)" "${INTERACTIVE[@]:1}"
	assert_success
	assert_line status=0
}

@test "in the background it does not take the terminal; reading stops it, fg hands it over" {
	init_config
	on_terminal expect '> ' type 'set -b\n' expect '> ' type "$(typed "$T/probe" | sed 's/\\n$//') &\\n" \
		expect foreground= expect env.HOME \
		type "$(typed "sh -c 'read -r word; echo got:\$word'" | sed 's/\\n$//') &\\n" \
		expect Stopped type '\n' expect '> ' type 'fg\n' expect got: type 'there\n' expect got:there \
		expect '> ' type 'exit\n' -- "${INTERACTIVE[@]}"
	assert_success
	assert_line status=0
	# The shell's own group was in front all the time, then the prompt's.
	refute [ "$(probe_value foreground)" = "$(probe_value pgid)" ]
}

@test "fg of a job that runs in the background hands the terminal on" {
	init_config
	cat >"$T/job" <<-'END'
		#!/bin/sh
		# job own|init WORD ...: once the terminal's foreground is its own process group, or that of its init.
		front() {
			read -r stat </proc/$$/stat && set -- "$1" $stat || return
			case $1 in own) [ "$6" = "$9" ] ;; init) [ "$5" = "$9" ] ;; esac
		}
		echo begun
		until front "$1"; do sleep 0.05; done
		echo in front
		shift
		exec "$@"
	END
	chmod 0755 "$T/job"
	# This shell sends CONT to whatever it takes to the front,
	on_terminal expect '> ' type "$(typed "$T/job own $T/probe" | sed 's/\\n$//') &\\n" \
		expect begun type 'fg\n' expect env.HOME expect '> ' type 'exit\n' -- /bin/dash -i
	assert_success
	assert_equal "$(probe_value foreground)" "$(probe_value pgid)"
	# this one only to those that were stopped: the init hands the terminal on when its workload reads.
	on_terminal expect '> ' type "$(typed "$T/job init sh -c 'read -r word; echo got:\$word'" | sed 's/\\n$//') &\\n" \
		expect begun type 'fg\n' expect 'in front' type 'there\n' expect got:there expect '> ' type 'exit\n' -- \
		"${INTERACTIVE[@]}"
	assert_success
	refute_output --partial Stopped
}

@test "the terminal is handed back at the end" {
	init_config
	# A shell without job control does not take it back by itself.
	on_terminal expect first type 'more\n' expect got:more -- /bin/sh -c \
		"$CAPSHIM -c $T/capshim.yaml -- /bin/echo first; read -r word; echo got:\$word"
	assert_success
	assert_line status=0
	on_terminal expect first type ^C expect code=130 type 'more\n' expect got:more -- /bin/sh -c \
		"trap : INT; $CAPSHIM -c $T/capshim.yaml -- /bin/sh -c 'echo first; exec sleep 100'; echo code=\$?
		read -r word; echo got:\$word"
	assert_success
	assert_line status=0
}

@test "the terminal is found where standard input is something else" {
	init_config
	on_terminal expect env.HOME -- /bin/sh -c "$CAPSHIM -c $T/capshim.yaml -- $T/probe </dev/null"
	assert_success
	assert_equal "$(probe_value foreground)" "$(probe_value pgid)"
	on_terminal expect got:there -- /bin/sh -c \
		"echo there | $CAPSHIM -c $T/capshim.yaml -- /bin/sh -c 'read -r word; echo got:\$word'"
	assert_success
}

@test "new_session: the workload has no terminal, and gets what the terminal sends to PID 1" {
	init_config 'init: true' 'new_session: true'
	container expect ready type ^C expect 2 -- "$T/signals" 1
	assert_success
	assert_line status=0
	container expect foreground=none -- "$T/probe"
	assert_equal "$(probe_value sid)" "$(probe_value pid)"
}

@test "signal_target: group and new_session go together" {
	init_config 'init: {signal_target: group}' 'new_session: true'
	init_start "$T/signals" 1 --twin
	init_logged 'ready [0-9]+'
	init_logged 'twin ready [0-9]+'
	kill -USR1 "$INIT"
	init_end
	assert_success
	assert_line 10
	assert_line 'twin 10'
}
