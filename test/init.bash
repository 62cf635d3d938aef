# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# Loaded by the tests of init mode, after helpers: a capshim that stays, and how to watch it from outside.

# init_setup: in setup(). The programs that the workload's user starts, where it can reach them.
init_setup() {
	local fixture

	test_dir
	for fixture in probe signals storm pry; do
		install -m 0755 "${PROBE%/*}/$fixture" "$T/$fixture"
	done
	INIT='' OUTER='' LOG=$T/log
}

# init_teardown: nothing may outlive a test. The end of a PID namespace's process 1 is the end of all in it.
init_teardown() {
	[ -z "$INIT" ] || kill -KILL "$INIT" 2>/dev/null || :
	[ -z "$OUTER" ] || kill -KILL "$OUTER" 2>/dev/null || :
	[ -z "${T:-}" ] || pkill -KILL -f "^$T/" || :
}

# init_config [LINE ...]: $T/capshim.yaml, for a workload with uid 1234. One line of "init:" must be among them, or it
# is `true`.
init_config() {
	{
		printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none'
		[[ "$*" == *'command: none'* ]] || echo 'ulimits: {core: 0}'
		[[ "$*" == *'command: '* ]] || echo 'seccomp: unconfined'
		[[ "$*" == *init:* || "$*" == *pause* || "$*" == *none* ]] || echo 'init: true'
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
}

# init_start [--plain] [--with OPTION ...] [--] WORD ...: starts it in the background, as process 1 of a new PID
# namespace, or (--plain) as any process. Its pid, as seen from here, is in INIT; what it and the workload write in LOG.
init_start() {
	# A shell starts what runs in the background with INT and QUIT ignored.
	local plain='' clean=(env --default-signal=INT --default-signal=QUIT)
	local with=(--clean --env "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--plain) plain=1 ;;
		--with) with+=("$2") && shift ;;
		*) break ;;
		esac
		shift
	done
	[ "${1:-}" != -- ] || shift
	: >"$LOG"
	if [ -n "$plain" ]; then
		"${clean[@]}" "$START" "${with[@]}" -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$@" \
			</dev/null >>"$LOG" 2>&1 3>&- &
		OUTER=$! INIT=$!
		return
	fi
	unshare --fork --pid --mount-proc "${clean[@]}" "$START" "${with[@]}" -- "$CAPSHIM" -c "$T/capshim.yaml" -- \
		"$@" </dev/null >>"$LOG" 2>&1 3>&- &
	OUTER=$!
	wait_until init_began
	INIT=$(pgrep -P "$OUTER") || INIT=''
}

init_began() {
	pgrep -P "$OUTER" || init_ended
}

# init_logged TEXT: waits until a line of the log is TEXT (a pattern of grep -E, the whole line).
init_logged() {
	wait_until grep -qxE "$1" "$LOG" || {
		cat "$LOG"
		return 1
	}
}

# init_end: waits for the end; sets $status and $output as bats' run does.
init_end() {
	wait_until init_ended || return
	status=0
	wait "$OUTER" || status=$?
	INIT='' OUTER=''
	output=$(cat "$LOG")
	mapfile -t lines <<<"$output"
}

# A shell's child that has ended stays a zombie until it is waited for.
init_ended() {
	! kill -0 "$OUTER" || [ "$(init_state "$OUTER")" = Z ]
}

# init_state PID: the letter of proc(5): R, S, T, Z …
init_state() {
	sed 's/.*) //; s/ .*//' "/proc/$1/stat"
}

# init_status KEY: that line of its /proc/PID/status, blanks as one.
init_status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$INIT/status" | tr -s '[:space:]' ' ' | sed 's/ $//'
}

# init_settled: until it sleeps in its loop. To be called once the workload runs.
init_settled() {
	wait_until init_in_loop
}

# It also sleeps before its loop, until a pipe says that the workload has dropped: that pipe is closed in the loop.
init_in_loop() {
	[ ! -L "/proc/$INIT/fd/4" ] && init_in_state S
}

init_in_state() {
	[ "$(init_state "$INIT")" = "$1" ]
}

# workload_pid: the pid of its first child, as seen from here.
workload_pid() {
	pgrep -P "$INIT" | head -n 1
}
