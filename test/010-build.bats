#!/usr/bin/env bats
# How capshim and its libraries are built: what is fetched, what is missing, what make says; and how tests are run.

load helpers

setup() {
	test_dir
	mkdir -p "$T/deps/cache" "$T/bin"
	cp "$REPO"/deps/{fetch,install-packages,packages.build} "$T/deps/"
	echo content >"$T/deps/cache/one-1.tar.gz"
	echo content >"$T/deps/cache/two-2.tar.gz"
	SUM=$(sha256sum <"$T/deps/cache/one-1.tar.gz")
	SUM=${SUM%% *}
}

# fetch TEXT [LIBRARY ...]: with that text as deps/sources, and nothing to fetch from but deps/cache.
fetch() {
	printf '%b' "$1" >"$T/deps/sources"
	shift
	CAPSHIM_CACHE=$T/no-cache observe timeout 60 "$T/deps/fetch" "$@"
}

@test "deps/fetch: every line of deps/sources is checked, also the last without an end" {
	fetch "# comment\none 1 MIT $SUM https://localhost/one\n\ntwo 2 MIT $SUM https://localhost/two"
	assert_success
	fetch "one 1 MIT $SUM https://localhost/one\ntwo 2 MIT ${SUM/[0-9a-f]/x} https://localhost/two"
	assert_failure 1
	assert_output --partial 'two-2.tar.gz: SHA-256 is not'
}

@test "deps/fetch fetches only what it is asked for, and an unknown library is an error" {
	local sources="one 1 MIT $SUM https://localhost/one\ntwo 2 MIT ${SUM/[0-9a-f]/x} https://localhost/two\n"

	fetch "$sources" one
	assert_success
	fetch "$sources" one tow
	assert_failure 1
	assert_output 'deps/fetch: tow: not in deps/sources'
	fetch "$sources" '#'
	assert_failure 1
}

# A dpkg-query that knows of no gperf.
without_gperf() {
	printf '%s\n' '#!/bin/sh' 'case $* in *gperf*) exit 1 ;; *) echo installed ;; esac' >"$T/bin/dpkg-query"
	chmod 0755 "$T/bin/dpkg-query"
	PATH=$T/bin:$PATH observe "$@"
}

@test "the packages that a build lacks are named, and the one command that installs just them" {
	without_gperf "$T/deps/install-packages" --missing build
	assert_failure 1
	assert_output 'These Debian packages are missing: gperf. This installs them, and nothing else: deps/install-packages build'
	without_gperf make -C "$REPO" CC=no-such-compiler BUILD="$T/build" DEPS="$T/libraries"
	assert_failure 2
	assert_output --partial 'no-such-compiler cannot be run'
	assert_output --partial 'missing: gperf. This installs them, and nothing else: deps/install-packages build'
	printf '#!/bin/sh\necho installed\n' >"$T/bin/dpkg-query"
	PATH=$T/bin:$PATH observe "$T/deps/install-packages" --missing build
	assert_success
	assert_output ''
}

# What make says to somebody at a terminal, not to the make that runs the tests.
make_alone() {
	observe timeout 120 env -u MAKEFLAGS -u MAKELEVEL -C "$REPO" make -j 1 "$@"
}

@test "make: a short line for each file, commands with V=1, and every target of help is one" {
	local object=$T/build/musl/shim/base/glob.o targets target

	make_alone BUILD="$T/build" DEPS="$DEPS_DIR" "$object"
	assert_success
	assert_output "CC    $object"
	rm "$object"
	make_alone BUILD="$T/build" DEPS="$DEPS_DIR" V=1 "$object"
	assert_success
	assert_output --regexp "musl-gcc .* -c shim/base/glob.c -o $object"
	make_alone -pn help
	targets=" $(sed -n 's/^\.PHONY: //p' <<<"$output") "
	make_alone help
	assert_success
	assert_line --regexp '^make check +#'
	while read -r _ target; do
		[[ $targets == *" $target "* ]] || fail "no target: $target" || return
	done < <(grep -oE '^make [a-z0-9-]+' <<<"$output")
}

# tests NAME TAG LINE ...: a bats file. Where a test ends at once, bats may leave the clock of its time limit running, and wait
# for it.
tests() {
	export -n BATS_TEST_TIMEOUT
	printf '%s\n' "# bats file_tags=$2" "${@:3}" >"$T/$1.bats"
}

