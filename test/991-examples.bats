#!/usr/bin/env bats
# bats file_tags=long:20
# shellcheck disable=SC2016 # in single quotes on purpose
# The examples and manifests of config/: each runs with exactly the capabilities that it says it must be granted, and
# without any of them it does not.

load helpers

setup() {
	test_dir
	export CAPSHIM PROBE START
}

# example_image CONFIG: an image for it, made anew: the user that it names, its program (the probe), its directories.
example_image() {
	local user program

	rm -rf "$T/image"
	image_make
	mkdir -p "$IMAGE"/{usr/bin,usr/sbin,var/lib/postgresql,run,tmp,mnt,shared,opt,work}
	chown 1000:1000 "$IMAGE/work"
	ln -s /run "$IMAGE/var/run"
	mkdir "$IMAGE/capshim-bin"
	echo 'listen ${LISTEN};' >"$IMAGE/etc/app.conf.in"
	mkdir -p "$IMAGE/var/log"
	user=$(sed -n 's/^user: *"\{0,1\}\([a-z-]*\).*/\1/p' "$1")
	case $user in
	'' | app | owner) ;; # owner_of:/work
	*) sed -i "s/^app:/$user:/" "$IMAGE/etc/passwd" "$IMAGE/etc/group" ;;
	esac
	program=$(sed -n 's/^ *command: \[\{0,1\}\([a-z-]*\).*/\1/p' "$1")
	case $program in
	'' | none | pause) program=/probe ;;
	*) install -m 0755 "$PROBE" "$IMAGE/usr/bin/$program" ;;
	esac
	install -Dm 0755 "$PROBE" "$IMAGE/usr/local/bin/docker-entrypoint.sh"
	install -m 0755 "$PROBE" "$IMAGE/usr/bin/vault"
	install -m 0755 "$PROBE" "$IMAGE/usr/sbin/iptables-restore"
	install -m 0644 "$REPO/config/examples/strict-seccomp.json" "$IMAGE/etc/"
	install -m 0644 "$1" "$IMAGE/etc/capshim.yaml"
	arguments=()
	grep -q '^command:' "$1" || arguments=(-- /probe)
}

# example_run CONFIG LIST: what it does when it is granted LIST. A container's root has root's group.
example_run() {
	local limit=20

	! grep -q '^command: pause' "$1" || limit=4 # it stays
	example_image "$1"
	capshim_run --image --config image --timeout "$limit" --with --groups --with 0 --with --bounding --with "$2" -- "${arguments[@]}"
}

# example_ok CONFIG: it ran to its end, or (pause) is what it should be: still there.
example_ok() {
	case $(sed -n 's/^command: //p' "$1") in
	none) assert_success ;;
	pause) assert_failure 124 && assert_output '' ;;
	*) assert_success && assert_line --regexp '^uid=(1234|1000|1337|65532),' ;;
	esac
}

# explained CONFIG: what --explain=json says is required, and what is conditional, in $required and $conditional.
explained() {
	example_image "$1"
	capshim_run --image --config image --with --groups --with 0 -- --explain=json "${arguments[@]}"
	assert_success || return
	required=$(jq -r '.required | keys_unsorted[] | ltrimstr("CAP_") | ascii_downcase' <<<"$output" | paste -sd, -)
	conditional=$(jq -r '.conditional | keys_unsorted[] | ltrimstr("CAP_") | ascii_downcase' <<<"$output" | paste -sd, -)
}

