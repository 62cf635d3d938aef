#!/usr/bin/env bats
# The session keyring: the workload has one of its own. The keys of a user are counted in all containers together, so also
# where none is left. Each test has a user of its own, whom it takes all keys.

load helpers
load lie

setup() {
	test_dir
}

# config USER [LINE ...]
config() {
	printf '%s\n' "user: \"$1:$1\"" 'seccomp: unconfined' "${@:2}"
}

# assert_user ID: the workload ran as that, without privileges.
assert_user() {
	assert_success
	assert_probe uid "$1,$1,$1,$1" permitted '' no_new_privs 1
}

@test "the workload has a session keyring of its own, not the one of the start" {
	config 54300 >"$T/capshim.yaml"
	observe timeout 20 "$START" --keyring -- /bin/sh -c \
		"$PROBE | sed -n 's/^keyring=/start=/p'; exec $CAPSHIM -c $T/capshim.yaml $PROBE"
	assert_success
	assert_line --regexp '^keyring=[0-9]+$'
	assert [ "$(probe_value start)" != "$(probe_value keyring)" ]
}

@test "where the user has no key left, a start as root runs without a keyring that anything can be put into" {
	local init
	for init in false true; do
		capshim_run --with --keyring --with --fill-keys --with 54301 -- "$PROBE" < <(config 54301 "init: $init")
		assert_user 54301
		assert_probe keyring EKEYREVOKED
	done
}

@test "where the user has no key left, a start as the user runs with the keyring that it has" {
	local user=(--with --groups --with none --with --gid --with 54302 --with --uid --with 54302)
	capshim_run "${user[@]}" --with --keyring --with --fill-keys --with 54302 -- "$PROBE" < <(config 54302)
	assert_user 54302
	assert_line --regexp '^keyring=[0-9]+$'
	# One of root's is not for it.
	capshim_run --with --keyring "${user[@]}" --with --fill-keys --with 54302 -- "$PROBE" < <(config 54302)
	assert_refused 111 'uid 54302 has no key left' maxkeys
}

@test "the owner of a keyring is a signed number to the kernel, and an id is not" {
	local id=4294967000
	capshim_run --with --groups --with none --with --gid --with "$id" --with --uid --with "$id" \
		--with --keyring --with --fill-keys --with "$id" -- "$PROBE" < <(config "$id")
	assert_user "$id"
	assert_line --regexp '^keyring=[0-9]+$'
}

@test "where the user has no key left, a keyring whose owner cannot be read is not the user's" {
	lie keyctl DESCRIBE error=EACCES --keyring --fill-keys 54304 --groups none --gid 54304 --uid 54304 < <(config 54304)
	assert_refused 111 'uid 54304 has no key left'
}

@test "a kernel that says it joined, described or revoked a keyring and did not is found out" {
	lie keyctl 'JOIN_SESSION_KEYRING' retval=0 --keyring < <(config 54303)
	assert_refused 112 'the owner of the session keyring'
	lie keyctl DESCRIBE retval=0 --keyring < <(config 54303)
	assert_refused 112 'the owner of the session keyring'
	lie keyctl DESCRIBE error=EACCES --keyring < <(config 54303)
	assert_refused 112 'the owner of the session keyring'
	lie keyctl REVOKE retval=0 --keyring --fill-keys 54303 < <(config 54303)
	assert_refused 112 'the owner of the session keyring'
	lie keyctl REVOKE error=EACCES --keyring --fill-keys 54303 < <(config 54303)
	assert_refused 111 'cannot revoke "the session keyring"'
}
