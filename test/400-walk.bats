#!/usr/bin/env bats
# Which paths are followed, and which files are trusted: the walk by its own rule, and the rule for what has the power of
# an executable. Links in hostile volumes are in 420-hostile.bats.

load helpers

setup() {
	test_dir
	D=$T/data
	mkdir "$D"
}

# step STEP: runs one step.
step() {
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {$1}" >"$T/capshim.yaml"
	capshim_run --config "$T/capshim.yaml"
}

# assert_reaches PATH: a step finds $D/real/file by PATH.
assert_reaches() {
	chmod 0600 "$D/real/file"
	step "chmod: \"$1\", mode: 0640"
	assert_success
	assert_equal "$(stat -c %a "$D/real/file")" 640
}

refute_reaches() {
	chmod 0600 "$D/real/file"
	step "chmod: \"$1\", mode: 0640"
	assert_failure 111
	assert_equal "$(stat -c %a "$D/real/file")" 600
}

real_file() {
	mkdir -p "$D/real" "$D/other/deep"
	touch "$D/real/file"
}

@test "links owned by root in root's directories are followed: relative, absolute, upwards, chained, to a link, to /" {
	real_file
	ln -s real "$D/relative"
	ln -s "$D/real" "$D/absolute"
	ln -s ../../real/./file "$D/other/deep/up"
	ln -s other/deep/up "$D/chain"
	ln -s / "$D/root"
	ln -s real/ "$D/slash"
	ln -s ../../../../../../../../../../../../.. "$D/above"
	for path in relative/file absolute/file other/deep/up chain "root$D/relative/file" slash/file "above$D/chain"; do
		assert_reaches "$D/$path"
	done
	assert_reaches "$D//real///file"
}

@test "a link is refused for its owner, for its directory's owner, and for its directory's mode" {
	real_file
	ln -s real "$D/l"
	assert_reaches "$D/l/file"
	chown -h 1234 "$D/l"
	refute_reaches "$D/l/file"
	assert_output --partial "$D/l"
	chown -h 0 "$D/l"
	chown 1234 "$D"
	refute_reaches "$D/l/file"
	chown 0 "$D"
	for mode in 0775 0757 1777; do
		chmod "$mode" "$D"
		refute_reaches "$D/l/file"
	done
}

@test "plain directories of other users are walked through" {
	real_file
	chmod 1777 "$D" && chown 1234 "$D/real"
	assert_reaches "$D/real/file"
}

@test "40 links are followed, 41 are not" {
	real_file
	ln -s real "$D/1"
	for n in {2..41}; do ln -s "$((n - 1))" "$D/$n"; done
	assert_reaches "$D/40/file"
	refute_reaches "$D/41/file"
}

@test "paths and names that are too long, and files in the place of directories" {
	local long component
	real_file
	component=$(printf 'x%.0s' {1..256})
	refute_reaches "$D/$component/file"
	assert_output --partial 'name too long'
	long=$D$(printf '/real/../real%.0s' {1..400})
	ln -s "$(printf '%s' "$long" | cut -c1-4000)" "$D/l"
	refute_reaches "$D/l/$(printf 'yy/%.0s' {1..1000})"
	refute_reaches "$D/real/file/below"
	assert_output --partial 'ot a directory'
}

# over_ro: runs the config in $T with $D/ro mounted read-only, which leaves it writable where it came from.
over_ro() {
	run timeout 20 unshare -m bash -c "mount --bind $D/ro $D/ro && mount -o remount,bind,ro $D/ro &&
		$CAPSHIM -c $T/capshim.yaml"
}

@test "a read-only mount makes up for the mode of a link's directory, and for no owner" {
	real_file
	mkdir "$D/ro" && ln -s ../real "$D/ro/l" && chmod 0777 "$D/ro"
	refute_reaches "$D/ro/l/file"
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' \
		"  - {chmod: $D/ro/l/file, mode: 0640}" >"$T/capshim.yaml"
	over_ro
	assert_success
	assert_equal "$(stat -c %a "$D/real/file")" 640
	# Another container may have it writable.
	chmod 0600 "$D/real/file"
	chown -h 1234 "$D/ro/l"
	over_ro
	assert_refused 111 "$D/ro/l"
	chown -h 0 "$D/ro/l" && chown 1234 "$D/ro" && chmod 0755 "$D/ro"
	over_ro
	assert_refused 111 "$D/ro/l"
	assert_equal "$(stat -c %a "$D/real/file")" 600
}

@test "on a read-only mount, too, no program is run, no secret read and no group taken that another's link names" {
	local line
	mkdir "$D/ro" "$D/roots" && echo secret >"$D/roots/file" && chgrp 42 "$D/roots/file"
	ln -s "$D/roots/file" "$D/ro/file" && ln -s /bin/true "$D/ro/program"
	chown -hR 1234:1234 "$D/ro"
	while read -r line; do
		printf '%s\n' 'user: "1234:1234"' 'command: none' "environment: {PW_FILE: $D/ro/file}" \
			"$line" >"$T/capshim.yaml"
		over_ro
		assert_failure
		assert_output --partial "$D/ro"
	done <<-END
		setup: [{run: [$D/ro/program]}]
		setup: [{copy: $D/ro/file, to: $D/copied, owner: workload}]
		supplementary_groups: ["group_of:$D/ro/file"]
	END
	assert [ ! -e "$D/copied" ]
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'file_environment: [PW]' >"$T/capshim.yaml"
	PW_FILE=$D/ro/file over_ro
	assert_failure 100
	assert_output --partial "$D/ro/file"
}

