#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# What the workload starts with: umask, limits, directory, streams, descriptors, signals, session; and the report.

load helpers
load lie
load workload

# --- umask, limits, oom_score_adj, directory

@test "umask: inherited, set, and set only where it equals" {
	workload --with --umask --with 0037 <<<''
	assert_probe umask 0037
	workload --with --umask --with 0037 <<<'umask: inherit'
	assert_probe umask 0037
	workload --with --umask --with 0037 <<<'umask: 0027'
	assert_probe umask 0027
	workload --with --umask --with 0037 <<<'umask: 0000'
	assert_probe umask 0000
	workload --with --umask --with 0022 <<<'umask: {from: "0022", to: "0077"}'
	assert_probe umask 0077
	workload --with --umask --with 0002 <<<'umask: {from: "0022", to: "0077"}'
	assert_probe umask 0002
	local mask expected
	while read -r mask expected; do
		workload --with --umask --with 0037 --env "MASK=$mask" <<<'umask: "${MASK:-inherit}"'
		assert_probe umask "$expected"
	done <<-'END'
		22 0022
		2 0002
		0 0000
		022 0022
		0022 0022
		inherit 0037
		777 0777
	END
	workload --with --umask --with 0037 <<<'umask: "${MASK:-inherit}"'
	assert_probe umask 0037
	workload --with --umask --with 0022 --env FROM=22 --env TO=7 <<<'umask: {from: "${FROM}", to: "${TO}"}'
	assert_probe umask 0007
	for mask in 8 -2 0x2 '2 ' 1000 22x none; do
		workload --env "MASK=$mask" <<<'umask: "${MASK:-inherit}"'
		assert_refused 100 capshim.yaml:3:8:
	done
}

@test "limits: soft and hard, one of them, and none" {
	workload --with --nofile --with 700 <<<'ulimits: {nofile: 512, core: 0, nproc: {soft: 512, hard: 1024}}'
	assert_unprivileged 1234
	assert_probe rlimit.nofile 512:512 rlimit.core 0:0 rlimit.nproc 512:1024
	workload --with --nofile --with 700 <<<'ulimits: {nofile: {soft: 70}, core: {hard: 0}, cpu: unlimited}'
	assert_probe rlimit.nofile 70:700 rlimit.core 0:0 rlimit.cpu unlimited:unlimited
	NOFILE=80 workload --with --nofile --with 700 <<<'ulimits: {nofile: "${NOFILE:-60}", core: "${CORE:-unlimited}"}'
	assert_probe rlimit.nofile 80:80
	# Too few for capshim itself: they are the workload's.
	workload <<<$'ulimits: {nofile: 3}\nworking_dir: /tmp\ninit: true'
	assert_probe rlimit.nofile 3:3 cwd /tmp
	workload --with --nofile --with 700 <<<'ulimits: {nofile: {hard: 600}}'
	assert_probe rlimit.nofile 600:600
	workload --with --nofile --with 700 <<<'ulimits: {nofile: 700}'
	assert_probe rlimit.nofile 700:700
	workload <<<'ulimits: {nofile: 3}'
	assert_unprivileged 1234
	assert_probe rlimit.nofile 3:3 fds 0,1,2
}

@test "limits: what the start does not allow is refused" {
	workload --with --nofile --with 700 <<<'ulimits: {nofile: 701}'
	assert_refused 111 'cannot set the limit "nofile"' CAP_SYS_RESOURCE
	workload --with --nofile --with 700 <<<'ulimits: {nofile: {soft: 701}}'
	assert_refused 111 'cannot set the limit "nofile": soft is above the hard one of 700'
}

@test "oom_score_adj is raised, and lowered only with CAP_SYS_RESOURCE" {
	workload <<<'oom_score_adj: 100'
	assert_unprivileged 1234
	assert_probe oom_score_adj 100
	workload <<<"oom_score_adj: $(cat /proc/self/oom_score_adj)"
	assert_unprivileged 1234
	workload <<<'oom_score_adj: -900'
	assert_refused 111 'cannot set "oom_score_adj"' CAP_SYS_RESOURCE
	workload --no-proc <<<'oom_score_adj: 100'
	assert_refused 111 'oom_score_adj": there is no /proc'
}

