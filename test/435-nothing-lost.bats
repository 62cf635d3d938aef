#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# Two containers on one volume, runs that are killed, disks that are full: nothing is lost, and the next start repairs.

load helpers
load content

# config NAME: the steps on standard input, in $T/NAME.yaml.
config() {
	{
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
		cat
	} >"$T/$1.yaml"
}

seed() {
	mkdir -p "$T/source/sub"
	for name in a b c sub/d; do echo "image $name" >"$T/source/$name"; done
	ln -s a "$T/source/link"
	config seed <<-END
		  - {copy: $T/source, to: $T/data, recursive: true, only_if_empty: true, owner: workload $1}
	END
}

# start NAME [WORD ...]: a container in the background, under strace(1) with these words; what it says goes to $T/NAME.log,
# with "status N" at the end.
start() {
	local name=$1
	shift
	: >"$T/$name.log" # of the one before: ended() reads it at once
	{
		timeout 100 strace -qq -o /dev/null "$@" "$CAPSHIM" -c "$T/seed.yaml" -- "$PROBE" && :
		echo "status $?"
	} >>"$T/$name.log" 2>&1 3>&- &
}

# A run that waits before it writes each file, whose name is there already.
slow() {
	start "$1" -e trace=pwrite64 -e "inject=pwrite64:delay_enter=$2"
}

pid_of_run() {
	pgrep -f "^$CAPSHIM -c $T/seed.yaml" | head -n 1
}

ended() {
	wait_until grep -q '^status' "$T/$1.log"
	run cat "$T/$1.log"
	assert_line "status $2"
}

assert_seeded() {
	diff -r "$T/source" "$T/data" || fail 'the seed is not complete'
	refute_leftovers "$T/data"
}

@test "seed: a second container waits for the first, and then starts with all of it" {
	seed
	slow first 700000
	wait_until test -e "$T/data/a"
	steps_again
	assert_success
	assert_output --partial "waiting for another run that fills \"$T/data\""
	assert_trace '0 changed, 1 already right'
	assert_seeded
	ended first 0
}

# The second container: the same config.
steps_again() {
	capshim_run --config "$T/seed.yaml" -- -- "$PROBE"
}

@test "seed: the lock dies with its process, also one that is stopped, and the next completes it" {
	local pid

	seed
	slow first 700000
	wait_until test -e "$T/data/a"
	pid=$(pid_of_run)
	kill -STOP "$pid"
	{
		steps_again
		echo "$output" >"$T/second.log"
		echo "status $status" >>"$T/second.log"
	} 3>&- &
	sleep 1
	assert [ ! -e "$T/second.log" ]
	kill -KILL "$pid"
	ended second 0
	assert_line --regexp '^uid=1234'
	assert_seeded
}

@test "seed: files that another container's workload edited, added or linked stay, even without the marker" {
	seed
	slow first 1000000
	wait_until test -e "$T/data/a"
	# The second takes it for full, and its workload begins.
	as_app rm "$T/data/.capshim-seeding"
	steps_again
	assert_success
	assert_trace '0 changed, 1 already right'
	as_app bash -c 'for name in a b c sub/d link; do rm -f "$0/$name"; mkdir -p "$0/sub"; echo mine >"$0/$name"; done' "$T/data"
	ended first 0
	for name in a b c sub/d link; do assert_content "$T/data/$name" <<<mine; done
	refute_leftovers "$T/data"
}

@test "seed: an interrupted one is completed, and existing files stay" {
	seed
	start first -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=3
	ended first 137
	assert_equal "$(cat "$T/data/.capshim-seeding")" ''
	as_app bash -c 'for name in "$0"/* "$0"/sub/*; do [ ! -f "$name" ] || [ ! -s "$name" ] || echo mine >"$name"; done' "$T/data"
	steps_again
	assert_success
	assert_equal "$(grep -rl mine "$T/data" | wc -l)" 2
	assert_equal "$(grep -rl image "$T/data" | wc -l)" 2
	assert_equal "$(find "$T/data" ! -type d | wc -l)" 5
	refute_leftovers "$T/data"
	steps_again
	assert_trace '0 changed, 1 already right'
}

