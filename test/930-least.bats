#!/usr/bin/env bats
# bats file_tags=long:110
# The list of capabilities that --explain prints, given to a real container as it stands: with it everything works,
# and without any one of it nothing runs.

load helpers
load engine
load docker

setup_file() {
	export BATS_TEST_TIMEOUT=300
	docker_image
}

setup() {
	docker_setup
	DROP='CAP_SETGID CAP_SETPCAP CAP_SETUID'
}

teardown() {
	docker_teardown
}

# explained [OPTION ...]: what --explain says to MOUNT's config in a container with these options: sets LINE to the options
# of its line for docker, LEAST to the names in its list, MORE to those that are needed only where something is so.
explained() {
	docker_run --entrypoint /capshim "$@" -- --explain </dev/null
	assert_success || return
	read -ra LINE <<<"$(sed -n 's/^ *docker run //p' <<<"$output")"
	docker_run --entrypoint /capshim "$@" -- --explain=json </dev/null
	assert_success || return
	LEAST=$(jq -r '.required | keys[]' <<<"$output" | sort | paste -sd' ' -)
	MORE=$(jq -r '.conditional | keys[]' <<<"$output" | sort | paste -sd' ' -)
	# The line is the list.
	assert_equal "$(printf '%s\n' "${LINE[@]}" | sed -n '/^--cap-add$/{n;s/^/CAP_/;p}' | sort | paste -sd' ' -)" "$LEAST"
}