@test "working_dir: entered by root or by the user, depending on who can" {
	workload <<<'working_dir: /data'
	assert_unprivileged 1234
	assert_probe cwd /data
	mkdir -p "$IMAGE/root/deep"
	chmod 0700 "$IMAGE/root"
	workload <<<'working_dir: /root/deep'
	assert_unprivileged 1234
	assert_probe cwd /root/deep
	mkdir -m 0700 "$IMAGE/own"
	chown 1234 "$IMAGE/own"
	workload --start minimal <<<'working_dir: /own'
	assert_unprivileged 1234
	assert_probe cwd /own
	chown 2345:2345 "$IMAGE/own"
	workload --start minimal <<<'working_dir: /own'
	assert_refused 111 'cannot enter "/own": Permission denied'
	workload <<<'working_dir: /none'
	assert_refused 111 'cannot enter "/none": No such file'
	workload <<<'working_dir: /probe'
	assert_refused 111 'cannot enter "/probe": Not a directory'
}

@test "a working directory outside the root, or none, is refused" {
	mkdir "$T/mount" "$T/gone"
	under unshare --mount sh -c 'mount -t tmpfs x "$0" && cd "$0" && umount -l "$0" && exec "$@"' \
		"$T/mount" -- "$PROBE"
	assert_refused 112 'inside the root: "(unreachable)/' working_dir
	under sh -c 'cd "$0" && rmdir "$0" && exec "$@"' "$T/gone" -- "$PROBE"
	assert_refused 111 'the working directory: it has been deleted' working_dir
	mkdir "$T/gone"
	more 'working_dir: /usr'
	under sh -c 'cd "$0" && rmdir "$0" && exec "$@"' "$T/gone" -- "$PROBE"
	assert_success
	assert_probe cwd /usr
}

# --- standard streams

@test "own_stdio: a pipe becomes the user's, so that /dev/stdout can be opened" {
	workload -- /probe --write-stdout-path <<<''
	assert_unprivileged 1234
	assert_probe stdio.1 pipe:1234:0 stdio.2 pipe:1234:0 stdio.0 device:0:0 dev_stdout ok
	workload -- /probe --write-stdout-path <<<'own_stdio: true'
	assert_probe stdio.1 pipe:1234:0 dev_stdout ok
	workload -- /probe --write-stdout-path <<<'own_stdio: false'
	assert_unprivileged 1234
	assert_probe stdio.1 pipe:0:0 dev_stdout EACCES
}

@test "own_stdio without CAP_CHOWN: auto leaves it and says so, true is refused" {
	workload --start minimal -- /probe --write-stdout-path <<<'report: text'
	assert_unprivileged 1234
	assert_probe stdio.1 pipe:0:0 dev_stdout EACCES
	assert_output --partial 'stdio: not owned'
	workload --start minimal <<<'own_stdio: true'
	assert_refused 111 'file descriptor 1' CAP_CHOWN
}

@test "own_stdio: sockets and terminals too, files and /dev/null not" {
	under perl -MSocket -e \
		'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) and open(STDIN, "<&A") and exec @ARGV' -- "$PROBE"
	assert_probe stdio.0 socket:1234:0
	: >"$T/file"
	workload --stdin "$T/file" <<<'own_stdio: true'
	assert_probe stdio.0 file:0:0
	workload --stdin "$T/file" <<<'report: text'
	assert_output --partial '; stdio: not owned'
	workload <<<'own_stdio: true'
	assert_probe stdio.0 device:0:0
	assert_equal "$(stat -c %u "$NULL")" 0
	terminal "$START" --clean -- "$CAPSHIM" -c "$T/config" -- "$PROBE"
	assert_output --partial "stdio.0=terminal:1234:"
	assert_output --partial "stdio.2=terminal:1234:"
}

