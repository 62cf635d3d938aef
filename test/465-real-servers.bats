#!/usr/bin/env bats
# Debian's redis and postgres under capshim and the default filter, on a volume that is root's: the examples that stand
# for their entrypoints, and a client that gets an answer.

load helpers

setup() {
	test_dir
	LIMIT='' SERVER=''
	PGBIN=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
}

teardown() {
	# Where a test failed: timeout(1) ends the server, in five seconds at most.
	if [ -n "$SERVER" ]; then
		kill "$LIMIT" || true
		wait "$LIMIT" || true
		cat "$T/log"
	fi
}

# server_start PROGRAM [NAME=VALUE ...] -- ARGUMENT ...: with the config $T/capshim.yaml, as a container of Docker's
# begins. Sets SERVER, the pid that becomes PROGRAM's, which ends in 100 seconds whatever happens.
server_start() {
	local program=$1 clean=(--clean --env "PATH=$T/bin:$PGBIN:/usr/sbin:/usr/bin:/sbin:/bin" --env HOME=/root)

	shift
	while [ "$1" != -- ]; do
		clean+=(--env "$1")
		shift
	done
	timeout -k 5 100 "$START" "${clean[@]}" --groups 0 --bounding "$DOCKER_CAPS" -- \
		"$CAPSHIM" -c "$T/capshim.yaml" "$@" </dev/null >"$T/log" 2>&1 3>&- &
	LIMIT=$!
	wait_until pgrep -P "$LIMIT"
	SERVER=$(pgrep -P "$LIMIT")
	wait_until is_server_or_gone "$program"
	kill -0 "$SERVER"
}

# is_server_or_gone PROGRAM: the pid is this program's, and no longer capshim's; or nobody's.
is_server_or_gone() {
	[ ! -e "/proc/$SERVER/comm" ] || [ "$(cat "/proc/$SERVER/comm")" = "$1" ]
}

# server_stop SIGNAL: by its own pid; it ends well within the time.
server_stop() {
	kill "-$1" "$SERVER"
	wait_until eval "! kill -0 $SERVER"
	SERVER=''
	wait "$LIMIT" || fail "$(cat "$T/log")"
}

# assert_server USER: the server and each of its processes, as the kernel sees them. Some of them end meanwhile.
assert_server() {
	local uid gid pid pids=()

	uid=$(id -u "$1")
	gid=$(id -g "$1")
	mapfile -t pids < <(pgrep -P "$SERVER")
	for pid in "$SERVER" "${pids[@]}"; do
		run grep -E '^(Uid|Gid|Cap...|NoNewPrivs|Seccomp):' "/proc/$pid/status"
		[ "$status" = 0 ] || [ "$pid" = "$SERVER" ] || continue
		output=$(tr '\t' ' ' <<<"$output")
		assert_equal "$output" "Uid: $uid $uid $uid $uid
Gid: $gid $gid $gid $gid
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" || return
	done
}

# volume_of_root: as when it has been restored from a backup.
volume_of_root() {
	chown -R 0:0 "$T/volume"
	chmod 0755 "$T/volume"
}

assert_stat() {
	assert_equal "$1 $(stat -c '%U %a' "$1")" "$1 $2"
}

# --- redis

redis_client() {
	observe timeout 20 redis-cli -s "$T/volume/sock" "$@"
}

redis_start() {
	server_start redis-server -- --port 0 --unixsocket "$T/volume/sock" --appendonly yes --save ''
	wait_until redis-cli -s "$T/volume/sock" ping
}

@test "redis starts on root's volume, answers a client, and finds its data again on a restored one" {
	sed "s|: /data|: $T/volume|" "$REPO/config/examples/redis.yaml" >"$T/capshim.yaml"
	mkdir -m 0755 "$T/volume"
	redis_start
	assert_server redis
	redis_client set key value
	assert_output OK
	redis_client bgrewriteaof # a process of its own, that writes a file of its own
	assert_success
	server_stop TERM
	assert_stat "$T/volume" 'redis 755'
	assert_stat "$T/volume/appendonlydir" 'redis 700'
	assert_stat "$(echo "$T"/volume/appendonlydir/*.manifest)" 'redis 600'

	volume_of_root
	redis_start
	assert_server redis
	redis_client get key
	assert_output value
	server_stop TERM
}

