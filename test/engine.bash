# shellcheck shell=bash
# A Docker engine of our own, for the tests of real containers: its state, socket and pid file lie in one directory
# that is removed afterwards, so it neither sees nor disturbs an engine that the machine already runs, nor the one of another
# file of tests that runs at the same time.
# Used by setup_suite.bash (stop) and the container tests (start); can also be sourced by hand.

ENGINE_BASE=debian:bookworm-slim # the name that Dockerfiles expect; made here, not pulled
ENGINE_CACHE=${CAPSHIM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/capshim} # as in deps/fetch

# engine_start DIR: starts it unless it runs, exports DOCKER_HOST, waits for at most 60 s.
engine_start() {
	local dir=$1/engine

	export DOCKER_HOST=unix://$dir/docker.sock
	# The classic builder: BuildKit's client is a separate package on some machines.
	export DOCKER_BUILDKIT=0
	# Nothing that the user has configured for his own.
	export DOCKER_CONFIG=$dir/client
	unset DOCKER_CONTEXT DOCKER_DEFAULT_PLATFORM DOCKER_CONTENT_TRUST DOCKER_TLS_VERIFY
	if [ -e "$dir/docker.pid" ] && timeout 10 docker info >/dev/null 2>&1; then
		return 0
	fi
	mkdir -p "$dir"
	echo '{}' >"$dir/config.json" # not the machine's own
	# No bridge and no iptables: both would change the machine's network. The storage driver is left to the engine,
	# which takes overlay2 where it can (four times as fast) and vfs, which works everywhere, where it cannot.
	# All descriptors above 2 are closed, or bats waits for the engine's end. It stays in our process group: what
	# interrupts the tests ends it, too.
	(
		local fd
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec dockerd --iptables=false --ip6tables=false --bridge=none \
			--data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
			--host "$DOCKER_HOST" --config-file "$dir/config.json" >"$dir/log" 2>&1 </dev/null
	) &
	echo $! >"$dir/pid"
	disown
	engine_wait 60 timeout 10 docker info || {
		echo "the Docker engine does not answer; the end of its log:" >&2
		tail -n 20 "$dir/log" >&2
		return 1
	}
}

# engine_stop DIR: ends it by its own pid and removes its state, also where it was killed or is still starting. Success where
# none was started.
engine_stop() {
	local dir=$1/engine pid mounts i

	[ -d "$dir" ] || return 0
	pid=$(cat "$dir/pid" 2>/dev/null)
	if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
		timeout 30 docker --host "unix://$dir/docker.sock" ps -q 2>/dev/null |
			xargs -r timeout 30 docker --host "unix://$dir/docker.sock" rm -f >/dev/null 2>&1
		kill "$pid" 2>/dev/null
		engine_wait 30 eval "! kill -0 $pid" || kill -KILL "$pid"
	fi
	engine_wait 30 engine_kill_rest "$dir"
	# Read as a whole: what is unmounted meanwhile would shift the rest.
	mapfile -t mounts < <(awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts)
	for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do
		umount -l "${mounts[i]}"
	done
	rm -rf "$dir"
}

# engine_kill_rest DIR: what a killed engine leaves: its containerd, the shims, whose words name the directory, and process 1
# of each container, which has a mount of it. Fails while there was any.
engine_kill_rest() {
	local pid found=1

	for pid in $(pgrep -f "^[^ ]*(dockerd|containerd|containerd-shim-runc-v2) .* $1/") $(cat "$1"/exec/containerd/daemon/io.containerd.runtime.v2.task/moby/*/init.pid 2>/dev/null); do
		grep -qsF "$1/" "/proc/$pid/cmdline" || grep -qsF "${1#"${1%/*/*}"}/" "/proc/$pid/mountinfo" || continue
		kill -KILL "$pid" 2>/dev/null && found=0
	done
	[ "$found" = 1 ]
}

# engine_wait SECONDS COMMAND...: until COMMAND succeeds.
engine_wait() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# engine_base: makes sure that ENGINE_BASE exists in the engine. Built once, then taken from the cache: one file builds it,
# and another that needs it meanwhile waits.
engine_base() {
	local archive=$ENGINE_CACHE/debian-bookworm.tar

	timeout 30 docker image inspect "$ENGINE_BASE" >/dev/null 2>&1 && return
	mkdir -p "$ENGINE_CACHE"
	(flock 9 && { [ -s "$archive" ] || engine_debootstrap "$archive"; }) 9>"$archive.lock" || return
	timeout 120 docker import "$archive" "$ENGINE_BASE" >/dev/null
}

# The mirror is whichever this machine's apt uses: it is asked for, never written down here.
engine_sources() {
	# shellcheck disable=SC2016 # these are apt's variables
	timeout 60 apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u
}

engine_debootstrap() {
	local archive=$1 sources mirror work

	sources=$(engine_sources)
	mirror=$(awk '$3 == "bookworm" { print $2; exit }' <<<"$sources")
	[ -n "$mirror" ] || {
		echo "apt of this machine names no bookworm mirror: run apt-get update" >&2
		return 1
	}
	work=$(mktemp -d "${DOCKER_CONFIG%/*}/base.XXXXXX") # in the directory of the engine, which is removed with all mounts
	timeout 600 debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" "$mirror" \
		>"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		rm -rf "$work"
		return 1
	}
	{
		echo "$sources"
		echo "${sources//deb http/deb-src http}"
	} >"$work/root/etc/apt/sources.list"
	# Should this machine reach its mirror by a proxy, so does the image.
	apt-config dump | grep -i '^Acquire::[a-z]*::proxy' >"$work/root/etc/apt/apt.conf.d/proxy"
	rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
	tar -C "$work/root" -c . >"$archive.new" && mv "$archive.new" "$archive"
	rm -rf "$work"
}

# engine_every_cap IMAGE: sets EVERY_CAP to --cap-add for each capability of this machine's bounding set that the engine
# knows. Not `ALL` nor --privileged: a machine that is itself a container may lack one, and the runtime then refuses to
# start anything.
engine_every_cap() {
	local image=$1 answer unknown

	mapfile -t EVERY_CAP < <("$PROBE" | sed -n 's/^bounding=//p' | tr ',' '\n' | sed 's/^/--cap-add=/')
	until answer=$(timeout 30 docker create --network none "${EVERY_CAP[@]}" "$image" 2>&1); do
		# Older than the kernel: it names the first that it does not know.
		unknown=$(sed -n 's/.*unknown capability: "CAP_\([A-Z0-9_]*\)".*/\L\1/p' <<<"$answer")
		[ -n "$unknown" ] || {
			echo "$answer" >&2
			return 1
		}
		mapfile -t EVERY_CAP < <(printf '%s\n' "${EVERY_CAP[@]}" | grep -vx -- "--cap-add=$unknown")
	done
	timeout 30 docker rm "$answer" >/dev/null
}
