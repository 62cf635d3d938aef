#!/usr/bin/env bats
# bats file_tags=long:20
# The README's way into an image, with a real engine: its Dockerfile lines and its config, then what --explain prints is
# pasted behind `docker run`.

load helpers
load engine

# block NAME: as in 990-docs.bats, for a block that stands in a list.
block() {
	awk -v name="\`\`\`$1" '
		{ text = $0; sub(/^   /, "", text) }
		inside && text == "```" { exit }
		inside { print text }
		text == name { inside = 1 }' "$REPO/README.md"
}

setup_file() {
	export BATS_TEST_TIMEOUT=300
	local context=$CAPSHIM_TEST_ROOT/first-hour

	engine_start "$CAPSHIM_TEST_ROOT"
	image_make "$context"
	install -m 0755 "$PROBE" "$context/server"
	block 'yaml config' >"$context/capshim.yaml"
	chmod 0644 "$context/capshim.yaml"
	# The classic builder, which is what the tests have, knows no --chmod: the file has that mode already.
	{
		printf '%s\n' 'FROM scratch' 'COPY . /' 'COPY server /usr/bin/server'
		block dockerfile | sed 's/--chmod=0644 //; s|--from=capshim:[0-9.]* /capshim|capshim|'
	} >"$CAPSHIM_TEST_ROOT/first-hour.dockerfile"
	timeout 120 docker build -q -t first-hour -f "$CAPSHIM_TEST_ROOT/first-hour.dockerfile" "$context" >&2
}

@test "the image of the README runs its config: nothing of root but the one capability" {
	observe timeout 60 docker run --rm --network none first-hour
	assert_unprivileged 1234 net_bind_service
	assert_probe arg.0 server arg.1 --port arg.2 80
	observe timeout 60 docker run --rm --network none first-hour --port 8080
	assert_unprivileged 1234 net_bind_service
	assert_probe arg.0 server arg.1 --port arg.2 8080
	observe timeout 60 docker run --rm --network none first-hour /probe --exit 3
	assert_failure 3
}

@test "what --explain prints for docker run is enough, and each of it is needed" {
	local explain line cap

	explain=$(block 'sh image')
	observe timeout 60 bash -c "${explain/ IMAGE / --network none first-hour }"
	assert_success
	line=$(sed -n 's/^ *docker run //p' <<<"$output")
	[[ $line == *--cap-drop\ ALL* ]]
	# shellcheck disable=SC2086 # words
	observe timeout 60 docker run --rm --network none $line first-hour
	assert_unprivileged 1234 net_bind_service
	# shellcheck disable=SC2013
	for cap in $(grep -oE -- '--cap-add [A-Z_]+' <<<"$line" | cut -d' ' -f2); do
		# shellcheck disable=SC2086
		observe timeout 60 docker run --rm --network none ${line/--cap-add $cap/} first-hour
		assert_refused 111 "CAP_$cap" || return
	done
}

@test "--check stops the build of an image whose config has a mistake, also as an ordinary user" {
	local context=$CAPSHIM_TEST_ROOT/first-hour

	printf '%s\n' 'FROM first-hour' 'USER 1234:1234' 'RUN ["/capshim", "--check"]' >"$context/Dockerfile.user"
	timeout 120 docker build -q -f "$context/Dockerfile.user" "$context"
	sed 's/cap_add/cap_ad/' "$context/capshim.yaml" >"$context/wrong.yaml"
	printf '%s\n' 'FROM first-hour' 'COPY wrong.yaml /etc/capshim.yaml' 'RUN ["/capshim", "--check"]' >"$context/Dockerfile.wrong"
	observe timeout 120 docker build -f "$context/Dockerfile.wrong" "$context"
	assert_failure
	assert_output --partial 'did you mean "cap_add"?'
}
