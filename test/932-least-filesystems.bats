#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell in the namespace
# The least list of capabilities that --explain prints is enough on a volume that a workload has used, on each kind of file
# system: three starts, with directories in between that the workload has closed to others.

load helpers

setup() {
	test_dir
	mkdir -p "$T/volume" "$T/lower" "$T/layers" "$T/source/sub"
	echo x >"$T/source/file" && echo x >"$T/source/sub/file" && ln -s file "$T/source/link"
	chown 1234:1234 "$T/lower"
	cat >"$T/starts" <<-'END'
		set -eu
		as_workload() { setpriv --reuid 1234 --regid 1234 --clear-groups sh -euc "$1"; }
		least=$("$CAPSHIM" -c "$T/capshim.yaml" --explain=json | jq -r '.required | keys[] | ltrimstr("CAP_") | ascii_downcase' |
			paste -sd, -)
		echo "least $least"
		cd "$T"
		for number in 1 2 3; do
			"$START" --groups 0 --bounding "$least" -- "$CAPSHIM" -c "$T/capshim.yaml"
			as_workload 'find "$T/volume" -mindepth 1 -printf "%P %U:%G %#m\n" | sort' >"$T/after.$number"
			as_workload 'cd "$T/volume"; for d in app app/copy app/own; do mkdir -p $d/mine/deep; echo x >$d/mine/file; done
				chmod 0700 . app app/own/mine app/own/mine/deep app/copy/sub; chmod 0600 app/conf
				echo more >>app/list; rm app/copy/file; rm -f app/link; ln -sf /etc/passwd app/own/link'
		done
		diff "$T/after.2" "$T/after.3"
	END
}

# config OWNER: every verb for which the owner of what is there stays the same.
config() {
	printf '%s\n' 'user: "1234:1234"' 'command: [/bin/true]' 'own_stdio: false' 'setup:' "  - {mkdir: [$T/volume/app/own, $T/volume/app/tmp], mode: 0750 $1}" \
		"  - {write: $T/volume/app/conf, content: x, mode: 0640 $1}" \
		"  - {write: $T/volume/app/list, content: \"x\\n\", if_exists: append_missing}" \
		"  - {copy: $T/source, to: $T/volume/app/copy, recursive: true $1}" \
		"  - {copy: $T/source, to: $T/volume/app/seed, recursive: true, only_if_empty: true $1}" \
		"  - {symlink: $T/volume/app/link, target: conf, force: true}" \
		"  - {template: $T/source/file, to: $T/volume/app/out, variables: [PATH] $1}" \
		"  - {mknod: $T/volume/app/fifo, type: p}" \
		"  - {remove: $T/volume/app/copy/mine, recursive: true}" \
		"  - {remove: \"$T/volume/app/tmp/*\"}" \
		"  - {chmod: $T/volume/app, dir_mode: u+rwx, file_mode: u+rw, recursive: true}"
	printf '%s\n' "  - {wait_for: $T/volume/app/conf, nonempty: true, when: {exists: $T/volume/app}, unless: {empty: $T/volume/app}}"
}

# starts WITH OWNER COMMAND: the three starts, where COMMAND has mounted the volume; WITH is what the least list must be.
starts() {
	config "$2" >"$T/capshim.yaml"
	export T REPO
	observe timeout 60 unshare --mount bash -euc "$3
		chown 1234:1234 \"\$T/volume\"
		bash \"\$T/starts\""
	assert_success
	assert_line "least $1"
	assert_equal "$(grep -vc ' 1234:1234 ' "$T/after.3")" 0
}

@test "the least list, three times on a used volume: a directory, tmpfs, overlayfs" {
	local mount
	for mount in 'mount --bind $T/lower $T/volume' 'mount -t tmpfs none $T/volume' \
		'mount -t tmpfs none $T/layers && mkdir $T/layers/{upper,work} && chown 1234 $T/layers/upper &&
			mount -t overlay -o lowerdir=$T/lower,upperdir=$T/layers/upper,workdir=$T/layers/work none $T/volume'; do
		starts setgid,setpcap,setuid '' "$mount"
		rm -rf "$T/lower" && mkdir "$T/lower" && chown 1234:1234 "$T/lower"
		starts chown,setgid,setpcap,setuid ', owner: workload' "$mount"
	done
}

# The server ends with the shell, whatever ended that.
SQUASH='python3 "$REPO/test/squash.py" $T/lower $T/volume ${MODE:-} 3>&- &
		trap "kill $!" EXIT
		for _ in {1..100}; do ! mountpoint -q $T/volume || break; sleep 0.05; done'

@test "a file system that makes directories with a mode of its own: they get the right one" {
	export T REPO MODE
	chmod 0700 "$T/source/sub" && mkdir -m 0555 "$T/source/ro"
	printf '%s\n' 'user: "1234:1234"' 'command: [/bin/true]' 'own_stdio: false' 'setup:' "  - {mkdir: [$T/volume/a/b, $T/volume/c]}" \
		"  - {mkdir: $T/volume/d, mode: 0750}" "  - {mkdir: $T/volume/e, as: workload}" "  - {copy: $T/source, to: $T/volume/f, recursive: true}" \
		"  - {write: $T/volume/a/b/x, content: x}" >"$T/capshim.yaml"
	for MODE in "" 0770 0500 0100 0777; do
		observe timeout 60 unshare --mount bash -euc "$SQUASH"'
			for _ in 1 2; do "$CAPSHIM" -c "$T/capshim.yaml"; done; cd "$T/volume"; stat -c "%n %u:%g %a" a a/b c d e f f/sub f/ro | xargs'
		assert_success
		assert_line 'a 1234:1234 755 a/b 1234:1234 755 c 1234:1234 755 d 1234:1234 750 e 1234:1234 755 f 1234:1234 755 f/sub 1234:1234 700 f/ro 1234:1234 555'
		rm -rf "$T/lower" && mkdir "$T/lower" && chown 1234:1234 "$T/lower"
	done
}

@test "the least list, three times on a used volume: a file system that squashes root, where nothing changes owner" {
	local owner
	local mount="$SQUASH"'
		! touch $T/volume/roots
		chown() { :; }'
	for owner in '' ', owner: workload'; do
		rm -rf "$T/lower" && mkdir "$T/lower" && chown 1234:1234 "$T/lower"
		starts "${owner:+chown,}setgid,setpcap,setuid" "$owner" "$mount"
	done
	# What would change its owner there is refused, and not said to be done.
	config ', owner: "2345:2345"' >"$T/capshim.yaml"
	observe timeout 60 unshare --mount bash -euc "$mount
		\"\$CAPSHIM\" -c \"\$T/capshim.yaml\""
	assert_failure 111
}
