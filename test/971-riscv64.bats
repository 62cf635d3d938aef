#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # status, output and lines are bats'
# What is different on riscv64, and what must not be: as 970-arm64.bats, for "make test-riscv64".

load helpers

NATIVE=${PROBE%/*/*}
RISCV64=$NATIVE/riscv64

setup() {
	test_dir
}

# simulated SIMULATOR-DIRECTORY WORD ...: bpfsim; it must succeed.
simulated() {
	observe timeout 60 "$1/test/bpfsim" "${@:2}"
	assert_success
}

# answered ANSWER SOURCE NAME [ARGUMENT ...]
answered() {
	simulated "$RISCV64" call "$2" '' "${@:3}"
	assert_output "$1" || fail "$* is $output"
}

kept() {
	"$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' '
}

# given LINE ...: a config for uid 165536, which 16 bits would make 34464.
given() {
	printf '%s\n' 'user: "165536:165537"' 'supplementary_groups: ["165538"]' "$@" >"$T/capshim.yaml"
}

shipped() {
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin -- "$RISCV64/capshim" -c "$T/capshim.yaml" -- "$@" \
		</dev/null
}

@test "it is a static program for riscv64, no page of which can be written and executed" {
	run readelf -hlW "$RISCV64/capshim"
	assert_line --regexp 'Machine: +RISC-V'
	assert_line --regexp 'Type: +EXEC'
	refute_output --partial INTERP
	assert_line --regexp 'GNU_STACK .* RW '
	refute_line --regexp 'LOAD .* RWE '
	run "$RISCV64/capshim" --version=verbose
	assert_line --regexp '^  musl 1\.'
}

@test "it gives up everything, for a workload of either architecture; ids have 32 bits" {
	local probe

	given 'seccomp: unconfined'
	for probe in "$PROBE" "$RISCV64/test/probe"; do
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
	given
	shipped "$PROBE"
	assert_refused 111 'cannot load "the seccomp filter"'
	given 'seccomp: unconfined' 'init: true'
	observe timeout -k 5 20 unshare --fork --pid --mount-proc "$START" --clean -- "$RISCV64/capshim" \
		-c "$T/capshim.yaml" -- "$PROBE" </dev/null
	assert_refused 111 'cannot load "the seccomp filter"'
}

@test "the default filter for riscv64 is what its JSON says and what libseccomp makes of it, whatever is kept" {
	local cap

	simulated "$RISCV64" check default
	simulated "$RISCV64" libseccomp "$REPO/config/seccomp/default.json"
	for cap in $(kept); do
		simulated "$RISCV64" check default "$cap"
	done
	answered kill default 20@0xc000003e
	answered kill default 20@0xc00000b7
	answered kill default 20@0x400000f3
}

# numbers COMPILER: the names and numbers of all calls, from the headers of the C library.
numbers() {
	printf '#include <sys/syscall.h>\n' | "$1" -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\1 \2/p'
}

# answers COMPILER DIRECTORY SOURCE [CAP ...]: "NAME ANSWER" of every call, sorted by name.
answers() {
	numbers "$1" >"$T/numbers"
	timeout 60 "$2/test/bpfsim" calls "${@:3}" >"$T/calls" || return
	awk 'NR == FNR { answer[$1] = $2 $3; next } $2 in answer { print $1, answer[$2] }' "$T/calls" "$T/numbers" | LC_ALL=C sort
}

@test "a call that both architectures have gets the same answer on both, for the workload and for init" {
	local source

	for source in default init init-proc; do
		answers musl-gcc "$NATIVE" "$source" >"$T/native"
		answers "${DEPS:-$NATIVE/deps}/musl-riscv64/bin/musl-gcc" "$RISCV64" "$source" >"$T/riscv64"
		LC_ALL=C join "$T/native" "$T/riscv64" >"$T/both"
		run awk '$2 != $3' "$T/both"
		assert_output ''
		[ "$(wc -l <"$T/both")" -gt 270 ]
	done
}

@test "riscv64: a compiled profile of one architecture is refused on the other" {
	printf '{"defaultAction": "SCMP_ACT_ALLOW"}\n' >"$T/profile.json"
	given "seccomp: $T/native.bpf" 'command: [/bin/true]'
	observe timeout 20 "$NATIVE/capshim" --compile-seccomp "$T/profile.json" "$T/native.bpf"
	assert_success
	shipped "$PROBE"
	assert_refused 100 native.bpf 'another architecture'
}

@test "libseccomp knows riscv64, and no other architecture" {
	local objects

	objects=$(riscv64-linux-gnu-nm "${DEPS:-$NATIVE/deps}"/riscv64-linux-gnu/lib/libseccomp.a 2>/dev/null |
		sed -n 's/.* [RD] arch_def_//p' | grep -vx native | sort | tr '\n' ' ')
	assert_equal "$objects" 'riscv64 '
}

# Whatever lies outside is unmapped while the loop runs; 800-init.bats reads the machine code of x86-64. Here a call within
# the section has a relocation as well, until the linker makes it a jump.
@test "riscv64: the loop of init refers to nothing outside of it" {
	local object index

	for object in loop descendants; do
		object=$RISCV64/musl/shim/init/$object.o
		index=$(riscv64-linux-gnu-readelf -SW "$object" | sed -n 's/^ *\[ *\([0-9]*\)\] init_resident .*/\1/p')
		[ -n "$index" ]
		{
			echo init_signal_descendants # from one of the two files to the other
			riscv64-linux-gnu-readelf -sW "$object" | awk -v index_="$index" '$7 == index_ { print $8 }'
		} | sort -u >"$T/inside"
		riscv64-linux-gnu-readelf -rW "$object" | sed -n "/^Relocation section '.relainit_resident'/,/^$/p" |
			awk '/^[0-9a-f]+ / && NF >= 5 { print $5 }' | sort -u >"$T/named"
		[ -s "$T/named" ]
		run comm -13 "$T/inside" "$T/named"
		assert_output ''
	done
}
