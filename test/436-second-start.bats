#!/usr/bin/env bats
# bats file_tags=long:20
# Every pair of steps on one path, three starts each, with the least list of capabilities, and what a workload does in
# between (test/pairs.py): a file of its own, for each ground is a minute's work on a busy machine.

load helpers
load volume

setup_file() {
	export BATS_TEST_TIMEOUT=300
}

setup() {
	volume_setup
}

pairs() {
	export CAPSHIM START
	run timeout 280 python3 "$REPO/test/pairs.py" "$1"
	assert_success
	assert_output --regexp '^[0-9]+ pairs, [0-9]+ starts, 0 findings$'
}

@test "two steps on one path, three starts: a volume of the workload's" {
	pairs owned
}

@test "two steps on one path, three starts: a volume whose group may write" {
	pairs fsgroup
}

@test "two steps on one path, three starts: a sticky volume that all may write" {
	pairs sticky
}

@test "two steps on one path, three starts: a directory of root's alone" {
	pairs root
}

@test "root's file in root's directory that a group may write stays root's, at every start, also with new content" {
	local text
	mkdir -p "$T/source/g" && chmod 0775 "$T/source/g"
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' 'command: none' 'setup:' \
		"  - {copy: $T/source, to: $T/opt, recursive: true}" >"$T/capshim.yaml"
	for text in secret secret other; do
		echo "$text" >"$T/source/g/key" && chmod 0640 "$T/source/g/key"
		again
		assert_success
		assert_equal "$(owners "$T/opt/g"/*) $(cat "$T/opt/g/key")" "0:0 640 $text"
	done
	# What is new there is the workload's.
	echo x >"$T/source/g/new"
	again
	assert_success
	assert_equal "$(owners "$T/opt/g/new")" '1234:1234 644'
	# Nobody runs as root what comes to the place of a file of root's.
	start <<<"  - {write: $T/opt/g/key, content: x, mode: 04755}"
	assert_success
	assert_equal "$(owners "$T/opt/g/key")" '1234:1234 4755'
}

@test "what is right already is right at every start, also where the identity may not read it" {
	local step
	mkdir -p "$T/source/sub" "$T/tmp" && chmod 1777 "$T/tmp" && echo x >"$T/source/file" && echo x >"$T/source/sub/closed"
	chmod 0600 "$T/source/sub/closed"
	for step in "mkdir: $V/a}, {write: $V/a/x, content: hello}, {chown: $V" "copy: $T/source, to: $V/a, recursive: true}, {chown: $V" \
		"mkdir: $V/a, owner: \"5555:5555\"}, {write: $V/a/key, content: x, mode: 0600" \
		"mkdir: $V/a, owner: \"0:0\"}, {write: $V/a/key, content: x, mode: 0600" \
		"copy: $T/source, to: $V/a, recursive: true, owner: \"5555:5555\"" \
		"mkdir: $V/a, owner: \"0:0\"}, {write: $V/a/l, content: \"x\\ny\\n\", if_exists: append_missing, owner: \"0:0\", mode: 0600" \
		"write: $T/tmp/x, content: x, owner: \"5555:5555\", mode: 0660"; do
		rm -rf "${V:?}/a"
		chown "$([[ $step == *"chown: $V" ]] && echo 0 || echo 1234)" "$V"
		for _ in 1 2 3; do
			start <<<"  - {steps: [{$step}]}"
			assert_success
		done
		find "$V" "$T/tmp" -printf '%p %i %U %G %m\n' | sort >"$T/before"
		again
		assert_success
		assert_equal "$(find "$V" "$T/tmp" -printf '%p %i %U %G %m\n' | sort)" "$(cat "$T/before")"
	done
}

@test "attack: root's secret moved to where the config's text is compared is neither written nor given away" {
	local step
	printf 'a\nsecret\n' >"$V/secret" && chmod 0600 "$V/secret"
	attack 'mv secret conf; echo guess >mine'
	for step in "write: $V/conf, content: \"a\\nb\\n\", if_exists: append_missing" \
		"write: $V/conf, content: \"a\\n\", if_exists: append_missing, mode: 0644" \
		"write: $V/conf, content: \"a\\n\", if_exists: append_missing, owner: workload"; do
		for _ in 1 2; do
			start <<<"  - {$step}"
			assert_failure 111
			assert_equal "$(owners "$V/conf")" '0:0 600'
		done
	done
	start <<<"  - {write: $V/conf, content: \"a\\n\", if_exists: append_missing}"
	assert_success
	assert_equal "$(owners "$V/conf") $(xargs <"$V/conf")" '0:0 600 a secret'
	# What others have chosen is not compared: the answer would tell whether they have guessed it.
	echo guess >"$V/conf" && attack 'chmod 0600 mine'
	start <<<"  - {copy: $V/mine, to: $V/conf, mode: 0600}"
	assert_success
	assert_equal "$(owners "$V/conf")" '1234:1234 600'
}