# --- postgres

psql_client() {
	observe timeout 30 env PGPASSWORD=secret "$PGBIN/psql" -w -h "$T/run" -d postgres "$@"
}

# postgres_start [NAME=VALUE ...]: no address, a socket in a directory of its own, and no waiting for a disk.
postgres_start() {
	server_start postgres "$@" -- -c listen_addresses= -c "unix_socket_directories=$T/run" -c fsync=off \
		-c shared_buffers=16MB
	wait_until "$PGBIN/pg_isready" -h "$T/run"
}

# What the image's own script does where it finds that it is not root.
image_script() {
	mkdir -m 0755 "$T/bin"
	cat >"$T/bin/docker-entrypoint.sh" <<-'SCRIPT'
		#!/bin/sh
		set -e
		[ "$(id -u)" != 0 ]
		if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
			echo "$POSTGRES_PASSWORD" | initdb -N -A scram-sha-256 -U "$POSTGRES_USER" --pwfile /dev/stdin
		fi
		exec "$@"
	SCRIPT
	chmod 0755 "$T/bin/docker-entrypoint.sh"
}

@test "postgres: the image's script makes the database on root's volume, and the server answers a client" {
	image_script
	sed "s|: /var/run/postgresql|: $T/run|; s|: /run/secrets|: $T|" "$REPO/config/examples/postgres.yaml" >"$T/capshim.yaml"
	mkdir -m 0755 "$T/volume"
	install -m 0400 /dev/stdin "$T/secret" <<<secret
	postgres_start "PGDATA=$T/volume/data" POSTGRES_USER=shop "POSTGRES_PASSWORD_FILE=$T/secret"
	assert_server postgres
	psql_client -U shop -Atc 'create table t as select generate_series(1, 1000) n'
	assert_success
	PGPASSWORD=other observe timeout 20 "$PGBIN/psql" -w -h "$T/run" -U shop -d postgres -c 'select 1'
	assert_failure
	server_stop INT
	assert_stat "$T/volume" 'root 755'
	assert_stat "$T/volume/data" 'postgres 700'
	assert_stat "$T/volume/data/PG_VERSION" 'postgres 600'
	assert_stat "$T/run" 'postgres 3775'

	volume_of_root
	chmod 0755 "$T/volume/data"
	postgres_start "PGDATA=$T/volume/data" POSTGRES_USER=shop
	assert_server postgres
	psql_client -U shop -Atc 'select sum(n) from t'
	assert_output 500500
	server_stop INT
	assert_stat "$T/volume/data" 'postgres 700'
}

@test "postgres without any script: a step runs initdb as the user, once" {
	local made

	cat >"$T/capshim.yaml" <<-END
		user: postgres
		command_prefix:
		  - {words: [postgres, -D, $T/volume/data], for: "-*"}
		setup:
		  - mkdir: [$T/volume/data, $T/run]
		    owner: workload
		    mode: 0700
		  - run: [$PGBIN/initdb, -D, $T/volume/data, -N, -A, trust]
		    unless: {exists: $T/volume/data/PG_VERSION}
		    user: workload
		    timeout: 90
	END
	mkdir -m 0755 "$T/volume"
	postgres_start
	assert_server postgres
	psql_client -U postgres -Atc 'create table t as select 42 n'
	assert_success
	server_stop INT
	made=$(stat -c '%i %W' "$T/volume/data/PG_VERSION")
	postgres_start
	psql_client -U postgres -Atc 'select n from t'
	assert_output 42
	server_stop INT
	assert_equal "$(stat -c '%i %W' "$T/volume/data/PG_VERSION")" "$made"
}
