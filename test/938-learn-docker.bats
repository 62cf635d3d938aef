#!/usr/bin/env bats
# bats file_tags=long:20
# capshim-learn as a newcomer runs it: mounted into a container of the Docker engine.

load helpers
load engine
load docker
load learn

setup_file() {
	docker_image
}

setup() {
	docker_setup
	chmod 0755 "$LEARN"
}

# learn_docker OPTION ... -- WORD ...: in a container of the image, with Docker's default capabilities and filter.
learn_docker() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	docker_observe timeout -k 5 100 docker run --rm --network none -v "$LEARN:/capshim-learn:ro" "${options[@]}" \
		--entrypoint /capshim-learn "$DOCKER_IMAGE" "${@:2}"
}

# docker_profile: the probe runs under the profile as Docker's own.
docker_profile() {
	docker_observe timeout 60 docker run --rm --network none --user 1234:1234 --security-opt no-new-privileges \
		--security-opt "seccomp=$T/out/profile.json" --entrypoint /probe "$DOCKER_IMAGE"
	[ "$status" = 0 ]
}

@test "Docker takes the profile, and what it was learned from runs under it" {
	mkdir "$T/out"
	learn_docker -v "$T/out:/out" -- --seccomp /out/profile.json --user app -- /probe
	assert_success
	assert_output --partial 'cap_add: []'
	# runc's own threads, which are Go's, make other calls at times of their own: not every start succeeds.
	wait_until docker_profile
	assert_line 'seccomp=2'
	assert_line 'uid=1234,1234,1234,1234'
}

@test "perf in a container that is granted it" {
	perf_here || return 0
	mkdir "$T/tracing"
	mount -t tracefs none "$T/tracing"
	learn_docker --cap-add SYS_ADMIN -v "$T/tracing:/sys/kernel/tracing:ro" -- --user app -- /probe
	umount "$T/tracing"
	assert_success
	assert_line --partial 'by perf: '
	refute_line --partial 'not by perf'
}
