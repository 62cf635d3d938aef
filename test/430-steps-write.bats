#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# write; and what is made where others may have a hand in it.

load helpers
load acl
load content

# --- write

@test "write: makes a file with its content, mode and owner, and leaves it alone the next time" {
	local inode
	for _ in 1 2; do
		steps <<-END
			- write: [$T/one, $T/two]
			  content: |
			    secret
			  mode: 0460
			  owner: 7:8
		END
		assert_unprivileged 1234
		assert_content "$T/one" <<<secret
		assert_content "$T/two" <<<secret
		assert_stat '%u:%g %a %h' '7:8 460 1' "$T/one"
		refute_leftovers "$T"
		inode=${inode:-$(stat -c '%i %Z' "$T/one")}
		assert_stat '%i %Z' "$inode" "$T/one"
	done
	assert_trace '0 changed, 2 already right'
}

@test "write: root and 0644 by default, whatever the umask" {
	steps --with --umask --with 0077 <<-END
		- write: $T/one
		  content: ''
	END
	assert_success
	assert_stat '%u:%g %a %s' '0:0 644 0' "$T/one"
}

@test "write: the new content replaces the file at once, under its owner and mode only" {
	echo old >"$T/data/one"
	chown 1234:1234 "$T/data/one"
	exec 9<"$T/data/one"
	strace_steps <<-END
		- write: $T/data/one
		  content: new
		  mode: 0400
		  owner: workload
	END
	assert_success
	printf new | assert_content "$T/data/one"
	assert_equal "$(cat <&9)" old
	assert_stat '%u:%g %a' '1234:1234 400' "$T/data/one"
	refute_leftovers "$T"
	# Never open to others: 0600, then content, mode, owner, and only then the name.
	# (A strace that does not know fchmodat2 shows its number.)
	run grep -oE 'O_EXCL.*, 0600|pwrite64\(.*"new"|fchmod.*0400|0x1c4\(.*0x100,|renameat2?\(' "$T/strace"
	assert_line --index 0 --regexp '0600$'
	assert_line --index 1 --regexp '^pwrite64'
	assert_line --index 2 --regexp '^(fchmod|0x1c4)'
	assert_line --index 3 --regexp '^renameat'
}

# strace_steps: steps under strace(1), its lines in $T/strace.
strace_steps() {
	{
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\nsetup:\n'
		cat
	} >"$T/capshim.yaml"
	observe timeout 20 strace -f -o "$T/strace" -e trace=openat,pwrite64,fchown,fchmod,renameat,renameat2 \
		"$CAPSHIM" -c "$T/capshim.yaml" -- /bin/true 3>&-
}

@test "write: keep leaves the content, and gives the mode and owner that are written" {
	echo mine >"$T/one"
	chmod 0600 "$T/one"
	steps <<-END
		- write: [$T/one, $T/two]
		  content: other
		  if_exists: keep
		- write: $T/one
		  content: other
		  if_exists: keep
		  mode: 0640
		  owner: ":1234"
	END
	assert_success
	assert_content "$T/one" <<<mine
	assert_stat '%u:%g %a' '0:1234 640' "$T/one"
	printf other | assert_content "$T/two"
}

@test "write: append_missing adds the lines that are not there, once" {
	printf '127.0.0.1 localhost\n10.0.0.1 a' >"$T/hosts"
	chmod 0604 "$T/hosts"
	for _ in 1 2; do
		steps <<-END
			- write: [$T/hosts, $T/fresh]
			  content: |
			    10.0.0.2 b
			    10.0.0.1 a
			    10.0.0.1
			  if_exists: append_missing
		END
		assert_success
		printf '127.0.0.1 localhost\n10.0.0.1 a\n10.0.0.2 b\n10.0.0.1\n' | assert_content "$T/hosts"
		printf '10.0.0.2 b\n10.0.0.1 a\n10.0.0.1\n' | assert_content "$T/fresh"
		assert_stat %a 604 "$T/hosts"
	done
	assert_trace '0 changed, 2 already right'
}

@test "write: a planted link is refused in every position, and leads nowhere" {
	local step
	mkdir "$T/outside"
	echo safe >"$T/outside/file"
	as_app ln -s "$T/outside/file" "$T/data/final"
	as_app ln -s "$T/outside" "$T/data/dir"
	as_app ln -s "$T/outside/new" "$T/data/dangling"
	as_app ln -s loop "$T/data/loop"
	# Root's own link, in a directory where it could have been moved.
	ln -s "$T/outside/file" "$T/data/root"
	for step in final dir/file dir/new dangling loop root; do
		steps <<-END
			- write: $T/data/$step
			  content: bad
		END
		assert_refused 111 "$T/data/"
	done
	assert_content "$T/outside/file" <<<safe
	assert_equal "$(ls -A "$T/outside")" file
	refute_leftovers "$T/data"
}

