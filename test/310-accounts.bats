#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# passwd and group: what is read, what a line counts for, and how the accounts of the config get into them.

load helpers

setup() {
	test_dir
	image_make
}

# as_user USER: the probe as USER, with the image's files.
as_user() {
	capshim_run --image -- -- /probe <<-END
		user: $1
		seccomp: unconfined
	END
}

# with_account FIELDS [NAME=VALUE]: a run as app, which accounts describes with FIELDS.
with_account() {
	local env=()

	[ -z "${2-}" ] || env=(--env "$2")
	capshim_run --image "${env[@]}" -- -- /probe <<-END
		user: app
		accounts:
		  - {name: app, $1}
		seccomp: unconfined
	END
}

# assert_file FILE: byte for byte what standard input holds.
assert_file() {
	cat >"$T/expected"
	run cmp "$T/expected" "$IMAGE$1"
	assert_success
}

@test "the first line of a name counts, also for the groups" {
	printf 'app:x:1:1::/:/\n' >>"$IMAGE/etc/passwd"
	printf 'later:x:77:app\nlater:x:78:\nsame:x:44:app\n' >>"$IMAGE/etc/group"
	as_user app
	assert_unprivileged 1234
	assert_probe groups 44,77
	as_user app:later
	assert_probe gid 77,77,77,77
}

@test "lines that are no accounts are passed over" {
	{
		printf '\n#app:x:5:5::/:/\n+::::::\n-app::::::\napp\napp:x:6\napp:x:06:6::/:/\n'
		printf 'app:x:4294967296:7::/:/\napp:x:-1:7::/:/\napp:x: 1:7::/:/\napp:x:7:7::/\n:x:8:8::/:/\n'
		printf 'app\0:x:9:9::/:/\n\377\376:x:10:10::/:/\n'
		cat "$IMAGE/etc/passwd"
	} >"$T/passwd"
	cat "$T/passwd" >"$IMAGE/etc/passwd"
	{
		printf 'app:x:010:app\nodd:x:0x1:app\nvideo:x:44\n\nvideo\0:x:5:app\n'
		cat "$IMAGE/etc/group"
	} >"$T/group"
	cat "$T/group" >"$IMAGE/etc/group"
	as_user app
	assert_unprivileged 1234
	assert_probe groups 44
}

@test "a name is matched whole" {
	printf 'app2:x:90:90::/:/\nap:x:91:91::/:/\nApp:x:92:92::/:/\n' >>"$IMAGE/etc/passwd"
	printf 'g1:x:90:app2,ap,App,app \ng2:x:91:,,app,,app\n' >>"$IMAGE/etc/group"
	as_user app
	assert_unprivileged 1234
	assert_probe groups 44,91
	as_user ap
	assert_unprivileged 91
	printf '+nis:x:96:96::/:/\n' >>"$IMAGE/etc/passwd"
	as_user '"+nis:96"'
	assert_refused 100 '+nis'
}

@test "a last line without a newline counts" {
	printf 'last:x:93:94::/:/' >>"$IMAGE/etc/passwd"
	printf 'lastgroup:x:95:last' >>"$IMAGE/etc/group"
	as_user last
	assert_probe uid 93,93,93,93 gid 94,94,94,94 groups 95
}

@test "a line or a file beyond all bounds is refused" {
	head -c 66000 /dev/zero | tr '\0' a >>"$IMAGE/etc/passwd"
	as_user app
	assert_refused 100 '/etc/passwd:4:1: a line longer than 64 KiB'
	yes x:x:1:1::/:/ | head -c 1100000 >"$IMAGE/etc/passwd"
	as_user app
	assert_refused 100 /etc/passwd
}

@test "an account that is not there is added at the end" {
	printf 'root:x:0:0:root:/root:/bin/sh' >"$IMAGE/etc/passwd"
	printf 'root:x:0:\n' >"$IMAGE/etc/group"
	with_account 'uid: 911, gid: 912'
	assert_success
	assert_probe uid 911,911,911,911 gid 912,912,912,912 groups '' env.HOME / env.USER app
	assert_file /etc/passwd <<-'END'
		root:x:0:0:root:/root:/bin/sh
		app:x:911:912::/:/sbin/nologin
	END
	assert_file /etc/group <<-'END'
		root:x:0:
		app:x:912:
	END
}

