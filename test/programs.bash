# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# Loaded by the tests of steps that start programs, after helpers.

setup() {
	test_dir
	install -m 0755 "$PROBE" "$T/probe" # where the trust rule accepts it
	WORKLOAD=("$PROBE")
	mkdir "$T/data"
	chown 1234:1234 "$T/data"
	# How long a process of this test sleeps: its name, too. None of them holds the output, which would be waited for.
	MARK=3$RANDOM$RANDOM
}

teardown() {
	# What a failed test would leave; otherwise there is nothing.
	[ -z "${MARK:-}" ] || pkill -KILL -f "sleep $MARK" || true
}

# config: what stands before the steps on standard input.
config() {
	printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
	cat
}

# steps [OPTION ...]: runs the steps on standard input, then the workload as 1234; options are capshim_run's.
steps() {
	capshim_run "$@" -- -- "${WORKLOAD[@]}" < <(config)
}

in_image() {
	image_make
	WORKLOAD=(/probe)
	mkdir -p "$IMAGE/data"
	chown 1234:1234 "$IMAGE/data"
}

# Puts a shell into the image, with what it needs.
image_shell() {
	local file

	for file in $(ldd /bin/dash /bin/sleep "$(command -v setsid)" | grep -o '/[^ :]*' | sort -u) \
		/bin/dash /bin/sleep "$(command -v setsid)"; do
		install -D -m 0755 "$file" "$IMAGE$file"
	done
	mkdir -p "$IMAGE/bin"
	install -m 0755 /bin/dash "$IMAGE/bin/sh"
	install -m 0755 /bin/sleep "$IMAGE/bin/sleep"
}

as_app() {
	timeout 10 setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}

# observed FILE: what a probe of a step wrote becomes $output, for assert_probe.
observed() {
	output=$(<"$1")
	status=0
}

assert_gone() {
	assert_equal "$(pgrep -f "sleep $MARK" | wc -l)" 0
}

# script PATH TEXT
script() {
	printf '%s\n' "$2" >"$1"
	chmod 0755 "$1"
}
