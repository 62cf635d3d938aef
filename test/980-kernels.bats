#!/usr/bin/env bats
# What `make test-kernels` makes of an emulated machine. The checks themselves are test/kernels/checks.sh.

load helpers

setup() {
	test_dir
}

# console VERSION PLANNED LAST: what a machine writes on which 41 checks passed.
console() {
	echo "# Linux $1 on x86_64"
	for ((i = 1; i < 42; i++)); do
		echo "ok $i - check $i"
	done
	echo "1..$2"
	echo "[    9.7] Kernel panic - not syncing: Attempted to kill init! exitcode=$3"
}

# judged KERNEL with the console on standard input
judged() {
	observe awk -v "kernel=$1" -f "$REPO/test/kernels/judge.awk"
}

@test "a machine on which every check passed is good" {
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 41 0x00000700)
	assert_success
	refute_output --partial 'not ok'
	assert_equal "$(grep -c '^ok - 5.10 amd64: check ' <<<"$output")" 41
	assert_equal "${#lines[@]}" 44
	judged 'newest amd64' < <(console 7.2.13-amd64 41 0x00000700)
	refute_output --partial 'not ok'
}

@test "another kernel, a check too few, another end, a check that failed: each is a failure" {
	judged '5.1 amd64' < <(console 5.10.0-32-amd64 41 0x00000700)
	assert_line 'not ok - 5.1 amd64: is Linux 5.10.0-32-amd64'
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 42 0x00000700)
	assert_line --partial 'not ok - 5.10 amd64: all of at least 40 checks'
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 41 0x00000700 | sed '/^ok 7 /d')
	assert_line --partial 'not ok - 5.10 amd64: all of at least 40 checks'
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 39 0x00000700 | sed '/^ok [67] /d')
	assert_line --partial 'not ok - 5.10 amd64: all of at least 40 checks'
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 41 0x00000b00)
	assert_line --partial 'not ok - 5.10 amd64: the kernel saw process 1 end with status 7'
	judged '5.10 amd64' < <(console 5.10.0-32-amd64 41 0x00000700 | sed 's/^ok 7 .*/not &\n# why it failed/')
	assert_line 'not ok - 5.10 amd64: check 7'
	assert_line '# why it failed'
	judged '5.10 amd64' </dev/null
	assert_equal "$(grep -c '^not ok' <<<"$output")" 3
}

@test "a kernel that cannot be fetched is a failure, and so is an unknown one" {
	mkdir "$T/bin"
	printf '#!/bin/sh\nexit 1\n' >"$T/bin/apt-get"
	chmod 0755 "$T/bin/apt-get"
	PATH=$T/bin:$PATH BUILD=$T observe timeout 60 "$REPO/test/kernels/run" 5.10:amd64
	assert_failure 1
	assert_line 'not ok 1 - 5.10 amd64: it is fetched and started'
	assert_line 'kernels: 0 passed, 1 failed'
	observe timeout 60 "$REPO/test/kernels/run" 4.4:amd64 --short
	assert_failure 1
	assert_output --partial 'has no '
}

@test "the documents name the kernels that are tested" {
	local name architecture text

	# shellcheck disable=SC2016
	text=$(sed -n '/^`make test-kernels`/,/^$/p' "$REPO/doc/testing.md" | tr '\n' ' ')
	while read -r name _ architecture _; do
		[[ $name != newest ]] || name='the newest'
		[[ $text == *"$name"*"${architecture/amd64/x86-64}"* ]] || fail "$name for $architecture is not in: $text"
	done < <(grep -v '^#' "$REPO/test/kernels/list")
}