@test "an account that is there is renumbered, everything else stays byte for byte" {
	printf '#a comment\n+::::::\nodd line\n\napp:!:1:2:App, Room 1:/old:/bin/zsh\nz:x:7:7::/:/\n' >"$IMAGE/etc/passwd"
	printf 'app:pw:2:one,two\r\nother:x:7:app\n\napp:x:9:three' >"$IMAGE/etc/group"
	with_account 'uid: 911, gid: 912, home: /config, shell: /bin/false'
	assert_success
	assert_probe uid 911,911,911,911 gid 912,912,912,912 groups 7 env.HOME /config
	printf '#a comment\n+::::::\nodd line\n\napp:!:911:912:App, Room 1:/config:/bin/false\nz:x:7:7::/:/\n' |
		assert_file /etc/passwd
	printf 'app:pw:912:one,two\r\nother:x:7:app\n\napp:x:9:three' | assert_file /etc/group
}

@test "without home and shell, those of the line stay" {
	with_account 'uid: 911, gid: 911'
	assert_success
	run grep ^app: "$IMAGE/etc/passwd"
	assert_output app:x:911:911:App:/data:/bin/false
}

@test "the second start finds everything done" {
	with_account 'uid: 911, gid: 911'
	assert_success
	cp -p "$IMAGE/etc/passwd" "$T/passwd"
	cp -p "$IMAGE/etc/group" "$T/group"
	local before
	before=$(stat -c '%i %z' "$IMAGE/etc/passwd" "$IMAGE/etc/group")
	with_account 'uid: 911, gid: 911'
	assert_unprivileged 911
	assert_equal "$(stat -c '%i %z' "$IMAGE/etc/passwd" "$IMAGE/etc/group")" "$before"
	assert_file /etc/passwd <"$T/passwd"
	assert_file /etc/group <"$T/group"
}

@test "an id that another name has already may be shared" {
	with_account 'uid: 2345, gid: 2345'
	assert_success
	assert_probe uid 2345,2345,2345,2345 gid 2345,2345,2345,2345 groups 44 env.USER app
	run grep -c :2345: "$IMAGE/etc/passwd"
	assert_output 2
}

@test "an account never becomes root, and root never another" {
	cp "$IMAGE/etc/passwd" "$T/passwd"
	with_account 'uid: 0, gid: 911'
	assert_refused 100 "uid 0 is root's"
	with_account 'uid: 911, gid: 0'
	assert_refused 100 "gid is root's"
	with_account 'uid: "${PUID}", gid: 911' PUID=0
	assert_refused 100 "uid 0 is root's"
	with_account 'uid: 911, gid: 911, home: "/${X}"' $'X=a\nb'
	assert_refused 100 home
	with_account 'uid: 911, gid: 911, home: data'
	assert_refused 100 home
	with_account 'uid: 911, gid: 911, shell: "/bin/sh:x"'
	assert_refused 100 shell
	local id
	for id in 4294967295 4294967296 -1 ' 911' 0911 0x38f ''; do
		with_account 'uid: "${PUID}", gid: 911' "PUID=$id"
		assert_refused 100 'capshim: /etc/capshim.yaml:'
	done
	assert_file /etc/passwd <"$T/passwd"
	: >"$IMAGE/etc/passwd"
	with_account 'uid: 911, gid: 0'
	assert_refused 100 "gid is root's"
	printf 'toor:x:0:0::/:/bin/sh\n' >"$IMAGE/etc/passwd"
	printf 'zero:x:0:\n' >"$IMAGE/etc/group"
	local name
	for name in toor zero root; do
		capshim_run --image -- -- /probe <<-END
			user: "911:911"
			accounts: [{name: $name, uid: 911, gid: 911}]
			seccomp: unconfined
		END
		assert_refused 100 "is root's"
	done
	cp "$T/passwd" "$IMAGE/etc/passwd"
	for name in a:b 911 -app '"a b"' '"a,b"' '""'; do
		capshim_run --image -- -- /probe <<-END
			user: app
			accounts: [{name: $name, uid: 911, gid: 911}]
			seccomp: unconfined
		END
		assert_refused 100 'capshim: /etc/capshim.yaml:2:'
	done
	assert_file /etc/passwd <"$T/passwd"
}

