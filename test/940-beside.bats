#!/usr/bin/env bats
# bats file_tags=long:25
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153 # each test is a subshell; NAME, MOUNT and FRONT are docker.bash's
# What is started beside a workload, in real containers: exec and health checks behind the same drop.

load helpers
load engine
load docker
load bundle

BESIDE=capshim-beside # the fixtures, with a health check

setup_file() {
	export BATS_TEST_TIMEOUT=300
	docker_image
	printf '%s\n' "FROM $DOCKER_IMAGE" \
		'HEALTHCHECK --interval=1s --retries=1 CMD ["/capshim", "--as-workload", "--", "/probe", "--try-regain"]' |
		timeout 120 docker build -q -t "$BESIDE" - >&2
}

setup() {
	docker_setup
	APP=('user: app' 'cap_add: [NET_BIND_SERVICE]' 'command: [/probe, --sleep, "120"]')
}

teardown() {
	docker_teardown
}

# docker_exec [OPTION ...] WORD ...: in the container that docker_start has started.
docker_exec() {
	local options=()

	while [[ $1 == -* ]]; do
		options+=("$1")
		case $1 in -u | -e) options+=("$2") && shift ;; esac
		shift
	done
	docker_observe timeout -k 5 60 "${FRONT[@]}" docker exec "${options[@]}" "$NAME" "$@"
}

# started [DOCKER-OPTION ...]: the container runs its workload.
started() {
	docker_start "$@" && wait_until docker_says 'uid=.*'
}

as_workload=(/capshim --as-workload -- /probe --try-regain)

@test "docker exec holds what the workload holds; without it, what the container holds" {
	docker_config "${APP[@]}"
	started
	docker_exec "${as_workload[@]}"
	assert_unprivileged 1234 net_bind_service
	assert_no_way_back
	refute_line --partial capshim:
	docker_exec /probe
	assert_probe uid 0,0,0,0 permitted "$DOCKER_CAPS" no_new_privs 0
}

@test "the health check of an image, also with an init" {
	local config

	for config in '' 'init: true'; do
		docker_config "${APP[@]}" ${config:+"$config"}
		DOCKER_IMAGE=$BESIDE started
		wait_until healthy
		output=$(docker inspect -f '{{(index .State.Health.Log 0).Output}}' "$NAME")
		status=0
		assert_unprivileged 1234 net_bind_service || return
		docker_teardown
	done
}

healthy() {
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$NAME")" = healthy ]
}

@test "a config that was changed under the container: 112, and the container is unhealthy" {
	docker_config "${APP[@]}"
	DOCKER_IMAGE=$BESIDE started
	wait_until healthy
	# In place: the container has the file itself mounted.
	sed 's/NET_BIND_SERVICE/NET_BIND_SERVICE, CHOWN/' "$T/capshim.yaml" >"$T/new"
	cat "$T/new" >"$T/capshim.yaml"
	docker_exec "${as_workload[@]}"
	assert_refused 112 'CapBnd without CAP_CHOWN'
	wait_until eval '! healthy'
}

@test "exec with a terminal" {
	docker_config "${APP[@]}"
	started
	FRONT=("$TERMINAL" expect env.HOME type 'typed\n^D' expect 'stdin=typed' --)
	docker_exec -it /capshim --as-workload -- /probe --read-stdin </dev/null
	assert_line status=0
	assert_probe uid 1234,1234,1234,1234 permitted net_bind_service no_new_privs 1 foreground "$(probe_value pid)"
	assert_line --regexp '^stdio.0=terminal:0:'
}

@test "in a non-root start, on a read-only root, with docker's own init, with an added group" {
	docker_config "${APP[0]}" "${APP[2]}"
	started --user 1234:1234
	docker_exec "${as_workload[@]}"
	assert_probe uid 1234,1234,1234,1234 permitted '' bounding "$DOCKER_CAPS" no_new_privs 1
	assert_success
	docker_teardown
	docker_config "${APP[@]}"
	started --read-only --init --group-add 2000
	docker_exec "${as_workload[@]}"
	assert_unprivileged 1234 net_bind_service
	assert_probe groups 44,2000
	refute_line --partial 'compares nothing'
}

@test "docker's own init with no-new-privileges, as root and as a user, with and without an init of ours" {
	local init

	for init in '' 'init: true'; do
		docker_config "${APP[@]}" ${init:+"$init"}
		started --init --security-opt no-new-privileges
		docker_exec "${as_workload[@]}"
		assert_unprivileged 1234 net_bind_service || return
		refute_line --partial capshim: || return
		docker_teardown
		docker_config "${APP[0]}" "${APP[2]}" ${init:+"$init"}
		started --init --security-opt no-new-privileges --user 1234:1234
		docker_exec "${as_workload[@]}"
		assert_success || return
		assert_probe uid 1234,1234,1234,1234 permitted '' bounding "$DOCKER_CAPS" no_new_privs 1 || return
		refute_line --partial capshim: || return
		docker_teardown
	done
}

