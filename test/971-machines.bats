#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2153,SC2154 # status, output and lines are bats'; COMPILER and COMMON are machine.bash's
# What is different on MACHINE, and what must not be: as 970-arm64.bats, for "make test-riscv64" and "make test-armhf".

load helpers

OTHER=${PROBE%/*/*}/$MACHINE
case $MACHINE in
riscv64)
	TRIPLET=riscv64-linux-gnu ELF=RISC-V ARCH=riscv64 FOREIGN=(0xc000003e 0xc00000b7 0x400000f3)
	COMPILER=${DEPS:-${PROBE%/*/*}/deps}/musl-riscv64/bin/musl-gcc COMMON=270
	;;
armhf)
	TRIPLET=arm-linux-gnueabihf ELF=ARM ARCH=arm FOREIGN=(0xc000003e 0xc00000b7 0x40000003)
	COMPILER=arm-linux-musleabihf-gcc COMMON=280
	;;
esac

load machine

setup() {
	test_dir
}

# given LINE ...: a config for uid 165536, which 16 bits would make 34464.
given() {
	printf '%s\n' 'user: "165536:165537"' 'supplementary_groups: ["165538"]' "$@" >"$T/capshim.yaml"
}

@test "it is a static program for the machine, no page of which can be written and executed" {
	run readelf -hlW "$OTHER/capshim"
	assert_line --regexp 'Machine: +'"$ELF"
	assert_line --regexp 'Type: +EXEC'
	refute_output --partial INTERP
	assert_line --regexp 'GNU_STACK .* RW '
	refute_line --regexp 'LOAD .* RWE '
	run "$OTHER/capshim" --version=verbose
	assert_line --regexp '^  musl 1\.'
}

@test "it gives up everything, for a workload of either architecture; ids have 32 bits" {
	local probe

	given 'seccomp: unconfined'
	for probe in "$PROBE" "$OTHER/test/probe"; do
		shipped "$probe" --try-regain
		assert_success
		assert_probe uid 165536,165536,165536,165536 gid 165537,165537,165537,165537 groups 165538 no_new_privs 1 \
			permitted '' effective '' inheritable '' bounding '' ambient '' fds 0,1,2 blocked 0x0 ignored 0x0
	done
	given 'seccomp: unconfined' 'cap_add: [NET_BIND_SERVICE, CHECKPOINT_RESTORE]'
	shipped "$PROBE"
	assert_probe permitted net_bind_service,checkpoint_restore bounding net_bind_service,checkpoint_restore
}

@test "where filters cannot be loaded nothing runs, with or without init" {
	nothing_without_filters
}

@test "the default filter for the machine is what its JSON says and what libseccomp makes of it, whatever is kept" {
	local cap foreign

	simulated "$OTHER" check default
	simulated "$OTHER" libseccomp "$REPO/config/seccomp/default.json"
	for cap in $(kept); do
		simulated "$OTHER" check default "$cap"
	done
	for foreign in "${FOREIGN[@]}"; do
		answered "$OTHER" kill default "20@$foreign"
	done
}

@test "armhf: the default filter knows the calls with 32 bits of an id and 64 of a time, the direct ones of sockets, and Arm's own" {
	local call

	[ "$MACHINE" = armhf ] || return 0 # there are no such calls
	for call in setresuid32 setgroups32 setfsuid32 getresgid32 chown32 clock_gettime64 rt_sigtimedwait_time64 ppoll_time64 futex_time64 \
		'socket 1' bind accept4 sendmsg fstat64 fstatat64 mmap2 _llseek set_tls cacheflush; do
		# shellcheck disable=SC2086 # a call and its arguments
		answered "$OTHER" allow default $call
	done
	# The same by their numbers.
	for call in 208 206 215 403 421 282 0xf0005; do
		answered "$OTHER" allow default "$call"
	done
	answered "$OTHER" 'errno 1' default mount
	answered "$OTHER" 'errno 1' default clock_settime64
	answered "$OTHER" 'errno 38' default 500
}

@test "a call that both architectures have gets the same answer on both, for the workload and for init" {
	local source

	for source in default init init-proc; do
		alike "$source"
	done
}

@test "machines: a compiled profile of one architecture is refused on the other" {
	native_profile_refused
}

@test "machines: the table has every call that libseccomp knows, and its number" {
	table_agrees "$TRIPLET"
	assert_output --regexp '^[0-9]+ calls, 1 ABIs$'
}

# Whatever lies outside is unmapped while the loop runs; 800-init.bats reads the machine code of x86-64. Here a call within
# the section has a relocation as well, until the linker makes it a jump.
@test "machines: the loop of init refers to nothing outside of it" {
	local object index

	for object in loop descendants; do
		object=$OTHER/musl/shim/init/$object.o
		index=$("$TRIPLET-readelf" -SW "$object" | sed -n 's/^ *\[ *\([0-9]*\)\] init_resident .*/\1/p')
		[ -n "$index" ]
		{
			echo init_signal_descendants # from one of the two files to the other
			"$TRIPLET-readelf" -sW "$object" | awk -v index_="$index" '$7 == index_ { print $8 }'
		} | sort -u >"$T/inside"
		"$TRIPLET-readelf" -rW "$object" | sed -nE "/^Relocation section '.rela?init_resident'/,/^$/p" |
			awk '/^[0-9a-f]+ / && NF >= 5 { print $5 }' | sort -u >"$T/named"
		[ -s "$T/named" ] || [[ $object == */descendants.o ]] # which calls nothing that is not inlined
		run comm -13 "$T/inside" "$T/named"
		assert_output ''
	done
}
