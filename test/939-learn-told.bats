#!/usr/bin/env bats
# bats file_tags=long:20
# capshim-learn says what a person needs to know: why a run failed, and what the answer rests on.

load helpers
load learn

setup() {
	test_dir
	learn_setup
	install -d -o 1234 -g 1234 "$T/data"
}

@test "how a workload ended is said where the check never passes" {
	learn --user 1234:1234 -- sh -c 'echo why >&2; exit 7'
	assert_failure 1
	assert_line 'the workload had ended with status 7, and has printed:'
	assert_line '  | why'
	# shellcheck disable=SC2016 # for the workload
	learn --user 1234:1234 -- sh -c 'kill -SEGV $$'
	assert_failure 1
	assert_line 'the workload had been ended by signal 11, and has printed:'
	learn --user 1234:1234 --timeout 1 --check false -- sleep 30
	assert_failure 1
	assert_line 'the workload was still running, and has printed:'
	learn --user 1234:1234 --timeout 1 -- sleep 30
	assert_failure 1
	assert_line 'without --check it must end by itself: a server needs --check COMMAND'
}

@test "a check that takes too long is named; with --ready it is run once, and may" {
	learn --user 1234:1234 --timeout 3 --check 'sleep 2' -- sleep 30
	assert_failure 1
	assert_line --partial 'a check was killed after 1 s: only with --ready may it take longer'
	learn --user 1234:1234 --ready true --check 'sleep 2' -- sleep 30
	assert_success
	assert_line 'cap_add: []'
}

@test "a setup that does not end is named" {
	printf '%s\n' 'user: 1234:1234' 'setup: [{run: [/bin/sleep, "30"]}]' >"$T/capshim.yaml"
	learn -c "$T/capshim.yaml" --timeout 1 -- true
	assert_failure 111
	assert_output --partial 'the setup did not end within 1 s: raise --timeout'
}

@test "that a run changed files is seen by each back end that sees calls" {
	local back_end back_ends=(ptrace)

	! perf_here || back_ends+=(perf)
	for back_end in "${back_ends[@]}"; do
		learn_json --back-end "$back_end" --user 1234:1234 -- sh -c "rmdir $T/data/$back_end; mkdir $T/data/$back_end"
		assert_equal "$back_end $(jq .changed <<<"$output")" "$back_end true"
		learn_json --back-end "$back_end" --user 1234:1234 -- sh -c "mkdir $T/data; ls $T/data"
		assert_equal "$back_end $(jq .changed <<<"$output")" "$back_end false"
	done
}

@test "the call that failed is told, not an earlier one that did not" {
	CAPS=$DOCKER_CAPS,dac_read_search,sys_ptrace learn_json --user 1234:1234 --reset "chown 1234 $T/data" -- \
		sh -c "cat /proc/1/stat >/dev/null && chown 0 $T/data && cat /proc/1/environ >/dev/null"
	assert_equal "$(jq -r '.cap_add | join(" ")' <<<"$output")" 'CHOWN DAC_READ_SEARCH SYS_PTRACE'
	assert_equal "$(jq -r '.needed[] | select(.capability == "SYS_PTRACE") | .error' <<<"$output")" EACCES
}
