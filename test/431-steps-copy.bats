#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# copy, and what may be read as root.

load helpers
load lie
load content

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
		assert_output --partial 'entries passed over that are neither files, links nor directories: 1'
		assert [ ! -e "$T/there/fifo" ]
		refute_leftovers "$T"
	done
	assert_trace '0 changed, 4 already right'
}

@test "copy: an existing file stays with keep, and is replaced otherwise; directories keep their owner" {
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
	timeout -k 5 100 strace -f -o "$T/strace" -e trace=pwrite64 -e inject=pwrite64:delay_exit=1000000 \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" >"$T/output" 2>&1 3>&- &
	local strace=$! status=0
	wait_until test -s "$T/data/one"
	kill -TERM "$(pgrep -P "$(pgrep -P $strace)")"
	wait $strace || status=$?
	assert_equal "$status" 143
	assert_equal "$(find "$T/data" -name '.capshim*')" "$T/data/.capshim-seeding"
	assert [ ! -e "$T/data/one" ]
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

@test "copy: links planted in the destination lead nowhere" {
	make_source
	mkdir -p "$T/outside/deep"
	echo safe >"$T/outside/one"
	as_app ln -s "$T/outside" "$T/data/sub"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
	END
	assert_refused 111 "$T/data/sub"
	rm "$T/data/sub" "$T/data/one"
	as_app ln -s "$T/outside/one" "$T/data/one"
	as_app ln -s "$T/outside" "$T/data/top"
	steps <<-END
		- copy: $T/source
		  to: $T/data
		  recursive: true
	END
	assert_refused 111 "$T/data/one" 'a regular file'
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

@test "copy: the error names as whom a file of a tree could not be read, which is not as whom it is written" {
	mkdir "$T/source" && echo x >"$T/source/f" && chmod 0600 "$T/source/f" && chown 2345 "$T/source/f"
	steps --with --bounding --with chown,setgid,setuid,setpcap <<<"- {copy: $T/source, to: $T/data/new, recursive: true}"
	assert_refused 111 "$T/source/f\": Permission denied (needs CAP_DAC_OVERRIDE"
	mv "$T/source/f" "$T/data/f"
	steps <<<"- {copy: $T/data, to: $T/there, recursive: true}"
	assert_refused 111 "$T/data/f\": Permission denied (as uid 1234"
}

@test "copy: files planted in the source are not read" {
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
	assert_refused 111 "$T/data/hard\": Permission denied (as uid 1234"
	steps <<-END
		- copy: $T/data
		  to: $T/there
		  recursive: true
		  owner: workload
		  on_error: warn
	END
	assert_success
	assert_output --partial 'Permission denied (as uid 1234'
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

@test "copy: a planted link does not become root's, and leads no later step anywhere" {
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
			assert_output --partial 'symbolic links that others than root could have made, which keep their owner so that no step follows them: 2'
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

@test "chown recursive to root: another user's link keeps its owner, and leads no later step anywhere" {
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
	for step in "copy: $T/data/pw" "template: $T/data/pw, variables: [A]"; do
		steps <<<"- {$step, to: $T/got, owner: workload}"
		assert_refused 111 "$T/data/pw" 'as uid 1234'
	done
	steps <<<"- {copy: $T/data, to: $T/got, recursive: true, owner: workload}"
	assert_refused 111 "$T/data/pw" 'as uid 1234'
	steps <<<"- {write: $T/data/pw, content: x, if_exists: append_missing, owner: workload}"
	assert_refused 111 "$T/data/pw" 'as uid 1234'
	chmod 0640 "$T/data/pw" && chown 0:2000 "$T/data/pw"
	steps <<<"- {copy: $T/data/pw, to: $T/got, owner: workload}"
	assert_refused 111 'as uid 1234'
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

# exchange ONE OTHER: gives each the other's place, as soon as there is one.
exchange() {
	timeout 60 python3 -c 'import ctypes, os, sys, time
while not os.path.isdir(sys.argv[1]):
    time.sleep(0.01)
sys.exit(ctypes.CDLL(None).syscall(316, -100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2))' "$1" "$2"
}

@test "mkdir and copy: a directory put in the place of one just made is not taken for it" {
	local step
	mkdir -m 0700 "$T/data/private" "$T/source" "$T/source/sub" && echo key | tee "$T/data/private/key" >"$T/source/sub/key"
	for step in "mkdir: $T/data/sub, owner: workload" "copy: $T/source, to: $T/data, recursive: true, owner: workload"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
		{
			timeout 60 strace -f -qq -o /dev/null -e trace=mkdirat -e inject=mkdirat:delay_exit=3000000 \
				"$CAPSHIM" -c "$T/capshim.yaml" && :
			echo "status $?"
		} >"$T/said" 2>&1 3>&- &
		exchange "$T/data/sub" "$T/data/private"
		wait_until grep -q '^status' "$T/said"
		run cat "$T/said"
		assert_line 'status 111'
		assert_output --regexp "sub(/key)?\": (it belongs to uid 0|.*as uid 1234)"
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
	# The side that cannot be written is named, down to the entry.
	mkdir -p "$IMAGE/from/sub" "$IMAGE/to"
	echo 1 >"$IMAGE/from/sub/file"
	steps --image --read-only <<<'- {copy: /from/, to: /to/, recursive: true}'
	assert_refused 111 '"/to/sub"' 'Read-only file system'
	mkdir "$IMAGE/to/sub"
	steps --image --read-only <<<'- {copy: /from, to: /to, recursive: true}'
	assert_refused 111 '"/to/sub/file"' 'Read-only file system'
	steps --image --read-only <<<'- {copy: /from/sub/file, to: /to/}'
	assert_refused 111 '"/to/file"' 'Read-only file system'
}

@test "copy: into itself, through root's link or a bind mount, is refused before it grows" {
	mkdir -p "$T/from/sub" "$T/bound" && echo x >"$T/from/sub/file" && ln -s from/sub "$T/into"
	steps <<<"- {copy: $T/from, to: $T/into, recursive: true}"
	assert_refused 111 "$T/from/sub" 'the directory that is written to'
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $T/from, to: $T/bound, recursive: true}" \
		>"$T/capshim.yaml"
	observe timeout 20 unshare --mount bash -c "mount --bind $T/from/sub $T/bound && $CAPSHIM -c $T/capshim.yaml"
	assert_refused 111 "$T/from/sub" 'the directory that is written to'
	assert_equal "$(find "$T/from" | wc -l)" 3
}

@test "copy: what is no file is not opened where a file should be" {
	mkdir "$T/from" "$T/to" && echo x | tee "$T/from/file" "$T/from/fifo" >"$T/to/file" && mkfifo -m 0644 "$T/to/fifo"
	printf 'user: 1234:1234\ncommand: none\nsetup:\n- {copy: %s, to: %s, recursive: true}\n' \
		"$T/from" "$T/to" >"$T/capshim.yaml"
	observe strace -qq -o "$T/calls" -e trace=openat "$CAPSHIM" -c "$T/capshim.yaml"
	assert_refused 111 "$T/to/fifo" 'must be a regular file'
	run grep -c '"fifo", O_RDONLY|O_NOCTTY' "$T/calls" # the source: nothing else asks for what can be read
	assert_output 1
}

@test "copy: how far it is, every five seconds, also inside of one large file" {
	head -c 9000000 /dev/urandom >"$T/large"
	printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\nsetup:\n- {copy: %s, to: %s, sync: false}\n' \
		"$T/large" "$T/copied" >"$T/capshim.yaml"
	run timeout 60 strace -qq -o /dev/null -e trace=pwrite64 -e inject=pwrite64:delay_enter=22000 \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
	assert_success
	assert_line --regexp "^capshim: copy \"$T/large\": 0 changed, 0 already right, after [5-9] s, now at \"$T/copied\", 8 MiB of it\$"
	cmp "$T/large" "$T/copied"
}

@test "copy: the list that --explain prints is enough for links of others in a tree" {
	local user
	chown 0:0 "$T/data" && chmod 0777 "$T/data" && mkdir "$T/out"
	as_app sh -c "mkdir '$T/data/in' && ln -s x '$T/data/in/link'"
	for user in '0:0' '1234:1234'; do
		printf '%s\n' "user: '$user'" 'allow_root: true' 'command: none' \
			"setup: [{copy: $T/data/in, to: $T/data/out, recursive: true}]" >"$T/capshim.yaml"
		[ "$user" = 0:0 ] || sed -i "/allow_root/d; s|$T/data/out|$T/out|" "$T/capshim.yaml"
		run "$CAPSHIM" --explain -c "$T/capshim.yaml"
		local least
		least=$(grep -oE '^  CAP_[A-Z]+' <<<"$output" | sed 's/  CAP_/+/' | tr 'A-Z\n' 'a-z,')
		observe setpriv --inh-caps=-all --bounding-set="-all,$least+setpcap" "$CAPSHIM" -c "$T/capshim.yaml"
		assert_success
	done
	assert_equal "$(stat -c '%u' "$T/data/out/link" "$T/out/link" | xargs)" '1234 1234'
}
