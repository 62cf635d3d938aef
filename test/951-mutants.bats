#!/usr/bin/env bats
# bats file_tags=long:20
# The drop and the proof with a statement less, or in another order: the short form of make test-mutants.

load helpers

# shellcheck disable=SC2034 # bats reads it when the test begins
BATS_TEST_TIMEOUT=600

@test "a sample of the mutants of the drop and of the proof: every one is noticed" {
	run timeout 500 python3 "$REPO/test/faults/mutate.py" --short
	assert_success
	assert_output --regexp '^[1-9][0-9]+ mutants: [0-9]*.*killed by a fault, [1-9][0-9]* killed by a start'
	refute_output --partial survived
}
