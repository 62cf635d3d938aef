# What a config means: ids, groups, the argument rules, and what may come from the environment.
# shellcheck disable=SC2016 # ${…} is capshim's, not the shell's
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and output its own

load helpers

setup() {
	test_dir
	image_make
}

# as_user USER [PUID]: a run whose user is the text USER, with PUID in the environment.
as_user() {
	capshim_run --image --env "PUID=${2-}" -- -- /probe <<-END
		user: $1
		seccomp: unconfined
	END
}

@test "ids that are not ids: refused with 100, nothing run" {
	local id

	for id in 4294967296 4294967295 -1 ' 0' '0 ' 0x0 010 99999999999999999999 '' bogus +5 1e3 0; do
		as_user "\"\${PUID}:1234\"" "$id"
		assert_refused 100 'capshim: /etc/capshim.yaml:1:7: '
	done
}

@test "group ids that are not ids: refused with 100, nothing run" {
	local id

	for id in 4294967296 4294967295 -1 ' 0' 0x0 010 '' bogus; do
		as_user "\"1234:\${PUID}\"" "$id"
		assert_refused 100 'capshim: /etc/capshim.yaml:1:7: '
	done
}

@test "an unset variable is an error, not an empty user" {
	as_user '"${NOT_THERE}"'
	assert_refused 100 NOT_THERE
}

@test "root only with allow_root, and then without capabilities" {
	as_user root
	assert_refused 100 allow_root
	as_user '"0:0"'
	assert_refused 100 allow_root
	capshim_run --image -- -- /probe --try-regain <<-'END'
		user: root
		allow_root: true
		supplementary_groups: none
		seccomp: unconfined
	END
	assert_unprivileged 0
	assert_probe groups '' regain.capset EPERM
}

@test "user: a name, a number with and without an entry, name:group, number:number" {
	as_user app
	assert_unprivileged 1234
	assert_probe groups 44
	as_user 1234
	assert_unprivileged 1234
	assert_probe groups 44
	as_user '"app:other"'
	assert_success
	assert_probe uid 1234,1234,1234,1234 gid 2345,2345,2345,2345
	as_user '"5000:5001"'
	assert_success
	assert_probe uid 5000,5000,5000,5000 gid 5001,5001,5001,5001 groups ''
	as_user 5000
	assert_refused 100 'write its group as well'
}

@test "group 0 only where it is written" {
	echo 'zero:x:3000:0::/:/bin/false' >>"$IMAGE/etc/passwd"
	as_user zero
	assert_refused 100 'zero:0'
	as_user '"zero:0"'
	assert_success
	assert_probe gid 0,0,0,0 uid 3000,3000,3000,3000
	as_user '"3000:${PUID}"' 0
	assert_refused 100 'group 0'
}

@test "group 0 of a step's user only where it is written" {
	echo 'zero:x:3000:0::/:/bin/false' >>"$IMAGE/etc/passwd"
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined, setup: [{run: [/probe], user: zero}]}'
	assert_refused 100 'zero:0'
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined, setup: [{run: [/probe], user: "zero:0"}]}'
	assert_success
	assert_line 'uid=3000,3000,3000,3000'
	assert_line 'gid=0,0,0,0'
}

@test "supplementary groups: auto never takes group 0, even if the user is a member; nor does a step's user" {
	sed -i 's/^root:.*/root:x:0:app/' "$IMAGE/etc/group"
	assert grep -qx 'root:x:0:app' "$IMAGE/etc/group"
	as_user app
	assert_unprivileged 1234
	assert_probe groups 44
	capshim_run --image -- -- /probe <<<'{user: "7:7", seccomp: unconfined, setup: [{run: [/probe], user: app}]}'
	assert_success
	assert_line 'uid=1234,1234,1234,1234'
	assert_line 'groups=44'
	refute_line --regexp '^groups=0'
}

