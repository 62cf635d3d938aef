#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# Steps that put content in place: write, copy, template; and those that change what is around: sysctl, mount, wait_for.
# Each: does it, does it again, wrong input, missing capability, read-only file system, links in every position.

load helpers
load lie

setup() {
	test_dir
	PROGRAM=$PROBE
	# A volume: the workload of the previous start owned it and may have planted anything.
	mkdir "$T/data"
	chown 1234:1234 "$T/data"
}

# steps [OPTION ...]: runs the steps on standard input, then the probe as 1234; options are capshim_run's.
steps() {
	capshim_run "$@" -- -- "$PROGRAM" < <(
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
		cat
	)
}

in_image() {
	image_make
	PROGRAM=/probe
	mkdir -p "$IMAGE/data"
	chown 1234:1234 "$IMAGE/data"
}

# as_app COMMAND ...: as the workload of the previous start.
as_app() {
	timeout 10 setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}

# assert_stat FORMAT VALUE FILE, of stat(1); does not follow links.
assert_stat() {
	assert_equal "$(stat -c "$1" "$3")" "$2"
}

# assert_content FILE: byte for byte what standard input holds.
assert_content() {
	cat >"$T/expected"
	cmp "$T/expected" "$1" || fail "$1 holds other content"
}

# assert_trace LINE: what a step says it did.
assert_trace() {
	assert_line --partial "$1"
}

refute_leftovers() {
	assert_equal "$(find "$1" -name '.capshim*')" ''
}

# background COMMAND ...: ends with the test, and holds none of bats' descriptors.
background() {
	timeout 30 "$@" </dev/null >/dev/null 2>&1 3>&- &
	BACKGROUND+=("$!")
}

