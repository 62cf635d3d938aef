#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# Two containers with one config on one volume: one is in the middle of a step when the other gives the directory away, and its
# workload moves something else to the next name. What a step was to find, and as whom it acts, is judged again.

load helpers
load volume

setup() {
	volume_setup
}

teardown() {
	umount -l "$V" 2>/dev/null || true
}

# is_still PID: is it stopped, and not only for a system call that strace looks at?
is_still() {
	local before
	before=$(grep -E '^(State:[[:space:]]*[tT]|.*ctxt)' "/proc/$1/status")
	sleep 0.2
	[[ $before == State* && $before == "$(grep -E '^(State|.*ctxt)' "/proc/$1/status")" ]]
}

# away STEP ATTACK [CALL] [PATH] [WHEN]: the first of two containers is stopped when it has seen who can change the volume, which is
# OWNER's with all that it holds, or after the call CALL in PATH, the first or number WHEN; the second gives the volume away, and its
# workload does ATTACK there. MORE is done to the volume before, BETWEEN in between, for WHEN 1..2; FRONT stands in front of the first.
OWNER=0:0 FRONT=() MORE=: BETWEEN=
away() {
	local first stopped call=${3:-fstat}
	chown 0:0 "$V" && chmod 0755 "$V" && rm -rf "${V:?}"/* && mkdir -p "$V/app" "$V/private" && echo public >"$V/page"
	ln -s "$T/keys" "$V/link" && echo secret >"$V/key" && echo secret >"$V/private/key"
	chmod 0600 "$V/key" && chmod 0700 "$V/private"
	install -m 0640 -g 1234 "$V/page" "$V/conf"
	[ ! -e "$O/program" ] || { mkdir "$V/old" && cp -a "$O/program" "$V/old/"; }
	[ "$call" != getdents64 ] || { mkdir "$V/app"/{one,two,three} && cp -a "$V/private" "$V/app/"; }
	(cd "$V" && eval "$MORE")
	[ "$OWNER" = 0:0 ] || chown -hR "$OWNER" "$V"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$1}" "  - {chown: $V, owner: workload}" >"$T/capshim.yaml"
	timeout 20 strace -o /dev/null -P "${4:-$V}" -e trace="$call" -e inject="$call:signal=STOP:when=${5:-1}" \
		"${FRONT[@]}" "$CAPSHIM" -c "$T/capshim.yaml" 3>&- 2>"$T/err" &
	first=$!
	wait_until pgrep -f "^$CAPSHIM -c $T/capshim.yaml"
	stopped=$(pgrep -f "^$CAPSHIM -c $T/capshim.yaml")
	wait_until is_still "$stopped"
	[ -z "$BETWEEN" ] || { (cd "$V" && eval "$BETWEEN") && kill -CONT "$stopped" && wait_until is_still "$stopped"; }
	chown 1234:1234 "$V" "${4:-$V}"
	attack "$2"
	kill -CONT "$stopped"
	wait $first
}

@test "attack: a directory is given away by another container behind a walk's back" {
	mkdir -m 0700 "$T/keys" && echo secret >"$T/keys/key"
	run away "mkdir: $V/app, owner: workload, mode: '0755'" 'rmdir app; mv private app'
	assert_failure 111
	assert_equal "$(owners "$V/app")" '0:0 700'
	run away "chown: $V/app, owner: workload, recursive: true" 'rmdir app; mv link app'
	assert_failure 111
	assert_equal "$(owners "$T/keys" "$T/keys/key")" '0:0 700 0:0 644'
	run away "copy: $V/page, to: $O/page, owner: workload" 'rm -f page; mv key page'
	assert_failure 111
	assert [ ! -e "$O/page" ]
	run away "remove: $V/app, recursive: true" 'rmdir app; mv private app'
	assert_failure 111
	assert [ -e "$V/app/key" ]
	run away "write: $V/page, content: x, if_exists: keep, owner: workload, mode: '0644'" 'rm -f page; mv key page'
	assert_failure 111
	assert_equal "$(owners "$V/page")" '0:0 600'
	# Behind the walk: a file of root's with another group is moved to the name that was free.
	run away "write: $V/free, content: secret, owner: '2000', mode: '0640'" 'mv conf free' fstat "$V" 2
	assert_equal "$status $(owners "$V/free")" '0 2000:0 640'
	# A tree that is made, or removed.
	mkdir "$T/source" && echo x >"$T/source/key"
	run away "copy: $T/source, to: $V/new, recursive: true, owner: workload" 'rmdir new; mv private new' mkdirat
	assert_failure 111
	assert_equal "$(owners "$V/new" "$V/new/key") $(cat "$V/new/key")" '0:0 700 0:0 644 secret'
	mkdir -m 0775 "$T/empty" && chmod 0775 "$T/empty"
	run away "copy: $T/empty, to: $V/new, recursive: true, owner: workload" 'mv new x; mv private new' fchownat "$V/new"
	assert_equal "$(owners "$V/new")" '0:0 700'
	run away "remove: $V/app/t*, recursive: true" 'cd app; rmdir two; mv private two' getdents64 "$V/app"
	assert_failure 111
	assert_equal "$(cat "$V/app/two/key")" secret
	# Without an attack the first one goes on.
	run away "copy: $V/page, to: $O/page, owner: workload" true
	assert_success
	assert_equal "$(cat "$O/page")" public
}

@test "attack: a directory with a program is given away by another container behind a walk's back" {
	mount -t tmpfs -o mode=0755 none "$V"
	printf '#!/bin/sh\ntouch %s\n' "$T/ran" >"$O/program" && chmod 0755 "$O/program"
	run away "run: [$V/app/program]" 'rmdir app; mv old app'
	umount "$V"
	assert_failure 111
	assert [ ! -e "$T/ran" ]
}

@test "attack: a third user's directory is given away by another container while a step is in it" {
	OWNER=2000:2000
	run away "copy: $V/page, to: $O/page, owner: workload" 'rm -f page; mv key page'
	assert_failure 111
	run away "template: $V/page, to: $O/page, variables: [HOME]" 'rm -f page; mv key page'
	assert_failure 111
	run away "copy: $V/app, to: $O/dir, recursive: true, owner: workload" 'rmdir app; mv private app'
	assert_failure 111
	run grep -r secret "$O"
	assert_failure
	run away "write: $V/page, content: x, if_exists: append_missing, owner: '2000:1234', mode: '0640'" 'rm -f page; mv key page'
	assert_failure 111
	assert_equal "$(owners "$V/page")" '2000:2000 600'
	run away "mkdir: $V/app, mode: '0755'" 'rmdir app; mv private app'
	assert_failure 111
	assert_equal "$(owners "$V/app")" '2000:2000 700'
	run away "remove: $V/app/t*, recursive: true" 'cd app; rmdir two; mv private two' getdents64 "$V/app"
	assert_equal "$(cat "$V/app/two/key")" secret
	# In a tree the listing is older than what its names are by then.
	run away "copy: $V/app, to: $O/app, recursive: true, owner: workload" 'cd app; rmdir two; mv private two' getdents64 "$V/app"
	assert_failure 111
	run away "copy: $V, to: $O/all, recursive: true, owner: workload" 'rm page; mv key page' getdents64
	assert_failure 111
	run grep -r secret "$O"
	assert_failure
	# By two others, one behind the other.
	OWNER=0:0 MORE='chown 2000:2000 key' BETWEEN='chown 2000:2000 .'
	run away "copy: $V/page, to: $O/page, owner: workload" 'rm -f page; mv key page' fstat "$V" 1..2
	assert_failure 111
	MORE=: BETWEEN='' OWNER=2000:2000
	assert [ ! -e "$O/page" ]
	# What the workload has only taken away by then is no error.
	MORE='rm -r app private key conf link'
	run away "copy: $V, to: $O/rest, recursive: true, owner: workload" 'rm page' fstat "$V/page"
	assert_success
	MORE=:
	# Without an attack the first one goes on, as far as the workload's rights go.
	run away "copy: $V/page, to: $O/page, owner: workload" true
	assert_success
	assert_equal "$(cat "$O/page")" public
}

@test "attack: a tree is given away by name: not what is mounted where its directory is another user's by then" {
	local first
	chown 0:0 "$V" && mkdir "$V/conf" && echo x >"$V/conf/app.ini" && echo >"$V/conf/key"
	echo secret >"$O/key" && chmod 0600 "$O/key"
	printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [{chown: $V/conf, recursive: true}]" >"$T/capshim.yaml"
	unshare --mount bash -c "mount --bind '$O/key' '$V/conf/key' && exec timeout 20 strace -o '$T/calls' -P '$V/conf' -e trace=statx \
		-e inject=statx:delay_exit=2000000:when=3+ '$CAPSHIM' -c '$T/capshim.yaml'" 3>&- &
	first=$!
	# It has looked at the file, and is about to change it.
	wait_until grep -q app.ini "$T/calls"
	chown 1234:1234 "$V/conf"
	attack 'cd conf; mv app.ini old; mv key app.ini'
	wait $first
	assert_equal "$(owners "$O/key")" '0:0 600'
}

@test "attack: a directory that root cannot open at once is given away before it is held" {
	FRONT=("$START" --bounding 'chown,setgid,setuid,setpcap' --)
	MORE='cp -a private app/ && install -d -m 0700 -o 1234 app/two'
	run away "remove: $V/app/t*, recursive: true" 'cd app; rmdir two; mv private two' fstat "$V/app" 5
	assert_failure 111
	assert_equal "$(cat "$V/app/two/key")" secret
}

@test "attack: nothing that others have moved to the name of a directory that is being made is completed, or opened" {
	mkdir "$T/source" && echo x >"$T/source/key"
	MORE='install -d -m 0550 -o 2000 third; mkdir -m 0700 empty; install -d -o 1234 data'
	run away "copy: $T/source, to: $V/data, recursive: true, owner: workload" 'mv data old; mv third data' mkdirat
	assert_equal "$(owners "$V/data")" '2000:0 550'
	# What it has just made is known by its mode.
	run away "mkdir: $V/new, owner: workload, mode: '0755'" 'mv new old; mv empty new' mkdirat
	assert_failure 111
	assert_equal "$(owners "$V/new")" '0:0 700'
}

@test "two honest containers: one gives away, and completes, what the other is making" {
	local first stopped
	chown 0:0 "$V"
	run away "mknod: $V/pipe, type: p" true mknodat
	assert_success
	mkdir -p "$T/source/sub/deep" && echo x >"$T/source/sub/deep/f" && chmod 0775 "$T/source/sub" && chmod 0555 "$T/source/sub/deep"
	rm -rf "${V:?}"/* && chown 0:0 "$V"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {copy: $T/source, to: $V/new, recursive: true}" \
		"  - {chown: $V, owner: workload}" >"$T/capshim.yaml"
	timeout 20 strace -o /dev/null -P "$V/new/sub/deep" -e trace=getdents64 -e inject=getdents64:signal=STOP:when=1 \
		"$CAPSHIM" -c "$T/capshim.yaml" 3>&- &
	first=$!
	wait_until pgrep -f "^$CAPSHIM -c $T/capshim.yaml"
	stopped=$(pgrep -f "^$CAPSHIM -c $T/capshim.yaml")
	wait_until is_still "$stopped"
	"$CAPSHIM" -c "$T/capshim.yaml"
	kill -CONT "$stopped"
	wait $first
	assert_equal "$(owners "$V/new/sub" "$V/new/sub/deep")" '0:0 775 0:0 555'
}
