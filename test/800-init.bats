#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# shellcheck disable=SC2034,SC2153,SC2154 # OUTER, START and INIT are of init.bash; status, output and lines are bats'
# Init mode: what PID 1 is once the workload runs, and what it exits with.

load helpers
load init
load lie

setup() {
	init_setup
}

teardown() {
	init_teardown
}

# plain WORD ...: to the end, with what stands in $T/capshim.yaml.
plain() {
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$@" \
		</dev/null
}

pid1() {
	observe timeout -k 5 20 unshare --fork --pid --mount-proc "$START" --clean --env PATH=/usr/bin:/bin -- \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$@" </dev/null
}

@test "every exit status from 0 to 255 is passed through" {
	local code

	init_config
	for code in {0..255}; do
		plain /bin/sh -c "exit $code"
		assert_equal "$status" "$code"
	done
	for code in 0 1 127 255; do
		pid1 /bin/sh -c "exit $code"
		assert_equal "$status" "$code"
	done
}

@test "a workload that dies of signal n is 128+n" {
	local signal

	init_config
	for signal in {1..15} 24 25 26 27 29 30 31 34 50 64; do
		pid1 /bin/sh -c "kill -$signal \$\$"
		assert_equal "$status" $((128 + signal))
	done
}

@test "exit_code_map changes the named ones and no other" {
	init_config 'init: {exit_code_map: {143: 0, 3: 7}}'
	plain /bin/sh -c 'kill $$'
	assert_success
	plain /bin/sh -c 'exit 3'
	assert_failure 7
	plain /bin/sh -c 'exit 7'
	assert_failure 7
	plain /bin/sh -c 'exit 4'
	assert_failure 4
}

@test "a workload that cannot be executed is 127 or 126, and says why" {
	init_config
	pid1 /no/such/program
	assert_failure 127
	assert_output --partial '/no/such/program'
	printf 'no magic\n' >"$T/text"
	chmod 0755 "$T/text"
	pid1 "$T/text"
	assert_failure 126
	assert_output --partial "$T/text"
}

@test "PID 1 is the workload's user and holds nothing, whatever cap_add says" {
	local set

	init_config 'cap_add: [NET_BIND_SERVICE, CHOWN]'
	init_start "$T/probe" --sleep 100
	init_logged 'effective=chown,net_bind_service'
	init_settled
	assert_equal "$(init_status Uid)" '1234 1234 1234 1234'
	assert_equal "$(init_status Gid)" '1234 1234 1234 1234'
	assert_equal "$(init_status Groups)" ''
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		assert_equal "$(init_status $set)" 0000000000000000
	done
	assert_equal "$(init_status NoNewPrivs)" 1
	assert_equal "$(init_status Seccomp)" 2
	assert_equal "$(init_status SigCgt)" 0000000000000000
	assert_equal "$(init_status Threads)" 1
}

@test "PID 1 stands in /, holds no descriptor above 2 and no memory but its own" {
	init_config 'working_dir: /usr'
	init_start --with --fd-path --with 8 --with --fd --with 9 "$T/probe" --sleep 100
	init_logged 'cwd=/usr'
	init_settled
	assert_equal "$(readlink "/proc/$INIT/cwd")" /
	assert_equal "$(ls "/proc/$INIT/fd")" $'0\n1\n2'
	# No heap, no library, no vdso: what is left of the program's own mappings is code, a thread block, and stack.
	run grep -cE '\[heap\]|\[vdso\]|\.so' "/proc/$INIT/maps"
	assert_output 0
}

@test "PID 1 remembers neither the environment nor the arguments" {
	init_config 'environment: {SECOND: "tell-nobody-${FIRST}"}'
	init_start --with --env --with FIRST=hush-hush "$T/probe" --sleep 100 not-for-you
	init_logged 'env.SECOND=tell-nobody-hush-hush'
	init_settled
	run "$T/pry" "$INIT" hush-hush
	assert_success
	assert_output searched
	run "$T/pry" "$INIT" not-for-you
	assert_output searched
	# The search finds what is there: the workload has both.
	run "$T/pry" "$(workload_pid)" hush-hush
	assert_line found=environ
	assert_line found=memory
}

@test "a workload of the same user can neither trace PID 1 nor read of it" {
	init_config
	pid1 "$T/pry" 1
	assert_success
	assert_line ptrace_attach=EPERM
	assert_line ptrace_seize=EPERM
	assert_line process_vm_readv=EPERM
	assert_line process_vm_writev=EPERM
	assert_line pidfd_getfd=EPERM
	assert_line environ=EACCES
	assert_line mem=EACCES
	assert_line fd=EACCES
	refute_output --partial =ok
}