@test "supplementary groups: auto takes those of the user and of the runtime, never group 0" {
	echo 'wheel:x:10:root' >>"$IMAGE/etc/group"
	capshim_run --image --with --groups --with 0,10,700,44 -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_unprivileged 1234
	assert_probe groups 44,700
}

@test "supplementary groups: runtime leaves the group file out, and auto does where user names a group" {
	local user groups expected
	echo 'wheel:x:10:root' >>"$IMAGE/etc/group"
	chmod 0777 "$IMAGE/data"
	while read -r user groups expected; do
		capshim_run --image --with --groups --with 0,10,700 -- -- /probe <<-END
			user: "$user"
			supplementary_groups: $groups
			seccomp: unconfined
			setup: [{run: [/probe, --out, /data/step], user: "$user"}]
		END
		assert_unprivileged 1234
		assert_probe groups "$expected"
		# A step has no groups of the runtime; those of the group file go by the same rule.
		assert_equal "$(grep ^groups "$IMAGE/data/step")" "groups=$([[ $user == *:* ]] || echo 44)"
		rm "$IMAGE/data/step"
	done <<-'END'
		app auto 44,700
		app runtime 700
		app [runtime,77] 77,700
		app:app auto 700
		1234:1234 auto 700
		1234:app [auto,44] 44,700
		1234 auto 44,700
	END
	capshim_run --image -- -- /probe <<<'{user: "app:app", seccomp: unconfined}'
	assert_unprivileged 1234
	assert_probe groups ''
}

@test "supplementary groups: none, a list, group_of a file" {
	local groups
	touch "$IMAGE/data/device"
	chgrp 555 "$IMAGE/data/device"
	while read -r groups expected; do
		capshim_run --image --with --groups --with 700 -- -- /probe <<-END
			user: app
			supplementary_groups: $groups
			seccomp: unconfined
		END
		assert_unprivileged 1234
		assert_probe groups "$expected"
	done <<-'END'
		none
		other 2345
		[other,77] 77,2345
		[auto,77] 44,77,700
		[group_of:/data/device] 555
		[77,77,other,2345] 77,2345
	END
}

@test "group_of a file that another user could have put there is refused; so is group 0 by another name" {
	mkdir -p "$IMAGE/data/app"
	touch "$IMAGE/data/app/socket"
	chown 1234:42 "$IMAGE/data/app" "$IMAGE/data/app/socket"
	capshim_run --image -- -- /probe <<-'END'
		user: app
		supplementary_groups: ["group_of:/data/app/socket"]
		seccomp: unconfined
	END
	assert_refused 100 '"/data/app"' 'writable by nobody else'
	echo 'ops:x:0:' >>"$IMAGE/etc/group"
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined, supplementary_groups: [ops]}'
	assert_refused 100 'write 0'
	capshim_run --image -- -- /probe <<<'{user: app, seccomp: unconfined, supplementary_groups: [0]}'
	assert_success
	assert_probe groups 0
}

@test "group_of a file of group 0, or a missing one, is refused" {
	touch "$IMAGE/data/device"
	capshim_run --image -- -- /probe <<-'END'
		user: app
		supplementary_groups: [group_of:/data/device, group_of:/data/none]
		seccomp: unconfined
	END
	assert_refused 100 'capshim.yaml:2:24: ' 'capshim.yaml:2:47: '
}

