#!/usr/bin/env bats
# The floors of shim/: .ci/floors sees what is included upwards, beside, or out of another folder's parts.h.

load helpers

setup() {
	test_dir
	cp -r "$REPO/shim" "$T/shim"
}

# refused FILE:LINE INCLUDED
refused() {
	run "$REPO/.ci/floors" "$T/shim"
	assert_failure
	assert_output "shim/$1: must not include \"$2\""
}

@test "the source keeps to its floors" {
	run "$REPO/.ci/floors" "$T/shim"
	assert_success
	refute_output
}

@test "an include of a higher floor is found" {
	sed -i '1i #include "config/config.h"' "$T/shim/base/mem.c"
	refused base/mem.c:1 config/config.h
}

@test "an include of a folder beside is found" {
	sed -i '1i #include "init/init.h"' "$T/shim/workload/exec.c"
	refused workload/exec.c:1 init/init.h
}

@test "an include turned round is found: the header of a verb's row may not know the steps" {
	sed -i '1i #include "steps/steps.h"' "$T/shim/steps/verb.h"
	refused steps/verb.h:1 steps/steps.h
}

@test "another folder's parts.h is found, although the folder lies below" {
	sed -i '1i #include "filter/parts.h"' "$T/shim/config/seccomp.c"
	refused config/seccomp.c:1 filter/parts.h
}

@test "a file of the same folder is not named by its last part alone" {
	sed -i '1i #include "mem.h"' "$T/shim/base/diag.c"
	refused base/diag.c:1 mem.h
}

@test "a function, a static or a struct that two files define is found" {
	local definition

	for definition in $'static int glob_match(void)\n{' 'static int boot_id = 1;' 'struct plan {'; do
		printf '%s\n' "$definition" >"$T/shim/base/mem.c"
		printf 'static int boot_id;\n' >"$T/shim/base/clock.c"
		run env -C "$T" "$REPO/.ci/style" shim/base/{mem,clock,glob}.c shim/plan.h
		assert_failure
		assert_output --partial 'is also defined in shim/base/mem.c'
	done
}
