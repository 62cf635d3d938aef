# Daemons that start as root and step down by themselves, without capshim and with it, compared in what their children hold:
# nginx, apache, php-fpm, haproxy, supervisord, sshd with a login; chronyd and named, which keep a capability; and what an
# image's own script may call: ping, setpriv, gosu. Each in a network and a PID namespace of its own.

load helpers

setup() {
	test_dir
}

# staged CAPS PREPARE READY COMMAND ...: the daemon from a start as Docker's, without capshim into $T/plain, and as a root that
# keeps CAPS into $T/behind: the lines of stage.bash.
staged() {
	local caps=$1 prepare=$2 ready=$3 program front=() to

	program=$(PATH=$PATH:/usr/sbin type -P "$4")
	shift 4
	printf '%s\n' 'user: "0:0"' 'allow_root: true' 'supplementary_groups: none' "cap_add: [$caps]" >"$T/capshim.yaml"
	for to in plain behind; do
		[ "$to" = plain ] || front=("$CAPSHIM" -c "$T/capshim.yaml" --)
		timeout -k 5 60 unshare --fork --pid --mount --net --kill-child --mount-proc bash "$REPO/test/stage.bash" \
			"$prepare" "$ready" "$START" --clean --env PATH=/usr/sbin:/usr/bin:/sbin:/bin --groups none \
			--bounding "$DOCKER_CAPS" -- "${front[@]}" "$program" "$@" >"$T/$to" 2>"$T/log" </dev/null 3>&- ||
			fail "$to: $(cat "$T/log")" || return
	done
}

# mask CAPS: as in /proc/PID/status.
mask() {
	"$START" --bounding "${1,,}" -- "$(type -P sed)" -n 's/^CapBnd:\t//p' /proc/self/status
}

# assert_same KIND USER NAME CAPS [KEPT]: each process of that name holds KEPT alone, without capshim as with it, and is of
# that user; its bounding set is what the start had, and with capshim CAPS.
assert_same() {
	local uid kept

	uid=$(id -u "$2" 2>/dev/null) || uid=$2
	kept=$(mask "${5:-none}")
	assert_equal "$(grep "^$1 $3 " "$T/plain")" "$1 $3 $uid,$uid,$uid,$uid $kept $kept $(mask "$DOCKER_CAPS")"
	assert_equal "$(grep "^$1 $3 " "$T/behind")" "$1 $3 $uid,$uid,$uid,$uid $kept $kept $(mask "$4")"
}

# The daemon itself keeps what the config names, and that it runs as root.
assert_master() {
	local set

	set=$(mask "$2")
	assert_equal "$(grep "^main $1 " "$T/behind")" "main $1 0,0,0,0 $set $set $set"
}

# answers PORT: for READY. Not in a child of the stage, which would be one of the processes.
answers() {
	echo ": 3<>/dev/tcp/127.0.0.1/$1"
}

# Signals to a child that has become another user need KILL, see capabilities(7).
LEAST=KILL,SETGID,SETUID

@test "nginx with a root master: the workers hold nothing" {
	cat >"$T/conf" <<-'END'
		user www-data; worker_processes 2; daemon off; pid /run/nginx.pid; error_log stderr;
		events {}
		http {
			access_log off; client_body_temp_path /run/b; proxy_temp_path /run/p; fastcgi_temp_path /run/f;
			uwsgi_temp_path /run/u; scgi_temp_path /run/s; server { listen 127.0.0.1:80; return 200 ok; }
		}
	END
	staged "CHOWN,NET_BIND_SERVICE,$LEAST" : "$(answers 80) && child nginx && stepped_down child" nginx -c "$T/conf"
	assert_same child www-data nginx "CHOWN,NET_BIND_SERVICE,$LEAST"
	assert_master nginx "CHOWN,NET_BIND_SERVICE,$LEAST"
}

