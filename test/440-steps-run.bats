#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and so is what runs in the background
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# run: what a program is given, which may be run, how it ends; what a signal to capshim ends, and what a step leaves.

load helpers
load programs

# --- what a program is given

@test "run: as root, with a clean environment, no descriptor and the signals as they were" {
	SECRET=x steps --with --umask --with 0027 --with --fd --with 9 --with --block --with 12 --with --ignore --with 10 <<-END
		- run: [$T/probe, --out, $T/run, 'an argument', '']
		  environment: {NAME: a value}
	END
	assert_unprivileged 1234
	observed "$T/run"
	assert_probe uid 0,0,0,0 gid 0,0,0,0 fds 0,1,2 cwd / umask 0027 blocked 0x800 ignored 0x200 argc 5 \
		arg.3 'an argument' arg.4 '' env.NAME 'a value'
	assert_probe pgid "$(probe_value pid)"
	assert_equal "$(probe_value permitted)" "$("$START" -- "$PROBE" | sed -n 's/^permitted=//p')"
	assert_line --regexp '^stdio.0=device:'
	assert_equal "$(grep -c '^env\.' <<<"$output")" 2
	assert_line env.PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	# As a list, where the text behind the first '=' is the value.
	steps <<-END
		- run: [$T/probe, --out, $T/run]
		  environment: [NAME=a=b, EMPTY=]
	END
	observed "$T/run"
	assert_probe env.NAME a=b env.EMPTY ''
}

@test "run: pass gives it variables by name or glob, but by a glob nothing that says what a program loads" {
	NGINX_PORT=80 NGINX_HOST=a=b NGINX=no TZ=UTC SECRET=x LD_TEST=1 steps <<-END
		- run: [$T/probe, --out, $T/run]
		  environment: {pass: ["NGINX_*", TZ, ABSENT, "L*", "P*", LD_TEST], NGINX_PORT: "8080", KEY: value}
		- run: [$T/probe, --out, $T/named]
		  environment: {pass: ["LD_*"], PATH: /bin}
		- run: [$T/probe, --out, $T/value]
		  environment: {pass: word}
	END
	assert_success
	observed "$T/run"
	assert_equal "$(grep '^env' <<<"$output" | sort | paste -sd' ')" \
		"env.KEY=value env.LD_TEST=1 env.NGINX_HOST=a=b env.NGINX_PORT=8080 env.PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin env.TZ=UTC"
	observed "$T/named"
	assert_equal "$(grep '^env' <<<"$output")" env.PATH=/bin
	observed "$T/value"
	assert_probe env.pass word
}

@test "run: standard input is empty, or the text of stdin" {
	steps <<-END
		- run: [sh, -c, 'cat >$T/none']
		- run: [sh, -c, 'cat >$T/some']
		  stdin: |
		    a line
		    another
		- run: [sh, -c, 'exec 0<&-; exit 0']
		  stdin: "$(head -c 200000 /dev/zero | tr '\0' x)"
	END
	assert_success
	assert_equal "$(stat -c %s "$T/none")" 0
	assert_equal "$(<"$T/some")" $'a line\nanother'
}

@test "run: user and cap_add narrow it, by the same drop and proof" {
	steps <<-END
		- run: [$T/probe]
		  user: 2345:2346
	END
	assert_success
	assert_line uid=2345,2345,2345,2345
	assert_line gid=2346,2346,2346,2346
	steps --with --umask --with 0 <<-END
		- run: [sh, -c, 'exec $T/probe --out $T/data/run --try-regain']
		  user: 1234:1234
		- run: [sh, -c, 'exec $T/probe --out $T/data/caps']
		  user: 1234:1234
		  cap_add: [NET_BIND_SERVICE, KILL]
	END
	assert_success
	observed "$T/data/run"
	assert_unprivileged 1234
	assert_no_way_back
	assert_probe groups ''
	observed "$T/data/caps"
	assert_unprivileged 1234 kill,net_bind_service
}

