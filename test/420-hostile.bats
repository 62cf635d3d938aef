#!/usr/bin/env bats
# Volumes that their last user filled with traps: no step changes, reads or creates anything outside the tree, blocks,
# or runs out of descriptors or stack.

load helpers

setup() {
	test_dir
	V=$T/volume # the operand; the user 1234 owns it
	O=$T/outside
	mkdir -p "$V" "$O/dir"
	echo secret >"$O/file"
	echo deeper >"$O/dir/file"
	chmod 0604 "$O/file" "$O/dir/file"
	chmod 0705 "$O" "$O/dir"
	chown 1234:1234 "$V"
	outside >"$T/before"
}

teardown() {
	umount -l "$V" 2>/dev/null || true
}

# What lies outside: names, types, owners, modes, link targets.
outside() {
	find "$O" -printf '%p %y %U %G %m %l\n' | sort
}

assert_untouched() {
	local change

	change=$(diff "$T/before" <(outside)) || fail "something outside was touched:
$change"
}

# as_user COMMAND: by the shell of the volume's owner.
as_user() {
	setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "cd '$V' && $1"
}

# steps: runs the steps on standard input.
steps() {
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		cat
	} >"$T/capshim.yaml"
	capshim_run --config "$T/capshim.yaml"
}

chown_volume() {
	steps <<-END
		  - chown: $V
		    owner: "1234:2000"
		    recursive: true
		  - chmod: $V
		    recursive: true
		    file_mode: 0640
		    dir_mode: 0750
	END
}

# owners PATH ...: "UID:GID MODE" of each.
owners() {
	stat -c '%u:%g %a' "$@"
}

@test "links inside a tree are changed themselves and never followed" {
	as_user "mkdir d && ln -s $O/file f && ln -s $O/dir dir && ln -s ../outside/dir/file d/relative &&
		ln -s nowhere dangling && ln -s loop loop && ln -s .. up && ln -s / root"
	chown_volume
	assert_success
	assert_untouched
	for link in f dir d/relative dangling loop up root; do
		assert_equal "$(owners "$V/$link")" '1234:2000 777'
	done
	assert_equal "$(owners "$V/d")" '1234:2000 750'
}

@test "hard links to files outside are left alone and counted in one line" {
	ln "$O/file" "$V/hard" && ln "$O/dir/file" "$V/other"
	touch "$V/own"
	outside >"$T/before"
	chown_volume
	assert_success
	assert_untouched
	assert_equal "$(owners "$V/own")" '1234:2000 640'
	assert_output --partial "chown \"$V\": files with several names (hard links) that were left alone, because a name may lie elsewhere: 2"
	assert_output --partial "chmod \"$V\": files with several names (hard links) that were left alone, because a name may lie elsewhere: 2"
}

@test "a hard link to a device or a link counts as one too" {
	mknod "$O/null" c 1 3 && ln "$O/null" "$V/null"
	ln -s x "$O/l" && ln -P "$O/l" "$V/l"
	outside >"$T/before"
	chown_volume
	assert_success
	assert_untouched
}

@test "hardlinks: refuse stops, follow goes through" {
	ln "$O/file" "$V/hard"
	steps <<-END
		  - {chown: $V, recursive: true, hardlinks: refuse}
	END
	assert_refused 111 "$V/hard" '2 names'
	assert_untouched
	steps <<-END
		  - {chown: $V, recursive: true, hardlinks: follow}
	END
	assert_success
	assert_equal "$(owners "$O/file")" '1234:1234 604'
}

@test "a named file that is a hard link is left alone as well" {
	ln "$O/file" "$V/conf"
	steps <<-END
		  - {chown: $V/conf}
		  - {chmod: $V/conf, mode: 0666}
	END
	assert_success
	assert_untouched
}

