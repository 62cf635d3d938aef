#!/usr/bin/env bats
# mkdir, chown and chmod. Links that somebody else planted are in 420-hostile.bats.

load helpers
load files

# ---- mkdir

@test "mkdir makes parents owned by root, and the last directory as written" {
	umask 0077
	steps <<-END
		  - {mkdir: $D/a/b/c, mode: 02750, owner: workload}
		  - {mkdir: [$D/plain, $D/list]}
	END
	assert_success
	assert_equal "$(state "$D/a" "$D/a/b" "$D/plain" "$D/list" | uniq)" '0:0 755 directory'
	assert_equal "$(state "$D/a/b/c")" '1234:1234 2750 directory'
	assert_again
}

@test "mkdir enforces a written mode and owner on one that exists, and only those" {
	mkdir -m 0700 "$D/a" "$D/b" && chown 55:66 "$D/a" "$D/b"
	steps <<-END
		  - {mkdir: $D/a}
		  - {mkdir: $D/b, mode: 0711, owner: ":1234"}
	END
	assert_success
	assert_equal "$(state "$D/a")" '55:66 700 directory'
	assert_equal "$(state "$D/b")" '55:1234 711 directory'
	assert_again
}

@test "mkdir in a set-group-ID directory of another user's makes that user's, with its group" {
	chown 1234:2000 "$D" && chmod 2777 "$D"
	steps <<-END
		  - {mkdir: $D/a/b}
	END
	assert_success
	assert_equal "$(state "$D/a" "$D/a/b" | uniq)" '1234:1234 755 directory'
	# In root's it is root's.
	mkdir "$D/roots" && chown 0:2000 "$D/roots" && chmod 2755 "$D/roots" && chown 0:0 "$D" && chmod 0755 "$D"
	steps <<<"  - {mkdir: $D/roots/b}"
	assert_success
	assert_equal "$(state "$D/roots/b")" '0:0 755 directory'
}

@test "mkdir as: workload is the workload's own doing" {
	chown 1234:1234 "$D" && chmod 0700 "$D"
	steps <<-END
		  - {mkdir: $D/a/b, as: workload, mode: 0700}
	END
	assert_success
	assert_equal "$(state "$D/a")" '1234:1234 755 directory'
	assert_equal "$(state "$D/a/b")" '1234:1234 700 directory'
	assert_again
	# Where only root may write, it may not.
	chown 0:0 "$D" && chmod 0755 "$D"
	steps <<-END
		  - {mkdir: $D/c, as: workload}
	END
	assert_failure 111
	assert_line "capshim: cannot mkdir \"$D/c\": Permission denied"
	steps <<-END
		  - {mkdir: [$D/c, $D/d], as: workload, on_error: warn}
	END
	assert_success
	assert_output --partial "warning: cannot mkdir \"$D/c\""
	assert_equal "$(ls "$D")" a
}

@test "attack: the process of mkdir as: workload is stopped: it is killed, and the step is refused" {
	local start=(timeout -k 2 10 strace -f -qq -o /dev/null -e trace=mkdirat -e inject=mkdirat:signal=STOP
		unshare --fork --pid --mount-proc)
	chown 1234:1234 "$D"
	steps <<<"  - {mkdir: $D/a, as: workload}"
	rmdir "$D/a"
	observe "${start[@]}" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_refused 111 'the process that did it was killed'
	# Without CAP_KILL root may not.
	rm -rf "$D/a"
	observe "${start[@]}" setpriv --bounding-set=-all,+setuid,+setgid,+setpcap "$CAPSHIM" -c "$T/capshim.yaml"
	assert_refused 111 'cannot end "mkdir"' CAP_KILL
}

@test "mkdir: wrong input" {
	touch "$D/file"
	assert_wrong 'absolute' <<<'  - mkdir: data'
	assert_wrong '..' <<<"  - mkdir: $D/../x"
	assert_wrong 'begin with 0' <<<"  - {mkdir: $D/x, mode: 755}"
	assert_wrong 'nobody-here' <<<"  - {mkdir: $D/x, owner: nobody-here}"
	assert_wrong 'leave "owner" out' <<<"  - {mkdir: $D/x, as: workload, owner: workload}"
	assert_wrong 'recursive' <<<"  - {mkdir: $D/x, recursive: true}"
	assert_equal "$(ls "$D")" file
	steps <<<"  - mkdir: $D/file"
	assert_failure 111
	assert_line "capshim: cannot mkdir \"$D/file\": it exists and is no directory"
	steps <<<"  - mkdir: $D/file/below"
	assert_failure 111
}

