#!/usr/bin/env bats
# bats file_tags=long:25
# shellcheck disable=SC2016,SC2034 # what stands in single quotes is for others to expand; FRONT and AS are bundle_run's
# The runtimes below the engines, runc and crun, with bundles that are written by hand: what the workload holds is the
# same from every start, and with both.

load helpers
load bundle

setup() {
	bundle_setup
	APP='user: app'
	KEEP=$'user: app\ncap_add: NET_BIND_SERVICE'
	DROPPED=('assert_unprivileged 1234' assert_no_way_back 'assert_probe groups 44 pid 1 fds 0,1,2 blocked 0x0 ignored 0x0')
}

teardown() {
	bundle_teardown
}

@test "the controls: without capshim each start holds what its name says" {
	runs 'full | control' "$APP" 'assert_probe uid 0,0,0,0 permitted $FULL effective $FULL bounding $FULL no_new_privs 0' \
		'assert_probe regain.setuid ok regain.chroot ok regain.setgroups ok regain.securebits ok'
	runs 'docker | control' "$APP" 'assert_probe uid 0,0,0,0 permitted $DOCKER_CAPS bounding $DOCKER_CAPS'
	runs 'docker | inheritable | control' "$APP" 'assert_probe inheritable $DOCKER_CAPS ambient ""'
	runs 'full | nonroot | control' "$APP" 'assert_probe uid 1234,1234,1234,1234 permitted "" bounding $FULL no_new_privs 0'
	runs 'docker | nonroot | control' "$APP" 'assert_probe permitted "" bounding $DOCKER_CAPS'
	runs 'docker | nonroot | ambient | control' "$APP" 'assert_probe permitted $DOCKER_CAPS ambient $DOCKER_CAPS'
	# No word of capabilities means none, to both.
	runs 'control' "$APP" 'assert_probe uid 0,0,0,0 permitted "" bounding ""'
}

@test "root with a full, the default and the least bounding set" {
	local start

	for start in full docker least 'docker | inheritable' 'docker | ambient' 'docker | nnp' 'least | nnp'; do
		runs "$start" "$APP" "${DROPPED[@]}"
	done
}

@test "a kept capability is in all five sets, alone, and usable" {
	local start

	for start in full docker 'docker | nnp' 'docker | ambient' 'least | .process.capabilities[] += ["CAP_NET_BIND_SERVICE"]'; do
		runs "$start | args([\"/probe\", \"--bind\", \"80\"])" "$KEEP" \
			'assert_unprivileged 1234 net_bind_service' 'assert_probe bind ok'
	done
	runs 'docker | args(["/probe", "--bind", "80"])' "$APP" 'assert_unprivileged 1234' 'assert_probe bind EACCES'
	runs least "$KEEP" 'assert_refused 111 CAP_NET_BIND_SERVICE'
	runs least $'user: app\ncap_add_optional: NET_BIND_SERVICE' "${DROPPED[@]}"
}

@test "a start without root: holds nothing, cannot gain anything, skips the setup" {
	local start

	for start in full docker least; do
		runs "$start | nonroot" $'user: app\nsetup: [mkdir: /etc/never]' assert_success \
			'assert_probe uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 groups "" no_new_privs 1' \
			'assert_probe inheritable "" permitted "" effective "" ambient ""' \
			'assert_probe regain.setuid EPERM regain.capset EPERM regain.ambient EPERM regain.chroot EPERM' \
			'[ ! -e "$IMAGE/etc/never" ]'
	done
	# What an engine of before 2022 made inheritable is gone, too, and so is what a runtime made ambient.
	runs 'docker | inheritable | nonroot' "$APP" 'assert_probe inheritable "" permitted "" ambient ""'
	runs 'docker | ambient | nonroot' "$APP" 'assert_probe inheritable "" permitted "" ambient "" no_new_privs 1'
	runs 'docker | ambient | nonroot' "$KEEP" \
		'assert_probe uid 1234,1234,1234,1234 permitted net_bind_service effective net_bind_service' \
		'assert_probe inheritable net_bind_service ambient net_bind_service no_new_privs 1'
	runs 'docker | nonroot' "$KEEP" 'assert_refused 111 CAP_NET_BIND_SERVICE'
	runs nonroot "$APP" assert_success 'assert_probe bounding "" permitted "" no_new_privs 1'
}

