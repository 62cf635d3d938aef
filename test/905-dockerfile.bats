#!/usr/bin/env bats
# bats file_tags=long:150
# Dockerfile.example, built and run as its comments say.

load helpers
load engine

setup_file() {
	export BATS_TEST_TIMEOUT=1000 # building images takes its time
	engine_start "$CAPSHIM_TEST_ROOT"
}

# host_status PID KEY: what the kernel says of a container's process, outside of it.
host_status() {
	awk -v key="$2:" '$1 == key { $1 = ""; sub(/^ /, ""); print }' "/proc/$1/status"
}

@test "Dockerfile.example: nginx answers on port 80 and holds NET_BIND_SERVICE only" {
	local pid set page

	engine_base
	run timeout 800 docker build --network host -t capshim-nginx -f "$REPO/Dockerfile.example" "$REPO"
	assert_success
	# The least that its comment promises, on a read-only root.
	run timeout 60 docker run -d --name web --network none --read-only --tmpfs /run --tmpfs /var/lib/nginx \
		--sysctl net.ipv4.ip_unprivileged_port_start=1024 --cap-drop ALL --cap-add SETUID --cap-add SETGID \
		--cap-add SETPCAP --cap-add CHOWN --cap-add NET_BIND_SERVICE capshim-nginx
	assert_success
	pid=$(timeout 10 docker inspect -f '{{.State.Pid}}' web)
	page=(timeout 20 nsenter "--net=/proc/$pid/ns/net" curl -sS http://127.0.0.1/)
	wait_until "${page[@]}"
	run "${page[@]}"
	assert_success
	assert_output --partial 'Welcome to nginx!'

	# Process 1 is nginx itself, and its workers are what it is.
	for pid in "$pid" $(pgrep -P "$pid"); do
		run host_status "$pid" Name
		assert_output nginx
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			run host_status "$pid" "$set"
			assert_output 0000000000000400
		done
		run host_status "$pid" Uid
		assert_output '33 33 33 33'
		run host_status "$pid" Gid
		assert_output '33 33 33 33'
		run host_status "$pid" NoNewPrivs
		assert_output 1
	done
	run timeout 10 docker logs web
	assert_output --partial 'GET / HTTP/1.1'
	run timeout 60 docker stop -t 50 web
	run timeout 10 docker inspect -f '{{.State.ExitCode}}' web
	assert_output 0
	timeout 30 docker rm -f web
	# Docker's defaults will do as well.
	run timeout 60 docker run --rm --network none capshim-nginx nginx -t
	assert_success
}
