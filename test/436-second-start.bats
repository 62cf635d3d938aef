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

# between_bars STEP|STEP|...: a step on each line of the config, from line 4 on.
between_bars() {
	sed 's/^ */  - {/; s/ *| */}\n  - {/g; s/$/}/' <<<"$1"
}

@test "attack: root's files, moved in a volume that steps make root's, use and return, are not used: status 100" {
	local uid mode line last steps
	while read -r uid mode line last steps; do
		rm -rf "${V:?}" "${O:?}" "$T/themes" && mkdir -p "$V"/{site,private,hooks} "$O/assets" "$T/themes"
		# What an earlier start has made for root.
		chmod 0700 "$V/private" "$O/assets" && echo key >"$V/private/key" && ln -s "$O/assets" "$V/site/assets"
		printf '#!/bin/sh\ntouch %s\n' "$O/ran" >"$V/hooks/reset" && chmod 0755 "$V/hooks/reset"
		chown "$uid:1234" "$V" && chmod "$mode" "$V"
		attack 'mv private themes && mv site app && mv hooks start.d'
		start < <(between_bars "$steps")
		assert_refused 100 "capshim.yaml:$last:5: \"$V\" is owned by root from line 4 on, and open to others again from here on: line $line" \
			'would trust what they move there between two starts. Open it before that, or leave out one of the two changes' || fail "$steps" || return
		assert_equal "$(find "$T/themes" "$O" -printf %P,) $(owners "$O/assets")" ',,assets, 0:0 700' || return
		again -- --check
		assert_refused 100 "capshim.yaml:$last:5: \"$V\"" || return
	done <<-END
		1234 0755 5 6 chown: $V, owner: "root:root" | chown: $V/app/assets, recursive: true | chown: $V/
		0 0777 5 6 mkdir: $V, mode: "0755" | chown: $V/app/assets | chmod: $V, mode: a+rwX
		1234 0755 5 6 chown: $V, owner: root | copy: $V//themes, to: $T/themes, owner: workload, recursive: true | mkdir: $V, owner: "1234"
		0 0775 5 6 chmod: $V, mode: g-w | run_dir: $V/start.d | chown: $V, dir_mode: "0775", owner: "root:1234"
		0 0777 5 6 chmod: $V, mode: "0755" | write: $O/x, content: x, when: [{succeeds: $V/start.d/reset}] | chmod: $V, mode: "0777"
		1234 0755 5 6 mkdir: $V, owner: root | mkdir: $V/app/assets, owner: workload | chown: $T, recursive: true
		1234 0755 5 6 chown: $T, owner: "0:0", recursive: true | wait_for: "unix://$V/socket" | chown: $V
		1234 0755 5 6 chown: $V, owner: "0:0" | run_dir: $V | chown: $V
		1234 0755 5 6 chown: $V, owner: "0:0" | template: $V, to: $T/themes, owner: workload | chown: $V
		1234 0755 5 6 chown: $V, owner: "0:0" | copy: $V, to: $T/themes, owner: workload, recursive: true | chown: $V
		1234 0755 5 6 chown: $V, owner: "0:0" | copy: $T/source, to: $V, owner: workload, recursive: true | chown: $V
		1234 0755 5 6 chown: $V, owner: "0:0" | mount: $T/m, type: bind, source: $V | chown: $V
		1234 0755 6 7 chown: $V, owner: "0:0" | chown: $V, when: {empty: $V} | chown: $V/app/assets, recursive: true | chown: $V
		1234 0755 5 6 chown: $T, owner: "0:0", recursive: true | chown: $V/x | chown: $T, recursive: true, contents_only: true
		1234 0755 5 6 chown: $V, owner: root | mount: /mnt, type: overlay, options: ["lowerdir=/etc:$V/app"] | chown: $V
		1234 0755 5 6 chown: $V, owner: root | mount: /mnt, type: overlay, options: ["lowerdir=$V:/etc"] | chown: $V
		1234 0755 6 7 chown: $V, owner: root | mkdir: $V, mode: "0777", as: workload | chown: $V/app/assets, recursive: true | chown: $V
		1234 0755 6 7 chown: $V, owner: root | chown: $V, on_error: ignore | chown: $V/app/assets, recursive: true | chown: $V
		1234 0755 5 5 chown: $V, owner: root | chown: [$V/app/assets, $V]
		0 0777 4 5 chmod: [$V, $V/app/assets], mode: "0750" | chmod: $V, mode: "0777"
	END
}

