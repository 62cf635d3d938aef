# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# shellcheck disable=SC2154 # status, output and lines are bats'
# Loaded by the tests of containers of the Docker engine, after helpers and engine.

DOCKER_IMAGE=capshim-fixtures # FROM scratch: capshim, its probe, and what tells of signals
TERMINAL=${PROBE%/*}/terminal

# docker_image: in setup_file(). The engine runs, and has the image.
docker_image() {
	local context=$CAPSHIM_TEST_ROOT/fixtures

	engine_start "$CAPSHIM_TEST_ROOT" || return
	! timeout 30 docker image inspect "$DOCKER_IMAGE" >/dev/null 2>&1 || return 0
	image_make "$context"
	mkdir -p "$context/var/lib" "$context/run"
	install -m 0755 "${PROBE%/*}/signals" "$context/signals"
	printf '%s\n' 'user: app' 'seccomp: unconfined' 'command: [/probe, --try-regain]' >"$context/etc/capshim.yaml"
	chmod 0644 "$context/etc/capshim.yaml"
	printf '%s\n' 'FROM scratch' 'COPY . /' 'ENTRYPOINT ["/capshim", "--"]' >"$CAPSHIM_TEST_ROOT/Dockerfile.fixtures"
	timeout 120 docker build -q -t "$DOCKER_IMAGE" -f "$CAPSHIM_TEST_ROOT/Dockerfile.fixtures" "$context" >&2
}

# docker_setup: in setup(). NAME is a container's, for the tests that need one.
docker_setup() {
	test_dir
	NAME=capshim-${T##*.} FRONT=()
}

# docker_teardown: what a failure left behind.
docker_teardown() {
	timeout 30 docker rm -f "$NAME" >/dev/null 2>&1 || :
}

# docker_config LINE ...: the config of the following containers, instead of the image's. MOUNT is docker's option for it.
docker_config() {
	local none='command: none' # which has no workload to be confined

	[[ " $* " == *" $none "* ]] || set -- 'seccomp: unconfined' "$@"
	printf '%s\n' "$@" >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
	MOUNT=(-v "$T/capshim.yaml:/etc/capshim.yaml:ro")
}

# docker_command OPTION ... [-- ARGUMENT ...]: sets COMMAND to the client's, for a container of the image.
docker_command() {
	COMMAND=(docker run --network none "${MOUNT[@]}")
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		COMMAND+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	COMMAND+=("$DOCKER_IMAGE" "$@")
}

# docker_observe COMMAND ...: runs a client; sets $output and $lines to what it wrote, as bats' run does.
docker_observe() {
	observe "$@"
	output=${output//$'\r'/}
	mapfile -t lines <<<"$output"
}

# docker_run [OPTION ...] [-- ARGUMENT ...]: a container of the image in the foreground; standard input is the caller's.
# FRONT stands in front of the client. Docker lets everybody bind port 80 in a network namespace of its own: not here.
docker_run() {
	docker_command --rm --sysctl net.ipv4.ip_unprivileged_port_start=1024 "$@"
	docker_observe timeout -k 5 60 "${FRONT[@]}" "${COMMAND[@]}"
}

# docker_start OPTION ... [-- ARGUMENT ...]: the same in the background, as $NAME; it is for the test to remove.
docker_start() {
	docker_command -d --name "$NAME" "$@"
	timeout 60 "${COMMAND[@]}" >/dev/null
}

docker_logs() {
	docker_observe timeout 20 docker logs "$NAME"
}

docker_says() {
	timeout 20 docker logs "$NAME" 2>&1 | tr -d '\r' | grep -qxE "$1"
}

# docker_ended STATUS: the container has ended with it.
docker_ended() {
	local is

	is=$(timeout 20 docker wait "$NAME") || return
	assert_equal "$is" "$1"
}