@test "without any one of the three: status 111, named, nothing runs, no step was done" {
	local name

	for name in CAP_SETUID CAP_SETGID CAP_SETPCAP; do
		runs "least | without(\"$name\")" $'user: app\nsetup: [mkdir: /etc/never]' "assert_refused 111 $name" \
			'[ ! -e "$IMAGE/etc/never" ]'
	done
	# No capability at all, as cap_drop ALL alone gives it.
	runs . "$APP" 'assert_refused 111 CAP_SETGID'
}

@test "a read-only root: steps that are done already succeed, a tmpfs can be prepared, the rest is refused" {
	runs 'docker | .root.readonly = true' "$APP" "${DROPPED[@]}"
	runs 'docker | .root.readonly = true | .mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs"}]' \
		$'user: app\nsetup: [{mkdir: /data/mine, owner: workload}, {mkdir: /tmp, mode: 01777}]' "${DROPPED[@]}"
	runs 'docker | .root.readonly = true' $'user: app\nsetup: [mkdir: /etc/app]' 'assert_refused 111 /etc/app'
}

@test "the groups that the runtime adds are kept, except group 0" {
	runs 'docker | .process.user.additionalGids = [2000, 0, 7]' "$APP" 'assert_unprivileged 1234' \
		'assert_probe groups 7,44,2000'
	runs 'docker | .process.user.additionalGids = [2000]' $'user: app\nsupplementary_groups: none' \
		'assert_unprivileged 1234' 'assert_probe groups ""'
	runs 'docker | .process.user.gid = 5' "$APP" 'assert_unprivileged 1234' 'assert_probe groups 44'
	# Without root they must be what they would be with it; group 0 is permitted by ids: any.
	runs 'docker | nonroot | .process.user.additionalGids = [2000]' "$APP" assert_success 'assert_probe groups 2000'
	runs 'docker | nonroot | .process.user.additionalGids = [0]' "$APP" 'assert_refused 111 "ids: any"'
	runs 'docker | nonroot | .process.user.additionalGids = [0]' "$APP"$'\non_nonroot: {ids: any}' \
		assert_success 'assert_probe groups 0'
}

@test "a filter of the runtime stays, and a call that it denies does not look like success" {
	local start

	for start in docker 'docker | nnp'; do
		runs "$start | deny([\"unshare\", \"sethostname\"]; 38)" "$APP" 'assert_unprivileged 1234' \
			'assert_probe seccomp 2 regain.user_namespace ENOSYS regain.setuid EPERM regain.chroot EPERM'
	done
	# Ours on top of it.
	runs 'docker | deny(["unshare"]; 38)' $'user: app\nreport: text' 'assert_unprivileged 1234' 'assert_probe seccomp 2'
	# Calls that the drop needs: refused, or not made (an errno of 0 is a call that does nothing and says that it did), and
	# then found out. With no_new_privs both runtimes load the filter last, and do not trip over it themselves.
	for start in setresuid setresgid setgroups capset; do
		runs "docker | nnp | deny([\"$start\"]; 1)" "$APP" 'assert_refused 111 cannot'
	done
	for start in setresuid setresgid setgroups; do
		runs "docker | nnp | deny([\"$start\"]; 0)" "$APP" 'assert_refused 112 "cannot prove"'
	done
	runs 'docker | nnp | deny(["capset"]; 0)' "$APP" 'assert_refused 111 securebits' # the first that needs what it gives
}

@test "a user namespace: root in it is given away like any other" {
	chown -R 100000:100000 "$IMAGE"
	runs 'docker | userns' "$APP" "${DROPPED[@]}"
	runs 'full | userns' "$KEEP" 'assert_unprivileged 1234 net_bind_service'
	runs 'least | userns' $'user: app\nsetup: [{mkdir: /data/made}]' "${DROPPED[@]}"
	assert_equal "$(stat -c %u:%g "$IMAGE/data/made")" 100000:100000
	runs 'docker | userns' 'user: "70000:70000"' 'assert_refused 111 70000'
}