@test "group_of with a glob takes the group of each match; optional where a host has none" {
	mkdir "$IMAGE/data/dri"
	touch "$IMAGE"/data/dri/{card0,renderD128,renderD129,.renderD130}
	chgrp 555 "$IMAGE/data/dri/renderD128"
	chgrp 556 "$IMAGE/data/dri/renderD129"
	chgrp 557 "$IMAGE/data/dri/.renderD130" "$IMAGE/data/dri/card0"
	capshim_run --image -- -- /probe <<-'END'
		user: app
		supplementary_groups: ["group_of:/data/dri/renderD*", {group_of: /data/none, optional: true},
			{group_of: "/data/none/*", optional: true}, {group_of: "/data/dri/x*", optional: true}]
		seccomp: unconfined
	END
	assert_unprivileged 1234
	assert_probe groups 555,556
	capshim_run --image -- -- /probe <<-'END'
		user: app
		supplementary_groups: ["group_of:/data/dri/x*", {optional: true}]
		seccomp: unconfined
	END
	assert_refused 100 'capshim.yaml:2:24: nothing matches "/data/dri/x*"' 'capshim.yaml:2:49: '
	# What is there must still be what it may be.
	chgrp 0 "$IMAGE/data/dri/renderD129"
	capshim_run --image -- -- /probe <<-'END'
		user: app
		supplementary_groups: {group_of: "/data/dri/render*", optional: true}
		seccomp: unconfined
	END
	assert_refused 100 '"/data/dri/renderD129" belongs to group 0'
}

# work UID:GID [MODE]: the directory whose owner the workload is to be.
work() {
	mkdir -p "$IMAGE/data/tree"
	chmod "${2:-0755}" "$IMAGE/data/tree"
	chown "$1" "$IMAGE/data/tree"
}

@test "owner_of: the ids of a directory, with its line of passwd where there is one, and with the runtime's groups" {
	work 1234:2345 0700
	capshim_run --image --with --groups --with 700 -- -- /probe --try-regain <<-'END'
		user: "owner_of:/data/tree"
		seccomp: unconfined
		setup:
		  - write: /data/tree/mine
		    content: x
		    owner: workload
	END
	assert_success
	assert_no_way_back
	assert_probe uid 1234,1234,1234,1234 gid 2345,2345,2345,2345 groups 700 permitted '' bounding '' env.USER app
	assert_equal "$(stat -c %u:%g "$IMAGE/data/tree/mine")" 1234:2345
	rm "$IMAGE/etc/passwd" "$IMAGE/etc/group"
	work 4001:4002
	as_user owner_of:/data/tree
	assert_success
	assert_probe uid 4001,4001,4001,4001 gid 4002,4002,4002,4002 groups ''
	# A link of root's, where only root could put one, is followed.
	ln -s data/tree "$IMAGE/link"
	as_user owner_of:/link
	assert_probe uid 4001,4001,4001,4001
}

@test "owner_of: never root, by user or group, nor an owner that is not known, also with allow_root" {
	local ids

	for ids in 0:0 0:1234 1234:0 65534:1234 1234:65534 65534:65534; do
		work "$ids"
		as_user owner_of:/data/tree
		assert_refused 100 'capshim.yaml:1:7: "/data/tree" belongs to uid' 'never runs as'
	done
	work 0:0
	capshim_run --image -- -- /probe <<<'{user: "owner_of:/data/tree", allow_root: true, seccomp: unconfined}'
	assert_refused 100 'never runs as root'
}

@test "owner_of: nobody chooses the ids by planting a directory, or by a variable" {
	local path

	work 1234:2345
	mkdir -p "$IMAGE"/data/{app/tree,open/tree}
	chown 42:42 "$IMAGE"/data/{app/tree,open/tree}
	chown 1234:1234 "$IMAGE/data/app"
	chmod 1777 "$IMAGE/data/open"
	ln -s tree "$IMAGE/data/link"
	chown -h 1234 "$IMAGE/data/link"
	for path in app/tree open/tree; do
		as_user "owner_of:/data/$path"
		assert_refused 100 "\"/data/${path%/tree}\"" 'writable by nobody else'
	done
	as_user owner_of:/data/link
	assert_refused 100 'only root'
	as_user '"owner_of:${PUID}"' /data/tree
	assert_refused 100 'cannot come from the environment'
	as_user '"${PUID}"' owner_of:/data/tree
	assert_refused 100 'neither a user'
	touch "$IMAGE/data/file"
	chown 1234:1234 "$IMAGE/data/file"
	as_user owner_of:/data/file
	assert_refused 100 'not a directory'
	as_user owner_of:data/tree
	assert_refused 100 'absolute path'
}

