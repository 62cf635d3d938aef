#!/usr/bin/env bats
# run, run_dir: a program that user or cap_add narrows has the default filter, as the workload has it.

load helpers
load programs

# filtered FILE, unfiltered FILE: what the probe in a step found. The filter forbids new user namespaces.
filtered() {
	observed "$1"
	assert_probe seccomp 2 no_new_privs 1 regain.user_namespace EPERM
}

unfiltered() {
	observed "$1"
	assert_probe seccomp "$OUTSIDE" regain.user_namespace ok
}

@test "a narrowed program has the default filter, a program run as root has none" {
	OUTSIDE=$("$PROBE" | sed -n 's/^seccomp=//p')
	mkdir "$T/scripts"
	printf '#!/bin/sh\nexec %s/probe --out %s/data/dir --try-regain\n' "$T" "$T" >"$T/scripts/one"
	chmod 0755 "$T/scripts/one"
	steps <<-END
		- run: [$T/probe, --out, $T/data/user, --try-regain]
		  user: 1234:1234
		- run: [$T/probe, --out, $T/caps, --try-regain]
		  cap_add: [CHOWN]
		- run_dir: $T/scripts
		  user: workload
		- run: [$T/probe, --out, $T/data/root, --try-regain]
		- run: [$T/probe, --out, $T/data/unconfined, --try-regain]
		  user: 1234:1234
		  seccomp: unconfined
	END
	assert_unprivileged 1234
	filtered "$T/data/user"
	filtered "$T/caps"
	filtered "$T/data/dir"
	unfiltered "$T/data/root"
	unfiltered "$T/data/unconfined"
	assert_probe no_new_privs 1 permitted ''
}

@test "the filter of a step allows what the capabilities that it keeps are for" {
	steps <<-END
		- run: [$T/probe, --out, $T/without, --try-regain]
		  cap_add: [SYS_ADMIN]
		- run: [$T/probe, --out, $T/with, --try-regain]
		  cap_add: [SYS_CHROOT]
	END
	assert_success
	observed "$T/without"
	assert_probe regain.chroot EPERM regain.mount_namespace ok
	observed "$T/with"
	assert_probe regain.chroot ok regain.mount_namespace EPERM
}

@test "a program of a step that the filter kills: the message says why, and what to write" {
	[ "$(uname -m)" = x86_64 ] || return 0
	# shellcheck disable=SC2016 # assembler
	printf '.globl _start\n_start: mov $1, %%eax; xor %%ebx, %%ebx; int $0x80\n' >"$T/small.S"
	gcc -m32 -nostdlib -static -no-pie -o "$T/small" "$T/small.S"
	steps <<<"- {run: [$T/small], user: '1234:1234'}"
	assert_refused 111 "cannot run \"$T/small\": it ended with status 159" '32-bit' 'seccomp: unconfined'
	steps <<<"- {run: [$T/small], user: '1234:1234', seccomp: unconfined}"
	assert_unprivileged 1234
	# The same status without a filter says nothing about one.
	steps <<<"- {run: [/bin/sh, -c, exit 159]}"
	assert_refused 111 'it ended with status 159 (as if by signal 31)'
}

@test "a filter of a step that is not in force is found out, and the program does not run" {
	local how status

	config <<-END >"$T/capshim.yaml"
		- run: [$T/probe, --out, $T/data/run]
		  user: 1234:1234
	END
	while read -r how status; do
		observe timeout 20 "$START" --clean -- "$(command -v strace)" -f -qqo /dev/null -e trace=seccomp \
			-e "inject=seccomp:$how" "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
		assert_refused "$status" 'filter'
		assert [ ! -e "$T/data/run" ]
	done <<-'END'
		retval=0 112
		error=ENOMEM 111
	END
}

@test "--explain names the filter of each program, and warns where one has none" {
	capshim_run -- --explain < <(
		config <<-END
			- run: [/bin/a]
			  user: 1234:1234
			- run: [/bin/b]
			  user: 1234:1234
			  seccomp: unconfined
			- run: [/bin/c]
		END
	)
	assert_success
	assert_line --regexp 'run /bin/a \(as uid 1234, with the default filter\)'
	assert_line --regexp 'run /bin/b \(as uid 1234, without a filter\)'
	assert_line --regexp 'run starts "/bin/c" with all that the container has, and without a filter'
}