teardown() {
	local pid

	for pid in "${BACKGROUND[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}

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
	# Never open to others: 0600 and root's, then content, owner, mode, and only then the name.
	run grep -oE 'O_EXCL.*, 0600|pwrite64\(.*"new"|fchown\(.*1234, 1234|fchmod\(.*0400|renameat2?\(' "$T/strace"
	assert_line --index 0 --regexp '0600$'
	assert_line --index 1 --regexp '^pwrite64'
	assert_line --index 2 --regexp '^fchown'
	assert_line --index 3 --regexp '^fchmod'
	assert_line --index 4 --regexp '^renameat'
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

@test "write: a link that somebody planted is refused in every position, and leads nowhere" {
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
	assert_refused 111 "$T/data/three" 'hard links'
	assert_content "$T/outside" <<<safe
	assert_stat '%u:%g %a' '0:0 600' "$T/outside"
}

@test "write: what is no regular file is refused and never waited for" {
	mkfifo "$T/data/fifo"
	mkdir "$T/data/dir"
	for name in fifo dir; do
		steps <<-END
			- write: $T/data/$name
			  content: new
		END
		assert_refused 111 "$T/data/$name" 'no regular file'
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
	steps --with --without --with dac_override --with --without --with dac_read_search <<-END
		- write: $T/data/one
		  content: new
	END
	assert_refused 111 "$T/data/one" CAP_DAC_OVERRIDE
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

# --- copy

make_source() {
	mkdir -p "$T/source/sub/deep"
	echo one >"$T/source/one"
	echo two >"$T/source/sub/two"
	chmod 0600 "$T/source/one"
	chmod 4755 "$T/source/sub/two"
	chmod 0750 "$T/source/sub"
	ln -s sub/two "$T/source/link"
	ln -s /etc/shadow "$T/source/outside"
}

@test "copy: a file to a name, into a directory, several into one" {
	make_source
	mkdir "$T/there"
	for _ in 1 2; do
		steps <<-END
			- copy: $T/source/one
			  to: $T/new/name
			- copy: $T/source/one
			  to: $T/there
			- copy: $T/source/one
			  to: $T/made/
			  mode: 0604
			  owner: workload
			- copy: [$T/source/one, $T/source/sub/two]
			  to: $T/both
		END
		assert_success
		assert_content "$T/new/name" <<<one
		assert_content "$T/there/one" <<<one
		assert_content "$T/made/one" <<<one
		assert_content "$T/both/two" <<<two
		assert_stat '%u:%g %a' '0:0 600' "$T/new/name"
		assert_stat '%u:%g %a' '1234:1234 604' "$T/made/one"
		# A set-id bit is not taken over: the owner may be another.
		assert_stat '%u:%g %a' '0:0 755' "$T/both/two"
	done
	assert_trace '0 changed, 2 already right'
}

@test "copy and template: files whose size says nothing, in sysfs and procfs" {
	local size

	size=$(stat -c %s /sys/kernel/mm/transparent_hugepage/enabled)
	[ "$size" -gt "$(wc -c </sys/kernel/mm/transparent_hugepage/enabled)" ]
	steps <<-END
		  - {copy: /sys/kernel/mm/transparent_hugepage/enabled, to: $T/huge}
		  - {copy: /proc/sys/kernel/ostype, to: $T/ostype}
		  - {template: /proc/sys/kernel/ostype, to: $T/filled}
	END
	assert_success
	cmp "$T/huge" /sys/kernel/mm/transparent_hugepage/enabled
	assert_equal "$(cat "$T/ostype" "$T/filled")" $'Linux\nLinux'
}

@test "copy and append: a read that answers nothing once, before the end, cuts nothing short" {
	local call

	printf 'one\ntwo\n' >"$T/from"
	for call in pread64 read; do
		printf 'old\n' >"$T/to"
		lie $call '"(one|old)' retval=0 <<-END
			user: 1234:1234
			supplementary_groups: none
			seccomp: unconfined
			setup:
			  - {copy: $T/from, to: $T/copied}
			  - {write: $T/to, content: new, if_exists: append_missing}
		END
		assert_success
		assert_equal "$(cat "$T/copied")" $'one\ntwo'
		assert_equal "$(cat "$T/to")" $'old\nnew'
		rm "$T/copied"
	done
}

@test "copy: the contents of a directory, with modes and links as they are" {
	make_source
	mkfifo "$T/source/fifo"
	for _ in 1 2; do
		steps <<-END
			- copy: $T/source
			  to: $T/there
			  recursive: true
			  owner: workload
		END
		assert_success
		assert_content "$T/there/one" <<<one
		assert_content "$T/there/sub/two" <<<two
		assert_stat '%u:%g %a' '1234:1234 600' "$T/there/one"
		assert_stat '%u:%g %a' '1234:1234 750' "$T/there/sub"
		assert_stat '%u:%g %a' '1234:1234 755' "$T/there/sub/deep"
		assert_stat '%u:%g %N' "1234:1234 '$T/there/outside' -> '/etc/shadow'" "$T/there/outside"
		assert_output --partial '1 entries passed over'
		assert [ ! -e "$T/there/fifo" ]
		refute_leftovers "$T"
	done
	assert_trace '0 changed, 4 already right'
}

@test "copy: what is there stays with keep, and is replaced otherwise; directories keep their owner" {
	make_source
	mkdir -p "$T/there/sub"
	chown 7:7 "$T/there" "$T/there/sub"
	chmod 0700 "$T/there/sub"
	echo mine >"$T/there/one"
	steps <<-END
		- copy: $T/source
		  to: $T/there
		  recursive: true
		  if_exists: keep
	END
	assert_success
	assert_content "$T/there/one" <<<mine
	assert_content "$T/there/sub/two" <<<two
	steps <<-END
		- copy: $T/source
		  to: $T/there
		  recursive: true
	END
	assert_success
	assert_content "$T/there/one" <<<one
	assert_stat '%u:%g %a' '7:7 700' "$T/there/sub"
}

@test "copy: only_if_empty seeds a volume once, and lost+found does not count" {
	make_source
	mkdir "$T/data/lost+found"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
		  only_if_empty: true
	END
	assert_success
	assert_content "$T/data/sub/two" <<<two
	refute_leftovers "$T/data"
	rm "$T/data/sub/two"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
		  only_if_empty: true
	END
	assert_success
	assert_trace '0 changed, 1 already right'
	assert [ ! -e "$T/data/sub/two" ]
}

@test "copy: an interrupted seed is repeated, and the signal that interrupts leaves nothing half done" {
	make_source
	rm "$T/source/one"
	# Too much for one write: a signal is not made to wait for the end of it.
	head -c 3000000 /dev/zero >"$T/source/one"
	{
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\nsetup:\n'
		printf -- '- copy: %s/source\n  to: %s/data\n  recursive: true\n  only_if_empty: true\n' "$T" "$T"
	} >"$T/capshim.yaml"
	# Every write takes a second: there is time to come in between.
	timeout -k 5 30 strace -f -o "$T/strace" -e trace=pwrite64 -e inject=pwrite64:delay_exit=1000000 \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" >"$T/output" 2>&1 3>&- &
	local strace=$! status=0
	wait_until 10 eval "ls '$T'/data/.capshim-[0-9a-f]* "
	kill -TERM "$(pgrep -P "$(pgrep -P $strace)")"
	wait $strace || status=$?
	assert_equal "$status" 143
	assert_equal "$(find "$T/data" -name '.capshim*')" "$T/data/.capshim-seeding"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
		  only_if_empty: true
	END
	assert_success
	cmp "$T/source/one" "$T/data/one"
	assert_content "$T/data/sub/two" <<<two
	refute_leftovers "$T/data"
}

@test "copy: the workload cannot have its volume seeded again" {
	make_source
	echo mine >"$T/data/one"
	as_app touch "$T/data/.capshim-seeding"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
		  only_if_empty: true
	END
	assert_success
	assert_content "$T/data/one" <<<mine
}

@test "copy: links that somebody planted in the destination lead nowhere" {
	make_source
	mkdir -p "$T/outside/deep"
	echo safe >"$T/outside/one"
	as_app ln -s "$T/outside" "$T/data/sub"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
	END
	assert_refused 111 "$T/source/sub"
	rm "$T/data/sub" "$T/data/one"
	as_app ln -s "$T/outside/one" "$T/data/one"
	as_app ln -s "$T/outside" "$T/data/top"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
	END
	assert_refused 111 "$T/source/one" 'no regular file'
	for to in one top top/ top/new; do
		steps <<-END
			- copy: $T/source/one
			  to: $T/data/$to
		END
		assert_refused 111 "$T/data/${to%/}"
	done
	assert_content "$T/outside/one" <<<safe
	assert_equal "$(find "$T/outside" | wc -l)" 3
}

@test "copy: what somebody planted in the source is not read" {
	echo safe >"$T/outside"
	chmod 0600 "$T/outside"
	ln "$T/outside" "$T/data/hard"
	as_app ln -s "$T/outside" "$T/data/soft"
	steps <<-END
		- copy: $T/data
		  to: $T/there
		  recursive: true
		  owner: workload
	END
	assert_refused 111 "$T/data/hard\": it has other hard links"
	steps <<-END
		- copy: $T/data
		  to: $T/there
		  recursive: true
		  owner: workload
		  on_error: warn
	END
	assert_success
	assert_output --partial 'it has other hard links'
	assert [ ! -e "$T/there/hard" ]
	assert_stat %F 'symbolic link' "$T/there/soft"
	for name in hard soft; do
		steps <<-END
			- copy: $T/data/$name
			  to: $T/there/$name
			  owner: workload
		END
		assert_refused 111 "$T/data/$name"
	done
}

@test "copy: a link that somebody planted does not become root's, and leads no later step anywhere" {
	local owner
	mkdir "$T/outside"
	as_app ln -s "$T/outside" "$T/data/link"
	ln -s "$T/outside" "$T/data/moved" # a link of root's that its directory's owner moved there
	for owner in root '":1234"'; do
		for _ in 1 2; do
			steps <<-END
				- copy: $T/data
				  to: $T/there
				  recursive: true
				  owner: $owner
			END
			assert_success
			assert_output --partial '2 symbolic links that others than root could have made do not become root'
			assert_stat '%F %u' 'symbolic link 1234' "$T/there/link"
			assert_stat '%F %u' 'symbolic link 65534' "$T/there/moved"
		done
		assert_trace '0 changed, 2 already right'
		steps <<<"- chown: $T/there/link"
		assert_refused 111 "$T/there/link"
		steps <<<"- {write: $T/there/moved/file, content: x}"
		assert_refused 111 "$T/there/moved"
	done
	assert_equal "$(ls "$T/outside")" ''
	assert_stat %u 0 "$T/outside"
	# What is root's alone is copied with its links, also where only the mount makes it so.
	mkdir "$T/roots" && ln -s ../outside "$T/roots/link" && chmod 0777 "$T/roots"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {copy: $T/roots, to: $T/kept, recursive: true}" >"$T/capshim.yaml"
	run timeout 20 unshare -m bash -c "mount --bind $T/roots $T/roots && mount -o remount,bind,ro $T/roots &&
		$CAPSHIM -c $T/capshim.yaml"
	assert_success
	assert_stat '%N %u' "'$T/kept/link' -> '../outside' 0" "$T/kept/link"
}

@test "chown recursive to root: a link of somebody else's stays his, and leads no later step anywhere" {
	mkdir "$T/outside" "$T/data/conf"
	as_app ln -s "$T/outside" "$T/data/link"
	steps <<-END
		- {chown: $T/data, owner: "root:1234", recursive: true}
		- {mkdir: $T/data/link, owner: workload}
	END
	assert_refused 111 "$T/data/link"
	assert_stat '%u:%g' 0:1234 "$T/data/conf"
	assert_stat %u 1234 "$T/data/link"
	assert_stat %u 0 "$T/outside"
}

@test "what only root may read is not read where its directory's owner could have moved it" {
	printf 'only root\n' >"$T/data/pw" && chmod 0600 "$T/data/pw"
	local step
	for step in copy template; do
		steps <<<"- {$step: $T/data/pw, to: $T/got, owner: workload}"
		assert_refused 111 "$T/data/pw" 'could have moved it there'
	done
	steps <<<"- {copy: $T/data, to: $T/got, recursive: true, owner: workload}"
	assert_refused 111 "$T/data/pw" 'could have moved it there'
	steps <<<"- {write: $T/data/pw, content: x, if_exists: append_missing, owner: workload}"
	assert_refused 111 "$T/data/pw" 'could have moved it there'
	chmod 0640 "$T/data/pw" && chown 0:2000 "$T/data/pw"
	steps <<<"- {copy: $T/data/pw, to: $T/got, owner: workload}"
	assert_refused 111 'could have moved it there'
	for step in 'chown 0:1234' 'chmod 0644'; do # what he may read is his to move
		$step "$T/data/pw"
		steps <<<"- {copy: $T/data/pw, to: $T/got, owner: workload}"
		assert_success
	done
	# A projected token: the user's own, in a directory of root's that all may write.
	mkdir -m 1777 "$T/tokens"
	printf token >"$T/tokens/token" && chown 1234 "$T/tokens/token" && chmod 0600 "$T/tokens/token"
	steps <<<"- {copy: $T/tokens/token, to: $T/got, owner: workload}"
	assert_success
}

# acl FILE KIND: gives the owner of FILE an ACL that lets 1234 do everything: access, or default (for what is made below).
acl() {
	python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1234), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_" + sys.argv[2],
            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$1" "$2"
}

# has_acl FILE: as the kernel lists it.
has_acl() {
	python3 -c 'import os, sys
sys.exit(not any("posix_acl" in name for name in os.listxattr(sys.argv[1])))' "$1"
}

@test "what is made in a directory of others has the mode that is written, whatever ACL they hand down" {
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

@test "write: a file that was somebody else's is not adopted, for he may still hold it open" {
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

@test "mknod: what may have inherited an ACL, and cannot be asked for want of /proc, is not left behind" {
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

@test "mknod: a FIFO of somebody else's is not adopted" {
	as_app mkfifo "$T/data/fifo"
	steps <<<"- {mknod: $T/data/fifo, type: p, owner: \"2000:2000\"}"
	assert_refused 111 "$T/data/fifo" 'remove it first'
	assert_stat %u 1234 "$T/data/fifo"
	steps <<<"- {mknod: $T/data/fifo, type: p, owner: workload}"
	assert_success
	steps <<<"- {mknod: $T/data/fifo, type: p}"
	assert_success
}

# exchange ONE OTHER: gives each the other's place.
exchange() {
	python3 -c 'import ctypes, os, sys
sys.exit(ctypes.CDLL(None).syscall(316, -100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2))' "$1" "$2"
}

@test "mkdir and copy: what somebody has put in the place of a directory just made is not taken for it" {
	local step
	mkdir -m 0700 "$T/data/private" "$T/source" "$T/source/sub" && echo key >"$T/data/private/key"
	for step in "mkdir: $T/data/sub, owner: workload" "copy: $T/source, to: $T/data, recursive: true, owner: workload"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
		{
			timeout 30 strace -f -qq -o /dev/null -e trace=mkdirat -e inject=mkdirat:delay_exit=3000000 \
				"$CAPSHIM" -c "$T/capshim.yaml" && :
			echo "status $?"
		} >"$T/said" 2>&1 3>&- &
		timeout 10 sh -c 'until [ -d "$1" ]; do sleep 0.1; done' - "$T/data/sub"
		exchange "$T/data/sub" "$T/data/private"
		timeout 20 sh -c 'until grep -q "^status" "$1"; do sleep 0.1; done' - "$T/said"
		run cat "$T/said"
		assert_line 'status 111'
		assert_output --partial 'somebody has put another one in its place'
		assert_stat '%u %a' '0 700' "$T/data/sub"
		exchange "$T/data/sub" "$T/data/private"
		rmdir "$T/data/sub"
	done
}

@test "copy: odd names, a deep tree, and one that is too deep" {
	local deep=$T/source
	mkdir -p "$T/source"
	echo odd >"$T/source/"$'new\nline'
	echo odd >"$T/source/"$'\377'
	echo odd >"$T/source/$(printf 'x%.0s' {1..255})"
	for _ in {1..200}; do deep+=/d; done
	mkdir -p "$deep"
	echo deep >"$deep/file"
	steps <<-END
		- copy: $T/source
		  to: $T/there
		  recursive: true
	END
	assert_success
	run diff -r "$T/source" "$T/there"
	assert_success
	for _ in {1..100}; do deep+=/d; done
	mkdir -p "$deep"
	steps <<-END
		- copy: $T/source
		  to: $T/there
		  recursive: true
	END
	assert_refused 111 'directories inside each other'
}

@test "copy: wrong input, a read-only file system, a missing capability" {
	make_source
	steps <<-END
		- copy: $T/source
		- copy: $T/source
		  to: $T/source/sub
		  recursive: true
		- copy: $T/source
		  to: $T/there
		  only_if_empty: true
		- copy: $T/source
		  to: $T/there
		  recursive: true
		  if_exists: append_missing
	END
	assert_refused 100 ':6:' ':8:' ':10:' ':16:'
	steps <<-END
		- copy: $T/source
		  to: $T/there
	END
	assert_refused 111 "$T/source" 'recursive: true'
	steps <<-END
		- copy: $T/missing
		  to: $T/there
	END
	assert_refused 111 "$T/missing" 'No such file'
	steps --with --without --with chown <<-END
		- copy: $T/source
		  to: $T/there
		  recursive: true
		  owner: workload
	END
	assert_refused 111 CAP_CHOWN
	in_image
	echo one >"$IMAGE/one"
	steps --image --read-only <<-END
		- copy: /one
		  to: /two
	END
	assert_refused 111 /two 'Read-only file system'
}

# --- template

@test "template: replaces what exists, and leaves every other byte" {
	printf '%s\n' 'a=${A} b=${B}$A ${A:-x} $${A} ${UNSET} ${} ${A' '$' '${1A} ${A}${A}' >"$T/in.tpl"
	printf '\0${A}\377$' >>"$T/in.tpl"
	for _ in 1 2; do
		PROGRAM=$PROBE A='x${B}' B='' steps <<-END
			- template: $T/in.tpl
			  to: $T/out
			  mode: 0640
			  owner: ":1234"
		END
		assert_success
		{
			printf '%s\n' 'a=x${B} b=$A ${A:-x} $x${B} ${UNSET} ${} ${A' '$' '${1A} x${B}x${B}'
			printf '\0x${B}\377$'
		} | assert_content "$T/out"
		assert_stat '%u:%g %a' '0:1234 640' "$T/out"
	done
	assert_trace '0 changed, 1 already right'
}

@test "template: only the variables that are named; bare ones on demand; an empty file" {
	echo '${A} $A ${B} $B $AB $A.$' >"$T/in"
	: >"$T/empty"
	A=1 B=2 steps <<-END
		- template: $T/in
		  to: $T/named
		  variables: [A]
		- template: $T/in
		  to: $T/bare
		  bare: true
		- template: [$T/empty, $T/in]
		  to: $T/both
	END
	assert_success
	assert_content "$T/named" <<<'1 $A ${B} $B $AB $A.$'
	assert_content "$T/bare" <<<'1 1 2 2 $AB 1.$'
	assert_stat %s 0 "$T/both/empty"
}

@test "template: a tree, only files with the suffix, which is removed" {
	mkdir -p "$T/in/conf.d" "$T/in/..2026"
	echo '${A}' | tee "$T/in/one.conf.template" "$T/in/conf.d/two.template" "$T/in/three.conf" \
		"$T/in/.template" "$T/in/..2026/four.template" >/dev/null
	ln -s ..2026/four.template "$T/in/four.template"
	A=1 steps <<-END
		- template: $T/in
		  to: $T/out
		  suffix: .template
		- template: $T/in/one.conf.template
		  to: $T/single/
		  suffix: .template
	END
	assert_success
	assert_content "$T/out/one.conf" <<<1
	assert_content "$T/out/conf.d/two" <<<1
	# As in a ConfigMap: the file is a link of root's, into a directory that begins with two dots.
	assert_content "$T/out/four" <<<1
	assert_content "$T/single/one.conf" <<<1
	assert_equal "$(cd "$T/out" && find . -type f | sort | tr '\n' ' ')" './conf.d/two ./four ./one.conf '
}

@test "template: below a path that is too long for a message every file is still the right one" {
	local long deep=$T/source level
	long=$(printf 'a%.0s' {1..240})
	for level in 1 2 3 4 5; do
		deep+=/$long
		mkdir -p "$deep/deep" && echo "level $level" >"$deep/deep/f"
	done
	steps <<<"- {template: $T/source, to: $T/there}"
	assert_success
	deep=$T/there
	for level in 1 2 3 4 5; do
		deep+=/$long
		assert_content "$deep/deep/f" <<<"level $level"
	done
	ln -s f "${deep/there/source}/deep/link"
	steps <<<"- {template: $T/source, to: $T/there}"
	assert_refused 111 'a link whose path is too long'
}

@test "template: links that somebody planted, and wrong input" {
	echo '${A}' >"$T/in"
	echo safe >"$T/outside"
	as_app ln -s "$T/outside" "$T/data/link"
	ln "$T/outside" "$T/data/hard"
	steps <<-END
		- template: $T/in
		  to: $T/data/link
	END
	assert_refused 111 "$T/data/link"
	for name in link hard; do
		steps <<-END
			- template: $T/data/$name
			  to: $T/out
		END
		assert_refused 111 "$T/data/$name"
	done
	assert_content "$T/outside" <<<safe
	steps <<-END
		- template: $T/in
		- template: $T/in
		  to: relative
		- template: $T/in
		  to: $T/in
	END
	assert_refused 100 ':6:' ':8:' ':10:'
	steps <<-END
		- template: $T/in
		  to: $T/
		  suffix: .template
	END
	assert_refused 111 "$T/in" .template
}

@test "template: a read-only file system, a missing capability" {
	in_image
	echo 1 >"$IMAGE/in"
	echo 1 >"$IMAGE/right"
	steps --image --read-only <<-END
		- template: /in
		  to: /right
		- template: /in
		  to: /out
	END
	assert_refused 111 /out 'Read-only file system'
	assert_trace '"/in": 0 changed, 1 already right'
	steps --image --with --without --with chown <<-END
		- template: /in
		  to: /out
		  owner: workload
	END
	assert_refused 111 /out CAP_CHOWN
}

# --- sysctl

# networked [COMMAND ...]: as steps, in a network namespace of its own, whose sysctls nobody else sees.
networked() {
	{
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
		cat
	} >"$T/capshim.yaml"
	observe timeout 20 unshare --net --mount bash -c \
		"$1"' && "$@" && echo "port=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"' - "${@:2}" \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" 3>&-
}

@test "sysctl: sets a value, in both spellings, and leaves what is right" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 80, net/ipv4/tcp_rmem: "4096 131072 6291456"}
		- sysctl: {net/ipv4/ip_unprivileged_port_start: 80, net.ipv4.tcp_rmem: "4096  131072	6291456 "}
		- sysctl: {net.ipv4.conf.lo.forwarding: 1}
	END
	assert_success
	assert_line port=80
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 2 already right'
}

@test "sysctl: at least never lowers" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">=2000"}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">= 80"}
	END
	assert_success
	assert_line port=2000
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 1 already right'
}

