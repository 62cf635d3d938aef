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

# Sets what execve(2) keeps, or shows it.
flags_program() {
	cat >"$T/flags.py" <<-'END'
		import ctypes, os, signal, sys
		libc = ctypes.CDLL(None)
		def prctl(*args):
		    return libc.prctl(*map(ctypes.c_long, args), *[ctypes.c_long(0)] * (5 - len(args)))
		if len(sys.argv) > 2:
		    for flag in sys.argv[1].split():
		        if flag == "coredump":
		            open("/proc/self/coredump_filter", "w").write("0x1")
		        elif flag == "pending":
		            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
		            os.kill(os.getpid(), signal.SIGUSR1)
		        else:
		            assert prctl(int(flag), 1) == 0
		    os.execv(sys.argv[2], sys.argv[2:])
		reaper = ctypes.c_int(9)
		libc.prctl(37, ctypes.byref(reaper), 0, 0, 0)
		print("slack", prctl(30), "subreaper", reaper.value, "thp", prctl(42), "mdwe", prctl(66), "ksm", prctl(68),
		      "coredump", open("/proc/self/coredump_filter").read().strip()[-2:], "pending", *map(int, signal.sigpending()))
	END
}

@test "what the start has set of its flags: the workload sees it, and the report names it" {
	local form flags seen note
	flags_program
	for form in text json; do
		config $form >"$T/capshim.yaml"
		while IFS='|' read -r flags seen note; do
			observe timeout 20 /usr/bin/python3 "$T/flags.py" "$flags" "$CAPSHIM" -c "$T/capshim.yaml" -- \
				/usr/bin/python3 "$T/flags.py"
			assert_success
			assert_line "$seen"
			assert_equal "$(notes)" "$note"
		done <<-'END'
			|slack 50000 subreaper 0 thp 0 mdwe 0 ksm 0 coredump 33 pending|
			29|slack 1 subreaper 0 thp 0 mdwe 0 ksm 0 coredump 33 pending|timer slack 1 ns
			36|slack 50000 subreaper 1 thp 0 mdwe 0 ksm 0 coredump 33 pending|subreaper
			41|slack 50000 subreaper 0 thp 1 mdwe 0 ksm 0 coredump 33 pending|no huge pages (THP)
			65|slack 50000 subreaper 0 thp 0 mdwe 1 ksm 0 coredump 33 pending|no memory that is writable and executable (MDWE)
			67|slack 50000 subreaper 0 thp 0 mdwe 0 ksm 1 coredump 33 pending|memory merging (KSM)
			coredump|slack 50000 subreaper 0 thp 0 mdwe 0 ksm 0 coredump 01 pending|coredump_filter 1
			pending|slack 50000 subreaper 0 thp 0 mdwe 0 ksm 0 coredump 33 pending 10|
		END
	done
}

@test "limits that let the workload raise its priority are named, unless the config sets them" {
	local limit note more
	while IFS='|' read -r limit note more; do
		lie prlimit64 "$limit, NULL" "retval=0:poke_exit=@arg4=32000000000000003200000000000000" --groups none -- /bin/true \
			< <(config text; echo "$more")
		assert_success
		assert_equal "$(notes)" "$note"
	done <<-'END'
		RLIMIT_RTPRIO|ulimit rtprio 50|
		RLIMIT_NICE|ulimit nice 50|
		RLIMIT_NICE|ulimit nice 50|ulimits: {rtprio: 0}
	END
}

@test "an I/O flusher and a protection from the OOM killer are named, which only /proc tells" {
	local flags note
	image_make
	mkdir "$IMAGE/proc/self"
	while read -r flags note; do
		printf '17 (a b) c) R 1 2 3 0 -1 %s 9 9\n' "$flags" >"$IMAGE/proc/self/stat"
		capshim_run --image --no-proc -- -- /probe <<<'{user: app, report: text}'
		assert_unprivileged 1234
		assert_equal "$(notes)" "$note"
	done <<-'END'
		4194560
		4718848 I/O flusher
	END
	printf '%s\n' -500 >"$IMAGE/proc/self/oom_score_adj"
	capshim_run --image --no-proc -- -- /probe <<<'{user: app, report: text}'
	assert_equal "$(notes)" 'I/O flusher, oom_score_adj -500'
	capshim_run --image --no-proc -- -- /probe <<<'{user: app, report: text, oom_score_adj: -500}'
	assert_equal "$(notes)" 'I/O flusher'
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