@test "apache with a root parent: the children hold nothing" {
	cat >"$T/conf" <<-'END'
		ServerRoot /etc/apache2
		ServerName localhost
		LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
		LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
		User www-data
		Group www-data
		PidFile /run/apache.pid
		DefaultRuntimeDir /run
		Mutex file:/run default
		ErrorLog /dev/stderr
		Listen 127.0.0.1:80
		DocumentRoot /usr/share
		StartServers 1
	END
	staged "NET_BIND_SERVICE,$LEAST" : "$(answers 80) && child apache2 && stepped_down child" apache2 -D FOREGROUND -f "$T/conf"
	assert_same child www-data apache2 "NET_BIND_SERVICE,$LEAST"
	assert_master apache2 "NET_BIND_SERVICE,$LEAST"
}

@test "php-fpm with a root master: the children of a pool hold nothing" {
	local program

	program=$(printf '%s\n' /usr/sbin/php-fpm[0-9]* | sort -V | tail -n 1)
	printf '%s\n' '[global]' 'error_log = /dev/stderr' 'daemonize = no' 'pid = /run/fpm.pid' '[www]' 'user = www-data' \
		'group = www-data' 'listen = 127.0.0.1:9000' 'pm = static' 'pm.max_children = 1' >"$T/conf"
	staged "$LEAST" : "$(answers 9000) && child ${program##*/} && stepped_down child" "$program" -F -y "$T/conf"
	assert_same child www-data "${program##*/}" "$LEAST"
	assert_master "${program##*/}" "$LEAST"
}

@test "haproxy with a root master: the worker holds nothing" {
	cat >"$T/conf" <<-'END'
		global
		  user haproxy
		  group haproxy
		  master-worker
		defaults
		  timeout client 1s
		  timeout connect 1s
		  timeout server 1s
		frontend f
		  bind 127.0.0.1:80
	END
	staged "NET_BIND_SERVICE,$LEAST" : "$(answers 80) && child haproxy && stepped_down child" haproxy -f "$T/conf"
	assert_same child haproxy haproxy "NET_BIND_SERVICE,$LEAST"
	assert_master haproxy "NET_BIND_SERVICE,$LEAST"
}

@test "supervisord that runs a program as another user: the program holds nothing" {
	printf '%s\n' '[supervisord]' 'nodaemon=true' 'user=root' 'pidfile=/run/pid' 'logfile=/dev/null' 'logfile_maxbytes=0' \
		'[program:app]' 'user=www-data' "command=$(type -P sleep) 60" >"$T/conf"
	staged "$LEAST" : "child sleep && stepped_down child" supervisord -c "$T/conf"
	assert_same child www-data sleep "$LEAST"
	assert_master supervisord "$LEAST"
}

@test "sshd: a login works, and its session holds nothing" {
	local caps=NET_BIND_SERVICE,SYS_CHROOT,$LEAST prepare

	ssh-keygen -q -t ed25519 -N '' -f "$T/key"
	ssh-keygen -q -t ed25519 -N '' -f "$T/host"
	printf '%s\n' 'ListenAddress 127.0.0.1' "HostKey $T/host" "AuthorizedKeysFile $T/key.pub" 'StrictModes no' 'UsePAM no' \
		'PidFile none' >"$T/conf"
	# The account is one of this mount namespace alone.
	{ cat /etc/passwd && echo 'login:x:1234:1234::/tmp:/bin/sh'; } >"$T/passwd"
	install -m 0600 /dev/null "$T/shadow"
	{ cat /etc/shadow && echo 'login:*:19000:0:99999:7:::'; } >"$T/shadow"
	prepare="mkdir -m 0755 /run/sshd; mount --bind $T/passwd /etc/passwd; mount --bind $T/shadow /etc/shadow
		(until ssh -F none -q -i $T/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
			login@127.0.0.1 exec tail -f /dev/null; do sleep 0.1; done) &"
	staged "$caps" "$prepare" 'child tail' sshd -D -e -f "$T/conf"
	assert_same child 1234 tail "$caps"
	# Each session has one process that is root's, and one that is the user's.
	sed -i '/ sshd 0,0,0,0 /d' "$T/plain" "$T/behind"
	assert_same child 1234 sshd "$caps"
}

