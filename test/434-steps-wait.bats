#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# wait_for.

load helpers
load content

# --- wait_for

# listen SECONDS: a server on a port of the loopback interface that it writes to $T/port, but listens only after that
# time; until then the port is bound and refuses.
listen() {
	background perl -MSocket -e '
		socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or die;
		open(F, ">", "$ARGV[0].new"); print F (sockaddr_in(getsockname(S)))[0]; close(F);
		rename("$ARGV[0].new", $ARGV[0]); sleep $ARGV[1]; listen(S, 5); sleep 60' "$T/port" "$1"
	wait_until test -e "$T/port"
}

@test "wait_for: a server that is there, one that comes, and none" {
	listen 1
	steps <<-END
		- wait_for: tcp://127.0.0.1:$(<"$T/port")
		- wait_for: tcp://localhost:$(<"$T/port")
		  timeout: 60
	END
	assert_success
	steps <<-END
		- wait_for: ["tcp://127.0.0.1:$(<"$T/port")", "tcp://[::1]:1"]
		  timeout: 1
	END
	assert_refused 111 '[::1]:1' 'Connection refused'
}

@test "wait_for: a socket and a path that come, also one with content" {
	background perl -MIO::Socket::UNIX -e 'sleep 1; $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1); sleep 60' \
		"$T/data/socket"
	background bash -c 'touch "$1"; sleep 1; mkdir "$1.d"; echo x >>"$1"' - "$T/data/path"
	steps <<-END
		- wait_for: unix://$T/data/socket
		- wait_for: [$T/data/path, $T/data/path.d]
		- wait_for: $T/data/path
		  nonempty: true
	END
	assert_success
	steps <<-END
		- wait_for: $T/data/path.d
		  nonempty: true
		  timeout: 1
	END
	assert_refused 111 "$T/data/path.d"
	steps <<-END
		- wait_for: unix://$T/data/path
		  timeout: 1
	END
	assert_refused 111 "$T/data/path" 'Connection refused'
}

@test "wait_for: a path through a planted link does not exist" {
	as_app ln -s /etc/passwd "$T/data/link"
	steps <<-END
		- wait_for: $T/data/link
		  timeout: 1
	END
	assert_refused 111 "$T/data/link"
}

# name_server ADDRESS: answers on port 53 of that address: NXDOMAIN, and for db.search.test an alias and 127.0.0.1.
name_server() {
	background perl -MSocket -e "$NAMES" "$1" "$T/names"
	wait_until test -e "$T/names"
}

NAMES='
	socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, inet_aton($ARGV[0]))) or die;
	open(F, ">", $ARGV[1]); close(F);
	while (my $from = recv(S, my $q, 512, 0)) {
		my $yes = $q =~ /\x02db\x06search\x04test\0\0\x01/;
		my $head = substr($q, 0, 2) . ($yes ? "\x81\x80" : "\x81\x83") . pack("nnnn", 1, $yes ? 2 : 0, 0, 0);
		my $answer = $yes ? "\xc0\x0c" . pack("nnNn", 5, 1, 60, 4) . "\x01x\xc0\x0c"
			. "\xc0\x2a" . pack("nnNn", 1, 1, 60, 4) . "\x7f\0\0\x01" : "";
		send(S, $head . substr($q, 12) . $answer, 0, $from);
	}'

@test "wait_for: names from the hosts file, and from a name server with its search list" {
	in_image
	listen 0
	name_server 127.0.0.77
	printf '# comment\n::2 other\n127.0.0.1 wrong Server other # server2\n' >"$IMAGE/etc/hosts"
	printf 'search nowhere.test search.test\nnameserver 127.0.0.77\noptions ndots:5\n' >"$IMAGE/etc/resolv.conf"
	steps --image --no-proc <<-END
		- wait_for: [tcp://server:$(<"$T/port"), tcp://db:$(<"$T/port"), tcp://db.search.test:$(<"$T/port")]
		  timeout: 10
	END
	assert_success
	steps --image --no-proc <<-END
		- wait_for: tcp://server2:$(<"$T/port")
		  timeout: 1
	END
	assert_refused 111 server2
}

@test "wait_for: without a nameserver line the machine itself is asked" {
	echo '{user: "1:1", command: none, setup: [{wait_for: "tcp://db.search.test:80", timeout: 5}]}' >"$T/capshim.yaml"
	: >"$T/empty"
	observe timeout 20 unshare --net --mount bash -c 'ip link set lo up && mount --bind "$1/empty" /etc/resolv.conf || exit
		perl -MSocket -e "socket(L, AF_INET, SOCK_STREAM, 0); bind(L, sockaddr_in(80, INADDR_LOOPBACK)); listen(L, 9); $2" \
			127.0.0.1 "$1/names" 3>&- &
		until [ -e "$1/names" ]; do sleep 0.05; done
		"$3" -c "$1/capshim.yaml"; status=$?; kill $!; exit $status' bash "$T" "$NAMES" "$CAPSHIM"
	assert_success
}

@test "wait_for: wrong input is an error before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- wait_for: localhost:80
		- wait_for: tcp://localhost
		- wait_for: tcp://localhost:65536
		- wait_for: tcp://localhost:080000
		- wait_for: tcp://::1:80
		- wait_for: tcp://[::1:80
		- wait_for: unix://relative
		- wait_for: unix:///$(printf 'x%.0s' {1..120})
		- wait_for: tcp://localhost:80
		  nonempty: true
		- wait_for: /path
		  timeout: never
	END
	assert_refused 100 ':8:' ':9:' ':10:' ':11:' ':12:' ':13:' ':14:' ':15:' ':16:' ':19:'
	assert [ ! -e "$T/one" ]
}

@test "wait_for: a program that ends with 0, as the workload's user, tried until it does" {
	chmod 0711 "$T"
	background bash -c 'sleep 1; touch "$1"' - "$T/data/ready"
	steps <<-END
		- wait_for: {run: [sh, -c, 'id -u >>$T/data/tries; test -e $T/data/ready'], user: workload}
		  timeout: 30
	END
	assert_success
	assert_equal "$(sort -u "$T/data/tries")" 1234
	[ "$(wc -l <"$T/data/tries")" -gt 1 ]
}

@test "wait_for: a program that never succeeds, does not end, or cannot be started" {
	steps <<-END
		- wait_for: {run: [sh, -c, 'exit 3']}
		  timeout: 1
	END
	assert_refused 111 'cannot wait for "sh": after 1 s it still ends with status 3'
	steps <<-END
		- wait_for: {run: [sleep, "600"]}
		  timeout: 1
	END
	assert_refused 111 'still running' killed
	steps <<-END
		- wait_for: {run: [$T/missing]}
	END
	assert_refused 111 "$T/missing"
}