@test "a named path that is a link of the user is refused" {
	as_user "ln -s $O/file f; ln -s $O/dir d; ln -s nowhere dangling"
	for step in "chown: $V/f" "chown: $V/d, recursive: true" "chmod: $V/f, mode: 0777" "mkdir: $V/d, mode: 0777" \
		"mkdir: $V/dangling, owner: workload" "mknod: $V/f, type: p"; do
		steps <<-END
			  - {$step}
		END
		assert_failure 111
		assert_untouched
		[ ! -e "$V/nowhere" ]
	done
}

@test "an intermediate component that is a link of the user is refused, by every verb" {
	as_user "ln -s $O in"
	for step in "chown: $V/in/file" "chown: $V/in/dir, recursive: true" "chmod: $V/in/file, mode: 0777" \
		"mkdir: $V/in/new" "mkdir: $V/in/new, as: workload" "symlink: $V/in/new, target: x" \
		"symlink: $V/in/file, target: x, force: true" "remove: $V/in/file" "remove: $V/in/dir, recursive: true" \
		"remove: \"$V/in/*\", recursive: true" "mknod: $V/in/new, type: p" "mknod: $V/in/a/b, type: p"; do
		steps <<-END
			  - {$step}
		END
		assert_failure 111
		assert_output --partial "$V/in"
		assert_untouched
	done
}

@test "a link owned by root that the user moved into another directory is not followed" {
	ln -s "$O" "$V/moved"
	steps <<-END
		  - {chown: $V/moved/file}
	END
	assert_failure 111
	assert_untouched
}

@test "a sticky directory that others can write is not trusted either" {
	mkdir "$T/sticky" && chmod 1777 "$T/sticky" && ln -s "$O" "$T/sticky/l"
	steps <<-END
		  - {chown: $T/sticky/l/file}
	END
	assert_failure 111
	assert_untouched
}

@test "symlink and remove act on a link itself" {
	as_user "ln -s $O/file f; ln -s $O/dir d"
	steps <<-END
		  - {symlink: $V/f, target: elsewhere, force: true}
		  - {remove: $V/d, recursive: true}
	END
	assert_success
	assert_untouched
	assert_equal "$(readlink "$V/f")" elsewhere
	[ ! -L "$V/d" ]
}

@test "recursive remove takes links away and leaves what they mean" {
	as_user "mkdir -p a/b && ln -s $O a/b/o && ln -s $O/file a/f && mkfifo a/p"
	ln "$O/file" "$V/a/hard"
	steps <<-END
		  - {remove: "$V/a*", recursive: true}
	END
	assert_success
	assert_untouched
	[ ! -e "$V/a" ]
}

@test "remove with several processes: closed directories as well, and a failure counts once" {
	as_user "mkdir -p tree/{1..10}/{a..e}; for i in tree/*/*; do touch \$i/{1..30}; done; chmod 0 tree/1/a tree/2"
	mkdir "$V/tree/4/c/kept" && touch "$V/tree/4/c/kept/file"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {remove: $V/tree, recursive: true, on_error: warn}" >"$T/capshim.yaml"
	observe strace -qq -f -o "$T/calls" -e trace=unlinkat "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output --partial '/kept/file": Permission denied'
	assert_output --partial '3 failures in all' # twice that, in two passes; and that the tree is not empty
	assert_equal "$(find "$V/tree" | wc -l)" 5
	[ "$(nproc)" -eq 1 ] || [ "$(cut -d ' ' -f 1 "$T/calls" | sort -u | wc -l)" -gt 1 ]
	rm -r "$V/tree/4/c/kept"
	steps <<<"  - {remove: $V/tree, recursive: true}"
	assert_success
	assert [ ! -e "$V/tree" ]
}

@test "FIFOs, sockets and devices are changed without being opened" {
	as_user "mkfifo fifo"
	mknod "$V/watchdog" c 10 130
	chown 1234 "$V/watchdog"
	timeout 20 python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('$V/s')"
	chown_volume
	assert_success
	assert_equal "$(owners "$V/fifo" "$V/watchdog" "$V/s" | uniq)" '1234:2000 640'
}

