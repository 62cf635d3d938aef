#!/usr/bin/env bats
# Debian's programs under the default filter, with no capability: servers, languages, compilers, tools, browsers. Each does
# what it is for. Then those that the filter does stop: what they say, and the line of the config that lets them run.

load helpers

setup() {
	test_dir
	install -d -o www-data -g www-data "$T/home"
}

# program [SECCOMP]: runs a shell script (standard input) in $T/home, as process 1 of a PID namespace, so that no daemon
# outlives it, and in a network namespace, so that any port is free. The user has an entry in the machine's own passwd file:
# postgres asks for one.
program() {
	cat >"$T/script" <<-'END'
		# again COMMAND ...: until it succeeds.
		again() { i=0; until "$@" >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 300 ] || exit 99; sleep 0.1; done; }
	END
	cat >>"$T/script"
	chmod 0755 "$T/script"
	cat >"$T/capshim.yaml" <<-END
		user: www-data
		working_dir: $T/home
		environment: {HOME: $T/home, W: $T/home}
		seccomp: ${1:-default}
	END
	observe timeout -k 5 100 unshare --fork --pid --net --mount-proc --kill-child sh -c 'ip link set lo up; exec "$@"' sh \
		"$START" --clean --env PATH=/usr/sbin:/usr/bin:/sbin:/bin --bounding "$DOCKER_CAPS" -- \
		"$CAPSHIM" -c "$T/capshim.yaml" -- /bin/sh -ec "grep -qx 'Seccomp:.2' /proc/self/status; . $T/script" </dev/null
}

# runs: as program; it must succeed.
runs() {
	program "$@"
	assert_success
}

@test "nginx serves a file and reloads" {
	runs <<-'END'
		printf '%s\n' "pid $W/pid; error_log $W/log; worker_processes 2;" 'events { worker_connections 64; }' \
			"http { access_log off; client_body_temp_path $W/b; proxy_temp_path $W/p; fastcgi_temp_path $W/f;" \
			"uwsgi_temp_path $W/u; scgi_temp_path $W/s; sendfile on; aio threads;" \
			"server { listen unix:$W/sock; root $W/root; } }" >conf
		mkdir root && echo hello >root/index.html
		/usr/sbin/nginx -c "$W/conf" 2>&1
		curl -sS --max-time 10 --unix-socket sock http://localhost/
		/usr/sbin/nginx -c "$W/conf" -s reload 2>&1
		curl -sS --max-time 10 --unix-socket sock http://localhost/
		/usr/sbin/nginx -c "$W/conf" -s quit 2>&1
	END
	[ "$(grep -cx hello <<<"$output")" = 2 ]
}

@test "redis stores, saves in the background and stops" {
	runs <<-'END'
		redis-server --port 0 --unixsocket "$W/sock" --dir "$W" --daemonize yes --logfile log --appendonly yes >out
		again redis-cli -s sock ping
		redis-cli -s sock set key value
		redis-cli -s sock get key
		redis-cli -s sock bgsave
		redis-cli -s sock bgrewriteaof
		redis-cli -s sock shutdown save || :
		again [ -s dump.rdb ]
	END
	assert_line value
}

@test "postgres makes a cluster, answers queries in parallel, stops" {
	runs <<-'END'
		PATH=$PATH:$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
		initdb -D data -A trust -U app >log 2>&1
		pg_ctl -D data -o "-k $W -c listen_addresses='' -c max_parallel_workers_per_gather=2" -w -t 60 \
			-l server start >>log
		psql -h "$W" -U app -Atc 'create table t as select generate_series(1,200000) n' postgres
		psql -h "$W" -U app -Atc 'set min_parallel_table_scan_size=0; select sum(n) from t' postgres
		pg_ctl -D data -w -t 60 stop >>log
	END
	assert_line 20000100000
}

