#!/usr/bin/env bats
# bats file_tags=long:20
# The starts that people meet, with a real Docker engine: what it passes on is what unshare(1) can only imitate.

load helpers
load engine
load filter

setup_file() {
	export BATS_TEST_TIMEOUT=900 # building images takes its time
	local context=$CAPSHIM_TEST_ROOT/scratch

	engine_start "$CAPSHIM_TEST_ROOT"
	image_make "$context"
	printf '%s\n' 'user: app' 'seccomp: unconfined' 'command: [/probe, --try-regain]' >"$context/etc/capshim.yaml"
	chmod 0644 "$context/etc/capshim.yaml"
	printf '%s\n' 'FROM scratch' 'COPY . /' 'ENTRYPOINT ["/capshim", "--"]' >"$CAPSHIM_TEST_ROOT/Dockerfile"
	timeout 120 docker build -q -t capshim-scratch -f "$CAPSHIM_TEST_ROOT/Dockerfile" "$context" >&2
}

setup() {
	test_dir
}

# container_run [DOCKER-OPTION ...] [-- ARGUMENT ...]: runs the scratch image; a config on standard input replaces the
# one that the image has. Docker lets everybody bind port 80 in a network namespace of its own: not here.
container_run() {
	local options=() stdin=/dev/null

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--stdin) stdin=$2 && shift ;;
		*) options+=("$1") ;;
		esac
		shift
	done
	[ $# -eq 0 ] || shift
	cat >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
	[ ! -s "$T/capshim.yaml" ] || options+=(-v "$T/capshim.yaml:/etc/capshim.yaml:ro")
	observe timeout -k 5 60 docker run --rm --network none --sysctl net.ipv4.ip_unprivileged_port_start=1024 \
		"${options[@]}" capshim-scratch "$@" <"$stdin"
}

minimal=(--cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add SETPCAP)

@test "root with Docker's default capabilities, FROM scratch: everything is gone" {
	container_run </dev/null
	assert_unprivileged 1234
	assert_no_way_back
	assert_probe pid 1 seccomp 2 fds 0,1,2 blocked 0x0 ignored 0x0 itimer.real off
}

@test "the control: without capshim the same container is root with Docker's fourteen" {
	container_run --entrypoint /probe </dev/null
	assert_success
	assert_probe uid 0,0,0,0 permitted "$DOCKER_CAPS" bounding "$DOCKER_CAPS" no_new_privs 0
}

@test "root with every capability" {
	engine_every_cap capshim-scratch
	[ "${#EVERY_CAP[@]}" -gt 30 ]
	container_run "${EVERY_CAP[@]}" </dev/null
	assert_unprivileged 1234
	assert_no_way_back
}

@test "a kept capability is in all five sets, alone, and lets the workload bind port 80" {
	container_run -- /probe --bind 80 <<-'END'
		user: app
		seccomp: unconfined
		cap_add: [NET_BIND_SERVICE]
	END
	assert_unprivileged 1234 net_bind_service
	assert_probe bind ok
	container_run -- /probe --bind 80 </dev/null
	assert_unprivileged 1234
	assert_probe bind EACCES
}

@test "a kept capability outlives the workload's own execve, and no other one comes back" {
	container_run -- /probe --exec /probe <<-'END'
		user: app
		seccomp: unconfined
		cap_add: NET_BIND_SERVICE
	END
	assert_unprivileged 1234 net_bind_service
	[ "$(grep -c '^uid=1234,1234,1234,1234$' <<<"$output")" = 2 ]
	[ "$(grep -c '^effective=net_bind_service$' <<<"$output")" = 2 ]
}

@test "cap_drop ALL plus SETUID, SETGID and SETPCAP is enough" {
	container_run "${minimal[@]}" </dev/null
	assert_unprivileged 1234
	assert_no_way_back
}

@test "a non-root start with a full bounding set: nothing to hold, and the setup is skipped" {
	engine_every_cap capshim-scratch
	container_run --user 1234:1234 "${EVERY_CAP[@]}" <<-'END'
		user: app
		seccomp: unconfined
		command: [/probe, --try-regain]
		setup:
		  - mkdir: /etc/never
	END
	assert_success
	assert_probe uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 permitted '' effective '' ambient '' \
		inheritable '' no_new_privs 1 regain.setuid EPERM regain.capset EPERM regain.ambient EPERM
}

