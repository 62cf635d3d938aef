#!/usr/bin/env bats
# What others have named, as it is shown: nothing of it can forge a line, steer a terminal or turn the writing round, and
# JSON is valid whatever its bytes.

load helpers

# A newline, an escape sequence, the C1 control CSI as a character and as a byte, an override of the direction, an isolate,
# a separator of lines, a byte that is no UTF-8, and letters that are to stay as they are.
EVIL=$'a\ncapshim: forged\e[2J\xc2\x9b2J\x9b2J\xe2\x80\xaeb\xe2\x81\xa6c\xe2\x80\xa8d\xff\xc0\xaf\xed\xa0\x80\x7f\xc3\xa9\xe6\x97\xa5'
SHOWN='a\x0acapshim: forged\x1b[2J\u009b2J\x9b2J\u202eb\u2066c\u2028d\xff\xc0\xaf\xed\xa0\x80\x7fé日'

setup() {
	test_dir
	image_make
}

# assert_safe: the output is UTF-8, and has no control characters but the ends of its lines.
assert_safe() {
	LC_ALL=C.UTF-8 iconv -f UTF-8 -t UTF-8 <<<"$output" >/dev/null || fail "not UTF-8: $output" || return
	! LC_ALL=C.UTF-8 grep -P '[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{2028}-\x{202e}\x{2066}-\x{2069}]' <<<"$output" ||
		fail "unsafe: $output" || return
	refute_line --regexp '^capshim: forged'
}

@test "messages: a path, an argument, a variable, the name of the config" {
	capshim_run --image -- -- /probe <<<"{user: app, setup: [{chown: \"/data/$(printf '%b' 'a\\u202eb\\nc')\"}]}"
	assert_failure 111
	assert_safe
	assert_output --partial '/data/a\u202eb\x0ac'
	capshim_run --image -- -- "/$EVIL" <<<'user: app'
	assert_failure 127
	assert_safe
	assert_output --partial "cannot execute \"/$SHOWN\""
	capshim_run --image --env "$EVIL=1" --env "$EVIL=2" -- -- /probe <<<'user: app'
	assert_failure 100
	assert_safe
	assert_output --partial "\"$SHOWN\" is set twice"
	capshim_run --image --env "ID=$EVIL" -- -- /probe <<<"{user: app, umask: '\${ID}'}"
	assert_failure 100
	assert_safe
	assert_output --partial "$SHOWN"
	observe "$CAPSHIM" -c "$T/$EVIL"
	assert_failure 100
	assert_safe
	assert_output --partial "$SHOWN"
	observe "$CAPSHIM" "--$EVIL"
	assert_failure 100
	assert_safe
	assert_output --partial "$SHOWN"
}

