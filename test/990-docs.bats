#!/usr/bin/env bats
# bats file_tags=long:20
# shellcheck disable=SC2016 # in single quotes on purpose
# README, manual pages and schema say what is so: their commands and configs run, their output is what comes out, and
# their keys are the program's.

load helpers

setup() {
	test_dir
	image_make
	export CAPSHIM PROBE START
}

# block NAME: the text of the fenced block of the README, or of doc/, whose info string is NAME; the Nth one with a second argument.
block() {
	awk -v name="\`\`\`$1" -v wanted="${2:-1}" '
		inside && /^ *```$/ { inside = 0 }
		inside { print }
		{ info = $0; sub(/^ */, "", info) }
		info == name && ++count == wanted { inside = 1 }' "$REPO/README.md" "$REPO"/doc/*.md
}

# as_it_stands COMMAND: as a user would type it in the checkout; of the tests' environment nothing but where things lie.
as_it_stands() {
	# Somebody else's apt-get is waited for.
	echo 'DPkg::Lock::Timeout "120";' >"$T/apt.conf"
	# Not PATH either: bats has put its own parts into it.
	observe env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		"APT_CONFIG=$T/apt.conf" \
		${BUILD:+"BUILD=$BUILD"} ${DEPS:+"DEPS=$DEPS"} ${TESTS:+"TESTS=$TESTS"} \
		timeout 300 bash -c "cd '$REPO' && $1" </dev/null
}

@test "what the README shows as output is what comes out" {
	local file
	for file in "$REPO/README.md" "$REPO"/doc/*.md; do
		grep -q '^<!-- begin: ' "$file" || continue
		observe timeout 100 "$REPO/test/docs.bash" "$file"
		assert_success || return
		diff -u "$file" - <<<"$output"
	done
}

@test "the README's two commands work as they stand" {
	export BATS_TEST_TIMEOUT=600
	as_it_stands "$(block 'sh run')"
	assert_success
	assert_output --partial 'What process 1 holds'
	# The second runs the suite: here, a part of it.
	TESTS=test/310-accounts.bats as_it_stands "$(block 'sh run' 2)"
	assert_success
	assert_output --regexp 'ok +310-accounts +[0-9]+ tests'
}

@test "the README's installation works as it stands, and the pages and examples are there" {
	local root command

	root=$T/root
	command=$(block 'sh install')
	[[ $command == *DESTDIR=/tmp/root* ]]
	as_it_stands "${command//\/tmp\/root/$root}"
	assert_success
	[ -x "$root/usr/bin/capshim" ]
	[ -s "$root/usr/share/man/man1/capshim.1" ]
	[ -s "$root/usr/share/man/man5/capshim.yaml.5" ]
	[ -s "$root/usr/share/capshim/examples/minimal.yaml" ]
}

@test "every config of the README runs, and the workload holds what the config names" {
	mkdir -p "$IMAGE/var/lib" "$IMAGE/usr/bin"
	install -m 0755 "$PROBE" "$IMAGE/usr/bin/server"
	capshim_run --image < <(block 'yaml config')
	assert_unprivileged 1234 net_bind_service
	assert_equal "$(stat -c '%a %u' "$IMAGE/var/lib/app") $(stat -c %u "$IMAGE/data")" '750 1234 1234'
	capshim_run --image -- --check < <(block 'yaml config')
	assert_success
	assert_equal "$output" '/etc/capshim.yaml: no problems'
	capshim_run --image -- -- /probe < <(block 'yaml config entrypoint')
	assert_unprivileged 1234
	[ "$(block 'yaml config entrypoint' | wc -l)" -lt 10 ]
}

@test "the entrypoint that the README replaces did the same, and its replacement does not follow links" {
	block 'sh entrypoint' >"$T/entrypoint"
	bash -n "$T/entrypoint"
	grep -q 'chown -R' "$T/entrypoint"
	grep -q gosu "$T/entrypoint"
	ln -s /etc/passwd "$IMAGE/data/planted"
	capshim_run --image -- -- /probe < <(block 'yaml config entrypoint')
	assert_unprivileged 1234
	assert_equal "$(stat -c %u "$IMAGE/etc/passwd")" 0
}

@test "the README's one line in the place of gosu's works in that script" {
	local before after

	before=$(sed -n 's/^-\t\(exec gosu .*\)/\1/p' "$REPO/doc/migrating.md")
	after=$(sed -n 's/^+\t\(exec \/capshim .*\)/\1/p' "$REPO/doc/migrating.md")
	block 'sh entrypoint' | grep -F "$before"
	# /capshim, app and /data are those of this test.
	block 'sh entrypoint' | sed -e "s|$before|${after/"/capshim"/"$CAPSHIM"}|" -e 's/\bapp\b/1234:1234/' -e "s|/data|$T/data|" >"$T/entrypoint"
	chmod 0755 "$T/entrypoint"
	observe timeout 20 "$START" --clean --env PATH=/usr/bin:/bin --groups none -- "$T/entrypoint" "$PROBE" --try-regain
	assert_unprivileged 1234
	assert_no_way_back
}

@test "every row of the migration table is a config that runs" {
	local row config rows=0

	while IFS= read -r row; do
		config=$(grep -oE '`[a-z_]+: [^`]*`' <<<"$(cut -d'|' -f3 <<<"$row")" | tr -d '`')
		[ -n "$config" ] || fail "no config in $row"
		sed -i 's/^app:x:[0-9]*:[0-9]*/app:x:1000:1000/' "$IMAGE/etc/passwd"
		sed -i 's/^app:x:[0-9]*/app:x:1000/' "$IMAGE/etc/group"
		capshim_run --image -- -- /probe <<<"$config"
		if [[ $config == *cap_add* ]]; then
			assert_unprivileged 1000 net_bind_service || return
		else
			assert_unprivileged 1000 || return
		fi
		rows=$((rows + 1))
	done < <(sed -n '/^| before | config/,/^$/p' "$REPO/doc/migrating.md" | tail -n +3 | grep '^|')
	[ "$rows" -ge 11 ]
}

@test "the README and the documents link only to existing files" {
	local file path

	for file in "$REPO"/{README,CONTRIBUTING,SECURITY,bench/README}.md "$REPO"/doc/*.md; do
		while IFS= read -r path; do
			[ -e "${file%/*}/$path" ] || fail "${file#"$REPO/"} links to $path" || return
		done < <(grep -oE '\]\([^)#]+\)' "$file" | tr -d '])(' | grep -v '^http')
	done
}

# What the kernel and the shell say; the rest of what is quoted must be capshim's.
NOT_OURS='Operation not permitted|Function not implemented|Bad system call|Read-only file system|Permission denied'

@test "a message that the tables of what goes wrong quote is one of capshim's" {
	local quoted found=0

	while IFS= read -r quoted; do
		grep -rqF "$quoted" "$REPO/shim" || fail "no message of capshim's: $quoted" || return
		found=$((found + 1))
	done < <(grep -h '^|' "$REPO/README.md" "$REPO/doc/troubleshooting.md" | cut -d'|' -f2 | grep -oE '"[^"]+"' |
		tr -d '"' | grep -vxE "$NOT_OURS")
	[ "$found" -ge 8 ]
}

@test "every document of doc/ is reached from the README" {
	local file
	for file in "$REPO"/doc/*.md; do
		grep -q "(doc/${file##*/})" "$REPO/README.md" || fail "${file##*/}" || return
	done
}

@test "the manual pages are clean" {
	observe mandoc -T lint -W warning "$REPO"/man/*
	assert_success
	assert_output ''
	# Of style all but the pages that it cannot find, which are not installed where the tests run, and what BSD's own pages must
	# not say: which program's version the footer shows.
	observe mandoc -T lint "$REPO"/man/*
	output=$(grep -v 'referenced manual not found\|outdated mandoc.db\|operating system explicitly' <<<"$output" || :)
	assert_output ''
}

@test "every config of the manual pages is good" {
	local file count=0 page=$REPO/man/capshim.yaml.5

	awk -v dir="$T" '/^\.Bd -literal/ { inside = ++n; next } /^\.Ed/ { inside = 0 }
		inside { gsub(/\\\(dq/, "\""); print >(dir "/man" inside ".yaml") }' "$page"
	for file in "$T"/man*.yaml; do
		capshim_run --image -- --check <"$file"
		assert_success || fail "$(cat "$file")
$output"
		count=$((count + 1))
	done
	[ "$count" = 11 ]
}

@test "every key is in an example of the manual page" {
	local key missing=''

	awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' "$REPO/man/capshim.yaml.5" >"$T/examples"
	for key in $(keys_of_program); do
		grep -qE "(^|[ {])$key:" "$T/examples" || missing+=" $key"
	done
	[ -z "$missing" ] || fail "in no example:$missing"
}

@test "the manual pages have the version that is built, and so has the newest entry of the changelog" {
	local version page

	version=$("$CAPSHIM" --version | sed 's/^capshim //')
	for page in "$REPO"/man/*; do
		grep -qxF ".Os \"capshim $version\"" "$page" || fail "$page: not $version" || return
	done
	assert_equal "$(sed -n 's/^## \[\([0-9.]*\)\] - [0-9-]*$/\1/p' "$REPO/CHANGELOG.md" | head -n 1)" "$version"
	grep -rhoE 'capshim:[0-9]+\.[0-9.]+[0-9]' "$REPO"/README.md "$REPO"/doc "$REPO"/config | sort -u >"$T/named"
	assert_equal "$(cat "$T/named")" "capshim:$version"
}

# The keys of the program, from its tables, one a line: the root's, init's, verbs, their options, conditions.
program_keys() {
	sed -n '/root_keys\[\]/,/^};/p' "$REPO/shim/config/config.c" | grep -oE '\{"[a-z_]+"'
	grep -F 'NAMES("when",' "$REPO/shim/config/steps.c" # of a group of steps
	sed -n '/seccomp_keys\[\]/,/};/p' "$REPO/shim/config/seccomp.c" | grep -oE '\{"[a-z_]+"'
	sed -n '/init_keys\[\]/,/^};/p' "$REPO/shim/config/init.c" | grep -oE '\{"[a-z_]+"'
	grep -rohE '(\.name = |OPTION(_WITH)?\()"[a-z_]+"' "$REPO/shim/steps" "$REPO/shim/config/steps.c"
	sed -n '/condition_table\[\]/,/^};/p' "$REPO/shim/config/conditions.c" | grep -oE '\{"[a-z_]+"'
}

keys_of_program() {
	program_keys | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u
}

# The conditions stand in one paragraph of the page, the rest are items.
keys_of_page() {
	{
		sed -n '/^\.It Ic/p' "$REPO/man/capshim.yaml.5" | sed 's/^\.It//; s/ Ic / /g; s/[,\\]/ /g' | tr ' ' '\n'
		sed -n 's/^Ic //p' "$REPO/man/capshim.yaml.5" | sed 's/Ic //g; s/[,\\]/ /g' | tr ' ' '\n'
		sed -n '/^\.It Ic when , Ic unless/,/^A step that/p' "$REPO/man/capshim.yaml.5" | sed -n 's/^\.Ic \([a-z_]*\).*/\1/p'
	} | grep -E '^[a-z_]+$' | sort -u
}

@test "every key is in the manual page, and every key of the page is one" {
	[ "$(keys_of_program | wc -l)" -gt 80 ]
	diff -u <(keys_of_program) <(keys_of_page)
}

@test "every key is in a good golden config" {
	local key missing=''

	for key in $(keys_of_program); do
		grep -qE "(^|[ {\"-])$key\"?:" "$REPO"/test/golden/good/*.yaml || missing+=" $key"
	done
	[ -z "$missing" ] || fail "in no golden config:$missing"
}

@test "every key is in the schema, and every key of the schema is one" {
	local schema=$REPO/config/schema/capshim.schema.json

	diff -u <(keys_of_program) <(jq -r '[.properties, .properties.seccomp.oneOf[1].properties, .definitions.init.properties, .definitions.conditions.properties,
		.definitions.step_group.properties,
		(.definitions | to_entries[] | select(.key | startswith("step_")) | .value.properties)] | map(keys) |
		add | .[]' "$schema" | sort -u)
}

@test "the order of the keys in the annotated default is free of gaps: every root key is in it" {
	local key

	for key in $(sed -n '/root_keys\[\]/,/^};/p' "$REPO/shim/config/config.c" | grep -oE '"[a-z_]+"' | tr -d '"'); do
		grep -qE "^#?$key:" "$REPO/config/capshim.yaml" || fail "$key is not in config/capshim.yaml"
	done
	capshim_run --image -- --check <"$REPO/config/capshim.yaml"
	assert_success
	sed 's/^#\([a-z_]*:\)/\1/' "$REPO/config/capshim.yaml" >"$T/all.yaml"
	capshim_run --image -- --check <"$T/all.yaml"
	assert_success
	capshim_run --image -- -- /probe < <(sed 's|/var/lib/app|/data/app|' "$REPO/config/capshim.yaml")
	assert_unprivileged 1234
}

@test "each default in the annotated config is the real default" {
	local all least

	capshim_run --image -- -- /probe < <(sed '/^setup:/,$d' "$REPO/config/capshim.yaml")
	assert_unprivileged 1234
	all=$(grep -v '^\(keyring\|pid\|ppid\)=' <<<"$output")
	capshim_run --image -- -- /probe <<<'user: app'
	least=$(grep -v '^\(keyring\|pid\|ppid\)=' <<<"$output")
	assert_equal "$all" "$least"
}

# What a schema cannot say, or says otherwise on purpose.
EXCEPTIONS=(
	directive.yaml                # YAML's own syntax: editors take it
	utf-16.yaml                   # editors read it
	nul-escape.yaml               # a NUL byte in any text
	environment-of-the-start.yaml # the start environment
	file-environment-none.yaml
	reference-deep.yaml           # how deep they stand in each other
	references.yaml               # whether a variable is set, and the form of a reference
	no-workload.yaml              # that a user is written
	returned.yaml                 # what steps before do to a directory
	groups.yaml                   # which groups there are
	user-unknown.yaml             # passwd and group
	user-unknown-group.yaml
	user-group-zero.yaml
	user-id-without-group.yaml
	seccomp-missing.yaml          # files
	seccomp-names.yaml            # which system calls there are
	command-none.yaml             # whether the command line names a command
	command-pause.yaml
)

@test "the schema accepts every good config" {
	observe timeout 60 "$REPO/test/schema.py" "$REPO/config/schema/capshim.schema.json" accept \
		"$REPO"/test/golden/good/*.yaml "$REPO"/config/*.yaml "$REPO"/config/examples/*.yaml "$REPO"/test/entrypoints/*.yaml
	assert_success
	assert_output compose.yaml # is none
}

@test "the schema refuses every bad config, but for what no schema can say" {
	observe timeout 60 "$REPO/test/schema.py" "$REPO/config/schema/capshim.schema.json" refuse \
		"$REPO"/test/golden/bad/*.yaml
	assert_success
	diff -u <(printf '%s\n' "${EXCEPTIONS[@]}" | sort) <(sort <<<"$output")
}

@test "every step that takes the place of a line of a script is one" {
	local step steps=0

	while IFS= read -r step; do
		capshim_run --image -- --check -- /probe <<<$'user: app\nsetup:\n  - '"$step"
		assert_success || fail "$step" || return
		steps=$((steps + 1))
	done < <(sed -n '/^| shell | step/,/^$/p' "$REPO/doc/migrating.md" | grep -o '`{[^`]*}`' | tr -d '`')
	[ "$steps" -ge 8 ]
}

@test "the schema passes ajv's strict mode" {
	observe timeout 60 "$REPO/test/schema.py" "$REPO/config/schema/capshim.schema.json" strict
	assert_success
	assert_output ''
}

@test "an editor says what to write for root, and refuses a mode without its quotes" {
	printf 'user: root\ncommand: server\n' >"$T/root.yaml"
	printf 'user: app\nsetup: {mkdir: /a, mode: 750}\n' >"$T/mode.yaml"
	printf 'user: app\numask: 022\n' >"$T/umask.yaml"
	printf 'user: root\nallow_root: true\nsetup: {mkdir: /a, mode: "0750"}\n' >"$T/right.yaml"
	observe timeout 60 "$REPO/test/schema.py" "$REPO/config/schema/capshim.schema.json" messages "$T"/*.yaml
	assert_success
	assert_line "root.yaml: 'allow_root' is a required property"
	assert_line "mode.yaml: 750 is not of type 'string'"
	assert_line "umask.yaml: 18 is not of type 'string'"
	refute_line --regexp '^right.yaml'
}

@test "every message of the golden files says what to do" {
	local line what='must (be|have|begin|stand|name|not)|write|did you mean|see capshim|add |remove|quote|set it|set UNSET|unset|'

	what+='leave|put |choose|keep one|use fewer|align|correct|close|save the file|delete|needs "|only \$\{|exclude each other|'
	what+='ids are whole numbers|were not filled in|is a blank|here env, env_true and command decide|name (the|it|each|a)|'
	what+='cannot be (mapped|a stop signal|recursive|removed)|needs both|is needed|a file holds one|begin another|use |needs a verb|'
	what+='letters, digits|No such file or directory$'
	while IFS= read -r line; do
		[[ $line =~ $what ]] || fail "what shall be done? $line" || return
	done < <(cat "$REPO"/test/golden/bad/*.err)
}

@test "no number of the README is a guess: measured ones are between the marks of make bench" {
	observe sed '/<!-- bench:begin -->/,/<!-- bench:end -->/d' "$REPO/README.md"
	refute_output --regexp '[0-9] ?(ms|us|µs|KB|KiB|MB|MiB)\b'
	observe sed -n '/<!-- bench:begin -->/,/<!-- bench:end -->/p' "$REPO/bench/README.md"
	[ "${#lines[@]}" -ge 3 ]
}
