#!/usr/bin/env bats
# Trees that are copied to a volume and mounts there: what its owner has planted, closed or moved by then.

load helpers
load volume

setup() {
	volume_setup
}

teardown() {
	umount -l "$O/data" "$O/etc" "$O" "$V/mount" "$V" 2>/dev/null || true
	[ -z "${LOOP:-}" ] || losetup -d "$LOOP"
}

@test "attack: a directory inside of one that becomes root's, before copy fills it" {
	local verb option
	mkdir -m 0700 "$O/tree" && mkdir "$O/tree/sub" && echo secret >"$O/tree/sub/key"
	for verb in copy template; do
		option='recursive: true' && [ $verb = copy ] || option='variables: []'
		rm -rf "$V/s" && attack 'mkdir -p s/sub'
		start <<-END
			  - {mkdir: $V/s, owner: "0:0", mode: "0700"}
			  - {$verb: $O/tree, to: $V/s, $option, owner: "0:0"}
		END
		assert_refused 111 "$V/s/sub" 'remove it in a step before'
		refute test -e "$V/s/sub/key"
		# The next start acts as its old owner, who may not search it any more.
		again
		assert_refused 111 "$V/s/sub" 'as uid 1234'
		refute test -e "$V/s/sub/key"
	done
}

@test "copy: a directory in root's tree that a later step gives to the workload is filled at every start" {
	mkdir -p "$O/tree/logs" && echo x >"$O/tree/logs/keep" && echo x >"$O/tree/conf"
	start <<-END
		  - {mkdir: $V/app, owner: "0:0"}
		  - {copy: $O/tree, to: $V/app, recursive: true, owner: "0:0"}
		  - {chown: $V/app/logs, owner: workload, recursive: true}
	END
	assert_success
	for _ in 2 3; do
		attack 'echo log >app/logs/log; rm app/logs/keep'
		again
		assert_success
		assert_equal "$(owners "$V"/app{,/conf,/logs,/logs/keep,/logs/log})" \
			'0:0 755 0:0 644 1234:1234 755 1234:1234 644 1234:1234 644'
	done
}

@test "copy: a link that the workload puts in the place of a directory of the copy is not followed, and told" {
	mkdir -p "$O/tree/sub" && echo image >"$O/tree/sub/file"
	start <<<"  - {copy: $O/tree, to: $V/tree, recursive: true}"
	assert_success
	attack 'mv tree/sub elsewhere; ln -s ../elsewhere tree/sub'
	again
	assert_refused 111 "$V/tree/sub" 'no link to one: remove it in a step before'
}

@test "copy and template: directories that their owner may not write to, with a new content, also after a start that was killed" {
	mkdir -p "$O/tree/sub" && echo 1 >"$O/tree/sub/file" && chmod 0555 "$O/tree/sub" "$O/tree"
	attack 'mkdir closed open shut'
	start <<-END
		  - {copy: $O/tree, to: $V/tree, recursive: true, owner: workload}
		  - {copy: $O/tree, to: $V/open, recursive: true}
		  - {template: $O/tree, to: $V/open, variables: []}
		  - {copy: $O/tree/sub/file, to: $V/closed/}
		  - {template: $O/tree/sub/file, to: $V/shut/, variables: []}
	END
	assert_success
	attack 'chmod 0 closed shut; chmod 0511 open; chmod 0500 open/sub'
	local modes
	modes=$(owners "$V/tree" "$V/tree/sub" "$V/closed" "$V/open" "$V/open/sub")
	for turn in 2 3; do
		echo $turn >"$O/tree/sub/file" && touch "$O/tree/sub/new$turn"
		again --with --bounding --with chown,setuid,setgid
		assert_success
		assert_equal "$(owners "$V/tree" "$V/tree/sub" "$V/closed" "$V/open" "$V/open/sub")" "$modes"
		assert_equal "$(cat "$V"/{tree/sub,open/sub,closed,shut}/file | xargs)" "$turn $turn $turn $turn"
		[ -e "$V/tree/sub/new$turn" ]
	done
	# Killed while it fills the directory: the next start completes its mode.
	echo 4 >"$O/tree/sub/file"
	strace -qqo "$T/calls" -e trace=pwrite64 -e inject=pwrite64:signal=KILL "$CAPSHIM" -c "$T/capshim.yaml" || :
	assert_equal "$(owners "$V/tree/sub")" '1234:1234 4755'
	again
	assert_success
	assert_equal "$(owners "$V/tree" "$V/tree/sub") $(cat "$V/tree/sub/file")" '1234:1234 555 1234:1234 555 4'
}