@test "own_stdio: a null device is never taken for a terminal, even where ioctl(2) says so" {
	more 'own_stdio: true'
	under strace -fqqo /dev/null -e inject=ioctl:retval=0 -- "$PROBE"
	assert_unprivileged 1234
	assert_equal "$(stat -c %u:%g "$NULL")" 0:0
}

@test "standard streams that are closed are opened on nothing" {
	local fd
	for fd in 0 1 2; do
		workload --with --close --with "$fd" -- /probe --out /tmp/out <<<''
		assert_success
		output=$(cat "$IMAGE/tmp/out")
		assert_unprivileged 1234
		assert_probe fds 0,1,2
		[[ $(probe_value "stdio.$fd") == device:* ]]
		rm "$IMAGE/tmp/out"
	done
	workload --with --close --with 0 --with --close --with 1 --with --close --with 2 -- /probe --out /tmp/out <<<''
	assert_success
	output=$(cat "$IMAGE/tmp/out")
	assert_probe fds 0,1,2
	for fd in 0 1 2; do
		[[ $(probe_value "stdio.$fd") == device:* ]]
	done
}

@test "without a true /dev/null a closed stream becomes a pipe without a writer" {
	printf 'user: app\nseccomp: unconfined\n' >"$IMAGE/etc/capshim.yaml"
	observe timeout 20 "$START" --clean --chroot "$IMAGE" --close 0 -- /capshim -- /probe --read-stdin
	assert_unprivileged 1234
	assert_probe fds 0,1,2 stdio.0 pipe:1234:0 stdin ''
	echo secret >"$IMAGE/dev/null"
	observe timeout 20 "$START" --clean --chroot "$IMAGE" --close 0 -- /capshim -- /probe --read-stdin
	assert_probe fds 0,1,2 stdio.0 pipe:1234:0 stdin ''
}

@test "a closed stream that cannot be replaced prevents the start" {
	capshim_run --with --close --with 0 --with --nofile --with 0 -- -- "$PROBE" <<<'{user: "1:1", seccomp: unconfined}'
	assert_refused 111 'closed file descriptor 0'
}

@test "a standard stream of no type that fstat(2) knows, an eventfd, is handed on" {
	observe python3 -c 'import os, sys; os.dup2(os.eventfd(0), 0); os.execv(sys.argv[1], sys.argv[1:])' \
		"$START" --clean -- "$CAPSHIM" --user 1234:1234 -- /bin/readlink /proc/self/fd/0
	assert_success
	assert_output 'anon_inode:[eventfd]'
}

@test "a directory as a standard stream prevents the start, O_PATH or not: it would lead out of the container" {
	local fd open
	for fd in 0 1 2; do
		for open in --fd --fd-path; do
			workload --with --close --with "$fd" --with $open --with "$fd" -- /probe <<<''
			assert_failure 111
			refute_workload
			[ "$fd" = 2 ] || assert_output "capshim: cannot give the workload \"file descriptor $fd\": it is a directory"
		done
	done
}

# --- descriptors

@test "nothing above 2 is passed on, O_PATH and high numbers included" {
	local fds=(--with --fd --with 3 --with --fd-path --with 4 --with --fd --with 63 --with --fd --with 64
		--with --fd-path --with 999 --with --fd --with 1023 --with --fd --with 1024 --with --fd --with 5000)
	workload "${fds[@]}" <<<''
	assert_unprivileged 1234
	assert_probe fds 0,1,2
	workload "${fds[@]}" <<<'ulimits: {nofile: 64}'
	assert_probe fds 0,1,2
	workload --no-proc "${fds[@]}" <<<''
	assert_probe fds 0,1,2
}

