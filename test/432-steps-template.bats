#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# template.

load helpers
load content

# --- template

@test "template: replaces what exists, and leaves every other byte" {
	printf '%s\n' 'a=${A} b=${B}$A ${A:-x} $${A} ${UNSET} ${} ${A' '$' '${1A} ${A}${A}' >"$T/in.tpl"
	printf '\0${A}\377$' >>"$T/in.tpl"
	for _ in 1 2; do
		PROGRAM=$PROBE A='x${B}' B='' steps <<-END
			- template: $T/in.tpl
			  to: $T/out
			  mode: 0640
			  owner: ":1234"
		END
		assert_success
		{
			printf '%s\n' 'a=x${B} b=$A ${A:-x} $x${B} ${UNSET} ${} ${A' '$' '${1A} x${B}x${B}'
			printf '\0x${B}\377$'
		} | assert_content "$T/out"
		assert_stat '%u:%g %a' '0:1234 640' "$T/out"
	done
	assert_trace '0 changed, 1 already right'
}

@test "template: only the variables that are named; bare ones on demand; an empty file" {
	echo '${A} $A ${B} $B $AB $A.$' >"$T/in"
	: >"$T/empty"
	A=1 B=2 steps <<-END
		- template: $T/in
		  to: $T/named
		  variables: [A]
		- template: $T/in
		  to: $T/bare
		  bare: true
		- template: [$T/empty, $T/in]
		  to: $T/both
	END
	assert_success
	assert_content "$T/named" <<<'1 $A ${B} $B $AB $A.$'
	assert_content "$T/bare" <<<'1 1 2 2 $AB 1.$'
	assert_stat %s 0 "$T/both/empty"
}

@test "template: variables by globs, and a warning of what no variable is called" {
	echo '${APP_A} ${APP_B} ${APPLE} ${OTHER}' >"$T/in"
	APP_A=1 APP_B=2 APPLE=3 OTHER=4 steps <<-END
		- template: $T/in
		  to: $T/out
		  variables: ["APP_*", "NOPE_*", APP_AA]
	END
	assert_success
	assert_content "$T/out" <<<'1 2 ${APPLE} ${OTHER}'
	assert_line --regexp "template .*: no variable is called \"NOPE_\*\""
	assert_line --regexp 'template .*: no variable is called "APP_AA"'
	refute_line --partial '"APP_*"'
	APP_A=1 steps <<<"- {template: $T/in, to: $T/out, variables: APP_A}"
	assert_success
	refute_output --partial 'no variable'
}

@test "template: a tree, only files with the suffix, which is removed" {
	mkdir -p "$T/in/conf.d" "$T/in/..2026"
	echo '${A}' | tee "$T/in/one.conf.template" "$T/in/conf.d/two.template" "$T/in/three.conf" \
		"$T/in/.template" "$T/in/..2026/four.template" >/dev/null
	ln -s ..2026/four.template "$T/in/four.template"
	A=1 steps <<-END
		- template: $T/in
		  to: $T/out
		  suffix: .template
		- template: $T/in/one.conf.template
		  to: $T/single/
		  suffix: .template
	END
	assert_success
	assert_content "$T/out/one.conf" <<<1
	assert_content "$T/out/conf.d/two" <<<1
	# As in a ConfigMap: the file is a link of root's, into a directory that begins with two dots.
	assert_content "$T/out/four" <<<1
	assert_content "$T/single/one.conf" <<<1
	assert_equal "$(cd "$T/out" && find . -type f | sort | tr '\n' ' ')" './conf.d/two ./four ./one.conf '
}

@test "template: below a path that is too long for a message every file is still the right one" {
	local long deep=$T/source level
	long=$(printf 'a%.0s' {1..240})
	for level in 1 2 3 4 5; do
		deep+=/$long
		mkdir -p "$deep/deep" && echo "level $level" >"$deep/deep/f"
	done
	steps <<<"- {template: $T/source, to: $T/there}"
	assert_success
	deep=$T/there
	for level in 1 2 3 4 5; do
		deep+=/$long
		assert_content "$deep/deep/f" <<<"level $level"
	done
	ln -s f "${deep/there/source}/deep/link"
	steps <<<"- {template: $T/source, to: $T/there}"
	assert_refused 111 'a link whose path is too long'
}

@test "template: planted links, and wrong input" {
	echo '${A}' >"$T/in"
	echo safe >"$T/outside"
	as_app ln -s "$T/outside" "$T/data/link"
	ln "$T/outside" "$T/data/hard"
	steps <<-END
		- template: $T/in
		  to: $T/data/link
	END
	assert_refused 111 "$T/data/link"
	for name in link hard; do
		steps <<-END
			- template: $T/data/$name
			  to: $T/out
		END
		assert_refused 111 "$T/data/$name"
	done
	assert_content "$T/outside" <<<safe
	steps <<-END
		- template: $T/in
		- template: $T/in
		  to: relative
		- template: $T/in
		  to: $T/in
	END
	assert_refused 100 ':6:' ':8:' ':10:'
	steps <<-END
		- template: $T/in
		  to: $T/
		  suffix: .template
	END
	assert_refused 111 "$T/in" .template
}

@test "template: a read-only file system, a missing capability" {
	in_image
	echo 1 >"$IMAGE/in"
	echo 1 >"$IMAGE/right"
	steps --image --read-only <<-END
		- template: /in
		  to: /right
		- template: /in
		  to: /out
	END
	assert_refused 111 /out 'Read-only file system'
	assert_trace '"/in": 0 changed, 1 already right'
	mkdir -p "$IMAGE/tpl/sub" "$IMAGE/there/sub"
	echo 1 >"$IMAGE/tpl/sub/a.conf.in"
	steps --image --read-only <<<'- {template: /tpl, to: /there, suffix: .in}'
	assert_refused 111 '"/there/sub/a.conf"' 'Read-only file system'
	steps --image --read-only <<<'- {template: /tpl/sub/a.conf.in, to: /there/, suffix: .in}'
	assert_refused 111 '"/there/a.conf"' 'Read-only file system'
	steps --image --with --without --with chown <<-END
		- template: /in
		  to: /out
		  owner: workload
	END
	assert_refused 111 /out CAP_CHOWN
}
