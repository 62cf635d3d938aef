# gVisor: a kernel of its own, which has neither securebits nor ambient sets. runsc is the package of Debian.

load helpers

setup() {
	test_dir
	image_make "$T/rootfs"
}

# sandbox CONFIG ARGUMENT ...: the arguments are process 1 of a container with the capabilities of Docker.
sandbox() {
	printf '%s\n' "$1" >"$IMAGE/etc/capshim.yaml"
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	shift
	jq -n --arg caps "$DOCKER_CAPS" '($caps | ascii_upcase | split(",") | map("CAP_" + .)) as $set | {
		ociVersion: "1.0.2", hostname: "gvisor", root: {path: "rootfs"},
		process: {user: {uid: 0, gid: 0}, args: $ARGS.positional, env: ["PATH=/"], cwd: "/",
			capabilities: {bounding: $set, effective: $set, permitted: $set}},
		mounts: [{destination: "/proc", type: "proc", source: "proc"}],
		linux: {namespaces: ["pid", "mount", "network", "ipc", "uts"] | map({type: .})}
	}' --args "$@" >"$T/config.json"
	observe timeout -k 5 60 runsc --rootless --network=none --platform=ptrace --root "$T/state" run --bundle "$T" \
		"capshim-${BATS_SUITE_TEST_NUMBER:-0}-$$" </dev/null
}

@test "gVisor: without capshim root holds everything, and there are no securebits" {
	sandbox 'user: app' /probe
	assert_success
	# It gives nobody NET_RAW, unless it is told to.
	assert_probe permitted "${DOCKER_CAPS/net_raw,/}" bounding "${DOCKER_CAPS/net_raw,/}" securebits 0xffffffff
}

@test "gVisor: the workload holds nothing, has no way back, and the report says what this kernel lacks" {
	sandbox $'user: app\nreport: text' /capshim -- /probe --try-regain
	assert_success
	assert_probe groups 44 inheritable '' permitted '' effective '' bounding '' ambient '' no_new_privs 1 seccomp 2
	# There is no setfsuid(2), by which the probe reads the fourth id.
	assert_line --regexp '^uid=1234,1234,1234,'
	assert_line --regexp '^gid=1234,1234,1234,'
	for way in setuid setresuid setgid setgroups capset inheritable ambient user_namespace mount_namespace chroot; do
		assert_probe "regain.$way" EPERM || return
	done
	assert_line --regexp '^capshim: verified: .*notes: no securebits and no ambient set in this kernel$'
}

@test "gVisor: an init passes the status on; what cannot be kept there is refused" {
	sandbox $'user: app\ninit: true' /capshim -- /probe --exit 7
	assert_failure 7
	assert_probe permitted '' no_new_privs 1
	sandbox $'user: app\ncap_add: [NET_BIND_SERVICE]' /capshim -- /probe
	assert_refused 111 'neither securebits nor ambient sets'
}