@test "keep_fds are kept, with listen_fds those of LISTEN_FDS, and nothing between them" {
	local fds=(--with --fd-file --with 3 --with --fd-file --with 4 --with --fd-file --with 5 --with --fd-file --with 6
		--with --fd-file --with 64 --with --fd-file --with 1023 --with --fd --with 1024)
	workload "${fds[@]}" <<<'keep_fds: [4, 5, 64, 1023, 900]'
	assert_unprivileged 1234
	assert_probe fds 0,1,2,4,5,64,1023
	workload "${fds[@]}" --env LISTEN_FDS=2 --env LISTEN_PID=1 <<<'keep_fds: listen_fds'
	assert_probe fds 0,1,2,3,4 env.LISTEN_FDS 2 env.LISTEN_PID 1
	workload "${fds[@]}" --env LISTEN_FDS=1 --env LISTEN_PID=1 <<<'keep_fds: [6, listen_fds]'
	assert_probe fds 0,1,2,3,6
	workload "${fds[@]}" < <(printf 'keep_fds: [4]\nulimits: {nofile: 6}\n')
	assert_probe fds 0,1,2,4
}

@test "a directory that keep_fds keeps prevents the start, O_PATH or not, by its number or by listen_fds" {
	local init keep open env=(--env LISTEN_PID=1 --env)
	for keep in 5 listen_fds; do
		for init in false true; do
			for open in --fd --fd-path; do
				workload --with --fd-file --with 3 --with "$open" --with 5 "${env[@]}" LISTEN_FDS=3 \
					<<<"init: $init"$'\nkeep_fds: '"$keep"
				assert_refused 111
				assert_output 'capshim: cannot give the workload "file descriptor 5": it is a directory'
			done
		done
	done
	workload --with --fd-file --with 3 --with --fd --with 5 "${env[@]}" LISTEN_FDS=2 <<<'keep_fds: [listen_fds, 6]'
	assert_probe fds 0,1,2,3
	# 3 is an eventfd, which has no type; 4 a mount that is attached nowhere: open_tree(2) with OPEN_TREE_CLONE.
	for keep in 3 4; do
		more "keep_fds: $keep"
		under python3 -c 'import ctypes, os, sys
os.dup2(ctypes.CDLL(None).syscall(428, -100, b"/usr", 1), 4); os.dup2(os.eventfd(0), 3)
os.execv(sys.argv[1], sys.argv[1:])' -- "$PROBE"
		[ "$keep" = 4 ] || assert_probe fds 0,1,2,3
	done
	assert_refused 111 'cannot give the workload "file descriptor 4": it is a directory'
}

@test "the environment alone keeps no descriptor, and no word of it is left" {
	local config given=(--with --fd-file --with 3 --env LISTEN_PID=1 --env LISTEN_FDNAMES=leaked --env LISTEN_PIDFDID=9 --env)
	for config in 1:'keep_fds: 4' $'1:keep_fds: 4\ninit: true' x:'keep_fds: listen_fds'; do
		workload "${given[@]}" "LISTEN_FDS=${config%%:*}" <<<"${config#*:}"
		assert_unprivileged 1234
		assert_probe fds 0,1,2
		refute_line --regexp '^env\.LISTEN'
	done
	capshim_run --image --no-proc "${given[@]}" LISTEN_FDS=1 -- --as-workload /probe <<<'{user: app, keep_fds: listen_fds}'
	assert_probe fds 0,1,2
	refute_line --regexp '^env\.LISTEN'
}

@test "LISTEN_PID counts where it is the process id and nothing else" {
	local pid
	for pid in '' 01 +1 ' 1' '1 ' 1x 0x1 2 4294967297 18446744073709551617; do
		workload --with --fd-file --with 3 --env LISTEN_FDS=1 --env "LISTEN_PID=$pid" <<<'keep_fds: listen_fds'
		assert_unprivileged 1234
		assert_probe fds 0,1,2 env.LISTEN_PID "$pid" env.LISTEN_FDS 1
	done
}

