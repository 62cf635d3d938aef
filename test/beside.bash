# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # variables are helpers' and the bats files'
# Loaded by the tests of what is started beside a workload, after helpers: a container of IMAGE that stays, without an engine,
# and what an engine's exec would start in it.

# beside_setup: in setup(). IMAGE also holds /start, which prepares what is executed.
beside_setup() {
	test_dir
	image_make
	install -m 0755 "$START" "$IMAGE/start"
	LOG=$T/log OUTER='' CONTAINER=''
}

beside_teardown() {
	[ -z "$OUTER" ] || container_stop
}

# container_config FILE: standard input becomes that file of the image, a config.
container_config() {
	mkdir -p "$(dirname "$IMAGE/$1")"
	cat >"$IMAGE/$1"
	chmod 0644 "$IMAGE/$1"
}

# container_start [--start STATE] [--no-proc] [--entry WORDS] [-- WORD ...]: a container of IMAGE in the background, whose
# config is /etc/capshim.yaml unless the entry point says otherwise. CONTAINER is its process 1, as seen from here.
# What it writes goes to LOG; the workload says "uid=" first, as the probe does.
container_start() {
	local mounts=(--proc "$IMAGE") entry=/capshim STATE=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--start) start_state "$2" && shift ;;
		--entry) entry=$2 && shift ;;
		--no-proc) mounts=() ;;
		esac
		shift
	done
	[ $# -eq 0 ] || shift
	STARTED=("${STATE[@]}")
	: >"$LOG" # of the one before
	# shellcheck disable=SC2086 # the entry point is words
	unshare --fork --pid --mount --kill-child "$START" --container "$IMAGE" "${mounts[@]}" \
		--chroot "$IMAGE" --clean --env PATH=/ --env HOME=/root --env GIVEN=yes --groups none "${STATE[@]}" \
		-- $entry "$@" </dev/null >"$LOG" 2>&1 3>&- &
	OUTER=$!
	wait_until grep -q ^uid= "$LOG" || fail "$(cat "$LOG")"
	CONTAINER=$(pgrep -P "$OUTER")
}

# Its process 1 as well: the signal that it should get when its parent ends is lost with the change of its user.
container_stop() {
	kill -KILL "$OUTER" "$CONTAINER" 2>/dev/null || :
	wait "$OUTER" 2>/dev/null || :
	OUTER='' CONTAINER=''
}

# container_words [--start STATE] [--with OPTION] [--] WORD ...: sets WORDS to what an engine's exec would do: WORD is started
# in the container beside its workload, as the container itself was started or as STATE says.
container_words() {
	local STATE=("${STARTED[@]}") with=()

	while [ $# -gt 0 ]; do
		case $1 in
		--start) start_state "$2" && shift ;;
		--with) with+=("$2") && shift ;;
		*) break ;;
		esac
		shift
	done
	[ "${1:-}" != -- ] || shift
	WORDS=(nsenter --target "$CONTAINER" --pid --mount --root /start --cwd / --clean --env PATH=/ --env HOME=/root
		--env GIVEN=yes --groups none "${STATE[@]}" "${with[@]}" -- "$@")
}

# container_exec [OPTION ...] WORD ...: runs it; sets $status, $output and $lines.
container_exec() {
	container_words "$@"
	observe timeout -k 5 20 "${WORDS[@]}" </dev/null
}

# container_beside [OPTION ...] WORD ...: the same in the background, until the container ends. It says "uid=" when it is what
# it stays.
container_beside() {
	container_words "$@"
	: >"$T/beside.log"
	"${WORDS[@]}" </dev/null >"$T/beside.log" 2>&1 3>&- &
	disown # the end of the container is its end, and no news
	wait_until grep -q ^uid= "$T/beside.log" || fail "$(cat "$T/beside.log")"
}