@test "seed: after a power cut a file that is shorter than it was written is written again, and nothing else" {
	seed
	start first -e trace=unlinkat -e inject=unlinkat:signal=KILL
	ended first 137
	assert [ -s "$T/data/.capshim-seeding" ]
	: >"$T/data/a"
	printf imag >"$T/data/b"
	printf mine >"$T/data/c"
	rm "$T/data/sub/d"
	ln "$T/data/a" "$T/linked"
	steps_again
	assert_success
	assert_equal "$(cat "$T/data/b" "$T/data/c" "$T/data/sub/d")" $'image b\nmineimage sub/d'
	assert_equal "$(cat "$T/data/a")" '' # it has another name, so somebody else was at it
	refute_leftovers "$T/data"
	: >"$T/data/b"
	steps_again
	assert_trace '0 changed, 1 already right'
	assert_equal "$(cat "$T/data/b")" ''
}

@test "seed: after a power cut a file with zeros in it is written again, and one that somebody has edited stays" {
	seed
	head -c 100000 /dev/urandom | tee "$T/source/a" "$T/source/b" >"$T/source/c"
	start first -e trace=unlinkat -e inject=unlinkat:signal=KILL
	ended first 137
	dd if=/dev/zero of="$T/data/a" bs=4096 seek=9 count=2 conv=notrunc status=none
	truncate -s 0 "$T/data/b" && truncate -s 100000 "$T/data/b"
	cp "$T/data/a" "$T/data/c" && as_app bash -c 'printf mine | dd of="$0/c" bs=1 seek=90000 conv=notrunc status=none' "$T/data"
	steps_again
	assert_success
	cmp "$T/source/a" "$T/data/a"
	cmp "$T/source/b" "$T/data/b"
	grep -q mine "$T/data/c"
	refute_leftovers "$T/data"
}

# A source whose only file takes several writes.
big() {
	mkdir -p "$T/source" "$T/roots" && head -c 1000000 /dev/zero | tr '\0' x >"$T/source/big" && chmod 0600 "$T/source/big"
}

@test "seed: an interrupted one is completed in root's directory by the least list, which reads files as their owner" {
	big
	config seed <<<"  - {copy: $T/source, to: $T/roots, recursive: true, only_if_empty: true, owner: \"1000:1000\"}"
	echo >"$T/roots/.capshim-seeding"
	install -m 0600 -o 1000 -g 1000 /dev/null "$T/roots/big"
	capshim_run --with --bounding --with chown,setuid,setgid,setpcap --config "$T/seed.yaml" -- "$PROBE"
	assert_success
	cmp "$T/source/big" "$T/roots/big"
	assert_equal "$(stat -c '%u:%g %a' "$T/roots/big") $(ls -A "$T/roots")" '1000:1000 600 big'
}

@test "seed: an interrupted one whose files their owner may not read is not called complete before it is" {
	big
	config seed <<<"  - {copy: $T/source, to: $T/data, recursive: true, only_if_empty: true, mode: \"0200\"}"
	echo >"$T/data/.capshim-seeding"
	head -c 100 "$T/source/big" >"$T/data/big" && chmod 0200 "$T/data/big" && chown 1234:1234 "$T/data/"{big,.capshim-seeding}
	steps_again
	assert_failure 111
	assert [ -s "$T/data/.capshim-seeding" ]
	rm "$T/data/"{big,.capshim-seeding}
	# It has its name when it is complete: the next start could not look into it.
	start first -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=3
	ended first 137
	assert [ ! -e "$T/data/big" ]
	start second -e trace=unlinkat -e inject=unlinkat:signal=KILL:when=2
	ended second 137
	steps_again
	assert_success
	cmp "$T/source/big" "$T/data/big"
	assert_equal "$(ls -A "$T/data")" big
}