@test "copy: a directory that its owner may not write to, on a read-only mount, where all is right" {
	mkdir -p "$O/tree" && echo 1 >"$O/tree/file" && chmod 0555 "$O/tree"
	start <<<"  - {copy: $O/tree, to: $V/tree, recursive: true, owner: workload}"
	assert_success
	mount --bind "$V" "$V" && mount -o remount,bind,ro "$V"
	again
	umount "$V"
	assert_success
}

@test "attack: root's directory and file, moved to where steps of a workload that is root look" {
	local step
	chown 0:0 "$V" && chmod 0777 "$V"
	mkdir -m 0700 "$V/private" && echo secret >"$V/pw" && chmod 0600 "$V/pw"
	attack 'mv private x; mv pw y'
	for step in "mkdir: $V/x, mode: '0777'" "write: $V/y, content: z, mode: '0644', if_exists: keep"; do
		printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' "setup: [{$step}]" >"$T/capshim.yaml"
		again
		assert_refused 111 'somebody else could have moved it there'
		assert_equal "$(owners "$V/x" "$V/y")" '0:0 700 0:0 600'
	done
	# What is right already is right, and what is not there yet is made.
	printf '%s\n' 'user: "0:0"' 'allow_root: true' 'command: none' \
		"setup: [{mkdir: [$V/x, $V/new/below], mode: '0700'}, {write: $V/new/file, content: z}]" >"$T/capshim.yaml"
	for _ in 1 2; do
		again
		assert_success
	done
}

@test "attack: another mount, moved to where a file system has just been mounted, keeps its flags" {
	local type attacker
	attack 'mkdir tmp other'
	mkdir "$O/precious" "$O/source"
	for type in 'tmpfs' "bind, source: $O/source"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {mount: $V/tmp, type: $type, options: [ro, nosuid, nodev]}" >"$T/capshim.yaml"
		: >"$T/calls"
		# The other mount namespace is there before the mounts are made.
		(
			wait_until grep -q 'mount(' "$T/calls"
			attack 'mv tmp old && mv other tmp'
		) 3>&- &
		attacker=$!
		observe timeout 20 unshare --mount bash -c "mount --bind '$O/precious' '$V/other'; strace -qq -o '$T/calls' \
			-e trace=mount -e inject=mount:delay_exit=2000000:when=1 '$CAPSHIM' -c '$T/capshim.yaml'; status=\$?
			touch '$O/precious/x' '$V/tmp/x' && exit \$status"
		wait $attacker
		assert_failure 111
		assert_output --partial 'somebody moves it'
		attack 'mv tmp other; mv old tmp'
	done
}

@test "attack: another mount, moved to where a file system was mounted before, right after the look at that" {
	attack 'mkdir tmp other'
	mkdir "$O/precious"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mount: $V/tmp, type: tmpfs, options: [ro]}" >"$T/capshim.yaml"
	: >"$T/calls"
	(
		wait_until grep -q fstatfs "$T/calls"
		attack 'mv tmp old && mv other tmp'
	) 3>&- &
	observe timeout 20 unshare --mount bash -c "mount -t tmpfs tmpfs '$V/tmp'; mount --bind '$O/precious' '$V/other'
		strace -qq -o '$T/calls' -e trace=fstatfs -e inject=fstatfs:delay_exit=2000000:when=1 '$CAPSHIM' -c '$T/capshim.yaml' &&
		touch '$V/tmp/x' && ! touch '$V/old/x'"
	wait $!
	assert_success
	[ -e "$O/precious/x" ]
}