# line_without NAME: LINE, as words, without that capability.
line_without() {
	LESS=()
	local i

	for ((i = 0; i < ${#LINE[@]}; i++)); do
		if [ "${LINE[i]}" = --cap-add ] && [ "CAP_${LINE[i + 1]}" = "$1" ]; then
			((i += 1))
			continue
		fi
		LESS+=("${LINE[i]}")
	done
}

# assert_least "NAME ..." [KEEP]: exactly these are in the list for MOUNT's config; in a container that was made with
# the printed line the workload runs, with KEEP; without any one of them it is refused by name, nothing runs.
assert_least() {
	local name

	explained || return
	assert_equal "$LEAST" "$(tr ' ' '\n' <<<"$1" | sort | paste -sd' ' -)" || return
	docker_run "${LINE[@]}" </dev/null
	assert_unprivileged 1234 "${2:-}" || return
	for name in $LEAST; do
		line_without "$name"
		docker_run "${LESS[@]}" </dev/null
		assert_refused 111 "$name" || fail "without $name" || return
	done
}

@test "the drop alone" {
	docker_config 'user: app' 'command: /probe'
	assert_least "$DROP"
}

@test "a kept capability" {
	docker_config 'user: app' 'command: /probe' 'cap_add: [NET_BIND_SERVICE]'
	assert_least "$DROP CAP_NET_BIND_SERVICE" net_bind_service
}

@test "init, in which two processes drop" {
	docker_config 'user: app' 'command: /probe' 'init: true' 'cap_add: [NET_BIND_SERVICE]'
	assert_least "$DROP CAP_NET_BIND_SERVICE" net_bind_service
}

@test "the default filter, which is loaded without any" {
	docker_config 'user: app' 'command: /probe'
	sed -i /seccomp/d "$T/capshim.yaml"
	assert_least "$DROP"
}

@test "steps that make and give away" {
	docker_config 'user: app' 'command: /probe' 'setup:' \
		'  - {mkdir: /var/lib/app, mode: 0750, owner: workload}' \
		'  - {chown: /data, recursive: true}'
	assert_least "$DROP CAP_CHOWN"
	docker_config 'user: app' 'command: /probe' 'setup:' \
		'  - {write: /run/app.conf, content: x, mode: 0640, owner: workload}'
	assert_least "$DROP CAP_CHOWN"
	docker_config 'user: app' 'command: /probe' 'setup:' \
		'  - {copy: /etc, to: /data/etc, recursive: true, owner: workload}'
	assert_least "$DROP CAP_CHOWN"
}

@test "steps on root's own files need no capability" {
	docker_config 'user: app' 'command: /probe' 'setup:' \
		'  - {mkdir: /var/lib/app, mode: 0750}' \
		'  - {write: /run/app.conf, content: x, mode: 0600}' \
		'  - {chmod: /run/app.conf, mode: 0644}' \
		'  - {symlink: /run/link, target: app.conf}' \
		'  - {remove: /run/link}' \
		'  - {run: [/probe, --out, /run/out]}' \
		'  - {chown: /data, owner: root}'
	assert_least "$DROP"
}

@test "a device, a mount, a program that is narrowed" {
	docker_config 'user: app' 'command: /probe' 'setup:' '  - {mknod: /run/null, type: c, major: 1, minor: 3}'
	assert_least "$DROP CAP_MKNOD"
	docker_config 'user: app' 'command: /probe' 'setup:' '  - {mount: /data, type: tmpfs, source: none}'
	assert_least "$DROP CAP_SYS_ADMIN"
	docker_config 'user: app' 'command: /probe' 'setup:' '  - {run: [/probe, --out, /run/out], cap_add: [NET_RAW]}'
	assert_least "$DROP CAP_NET_RAW"
}

@test "limits: none to lower one; SYS_RESOURCE, by name, to raise it" {
	docker_config 'user: app' 'command: /probe' 'ulimits: {nofile: 50}'
	assert_least "$DROP"
	docker_config 'user: app' 'command: /probe' 'ulimits: {nofile: 200}'
	explained --ulimit nofile=100:100
	assert_equal "$LEAST" "$DROP CAP_SYS_RESOURCE"
	# Not every machine can give it; what is refused without it is refused by its name.
	line_without CAP_SYS_RESOURCE
	docker_run --ulimit nofile=100:100 "${LESS[@]}" </dev/null
	assert_refused 111 CAP_SYS_RESOURCE
}

@test "an init container needs what its steps need, and nothing for a drop" {
	docker_config 'command: none' 'setup:' '  - {mkdir: /data/x, owner: "1234:1234"}'
	explained
	assert_equal "$LEAST" CAP_CHOWN
	docker_run -v "$T/data:/data" "${LINE[@]}" </dev/null
	assert_success
	assert_equal "$(stat -c %u:%g "$T/data/x")" 1234:1234
	rmdir "$T/data/x"
	line_without CAP_CHOWN
	docker_run -v "$T/data:/data" "${LESS[@]}" </dev/null
	assert_refused 111 CAP_CHOWN
}

# used: $T/data as a workload left it: its directories are its own and closed to others.
used() {
	mkdir -p "$T/data/app/sub" "$T/data/app/more"
	echo x >"$T/data/app/file"
	chown -R 2345:2345 "$T/data"
	chmod 0700 "$T/data" "$T/data/app" "$T/data/app/more"
}

# assert_used "NAME ...": exactly these are in the list, none is needed besides, and with it two starts on a volume that
# others have used go through; in between more directories are closed.
assert_used() {
	explained || return
	assert_equal "$LEAST" "$(tr ' ' '\n' <<<"$1" | sort | paste -sd' ' -)" || return
	assert_equal "$MORE" "${2:-}" || return
	rm -rf "$T/data"
	for _ in 1 2; do
		used
		docker_run -v "$T/data:/data" "${LINE[@]}" </dev/null
		assert_unprivileged 1234 || return
	done
}

@test "on a used volume the least is enough, twice" {
	local own='own_stdio: false' # or CHOWN is in the list for the standard streams

	docker_config 'user: app' 'command: /probe' "$own" 'setup:' '  - {chown: /data, recursive: true}'
	assert_used "$DROP CAP_CHOWN"
	docker_config 'user: app' 'command: /probe' "$own" 'setup:' \
		'  - {mkdir: /data/app, mode: 0750, owner: workload}' '  - {write: /data/app/conf, content: x, owner: workload}'
	assert_used "$DROP CAP_CHOWN"
	docker_config 'user: app' 'command: /probe' "$own" 'setup:' '  - {chmod: /data/app, dir_mode: 0755, recursive: true}'
	assert_used "$DROP"
	docker_config 'user: app' 'command: /probe' "$own" 'setup:' '  - {remove: /data/app, recursive: true}'
	assert_used "$DROP"
	# To root goes only what is another's.
	docker_config 'user: app' 'command: /probe' "$own" 'setup:' '  - {mkdir: /data/app, mode: 0750, owner: root}'
	assert_used "$DROP" CAP_CHOWN || [[ $output == *'needs CAP_CHOWN'* ]]
}

@test "one that is optional is needed nowhere, and kept where it is" {
	docker_config 'user: app' 'command: /probe' 'own_stdio: false' 'cap_add_optional: NET_BIND_SERVICE'
	assert_least "$DROP"
	assert_equal "$MORE" CAP_NET_BIND_SERVICE
	docker_run "${LINE[@]}" --cap-add NET_BIND_SERVICE </dev/null
	assert_unprivileged 1234 net_bind_service
}
