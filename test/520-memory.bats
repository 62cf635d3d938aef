#!/usr/bin/env bats
# Where the memory ends. A file of its own, for what brings an allocator or a machine of its own cannot run it.

load helpers

setup() {
	test_dir
}

@test "without memory for the proof the start is refused" {
	local size groups pads='' proof=0
	groups=$(seq -s , 100001 119900)
	# Many short values: a long one is not taken from the heap's pieces.
	for ((size = 0; size < 40 && !proof; size++)); do
		printf '{user: "1234:1234", seccomp: unconfined, supplementary_groups: [%s], ulimits: {as: 1}, environment: {%s}}' \
			"$groups" "$pads" >"$T/capshim.yaml"
		pads+="PAD$size: \"$(printf '%20000s' '' | tr ' ' x)\", "
		capshim_run --config "$T/capshim.yaml" -- -- "$PROBE"
		[ "$status" -ne 0 ]
		refute_workload
		! [[ $status == 112 && $output == *'cannot prove "the supplementary groups": Out of memory'* ]] || proof=1
	done
	assert_equal "$proof" 1
}

@test "10,000 groups are told in a line without more memory than they need" {
	local report
	ulimit -v 65536
	for report in text json; do
		capshim_run -- -- "$PROBE" --exit 0 <<-END
			user: "1234:1234"
			supplementary_groups: [$(seq -s , 100001 110000)]
			seccomp: unconfined
			report: $report
		END
		assert_success
	done
}
