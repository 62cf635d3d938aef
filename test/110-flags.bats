#!/usr/bin/env bats
# shellcheck disable=SC2016,SC1003,SC2059 # ${…} and backslashes are capshim's, not the shell's; a format that is a byte
# A config that is written as options: the same keys, the same rules, and no way to write anything else.

load helpers

setup() {
	test_dir
	image_make
	# What must not be read beside options: it would be an error, and another user.
	echo 'user: other garbage: [' >"$IMAGE/etc/capshim.yaml"
}

# capshim ARGUMENT ...: in the image, with nothing but those arguments. WITH are options of test/fixtures/start.c, FRONT stands
# in front of it all.
WITH=() FRONT=()
capshim() {
	observe timeout 20 "${FRONT[@]}" "$START" --clean --env PATH=/ --groups none "${WITH[@]}" --chroot "$IMAGE" -- /capshim "$@"
}

@test "--user alone is a whole config: the drop, the default filter, no file is read" {
	capshim --user app -- /probe --try-regain
	assert_unprivileged 1234
	assert_no_way_back
	assert_probe groups "$APP_GROUPS" seccomp 2
	rm "$IMAGE/etc/capshim.yaml"
	capshim --user=app /probe
	assert_unprivileged 1234
}

@test "each option is its key" {
	capshim --user 0:0 --allow-root --groups none --cap-add CHOWN,net_raw --seccomp unconfined -- /probe
	assert_unprivileged 0 chown,net_raw
	assert_probe groups '' seccomp 0
	FRONT=(unshare --fork --pid --kill-child)
	capshim --user app --groups video,7 --init -- /probe
	assert_unprivileged 1234
	assert_probe groups 7,44 pid 2 ppid 1
	capshim --user app --report json -- /probe
	assert_line --partial '"user":{"uid":1234,"gid":1234,"additionalGids":[44]}'
}

@test "options and a file that says the same are the same plan" {
	local row flags plan
	local rows=(
		'--user app|user: app'
		'--user other:video|user: "other:video"'
		'--user 77:88 --groups none|user: "77:88"\nsupplementary_groups: none'
		'--user app --groups auto,7|user: app\nsupplementary_groups: [auto, 7]'
		'--user app --cap-add NET_BIND_SERVICE|user: app\ncap_add: NET_BIND_SERVICE'
		'--user root --allow-root --cap-add CHOWN,KILL|user: root\nallow_root: true\ncap_add: [CHOWN, KILL]'
		'--user app --seccomp unconfined --init|user: app\nseccomp: unconfined\ninit: true'
	)

	for row in "${rows[@]}"; do
		flags=${row%%|*}
		# shellcheck disable=SC2086 # words
		capshim $flags --explain=json -- /probe
		assert_success || fail "$flags: $output" || return
		plan=$(jq -S 'del(.config)' <<<"$output")
		assert_equal "$(jq -r .config <<<"$output")" 'command line'
		printf '%b\n' "${row#*|}" >"$IMAGE/etc/file.yaml"
		chmod 0644 "$IMAGE/etc/file.yaml"
		capshim -c /etc/file.yaml --explain=json -- /probe
		assert_success
		diff -u <(echo "$plan") <(jq -S 'del(.config)' <<<"$output") || fail "$flags" || return
	done
}

@test "a value is one value, whatever is in it" {
	local value

	for value in $'app\nallow_root: true' $'0\nallow_root: true' 'app", "allow_root": "true' 'app" #' "app' #" '{uid: 0}' '[app]' \
		'app\' 'app\"' '*app' '&app app' '!app' '|' '>' '%app' '@app' '`app' '- app' '? app' 'app: 0' '~' 'null' "'app'" '"app"' \
		$'app\u0085' $'app\u2028' $'app\u2029' $'\ufeffapp' $'app\t' $'app\r' $'\xffapp' $'app\xc2' $'\xc2\x9b'; do
		capshim --user "$value" -- /probe
		assert_refused 100 || fail "$(printf '%q' "$value"): $output" || return
		assert_output --regexp '^capshim: (--user: |command line|the option --user )'
	done
	# The text arrives as it was written.
	capshim --user app --seccomp '/a "b\c: #{x}, é.json' -- /probe
	assert_refused 100 '--seccomp: cannot use "/a "b\c: #{x}, é.json"'
}