@test "owner_of: while an image is built the directory may be missing, or root's; a start needs it" {
	local option

	for option in --check --explain; do
		capshim_run --image -- "$option" -- /probe <<<'user: "owner_of:/data/tree"'
		assert_success
		assert_output --partial 'cannot open "/data/tree"'
	done
	work 0:0
	capshim_run --image -- --check -- /probe <<<'user: "owner_of:/data/tree"'
	assert_success
	assert_output --partial 'when the container starts'
	rmdir "$IMAGE/data/tree"
	as_user owner_of:/data/tree
	assert_refused 100 'cannot open "/data/tree"'
}

@test "a numeric user needs neither passwd nor group: FROM scratch" {
	rm "$IMAGE/etc/passwd" "$IMAGE/etc/group"
	as_user '"1234:1234"'
	assert_unprivileged 1234
	as_user app
	assert_refused 100 /etc/passwd
}

@test "passwd that others can write is not believed" {
	chmod 0666 "$IMAGE/etc/passwd"
	as_user app
	assert_refused 100 /etc/passwd
	refute_output --partial 'neither a user'
	as_user '"1000"'
	assert_refused 100 'chmod go=rX: in a Dockerfile by RUN'
}

@test "numeric ids do not need a passwd that group 0 can write, as images for arbitrary uids have it" {
	chmod 0664 "$IMAGE/etc/passwd"
	as_user '"1234:1234"'
	assert_unprivileged 1234
	capshim_run --image -- -- /probe <<-'END'
		user: "1234:1234"
		accounts: [{name: app, uid: 1234, gid: 1234}]
	END
	assert_refused 100 /etc/passwd
}

@test "the environment chooses values but no privileges" {
	local key value
	while IFS='|' read -r key value; do
		capshim_run --image --env X=true --env NET_ADMIN=NET_ADMIN -- -- /probe <<-END
			user: app
			seccomp: unconfined
			$key: $value
		END
		assert_refused 100 'cannot come from the environment'
	done <<-'END'
		cap_add|["${NET_ADMIN}"]
		cap_add_optional|["${NET_ADMIN}"]
		on_nonroot|"${X}"
		on_nonroot|{ids: "${X}"}
		on_nonroot|{setup: "${X}"}
		supplementary_groups|["${X}"]
		allow_root|"${X}"
		setup|[{run: ["${X}"]}]
		setup|[{run: [/probe], user: "${X}"}]
		setup|[{run: [/probe], cap_add: "${X}"}]
		setup|[{mount: /data, type: "${X}", source: none}]
		setup|[{mount: /data, type: tmpfs, source: "${X}"}]
		setup|[{mount: /data, type: tmpfs, source: none, options: "${X}"}]
		setup|[{sysctl: {"${X}": 1}}]
		setup|[{chown: /data, hardlinks: "${X}"}]
		setup|[{mkdir: /data/x, on_error: "${X}"}]
		setup|[{"${X}": /data}]
		"${X}"|1
	END
	capshim_run --image --env X=unconfined -- -- /probe <<-'END'
		user: app
		seccomp: "${X}"
	END
	assert_refused 100 'cannot come from the environment'
}

# arguments EXPECTED [ARG ...] with the rules on standard input, and the variables WORDS and A in the environment.
arguments() {
	local expected=$1
	shift
	{
		printf 'user: app\nseccomp: unconfined\n'
		cat
	} >"$T/rules"
	capshim_run --image -- -- "$@" <"$T/rules"
	assert_success
	assert_equal "$(sed -n 's/^arg\.[0-9]*=//p' <<<"$output" | tr '\n' ' ')" "$expected "
}

@test "command is for no arguments, and arguments replace all of it" {
	arguments '/probe one' <<<'command: [/probe, one]'
	arguments '/probe two' /probe two <<<'command: [/probe, one]'
	arguments '/probe' <<<'command: /probe'
}