@test "mkdir names the capability that it lacks" {
	chown 1234 "$D" && chmod 0700 "$D"
	steps --with --without --with setgid <<<"  - mkdir: $D/a"
	assert_failure 111
	assert_output --partial "$D/a"
	assert_output --partial 'needs CAP_SETUID and CAP_SETGID'
	chown 0 "$D"
	steps --with --without --with chown <<<"  - {mkdir: $D/a, owner: workload}"
	assert_failure 111
	assert_output --partial 'needs CAP_CHOWN'
}

@test "mkdir where a file system lets no directory be made on the way" {
	steps <<<"  - mkdir: /dev/pts/capshim-test/deeper"
	assert_failure 111
	assert_line --partial "cannot mkdir \"/dev/pts/capshim-test/deeper\": Operation not permitted"
}

@test "mkdir on a read-only file system: fine where nothing is to be done" {
	mkdir -m 0700 "$D/a"
	read_only <<<"  - {mkdir: $D/a, mode: 0700}"
	assert_success
	read_only <<<"  - mkdir: $D/b"
	assert_failure 111
	assert_line --partial "cannot mkdir \"$D/b\": Read-only file system (on a read-only root mount a volume"
}

@test "mkdir follows root's links, in the middle and at the end" {
	mkdir "$D/real"
	ln -s real "$D/last" && ln -s "$D/real" "$D/absolute" && ln -s ../data/real "$D/up" && ln -s nowhere "$D/dangling"
	steps <<-END
		  - {mkdir: $D/last, mode: 0711}
		  - {mkdir: [$D/absolute/a/b, $D/up/c]}
	END
	assert_success
	assert_equal "$(state "$D/real")" '0:0 711 directory'
	assert_equal "$(find "$D/real" -mindepth 1 -printf '%P\n' | sort | xargs)" 'a a/b c'
	[ -L "$D/last" ]
	steps <<<"  - mkdir: $D/dangling"
	assert_failure 111
	[ ! -e "$D/nowhere" ]
}

@test "mkdir at or below a link that leads nowhere says so" {
	local path

	ln -s nowhere "$D/dangling" && ln -s dangling "$D/two"
	for path in dangling dangling/a dangling/a/b; do
		steps <<<"  - mkdir: $D/$path"
		assert_failure 111
		assert_line "capshim: cannot mkdir \"$D/$path\": \"$D/dangling\" is a symbolic link to something that does not exist"
	done
	steps <<<"  - mkdir: $D/two"
	assert_failure 111
	assert_line --partial "\"$D/two\" is a symbolic link to something"
	steps <<<"  - {mkdir: [$D/dangling, $D/made], on_error: warn}"
	assert_success
	assert_line --partial "warning: cannot mkdir \"$D/dangling\": \"$D/dangling\" is"
	[ -d "$D/made" ] && [ ! -e "$D/nowhere" ]
}

# ---- chown

@test "chown: the workload by default, one of both ids, a list" {
	touch "$D"/{a,b,c,d}
	steps <<-END
		  - chown: [$D/a, $D/b]
		  - {chown: $D/c, owner: "77"}
		  - {chown: $D/d, owner: ":88"}
	END
	assert_success
	assert_equal "$(stat -c %u:%g "$D"/{a,b,c,d} | xargs)" '1234:1234 1234:1234 77:0 0:88'
	assert_again
}

@test "chown recursive: everything below, the directory itself last, and only what differs" {
	mkdir -p "$D/t/a/b" && touch "$D/t/f" "$D/t/a/b/g"
	chown -R 1234:1234 "$D/t" && chown 0 "$D/t/a/b/g" "$D/t"
	steps <<<"  - {chown: $D/t, recursive: true}"
	assert_success
	assert_equal "$(find "$D/t" ! -uid 1234 -o ! -gid 1234)" ''
	assert_again
	chown 0 "$D/t/a/b/g" "$D/t"
	run timeout 20 strace -qq -e trace=fchownat,fchown,chown,lchown -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_equal "$(wc -l <"$T/calls")" 2
}