@test "what would be written to /proc/1/fd/1 comes through /dev/stdout, or a FIFO that the workload reads" {
	init_config "setup: [{mknod: $T/fifo, type: p, owner: workload, mode: 0600}]"
	pid1 /bin/sh -c 'echo one >/proc/1/fd/1' # the shell says why not
	assert_failure
	assert_output --partial 'Permission denied'
	pid1 /bin/sh -c 'echo two >/dev/stdout; cat "$0" & echo three >"$0"; wait' "$T/fifo"
	assert_success
	assert_output $'two\nthree'
}

@test "a standard error that nobody reads does not hold the end of a workload that SIGSYS has ended" {
	local pages

	init_config
	mkfifo "$T/fifo"
	exec 9<>"$T/fifo"
	for pages in 0 15 16; do # of the 16 that a pipe has
		head -c $((pages * 4096)) /dev/zero >&9
		# shellcheck disable=SC2016 # the inner shell's
		timeout -k 1 20 unshare --fork --pid --mount-proc --kill-child "$CAPSHIM" -c "$T/capshim.yaml" -- \
			/bin/sh -c 'kill -SYS $$' 2>&9 9>&- && status=0 || status=$?
		assert_equal "$status" 159
		# What is there is read, and is whole.
		output=$(dd bs=100000 count=1 iflag=nonblock if="$T/fifo" 2>/dev/null | tail -c +$((pages * 4096 + 1)))
		[ "$pages" = 16 ] || assert_output --partial 'the workload was ended by SIGSYS'
		[ "$pages" != 16 ] || assert_output ''
	done
	exec 9>&-
}

@test "a standard error that is closed: no process that is left gets init's own SIGPIPE" {
	local got=$T/got

	init_config 'init: {wait_until: all}'
	mkfifo "$T/fifo"
	# shellcheck disable=SC2094 # two descriptions of one pipe
	exec 8<>"$T/fifo" 9>"$T/fifo" 8<&-
	install -m 0666 /dev/null "$got"
	# shellcheck disable=SC2016 # the inner shell's
	timeout -k 1 20 unshare --fork --pid --mount-proc --kill-child "$CAPSHIM" -c "$T/capshim.yaml" -- \
		/bin/sh -c '(trap "echo got it >>$0" PIPE; sleep 0.4; sleep 0.4; echo end >>"$0") & kill -SYS $$' "$got" \
		2>&9 9>&- && status=0 || status=$?
	exec 9>&-
	assert_equal "$status $(cat "$got")" '159 end'

	head -c 100 /dev/zero >"$T/full"
	# shellcheck disable=SC2016 # the inner shell's
	timeout -k 1 20 unshare --fork --pid --mount-proc --kill-child prlimit --fsize=100 "$CAPSHIM" -c "$T/capshim.yaml" -- \
		/bin/sh -c '(trap "echo got it >>$0" XFSZ; sleep 0.4; sleep 0.4; echo end >>"$0") & kill -SYS $$' "$got" \
		2>>"$T/full" && status=0 || status=$?
	assert_equal "$status $(tail -n +2 "$got")" '159 end'
}

@test "a standard error that ends without SIGPIPE does not hold the end either" {
	init_config
	run timeout -k 1 20 python3 - "$CAPSHIM" -c "$T/capshim.yaml" -- /bin/sh -c 'kill -SYS $$' <<-'END'
		import os, socket, sys
		ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		os.dup2(theirs.fileno(), 2)
		ours.close()
		os.execv(sys.argv[1], sys.argv[1:])
	END
	assert_equal "$status" 159
}

@test "the filter of PID 1 kills whatever the loop does not need" {
	init_config 'command: pause'
	sed -i /^user/d "$T/capshim.yaml"
	# Not 335 and 336 of x86-64: no filter sees uretprobe(2) and uprobe(2), which belong to the kernel's own probes.
	observe timeout -k 5 110 "${PROBE%/*}/inject" 0 334 "$CAPSHIM" -c "$T/capshim.yaml"
	# With arguments of 0: rt_sigtimedwait, kill, munmap, exit_group. All else it uses is bound to one argument.
	assert_output "$(outlived rt_sigtimedwait kill munmap exit_group)
tried=335"
	observe timeout -k 5 110 "${PROBE%/*}/inject" 337 500 "$CAPSHIM" -c "$T/capshim.yaml"
	assert_output tried=164
}

