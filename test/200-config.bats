#!/usr/bin/env bats
# From bytes to a config that is understood, or to messages that say what to write.
#
# golden/bad/NAME.yaml is refused with exactly golden/bad/NAME.err, where the file is called /NAME.yaml; golden/good is
# accepted and runs. Lines "# env: ENTRY" in them are the start environment. `GOLDEN=write bats 200-config.bats` writes
# the .err files: read the difference before it is committed.

load helpers

setup() {
	test_dir
	image_make
	# A user whose group is root's, for what must be written down to be had.
	echo 'zero:x:3456:0::/:/bin/false' >>"$IMAGE/etc/passwd"
}

teardown() {
	umount -l "$IMAGE/proc" 2>/dev/null || true
}

# golden FILE ARGUMENT ...: capshim in the image with that config; standard output in $stdout, standard error in $stderr.
golden() {
	local file=$1 name=${1##*/} entry environment=(--env PATH=/)

	shift
	install -m 0644 "$file" "$IMAGE/$name"
	while IFS= read -r entry; do
		environment+=(--env "$entry")
	done < <(LC_ALL=C sed -n 's/^# env: //p' "$file" | tr -d '\0')
	status=0
	timeout 20 "$START" --clean "${environment[@]}" --chroot "$IMAGE" -- /capshim -c "/$name" "$@" \
		>"$T/stdout" 2>"$T/stderr" </dev/null || status=$?
	rm "$IMAGE/$name"
}

# same NAME STATUS: the golden run ended with STATUS and said what NAME.err holds, and nothing ran.
same() {
	if [ "$status" != "$2" ]; then
		echo "$1: status $status instead of $2"
		cat "$T/stderr"
		return 1
	fi
	if [ -s "$T/stdout" ] || [ -n "$(ls "$IMAGE/data")" ]; then
		echo "$1: something ran: $(head -n 1 "$T/stdout") $(ls "$IMAGE/data")"
		return 1
	fi
	diff -u "$BATS_TEST_DIRNAME/golden/bad/$1.err" <(sed 's/: note: nothing to run/: nothing to run/' "$T/stderr")
}

# numbered FROM TO TEXT: lines TEXT with # replaced by the number.
numbered() {
	awk -v from="$1" -v to="$2" -v text="$3" \
		'BEGIN { for (i = from; i <= to; i++) { line = text; gsub("#", i, line); print line } }'
}

@test "every bad config is refused with exactly its messages, by --check and by a run, and nothing runs" {
	local file name bad=''

	for file in "$BATS_TEST_DIRNAME"/golden/bad/*.yaml; do
		name=$(basename "$file" .yaml)
		golden "$file" --check
		[ "${GOLDEN:-}" != write ] || cp "$T/stderr" "${file%.yaml}.err"
		same "$name" 100 || bad+=" $name"
		golden "$file"
		same "$name" 100 || bad+=" $name(run)"
	done
	[ -z "$bad" ] || fail "these differ:$bad"
}

@test "every message of the bad configs is one line that begins with capshim: and the place" {
	observe cat "$BATS_TEST_DIRNAME"/golden/bad/*.err
	for line in "${lines[@]}"; do
		[[ $line =~ ^capshim:\ (/[a-z0-9-]+\.yaml:[0-9]+:[0-9]+|environment\ of\ the\ container):\ . ]] || fail "$line"
	done
}

@test "ten mistakes: ten lines, in order, each with the line of its mistake" {
	golden "$BATS_TEST_DIRNAME/golden/bad/ten-mistakes.yaml" --check
	[ "$status" -eq 100 ]
	observe cut -d: -f3 "$T/stderr"
	assert_output "$(printf '%s\n' 1 2 4 5 7 8 10 12 13 16)"
}

@test "every good config passes --check without a word of complaint, and its workload runs" {
	local file bad=''

	mount --bind /proc "$IMAGE/proc" # for oom_score_adj
	for file in "$BATS_TEST_DIRNAME"/golden/good/*.yaml; do
		golden "$file" --check
		[ "$status" -eq 0 ] || bad+=" $(basename "$file"): $(cat "$T/stderr")"
		golden "$file"
		[ "$status" -eq 0 ] || bad+=" $(basename "$file") (run): $(cat "$T/stderr")"
		grep -q '^command: none' "$file" || grep -q '^uid=1234,1234,1234,1234$' "$T/stdout" ||
			bad+=" $(basename "$file") (probe): $(head -n 1 "$T/stdout")"
	done
	[ -z "$bad" ] || fail "$bad"
}

@test "a config is the same in YAML and in JSON, tabs included" {
	golden "$BATS_TEST_DIRNAME/golden/good/json.yaml"
	[ "$status" -eq 0 ]
	output=$(cat "$T/stdout")
	assert_unprivileged 1234 net_bind_service
	assert_probe arg.1 $'tab\\x09, quote " and backslash \\x5c' umask 0027 env.JSON "yes / ü"
}

@test "a block keeps its line breaks, a folded one its words, and quotes their contents" {
	golden "$BATS_TEST_DIRNAME/golden/good/forms.yaml"
	[ "$status" -eq 0 ]
	output=$(cat "$T/stdout")
	assert_probe env.BLOCK 'a\x0a  b\x0a' env.FOLDED 'c d' env.SINGLE "it's" env.DOUBLE 'x\x09y' env.PLAIN 'a b # c'
	assert_probe env.YES yes env.OCTAL 0755 env.NULL null env.TILDE '~' env.EMPTY '' env.NUMBER 1.0
	assert_probe arg.1 -x arg.2 '*.conf' arg.3 'owner: app:' arg.4 ''
}

@test "larger than 1 MiB: refused; as large as that: read" {
	capshim_run --image < <(
		printf 'user: app\nseccomp: unconfined\ncommand: [/probe]\n#'
		head -c "$((1048576 - 49))" /dev/zero | tr '\0' x
	)
	assert_unprivileged 1234
	[ "$(stat -c %s "$IMAGE/etc/capshim.yaml")" -eq 1048576 ]
	echo >>"$IMAGE/etc/capshim.yaml"
	capshim_run --image --config "$IMAGE/etc/capshim.yaml"
	assert_refused 100 'capshim: /etc/capshim.yaml: ' larger
}

@test "64 levels are read, 65 are not" {
	local file=$T/levels.yaml open close

	open=$(printf '[%.0s' {1..63}) close=$(printf ']%.0s' {1..63})
	printf 'user: app\ncommand: [/probe]\nunset_environment: %sX%s\n' "${open:1}" "${close:1}" >"$file"
	golden "$file" --check
	[ "$status" -eq 100 ]
	observe cat "$T/stderr"
	refute_output --partial 'more than'
	printf 'user: app\ncommand: [/probe]\nunset_environment: %sX%s\n' "$open" "$close" >"$file"
	golden "$file" --check
	[ "$status" -eq 100 ]
	observe cat "$T/stderr"
	assert_output --partial 'levels.yaml:3:83: more than 64 levels'
}

@test "more values than any config has are refused before they cost time" {
	capshim_run --image -- --check < <(
		printf 'user: app\ncommand: [/probe]\nenvironment:\n'
		numbered 1 10000 '  A#: x'
	)
	assert_refused 100 'more than 20000 values'
	capshim_run --image < <(
		printf 'user: app\nseccomp: unconfined\ncommand: [/probe]\nunset_environment:\n'
		numbered 1 12000 '  - A#'
	)
	assert_unprivileged 1234
}

@test "one run reports the problems of the YAML and of the values" {
	capshim_run --image <<-'END'
		user: &me app
		user: other
		comand: [/probe]
		umask: 22
	END
	assert_refused 100 capshim.yaml:1:7: capshim.yaml:2:1: capshim.yaml:3:1: capshim.yaml:4:8:
}

@test "no text of a config can forge a line of messages" {
	capshim_run --image <<-'END'
		user: "x\ncapshim reports no problems\e[2J"
		"key\ncapshim: all is well": 1
		command: [/probe]
	END
	assert_failure 100
	refute_line --regexp '^capshim(: all| reports)'
	refute_output --partial $'\e'
	assert_output --partial 'x\x0acapshim reports no problems\x1b[2J'
}

@test "an empty document is an empty config" {
	local text

	for text in '' '---' '# nothing' $'---\n...'; do
		capshim_run --image -- --check <<<"$text"
		assert_refused 100 '"user"'
	done
}

@test "a config that ends without a newline, with CRLF, or with a byte order mark is read" {
	local text

	for text in 'user: app\nseccomp: unconfined\ncommand: [/probe]' \
		'user: app\r\nseccomp: unconfined\r\ncommand:\r\n  - /probe\r\n' \
		'\xef\xbb\xbfuser: app\nseccomp: unconfined\ncommand: [/probe]\n'; do
		# shellcheck disable=SC2059 # the escapes are what is wanted
		capshim_run --image < <(printf "$text")
		assert_unprivileged 1234
		assert_probe argc 1
	done
}