@test "command_prefix: the first rule that matches the first argument" {
	local rules='command_prefix:
  - {words: [/probe, serve], for: ["-*", "*.conf"]}
  - {words: [/probe, other], for: ["-x"]}
  - {words: [/probe], for: [run], replace: true}'

	arguments '/probe serve -v' -v <<<"$rules"
	arguments '/probe serve -x' -x <<<"$rules"
	arguments '/probe serve a.conf -v' a.conf -v <<<"$rules"
	arguments '/probe -v' run -v <<<"$rules"
	arguments '/probe -v' /probe -v <<<"$rules"
}

@test "command_suffix: appended, split at blanks, only for the command it names" {
	WORDS=' -a  -b=c ' arguments '/probe one -a -b=c' /probe one <<<'command_suffix: [{split: "${WORDS:-}", for: probe}]'
	arguments '/probe one' /probe one <<<'command_suffix: [{split: "${WORDS:-}", for: probe}]'
	arguments '/probe one' /probe one <<<'command_suffix: [{words: [-x], for: other}]'
	arguments '/probe one -x y z' /probe one <<<'command_suffix: [-x, {words: [y z]}]'
	A=1 arguments '/probe -yes' /probe <<-'END'
		command_suffix:
		  - {words: [-yes], when: {env: A=1}}
		  - {words: [-no], unless: {env: A=1}}
	END
}

@test "entrypoint stands in front of everything, last" {
	arguments '/probe front /probe serve -v' -v <<-'END'
		entrypoint: [/probe, front]
		command_prefix: [{words: [/probe, serve], for: "-*"}]
	END
}

# setup_ran yes|no [ARG ...] with rules on standard input.
setup_ran() {
	local want=$1
	shift
	rm -rf "$IMAGE/data/made"
	{
		printf 'user: app\nseccomp: unconfined\nsetup: [mkdir: /data/made]\n'
		cat
	} >"$T/rules"
	capshim_run --image -- -- "$@" <"$T/rules"
	assert_unprivileged 1234
	if [ "$want" = yes ]; then
		[ -d "$IMAGE/data/made" ]
	else
		[ ! -e "$IMAGE/data/made" ]
	fi
}

@test "setup_for and setup_unless_args decide about the setup, never about the drop" {
	setup_ran yes /probe <<<'setup_for: [probe, other]'
	setup_ran yes /probe <<<'setup_for: "pro*"'
	setup_ran no /probe <<<'setup_for: [other]'
	setup_ran no /probe --help <<<'setup_unless_args: ["-?", --help]'
	setup_ran no /probe '-?' <<<'setup_unless_args: ["-?", --help]'
	setup_ran yes /probe -x <<<'setup_unless_args: ["-?", --help]'
	setup_ran yes /probe <<<'setup_unless_args: [/probe]'
}

@test "a value that is not used may name variables that are not set, and must be well formed" {
	local config='{user: app, command: [/probe, "${NOPE}"], command_prefix: [{words: ["${NOPE}"], for: never},
		{words: [/probe], for: "-*"}, {words: ["${NOPE}"], for: "-*"}],
		command_suffix: [{words: ["${NOPE}"], for: other}, {split: "${NOPE}", for: other}], seccomp: unconfined}'
	capshim_run --image -- -- /probe -v <<<"$config"
	assert_unprivileged 1234
	capshim_run --image -- -- -v <<<"$config"
	assert_unprivileged 1234
	capshim_run --image -- <<<"$config"
	assert_refused 100 'NOPE is not set'
	capshim_run --image -- -- /probe -v <<<"${config//NOPE\}/NO-PE\}}"
	assert_refused 100 '"${NO-PE}": only'
}

@test "rules of command_prefix and command_suffix, and accounts, may ask what exists" {
	local config='{user: app, seccomp: unconfined, command_prefix: [{words: [/probe], for: "-*", unless: {exists: /data/x}},
		{words: [/other], for: "-*"}], command_suffix: [{words: [-e], when: [{exists: /data/none}, {exists: /data/y}]}]}'
	capshim_run --image -- -- -v <<<"$config"
	assert_unprivileged 1234
	assert_probe arg.1 -v
	refute_output --partial arg.2
	touch "$IMAGE/data/y"
	capshim_run --image -- -- -v <<<"$config"
	assert_probe arg.1 -v arg.2 -e
	touch "$IMAGE/data/x"
	capshim_run --image -- -- -v <<<"$config"
	assert_equal "$status" 127
	assert_output --partial '"/other"'
}

