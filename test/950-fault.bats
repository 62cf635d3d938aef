#!/usr/bin/env bats
# bats file_tags=long:60
# Every system call between capshim's start and the workload's fails, and then lies: the short form of make test-faults; and
# of make test-kills: the setup is killed behind every call that changes files, and the next start must repair it.

load helpers

# shellcheck disable=SC2034 # bats reads it when the test begins
BATS_TEST_TIMEOUT=600

# sweep CONFIG: no outcome but the two good ones, and there was something to judge.
sweep() {
	run timeout 500 python3 "$REPO/test/faults/sweep.py" --short --only "$1"
	assert_success
	assert_output --regexp '[1-9][0-9]+ refused, [1-9][0-9]+ harmless, .* 0 died, 0 escapes'
}

@test "a minimal config" {
	sweep minimal
}

@test "kept capabilities" {
	sweep kept
}

@test "the default filter" {
	sweep default-filter
}

@test "a compiled profile" {
	sweep compiled
}

@test "steps" {
	sweep steps
}

@test "init" {
	sweep init
}

@test "a start without root" {
	sweep nonroot
}

@test "killed in a setup, on ground of the workload's" {
	run timeout 500 python3 "$REPO/test/faults/sweep.py" --kills --short --only few
	assert_success
	assert_output --regexp '[1-9][0-9]+ repaired, [0-9]+ not reached, 0 unrepaired'
}

@test "two containers on one volume, ended and stopped at random moments" {
	run timeout 300 python3 "$REPO/test/faults/storm.py" 4
	assert_success
	assert_equal "$(grep -cE ' [1-9][0-9]* volumes, .*, 0 bad$' <<<"$output")" 4
}
