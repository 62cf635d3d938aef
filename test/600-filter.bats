#!/usr/bin/env bats
# The built-in filter and the loading of any: what every system call of the machine gets, the proof, and programs that
# people run.

load helpers
load filter

setup() {
	test_dir
	image_make
	filter_image
}

# default_calls [CAP ...]: asks the kernel about every call under the default filter with these kept.
default_calls() {
	capshim_run --image -- -- /syscalls <<-END
		user: app
		cap_add: [$(tr ' ' ',' <<<"$*")]
	END
	assert_success || return
	diff <("$BPFSIM" calls default "$@") <(printf '%s\n' "$output")
}

@test "without the key in the config the default filter is there, with unconfined none" {
	capshim_run --image -- -- /probe <<<'user: app'
	assert_unprivileged 1234
	assert_probe seccomp 2
	capshim_run --image -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_unprivileged 1234
	assert_probe seccomp 0
}

@test "every call of the machine gets from the kernel what the simulation of the default filter says" {
	default_calls
}

@test "the same with each capability kept alone" {
	local cap all
	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
	[ "$(wc -w <<<"$all")" -ge 38 ]
	for cap in $all; do
		default_calls "$cap"
	done
}

@test "the same with several kept, and with everything" {
	default_calls sys_admin bpf
	default_calls sys_admin perfmon sys_ptrace dac_read_search
	default_calls syslog sys_admin net_bind_service
	# shellcheck disable=SC2046 # a list of words
	default_calls $("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
}

@test "the default filter is what its JSON says, whatever is kept" {
	local cap all
	simulate check default
	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
	for cap in $all; do
		simulate check default "$cap"
		simulate check default "$cap" sys_admin
	done
	# shellcheck disable=SC2086 # a list of words
	simulate check default $all
}

@test "libseccomp, asked to compile the same rules, answers the same" {
	simulate libseccomp "$REPO/config/seccomp/default.json"
	simulate libseccomp "$REPO/config/seccomp/default.json" sys_admin sys_ptrace
}

# denied ERRNO NAME [ARGUMENT ...]
denied() {
	local errno=$1
	shift
	simulate call default "$CAPS" "$@"
	assert_output "errno $errno"
}

allowed() {
	simulate call default "$CAPS" "$@"
	assert_output allow
}

@test "what reaches into the kernel, the host or other containers is denied without a capability" {
	local call CAPS=
	for call in acct add_key bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount \
		fsopen fspick get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie \
		mbind mount mount_setattr move_mount move_pages migrate_pages nfsservctl open_by_handle_at open_tree \
		perf_event_open pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl \
		quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon \
		syslog umount2 unshare uselib userfaultfd ustat vhangup; do
		denied 1 "$call" 0 0 0 0 0 0
	done
	for call in clone3 io_uring_enter io_uring_register io_uring_setup modify_ldt; do
		denied 38 "$call" 0 0 0 0 0 0
	done
}

@test "a capability brings its calls and no others" {
	local row CAPS call
	for row in SYS_CHROOT:chroot SYS_TIME:clock_settime,settimeofday SYS_BOOT:reboot SYS_MODULE:init_module \
		SYS_PTRACE:ptrace,process_vm_readv,pidfd_getfd SYS_NICE:mbind SYSLOG:syslog BPF:bpf \
		PERFMON:perf_event_open DAC_READ_SEARCH:open_by_handle_at SYS_PACCT:acct SYS_RAWIO:iopl \
		SYS_ADMIN:mount,bpf,perf_event_open,syslog; do
		CAPS=${row%%:*}
		for call in $(tr , ' ' <<<"${row#*:}"); do
			allowed "$call"
		done
		denied 1 keyctl
		denied 38 io_uring_setup
		denied 38 clone3
		[ "$CAPS" = SYS_ADMIN ] || denied 1 mount
		[ "$CAPS" = SYS_CHROOT ] || denied 1 chroot
	done
}

@test "no new user namespace by any way, whatever is kept" {
	local CAPS
	for CAPS in '' SYS_ADMIN; do
		denied 1 clone 0x10000011
		denied 1 clone 0x90000011
		denied 1 unshare 0x10000000
		denied 1 unshare 0x10020000
		denied 1 unshare 0x110000000
		denied 1 setns 3 0x10000000
		denied 1 setns 3 0
		denied 1 setns 3 0x100000000
		denied 1 setns 3 0x50000000
		denied 38 clone3
		allowed clone 0x11
		allowed clone 0x3d0f00
	done
	allowed unshare 0x40000000
	allowed setns 3 0x40000000
	capshim_run --image -- -- /probe --try-regain <<<'user: app'
	assert_unprivileged 1234
	assert_probe regain.user_namespace EPERM
}

@test "TIOCSTI and TIOCLINUX: the lower half of the request counts, as it does for the kernel" {
	local CAPS high request
	for CAPS in '' SYS_ADMIN; do
		for request in 5412 541c; do
			for high in '' 1 80000000 ffffffff; do
				denied 1 ioctl 0 "0x${high}${high:+0000}$request"
				denied 1 ioctl 0 "0x${high}0000$request"
			done
			allowed ioctl 0 "0x1$request"
			allowed ioctl 0 "0x${request}00000000"
		done
		for request in 0x5401 0x5413 0x541b 0x541d 0; do
			allowed ioctl 0 "$request"
		done
	done
	capshim_run --image -- -- /syscalls -r 16 0 0x100005412 0 <<<'user: app'
	assert_output "16 errno 1"
}

@test "sockets: the families of containers, and the lower half of the family counts" {
	local CAPS='' family
	for family in 1 2 10 16 17 29; do
		allowed socket "$family"
		allowed socket "0xffffffff0000$(printf %04x "$family")"
	done
	for family in 0 3 9 21 26 30 38 40 46; do
		denied 1 socket "$family"
		denied 1 socket "0x10000$(printf %04x "$family")"
	done
	allowed socketpair 1
	denied 1 socketpair 30
}

@test "other ABIs are killed, calls newer than the profile get ENOSYS" {
	simulate call default '' 20@0x40000003
	assert_output kill
	simulate call default '' 0x40000027
	assert_output kill
	local CAPS=''
	denied 38 9999
	denied 38 0x3fffffff
}

@test "a seccomp() that reports success and does nothing is not believed" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:retval=0 \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_refused 112 "not in force"
}