@test "run: cap_add without user narrows root" {
	steps <<-END
		- run: [$T/probe, --out, $T/run]
		  cap_add: [CHOWN]
	END
	assert_success
	observed "$T/run"
	assert_unprivileged 0 chown
}

@test "run: what cannot be narrowed does not run, and what was not proven ends with 112" {
	steps --start no_setpcap <<-END
		- run: [touch, $T/ran]
		  user: 1234:1234
	END
	assert_failure
	refute_workload
	assert [ ! -e "$T/ran" ]
	# setresuid(2) says yes and does nothing; on_error does not excuse that.
	config >"$T/capshim.yaml" <<-END
		- run: [touch, $T/ran]
		  user: 1234:1234
		  on_error: ignore
		- write: $T/next
		  content: x
	END
	observe timeout 20 strace -f -o /dev/null -e trace=setresuid -e inject=setresuid:retval=0 \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
	assert_refused 112
	assert [ ! -e "$T/ran" ]
	assert [ ! -e "$T/next" ]
	# The same for what the kernel refuses.
	sed -i '/on_error/d' "$T/capshim.yaml"
	observe timeout 20 strace -f -o /dev/null -e trace=setresgid -e inject=setresgid:error=EPERM \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
	assert_refused 111 touch 'narrowed'
	assert [ ! -e "$T/ran" ]
}

@test "run: the working directory is entered with the program's rights, and through no planted link" {
	as_app mkdir "$T/data/mine"
	as_app chmod 0700 "$T/data/mine"
	as_app ln -s /etc "$T/data/link"
	steps --start docker <<-END
		- run: [$T/probe, --out, $T/run]
		  working_dir: $T/data/mine
		- run: [sh, -c, 'exec $T/probe --out own']
		  working_dir: $T/data/mine
		  user: 1234:1234
	END
	assert_success
	observed "$T/run"
	assert_probe cwd "$T/data/mine"
	observed "$T/data/mine/own"
	assert_probe cwd "$T/data/mine"
	for dir in link missing; do
		steps <<-END
			- run: [touch, $T/ran]
			  working_dir: $T/data/$dir
		END
		assert_refused 111 "$T/data/$dir"
	done
	steps <<-END
		- run: [touch, $T/ran]
		  working_dir: $T/data/mine
		  user: 2345:2345
	END
	assert_refused 111 "$T/data/mine" 'Permission denied'
	assert [ ! -e "$T/ran" ]
}

# --- what may be run

@test "run: a program that another user owns, can write or can replace is refused" {
	mkdir "$T/shared"
	chmod 1777 "$T/shared"
	local name
	for name in "$T/writable" "$T/group" "$T/owned" "$T/data/theirs" "$T/shared/sticky"; do
		install -m 0755 "$T/probe" "$name"
	done
	chmod 0757 "$T/writable"
	chmod 0775 "$T/group"
	chown 1234 "$T/owned"
	as_app ln -s "$T/probe" "$T/data/link"
	for name in "$T/writable" "$T/group" "$T/owned" "$T/data/theirs" "$T/shared/sticky" "$T/data/link"; do
		steps <<-END
			- run: [$name, --out, $T/ran]
		END
		assert_refused 111 "$name"
		# As a condition as well.
		steps <<-END
			- run: [touch, $T/ran]
			  when: {succeeds: [$name]}
		END
		assert_refused 111 "$name"
	done
	assert [ ! -e "$T/ran" ]
}

@test "run: a script's interpreter must be trusted as well; argument and words are passed as the kernel does" {
	install -m 0777 "$T/probe" "$T/open"
	chmod 0777 "$T/open"
	script "$T/bad" "#!$T/open"
	script "$T/twice" "#!$T/good"
	script "$T/good" "#! $T/probe  --out $T/run	 "
	script "$T/none" '#!'
	script "$T/relative" '#!sh'
	script "$T/long" "#!/$(printf 'x%.0s' {1..300})"
	for name in bad twice none relative long; do
		steps <<-END
			- run: [$T/$name]
		END
		assert_refused 111 "$T/"
	done
	# One argument, blanks inside and all.
	steps <<-END
		- run: [$T/good, one, two]
		  on_error: ignore
	END
	assert_success
	assert_line --regexp "^arg.1=--out $T/run$"
	assert_line "arg.2=$T/good"
	assert_line arg.4=two
}

