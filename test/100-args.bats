#!/usr/bin/env bats
# The command line: what is an option, what is the workload's, and what cannot be understood.

load helpers

setup() {
	test_dir
	image_make
	config=$IMAGE/etc/capshim.yaml
	printf 'user: app\nseccomp: unconfined\ncommand: [/probe, from-the-config]\n' >"$config"
	chmod 0644 "$config"
}

# capshim ARGUMENT ...: in the image, with nothing but those arguments.
capshim() {
	observe timeout 20 "$START" --clean --env PATH=/ --chroot "$IMAGE" -- /capshim "$@"
}

@test "without arguments: the config's command" {
	capshim
	assert_unprivileged 1234
	assert_probe argc 2 arg.0 /probe arg.1 from-the-config
}

@test "only \"--\", as an image's entry point has it: the config's command" {
	capshim --
	assert_unprivileged 1234
	assert_probe arg.1 from-the-config
}

@test "a command after the options replaces the config's" {
	capshim /probe a b
	assert_unprivileged 1234
	assert_probe argc 3 arg.1 a arg.2 b
}

@test "options end at the first word that is not an option: everything after it belongs to the workload" {
	capshim /probe x --check --version -- -c /nowhere
	assert_unprivileged 1234
	assert_probe argc 7 arg.2 --check arg.3 --version arg.4 -- arg.5 -c arg.6 /nowhere
}

@test "behind \"--\" a word with a dash is the workload's" {
	cat >>"$config" <<-'END'
		command_prefix: {words: [/probe, end-of-options], for: "-*"}
	END
	capshim -- --check
	assert_unprivileged 1234
	assert_probe argc 3 arg.2 --check
}

@test "a second \"--\" is the workload's" {
	cat >>"$config" <<-'END'
		command_prefix: {words: [/probe], for: "--"}
	END
	capshim -- -- x
	assert_unprivileged 1234
	assert_probe argc 3 arg.1 -- arg.2 x
}

@test "a single dash is not an option" {
	cat >>"$config" <<-'END'
		command_prefix: {words: [/probe], for: "-"}
	END
	capshim -
	assert_unprivileged 1234
	assert_probe argc 2 arg.1 -
}

@test "-c names the config, in all its spellings" {
	local words

	mv "$config" "$IMAGE/other.yaml"
	for words in '-c /other.yaml' '-c/other.yaml' '--config /other.yaml' '--config=/other.yaml'; do
		# shellcheck disable=SC2086 # words
		capshim $words
		assert_unprivileged 1234
		assert_probe arg.1 from-the-config
	done
}

@test "a config that is not there: 100, and its name" {
	capshim -c /nowhere.yaml
	assert_refused 100 'capshim: /nowhere.yaml: '
	capshim -c /nowhere.yaml --check
	assert_refused 100 'capshim: /nowhere.yaml: '
}

@test "--check acts on nothing: no step, no workload" {
	printf 'setup:\n  - mkdir: /made\n' >>"$config"
	capshim --check
	assert_success
	refute_workload
	[ ! -e "$IMAGE/made" ]
	capshim
	assert_success
	[ -d "$IMAGE/made" ]
}

@test "--check takes a command, as a run does" {
	sed -i /command/d "$config"
	capshim
	assert_refused 100 'nothing to run'
	capshim --check /probe
	assert_success
	refute_workload
	capshim --check -- /probe
	assert_success
}

@test "--version, --help and --licenses print on standard output and need no config" {
	local -A license=([musl]='musl' [glibc]="the C library are the system's own")
	local -A versions=([musl]='musl 1\.[0-9.]+' [glibc]='libraries of the system')

	rm "$config"
	for option in --version --help --licenses; do
		capshim "$option"
		assert_success
		[ -n "$output" ]
		observe timeout 20 bash -c '"$@" 2>&1 >/dev/null' - "$START" --chroot "$IMAGE" -- /capshim "$option"
		assert_output ''
	done
	capshim --version
	assert_output --regexp '^capshim [0-9]+\.[0-9]+\.[0-9]+$'
	capshim --version=verbose
	assert_success
	assert_line --index 0 --regexp '^capshim [0-9]+\.[0-9]+\.[0-9]+$'
	assert_line --regexp '^  compiler .* for [a-z0-9_]+-linux-'
	assert_line --regexp "^  ${versions[${LIBC:-musl}]}$"
	capshim --version=json
	assert_refused 100 '--version takes no value'
	capshim --help
	for option in --config --check --explain --compile-seccomp --version --help --licenses 100 111 112 126 127; do
		assert_output --partial "$option"
	done
	capshim --licenses
	for name in libcap-ng libseccomp libyaml "${license[${LIBC:-musl}]}"; do
		assert_output --partial "$name"
	done
}

@test "output that cannot be written is a failure, whatever was asked for" {
	local words

	printf '%s\n' 'user: app' 'command: [/probe]' >"$config"
	for words in --help --check --explain --explain=json --explain=seccomp '--explain-syscall read' --inspect --inspect=json; do
		# shellcheck disable=SC2086 # words
		observe timeout 20 bash -c '"$@" >/dev/full' - unshare --fork --pid --mount --kill-child "$START" --container "$IMAGE" \
			--proc "$IMAGE" --chroot "$IMAGE" -- /capshim $words
		assert_failure 111
		assert_output 'capshim: cannot print on standard output: No space left on device' || return
	done
}

@test "an unknown option: 100, the nearest one, and how to pass it on" {
	capshim --chek
	assert_refused 100 '"--chek"' 'did you mean "--check"?'
	capshim --port 80
	assert_refused 100 '"--port"' '"--"'
	capshim -x
	assert_refused 100 '"-x"'
}

@test "an option without its value, with one too many, twice, or with another: 100" {
	capshim -c
	assert_refused 100 '--config' FILE
	capshim -c ''
	assert_refused 100 '--config'
	capshim -c /etc/capshim.yaml -c /etc/capshim.yaml
	assert_refused 100 '--config' twice
	capshim --check=yes
	assert_refused 100 '--check'
	capshim --check --explain
	assert_refused 100 '--check' '--explain'
	capshim --compile-seccomp /in.json
	assert_refused 100 '--compile-seccomp' OUT
	capshim --version /probe
	assert_refused 100 '--version' '/probe'
}

@test "a set-id start is refused with 111: its caller would choose what root does" {
	local bit

	for bit in u+s g+s; do
		chmod 0755 "$IMAGE/capshim"
		chmod "$bit" "$IMAGE/capshim"
		observe timeout 20 "$START" --clean --env PATH=/ --chroot "$IMAGE" --groups none --gid 1234 --uid 1234 -- \
			/capshim /probe
		assert_refused 111 'set-id'
	done
}

@test "the exit status is the workload's own" {
	for status_wanted in 0 1 42 99 111 112 126 255; do
		capshim /probe --exit "$status_wanted"
		[ "$status" -eq "$status_wanted" ]
	done
}
