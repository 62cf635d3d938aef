#!/usr/bin/env bats
# Where the memory ends. A file of its own, for what brings an allocator or a machine of its own cannot run it.

load helpers

setup() {
	test_dir
}

@test "without memory for the proof the start is refused" {
	local size groups pads='' proof=0
	groups=$(seq -s , 100001 119900)
	# Many short values: a long one is not taken from the heap's pieces. With the mark libyaml reads them, and takes more.
	for ((size = 0; size < 40 && !proof; size++)); do
		printf -- '--- {user: "1234:1234", seccomp: unconfined, supplementary_groups: [%s], ulimits: {as: 1}, environment: {%s}}' \
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

@test "120,000 failures of a step take no more memory than one" {
	mkdir "$T/tree" && (cd "$T/tree" && seq 12000 | xargs touch)
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {chown: [$(printf "$T/tree, %.0s" {1..10})], recursive: true, on_error: warn}" >"$T/capshim.yaml"
	# By one process: others would share the tree.
	observe taskset -c "$(taskset -pc $$ | grep -Eo '[0-9]+$')" "$START" --bounding none -- \
		prlimit --as=$((12 << 20)) "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_line --regexp ': 120010 failures in all$'
}