@test "write: a link of root's own directories is followed, and stays a link" {
	mkdir "$T/real"
	ln -s real "$T/link"
	echo old >"$T/real/file"
	ln -s real/file "$T/file"
	steps <<-END
		- write: [$T/link/one, $T/file]
		  content: new
	END
	assert_success
	printf new | assert_content "$T/real/one"
	printf new | assert_content "$T/real/file"
	assert_stat %F 'symbolic link' "$T/file"
}

@test "write: a hard link to a file outside keeps that file out of it" {
	echo safe >"$T/outside"
	chmod 0600 "$T/outside"
	ln "$T/outside" "$T/data/one"
	ln "$T/outside" "$T/data/two"
	ln "$T/outside" "$T/data/three"
	steps <<-END
		- write: $T/data/one
		  content: new
		  owner: workload
	END
	assert_success
	printf new | assert_content "$T/data/one"
	steps <<-END
		- write: $T/data/two
		  content: new
		  if_exists: keep
		  mode: 0666
	END
	assert_refused 111 "$T/data/two" 'hard links'
	# What it says must not get out with the lines that are added to it.
	steps <<-END
		- write: $T/data/three
		  content: new
		  if_exists: append_missing
		  mode: 0644
	END
	assert_refused 111 "$T/data/three" 'as uid 1234'
	assert_content "$T/outside" <<<safe
	assert_stat '%u:%g %a' '0:0 600' "$T/outside"
}

@test "write: anything but a regular file is refused, without waiting" {
	mkfifo "$T/data/fifo"
	mkdir "$T/data/dir"
	for name in fifo dir; do
		steps <<-END
			- write: $T/data/$name
			  content: new
		END
		assert_refused 111 "$T/data/$name" 'a regular file'
	done
}

@test "write: into the file itself where it is mounted" {
	in_image
	echo old >"$IMAGE/source"
	echo safe >"$IMAGE/other"
	ln "$IMAGE/other" "$IMAGE/another"
	touch "$IMAGE/etc/hosts" "$IMAGE/etc/linked"
	local inode
	inode=$(stat -c %i "$IMAGE/source")
	steps --image --read-only <<-END
		- mount: /etc/hosts
		  type: bind
		  source: /source
		- write: /etc/hosts
		  content: newer
	END
	# The bind mount of a read-only mount is read-only as well: nothing is written, and nothing else is tried.
	assert_refused 111 /etc/hosts 'Read-only file system'
	assert_content "$IMAGE/source" <<<old
	steps --image <<-END
		- mount: /etc/hosts
		  type: bind
		  source: /source
		- write: /etc/hosts
		  content: newer
		  mode: 0600
	END
	assert_success
	printf newer | assert_content "$IMAGE/source"
	assert_stat '%i %a' "$inode 600" "$IMAGE/source"
	refute_leftovers "$IMAGE/etc"
	# In place there would be no way around the file's other names.
	steps --image <<-END
		- mount: /etc/linked
		  type: bind
		  source: /other
		- write: /etc/linked
		  content: bad
	END
	assert_refused 111 /etc/linked 'hard links'
	assert_content "$IMAGE/other" <<<safe
}

@test "write: a read-only file system fails unless it is right already; the content is in no message" {
	in_image
	printf right >"$IMAGE/etc/right"
	steps --image --read-only <<-END
		- write: /etc/right
		  content: right
	END
	assert_success
	steps --image --read-only <<-END
		- write: /etc/right
		  content: hunter2
	END
	assert_refused 111 /etc/right 'Read-only file system'
	refute_output --partial hunter2
}

@test "write: a missing capability is named" {
	steps --with --without --with chown <<-END
		- write: $T/one
		  content: new
		  owner: workload
	END
	assert_refused 111 "$T/one" CAP_CHOWN
	assert_equal "$(ls -A "$T/data")" ''
}