@test "elsewhere than as PID 1 the filter that searches /proc opens nothing to write, and reads nothing else" {
	local call number

	init_config 'init: {wait_until: all}'
	# With arguments of 0: read from descriptor 0, list it, open without O_CLOEXEC, and so on.
	for call in read close lseek getdents64 openat write; do
		number=$(outlived $call)
		observe timeout -k 5 20 "${PROBE%/*}/inject" "${number#*=}" "${number#*=}" "$CAPSHIM" -c "$T/capshim.yaml" -- \
			/bin/sleep 1
		assert_output tried=1
	done
}

# outlived NAME ...: the lines that inject prints for them, in order of their numbers.
outlived() {
	local name

	for name; do
		printf '#include <sys/syscall.h>\nSYS_%s\n' "$name" | gcc -E -P - | tail -n 1
	done | sort -n | sed 's/^/outlived=/'
}

@test "calls of another ABI kill PID 1 as well" {
	[ "$(uname -m)" = x86_64 ] || return 0
	init_config 'command: pause'
	# x32: the numbers of allowed calls with bit 30 set.
	for number in 62 128 231; do
		number=$((number | 0x40000000))
		observe timeout -k 5 20 "${PROBE%/*}/inject" $number $number "$CAPSHIM" -c "$T/capshim.yaml"
		assert_output tried=1
	done
}

@test "a PID 1 that cannot be proven never lets the workload run" {
	local call

	init_config
	# It is told that they were done, and they were not.
	for call in setresuid setresgid capset seccomp; do
		observe timeout -k 5 20 strace -f -qq -o "$T/trace" -e "inject=$call:retval=0:when=1" \
			"$CAPSHIM" -c "$T/capshim.yaml" -- "$T/probe"
		[[ $status == 111 || $status == 112 ]]
		refute_workload
	done
	for call in pipe2 "?fork,clone" setpgid dup2 chdir; do
		observe timeout -k 5 20 strace -f -qq -o "$T/trace" -e "inject=$call:error=EPERM:when=1" \
			"$CAPSHIM" -c "$T/capshim.yaml" -- "$T/probe"
		assert_refused 111
	done
	lie prctl PR_SET_CHILD_SUBREAPER error=EPERM <<<'{user: "1234:1234", seccomp: unconfined, init: true}'
	assert_refused 111 'cannot set "PR_SET_CHILD_SUBREAPER"' 'its init did not become what it must be'
}

@test "the workload has the privileges, signals, umask and directory that it has without an init" {
	local with=() same='^(pid|ppid|pgid|sid|keyring)=' signal

	for signal in 1 17 20 22; do
		with+=(--with --ignore --with "$signal")
	done
	for signal in 2 15 35; do
		with+=(--with --block --with "$signal")
	done
	with+=(--with --umask --with 0027)

	init_config 'init: false' 'cap_add: [NET_BIND_SERVICE]' 'working_dir: /usr'
	capshim_run "${with[@]}" --config "$T/capshim.yaml" -- "$T/probe"
	assert_unprivileged 1234 net_bind_service
	assert_probe blocked 0x400004002
	assert_probe ignored 0x290001
	grep -vE "$same" <<<"$output" >"$T/without"
	init_config 'cap_add: [NET_BIND_SERVICE]' 'working_dir: /usr'
	capshim_run "${with[@]}" --config "$T/capshim.yaml" -- "$T/probe"
	grep -vE "$same" <<<"$output" >"$T/with"
	run diff "$T/without" "$T/with"
	assert_success
}

@test "SIGCHLD ignored at the start: the end of the workload is seen all the same" {
	init_config
	observe timeout -k 5 20 "$START" --ignore 17 -- "$CAPSHIM" -c "$T/capshim.yaml" -- /bin/sh -c 'exit 5'
	assert_failure 5
}

@test "as a subreaper it adopts the processes that its workload leaves" {
	local nap=0.3$$ # nobody else's

	init_config 'init: {wait_until: all}'
	init_start --plain /bin/sh -c "(setsid sh -c 'echo adopted; exec sleep $nap' &) ; sleep 0.1; echo main"
	init_end
	assert_success
	assert_line "main"
	assert_line adopted
	# The init waited for it, or it would still be there.
	run pgrep -f "^sleep $nap"
	assert_failure
}