@test "run: a script works without /proc" {
	in_image
	image_shell
	script "$IMAGE/script" $'#!/bin/sh -e\necho "I am $0 with $1" >/data/out'
	steps --image --no-proc <<-END
		- run: [/script, x]
	END
	assert_success
	assert_equal "$(<"$IMAGE/data/out")" 'I am /script with x'
}

@test "run: a name is found in the PATH of the step" {
	mkdir "$T/first" "$T/second" "$T/third"
	echo no >"$T/first/tool"
	mkdir "$T/second/tool"
	script "$T/third/tool" $'#!/bin/sh\necho third >"$1"'
	steps <<-END
		- run: [tool, $T/out]
		  environment:
		    PATH: .:relative:$T/missing:$T/first:$T/second:$T/third
	END
	assert_success
	assert_equal "$(<"$T/out")" third
	# Refused where it lies, not passed over for another.
	install -m 0755 "$T/probe" "$T/data/tool"
	steps <<-END
		- run: [tool, $T/out]
		  environment:
		    PATH: $T/data:$T/third
	END
	assert_refused 111 tool
	for name in nosuchtool ./tool data/tool; do
		steps <<-END
			- run: [$name]
		END
		assert_failure
		refute_workload
	done
}

@test "run: a file that is not a program, or may not be executed" {
	echo text >"$T/text"
	chmod 0755 "$T/text"
	: >"$T/empty"
	chmod 0755 "$T/empty"
	install -m 0644 "$T/probe" "$T/plain"
	mkfifo "$T/fifo"
	for name in text empty plain fifo data missing; do
		steps <<-END
			- run: [$T/$name]
		END
		assert_refused 111 "$T/$name"
	done
}

# --- how it ends

@test "run: its status counts, and its words and input are in no message" {
	steps <<-END
		- run: [sh, -c, 'exit 3 # hunter2']
		  stdin: hunter3
		  environment: {KEY: hunter4}
	END
	assert_refused 111 '"sh"' 'status 3'
	refute_output --partial hunter
	steps <<-END
		- run: [sh, -c, 'kill -9 \$\$']
	END
	assert_refused 111 '"sh"' 'status 137'
	steps <<-END
		- run: [sh, -c, exit 3]
		  ok_exit_codes: [0, 3]
		- run: [sh, -c, exit 255]
		  ok_exit_codes: 255
	END
	assert_success
	steps <<-END
		- run: ['true']
		  ok_exit_codes: 3
	END
	assert_refused 111 '"true"' 'status 0'
}

@test "run: a stopped program is ended, because nothing could continue it" {
	steps <<<'- {run: [/bin/sh, -c, "kill -STOP $$"]}'
	assert_refused 111 'it was stopped by a signal'
	steps <<<'- {run: [/bin/sh, -c, "kill -STOP $$"], user: workload, on_error: warn}'
	assert_success
	assert_output --partial 'it was stopped by a signal'
}

@test "run: killed with its group at the timeout, and what left the group as well" {
	local pid1
	for pid1 in '' --pid1; do
		steps $pid1 <<-END
			- run: [sh, -c, 'exec >/dev/null 2>&1; trap "" TERM; sleep $MARK & setsid sleep $MARK & sleep $MARK']
			  timeout: 1
			  on_error: warn
			- run: [sh, -c, "pgrep -fx 'sleep $MARK' >$T/left; true"]
		END
		assert_success
		assert_output --partial 'still running after 1 s'
		assert [ -e "$T/left" ]
		assert_equal "$(<"$T/left")" ''
		rm "$T/left"
		assert_gone
	done
}