@test "write: wrong input is an error before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- write: relative
		  content: new
		- write: $T/two
		- write: $T/three
		  content: new
		  mode: 644
		- write: $T/three
		  content: new
		  if_exists: maybe
		- write: $T/three
		  content: new
		  recursive: true
	END
	assert_refused 100 ':8:' ':10:' ':13:' ':16:' ':19:'
	assert [ ! -e "$T/one" ]
}

@test "write: a missing directory and a name that is too long are errors" {
	steps <<-END
		- write: $T/missing/one
		  content: new
	END
	assert_refused 111 "$T/missing/one" 'No such file'
	steps <<-END
		- write: $T/$(printf 'x%.0s' {1..256})
		  content: new
	END
	assert_refused 111 'name too long'
}

@test "a file made in another user's directory has the written mode, whatever ACL it inherits" {
	local name
	acl "$T/data" default
	mkdir "$T/source" && echo secret >"$T/source/file" && chmod 0600 "$T/source/file"
	steps <<-END
		- mkdir: $T/data/made/deep
		  mode: 0770
		  owner: "2000:2000"
		- {write: $T/data/written, content: secret, owner: "root:2000", mode: 0640}
		- {template: $T/source/file, to: $T/data/template, owner: "root:2000", mode: 0640}
		- {copy: $T/source, to: $T/data/copied, recursive: true, owner: "root:2000", mode: 0640}
	END
	assert_success
	for name in made made/deep written template copied copied/file; do
		has_acl "$T/data/$name" && fail "$name has an ACL"
	done
	for name in written template; do
		run as_app cat "$T/data/$name"
		assert_failure
	done
	run as_app touch "$T/data/made/deep/evil"
	assert_failure
	steps <<-END
		- {mknod: $T/data/fifo, type: p, mode: 0660, owner: "root:2000"}
		- {mknod: $T/data/device, type: c, major: 1, minor: 3, mode: 0660, owner: "root:2000"}
	END
	assert_success
	for name in fifo device; do
		assert_stat '%u:%g %a' '0:2000 660' "$T/data/$name"
		has_acl "$T/data/$name" && fail "$name has an ACL"
	done
	# A directory of theirs that becomes another's hands nothing down any more.
	as_app mkdir "$T/data/theirs"
	acl "$T/data/theirs" default
	acl "$T/data/theirs" access
	steps <<-END
		- {mkdir: $T/data/theirs, mode: 0750, owner: "root:2000"}
		- {write: $T/data/theirs/file, content: secret, owner: "root:2000", mode: 0640}
	END
	assert_success
	for name in theirs theirs/file; do
		has_acl "$T/data/$name" && fail "$name has an ACL"
	done
	# In root's own directory it is root's word.
	mkdir "$T/roots"
	acl "$T/roots" default
	steps <<<"- {mkdir: $T/roots/made, mode: 0770}"
	assert_success
	has_acl "$T/roots/made"
}

@test "write: a file that another user owned is not adopted: that user may still hold it open" {
	mkdir "$T/shared"
	printf 'benign\n' >"$T/shared/hook" && chown 1234:1234 "$T/shared/hook"
	exec 7< <(as_app bash -c "exec 5>>$T/shared/hook; echo open; sleep 20; :")
	read -r -t 10 -u 7
	assert_equal "$REPLY" open
	local before
	before=$(stat -c %i "$T/shared/hook")
	steps <<<"- {write: $T/shared/hook, content: \"benign\\n\", mode: 0755}"
	assert_success
	assert_stat '%u:%g %a' '0:0 755' "$T/shared/hook"
	assert [ "$(stat -c %i "$T/shared/hook")" != "$before" ]
	before=$(stat -c %i "$T/shared/hook")
	steps <<<"- {write: $T/shared/hook, content: \"benign\\n\", mode: 0755}"
	assert_trace '0 changed, 1 already right'
	steps <<<"- {write: $T/shared/hook, content: \"benign\\n\", mode: 0755, owner: workload}"
	assert_trace '1 changed'
	assert_stat '%u %i' "1234 $before" "$T/shared/hook"
	exec 7<&-
}

@test "write: nor is one that a group could write" {
	printf 'benign\n' >"$T/hook" && chown 0:1234 "$T/hook" && chmod 0664 "$T/hook"
	local before
	before=$(stat -c %i "$T/hook")
	steps <<<"- {write: $T/hook, content: \"benign\\n\", mode: 0755}"
	assert_success
	assert [ "$(stat -c %i "$T/hook")" != "$before" ]
	assert_stat '%u:%g %a' '0:0 755' "$T/hook"
}

