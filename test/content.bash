# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# shellcheck disable=SC2154 # output is bats'
# Loaded by the tests of steps that put content in place or change what is around, after helpers. Each: does it, does it
# again, wrong input, missing capability, read-only file system, links in every position.

setup() {
	test_dir
	PROGRAM=$PROBE
	# A volume: the workload of the previous start owned it and may have planted anything.
	mkdir "$T/data"
	chown 1234:1234 "$T/data"
}

# steps [OPTION ...]: runs the steps on standard input, then the probe as 1234; options are capshim_run's.
steps() {
	capshim_run "$@" -- -- "$PROGRAM" < <(
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
		cat
	)
}

in_image() {
	image_make
	PROGRAM=/probe
	mkdir -p "$IMAGE/data"
	chown 1234:1234 "$IMAGE/data"
}

# as_app COMMAND ...: as the workload of the previous start.
as_app() {
	timeout 10 setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}

# assert_stat FORMAT VALUE FILE, of stat(1); does not follow links.
assert_stat() {
	assert_equal "$(stat -c "$1" "$3")" "$2"
}

# assert_content FILE: byte for byte what standard input holds.
assert_content() {
	cat >"$T/expected"
	cmp "$T/expected" "$1" || fail "$1 holds other content"
}

# assert_trace LINE: what a step says it did.
assert_trace() {
	assert_line --partial "$1"
}

refute_leftovers() {
	assert_equal "$(find "$1" -name '.capshim*')" ''
}

# background COMMAND ...: ends with the test, and holds none of bats' descriptors.
background() {
	timeout 30 "$@" </dev/null >/dev/null 2>&1 3>&- &
	BACKGROUND+=("$!")
}

teardown() {
	local pid

	for pid in "${BACKGROUND[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}