@test "run: no process that it leaves is alive when the next step begins" {
	local pid1
	for pid1 in '' --pid1; do
		steps $pid1 <<-END
			- run: [sh, -c, 'exec >/dev/null 2>&1; sleep $MARK & exit 0']
			- run: [sh, -c, "pgrep -fx 'sleep $MARK' >>$T/left; true"]
			- run: [sh, -c, 'exec >/dev/null 2>&1; (setsid sh -c "sleep $MARK & sleep $MARK & wait" &) & sleep 0.2']
			- run: [sh, -c, "pgrep -fx 'sleep $MARK' >>$T/left; true"]
			- run: [sh, -c, 'exec >/dev/null 2>&1; (setsid sh -c "(setsid sleep $MARK &) & kill -STOP \\\$\\\$" &) & sleep 0.2']
			  user: 1234:1234
			- run: [sh, -c, "pgrep -fx 'sleep $MARK' >>$T/left; true"]
			- run: ['true']
			  when: {succeeds: [sh, -c, 'exec >/dev/null 2>&1; setsid sleep $MARK & sleep 0.2']}
			- run: [sh, -c, "pgrep -fx 'sleep $MARK' >>$T/left; true"]
		END
		assert_success
		assert [ -e "$T/left" ]
		assert_equal "$(<"$T/left")" ''
		rm "$T/left"
		assert_gone
	done
}

@test "run: the same without /proc" {
	in_image
	image_shell
	WORKLOAD=(/probe --sleep 3)
	steps --image --no-proc <<-END
		- run: [/bin/sh, -c, 'setsid sh -c "sleep 2; echo >/data/escaped" & sleep 0.2; exit 0']
	END
	assert_success
	assert [ ! -e "$IMAGE/data/escaped" ]
}

@test "run: no zombie is left, and SIGCHLD ignored at the start changes nothing" {
	local here=(
		"- run: [sh, -c, 'for i in 1 2 3 4 5; do (sh -c true &) & done; exit 4']"
		"  ok_exit_codes: 4"
		"- run: [sh, -c, exit 5]"
		"  on_error: warn"
	)
	steps --pid1 --with --ignore --with 17 < <(printf '%s\n' "${here[@]}")
	assert_success
	assert_probe ignored 0x10000
	assert_output --partial 'status 5'
	WORKLOAD=(/bin/sh -c 'read -r children </proc/$$/task/$$/children; echo "children=$children"')
	steps --pid1 < <(printf '%s\n' "${here[@]}")
	assert_success
	assert_line children=
}

@test "run: without CAP_KILL a process that cannot be ended is reported" {
	steps --with --without --with kill <<-END
		- run: [sh, -c, 'exec >/dev/null 2>&1; sleep $MARK & exit 0']
		  user: 1234:1234
		  on_error: ignore
	END
	assert_refused 111 '"sh"' CAP_KILL
}

# --- signals

# start_steps NAME [OPTION ...]: steps in the background; the status is in $T/status when it has ended.
start_steps() {
	config >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
	(
		capshim_run --config "$T/capshim.yaml" "$@" -- -- "${WORKLOAD[@]}"
		echo "$output" >"$T/output"
		echo "$status" >"$T/status"
	) 3>&- &
}

# signal_capshim NAME, also where an emulator runs it
signal_capshim() {
	kill "-$1" "$(pgrep -o -f "^(/[^ ]*/qemu-[^ ]* [^ ]* )?$CAPSHIM -c $T/capshim.yaml")"
}

@test "TERM, INT, QUIT and HUP end a running step with all that belongs to it, and capshim with 128+n" {
	local pid1 pair
	for pid1 in '' --pid1; do
		for pair in TERM:143 INT:130 QUIT:131 HUP:129; do
			rm -f "$T/status"
			start_steps $pid1 <<-END
				- run: [sh, -c, 'exec >/dev/null 2>&1; trap "" TERM INT QUIT HUP; setsid sleep $MARK & sleep $MARK']
			END
			wait_until eval "[ \$(pgrep -fx 'sleep $MARK' | wc -l) = 2 ]"
			signal_capshim "${pair%:*}"
			wait_until test -s "$T/status"
			assert_equal "$(<"$T/status")" "${pair#*:}"
			wait_until eval "! pgrep -fx 'sleep $MARK'"
			run grep -c ^uid= "$T/output"
			assert_output 0
		done
	done
}

