#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell
# --as-workload: what an exec or a health check runs holds what the workload holds, and a config that was changed under it is
# seen. Real engines are in test/940-beside.bats.

load helpers
load beside

setup() {
	beside_setup
}

teardown() {
	beside_teardown
}

# same KEY ...: the last exec's probe and the workload's agree.
same() {
	local key

	for key; do
		assert_equal "$key=$(probe_value "$key")" "$(grep "^$key=" "$LOG")" || return
	done
}

IDENTITY=(uid gid groups inheritable permitted effective bounding ambient no_new_privs seccomp securebits keepcaps
	umask cwd rlimit.core rlimit.nofile dumpable fds blocked ignored itimer.real personality)

@test "the same ids, groups, sets, flags, filter, limits, umask, directory and environment" {
	echo 'FROM_FILE=1' >"$IMAGE/etc/app.env"
	echo secret >"$IMAGE/etc/secret"
	chmod 0600 "$IMAGE/etc/secret"
	container_config etc/capshim.yaml <<-'END'
		user: app
		supplementary_groups: [auto, 7]
		cap_add: [NET_BIND_SERVICE]
		command: [/probe, --sleep, "60"]
		env_file: /etc/app.env
		file_environment: [SECRET]
		environment: {SECRET_FILE_WAS: "${SECRET}", WHERE: "${WHERE:-there}"}
		unset_environment: [GIVEN]
		working_dir: /data
		umask: 0027
		ulimits: {core: 0, nofile: 77}
	END
	SECRET=(--with --env --with SECRET_FILE=/etc/secret)
	container_start --entry "/start --env SECRET_FILE=/etc/secret -- /capshim"
	container_exec "${SECRET[@]}" -- /capshim --as-workload -- /probe
	assert_unprivileged 1234 net_bind_service
	same "${IDENTITY[@]}"
	# The same environment: HOME and USER as well.
	diff -u <(grep ^env. "$LOG" | sort) <(grep ^env. <<<"$output" | sort)
	assert_probe seccomp 2 groups 7,44 cwd /data umask 0027
	refute_line --partial capshim:
}

@test "no accounts, steps, entrypoint, prefix, suffix, init, report, stdio ownership, oom score, new session" {
	container_config etc/capshim.yaml <<-'END'
		user: app
		accounts: [{name: app, uid: 1234, gid: 1234, home: /data}]
		entrypoint: [/probe, --exit, "9"]
		command: none
		command_prefix: {words: [/probe, prefixed], for: "*"}
		command_suffix: [suffixed]
		init: true
		report: text
		oom_score_adj: 500
		own_stdio: true
		new_session: true
		keep_fds: [7]
		setup:
		  - run: [/probe, --exit, "7"]
		  - mkdir: /made
	END
	container_config etc/running.yaml <<-'END'
		user: app
		command: [/probe, --sleep, "60"]
		init: true
	END
	container_start --entry '/capshim -c /etc/running.yaml'
	container_exec --with --fd --with 7 -- /capshim --as-workload /probe a
	assert_unprivileged 1234
	assert_probe argc 2 arg.1 a fds 0,1,2 oom_score_adj "$(sed -n 's/^oom_score_adj=//p' "$LOG")"
	refute_line --partial capshim:
	[ ! -e "$IMAGE/made" ]
	assert_equal "$(cut -d: -f1-4 "$IMAGE/etc/passwd" | grep ^app)" app:x:1234:1234
}

# refused TEXT ...: exec with the config on standard input is status 112, says these, and runs nothing.
refused() {
	container_config etc/changed.yaml
	container_exec -- /capshim -c /etc/changed.yaml --as-workload -- /probe
	assert_refused 112 'cannot run as the workload: process' "$@" '"/etc/changed.yaml" says: start the container anew'
}