@test "python3: threads, processes, sockets, a database" {
	runs <<-'END'
		cat >job.py <<'PYTHON'
		import asyncio, multiprocessing, os, socket, sqlite3, ssl, subprocess, tempfile, threading

		def square(n):
		    return n * n

		async def wait():
		    return await asyncio.create_subprocess_exec("true")

		if __name__ == "__main__":
		    with multiprocessing.Pool(2) as pool:
		        print(sum(pool.map(square, range(10))))
		    threads = [threading.Thread(target=square, args=(1,)) for _ in range(4)]
		    [t.start() for t in threads] and [t.join() for t in threads]
		    a, b = socket.socketpair()
		    a.send(b"x"), b.recv(1)
		    socket.getaddrinfo("127.0.0.1", 80)
		    db = sqlite3.connect("db")
		    db.execute("create table t (n)"), db.execute("insert into t values (42)"), db.commit()
		    print(db.execute("select n from t").fetchone()[0])
		    ssl.create_default_context(), asyncio.run(wait())
		    print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())
		PYTHON
		/usr/bin/python3 job.py
	END
	assert_line 285
	assert_line 42
	assert_line child
}

@test "node: files, workers, a server and its client, a child" {
	runs <<-'END'
		cat >job.js <<'NODE'
		const { Worker } = require("worker_threads"), http = require("http"), fs = require("fs");
		const { execFileSync } = require("child_process");
		fs.writeFileSync("file", "written");
		console.log(fs.readFileSync("file", "utf8"), execFileSync("echo", ["child"]).toString().trim());
		fs.promises.readFile("file", "utf8").then((text) => console.log("promised", text));
		new Worker("require('worker_threads').parentPort.postMessage('worker')", { eval: true })
			.on("message", (m) => console.log(m));
		const server = http.createServer((_, answer) => answer.end("served")).listen("sock", () =>
			http.get({ socketPath: "sock", path: "/" }, (r) => r.on("data", (d) => console.log(d.toString()))
				.on("end", () => server.close())));
		NODE
		node job.js
	END
	assert_line "written child"
	assert_line "promised written"
	assert_line worker
	assert_line served
}

@test "git, gcc and java" {
	runs <<-'END'
		export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		printf '#include <stdio.h>\nint main(void) { puts("compiled"); return 0; }\n' >main.c
		git init -q repo && cp main.c repo
		git -C repo add main.c && git -C repo commit -qm first && git -C repo gc -q
		git clone -q repo clone
		gcc -O2 -flto clone/main.c -o program && ./program
		keytool -genkeypair -alias a -keyalg RSA -dname CN=a -keystore store -storepass secret1 2>&1
		keytool -list -keystore store -storepass secret1
	END
	assert_line compiled
	assert_output --partial PrivateKeyEntry
}

@test "apache serves a file from its threads" {
	runs <<-'END'
		printf '%s\n' ServerRoot\ /etc/apache2 'ServerName localhost' 'LoadModule mpm_event_module \
			/usr/lib/apache2/modules/mod_mpm_event.so' 'LoadModule authz_core_module \
			/usr/lib/apache2/modules/mod_authz_core.so' "PidFile $W/pid" "DefaultRuntimeDir $W" "ErrorLog $W/log" \
			'Listen 127.0.0.1:8080' "DocumentRoot $W/root" >conf
		mkdir root && echo hello >root/index.html
		apache2 -f "$W/conf"
		again curl -sS --max-time 5 http://127.0.0.1:8080/index.html
		curl -sS --max-time 10 http://127.0.0.1:8080/index.html
		apache2 -f "$W/conf" -k stop
	END
	assert_line hello
}

@test "haproxy in front of python's web server" {
	runs <<-'END'
		printf '%s\n' defaults ' mode http' ' timeout client 5s' ' timeout connect 5s' ' timeout server 5s' 'frontend f' \
			' bind 127.0.0.1:8080' ' default_backend b' 'backend b' ' server s 127.0.0.1:8081' >conf
		mkdir root && echo hello >root/index.html
		python3 -m http.server -b 127.0.0.1 -d root 8081 2>log &
		haproxy -D -f conf
		again curl -sSf --max-time 5 http://127.0.0.1:8080/
		curl -sS --max-time 10 http://127.0.0.1:8080/
	END
	assert_line hello
}

