# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# shellcheck disable=SC2154 # status and output are bats'
# For the tests of capshim-learn, loaded after helpers.

LEARN=${LEARN:-$REPO/build/capshim-learn}

# A check: a server answers on port 80. That it listens is not enough: a connection is made before the server accepts it.
HTTP="bash -c 'exec 3<>/dev/tcp/127.0.0.1/80 && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && read -r line <&3'"

# What each run of learn sees: tracefs, a network of its own with lo, and Docker's capabilities.
learn_setup() {
	cat >"$T/stage" <<-'END'
		ip link set lo up
		mount -t tracefs none /sys/kernel/tracing 2>/dev/null
		exec "$@"
	END
}

# learn_command WORD ...: capshim-learn in a network and PID namespace of its own. CAPS: the container's capabilities.
learn_command() {
	timeout -k 5 "${LIMIT:-120}" unshare --fork --pid --net --mount --mount-proc --kill-child bash "$T/stage" \
		"$START" --clean --env "PATH=/usr/sbin:/usr/bin:/sbin:/bin" --env HOME=/root --groups none \
		--bounding "${CAPS:-$DOCKER_CAPS},sys_admin" -- "$LEARN" "$@" </dev/null
}

# The same; sets $status and $output, of both streams.
learn() {
	observe learn_command "$@"
}

# The same with --json; $output is standard output alone.
learn_json() {
	learn --json "$@"
	output=$(grep '^{' <<<"$output")
}

# perf_here: can this kernel tell of capabilities? From Linux 6.14 on.
perf_here() {
	unshare --mount bash -c 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null
		[ -e /sys/kernel/tracing/events/capability/cap_capable/id ]'
}
