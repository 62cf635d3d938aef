#!/usr/bin/env bats
# bats file_tags=long:20
# Every pair of steps on one path, three starts each, with the least list of capabilities, and what a workload does in
# between (test/pairs.py): a file of its own, for each ground is a minute's work on a busy machine.

load helpers

setup_file() {
	export BATS_TEST_TIMEOUT=300
}

pairs() {
	export CAPSHIM START
	run timeout 280 python3 "$REPO/test/pairs.py" "$1"
	assert_success
	assert_output --regexp '^[0-9]+ pairs, [0-9]+ starts, 0 findings$'
}

@test "two steps on one path, three starts: a volume of the workload's" {
	pairs owned
}

@test "two steps on one path, three starts: a volume whose group may write" {
	pairs fsgroup
}

@test "two steps on one path, three starts: a sticky volume that all may write" {
	pairs sticky
}

@test "two steps on one path, three starts: a directory of root's alone" {
	pairs root
}