@test "sysctl: already so is success on a read-only /proc/sys, and the way out is named otherwise" {
	local readonly='mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys'
	networked "$readonly" <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 1024}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">=80"}
	END
	assert_success
	networked "$readonly" <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 80}
	END
	assert_refused 111 net.ipv4.ip_unprivileged_port_start 'Read-only' '--sysctl'
}

@test "sysctl: a missing capability, a missing key, a value that the kernel refuses" {
	# One of those that uid 0 alone may not change; and never done, whatever this machine has.
	networked true "$START" --without sys_admin -- <<-END
		- sysctl: {kernel.dmesg_restrict: $((1 - $(</proc/sys/kernel/dmesg_restrict)))}
	END
	assert_refused 111 kernel.dmesg_restrict CAP_SYS_ADMIN
	networked true <<-END
		- sysctl: {net.ipv4.no_such_key: 80}
	END
	assert_refused 111 net.ipv4.no_such_key 'No such file'
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 70000}
	END
	assert_refused 111 net.ipv4.ip_unprivileged_port_start 'Invalid argument'
}

@test "sysctl: keys that leave /proc/sys, empty ones, values that are no number are errors before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- sysctl: {kernel/../../1/oom_score_adj: 5}
		- sysctl: {kernel..domainname: 5}
		- sysctl: {/kernel.domainname: 5}
		- sysctl: {kernel.domainname: ''}
		- sysctl: {kernel.domainname: '>=x'}
		- sysctl: kernel.domainname=5
	END
	assert_refused 100 ':8:' ':9:' ':10:' ':11:' ':12:' ':13:'
	assert [ ! -e "$T/one" ]
}

