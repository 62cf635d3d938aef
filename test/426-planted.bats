#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# What the owner of a volume closes, plants or leaves there before the next start, and what an image has that only looks
# as if a killed run had left it.

load helpers
load acl
load volume

setup() {
	volume_setup
}

@test "chown and chmod with several processes: directories that their owner cannot enter" {
	local turn to caps=(--with --bounding --with "chown,setuid,setgid")

	attack 'mkdir -p tree/{1..10}/{a..j}/{1..5}; for i in tree/*/*/*; do touch $i/{1..6}; done
		chmod 0 tree/*/*/[12]; chmod 0300 tree/*/*/[34]; chmod 0 tree/*/[a-e]; chmod 0200 tree/*/[f-h]; chmod 0 tree/[1-5]'
	# Often, for one must be in a directory while another locks it.
	for turn in {1..12}; do
		to=$((turn % 2 ? 2345 : 1234))
		start "${caps[@]}" <<<"  - {chown: $V/tree, owner: \"$to:$to\", recursive: true}"
		assert_success
		assert_equal "$(find "$V/tree" ! -uid "$to" -o ! -gid "$to")" ''
		assert_equal "$(find "$V/tree" -type d -printf '%m\n' | sort | uniq -c | xargs)" '255 0 30 200 200 300 126 755'
		start "${caps[@]}" <<<"  - {chmod: $V/tree, file_mode: '0$((600 + to / 1000))', recursive: true}"
		assert_success
		assert_equal "$(find "$V/tree" -type f ! -perm "0$((600 + to / 1000))")" ''
	done
}

@test "chmod and chown with several processes: a small tree whose directories lose r or x on the way" {
	local owner
	# The second without DAC_OVERRIDE: root does not enter what has lost x either.
	for owner in 1000 0; do
		rm -rf "$O/tree" && mkdir -p "$O/tree/d" && touch "$O/tree/d/"{1..40} && chown -R "$owner:$owner" "$O/tree"
		start --with --bounding --with "chown,fowner,setuid,setgid" \
			<<<"  - {chmod: $O/tree, recursive: true, mode: '0640'}"
		assert_success
		assert_equal "$(find "$O/tree" ! -perm 0640 -o ! -uid "$owner")" ''
	done
	rm -rf "$O/tree" && mkdir -p "$O/tree/d" && touch "$O/tree/d/"{1..40} && chown -R 1000:1000 "$O/tree"
	start <<<"  - {chown: $O/tree, owner: '2000:2000', file_mode: '0600', dir_mode: '0600', recursive: true, change_policy: on_root_mismatch}"
	assert_success
	assert_equal "$(find "$O/tree" ! -uid 2000 -o ! -gid 2000 -o ! -perm 0600)" ''
}

@test "chmod with several processes: a directory that its owner closes between two of the walks" {
	local files
	# A few files are walked by one process, one walk after the other, many by two at the same time.
	for files in 40 2000; do
		rm -rf "$V/tree"
		attack "mkdir -p tree/closing; cd tree/closing; eval touch {1..$files}"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {chmod: $V/tree, file_mode: '0640', recursive: true}" >"$T/capshim.yaml"
		: >"$T/calls"
		timeout 30 strace -f -o "$T/calls" -P closing -e trace=openat -e inject=openat:delay_enter=2000000:when=1+ \
			"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
		# On one processor there is only one walk.
		wait_until eval "[ \"\$(grep -c '\"closing\"' '$T/calls')\" -ge 2 ] || ! kill -0 $!"
		sleep 1 # the first walk is on its way out of it
		attack 'chmod 0 tree/closing'
		wait "$!"
		assert_equal "$(find "$V/tree" -type f ! -perm 0640 | wc -l) $(owners "$V/tree/closing")" '0 1234:1234 0'
	done
}