@test "named answers for a zone" {
	runs <<-'END'
		printf '%s\n' '$TTL 60' '@ IN SOA ns root 1 60 60 60 60' ' IN NS ns' 'ns IN A 192.0.2.1' 'www IN A 192.0.2.7' >zone
		printf '%s\n' "options { directory \"$W\"; listen-on port 5353 { 127.0.0.1; }; listen-on-v6 { none; };" \
			"pid-file \"$W/pid\"; session-keyfile none; recursion no; managed-keys-directory \"$W\"; };" 'controls { };' \
			'zone "example" { type primary; file "zone"; };' >conf
		named -c "$W/conf" -g 2>log &
		cat >query.py <<'PYTHON'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		s.sendto(b"\0\7\0\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1", ("127.0.0.1", 5353))
		assert s.recv(512).find(socket.inet_aton("192.0.2.7")) > 0
		print("answered")
		PYTHON
		again python3 query.py
		python3 query.py
	END
	assert_line answered
}

@test "php: its web server runs a script, php-fpm its pool" {
	runs <<-'END'
		echo '<?php echo "sum ", array_sum([1, 2, 3]), "\n";' >index.php
		php -S 127.0.0.1:8080 >log 2>&1 &
		again curl -sSf --max-time 5 http://127.0.0.1:8080/
		curl -sS --max-time 10 http://127.0.0.1:8080/
		printf '%s\n' '[global]' "error_log = $W/fpm.log" '[www]' "listen = $W/sock" 'pm = static' 'pm.max_children = 2' >conf
		"$(printf '%s\n' /usr/sbin/php-fpm[0-9]* | tail -n 1)" -y "$W/conf"
		again [ -S sock ]
		echo "$(ps -C "$(basename /usr/sbin/php-fpm[0-9]*)" -o pid= | wc -l) processes"
	END
	assert_line 'sum 6'
	assert_line '3 processes'
}

@test "memcached stores and returns" {
	runs <<-'END'
		memcached -s "$W/sock" -t 2 &
		again [ -S sock ]
		printf 'set key 0 0 5\r\nvalue\r\nget key\r\nquit\r\n' | curl -sS --max-time 10 --unix-socket sock telnet://localhost
	END
	assert_output --partial STORED
	assert_output --partial 'VALUE key 0 5'
}

@test "supervisord starts a program and says so" {
	runs <<-'END'
		printf '%s\n' '[supervisord]' "pidfile=$W/pid" "logfile=$W/log" '[unix_http_server]' "file=$W/sock" \
			'[rpcinterface:supervisor]' 'supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface' \
			'[supervisorctl]' "serverurl=unix://$W/sock" '[program:app]' 'command=sleep 60' 'startsecs=0' >conf
		supervisord -c conf
		again supervisorctl -c conf status app
		supervisorctl -c conf status app
		supervisorctl -c conf shutdown
	END
	assert_output --partial RUNNING
}

@test "openssl and curl: a certificate, and a server with TLS" {
	runs <<-'END'
		openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=localhost \
			-addext 'subjectAltName = DNS:localhost' 2>log
		openssl s_server -accept 127.0.0.1:8443 -key key -cert cert -WWW -quiet 2>>log &
		echo hello >file
		again curl -sSf --max-time 5 --cacert cert https://localhost:8443/file
		curl -sS --max-time 10 --cacert cert https://localhost:8443/file
	END
	assert_line hello
}

@test "ssh-keygen and ssh-agent sign, and verify" {
	runs <<-'END'
		ssh-keygen -q -t ed25519 -N '' -f key
		eval "$(ssh-agent -s)" >log
		ssh-add -q key 2>>log
		echo text >text
		ssh-keygen -q -Y sign -U -f key.pub -n file text 2>>log
		echo "me $(cat key.pub)" >allowed
		ssh-keygen -Y verify -f allowed -I me -n file -s text.sig <text
		kill "$SSH_AGENT_PID"
	END
	assert_output --partial 'Good "file" signature for me'
}

