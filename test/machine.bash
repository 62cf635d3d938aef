# shellcheck shell=bash
# shellcheck disable=SC2154 # output is bats'
# Loaded by the tests of a capshim for another machine, after helpers. What is that machine's is the file's: OTHER, the
# directory of its build; COMPILER; COMMON, a number of calls that it has in common with this machine; and given(), which writes
# a config to $T/capshim.yaml that the emulator can run. NATIVE is the build of this machine, x86-64.

NATIVE=${PROBE%/*/*}

# simulated BUILD WORD ...: the simulator of that build; it must succeed.
simulated() {
	observe timeout 60 "$1/test/bpfsim" "${@:2}"
	assert_success
}

# answered BUILD ANSWER SOURCE NAME [ARGUMENT ...]
answered() {
	simulated "$1" call "$3" '' "${@:4}"
	assert_output "$2" || fail "$* is $output"
}

# kept: the capabilities that a test here can keep, one a word.
kept() {
	"$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' '
}

# shipped WORD ...: OTHER's capshim becomes WORD.
shipped() {
	observe timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin -- "$OTHER/capshim" -c "$T/capshim.yaml" -- "$@" </dev/null
}

# nothing_without_filters: the emulator loads no filter, so nothing runs, with or without init.
nothing_without_filters() {
	given
	shipped "$PROBE"
	assert_refused 111 'cannot load "the seccomp filter"' || return
	given 'seccomp: unconfined' 'init: true'
	observe timeout -k 5 20 unshare --fork --pid --mount-proc "$START" --clean -- "$OTHER/capshim" \
		-c "$T/capshim.yaml" -- "$PROBE" </dev/null
	assert_refused 111 'cannot load "the seccomp filter"'
}

# native_profile_refused: what this machine's capshim compiles is no profile for OTHER's.
native_profile_refused() {
	printf '{"defaultAction": "SCMP_ACT_ALLOW"}\n' >"$T/profile.json"
	given "seccomp: $T/native.bpf" 'command: [/bin/true]'
	observe timeout 20 "$NATIVE/capshim" --compile-seccomp "$T/profile.json" "$T/native.bpf"
	assert_success || return
	shipped "$PROBE"
	assert_refused 100 native.bpf 'another architecture'
}

# numbers COMPILER: the names and numbers of all calls, from the headers of its C library; made once a test. Of a call that
# is there for 32 and for 64 bits of a time or a size the latter.
numbers() {
	local list=$T/numbers${1//\//.}

	[ -s "$list" ] || printf '#include <sys/syscall.h>\n' | "$1" -E -dM - |
		awk '/^#define __NR_[a-z0-9_]+ [0-9]+$/ { number[substr($2, 6)] = $3 }
			END {
				for (name in number) {
					print name, name "_time64" in number ? number[name "_time64"] : number[name]
					plain = name
					if (sub(/64$/, "", plain) && !(plain in number))
						print plain, number[name]
				}
			}' >"$list"
	cat "$list"
}

# answers COMPILER BUILD SOURCE [CAP ...]: "NAME ANSWER" of every call, sorted by name.
answers() {
	timeout 60 "$2/test/bpfsim" calls "${@:3}" >"$T/calls" || return
	awk 'NR == FNR { answer[$1] = $2 $3; next } $2 in answer { print $1, answer[$2] }' "$T/calls" <(numbers "$1") | LC_ALL=C sort
}

# alike SOURCE [CAP ...]: every call that both machines have gets the same answer; they are in $T/both, and more than COMMON.
alike() {
	answers musl-gcc "$NATIVE" "$@" >"$T/native" || return
	answers "$COMPILER" "$OTHER" "$@" >"$T/other" || return
	LC_ALL=C join "$T/native" "$T/other" >"$T/both"
	run awk '$2 != $3' "$T/both"
	assert_output '' || return
	[ "$(wc -l <"$T/both")" -gt "$COMMON" ]
}

# table_agrees TOOL-PREFIX: the table of system calls is libseccomp's.
table_agrees() {
	local names
	mapfile -t names < <(sed -n 's/^#define __SNR_\([a-z0-9_]*\).*/\1/p' "${DEPS:-$NATIVE/deps}/$1/include/seccomp-syscalls.h")
	[ ${#names[@]} -gt 400 ]
	simulated "$OTHER" table "${names[@]}"
}