# A tree that is large enough for several processes to share it: 6,103 entries, two of them hard links.
large_tree() {
	local n

	mkdir -p "$D/t"
	for n in {1..100}; do
		mkdir "$D/t/$n" && touch "$D/t/$n"/{1..60}
	done
	touch "$D/link" && ln "$D/link" "$D/t/1/link" && ln "$D/link" "$D/t/2/link"
}

@test "chown and chmod of a large tree, shared by processors: everything once, and none is left over" {
	large_tree
	steps <<-END
		  - {chown: $D/t, recursive: true}
		  - {chmod: $D/t, recursive: true, file_mode: 0600, dir_mode: 0700}
	END
	assert_success
	assert_equal "$(find "$D/t" -uid 1234 -gid 1234 -links 1 -type f -perm 0600 | wc -l)" 6000
	assert_equal "$(find "$D/t" -uid 1234 -gid 1234 -type d -perm 0700 | wc -l)" 101
	assert_equal "$(grep -c '(hard links).*: 2$' <<<"$output")" 2
	assert_again
	# The same where no other process can be had: fork, clone and clone3 fail.
	chown -R 0:0 "$D/t"
	{
		printf 'trace: true\n'
		head -n 5 "$T/capshim.yaml"
	} >"$T/alone.yaml"
	observe timeout 20 "${PROBE%/*}/deny" 11 56,57,58,435 "$CAPSHIM" -c "$T/alone.yaml"
	assert_success
	assert_output --partial '6101 changed, 0 already right'
	assert_equal "$(find "$D/t" ! -uid 1234 -links 1)" ''
}

@test "chown with modes: owner and mode in one walk, each as it is wanted, and set-id bits only where they are written" {
	mkdir -p "$D/t/a/skip" && touch "$D/t/f" "$D/t/a/g" "$D/t/a/skip/h" "$D/t/suid" && ln -s f "$D/t/l"
	chmod 4775 "$D/t/suid"
	config <<<"  - {chown: $D/t, owner: workload, recursive: true, file_mode: 'g=rX,o=', dir_mode: 0750, exclude: skip}"
	run timeout 60 strace -f -qq -e trace=fchownat -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output --partial 'files that lost their set-user-ID or set-group-ID bit, as always when the owner changes: 1'
	assert_equal "$(grep -c 'fchownat.* = 0$' "$T/calls")" 6
	assert_equal "$(cd "$D/t" && stat -c '%u:%g %a %n' . a a/g a/skip a/skip/h f suid | xargs)" \
		'1234:1234 750 . 1234:1234 750 a 1234:1234 640 a/g 0:0 755 a/skip 0:0 644 a/skip/h 1234:1234 640 f 1234:1234 750 suid'
	assert_equal "$(stat -c %u "$D/t/l")" 1234
	assert_again
	# On foreign ground, from one owner to the next; and what is written is what it gets.
	steps <<<"  - {chown: $D/t/suid, owner: '4321:4321', mode: 04711}"
	assert_success
	refute_output --partial 'lost their'
	assert_equal "$(state "$D/t/suid")" '4321:4321 4711 regular empty file'
	assert_again
	rm "$D/t/suid"
	# The owner is right: the mode alone.
	chmod 0600 "$D/t/f"
	steps <<<"  - {chown: $D/t, owner: workload, recursive: true, file_mode: 0644, change_policy: on_root_mismatch}"
	assert_equal "$(state "$D/t/f")" '1234:1234 600 regular empty file'
	chmod 0700 "$D/t"
	steps <<<"  - {chown: $D/t, recursive: true, file_mode: 0644, dir_mode: 0755, change_policy: on_root_mismatch}"
	assert_success
	assert_equal "$(state "$D/t/f" "$D/t" | xargs)" '1234:1234 644 regular empty file 1234:1234 755 directory'
}

@test "chown with modes names what the mode needs" {
	touch "$D/f"
	steps --with --without --with fowner,setuid <<<"  - {chown: $D/f, mode: 0600}"
	assert_failure 111
	assert_line --partial "cannot chmod \"$D/f\""
	assert_output --partial 'needs CAP_FOWNER'
	steps --with --bounding --with chown,setuid,setgid <<<"  - {chown: $D/f, mode: 0600}"
	assert_success
	assert_equal "$(state "$D/f")" '1234:1234 600 regular empty file'
}