@test "a non-root start with Docker's default bounding set" {
	container_run --user 1234:1234 -- /probe --try-regain </dev/null
	assert_success
	assert_probe uid 1234,1234,1234,1234 permitted '' effective '' ambient '' inheritable '' no_new_privs 1 \
		bounding "$DOCKER_CAPS" regain.setuid EPERM regain.capset EPERM
}

@test "a non-root start has nothing to keep: a required capability is status 111" {
	container_run --user 1234:1234 -- /probe <<-'END'
		user: app
		seccomp: unconfined
		cap_add: NET_BIND_SERVICE
	END
	assert_refused 111 NET_BIND_SERVICE
	container_run --user 1234:1234 -- /probe <<-'END'
		user: app
		seccomp: unconfined
		cap_add_optional: NET_BIND_SERVICE
	END
	assert_success
	assert_probe permitted '' ambient ''
}

@test "without SETPCAP the bounding set stays full: status 111, named, nothing runs" {
	container_run --cap-drop SETPCAP </dev/null
	assert_refused 111 CAP_SETPCAP
}

@test "without SETUID, without SETGID: status 111, named, nothing runs" {
	container_run --cap-drop SETUID </dev/null
	assert_refused 111 CAP_SETUID
	container_run --cap-drop SETGID </dev/null
	assert_refused 111 CAP_SETGID
}

@test "a capability that the container does not have cannot be kept" {
	container_run --cap-drop NET_BIND_SERVICE -- /probe <<-'END'
		user: app
		seccomp: unconfined
		cap_add: NET_BIND_SERVICE
	END
	assert_refused 111 CAP_NET_BIND_SERVICE
}

@test "no-new-privileges set by the runtime (allowPrivilegeEscalation: false) changes nothing" {
	container_run --security-opt no-new-privileges </dev/null
	assert_unprivileged 1234
	assert_no_way_back
	container_run --security-opt no-new-privileges -- /probe <<-'END'
		user: app
		seccomp: unconfined
		cap_add: NET_BIND_SERVICE
	END
	assert_unprivileged 1234 net_bind_service
}

@test "the runtime's own filter, and none" {
	container_run --security-opt seccomp=unconfined </dev/null
	assert_unprivileged 1234
	assert_no_way_back
	assert_probe seccomp 0
	container_run </dev/null
	assert_probe seccomp 2
}

@test "a read-only root: steps that are done already succeed, a tmpfs can be prepared, the rest is reported" {
	container_run --read-only --tmpfs /run -- /probe --try-regain <<-'END'
		user: app
		seccomp: unconfined
		setup:
		  - mkdir: /data
		  - mkdir: /run/app
		    owner: workload
	END
	assert_unprivileged 1234
	assert_no_way_back
	container_run --read-only <<-'END'
		user: app
		seccomp: unconfined
		command: /probe
		setup:
		  - mkdir: /etc/app
	END
	assert_refused 111 /etc/app
}

@test "the groups are those of the user and of the runtime, never group 0" {
	container_run --group-add 2000 --group-add 0 </dev/null
	assert_unprivileged 1234
	assert_probe groups "$APP_GROUPS,2000"
	container_run </dev/null
	assert_probe groups "$APP_GROUPS"
}

@test "an id from the environment that is not one: status 100, nothing runs" {
	local id

	for id in 4294967296 4294967295 -1 ' 0' 0x0 010x '' nobody-here 0; do
		container_run -e "PUID=$id" -- /probe <<-'END'
			user: "${PUID}"
			seccomp: unconfined
		END
		assert_refused 100
	done
	container_run -e PUID=2345:2345 -- /probe <<-'END'
		user: "${PUID}"
		seccomp: unconfined
	END
	assert_unprivileged 2345
}

@test "standard output and error belong to the workload: it can open them by name" {
	container_run -- /probe --write-stdout-path </dev/null
	assert_unprivileged 1234
	assert_probe stdio.1 pipe:1234:0 dev_stdout ok
}

