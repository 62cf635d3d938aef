#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and output its own
# An environment as large as execve(2) takes, made by somebody who means harm: memory and steps grow with its size, and
# not with the square of it. Counted are bytes and processor time in proportion to each other, not seconds.

load helpers

setup() {
	test_dir
	printf 'content\n' >"$T/secret"
	chmod 0400 "$T/secret"
	cat >"$T/capshim.yaml" <<-'END'
		user: "1234:1234"
		seccomp: unconfined
		file_environment: "FILE__*"
	END
}

# with ENTRIES [STATUS]: a run with these entries, see environment.py. Sets CPU (ms) and PEAK (KiB).
with() {
	local ended

	SECRET=$T/secret observe timeout -k 5 150 python3 "$BATS_TEST_DIRNAME/environment.py" "$1" \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" --exit 0
	read -r ended CPU PEAK <<<"${lines[-1]}"
	[ "$ended" = "${2:-0}" ] || fail "$1: status $ended: ${output: -1000}"
}

@test "8,000 secrets take no more memory than their size, 24,000 more take it for each of these" {
	with files:8000
	[ "$PEAK" -le 65536 ] || fail "8,000 secrets: $PEAK KiB"
	local before=$PEAK
	with files:32000
	[ $(((PEAK - before) * 1024 / 24000)) -le 2048 ] || fail "8,000 secrets: $before KiB, 32,000: $PEAK KiB"
}

@test "four times the secrets are four times the work, not sixteen times" {
	with files:8000
	local before=$CPU
	with files:32000
	[ "$CPU" -le $((before * 10)) ] || fail "8,000 secrets: $before ms, 32,000: $CPU ms"
}

@test "100,000 names that are made to collide in a hash are as much work as any others" {
	with names:100000
	local before=$CPU
	with collide:100000
	[ "$CPU" -le $((before * 5)) ] || fail "any names: $before ms, colliding ones: $CPU ms"
}

# four_times KIND TEXT: 5,000 entries of that kind, then 20,000, each of which is reported with TEXT.
four_times() {
	with "$1:5000" 100
	assert_equal "$(grep -c "$2" <<<"$output")" 5000
	local before=$CPU
	with "$1:20000" 100
	assert_equal "$(grep -c "$2" <<<"$output")" 20000
	[ "$CPU" -le $((before * 10)) ] || fail "5,000: $before ms, 20,000: $CPU ms"
}

@test "names that are set twice are all reported, and four times as many are four times the work" {
	four_times twice 'is set twice'
}

@test "problems in the middle of the list are as much work as those at its end" {
	four_times missing FILE__V
}