@test "each byte of a value is refused or stays what it is" {
	local code byte

	for code in {1..127}; do
		printf -v byte "\\x$(printf %x "$code")"
		capshim --user "x${byte}y" -- /probe
		assert_refused 100 || fail "byte $code" || return
		# "x:y", "x$y" and the like: what the parser of the key makes of it is not our concern.
		if [ "$code" -lt 32 ] || [ "$code" -eq 127 ]; then
			assert_output --partial 'has a control character in its value'
		else
			assert_output --regexp '^capshim: --user: '
		fi
	done
}

@test "what decides about privileges does not come from the environment; the user may" {
	local flag

	WITH=(--env X=NET_RAW --env PUID=1234 --env PGID=1234)
	for flag in --groups --cap-add --seccomp; do
		capshim --user app "$flag" '${X}' -- /probe
		assert_refused 100 "$flag: " 'cannot come from the environment'
	done
	capshim --user '${PUID}:${PGID}' -- /probe
	assert_unprivileged 1234
	WITH=(--env PUID=0)
	capshim --user '${PUID}:0' -- /probe
	assert_refused 100 'is root' '--allow-root'
}

@test "a problem names its option, all are said, and --check and --explain take options" {
	capshim --user nosuch --cap-add CHOWM,ALL --groups a --report loud --check -- /probe
	assert_refused 100 '--user: "nosuch"' '--cap-add: "CHOWM" is not a capability: did you mean CHOWN?' \
		'--cap-add: "ALL"' '--groups: "a"' '--report: "loud" must be one of'
	assert_equal "${#lines[@]}" 5
	capshim --user app --check -- /probe
	assert_success
	assert_output 'command line: no problems'
	capshim --user app --explain -- /probe
	assert_success
	assert_line 'command line'
	assert_output --partial 'uid 1234 (app)'
	capshim --user app
	assert_refused 100 'capshim: command line: nothing to run: name it after "--"'
	capshim --cap-add CHOWN -- /probe
	assert_refused 100 'capshim: command line: no "user"' '--user app'
	capshim --user app --cap-add NET_BIND_SERVICE --explain-syscall reboot
	assert_success
}

@test "beside a file, twice, without a value, with one too many: 100" {
	capshim -c /etc/capshim.yaml --user app -- /probe
	assert_refused 100 '--config' '--user'
	capshim --init -c /etc/capshim.yaml -- /probe
	assert_refused 100 '--config' '--init'
	capshim --user app --user app -- /probe
	assert_refused 100 '--user' twice
	capshim --user
	assert_refused 100 '--user' SPEC
	capshim --user '' -- /probe
	assert_refused 100 '--user' SPEC
	capshim --user app --init=true -- /probe
	assert_refused 100 '--init'
	capshim --groups
	assert_refused 100 '--groups' LIST
	capshim --user app --cap-add CHOWN,, -- /probe
	assert_refused 100 '--cap-add: "" is not a capability'
	capshim --usr app -- /probe
	assert_refused 100 'did you mean "--user"?'
}

@test "in the place of exec gosu: the script that runs itself again" {
	local script=$T/entrypoint

	cat >"$script" <<-END
		#!/bin/bash
		if [ "\$(id -u)" = 0 ]; then
			exec "$CAPSHIM" --user 1234:1234 --seccomp unconfined -- "\$0" "\$@"
		fi
		exec "\$@"
	END
	chmod 0755 "$script"
	observe timeout 20 "$START" --clean --env PATH=/usr/bin:/bin --groups none -- "$script" "$PROBE" 'a b' c
	assert_unprivileged 1234
	assert_probe arg.1 'a b' arg.2 c argc 3
}

@test "the help fits on a terminal of 24 lines and 80 columns, and has every option" {
	local option

	capshim --help
	assert_success
	[ "${#lines[@]}" -lt 24 ]
	[ "$(awk '{ if (length > longest) longest = length } END { print longest }' <<<"$output")" -le 80 ]
	for option in $(sed -n '/^} options\[\]/,/^};/p' "$REPO/shim/args.c" | grep -oE '"--[a-z-]+"' | tr -d '"'); do
		assert_line --regexp " $option( |\[|,|\$)" || return
	done
}