@test "LISTEN_PID names the workload's process where it named capshim" {
	init_config 'keep_fds: listen_fds'
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin --env LISTEN_FDS=1 --fd-file 3 -- /bin/sh -c \
		"LISTEN_PID=\$\$ exec $CAPSHIM -c $T/capshim.yaml -- $T/probe"
	assert_success
	assert_probe env.LISTEN_PID "$(probe_value pid)"
	assert_probe fds 0,1,2,3
}

@test "the least limit of descriptors is 7, that of the container" {
	init_config 'init: {wait_until: all}'
	observe timeout -k 5 20 "$START" --clean --nofile 7 -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$T/probe"
	assert_success
	assert_probe rlimit.nofile 7:7
	observe timeout -k 5 20 "$START" --clean --nofile 6 -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$T/probe"
	assert_refused 111 'the limit nofile is too low'
}

@test "limits are the workload's alone: PID 1 has those of the container" {
	init_config
	sed -i 's/^ulimits:.*/ulimits: {cpu: 100, nofile: 3, fsize: 99999, as: 99999999}/' "$T/capshim.yaml"
	init_start --with --bounding --with "$DOCKER_CAPS" "$T/probe" --sleep 100
	init_logged 'rlimit.cpu=100:100'
	init_logged 'rlimit.nofile=3:3'
	init_settled
	assert_equal "$(grep -E 'cpu|open|Max file|address' "/proc/$INIT/limits")" \
		"$(grep -E 'cpu|open|Max file|address' /proc/self/limits)"
	# What the child cannot prove ends the start.
	run timeout -k 1 20 strace -fqqo /dev/null -e inject=prlimit64:retval=0 "$CAPSHIM" -c "$T/capshim.yaml" -- "$T/probe"
	assert_refused 112 'cannot prove the limit "cpu"'
}

@test "command: none exits 0 after the setup" {
	init_config 'command: none' "setup: [{mkdir: $T/made}]"
	observe timeout -k 5 20 "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output ''
	assert [ -d "$T/made" ]
	init_config 'command: none'
	observe timeout -k 5 20 "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output ''
}

@test "command: pause holds nothing, reaps, and ends with 0 on TERM and INT" {
	local signal set

	for signal in TERM INT; do
		init_config 'command: pause'
		init_start
		wait_until init_is_proven
		assert_equal "$(init_status Uid)" '1234 1234 1234 1234'
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			assert_equal "$(init_status $set)" 0000000000000000
		done
		assert_equal "$(ls "/proc/$INIT/fd")" $'0\n1\n2'
		run timeout 60 nsenter -t "$INIT" -p -m "$T/storm" orphans 200
		assert_success
		assert_output --partial 'made=200 left=0'
		# Neither of these ends it.
		kill -HUP "$INIT"
		kill -USR1 "$INIT"
		kill -CHLD "$INIT"
		init_settled
		kill "-$signal" "$INIT"
		init_end
		assert_success
	done
}

@test "command: pause has limits and oom_score_adj as a workload has them" {
	init_config 'command: pause' 'oom_score_adj: 900'
	sed -i 's/^ulimits:.*/ulimits: {core: 0, nofile: 77}/' "$T/capshim.yaml"
	init_start
	wait_until init_is_proven
	assert_equal "$(cat "/proc/$INIT/oom_score_adj")" 900
	run grep -E '^Max (core|open)' "/proc/$INIT/limits"
	assert_line --regexp '^Max core file size +0 +0 '
	assert_line --regexp '^Max open files +77 +77 '
	kill -TERM "$INIT"
	init_end
	assert_success
}

init_is_proven() {
	[ "$(init_status Seccomp)" = 2 ] && init_in_loop
}

# The vdso of some kernels is sealed: what can be unmapped around it is, and the loop goes on.
@test "what cannot be unmapped stays, and nothing else with it" {
	local pid plain

	init_config 'command: pause'
	init_start --plain
	init_settled
	wait_until grep -q '^Seccomp:.*2' "/proc/$INIT/status"
	plain=$(kept_maps "$INIT")
	kill -TERM "$INIT"
	init_end
	"$START" --clean -- "${PROBE%/*}/seal" "$CAPSHIM" -c "$T/capshim.yaml" >"$LOG" 3>&- &
	OUTER=$!
	init_logged 'pid=[0-9]+ refused=([2-9]|[0-9]{2,})'
	pid=$(sed -n 's/^pid=\([0-9]*\) .*/\1/p' "$LOG")
	run grep -c '\[vdso\]' "/proc/$pid/maps"
	assert_output 1
	assert_equal "$(kept_maps "$pid")" "$plain"
	kill -TERM "$pid"
	init_end
	assert_success
}

