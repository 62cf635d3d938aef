#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# Files and directories that the owner of a volume has planted under the names of those that root is about to have.

load helpers
load acl
load volume

setup() {
	volume_setup
}

teardown() {
	umount -l "$V" 2>/dev/null || true
}

# config: writes the config that start would run.
config() {
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		cat
	} >"$T/capshim.yaml"
}

# exchanged COMMAND: a start of the config, in which COMMAND of the attacker runs when the file "f" has been read, and before it
# is replaced.
exchanged() {
	local pid

	: >"$T/calls"
	strace -f -o "$T/calls" -P f -e trace=newfstatat -e inject=newfstatat:delay_enter=1000000:when=1 \
		"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	pid=$!
	wait_until grep -q newfstatat "$T/calls"
	attack "$1"
	status=0
	wait "$pid" || status=$?
}

@test "attack: root's file in the place of the one that append_missing has read" {
	local owner sticky
	for owner in '' ', owner: ":1234"'; do
		for sticky in "$V" "$T/tmp"; do
			mkdir -p "$T/tmp" && chmod 1777 "$T/tmp"
			echo root >"$V/root" && chgrp 42 "$V/root"
			attack "cp /bin/sh $sticky/f; chmod 06755 $sticky/f"
			config <<<"  - {write: $sticky/f, content: line, if_exists: append_missing$owner}"
			exchanged "mv -f root $sticky/f"
			# It was the attacker's, and remains so.
			assert_equal "$status $(owners "$sticky/f")" '0 1234:1234 755'
			rm -rf "$V/root" "$sticky/f"
		done
	done
}

@test "append_missing: lines that are added clear set-id bits, as write(2) does; otherwise they stay" {
	echo root >"$O/f" && chmod 04755 "$O/f" && attack 'echo line >f; echo mine >g; chmod 04755 f g'
	start <<<"  - {write: [$O/f, $V/f, $V/g], content: line, if_exists: append_missing}"
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$O/f" "$V/f" "$V/g")" '0:0 755 1234:1234 4755 1234:1234 755'
		again
	done
}

