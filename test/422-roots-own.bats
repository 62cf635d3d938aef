#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# What makes something root's: the mode of a directory, a group, a mount, a set-id bit. Others must not have chosen it.

load helpers
load volume

setup() {
	volume_setup
}

teardown() {
	umount -l "$T"/home/*/vol "$O/vol" "$O" 2>/dev/null || true
}

@test "attack: the mode of a source does not open root's copy of it, where later steps put secrets" {
	local mode
	for mode in 0777 01777 02777; do
		rm -rf "${V:?}"/* "${O:?}"/*
		attack "mkdir conf && chmod $mode conf && echo x >conf/f && chmod 0666 conf/f"
		start <<-END
			  - {copy: $V/conf, to: $O/app, recursive: true}
			  - {write: $O/app/key, content: secret, mode: 0600}
			  - {copy: $V/conf/f, to: $O/app/g}
			  - {copy: $V/conf/f, to: $O/app/h, owner: ":2000"}
		END
		for _ in 1 2; do
			assert_success
			assert_equal "$(owners "$O/app" "$O/app/"{key,f,g,h})" '0:0 755 0:0 600 0:0 644 0:0 644 0:2000 644'
			again
		done
	done
	# A directory of the workload's in a source of root's, and an emptyDir.
	mkdir -p "$T/src/d" && chmod 0777 "$T/src/d" && chown 1234:1234 "$T/src/d"
	chown 0:0 "$V" && chmod 0777 "$V"
	start <<<"  - {copy: $T/src, to: $O/src, recursive: true}
  - {copy: $V, to: $O/empty, recursive: true}"
	assert_success
	assert_equal "$(owners "$O/src/d" "$O/empty")" '0:0 755 0:0 755'
	# What is root's alone to choose is copied as it is.
	mkdir "$T/image" && mkdir -m 1777 "$T/image/tmp" && chmod 1777 "$T/image/tmp"
	start <<<"  - {copy: $T/image, to: $O/image, recursive: true}"
	assert_equal "$(owners "$O/image/tmp")" '0:0 1777'
}

@test "attack: a directory becomes root's by mkdir: who had it does not go on writing" {
	chown 0:0 "$V" && mkdir "$V/etc" && chown 1234:1234 "$V/etc" && chmod 0777 "$V/etc"
	start <<-END
		  - {mkdir: $V/etc, owner: "root:root"}
		  - {write: $V/etc/key, content: secret, mode: 0600}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V/etc" "$V/etc/key")" '0:0 755 0:0 600'
		again
	done
	# A run was killed behind its chown(2), or the mode was changed before that: the start says so, or the next one repairs it.
	rm -r "${V:?}/etc" && mkdir "$V/etc" && chmod 0777 "$V/etc"
	again
	assert_success
	assert_equal "$(owners "$V/etc" "$V/etc/key")" '0:0 755 0:0 600'
	rm -r "${V:?}/etc" && mkdir "$V/etc" && chown 1234:1234 "$V/etc"
	strace -f -o "$T/calls" -e trace=fchownat -e inject=fchownat:delay_enter=1000000:when=1 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	wait_until grep -q fchownat "$T/calls"
	setpriv --reuid 1234 --regid 1234 --clear-groups chmod 0777 "$V/etc"
	wait "$!"
	assert_equal "$(owners "$V/etc" "$V/etc/key")" '0:0 755 0:0 600'
}

@test "attack: passwd gives a directory's owner root's group: what is root's and its group's stays closed" {
	image_make
	echo 'operator:x:2000:0::/:/bin/false' >>"$IMAGE/etc/passwd"
	mkdir "$IMAGE/vol" "$IMAGE/out" && echo secret >"$IMAGE/vol/key" && chmod 0640 "$IMAGE/vol/key" && chown 2000:2000 "$IMAGE/vol"
	setpriv --reuid 2000 --regid 2000 --clear-groups mv "$IMAGE/vol/key" "$IMAGE/vol/in"
	capshim_run --image <<-END
		user: "1234:1234"
		command: none
		setup: [{copy: /vol/in, to: /out/in, owner: workload}]
	END
	assert_failure 111
	assert_output --partial 'Permission denied'
	assert [ ! -e "$IMAGE/out/in" ]
}

@test "attack: a program of the workload's moves a volume of root's to the name of its own" {
	local a=$T/home/a b=$T/home/b step
	for step in "chown: $a/vol, recursive: true" "copy: $a/vol/key, to: $O/key, mode: 0644" "mkdir: $a/vol, owner: workload"; do
		mkdir -p "$a/vol" "$b/vol" && chown -R 1234:1234 "$T/home"
		mount -t tmpfs -o mode=0755,uid=1234 none "$a/vol"
		mount -t tmpfs -o mode=0700 none "$b/vol" && echo secret >"$b/vol/key" && chmod 0600 "$b/vol/key"
		start <<-END
			  - {run: [/bin/sh, -c, "cd $T/home; mv a c; mv b a; mv c b"], user: workload}
			  - {$step}
		END
		assert_failure 111
		assert_equal "$(owners "$a/vol" "$a/vol/key")" '0:0 700 0:0 600'
		assert [ ! -e "$O/key" ]
		umount "$a/vol" "$b/vol"
		rm -rf "${T:?}/home"
	done
	# One that can become another user is no better.
	mkdir -p "$a/vol" "$b/vol" && chown -R 1234:1234 "$T/home"
	mount -t tmpfs -o mode=0700 none "$b/vol" && echo secret >"$b/vol/key" && chmod 0600 "$b/vol/key"
	mount -t tmpfs -o mode=0755 none "$a/vol"
	start <<-END
		  - run: [/usr/bin/setpriv, --reuid=1234, --regid=1234, --clear-groups, /bin/sh, -c, "cd $T/home; mv a c; mv b a; mv c b"]
		    cap_add: [SETUID, SETGID]
		  - {chown: $a/vol, recursive: true}
	END
	assert_failure 111
	assert_equal "$(owners "$a/vol" "$a/vol/key")" '0:0 700 0:0 600'
	umount "$a/vol" "$b/vol"
	rm -rf "${T:?}/home"
	# Where none has run in the container, a fresh volume is judged anew.
	mkdir -p "$a/vol" && chown -R 1234:1234 "$T/home" && mount -t tmpfs -o mode=0755 none "$a/vol"
	start <<<"  - {chown: $a/vol, recursive: true}"
	assert_success
	assert_equal "$(owners "$a/vol")" '1234:1234 755'
}

@test "attack: another run takes a directory that copy fills: the mode that its old owner chose does not come back" {
	local first
	chown 0:0 "$V" && attack true && mkdir "$V/conf" && chown 1234:1234 "$V/conf" && chmod 0077 "$V/conf"
	mkdir "$T/src" && echo x >"$T/src/f"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $T/src, to: $V/conf, recursive: true}" >"$T/capshim.yaml"
	strace -f -o "$T/calls" -e trace=syncfs -e inject=syncfs:delay_enter=2000000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	first=$!
	wait_until test -s "$V/conf/f"
	chown 0:0 "$V/conf" && chmod 00755 "$V/conf"
	wait "$first" || true
	assert_equal "$(owners "$V/conf")" '0:0 755'
	# Undisturbed it does.
	chown 1234:1234 "$V/conf" && chmod 0077 "$V/conf"
	again
	assert_success
	assert_equal "$(owners "$V/conf")" '1234:1234 77'
}

@test "attack: chmod and chown make no file of root's set-id that others could have moved there" {
	local step
	attack 'mkdir bin && echo x >bin/own && chmod 0755 bin/own'
	for step in "chmod: $V/bin/helper, mode: \"04755\"" "chmod: $V, recursive: true, mode: \"02775\"" \
		"chown: $V/bin/own, owner: \"root:root\", mode: \"06755\""; do
		cp /bin/true "$V/bin/helper" && chmod 0755 "$V/bin/helper"
		start <<<"  - {$step}"
		for _ in 1 2; do
			assert_success
			run find "$V" -type f -uid 0 -perm /06000
			assert_output ''
			again
		done
	done
	# Directories, what is another user's, and what lies where only root can write, get what is written.
	assert_equal "$(owners "$V")" '1234:1234 2775'
	cp /bin/true "$O/helper"
	start <<<"  - {chmod: $O/helper, mode: \"04755\"}"
	assert_equal "$(owners "$O/helper")" '0:0 4755'
}

@test "attack: copy does not tell whether root's secret is what others have written elsewhere" {
	local before
	echo guess >"$V/secret" && chmod 0600 "$V/secret" && echo guess >"$V/mine" && chown 0:0 "$V/mine" && chmod 0644 "$V/mine"
	attack 'mv mine in; mv secret out'
	before=$(stat -c '%i' "$V/out")
	start <<<"  - {copy: $V/in, to: $V/out, mode: 0600}"
	assert [ "$(stat -c '%i' "$V/out")" != "$before" ]
}

@test "a start that was killed is completed where clauses of a mode, or an empty directory, come first" {
	mkdir -p "$V/a" && chown 0:0 "$V" "$V/a" && chmod 01500 "$V/a"
	start <<-END
		  - {chmod: $V, recursive: true, mode: u+rwX}
		  - {mkdir: $V/a/b, owner: workload, mode: 0750}
	END
	assert_success
	assert_equal "$(owners "$V/a" "$V/a/b")" '0:0 755 1234:1234 750'
	# A directory that copy was about to fill: its mode in the source, the clauses, and what is left of both.
	local words source clauses left
	rm -rf "$V/a" && mkdir -p "$T/src/sub" "$V/to/sub"
	for words in '0555 o-rwx 550' '0775 go-rwx 700'; do
		read -r source clauses left <<<"$words"
		chmod "$source" "$T/src/sub" && chmod 04755 "$V/to/sub"
		start <<-END
			  - {chmod: $V, recursive: true, mode: "$clauses"}
			  - {copy: $T/src, to: $V/to, recursive: true}
		END
		assert_success
		assert_equal "$words $(owners "$V/to/sub")" "$words 0:0 $left"
	done
	# What it has left of a file is no content.
	rm -rf "${V:?}"/* && echo half >"$V/.capshim-0123456789abcdef-0"
	start <<<"  - {write: $V/f, content: x, when: {empty: $V}}"
	assert_success
	assert_equal "$(cat "$V/f")" x
}

@test "attack: a file that keep makes root's is a new one: who had it open neither reads nor writes it" {
	mkdir "$O/conf" && echo a=1 >"$O/conf/env" && chown 1234:1234 "$O/conf/env"
	mkfifo "$T/end"
	exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "exec 5<>'$O/conf/env'; echo open; read -r <'$T/end'; echo evil >&5; cat /proc/self/fd/5")
	read -r -t 10 -u 7
	start <<-END
		  - {write: $O/conf/env, content: x, if_exists: keep, owner: "root:root", mode: 0600}
		  - {run: [/bin/sh, -c, "echo KEY=secret >>$O/conf/env"]}
	END
	assert_success
	echo >"$T/end"
	run timeout 10 cat <&7
	refute_output --partial secret
	assert_equal "$(owners "$O/conf/env") $(xargs <"$O/conf/env")" '0:0 600 a=1 KEY=secret'
	# What cannot be read stays whose it is.
	chown 1234:1234 "$O/conf/env" && chmod 0644 "$O/conf/env" && truncate -s 17M "$O/conf/env"
	again
	assert_failure 111
	assert_equal "$(owners "$O/conf/env")" '1234:1234 644'
}

@test "mkdir for root: what is root's already as a mount, on a read-only one, or on foreign ground, keeps its mode" {
	chown 0:2000 "$V" && chmod 2775 "$V"
	mkdir -m 1777 "$O/tmp" && mkdir "$O/vol" "$O/open" && chmod 1777 "$O/tmp" && chmod 0777 "$O/open"
	mount -t tmpfs -o mode=0777 none "$O/vol"
	start <<<"  - {mkdir: [$V/conf, $O/vol], owner: root}"
	for _ in 1 2; do
		assert_success
		chgrp 2000 "$V/conf" && chmod 02775 "$V/conf" # as the kubelet does for an fsGroup
		again
	done
	assert_equal "$status $(owners "$V/conf" "$O/vol")" '0 0:2000 2775 0:0 777'
	umount "$O/vol"
	mount --bind "$O" "$O" && mount -o remount,bind,ro "$O"
	start <<<"  - {mkdir: [$O/tmp, $O/open], owner: root}"
	umount "$O"
	assert_success
	# Elsewhere a start that did not end may have left it so.
	again
	assert_success
	assert_equal "$(owners "$O/tmp" "$O/open")" '0:0 1755 0:0 755'
}

@test "attack: a seed that seems interrupted does not tell what root's source holds" {
	local guess
	mkdir -m 0700 "$T/seed" && printf secret >"$T/seed/token" && chmod 0600 "$T/seed/token"
	for guess in 's\0\0\0\0\0' 'x\0\0\0\0\0' 'sec'; do
		attack "rm -f token .capshim-seeding; printf '$guess' >token; echo >.capshim-seeding"
		start <<<"  - {copy: $T/seed, to: $V, recursive: true, only_if_empty: true, owner: root}"
		assert_success
		assert_equal "$guess $(owners "$V/token")" "$guess 1234:1234 644"
	done
}

@test "attack: what marks a directory as not complete does not keep a mode away from what becomes root's" {
	local step mark
	for step in "chown: $V, owner: root, recursive: true, mode: 'u=rwX,go='" "chmod: $V, mode: go-rwx" "chmod: $V, mode: o="; do
		for mark in 4755 5711 4705; do
			chown 1234:1234 "$V" && attack "chmod $mark . && rm -f key"
			start <<-END
				  - {mkdir: $V, owner: 'root:root'}
				  - {$step}
				  - {write: $V/key, content: secret}
			END
			for _ in 1 2; do
				assert_success
				assert_equal "$step $mark $(stat -c %U:%G "$V" "$V/key" | xargs)" "$step $mark root:root root:root"
				run setpriv --reuid 1234 --regid 1234 --clear-groups cat "$V/key"
				assert_failure
				again
			done
		done
	done
}

@test "attack: the copy of a link of others is not root's on foreign ground either, where it may later become trusted" {
	local user
	echo secret >"$T/secret" && chmod 0600 "$T/secret"
	for user in '0:0' '1234:1234'; do
		rm -rf "${V:?}"/* && chown "$user" "$V" && chmod 0777 "$V"
		attack "mkdir in; ln -s '$T/secret' in/cfg; echo x >in/file"
		printf '%s\n' "user: '$user'" 'allow_root: true' 'command: none' 'setup:' \
			"  - {copy: $V/in, to: $V/out, recursive: true$([ "$user" = 0:0 ] || echo ', owner: "root:root"')}" \
			"  - {chown: $V, owner: 'root:root', mode: '0755'}" "  - {chmod: $V/out/cfg, mode: '0644'}" >"$T/capshim.yaml"
		again
		assert_refused 111 'is not followed'
		assert_equal "$user $(stat -c %a "$T/secret") $(readlink "$V/out/cfg")" "$user 600 $T/secret"
		assert [ "$(stat -c %u "$V/out/cfg")" != 0 ]
	done
}