@test "with an init LISTEN_PID names the workload" {
	local env=(--env LISTEN_FDS=1 --env LISTEN_PIDFDID=9 --env)
	workload --with --fd-file --with 3 "${env[@]}" LISTEN_PID=1 <<<$'init: true\nkeep_fds: listen_fds'
	assert_unprivileged 1234
	assert_probe fds 0,1,2,3 env.LISTEN_PID "$(probe_value pid)"
	refute_line pid=1
	refute_line --partial LISTEN_PIDFDID # of the init, which sd_listen_fds(3) would compare
	workload --with --fd-file --with 3 "${env[@]}" LISTEN_PID=1 <<<'keep_fds: listen_fds'
	assert_probe fds 0,1,2,3 env.LISTEN_PID 1 env.LISTEN_PIDFDID 9
	workload --with --fd-file --with 3 --env LISTEN_FDS=1 --env LISTEN_PID=77 <<<$'init: true\nkeep_fds: listen_fds'
	assert_probe env.LISTEN_PID 77
}

@test "without close_range: by /proc, and without /proc one by one" {
	local refusal
	WITH=(--fd 3 --fd-path 4 --fd-file 64 --fd 900)
	for refusal in ENOSYS EPERM; do
		under strace -fqqo /dev/null -e inject=close_range:error=$refusal -- "$PROBE"
		assert_unprivileged 1234
		assert_probe fds 0,1,2
	done
	WITH+=(--nofile 1000)
	# A million calls of close(2): strace must not stop each of them.
	under unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' - strace -fqqo /dev/null --seccomp-bpf \
		-e trace=close_range -e inject=close_range:error=ENOSYS -- "$PROBE"
	assert_unprivileged 1234
	assert_probe fds 0,1,2
	# What may lie above the last that is tried would be passed on unseen. 0 leaves the limit as it was: infinite.
	under unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' - strace -fqqo /dev/null \
		-e trace=close_range,prlimit64 -e inject=close_range:error=ENOSYS -e inject=prlimit64:retval=0 -- "$PROBE"
	assert_refused 111 'cannot close every descriptor: needs close_range(2) or /proc'
	more 'keep_fds: [64]'
	under strace -fqqo /dev/null -e inject=close_range:error=ENOSYS -- "$PROBE"
	assert_probe fds 0,1,2,64
}

@test "a close_range that lies is found out" {
	WITH=(--fd 3 --fd 5)
	under strace -fqqo /dev/null -e inject=close_range:retval=0 -- "$PROBE"
	assert_refused 112 'descriptors above 2'
	more 'keep_fds: [4, 6]'
	local n
	for n in 1 2 3; do
		under strace -fqqo /dev/null -e inject=close_range:retval=0:when=$n -- "$PROBE"
		assert_refused 112 'descriptors above 2'
	done
}

@test "every call of this part that lies is found out" {
	local lie config
	WITH=()
	while read -r lie config; do
		more "$config"
		under strace -fqqo /dev/null -e "inject=$lie" -- "$PROBE"
		assert_refused 112 'cannot prove'
	done <<-'END'
		prlimit64:retval=0:when=1+ ulimits: {core: 0, nofile: 77}
		fchown:retval=0 own_stdio: auto
		umask:retval=0 umask: 0027
		chdir,fchdir:retval=0 working_dir: /usr/bin
		setsid:retval=0 new_session: true
	END
}