@test "names of 255 bytes, with newlines, and of no encoding" {
	local long
	long=$(printf 'x%.0s' {1..255})
	touch "$V/$long" "$V/"$'new\nline' "$V/"$'\xff\xfe' "$V/ " "$V/-R" "$V/*"
	chown_volume
	assert_success
	assert_equal "$(find "$V" -name "$long" -uid 1234 -gid 2000 -perm 0640 | wc -l)" 1
	assert_equal "$(find "$V" -type f ! -gid 2000 | wc -l)" 0
	ln -s x "$V/"$'forged\ncapshim: line'
	steps <<-END
		  - {remove: "$V/*", recursive: true}
	END
	assert_success
	assert_equal "$(find "$V" -mindepth 1 | wc -l)" 0
}

# deep DEPTH DIRECTORY: a chain of directories with a file in each; too long to be named by a path.
deep() {
	python3 - "$1" "$2" <<-'END'
		import os, sys
		fd = os.open(sys.argv[2], os.O_RDONLY)
		for i in range(int(sys.argv[1])):
		    os.mkdir("d", dir_fd=fd)
		    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=fd))
		    os.mkdir("z", dir_fd=fd)
		    below = os.open("d", os.O_RDONLY, dir_fd=fd)
		    os.close(fd)
		    fd = below
	END
}

@test "a tree 5,000 deep, with 80 descriptors and a small stack" {
	mount -t tmpfs -o mode=0755,uid=1234 tmpfs "$V"
	mkdir "$V/top"
	deep 5000 "$V/top"
	ulimit -Sn 80
	ulimit -Ss 256
	chown_volume
	assert_success
	assert_equal "$(find "$V" -gid 2000 | wc -l)" 15002
	assert_equal "$(find "$V" -type f -perm 0640 | wc -l)" 5000
	steps <<-END
		  - {remove: $V/top, recursive: true}
	END
	assert_success
	[ ! -e "$V/top" ]
}

# The 101st getdents64(2), by its number on x86-64, has begun.
at_the_bottom() {
	[ "$(wc -l <"$T/calls")" = 100 ] && grep -q '^217 ' "/proc/$(pgrep -P "$(pgrep -P "$1")")/syscall"
}