# without_each CONFIG LIST: it is refused without any one of them.
without_each() {
	local name

	for name in ${2//,/ }; do
		example_run "$1" "$(tr ',' '\n' <<<"$2" | grep -vx "$name" | paste -sd, - | sed 's/^$/none/')"
		[ "$status" = 111 ] || [ "$status" = 100 ] ||
			fail "$1 without $name: status $status, $output" || return
		refute_line --regexp '^uid=(1234|1000|1337),' || return
	done
}

@test "every example lists in its head what it must be granted, exactly as --explain prints it" {
	local file grant

	for file in "$REPO"/config/examples/*.yaml; do
		grant=$(sed -n '3s/^# Grant: //p' "$file")
		[ -n "$grant" ] || fail "$file: the third line is no Grant:" || return
		explained "$file" || return
		[ "$(tr ',' '\n' <<<"${required:-nothing}" | sort)" = "$(tr -d ' ' <<<"${grant,,}" | tr ',' '\n' | sort)" ] ||
			fail "$file says $grant, --explain $required" || return
	done
}

@test "every example passes --check without a word" {
	local file

	for file in "$REPO"/config/examples/*.yaml; do
		example_image "$file"
		capshim_run --image --config image -- --check "${arguments[@]}"
		assert_success || return
		assert_output '/etc/capshim.yaml: no problems' || return
	done
}

@test "every example runs with exactly that, and without any one it is refused" {
	local file

	for file in "$REPO"/config/examples/*.yaml; do
		case ${file##*/} in
		sysctl-init.yaml) continue ;; # needs a network namespace: below
		# In place of an image's own entrypoint: tried with what that image has, in a file of their own.
		redis.yaml | postgres.yaml | mariadb.yaml | vault.yaml | puid-pgid.yaml | volume-permissions.yaml) continue ;;
		esac
		explained "$file" || return
		example_run "$file" "${required:-none}"
		example_ok "$file" || fail "$file: $output" || return
		without_each "$file" "$required" || return
	done
}

# workload_changes: what the owners of directories and files in the image do to them: they add, close, change and link.
workload_changes() {
	local path owner

	while read -r owner path; do
		setpriv --reuid "$owner" --regid "$owner" --clear-groups sh -c 'mkdir -p "$0/own/deep" && echo x >"$0/own/file" &&
			ln -sf /etc/passwd "$0/own/link" && chmod 0700 "$0/own/deep" "$0/own" "$0"' "$path"
	done < <(find "$IMAGE" -depth -type d ! -uid 0 ! -name own ! -name deep -printf '%U %p\n')
	while read -r owner path; do
		setpriv --reuid "$owner" --regid "$owner" --clear-groups sh -c 'echo more >>"$0"; chmod go= "$0"' "$path" 2>/dev/null || :
	done < <(find "$IMAGE" -type f ! -uid 0 -printf '%U %p\n')
}

@test "every example starts three times, whatever its workload does in between to what is its own" {
	local file again=0 grant

	for file in "$REPO"/config/examples/*.yaml; do
		case ${file##*/} in
		sysctl-init.yaml | pause.yaml) continue ;; # the first has a test of its own, the other has no setup
		esac
		explained "$file" || return
		grant=$required${conditional:+,$conditional} # a used volume
		grant=${grant#,}
		example_run "$file" "${grant:-none}"
		for _ in 2 3; do
			assert_success || fail "$file" || return
			workload_changes
			capshim_run --image --config image --timeout 20 --with --groups --with 0 --with --bounding \
				--with "${grant:-none}" -- "${arguments[@]}"
			again=$((again + 1))
		done
		assert_success || fail "$file" || return
	done
	[ "$again" -ge 30 ]
}

@test "the sysctl example sets what a container's namespace lets it set, without any capability" {
	example_image "$REPO/config/examples/sysctl-init.yaml"
	observe timeout 20 unshare --net --mount --fork sh -c 'mount --bind /proc "$1/proc" && shift && exec "$@"' sh \
		"$IMAGE" sh -c '"$@" && cat /proc/sys/net/ipv4/ip_local_port_range' sh \
		"$START" --bounding none --clean --chroot "$IMAGE" -- /capshim
	assert_success
	assert_output $'1024\t65000'
}

@test "the example of network rules sets them with the real iptables, and the program holds nothing else" {
	install -m 0644 "$REPO/config/examples/network-rules-init.yaml" "$T/rules.yaml"
	observe timeout 30 unshare --net --fork sh -c '"$@" && iptables -t nat -S OUTPUT' sh \
		"$START" --clean --groups 0 --bounding setgid,setpcap,net_admin,net_raw -- "$CAPSHIM" -c "$T/rules.yaml"
	assert_success
	assert_line --partial 'REDIRECT --to-ports 15001'
}