@test "when: command asks about the command, not about entrypoint" {
	capshim_run --image -- -- /probe -v <<-'END'
		user: app
		entrypoint: [/front]
		command_prefix: [{words: [/probe], for: "-*"}]
		seccomp: unconfined
		setup:
		  - {mkdir: /data/for-probe, when: {command: probe}}
		  - {mkdir: /data/for-front, when: {command: front}}
		  - {mkdir: /data/but-probe, unless: {command: probe}}
	END
	assert_equal "$status" 127
	[ -d "$IMAGE/data/for-probe" ]
	[ ! -e "$IMAGE/data/for-front" ]
	[ ! -e "$IMAGE/data/but-probe" ]
}

@test "nothing to run is an error that says what to write" {
	capshim_run --image <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_refused 100 'command:'
}

@test "a string is not split by a shell" {
	capshim_run --image <<-'END'
		user: app
		seccomp: unconfined
		command: /probe --exit 3
	END
	assert_refused 100 'capshim.yaml:3:10: ' 'list'
}

@test "command: none ends after the setup, and needs no user" {
	capshim_run --image <<-'END'
		command: none
		setup:
		  - mkdir: /data/made
		    mode: 0700
	END
	assert_success
	assert_output ''
	assert_equal "$(stat -c '%a %u' "$IMAGE/data/made")" '700 0'
}

@test "keys about a workload are no mistake if the command line names a workload" {
	capshim_run --image -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
		command: none
		umask: "0027"
		working_dir: /data
	END
	assert_unprivileged 1234
	assert_probe umask 0027 cwd /data
	capshim_run --image --config image
	assert_refused 100 'capshim.yaml:2:1: "seccomp" does not go with "command: none"' 'capshim.yaml:4:1: "umask"' \
		'capshim.yaml:5:1: "working_dir"'
}

@test "command: none refuses a start that cannot do the setup" {
	capshim_run --image --start nonroot <<-'END'
		command: none
		setup: [mkdir: /data/made]
	END
	assert_refused 111 on_nonroot
	[ ! -e "$IMAGE/data/made" ]
}

@test "conditions on the environment: a step that they exclude is not even expanded" {
	capshim_run --image --env YES=on -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
		setup:
		  - {mkdir: "/data/${NOT_THERE}", when: {env: NOT_THERE}}
		  - {mkdir: /data/a, when: {env_true: YES}}
		  - {mkdir: /data/b, unless: {env_true: YES}}
		  - {mkdir: /data/c, when: {env: [YES=on, YES]}}
		  - {mkdir: /data/d, when: {env: [YES=on, NOT_THERE]}}
		  - {mkdir: /data/e, when: {command: "pro*"}}
		  - {mkdir: /data/f, when: {command: other}}
	END
	assert_unprivileged 1234
	assert_equal "$(cd "$IMAGE/data" && echo *)" 'a c e'
}

@test "cap_add: case and prefix do not matter; an unknown capability is refused" {
	local name
	for name in NET_BIND_SERVICE net_bind_service CAP_NET_BIND_SERVICE cap_Net_Bind_service; do
		capshim_run --image -- -- /probe <<-END
			user: app
			cap_add: [$name]
			seccomp: unconfined
		END
		assert_unprivileged 1234 net_bind_service
	done
	for name in ALL NET_BIND 10 '""' NET_BIND_SERVICES; do
		capshim_run --image -- -- /probe <<-END
			user: app
			cap_add: [$name]
			seccomp: unconfined
		END
		assert_refused 100 'capshim.yaml:2:11: ' 'not a capability'
	done
}
