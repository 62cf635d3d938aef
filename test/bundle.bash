# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# shellcheck disable=SC2154 # status, output and lines are bats'
# Loaded by the tests of container runtimes, after helpers: containers of runc and of crun from a bundle that is written
# here, so that it says what no engine's options can say. Every case is for both, and must end the same with both.

RUNTIMES=(runc crun)

# What the cases are written in; see also runs(). An engine gives its capabilities in three sets, and never ambient ones;
# until 2022 they were inheritable as well (CVE-2022-24769 and its like).
# shellcheck disable=SC2016 # these are jq's variables
BUNDLE_WORDS='
def caps($names): .process.capabilities = {bounding: $names, permitted: $names, effective: $names};
def full: caps($full);
def docker: caps($docker);
def least: caps(["CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID"]);
def without($name): .process.capabilities |= map_values(. - [$name]);
def inheritable: .process.capabilities |= . + {inheritable: .bounding};
def ambient: inheritable | .process.capabilities |= . + {ambient: .bounding};
def nonroot: .process.user = {uid: 1234, gid: 1234};
def nnp: .process.noNewPrivileges = true;
def args($words): .process.args = ["/capshim", "--"] + $words;
def control: .process.args |= .[2:];
def mapped($inside; $outside; $count): .linux |= (.namespaces += [{type: "user"}] |
	.uidMappings = [{containerID: $inside, hostID: $outside, size: $count}] | .gidMappings = .uidMappings);
def userns: mapped(0; 100000; 65536);
def deny($names; $errno): .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
	syscalls: [{names: $names, action: "SCMP_ACT_ERRNO", errnoRet: $errno}]};
'

# bundle_setup: in setup(). No rlimits: a machine without CAP_SYS_RESOURCE could not start it.
bundle_setup() {
	test_dir
	BUNDLE=$T/bundle FRONT=() AS=() STATE_DIR=$T/state
	mkdir -p "$BUNDLE" "$STATE_DIR"
	image_make "$BUNDLE/rootfs"
	install -m 0755 "${PROBE%/*}/signals" "$IMAGE/signals"
	cat >"$T/base.json" <<-'END'
		{
			"ociVersion": "1.0.2",
			"process": {
				"user": {"uid": 0, "gid": 0},
				"args": ["/capshim", "--", "/probe", "--try-regain"],
				"env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
				"cwd": "/"
			},
			"root": {"path": "rootfs"},
			"mounts": [
				{"destination": "/proc", "type": "proc", "source": "proc"},
				{"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
					"options": ["nosuid", "strictatime", "mode=755"]},
				{"destination": "/dev/pts", "type": "devpts", "source": "devpts",
					"options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}
			],
			"linux": {
				"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"},
					{"type": "network"}],
				"maskedPaths": ["/proc/kcore", "/proc/keys"],
				"readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"]
			}
		}
	END
	FULL=$("$PROBE" | sed -n 's/^bounding=//p')
}

# bundle_teardown: what outlived its time limit.
bundle_teardown() {
	local runtime id

	for runtime in "${RUNTIMES[@]}"; do
		for id in "$STATE_DIR/$runtime"/*/; do
			[ ! -d "$id" ] || timeout 10 "$runtime" --root "$STATE_DIR/$runtime" delete -f "$(basename "$id")" || :
		done
	done
}

# names LIST: of the probe's, as jq wants the OCI's.
names() {
	jq -cnR --arg list "$1" '$list | split(",") | map("CAP_" + ascii_upcase)'
}

# bundle_write FILTER CONFIG: the bundle, changed by FILTER (of jq, with BUNDLE_WORDS; an empty one is `.`), with that config.
bundle_write() {
	printf 'seccomp: unconfined\n%s\n' "$2" >"$IMAGE/etc/capshim.yaml"
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	chown --reference="$IMAGE/etc" "$IMAGE/etc/capshim.yaml"
	jq --argjson full "$(names "$FULL")" --argjson docker "$(names "$DOCKER_CAPS")" "$BUNDLE_WORDS ${1:-.}" \
		"$T/base.json" >"$BUNDLE/config.json"
}

# bundle_mounted COMMAND ...: a runtime, in a mount namespace of its own. Control groups are not what this is about, and crun
# refuses those of a machine that has version 1 and controllers of version 2 besides.
bundle_mounted() {
	# shellcheck disable=SC2016 # of the inner shell
	unshare --mount bash -c '
		mount --make-rprivate /
		! mountpoint -q /sys/fs/cgroup/unified || umount -l /sys/fs/cgroup/unified
		exec "$@"' - "$@"
}

# bundle_run RUNTIME FILTER CONFIG: one run of the bundle. FRONT stands in front of it all, AS in front of the runtime. Its
# standard input is no device: crun gives that to the container's user, and /dev/null would no longer be root's.
bundle_run() {
	local runtime=$1 options=(--root "$STATE_DIR/$1")

	bundle_write "$2" "$3" || return
	[ "$runtime" != crun ] || options+=(--cgroup-manager=disabled)
	observe timeout -k 5 30 "${FRONT[@]}" bash -c "$(declare -f bundle_mounted); bundle_mounted \"\$@\"" - "${AS[@]}" \
		"$runtime" "${options[@]}" run -b "$BUNDLE" "capshim-$$-${T##*.}" < <(:)
	output=${output//$'\r'/}
	# Now and then crun 1.8 passes a terminal's output on through its log: in red, with the time, a line for each read.
	[[ $output != *$'\e[1;31m'* ]] ||
		output=$(sed -zE 's/\x1b\[0m\n\x1b\[1;31m[0-9T:.Z-]+: //g; s/\x1b\[1;31m[0-9T:.Z-]+: //g; s/\x1b\[0m//g' <<<"$output")
	mapfile -t lines <<<"$output"
}

# runs FILTER CONFIG ASSERTION ...: with both runtimes; each ASSERTION is a command. What the workload observes is compared
# as well.
runs() {
	local filter=$1 config=$2 runtime assertion first=''

	shift 2
	for runtime in "${RUNTIMES[@]}"; do
		bundle_run "$runtime" "$filter" "$config" || return
		for assertion; do
			eval "$assertion" || fail "with $runtime: $filter, $config: $assertion, in: $output" || return
		done
		[ -n "$first" ] || first=$(comparable)
	done
	diff <(echo "$first") <(comparable) || fail "not the same with ${RUNTIMES[*]}: $filter, $config"
}

# What two runs have in common: not the number of the keyring; not the pids behind an init, of which runc uses up some; and
# not the descriptors: runc copies what comes and goes through pipes of its own, crun passes on what it was started with. So
# the order of the two streams is not the same either; and a terminal may have an empty line more.
comparable() {
	sed -E -e '/^\r?$/d' -e '/^(keyring|stdio\.[012])=/d' -e '/^(pid=|pgid=|foreground=|ready )([^1]|1.)/d' <<<"$output" | sort
}