@test "what steps make root's or return, use before, afterwards or elsewhere goes on, at every start" {
	local uid mode left steps
	while read -r uid mode left steps; do
		rm -rf "${V:?}" && mkdir -p "$V/cache" && chown "$uid:$uid" "$V" "$V/cache" && chmod "$mode" "$V"
		start < <(between_bars "$steps")
		assert_success || fail "$steps" || return
		again
		assert_success || fail "$steps" || return
		again
		assert_success || fail "$steps" || return
		assert_equal "$(stat -c %u:%a "$V" "$V/cache" | paste -sd,)" "$left" || fail "$steps" || return
	done <<-END
		1234 0755 0:755,1234:755 chown: $V, owner: "root:root", recursive: true | chown: $V/cache | write: $V/cache/x, content: x | chown: $V/cache, recursive: true
		1234 0755 0:755,1234:755 chown: $V, owner: root, recursive: true | write: $O/x, content: x | mkdir: $V/cache, owner: workload
		1234 0755 0:755,1234:755 chown: $V, owner: root, recursive: true, exclude: [ca*] | write: $V/cache/x, content: x | chown: $V/cache, recursive: true
		1234 0755 1234:755,1234:755 write: $V/x, content: x | chown: $V, owner: root | chown: $V | write: $V/cache/x, content: x
		1234 0755 1234:750,1234:755 mkdir: $V, mode: "0750" | write: $V/x, content: x | chown: $V, recursive: true
		0 0755 1234:755,1234:755 mkdir: $V | mkdir: $V/cache | chown: $V, recursive: true
		1234 0755 1234:770,1234:755 chown: $V, mode: "0700" | write: $V/x, content: x | chmod: $V, mode: "0770"
		1234 0755 1234:755,1234:755 chown: $V, owner: root | chown: [$V, $V/cache]
		1234 0755 1234:755,1234:755 chown: $V, owner: root | write: "$V:x", content: x | chown: $V
		0 0777 0:755,0:755 chmod: $V, mode: "0755" | write: $V/cache/x, content: x
	END
	# A workload that is root gets nothing of another user's.
	printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' 'setup:' \
		"  - {chown: $V, owner: root}" "  - {write: $V/x, content: x}" "  - {chown: $V}" >"$T/capshim.yaml"
	again
	assert_success
}

@test "copy: a link in a sticky directory of a third user's volume is right at the second start" {
	mkdir -p "$T/source/tmp" && chmod 1777 "$T/source/tmp" && ln -s f "$T/source/tmp/link"
	chown 2000:2000 "$V"
	start <<<"  - {copy: $T/source, to: $V, recursive: true}"
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/tmp/link")" '2000:65534 777'
		again
	done
}

@test "symlink: a link that root's directory has given away with all that it holds is made anew, and is followed" {
	chown 0:0 "$V" && mkdir "$V/app"
	start <<-END
		  - {symlink: $V/now, target: app}
		  - {write: $V/now/conf, content: x}
		  - {chown: $V, recursive: true, contents_only: true}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/now" "$V/app/conf")" '1234:1234 777 1234:1234 644'
		again
	done
	ln -sfn other "$V/now"
	again
	assert_refused 111 "$V/now" 'write "force: true" to replace it'
}

@test "copy with keep: what a killed run has left of a file that somebody else has made since goes" {
	mkdir "$T/source" "$T/to" && echo text >"$T/source/a"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $T/source, to: $T/to, recursive: true, if_exists: keep}" >"$T/capshim.yaml"
	run timeout 20 strace -qqo /dev/null -e trace=renameat,renameat2 -e inject=renameat,renameat2:signal=KILL "$CAPSHIM" -c "$T/capshim.yaml"
	assert_equal "$(find "$T/to" -name '.capshim-*' | wc -l)" 1
	echo other >"$T/to/a"
	again
	assert_success
	assert_equal "$(ls -A "$T/to") $(cat "$T/to/a")" 'a other'
}

# roots_seed: a config whose seed is root's, in a volume of the workload's, where it acts as root no more once the directory is there.
roots_seed() {
	mkdir "$T/source" && for name in a b c d; do echo "$name" >"$T/source/$name"; done
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {copy: $T/source, to: $V/seed, recursive: true, only_if_empty: true, owner: root}" >"$T/capshim.yaml"
}

@test "a seed that a run as another user has left is not called complete, also before its marker says so" {
	local call mode
	roots_seed
	for call in pwrite64:signal=KILL:when=3 flock:signal=KILL; do
		rm -rf "$V/seed"
		run timeout 20 strace -qqo /dev/null -e trace=pwrite64,flock -e inject=$call "$CAPSHIM" -c "$T/capshim.yaml"
		for _ in 1 2; do
			again
			assert_refused 111 "$V/seed" "another user's run has left .capshim-seeding: remove it all, and write \"owner: workload\""
		done
	done
	# Others can give that name to any file of root's: then nobody seeds, and nobody is kept from starting.
	for mode in 0644 0600; do
		echo root >"$V/seed/.capshim-seeding" && chmod $mode "$V/seed/.capshim-seeding"
		again
		assert_success
		assert_equal "$(ls -A "$V/seed")" .capshim-seeding
	done
}

@test "a seed that a run as another user is at work on is waited for" {
	local first
	roots_seed
	timeout 20 strace -qqo /dev/null -e trace=pwrite64 -e inject=pwrite64:delay_enter=500000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	first=$!
	wait_until test -s "$V/seed/.capshim-seeding"
	again
	assert_success
	assert_output --partial 'waiting for another run that fills'
	assert_equal "$(find "$V/seed" -mindepth 1 -printf '%f %U\n' | sort | xargs)" 'a 0 b 0 c 0 d 0'
	wait $first
}

@test "copy: a directory that stays empty has its mode at the end, also without the rights to act as its owner" {
	mkdir -p "$T/source/ro" "$T/source/shared" "$T/to" && chmod 0555 "$T/source/ro" && chmod 0775 "$T/source/shared"
	start <<<"  - {copy: $T/source, to: $T/to, recursive: true, owner: workload}"
	for _ in 1 2; do
		again --with --bounding --with chown,fowner
		assert_success
		assert_equal "$(owners "$T/to/ro" "$T/to/shared")" '1234:1234 555 1234:1234 775'
		rm -rf "$T/to" && mkdir "$T/to"
	done
}