@test "perl: fork, threads, sockets, time" {
	runs <<-'END'
		perl -Mthreads -MIO::Socket::UNIX -MTime::HiRes=alarm -e '
			$SIG{ALRM} = sub { die "too slow" }; alarm 60;
			my $server = IO::Socket::UNIX->new(Local => "sock", Listen => 1) or die;
			if (!fork) { my $c = IO::Socket::UNIX->new(Peer => "sock"); print $c "over a socket\n"; exit }
			print scalar readline $server->accept; wait;
			print threads->create(sub { "from a thread\n" })->join'
	END
	assert_line 'over a socket'
	assert_line 'from a thread'
}

@test "ruby: threads, processes, sockets" {
	runs <<-'END'
		ruby -rsocket -e '
			puts Thread.new { "from a thread" }.value
			a, b = UNIXSocket.pair
			pid = fork { b.puts "from a child" }
			puts a.gets; Process.wait(pid)
			puts IO.popen(["echo", "from a program"]).read
			server = TCPServer.new("127.0.0.1", 0)
			Thread.new { TCPSocket.new("127.0.0.1", server.addr[1]).puts "over TCP" }
			puts server.accept.gets'
	END
	assert_line 'from a thread'
	assert_line 'from a child'
	assert_line 'from a program'
	assert_line 'over TCP'
}

@test "bash, tcl, lua, awk" {
	runs <<-'END'
		bash -c 'coproc cat; echo coprocess >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo "$line"; kill %1
			diff <(echo same) <(echo same) && echo substitution; ulimit -n 64; wait'
		echo 'set f [open "|echo pipe" r]; puts [gets $f]; after 10 {set done 1}; vwait done; puts timer' | tclsh
		lua5.4 -e 'local f = io.popen("echo from lua"); print(f:read()); print(os.rename("a", "b") == nil)'
		awk 'BEGIN { "echo from awk" | getline line; print line }'
	END
	assert_output "$(printf '%s\n' coprocess substitution pipe timer 'from lua' true 'from awk')"
}

@test "make, clang and gcc compile C and C++ with threads, and what they make runs" {
	runs <<-'END'
		printf '%s\n' '#include <thread>' '#include <iostream>' \
			'int main() { std::thread t([] { std::cout << NAME << std::endl; }); t.join(); }' >main.cc
		printf 'all: one two\none: main.cc\n\tclang++ -O1 -pthread -DNAME=\\"clang\\" -o $@ $<\n' >Makefile
		printf 'two: main.cc\n\tg++ -O1 -pthread -fsanitize=undefined -DNAME=\\"gcc\\" -o $@ $<\n' >>Makefile
		make -sj2 && ./one && ./two
	END
	assert_output "$(printf 'clang\ngcc\n')"
}

@test "runc and gosu, written in Go, and shellcheck, written in Haskell" {
	runs <<-'END'
		runc spec && grep -c ociVersion config.json
		gosu --version | grep -c go1
		printf '#!/bin/sh\necho $1\n' >script
		shellcheck -f gcc script || echo "status $?"
	END
	assert_line --index 0 1
	assert_line --index 1 1
	assert_output --partial SC2086
	assert_line 'status 1'
}

@test "sqlite3, jq, tar, xz and gpg" {
	runs <<-'END'
		sqlite3 db 'pragma journal_mode=wal; create table t (n); insert into t values (42); select n from t'
		echo '{"a": [1, 2]}' | jq -c '.a | add'
		seq 100000 >numbers && tar cf - numbers | xz -T2 | xz -d | tar tf -
		mkdir -m 0700 home && gpg --homedir home --batch --passphrase '' --quick-generate-key a@b 2>log
		gpg --homedir home --batch -s numbers 2>>log && gpg --homedir home --verify numbers.gpg 2>&1 | grep -c Good
	END
	assert_output "$(printf '%s\n' wal 42 3 numbers 1)"
}

