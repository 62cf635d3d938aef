#!/usr/bin/env bats
# --check: all mistakes of a config, and notes on what only a start can decide.

load helpers

setup() {
	test_dir
	image_make
}

@test "--check passes over what only the start decides, and says it" {
	capshim_run --image -- --check <<-'END'
		user: abc
		accounts: [{name: abc, uid: "${PUID}", gid: "${PGID}"}]
		env_file: /run/config/env
		file_environment: [PASSWORD]
		environment: {URL: "https://${SITE:?set SITE}/"}
		setup:
		  - mkdir: "/data/${SITE}"
	END
	assert_success
	assert_line --partial 'capshim.yaml:2:'
	assert_line --partial 'set SITE'
	assert_line --partial '/run/config/env'
	assert_line '/etc/capshim.yaml: no problems; the notes above can only be checked when the container starts'
	capshim_run --image --config image -- -- /probe
	assert_refused 100 PUID
	capshim_run --image -- --check <<-'END'
		user: "${PUID}"
		umask: 22
	END
	assert_refused 100 capshim.yaml:2:8:
	# An id that is no text was taken for one that only the start sets, and its text was read.
	capshim_run --image -- --check <<<$'user: abc\naccounts: {name: abc, uid: 1, gid: [1]}'
	assert_refused 100 'capshim.yaml:2:36: must be one value, not a list'
}

@test "--explain shows no ids as facts that only the start knows" {
	capshim_run --image -- --explain -- /probe <<-'END'
		user: x
		accounts: [{name: x, uid: "${PUID}", gid: 65533}]
		setup: [{run: [/probe], user: x}]
	END
	assert_success
	assert_line '  user     uid (set at the start) (x), gid 65533, groups none'
	assert_line '  accounts x (uid (set at the start), gid 65533)'
	assert_line --regexp '^  line 3: run /probe \(as uid \(set at the start\), '
	assert_line --partial 'the workload: switches to uid (set at the start)'
	capshim_run --image -- --explain=json -- /probe <<-'END'
		user: x
		accounts: [{name: x, uid: "${PUID}", gid: "${PGID}"}]
		supplementary_groups: [x, 7]
	END
	grep '^{' <<<"$output" | jq -e '.user == {uid: null, gid: null, additionalGids: [7, null]}'
}

@test "--check does not need the command, nor the secrets that an image only names" {
	capshim_run --image --env PASSWORD_FILE=/run/secrets/none -- --check <<<$'user: app\nfile_environment: [PASSWORD]'
	assert_success
	assert_output --partial ': note: nothing to run: '
	capshim_run --image --env PASSWORD_FILE=/run/secrets/none -- -- /probe <<<$'user: app\nfile_environment: [PASSWORD]'
	assert_refused 100 /run/secrets/none
}

@test "a developer's checkout: what a start refuses is a note, and everything else is checked" {
	local mode stdin
	printf '%s\n' 'user: app' 'command: [/probe]' 'umsk: 3' >"$IMAGE/data/config"
	printf '%s\n' 'user: app' 'command: [/probe]' >"$IMAGE/data/good"
	chown 1000 "$IMAGE/data" "$IMAGE"/data/*
	for mode in 0644 0664; do
		chmod "$mode" "$IMAGE"/data/*
		for way in --check --explain --explain=json '--explain-syscall io_uring_setup'; do
			# shellcheck disable=SC2086 # words
			capshim_run --image --config image -- -c /data/config $way
			assert_refused 100 'note: a start refuses it' '/data/config:3:1: unknown key "umsk"'
			# shellcheck disable=SC2086
			capshim_run --image --config image -- -c /data/good $way
			assert_success
			assert_output --partial 'capshim: /data/good: note: a start refuses it'
			# shellcheck disable=SC2086
			capshim_run --image --config image --stdin "$IMAGE/data/good" -- -c - $way
			assert_success
			assert_output --partial 'capshim: -: note: a start refuses it: standard input'
		done
		for way in -- --as-workload --verify; do
			stdin=$IMAGE/data/good
			capshim_run --image --config image --stdin "$stdin" -- -c - "$way" /probe
			assert_refused 100
			capshim_run --image --config image -- -c /data/good "$way" /probe
			assert_refused 100
		done
	done
	# The file of the image is judged as a start would judge it: that is what --check is for in a Dockerfile.
	capshim_run --image -- --check <<<'user: app'
	chown 1000 "$IMAGE/etc/capshim.yaml"
	capshim_run --image --config image -- --check
	assert_refused 100 'it belongs to uid 1000'
	# What is not a config is not read for ever.
	capshim_run --image --stdin /dev/zero --config image -- -c - --check
	assert_refused 100 'standard input'
}

@test "a value from the environment that is wrong is shown with what brought it, once" {
	local env text
	while IFS='|' read -r env text; do
		capshim_run --image --env "$env" -- -- /probe <<-'END'
			user: abc
			accounts: [{name: abc, uid: "${PUID:-911}", gid: "${PGID:-911}"}]
			umask: "${UMASK:-0022}"
			setup: [{mkdir: "${DIR:-/data}/x", owner: abc}]
		END
		assert_refused 100
		assert_output --regexp "^capshim: /etc/capshim.yaml:[0-9]+:[0-9]+: .*$text"
		assert_equal "${#lines[@]}" 1
	done <<-'END'
		PUID=0|uid 0 is root's: choose another uid \(from "\$\{PUID:-911\}"\)$
		PUID=me|"me" is not a user id.*\(from "\$\{PUID:-911\}"\)$
		PGID=0|its gid is root's.*\(from "\$\{PGID:-911\}"\)$
		PGID=staff|"staff" is not a group id.*\(from "\$\{PGID:-911\}"\)$
		UMASK=9|"9" must be octal.*\(from "\$\{UMASK:-0022\}"\)$
		DIR=rel|"rel/x" must be an absolute path.*\(from "\$\{DIR:-/data\}/x"\)$
	END
}

@test "an option of capshim that the entry point makes a command of: how to reach it" {
	capshim_run --image -- -- --explain <<<'user: app'
	assert_refused 127 'not found in PATH' 'docker run --entrypoint /capshim IMAGE --explain'
	capshim_run --image -- -- explain <<<'user: app'
	assert_refused 127 'not found in PATH'
	refute_output --partial docker
}