@test "seed: an interrupted one of root's own files on the workload's volume is completed, though they are not read there" {
	seed
	chmod 0600 "$T/source/"*
	sed -i 's/owner: workload/owner: root/' "$T/seed.yaml"
	start first -e trace=renameat2 -e inject=renameat2:signal=KILL:when=3
	ended first 137
	assert [ "$(find "$T/data" -maxdepth 1 -user root -perm 0600 -name '[abc]')" ]
	steps_again
	assert_success
	assert_seeded
}

@test "seed: a marker that nobody has sealed, or that is another user's, seeds nothing" {
	seed
	echo mine >"$T/data/mine"
	as_app touch "$T/data/.capshim-seeding"
	steps_again
	assert_success
	assert [ ! -e "$T/data/a" ]
	echo >"$T/data/.capshim-seeding"
	chown 7 "$T/data/.capshim-seeding"
	steps_again
	assert_success
	assert [ ! -e "$T/data/a" ]
}

# on_small COMMAND: with $T/small on a file system of 1 MB, which ends with the command.
on_small() {
	run timeout 60 unshare -m bash -c 'mount -t tmpfs -o size=1m,mode=0755 none "$0/small" && eval "$1"' "$T" "$1"
}

@test "seed: on a full disk on_error: warn keeps the marker, and the next start completes it" {
	mkdir "$T/small"
	seed ', on_error: warn'
	sed -i "s|$T/data|$T/small/data|" "$T/seed.yaml"
	head -c 200000 /dev/zero | tr '\0' x >"$T/source/b"
	on_small 'head -c 950000 /dev/zero >$0/small/filler; run() { '"$CAPSHIM"' -c $0/seed.yaml -- true; }
		run; ls -A $0/small/data; rm $0/small/filler; run; ls -A $0/small/data; diff -r $0/source $0/small/data'
	assert_success
	assert_output --partial 'No space left on device'
	assert_equal "$(grep -c seeding <<<"$output")" 1
}

# A file of 40,000 lines, bound over itself on a full disk.
bound() {
	mkdir "$T/small"
	seq 40000 >"$T/lines"
	config seed <<<"  - {copy: $T/new, to: $T/small/lines $1}"
	on_small 'cp $0/lines $0/small/lines && mount --bind $0/small/lines $0/small/lines
		head -c 2000000 /dev/zero >$0/small/filler 2>/dev/null; '"$2 $CAPSHIM"' -c $0/seed.yaml -- true; echo "status $?"
		cmp $0/small/lines '"$3"' && echo same' 2>&1
}

@test "in place: on a full disk the 40,000 lines stay, and with room they are replaced" {
	seq 50000 >"$T/new"
	bound '' '' '$0/lines'
	assert_line 'status 111'
	assert_output --partial 'No space left on device'
	assert_line same
	rmdir "$T/small"
	bound '' 'rm $0/small/filler;' '$0/new'
	assert_line 'status 0'
	assert_line same
}

@test "in place: what fails half-way leaves the old content, also where no space can be reserved" {
	local call

	tr 0-9 a-j <<<"$(seq 40000)" >"$T/new"
	for call in pwrite64:error=EIO:when=3 'fallocate:error=EOPNOTSUPP -e inject=pwrite64:error=ENOSPC:when=2' \
		fallocate:error=EDQUOT ftruncate:error=EIO:when=1; do
		bound '' "rm \$0/small/filler; strace -qq -o /dev/null -e trace=pwrite64,fallocate,ftruncate -e inject=$call" \
			'$0/lines'
		assert_line 'status 111'
		assert_line same
		rmdir "$T/small"
	done
}

@test "in place: only where the name is a mount point" {
	echo old >"$T/data/file"
	config seed <<<"  - {write: $T/data/file, content: new}"
	for error in EPERM ENOSPC EXDEV EACCES; do
		start first -e trace=renameat -e inject=renameat:error=$error
		ended first 111
		assert_content "$T/data/file" <<<old
		refute_leftovers "$T/data"
	done
}