@test "a directory of the image that looks unfinished: copy and mkdir leave its mode alone" {
	mkdir -p "$T/source/"{sticky,shared,closed} "$T/image/"{sticky,shared,closed,empty}
	chmod 1777 "$T/source/sticky" && chmod 0777 "$T/source/shared" && chmod 0555 "$T/source/closed"
	chmod 1755 "$T/image/shared" "$T/image/closed" && chmod 1700 "$T/image/empty"
	start <<-END
		  - {copy: $T/source, to: $T/image, recursive: true}
		  - {mkdir: [$T/image/empty, $T/image/empty/below/more]}
	END
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$T/image/"{sticky,shared,closed,empty})" '0:0 755 0:0 1755 0:0 1755 0:0 1700'
		again
	done
}

@test "attack: a FIFO that somebody holds open, with the mode that a killed run leaves" {
	attack 'mkfifo -m 0600 fifo'
	exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups bash -c \
		"exec 5<>$V/fifo; chmod 0 $V/fifo; echo open; exec sleep 10" 3>&-)
	read -r -t 10 -u 7
	start <<<"  - {mknod: $V/fifo, type: p, owner: root, mode: 0600}"
	assert_success
	assert_equal "$(owners "$V/fifo")" '0:0 600'
	# Nobody reads what root writes there: it is another FIFO.
	run timeout 1 bash -c "echo secret >$V/fifo"
	assert_failure 124
	exec 7<&-
}

@test "attack: sockets, links and FIFOs with the names of temporary files" {
	local kind name
	start <<<"  - {write: $V/conf, content: a}"
	assert_success
	rm "$V/conf"
	strace -f -o "$T/calls" -e trace=openat "$CAPSHIM" -c "$T/capshim.yaml"
	name=$(grep -om1 '\.capshim-[0-9a-f]*-' "$T/calls")
	for kind in 'mkfifo' 'ln -s /etc/passwd' 'python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"'; do
		rm -f "$V/conf"
		attack "$kind ${name}0; $kind ${name}1"
		assert_equal "$(find "$V" -name ".capshim-*" | wc -l)" 2
		again
		assert_success
		assert_equal "$(ls -A "$V") $(cat "$V/conf")" 'conf a'
	done
}

