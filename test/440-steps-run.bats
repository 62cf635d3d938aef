#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and so is what runs in the background
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# Steps that start programs, when and unless, on_error, the trace; what a signal to capshim ends, and what a step leaves.

load helpers

setup() {
	test_dir
	install -m 0755 "$PROBE" "$T/probe" # where the trust rule accepts it
	WORKLOAD=("$PROBE")
	mkdir "$T/data"
	chown 1234:1234 "$T/data"
	# How long a process of this test sleeps: its name, too. None of them holds the output, which would be waited for.
	MARK=3$RANDOM$RANDOM
}

teardown() {
	# What a failed test would leave; otherwise there is nothing.
	pkill -KILL -f "sleep $MARK" || true
}

# config: what stands before the steps on standard input.
config() {
	printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
	cat
}

# steps [OPTION ...]: runs the steps on standard input, then the workload as 1234; options are capshim_run's.
steps() {
	capshim_run "$@" -- -- "${WORKLOAD[@]}" < <(config)
}

in_image() {
	image_make
	WORKLOAD=(/probe)
	mkdir -p "$IMAGE/data"
	chown 1234:1234 "$IMAGE/data"
}

# Puts a shell into the image, with what it needs.
image_shell() {
	local file

	for file in $(ldd /bin/dash /bin/sleep "$(command -v setsid)" | grep -o '/[^ :]*' | sort -u) \
		/bin/dash /bin/sleep "$(command -v setsid)"; do
		install -D -m 0755 "$file" "$IMAGE$file"
	done
	mkdir -p "$IMAGE/bin"
	install -m 0755 /bin/dash "$IMAGE/bin/sh"
	install -m 0755 /bin/sleep "$IMAGE/bin/sleep"
}

as_app() {
	timeout 10 setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}

# observed FILE: what a probe of a step wrote becomes $output, for assert_probe.
observed() {
	output=$(<"$1")
	status=0
}

assert_gone() {
	assert_equal "$(pgrep -f "sleep $MARK" | wc -l)" 0
}

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