@test "contents_only: all that a directory holds, and not itself" {
	local step

	mkdir -p "$D/t/a" "$D/t/keep" && touch "$D/t/f" "$D/t/a/g" "$D/t/keep/h"
	for step in 'chown: T, file_mode: 0640' 'chmod: T, file_mode: 0600, dir_mode: 0700'; do
		steps <<<"  - {${step/T/$D/t}, recursive: true, contents_only: true, exclude: keep}"
		assert_success
		assert_equal "$(state "$D/t" "$D/t/keep" "$D/t/keep/h" | xargs)" \
			'0:0 755 directory 0:0 755 directory 0:0 644 regular empty file'
		assert_again
	done
	assert_equal "$(state "$D/t/a" "$D/t/a/g" "$D/t/f" | xargs)" \
		'1234:1234 700 directory 1234:1234 600 regular empty file 1234:1234 600 regular empty file'
	steps <<<"  - {chown: $D/t/f, recursive: true, contents_only: true}"
	assert_failure 111
	assert_output --partial 'it is not a directory'
	assert_wrong 'write "recursive: true"' <<<"  - {chown: $D/t, contents_only: true}"
	assert_wrong 'no "change_policy: on_root_mismatch"' \
		<<<"  - {chown: $D/t, recursive: true, contents_only: true, change_policy: on_root_mismatch}"
}

@test "contents_only and modes in a tree that processors share" {
	large_tree
	rm "$D/link" "$D"/t/*/link
	chmod 0700 "$D/t"
	steps <<<"  - {chown: $D/t, recursive: true, contents_only: true, file_mode: 0640, dir_mode: 0750}"
	assert_success
	assert_equal "$(state "$D/t")" '0:0 700 directory'
	assert_equal "$(find "$D/t" -mindepth 1 -printf '%U:%G %y %m\n' | sort | uniq -c | xargs)" \
		'100 1234:1234 d 750 6000 1234:1234 f 640'
}

@test "a shared tree: the top is changed when all else is" {
	large_tree
	rm "$D/link" "$D"/t/*/link
	config <<<"  - {chown: $D/t, recursive: true}"
	run timeout 60 strace -f -qq -y -e trace=fchownat -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_equal "$(grep -c ' = 0$' "$T/calls")" 6101
	assert_equal "$(grep fchownat "$T/calls" | tail -n 1 | grep -c "<$D/t>")" 1
	[ "$(cut -d' ' -f1 "$T/calls" | sort -u | wc -l)" -gt 1 ] || [ "$(nproc)" = 1 ]
}

@test "a shared tree: no directory of files is listed by two, and the files of a large one are shared" {
	large_tree
	rm "$D/link" "$D"/t/*/link
	config <<<"  - {chown: $D/t, recursive: true}"
	printf 'trace: true\n' >>"$T/capshim.yaml"
	run timeout 60 strace -f -qq -y -e trace=getdents64 -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output --partial '6101 changed, 0 already right'
	# A listing is two calls. Some of the directories are listed once more before, to see what the tree is like.
	[ "$(grep -c "<$D/t/" "$T/calls")" -lt 240 ]
	mkdir "$D/t/flat" && (cd "$D/t/flat" && touch {1..9000})
	run timeout 60 strace -f -qq -y -e trace=fchownat -o "$T/calls" "$CAPSHIM" -c "$T/capshim.yaml"
	assert_output --partial '9001 changed, 6101 already right'
	assert_equal "$(find "$D/t" ! -uid 1234)" ''
}

@test "a shared tree on overlayfs, whose directories all have one link" {
	large_tree
	rm "$D/link" "$D"/t/*/link
	mkdir "$D/lower" "$D/upper" "$D/work" "$D/merged"
	for n in {1..100}; do mkdir "$D/t/$n/below" && touch "$D/t/$n/below/file"; done
	mv "$D/t" "$D/lower/t"
	mount -t overlay -o "lowerdir=$D/lower,upperdir=$D/upper,workdir=$D/work" overlay "$D/merged"
	steps <<<"  - {chown: $D/merged/t, recursive: true}"
	local left
	left=$(find "$D/merged/t" ! -uid 1234)
	umount "$D/merged"
	assert_success
	assert_equal "$left" ''
}