@test "attack: a link to root's directory, or root's own, in the place of a layer of an overlay" {
	local layers
	mkdir "$O/merged" "$O/low" "$O/etc" && mount -t tmpfs tmpfs "$O/etc" && echo secret >"$O/etc/shadow"
	mount -t tmpfs -o mode=0755 tmpfs "$V"
	install -d -o 1234 "$V/home" && mkdir -m 0700 "$V/home/private" "$V/w"
	attack "cd home; mkdir u; ln -s '$O/etc' link; mv private p"
	for layers in "lowerdir=$O/low:$V/home/link" "lowerdir=$V/home/p" "lowerdir=$O/low,upperdir=$V/home/link,workdir=$V/w"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {mount: $O/merged, type: overlay, options: [nosuid, '$layers']}" >"$T/capshim.yaml"
		observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
		assert_refused 111 "\"$V/"
	done
	sed -i "s|upperdir=$V/home/link|upperdir=$V/home/u|" "$T/capshim.yaml"
	observe timeout 20 unshare --mount bash -c "'$CAPSHIM' -c '$T/capshim.yaml' && echo x >'$O/merged/file'"
	assert_success
	assert_equal "$(cat "$V/home/u/file")" x
	umount "$V" "$O/etc"
}

@test "attack: the kernel empties no directory of others that was moved into an overlay's work directory" {
	local owner
	mkdir "$O/merged" "$O/low" && echo x >"$O/low/page"
	for owner in 0 1234; do
		mount -t tmpfs -o mode=0755,uid=$owner tmpfs "$V"
		install -d -o 1234 "$V"/{up,wk,wk/work} && install -d -m 0700 -o 2000 "$V/wk/work/third" && echo x >"$V/wk/work/third/ledger"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {mount: $O/merged, type: overlay, options: ['lowerdir=$O/low,upperdir=$V/up,workdir=$V/wk']}" >"$T/capshim.yaml"
		observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
		assert_refused 111 "\"$V/wk\"" "it and the directory that it lies in must be root's"
		assert [ -e "$V/wk/work/third/ledger" ]
		umount "$V"
	done
	# Made so it serves every start, also where all is given away in between, and where it has whiteouts in it.
	mount -t tmpfs -o mode=0755 tmpfs "$V"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {chown: $V, recursive: true, contents_only: true}" \
		"  - {mkdir: $V/up, owner: workload}" "  - {mkdir: $V/wk, owner: root, mode: '0700'}" \
		"  - {mount: $O/merged, type: overlay, options: ['lowerdir=$O/low,upperdir=$V/up,workdir=$V/wk']}" >"$T/capshim.yaml"
	for _ in 1 2 3; do
		observe timeout 20 unshare --mount bash -c "'$CAPSHIM' -c '$T/capshim.yaml' && rm -f '$O/merged/page' && echo x >'$O/merged/file'"
		assert_success
	done
	umount "$V"
}