@test "mknod: without /proc a node that may have inherited an ACL is removed again" {
	in_image
	acl "$IMAGE/data" default
	for _ in 1 2; do
		steps --image --no-proc <<<'- {mknod: /data/fifo, type: p, mode: 0660, owner: "root:2000"}'
		assert_refused 111 'take the access control list from "/data/fifo"'
		assert [ ! -e "$IMAGE/data/fifo" ]
	done
	steps --image <<<'- {mknod: /data/fifo, type: p, mode: 0660, owner: "root:2000"}'
	assert_success
	has_acl "$IMAGE/data/fifo" && fail "it has an ACL"
	assert_stat '%u:%g %a' '0:2000 660' "$IMAGE/data/fifo"
}

@test "mknod: a FIFO of another user is not adopted" {
	as_app mkfifo "$T/data/fifo"
	steps <<<"- {mknod: $T/data/fifo, type: p, owner: \"2000:2000\"}"
	assert_refused 111 "$T/data/fifo" 'remove it first'
	assert_stat %u 1234 "$T/data/fifo"
	steps <<<"- {mknod: $T/data/fifo, type: p, owner: workload}"
	assert_success
	steps <<<"- {mknod: $T/data/fifo, type: p}"
	assert_success
}

@test "write: a full disk does not cost a mounted file its content" {
	in_image
	mkdir "$IMAGE/small" && touch "$IMAGE/etc/hosts"
	steps --image <<-END
		- mount: /small
		  type: tmpfs
		  options: [size=64k]
		- {write: /small/hosts, content: old}
		- mount: /etc/hosts
		  type: bind
		  source: /small/hosts
		- {write: /etc/hosts, content: "$(head -c 200000 /dev/zero | tr '\0' x)", on_error: warn}
		- {copy: /etc/hosts, to: /data/kept}
	END
	assert_success
	assert_output --partial 'No space left'
	printf old | assert_content "$IMAGE/data/kept"
}

@test "write: append_missing to the workload's own file in root's directory, by the least list" {
	for _ in 1 2 3; do
		steps --with --bounding --with chown,setuid,setgid,setpcap <<-END
			- {write: $T/list, content: "a\n", mode: 0600, if_exists: append_missing, owner: workload}
		END
		assert_success
		as_app sh -c "echo own >>'$T/list'"
	done
	assert_equal "$(head -2 "$T/list" | xargs)" 'a own'
	assert_stat %u:%a 1234:600 "$T/list"
}

@test "write: a file of the kernel's is told its content; one of procfs is for sysctl" {
	mkdir "$T/mount"
	timeout 20 unshare -m bash -c "mount -t cgroup2 none '$T/mount' && mkdir '$T/mount/${T##*/}'"
	cat >"$T/capshim.yaml" <<-END
		user: "1234:1234"
		command: none
		setup:
		- {write: $T/mount/${T##*/}/cgroup.max.depth, content: "7"}
		- {write: $T/mount/${T##*/}/cgroup.max.depth, content: "8", if_exists: keep}
		- {write: /proc/sys/kernel/pid_max, content: "7", on_error: warn}
		- {write: $T/mount/${T##*/}/cgroup.max.depth, content: "no number", on_error: warn}
	END
	observe timeout 20 unshare -m bash -c "mount -t cgroup2 none '$T/mount' &&
		'$CAPSHIM' -c '$T/capshim.yaml' && cat '$T/mount/${T##*/}/cgroup.max.depth'
		rmdir '$T/mount/${T##*/}'"
	assert_success
	assert_line 7
	assert_output --partial 'cannot write "/proc/sys/kernel/pid_max": it is on procfs: write sysctl'
	assert_output --partial 'cgroup.max.depth": Invalid argument'
}

@test "write: if_exists is refused, and changes nothing, where the access control list of what is there cannot be read" {
	local word
	printf 'one\n' >"$T/data/list" && chmod 0644 "$T/data/list"
	for word in keep append_missing; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' \
			"setup: [{write: $T/data/list, content: two, owner: '2000:2000', if_exists: $word}]" >"$T/capshim.yaml"
		observe strace -qqo /dev/null -e trace=fgetxattr -e inject=fgetxattr:error=EIO:when=1 "$CAPSHIM" -c "$T/capshim.yaml"
		assert_refused 111 "cannot read \"$T/data/list\": "
		assert_equal "$word $(stat -c '%u:%g %a' "$T/data/list") $(cat "$T/data/list")" "$word 0:0 644 one"
	done
}