@test "--check and --explain: one line stays one, whatever name is in it" {
	local config=$T/$EVIL way count

	printf '%s\n' 'user: "1234:1234"' 'setup:' '  - mkdir: "/data/x\u202e\n  line 99: nothing"' \
		'  - {run: ["/bin/x\e[2J\nwarnings"]}' >"$config"
	chmod 0644 "$config"
	for way in --check --explain; do
		observe "$CAPSHIM" -c "$config" "$way" -- "/$EVIL" "$EVIL"
		assert_success
		assert_safe
		assert_output --partial "$SHOWN"
	done
	assert_line "  command  /$SHOWN $SHOWN"
	assert_line --partial 'mkdir /data/x\u202e\x0a  line 99: nothing'
	assert_line --partial 'run /bin/x\x1b[2J\x0awarnings'
	refute_line --regexp '^  line 99'
	# As many lines as with names that are harmless.
	count=${#lines[@]}
	sed 's/x[^"]*"/plain"/' "$config" >"$T/plain"
	chmod 0644 "$T/plain"
	observe "$CAPSHIM" -c "$T/plain" --explain -- /plain plain
	assert_success
	assert_equal "${#lines[@]}" "$count"
}

@test "JSON is valid and keeps its input, except bytes that are not UTF-8" {
	local valid=$'a\n"\\\e[2J\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\x7f\xc3\xa9\xe6\x97\xa5\xf0\x9f\x90\xa7'

	printf '%s\n' 'user: "1234:1234"' >"$T/capshim.yaml"
	observe "$CAPSHIM" -c "$T/capshim.yaml" --explain=json -- "$EVIL" "$valid" $'\xc3' $'\xf4\x90\x80\x80' ''
	assert_success
	assert_equal "${#lines[@]}" 1
	assert_safe
	assert_equal "$(jq -r '.args[1]' <<<"$output")" "$valid"
	assert_equal "$(jq -c '.args[2:]' <<<"$output")" '["�","����",""]'
	assert_equal "$(jq -r '.args[0] | split("forged")[1]' <<<"$output")" \
		$'\e[2J\xc2\x9b2J\xef\xbf\xbd2J\xe2\x80\xaeb\xe2\x81\xa6c\xe2\x80\xa8d\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x7f\xc3\xa9\xe6\x97\xa5'
}

@test "the report, a trace and what an init says: one line stays one" {
	local form config=$T/$EVIL

	for form in text json; do
		printf '%s\n' 'user: "1234:1234"' 'supplementary_groups: none' "report: $form" 'trace: true' 'init: true' \
			'setup:' '  - mkdir: "/run/x\u202e\n\e[2J"' '  - remove: "/run/x\u202e\n\e[2J"' >"$config"
		chmod 0644 "$config"
		observe "$CAPSHIM" -c "$config" -- /bin/true
		assert_success
		assert_safe
		assert_equal "${#lines[@]}" 3
		[ "$form" = text ] || assert_equal "$(jq -r 'select(.event == "capshim.verified").config' <<<"$output" | wc -l)" 2
	done
}

@test "capshim-learn: a program, a check, what they print, and files" {
	local options
	local learn=${LEARN:-${CAPSHIM%/*}/capshim-learn} program=$T/$EVIL

	cp /bin/dash "$program"
	install -m 0 -o 77 /dev/null "$T/closed"
	for options in '' --json; do
		# shellcheck disable=SC2086 # none or one
		observe timeout 60 "$learn" $options --back-end ptrace --user 1234:1234 --seccomp "$T/p$EVIL" -- "$program" -c \
			"printf '%b' '\\033[2J\\n'; : <$T/closed"
		[ "$status" -le 1 ]
		assert_safe
		assert_output --partial DAC_READ_SEARCH
		observe timeout 60 "$learn" $options --back-end ptrace --user 1234:1234 --timeout 1 --check "no$EVIL" \
			--reset "no$EVIL" -- "$program" -c "printf '%b' '\\033[2J\\0233\\n'; exit 3"
		[ "$status" != 0 ]
		assert_safe
	done
	observe timeout 60 "$learn" --log <<<"type=1326 comm=\"$(printf 'x\e[2J\x9b')\" arch=c000003e syscall=41 code=0x50001"
	assert_success
	assert_safe
	assert_output --partial '\x1b[2J\x9b'
}

@test "a long name is cut between characters, and the line ends" {
	local long

	long=$(printf '日%.0s\u202e' {1..3000})
	observe "$CAPSHIM" -c "$T/$long"
	assert_failure 100
	assert_safe
	assert_equal "${#lines[@]}" 1
}

@test "--explain: 80 columns on a terminal, but for what is there to be copied; elsewhere a line is a line" {
	local plain
	printf '%s\n' 'user: "1234:1234"' 'cap_add: [SETUID, NET_BIND_SERVICE, SYS_ADMIN]' "command: [/probe, $(printf 'x%.0s' {1..100})]" \
		>"$T/config"
	observe "$CAPSHIM" -c "$T/config" --explain
	assert_success
	plain=$output
	grep -q '^  the workload keeps.\{90\}' <<<"$plain"
	observe timeout 20 script -qec "$CAPSHIM -c $T/config --explain" /dev/null </dev/null
	output=${output//$'\r'/}
	assert_safe
	# The same words in the same order, and one long word in a line of its own.
	assert_equal "$(tr -s ' \n' ' ' <<<"$output")" "$(tr -s ' \n' ' ' <<<"$plain")"
	grep -q '^  docker run .\{90\}' <<<"$output"
	assert_equal "$(sed -n '/^the workload$/,$p' <<<"$output" | grep -c '.\{81\}')" 1
}
