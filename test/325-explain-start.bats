#!/usr/bin/env bats
# --explain: what it says about the start, and a start that does what it says.

load helpers

setup() {
	test_dir
	image_make
	mkdir -p "$IMAGE/var/lib" "$IMAGE/run"
}

# explain [OPTION ...] with the config on standard input, which becomes the image's: $output is what --explain says.
explain() {
	capshim_run --image "$@" -- --explain -- /probe
}

# as_app GROUPS: a start of the image's config as an engine starts it with USER app.
as_app() {
	capshim_run --image --config image --with --groups --with "$1" --with --gid --with 1234 --with --uid --with 1234 -- -- /probe
}

@test "nothing here needs root: where that is said, a start as the user works; where that is refused, it is not said" {
	local config

	mkdir -m 0700 "$IMAGE/root"
	mkdir -m 0755 "$IMAGE/root/open"
	mkdir -m 0750 "$IMAGE/data/own"
	chown 1234 "$IMAGE/data/own"
	ln -s ../root "$IMAGE/data/link"
	while read -r config; do
		explain <<<"{user: app, seccomp: unconfined, $config}"
		assert_success
		assert_line --regexp '^  nothing here needs root' || fail "$config" || return
		as_app 44
		assert_success || fail "$config" || return
	done <<-'END'
		command: [/probe]
		supplementary_groups: auto
		supplementary_groups: runtime
		working_dir: /
		working_dir: /data/own
		on_nonroot: try_setup
	END
	while read -r config; do
		explain <<<"{user: app, seccomp: unconfined, $config}"
		assert_success
		refute_output --partial 'nothing here needs root' || fail "$config" || return
		as_app 44
		assert_failure 111 || fail "$config" || return
	done <<-'END'
		supplementary_groups: [45]
		supplementary_groups: none
		supplementary_groups: [auto, 45]
		working_dir: /root
		working_dir: /root/open
		working_dir: /data/link
		on_nonroot: refuse
	END
}

@test "nothing here needs root: not said where the user is in a group of root's, or may not read the config" {
	local line

	for line in root:x:0:app disk:x:6:root,app 'disk:x:6:root ' ; do
		printf 'root:x:0:\n%s\nd:x:6:app\n' "$line" >"$IMAGE/etc/group"
		explain <<<'{user: app, seccomp: unconfined}'
		assert_success
		refute_output --partial 'nothing here needs root' || fail "$line" || return
		as_app "$([[ $line == *:0:* ]] && echo 0,6 || echo 6)"
		assert_failure 111 || fail "$line" || return
	done
	printf 'root:x:0:\n' >"$IMAGE/etc/group"
	explain <<<'{user: app, seccomp: unconfined}'
	assert_line --regexp '^  nothing here needs root'
	chmod 0600 "$IMAGE/etc/capshim.yaml"
	explain --config image
	refute_output --partial 'nothing here needs root'
	as_app none
	assert_refused 100 capshim.yaml
}

@test "in an image with USER, the lines to paste name root" {
	local line

	explain --start nonroot_empty <<<'{user: app, setup: [{mkdir: /data/x, owner: workload}]}'
	assert_success
	assert_line --partial '  docker run --user 0 --security-opt no-new-privileges --cap-drop ALL --cap-add '
	assert_line '    user: "0"'
	assert_line '      runAsUser: 0'
	explain --config image
	assert_line --partial '  docker run --security-opt no-new-privileges --cap-drop ALL --cap-add '
	refute_line '    user: "0"'
}

@test "warnings: an init, and what becomes another user by SETUID" {
	local config said='a process that becomes another user by CAP_SETUID'

	for config in 'user: app' $'user: root\nallow_root: true'; do
		explain <<<"$config"$'\ninit: true\ncap_add: [SETUID]'
		assert_line --partial "$said"
		explain <<<"$config"$'\ninit: {wait_until: all}\ncap_add: [SETUID, KILL]'
		assert_line --partial "$said"
		explain <<<"$config"$'\ninit: true\ncap_add: [KILL]'
		refute_output --partial "$said"
		explain <<<"$config"$'\ncap_add: [SETUID]'
		refute_output --partial "$said"
	done
}

@test "warnings: what others may have put there becomes root's, and a later step runs it or shows it every variable" {
	local adopts later said

	while IFS='|' read -r adopts later said; do
		explain <<<"{user: app, setup: [{chown: /data/v, recursive: true}, {$adopts}, {$later}]}"
		assert_success
		if [ -n "$said" ]; then
			assert_line "  line 1: $said and line 1 trusts that: take it from the image" || fail "$adopts $later" || return
		else
			refute_output --partial 'trusts that' || fail "$adopts $later" || return
		fi
	done <<-'END'
		copy: /data/v/h, to: /run/h, recursive: true|run_dir: /run/h|copy makes root the owner of what others may have put into "/data/v/h",
		copy: /data/v/t, to: /run/h/, owner: root|template: /run/h/t, to: /etc/t|copy makes root the owner of what others may have put into "/data/v/t",
		chown: /opt/h, owner: root, recursive: true|run: [/opt/h/x, /run/h]|chown makes root the owner of what others may have put into "/opt/h",
		chown: /opt/h, owner: root|run_dir: /opt/h|chown makes root the owner of what others may have put into "/opt/h",
		template: /data/v/t, to: /run/x, variables: [A], mode: "0755"|run: /run/x|template makes root the owner of what others may have put into "/data/v/t",
		write: /data/v/x, content: x, if_exists: keep, owner: root|run: /data/v/x|write makes root the owner of what others may have put into "/data/v/x",
		write: /data/v/t, content: x, if_exists: append_missing, owner: root|template: /data/v/t, to: /etc/t|write makes root the owner of what others may have put into "/data/v/t",
		chown: /opt/x, owner: root|mkdir: /etc/d, when: [{succeeds: [/opt/x, a]}]|chown makes root the owner of what others may have put into "/opt/x",
		copy: /data/v/x, to: /run/x|wait_for: {run: [/run/x]}|copy makes root the owner of what others may have put into "/data/v/x",
		copy: /data/v/h, to: /run/h, recursive: true, owner: workload|run_dir: /run/h|
		copy: /opt/h, to: /run/h, recursive: true|run_dir: /run/h|
		copy: /data/v/h, to: /run/h, recursive: true|run: [/bin/x, /run/h]|
		copy: /data/v/h, to: /run/h, recursive: true|run_dir: /run/h, user: workload|
		copy: /data/v/t, to: /run/t|template: /run/t, to: /etc/t, variables: [A]|
		template: /data/v/t, to: /run/x, variables: [A], owner: workload|run: /run/x|
		template: /opt/t, to: /run/x, variables: [A]|run: /run/x|
		write: /data/v/x, content: x, owner: root|run: /data/v/x|
		write: /data/v/x, content: x, if_exists: keep|run: /data/v/x|
		write: /opt/x, content: x, if_exists: keep, owner: root|run: /opt/x|
		chown: /opt/x, owner: root|mkdir: /etc/d, when: {succeeds: {run: [/opt/x], user: app}}|
		chown: /opt/x, owner: root|mkdir: /etc/d, when: {succeeds: [/bin/x, /opt/x]}|
		copy: /data/v/x, to: /run/x|wait_for: {run: [/run/x], user: app}|
		copy: /data/v/x, to: /run/x|wait_for: {run: [/bin/x, /run/x]}|
	END
}

@test "the program of wait_for: as whom it runs" {
	explain <<<'{user: app, setup: [{wait_for: {run: [/probe], user: app}}]}'
	assert_success
	assert_line '  line 1: wait_for /probe (as uid 1234, with the default filter)'
}
