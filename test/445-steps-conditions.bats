#!/usr/bin/env bats
# shellcheck disable=SC2317 # what is defined again in a test is called by others
# shellcheck disable=SC2030,SC2031 # every test is a subshell, and so is what runs in the background
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# run_dir; when and unless; on_error, try_setup, the trace.

load helpers
load programs

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

@test "run_dir: programs that the workload could have put there are refused, and so is a file" {
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
	touch "$T/file" "$T/full/.hidden" "$T/seeding/half"
	echo >"$T/seeding/.capshim-seeding"
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

@test "of a list under when one mapping must hold, asked in the order written" {
	assert_skipped "when: [{exists: $T/missing}, {env: NOT_THERE}]"
	holds "when: [{exists: $T/missing}, {exists: $T/probe}]"
	holds "when: [{env: PATH}, {exists: $T/missing}]"
	holds "when: [{env: NOT_THERE}, {exists: $T/probe, mountpoint: /proc}]"
	assert_skipped "when: [{env: NOT_THERE, exists: $T/probe}, {exists: $T/probe, mountpoint: $T}]"
	assert_skipped "{when: [{exists: $T/probe}, {env: PATH}], unless: {exists: $T/probe}}"
	holds "when: [{succeeds: [sh, -c, 'echo 1 >>$T/asked; exit 1']}, {succeeds: [sh, -c, 'echo 2 >>$T/asked']},
		{succeeds: [sh, -c, 'echo 3 >>$T/asked']}]"
	assert_equal "$(tr '\n' ' ' <"$T/asked")" '1 2 '
}

@test "only: a directory that holds nothing but what the globs match" {
	mkdir "$T/redis" "$T/empty"
	touch "$T/redis/dump.rdb" "$T/redis/a.aof" "$T/redis/.hidden" "$T/file"
	assert_holds "only: {dir: $T/redis, names: [dump.rdb, '*.aof', .hidden]}"
	refute_holds "only: {dir: $T/redis, names: [dump.rdb, '*.aof']}"
	refute_holds "only: {dir: $T/redis, names: dump.rdb}"
	assert_holds "only: {dir: $T/empty, names: dump.rdb}"
	assert_holds "only: {dir: $T/missing, names: dump.rdb}"
	refute_holds "only: {dir: $T/file, names: file}"
}

@test "steps under one condition: it is asked once, and each may have its own" {
	steps <<-END
		- when: {exists: $T/missing}
		  steps:
		    - mkdir: $T/never
		- when: {empty: $T/data}
		  steps:
		    - mkdir: $T/data/first
		    - {mkdir: $T/data/second, unless: {exists: $T/data/first}}
		    - {mkdir: $T/data/third, when: {exists: $T/data/first}}
		- when: {empty: $T/data}
		  steps:
		    - mkdir: $T/data/again
		- unless: {env: PATH}
		  steps:
		    - mkdir: "$T/data/\${NOT_THERE}"
		- mkdir: $T/data/last
	END
	assert_success
	assert_equal "$(cd "$T/data" && echo *)" 'first last third'
	[ ! -e "$T/never" ]
}

@test "cap and succeeds" {
	assert_holds 'cap: CAP_CHOWN'
	assert_holds 'cap: net_raw'
	assert_skipped 'when: {cap: NET_RAW}' --with --without --with net_raw
	assert_holds 'succeeds: [sh, -c, exit 0]'
	refute_holds 'succeeds: [sh, -c, exit 1]'
	refute_holds 'succeeds: [sh, -c, kill -9 $$]'
	# Of a list in a list only one was asked for.
	steps <<<$'- remove: /missing\n  when: {cap: [[CHOWN, NET_RAW]]}'
	assert_refused 100 'must be one value, not a list'
}

@test "succeeds with a user runs after the same drop and proof as the workload, under the default filter" {
	chmod 0711 "$T"
	holds "when: {succeeds: {run: [$T/probe, --out, $T/data/asked, --try-regain], user: workload}}"
	output=$(<"$T/data/asked")
	assert_probe uid 1234,1234,1234,1234 permitted '' bounding '' no_new_privs 1 seccomp 2
	assert_no_way_back
	assert_skipped "when: {succeeds: {run: [sh, -c, 'exit 1'], user: '1234:1234'}}"
	holds "when: {succeeds: {run: [$T/probe, --out, $T/data/capable], user: '1234:1234', cap_add: [NET_RAW]}}"
	output=$(<"$T/data/capable")
	assert_probe uid 1234,1234,1234,1234 permitted net_raw bounding net_raw
	# Without: as root.
	holds "when: [{env: NOT_THERE}, {succeeds: {run: [$T/probe, --out, $T/root]}}]"
	output=$(<"$T/root")
	assert_probe uid 0,0,0,0
	# The drop needs what it needs: nothing is asked without it.
	steps --with --without --with setuid <<-END
		- write: $T/never
		  content: x
		  when: {succeeds: {run: ['true'], user: workload}}
	END
	assert_refused 111 CAP_SETUID
	[ ! -e "$T/never" ]
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