# kept_maps PID: what kinds of memory it has mapped (the page of the first argument may lie next to its stack, or not, and
# is then called so, or not); not what the kernel does not take apart.
kept_maps() {
	grep -vE '\[(vdso|vvar.*)\]' "/proc/$1/maps" | sed -E 's/^[^ ]* *//; s/ *(\[stack\])?$//' | sort -u
}

@test "a workload of process 1 that stops for want of a terminal stays stopped until it is continued" {
	init_config
	init_start /bin/sh -c 'kill -TTIN $$; echo continued; exit 3'
	wait_until workload_stopped
	sleep 0.3
	workload_stopped
	init_settled
	kill -CONT "$INIT"
	init_end
	assert_failure 3
	assert_output continued
}

workload_stopped() {
	[ "$(init_state "$(workload_pid)")" = T ]
}

# As on 32-bit Arm under an outer filter that is older than rt_sigtimedwait_time64: the loop would wait for nothing, for ever.
@test "where process 1 cannot wait for signals nothing runs, with a workload or as a pause" {
	local config answer expected

	for config in 'init: true' 'command: pause'; do
		init_config "$config"
		for answer in 1 38 0; do
			[ "$config" = 'command: pause' ] || set -- -- "$T/probe"
			observe timeout -k 5 20 "${PROBE%/*}/deny" "$answer" 128 "$START" --clean -- "$CAPSHIM" -c "$T/capshim.yaml" "$@" \
				</dev/null
			refute_output --partial uid=
			expected=111
			[ "$answer" -ne 0 ] || expected=112 # a lie
			assert_failure "$expected"
			assert_output --regexp 'cannot (wait for "signals"|prove that signals can be waited for)'
		done
		set --
	done
}

@test "the loop refers to nothing outside of its own code" {
	local start size

	# All but its code and its stack is unmapped while it runs: a call into libc, or a table that the compiler laid
	# elsewhere, would end PID 1 on some rare path.
	read -r start size < <(readelf -SW "$CAPSHIM" | sed 's/^ *\[ *[0-9]*\] *//' |
		awk '$1 == "init_resident" { print $3, $5 }')
	[ -n "$start" ]
	objdump -d --no-show-raw-insn -j init_resident "$CAPSHIM" >"$T/code"
	# Targets of jumps and calls, what is addressed relative to them (behind a #), and numbers that are addresses in a
	# program that is not position-independent.
	run awk -v from=$((0x$start)) -v to=$((0x$start + 0x$size)) '
		function value(text, i, n) {
			sub(/^0x/, "", text)
			for (i = 1; i <= length(text); i++)
				n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return n
		}
		function outside(text) { return value(text) < from || value(text) >= to }
		!/^ +[0-9a-f]+:/ { next }
		{ lines++; bad = 0; branch = 0 }
		/(call|jmp) +\*|%[fg]s:/ { bad = 1 }
		{
			for (i = 2; i <= NF; i++) {
				if ($i ~ /^(call|j[a-z]+|loop)$/) { branch = 1; bad += outside($(i + 1)) }
				if ($i == "#") bad += outside($(i + 1))
				if (!branch && match($i, /0x[0-9a-f]+/)) {
					number = substr($i, RSTART, RLENGTH)
					if (value(number) >= 4194304 && value(number) < 16777216) bad += outside(number)
				}
			}
		}
		bad { print }
		END { print (lines > 100) ? "read" : "nothing read" }' "$T/code"
	assert_output read
}

@test "nor do constants that the compiler makes where CFLAGS asks for speed" {
	local object

	for object in loop descendants; do
		env -u MAKEFLAGS -u MAKELEVEL make -s -C "$BATS_TEST_DIRNAME/.." CC=musl-gcc CFLAGS=-O3 BUILD="$T/build" DEPS="$DEPS_DIR" \
			"$T/build/musl/shim/init/$object.o" >"$T/log" 2>&1 || fail "$(cat "$T/log")"
		readelf -rW "$T/build/musl/shim/init/$object.o" | sed -n "/^Relocation section '.rela*init_resident'/,/^$/p" >"$T/named"
		run grep -E '\.(LC|rodata|data|bss)' "$T/named"
		assert_output ''
	done
}