# opened "CALL:WHERE ..." [DIRECTORY [EARLY]]: a start of the config, in which the attacker opens what lies in the volume, or in that
# directory of it, under another name while the first of each CALL waits, but makes EARLY of it as long as it is his; what there is to
# be read in it goes to $T/read, and in the end something else is written into it.
opened() {
	local after call inject=()
	for call in $1; do
		inject+=(-e "inject=$call=300000:when=1")
	done
	strace -f -o "$T/calls" "${inject[@]}" "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	after=$!
	attack "cd ${2:-.} && /usr/bin/python3 -c '
import os, struct, time
early = \"${3:-}\"
acl = struct.pack(\"<I\", 2) + b\"\".join(struct.pack(\"<HHi\", *e) for e in ((1, 6, -1), (2, 6, 1234), (4, 4, -1), (16, 6, -1), (32, 4, -1)))
end, file = time.monotonic() + 1.1, -1
while time.monotonic() < end:
    for name in os.listdir():
        try:
            if file >= 0 or not name.startswith(\".capshim-\"):
                continue
            if early and os.stat(name).st_uid == 1234:
                os.chmod(name, 0o666) if early == \"mode\" else os.setxattr(name, \"system.posix_acl_access\", acl)
            else:
                file = os.open(name, os.O_RDWR)
        except OSError:
            pass
if file >= 0:
    print(os.pread(file, 100, 0))
    os.pwrite(file, b\"evil\", 0)'" >"$T/read"
	wait "$after"
}

@test "attack: what becomes another user's is opened before that, and read and written afterwards" {
	local where step
	for step in "write: $V/got, content: secret, owner: root, mode: 0600" \
		"copy: $T/source, to: $V/got, owner: \"2345:2345\", mode: 06755, preserve: times"; do
		echo secret >"$T/source" && touch -d 2001-01-01 "$T/source"
		for where in flock:delay_exit fchown:delay_enter pwrite64:delay_enter; do
			rm -f "$V/got"
			printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$step}" >"$T/capshim.yaml"
			opened "$where"
			refute grep secret "$T/read"
			assert_equal "$(ls -A "$V") $(cat "$V/got")" 'got secret'
		done
	done
	assert_equal "$(owners "$V/got") $(stat -c %Y "$V/got")" "2345:2345 6755 $(date -d 2001-01-01 +%s)"
}

@test "attack: the same, opened afterwards by the mode or the list that it was given while it was not root's yet" {
	local early where
	for early in mode list; do
		for where in 'fchown:delay_enter pwrite64:delay_enter' 'fchown:delay_enter renameat:delay_enter'; do
			rm -f "$V/got"
			printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
				"  - {write: $V/got, content: secret, owner: root, mode: 0640}" >"$T/capshim.yaml"
			opened "$where" . "$early"
			refute grep secret "$T/read"
			assert_equal "$(ls -A "$V") $(cat "$V/got") $(owners "$V/got")" 'got secret 0:0 640'
			run attack 'cat got'
			assert_failure
		done
	done
}

@test "attack: a mounted file that its old owner has open, or on his list, is not written in place for root" {
	local open
	mkdir "$T/etc" && touch "$T/etc/conf"
	for open in '<' '>>'; do
		echo old >"$V/conf" && chown 1234:1234 "$V/conf" && chmod 0644 "$V/conf"
		mount --bind "$V/conf" "$T/etc/conf"
		exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "exec 5$open$V/conf; echo open; exec sleep 30")
		read -r -t 10 -u 7
		start <<<"  - {write: $T/etc/conf, content: secret, owner: \"root:root\", mode: 0640}"
		umount "$T/etc/conf"
		kill "$!"
		exec 7<&-
		assert_failure 111
		assert_output --partial 'another process has it open'
		assert_equal "$(cat "$V/conf")" old
	done
	chown 1234:1234 "$V/conf" && python3 -c 'import os, struct, sys
entries = [(1, 6, -1), (2, 6, 1234), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$V/conf"
	mount --bind "$V/conf" "$T/etc/conf"
	again
	umount "$T/etc/conf"
	assert_success
	run attack 'cat conf'
	assert_failure
	assert_equal "$(cat "$V/conf") $(owners "$V/conf")" 'secret 0:0 640'
}

@test "attack: what is root's, moved to the source of a bind mount" {
	mkdir -m 0700 "$V/private" && echo secret >"$V/private/pw" && echo secret >"$V/pw" && chmod 0600 "$V/pw"
	mkdir "$T/mnt" && touch "$T/file"
	attack 'mv private app; mv pw conf; mkdir mine; echo x >mine/pw'
	for step in "{mount: $T/mnt, type: bind, source: $V/app}, {copy: $T/mnt/pw, to: $T/got, owner: workload}" \
		"{mount: $T/file, type: bind, source: $V/conf}, {copy: $T/file, to: $T/got, owner: workload}"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [$step]" >"$T/capshim.yaml"
		for _ in 1 2; do
			observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
			assert_failure 111
			assert [ ! -e "$T/got" ]
		done
	done
	step="{mount: $T/mnt, type: bind, source: $V/mine}, {copy: $T/mnt/pw, to: $T/got, owner: workload}"
	printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [$step]" >"$T/capshim.yaml"
	observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
	assert_success
	assert_equal "$(cat "$T/got")" x
	# Nor another mount, or what lies in one.
	for step in "$V/app" "$V/app/dir"; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [{mount: $T/mnt, type: bind, source: $step}]" >"$T/capshim.yaml"
		local bound="mkdir '$O/app/dir'; chown -R 1234 '$O/app'; mount --bind '$V' '$V'; mount --bind '$O/app' '$V/app'"
		mkdir -p "$O/app" && observe timeout 20 unshare --mount bash -c "$bound; '$CAPSHIM' -c '$T/capshim.yaml'"
		assert_refused 111 'write "cross_mounts: true" to do it all the same'
		sed -i 's/type: bind/&, cross_mounts: true/' "$T/capshim.yaml"
		observe timeout 20 unshare --mount bash -c "$bound; '$CAPSHIM' -c '$T/capshim.yaml'"
		assert_success
	done
	# Also what the same run has made.
	rm "$T/got"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {mkdir: $V/own, owner: \"root:root\", mode: \"0700\"}" \
		"  - {write: $V/own/pw, content: secret, owner: \"root:root\", mode: \"0600\"}" \
		"  - {run: [/bin/mv, $V/own, $V/site], user: \"1234:1234\"}" \
		"  - {mount: $T/mnt, type: bind, source: $V/site}" "  - {copy: $T/mnt/pw, to: $T/got, owner: workload}" \
		>"$T/capshim.yaml"
	observe timeout 20 unshare --mount "$CAPSHIM" -c "$T/capshim.yaml"
	assert_failure 111
	assert_output --partial 'mount'
	assert [ -d "$V/site" ]
	assert [ ! -e "$T/got" ]
}

@test "attack: a link to root's socket in the place of one that is waited for" {
	local listener
	mkdir -m 0700 "$O/closed"
	# Who listens says who came.
	timeout 20 python3 -c 'import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.accept()
print("connected", flush=True)' "$O/closed/socket" >"$T/seen" 3>&- &
	listener=$!
	attack "/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'; chmod 0 socket"
	wait_until test -S "$O/closed/socket"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {wait_for: \"unix://$V/socket\", timeout: 2s}" \
		>"$T/capshim.yaml"
	# The second call is the one that root makes.
	strace -f -o "$T/calls" -e trace=connect -e inject=connect:delay_enter=500000:when=2 "$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	wait_until grep -q connect "$T/calls"
	attack "rm socket; ln -s $O/closed/socket socket"
	wait "$!" || :
	sleep 0.3
	kill "$listener"
	assert_equal "$(cat "$T/seen")" ''
}

@test "chown recursive: what cannot be read once, in one of the walks that share the tree, is not passed over" {
	local number log=$T/calls ran=0
	attack 'mkdir -p tree/{a,b,c}; touch tree/{a,b,c}/{1..4}'
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {chown: $V/tree, owner: \"2345:2345\", recursive: true}" \
		>"$T/capshim.yaml"
	for number in {1..90}; do
		chown -R 1234:1234 "$V/tree"
		observe timeout 20 strace -qq -o "$log" -e trace=openat -e "inject=openat:error=EIO:when=$number" \
			"$CAPSHIM" -c "$T/capshim.yaml"
		grep -q INJECTED "$log" || break
		[ "$status" = 0 ] || continue
		ran=$((ran + 1))
		assert_equal "openat $number: $(find "$V/tree" ! -uid 2345)" "openat $number: "
	done
	assert [ "$number" -lt 90 ]
}

@test "chown on_root_mismatch: where something below failed the top stays, and the next start goes on" {
	attack 'mkdir -p tree/closed; touch tree/closed/file; chmod 0700 tree/closed'
	start --with --bounding --with chown \
		<<<"  - {chown: $V, owner: \"2345:2345\", recursive: true, change_policy: on_root_mismatch, on_error: warn}"
	assert_output --partial 'cannot chown'
	assert_equal "$(owners "$V")" '1234:1234 755'
	again
	assert_success
	assert_equal "$(find "$V" ! -uid 2345)" ''
}

@test "attack: the same in root's sticky directory, where nothing is, and in the place of a file of the attacker's" {
	local planted
	chown 0:0 "$V" && chmod 1777 "$V"
	for planted in : 'echo x >got'; do
		rm -f "$V/got"
		attack "$planted"
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
			"  - {write: $V/got, content: secret, owner: \"root:root\", mode: 0600}" >"$T/capshim.yaml"
		opened pwrite64:delay_enter
		refute grep secret "$T/read"
		assert_equal "$(ls -A "$V") $(cat "$V/got") $(owners "$V/got")" 'got secret 0:0 600'
	done
}

@test "attack: the same in a third user's sticky directory: what cannot be given away unread is not written" {
	local where
	mkdir "$V/s" && chown 2000:2000 "$V/s" && chmod 1777 "$V/s"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {write: $V/s/got, content: secret, owner: root, mode: 0600}" >"$T/capshim.yaml"
	for where in fdatasync:delay_enter fchown:delay_enter pwrite64:delay_enter; do
		opened "$where" s || : # refused
		refute grep secret "$T/read"
		assert_equal "$(ls -A "$V/s")" ''
	done
	again
	assert_failure 111
	assert_output --partial 'only be uid 1234'
	start <<<"  - {write: $V/s/got, content: mine}"
	assert_success
	assert_equal "$(cat "$V/s/got") $(owners "$V/s/got")" 'mine 1234:1234 644'
}

@test "attack: another file in the place of one that could not be written stays" {
	mkdir "$T/tree" && echo image >"$T/tree/file"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $T/tree, to: $V/tree, recursive: true}" \
		>"$T/capshim.yaml"
	strace -o "$T/calls" -e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:delay_enter=1000000 \
		"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	wait_until test -e "$V/tree/file"
	attack 'rm tree/file; echo mine >tree/file'
	wait "$!" || :
	grep -q INJECTED "$T/calls"
	assert_equal "$(cat "$V/tree/file")" mine
}

@test "attack: a set-group-ID file without group execution, which a later mode would complete" {
	local as
	for as in "{chown: $V, owner: '0:0', recursive: true, file_mode: 'a+rX', dir_mode: '0755'}" \
		"{chown: $V, owner: '0:0', recursive: true}, {chmod: $V, recursive: true, mode: 'a+rX'}"; do
		chown 1234:1234 "$V" && rm -rf "$V/tool"
		attack 'cp /usr/bin/id tool; chmod 02744 tool'
		{
			printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [$as]"
		} >"$T/capshim.yaml"
		again
		assert_success
		assert_equal "$(owners "$V/tool")" '0:0 755'
		assert_equal "$(setpriv --reuid 7777 --regid 7777 --clear-groups "$V/tool" -g)" 7777
	done
}

@test "set-id files of the volume's owner, and of others, do not stop a chown with the least capabilities" {
	local least=(--with --bounding --with "chown,setuid,setgid")
	# Many files: with several processors their directory is given away before all of them are.
	attack 'mkdir d; touch d/f{1..600}; chmod 04755 d/f{1..4} d/f600'
	start "${least[@]}" <<<"  - {chown: $V, owner: '2345:2345', recursive: true}"
	assert_success
	assert_equal "$(find "$V" ! -uid 2345 -o ! -gid 2345 -o -perm /6000)" ''
	# A third user's file, and a socket, in a directory where everybody may write.
	chown 1234:1234 "$V" && chmod 0777 "$V"
	python3 -c "import os, socket; os.chdir('$V'); socket.socket(socket.AF_UNIX).bind('s'); open('p', 'w')"
	chown 3456:3456 "$V/"[ps] && chmod 06755 "$V/"[ps]
	start "${least[@]}" <<<"  - {chown: $V, owner: '1234:1234', recursive: true}"
	assert_success
	assert_equal "$(owners "$V/p" "$V/s" "$V/d/f1")" '1234:1234 755 1234:1234 755 1234:1234 755'
	again "${least[@]}"
	assert_success
}

@test "attack: access control lists of a directory that becomes root's, in a run that is killed" {
	local as step call mode user
	# The second as a run leaves it that was killed; and of the user whose id also stands for those that are not mapped.
	for as in "chown: $V/x|0070|1234" "mkdir: $V/x|0070|1234" "mkdir: $V/x|01500|1234" "chown: $V/x|0070|65534"; do
		IFS='|' read -r step mode user <<<"$as"
		for call in fchownat fremovexattr removexattr; do
			chown "$user:$user" "$V" && rm -rf "$V/x"
			mkdir "$V/x" && chown "$user:$user" "$V/x"
			acl "$V/x" access
			acl "$V/x" default
			chmod "$mode" "$V/x" # 0070: its owner reads it by the list alone
			printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$step, owner: '0:0', mode: '0750'}" \
				>"$T/capshim.yaml"
			timeout 20 strace -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=1" \
				"$CAPSHIM" -c "$T/capshim.yaml" || :
			for _ in 1 2; do
				again
				assert_success
				assert_equal "$(owners "$V/x")" '0:0 750'
				run has_acl "$V/x"
				assert_failure 1
			done
		done
	done
}

@test "chmod keeps the set-group-ID bit of directories that the workload has made" {
	chown 0:2000 "$V" && chmod 02777 "$V"
	attack 'umask 022; mkdir -p cache/x'
	start --with --bounding --with setuid,setgid <<<"  - {chmod: $V, mode: 'u+rwX,g+rwX', recursive: true}"
	for _ in 1 2; do
		assert_success
		assert_equal "$(owners "$V" "$V/cache" "$V/cache/x")" '0:2000 2777 1234:2000 2775 1234:2000 2775'
		again --with --bounding --with setuid,setgid
	done
	chmod 02311 "$V/cache/x"
	start <<<"  - {chown: $V, owner: '1234', recursive: true, contents_only: true}"
	assert_success
	assert_equal "$(owners "$V/cache/x")" '1234:2000 2311'
}

@test "mkdir of a directory that is there: a run that is killed between its mode and its owner" {
	local owner
	for owner in '0:0" , mode: "0700' '5555:5555", mode: "02770'; do
		for call in fchownat fchmod fremovexattr fgetxattr; do
			rm -rf "$V/x"
			attack 'mkdir x'
			printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mkdir: $V/x, owner: \"$owner\"}" \
				>"$T/capshim.yaml"
			timeout 20 strace -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=1" \
				"$CAPSHIM" -c "$T/capshim.yaml" || :
			again
			assert_success
		done
	done
}

# temporary NAME: under what it is made, but for the number of the slot.
temporary() {
	python3 -c 'import sys
value = 0xcbf29ce484222325
for byte in sys.argv[1].encode():
    value = ((value ^ byte) * 0x100000001b3) % 2**64
print(f".capshim-{value:016x}-")' "$1"
}

@test "attack: directories, and in root's sticky directory files, with the names of temporary files stop nothing" {
	local name
	mkdir "$T/source" && ln -s x "$T/source/link" && mkdir -m 1777 "$T/tmp"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {write: $V/conf, content: a, owner: root}" \
		"  - {write: $T/tmp/conf, content: a}" \
		"  - {copy: $T/source, to: $V, recursive: true}" "  - {symlink: $V/forced, target: x, force: true}" >"$T/capshim.yaml"
	attack 'ln -s old forced'
	for name in conf link forced; do
		name=$(temporary "$name")
		attack "mkdir -m 0700 ${name}0 ${name}1"
		setpriv --reuid 2345 --regid 2345 --clear-groups touch "$T/tmp/${name}0" "$T/tmp/${name}1"
	done
	again
	assert_success
	assert_equal "$(owners "$V/conf" "$T/tmp/conf") $(readlink "$V/forced" "$V/link" | xargs)" '0:0 644 1234:1234 644 x x'
	assert_equal "$(find "$V" "$T/tmp" -name '.capshim-*' | wc -l) $(find "$V" -name '.capshim-*' -type d | wc -l)" '12 6'
	attack 'rm -r .capshim-*; rm conf'
	again
	assert_success
	assert_equal "$(find "$V" -name '.capshim-*')" ''
}

@test "a link that a killed run has left under another name goes where the link is right, too" {
	local name
	mkdir "$T/source" && ln -s x "$T/source/link"
	start <<-END
		  - {copy: $T/source, to: $V/a, recursive: true}
		  - {symlink: $V/forced, target: x, force: true}
	END
	assert_success
	for name in a/link forced; do
		attack "ln -s x ${name%"${name##*/}"}$(temporary "${name##*/}")0"
	done
	assert_equal "$(find "$V" -name '.capshim-*' | wc -l)" 2
	again
	assert_success
	assert_equal "$(find "$V" -name '.capshim-*')" ''
}

@test "a file that another process has leased is waited for, and read" {
	attack 'echo x >file; echo x >list'
	exec 7< <(exec setpriv --reuid 1234 --regid 1234 --clear-groups /usr/bin/python3 -c '
import fcntl, os, signal, sys, time
files = [os.open(name, os.O_RDWR) for name in sys.argv[1:]]
signal.alarm(20)
signal.signal(signal.SIGIO, lambda *_: None)
for file in files:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
for file in files:
    signal.pause()
    time.sleep(0.3)
    os.close(file)' "$V/file" "$V/list" 3>&-)
	read -r -t 10 -u 7
	start <<-END
		  - {copy: $V/file, to: $V/got}
		  - {write: $V/list, content: "y\n", if_exists: append_missing}
	END
	exec 7<&-
	assert_success
	assert_equal "$(cat "$V/got" "$V/list" | xargs)" 'x x y'
}

# thirty_copied: files that a start has copied to $V/tree; the names of their temporary files, without the last sign, in $T/names.
thirty_copied() {
	local i
	mkdir "$T/source" && for i in {1..30}; do echo "$i" >"$T/source/$i"; done
	start <<<"  - {copy: $T/source, to: $V/tree, recursive: true}"
	assert_success
	for i in {1..30}; do
		temporary "$i"
	done >"$T/names"
}

@test "attack: names of temporary files that are taken hold a start up once, not file by file" {
	local before
	thirty_copied
	# Such as nobody may open; and such as another process is at work on, beside files with another content.
	attack "for i in \$(cat '$T/names'); do install -m 0 /dev/null tree/\${i}0; done"
	before=$SECONDS
	again
	assert_success
	assert_equal "$(find "$V/tree" -name '.capshim-*' | wc -l) $((SECONDS - before < 6))" '0 1'
	attack "cd tree; exec /usr/bin/python3 -c '
import fcntl, time
held = [open(name.strip() + slot, \"w\") for name in open(\"$T/names\") for slot in \"01\"]
for file in held: fcntl.flock(file, fcntl.LOCK_EX)
for i in range(1, 31): open(str(i), \"w\").write(\"other\")
open(\"../ready\", \"w\")
time.sleep(60)'" 3>&- &
	wait_until test -e "$V/ready"
	before=$SECONDS
	again
	kill "$!"
	assert_success
	assert_equal "$(cat "$V/tree/30") $((SECONDS - before < 8))" '30 1'
}

@test "attack: a directory where the names of temporary files are taken is searched once, not for each file" {
	thirty_copied
	attack "for i in \$(cat '$T/names'); do mkdir -p tree/\${i}{0,1}/x; done; for i in {1..30}; do echo other >tree/\$i; done"
	timeout 20 strace -qq -o /dev/null -e trace=renameat -e inject=renameat:signal=KILL:when=3 \
		"$CAPSHIM" -c "$T/capshim.yaml" || :
	assert_equal "$(find "$V/tree" -name '.capshim-*' -type f | wc -l)" 1
	timeout 20 strace -qq -o "$T/calls" -e trace=getdents64 "$CAPSHIM" -c "$T/capshim.yaml"
	assert_equal "$(find "$V/tree" -name '.capshim-*' -type f | wc -l) $(cat "$V/tree/30")" '0 30'
	assert [ "$(grep -c ^getdents64 "$T/calls")" -lt 20 ]
}