@test "an overlay with the capabilities that --explain lists takes what the workload writes; with less it is refused" {
	local least less
	mkdir "$O/merged" "$O/low" && echo x >"$O/low/page" && chown 1234:1234 "$O/low" "$O/low/page"
	mount -t tmpfs -o mode=0755 tmpfs "$V"
	printf '%s\n' 'user: "1234:1234"' 'setup:' "  - {mkdir: $V/up, owner: workload}" "  - {mkdir: $V/wk, mode: '0700'}" \
		"  - {mount: $O/merged, type: overlay, options: ['lowerdir=$O/low,upperdir=$V/up,workdir=$V/wk']}" >"$T/capshim.yaml"
	least=$("$CAPSHIM" -c "$T/capshim.yaml" --explain=json -- /bin/true | jq -r '.required | keys | map(ltrimstr("CAP_") | ascii_downcase) | join(",")')
	observe timeout 20 unshare --mount "$START" --bounding "$least" -- "$CAPSHIM" -c "$T/capshim.yaml" -- \
		/bin/sh -c "cd '$O/merged' && chmod 600 page && echo y >new && chmod 600 new && mkdir d && mv new d"
	assert_success
	rm -rf "${V:?}"/*
	less=${least//dac_override,/}
	observe timeout 20 unshare --mount "$START" --bounding "$less" -- "$CAPSHIM" -c "$T/capshim.yaml" -- /bin/true
	assert_refused 111 "\"$O/merged\": Permission denied" CAP_DAC_OVERRIDE
	umount "$V"
}

@test "attack: what is moved into a layer of an overlay does not become root's ground by the merged directory" {
	local layers upper="upperdir=$O/up,workdir=$O/work"
	mount -t tmpfs -o mode=0755 tmpfs "$O"
	mkdir "$O"/{low,up,work,merged,etc} "$V/base" && ln -s "$O/etc" "$V/base/link"
	attack 'mv base app'
	overlay() {
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mount: $O/merged, type: overlay, options: ['$1']}" \
			"  - {chown: $O/merged/app/link, owner: workload, recursive: true, if_exists: true}" >"$T/capshim.yaml"
		observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
		assert_equal "$(owners "$O/etc")" '0:0 755'
	}
	for layers in "lowerdir=$V,$upper" "lowerdir=$O/low:$V,$upper" "$upper,lowerdir=$V" "lowerdir=$O/low:$V"; do
		overlay "$layers"
		assert_refused 111 "\"$V\"" 'chown upperdir, or without one the first lowerdir, to such a user'
	done
	# Where the merged directory is another user's as well its ground is foreign; and all may be root's.
	overlay "lowerdir=$V:$O/low"
	assert_refused 111 "$O/merged/app/link"
	overlay "lowerdir=$O/low,$upper"
	assert_success
	mkdir "$V/a=b" && overlay "lowerdir=$V/a=b:$O/low"
	assert_refused 111 "\"$V/a=b\"" 'somebody else could have moved it there'
	chown 1234 "$O/up"
	overlay "lowerdir=$V,$upper"
	assert_refused 111 "$O/merged/app/link"
	umount "$O"
}

@test "write: keep gives its mode to a file that the workload has linked, and leaves the other name alone" {
	start <<<"  - {write: $V/conf, content: a, if_exists: keep, mode: '0644', owner: workload}"
	assert_success
	attack 'echo mine >conf; ln conf conf.bak; chmod 600 conf'
	for _ in 1 2; do
		again
		assert_success
		assert_equal "$(owners "$V/conf" "$V/conf.bak") $(cat "$V/conf" "$V/conf.bak" | xargs)" \
			'1234:1234 644 1234:1234 600 mine mine'
	done
}

@test "copy: an attribute that is too large for the file system of the copy is left out, and told" {
	command -v mkfs.ext4 >/dev/null || skip "no ext4 here"
	truncate -s 8M "$T/disk" && mkfs.ext4 -q "$T/disk" && mount -o loop "$T/disk" "$V" || skip "no loop device"
	mount -t tmpfs tmpfs "$O" && echo x >"$O/file"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.large", b"x" * 60000); os.setxattr(sys.argv[1], "user.small", b"y")' \
		"$O/file" || skip "tmpfs takes no attributes"
	start <<<"  - {copy: $O/file, to: $V/file, preserve: xattrs}"
	assert_output --partial 'left out, too large for the file system: "user.large"'
	umount "$O"
	run python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$V/file"
	umount "$V"
	assert_output "['user.small']"
}

@test "attack: its old owner writes into a file of root's after it was compared, and closes it" {
	mkdir "$O/app"
	head -c 100000 /dev/zero | tr '\0' A >"$T/source"
	for _ in 1 2 3; do
		install -m 0644 -o 1234 -g 1234 "$T/source" "$O/app/file"
		attack "exec python3 -c 'import os, time
fd = os.open(\"$O/app/file\", os.O_RDWR)
open(\"$V/ready\", \"w\")
while os.fstat(fd).st_uid != 0: time.sleep(0.001)
time.sleep(0.2)
os.pwrite(fd, b\"EVIL\", 0)
os.close(fd)'" 3>&- &
		wait_until test -e "$V/ready"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {chown: $O/app/file, owner: '0:0'}" \
			"  - {copy: $T/source, to: $O/app/file, mode: '0644'}" >"$T/capshim.yaml"
		timeout 30 strace -f -qq -o /dev/null -e trace=fcntl -e inject=fcntl:delay_enter=400000 \
			"$CAPSHIM" -c "$T/capshim.yaml"
		wait "$!"
		rm "$V/ready"
		cmp "$T/source" "$O/app/file"
	done
}

@test "attack: a set-group-ID bit that comes back right before the change of owner" {
	# As a race that the old owner has won leaves it.
	install -m 02744 /usr/bin/id "$V/tool"
	chown 0:0 "$V"
	start <<<"  - {chmod: $V, recursive: true, mode: 'a+rX'}"
	assert_success
	assert_equal "$(owners "$V/tool")" '0:0 755'
	# What the config writes stays what it means.
	chmod 02644 "$V/tool"
	start <<<"  - {chmod: $V/tool, mode: 'g+xs'}"
	assert_success
	assert_equal "$(owners "$V/tool")" '0:0 2654'
}

@test "mount: an overlay's layers are absolute paths, for the kernel would follow links from the target" {
	local option
	for option in lowerdir=x:/a "upperdir=up" "workdir=./w" "lowerdir=/a::b"; do
		start <<<"  - {mount: $V/m, type: overlay, options: [index=on, '$option']}"
		assert_refused 100 'must be absolute paths'
	done
}

@test "files of an id that is not mapped: on_error says what happens where they cannot be given away" {
	mkdir -m 0777 "$O/d"
	install -m 04755 -o 5 -g 5 /dev/null "$O/d/f"
	printf '%s\n' 'user: "0:0"' 'allow_root: true' 'supplementary_groups: none' 'command: none' 'setup:' \
		"  - {chown: $O/d, owner: '0:0', recursive: true, on_error: warn}" >"$T/capshim.yaml"
	observe timeout 20 unshare -r "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_output --partial "$O/d/f"
}

@test "leases: files that their owner has leased hold a start up once, not one by one" {
	local before
	mkdir "$T/source"
	for i in {1..6}; do echo "$i" >"$T/source/$i"; done
	attack "cp -r '$T/source' to && exec python3 -c 'import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
files = [os.open(\"to/%d\" % i, os.O_RDWR) for i in range(1, 7)]
for f in files: fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open(\"ready\", \"w\")
time.sleep(60)'" 3>&- &
	wait_until test -e "$V/ready"
	before=$SECONDS
	start <<<"  - {copy: $T/source, to: $V/to, recursive: true, on_error: warn}"
	kill "$!"
	[ $((SECONDS - before)) -lt 8 ]
}

@test "attack: the group of a set-group-ID directory reads what is written for another group" {
	local mode
	chown 0:1234 "$V"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {write: $V/key, content: secret, mode: 0640}" \
		>"$T/capshim.yaml"
	# In root's own directory, and in one where the group may write, to a file of root's.
	for mode in 02755 02775; do
		chmod "$mode" "$V" && echo old >"$V/key" && chown 0:0 "$V/key" && chmod 0640 "$V/key"
		strace -qq -o "$T/calls" -e trace=fchown -e inject=fchown:delay_enter=400000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
		attack 'for i in {1..100}; do cat .capshim-* && break; sleep 0.005; done' >"$T/read" 2>/dev/null || :
		wait "$!"
		refute grep secret "$T/read"
		assert_equal "$(cat "$V/key") $(owners "$V/key")" 'secret 0:0 640'
	done
}

@test "attack: the same for a directory that is made by CHOWN alone: that group puts nothing there" {
	chown 0:1234 "$V" && chmod 02755 "$V"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mkdir: $V/x, owner: '2345:2345', mode: 0770}" \
		>"$T/capshim.yaml"
	"$START" --bounding chown -- "$(command -v strace)" -qq -o "$T/calls" -e trace=fchownat \
		-e inject=fchownat:delay_enter=300000 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	attack 'for i in {1..100}; do touch x/planted && break; sleep 0.005; done' 2>/dev/null || :
	wait "$!"
	assert_equal "$(ls -A "$V/x") $(owners "$V/x")" ' 2345:2345 770'
}

@test "attack: another mount, moved to the name of a file right before that is given away or opened" {
	local step
	echo secret >"$O/only" && chmod 0600 "$O/only"
	for step in "chown: $V/tree, owner: '1234:2000'" "chmod: $V/tree, file_mode: '0666'"; do
		rm -rf "${V:?}"/*
		attack 'mkdir tree other; touch tree/only other/only'
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$step, recursive: true}" >"$T/capshim.yaml"
		: >"$T/calls"
		timeout 30 unshare --mount bash -c "mount --bind '$O/only' '$V/other/only'; exec strace -f -o '$T/calls' -P only \
			-e trace=openat -e inject=openat:delay_enter=1500000 '$CAPSHIM' -c '$T/capshim.yaml'" 3>&- &
		wait_until grep -q '"only"' "$T/calls"
		attack 'mv tree/only x; mv other/only tree/only'
		wait "$!"
		assert_equal "$(owners "$O/only")" '0:0 600'
	done
}

@test "attack: a file that grows while it is copied fills no disk" {
	local before
	for before in 4096 0; do
		rm -rf "${V:?}"/* "$O/got"
		attack "mkdir tree; head -c $before /dev/zero >tree/file"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $V/tree, to: $O/got, recursive: true}" \
			>"$T/capshim.yaml"
		: >"$T/calls"
		timeout 30 strace -f -o "$T/calls" -P "$V/tree/file" -e trace=pread64 -e inject=pread64:delay_enter=1000000:when=1 \
			"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
		wait_until grep -q pread64 "$T/calls"
		attack 'truncate -s 80M tree/file'
		status=0
		wait "$!" || status=$?
		# What told no size may have some, as in procfs: not any.
		[ "$before" = 0 ] && assert_equal "$status $(ls -A "$O/got")" '111 ' && continue
		assert_equal "$status $(stat -c %s "$O/got/file")" '0 4096'
	done
}

@test "attack: a link to a device of root's in the place of one that is mounted" {
	local step
	command -v mkfs.ext4 >/dev/null || skip "no ext4 here"
	truncate -s 8M "$T/disk" && mkfs.ext4 -q "$T/disk" && LOOP=$(losetup -f --show "$T/disk") || skip "no loop device"
	mkdir "$O/mount" && attack "ln -s $LOOP link" && cp -a "$LOOP" "$V/device"
	for step in link device; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {mount: $O/mount, type: ext4, source: $V/$step}" >"$T/capshim.yaml"
		observe timeout 20 unshare --mount bash -c "'$CAPSHIM' -c '$T/capshim.yaml'; status=\$?; ls '$O/mount' && exit \$status"
		assert_refused 111 "\"$V/$step\""
		refute_output --partial lost+found
	done
	chown 1234 "$V/device"
	# A link of root's own leads there; a name that is no path is one for the file system.
	ln -s "$LOOP" "$O/link"
	for step in "type: ext4, source: $V/device" "type: ext4, source: $O/link" "type: tmpfs, source: /nowhere/at/all"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mount: $O/mount, $step}" >"$T/capshim.yaml"
		observe timeout 20 unshare --mount bash -c "'$CAPSHIM' -c '$T/capshim.yaml' && mountpoint '$O/mount'"
		assert_success
	done
}

@test "attack: directories of root's and of a third user, moved to where remove looks, keep their modes" {
	mkdir -m 0500 "$V/root" && mkdir -m 0 "$V/third" && chown 2345 "$V/third"
	attack 'mkdir -p own/closed; touch own/closed/file; chmod 0 own/closed own; mv root x; mv third y'
	for _ in 1 2; do
		start <<<"  - {remove: [$V/own, $V/x, $V/y], recursive: true, on_error: warn}"
		assert_success
		refute test -e "$V/own"
		assert_equal "$(owners "$V/x" "$V/y")" '0:0 500 2345:0 0'
	done
}

@test "a fresh volume below a directory of the workload's is judged anew" {
	mkdir "$V/mount" && mount -t tmpfs -o mode=0755 tmpfs "$V/mount"
	start <<-END
		  - {write: $V/mount/root.conf, content: x, mode: 0600}
		  - {mkdir: $V/mount/app, owner: workload}
		  - {write: $V/mine, content: x}
	END
	assert_success
	assert_equal "$(owners "$V/mount/root.conf" "$V/mount/app" "$V/mine")" '0:0 600 1234:1234 755 1234:1234 644'
	again
	assert_success
}

@test "remove with a glob does not look into what it does not match, and says what it leaves on another mount" {
	local step
	mkdir -m 0700 "$V/lost+found" && mkdir -m 0 "$V/third" && chown 2345 "$V/third"
	attack 'mkdir closed; chmod 0 closed'
	for step in "$V/*.pid, recursive: true" "$V/*.pid"; do
		attack 'touch a.pid'
		start <<<"  - {remove: $step}"
		assert_success
		assert_output ''
		assert_equal "$(cd "$V" && echo *) $(owners "$V/closed" "$V/third")" "closed lost+found third 1234:1234 0 2345:0 0"
	done
	mkdir "$V/m.pid" && mount --bind "$O" "$V/m.pid"
	start <<<"  - {remove: $V/*.pid, recursive: true}"
	umount "$V/m.pid"
	assert_success
	assert_output --partial 'on other mounts that were left alone: 1'
}

@test "remove with a glob and recursive at the top of a volume" {
	mount --bind "$V" "$V"
	attack 'mkdir a.d a.d/x; touch a.d/x/f f.d'
	for _ in 1 2; do
		start <<<"  - {remove: $V/*.d, recursive: true}"
		assert_success
		assert_equal "$(ls "$V")" ''
	done
}

@test "remove with a glob in root's sticky directory that is a mount point takes root's names" {
	local mode
	mount -t tmpfs tmpfs "$V" && chown 0:3000 "$V"
	for mode in 1777 3775; do
		chmod "$mode" "$V" && touch "$V/.X0-lock" "$V/.X1-lock" && mkdir "$V/dir-lock"
		start <<<"  - {remove: [$V/.X0-lock, \"$V/.X*-lock\", \"$V/*-lock\"], recursive: true}"
		assert_success
		assert_equal "$(ls -A "$V")" ''
	done
}

@test "root's directories that shut out root: removed, and changed at every start, without DAC_OVERRIDE" {
	mkdir -p "$T/a/closed" "$T/b/closed/sub" && touch "$T/a/closed/f" "$T/b/closed/sub/f"
	chmod 0500 "$T/b/closed" && chmod 0300 "$T/b/closed/sub" "$T/a/closed" "$T/a" && chown -R 1234 "$T/a"
	for _ in 1 2 3; do
		start --with --bounding --with chown,setgid,setuid,setpcap <<-END
			  - {chown: $T/a, owner: "0:0", recursive: true}
			  - {remove: $T/b, recursive: true}
		END
		assert_success
		assert_equal "$(owners "$T/a" "$T/a/closed" "$T/a/closed/f")" '0:0 300 0:0 300 0:0 644'
		refute test -e "$T/b"
	done
}

@test "attack: another mount, moved to a source of copy or template or into it, is not read" {
	local step
	mkdir "$O/tree" "$O/links" && echo secret >"$O/tree/key"
	attack 'mkdir -p mount dir/sub file; echo mine >file/mine; touch conf dir/mine file/sub' && ln -s "$V/mount/key" "$O/links/key"
	mount --bind "$V" "$V" && mount --bind "$O/tree" "$V/mount" && mount --bind "$O/tree" "$V/dir/sub"
	mount --bind "$O/tree/key" "$V/conf" && mount --bind "$O/tree/key" "$V/file/sub"
	for step in "copy: $V/mount/key" "copy: $V/conf" "copy: $O/links/key" "copy: $V/dir, recursive: true" \
		"copy: $V/file, recursive: true" "template: $V/mount/key" "template: $V/conf" "template: $V/mount" \
		"template: $V/dir" "template: $V/file" "template: $O/links"; do
		rm -rf "$O/got" && mkdir "$O/got"
		[[ $step = copy* ]] || step+=", variables: [A]"
		start <<<"  - {$step, to: $O/got/}"
		assert_refused 111 'write "cross_mounts: true" to do it all the same'
		start <<<"  - {$step, to: $O/got/, on_error: warn}"
		assert_success
		run grep -r secret "$O/got"
		assert_failure
		start <<<"  - {$step, to: $O/got/, cross_mounts: true}"
		assert_success
		grep -qr secret "$O/got"
	done
}

@test "copy and template: mounts inside each other that only root can have moved, three times" {
	mkdir -p "$O/data/volume" && mount -t tmpfs -o mode=0755 tmpfs "$O/data" && mkdir -p "$O/data/volume" "$O/data/root"
	mount --bind "$V" "$O/data/volume" && attack 'echo file >file' && echo file >"$O/data/root/file"
	mount --bind "$O/data/root" "$O/data/root"
	start <<-END
		  - {copy: $O/data, to: $T/copy, recursive: true}
		  - {template: $O/data, to: $T/template, variables: [A]}
		  - {copy: $O/data/volume/file, to: $T/}
	END
	for _ in 1 2 3; do
		assert_success
		refute_output --partial cross_mounts
		again
	done
	assert_equal "$(cat "$T"/{copy,template}/{volume,root}/file "$T/file" | xargs)" 'file file file file file'
}