# Below another filter of ours there already is a canary that answers.
@test "nor is it below another filter; an honest one loads there as well" {
	local inner="$T/inner" outer="$T/outer"
	printf '%s\n' 'user: "1234:1234"' >"$inner"
	printf '%s\n' 'user: "1234:1234"' "seccomp: $T/outer.json" >"$outer"
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$T/outer.json"
	observe timeout 20 "$CAPSHIM" -c "$outer" -- "$CAPSHIM" -c "$inner" -- "$CAPSHIM" -c "$inner" -- "$PROBE"
	assert_unprivileged 1234
	observe timeout 20 "$CAPSHIM" -c "$outer" -- "$(command -v strace)" -f -o "$T/work/trace" -e trace=seccomp \
		-e inject=seccomp:retval=0 "$CAPSHIM" -c "$inner" -- "$PROBE"
	assert_refused 112 "not in force"
}

@test "a kernel that refuses the filter is a failure of the system" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:error=EINVAL \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_refused 111 "seccomp"
}

@test "without seccomp(2) the prctl of older kernels is used, and proven just so" {
	cat >"$T/config" <<<'user: "1234:1234"'
	observe timeout 20 strace -f -o "$T/trace" -e trace=seccomp -e inject=seccomp:error=ENOSYS \
		"$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_unprivileged 1234
	assert_probe seccomp 2
}

@test "the workload's children cannot leave the filter, nor does init keep them from it" {
	capshim_run --image -- -- /syscalls 272 0x10000000 <<-'END'
		user: app
		init: true
	END
	assert_success
	assert_line "272 errno 1"
}

# program: runs a shell script (standard input) under the default filter, with no capability, in $T/work, as
# process 1 of a PID namespace, so that no daemon outlives it. The user has an entry in the machine's own passwd
# file: postgres asks for one.
program() {
	cat >"$T/script"
	chown www-data: "$T/work"
	chmod 0755 "$T/script"
	capshim_run --pid1 --timeout 100 --env "W=$T/work" -- -- /bin/sh -ec ". $T/script" <<-END
		user: www-data
		working_dir: $T/work
		environment: {HOME: $T/work}
	END
	assert_success
}

@test "nginx serves a file and reloads" {
	program <<-'END'
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
	program <<-'END'
		redis-server --port 0 --unixsocket "$W/sock" --dir "$W" --daemonize yes --logfile log --appendonly yes >out
		i=0; until redis-cli -s sock ping >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.1; done
		redis-cli -s sock set key value
		redis-cli -s sock get key
		redis-cli -s sock bgsave
		redis-cli -s sock bgrewriteaof
		redis-cli -s sock shutdown save || :
		i=0; until [ -s dump.rdb ]; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.1; done
	END
	assert_line value
}

@test "postgres makes a cluster, answers queries in parallel, stops" {
	program <<-'END'
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
	program <<-'END'
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
	program <<-'END'
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
	program <<-'END'
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
