#!/usr/bin/env bats
# The ids that gosu, su-exec and chroot --userspec take, from gosu's own tests (34 cases), su-exec's source and coreutils':
# what is the same here, and what is refused on purpose. `--user` is the word in question; what the ids are, the probe says.

load helpers

setup() {
	test_dir
	image_make
	cat >"$IMAGE/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		daemon:x:1:1::/usr/sbin:/bin/false
		games:x:5:60::/usr/games:/bin/false
		nobody:x:65534:65534::/nonexistent:/bin/false
	END
	# As gosu's tests have it: nobody is in every group, games in users.
	cat >"$IMAGE/etc/group" <<-'END'
		root:x:0:nobody
		daemon:x:1:nobody
		games:x:60:nobody
		users:x:100:nobody,games
		nogroup:x:65534:nobody
	END
}

# as USER [OPTION ...]: the probe behind `--user USER`, from a start as root.
as() {
	observe timeout 20 "$START" --clean --env PATH=/ --env HOME=/omg/really/nowhere --groups 0 --chroot "$IMAGE" -- \
		/capshim --seccomp unconfined --user "$@" -- /probe
}

# as_root USER: the same for the specs that are root's, which have to be asked for.
as_root() {
	as "$1"
	assert_refused 100 'is root' --allow-root && as "$1" --allow-root
}

# ids: what `id -u`, `id -g` and `id -G` would say, as gosu's tests compare it: the group first, then the others.
ids() {
	local uid gid group all

	uid=$(probe_value uid) gid=$(probe_value gid)
	all=${gid%%,*}
	for group in $(probe_value groups | tr , ' '); do
		[ "$group" = "${gid%%,*}" ] || all+=" $group"
	done
	echo "${uid%%,*}:${gid%%,*}:$all"
}

@test "gosu's table: users and groups by name and by number" {
	local row spec

	while read -r spec row; do
		as "$spec"
		assert_success || fail "$spec: $output" || return
		assert_equal "$spec $(ids)" "$spec $row" || return
	done <<-'END'
		1000:1000 1000:1000:1000
		1000:root 1000:0:0
		1000:0 1000:0:0
		1000:daemon 1000:1:1
		games 5:60:60 100
		5 5:60:60 100
		daemon 1:1:1
	END
	while read -r spec row; do
		as_root "$spec"
		assert_success || fail "$spec: $output" || return
		assert_equal "$spec $(ids)" "$spec $row" || return
	done <<-'END'
		0 0:0:0
		root 0:0:0
		0:0 0:0:0
		0:root 0:0:0
		root:0 0:0:0
		root:root 0:0:0
		0:1000 0:1000:1000
		root:1000 0:1000:1000
	END
}

@test "gosu's table: a written group is the only one" {
	as games:daemon
	assert_success
	assert_equal "$(ids)" 5:1:1
	as nobody:nogroup
	assert_equal "$(ids)" 65534:65534:65534
	# The group file's, where no group is written; root's group is never among them.
	as nobody
	assert_equal "$(ids)" '65534:65534:65534 1 60 100'
}

@test "gosu's table, refused on purpose: no group for a number, no group after the colon, no user" {
	as 1000
	assert_refused 100 'user id 1000 has no entry in /etc/passwd: write its group as well'
	as 0: --allow-root
	assert_refused 100 'there is no group behind the colon'
	as games:
	assert_refused 100 'there is no group behind the colon'
	as ''
	assert_refused 100 'not an empty word'
	as :0 --allow-root
	assert_refused 100 'is neither a user'
	as :
	assert_refused 100 'is neither a user'
}

@test "gosu's table: an unknown user or group is an error" {
	local spec

	for spec in bogus 0day 0:bogus 0:0day games:bogus ' games' 'games ' games:daemon:1; do
		as "$spec" --allow-root
		assert_refused 100 '--user: ' || fail "'$spec': $output" || return
	done
}

# home HOME SPEC [OPTION ...]: HOME of the workload, where the container has it as the first word.
home() {
	local home=$1 spec=$2

	shift 2
	observe timeout 20 "$START" --clean --env PATH=/ --env "HOME=$home" --groups 0 --chroot "$IMAGE" -- \
		/capshim --seccomp unconfined --user "$spec" "$@" -- /probe
	probe_value env.HOME
}

@test "gosu's table: HOME is passwd's, / without an entry; but one that the image sets is kept" {
	local spec

	for spec in 0 0:0 root 0:root root:0 root:root 0:1000 root:1000; do
		assert_equal "$spec $(home /root "$spec" --allow-root)" "$spec /root" || return
		assert_equal "$spec $(home '' "$spec" --allow-root)" "$spec /root" || return
	done
	for spec in 1000:1000 1000:0 1000:root; do
		assert_equal "$spec $(home /root "$spec")" "$spec /" || return
	done
	for spec in games games:daemon; do
		assert_equal "$spec $(home /root "$spec")" "$spec /usr/games" || return
	done
	assert_equal "$(home /srv games)" /srv
}

@test "su-exec: invalid numbers, which it accepted, or read as root" {
	local spec

	for spec in 4294967296 4294967296:1 1:4294967296 4294967295 -1 +5 0x5 05 5.0 '5 ' 99999999999 1:-1 5:; do
		as "$spec" --allow-root
		assert_refused 100 '--user: ' || fail "'$spec': $output" || return
	done
	as 4294967294:4294967294
	assert_success
	assert_equal "$(ids)" 4294967294:4294967294:4294967294
}

@test "chroot --userspec: the same ids, compared with it" {
	local spec ours

	for spec in games 5 daemon 77777:88888 77777:daemon 4294967294:5; do
		as "$spec"
		assert_success || fail "$spec: $output" || return
		ours=$(ids)
		output=$(timeout 20 "$START" --groups none -- /usr/sbin/chroot --userspec="$spec" "$IMAGE" /probe)
		assert_equal "$spec $ours" "$spec $(ids)" || return
	done
}

@test "chroot --userspec, refused on purpose: a group alone, a sign, a colon with nothing after it" {
	local spec

	for spec in :daemon +5 +5:+60 games: 5: .; do
		as "$spec"
		assert_refused 100 '--user: ' || fail "'$spec': $output" || return
	done
}