@test "they end a step that starts no program as well, also where they were blocked at the start" {
	local pid1
	for pid1 in '' --pid1; do
		rm -f "$T/status" "$T/begun"
		start_steps $pid1 --with --block --with 15 <<-END
			- write: $T/begun
			  content: x
			- wait_for: $T/never
			  timeout: 60
		END
		wait_until test -e "$T/begun"
		signal_capshim TERM
		wait_until test -s "$T/status"
		assert_equal "$(<"$T/status")" 143
	done
}

@test "one that was ignored at the start stays ignored, and the workload finds all as it was" {
	start_steps --with --ignore --with 1 --with --block --with 15 <<-END
		- write: $T/begun
		  content: x
		- wait_for: $T/go
		  timeout: 20
	END
	wait_until test -e "$T/begun"
	signal_capshim HUP
	touch "$T/go"
	wait_until test -s "$T/status"
	observed "$T/output"
	assert_probe ignored 0x1 blocked 0x4000
	assert_equal "$(<"$T/status")" 0
}

@test "run: where the kernel cannot execute a descriptor without a name, by the magic link of a real /proc" {
	local inject=(timeout 20 strace -f -qq -o /dev/null -e inject=execveat:error=ENOENT) user
	for user in "" ", user: \"2345:2345\""; do
		printf '%s\n' 'user: "1234:1234"' 'setup:' "  - {run: [$T/probe]$user}" >"$T/capshim.yaml"
		observe "${inject[@]}" "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
		assert_success
		assert_equal "$(grep -c '^uid=' <<<"$output")" 2
		[ -z "$user" ] || assert_line uid=2345,2345,2345,2345
	done

	# A /proc that the image has made up is not believed.
	image_make
	mkdir -p "$IMAGE/proc/self/fd"
	local fd
	for fd in {3..9}; do cp "$PROBE" "$IMAGE/proc/self/fd/$fd"; done
	printf '%s\n' 'user: app' 'setup: [{run: [/probe, --exit, "7"]}]' >"$IMAGE/etc/capshim.yaml"
	observe "${inject[@]}" chroot "$IMAGE" /capshim -- /probe
	assert_refused 111 'cannot run "/probe": No such file or directory'
}

@test "run: a program that fills standard error, and makes it non-blocking, does not mute the next message" {
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {run: [/usr/bin/python3, -c, \"import os; os.set_blocking(2, False); os.write(2, b'n' * 65536)\"], user: workload}" \
		'  - {mkdir: /proc/x}' >"$T/capshim.yaml"
	{ timeout 20 "$CAPSHIM" -c "$T/capshim.yaml" 2>&1 3>&- && : || echo "status $?" >"$T/status"; } |
		{ sleep 1 && tr -d n >"$T/seen"; }
	assert_equal "$(<"$T/status")" 'status 111'
	assert grep -q 'caot mkdir "/proc/x"' "$T/seen"
}

@test "run: between the drop and the program, signals are blocked that would make it dump memory" {
	local step pid started
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' '  - {run: [/bin/true], user: workload}' >"$T/capshim.yaml"
	strace -f -o "$T/calls" -e trace=setresuid -e inject=setresuid:delay_exit=400000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	started=$!
	step=
	for _ in {1..200}; do
		for pid in $(pgrep -u 1234 -f "$T/capshim.yaml"); do
			step=$(sed -n 's/^SigBlk:\t//p' "/proc/$pid/status" 2>/dev/null) && [ -n "$step" ] && break 2
		done
		sleep 0.01
	done
	wait "$started"
	[ -n "$step" ] || fail 'no process of the new user was seen'
	# SIGABRT and SIGXCPU, for example; those that end a step have a handler.
	assert_equal "$((16#$step >> 5 & 1)) $((16#$step >> 23 & 1))" '1 1'
}