@test "what a killed run left under another name, with a secret, goes with the next start" {
	config seed <<-END
		  - {write: $T/data/secret, content: key, owner: root, mode: 0600}
		  - {symlink: $T/data/link, target: new, force: true}
		  - {copy: $T/source, to: $T/data/tree, recursive: true, owner: workload}
	END
	ln -s old "$T/data/link"
	mkdir "$T/source" && ln -s x "$T/source/link"
	local when
	for when in 1 2 3; do
		start first -e trace=renameat -e inject=renameat:signal=KILL:when="$when"
		ended first 137
		assert_equal "$(find "$T/data" -name '.capshim-*' | wc -l)" 1
		# Somebody else was faster: the name is right, and what was left goes all the same.
		[ "$when" != 1 ] || { printf key >"$T/data/secret" && chmod 0600 "$T/data/secret"; }
		steps_again
		assert_success
		refute_leftovers "$T/data"
		rm -rf "$T/data/tree" "$T/data/secret" "$T/data/link"
		ln -s old "$T/data/link"
	done
}

@test "two runs that write one file: both succeed, and neither takes the other's for one that was left" {
	config seed <<-END
		  - {write: $T/data/file, content: "$(seq -s ' ' 20000)", owner: root, mode: 0600}
		  - {symlink: $T/data/link, target: new, force: true}
	END
	ln -s old "$T/data/link"
	for delay in pwrite64:delay_enter fchown:delay_exit renameat:delay_enter symlinkat:delay_exit; do
		start first -e "trace=${delay%:*}" -e "inject=$delay=1000000"
		wait_until compgen -G "$T/data/.capshim-*"
		steps_again
		assert_success
		ended first 0
		assert_equal "$(wc -w <"$T/data/file") $(stat -c '%u %a' "$T/data/file") $(readlink "$T/data/link")" '20000 0 600 new'
		refute_leftovers "$T/data"
		rm "$T/data/file"
		ln -sfn old "$T/data/link"
	done
}

@test "what others put under the other name is not read, followed or waited for" {
	local name

	echo safe >"$T/outside" && chmod 0600 "$T/outside"
	config seed <<<"  - {write: $T/data/file, content: new}"
	start first -e trace=renameat -e inject=renameat:signal=KILL
	ended first 137
	name=$(compgen -G "$T/data/.capshim-*")
	for plant in "ln -s $T/outside" mkfifo mkdir 'ln -s /dev/zero'; do
		as_app rm -rf "$name"
		# shellcheck disable=SC2086 # words
		as_app $plant "$name"
		steps_again
		assert_success
		assert_equal "$(cat "$T/data/file")" new
		rm "$T/data/file"
	done
	assert_content "$T/outside" <<<safe
	# Nor one that somebody holds locked.
	as_app rm -rf "$name"
	as_app touch "$name"
	background flock "$name" sleep 20
	wait_until bash -c '! flock -n "$0" true' "$name"
	steps_again
	assert_success
	assert_equal "$(cat "$T/data/file")" new
}