@test "a config that was changed under a running container is refused: 112, and nothing runs" {
	container_config etc/capshim.yaml <<-'END'
		user: app
		cap_add: [NET_BIND_SERVICE, KILL]
		seccomp: unconfined
	END
	container_start -- -- /probe --sleep 60
	container_exec /capshim --as-workload /probe
	assert_unprivileged 1234 kill,net_bind_service
	refused 'CapBnd without CAP_CHOWN' <<<$'user: app\ncap_add: [NET_BIND_SERVICE, KILL, CHOWN]\nseccomp: unconfined'
	refused 'CapBnd' 'CAP_KILL' <<<$'user: app\ncap_add: [NET_BIND_SERVICE]\nseccomp: unconfined'
	refused 'Uid 1234' <<<$'user: other:app\nsupplementary_groups: [44]\ncap_add: [NET_BIND_SERVICE, KILL]\nseccomp: unconfined'
	refused 'Gid 1234' <<<$'user: app:other\nsupplementary_groups: [44]\ncap_add: [NET_BIND_SERVICE, KILL]\nseccomp: unconfined'
	refused 'group 44' <<<$'user: app\nsupplementary_groups: none\ncap_add: [NET_BIND_SERVICE, KILL]\nseccomp: unconfined'
	refused 'no group 7' <<<$'user: app\nsupplementary_groups: [44, 7]\ncap_add: [NET_BIND_SERVICE, KILL]\nseccomp: unconfined'
	refused '0 seccomp filters instead of 1' <<<$'user: app\ncap_add: [NET_BIND_SERVICE, KILL]'
}

@test "with a command in the workload's own directory it is still root that compares, also below hidepid" {
	install -d -o 1234 -g 1234 "$IMAGE/data/bin"
	install -o 1234 -g 1234 -m 0755 "$PROBE" "$IMAGE/data/bin/probe"
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: KILL\nseccomp: unconfined\ntrace: true'
	container_start -- -- /probe --sleep 60
	nsenter --target "$CONTAINER" --mount mount -o remount,hidepid=2 proc "$IMAGE/proc"
	container_exec /capshim --as-workload /data/bin/probe
	assert_unprivileged 1234 kill
	assert_line 'capshim: --as-workload: the same as process 1 (probe)'
	refused CAP_KILL <<<$'user: app\nseccomp: unconfined'
}

@test "a container that did not come through capshim is not the config's" {
	container_start --entry '/probe --sleep 60'
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_exec /capshim --as-workload /probe
	assert_refused 112 'Uid 0' 'CapPrm' 'NoNewPrivs 0'
}

@test "with an init its child counts, and a config that adds or removes the init changes nothing" {
	local with=$'user: app\ncap_add: KILL\ninit: true' without=$'user: app\ncap_add: KILL'

	container_config etc/with.yaml <<<"$with"
	container_config etc/without.yaml <<<"$without"
	container_config etc/less.yaml <<<'user: app'
	for entry in with without; do
		container_start --entry "/capshim -c /etc/$entry.yaml" -- -- /probe --sleep 60
		for name in with without; do
			container_exec /capshim -c "/etc/$name.yaml" --as-workload -- /probe
			assert_unprivileged 1234 kill || fail "$entry $name" || return
		done
		# The init itself holds nothing, and must not be what this is compared with.
		container_exec /capshim -c /etc/less.yaml --as-workload -- /probe
		assert_refused 112 CAP_KILL || return
		container_stop
	done
}

@test "behind another init, with and without no-new-privileges: what that init started through capshim counts" {
	local config start front count=0
	local configs=('' 'seccomp: unconfined' 'cap_add: KILL' 'init: true' $'init: true\ncap_add: KILL'
		$'init: true\nseccomp: unconfined')

	install -m 0755 "$(command -v docker-init)" "$IMAGE/docker-init"
	for config in "${configs[@]}"; do
		for start in docker nnp nonroot nonroot_nnp; do
			[[ $start != nonroot* || $config != *cap_add* ]] || continue
			container_config etc/capshim.yaml < <(printf '%s\n' 'user: app' 'trace: true' "$config" \
				"$([[ $start != nonroot* ]] || echo 'supplementary_groups: none')")
			front=/docker-init
			[ "$start" != nonroot_nnp ] || front='/start --nnp -- /docker-init'
			container_start --start "${start%_nnp}" --entry "$front -- /capshim" -- -- /probe --sleep 60
			container_exec /capshim --as-workload -- /probe
			assert_success || fail "$start, $config: $output" || return
			same uid gid groups permitted ambient bounding no_new_privs seccomp || return
			# Unconfined without root there is nothing that capshim takes or adds: docker-init holds the same.
			[[ $start$config == nonroot_nnp*unconfined ]] ||
				assert_line --regexp '^capshim: --as-workload: the same as process [23] \(probe\)$' || return
			[[ $start == nonroot* ]] ||
				refused 'CapBnd without CAP_CHOWN' <<<$'user: app\ncap_add: [KILL, CHOWN]' || return
			container_stop
			count=$((count + 1))
		done
	done
	[ "$count" -eq 20 ]
}