# ---- what has the power of an executable

trusted_config() {
	printf '%s\n' 'user: "1234:1234"' 'command: none' >"$D/config.yaml"
}

assert_trusted() {
	capshim_run --config "$1"
	assert_success
}

assert_distrusted() {
	capshim_run --config "$1"
	assert_failure 100
	assert_output --partial "$2"
}

@test "trust: a file owned by root in root's directories, also through root's links" {
	trusted_config
	assert_trusted "$D/config.yaml"
	mkdir "$T/link" && ln -s "$D" "$T/link/dir" && ln -s ../data/config.yaml "$T/link/file"
	assert_trusted "$T/link/dir/config.yaml"
	assert_trusted "$T/link/file"
}

@test "trust: owner and mode of the file" {
	trusted_config
	chown 1234 "$D/config.yaml"
	assert_distrusted "$D/config.yaml" 'belongs to uid 1234'
	assert_output --partial 'COPY --chown=0:0'
	chown 0 "$D/config.yaml"
	for mode in 0664 0646 0666; do
		chmod "$mode" "$D/config.yaml"
		assert_distrusted "$D/config.yaml" "mode $mode"
		assert_output --partial 'chmod go=rX: in a Dockerfile by RUN'
	done
	chmod 0600 "$D/config.yaml"
	observe "$START" --clean --groups none --gid 1234 --uid 1234 -- "$CAPSHIM" -c "$D/config.yaml"
	assert_failure 100
	assert_output --partial 'Permission denied (chmod go=rX: in a Dockerfile by RUN'
	chown :1234 "$D/config.yaml"
	assert_trusted "$D/config.yaml"
}

@test "trust: every directory on the way, sticky or not" {
	mkdir "$D/sub"
	trusted_config
	mv "$D/config.yaml" "$D/sub"
	chown 1234 "$D"
	assert_distrusted "$D/sub/config.yaml" "\"$D\" belongs to uid 1234"
	chown 0 "$D"
	for mode in 0775 0757 1777; do
		chmod "$mode" "$D"
		assert_distrusted "$D/sub/config.yaml" "mode $mode"
	done
	chmod 0755 "$D"
	# The way that a link leads counts, not only the one that is written.
	mkdir "$T/link" && ln -s ../data/sub/config.yaml "$T/link/l"
	chmod 0777 "$D"
	assert_distrusted "$T/link/l" "\"$D\""
	chmod 0755 "$D"
	assert_trusted "$T/link/l"
}

@test "trust: a read-only mount, as Kubernetes makes of a ConfigMap" {
	mkdir -m 0777 "$D/map" "$D/map/..2026_01_01" && trusted_config
	mv "$D/config.yaml" "$D/map/..2026_01_01/"
	ln -s ..2026_01_01 "$D/map/..data" && ln -s ..data/config.yaml "$D/map/config.yaml"
	chmod 0777 "$D/map" "$D/map/..2026_01_01"
	assert_distrusted "$D/map/config.yaml" "$D/map"
	run timeout 20 unshare -m bash -c "mount --bind $D/map $D/map && mount -o remount,bind,ro $D/map &&
		$CAPSHIM -c $D/map/config.yaml"
	assert_success
	# What lies there must be root's all the same: the directory ...
	chown 1234 "$D/map/..2026_01_01"
	run timeout 20 unshare -m bash -c "mount --bind $D/map $D/map && mount -o remount,bind,ro $D/map &&
		$CAPSHIM -c $D/map/config.yaml"
	assert_failure 100
	chown 0 "$D/map/..2026_01_01"
	# ... and the file, which nobody else may write.
	chmod 0666 "$D/map/..2026_01_01/config.yaml"
	run timeout 20 unshare -m bash -c "mount --bind $D/map $D/map && mount -o remount,bind,ro $D/map &&
		$CAPSHIM -c $D/map/config.yaml"
	assert_failure 100
}

@test "trust: only regular files, and nothing blocks" {
	mkfifo -m 0644 "$D/fifo"
	assert_distrusted "$D/fifo" 'must be a regular file'
	assert_distrusted /dev/null 'must be a regular file'
	assert_distrusted "$D" 'must be a regular file'
	assert_distrusted "$D/missing" 'no such file'
	assert_distrusted /proc/version 'instead of'
	ln -s nowhere "$D/dangling"
	assert_distrusted "$D/dangling" 'o such file'
}

@test "trust: a file of an id that the user namespace does not map says so" {
	trusted_config
	chmod 0644 "$D/config.yaml"
	run timeout 20 setpriv --reuid 1234 --regid 1234 --clear-groups unshare -Ur "$CAPSHIM" -c "$D/config.yaml"
	assert_failure 100
	assert_output --partial '65534'
	assert_output --partial 'user namespace'
}
