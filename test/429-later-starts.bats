#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# What a start that was refused, or a step before, has left: the next one asks again. And what looks like root's where others
# can move it.

load helpers
load acl
load volume

setup() {
	volume_setup
	mkdir "$T/etc" && touch "$T/etc/conf"
}

teardown() {
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null || true
	umount -l "$T/etc/conf" "$V/key" "$V" 2>/dev/null || true
}

# mounted CONTENT: a file of the attacker's, mounted where root writes.
mounted() {
	umount "$T/etc/conf" 2>/dev/null || true
	echo "$1" >"$V/conf" && chown 1234:1234 "$V/conf" && chmod "${2:-0644}" "$V/conf"
	mount --bind "$V/conf" "$T/etc/conf"
}

# holding REDIRECTION: the attacker has the file open from now on, and prints what is in it at the end of his input.
holding() {
	mkfifo "$T/end" 2>/dev/null || true
	exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "exec 5$1'$V/conf'; echo open; read -r <'$T/end'; cat /proc/self/fd/5 <&5")
	holder=$!
	read -r -t 10 -u 7
}

# released: what he read.
released() {
	echo >"$T/end"
	timeout 10 cat <&7
	exec 7<&-
	holder=
}

@test "attack: a mounted file that its old owner has open is refused at each start, until he closes it" {
	local step steps=("write: $T/etc/conf, content: secret, owner: \"root:root\", mode: 0600"
		"copy: $T/source, to: $T/etc/conf, owner: \"2345:2345\", mode: 0640")
	echo secret >"$T/source"
	for step in "${steps[@]}"; do
		mounted old
		holding '<'
		start <<<"  - {$step}"
		for _ in 1 2 3; do
			assert_failure 111
			assert_output --partial 'another process has it open'
			again
		done
		run released
		refute_output --partial secret
		again
		assert_success
		assert_equal "$(cat "$V/conf")" secret
	done
	# Made root's by a step before.
	mounted old
	holding '<>'
	start <<-END
		  - {chown: $T/etc/conf, owner: "root:root", mode: 0600}
		  - {write: $T/etc/conf, content: secret, owner: "root:root", mode: 0600}
	END
	assert_failure 111
	assert_output --partial 'another process has it open'
	released >/dev/null
}

@test "a mounted file that all may read is written while others read it, and not while they could write it" {
	mounted old
	chown 0:0 "$V/conf"
	holding '<'
	start <<<"  - {write: $T/etc/conf, content: new, owner: \"root:root\", mode: 0644}"
	assert_success
	released >/dev/null
	mounted old 0666
	holding '>>'
	chown 0:0 "$V/conf" && chmod 0644 "$V/conf"
	again
	assert_failure 111
	assert_output --partial 'another process has it open'
	released >/dev/null || true
	again
	assert_success
	assert_equal "$(cat "$V/conf")" new
}

@test "attack: the list of a mounted file's old owner goes, also where owner and mode are right" {
	mounted old
	acl "$V/conf" access
	chown 0:0 "$V/conf" && chmod 0640 "$V/conf"
	start <<<"  - {write: $T/etc/conf, content: secret, owner: \"root:root\", mode: 0640}"
	assert_success
	run attack 'cat conf'
	assert_failure
	run has_acl "$V/conf"
	assert_failure
}

