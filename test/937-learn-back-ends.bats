#!/usr/bin/env bats
# bats file_tags=long:20
# The back ends of capshim-learn give the same answer: perf, ptrace, and runs alone.

load helpers
load learn

setup() {
	test_dir
	learn_setup
	install -d -o 1234 -g 1234 "$T/data"
}

# same ANSWER WORD ...: with each back end capshim-learn answers that.
same() {
	local answer=$1 back_end back_ends=(ptrace alone)

	shift
	! perf_here || back_ends+=(perf)
	for back_end in "${back_ends[@]}"; do
		learn_json --back-end "$back_end" "$@"
		assert_equal "$back_end: $(jq -r '.cap_add | join(" ")' <<<"$output")" "$back_end: $answer" || return
		assert_equal "$status" 0 || return
		assert_equal "$(jq -r .back_end <<<"$output")" "${back_end/alone/runs alone}" || return
	done
}

@test "a server on port 80: NET_BIND_SERVICE, by each" {
	same NET_BIND_SERVICE --user 1234:1234 --check "$HTTP" -- python3 -m http.server 80
}

@test "a shell that gives a file away: CHOWN from each back end, and harmless failures add nothing" {
	same CHOWN --user 1234:1234 --reset "rm -f $T/data/one" -- \
		sh -c "touch $T/data/one && chown 0 $T/data/one && { ls /root/. >/dev/null 2>&1; :; }"
}

@test "a program that needs nothing: none, by each" {
	same '' --user 1234:1234 -- python3 -c 'import os, json; os.listdir("/")'
}

@test "reading what only root may: the weaker of two capabilities, by each" {
	install -m 0600 /dev/null "$T/secret"
	CAPS=$DOCKER_CAPS,dac_read_search same DAC_READ_SEARCH --user 1234:1234 -- cat "$T/secret"
}

@test "a weaker one that the container does not have is named" {
	install -m 0600 /dev/null "$T/secret"
	learn --user 1234:1234 -- cat "$T/secret"
	assert_success
	assert_line 'cap_add: [DAC_OVERRIDE]'
	assert_line 'denied, and not tried: the container does not have DAC_READ_SEARCH; grant it, and learn again'
	refute_output --partial 'asked, and not missed
  CAP_DAC_READ_SEARCH'
}

@test "a child that becomes another user: SETGID and SETUID, by each" {
	same 'SETGID SETUID' --user 1234:1234 -- setpriv --reuid 2345 --regid 2345 --clear-groups true
}

@test "perf sees what was asked and not missed; ptrace does not" {
	perf_here || {
		learn --back-end perf --user 1234:1234 -- true
		assert_failure 111
		assert_output --partial 'cannot observe by perf'
		return
	}
	learn_json --user 1234:1234 -- cat /proc/1/stat
	assert_equal "$(jq -r '.back_end, .asked[].capability, .asked[].call' <<<"$output" | paste -sd' ')" \
		'perf SYS_PTRACE read'
	# The kernel asks every process for SYS_ADMIN whenever it takes memory: that is not worth a line.
	learn_json --user 1234:1234 -- python3 -c 'x = bytearray(1 << 25)'
	assert_equal "$(jq -c .asked <<<"$output")" '[]'
}

@test "without the right to observe the kernel it says so, and goes on by ptrace" {
	observe timeout 60 unshare --fork --pid --net --mount --mount-proc --kill-child bash "$T/stage" \
		"${PROBE%/*}/deny" 13 298 "$START" --clean --env PATH=/usr/bin:/bin --groups none \
		--bounding setuid,setgid,setpcap -- "$LEARN" --user 1234:1234 -- true # perf_event_open, as perf_event_paranoid does
	assert_success
	assert_line --regexp '^not by perf: '
	assert_line --partial 'by ptrace: with no capability: passes'
}

@test "a program that may not be read leaves perf's sight: it says so, and goes on by ptrace" {
	perf_here || return 0
	install -m 0711 /bin/chown "$T/data/chown"
	touch "$T/data/one"
	learn --user 1234:1234 --reset "chown 1234 $T/data/one" -- "$T/data/chown" 0 "$T/data/one"
	assert_success
	assert_line --regexp '^perf has lost [0-9]+ records? of this run'
	assert_line 'cap_add: [CHOWN]'
}

@test "every call of a storm of threads and processes is seen by perf and by ptrace alike" {
	local back_end

	perf_here || return 0
	cat >"$T/storm.py" <<-'END'
		import os, threading
		def calls():
		    for i in range(200): os.getppid()
		threads = [threading.Thread(target=calls) for i in range(20)]
		for one in threads: one.start()
		for one in threads: one.join()
		for i in range(30):
		    if os.fork() == 0:
		        try: os.mknod("/tmp/never", 0o20600, os.makedev(1, 3))
		        except OSError: pass
		        os._exit(0)
		    os.wait()
	END
	for back_end in perf ptrace; do
		learn_json --back-end "$back_end" --seccomp "$T/$back_end.json" --user 1234:1234 -- python3 "$T/storm.py"
		assert_equal "$(jq -r '.cap_add | length' <<<"$output")" 0
		[ "$(jq .calls <<<"$output")" -gt 4030 ]
		jq -e '[.asked[].capability] | index("MKNOD")' <<<"$output"
	done
	diff "$T/perf.json" "$T/ptrace.json"
}

# largest PID: the size of the largest file that a process below PID has open.
largest() {
	local pid

	for pid in $(pgrep -P "$1"); do
		stat -L -c %s "/proc/$pid"/fd/* 2>/dev/null
		largest "$pid"
	done | sort -n | tail -n 1
}

@test "what a workload prints without end takes little memory, and its last lines are shown" {
	local now most=0

	learn_command --user 1234:1234 --back-end alone --timeout 2 --check false -- yes "no end" >"$T/log" 2>&1 3>&- &
	while kill -0 $! 2>/dev/null; do
		now=$(largest $!)
		[ "${now:-0}" -le "$most" ] || most=$now
		sleep 0.1
	done
	[ "$most" -gt 100000 ]
	[ "$most" -lt 100000000 ] || fail "$most bytes"
	grep -Fx '  | no end' "$T/log"
}
