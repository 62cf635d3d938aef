#!/usr/bin/env bats
# What the workload has from the start and could not have taken by itself: it stays, and the report names it.

load helpers
load lie

setup() {
	test_dir
}

# config FORM: with that report, for a user that no other test takes the keys of.
config() {
	printf '%s\n' 'user: "54320:54320"' 'seccomp: unconfined' "report: $1"
}

# notes: those of the report in $output, of either form, or nothing.
notes() {
	if [[ $output == *'{"event"'* ]]; then
		grep -o '{"event".*' <<<"$output" | jq -r '.notes | join(", ")'
	else
		sed -n 's/.*capshim: verified: .*; notes: //p' <<<"$output"
	fi
}

# reported FORM COMMAND ...: COMMAND starts capshim, with that report.
reported() {
	config "$1" >"$T/capshim.yaml"
	observe timeout 20 "${@:2}" "$CAPSHIM" -c "$T/capshim.yaml" -- /bin/sh -c 'nice; ionice -p $$'
	assert_success
}

@test "the nice value and the class of input and output stay, and are named where they need a privilege" {
	local form
	for form in text json; do
		reported $form nice -n -5 ionice -c 1 -n 3
		assert_line -- -5
		assert_line 'realtime: prio 3'
		assert_equal "$(notes)" 'nice -5, real-time I/O'
		reported $form nice -n 5 ionice -c 2 -n 0
		assert_line 5
		assert_line 'best-effort: prio 0'
		assert_equal "$(notes)" ''
	done
}

@test "the class of scheduling and memory merging are named" {
	local call pattern value note
	while read -r call pattern value note; do
		lie "$call" "$pattern" "retval=$value" --groups none -- /bin/true < <(config text)
		assert_success
		assert_equal "$(notes)" "$note"
	done <<-'END'
		sched_getscheduler . 1 real-time scheduling
		sched_getscheduler . 0x40000002 real-time scheduling
		sched_getscheduler . 6 real-time scheduling
		sched_getscheduler . 3
		prctl (PR_GET_MEMORY_MERGE|0x44\b) 1 memory merging (KSM)
		prctl (PR_GET_MEMORY_MERGE|0x44\b) 0
	END
}

@test "a user without a key left is named" {
	local form
	for form in text json; do
		reported $form "$START" --keyring --fill-keys 54320 --
		assert_equal "$(notes)" 'no session keyring'
	done
}

@test "capshim is a subreaper for the steps only: the workload is not one" {
	local steps
	for steps in '[]' '[{run: [/bin/true]}]'; do
		capshim_run -- -- /usr/bin/python3 -c \
			'import ctypes; a = ctypes.c_int(9); ctypes.CDLL(None).prctl(37, ctypes.byref(a), 0, 0, 0); print("is", a.value)' \
			<<<"{user: '54320:54320', seccomp: unconfined, setup: $steps}"
		assert_success
		assert_output 'is 0'
	done
}

@test "what survives an exec does not survive capshim: timers, personality, keyring" {
	image_make
	capshim_run --image --with --timer --with 3600 --with --personality --with 0x40000 -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_unprivileged 1234
	assert_probe personality 0x0 itimer.real off
}