@test "attack: a file or directory that would choose the group, or the user, of what root writes" {
	mkdir "$T/tmp" "$T/source" && chmod 0777 "$T/tmp" && echo secret >"$T/source/copy" && chmod 0640 "$T/source/copy"
	attack 'touch write template added; mkdir dir; echo mine >kept'
	cp -a "$T/source" "$T/template"
	setpriv --reuid 3000 --regid 3000 --clear-groups touch "$T/tmp/f" "$T/tmp/g"
	start <<-END
		  - {write: $V/write, content: secret, owner: root, mode: "0640"}
		  - {write: $V/added, content: secret, owner: root, mode: "0640", if_exists: append_missing}
		  - {write: $V/kept, content: secret, owner: root, mode: "0640", if_exists: keep}
		  - {copy: $T/source/copy, to: $V/copy, owner: root}
		  - {copy: $T/source, to: $V/tree, owner: root, recursive: true}
		  - {template: $T/template/copy, to: $V/template, owner: root, mode: "0640"}
		  - {mkdir: $V/dir, owner: root, mode: "0770"}
		  - {write: $T/tmp/f, content: secret, owner: ":1234", mode: "0600"}
		  - {write: $T/tmp/g, content: secret, owner: root, mode: "0640"}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$V/"{write,added,kept,copy,tree/copy,template})" \
			'0:0 640 0:0 640 0:0 640 0:0 640 0:0 640 0:0 640'
		assert_equal "$(owners "$V/dir" "$T/tmp/"{f,g})" '0:0 770 1234:1234 600 0:0 640'
		[ ! -e "$T/before" ] || assert_equal "$(stat -c '%n %i %z' "$V"/* "$T/tmp"/*)" "$(cat "$T/before")"
		stat -c '%n %i %z' "$V"/* "$T/tmp"/* >"$T/before"
		again
	done
}

@test "attack: the same in a directory that root owns by now" {
	attack 'mkdir given; touch given/group given/user; mkdir given/dir; chmod 0770 given/dir'
	chown 0:0 "$V"
	chown 0:0 "$V/given"
	start <<-END
		  - {write: $V/given/group, content: secret, owner: root, mode: "0640"}
		  - {write: $V/given/user, content: config, owner: ":1234", mode: "0640"}
		  - {mkdir: $V/given/dir, owner: root}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/given/"{group,user,dir})" '0:0 640 0:1234 640 0:0 750'
		again
	done
}

@test "an id that is not written: what root, or the owner that is written, has there stays, at each start" {
	local before=
	echo x >"$O/root" && chown 0:7 "$O/root" && mkdir "$O/dir" "$O/app" && chown 0:7 "$O/dir" && chown 1234:8 "$O/app"
	echo x >"$O/mine" && chown 1234:8 "$O/mine" && cp -p "$O/mine" "$O/kept"
	chmod 2775 "$V" && chgrp 9 "$V"
	start <<-END
		  - {write: $O/root, content: new, owner: root}
		  - {write: $O/mine, content: new, owner: "1234"}
		  - {write: $O/kept, content: new, owner: ":7", if_exists: keep}
		  - {mkdir: $O/dir, owner: "1234"}
		  - {mkdir: $O/app, owner: ":7"}
		  - {mkdir: [$V/given, $V/dir], owner: "2000"}
		  - {write: $V/given/f, content: new, owner: "2000", mode: "0640"}
		  - {write: $V/given/g, content: new, owner: ":2001", mode: "0640"}
		  - {write: $V/new, content: new, owner: root}
		  - {write: $V/mine, content: new, owner: "1234"}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$O/"{root,mine,kept,dir,app})" '0:7 644 1234:8 644 1234:7 644 1234:7 755 1234:7 755'
		assert_equal "$(owners "$V/"{new,mine,given})" '0:0 644 1234:1234 644 2000:0 755'
		[ -z "$before" ] || assert_equal "$(find "$V" "$O" -printf '%p %i %C@ %U %G\n')" "$before"
		before=$(find "$V" "$O" -printf '%p %i %C@ %U %G\n')
		again
	done
	# As Kubernetes gives the group of a pod to all of a volume: root's directory is not given away, so it is left as it is.
	chgrp -R 9 "$V/dir" && start <<<"  - {mkdir: $V/dir, owner: \"2000\"}"
	assert_success
	assert_equal "$(owners "$V/dir")" '2000:9 755'
}

@test "attack: the access control list of who owned a file that is kept for another user" {
	attack 'echo x >keep; chmod 0660 keep'
	acl "$V/keep" access
	start <<<"  - {write: $V/keep, content: x, if_exists: keep, owner: \"root:root\", mode: \"0660\"}"
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/keep")" '0:0 660'
		refute has_acl "$V/keep"
		again
	done
}

@test "a list that goes gives its mask to no group, with another owner and with more lines" {
	mkdir "$O/d"
	for name in kept more; do
		echo secret >"$O/d/$name" && chmod 0600 "$O/d/$name" && chown 0:2000 "$O/d/$name"
		acl "$O/d/$name" access
	done
	start <<-END
		  - {write: $O/d/kept, content: x, if_exists: keep, owner: "1234:2000"}
		  - {write: $O/d/more, content: x, if_exists: append_missing}
	END
	assert_success
	assert_equal "$(owners "$O/d/kept" "$O/d/more")" '1234:2000 705 0:2000 705'
}

@test "a list of what is right stays: root's file that was moved there, one with other names, what root's directory hands down" {
	local inode
	mkdir "$O/d" && echo secret >"$V/root" && chown 0:1234 "$V/root" && chmod 0600 "$V/root" && acl "$V/root" access
	attack 'mv root moved; echo x >linked; chmod 0660 linked; ln linked other'
	acl "$V/linked" access && acl "$O/d" default
	inode=$(stat -c '%i %z' "$V/moved" "$V/linked")
	start <<-END
		  - {write: $V/moved, content: y, if_exists: keep, owner: root}
		  - {write: $V/linked, content: y, if_exists: keep, owner: "1234:1234"}
		  - {write: $O/d/f, content: x, owner: "root:root", mode: "0660"}
	END
	assert_success
	inode+=$(stat -c '%i %z' "$O/d/f")
	again
	assert_success
	assert_equal "$(stat -c '%i %z' "$V/moved" "$V/linked")$(stat -c '%i %z' "$O/d/f")" "$inode"
}

@test "a set-group-ID mode stays where a list goes, also on a file system that clears it then" {
	mkdir "$T/tmpfs" && mount -t tmpfs -o mode=0755 none "$T/tmpfs"
	mkdir "$T/tmpfs/d" && echo x >"$T/tmpfs/d/f" && chmod 0755 "$T/tmpfs/d/f" && chown 1234:1234 "$T/tmpfs/d/f"
	acl "$T/tmpfs/d/f" access
	mount --bind "$T/tmpfs/d/f" "$T/tmpfs/d/f"
	start <<<"  - {write: $T/tmpfs/d/f, content: x, owner: \"3000:3000\", mode: \"02755\"}"
	echo "$status $(owners "$T/tmpfs/d/f")" >"$T/seen"
	again
	echo "$status $(owners "$T/tmpfs/d/f")" >>"$T/seen"
	umount "$T/tmpfs/d/f" "$T/tmpfs"
	assert_equal "$(<"$T/seen")" $'0 3000:3000 2755\n0 3000:3000 2755'
}

@test "append_missing: a volume whose group the engine changes between the starts" {
	chown 1234:2000 "$V" && chmod 2775 "$V"
	start <<<"  - {write: $V/f, content: y, if_exists: append_missing, owner: root}"
	for _ in 1 2; do
		assert_success
		chgrp -R 2000 "$V" && chmod 0660 "$V/f"
		again
	done
	assert_success
	assert_equal "$(owners "$V/f")" '0:2000 660'
}

@test "a set-id file without an owner, in a directory that is given to root: at the next start it is right" {
	start <<-END
		  - {mkdir: $V/bin, owner: root}
		  - {copy: /bin/true, to: $V/bin/it, mode: "04755"}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/bin/it")" '0:0 4755'
		again
	done
	# But root's does not get another content.
	start <<<"  - {copy: /bin/false, to: $V/bin/it, mode: \"04755\"}"
	assert_failure 111
	assert_equal "$(owners "$V/bin/it")" '0:0 4755'
	cmp /bin/true "$V/bin/it"
}

@test "keep with a new owner and mode: a run that is killed in between" {
	local call when
	for call in capset fchownat fchown fchmodat2 fchmod fgetxattr; do
		for when in {1..20}; do
			rm -f "$V/f" && attack 'echo mine >f; chmod 0644 f' && acl "$V/f" access
			config <<<"  - {write: $V/f, content: d, if_exists: keep, owner: \"root:root\", mode: \"0640\"}"
			status=0
			timeout 30 strace -f -o "$T/calls" -e "trace=$call" -e "inject=$call:signal=KILL:when=$when" \
				"$CAPSHIM" -c "$T/capshim.yaml" 3>&- || status=$?
			[ "$status" -ne 0 ] || break
			again
			assert_success
			assert_equal "$call $when $(owners "$V/f") $(cat "$V/f")" "$call $when 0:0 640 mine"
			refute has_acl "$V/f"
		done
	done
}

@test "a file of a third user without an owner: the owner is to be written, no capability" {
	local W=$T/group
	mkdir -m 2775 "$W" && chown 0:1234 "$W" && chmod 2775 "$W" && echo x >"$W/conf" && chown 3000:1234 "$W/conf" && chmod 0664 "$W/conf"
	start <<<"  - {write: $W/conf, content: line, if_exists: append_missing}"
	assert_failure 111
	assert_output --partial 'write the "owner" that it should have'
	refute_output --partial cap_add
	assert_equal "$(cat "$W/conf") $(owners "$W/conf")" 'x 3000:1234 664'
	start <<<"  - {write: $W/conf, content: line, if_exists: append_missing, owner: \"3000:1234\"}"
	assert_success
	assert_equal "$(xargs <"$W/conf") $(owners "$W/conf")" 'x line 3000:1234 664'
}

@test "attack: another mount, moved to what a step finds there, is not given away, nor is what it holds" {
	local step
	mkdir "$O/tree" && touch "$O/tree/conf" && mkdir "$O/tree/sub" && mkfifo "$O/tree/fifo" && chown -R 1234:1234 "$O/tree"
	chmod 0700 "$O/tree" "$O/tree/sub" && chmod 0600 "$O/tree/conf" "$O/tree/fifo"
	attack 'mkdir run; touch conf' && mount --bind "$V" "$V"
	mount --bind "$O/tree" "$V/run" && mount --bind "$O/tree/conf" "$V/conf"
	for step in "mkdir: $V/run, mode: '0777'" "mkdir: $V/run/sub, owner: '5555:5555'" \
		"mknod: $V/run/fifo, type: p, mode: '0666'" "write: $V/conf, content: '', if_exists: keep, owner: '5555:5555'" \
		"write: $V/conf, content: '', owner: '5555:5555'" \
		"write: $V/run/conf, content: '', if_exists: keep, mode: '0644'"; do
		start <<<"  - {$step}"
		assert_failure 111
		assert_output --regexp 'write "cross_mounts: true" in a chown or chmod of its own|chown it in a step before'
		assert_equal "$step $(owners "$O/tree" "$O"/tree/{sub,conf,fifo} | sort -u)" \
			"$step 1234:1234 700 1234:1234 700 1234:1234 600 1234:1234 600"
	done
	# What is right stays right, and what is made there is the user's own anyway.
	start <<-END
		  - {mkdir: $V/run, mode: '0700', owner: workload}
		  - {mkdir: $V/run/new, mode: '0750', owner: workload}
		  - {write: $V/conf, content: '', if_exists: keep, owner: workload, mode: '0600'}
		  - {write: $V/run/new/conf, content: x, owner: '5555:5555'}
		  - {chown: $V/run, owner: '5555:5555', cross_mounts: true}
	END
	assert_success
}