@test "what the kernel refuses or pretends, one call at a time" {
	local call pattern how config status text
	while read -r call pattern how status config; do
		text=${config#*# }
		lie "$call" "$pattern" "$how" <<<"{user: \"1234:1234\", seccomp: unconfined, ${config% \#*}}"
		assert_refused "$status" "$text"
	done <<-'END'
		prlimit64 RLIMIT_CORE,.NULL error=ENOSYS 111 ulimits: {core: 0} # cannot read the limit "core"
		prlimit64 RLIMIT_NOFILE,.\{ error=EPERM 111 ulimits: {nofile: 77} # the sysctl fs.nr_open allows
		openat oom_score_adj.*O_RDONLY retval=0 111 oom_score_adj: 7 # cannot read "oom_score_adj": Bad file descriptor
		openat oom_score_adj.*O_WRONLY retval=1 111 oom_score_adj: 7 # cannot set "oom_score_adj": Bad file descriptor
		write ^write\([0-9]+,."7" retval=1 112 oom_score_adj: 7 # cannot prove "oom_score_adj": it is not 7
		rt_sigaction sa_flags=0},.NULL error=EINVAL 111 setup: [{run: [/bin/true]}] # cannot set "the signal dispositions"
	END
	WHICH=2 lie rt_sigaction 'SIGCHLD, NULL' retval=0 <<<'{user: "1:1", seccomp: unconfined, setup: [{run: [/bin/true]}]}'
	assert_refused 112 'cannot prove the disposition of signal 17'
}

@test "a working directory of which nothing is answered is not proven" {
	local path
	for path in '' /usr/bin; do
		lie newfstatat "AT_FDCWD, \"$path\"," retval=0 \
			<<<'{user: "1234:1234", seccomp: unconfined, working_dir: /usr/bin}'
		assert_refused 112 'cannot prove that the working directory is "/usr/bin": it cannot be read'
	done
}

@test "a start without root that cannot stand in / first" {
	lie chdir '"/"' error=EACCES --groups none --gid 1234 --uid 1234 <<-'END'
		user: "1234:1234"
		seccomp: unconfined
		working_dir: /tmp
	END
	assert_refused 111 'cannot enter "/": Permission denied'
}

@test "a program that root cannot read before the drop is looked at again, and runs" {
	lie pread64 ELF error=EIO <<<'{user: "1234:1234", seccomp: unconfined}'
	assert_unprivileged 1234
}

# --- signals

@test "signal mask and dispositions are those of the start" {
	local with=() signal ignored=0 blocked=0
	workload <<<''
	assert_probe ignored 0x0 blocked 0x0
	for signal in 1 2 3 10 13 15 17 20 21 22 35 64; do
		with+=(--with --ignore --with "$signal")
		ignored=$((ignored | 1 << (signal - 1)))
	done
	for signal in 1 14 15 17 20 32 33 34 63; do
		with+=(--with --block --with "$signal")
		blocked=$((blocked | 1 << (signal - 1)))
	done
	workload "${with[@]}" <<<''
	assert_unprivileged 1234
	assert_probe ignored "$(printf 0x%x $ignored)" blocked "$(printf 0x%x $blocked)"
	# Steps that run programs change more of it in between.
	workload "${with[@]}" <<<'setup: [{run: [/probe]}]'
	assert_success
	output=$(tac <<<"$output")
	assert_probe ignored "$(printf 0x%x $ignored)" blocked "$(printf 0x%x $blocked)"
	workload --with --ignore --with 17 <<<'setup: [{run: [/probe]}]'
	output=$(tac <<<"$output")
	assert_probe ignored "$(bit 17)" blocked 0x0
}

# --- session

@test "new_session: a session of its own" {
	local pid
	under -- "$PROBE"
	[ "$(probe_value sid)" != "$(probe_value pid)" ]
	more 'new_session: true'
	under -- "$PROBE"
	assert_unprivileged 1234
	pid=$(probe_value pid)
	assert_probe sid "$pid" pgid "$pid"
}

@test "new_session: a session leader keeps its session and loses its terminal, unharmed" {
	local pid
	printf 'user: "1234:1234"\nseccomp: unconfined\n' >"$T/plain"
	printf 'user: "1234:1234"\nseccomp: unconfined\nnew_session: true\n' >"$T/new"
	terminal "$START" --clean -- "$CAPSHIM" -c "$T/plain" -- "$PROBE"
	assert_unprivileged 1234
	assert_line --regexp '^stdio\.0=terminal:1234:'
	assert_probe foreground "$(probe_value pid)"
	terminal "$START" --clean -- "$CAPSHIM" -c "$T/new" -- "$PROBE"
	assert_unprivileged 1234
	pid=$(probe_value pid)
	assert_probe sid "$pid" foreground none ignored 0x0
	# SIGHUP came from the terminal; blocked, it must not be left for the workload.
	terminal "$START" --clean --block 1 -- "$CAPSHIM" -c "$T/new" -- "$(command -v grep)" -E '^(SigPnd|ShdPnd):' /proc/self/status
	assert_success
	assert_line --regexp '^SigPnd:\s*0+$'
	assert_line --regexp '^ShdPnd:\s*0+$'
}

@test "new_session: who leads a process group but no session is refused" {
	more 'new_session: true'
	under perl -e 'setpgrp(0, 0); exec @ARGV' -- "$PROBE"
	assert_refused 111 'leads a process group (write init: true)'
}

@test "new_session: a terminal that only seems to be left is found out" {
	printf 'user: "1234:1234"\nseccomp: unconfined\nown_stdio: false\nnew_session: true\n' >"$T/new"
	terminal "$(command -v strace)" -Dqqo /dev/null -e trace=ioctl -e inject=ioctl:retval=0 \
		"$CAPSHIM" -c "$T/new" -- "$PROBE"
	assert_refused 112 'the controlling terminal is left'
}

# --- report

@test "report: one line with what was reached, as text and as JSON" {
	workload --start docker <<-'END'
		cap_add: [NET_BIND_SERVICE, CHOWN]
		report: text
	END
	assert_unprivileged 1234 chown,net_bind_service
	local kept='CAP_CHOWN, CAP_NET_BIND_SERVICE' sets='' name
	for name in CapInh CapPrm CapEff CapBnd CapAmb; do
		sets+="; $name: $kept"
	done
	assert_line "capshim: verified: Uid: 1234; Gid: 1234; Groups: 44$sets; Securebits: 0xcb; NoNewPrivs: 1;\
 Seccomp: 0 instructions; stdio: owned"
	workload --start docker <<<'report: json'
	assert_line '{"event":"capshim.verified","version":"'"$("$CAPSHIM" --version | cut -d' ' -f2)"'",'\
'"config":"/etc/capshim.yaml","user":{"uid":1234,"gid":1234,"additionalGids":[44]},"capabilities":{"inheritable":[],'\
'"permitted":[],"effective":[],"bounding":[],"ambient":[]},"securebits":203,"noNewPrivileges":true,'\
'"seccomp":{"instructions":0},"stdioOwned":true,"notVerified":[],"skipped":{"accounts":0,"steps":0},"notes":[]}'
	workload --start docker <<-'END'
		cap_add: [NET_BIND_SERVICE, CHOWN]
		report: json
	END
	assert_output --partial '"ambient":["CAP_CHOWN","CAP_NET_BIND_SERVICE"]}'
	# A standard error that takes nothing is no reason to stop, nor is a signal.
	printf '%s\n' 'user: "1234:1234"' 'seccomp: unconfined' 'report: json' >"$T/config"
	output=$("$CAPSHIM" -c "$T/config" -- "$PROBE" 2>/dev/full) status=$?
	assert_unprivileged 1234
	lie write '"\{' error=EINTR <<<'{user: "1234:1234", seccomp: unconfined, report: json}'
	assert_line --partial '"user":{"uid":1234,'
	assert_unprivileged 1234
	workload <<<'report: none'
	refute_output --partial verified
	refute_output --partial '"user":'
}

@test "report: json: every message is a JSON line, also of the steps, of a failure and of a config that is wrong" {
	workload <<-'END'
		report: json
		trace: true
		setup:
		  - mkdir: "/data/with \"quotes\"\tand a tab"
		  - write: /data/file
		    content: x
	END
	assert_unprivileged 1234
	assert_equal "$(json_lines | wc -l)" "$(grep -vc = <<<"$output")"
	assert_equal "$(json_lines | jq -r .event | sort | uniq -c | tr -s ' ')" ' 2 capshim.message
 1 capshim.verified'
	json_lines | jq -r .message | grep -F $'/data/with "quotes"\tand a tab'

	workload <<<$'report: json\nsetup: [{copy: /missing, to: /data}]'
	assert_refused 111
	assert_equal "$(json_lines | jq -c '[.event, .status]')" '["capshim.message",111]'

	workload <<<$'report: json\nnmask: 3\nsetup: [{mkdir: relative}]'
	assert_refused 100
	assert_equal "$(json_lines | jq -r .message | grep -c '^/etc/capshim.yaml:[0-9]*:[0-9]*: ')" 2

	# What only a person reads stays text, and so does what is wrong before the config could be read.
	capshim_run --image -- --check <<<$'user: app\nreport: json\nnmask: 3'
	assert_refused 100 'capshim: /etc/capshim.yaml:'
	capshim_run --image -- --as-workload -- /nowhere <<<$'user: app\nseccomp: unconfined\nreport: json'
	assert_line --partial 'capshim: cannot execute "/nowhere"'
	workload <<<$'report: json\n\tx'
	assert_refused 100 'capshim: /etc/capshim.yaml:'
}

@test "report: a reader that is gone ends nothing, and SIGPIPE is as it was" {
	local form with begin

	mkfifo "$T/fifo"
	exec 8<>"$T/fifo" # or the next would wait for a reader
	exec 9>"$T/fifo" 8<&-
	for form in 'report: text' 'report: json' $'report: text\ninit: true'; do
		for with in '' --ignore --block; do
			printf '%s\n' 'user: "1234:1234"' 'seccomp: unconfined' "$form" >"$T/config"
			begin=("$START" --clean)
			[ -z "$with" ] || begin+=("$with" 13)
			begin+=(-- "$CAPSHIM" -c "$T/config" --)
			output=$(timeout 20 "${begin[@]}" "$PROBE" 2>&9 9>&-) || fail "$form, $with: status $?" || return
			case $with in
			*ignore*) assert_probe ignored "$(bit 13)" blocked 0x0 ;;
			*block*) assert_probe ignored 0x0 blocked "$(bit 13)" ;;
			*) assert_probe ignored 0x0 blocked 0x0 ;;
			esac || return
			# Blocked, one that came must not be left for the workload.
			[ "$form" = 'report: json' ] || continue
			output=$(timeout 20 "${begin[@]}" grep SigPnd /proc/self/status 2>&9 9>&-)
			assert_output $'SigPnd:\t0000000000000000' || return
		done
	done
	exec 9>&-
}

