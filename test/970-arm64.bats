#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2153,SC2154 # status, output and lines are bats'; COMPILER and COMMON are machine.bash's
# What is different on arm64, and what must not be. For "make test-arm64": programs for arm64 must run here, and CAPSHIM
# is not the one that is shipped (test/arm64/absent.c).

load helpers

OTHER=${PROBE%/*/*}/arm64 COMPILER=aarch64-linux-musl-gcc COMMON=280
PODMAN=/usr/share/containers/seccomp.json

load machine
load engine

setup() {
	test_dir
}

# given LINE ...: a config for uid 1234 that the emulator can run.
given() {
	printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' "$@" >"$T/capshim.yaml"
}

@test "it is a static program for arm64, on kernels with pages of up to 64 KB" {
	local type address size flags align from to last=0 count=0

	run readelf -hlW "$OTHER/capshim"
	assert_line --regexp 'Machine: +AArch64'
	assert_line --regexp 'Type: +EXEC'
	refute_output --partial INTERP
	assert_line --regexp 'GNU_STACK .* RW '
	# In such a page there is one segment, and none can be written and executed.
	while read -r type _ address _ _ size flags align; do
		[ "$type" = LOAD ] || continue
		[ "${align##* }" = 0x10000 ]
		[[ "$flags${align% *}" != *W*E* ]]
		from=$((address / 65536)) to=$(((address + size - 1) / 65536))
		[ "$from" -gt "$last" ]
		last=$to count=$((count + 1))
	done <<<"$output"
	[ "$count" = 2 ]
}

@test "it drops everything, for a workload of either architecture" {
	given 'seccomp: unconfined'
	shipped "$PROBE" --try-regain
	assert_unprivileged 1234
	assert_no_way_back
	assert_probe fds 0,1,2 blocked 0x0 ignored 0x0
	shipped "$OTHER/test/probe"
	assert_unprivileged 1234
	given 'seccomp: unconfined' 'cap_add: [NET_BIND_SERVICE, CHECKPOINT_RESTORE]'
	shipped "$PROBE"
	assert_unprivileged 1234 net_bind_service,checkpoint_restore
	shipped "$OTHER/test/probe"
	assert_unprivileged 1234 net_bind_service,checkpoint_restore
}

@test "plain YAML is what libyaml makes of it, where a char has no sign" {
	local pieces
	for pieces in signs lines; do
		simulated "$OTHER" trees "$pieces" 3
		assert_output --regexp '^[0-9]+ texts, [0-9]+ taken, 0 wrong$'
	done
	printf 'a: b\303\244\n' >"$T/a"
	printf 'a: b:\303\244\n' >"$T/b"
	simulated "$OTHER" tree "$T/a" "$T/b" "$REPO/config/examples/nginx.yaml"
	assert_output "$T/a: libyaml
$T/b: libyaml
$REPO/config/examples/nginx.yaml: own"
}

@test "where filters cannot be loaded nothing runs, with or without init" {
	nothing_without_filters
}

@test "the default filter for arm64 does what its JSON says, whatever is kept" {
	local cap

	simulated "$OTHER" check default
	simulated "$OTHER" libseccomp "$REPO/config/seccomp/default.json"
	simulated "$OTHER" libseccomp "$REPO/config/seccomp/default.json" sys_admin sys_ptrace
	for cap in $(kept); do
		simulated "$OTHER" check default "$cap"
		simulated "$OTHER" check default "$cap" sys_admin
	done
	# shellcheck disable=SC2046 # a list of words
	simulated "$OTHER" check default $(kept)
}

@test "Podman's profile for arm64, with 32-bit Arm, does what it says and matches libseccomp's code" {
	local caps

	for caps in '' AUDIT_WRITE 'SYS_ADMIN SYS_PTRACE SYS_CHROOT'; do
		# shellcheck disable=SC2086 # lists of words
		simulated "$OTHER" check "$PODMAN" $caps
		# shellcheck disable=SC2086
		simulated "$OTHER" libseccomp "$PODMAN" $caps
	done
	answered "$OTHER" allow "$PODMAN" 20@0x40000028
	answered "$OTHER" kill "$PODMAN" 20@0x40000003
	answered "$OTHER" kill default 20@0x40000028
	answered "$OTHER" kill default 20@0xc000003e
	answered "$NATIVE" kill "$PODMAN" 20@0x40000028
}

@test "32-bit Arm's private calls are decided by the rules; newer calls get ENOSYS, though they lie below those" {
	local profile=$T/profile.json

	cat >"$profile" <<-'END'
		{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4002, "architectures": ["SCMP_ARCH_ARM"],
		"syscalls": [{"names": ["getppid", "set_tls", "execve", "exit_group"], "action": "SCMP_ACT_ALLOW"}]}
	END
	simulated "$OTHER" check "$profile"
	simulated "$OTHER" libseccomp "$profile"
	answered "$OTHER" allow "$profile" 64@0x40000028
	answered "$OTHER" 'errno 4002' "$profile" 63@0x40000028
	answered "$OTHER" 'errno 38' "$profile" 500@0x40000028
	answered "$OTHER" allow "$profile" 0xf0005@0x40000028
	answered "$OTHER" 'errno 4002' "$profile" 0xf0002@0x40000028
	answered "$OTHER" 'errno 4002' "$profile" 0xf0006@0x40000028
}

@test "a call that both architectures have gets the same answer on both, whatever is kept" {
	local cap

	alike default
	grep -qx 'getppid allow allow' "$T/both"
	grep -qx 'mount errno1 errno1' "$T/both"
	for cap in $(kept); do
		alike default "$cap"
	done
	alike "$PODMAN"
}

@test "init's filter allows the same calls on both, and no others" {
	local directory call

	alike init
	alike init-proc
	for directory in "$NATIVE" "$OTHER"; do
		simulated "$directory" calls init
		[ "$(grep -c allow <<<"$output")" = 4 ]
		for call in rt_sigtimedwait kill exit_group munmap 'wait4 -1 0 0x40000003' 'ioctl 0 0x540f' 'ioctl 0 0x5410' \
			'clock_gettime 1' 'write 3' 'close 3' 'ppoll 0 1'; do
			# shellcheck disable=SC2086 # a call and its arguments
			answered "$directory" allow init $call
		done
		for call in 'wait4 -1 0 0' 'ppoll 0 2' 'ioctl 0 0x5412' 'clock_gettime 0' 'write 1' 'close 2' read openat mmap mprotect \
			'prctl 22' execve clone rt_sigreturn 'kill@0x40000028' 'kill@0x40000003' 'kill@0'; do
			# shellcheck disable=SC2086
			answered "$directory" kill init $call
		done
		# Where /proc is searched. 0x80000 is O_CLOEXEC with O_RDONLY.
		for call in kill 'wait4 -1 0 0x40000003' 'lseek 5' 'getdents64 5' 'openat 5 0 0x80000' 'read 3' 'close 3'; do
			# shellcheck disable=SC2086
			answered "$directory" allow init-proc $call
		done
		for call in 'lseek 3' 'getdents64 3' 'openat 5 0 0x80001' 'openat 5 0 0x80042' 'openat 5 0 0' 'read 0' 'read 5' \
			'close 5' 'write 5' mmap execve clone; do
			# shellcheck disable=SC2086
			answered "$directory" kill init-proc $call
		done
	done
}

@test "the kernel accepts the filter, which kills a process of another architecture" {
	local source

	for source in default init init-proc "$PODMAN"; do
		"$OTHER/test/bpfsim" dump "$source" >"$T/dump"
		observe timeout 20 /usr/bin/python3 - "$T/dump" <<-'END'
			import ctypes, struct, sys

			code = b""
			for line in open(sys.argv[1], encoding="ascii"):
			    code += struct.pack("=HBBI", *(int(word, 0) for word in line.split()[1:]))
			buffer = ctypes.create_string_buffer(code, len(code))
			program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
			libc = ctypes.CDLL(None, use_errno=True)
			assert libc.prctl(38, 1, 0, 0, 0) == 0
			libc.syscall(317, 1, 0, program)
			sys.exit("the kernel did not take it: %d" % ctypes.get_errno())
		END
		assert_failure 159
	done
}

@test "a compiled profile of one architecture is refused on the other" {
	native_profile_refused
	observe timeout 20 "$NATIVE/capshim" -c "$T/capshim.yaml" --check
	assert_success
	observe timeout 20 "$OTHER/capshim" --compile-seccomp "$T/profile.json" "$T/arm64.bpf"
	assert_success
	given "seccomp: $T/arm64.bpf" 'command: [/bin/true]'
	observe timeout 20 "$OTHER/capshim" -c "$T/capshim.yaml" --check
	assert_success
	observe timeout 20 "$NATIVE/capshim" -c "$T/capshim.yaml" -- "$PROBE"
	assert_refused 100 arm64.bpf 'another architecture'
}

@test "the table has every call that libseccomp knows, and its number on arm64 and 32-bit Arm" {
	table_agrees aarch64-linux-gnu
	assert_output --regexp '^[0-9]+ calls, 2 ABIs$'
}

# Whatever lies outside is unmapped while the loop runs; 800-init.bats reads the machine code of x86-64.
@test "the loop of init refers to nothing outside of it" {
	local object

	for object in loop descendants; do
		run aarch64-linux-gnu-readelf -rSW "$OTHER/musl/shim/init/$object.o"
		assert_success
		assert_line --regexp ' init_resident +PROGBITS'
		# From one of the two files to the other.
		run sed -n "/^Relocation section '.relainit_resident'/,/^$/p" <<<"$output"
		output=$(grep -E '^[0-9a-f]{16} ' <<<"$output" | grep -v ' init_signal_descendants + 0$' || :)
		assert_output ''
	done
}

@test "arm64: the image is for arm64, holds what is shipped, and another image takes it by COPY --from" {
	local tag=test-$$

	export BATS_TEST_TIMEOUT=300
	engine_start "$CAPSHIM_TEST_ROOT"
	RUN=qemu-aarch64-static timeout 120 "$REPO/packaging/image" "$tag" "$OTHER" arm64 >&2
	assert_equal "$(docker inspect -f '{{.Os}}/{{.Architecture}}' "capshim:$tag-arm64")" linux/arm64
	observe timeout 60 docker run --rm --network none "capshim:$tag-arm64" --version=verbose
	assert_success
	assert_line --regexp 'compiler .* for aarch64-'
	printf '%s\n' 'FROM scratch' "COPY --from=capshim:$tag-arm64 /capshim /copied" 'COPY probe /probe' \
		'ENTRYPOINT ["/copied", "--user", "1234:1234", "--seccomp", "unconfined", "--"]' >"$T/Dockerfile"
	cp "$OTHER/test/probe" "$T/probe"
	timeout 120 docker build -q --platform linux/arm64 -t "copied:$tag" "$T" >&2
	observe timeout 60 docker run --rm --network none "copied:$tag" /probe
	assert_success
	assert_probe uid 1234,1234,1234,1234 permitted '' bounding '' no_new_privs 1
}