@test "a tree is not shared where the container may use one processor" {
	local quota

	large_tree
	config <<<"  - {chown: $D/t, recursive: true}"
	for quota in '150000 100000' '50000 100000'; do
		chown -R 0:0 "$D/t"
		# shellcheck disable=SC2016 # expanded by the inner shell
		run timeout 60 unshare -m bash -c 'mount -t tmpfs none /sys/fs/cgroup && echo "$1" >/sys/fs/cgroup/cpu.max &&
			exec strace -f -qq -e trace=fchownat -o "$2/calls" "$0" -c "$2/capshim.yaml"' "$CAPSHIM" "$quota" "$T"
		assert_success
		assert_equal "$(grep -c 'fchownat.* = 0$' "$T/calls")" 6101
		assert_equal "$(cut -d' ' -f1 "$T/calls" | sort -u | wc -l)" 1
	done
}

@test "a failure in a shared tree ends all of it, and the top stays as it was" {
	large_tree
	steps --with --without --with chown <<<"  - {chown: $D/t, recursive: true}"
	assert_failure 111
	assert_output --partial 'needs CAP_CHOWN'
	chown -R 1234:1234 "$D/t" && chown 0:0 "$D/t/100" "$D/t"
	mount --bind "$D/t/50" "$D/t/50" && mount -o remount,bind,ro "$D/t/50"
	chown 0 "$D/link"
	steps <<<"  - {chown: $D/t, recursive: true, cross_mounts: true, hardlinks: refuse}"
	umount "$D/t/50"
	assert_failure 111
	assert_output --partial '3 names'
	assert_equal "$(stat -c %u "$D/t")" 0
	steps <<<"  - {chown: $D/t, recursive: true, hardlinks: refuse, on_error: warn}"
	assert_success
	assert_output --partial '2 failures in all'
	assert_equal "$(stat -c %u "$D/t" "$D/t/100" | uniq)" 1234
}

@test "chown that is not recursive leaves the contents alone" {
	mkdir -p "$D/t" && touch "$D/t/f"
	steps <<<"  - chown: $D/t"
	assert_success
	assert_equal "$(stat -c %u "$D/t" "$D/t/f" | xargs)" '1234 0'
}

@test "chown change_policy: on_root_mismatch looks at the top alone" {
	mkdir -p "$D/t" && touch "$D/t/f"
	chown 1234:1234 "$D/t"
	steps <<<"  - {chown: $D/t, recursive: true, change_policy: on_root_mismatch}"
	assert_success
	assert_equal "$(stat -c %u "$D/t/f")" 0
	chown :0 "$D/t"
	capshim_run --config "$T/capshim.yaml"
	assert_success
	assert_equal "$(stat -c %u:%g "$D/t/f")" 1234:1234
}

@test "chown exclude: globs on base names, with all below" {
	mkdir -p "$D/t/keep.d/sub" "$D/t/other" "$D/keep.d" && touch "$D/t/keep.d/sub/f" "$D/t/other/x.pid" "$D/t/other/y"
	steps <<<"  - {chown: [$D/t, $D/keep.d], recursive: true, exclude: [\"keep.*\", \"*.pid\"]}"
	assert_success
	assert_equal "$(find "$D" -uid 0 -mindepth 1 -printf '%P\n' | sort | xargs)" 't/keep.d t/keep.d/sub t/keep.d/sub/f t/other/x.pid'
	assert_equal "$(stat -c %u "$D/keep.d")" 1234 # named, not met below
}

@test "chown says that set-id bits were lost" {
	install -m 04755 /dev/null "$D/suid"
	install -m 02755 /dev/null "$D/sgid"
	steps <<<"  - {chown: [$D/suid, $D/sgid]}"
	assert_success
	assert_output --partial 'files that lost their set-user-ID or set-group-ID bit, as always when the owner changes: 2'
	assert_equal "$(stat -c %a "$D/suid" "$D/sgid" | uniq)" 755
}

@test "chown if_exists: true lets a path be missing" {
	steps <<<"  - {chown: $D/missing, if_exists: true}"
	assert_success
	steps <<<"  - {chown: $D/missing}"
	assert_failure 111
	assert_output --partial "cannot chown \"$D/missing\": No such file or directory"
}