@test "mkfs.ext4 and e2fsck on a file, ip and ss in the network namespace" {
	runs <<-'END'
		truncate -s 8M image && mkfs.ext4 -q image && e2fsck -fn image >log 2>&1 && echo clean
		ip -o link show lo | cut -d: -f2
		ss -ltn | head -n 1 | cut -c 1-5
	END
	assert_output "$(printf '%s\n' clean ' lo' State)"
}

@test "w3m shows a page" {
	runs <<-'END'
		echo '<title>t</title><h1>Title</h1><p>Text of <b>a page</b>' >page.html
		w3m -dump page.html
	END
	assert_line 'Text of a page'
}

# As with Docker's profile: a sandbox of its own takes a user namespace, and no filter of a container allows that.
@test "chromium runs the script of a page, with --no-sandbox" {
	runs <<-'END'
		echo '<p id=p></p><script>document.getElementById("p").textContent = "sum " + (40 + 2)</script>' >page.html
		if chromium-headless-shell --disable-gpu --disable-dev-shm-usage --dump-dom "file://$W/page.html" >log 2>&1; then
			exit 98
		fi
		chromium-headless-shell --no-sandbox --disable-gpu --disable-dev-shm-usage --dump-dom "file://$W/page.html" 2>>log
	END
	assert_output --partial '<p id="p">sum 42</p>'
}

@test "unshare and runc run: no new namespace, whatever the config allows but the call itself" {
	program <<<'unshare -Ur true'
	assert_failure 1
	assert_output --partial 'unshare failed: Operation not permitted'
	program '{allow: [ptrace, io_uring, numa, keyring]}' <<<'unshare -Ur true'
	assert_failure 1
}

@test "strace and gdb: without ptrace they say so, with \"allow: [ptrace]\" they work" {
	local opens='{allow: [ptrace]}'

	program <<<'strace -o trace true'
	assert_failure 1
	assert_output --partial 'Operation not permitted'
	runs "$opens" <<<'strace -o trace true && grep -c exit_group trace'
	assert_output 1
	program <<<'gdb -q -batch -ex run /bin/true 2>&1'
	assert_output --partial 'Operation not permitted'
	runs "$opens" <<<'gdb -q -batch -iex "set startup-with-shell off" -ex run /bin/true 2>&1'
	assert_output --partial 'exited normally'
}

@test "a program with AddressSanitizer: the search for leaks needs ptrace, or is turned off" {
	runs <<-'END'
		printf '#include <stdlib.h>\n#include <stdio.h>\nint main(void) { free(malloc(9)); puts("ran"); return 0; }\n' >main.c
		gcc -fsanitize=address -o program main.c
		status=0
		./program >out 2>&1 || status=$?
		grep -c 'LeakSanitizer has encountered a fatal error' out
		echo "status $status"
		ASAN_OPTIONS=detect_leaks=0 ./program
	END
	assert_output "$(printf '%s\n' 1 'status 1' ran)"
	runs '{allow: [ptrace]}' <<<./program
	assert_output ran
}

@test "a 32-bit program with Debian's 32-bit C library: killed, and with \"allow: [32bit]\" it runs" {
	[ "$(uname -m)" = x86_64 ] || return 0
	cat >"$T/main.c" <<-'END'
		int puts(const char *); int fork(void); int wait(int *); void exit(int);
		void _start(void) { if (fork() == 0) { puts("child"); exit(0); } wait(0); puts("parent"); exit(0); }
	END
	gcc -m32 -nostartfiles -nostdlib -fno-stack-protector -fno-pic -no-pie -o "$T/home/program" "$T/main.c" \
		/lib32/libc.so.6 -Wl,-dynamic-linker,/lib/ld-linux.so.2
	program <<<'./program'
	assert_failure 159
	runs '{allow: [32bit]}' <<<'./program'
	assert_output "$(printf 'child\nparent\n')"
	runs '{allow: [32bit]}' <<<'/lib/ld-linux.so.2 --version | head -n 1'
	assert_output --partial 'ld.so'
}
