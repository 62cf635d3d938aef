#!/usr/bin/env bats
# shellcheck disable=SC2016 # ${…} is capshim's, not the shell's
# --explain: what it says is needed is exactly what is needed.

load helpers

setup() {
	test_dir
	image_make
	mkdir -p "$IMAGE/var/lib" "$IMAGE/run"
}

# explain [=json] with the config on standard input, which becomes the image's: $output is what --explain says.
explain() {
	cat >"$IMAGE/etc/capshim.yaml"
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	capshim_run --image --config image -- "--explain${1:-}" -- /probe
}

# required: what --explain=json said is needed, as the probe and start.c name capabilities, comma-separated.
required() {
	jq -r '.required | keys[] | ltrimstr("CAP_") | ascii_downcase' <<<"$output" | paste -sd, -
}

# run_with LIST: a run of that config, in an image as it was before the first, that holds LIST and nothing else.
run_with() {
	[ -d "$T/new" ] || cp -a "$IMAGE" "$T/new"
	install -m 0644 "$IMAGE/etc/capshim.yaml" "$T/new/etc/"
	rm -rf "$IMAGE"
	cp -a "$T/new" "$IMAGE"
	capshim_run --image --config image --with --bounding --with "${1:-none}" -- -- /probe
}

# assert_exact WANTED: the config on standard input needs exactly these: it runs with them, and without any one not.
assert_exact() {
	local wanted=$1 list name rest

	explain '=json'
	assert_success
	list=$(required)
	assert_equal "$(tr ',' '\n' <<<"$list" | sort | paste -sd' ' -)" "$(tr ' ' '\n' <<<"$wanted" | sort | paste -sd' ' -)"
	run_with "$list"
	assert_success || fail "with $list: $output"
	assert_line uid=1234,1234,1234,1234 || return
	for name in ${list//,/ }; do
		rest=,$list,
		rest=${rest/,$name,/,}
		rest=${rest#,}
		run_with "${rest%,}"
		[ "$status" = 111 ] || [ "$status" = 100 ] || fail "without $name: status $status, $output" || return
		refute_line uid=1234,1234,1234,1234 || return
	done
}

drop='setgid setuid setpcap'

@test "the least list is exact: the drop alone" {
	assert_exact "$drop" <<<'user: app'
}

@test "the least list is exact: a kept capability" {
	assert_exact "$drop net_bind_service" <<<$'user: app\ncap_add: NET_BIND_SERVICE'
}

@test "the least list is exact: what root makes for itself needs nothing" {
	assert_exact "$drop" <<-'END'
		user: app
		setup:
		  - mkdir: /var/lib/app
		    mode: 0750
		  - write: /var/lib/app/f
		    content: x
		    mode: 0600
		  - symlink: /var/lib/app/link
		    target: f
		  - chmod: /var/lib/app/f
		    mode: 0640
		  - template: /etc/passwd
		    to: /var/lib/app/copied
		  - remove: /var/lib/app/f
		  - mknod: /var/lib/app/fifo
		    type: p
	END
}

@test "the least list is exact: directories that are given away" {
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - mkdir: [/var/lib/app, /run/app]
		    mode: 02770
		    owner: workload
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - mkdir: /var/lib/app
		    owner: ":other"
	END
}

@test "the least list is exact: chown of existing files" {
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - chown: /data
		    recursive: true
	END
}

@test "the least list is exact: giving to root needs nothing if root is the owner already" {
	local step

	for step in 'chown: /data, owner: root' 'chown: /data, owner: ":root", recursive: true' \
		'mkdir: /data, owner: root, mode: 0755' 'mknod: /data/fifo, type: p, owner: root'; do
		assert_exact "$drop" <<<$'user: app\nown_stdio: false\nsetup: [{'"$step}]"
	done
}

@test "what goes to root and is another's needs CHOWN: that is said, and is so" {
	local step

	mkdir "$IMAGE/data/x"
	mknod "$IMAGE/data/fifo" p
	chown 2345:2345 "$IMAGE"/data/*
	for step in 'chown: /data/x, owner: root' 'mkdir: /data/x, owner: root' 'mkdir: /data/x, owner: ":root"' \
		'mknod: /data/fifo, type: p, owner: ":root"'; do
		explain '=json' <<<$'user: app\nown_stdio: false\nsetup: [{'"$step}]"
		assert_equal "$(required)" setgid,setpcap,setuid
		assert_equal "$(jq -r '.conditional.CAP_CHOWN | length' <<<"$output")" 1
		capshim_run --image --config image --with --bounding --with setgid,setpcap,setuid -- -- /probe
		assert_refused 111 CAP_CHOWN
	done
}

@test "an owner that only the start names needs CHOWN, in every verb" {
	local step list

	for step in '{chown: /data, owner: "${PUID}:${PGID}"}' '{mkdir: /var/lib/app, owner: "${PUID}:${PGID}"}' \
		'{write: /var/lib/app, content: x, owner: "${PUID}"}'; do
		explain '=json' <<-END
			user: app
			own_stdio: false
			setup:
			  - $step
		END
		assert_success
		output=$(grep '^{' <<<"$output") # and on standard error that the variable is not set
		list=$(required)
		[[ $list == chown,* ]]
		run_with "$list"
		assert_refused 100 PUID
		capshim_run --image --config image --env PUID=2345 --env PGID=2345 --with --bounding --with "$list" -- -- /probe
		assert_success
		capshim_run --image --config image --env PUID=1234 --env PGID=1234 --with --bounding \
			--with "${list#chown,}" -- -- /probe
		assert_refused 111 CAP_CHOWN
	done
}

@test "the least list is exact: files with an owner, and with a group" {
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - write: /var/lib/f
		    content: x
		    owner: workload
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - write: /var/lib/f
		    content: x
		    mode: 0640
		    owner: ":other"
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - copy: /etc/passwd
		    to: /var/lib/f
		    mode: 02750
		    owner: app:other
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - copy: /etc
		    to: /var/lib/etc
		    recursive: true
		    owner: workload
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - copy: /etc
		    to: /var/lib/etc
		    recursive: true
		    owner: ":other"
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - mknod: /var/lib/fifo
		    type: p
		    owner: workload
	END
}

@test "the least list is exact: inside of what an earlier step gave away" {
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - mkdir: /var/lib/app
		    owner: workload
		  - mkdir: /var/lib/app/sub
		    owner: workload
	END
	assert_exact "$drop chown" <<-'END'
		user: app
		setup:
		  - mkdir: /var/lib/app
		    owner: workload
		  - chmod: /var/lib/app
		    mode: 0700
	END
}

@test "the least list is exact: a device" {
	assert_exact "$drop mknod" <<-'END'
		user: app
		setup:
		  - mknod: /var/lib/null
		    type: c
		    major: 1
		    minor: 3
	END
}

@test "the least list is exact: a mount" {
	assert_exact "$drop sys_admin" <<-'END'
		user: app
		setup:
		  - mount: /data
		    type: tmpfs
		    source: none
	END
}

@test "the least list is exact: a program that is narrowed" {
	assert_exact "$drop net_admin net_raw" <<-'END'
		user: app
		setup:
		  - run: [/probe]
		    cap_add: [NET_ADMIN, NET_RAW]
	END
	assert_exact "$drop" <<-'END'
		user: app
		setup:
		  - run: [/probe]
		    user: other
	END
}

@test "the least list is exact: init, and own_stdio" {
	assert_exact "$drop" <<<$'user: app\ninit: true'
	assert_exact "$drop chown" <<<$'user: app\nown_stdio: true'
}

@test "the least list is exact: a limit above the container's" {
	capshim_run --image --with --nofile --with 100 -- --explain=json -- /probe <<<$'user: app\nulimits: {nofile: 200}'
	assert_equal "$(required)" setgid,setpcap,setuid,sys_resource
	capshim_run --image --config image --with --nofile --with 100 --with --bounding --with setgid,setpcap,setuid -- -- /probe
	assert_refused 111 CAP_SYS_RESOURCE
	capshim_run --image --with --nofile --with 100 -- --explain=json -- /probe <<<$'user: app\nulimits: {nofile: 50}'
	assert_equal "$(required)" setgid,setpcap,setuid
}

@test "an oom_score_adj below the container's needs SYS_RESOURCE; any other may" {
	explain '=json' <<<$'user: app\noom_score_adj: -500'
	assert_equal "$(required)" setgid,setpcap,setuid,sys_resource
	run_with setgid,setpcap,setuid
	assert_refused 111 CAP_SYS_RESOURCE
	explain '=json' <<<$'user: app\noom_score_adj: 500'
	assert_equal "$(required)$(jq -r '.conditional | has("CAP_SYS_RESOURCE")' <<<"$output")" setgid,setpcap,setuidtrue
}

@test "an init container needs what its steps need, and nothing for a drop that never comes" {
	capshim_run --image -- --explain=json <<<$'command: none\nsetup: [{mkdir: /data/x, owner: "1000:1000"}]'
	assert_success
	assert_equal "$(required)" chown
	capshim_run --image --with --bounding --with chown <<<$'command: none\nsetup: [{mkdir: /data/x, owner: "1000:1000"}]'
	assert_success
	assert_equal "$(stat -c %u:%g "$IMAGE/data/x")" 1000:1000
}

@test "what may be needed besides is listed apart, and helps where a volume belongs to others" {
	local caps=chown
	chown 1234:1234 "$IMAGE/data"
	chmod 0700 "$IMAGE/data"
	capshim_run --image -- --explain=json <<<$'command: none\nuser: app\nsetup: [{mkdir: /data/x, owner: workload}]'
	assert_success
	assert_equal "$(required)" chown
	assert_equal "$(jq -r '.conditional | keys | join(" ")' <<<"$output")" 'CAP_SETGID CAP_SETUID'
	capshim_run --image --config image --with --bounding --with "$caps" --
	assert_refused 111 'CAP_SETUID and CAP_SETGID'
	capshim_run --image --config image --with --bounding --with "$caps,setgid,setuid" --
	assert_success
	assert_equal "$(stat -c %u:%g "$IMAGE/data/x")" 1234:1234
}

@test "a secret that only another user may read: DAC_OVERRIDE is listed apart, and suffices" {
	local secret=$IMAGE/data/secret

	echo word >"$secret"
	chown 2345:2345 "$secret"
	chmod 0400 "$secret"
	explain '=json' <<<$'user: app\nfile_environment: [WORD]\nown_stdio: false'
	assert_equal "$(required)" setgid,setpcap,setuid
	assert_equal "$(jq -r '.conditional | keys[]' <<<"$output")" CAP_DAC_OVERRIDE
	capshim_run --image --config image --env WORD_FILE=/data/secret --with --bounding \
		--with setgid,setpcap,setuid -- -- /probe
	assert_refused 100 '/data/secret' CAP_DAC_OVERRIDE
	capshim_run --image --config image --env WORD_FILE=/data/secret --with --bounding \
		--with setgid,setpcap,setuid,dac_override -- -- /probe
	assert_success
	assert_probe env.WORD word
	explain '=json' <<<$'user: app\nown_stdio: false'
	assert_equal "$(jq -r '.conditional | length' <<<"$output")" 0
}

@test "the way back is lost only where nothing that is kept is one" {
	local cap

	for cap in SETUID SETGID SETPCAP SYS_ADMIN SYS_MODULE DAC_OVERRIDE; do
		explain <<<$'user: app\ncap_add: ['"$cap]"
		assert_line '  drops    all other capabilities (all five sets), privilege gains through exec' || return
	done
	explain <<<$'user: root\nallow_root: true'
	assert_line '  drops    all other capabilities (all five sets), privilege gains through exec'
	explain <<<$'user: app\ncap_add: [NET_RAW]'
	assert_line '  drops    all other capabilities (all five sets), privilege gains through exec, any way back to root'
}

@test "without a workload nothing is said of one: command none and pause" {
	capshim_run --image -- --explain <<<$'command: none\ncommand_suffix: [-v]\nsetup: [mkdir: /run/x]'
	assert_success
	assert_line '  none: the end of the setup is the end of capshim'
	assert_line '  line 3: mkdir /run/x'
	refute_output --regexp '(keeps|drops|seccomp) |attacker inside the workload|allowed: '
	capshim_run --image --config image -- --explain=json
	assert_equal "$(jq -c '[.args, .kept, .required, .seccomp]' <<<"$output")" '[[],{},{},false]'
	capshim_run --image --config image -- --explain-syscall mount
	assert_refused 100 'there is no filter: the config says "command: none"'
	capshim_run --image -- --explain <<<$'user: app\ncommand: pause'
	assert_success
	assert_line '  user     uid 1234 (app), gid 1234, groups 44'
	assert_line '  command  pause'
	assert_line '  keeps    none'
	assert_line '  seccomp  a filter of its own: nothing but waiting and reaping'
	refute_output --partial 'allowed: '
	capshim_run --image --config image -- --explain=json
	assert_equal "$(jq -c '[.args, .kept, .seccomp]' <<<"$output")" '[[],{},true]'
	capshim_run --image --config image -- --explain-syscall mount
	assert_refused 100 'there is no filter: the config says "command: pause"'
}

@test "a skipped step needs nothing" {
	explain '=json' <<<$'user: app\nsetup: [{chown: /data, when: {env: NOT_THERE}}]'
	assert_equal "$(required)" setgid,setpcap,setuid
}

@test "what setup_for and setup_unless_args leave out needs nothing; a command that is not known yet may need it" {
	local rule

	for rule in 'setup_for: [server]' 'setup_unless_args: [a]'; do
		printf '%s\n' 'user: app' "$rule" 'setup: [{mkdir: /data/x, owner: app}]' >"$IMAGE/etc/capshim.yaml"
		capshim_run --image --config image -- --explain=json -- /probe a
		assert_equal "$(required)" setgid,setpcap,setuid
		capshim_run --image --config image -- --explain -- /probe a
		assert_line '  line 3: mkdir /data/x (skipped: setup_for or setup_unless_args leaves the setup out)'
		run_with setgid,setpcap,setuid # /probe without arguments
		[ "$status" = "$([[ $rule == setup_for* ]] && echo 0 || echo 111)" ]
		capshim_run --image --config image -- --explain=json
		output=$(grep '^{' <<<"$output")
		assert_equal "$(required)" chown,setgid,setpcap,setuid
	done
}

@test "the ready lines name the same capabilities as the list" {
	explain <<<$'user: app\ncap_add: [NET_BIND_SERVICE]\nsetup: [chown: /data]'
	assert_success
	assert_line '  docker run --security-opt no-new-privileges --cap-drop ALL --cap-add CHOWN --cap-add SETGID --cap-add SETUID --cap-add SETPCAP --cap-add NET_BIND_SERVICE'
	assert_line '    cap_add: [CHOWN, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE]'
	assert_line '      capabilities: {drop: [ALL], add: [CHOWN, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE]}'
	assert_line --regexp '^  CAP_CHOWN +line 3: chown /data$'
	assert_line --regexp 'CAP_NET_BIND_SERVICE: an attacker inside the workload listens on ports below 1024'
	refute_line --regexp '^uid='
}

@test "warnings: as good as root, a root program, PATH, set-user-ID programs, no need of root" {
	mkdir -p "$IMAGE/opt/bin"
	chown 1234 "$IMAGE/opt/bin"
	install -m 4755 "$PROBE" "$IMAGE/data/su"
	cat >"$IMAGE/etc/capshim.yaml" <<-'END'
		user: app
		cap_add: [SYS_ADMIN]
		setup:
		  - run: [/probe]
	END
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	capshim_run --image --config image --with --env --with X=1 -- --explain -- /probe
	assert_line '  the workload keeps CAP_SYS_ADMIN, which is as good as root'
	assert_line --regexp '^  line 4: run starts "/probe" with all that the container has'
	observe timeout 20 "$START" --clean --env PATH=/opt/bin:/data --chroot "$IMAGE" -- /capshim --explain /probe
	assert_line '  /opt/bin is in PATH, and the workload can put programs there'
	assert_line --regexp 'set-user-ID programs .* /data/su$'
	explain <<<'user: app'
	assert_line --regexp '^  nothing here needs root'
	explain <<<$'user: app\nsetup: [mkdir: /run/x]'
	refute_line --regexp 'nothing here needs root'
	assert_line '  none'
	for key in 'own_stdio: true' 'oom_score_adj: -500' 'ulimits: {nofile: 999999999}' 'file_environment: [PASSWORD]' \
		'cap_add_optional: [KILL]' $'accounts: [{name: x, uid: 7, gid: 7}]' $'setup_for: x\nsetup: [mkdir: /run/x]'; do
		explain <<<$'user: app\n'"$key"
		assert_success
		refute_line --regexp 'nothing here needs root' || fail "$key" || return
	done
	explain <<<$'user: root\nallow_root: true'
	refute_line --regexp 'nothing here needs root'
}

@test "the setup is explained with its lines: accounts, several items, and skipped steps" {
	explain <<-'END'
		user: abc
		accounts: [{name: abc, uid: 911, gid: 912}]
		setup:
		  - mkdir: [/data/a, /data/b, /data/c]
		  - {mkdir: /data/d, when: {env: NOT_THERE}}
	END
	assert_success
	assert_line '  accounts abc (uid 911, gid 912)'
	assert_line '  line 4: mkdir /data/a and 2 more'
	assert_line '  line 5: mkdir (skipped: its condition does not hold)'
}

@test "warnings: a workload with uid 0 owns root's files, whatever it keeps" {
	explain <<<$'user: "0:0"\nallow_root: true\ncap_add: [SYS_ADMIN]'
	assert_success
	assert_line --partial "the workload is uid 0: every file of root's is its own"
}

@test "warnings: what SETUID and SETGID are worth, and what a child that switches user keeps" {
	explain <<<$'user: app\ncap_add: [SETGID, SETUID]'
	assert_line --regexp '^  the workload keeps CAP_SETGID, .*: it can join any group, .* keeps all of cap_add'
	assert_line --regexp '^  the workload keeps CAP_SETUID, .* uid 0 included.* another user than uid 0 keeps all of cap_add$'
	explain <<<$'user: "0:0"\nallow_root: true\ncap_add: [SETUID]'
	assert_line --regexp '^  the workload keeps CAP_SETUID, .*from uid 0 to another user loses its capabilities, unless'
}

@test "warnings: who sets a variable chooses a group" {
	local config account='accounts: [{name: abc, uid: "${PUID:-911}", gid: "${PGID:-911}"}]'

	for config in $'user: "${WHO:-app}"' $'user: "1234:${PGID:-911}"' $'user: abc\n'"$account"; do
		explain <<<"$config"
		assert_line --regexp "^  line [12]: whoever sets the variable chooses the workload's group.* 42 is shadow"
	done
	for config in $'user: "abc:app"\n'"$account" $'user: app\n'"$account" 'user: app'; do
		explain <<<"$config"
		refute_output --partial 'sets the variable'
	done
}

@test "a config with mistakes is not explained" {
	explain <<<'user: nobody-here'
	assert_refused 100 nobody-here
	refute_line 'the workload'
	capshim_run --image -- --explain-syscall mount <<<'user: nobody-here'
	assert_refused 100 nobody-here
	capshim_run --image -- --explain-syscall mount <<<$'user: app\nseccomp: unconfined'
	assert_refused 100 'there is no filter'
}

@test "warnings: file capabilities of the program" {
	setcap cap_net_raw+p "$IMAGE/probe"
	explain <<<'user: app'
	assert_line --regexp 'probe" has file capabilities \(CAP_NET_RAW\)'
}

@test "--explain=json is JSON whatever stands in names" {
	mkdir "$IMAGE/data/a\"b\\c"
	explain '=json' <<<$'user: app\nsetup: [chown: "/data/a\\"b\\\\c\\x01"]'
	assert_success
	assert_equal "$(jq -r '.required.CAP_CHOWN[0]' <<<"$output")" $'line 2: chown /data/a"b\\c\x01'
	capshim_run --image --config image -- --explain=xml
	assert_refused 100 'takes no value'
}

@test "a warning where a variable may name any file for root to read, and none where the directories are written" {
	explain <<<$'user: app\nfile_environment: [DB_PASSWORD]'
	assert_success
	assert_line --partial 'DB_PASSWORD_FILE=/etc/shadow'
	explain <<<$'user: app\nfile_environment: {names: [DB_PASSWORD], below: /run/secrets}'
	assert_success
	refute_output --partial 'shadow'
}

@test "--check and --explain need no privilege, and mean a start as root" {
	local state

	printf '%s\n' 'user: app' 'cap_add: [NET_BIND_SERVICE]' 'command: [/probe]' 'setup: [chown: /data]' \
		'on_nonroot: refuse' >"$IMAGE/etc/capshim.yaml"
	chmod 0644 "$IMAGE/etc/capshim.yaml"
	for state in 0 4000; do # not the user of the config
		local who=(--with --bounding --with none --with --gid --with "$state" --with --uid --with "$state")
		capshim_run --image --config image "${who[@]}" -- --check
		assert_success
		capshim_run --image --config image "${who[@]}" -- --explain=json
		assert_success
		assert_equal "$(required)" chown,net_bind_service,setgid,setpcap,setuid
		assert_equal "$(jq .user.uid <<<"$output")" 1234
	done
	capshim_run --image --config image --with --bounding --with none -- --check
	assert_success
	capshim_run --image --config image --no-proc --read-only --start nonroot -- --check
	assert_success
}

@test "an init: which signals stop the workload, and when the rest is killed" {
	explain <<<$'user: app\ninit: true'
	assert_success
	assert_line '  init     capshim stays, without privileges; stop signals: INT, QUIT, TERM'
	explain <<<$'user: app\ninit: {stop_signals: [SIGWINCH, 37, 32, RTMAX], stop_grace_period: 1m}'
	assert_success
	assert_line --partial ': WINCH, 32, RTMIN+3, RTMAX; SIGKILL after 60 s'
	# A signal that is ignored starts nothing.
	explain <<<$'user: app\ninit: {signal_map: {TERM: ignore, INT: QUIT, USR1: HUP}, stop_grace_period: 9s}'
	assert_line --partial 'stop signals: INT, QUIT; INT becomes QUIT; USR1 becomes HUP; TERM ignored; SIGKILL after 9 s'
	explain <<<$'user: app\ninit: {wait_until: all}\ncap_add: [SETUID]'
	assert_success
	assert_output --partial 'stop signals, to every descendant: INT, QUIT, TERM'
	explain <<<'user: app'
	refute_output --partial '  init '
}

@test "a warning for root's secrets, and for mounts, in a directory that is given away" {
	explain '' <<-'END'
		user: app
		setup:
		  - chown: /data
		  - write: /data/key
		    content: x
		    mode: 0600
		    owner: root
		  - {write: /data/plain, content: x, owner: root}
		  - {chown: /data/mount, recursive: true, cross_mounts: true}
		  - {copy: /etc/new, to: /data/, cross_mounts: true}
		  - {template: /data/new, to: /etc/, variables: [A], cross_mounts: true, owner: root, mode: "0600"}
		  - {write: /etc/key, content: x, mode: 0600, owner: root}
	END
	assert_success
	assert_output --partial 'line 4: write "/data/key" lies in a directory that is given away: its owner can move what only root'
	assert_output --partial 'line 9: chown "/data/mount" lies in a directory that is given away: its owner can move the mount'
	assert_output --partial 'line 11: template "/data/new" lies in a directory that is given away: its owner can move the mount'
	refute_output --partial 'copy "'
	refute_output --partial '"/data/plain" lies'
	refute_output --partial '"/etc/key" lies'
}

@test "--explain counts what the programs of succeeds and wait_for need to be narrowed" {
	local setup

	for setup in '{mkdir: /data/x, when: {succeeds: {run: [/probe], user: app}}}' \
		'{mkdir: /data/x, when: [{exists: /none}, {succeeds: {run: [/probe], user: app}}]}' \
		'{when: {succeeds: {run: [/probe], user: app}}, steps: [{mkdir: /data/x}]}' \
		'{wait_for: {run: [/probe], user: app}}'; do
		capshim_run --image -- --explain=json <<<$'command: none\nsetup: ['"$setup]"
		assert_success
		assert_equal "$setup $(required)" "$setup setgid,setpcap,setuid"
	done
}

@test "--explain says what goes without CHOWN, and only where something does" {
	local line='  with CHOWN as well where the workload opens /dev/stdout or /dev/stderr by name: own_stdio gives them to it'

	explain <<<'user: app'
	assert_line "$line"
	explain <<<$'user: app\nsetup: [{chown: /data}]'
	refute_line "$line"
	explain <<<$'user: app\nown_stdio: false'
	refute_line "$line"
}

@test "the least list is exact: chown with a mode" {
	mkdir "$IMAGE/data/tree"
	assert_exact "chown $drop" <<<$'user: app\nsetup: [{chown: /data/tree, recursive: true, dir_mode: "0700"}]'
}