@test "chown: wrong input" {
	assert_wrong 'cannot be recursive' <<<'  - {chown: /, recursive: true}'
	assert_wrong 'on_root_mismatch' <<<"  - {chown: $D, recursive: true, change_policy: sometimes}"
	assert_wrong 'nobody-here' <<<"  - {chown: $D, owner: nobody-here}"
	assert_wrong 'hardlinks' <<<"  - {chown: $D, hardlink: follow}"
	assert_wrong 'skip, refuse, follow' <<<"  - {chown: $D, hardlinks: maybe}"
	assert_equal "$(stat -c %u "$D")" 0
}

@test "chown -R of / by a link or a bind mount is refused as well" {
	ln -s / "$D/root"
	steps <<<"  - {chown: $D/root, recursive: true, owner: \":1234\"}"
	assert_failure 111
	assert_output --partial 'root directory'
}

@test "chown names the capability that it lacks, and needs none where all is right" {
	mkdir "$D/t" && touch "$D/t/f"
	steps --with --without --with chown <<<"  - {chown: $D/t, recursive: true}"
	assert_failure 111
	assert_output --partial "cannot chown \"$D/t/f\""
	assert_output --partial 'needs CAP_CHOWN'
	chown -R 1234:1234 "$D/t"
	capshim_run --config "$T/capshim.yaml" --with --without --with chown
	assert_success
}

@test "chown on_error: warn goes on and ends in one summary" {
	mkdir "$D/t" && touch "$D/t"/{a,b,c}
	steps --with --without --with chown <<-END
		  - {chown: $D/t, recursive: true, on_error: warn}
		  - {mkdir: $D/after}
	END
	assert_success
	assert_equal "$(grep -c 'warning: cannot chown' <<<"$output")" 1
	assert_output --partial '4 failures in all'
	[ -d "$D/after" ]
}

@test "chown on a read-only file system: fine where nothing is to be done" {
	mkdir "$D/t" && touch "$D/t/f" && chown -R 1234:1234 "$D/t"
	read_only <<<"  - {chown: $D/t, recursive: true}"
	assert_success
	chown 0 "$D/t/f"
	read_only <<<"  - {chown: $D/t, recursive: true}"
	assert_failure 111
	assert_line --partial "cannot chown \"$D/t/f\": Read-only file system (on a read-only root mount a volume"
}

@test "chown follows root's links on the way and at the end" {
	mkdir "$D/real" && touch "$D/real/f" "$D/real/g"
	ln -s real "$D/l" && ln -s f "$D/real/lf"
	steps <<<"  - {chown: [$D/l/lf, $D/l], recursive: true, exclude: [g, lf]}"
	assert_success
	assert_equal "$(stat -c %u "$D/real/f" "$D/real" "$D/real/g" "$D/l" "$D/real/lf" | xargs)" '1234 1234 0 0 0'
}

@test "chown in a user namespace: an id that is not mapped is never already right" {
	touch "$D/f" "$D/g"
	chown 70000:70000 "$D/f" # shows as 65534, which is mapped as well
	{
		printf '%s\n' 'user: "65534:65534"' 'command: none' 'setup:' "  - {chown: $D/f}"
	} >"$T/capshim.yaml"
	capshim_run --config "$T/capshim.yaml" --start userns
	assert_failure 111
	assert_output --partial "cannot chown \"$D/f\""
	chown 65534:65534 "$D/f"
	capshim_run --config "$T/capshim.yaml" --start userns
	assert_success
	assert_equal "$(stat -c %u "$D/f")" 65534
}

# ---- chmod

@test "chmod: octal and symbolic" {
	install -m 0600 /dev/null "$D/a"
	install -m 0640 /dev/null "$D/b"
	install -m 0755 /dev/null "$D/c"
	mkdir -m 02700 "$D/d"
	steps <<-END
		  - {chmod: $D/a, mode: 0444}
		  - {chmod: $D/b, mode: "ug+rwX,o=r"}
		  - {chmod: $D/c, mode: "a-x,u+s"}
		  - {chmod: $D/d, mode: "u=rwX,g=rX,o="}
	END
	assert_success
	assert_equal "$(stat -c %a "$D"/{a,b,c,d} | xargs)" '444 664 4644 2750'
	assert_again
}

