#!/usr/bin/env bats
# Foreign ground: below the first directory that is not root's alone, steps act as that directory's owner. Every attack
# goes over several starts; the attacker is the volume's owner, in another container that shares the volume.

# shellcheck disable=SC2016 # references are for templates

load helpers
load lie
load volume

setup() {
	volume_setup
	echo secret >"$O/secret" && chmod 0600 "$O/secret"
}

teardown() {
	umount -l "$V/conf" "$V/mount" "$V" 2>/dev/null || true
}

# no_secret PATH: the attacker reads nothing of root's there.
no_secret() {
	! setpriv --reuid 1234 --regid 1234 --clear-groups grep -rqs secret "$1" || fail "a secret is in $1"
}

@test "attack: a link owned by root, moved into a directory of the volume's owner" {
	mkdir "$O/ssl" && echo key >"$O/ssl/key"
	start <<-END
		  - {symlink: $V/ssl, target: $O/ssl}
		  - {mkdir: $V/www, owner: root}
		  - {mkdir: $V/www/uploads}
		  - {chown: $V/www/uploads, recursive: true}
	END
	assert_success
	attack 'mv www old; mkdir www; mv ssl www/uploads'
	for _ in 1 2 3; do
		again
		assert_failure 111
		assert_equal "$(owners "$O/ssl" "$O/ssl/key")" '0:0 755 0:0 644'
	done
}

@test "attack: a link inside of what copy made for root" {
	mkdir -p "$T/source" "$O/ssl" && ln -s "$O/ssl" "$T/source/ssl"
	start <<-END
		  - {copy: $T/source, to: $V/site, recursive: true, owner: root}
		  - {chown: $V/app/ssl, recursive: true, if_exists: true}
	END
	assert_success
	for _ in 1 2 3; do
		attack '[ -e app ] || mv site app'
		again
		assert_failure 111
		assert_equal "$(owners "$O/ssl")" '0:0 755'
	done
}

@test "attack: root's closed directory, renamed to the source that is read" {
	local step
	mkdir -m 0700 "$V/private" && echo secret >"$V/private/pw" && echo 'a ${A} secret' >"$V/private/t"
	chmod 0644 "$V/private/"*
	attack 'mv private app'
	for step in "copy: $V/app, to: $T/got, recursive: true" "copy: $V/app/pw, to: $T/got" \
		"template: $V/app, to: $T/got, variables: [A]" "template: $V/app/t, to: $T/got, variables: [A]"; do
		for _ in 1 2; do
			start <<<"  - {$step, owner: workload}"
			assert_failure 111
			no_secret "$T/got"
		done
	done
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'file_environment: [PW]' >"$T/capshim.yaml"
	PW_FILE=$V/app/pw again
	assert_failure 100
	refute_output --partial secret
}

@test "attack: root's file, renamed in root's directory that a group may write" {
	local step
	chown 0:1234 "$V" && chmod 2775 "$V"
	cp "$O/secret" "$V/secret" && chmod 0600 "$V/secret"
	attack 'mv secret app.conf'
	for step in "copy: $V/app.conf, to: $T/got" "copy: $V, to: $T/got, recursive: true" \
		"template: $V/app.conf, to: $T/got, variables: [A]" \
		"write: $V/app.conf, content: x, if_exists: append_missing"; do
		start <<<"  - {$step, owner: workload}"
		assert_failure 111
		no_secret "$T/got"
		no_secret "$V/app.conf"
	done
	# Its group's files are no better: 1000:0 must not read what root's group may.
	chown 1234:0 "$V" && chmod 2770 "$V" && chown 0:0 "$V/app.conf" && chmod 0640 "$V/app.conf"
	start <<<"  - {copy: $V/app.conf, to: $T/got, owner: workload}"
	assert_failure 111
	no_secret "$T/got"
}

