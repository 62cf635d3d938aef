#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# Where two users could both have moved what a step finds, it has the rights of neither that the other lacks. 1234 is the
# workload, 2000 a third user, whose volume it is.

load helpers
load acl
load volume

setup() {
	volume_setup
	chown 2000:2000 "$V"
}

teardown() {
	umount -l "$V/inner" "$T/etc/conf" 2>/dev/null || true
	[ -z "${victim:-}" ] || kill "$victim" 2>/dev/null || true
}

# third COMMAND: of the third user, in his container.
third() {
	setpriv --reuid 2000 --regid 2000 --clear-groups bash -c "cd '$V' && $1"
}

# LEAST: what --explain says for steps on a used volume.
LEAST=(--with --bounding --with 'chown,setgid,setuid,setpcap')

@test "attack: a third user's secret, moved by the workload within a tree, into a sticky directory, or for a variable" {
	local step
	third 'mkdir -m 0777 in drop; chmod 0777 in drop; mkdir -m 1777 tmp; chmod 1777 tmp
		for f in 1 2 3; do echo "secret$f" >drop/key$f; done; chmod 0600 drop/*'
	attack 'mv drop/key1 in/page; mv drop/key2 tmp/conf; mv drop/key3 in/db; ! cat in/* tmp/*'
	for step in "copy: $V/in, to: $O/out, recursive: true" "copy: $V, to: $O/out, recursive: true" \
		"copy: $V/tmp/conf, to: $O/out" "template: $V/in, to: $O/out, variables: [HOME]"; do
		[[ $step == copy* ]] && step+=', mode: 0644'
		start <<<"  - {$step}"
		assert_failure 111
		assert_output --partial 'Permission denied'
		run grep -r secret "$O"
		assert_failure
		rm -rf "$O/out"
	done
	printf '%s\n' 'user: "1234:1234"' 'file_environment: [DB]' "command: [$PROBE]" >"$T/capshim.yaml"
	again --env "DB_FILE=$V/in/db"
	assert_failure 100
	refute_output --partial secret
	assert_output --partial 'Permission denied'
}

@test "attack: a third user's secret, moved by another one of the group that may write there" {
	third 'mkdir -m 0700 up; echo secret >up/key; chmod 0600 up/key'
	chgrp 3000 "$V" "$V/up" && chmod 0775 "$V" "$V/up"
	setpriv --reuid 3001 --regid 3000 --clear-groups mv "$V/up/key" "$V/conf"
	start <<<"  - {copy: $V/conf, to: $O/conf, mode: 0644}"
	assert_failure 111
	assert [ ! -e "$O/conf" ]
	# A group of the owner's own has nobody else in it.
	chgrp 2000 "$V"
	again
	assert_success
}

@test "attack: the workload's secret, moved by the third user whose directory the workload can write" {
	local step mode
	for mode in 2000:0777 1234:0775; do
		chgrp "${mode%:*}" "$V" && chmod "${mode#*:}" "$V"
		for step in "template: $V/in, to: $V/out, variables: [HOME]" "copy: $V/in, to: $V/out, mode: 0644" \
			"write: $V/in, content: x, if_exists: append_missing, mode: 0644" \
			"write: $V/in, content: x, if_exists: keep, mode: 0644" "mkdir: $V/dir, mode: 0777"; do
			rm -rf "${V:?}"/*
			start <<<"  - {write: $V/db.key, content: secret, owner: \"root:1234\", mode: 0640}"
			assert_success
			attack 'mkdir -m 0700 own; echo secret >own/f; chmod 0600 own/f; cp own/f mine; chmod 0600 mine'
			third 'mv own dir; mv mine in; ! cat in dir/f'
			start <<<"  - {$step}"
			assert_failure 111
			third 'mv in mine; mv db.key in'
			again
			assert_failure 111
			run third 'cat in out mine dir/f'
			refute_output --partial secret
		done
	done
}

@test "attack: who has planted a directory and a file in it gets nothing that is written for a group" {
	local owner
	chown 0:0 "$V" && chmod 0777 "$V"
	for owner in '":1234"' '"1234"' '"root"'; do
		rm -rf "$V/d"
		third 'mkdir d; chmod 0777 d; echo planted >d/conf; chmod 0640 d/conf'
		start <<<"  - {write: $V/d/conf, content: password, mode: 0640, owner: $owner}"
		assert_success
		run third 'cat d/conf'
		assert_failure
	done
	# A directory that this run has given away: what it made there is right at the next start, too.
	start <<-END
		  - {mkdir: $V/e, owner: "2000:2000"}
		  - {write: $V/e/f, content: x, owner: ":1234", mode: 0640}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$V/e/f")" '2000:1234 640'
		again
	done
}

@test "attack: a workload that is root gives nobody what it alone may read, by append_missing or keep" {
	local owner how
	chown 0:0 "$V" && chmod 0777 "$V"
	for owner in 2000:2000 0:2000 :2000; do
		for how in append_missing keep; do
			rm -f "$V"/*
			echo secret >"$V/key" && chmod 0640 "$V/key" && ln "$V/key" "$V/other"
			third 'mv key conf'
			printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' 'setup:' \
				"  - {write: $V/conf, content: x, owner: \"$owner\", if_exists: $how}" >"$T/capshim.yaml"
			again
			assert_failure 111
			run third 'cat conf'
			assert_failure
		done
	done
}

@test "attack: a program that is kept, or appended to, does not become set-user-ID" {
	local how mode owner
	chown 1234:1234 "$V"
	for how in keep append_missing; do
		for mode in 04755 02755; do
			for owner in root '"root:3000"'; do
				rm -f "$V/x" "$V/moved"
				attack "cp /bin/true x; chmod $mode x"
				start <<<"  - {write: $V/x, content: x, mode: $mode, owner: $owner, if_exists: $how}"
				assert_failure 111
				assert_output --partial 'chown or chmod it in a step of its own'
				assert_equal "$(stat -c %u "$V/x")" 1234
			done
		done
	done
	# Also root's own, which lies where others can move it.
	rm "$V/x" && cp /bin/true "$V/x"
	again
	assert_failure 111
	assert_equal "$(owners "$V/x")" '0:0 755'
	# What the config writes itself is set-id, and stays so.
	start <<<"  - {write: $V/y, content: x, mode: 04755, owner: root, if_exists: keep}"
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/y")" '0:0 4755'
		again
	done
}

@test "a third user's directory that the workload may not enter is used as its owner, with the least capabilities" {
	chmod 0770 "$V"
	start "${LEAST[@]}" <<-END
		  - {mkdir: $V/data, owner: workload}
		  - {write: $V/conf, content: x}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$V/data" "$V/conf")" '1234:1234 755 2000:65534 644'
		again "${LEAST[@]}"
	done
	# By a list that names somebody else.
	rm -rf "${V:?}"/* && chmod 0755 "$V"
	python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, 3000), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$V"
	again
	assert_success
	assert_equal "$(owners "$V/data" "$V/conf")" '1234:1234 755 2000:65534 644'
	# It names the workload: who could have moved anything there.
	rm -rf "${V:?}"/* && acl "$V" access
	again
	assert_success
	assert_equal "$(owners "$V/conf")" '1234:1234 644'
}

@test "without a workload, a directory that all may write is still used as its owner" {
	chmod 0777 "$V"
	printf '%s\n' 'command: none' 'setup:' "  - {mkdir: $V/sub}" "  - {write: $V/sub/f, content: x, mode: 0600}" >"$T/capshim.yaml"
	for _ in 1 2; do
		again
		assert_success
		assert_equal "$(owners "$V/sub" "$V/sub/f")" '2000:65534 755 2000:65534 600'
	done
}

@test "a directory inside of one that this run has given away is filled in the same start" {
	local owner
	chown 1234:1234 "$V"
	echo x >"$T/source"
	for owner in root '"2000:2000"'; do
		rm -rf "${V:?}"/*
		start <<-END
			  - {mkdir: [$V/conf, $V/conf/d], owner: $owner}
			  - {write: $V/conf/d/x, content: x, owner: $owner}
			  - {copy: $T/source, to: $V/conf/on/the/way, owner: $owner}
		END
		for _ in 1 2 3; do
			assert_success
			assert_equal "$(cat "$V/conf/d/x" "$V/conf/on/the/way" | xargs)" 'xx'
			again
		done
	done
}

@test "attack: the modes of directories in a source of others say nothing about root's directories" {
	third 'mkdir -p src/sub; chmod 02777 src/sub; echo x >src/sub/f'
	start <<<"  - {copy: $V/src, to: $O/app, recursive: true}"
	assert_success
	assert_equal "$(owners "$O/app/sub")" '0:0 755'
	again
	assert_success
	# Elsewhere they are those of the source.
	chown 1234:1234 "$V"
	start <<<"  - {copy: $V/src, to: $V/app, recursive: true}"
	assert_success
	assert_equal "$(owners "$V/app/sub")" '1234:1234 2777'
}

@test "a mounted file on root's ground is given to the workload without SETUID, and nothing is given where that is refused" {
	mkdir "$T/etc" && touch "$T/etc/conf" && echo old >"$V/conf" && chown 0:0 "$V/conf"
	mount --bind "$V/conf" "$T/etc/conf"
	start --with --bounding --with chown,dac_override <<<"  - {write: $T/etc/conf, content: new, owner: \"1234:1234\", mode: 0640}"
	assert_success
	assert_equal "$(owners "$V/conf") $(cat "$V/conf")" '1234:1234 640 new'
	# Another user's: nobody can be asked who has it open, and it stays as it is.
	start --with --bounding --with chown,dac_override <<<"  - {write: $T/etc/conf, content: newer, owner: \"2000:2000\", mode: 0640}"
	assert_failure 111
	assert_equal "$(owners "$V/conf") $(cat "$V/conf")" '1234:1234 640 new'
}

@test "without /proc, chown makes a tree root's in which a directory lets nobody else in" {
	mkdir -p "$V/p" && echo x >"$V/p/q" && chown -R 2000:2000 "$V/p" && chmod 0700 "$V/p"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {chown: $V, owner: \"root:root\", recursive: true}" >"$T/capshim.yaml"
	for _ in 1 2; do
		run unshare --mount --propagation private sh -c 'mount -t tmpfs none /proc && exec "$@"' sh \
			"$START" --clean --env PATH=/bin --bounding chown,setgid,setuid,setpcap -- "$CAPSHIM" -c "$T/capshim.yaml"
		assert_success
		assert_equal "$(owners "$V" "$V/p" "$V/p/q")" '0:0 755 0:0 700 0:0 644'
	done
}

@test "the mode of another mount inside of a tree is left alone, also for a moment" {
	mkdir "$V/inner" && mount -t tmpfs none "$V/inner" && chown 2000:2000 "$V/inner" && chmod 0300 "$V/inner"
	local before
	before=$(stat -c %z "$V/inner")
	start <<<"  - {chown: $V, recursive: true}"
	assert_success
	assert_output --partial 'on other mounts'
	assert_equal "$(stat -c '%a %u %z' "$V/inner")" "300 2000 $before"
}

@test "attack: a process of uid 0 without capabilities does not read the environment of one that drops to uid 0" {
	local caps=-all pid
	printf '%s\n' 'user: "0:0"' 'allow_root: true' 'unset_environment: [SECRET]' 'command: [/bin/sleep, "5"]' >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
	SECRET=hidden strace -f -o "$T/calls" -e trace=capset -e inject=capset:delay_exit=300000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	victim=$!
	wait_until pgrep -P "$victim"
	pid=$(pgrep -P "$victim")
	# The window is open after the last capset(2), which leaves nothing.
	run timeout 20 setpriv --bounding-set "$caps" --inh-caps "$caps" bash -c '
		[ "$(sed -n "s/^CapEff:\t//p" /proc/self/status)" = 0000000000000000 ] || exit 3
		while [ "$(readlink /proc/'"$pid"'/exe; cat /proc/'"$pid"'/comm)" != sleep ] && kill -0 '"$pid"'; do
			tr "\0" "\n" </proc/'"$pid"'/environ; done 2>/dev/null; echo end'
	assert_output --partial end
	refute_output --partial hidden
}

@test "attack: a workload whose user is nobody gets no rights of a third user's" {
	local step
	chgrp 65534 "$V" && chmod 0775 "$V"
	third 'mkdir -m 0700 priv; echo secret | tee key priv/f >/dev/null; chmod 0600 key'
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "cd '$V'; mv key in; mv priv spool"
	for step in "write: $V/in, content: x, if_exists: append_missing, mode: 0644" "write: $V/in, content: x, if_exists: keep, mode: 0644" \
		"write: $V/spool/f, content: x" "remove: $V/spool, recursive: true" "copy: $V/in, to: $O/in, mode: 0644"; do
		printf '%s\n' 'user: "65534:65534"' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
		again
		assert_failure 111
		assert_equal "$(cat "$V/spool/f" "$V/in" | xargs) $(owners "$V/in")" 'secret secret 2000:2000 600'
	done
}

# listed UID DIRECTORY: a list that lets this user write there.
listed() {
	python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, int(sys.argv[1])), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[2], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$@"
}

@test "attack: a third user's secret, moved by one whom a list names, and for a variable by the workload's group" {
	listed 3001 "$V"
	third 'mkdir -m 0700 priv; echo secret | tee key priv/db >/dev/null; chmod 0600 key priv/db; chmod 0755 priv'
	setpriv --reuid 3001 --regid 3001 --clear-groups mv "$V/key" "$V/in"
	start <<<"  - {copy: $V/in, to: $O/in, mode: 0644}"
	assert_failure 111
	mkdir "$V/share" && chown 2000:1234 "$V/share" && chmod 0775 "$V/share" && chown 2000:1234 "$V/priv" && chmod 0775 "$V/priv"
	attack 'mv priv/db share/db'
	printf '%s\n' 'user: "1234:1234"' 'file_environment: [DB]' "command: [$PROBE]" >"$T/capshim.yaml"
	again --env "DB_FILE=$V/share/db"
	assert_failure 100
	refute_output --partial secret
}

@test "attack: root's file for the workload's group, moved in an emptyDir, is neither opened nor given away by if_exists" {
	local how
	chown 0:0 "$V" && chmod 0777 "$V"
	for how in 'if_exists: append_missing, mode: 0644' 'if_exists: append_missing, owner: "2000:2000"' 'if_exists: keep, mode: 0644'; do
		rm -f "$V"/*
		echo secret >"$V/key" && chown 0:1234 "$V/key" && chmod 0640 "$V/key"
		third 'mv key conf'
		start <<<"  - {write: $V/conf, content: x, $how}"
		assert_failure 111
		run third 'cat conf'
		assert_failure
	done
	# What all may read, and what root has where only root can write, is not more than it was.
	echo x >"$V/all" && chmod 0644 "$V/all"
	start <<<"  - {write: $V/all, content: y, if_exists: append_missing, owner: workload, mode: 0664}"
	assert_success
	assert_equal "$(owners "$V/all")" '1234:1234 664'
	echo x >"$V/conf" && chmod 0644 "$V/conf" && chown 0:0 "$V/conf" && echo x >"$O/x" && chmod 0755 "$O/x"
	start <<-END
		  - {write: $V/conf, content: y, if_exists: append_missing, owner: "1234:1234"}
		  - {write: $O/x, content: y, if_exists: keep, mode: 02755, owner: "root:3000"}
	END
	assert_success
	assert_equal "$(owners "$V/conf" "$O/x")" '1234:1234 644 0:3000 2755'
}

@test "on a third user's share a mode that only takes rights away is set again, and a group alone is right at every start" {
	chmod 0777 "$V"
	start <<-END
		  - {mkdir: $V/data, mode: "0700"}
		  - {write: $V/f, content: x, if_exists: keep, mode: 0600}
		  - {mkdir: $V/e, owner: "2000:2000"}
		  - {write: $V/e/f, content: x, owner: ":1234", mode: 0640}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$V/data" "$V/f" "$V/e/f")" '1234:1234 700 1234:1234 600 2000:1234 640'
		attack 'chmod 0755 data; chmod 0644 f'
		again
	done
}

@test "two users of a group share a volume of root's, and a step removes and reads in another's tree" {
	chown 0:3000 "$V" && chmod 2775 "$V"
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: ["3000"]' 'command: none' 'setup:' \
		"  - {copy: $V/sub/conf, to: $O/conf}" "  - {template: $V/sub/conf, to: $O/template, variables: [HOME]}" >"$T/capshim.yaml"
	setpriv --reuid 2000 --regid 3000 --clear-groups sh -c "umask 007; mkdir '$V/sub'; echo x >'$V/sub/conf'"
	assert_equal "$(owners "$V/sub" "$V/sub/conf")" '2000:3000 2770 2000:3000 660'
	for _ in 1 2; do
		again
		assert_success
	done
	# The tree of a third user, with a directory that all may write; the workload's own in there.
	rm -rf "${V:?}"/* && chown 2000:2000 "$V" && chmod 0755 "$V"
	third 'mkdir -p x/all/sub; chmod 0777 x/all; echo f >x/all/sub/f'
	mkdir "$V/own" && echo x >"$V/own/f" && chown -R 1234:1234 "$V/own"
	start <<-END
		  - {copy: $V/own/f, to: $O/own}
		  - {remove: $V/x, recursive: true}
	END
	assert_success
	assert [ ! -e "$V/x" ]
}

@test "without /proc: what is kept keeps its group's rights, and a volume that a group of root's may write is used" {
	local step
	chown 0:3000 "$V" && chmod 2775 "$V"
	echo one >"$O/conf" && chown 0:1234 "$O/conf" && chmod 0640 "$O/conf"
	echo one >"$O/listed" && chown 0:1234 "$O/listed" && chmod 0600 "$O/listed" && acl "$O/listed" access
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {write: [$O/conf, $O/listed], content: \"two\", if_exists: append_missing}" \
		"  - {write: $V/f, content: x}" >"$T/capshim.yaml"
	for step in 1 2; do
		run unshare --mount --propagation private sh -c 'mount -t tmpfs none /proc && exec "$@"' sh \
			"$START" --clean --env PATH=/bin -- "$CAPSHIM" -c "$T/capshim.yaml"
		assert_success
		assert_equal "$step $(owners "$O/conf" "$O/listed") $(stat -c %a "$V/f")" "$step 0:1234 640 0:1234 705 644"
	done
}

@test "attack: the workload's secret, moved by the third user who owns the directory above" {
	local step
	third 'mkdir -m 0755 share; chmod 0755 share'
	mkdir -m 0711 "$V/private" "$V/export" && chown 1234:1234 "$V"/{private,export}
	attack 'echo key >private/conf && chmod 0600 private/conf && echo page >export/page; mkdir -m 0700 private/pub; echo key >private/pub/key'
	third 'mv export t && mv private export && ! cat export/conf'
	for step in "copy: $V/export/conf, to: $V/share/conf, mode: 0644" "copy: $V/export, to: $V/share, recursive: true, mode: 0644" \
		"template: $V/export, to: $O/out, variables: [HOME]" \
		"write: $V/export/conf, content: x, if_exists: keep, mode: 0644" "mkdir: $V/export/pub, mode: 0755"; do
		start <<<"  - {$step}"
		assert_failure 111
		assert_output --regexp 'Permission denied|somebody else could have moved it there'
		assert_equal "$step $(owners "$V/export/conf" "$V/export/pub")" "$step 1234:1234 600 1234:1234 700"
		run grep -rs key "$V/share" "$O"
		assert_failure
		rm -rf "$O/out"
	done
	# What all may read is read, and what is right, or missing, is made.
	chmod 0755 "$V/export" "$V/export/pub" && chmod 0644 "$V/export"/{conf,pub/key}
	start <<-END
		  - {copy: $V/export, to: $O/out, recursive: true}
		  - {mkdir: [$V/export/pub, $V/export/new], mode: 0755}
		  - {write: [$V/export/conf, $V/export/more], content: x, if_exists: keep, mode: 0644}
	END
	assert_success
}

@test "attack: the workload's private directory, moved to where a step opens one as the workload" {
	third 'chmod 0777 .'
	attack 'mkdir -m 0700 private'
	third 'mv private shared'
	start <<<"  - {mkdir: $V/shared, as: workload, mode: 0755}"
	assert_failure 111
	assert_output --partial 'somebody else could have moved it there'
	assert_equal "$(owners "$V/shared")" '1234:1234 700'
	attack 'chmod 0755 shared'
	for _ in 1 2; do
		again
		assert_success
		rmdir "$V/shared"
	done
}

@test "attack: a third user's own things, moved by one of a group that may write there, where no workload is known, or another" {
	local user step
	chgrp 3000 "$V" && chmod 2775 "$V"
	third 'umask 022; mkdir -m 0700 private; mkdir private/sub; echo secret >private/sub/key; umask 077; echo secret >key'
	setpriv --reuid 3001 --regid 3000 --clear-groups sh -c "cd '$V' && mv private app && mv key conf"
	for user in '' 'user: "0:0"' 'user: "4000:4000"'; do
		for step in "mkdir: $V/app, owner: '1234:1234', mode: 0755" "mkdir: $V/app, mode: 0777" \
			"mkdir: $V/app/sub, owner: '1234:1234'" "write: $V/conf, content: x, if_exists: keep, mode: 0644" \
			"write: $V/conf, content: x, if_exists: append_missing, owner: '1234:1234'" \
			"mount: $O/sub, type: bind, source: $V/app/sub"; do
			printf '%s\n' "$user" 'allow_root: true' 'command: none' "setup: [{$step}]" >"$T/capshim.yaml"
			[ "$user" ] || sed -i '/allow_root/d' "$T/capshim.yaml"
			again
			assert_refused 111 'somebody else could have moved it there'
			assert_equal "$user $step $(owners "$V/app" "$V/app/sub" "$V/conf")" \
				"$user $step 2000:3000 2700 2000:3000 2755 2000:3000 600"
		done
	done
	# What is right, or is made, is fine.
	printf '%s\n' 'command: none' "setup: [{mkdir: [$V/app, $V/new], mode: '02700'}]" >"$T/capshim.yaml"
	for _ in 1 2; do
		again
		assert_success
	done
}

@test "attack: a third user's secret for a variable, moved by the workload, which is in that user's own group" {
	chmod 2775 "$V" && third 'echo open >db; umask 077; echo secret >key'
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: ["2000"]' 'file_environment: [DB]' "command: [$PROBE]" >"$T/capshim.yaml"
	again --env "DB_FILE=$V/db"
	assert_success
	setpriv --reuid 1234 --regid 1234 --groups 2000 sh -c "cd '$V' && mv -f key db && ! cat db"
	again --env "DB_FILE=$V/db"
	assert_failure 100
	refute_output --partial secret
	assert_output --partial 'Permission denied'
}

@test "a start without root opens its own directory wherever it lies, for it has no rights to lend" {
	third 'chmod 0777 .'
	printf '%s\n' 'user: "1234:1234"' 'on_nonroot: {setup: try}' 'command: none' "setup: [{mkdir: $V/own, mode: '0750'}]" >"$T/capshim.yaml"
	for _ in 1 2; do
		observe setpriv --reuid 1234 --regid 1234 --clear-groups "$CAPSHIM" -c "$T/capshim.yaml"
		assert_success
		sed -i s/0750/0755/ "$T/capshim.yaml"
	done
	assert_equal "$(owners "$V/own")" '1234:1234 755'
}

@test "attack: a third user's secret, moved within root's directory in his volume, which a group can write" {
	local user group
	for group in 1234 3000; do
		rm -rf "${V:?}"/*
		third 'mkdir drop; cd drop; umask 077; echo secret >key; mkdir private; echo secret >private/key; echo old >page; chmod 0644 page'
		chown "0:$group" "$V/drop" && chmod 02775 "$V/drop"
		# Of its members, whether that is the workload, another container's, or one that is not known.
		setpriv --reuid 1000 --regid "$group" --clear-groups sh -c "cd '$V/drop' && ! cat key && mv -f key page && mv private app"
		printf '%s\n' 'user: "1234:1234"' 'file_environment: [DB]' "command: [$PROBE]" >"$T/capshim.yaml"
		again --env "DB_FILE=$V/drop/page"
		assert_refused 100 'Permission denied (as uid 65534'
		for user in '' 'user: "0:0"' 'user: "1234:1234"' 'user: "4000:4000"'; do
			printf '%s\n' "$user" 'command: none' 'setup:' \
				"  - {copy: $V/drop/page, to: $O/page, owner: '1234:1234', on_error: warn}" \
				"  - {template: $V/drop/page, to: $O/text, variables: [HOME], on_error: warn}" \
				"  - {copy: $V/drop/app, to: $O/app, recursive: true, owner: '1234:1234', on_error: warn}" \
				"  - {mkdir: $V/drop/app, owner: '1234:1234', mode: '0755', on_error: warn}" \
				"  - {write: $V/drop/page, content: x, if_exists: keep, mode: '0644', on_error: warn}" >"$T/capshim.yaml"
			[ "$user" != 'user: "0:0"' ] || echo 'allow_root: true' >>"$T/capshim.yaml"
			again
			assert_success
			run grep -r secret "$O"
			assert_failure
			assert_equal "$group $user $(owners "$V/drop/app" "$V/drop/page" | sed 's/:[0-9]*//g')" "$group $user 2000 700 2000 600"
			rm -rf "${O:?}"/*
		done
	done
	# A group of the owner's own has nobody else in it, where the volume is another's than the workload's, too.
	rm -rf "${V:?}"/* && third 'mkdir drop; echo x >drop/conf; chmod 0660 drop/conf' && chown 0:2000 "$V/drop" && chmod 02775 "$V/drop"
	start <<<"  - {copy: $V/drop/conf, to: $O/conf, owner: workload}"
	assert_success
	# In the workload's own volume its members read no more than before, and the workload all that is its own.
	rm -rf "${V:?}"/* && chown 1234:1234 "$V" && mkdir "$V/drop" && chown 0:3000 "$V/drop" && chmod 02775 "$V/drop"
	echo own >"$V/drop/page" && chown 1234:1234 "$V/drop/page" && chmod 0600 "$V/drop/page"
	start <<<"  - {copy: $V/drop/page, to: $O/page, owner: workload}"
	assert_success
}