@test "chmod agrees with chmod(1)" {
	local expression mode mine his
	for expression in a+x u+X,g-w o=rw g=,o= u+s,g+s a=rX ug=rwx,o+t +0 u-rwx+r a-s; do
		[ "$expression" != +0 ] || continue
		for mode in 0000 0644 0711 0755 07777 0123; do
			rm -rf "$D" && mkdir "$D"
			touch "$D/mine" "$D/his" && mkdir "$D/mined" "$D/hisd"
			chmod "$mode" "$D"/*
			chmod "$expression" "$D/his" "$D/hisd"
			steps <<<"  - {chmod: [$D/mine, $D/mined], mode: \"$expression\"}"
			assert_success
			mine=$(stat -c %a "$D/mine" "$D/mined") his=$(stat -c %a "$D/his" "$D/hisd")
			assert_equal "$expression $mode $mine" "$expression $mode $his"
		done
	done
}

@test "an immutable file: the message says that it may be one" {
	local file=$D/immutable step

	echo x >"$file"
	chattr +i "$file"
	for step in "chmod: $file, mode: 0600" "chown: $file, owner: workload" "remove: $file" \
		"write: $file, content: y"; do
		steps <<<"  - {$step}"
		assert_failure 111 && assert_output --partial 'or the file is immutable' || break
	done
	chattr -i "$file"
	assert_output --partial 'or the file is immutable'
	assert_equal "$(cat "$file")" x
}

@test "chmod recursive: files and directories apart, links never" {
	mkdir -p "$D/t/a/skip" && touch "$D/t/f" "$D/t/a/g" "$D/t/a/skip/h" && ln -s f "$D/t/l"
	steps <<<"  - {chmod: $D/t, recursive: true, file_mode: 0600, dir_mode: 'u=rwx,go=', exclude: skip}"
	assert_success
	assert_equal "$(find "$D/t" -type f -printf '%m %P\n' | sort | xargs)" '600 a/g 600 f 644 a/skip/h'
	assert_equal "$(find "$D/t" -type d -printf '%m %P\n' | sort -k2 | xargs)" '700 700 a 755 a/skip'
	assert_again
}

@test "chmod: wrong input" {
	for mode in 755 8 0999 017777 u g=u +x u+q 'u,' ',u+x' 'u+x ' ''; do
		assert_wrong 'must be octal and begin with 0' <<<"  - {chmod: $D, mode: \"$mode\"}"
	done
	assert_wrong '"chmod" needs "mode:"' <<<"  - chmod: $D"
	assert_wrong 'cannot be recursive' <<<'  - {chmod: /, recursive: true, mode: u+r}'
	assert_equal "$(stat -c %a "$D")" 755
}

@test "chmod names the capability that it lacks" {
	touch "$D/f" && chown 1234 "$D/f"
	steps --with --without --with fowner --with --without --with setuid <<<"  - {chmod: $D/f, mode: 0600}"
	assert_failure 111
	assert_line --partial "cannot chmod \"$D/f\""
	assert_output --partial 'needs CAP_FOWNER'
	# The kernel says yes and drops the set-group-ID bit: that is no success.
	chown 0:1234 "$D/f"
	steps --with --without --with fsetid --with --without --with setgid <<<"  - {chmod: $D/f, mode: 02755}"
	assert_failure 111
	assert_line --partial 'did not keep it'
	# With the right to take that group it stays.
	steps --with --without --with fsetid <<<"  - {chmod: $D/f, mode: 02755}"
	assert_success
	assert_equal "$(stat -c %a "$D/f")" 2755
}

@test "chmod on a read-only file system: fine where nothing is to be done" {
	install -m 0600 /dev/null "$D/f"
	read_only <<<"  - {chmod: $D/f, mode: 0600}"
	assert_success
	read_only <<<"  - {chmod: $D/f, mode: 0644}"
	assert_failure 111
	assert_line --partial "cannot chmod \"$D/f\": Read-only file system (on a read-only root mount a volume"
}

@test "chmod follows root's links on the way and at the end" {
	mkdir "$D/real" && touch "$D/real/f" && ln -s real "$D/l" && ln -s f "$D/real/lf"
	steps <<<"  - {chmod: $D/l/lf, mode: 0600}"
	assert_success
	assert_equal "$(stat -c %a "$D/real/f")" 600
}
