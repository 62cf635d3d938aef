# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # output and lines are bats'
# Loaded by the tests of the workload, after helpers.

setup() {
	test_dir
	image_make
	WITH=()
	MORE=/dev/null
	# A null device of the test's own: whoever gives away the machine's would leave it so.
	NULL=$T/null
	mknod -m 0666 "$NULL" c 1 3
}

teardown() {
	local mount

	for mount in "$T"/mount*; do
		! mountpoint -q "$mount" || umount -l "$mount"
	done
}

# workload [OPTION ...] [-- WORD ...] with lines of config on standard input: WORDs (default: /probe) as app in the
# image; the OPTIONs are capshim_run's.
workload() {
	local options=(--stdin "$NULL")

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -gt 0 ] || set -- -- /probe
	capshim_run --image "${options[@]}" -- "$@" < <(printf 'user: app\nseccomp: unconfined\n' && cat)
}

# json_lines: those of $output that jq reads as objects of ours; all but the workload's must be.
json_lines() {
	grep -v = <<<"$output" | jq -ce 'select(.event | startswith("capshim."))'
}

# under COMMAND ... -- WORD ...: COMMAND starts capshim, outside of the image, and that the WORDs. The start has the
# options WITH; the config is two lines and the file MORE.
under() {
	local front=()

	while [ "$1" != -- ]; do
		front+=("$1")
		shift
	done
	shift
	[ ${#front[@]} -eq 0 ] || front[0]=$(command -v "${front[0]}")
	cat <(printf 'user: "1234:1234"\nseccomp: unconfined\n') "$MORE" >"$T/config"
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin "${WITH[@]}" -- "${front[@]}" \
		"$CAPSHIM" -c "$T/config" -- "$@" <"$NULL"
}

# more LINE ...: the config of the next `under`.
more() {
	MORE=$T/more
	printf '%s\n' "$@" >"$MORE"
}

# script NAME LINE [MODE]: a file of the image that begins with LINE.
script() {
	printf '%s\n' "$2" >"$IMAGE/$1"
	chmod "${3:-0755}" "$IMAGE/$1"
}

# terminal COMMAND ...: COMMAND as the leader of a session with a terminal, as `docker run -t` starts it.
terminal() {
	observe timeout -k 5 20 script -qec "exec $(printf '%q ' "$@")" /dev/null <"$NULL"
	output=${output//$'\r'/}
	mapfile -t lines <<<"$output"
}

bit() {
	printf '0x%x' $((1 << ($1 - 1)))
}