@test "a terminal belongs to the workload, too" {
	container_run -t -- /probe --write-stdout-path </dev/null
	output=${output//$'\r'/}
	assert_unprivileged 1234
	assert_probe dev_stdout ok
	assert_line --regexp '^stdio.1=terminal:1234:'
}

@test "standard input reaches the workload" {
	echo "what a client sends" >"$T/stdin"
	container_run -i --stdin "$T/stdin" -- /probe --read-stdin </dev/null
	assert_success
	assert_probe stdin 'what a client sends\x0a'
}

@test "the exit status is the workload's; 127 and 126 if it could not start" {
	container_run -- /probe --exit 7 </dev/null
	assert_failure 7
	container_run -- /nowhere </dev/null
	assert_refused 127 /nowhere
	container_run -- /etc/passwd </dev/null
	assert_refused 126 /etc/passwd
}

@test "a container that starts again, on its own files, does the same again" {
	cat >"$T/capshim.yaml" <<-'END'
		user: app
		seccomp: unconfined
		command: /probe
		setup:
		  - mkdir: /var/lib/app/state
		    mode: 0700
		    owner: workload
		  - write: /var/lib/app/state/seen
		    content: "yes"
		    owner: workload
		  - chown: /data
		    recursive: true
	END
	chmod 0644 "$T/capshim.yaml"
	run timeout 60 docker run --name again --network none -v "$T/capshim.yaml:/etc/capshim.yaml:ro" \
		-v "again:/data" capshim-scratch </dev/null
	assert_unprivileged 1234
	run timeout 60 docker start -a again </dev/null
	assert_unprivileged 1234
	run stat -c %u:%g "$(timeout 10 docker volume inspect -f '{{.Mountpoint}}' again)"
	assert_output 1234:1234
	timeout 30 docker rm -f -v again
}

# table_has_differences FILE: what this engine allows with all arguments ~0, and the default filter with the same capabilities denies, is in the table of
# doc/seccomp.md. Docker took io_uring out of its profile after this engine was made.
# shellcheck disable=SC2046 # a list of words
table_has_differences() {
	local nr name
	while read -r nr; do
		name=$(awk -v nr="$nr" '/__NR_/ && $3 == nr { print substr($2, 6) }' < <(echo '#include <sys/syscall.h>' | gcc -dM -E -))
		[[ $name == io_uring_* ]] || grep -qE "^\\|[^|]*\`$name\`" "$REPO/doc/seccomp.md" || fail "$nr $name" || return
	done < <(comm -23 <(sed -n 's/ allow$//p' "$1" | sort) <(
		"$BPFSIM" calls default $(tr , ' ' <<<"$DOCKER_CAPS") | sed -n 's/ allow$//p' | sort
	))
}

# What Docker hands to its runtime is the OCI form of its default profile; the container has what runc made of it.
@test "Docker's default profile, for every call: what the engine's containers get, ours get from the same profile" {
	local id bundle
	image_make
	filter_image
	timeout 60 tar -C "$IMAGE" -c . | timeout 60 docker import - capshim-filter
	observe timeout 60 docker run --rm --network none --security-opt no-new-privileges capshim-filter /syscalls
	assert_success
	printf '%s\n' "$output" >"$T/docker"
	id=$(timeout 60 docker run -d --network none capshim-filter /syscalls -r 23)
	bundle=$(find "$CAPSHIM_TEST_ROOT/engine/exec" -path "*$id/config.json")
	timeout 20 /usr/bin/python3 -c 'import json, sys
json.dump(json.load(sys.stdin)["linux"]["seccomp"], sys.stdout)' <"$bundle" >"$T/profile.json"
	timeout 60 docker rm -f "$id"
	simulate check "$T/profile.json"
	diff <("$BPFSIM" calls "$T/profile.json") "$T/docker"
	simulate libseccomp "$T/profile.json"
	table_has_differences "$T/docker"
	profile_run -- /syscalls <"$T/profile.json"
	diff "$T/docker" <(printf '%s\n' "$output")
}
