#!/usr/bin/env bats
# bats file_tags=long:40
# capshim-learn: the smallest cap_add, for workloads whose answer is known. Each answer is then given to capshim itself: with it
# the check passes, and with one capability less it does not.

# shellcheck disable=SC2016,SC2030,SC2031 # other shells expand; each test is one

load helpers

LEARN=${LEARN:-${CAPSHIM%/*}/capshim-learn}

setup() {
	test_dir
	MARK=1$RANDOM$RANDOM # seconds that sleeps what must not stay behind
	SHIM=(--user www-data) CHECK='' PREPARE=: WITH=(--back-end ptrace)
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin
	chmod 0755 "$T"
}

# private PORT SCRIPT ARGUMENT ...: a shell in a network, mount and PID namespace of its own, where ports from PORT on are free
# for everybody, and PREPARE has been done.
private() {
	timeout -k 5 100 unshare --net --mount --pid --fork --kill-child --mount-proc bash -c '
		ip link set lo up && echo "$1" >/proc/sys/net/ipv4/ip_unprivileged_port_start && eval "$2" && eval "$3"' \
		private "$1" "$PREPARE" "$2" "${@:3}" </dev/null 3>&-
}

# learn PORT COMMAND ...: sets ANSWER, its names in the order of their numbers, and ALL, the JSON.
learn() {
	local port=$1 check=()

	shift
	COMMAND=("$@")
	[ -z "$CHECK" ] || check=(--check "$CHECK")
	status=0
	ALL=$(private "$port" 'shift 3; exec "$@"' "$LEARN" --json "${check[@]}" "${WITH[@]}" "${SHIM[@]}" -- "$@" 2>"$T/log") ||
		status=$?
	ANSWER=$(jq -r '.cap_add | join(",")' <<<"$ALL")
	PORT=$port
}

# passes CAPS SECONDS: does the check pass within that time with capshim itself and these?
passes() {
	local config=("${SHIM[@]}")

	[ -z "$1" ] || config+=(--cap-add "$1")
	private "$PORT" '
		check=$4 end=$5
		shift 5
		"$@" >/dev/null 2>&1 &
		[ -n "$check" ] || { wait $!; exit; }
		while ((SECONDS < end)); do
			! timeout 1 bash -c "$check" >/dev/null 2>&1 || exit 0
			sleep 0.1
		done
		exit 1' "$CHECK" "$2" "$CAPSHIM" "${config[@]}" -- "${COMMAND[@]}"
}

# assert_answer NAMES: that, found by what was seen to fail; and what capshim does with it, and with one less.
assert_answer() {
	local name

	[ "$status" = 0 ] || fail "status $status: $(cat "$T/log")" || return
	assert_equal "$ANSWER $(jq .guessed <<<"$ALL")" "$1 false" || return
	passes "$ANSWER" 20 || fail "the answer does not suffice: $ANSWER" || return
	for name in ${ANSWER//,/ }; do
		! passes "$(tr , '\n' <<<"$ANSWER" | grep -vx "$name" | paste -sd, -)" 3 || fail "$name is not missed" || return
	done
}

# assert_needed NAME PROGRAM CALL: what the answer says about it.
assert_needed() {
	assert_equal "$(jq -r --arg cap "$1" '.needed[] | select(.capability == $cap) | "\(.program) \(.call) \(.error)"' <<<"$ALL")" "$2"
}

asked() {
	jq -r '.asked | map(.capability) | join(",")' <<<"$ALL"
}

server() { # PORT
	COMMAND=(/usr/bin/python3 -m http.server "$1")
	CHECK="curl -fsS -o /dev/null localhost:$1"
}

@test "http.server on port 80 needs NET_BIND_SERVICE where ports below 1024 are guarded" {
	server 80
	learn 1024 "${COMMAND[@]}"
	assert_answer NET_BIND_SERVICE
	assert_needed NET_BIND_SERVICE 'python3 bind EACCES'
	assert_equal "$(jq -r .ip_unprivileged_port_start <<<"$ALL")" 1024
	assert_equal "$(jq -c .container <<<"$ALL")" '["SETGID","SETUID","SETPCAP","NET_BIND_SERVICE"]'
	# Candidates, rounds of discovery, and two more.
	assert_equal "$(jq '.runs <= .rounds + 1 + 2' <<<"$ALL")" true
}

@test "and nothing where they are not" {
	server 80
	learn 0 "${COMMAND[@]}"
	assert_answer ''
	assert_equal "$(jq -r .ip_unprivileged_port_start <<<"$ALL")" 0
}

@test "every back end finds the same, also behind an init" {
	local back_end

	SHIM+=(--init)
	server 80
	for back_end in ptrace alone; do
		WITH=(--back-end "$back_end")
		learn 1024 "${COMMAND[@]}"
		assert_equal "$status $ANSWER" '0 NET_BIND_SERVICE'
	done
}

@test "ping needs NET_RAW where its group has no ping sockets, and nothing where it has" {
	install -m 0755 "$(type -P ping)" "$T/ping" # without file capabilities, which the drop refuses
	PREPARE='echo "1 0" >/proc/sys/net/ipv4/ping_group_range'
	learn 1024 "$T/ping" -c 1 -W 2 127.0.0.1
	assert_answer NET_RAW
	PREPARE='echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range'
	learn 1024 "$T/ping" -c 1 -W 2 127.0.0.1
	assert_answer ''
}

@test "nginx with a root master" {
	SHIM=(--user root --allow-root)
	CHECK='curl -fsS -o /dev/null localhost:80'
	WITH+=(--reset 'rm -rf /run/b /run/p /run/f /run/u /run/s')
	PREPARE='mount -t tmpfs -o mode=0755 tmpfs /run'
	cat >"$T/conf" <<-'END'
		user www-data; worker_processes 1; daemon off; pid /run/nginx.pid; error_log stderr;
		events {}
		http {
			access_log off; client_body_temp_path /run/b; proxy_temp_path /run/p; fastcgi_temp_path /run/f;
			uwsgi_temp_path /run/u; scgi_temp_path /run/s; server { listen 127.0.0.1:80; return 200 ok; }
		}
	END
	learn 1024 /usr/sbin/nginx -e stderr -c "$T/conf"
	assert_answer CHOWN,SETGID,SETUID,NET_BIND_SERVICE
	assert_needed SETUID 'nginx setuid EPERM'
}

@test "sshd with a login" {
	local ssh

	SHIM=(--user root --allow-root)
	ssh-keygen -q -t ed25519 -N '' -f "$T/key"
	ssh-keygen -q -t ed25519 -N '' -f "$T/host"
	printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' "HostKey $T/host" "AuthorizedKeysFile $T/key.pub" 'StrictModes no' \
		'UsePAM no' 'PidFile none' >"$T/conf"
	{ cat /etc/passwd && echo 'login:x:1234:1234::/tmp:/bin/sh'; } >"$T/passwd"
	install -m 0600 /dev/null "$T/shadow"
	{ cat /etc/shadow && echo 'login:*:19000:0:99999:7:::'; } >"$T/shadow"
	PREPARE="mount -t tmpfs -o mode=0755 tmpfs /run; mkdir -m 0755 /run/sshd
		mount --bind $T/passwd /etc/passwd; mount --bind $T/shadow /etc/shadow"
	ssh="ssh -F none -q -p 2222 -i $T/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
	CHECK="$ssh login@127.0.0.1 true"
	WITH+=(--ready 'bash -c ":</dev/tcp/127.0.0.1/2222"')
	learn 1024 /usr/sbin/sshd -D -e -f "$T/conf"
	assert_answer SETGID,SETUID,SYS_CHROOT
}

@test "a shell that gives a file away and makes it set-group-id; what it can do without is said" {
	SHIM=(--user root --allow-root)
	mkdir "$T/d"
	install -m 0700 -d -o 1234 "$T/closed"
	learn 1024 sh -ec "rm -f $T/d/f; : >$T/d/f; chown 1234 $T/d/f; ls $T/closed || :; rm $T/d/f"
	assert_answer CHOWN
	assert_needed CHOWN 'chown fchownat EPERM'
	assert_equal "$(asked)" DAC_OVERRIDE,DAC_READ_SEARCH
	learn 1024 sh -ec "rm -f $T/d/f; : >$T/d/f; chown 1234 $T/d/f; chmod 2755 $T/d/f; rm $T/d/f"
	assert_answer CHOWN,FOWNER
	# Of two that serve one purpose the weaker one stays.
	learn 1024 ls "$T/closed"
	assert_answer DAC_READ_SEARCH
}

@test "each run begins with what --reset leaves, and without it what a run has changed is said" {
	SHIM=(--user root --allow-root)
	install -m 0700 -d -o 1234 "$T/closed"
	learn 1024 sh -c ": >$T/closed/file"
	# Not the answer for a new volume: what a run with more has made is only opened by the others.
	assert_equal "$ANSWER $(jq -c '[.changed, .uncertain]' <<<"$ALL")" 'DAC_READ_SEARCH [true,["DAC_OVERRIDE"]]'
	WITH+=(--reset "rm -f $T/closed/file") PREPARE="rm -f $T/closed/file"
	learn 1024 sh -c ": >$T/closed/file"
	assert_equal "$(jq -c '[.changed, .uncertain]' <<<"$ALL")" '[false,[]]'
	assert_answer DAC_OVERRIDE
}

@test "a program that needs nothing, and python, which would write its cache" {
	learn 1024 true
	assert_answer ''
	mkdir "$T/lib"
	echo 'x = 1' >"$T/lib/module.py"
	learn 1024 env "PYTHONPATH=$T/lib" /usr/bin/python3 -c 'import module'
	assert_answer ''
}

@test "what forks, and what a thread does, are observed" {
	CHECK='bash -c ":</dev/tcp/127.0.0.1/82"'
	learn 1024 /usr/bin/python3 -c '
import os, socket, time
if os.fork():
	os._exit(0)
os.setsid()
s = socket.create_server(("127.0.0.1", 82))
time.sleep(1000)'
	assert_answer NET_BIND_SERVICE
	CHECK=''
	learn 1024 /usr/bin/python3 -c '
import os, socket, threading
thread = threading.Thread(target=lambda: (socket.create_server(("127.0.0.1", 82)), os._exit(0)))
thread.start()
thread.join()
os._exit(1)'
	assert_answer NET_BIND_SERVICE
}

@test "a program that traces: what the tracer disturbs is found without it" {
	printf '%s\n' 'user: www-data' 'seccomp: {allow: [ptrace]}' >"$T/capshim.yaml"
	SHIM=(-c "$T/capshim.yaml")
	learn 1024 strace -f -o /dev/null /usr/bin/python3 -c 'import socket; socket.create_server(("127.0.0.1", 82))'
	assert_equal "$status $ANSWER" '0 NET_BIND_SERVICE'
	assert_equal "$(jq .guessed <<<"$ALL")" true
}

@test "a config with a setup: cap_add is not used, the setup is not observed, the filter is the config's" {
	cat >"$T/capshim.yaml" <<-END
		user: www-data
		cap_add: [SYS_ADMIN]
		cap_add_optional: [NET_ADMIN]
		setup:
		  - mkdir: $T/made
		    owner: workload
		  - run: [sh, -c, "chroot /nowhere || echo set-up >>$T/ran"]
	END
	SHIM=(-c "$T/capshim.yaml")
	learn 1024 "$PROBE" --out "$T/made/state"
	[ "$status" = 0 ] || fail "$(cat "$T/log")"
	assert_equal "$ANSWER $(asked)" ' '
	assert_equal "$(jq -c '[.filtered, .runs]' <<<"$ALL")" '[true,2]'
	# Of two runs the second is as configured.
	output=$(<"$T/made/state") status=0
	assert_probe bounding '' ambient '' no_new_privs 1 seccomp 2
	assert_equal "$(wc -l <"$T/ran")" 2
}

@test "a check that never passes: status 1, with what was denied, and nothing stays behind" {
	COMMAND=(sh -c "chown 0 / ; setsid sleep $MARK & sleep $MARK")
	status=0
	ALL=$(timeout -k 5 60 "$LEARN" --json "${WITH[@]}" --check false --timeout 1 --user www-data -- "${COMMAND[@]}" 2>"$T/log" </dev/null 3>&-) ||
		status=$?
	assert_equal "$status $(jq -c '[.passed, (.needed + .asked | map(.capability))]' <<<"$ALL")" '1 [false,["CHOWN"]]'
	run pgrep -f "sleep $MARK"
	assert_failure
	grep -q 'the last check has printed' "$T/log"
}

@test "an interruption ends it with what is known, and nothing stays behind" {
	local pid

	"$LEARN" --check false --timeout 60 --user www-data -- sh -c "chown 0 /; exec sleep $MARK" >"$T/out" 2>"$T/log" </dev/null 3>&- &
	pid=$!
	wait_until pgrep -f "^sleep $MARK"
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	assert_equal "$status" 130
	run pgrep -f "sleep $MARK"
	assert_failure
	grep -q '^interrupted before the answer was proven' "$T/out"
	grep -q 'CAP_CHOWN' "$T/out"
}

@test "with no more than the drop takes it learns what is missing, and ends what is another user's" {
	start_state minimal
	observe timeout -k 5 60 "$START" "${STATE[@]}" -- "$LEARN" --timeout 2 --check 'false' --user www-data -- \
		sh -c "/usr/bin/python3 -c 'import socket; socket.create_server((\"127.0.0.1\", 82))'; sleep $MARK" </dev/null
	assert_equal "$status" 1
	assert_output --partial 'this container does not have NET_BIND_SERVICE'
	run pgrep -f "sleep $MARK"
	assert_failure
}

@test "what is written wrongly is refused before anything runs" {
	observe "$LEARN" --chek true -- true
	assert_equal "$status ${lines[0]}" \
		'100 capshim: unknown option "--chek": did you mean "--check"? If not, write "--" in front of the workload'"'"'s options'
	observe "$LEARN" --timeout 1s -- true
	assert_equal "$status" 100
	observe "$LEARN" --user nobody-at-all -- true
	assert_equal "$status" 100
	assert_output --partial nobody-at-all
	observe "$LEARN" --cap-add CHOWN -- true
	assert_equal "$status" 100
	observe "$LEARN" --version
	assert_output "capshim-learn $("$CAPSHIM" --version | cut -d' ' -f2)"
}