@test "where process 1 is another container's it says so and compares nothing" {
	docker_config "${APP[@]}"
	started
	docker_run --pid "container:$NAME" --entrypoint /capshim -- --as-workload -- /probe
	assert_unprivileged 1234 net_bind_service
	assert_line "capshim: --as-workload compares nothing: process 1 is another container's"
}

@test "--verify: clean by exec, in a debug container and as a health check; a root exec is found" {
	docker_config "${APP[@]}" 'init: true'
	started --group-add 2000
	docker_exec /capshim --verify
	assert_success
	assert_output --regexp '^2 processes, 2 threads: none holds more'
	docker_exec /capshim --as-workload -- /capshim --verify=json
	assert_success
	# From another container: by ids, for it has another passwd; the groups that were added are not its own.
	docker_run --pid "container:$NAME" --entrypoint /capshim -- --user 1234:1234 --groups 44,2000 --cap-add NET_BIND_SERVICE \
		--seccomp unconfined --verify
	assert_success
	docker_exec -d /probe --sleep 60
	wait_until eval '! timeout 20 docker exec "$NAME" /capshim --verify'
	docker_exec /capshim --verify
	assert_failure 112
	assert_equal "${#lines[@]}" 1
	assert_output --regexp '^capshim: pid [0-9]+ probe: Uid 0; Gid 0; .*: started beside capshim, by docker exec\?$'
}

@test "--inspect: an image without capshim, before and after; a running container, from inside and from outside" {
	docker_run --entrypoint /capshim -- --inspect=json
	assert_success
	assert_equal "$(jq -c '[.states[0].capabilities.permitted, .states[0].capabilities.bounding | length]' <<<"$output")" '[14,14]'
	docker_run --user 1234 --cap-drop ALL --security-opt no-new-privileges --entrypoint /capshim -- --inspect
	assert_success
	assert_line --regexp '^  (docker run  \(without|nothing: )'
	docker_config "${APP[@]}"
	started
	docker_exec /capshim --inspect=json 1
	jq -e '.states[0] | .user.uid == 1234 and .capabilities.bounding == ["CAP_NET_BIND_SERVICE"] and .noNewPrivileges' <<<"$output"
	docker_exec /capshim --inspect=json
	jq -e '.states[0] | .user.uid == 0 and (.capabilities.bounding | length) == 14' <<<"$output"
	observe timeout 60 "$CAPSHIM" --inspect=json "$(docker inspect -f '{{.State.Pid}}' "$NAME")"
	jq -e '.states[0] | .user.uid == 1234 and .capabilities.bounding == ["CAP_NET_BIND_SERVICE"]' <<<"$output"
}

# both_runtimes FILTER CONFIG ASSERTION ...: `exec` (with the options AS) in a container of runc and of crun that runs, as
# bundle.bash's runs().
both_runtimes() {
	local runtime assertion id options

	for runtime in "${RUNTIMES[@]}"; do
		id=beside-${T##*.} options=(--root "$STATE_DIR/$runtime")
		[ "$runtime" != crun ] || options+=(--cgroup-manager=disabled)
		bundle_write "$1" "$2"
		bundle_mounted timeout 30 "$runtime" "${options[@]}" run -d -b "$BUNDLE" "$id" \
			< <(:) >"$T/$runtime.log" 2>&1 3>&-
		wait_until grep -q ^uid= "$T/$runtime.log"
		observe bundle_mounted timeout -k 5 30 "$runtime" "${options[@]}" exec "${AS[@]}" "$id" \
			"${as_workload[@]}" < <(:)
		for assertion in "${@:3}"; do
			eval "$assertion" || fail "with $runtime: $1, $2: $assertion, in: $output" || return
		done
		timeout 20 "$runtime" "${options[@]}" delete -f "$id"
	done
}

@test "runc and crun: exec, with an init, without root, on a read-only root" {
	bundle_setup
	local sleep='| args(["/probe", "--sleep", "60"])' dropped=('assert_unprivileged 1234' assert_no_way_back)

	both_runtimes "docker $sleep" 'user: app' "${dropped[@]}" 'refute_line --partial capshim:'
	both_runtimes "least $sleep | .root.readonly = true" $'user: app\ninit: true' "${dropped[@]}" 'refute_line --partial capshim:'
	AS=(--user 1234:1234) # which runc takes from the container, and crun does not
	both_runtimes "docker | nonroot $sleep" $'user: app\nsupplementary_groups: none' assert_success \
		'assert_probe uid 1234,1234,1234,1234 permitted "" no_new_privs 1' 'refute_line --partial capshim:'
	bundle_teardown
}