@test "the example of secrets: the file has it, the environment of the workload has not" {
	example_image "$REPO/config/examples/secrets.yaml"
	mkdir -p "$IMAGE/run/secrets"
	printf 'hunter2\n' >"$IMAGE/run/secrets/token"
	capshim_run --image --config image --env ADMIN_TOKEN_FILE=/run/secrets/token --env DB_PASSWORD_FILE=/run/secrets/token
	assert_unprivileged 1234
	assert_probe env.DB_PASSWORD hunter2
	refute_line --regexp '^env.ADMIN_TOKEN'
	assert_equal "$(cat "$IMAGE/run/app/token") $(stat -c '%a %u' "$IMAGE/run/app/token")" 'hunter2 400 1234'
}

@test "the example of an arbitrary id runs as one that no passwd knows" {
	example_image "$REPO/config/examples/arbitrary-uid.yaml"
	capshim_run --image --config image --with --bounding --with none --with --groups --with none --with --gid --with 0 \
		--with --uid --with 1000660000
	assert_success
	assert_probe uid 1000660000,1000660000,1000660000,1000660000 permitted '' no_new_privs 1 env.HOME /data umask 0002
}

@test "the example of a read-only root runs on one" {
	example_image "$REPO/config/examples/read-only-root.yaml"
	mkdir -p "$IMAGE/run/app"
	capshim_run --image --config image --read-only
	assert_refused 111 'on a read-only root mount a volume or a tmpfs there'
	cat >"$T/start" <<-END
		#!/bin/sh
		exec unshare -m sh -c 'mount -t tmpfs tmpfs "$IMAGE/run" && exec "$START" "\$@"' sh "\$@"
	END
	chmod 0755 "$T/start"
	START=$T/start capshim_run --image --config image --read-only
	assert_success
	assert_probe uid 1234,1234,1234,1234 arg.2 /run/app.conf
}

@test "the strict filter allows only the calls that it names" {
	example_image "$REPO/config/examples/strict-seccomp.yaml"
	capshim_run --image --config image -- --explain-syscall mount
	assert_success
	assert_output --partial 'denied (Operation not permitted)'
	capshim_run --image --config image -- --explain-syscall openat
	assert_success
	assert_line 'openat: allowed'
}

@test "the manifests have the form of Kubernetes and Compose, and the Pod Security level that they claim" {
	observe timeout 60 "$REPO/test/manifests.py" check "$REPO"/config/kubernetes/*.yaml "$REPO/config/compose.yaml"
	assert_success
	assert_output ''
}

@test "every manifest grants what --explain prints for its config, and the config runs with it" {
	local file name grant cap count=0

	for file in "$REPO"/config/kubernetes/*.yaml "$REPO/config/compose.yaml"; do
		timeout 60 "$REPO/test/manifests.py" list "$file" "$T" >"$T/list"
		while read -r name grant; do
			count=$((count + 1))
			explained "$T/$name.yaml" || return
			if [ "$grant" = nonroot ]; then # restricted
				example_image "$T/$name.yaml"
				capshim_run --image --config image --with --bounding --with none --with --groups --with none \
					--with --gid --with 1000 --with --uid --with 1000
				assert_success && assert_probe uid 1000,1000,1000,1000 no_new_privs 1 permitted '' || return
				continue
			fi
			for cap in ${required//,/ }; do
				[[ ,$grant, == *,$cap,* ]] || fail "$file does not grant $cap" || return
			done
			for cap in ${grant//[,-]/ }; do
				[[ ,$required,$conditional, == *,$cap,* ]] || fail "$file grants $cap for nothing" || return
			done
			example_run "$T/$name.yaml" "${grant/#-/none}"
			example_ok "$T/$name.yaml" || fail "$file: $output" || return
			without_each "$T/$name.yaml" "$required" || return
		done <"$T/list"
	done
	[ "$count" = 6 ]
}