@test "sysctl: without /proc, and on something else in its place" {
	in_image
	steps --image --no-proc <<-END
		- sysctl: {kernel.domainname: x}
	END
	assert_refused 111 kernel.domainname
	mkdir -p "$IMAGE/proc/sys/kernel"
	echo x >"$IMAGE/proc/sys/kernel/domainname"
	steps --image --no-proc <<-END
		- sysctl: {kernel.domainname: x}
	END
	assert_refused 111 kernel.domainname procfs
}

# --- mount

@test "mount: a tmpfs with options, and again" {
	in_image
	mkdir "$IMAGE/mnt"
	steps --image <<-END
		- mount: /mnt
		  type: tmpfs
		  options: [nosuid, "nodev,noexec", mode=0710, size=64k]
		- write: /mnt/inside
		  content: x
		- mount: /mnt
		  type: tmpfs
		  options: [nosuid, ro]
		- write: /mnt/inside
		  content: x
		- write: /mnt/other
		  content: x
		  on_error: warn
	END
	assert_unprivileged 1234
	assert_line --regexp 'yaml:9: write .*: 1 changed'
	assert_line --regexp 'yaml:11: mount .*: 0 changed, 1 already right'
	assert_line --regexp 'yaml:14: write .*: 0 changed, 1 already right'
	assert_output --partial 'cannot write "/mnt/other": Read-only file system'
	assert_equal "$(ls -A "$IMAGE/mnt")" ''
}