@test "a child of the workload, with more filters than it, is not taken for the workload" {
	install -m 0755 "$(command -v docker-init)" "$IMAGE/docker-init"
	install -m 0755 "${PROBE%/*}/deny" "$IMAGE/deny"
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start --start nnp -- -- /docker-init -- /deny 38 999 /probe --sleep 60
	refused 'process 1 (docker-init) has 0 seccomp filters instead of 1' <<<'user: app'
}

@test "a daemon that keeps SETUID and SETGID may be another user by now, and may have filters of its own" {
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: [SETUID, SETGID]\nseccomp: unconfined'
	container_start -- -- /start --groups none --gid 7 --uid 77 -- /probe --sleep 60
	grep -qx 'uid=77,77,77,77' "$LOG"
	container_exec /capshim --as-workload /probe
	assert_unprivileged 1234 setgid,setuid
	container_stop
	# Without them nobody can have.
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: [SETUID]\nseccomp: unconfined'
	container_start -- -- /start --uid 77 -- /probe --sleep 60
	container_exec /capshim --as-workload /probe
	assert_unprivileged 1234 setuid
	refused 'Uid 77' <<<$'user: app\nseccomp: unconfined'
}

@test "without a /proc it says that it compares nothing, and runs" {
	container_config etc/capshim.yaml <<<'user: app'
	container_start --no-proc -- -- /probe --sleep 60
	container_exec /capshim --as-workload /probe
	assert_unprivileged 1234
	assert_line 'capshim: --as-workload compares nothing: /proc cannot be read'
}

@test "a start without root: the ids are the container's, root beside it is refused" {
	container_config etc/capshim.yaml <<<$'user: app\nsupplementary_groups: none\nseccomp: unconfined'
	container_start --start nonroot -- -- /probe --sleep 60
	container_exec /capshim --as-workload /probe
	assert_success
	same uid gid groups permitted bounding no_new_privs seccomp
	# As exec -u 0: the container's bounding set is full, and that of this is not.
	container_exec --start docker -- /capshim --as-workload /probe
	assert_refused 112 CapBnd 'run this as the user that the container was started as (docker exec -u 1234)'
	# As exec -u app, where the container was started as root.
	container_stop
	container_config etc/capshim.yaml <<<'user: app'
	container_start --start docker -- -- /probe --sleep 60
	container_exec --start nonroot -- /capshim --as-workload /probe
	assert_refused 112 'run this as the user that the container was started as (docker exec -u 0)'
	container_exec --start docker -- /capshim --as-workload /probe
	assert_unprivileged 1234
}

@test "with options in the place of a config, and with trace: what it was compared with" {
	container_start --entry '/capshim --user app --cap-add KILL --' -- /probe --sleep 60
	container_exec /capshim --user app --cap-add KILL --as-workload -- /probe
	assert_unprivileged 1234 kill
	container_exec /capshim --user app --as-workload -- /probe
	assert_refused 112 CAP_KILL '"command line"'
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: KILL\ntrace: true'
	container_exec /capshim --as-workload -- /probe
	assert_unprivileged 1234 kill
	assert_line 'capshim: --as-workload: the same as process 1 (probe)'
}

@test "it needs a command, and stands alone; the command's status is its own" {
	container_config etc/capshim.yaml <<<'user: app'
	container_start -- -- /probe --sleep 60
	container_exec /capshim --as-workload
	assert_refused 100 'needs a command'
	container_exec /capshim --as-workload --
	assert_refused 100 'needs a command'
	container_exec /capshim --as-workload --check -- /probe
	assert_refused 100 --as-workload --check
	container_exec /capshim --as-workload -- /probe --exit 7
	assert_failure 7
	container_exec /capshim --as-workload -- /nowhere
	assert_refused 127 /nowhere
}
