#!/usr/bin/env bats
# The judge before the judged: the probe says what the kernel says, and an assertion about it can fail.

load helpers

setup() {
	test_dir
}

# The names of a set, as /proc/PID/status has it in hexadecimal and capsh(1) translates it.
decoded() {
	capsh --decode="$1" | sed 's/.*=//; s/cap_//g'
}

@test "the probe reads what the kernel shows in /proc" {
	local key value

	run setpriv --reuid 1234 --regid 2345 --groups 7,9 --bounding-set -all,+chown,+net_bind_service \
		--inh-caps -all,+net_bind_service --ambient-caps -all,+net_bind_service --nnp \
		sh -c "$PROBE; cat /proc/self/status"
	assert_success
	assert_probe uid 1234,1234,1234,1234 gid 2345,2345,2345,2345 groups 7,9 no_new_privs 1 seccomp 0
	assert_line --regexp '^Groups:\s*7 9'
	for key in Inh:inheritable Prm:permitted Eff:effective Bnd:bounding Amb:ambient; do
		value=$(awk -v name="Cap${key%:*}:" '$1 == name { print $2 }' <<<"$output")
		assert_probe "${key#*:}" "$(decoded "$value")"
	done
	assert_probe bounding chown,net_bind_service ambient net_bind_service
}

@test "each start state holds what its name says" {
	start_state nonroot_ambient
	observe "$START" --clean --fd 5 --fd-path 9 --ignore 1 --block 33 --umask 077 "${STATE[@]}" -- "$PROBE" word
	assert_success
	assert_probe uid 1234,1234,1234,1234 groups '' ambient net_bind_service effective net_bind_service \
		fds 0,1,2,5,9 ignored 0x1 blocked 0x100000000 umask 0077 arg.1 word
	start_state no_setpcap
	observe "$START" "${STATE[@]}" -- "$PROBE"
	assert_probe uid 0,0,0,0
	refute_line --regexp '^(permitted|bounding)=.*setpcap'
	observe "$START" --no-such-option -- "$PROBE"
	assert_failure 99
}

@test "a process that is still privileged is reported as such" {
	observe "$PROBE" --try-regain
	assert_success
	assert_probe regain.setuid ok regain.setgroups ok regain.securebits ok regain.inheritable ok
	run assert_unprivileged 1234
	assert_failure
	observe "$START" --bounding none --groups none --gid 1234 --uid 1234 -- "$PROBE" --try-regain
	assert_probe regain.setuid EPERM regain.setgroups EPERM regain.capset EPERM regain.ambient EPERM
	run assert_unprivileged 1234 # no_new_privs and securebits are still missing
	assert_failure
	output=
	run assert_probe uid 0,0,0,0
	assert_failure
}
