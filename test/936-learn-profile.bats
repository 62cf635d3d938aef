#!/usr/bin/env bats
# capshim-learn --seccomp: the profile that it writes is a part of the built-in one, the check passes under it, and what
# was not seen is denied; --log names what was.

load helpers
load learn

setup() {
	test_dir
	learn_setup
}

# subset PROFILE [CAP ...]: whatever it allows, to a workload that keeps these, the built-in profile allows as well.
subset() {
	observe timeout 60 "${PROBE%/*}/bpfsim" subset "$1" "$REPO/config/seccomp/default.json" "${@:2}"
	assert_success
}

@test "the profile of a web server is a part of the built-in one, and its check passes under it" {
	local name

	learn --seccomp "$T/profile.json" --user 1234:1234 --check "$HTTP" -- python3 -m http.server 80
	assert_success
	assert_line 'cap_add: [NET_BIND_SERVICE]'
	assert_output --partial 'under the new profile: passes'
	assert_output --regexp 'it allows [0-9]+ of the [0-9]+ system calls that the built-in profile allows'
	assert_output --partial 'only if the check is the'
	subset "$T/profile.json"
	subset "$T/profile.json" net_bind_service
	subset "$T/profile.json" sys_admin sys_ptrace
	# Seen, or the same as what was seen, on whichever machine and with whichever C library.
	for name in socket bind listen accept accept4 openat open execve clone fork poll ppoll rt_sigreturn clock_gettime64; do
		jq -e --arg name "$name" '[.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | index($name)' \
			"$T/profile.json" >/dev/null || fail "$name is missing" || return
	done
	# Neither, and so denied, although the built-in profile allows it.
	for name in mq_open shmget mkdirat symlink ptrace setns; do
		! jq -e --arg name "$name" '[.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | index($name)' \
			"$T/profile.json" >/dev/null || fail "$name is there" || return
	done
	# What answers otherwise than with EPERM stays.
	assert_equal "$(jq -r '.syscalls[] | select(.names == ["clone3"]) | .errnoRet' "$T/profile.json")" 38
}

@test "capshim takes the profile, and a call that was not seen is denied to the workload" {
	install -d -o 1234 -g 1234 "$T/data"
	learn --seccomp "$T/profile.json" --user 1234:1234 -- cat /etc/hostname
	assert_success
	subset "$T/profile.json"
	printf '%s\n' 'user: 1234:1234' "seccomp: $T/profile.json" >"$T/capshim.yaml"
	observe timeout 20 "$CAPSHIM" -c "$T/capshim.yaml" -- cat /etc/hostname
	assert_success
	observe timeout 20 "$CAPSHIM" -c "$T/capshim.yaml" -- mkdir "$T/data/one"
	assert_failure
	assert_output --partial 'Operation not permitted'
	observe timeout 20 "$CAPSHIM" --user 1234:1234 -- mkdir "$T/data/one"
	assert_success
}

@test "the profile in JSON, and the cases in which none is written" {
	learn_json --seccomp "$T/profile.json" --user 1234:1234 -- true
	assert_success
	assert_equal "$(jq -r '.seccomp | [.error, .file, (.allowed < .builtIn), (.seen > 5)] | @csv' <<<"$output")" \
		",\"$T/profile.json\",true,true"
	learn --seccomp "$T/none/profile.json" --user 1234:1234 -- true
	assert_failure 100
	assert_output --partial "cannot write \"$T/none/profile.json\": No such file or directory"
	learn --seccomp "$T/other.json" --user 1234:1234 -- false
	assert_failure 1
	learn --seccomp "$T/other.json" --reset false --user 1234:1234 -- true
	assert_failure 100
	[ ! -e "$T/other.json" ]
	# What the workload puts in its place meanwhile, a link too, stays as it is.
	mkdir "$T/out" && chown 1234:1234 "$T/out" && echo root >"$T/victim"
	learn --seccomp "$T/out/p.json" --user 1234:1234 -- ln -sf "$T/victim" "$T/out/p.json"
	assert_failure 1
	assert_output --partial "\"$T/out/p.json\" was removed or replaced during the runs"
	assert_equal "$(cat "$T/victim")" root
	learn --seccomp "$T/out/p.json" --user 1234:1234 -- true
	assert_failure 100
	assert_output --partial "\"$T/out/p.json\" is a symbolic link"
	assert_equal "$(cat "$T/victim")" root
	learn --seccomp "$T/other.json" --back-end alone --user 1234:1234 -- true
	assert_failure 100
	assert_output --partial 'needs a back end that sees system calls'
}

@test "a run under the profile that makes another call has it added, and is tried again" {
	cat >"$T/turns" <<-'END'
		#!/bin/sh
		# In every run another call: what a garbage collector or a timer does.
		n=$(cat count 2>/dev/null || echo 0)
		echo $((n + 1)) >count
		case $n in
		0 | 1) ;;
		*) mkdir -p made ;;
		esac
	END
	chmod 0755 "$T/turns"
	install -d -o 1234 -g 1234 "$T/data"
	cd "$T/data"
	learn --seccomp "$T/profile.json" --user 1234:1234 -- "$T/turns"
	assert_success
	subset "$T/profile.json"
	jq -e '[.syscalls[].names[]] | index("mkdirat")' "$T/profile.json"
}

@test "--log names what the kernel's log says was refused, and leaves out what was allowed and the proof of each start" {
	observe timeout 10 "$LEARN" --log <<-'END'
		[ 1.2] audit: type=1326 audit(1.312:2): auid=1 uid=33 gid=33 ses=1 pid=2 comm="capshim" exe="/capshim" sig=0 arch=c000003e syscall=157 compat=0 ip=0x4 code=0x50000
		[ 1.3] audit: type=1326 audit(1.316:3): auid=1 uid=33 gid=33 ses=1 pid=2 comm="unshare" exe="/usr/bin/unshare" sig=0 arch=c000003e syscall=272 compat=0 ip=0x7 code=0x50000
		type=SECCOMP msg=audit(1.316:4): auid=1 uid=33 gid=33 ses=1 pid=3 comm="app" exe="/app" sig=0 arch=c000003e syscall=272 compat=0 ip=0x7 code=0x50000
		type=SECCOMP msg=audit(1.316:4): auid=1 uid=33 gid=33 ses=1 pid=3 comm="app" exe="/app" sig=0 arch=c000003e syscall=41 compat=0 ip=0x7 code=0x7ffc0000
		[ 1.4] usb 1-1: new device
	END
	assert_success
	assert_line 'unshare: 2 times, by unshare, app'
	assert_line '      allow: [unshare]'
	refute_output --partial prctl
	refute_output --partial socket
	observe timeout 10 "$LEARN" --log </dev/null
	assert_success
	assert_output --partial 'log: true'
}