@test "attack: root's group is not used below a directory that its group may write, where somebody else may" {
	local step whose
	chown 0:0 "$V" && chmod 0775 "$V"
	for whose in '1234:1234 0755' '1234:0 0775' '0:0 0777' '0:1234 0775'; do
		rm -rf "${V:?}/sub" && mkdir -p "$V/sub/below"
		cp "$O/secret" "$V/sub/key" && cp "$O/secret" "$V/sub/below/key" && chmod 0640 "$V/sub/key" "$V/sub/below/key"
		chown "${whose% *}" "$V/sub" && chmod "${whose#* }" "$V/sub"
		attack 'cd sub; mv key conf'
		for step in "copy: $V/sub/conf, to: $T/got" "copy: $V, to: $T/got, recursive: true" \
			"copy: $V/sub/below, to: $T/got, recursive: true" \
			"template: $V/sub/conf, to: $T/got, variables: [A]" "template: $V, to: $T/got, variables: [A]"; do
			start <<<"  - {$step, owner: workload}"
			assert_failure 111
			no_secret "$T/got"
		done
	done
	# Where nobody else may, root's group reads it.
	chown 0:0 "$V/sub" && chmod 0755 "$V/sub"
	start <<<"  - {copy: $V, to: $T/got, recursive: true, owner: root}"
	assert_success
}