@test "a directory that is moved out while the walk is below it ends the walk" {
	local pid
	mkdir "$V/top"
	deep 100 "$V/top"
	# Near the top of the chain, so that it is closed by the time the walk has come to the bottom.
	local middle
	middle=$V/top$(printf '/d%.0s' {1..20})
	chown -R 1234:1234 "$V" && chown 1234:2000 "$V/top"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {chown: $V/top, owner: \":2000\", recursive: true}" >"$T/capshim.yaml"
	# The 101st listing is that of the bottom: it takes eight seconds. On one processor nothing is listed before.
	timeout 60 taskset -c "$(taskset -pc $$ | grep -Eo '[0-9]+$')" strace -qq -o "$T/calls" -e trace=getdents64 -e inject=getdents64:delay_enter=8000000:when=101 \
		"$CAPSHIM" -c "$T/capshim.yaml" >"$T/output" 2>&1 3>&- &
	pid=$!
	wait_until at_the_bottom "$pid"
	mv "$middle" "$O/moved"
	outside | grep -v "$O/moved" >"$T/before"
	status=0
	wait "$pid" || status=$?
	assert_equal "$status" 111
	run cat "$T/output"
	assert_output --partial 'was moved while it was walked'
	assert_equal "$(outside | grep -v "$O/moved")" "$(cat "$T/before")"
}

@test "another mount inside the tree is left alone, a bind mount of the same file system too" {
	mkdir "$V/bind" "$V/bind/x" "$V/tmpfs"
	touch "$V/one" "$V/after"
	cat >"$T/capshim.yaml" <<-END
		user: "1234:1234"
		command: none
		setup:
		  - {chown: $V, owner: "1234:2000", recursive: true}
		  - {chmod: $V, file_mode: 0640, dir_mode: 0750, recursive: true}
	END
	run timeout 20 unshare -m bash -c "mount --bind $O $V/bind && mount --bind $O/file $V/one &&
		mount -t tmpfs -o mode=0705 t $V/tmpfs && $CAPSHIM -c $T/capshim.yaml; echo status \$?; stat -c '%g %a' $V/tmpfs"
	assert_line 'status 0'
	assert_line '0 705'
	assert_untouched
	assert_equal "$(owners "$V/after")" '1234:2000 640'
	assert_output --partial "entries of \"$V\" on other mounts that were left alone (write \"cross_mounts: true\" to include them): 3"
}

@test "cross_mounts: true changes them" {
	mkdir "$V/bind"
	cat >"$T/capshim.yaml" <<-END
		user: "1234:1234"
		command: none
		setup:
		  - {chown: $V, owner: "1234:2000", recursive: true, cross_mounts: true}
	END
	run timeout 20 unshare -m bash -c "mount --bind $O $V/bind && $CAPSHIM -c $T/capshim.yaml"
	assert_success
	assert_equal "$(owners "$O/dir/file")" '1234:2000 604'
}

@test "recursive remove does not empty another mount" {
	as_user 'mkdir -p a/bind && touch a/own'
	cat >"$T/capshim.yaml" <<-END
		user: "1234:1234"
		command: none
		setup:
		  - {remove: $V/a, recursive: true}
	END
	run timeout 20 unshare -m bash -c "mount --bind $O $V/a/bind && $CAPSHIM -c $T/capshim.yaml"
	assert_failure 111
	assert_untouched
	[ ! -e "$V/a/own" ]
}

@test "links on procfs are never followed" {
	for path in /proc/self/cwd /proc/self/root/etc /proc/1/root/etc/passwd /dev/fd/0; do
		steps <<-END
			  - {chmod: $path, mode: u+r}
		END
		assert_failure 111
		assert_output --partial symbolic
	done
	assert_output --partial 'is not followed: it lies on procfs, where none is followed'
}

@test "a link that is not followed: the message tells the reason that it has" {
	local path

	for path in /dev/stdin /dev/stdout /dev/stderr; do
		steps <<<"- {chown: $path}"
		assert_failure 111
		assert_output --regexp 'link "/proc/[a-z]*" is not followed: it lies on procfs \(own_stdio gives'
	done
	ln -s round "$T/round"
	steps <<<"- {chown: $T/round}"
	assert_failure 111
	assert_output --partial "link \"$T/round\" is not followed: there are more than 40 on the way"
	ln -s "$O" "$T/own" && chown -h 1234 "$T/own"
	steps <<<"- {chown: $T/own}"
	assert_failure 111
	assert_output --partial "link \"$T/own\" is not followed: it, or its directory, is not root's alone"
	rm "$T/own" && ln -s "$O" "$V/moved" && chown 1234 "$V"
	steps <<<"- {chown: $V/moved}"
	assert_failure 111
	assert_output --partial "link \"$V/moved\" is not followed: it, or its directory, is not root's alone"
}

@test "more than 40 links are a loop" {
	ln -s "$T/b" "$T/a" && ln -s "$T/a" "$T/b"
	steps <<-END
		  - {chmod: $T/a/x, mode: 0700}
	END
	assert_failure 111
	assert_output --partial 'ymbolic'
}

@test "the same without openat2, fchmodat2 and close_range, whatever the profile answers" {
	for errno in 38 1; do # ENOSYS, EPERM
		chmod 0700 "$V"
		as_user "mkdir -p a/b && touch a/b/f && ln -sf $O/file a/l && chmod 0600 a/b/f && ln -sfn $O a/o && mkfifo -m 0600 a/p$errno"
		steps <<-END
			  - {chown: $V, owner: "1234:2000", recursive: true}
			  - {chmod: $V, recursive: true, file_mode: 0640, dir_mode: 0750}
			  - {mkdir: $T/made-$errno/x, mode: 02711, owner: "1234:2000"}
			  - {mknod: $V/node-$errno, type: p, mode: 0622}
		END
		rm -rf "$V"/node* "$T"/made*
		chmod -R u=rwX,go= "$V"
		observe timeout 20 "${PROBE%/*}/deny" "$errno" 437,452,436 "$CAPSHIM" -c "$T/capshim.yaml"
		assert_success
		assert_untouched
		assert_equal "$(owners "$V" "$V/a" "$V/a/b" | uniq)" '1234:2000 750'
		assert_equal "$(owners "$V/a/b/f" "$V/a/p$errno" | uniq)" '1234:2000 640'
		assert_equal "$(owners "$T/made-$errno/x")" '1234:2000 2711'
		assert_equal "$(owners "$V/node-$errno")" '1234:1234 622'
	done
}

@test "and without /proc" {
	image_make
	mkdir -p "$IMAGE/data/d"
	touch "$IMAGE/data/d/f"
	chmod -R 0700 "$IMAGE/data"
	cat >"$IMAGE/etc/capshim.yaml" <<-END
		user: app
		command: none
		setup:
		  - {chown: /data, recursive: true}
		  - {chmod: /data, recursive: true, file_mode: 0640, dir_mode: 0750}
		  - {mkdir: /data/made/x, mode: 02711, owner: app}
	END
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	observe timeout 20 "${PROBE%/*}/deny" 38 452 chroot "$IMAGE" /capshim
	assert_success
	assert_equal "$(owners "$IMAGE/data/d")" '1234:1234 750'
	assert_equal "$(owners "$IMAGE/data/d/f")" '1234:1234 640'
	assert_equal "$(owners "$IMAGE/data/made/x")" '1234:1234 2711'
}

@test "a file that vanishes between listing and change is fine" {
	touch "$V"/{1..200}
	(
		for i in {1..200}; do rm -f "$V/$i"; done
	) &
	local remover=$!
	for _ in {1..10}; do
		chown_volume
		assert_success
	done
	wait "$remover"
}

@test "3,000 walks while the user swaps files and directories for links: no escape" {
	local race swaps
	mkdir "$V/tree" "$V/spare"
	# What a walk sees, and what it finds a moment later under the same name.
	touch "$V/tree/file" "$V/tree/hard" "$V/tree/fifo" "$V/tree/both"
	ln -s "$O/file" "$V/spare/file"
	ln "$O/file" "$V/spare/hard"
	mkfifo "$V/spare/fifo"
	mkdir -p "$V/tree/dir/sub" "$V/spare/both"
	touch "$V/tree/dir/file" "$V/tree/dir/sub/file" "$V/spare/both/file"
	ln -s "$O/dir" "$V/spare/dir"
	mkdir -p "$V/tree/deep" "$V/spare/deep"
	deep 80 "$V/tree/deep"
	chown -hR 1234:1234 "$V/tree" "$V/spare"
	chown 0:0 "$O/file"
	outside >"$T/before"

	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		for _ in {1..75}; do
			for n in 1 2; do
				printf '  - {%s, on_error: ignore}\n' \
					"chown: $V/tree, owner: \":200$n\", recursive: true" \
					"chmod: $V/tree, recursive: true, file_mode: 06${n}0, dir_mode: 07${n}0"
			done
		done
	} >"$T/capshim.yaml"
	"${PROBE%/*}/race" 1234 "$V" >"$T/swaps" 3>&- &
	race=$!
	for _ in {1..10}; do
		capshim_run --config "$T/capshim.yaml" --timeout 60
		assert_success
		assert_untouched
	done
	kill "$race"
	wait "$race"
	swaps=$(cat "$T/swaps")
	[ "$swaps" -gt 3000 ] || fail "only $swaps swaps"
	assert_untouched
}
