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

# gVisor has no setfsuid(2), and neither fchownat(2) nor fchmod(2) of a descriptor that is O_PATH. What each step made is
# of use to its owner alone, so the workload runs in it only if it owns it.
@test "gVisor: the steps make, change and give away, also in a directory of the workload" {
	mkdir -p "$IMAGE/data" "$IMAGE/old/in"
	cp "$PROBE" "$IMAGE/old/in/probe"
	sandbox "$(cat <<-'END'
		user: app
		working_dir: /data/state/inner
		setup:
		  - {chmod: /data, mode: 0711}
		  - {mkdir: /data/state, mode: 0700, owner: workload}
		  - {mkdir: /data/state/inner, mode: 0700}
		  - {write: /data/state/conf, content: "a: 1", mode: 0400, owner: workload}
		  - {copy: /probe, to: /data/state/inner/, mode: 0500, owner: workload}
		  - {symlink: /data/state/link, target: inner/probe}
		  - {write: /data/state/gone, content: x}
		  - {remove: /data/state/gone}
		  - {chown: /old, owner: workload, recursive: true}
		  - {chmod: /old, mode: 0700, recursive: true}
		  - {run: [/probe, --exit, "0"], user: app, working_dir: /old/in}
		  - {write: /tmp/shared, content: x, owner: workload}
	END
	)" /capshim -- /data/state/link
	assert_success
	assert_line cwd=/old/in # of the step
	assert_line cwd=/data/state/inner
}

@test "without setfsuid(2): as the owner of a directory by the effective ids, which a lie cannot fake; root's own in the end" {
	local deny=("${PROBE%/*}/deny" 38 "122,123") call
	mkdir "$T/volume" "$T/private" && chown 1234:1234 "$T/volume" && chmod 0700 "$T/private"
	ln -s "$T/private" "$T/volume/link"
	printf '%s\n' 'user: "2345:2345"' 'seccomp: unconfined' 'setup:' "  - {write: $T/volume/file, content: x}" \
		"  - {write: $T/private/file, content: x}" "  - {run: [$PROBE, --out, $T/private/run]}" >"$T/capshim.yaml"
	observe timeout 20 "${deny[@]}" "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
	assert_success
	assert_probe permitted '' effective '' bounding '' no_new_privs 1 securebits 0xcb
	assert_line --regexp '^uid=2345,2345,2345,' # the probe reads the fourth with setfsuid(2)
	assert_equal "$(stat -c %u "$T/volume/file" "$T/private/file" | xargs)" '1234 0'
	assert_equal "$(sed -n 's/^uid=//p' "$T/private/run")" 0,0,0,4294967295

	# Root could, and whoever acts as the directory's owner cannot: a step through a link of that owner.
	sed -i "s|$T/private/file|$T/volume/link/file|" "$T/capshim.yaml"
	observe timeout 20 "${deny[@]}" "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
	assert_refused 111 'symbolic link'
	for call in setresgid:1 setresuid:1 getresgid:2 getresuid:2; do
		rm -f "$T/volume/file"
		observe timeout 20 "${deny[@]}" strace -qq -o /dev/null -e inject="${call%:*}:retval=0:when=${call#*:}" \
			"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
		[[ $status == 11[12] ]] || fail "$call: $status $output"
		refute_workload
		[ ! -e "$T/volume/file" ] || fail "$call: made as root"
	done
}