@test "attack: root's group is not used where everybody may write, or one user by an access control list" {
	local step mode
	for mode in 0777 1777 0755; do
		rm -rf "${V:?}"/* && chown 0:0 "$V" && chmod "$mode" "$V"
		[ "$mode" != 0755 ] || python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1234), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_access",
            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$V"
		cp "$O/secret" "$V/app.conf" && chmod 0640 "$V/app.conf"
		[ "$mode" = 1777 ] || attack 'mv app.conf x; mv x app.conf'
		for step in "copy: $V/app.conf, to: $T/got" "template: $V/app.conf, to: $T/got, variables: [A]" \
			"write: $V/app.conf, content: x, if_exists: append_missing"; do
			start <<<"  - {$step, owner: workload}"
			assert_failure 111
			no_secret "$T/got"
			no_secret "$V/app.conf"
		done
	done
	start <<<"  - {mkdir: $V/mine}"
	assert_success
	assert_equal "$(owners "$V/mine")" '1234:1234 755'
}

@test "attack: a file that its old owner holds open is not what root trusts" {
	local before
	printf '#!/bin/true\n' >"$V/hook" && chown 1234:1234 "$V/hook" && chmod 0755 "$V/hook"
	exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "exec 5>>$V/hook; echo open; sleep 30; :")
	read -r -t 10 -u 7
	before=$(stat -c %i "$V/hook")
	start <<-END
		  - {chown: $V, owner: "root:root", recursive: true}
		  - {write: $V/hook, content: "#!/bin/true\n", mode: 0755}
		  - {run: [$V/hook]}
	END
	assert_success
	assert [ "$(stat -c %i "$V/hook")" != "$before" ]
	# Held by nobody it stays.
	before=$(stat -c %i "$V/hook")
	again
	assert_success
	assert_equal "$(stat -c %i "$V/hook")" "$before"
	exec 7<&-
}

@test "attack: an access control list that outlives its owner" {
	attack 'mkdir sub'
	for directory in "$V" "$V/sub"; do
		python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1234), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_default",
            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$directory"
	done
	start <<-END
		  - {chown: $V, owner: root, recursive: true}
		  - {write: $V/script, content: mine, mode: 0775}
		  - {write: $V/sub/script, content: mine, mode: 0775}
	END
	assert_success
	run attack 'echo evil >script'
	assert_failure
	run attack 'echo evil >sub/script'
	assert_failure
	assert_equal "$(cat "$V/script" "$V/sub/script")" minemine
}

@test "attack: a mount point that was moved" {
	local step
	mkdir "$O/tree" && echo x >"$O/tree/file"
	mount --bind "$V" "$V" && mkdir "$V/mount" && mount --bind "$O/tree" "$V/mount"
	for step in "chown: $V/mount, recursive: true" "chmod: $V/mount, recursive: true, mode: 0777" \
		"remove: $V/mount, recursive: true" "copy: $V/mount, to: $T/got, recursive: true"; do
		start <<<"  - {$step}"
		assert_failure 111
		assert_output --partial 'cross_mounts'
		assert_equal "$(owners "$O/tree" "$O/tree/file")" '0:0 755 0:0 644'
	done
	# Nor is it, or a file that is mounted, given away or opened by itself.
	chmod 0700 "$O/tree" && touch "$V/conf" && mount --bind "$O/secret" "$V/conf"
	for step in "chown: $V/mount" "chmod: $V/mount, mode: 0777" "chown: $V/conf" "chmod: $V/conf, mode: 0644"; do
		start <<<"  - {$step}"
		assert_refused 111 cross_mounts
		assert_equal "$(owners "$O/tree" "$O/secret")" '0:0 700 0:0 600'
	done
	start <<<"  - {chown: $V/mount, owner: root, mode: 0700}"
	assert_success
	umount "$V/conf" && chmod 0755 "$O/tree"
	# Nor is one on the way.
	mkdir -m 0700 "$O/tree/sub"
	for step in "chown: $V/mount/sub, recursive: true" "chmod: $V/mount/sub, recursive: true, mode: 0777" \
		"remove: $V/mount/sub, recursive: true" "copy: $V/mount/sub, to: $T/got, recursive: true" \
		"remove: \"$V/mount/s*\", recursive: true"; do
		start <<<"  - {$step}"
		assert_failure 111
		assert_output --partial 'cross_mounts'
		assert_equal "$(owners "$O/tree/sub")" '0:0 700'
	done
	start <<<"  - {chown: $V/mount, recursive: true, cross_mounts: true}"
	assert_success
	assert_equal "$(owners "$O/tree/file")" '1234:1234 644'
}

@test "attack: a template that would show every variable" {
	printf '${HIDDEN}' >"$V/t" && chown 1234 "$V/t"
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'environment: {HIDDEN: s3cret}'
		printf '%s\n' 'setup:' "  - {template: $V/t, to: $V/out}"
	} >"$T/capshim.yaml"
	again
	assert_failure 111
	assert_output --partial 'variables: [..]'
	sed -i 's/to: /variables: [A], to: /' "$T/capshim.yaml"
	again
	assert_success
	assert_equal "$(cat "$V/out")" '${HIDDEN}'
}

@test "attack: root's directory in the place of one that is to be made, adopted, or given away" {
	local step
	mkdir -m 0700 "$V/private" && echo secret >"$V/private/pw"
	attack 'mv private app'
	for step in "mkdir: $V/app, owner: workload" "mkdir: $V/app, mode: 0755" "mkdir: $V/app, mode: 0777, owner: workload" \
		"copy: $T/source, to: $V, recursive: true, owner: workload" "mknod: $V/app/x, type: p" \
		"write: $V/app/pw, content: x, if_exists: keep, owner: workload"; do
		mkdir -p "$T/source/app" && touch "$T/source/app/file"
		for _ in 1 2; do
			start <<<"  - {$step}"
			assert_failure 111
			assert_equal "$(owners "$V/app" "$V/app/pw")" '0:0 700 0:0 644'
		done
	done
	echo more >"$V/file" && chmod 0600 "$V/file"
	start <<<"  - {write: $V/file, content: secret, if_exists: keep, mode: 0644, owner: workload}"
	assert_failure 111
	assert_output --partial 'chown or chmod it'
	assert_equal "$(owners "$V/file")" '0:0 600'
}

@test "attack: a directory that this run made is not what the owner puts in its place" {
	local step attacker
	mkdir -m 0700 "$V/private" && echo secret >"$V/private/pw"
	for step in "write: $V/app/pw, content: new" "mkdir: $V/app"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mkdir: $V/app, owner: root}" \
			'  - {run: [sh, -c, "sleep 3"]}' "  - {$step, owner: workload}" >"$T/capshim.yaml"
		(
			wait_until test -d "$V/app"
			sleep 1
			attack 'mv app other; mv private app'
		) 3>&- &
		attacker=$!
		again
		wait "$attacker"
		assert_failure 111
		assert_equal "$(owners "$V/app" "$V/app/pw")" '0:0 700 0:0 644'
		attack 'mv app private; rmdir other'
	done
}

@test "attack: set-id bits of a file that is kept, or appended to, do not become its new owner's" {
	attack "printf '#!/bin/sh\\n' >keep; cp keep append; cp keep group; chmod 06755 keep append group"
	start <<-END
		  - {write: $V/keep, content: x, if_exists: keep, owner: "root:root"}
		  - {write: $V/append, content: x, if_exists: append_missing, owner: root}
		  - {write: $V/group, content: x, if_exists: keep, owner: ":root"}
		  - {write: $V/mine, content: x, if_exists: keep, owner: workload}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/keep" "$V/append" "$V/group")" '0:0 755 0:0 755 1234:0 755'
		again
	done
	# What does not change hands stays as it is.
	attack 'chmod 04755 mine'
	again
	assert_equal "$(owners "$V/mine")" '1234:1234 4755'
}

# swapped CALL:WHERE DIRECTORY COMMAND: a start of the config, in which COMMAND of the attacker runs while the first CALL waits
# at its beginning (delay_enter) or end, with the name .capshim-.. in DIRECTORY as $1.
swapped() {
	local after temporary
	strace -f -o "$T/calls" -e "trace=${1%:*}" -e "inject=$1=2000000:when=1" "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	after=$!
	wait_until compgen -G "$2/.capshim-*"
	temporary=$(compgen -G "$2/.capshim-*")
	setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "$3" attack "$temporary" || :
	status=0
	wait "$after" || status=$?
}

@test "attack: another file or link in the place of one that root is about to own" {
	mkdir "$T/source" && ln -s fine "$T/source/link" && mkdir -m 1777 "$T/tmp"
	start <<<"  - {copy: $T/source, to: $V/got, recursive: true, owner: root}"
	rm "$V/got/link" && chown 1234:1234 "$V/got"
	swapped symlinkat:delay_exit "$V/got" 'rm "$1"; ln -s /etc "$1"'
	# It is made once more.
	assert_equal "$status $(find "$V/got" -lname /etc) $(stat -c '%u %N' "$V/got/link")" "0  0 '$V/got/link' -> 'fine'"
	start <<<"  - {write: $T/tmp/file, content: fine, owner: root, mode: 0600}"
	assert_success
	rm "$T/tmp/file"
	swapped renameat:delay_enter "$T/tmp" 'rm "$1"; echo evil >"$1"'
	assert_equal "$status $(cat "$T/tmp/file") $(stat -c '%u %a' "$T/tmp/file")" '0 fine 0 600'
}

# hand_down DIRECTORY: the attacker's access control list, which what is made there would inherit.
hand_down() {
	attack "/usr/bin/python3 -c '
import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1234), (4, 7, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], \"system.posix_acl_default\",
            struct.pack(\"<I\", 2) + b\"\".join(struct.pack(\"<HHi\", *e) for e in entries))' '$1'"
}

@test "attack: what looks like the rest of a run that was killed hands down no access control list" {
	local after
	mkdir -p "$T/source/sub" && cp "$O/secret" "$T/source/sub/key"
	attack 'mkdir -p site/sub; chmod 01500 site/sub'
	hand_down site/sub
	start <<<"  - {copy: $T/source, to: $V/site, recursive: true, owner: \"root:root\", mode: 0640}"
	assert_success
	assert_equal "$(owners "$V/site/sub" "$V/site/sub/key")" '0:0 755 0:0 640'
	no_secret "$V/site/sub"
	# Nor does one that is set, or a mode that is changed, right before the directory is given away.
	attack 'mkdir early'
	hand_down early
	cat >"$T/attack.py" <<-END
		import os, struct
		entries = [(1, 7, -1), (2, 7, 1234), (4, 7, -1), (16, 7, -1), (32, 5, -1)]
		os.setxattr("$V/late", "system.posix_acl_default",
		            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
		os.chmod("$V/late", 0o777)
	END
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {mkdir: [$V/early, $V/late], owner: \"root:root\"}" \
		"  - {write: [$V/early/key, $V/late/key], content: secret, owner: \"root:root\", mode: 0640}" >"$T/capshim.yaml"
	# The call that gives it away, the second, waits for the attack.
	strace -f -o "$T/calls" -e trace=fchownat -e inject=fchownat:delay_enter=2000000:when=2 \
		"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	after=$!
	wait_until test -d "$V/late"
	setpriv --reuid 1234 --regid 1234 --clear-groups /usr/bin/python3 "$T/attack.py" || :
	wait "$after"
	assert_equal "$(owners "$V/early" "$V/late" "$V/late/key")" '0:0 755 0:0 755 0:0 640'
	no_secret "$V"
}

# ---- what steps do there

@test "what steps make belongs to the directory's owner, and three starts are alike" {
	mkdir -p "$T/source/sub" && echo x >"$T/source/sub/file" && ln -s file "$T/source/sub/link"
	mkdir -m 0555 "$T/source/closed" && echo x >"$T/source/closed/file"
	start <<-END
		  - {mkdir: $V/a/b, mode: 0750}
		  - {write: $V/a/conf, content: "x\n", mode: 0600}
		  - {write: $V/a/list, content: "x\n", mode: 0600, if_exists: append_missing}
		  - {symlink: $V/a/link, target: conf}
		  - {symlink: $V/a/forced, target: conf, force: true}
		  - {copy: $T/source, to: $V/a/copy, recursive: true}
		  - {template: $T/source/sub/file, to: $V/a/template}
		  - {mknod: $V/a/fifo, type: p, mode: 0600}
		  - {remove: "$V/a/b/*"}
		  - {chown: $V, recursive: true}
		  - {chmod: $V/a/conf, mode: 0640}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(find "$V" ! -uid 1234 -o ! -gid 1234)" ''
		assert_equal "$(owners "$V/a/b" "$V/a/conf" "$V/a/copy/closed")" '1234:1234 750 1234:1234 640 1234:1234 555'
		attack 'touch a/b/x; mkdir -p a/mine; chmod 0700 a/mine; chmod 0700 .'
		again
	done
}

@test "an owner that is written: files, directories, set-id bits, links, and later steps of the same run" {
	mkdir "$T/source" && ln -s x "$T/source/link" && echo x >"$T/source/file"
	start <<-END
		  - {mkdir: $V/www, owner: root}
		  - {write: $V/www/index, content: x, owner: root}
		  - {mkdir: $V/www/sub, owner: "2345:2345", mode: 02750}
		  - {write: $V/www/sub/tool, content: x, owner: "2345:2345", mode: 06755}
		  - {copy: $T/source, to: $V/www/copy, recursive: true, owner: "2345:2345"}
		  - {symlink: $V/www/link, target: index}
	END
	for _ in 1 2 3; do
		assert_success
		assert_equal "$(owners "$V/www" "$V/www/index" "$V/www/sub")" '0:0 755 0:0 644 2345:2345 2750'
		assert_equal "$(owners "$V/www/sub/tool" "$V/www/copy" "$V/www/copy/link")" \
			'2345:2345 6755 2345:2345 755 2345:2345 777'
		chmod 0755 "$V/www/sub" "$V/www"
		chmod 02750 "$V/www/sub"
		break
	done
	# What is right is left alone; root's directories of earlier starts are not entered to change them.
	start <<-END
		  - {mkdir: $V/www, owner: root}
		  - {write: $V/www/index, content: x, owner: root}
	END
	assert_success
	start <<<"  - {write: $V/www/index, content: y, owner: root}"
	assert_failure 111
	assert_output --partial 'owner: workload'
	start <<<"  - {remove: $V/www, recursive: true}"
	assert_failure 111
	assert_equal "$(cat "$V/www/index")" x
}

@test "in root's sticky directory: root changes root's names, the workload its own, and no others are touched" {
	mkdir -m 1777 "$T/tmp" && echo x >"$T/tmp/other" && chown 2345 "$T/tmp/other"
	start <<-END
		  - {write: $T/tmp/plain, content: one}
		  - {write: $T/tmp/roots, content: one, owner: root, mode: 0600}
		  - {symlink: $T/tmp/link, target: one, force: true}
	END
	assert_success
	assert_equal "$(owners "$T/tmp/plain" "$T/tmp/roots" "$T/tmp/link")" '1234:1234 644 0:0 600 1234:1234 777'
	chown -h 0:0 "$T/tmp/link"
	start <<-END
		  - {write: $T/tmp/plain, content: two}
		  - {write: $T/tmp/roots, content: two, owner: root, mode: 0600}
		  - {symlink: $T/tmp/link, target: two, force: true}
	END
	assert_success
	assert_equal "$(cat "$T/tmp/plain" "$T/tmp/roots") $(readlink "$T/tmp/link")" 'twotwo two'
	assert_equal "$(owners "$T/tmp/roots")" '0:0 600'
	for step in "write: $T/tmp/other, content: y" "remove: $T/tmp/other" "symlink: $T/tmp/other, target: y, force: true"; do
		start <<<"  - {$step}"
		assert_failure 111
	done
	start <<<"  - {remove: [$T/tmp/roots, $T/tmp/link, \"$T/tmp/pl*\"]}"
	assert_success
	assert_equal "$(ls "$T/tmp")" other
}

@test "fsGroup: the workload writes in root's directory by the group that may" {
	chown 0:4321 "$V" && chmod 2775 "$V"
	start <<-END
		  - {mkdir: $V/data, mode: 0770}
		  - {write: $V/data/conf, content: x}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/data" "$V/data/conf")" '1234:1234 770 1234:1234 644'
		again
	done
}

# closed: what an owner has shut himself out of.
closed() {
	rm -rf "${V:?}/tree"
	attack 'mkdir -p tree/a/b tree/c; touch tree/a/b/file tree/c/file; chmod 0 tree/a/b/file tree/a/b tree/a
		chmod 0300 tree/c'
}

@test "an owner who has shut himself out: chown and chmod pass and put it back, remove removes" {
	closed
	start <<<"  - {chown: $V/tree, owner: \"2345:2345\", recursive: true}"
	assert_success
	assert_equal "$(find "$V/tree" ! -uid 2345 -o ! -gid 2345)" ''
	assert_equal "$(owners "$V/tree/a" "$V/tree/a/b" "$V/tree/c")" '2345:2345 0 2345:2345 0 2345:2345 300'
	again
	assert_success
	closed
	start <<<"  - {chmod: $V/tree, file_mode: 0640, recursive: true}"
	assert_success
	assert_equal "$(owners "$V/tree/a" "$V/tree/a/b" "$V/tree/a/b/file")" '1234:1234 0 1234:1234 0 1234:1234 640'
	start <<<"  - {remove: $V/tree, recursive: true}"
	assert_success
	assert [ ! -e "$V/tree" ]
}

@test "a chown that was interrupted half-way from one user to the next is finished, by the least list" {
	local caps=chown,setuid,setgid
	attack 'mkdir -p tree/a/b tree/c/d; touch tree/a/b/file tree/c/d/file; chmod -R go= tree'
	chown -R 2345:2345 "$V/tree/a/b" "$V/tree/c"
	chown 3456:3456 "$V/tree/c/d"
	mkdir -m 0700 "$V/tree/roots" "$V/tree/roots/sub"
	for _ in 1 2; do
		start --with --bounding --with "$caps" <<<"  - {chown: $V, owner: \"2345:2345\", recursive: true}"
		assert_success
		assert_equal "$(find "$V" ! -uid 2345 -o ! -gid 2345)" ''
		chown 2345:2345 "$V"
	done
	start --with --bounding --with "$caps" <<<"  - {chmod: $V, dir_mode: 0750, file_mode: 0640, recursive: true}"
	assert_success
	assert_equal "$(find "$V" -type d ! -perm 0750)" ''
}

@test "without SETUID and SETGID: chown goes on by CHOWN as far as that reaches, all else names both" {
	local step
	attack 'mkdir tree; touch tree/file'
	start --with --bounding --with chown <<<"  - {chown: $V, owner: \"2345:2345\", recursive: true}"
	assert_success
	assert_equal "$(find "$V" ! -uid 2345)" ''
	chmod 0700 "$V/tree"
	start --with --bounding --with chown <<<"  - {chown: $V, owner: \"1234:1234\", recursive: true}"
	assert_failure 111
	assert_output --partial 'CAP_SETUID and CAP_SETGID'
	for step in "mkdir: $V/x" "write: $V/x, content: x" "remove: $V/tree, recursive: true" "symlink: $V/x, target: y" \
		"copy: $O, to: $V/x, recursive: true" "chown: $V/tree" "chmod: $V/tree, mode: 0755" "mknod: $V/x, type: p"; do
		start --with --bounding --with chown,dac_override,fowner,mknod,setuid <<<"  - {$step}"
		assert_failure 111
		assert_output --partial 'CAP_SETUID and CAP_SETGID'
		assert [ ! -e "$V/x" ]
	done
}

@test "programs of steps and the workload have the ids, groups and capabilities that they had before" {
	mkdir -m 0777 "$T/out"
	printf '%s\n' 'user: "1234:1234"' 'setup:' "  - {write: $V/x, content: x, owner: root}" \
		"  - {run: [$PROBE, --out, $T/out/run]}" "  - {mkdir: $V/y}" "  - {run: [$PROBE, --out, $T/out/narrow], user: \"2345:2345\"}" \
		>"$T/capshim.yaml"
	again --with --groups --with 7,8 -- -- "$PROBE"
	assert_unprivileged 1234
	output=$(cat "$T/out/run")
	assert_probe uid 0,0,0,0 gid 0,0,0,0 groups 7,8
	[[ $(probe_value effective) == *dac_override*setuid* ]]
	output=$(cat "$T/out/narrow")
	assert_probe uid 2345,2345,2345,2345 gid 2345,2345,2345,2345 groups '' effective '' permitted ''
}

@test "a change of identity that a lying kernel reports and does not make ends the run before anything is done" {
	local call
	for call in setfsuid setfsgid setgroups capset; do
		for WHICH in 1 2 3 4; do
			rm -rf "${V:?}/x"
			WHICH=$WHICH lie "$call" "^$call" retval=0 <<-END
				user: "1234:1234"
				seccomp: unconfined
				setup:
				  - {write: $V/x, content: x, owner: root}
				  - {chown: $V, recursive: true}
			END
			[ "$status" = 0 ] && assert_unprivileged 1234 && continue
			[[ $status == 11[12] ]] || fail "$call $WHICH: $status $output"
			refute_workload
		done
	done
}

@test "attack: 40 starts while the owner, in another mount namespace, moves root's files to where steps look" {
	local race
	mkdir -m 0700 "$V/private" "$V/private/sub" && echo secret >"$V/private/pw" && echo secret >"$V/private/sub/pw"
	mkdir "$O/ssl" "$T/source" && echo key >"$O/ssl/key" && echo x >"$T/source/file"
	ln -s "$O/ssl" "$V/ssl"
	find "$O" -printf '%p %U %G %m\n' | sort >"$T/before"
	attack 'mkdir mine'
	timeout 250 unshare --mount setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "cd '$V'; while :; do
		mv private app; mv app/sub app/x; mv ssl mine/uploads; mv app private; mv mine app; mv app/uploads ssl
		mv ssl app; mv app ssl; rm -rf app; mkdir -p mine; done" >"$T/said" 2>&1 3>&- &
	race=$!
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		for step in "mkdir: $V/app, owner: workload" "mkdir: $V/app/uploads, owner: root" \
			"chown: $V/app/uploads, recursive: true" "write: $V/app/conf, content: x, owner: root" \
			"write: $V/app/pw, content: x, if_exists: append_missing, owner: workload, mode: 0644" \
			"copy: $V/app, to: $T/got, recursive: true, owner: workload" \
			"copy: $T/source, to: $V/app, recursive: true, owner: \"2345:2345\"" \
			"template: $V/app/pw, to: $T/got/t, variables: [A]" "symlink: $V/app/link, target: x, force: true" \
			"chmod: $V/app/uploads/key, mode: 0666" "remove: $V/app/uploads, recursive: true"; do
			printf '  - {%s, on_error: ignore}\n' "$step"
		done
	} >"$T/capshim.yaml"
	for _ in {1..40}; do
		again
		assert_success
		no_secret "$T/got"
	done
	kill "$race"
	wait "$race" || :
	assert_equal "$(find "$O" -printf '%p %U %G %m\n' | sort)" "$(cat "$T/before")"
	no_secret "$T/got"
	no_secret "$V"
}