# synced CALLS: what the steps in $T/seed.yaml write, wait for and put in place, in this order.
synced() {
	observe timeout 60 strace -qq -o "$T/strace" -e trace=write,pwrite64,fdatasync,syncfs,sync,renameat,renameat2,unlinkat \
		"$CAPSHIM" -c "$T/seed.yaml" -- "$PROBE"
	assert_success
	# An instrumented capshim marks its start by a "." of its own.
	run bash -c 'grep -vE "^write\(([0-2],|[0-9]+, \"\.\", 1\))" "$0/strace" | grep -oE "^(write|pwrite64|fdatasync|sync|syncfs|renameat2?|unlinkat)" | xargs' "$T"
	assert_output "$1"
	rm -rf "$T/written" "$T/filled" "$T"/data/*
}

@test "a power cut: the content is on the disk before its name is, or before a tree is done, unless sync: false" {
	mkdir -p "$T/source/sub" && echo a >"$T/source/a" && echo b >"$T/source/sub/b"
	config seed <<-END
		  - {write: $T/written, content: x}
		  - {template: $T/source/a, to: $T/filled}
		  - {copy: $T/source/a, to: $T/data/}
	END
	synced "$(printf 'pwrite64 fdatasync renameat %.0s' 1 2 3 | xargs)"
	sed -i 's/}$/, sync: false}/' "$T/seed.yaml"
	synced "$(printf 'pwrite64 renameat %.0s' 1 2 3 | xargs)"
	config seed <<<"  - {copy: $T/source, to: $T/data/tree, recursive: true}"
	synced 'pwrite64 pwrite64 syncfs'
	config seed <<<"  - {template: $T/source, to: $T/data/tree}"
	synced 'pwrite64 pwrite64 syncfs'
	config seed <<<"  - {copy: $T/source, to: $T/data/tree, recursive: true, sync: false}"
	synced 'pwrite64 pwrite64'
	# The next start looks into what is there, but not into what it keeps.
	config seed <<<"  - {copy: $T/source, to: $T/data/tree, recursive: true, if_exists: keep}"
	synced 'pwrite64 fdatasync renameat2 pwrite64 fdatasync renameat2'
	# A seed is one before anything of it is there, and none when all of it is.
	config seed <<<"  - {copy: $T/source, to: $T/data, recursive: true, only_if_empty: true}"
	synced 'write fdatasync pwrite64 pwrite64 syncfs unlinkat'
}

@test "a power cut: what is written in place is waited for as well, unless sync: false" {
	local sync

	seq 50000 >"$T/new"
	for sync in '' ', sync: false'; do
		bound "$sync" "rm \$0/small/filler; strace -qq -o $T/strace -e trace=pwrite64,fdatasync" '$0/new'
		assert_line 'status 0'
		assert_line same
		assert_equal "$(grep -oE '^[a-z]+' "$T/strace" | tail -n 1)" "$([ "$sync" ] && echo pwrite || echo fdatasync)"
		rmdir "$T/small"
	done
}

@test "a power cut: a disk that fails says so, and a file system that cannot wait is fine" {
	config seed <<<"  - {write: $T/data/file, content: new}"
	start first -e trace=fdatasync -e inject=fdatasync:error=EIO
	ended first 111
	refute_leftovers "$T/data"
	start second -e trace=fdatasync -e inject=fdatasync:error=EINVAL
	ended second 0
	assert_equal "$(cat "$T/data/file")" new
	seed
	rm "$T/data/file"
	start third -e trace=syncfs -e inject=syncfs:error=EIO
	ended third 111
	assert_line --regexp 'I/O error|Input/output error'
	assert [ -s "$T/data/.capshim-seeding" ]
	observe timeout 60 strace -qq -o "$T/strace" -e trace=syncfs,sync -e inject=syncfs:error=ENOSYS \
		"$CAPSHIM" -c "$T/seed.yaml" -- "$PROBE"
	assert_success
	assert_seeded
	assert_equal "$(grep -oE '^[a-z]+' "$T/strace" | xargs)" 'syncfs sync'
}

@test "copy: holes are kept, even a huge one, and not read" {
	mkdir "$T/source"
	truncate -s 4T "$T/source/huge"
	truncate -s 64M "$T/source/some"
	echo middle | dd of="$T/source/some" bs=1M seek=32 conv=notrunc status=none
	truncate -s 70M "$T/source/some"
	config seed <<<"  - {copy: $T/source, to: $T/data/to, recursive: true}"
	for _ in 1 2; do
		capshim_run --config "$T/seed.yaml" --timeout 30 -- -- "$PROBE"
		assert_success
		assert_equal "$(stat -c %s "$T/data/to/huge" "$T/data/to/some" | xargs)" '4398046511104 73400320'
		cmp "$T/source/some" "$T/data/to/some"
		assert [ "$(du -sk "$T/data/to" | cut -f 1)" -lt 1024 ]
	done
	assert_trace '0 changed, 2 already right'
	# A hole is no match for what is there.
	echo other | dd of="$T/data/to/some" bs=1M seek=3 conv=notrunc status=none
	steps_again
	cmp "$T/source/some" "$T/data/to/some"
}

@test "copy: a file of the largest size is a hole, and fills no disk" {
	mkdir "$T/from" "$T/to"
	mount -t tmpfs none "$T/from" && mount -t tmpfs -o size=8M none "$T/to"
	truncate -s 9223372036854775807 "$T/from/huge"
	config huge <<<"  - {copy: $T/from/huge, to: $T/to/huge}"
	for _ in 1 2; do
		capshim_run --config "$T/huge.yaml" --timeout 30 -- -- "$PROBE"
		echo "$status $(stat -c '%s %b' "$T/to/huge") $(grep -o '[0-9]* changed, [0-9]* already right' <<<"$output")"
	done >"$T/seen"
	umount "$T/from" "$T/to"
	assert_equal "$(<"$T/seen")" '0 9223372036854775807 0 1 changed, 0 already right
0 9223372036854775807 0 0 changed, 1 already right'
}

# attributes FILE: names and values.
attributes() {
	python3 -c 'import os, sys
print(*[(name, os.getxattr(sys.argv[1], name)) for name in sorted(os.listxattr(sys.argv[1]))])' "$1"
}

# CAP_NET_RAW, effective and permitted, as setcap(8) writes it.
with_capability() {
	python3 -c 'import os, sys
os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))' "$1"
}

@test "copy: preserve keeps the times and the user's attributes of files, and never file capabilities" {
	mkdir "$T/source"
	echo text >"$T/source/file"
	chmod 0755 "$T/source/file"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.mime", b"text/plain")' "$T/source/file"
	with_capability "$T/source/file"
	touch -d '2020-01-02 03:04:05.678' "$T/source/file"
	config seed <<-END
		  - {copy: $T/source, to: $T/data/plain, recursive: true, owner: workload}
		  - {copy: $T/source, to: $T/data/kept, recursive: true, owner: workload, preserve: [times, xattrs]}
		  - {copy: $T/source/file, to: $T/data/one, preserve: times}
	END
	steps_again
	assert_success
	assert_equal "$(attributes "$T/data/plain/file")$(attributes "$T/data/one")" ''
	assert_equal "$(attributes "$T/data/kept/file")" "('user.mime', b'text/plain')"
	for name in kept/file one; do assert_equal "$(stat -c %y "$T/data/$name" | cut -c 1-23)" '2020-01-02 03:04:05.678'; done
	assert [ "$T/data/plain/file" -nt "$T/source/file" ]
	steps_again
	assert_trace '0 changed, 1 already right'
	config seed <<<"  - {copy: $T/source, to: $T/data/plain, recursive: true, preserve: [times, links]}"
	steps_again
	assert_refused 100 '"links" cannot be preserved'
}

@test "chown: tells of file capabilities that are lost, in a tree and by itself, and not of those that stay" {
	mkdir -p "$T/data/tree"
	for name in tree/a tree/b one; do install -m 0755 /dev/null "$T/data/$name" && with_capability "$T/data/$name"; done
	config seed <<<"  - {chown: [$T/data/tree, $T/data/one], owner: workload, recursive: true}"
	steps_again
	assert_success
	assert_output --partial 'files that lost their file capabilities, as always when the owner changes (exclude them, or keep the capabilities by cap_add): 3'
	assert_equal "$(attributes "$T/data/tree/a")" ''
	with_capability "$T/data/one"
	steps_again
	refute_output --partial 'file capabilities'
	assert_equal "$(attributes "$T/data/one" | cut -c 3-21)" security.capability
}

@test "a directory that cannot be read while it is made: the step fails, and the next run completes it" {
	install -d -o 1234 -g 1234 "$T/data"
	config mkdir <<-END
		  - mkdir: $T/data/one
		  - mkdir: $T/data/two/three
	END
	local path
	for path in one two; do
		observe timeout 30 strace -qq -o /dev/null -e trace=getdents64 -e inject=getdents64:error=EIO \
			"$CAPSHIM" -c "$T/mkdir.yaml" -- "$PROBE"
		assert_refused 111 "cannot mkdir \"$T/data/$path"
		install -d -o 1234 -g 1234 -m 0755 "$T/data/one" # for the second path
	done
	observe timeout 30 "$CAPSHIM" -c "$T/mkdir.yaml" -- "$PROBE"
	assert_unprivileged 1234
	assert_equal "$(stat -c %a "$T/data/one" "$T/data/two" "$T/data/two/three" | paste -sd' ')" '755 755 755'
}

@test "copy recursive: a directory that cannot be looked at once keeps its mode, or gets all of the new one" {
	local call log=$T/calls number ran
	mkdir -p "$T/source/"{kept,new}
	chmod 0775 "$T/source/new"
	config copy <<<"  - {copy: $T/source, to: $T/data, recursive: true}"
	for call in getdents64 fstat; do
		ran=0
		for number in {1..90}; do
			rm -rf "$T/data" && install -d "$T/data" && install -d -m 01500 "$T/data/kept" && touch "$T/data/kept/file"
			observe timeout 20 strace -qq -o "$log" -e "trace=$call" -e "inject=$call:error=EIO:when=$number" \
				"$CAPSHIM" -c "$T/copy.yaml" -- "$PROBE"
			grep -q INJECTED "$log" || break
			assert_equal "$call $number: $(stat -c %a "$T/data/kept")" "$call $number: 1500"
			[ "$status" = 0 ] || continue
			ran=$((ran + 1))
			assert_equal "$call $number: $(stat -c %a "$T/data/new")" "$call $number: 775"
		done
		assert [ "$number" -gt 3 ] && assert [ "$number" -lt 90 ]
	done
}

@test "mknod: what another container has just made is not in the way, nor is its removal" {
	config seed <<<"  - {mknod: $T/volume/fifo, type: p, owner: workload}"
	mkdir "$T/volume"
	# The first waits with a node of mode 0. The second takes it for one that is left, removes it, and waits.
	start first -e trace=mknodat -e inject=mknodat:delay_exit=1000000
	wait_until test -p "$T/volume/fifo"
	start second -e trace=unlinkat -e inject=unlinkat:delay_exit=2000000
	ended first 0
	ended second 0
	assert_equal "$(stat -c '%F %u %a' "$T/volume/fifo")" 'fifo 1234 644'
}

@test "mknod: what another container has made and given away meanwhile is right" {
	config seed <<<"  - {mknod: $T/volume/fifo, type: p, owner: 'root:root'}"
	mkdir "$T/volume" && chown 1234:1234 "$T/volume"
	start first -e trace=mknodat -e inject=mknodat:delay_exit=1000000
	wait_until test -p "$T/volume/fifo"
	steps_again
	assert_success
	ended first 0
	assert_equal "$(stat -c '%F %u:%g %a' "$T/volume/fifo")" 'fifo 0:0 644'
}

@test "what a killed run left in root's sticky directory, where it may be root's by then, goes with the next start" {
	config seed <<-END
		  - {write: $T/sticky/new, content: key, owner: root, mode: 0600}
	END
	mkdir "$T/sticky" && chmod 1777 "$T/sticky"
	start first -e trace=renameat -e inject=renameat:signal=KILL:when=1
	ended first 137
	local left
	left=$(find "$T/sticky" -name '.capshim-*')
	assert_equal "$(stat -c '%u %a' "$left")" '0 600'
	printf key >"$T/sticky/new" && chmod 0600 "$T/sticky/new"
	steps_again
	assert_success
	refute_leftovers "$T/sticky"
}