@test "mount: bind mounts of a directory and of a file, read-only ones, and again" {
	in_image
	mkdir "$IMAGE/mnt" "$IMAGE/source"
	echo x >"$IMAGE/source/file"
	touch "$IMAGE/file"
	for options in rw ro; do
		steps --image <<-END
			- mount: /mnt
			  type: bind
			  source: /source
			  options: $options
			- mount: /file
			  options: [bind, $options]
			  source: /source/file
			- mount: [/mnt, /mnt]
			  type: bind
			  source: /source
			- write: /mnt/$options
			  content: x
			  on_error: warn
			- write: /file
			  content: $options
			  on_error: warn
		END
		assert_success
		assert_line --regexp 'yaml:13: mount .*: 0 changed, 2 already right'
	done
	assert [ -e "$IMAGE/source/rw" ]
	assert [ ! -e "$IMAGE/source/ro" ]
	printf rw | assert_content "$IMAGE/source/file"
	assert_stat %s 0 "$IMAGE/file"
}

@test "mount: needs no /proc for a file system, and can bring it" {
	in_image
	steps --image --no-proc <<-END
		- mount: /proc
		  type: proc
		- mount: /proc
		  type: proc
		- run: [/probe]
		  when: {exists: /proc/version, mountpoint: /proc}
	END
	assert_success
	assert_line --regexp 'yaml:8: mount .*: 0 changed, 1 already right'
	assert_line --regexp 'yaml:10: run .*: 1 changed'
	steps --image --no-proc <<-END
		- mount: /data
		  type: bind
		  source: /etc
	END
	assert_refused 111 /data /proc
}