@test "a file that would be larger than fsize allows: the step or the report fails, the workload gets no SIGXFSZ" {
	local init
	for init in false true; do
		printf '%s\n' 'user: "1234:1234"' 'seccomp: unconfined' "init: $init" >"$T/config"
		echo "setup: [{write: $T/new, content: $(printf %09999d 0), on_error: warn}]" >>"$T/config"
		observe timeout 20 bash -c 'ulimit -f 4 && exec "$@"' bash "$CAPSHIM" -c "$T/config" -- "$PROBE"
		assert_unprivileged 1234
		assert_line --partial 'File too large'

		printf '%s\n' 'user: "1234:1234"' 'seccomp: unconfined' "init: $init" 'report: text' \
			'ulimits: {fsize: 0}' >"$T/config"
		output=$(timeout 20 "$CAPSHIM" -c "$T/config" -- "$PROBE" 2>"$T/err") || fail "init: $init: $?"
		assert_probe rlimit.fsize 0:0
		[ ! -s "$T/err" ]
	done
}

@test "working_dir: a link of the user's does not take root where the user could not get" {
	mkdir -p "$IMAGE/secret/open"
	chmod 0700 "$IMAGE/secret"
	chown 1234 "$IMAGE/data"
	ln -s /secret/open "$IMAGE/data/link"
	workload -- /probe <<<'working_dir: /data/link'
	assert_refused 111 'cannot enter "/data/link"'
	ln -s /secret/open "$IMAGE/link"
	workload -- /probe <<<'working_dir: /link'
	assert_unprivileged 1234
	assert_probe cwd /secret/open
}
