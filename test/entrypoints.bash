# shellcheck shell=bash
# shellcheck disable=SC2154 # status, output and lines are bats'
# Loaded by the tests of entry points, after helpers: an image like that of the original, and what the original would have done.

setup() {
	test_dir
	image_new
}

image_new() {
	rm -rf "$T/image"
	image_make
	mkdir -p "$IMAGE"/{run,usr/bin,usr/local/bin,var/lib}
	ln -s /run "$IMAGE/var/run"
}

# entrypoint NAME USER:UID:GID [PROGRAM ...]: installs the config (of config/examples, or of test/entrypoints), the user and
# its group, the fake programs.
entrypoint() {
	local user uid gid program config=$REPO/config/examples/$1.yaml

	[ -e "$config" ] || config=$REPO/test/entrypoints/$1.yaml
	IFS=: read -r user uid gid <<<"$2"
	install -m 0644 "$config" "$IMAGE/etc/capshim.yaml"
	printf 'root:x:0:0:root:/root:/bin/sh\n%s:x:%s:%s::/home/%s:/bin/false\n' "$user" "$uid" "$gid" "$user" \
		>"$IMAGE/etc/passwd"
	printf 'root:x:0:\n%s:x:%s:\nssl-cert:x:77:%s\n' "$user" "$gid" "$user" >"$IMAGE/etc/group"
	shift 2
	for program; do
		install -m 0755 "$PROBE" "$IMAGE/usr/local/bin/$program"
	done
}

# started [OPTION ...] [-- ARGUMENT ...]: the image, as a container of it is started.
started() {
	capshim_run --image --config image --start docker "$@"
}

# planted FILE UID:GID MODE: a file of the volume, with its directory.
planted() {
	mkdir -p "$IMAGE$(dirname "$1")"
	echo content >"$IMAGE$1"
	chmod "$3" "$IMAGE$1"
	chown "$2" "$IMAGE$1"
}

# assert_arguments WORD ...: of the workload, its own name first.
assert_arguments() {
	local i=0 word

	assert_probe argc $# || return
	for word; do
		assert_probe "arg.$i" "$word" || return
		i=$((i + 1))
	done
}

# assert_file FILE UID:GID MODE
assert_file() {
	assert_equal "$1 $(stat -c '%u:%g %a' "$IMAGE$1")" "$1 $2 $3"
}

# assert_workload UID GID: these, the default filter, and not one privilege more.
assert_workload() {
	assert_success || return
	assert_probe uid "$1,$1,$1,$1" gid "$2,$2,$2,$2" groups 77 inheritable '' permitted '' effective '' \
		bounding '' ambient '' no_new_privs 1 seccomp "${SECCOMP:-2}" securebits 0xcb
}