@test "mount: the working directory of the workload is what it was" {
	in_image
	steps --image <<-END
		- mount: /tmp
		  type: tmpfs
	END
	assert_success
	assert_probe cwd /
}

@test "mount: a missing capability, a file system that does not exist, links that somebody planted" {
	in_image
	mkdir "$IMAGE/mnt"
	steps --image --start docker <<-END
		- mount: /mnt
		  type: tmpfs
	END
	assert_refused 111 /mnt CAP_SYS_ADMIN
	steps --image <<-END
		- mount: /mnt
		  type: nosuchfs
	END
	assert_refused 111 /mnt nosuchfs
	as_app ln -s /etc "$IMAGE/data/link"
	steps --image <<-END
		- mount: /data/link
		  type: tmpfs
	END
	assert_refused 111 /data/link
	steps --image <<-END
		- mount: /mnt
		  type: bind
		  source: /data/link
	END
	assert_refused 111 /data/link
}

@test "mount: wrong input is an error before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- mount: $T/data
		- mount: $T/data
		  type: bind
		- mount: $T/data
		  type: bind
		  source: /etc
		  options: size=1
		- mount: $T/data
		  type: tmpfs
		  options: bind
		  source: /etc
	END
	assert_refused 100 ':8:' ':9:' ':11:' ':16:'
	assert [ ! -e "$T/one" ]
}