@test "a group file with Windows line endings, where it has the user, is refused" {
	printf 'root:x:0:\r\napp:x:1234:\r\nvideo:x:44:app\r\nops:x:45:app,other\r\n' >"$IMAGE/etc/group"
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_refused 100 'capshim: /etc/group: it has Windows line endings (CRLF), so "app" is no member of group "video"'
	capshim_run --image -- -- /probe <<<'{user: nobody, seccomp: unconfined, setup: [{run: [/probe], user: app}]}'
	assert_refused 100 'so "app" is no member of group "video"'
	# Nobody looks for a member there.
	sed -i '/video/d' "$IMAGE/etc/group"
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_success
	assert_probe groups 45
	# An engine may read it without the carriage return, and give root that group.
	printf 'wheel:x:10:root\r\n' >>"$IMAGE/etc/group"
	capshim_run --image --with --groups --with 10,700 -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_success
	assert_probe groups 45,700
}

# given GROUPS EXPECTED: a start with GROUPS hands EXPECTED on.
given() {
	capshim_run --image --with --groups --with "$1" -- -- /probe <<<'{user: other, seccomp: unconfined}'
	assert_success
	assert_probe groups "$2"
}

@test "a group that an engine reads as root's, however leniently, is not handed on" {
	local line id
	# With the stricter reading of capshim for its own questions, none of these lines is a group.
	for line in 'd:x:6:root ' 'd:x:06:root' 'd:x:+6:root' 'd:x: 6 :root' 'd:x:6:root:' 'd:x:6:app, root' ' d:x:6:root' \
		'#d:x:6:root' '+d:x:6:root' ':x:6:root' $'d:x:6:root\xc2\xa0' $'d:x:6:\troot' 'd:x:4294967302:root' 'd::6:root,'; do
		printf 'root:x:0:\n%s\ne:x:7:app,rooty,oot\n' "$line" >"$IMAGE/etc/group"
		given 6,7,700 7,700 || fail "$line" || return
	done
	printf 'd\0:x:6:root\n' >"$IMAGE/etc/group"
	given 6,7 7
	# Whatever the name of uid 0 is, and whatever passes for 0.
	for id in 0 00 +0 -0 ' 0' 0x0 none '' 4294967296; do
		printf 'toor:x:%s:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nother:x:2345:2345::/:\n' "$id" >"$IMAGE/etc/passwd"
		printf 'd:x:6:toor\ne:x:7:toor2\nf:x:8:root\n' >"$IMAGE/etc/group"
		given 6,7,8 7 || fail "$id" || return
	done
	printf ' admin :x:0\nother:x:2345:2345::/:/bin/sh\n\n \n' >"$IMAGE/etc/passwd"
	printf 'd:x:6:admin\nf:x:8:root\ng:x:9:,\n' >"$IMAGE/etc/group"
	given 6,8,9 9
}

@test "the group that root has in passwd, or by which the start was made, is not handed on" {
	printf 'toor:x:0:+8\nroot:x:0:06:root:/root:/bin/sh\nother:x:2345:2345::/:/bin/sh\nx:x:5:7::/:/x\n' >"$IMAGE/etc/passwd"
	given 6,7,8 7
	capshim_run --image --with --groups --with 7,9 --with --gid --with 9 -- -- /probe <<<'{user: other, seccomp: unconfined}'
	assert_success
	assert_probe groups 7
	# A group that is named is given.
	capshim_run --image --with --groups --with 6 -- -- /probe <<<'{user: other, seccomp: unconfined, supplementary_groups: [6]}'
	assert_success
	assert_probe groups 6
}

@test "more names of uid 0 than can be told apart: every member counts as root, and every other group stays" {
	local i
	for ((i = 0; i < 300; i++)); do
		echo "r$i:x:0:0::/:/bin/sh"
	done >>"$IMAGE/etc/passwd"
	printf 'd:x:6:r7\ne:x:7:someone\nf:x:8:\n' >>"$IMAGE/etc/group"
	given 6,7,8,700 8,700
}

@test "group 0 is written where it stands behind every reference, and chosen where it stands in one" {
	local user

	for user in '${PUID:-1000}:0' '${PUID:+1000}:root' '${PUID:-${UID:-1000}}:0' '${PUID}:0' '100${NO:-0}:0'; do
		capshim_run --image --env PUID=1000 -- -- /probe <<<"{user: \"$user\", seccomp: unconfined}"
		assert_success
		assert_probe uid 1000,1000,1000,1000 gid 0,0,0,0
	done
	# Also a default, which is written, is only there for those who set no variable.
	for user in '${WHO}' '${WHO:-1:1}' '1000:${PGID}' '1000:${NO:-0}' '${NO:-1000:0}' '${WHO:-1000:0}'; do
		capshim_run --image --env WHO=1000:0 --env PGID=0 -- -- /probe <<<"{user: \"$user\", seccomp: unconfined}"
		assert_refused 100 'has group 0: write the group'
	done
}
