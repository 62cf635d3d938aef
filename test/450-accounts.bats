#!/usr/bin/env bats
# accounts: the lines that passwd and group must have are put there, and nothing else is changed. (What a line is, and
# which ids are refused, is in 310-accounts.bats.)

load helpers

setup() {
	test_dir
	image_make
	chmod 0640 "$IMAGE/etc/passwd"
	chown 0:44 "$IMAGE/etc/passwd"
	mkdir -p "$IMAGE/config"
	echo x >"$IMAGE/config/file"
	cp -a "$IMAGE/etc" "$T/before"
}

# accounts [OPTION ...]: app becomes 911:912 and new is added; options are capshim_run's.
accounts() {
	capshim_run --image "$@" -- -- /probe <<-END
		user: app
		supplementary_groups: none
		accounts:
		  - {name: app, uid: 911, gid: 912, home: /config}
		  - {name: new, uid: 77, gid: 78, shell: /bin/sh}
		seccomp: unconfined
		trace: true
		${steps-}
	END
}

assert_edited() {
	assert_equal "$(grep -c . "$IMAGE/etc/passwd")" 4
	run grep -E '^(app|new):' "$IMAGE/etc/passwd"
	assert_line --regexp '^app:x:911:912:App:/config:/bin/false$'
	assert_line --regexp '^new:x:77:78:[^:]*:/:/bin/sh$'
	run diff <(grep -vE '^(app|new):' "$IMAGE/etc/passwd") <(grep -v '^app:' "$T/before/passwd")
	assert_success
	run grep -E '^(app|new):' "$IMAGE/etc/group"
	assert_line --regexp '^app:x:912:'
	assert_line --regexp '^new:x:78:'
	assert_equal "$(find "$IMAGE/etc" -name '.capshim*')" ''
}

@test "accounts: renumbered and added, and the workload is who it has become" {
	accounts
	assert_unprivileged_as 911 912
	assert_edited
	assert_equal "$(stat -c '%u:%g %a' "$IMAGE/etc/passwd")" '0:44 640'
	assert_equal "$(stat -c '%u:%g %a' "$IMAGE/etc/group")" '0:0 644'
	# The home directory is not walked.
	assert_equal "$(stat -c '%u:%g' "$IMAGE/config" "$IMAGE/config/file")" $'0:0\n0:0'
}

assert_unprivileged_as() {
	assert_success
	assert_probe uid "$1,$1,$1,$1" gid "$2,$2,$2,$2" permitted '' bounding '' no_new_privs 1
}

@test "accounts: again nothing is written, also on a read-only file system" {
	accounts
	local inode
	inode=$(stat -c '%i %Z' "$IMAGE/etc/passwd")
	accounts
	assert_unprivileged_as 911 912
	assert_line --regexp 'trace: accounts .*: 0 changed, 2 already right'
	assert_equal "$(stat -c '%i %Z' "$IMAGE/etc/passwd")" "$inode"
	accounts --read-only
	assert_unprivileged_as 911 912
}

@test "accounts: a read-only file system that needs a change is refused" {
	accounts --read-only
	assert_refused 111 /etc/passwd 'Read-only file system' 'write user: "911:912"'
	# And the line that it offers does without one.
	rm "$IMAGE/etc/passwd" "$IMAGE/etc/group"
	capshim_run --image --read-only -- -- /probe <<<$'user: "911:912"\nseccomp: unconfined'
	assert_unprivileged_as 911 912
}

@test "accounts: the file is replaced at once" {
	ln "$IMAGE/etc/passwd" "$IMAGE/etc/other"
	accounts
	assert_success
	run cmp "$IMAGE/etc/other" "$T/before/passwd"
	assert_success
	assert_edited
}

@test "accounts: in place where the file is mounted" {
	mkdir "$IMAGE/mine"
	cp -a "$IMAGE/etc/passwd" "$IMAGE/mine/passwd"
	local inode
	inode=$(stat -c %i "$IMAGE/mine/passwd")
	accounts --bind /mine/passwd:/etc/passwd # as an engine does before capshim starts
	assert_unprivileged_as 911 912
	run grep '^app:' "$IMAGE/mine/passwd"
	assert_line --regexp ':911:912:'
	assert_equal "$(stat -c '%i %u:%g %a' "$IMAGE/mine/passwd")" "$inode 0:44 640"
	run cmp "$IMAGE/etc/passwd" "$T/before/passwd"
	assert_success
}

@test "accounts: a file that others could have written is not believed" {
	chmod 0666 "$IMAGE/etc/group"
	accounts
	assert_failure
	refute_workload
	assert_output --partial /etc/group
	run cmp "$IMAGE/etc/passwd" "$T/before/passwd"
	assert_success
}

@test "accounts: come before the steps, and fail as they do" {
	# shellcheck disable=SC2034 # read by accounts
	local steps='setup: [{chown: /config, owner: new}]'
	accounts
	assert_success
	assert_equal "$(stat -c %u "$IMAGE/config")" 77
	cp "$T/before/passwd" "$IMAGE/etc/passwd"
	rm -r "$IMAGE/config"
	accounts
	assert_refused 111 /config
}

@test "accounts: without passwd and group they are made" {
	rm "$IMAGE/etc/passwd" "$IMAGE/etc/group"
	accounts
	assert_success
	assert_probe uid 911,911,911,911
	assert_equal "$(stat -c '%u:%g %a' "$IMAGE/etc/passwd" "$IMAGE/etc/group")" $'0:0 644\n0:0 644'
}