@test "attack: a file that becomes root's loses its old owner's list" {
	local step
	mkdir "$O/d"
	for step in "chown: $V/f" "chown: $V/d, recursive: true" "chown: $O/d, recursive: true" \
		"chown: $O/d, recursive: true, file_mode: 0640"; do
		attack 'mkdir -p d; echo mine | tee f d/f >/dev/null; chmod 0640 f d/f' && cp -p "$V/f" "$O/d/f"
		acl "$V/f" access && acl "$V/d/f" access && acl "$O/d/f" access
		start <<<"  - {$step, owner: \"root:root\"}"
		assert_success
		step=${step#*: } step=${step%%,*}
		[ -f "$step" ] || step=$step/f
		assert_equal "$(stat -c %u "$step")" 0
		run setpriv --reuid 1234 --regid 1234 --clear-groups sh -c "echo evil >>'$step'"
		assert_failure
		rm -rf "$V/f" "$V/d" "$O/d/f"
	done
}

@test "attack: the group has no more of a file that becomes root's than the old owner's list gave it" {
	local dir
	for dir in "$V" "$O"; do
		rm -f "$dir/f" && echo secret >"$dir/f" && chown 1234:2000 "$dir/f" && chmod 0600 "$dir/f"
		acl "$dir/f" access
		python3 -c 'import os, struct, sys
entries = [(1, 6, -1), (2, 6, 1001), (4, 0, -1), (16, 6, -1), (32, 0, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$dir/f"
		start <<<"  - {chown: $dir/f, owner: root}"
		assert_success
		assert_equal "$(owners "$dir/f")" '0:2000 600'
	done
	# With CHOWN alone as well, once it is root's.
	chown 1234:2000 "$O/f" && acl "$O/f" access
	again --with --bounding --with chown
	assert_success
	run has_acl "$O/f"
	assert_failure
}

@test "attack: keep gives no file to a new owner with a list in which an older one stands" {
	echo secret >"$O/f" && acl "$O/f" access && chmod 0640 "$O/f"
	start <<<"  - {write: $O/f, content: x, if_exists: keep, owner: \"3000:3000\", mode: 0640}"
	assert_success
	run setpriv --reuid 1234 --regid 1234 --clear-groups cat "$O/f"
	assert_failure
	assert_equal "$(owners "$O/f")" '3000:3000 640'
}

@test "with CHOWN alone: a set-id file, and one with a list, say what is missing, and are left as they are" {
	attack 'echo mine >f; chmod 04755 f'
	start --with --bounding --with chown <<<"  - {chown: $V, owner: \"0:0\", recursive: true}"
	assert_failure 111
	assert_output --partial 'CAP_SETUID and CAP_SETGID'
	echo mine >"$O/f" && chown 1234:1234 "$O/f" && chmod 0640 "$O/f" && acl "$O/f" access
	printf '%s\n' 'command: none' 'setup:' \
		"  - {write: $O/f, content: x, if_exists: keep, owner: \"2345:2345\"}" >"$T/capshim.yaml"
	again --with --bounding --with chown
	for _ in 1 2; do
		assert_refused 111 CAP_FOWNER
		assert_equal "$(stat -c %u:%g "$O/f")" 1234:1234
		again --with --bounding --with chown
	done
}

@test "attack: keep, without /proc, of a file whose list cannot be seen: refused before it is given away" {
	local noproc=(unshare --mount sh -c 'umount -l /proc && exec "$0" "$@"')
	echo mine >"$O/f" && chown 1234:1234 "$O/f" && acl "$O/f" access && chmod 0200 "$O/f"
	printf '%s\n' 'command: none' 'setup:' \
		"  - {write: $O/f, content: x, if_exists: keep, owner: \"2345:2345\", mode: 0664}" >"$T/capshim.yaml"
	for _ in 1 2; do
		observe "${noproc[@]}" setpriv --bounding-set=-all,+chown,+setuid,+setgid,+setpcap "$CAPSHIM" -c "$T/capshim.yaml"
		assert_failure 111
		assert_output --partial 'without /proc'
		assert_equal "$(stat -c %u:%g "$O/f")" 1234:1234
	done
	# One that can be read needs no more, also in a directory that its owner cannot enter.
	rm "$O/f" && echo mine >"$O/f" && chown 1234:1234 "$O/f" && chmod 0700 "$O"
	observe "${noproc[@]}" setpriv --bounding-set=-all,+chown,+setuid,+setgid,+setpcap "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_equal "$(owners "$O/f")" '2345:2345 664'
}

@test "a new file for another user keeps the list that root's directory hands down, and needs no group of that user" {
	acl "$O" default
	start <<<"  - {write: $O/f, content: x, owner: workload, mode: 0640}"
	assert_success
	has_acl "$O/f"
	# 65534 is not mapped.
	mkdir "$T/plain"
	start --with --userns --with 0:0:3500 <<<"  - {write: $T/plain/f, content: x, owner: \"2345:2345\"}"
	assert_success
	assert_equal "$(owners "$T/plain/f")" '2345:2345 644'
}

@test "a file with the user alone in a directory that the step before has made root's: also at the second start" {
	local id
	chmod 1777 "$V" && chown 0:0 "$V"
	echo text >"$T/source"
	start <<-END
		  - {mkdir: $V/d, owner: "root:root"}
		  - {write: $V/d/f, content: x, owner: "1234"}
		  - {copy: $T/source, to: $V/d/g, owner: "1234"}
		  - {mkdir: $V/e, owner: "root:1234", mode: "0775"}
		  - {write: $V/e/f, content: x, owner: ":1234", mode: "0640"}
	END
	for id in 1 2 3; do
		assert_success
		assert_equal "$id $(owners "$V/d/f" "$V/d/g" "$V/e/f")" "$id 1234:0 644 1234:0 644 0:1234 640"
		again
	done
}

@test "attack: in a third user's directory that all may write, what is his alone is moved to a step's name" {
	local step
	chown 2000:2000 "$V" && chmod 0777 "$V"
	mkdir "$V/private" && echo secret >"$V/private/key" && chown -R 2000:2000 "$V/private" && chmod 0700 "$V/private"
	attack 'mv private plugins'
	for step in "copy: $V/plugins, to: $O/plugins, recursive: true, owner: workload" "mkdir: $V/plugins, owner: workload"; do
		start <<<"  - {$step}"
		assert_failure 111
		assert_equal "$(owners "$V/plugins") $(grep -rc secret "$O")" '2000:2000 700 '
	done
	# Also where only a directory further on can be written by all, or by a list.
	mv "$V/plugins" "$V/private" && chmod 0755 "$V" && mkdir "$V/w" && mv "$V/private" "$V/w" && chown 2000:2000 "$V/w"
	for step in 'chmod 0777' acl; do
		[ "$step" = acl ] && chmod 0755 "$V/w" && acl "$V/w" access || chmod 0777 "$V/w"
		attack 'cd w; mv private plugins'
		start <<<"  - {copy: $V/w/plugins, to: $O/plugins, recursive: true, owner: workload}"
		assert_failure 111
		attack 'cd w; mv plugins private'
	done
	# As before where the workload cannot move it.
	for mode in 0755 01777; do
		rm -rf "$V/new" && chmod "$mode" "$V"
		start <<<"  - {mkdir: $V/new, owner: workload}"
		assert_success
		again
		assert_success
	done
}

@test "attack: another file of root's in the place of a secret without an owner: its group is nobody's to choose" {
	local step
	chown 0:2000 "$V" && chmod 2775 "$V"
	echo secret >"$T/source"
	for step in "write: $V/token, content: secret" "copy: $T/source, to: $V/token" \
		"write: $V/token, content: secret, if_exists: append_missing"; do
		rm -f "$V/token" && echo readme >"$V/README" && chmod 0644 "$V/README"
		setpriv --reuid 5555 --regid 5555 --groups 2000 mv "$V/README" "$V/token"
		start <<<"  - {$step, mode: 0640}"
		assert_success
		run setpriv --reuid 5555 --regid 5555 --groups 2000 cat "$V/token"
		assert_failure
		again
		assert_success
	done
	# What is right stays as it is, also in a directory of root's further on, and what others may read anyway.
	mkdir "$V/sub" && echo -n secret | tee "$V/f" "$V/sub/f" >/dev/null && echo old >"$V/g"
	chmod 0640 "$V/f" "$V/sub/f" && chown -R 0:2000 "$V/f" "$V/sub" "$V/g" && chmod 2755 "$V/sub"
	start <<-END
		  - {write: [$V/f, $V/sub/f], content: secret, mode: 0640}
		  - {write: $V/g, content: new}
	END
	assert_success
	assert_equal "$(owners "$V/f" "$V/sub/f" "$V/g")" '0:2000 640 0:2000 640 0:2000 644'
}

@test "attack: root's sticky directory at another name: what is root's in it stays" {
	local step
	for step in "remove: \"$V/cache/*\"" "remove: $V/cache/job" "write: $V/cache/job, content: x" \
		"symlink: $V/cache/job, target: x, force: true"; do
		rm -rf "$V/cache" && mkdir "$V/spool" && chmod 1777 "$V/spool" && echo job >"$V/spool/job"
		attack 'mv spool cache'
		start <<<"  - {$step}"
		assert_failure 111
		assert_equal "$(cat "$V/cache/job")" job
	done
	# Where the ground begins with it nobody can have moved it.
	chmod 1777 "$V" && chown 0:0 "$V" && echo job >"$V/job"
	start <<<"  - {remove: \"$V/j*\"}"
	assert_success
	assert [ ! -e "$V/job" ]
}

@test "attack: a file mount at the name of root's file is not written in its place" {
	local other
	mount --bind "$V" "$V" && chown 0:2000 "$V" && chmod 2775 "$V"
	echo precious >"$O/key" && touch "$V/key" && mount --bind "$O/key" "$V/key"
	echo root >"$V/conf"
	other=(unshare --mount --propagation private sh -c "umount '$V/key'; cd '$V'; exec setpriv --reuid 5555 --regid 5555 --groups 2000 sh -c 'mv conf old; mv key conf'")
	"${other[@]}"
	assert_equal "$(cat "$V/conf")" precious
	start <<<"  - {write: $V/conf, content: hello, mode: 0644}"
	umount -l "$V/conf"
	assert_failure 111
	assert_equal "$(cat "$O/key")" precious
}

@test "attack: no rights of root's or of a third user's in what others could have moved, further on or for a root workload" {
	local step
	# Root's directory that all may write, in a third user's.
	mkdir "$V/w" && chmod 0777 "$V/w" && echo secret >"$V/w/key" && chown 2000:2000 "$V/w/key" "$V" && chmod 0600 "$V/w/key"
	attack 'cd w; cp -p key x 2>/dev/null || mv key in'
	start <<<"  - {copy: $V/w/in, to: $O/out, owner: workload}"
	assert_failure 111
	assert [ ! -e "$O/out" ]
	# Root's own directory, at another name in a third user's: for a workload that is root as well.
	chmod 0777 "$V" && mkdir -m 0700 "$V/private" && echo precious >"$V/private/f"
	attack 'mv private app'
	for step in "write: $V/app/f, content: x" "remove: $V/app/f" "copy: $T/etc, to: $V/app, recursive: true"; do
		printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
		again
		assert_failure 111
		assert_equal "$(ls "$V/app") $(cat "$V/app/f")" 'f precious'
	done
}

@test "attack: a workload that is root reads nothing of root's that others have moved to a source" {
	local step
	chown 0:0 "$V" && chmod 0777 "$V"
	for step in "copy: $V/in, to: $V/out, mode: 0644" "template: $V/in, to: $V/out, variables: [HOME]" \
		"copy: $V/dir, to: $V/out, recursive: true" "write: $V/in, content: x, if_exists: append_missing, mode: 0644"; do
		rm -rf "$V/in" "$V/dir" "$V/out"
		echo secret >"$V/in" && mkdir "$V/dir" && cp "$V/in" "$V/dir/f" && chmod 0600 "$V/in" "$V/dir/f"
		printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
		again
		[[ $step == *dir* ]] || assert_failure 111
		run attack 'cat in out out/f'
		refute_output --partial secret
	done
}

@test "a directory of root's on a volume that a killed run has begun to fill is completed" {
	local call
	start <<-END
		  - {mkdir: $V/e, owner: "root:root"}
		  - {write: $V/e/token, content: secret, owner: "root:root", mode: 0600}
	END
	assert_success
	rm -rf "$V/e"
	timeout 20 strace -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	# The last of each kind, from where the directory is made on.
	sed -n '/^mkdirat/,/exit_group/s/(.*//p' "$T/calls" | sort -u >"$T/kinds"
	for call in mkdirat fchownat flock pwrite64 fdatasync renameat; do
		grep -qx "$call" "$T/kinds"
	done
	while read -r call; do
		rm -rf "$V/e"
		timeout 20 strace -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$(grep -c "^$call(" "$T/calls")" \
			"$CAPSHIM" -c "$T/capshim.yaml" </dev/null || true
		again
		assert_success
		assert_equal "$call $(owners "$V/e" "$V/e/token")" "$call 0:0 755 0:0 600"
	done <"$T/kinds"
}

@test "attack: an empty directory of root's, with a default list that it has inherited, at the name of another" {
	attack 'mkdir home' && acl "$V/home" default
	mkdir "$V/home/cache" && chmod 0755 "$V/home/cache" && has_acl "$V/home/cache"
	start <<-END
		  - {mkdir: $V/home/conf, owner: "root:root"}
		  - {write: $V/home/conf/secret, content: secret, owner: "root:8", mode: 0640}
	END
	assert_success
	attack 'cd home; mv conf old; mv cache conf'
	again
	run attack 'cat home/conf/secret'
	refute_output --partial secret$
	assert_failure
}

@test "attack: who has a directory that all may write does not choose the owner of what only a group is to read" {
	local step
	chown 2000:2000 "$V" && chmod 0777 "$V" && echo secret >"$T/source"
	for step in "write: $V/token, content: secret" "copy: $T/source, to: $V/token"; do
		rm -f "$V/token" && touch "$V/token" && chown 2000:2000 "$V/token"
		start <<<"  - {$step, owner: \":3000\", mode: 0640}"
		assert_success
		assert_equal "$(owners "$V/token")" '1234:3000 640'
	done
}

@test "without SETUID nobody can be asked who has another user's mounted file open: it is not written" {
	mounted old
	holding '<'
	printf '%s\n' 'command: none' 'setup:' \
		"  - {write: $T/etc/conf, content: secret, owner: \"2345:2345\", mode: 0600}" >"$T/capshim.yaml"
	for _ in 1 2; do
		again --with --bounding --with chown,dac_override,fowner
		assert_refused 111 'CAP_SETUID and CAP_SETGID'
	done
	run released
	refute_output --partial secret
}

@test "mkdir, with another owner, of a directory that has a list" {
	local mode
	for mode in 0770 0775; do
		rm -rf "$O/d" && mkdir "$O/d" && chown 2000:3000 "$O/d" && acl "$O/d" access
		start <<<"  - {mkdir: $O/d, owner: workload, mode: \"$mode\"}"
		assert_success
		assert_equal "$(owners "$O/d")" "1234:1234 ${mode#0}"
		again
		assert_success
	done
}

@test "in root's sticky directory the file that another run is at work on stays" {
	chown 0:0 "$V" && chmod 1777 "$V"
	local first
	start <<<"  - {write: $V/conf, content: first, owner: workload, mode: 0600}"
	sed -i 's/first/other/' "$T/capshim.yaml" && rm "$V/conf"
	again
	cp "$T/capshim.yaml" "$T/second.yaml" && sed -i 's/other/first/' "$T/capshim.yaml"
	timeout 20 strace -o "$T/calls" -e trace=renameat,fdatasync -e inject=fdatasync:delay_enter=1500000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	first=$!
	wait_until sh -c "ls '$V'/.capshim-*"
	for _ in 1 2 3; do
		"$CAPSHIM" -c "$T/second.yaml"
		ls "$V"/.capshim-*
	done
	wait $first
	assert_equal "$(cat "$V/conf") $(grep -c renameat "$T/calls")" 'first 1'
}

@test "attack: what a killed run has left of root's secret is not given away, opened or copied by the next one, whatever it leaves out" {
	local step left ground
	for ground in "0:0 755" "0:0 1777" "1234:1234 755"; do for step in "chown: $V, recursive: true, contents_only: true, exclude: [root.key]" \
		"chown: $V, recursive: true, contents_only: true, owner: 'root:1234', exclude: [root.key, app]" \
		"chmod: $V, recursive: true, mode: a+rX, exclude: [root.key]" \
		"copy: $V, to: $O/copy, recursive: true, owner: workload, mode: '0644'"; do
		rm -rf "${V:?}"/* "${V:?}"/.capshim-* "$O/copy" && chown "${ground% *}" "$V" && chmod "${ground#* }" "$V" && install -d -o 1234 -g 1234 "$V/app"
		printf '%s\n' 'command: none' "setup: [{write: $V/root.key, content: secret, mode: '0600', owner: root}]" >"$T/capshim.yaml"
		run timeout 20 strace -qqo /dev/null -e trace=renameat,renameat2 -e inject=renameat,renameat2:signal=KILL \
			"$CAPSHIM" -c "$T/capshim.yaml"
		left=$(ls "$V"/.capshim-*)
		# Of an image's own.
		echo own | tee "$V/.capshim-own" "$V/.capshim-0123456789abcdef-0a" >"$V/.capshim-0123456789abcdef0"
		start <<<"  - {$step}
  - {write: $V/app/conf, content: x}"
		assert_success
		run setpriv --reuid 1234 --regid 1234 --clear-groups grep -rs secret "$V" "$O"
		assert_output ''
		assert_equal "$step $(owners "$left") $(cat "$left")" "$step 0:0 600 secret"
		[[ $step != chown* || $step == *root:1234* ]] || assert_equal "$(stat -c %u:%g.%a "$V"/.capshim-own "$V"/.capshim-0*[0a] | sort -u)" 1234:1234.644
		[[ $step != copy* ]] || assert_equal "$(cat "$O"/copy/.capshim-own "$O"/copy/.capshim-0*[0a] | xargs)" "own own own"
	done; done
}

@test "a seed that was killed is completed, though what the volume holds changes its owner before" {
	local before
	mkdir "$O/image" && for name in a b c d; do echo "$name" >"$O/image/$name"; done
	for before in "chown: $V/data, recursive: true, contents_only: true" "chown: $V, recursive: true, contents_only: true" \
		"chown: $V, recursive: true" "chown: $V, recursive: true, change_policy: on_root_mismatch" \
		"chown: $V/data, recursive: true, contents_only: true, owner: root"; do
		rm -rf "$V/data" && mkdir "$V/data" && chown 0:0 "$V"
		[[ $before != *root ]] || chown 1234:1234 "$V" "$V/data"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {copy: $O/image, to: $V/data, recursive: true, only_if_empty: true, owner: workload}" >"$T/capshim.yaml"
		run timeout 20 strace -qqo /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=3 "$CAPSHIM" -c "$T/capshim.yaml"
		assert [ -e "$V/data/.capshim-seeding" ]
		sed -i "s|^setup:|&\n  - {$before}|" "$T/capshim.yaml"
		again
		assert_success
		assert_equal "$before $(find "$V/data" -mindepth 1 -printf '%f\n' | sort | xargs)" "$before a b c d"
		[[ $before == *root ]] || assert_equal "$(stat -c %u "$V/data"/* | sort -u)" 1234
	done
}

@test "what has the name that a killed run leaves becomes root's, and loses rights, like any other" {
	mkdir "$V/d" && echo mine | tee "$V/d/.capshim-0123456789abcdef-1" >"$V/d/.capshim-seeding" && chmod 0666 "$V/d"/.*-*
	chown -R 1234:1234 "$V/d"
	start <<<"  - {chown: $V/d, recursive: true, owner: root, mode: go-w}"
	assert_success
	assert_equal "$(owners "$V/d"/.*-*)" '0:1234 644 0:1234 644'
}

@test "attack: a list that a directory hands down does not keep what is made in it for its owner" {
	local bits
	mkdir -p "$O/image/sec" && chmod 0700 "$O/image/sec" && echo secret >"$O/image/sec/key"
	chown 1234:1234 "$V"
	for bits in 0 1 2 3 4 5 6; do
		rm -rf "${V:?}"/*
		python3 -c 'import os, struct, sys
entries = [(1, int(sys.argv[2]), -1), (4, 0, -1), (32, 0, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_default", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$V" "$bits"
		start <<-END
			  - {copy: $O/image/sec, to: $V/sec, recursive: true, owner: "2000:2000"}
			  - {mkdir: $V/up/sub, mode: 0750}
		END
		assert_success
		assert_equal "$bits $(owners "$V/sec" "$V/sec/key" "$V/up" "$V/up/sub")" "$bits 2000:2000 700 2000:2000 644 1234:1234 755 1234:1234 750"
	done
}
