#!/usr/bin/env bats
# bats file_tags=long:20
# The seeds of the fuzz targets, with sanitizers: whatever a target found once stays found. "make fuzz" looks for more.

load helpers

FUZZ_DIR=${FUZZ_DIR:-$REPO/build/fuzz}

@test "the seeds of every fuzz target, the golden configs and the examples: nothing crashes, leaks or breaks a rule" {
	local target count=0

	for target in "$FUZZ_DIR"/bin/*; do
		FUZZ=$FUZZ_DIR run timeout -k 10 60 "$BATS_TEST_DIRNAME/fuzz/run" --replay "${target##*/}"
		assert_success
		assert_output --regexp "^${target##*/}: [0-9]+ inputs\$"
		count=$((count + 1))
	done
	# As many as there are sources of targets.
	[ "$count" = "$(grep -lw LLVMFuzzerTestOneInput "$BATS_TEST_DIRNAME"/fuzz/*.c | wc -l)" ]
}