@test "test/run: one stream of results, failures with what they printed, and what never ran is a failure" {
	tests a any '@test "good" { true; }' '@test "bad" { echo why; false; }'
	tests b serial '@test "skipped" { skip reason; }'
	tests c any '@test "never runs" {'
	tests d long:9 '@test "short" { true; }'
	tests e long:10,other '@test "in 5ms # odd" { true; }'
	TAP=$T/tap observe "$REPO/test/run" "$T"/[a-e].bats
	assert_failure 1
	assert_line --regexp '^FAILED  a +2 tests'
	assert_line '# why'
	assert_line --regexp '^FAILED  c +1 tests'
	assert_line --regexp '^ok      b +1 tests .* 1 skipped'
	assert_line --regexp '^3 passed, 2 failed, 1 skipped'
	assert_equal "$(head -n 1 "$T/tap")" 1..6
	assert_equal "$(grep -cE '^ok [1-6] ' "$T/tap")" 4
	assert_equal "$(grep -oE '^(not )?ok [0-9]+' "$T/tap" | grep -oE '[0-9]+' | sort -n | paste -sd' ')" '1 2 3 4 5 6'
	grep -qx 'ok 6 skipped # skip reason' "$T/tap" # alone, after all others
	grep -q '^ok [1-5] in 5ms # odd$' "$T/tap"
	TAP=$T/tap JOBS=1 observe "$REPO/test/run" "$T"/[de].bats
	assert_success
	assert_equal "$(grep -o '^ok .*' "$T/tap")" $'ok 1 in 5ms # odd\nok 2 short' # what takes long comes first
}

@test "test/run: an interrupt ends everything that was started" {
	tests a any '@test "hangs" { setsid sleep 9753 & echo $! >'"$T/pid"'; timeout 9753 sleep 9753; }'
	# A program that ends well at an interrupt: bash(1) then goes on.
	tests b any '@test "does not hear" { while :; do bash -c "trap \"exit 0\" INT; echo >'"$T/b"'; sleep 0.2 & wait"; done; }' \
		'teardown_file() { echo >'"$T/over; }"
	"$START" --signals -- "$REPO/test/run" "$T/a.bats" "$T/b.bats" >"$T/out" 2>&1 3>&- &
	wait_until test -s "$T/pid" -a -s "$T/b"
	kill -INT $!
	status=0
	SECONDS=0
	wait $! || status=$?
	assert_equal "$status" 130
	assert_equal "$(cat /proc/"$(cat "$T/pid")"/comm 2>/dev/null)" ''
	[ -s "$T/over" ]
	[ "$SECONDS" -lt 40 ]
}

# conversions: what the string literals of shim/ have behind a '%' that shim/base/format.c does not know; a few are no formats.
conversions() {
	find "$REPO/shim" -name '*.c' -exec cat {} + | gcc -fpreprocessed -dD -E -P - 2>/dev/null |
		grep -oP '"(\\.|[^"\\])*"' |
		grep -P '%(?![-0#]*(\d+|\*)?(\.(\d+|\*)?)?(l|ll|z)?[sducxo]|%|[" ,])' |
		grep -v "%YAML\|%TAG\|'%'"
}

@test "our printf does what the C library's does, for every conversion that is used" {
	observe timeout 60 "${PROBE%/*}/formats"
	assert_success
	assert_output --regexp '^[0-9]{5} compared$'
	run conversions
	assert_output ''
}

# -Oz is the default, and what all other tests run.
@test "a build with CFLAGS=-O2 starts a workload" {
	observe timeout 120 make -s -C "$REPO" CFLAGS=-O2 BUILD="$T/build" DEPS="$DEPS_DIR" "$T/build/capshim"
	assert_success
	printf 'user: "1234:1234"\n' >"$T/config"
	observe "$T/build/capshim" -c "$T/config" -- "$PROBE"
	assert_success
	assert_line uid=1234,1234,1234,1234
}

@test "no test file is longer than 600 lines, so that none is long to wait for or to read" {
	run awk 'FNR == 601 { print FILENAME }' "$REPO"/test/*.bats "$REPO"/test/*.bash
	assert_output ''
}