@test "a user namespace whose root does not own the image: the config is not believed" {
	runs 'docker | userns' "$APP" 'assert_refused 100 capshim.yaml'
}

# As an ordinary user of the machine, who can map one id alone and whose namespace denies setgroups(2). Nothing is in PATH
# but the runtimes: where the package uidmap is installed, crun would map ids by its programs.
rootless() {
	mkdir "$T/bin"
	ln -s "$(command -v runc)" "$(command -v crun)" "$T/bin/"
	chown -R 1234:1234 "$IMAGE" "$STATE_DIR"
	chmod 0711 "$CAPSHIM_TEST_ROOT"
	AS=(setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all --bounding-set=-all
		env "XDG_RUNTIME_DIR=$STATE_DIR" "PATH=$T/bin")
}

@test "rootless, with root alone in its namespace: another id is refused, root keeps nothing" {
	rootless
	runs 'docker | mapped(0; 1234; 1)' "$APP" 'assert_refused 111 "supplementary groups"'
	runs 'docker | mapped(0; 1234; 1)' $'user: app\nsupplementary_groups: none' 'assert_refused 111 "gid 1234" namespace'
	runs 'docker | mapped(0; 1234; 1)' $'user: "0:0"\nallow_root: true\nsupplementary_groups: [44]' \
		'assert_refused 111 "supplementary groups"'
	runs 'docker | mapped(0; 1234; 1)' $'user: "0:0"\nallow_root: true\nsupplementary_groups: none' \
		'assert_unprivileged 0' 'assert_probe groups "" regain.chroot EPERM regain.capset EPERM'
	runs 'docker | mapped(0; 1234; 1) | args(["/probe", "--bind", "80"])' \
		$'user: "0:0"\nallow_root: true\nsupplementary_groups: none\ncap_add: NET_BIND_SERVICE' \
		'assert_unprivileged 0 net_bind_service' 'assert_probe bind ok'
}

@test "a terminal: the workload's, in the foreground, and it can be opened by name" {
	FRONT=("${PROBE%/*}/terminal" --)
	runs 'docker | .process.terminal = true | args(["/probe", "--write-stdout-path"])' "$APP" 'assert_unprivileged 1234' \
		'assert_probe foreground 1 dev_stdout ok' 'assert_line --regexp "^stdio.0=terminal:1234:"' 'assert_line status=0'
	runs 'docker | .process.terminal = true | args(["/probe", "--write-stdout-path"])' $'user: app\ninit: true' \
		'assert_unprivileged 1234' 'assert_probe dev_stdout ok foreground "$(probe_value pid)" sid 1'
	# Without SIGURG (23), by which the Go runtime wakes its threads: runc passes on what reaches itself.
	FRONT=("${PROBE%/*}/terminal" expect ready type '^C' expect 2 --)
	runs 'docker | .process.terminal = true | args(["/signals", "1", "--default", "23"])' "$APP" 'assert_line status=0' 'assert_line --regexp "2$"'
	runs 'docker | .process.terminal = true | args(["/signals", "1", "--default", "23"])' $'user: app\ninit: true' 'assert_line status=0' \
		'assert_line --regexp "2$"'
}

@test "the exit status is the workload's; 126 and 127 if it could not start" {
	local config

	for config in "$APP" $'user: app\ninit: true'; do
		runs 'docker | args(["/probe", "--exit", "7"])' "$config" 'assert_failure 7'
		runs 'docker | args(["/nowhere"])' "$config" 'assert_refused 127 /nowhere'
		runs 'docker | args(["/etc/passwd"])' "$config" 'assert_refused 126 /etc/passwd'
	done
}

@test "init: process 1 holds nothing, with either runtime" {
	runs 'docker | args(["/probe", "--try-regain"])' $'user: app\ninit: true\ncap_add: NET_BIND_SERVICE' \
		'assert_unprivileged 1234 net_bind_service' 'assert_probe ppid 1 groups 44'
}
