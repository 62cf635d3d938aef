#!/usr/bin/env bats
# bats file_tags=long:20
# capshim-learn in a plain container, where only it is mounted: Docker's default profile and capabilities, nothing granted.
# Docker passes standard output and error on by two streams, so that a line of one may stand in a line of the other.

load helpers
load engine
load docker

LEARN=${LEARN:-${CAPSHIM%/*}/capshim-learn}

setup_file() {
	docker_image
}

setup() {
	docker_setup
}

teardown() {
	docker_teardown
}

# learn OPTION ... -- ARGUMENT ...: a container of the image in which capshim-learn is the first process.
learn() {
	docker_run -v "$LEARN:/capshim-learn:ro" --entrypoint /capshim-learn -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro \
		"$@" </dev/null
}

@test "in a plain docker run, on an image without a shell" {
	local serve=(--check '/usr/bin/curl -fsS -o /dev/null localhost:80' --user 1234:1234 -- /usr/bin/python3 -m http.server 80)

	learn -- "${serve[@]}"
	assert_success
	assert_output --partial 'cap_add: [NET_BIND_SERVICE]'
	assert_line --partial 'with ip_unprivileged_port_start 1024, by ptrace: 4 runs'
	# What it prints is what a container is started with.
	assert_output --partial '  docker run --security-opt no-new-privileges --cap-drop ALL --cap-add SETGID --cap-add SETUID --cap-add SETPCAP --cap-add NET_BIND_SERVICE'
	learn --cap-drop ALL --cap-add SETGID --cap-add SETUID --cap-add SETPCAP --cap-add NET_BIND_SERVICE \
		--security-opt no-new-privileges -- "${serve[@]}"
	assert_success
	assert_output --partial 'cap_add: [NET_BIND_SERVICE]'
}

@test "the image's own config and command" {
	docker_config 'user: app' 'cap_add: [KILL]' 'setup: [{mkdir: /run/made, owner: workload}]' \
		"command: [/usr/bin/python3, -c, 'open(\"/run/made/x\", \"w\"); import socket; socket.create_server((\"\", 80))']"
	learn
	assert_success
	assert_output --partial 'cap_add: [NET_BIND_SERVICE]'
}
