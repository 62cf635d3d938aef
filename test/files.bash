# shellcheck shell=bash
# shellcheck disable=SC2154 # status, output and lines are bats'
# shellcheck disable=SC2119,SC2120 # the bats files give it arguments
# Loaded by the tests of mkdir, chown, chmod, remove, symlink and mknod, after helpers. Each test says what a step does, does
# again, refuses, needs, and does where it may not write.

setup() {
	test_dir
	D=$T/data
	mkdir "$D"
}

# config: makes the steps on standard input the config.
config() {
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		cat
	} >"$T/capshim.yaml"
}

# steps [OPTION ...]: runs the steps on standard input.
steps() {
	config
	capshim_run --config "$T/capshim.yaml" "$@"
}

# read_only: the same where the file system that holds $D is mounted read-only.
read_only() {
	config
	observe timeout 20 unshare -m bash -c "mount --bind $T $T && mount -o remount,bind,ro $T &&
		exec $CAPSHIM -c $T/capshim.yaml"
}

# state PATH ...: owner, mode and type of each.
state() {
	stat -c '%u:%g %a %F' "$@"
}

# What is in $D, on one line.
names() {
	find "$D" -mindepth 1 -maxdepth 1 -printf '%P\n' | LC_ALL=C sort | xargs
}

# assert_again: the steps once more succeed and change nothing, not even a time of last change.
assert_again() {
	local before after

	before=$(find "$D" -printf '%p %y %U %G %m %l %C@\n' | sort)
	capshim_run --config "$T/capshim.yaml"
	assert_success
	after=$(find "$D" -printf '%p %y %U %G %m %l %C@\n' | sort)
	assert_equal "$after" "$before"
}

# assert_wrong TEXT: --check refuses the steps on standard input and says TEXT, and nothing is done.
assert_wrong() {
	steps
	assert_failure 100
	assert_output --partial "$1"
}