# --- wait_for

# listen SECONDS: a server on a port of the loopback interface that it writes to $T/port, but listens only after that
# time; until then the port is bound and refuses.
listen() {
	background perl -MSocket -e '
		socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or die;
		open(F, ">", "$ARGV[0].new"); print F (sockaddr_in(getsockname(S)))[0]; close(F);
		rename("$ARGV[0].new", $ARGV[0]); sleep $ARGV[1]; listen(S, 5); sleep 60' "$T/port" "$1"
	wait_until 10 test -e "$T/port"
}

@test "wait_for: a server that is there, one that comes, and none" {
	listen 1
	steps <<-END
		- wait_for: tcp://127.0.0.1:$(<"$T/port")
		- wait_for: tcp://localhost:$(<"$T/port")
		  timeout: 5
	END
	assert_success
	steps <<-END
		- wait_for: ["tcp://127.0.0.1:$(<"$T/port")", "tcp://[::1]:1"]
		  timeout: 1
	END
	assert_refused 111 '[::1]:1' 'Connection refused'
}

@test "wait_for: a socket and a path that come, also one with content" {
	background perl -MIO::Socket::UNIX -e 'sleep 1; $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1); sleep 60' \
		"$T/data/socket"
	background bash -c 'touch "$1"; sleep 1; mkdir "$1.d"; echo x >>"$1"' - "$T/data/path"
	steps <<-END
		- wait_for: unix://$T/data/socket
		- wait_for: [$T/data/path, $T/data/path.d]
		- wait_for: $T/data/path
		  nonempty: true
	END
	assert_success
	steps <<-END
		- wait_for: $T/data/path.d
		  nonempty: true
		  timeout: 1
	END
	assert_refused 111 "$T/data/path.d"
	steps <<-END
		- wait_for: unix://$T/data/path
		  timeout: 1
	END
	assert_refused 111 "$T/data/path" 'Connection refused'
}