@test "chronyd keeps one capability when it steps down, and holds it alone" {
	local caps=NET_BIND_SERVICE,SETGID,SETUID

	printf '%s\n' 'local' 'cmdport 0' 'bindaddress 127.0.0.1' 'allow 127.0.0.1' 'pidfile /run/chronyd.pid' >"$T/conf"
	# Port 123 of UDP is open; -x leaves the clock alone.
	staged "$caps" : 'grep -q ":007B " /proc/net/udp && stepped_down main' chronyd -d -x -u _chrony -f "$T/conf"
	assert_same main _chrony chronyd "$caps" NET_BIND_SERVICE
}

@test "named keeps one capability when it steps down, and holds it alone" {
	local caps=NET_BIND_SERVICE,SETGID,SETUID

	cat >"$T/conf" <<-'END'
		options {
			directory "/run/named"; listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no;
			pid-file "/run/named/pid"; session-keyfile "/run/named/key"; dnssec-validation no;
		};
		controls { };
	END
	staged "$caps" 'mkdir -m 0755 /run/named; chown bind: /run/named' "$(answers 53) && stepped_down main" named -u bind -f -g -c "$T/conf"
	assert_same main bind named "$caps" NET_BIND_SERVICE
}

# networked RANGE COMMAND ...: in a network of its own, where the groups of RANGE may send ICMP echoes without CAP_NET_RAW.
# shellcheck disable=SC2016 # the words are of the inner shell
networked() {
	observe timeout -k 5 30 unshare --net bash -c 'ip link set lo up &&
		echo "$0" >/proc/sys/net/ipv4/ping_group_range && exec "$@"' "$@"
}

@test "ping without file capabilities: by the sockets that a group may have, and by a kept NET_RAW" {
	local plain=("$START" --clean --groups none --bounding "$DOCKER_CAPS")

	install -m 0755 "$(type -P ping)" "$T/ping" # a copy has none of the original's
	assert_equal "$(getcap "$T/ping")" ''
	networked '0 2147483647' "${plain[@]}" --gid 1234 --uid 1234 -- "$T/ping" -qc 1 127.0.0.1
	assert_success
	echo 'user: "1234:1234"' >"$T/capshim.yaml"
	networked '0 2147483647' "${plain[@]}" -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$T/ping" -qc 1 127.0.0.1
	assert_success
	assert_output --partial ' 0% packet loss'
	echo 'cap_add: [NET_RAW]' >>"$T/capshim.yaml"
	networked '1 0' "${plain[@]}" -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$T/ping" -qc 1 127.0.0.1
	assert_success
	assert_output --partial ' 0% packet loss'
}

# stepping COMMAND ...: what the probe observes behind it, without capshim and then as a root that keeps $LEAST.
stepping() {
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/sbin:/usr/bin:/sbin:/bin --groups none \
		--bounding "$DOCKER_CAPS" -- "$@" "$PROBE"
	assert_success
	assert_probe uid 33,33,33,33 permitted '' effective '' ambient ''
	capshim_run -- -- "$@" "$PROBE" <<<"{user: root, allow_root: true, cap_add: [$LEAST]}"
	assert_success
	assert_probe uid 33,33,33,33 gid 33,33,33,33 groups '' permitted '' effective '' ambient '' \
		bounding kill,setgid,setuid no_new_privs 1 securebits 0xcb
}

@test "setpriv and gosu inside: who steps down by them holds nothing" {
	stepping "$(type -P setpriv)" --reuid 33 --regid 33 --clear-groups
	stepping "$(type -P gosu)" 33:33
}

@test "gosu inside: who has stepped down does not come back" {
	local gosu

	gosu=$(type -P gosu)
	observe timeout -k 5 20 "$START" --clean --groups none --bounding "$DOCKER_CAPS" -- "$gosu" 33:33 "$gosu" root "$PROBE"
	assert_failure
	refute_workload
	capshim_run -- -- "$gosu" 33:33 "$gosu" root "$PROBE" <<<"{user: root, allow_root: true, cap_add: [$LEAST]}"
	assert_failure
	refute_workload
}