@test "run: the working directory, entered by the rights of the program, and by no link that somebody planted" {
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

# script PATH TEXT
script() {
	printf '%s\n' "$2" >"$1"
	chmod 0755 "$1"
}

@test "run: a program of somebody else, or that others can write or replace, is refused" {
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

@test "run: what is no program, or has no permission to be one" {
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

@test "run: what is stopped is ended, for nobody is there who lets it go on" {
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

@test "run: nothing that it leaves behind is alive when the next step begins" {
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

@test "run: without CAP_KILL what cannot be ended is no secret" {
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
			wait_until 10 eval "[ \$(pgrep -fx 'sleep $MARK' | wc -l) = 2 ]"
			signal_capshim "${pair%:*}"
			wait_until 10 test -s "$T/status"
			assert_equal "$(<"$T/status")" "${pair#*:}"
			wait_until 5 eval "! pgrep -fx 'sleep $MARK'"
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
		wait_until 10 test -e "$T/begun"
		signal_capshim TERM
		wait_until 10 test -s "$T/status"
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
	wait_until 10 test -e "$T/begun"
	signal_capshim HUP
	touch "$T/go"
	wait_until 10 test -s "$T/status"
	observed "$T/output"
	assert_probe ignored 0x1 blocked 0x4000
	assert_equal "$(<"$T/status")" 0
}

# --- run_dir

@test "run_dir: the executables of a directory in version order, one after the other" {
	mkdir "$T/hooks"
	local name
	for name in 10-ten 9-nine 1.sh .hidden; do
		script "$T/hooks/$name" "#!/bin/sh"$'\n'"echo \${0##*/} \$# \$KEY >>$T/out"
	done
	echo no >"$T/hooks/README"
	mkdir "$T/hooks/dir"
	ln -s ../probe "$T/hooks/99-link"
	steps <<-END
		- run_dir: $T/hooks
		  environment: {KEY: value}
	END
	assert_success
	assert_equal "$(<"$T/out")" $'1.sh 0 value\n9-nine 0 value\n10-ten 0 value'
	assert_line uid=0,0,0,0
	rm "$T/out"
	steps <<-END
		- run_dir: [$T/hooks, $T/data]
		  match: '*.sh'
	END
	assert_success
	assert_equal "$(<"$T/out")" '1.sh 0'
}

@test "run_dir: the first failure stops, also where on_error goes on" {
	mkdir "$T/hooks"
	script "$T/hooks/1" "#!/bin/sh"$'\nexit 1'
	script "$T/hooks/2" "#!/bin/sh"$'\n'": >$T/ran"
	steps <<-END
		- run_dir: $T/hooks
	END
	assert_refused 111 "$T/hooks/1" 'status 1'
	steps <<-END
		- run_dir: $T/hooks
		  on_error: warn
	END
	assert_success
	assert_output --partial "$T/hooks/1"
	assert [ ! -e "$T/ran" ]
}

@test "run_dir: what the workload could have put there is refused, and what is no directory" {
	install -m 0755 "$T/probe" "$T/data/hook"
	mkdir "$T/hooks"
	ln -s "$T/data/hook" "$T/hooks/link"
	for name in data hooks missing probe; do
		steps <<-END
			- run_dir: $T/$name
		END
		assert_refused 111 "$T/$name"
	done
}

# --- conditions

# holds CONDITIONS [OPTION ...]: does a step with these run?
holds() {
	rm -f "$T/ran"
	steps "${@:2}" <<-END
		- write: $T/ran
		  content: x
		  $1
	END
	assert_success
	[ -e "$T/ran" ]
}

# assert_skipped CONDITIONS [OPTION ...]
assert_skipped() {
	if holds "$@"; then
		fail "$1 holds"
	fi
}

# assert_holds CONDITION: and the opposite of it does not.
assert_holds() {
	holds "when: {$1}" || fail "when $1 does not hold"
	assert_skipped "unless: {$1}"
}

refute_holds() {
	assert_skipped "when: {$1}"
	holds "unless: {$1}" || fail "unless $1 does not hold"
}

@test "exists, empty and mountpoint" {
	mkdir -p "$T/empty/lost+found" "$T/full" "$T/seeding"
	touch "$T/file" "$T/full/.hidden" "$T/seeding/.capshim-seeding" "$T/seeding/half"
	ln -s missing "$T/dangling"
	ln -s file "$T/link"
	assert_holds "exists: $T/file"
	assert_holds "exists: $T/link"
	refute_holds "exists: $T/missing"
	refute_holds "exists: $T/file/below"
	refute_holds "exists: $T/dangling"
	assert_holds "empty: $T/empty"
	assert_holds "empty: $T/file"
	assert_holds "empty: $T/missing"
	assert_holds "empty: $T/seeding"
	refute_holds "empty: $T/full"
	refute_holds "empty: $T/probe"
	assert_holds 'mountpoint: /proc'
	refute_holds 'mountpoint: /proc/sys/kernel'
	refute_holds "mountpoint: $T"
	refute_holds "mountpoint: $T/missing"
}

@test "several: when needs all, unless none" {
	assert_skipped "when: {exists: [$T/probe, $T/missing]}"
	holds "when: {exists: [$T/probe, $T/data]}"
	assert_skipped "unless: {exists: [$T/probe, $T/missing]}"
	assert_skipped "unless: {exists: $T/missing, empty: $T/missing}"
	holds "unless: {exists: $T/missing, mountpoint: $T}"
	assert_skipped "when: {exists: $T/probe, mountpoint: $T}"
}

@test "cap and succeeds" {
	assert_holds 'cap: CAP_CHOWN'
	assert_holds 'cap: net_raw'
	assert_skipped 'when: {cap: NET_RAW}' --with --without --with net_raw
	assert_holds 'succeeds: [sh, -c, exit 0]'
	refute_holds 'succeeds: [sh, -c, exit 1]'
	refute_holds 'succeeds: [sh, -c, kill -9 $$]'
}

@test "a condition that cannot be asked fails as the step would" {
	as_app ln -s /etc/passwd "$T/data/link"
	for condition in exists empty mountpoint; do
		steps <<-END
			- write: $T/ran
			  content: x
			  unless: {$condition: $T/data/link}
		END
		assert_refused 111 "$T/data/link"
		steps <<-END
			- write: $T/ran
			  content: x
			  unless: {$condition: $T/data/link}
			  on_error: warn
		END
		assert_success
		assert_output --partial "$T/data/link"
	done
	assert [ ! -e "$T/ran" ]
}

@test "conditions are asked when the step's turn has come" {
	steps <<-END
		- write: $T/one
		  content: x
		  unless: {exists: $T/one}
		- write: $T/two
		  content: x
		  when: {exists: $T/one}
		- write: $T/three
		  content: x
		  unless: {exists: $T/one}
	END
	assert_success
	assert [ -e "$T/two" ]
	assert [ ! -e "$T/three" ]
	assert_line --regexp 'yaml:12: write .*: skipped'
}

# --- on_error, try_setup, trace

@test "on_error: warn goes on with the other entries and says how many failed; ignore says nothing" {
	steps <<-END
		- write: [$T/no/1, $T/no/2, $T/yes]
		  content: x
		  on_error: warn
		- write: [$T/no/1, $T/also]
		  content: x
		  on_error: ignore
	END
	assert_success
	assert [ -e "$T/yes" ]
	assert [ -e "$T/also" ]
	assert_equal "$(grep -c "cannot write \"$T/no" <<<"$output")" 1
	assert_line --partial '2 failures in all'
	steps <<-END
		- write: [$T/no/1, $T/never]
		  content: x
	END
	assert_refused 111 "$T/no/1"
	assert [ ! -e "$T/never" ]
}

@test "try_setup: what a non-root start may not do is a warning, and nothing else is" {
	chmod 0711 "$T"
	config() {
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\non_nonroot: try_setup\nsetup:\n'
		cat
	}
	steps --start nonroot <<-END
		- write: $T/root
		  content: x
		- write: $T/data/mine
		  content: x
		- write: $T/data/given
		  content: x
		  owner: 0:0
		- run: [sh, -c, 'id -u >$T/data/id']
	END
	assert_unprivileged_start
	assert_output --partial "cannot write \"$T/root\""
	assert_output --partial "cannot write \"$T/data/given\""
	assert_equal "$(stat -c '%u:%g %a' "$T/data/mine")" '1234:1234 644'
	assert_equal "$(<"$T/data/id")" 1234
	assert [ ! -e "$T/data/given" ]
	steps --start nonroot <<-END
		- write: $T/data/no/1
		  content: x
	END
	assert_refused 111 "$T/data/no/1"
}

# From a non-root start the bounding set is out of reach; the rest of the promise holds.
assert_unprivileged_start() {
	assert_success
	assert_probe uid 1234,1234,1234,1234 permitted '' effective '' ambient '' no_new_privs 1
}

@test "trace: one line for each step; without it silence" {
	steps <<-END
		- write: [$T/one, $T/two]
		  content: x
		- write: [$T/one, $T/three]
		  content: x
		- run: ['true']
		  when: {exists: $T/missing}
		- sysctl: {kernel.domainname: hunter2}
		  unless: {exists: /}
	END
	assert_success
	assert_line --regexp "^capshim: trace: .*yaml:6: write \"$T/one\": 2 changed, 0 already right, [0-9]+\.[0-9]{3} s$"
	assert_line --regexp "^capshim: trace: .*yaml:8: write \"$T/one\": 1 changed, 1 already right"
	assert_line --regexp '^capshim: trace: .*yaml:10: run "true": skipped'
	assert_line --regexp '^capshim: trace: .*yaml:12: sysctl "kernel.domainname": skipped'
	assert_equal "$(grep -c '^capshim:' <<<"$output")" 4
	config() {
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\nsetup:\n'
		cat
	}
	steps <<-END
		- write: $T/four
		  content: x
	END
	assert_success
	refute_line --partial capshim:
}

@test "long work says that it is not dead" {
	steps <<-END
		- run: [sleep, 6]
	END
	assert_success
	assert_line --regexp '^capshim: run "sleep": .*after 5 s'
}

@test "a reader of standard error that is gone does not end the setup" {
	config >"$T/capshim.yaml" <<-END
		- write: $T/no/1
		  content: x
		  on_error: warn
		- write: $T/done
		  content: x
	END
	timeout 20 "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" 2> >(:) >"$T/output" 3>&- || true
	assert [ -e "$T/done" ]
}