@test "wait_for: a path behind a link that somebody planted is not there" {
	as_app ln -s /etc/passwd "$T/data/link"
	steps <<-END
		- wait_for: $T/data/link
		  timeout: 1
	END
	assert_refused 111 "$T/data/link"
}

# name_server ADDRESS: answers on port 53 of that address: NXDOMAIN, and for db.search.test an alias and 127.0.0.1.
name_server() {
	background perl -MSocket -e '
		socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, inet_aton($ARGV[0]))) or die;
		open(F, ">", $ARGV[1]); close(F);
		while (my $from = recv(S, my $q, 512, 0)) {
			my $yes = $q =~ /\x02db\x06search\x04test\0\0\x01/;
			my $head = substr($q, 0, 2) . ($yes ? "\x81\x80" : "\x81\x83") . pack("nnnn", 1, $yes ? 2 : 0, 0, 0);
			my $answer = $yes ? "\xc0\x0c" . pack("nnNn", 5, 1, 60, 4) . "\x01x\xc0\x0c"
				. "\xc0\x2a" . pack("nnNn", 1, 1, 60, 4) . "\x7f\0\0\x01" : "";
			send(S, $head . substr($q, 12) . $answer, 0, $from);
		}' "$1" "$T/names"
	wait_until 10 test -e "$T/names"
}

@test "wait_for: names from the hosts file, and from a name server with its search list" {
	in_image
	listen 0
	name_server 127.0.0.77
	printf '# comment\n::2 other\n127.0.0.1 wrong Server other # server2\n' >"$IMAGE/etc/hosts"
	printf 'search nowhere.test search.test\nnameserver 127.0.0.77\noptions ndots:5\n' >"$IMAGE/etc/resolv.conf"
	steps --image --no-proc <<-END
		- wait_for: [tcp://server:$(<"$T/port"), tcp://db:$(<"$T/port"), tcp://db.search.test:$(<"$T/port")]
		  timeout: 10
	END
	assert_success
	steps --image --no-proc <<-END
		- wait_for: tcp://server2:$(<"$T/port")
		  timeout: 1
	END
	assert_refused 111 server2
}

@test "wait_for: wrong input is an error before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- wait_for: localhost:80
		- wait_for: tcp://localhost
		- wait_for: tcp://localhost:65536
		- wait_for: tcp://localhost:080000
		- wait_for: tcp://::1:80
		- wait_for: tcp://[::1:80
		- wait_for: unix://relative
		- wait_for: unix:///$(printf 'x%.0s' {1..120})
		- wait_for: tcp://localhost:80
		  nonempty: true
		- wait_for: /path
		  timeout: never
	END
	assert_refused 100 ':8:' ':9:' ':10:' ':11:' ':12:' ':13:' ':14:' ':15:' ':16:' ':19:'
	assert [ ! -e "$T/one" ]
}
