#!/usr/bin/env bats
# Before the drop root looks at the workload's program, in directories that may be the workload's: it follows no link that
# the workload could have made, and opens nothing but regular files.

load helpers

setup() {
	test_dir
	image_make
	mkdir -m 0700 "$IMAGE/root"
	install -d -o 1234 -g 1234 "$IMAGE/own"
}

# run_program: as /own/program, with a step in front, so that there is something that must not be done in vain.
run_program() {
	capshim_run --image -- -- /own/program <<-'END'
		user: app
		seccomp: unconfined
		setup:
		  - mkdir: /data/made
	END
}

@test "a program with file capabilities is refused before the steps" {
	install -m 0755 "$PROBE" "$IMAGE/own/program"
	setcap cap_net_raw+ep "$IMAGE/own/program"
	run_program
	assert_refused 100 'cannot execute "/own/program": it has file capabilities'
	assert [ ! -e "$IMAGE/data/made" ]
	# By links of root's in directories of root's as well.
	mv "$IMAGE/own/program" "$IMAGE/data/program"
	rmdir "$IMAGE/own"
	ln -s data "$IMAGE/own"
	run_program
	assert_refused 100 'cannot execute "/own/program": it has file capabilities'
	assert [ ! -e "$IMAGE/data/made" ]
}

@test "the program is looked up in the PATH that the workload will have" {
	local setup step='setup: [{mkdir: /data/made}]'

	mkdir -p "$IMAGE/usr/bin"
	cp "$PROBE" "$IMAGE/usr/bin/tool"
	cp "$PROBE" "$IMAGE/data/tool"
	setcap cap_net_raw+ep "$IMAGE/data/tool"
	for setup in 'setup: []' "$step"; do
		capshim_run --image -- -- tool <<<$'user: app\nenvironment: {PATH: /data}\nunset_environment: ["P*"]\n'"$setup"
		assert_unprivileged 1234
		assert_probe execfn /usr/bin/tool
		capshim_run --image -- --check tool <<<$'user: app\nenvironment: {PATH: /data}\nunset_environment: PATH\n'"$setup"
		assert_success
	done
	capshim_run --image -- --check tool <<<$'user: app\nenvironment: {PATH: /data}\n'"$step"
	assert_refused 100 'cannot execute "/data/tool": it has file capabilities'
}

@test "a link of the workload's shows nothing of what only root may read" {
	printf '#!/root/hidden\n' >"$IMAGE/root/script"
	install -m 0755 "$PROBE" "$IMAGE/root/hidden"
	chmod 0755 "$IMAGE/root/script"
	setcap cap_net_raw+ep "$IMAGE/root/hidden"
	ln -s /root/script "$IMAGE/own/program"
	chown -h 1234:1234 "$IMAGE/own/program"
	run_program
	assert_refused 126 'cannot execute "/own/program": the user may not search a directory on the way'
	refute_output --partial hidden
	assert [ -e "$IMAGE/data/made" ]
}

@test "as root, a file is held before it is opened, and not opened by another name" {
	install -m 0755 "$PROBE" "$IMAGE/own/program"
	printf '%s\n' 'user: app' 'seccomp: unconfined' 'setup: [{mkdir: /data/made}]' >"$IMAGE/etc/capshim.yaml"
	strace -f -qq -s 200 -e trace=openat,open,setresuid -o "$T/calls" \
		timeout 20 "$START" --clean --chroot "$IMAGE" -- /capshim -- /own/program >/dev/null
	sed '/setresuid/,$d' "$T/calls" >"$T/before"
	# Without O_PATH: once, by its name in the directory that is held, and not through a link.
	run grep -c 'program.*O_PATH' "$T/before"
	assert_output 1
	run grep 'program' "$T/before"
	assert_line --regexp 'openat\([0-9]+, "program", .*O_NONBLOCK.*O_NOFOLLOW'
	assert_equal "${#lines[@]}" 2
	refute_output --partial AT_FDCWD
}

@test "a FIFO, a socket or a device in the place of the program holds nothing up" {
	mkfifo -m 0777 "$IMAGE/own/program"
	run_program
	assert_refused 126 'not a regular file'
	rm "$IMAGE/own/program"
	mknod -m 0777 "$IMAGE/own/program" c 1 1
	run_program
	assert_refused 126 'not a regular file'
}
