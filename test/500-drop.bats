# Giving up and proving: what the workload holds from every start that people meet.
# shellcheck disable=SC2153 # START is of helpers.bash

load helpers
load lie

setup() {
	test_dir
	image_make
}

# from START [KEEP]: a run from that start with these capabilities in cap_add.
from() {
	capshim_run --image --start "$1" "${@:3}" -- -- /probe --try-regain <<-END
		user: app
		cap_add: [${2-}]
		seccomp: unconfined
	END
}

@test "root with every capability, with Docker's 14, with the three that the drop needs, with no_new_privs" {
	local start
	for start in root docker minimal nnp; do
		from "$start"
		assert_unprivileged 1234
		assert_probe groups 44
		assert_no_way_back
	done
}

@test "exactly one kept capability stands in all five sets" {
	local start
	for start in root docker nnp; do
		from "$start" NET_BIND_SERVICE
		assert_unprivileged 1234 net_bind_service
		assert_no_way_back
	done
}

@test "several kept ones, low and high numbers" {
	from root 'CHOWN, NET_RAW, CHECKPOINT_RESTORE'
	assert_unprivileged 1234 chown,net_raw,checkpoint_restore
}

@test "each capability alone can be kept" {
	local cap all
	all=$("$START" -- "$PROBE" | sed -n 's/^permitted=//p' | tr , ' ')
	[ "$(wc -w <<<"$all")" -ge 38 ]
	for cap in $all; do
		from root "$cap"
		assert_unprivileged 1234 "$cap"
	done
}

@test "no /proc, a read-only root, both" {
	from root '' --no-proc
	assert_unprivileged 1234
	from root '' --read-only
	assert_unprivileged 1234
	from docker NET_BIND_SERVICE --no-proc --read-only
	assert_unprivileged 1234 net_bind_service
}

@test "without SETPCAP and with a bounding set: 111, named, nothing run, no step done" {
	capshim_run --image --start no_setpcap -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
		setup: [mkdir: /data/made]
	END
	assert_refused 111 CAP_SETPCAP cap_add
	[ ! -e "$IMAGE/data/made" ]
}

@test "without SETPCAP, but nothing in the bounding set to drop: runs, lock bits are out of reach" {
	capshim_run --image --with --inheritable --with setuid,setgid --with --bounding --with none -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_success
	assert_probe uid 1234,1234,1234,1234 permitted '' effective '' inheritable '' bounding '' ambient ''
	assert_probe no_new_privs 1 keepcaps 0
}

@test "without SETUID or SETGID: 111 and its name" {
	from no_setuid
	assert_refused 111 CAP_SETUID cap_add
	from no_setgid
	assert_refused 111 CAP_SETGID cap_add
}

@test "all that is missing is named in one message, with the way to find out; not to a start without root" {
	capshim_run --image --with --bounding --with chown,net_raw -- -- /probe \
		<<<'{user: app, cap_add: [NET_RAW, SYS_TIME], seccomp: unconfined}'
	assert_refused 111 'it lacks CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_TIME: ' 'capshim --explain'
	from nonroot NET_BIND_SERVICE
	assert_refused 111 'it is uid 1234 and cannot have CAP_NET_BIND_SERVICE: start the container as root'
	refute_output --partial "container's cap_add"
	capshim_run --image --start nonroot -- -- /probe \
		<<<'{user: app, seccomp: unconfined, on_nonroot: try_setup, setup: [{chown: /data, owner: other}]}'
	assert_success
	assert_output --partial 'CAP_CHOWN: start the container as root'
}

@test "cap_add that the container does not have: 111 and its name; optional: left out" {
	from minimal NET_BIND_SERVICE
	assert_refused 111 CAP_NET_BIND_SERVICE
	capshim_run --image --start minimal -- -- /probe <<-'END'
		user: app
		cap_add_optional: [NET_BIND_SERVICE, SYS_TIME]
		seccomp: unconfined
	END
	assert_unprivileged 1234
	capshim_run --image --start docker -- -- /probe <<-'END'
		user: app
		cap_add_optional: [NET_BIND_SERVICE, SYS_TIME]
		seccomp: unconfined
	END
	assert_unprivileged 1234 net_bind_service
	capshim_run --image --start docker -- -- /probe <<-'END'
		user: app
		cap_add_optional: [NET_BIND_SERVICE, SYS_TIME]
		seccomp: unconfined
		report: text
	END
	assert_output --partial 'notes: without CAP_SYS_TIME (cap_add_optional)'
	capshim_run --image --start minimal -- -- /probe <<-'END'
		user: app
		cap_add_optional: [NET_BIND_SERVICE]
		seccomp: unconfined
		report: json
	END
	assert_output --partial '"without CAP_NET_BIND_SERVICE (cap_add_optional)'
}

@test "cap_add that the container has without its bounding set: kept, and the bounding set stays without it" {
	local with=()
	for word in --inheritable net_raw --without net_raw; do
		with+=(--with "$word")
	done
	capshim_run --image "${with[@]}" -- -- /probe <<<'{user: app, cap_add: [NET_RAW], seccomp: unconfined}'
	assert_success
	assert_probe uid 1234,1234,1234,1234 effective net_raw permitted net_raw ambient net_raw \
		inheritable net_raw bounding ''
}

@test "a start without root: setup skipped, no_new_privs; the bounding set is out of reach" {
	local start bounding
	for start in nonroot_full nonroot nonroot_empty; do
		start_state "$start"
		bounding=$("$START" "${STATE[@]}" -- "$PROBE" | sed -n 's/^bounding=//p')
		capshim_run --image --start "$start" -- -- /probe --try-regain <<-'END'
			user: app
			seccomp: unconfined
			setup: [mkdir: /data/made]
		END
		assert_success
		assert_line 'capshim: skipped the setup, which needs root: started as uid 1234 (accounts: 0, steps: 1)'
		assert_probe uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 groups ''
		assert_probe permitted '' effective '' inheritable '' ambient '' bounding "$bounding" no_new_privs 1
		assert_probe regain.setuid EPERM regain.capset EPERM
		[ ! -e "$IMAGE/data/made" ]
	done
}

# started UID GID GROUPS CONFIG-LINE ...: a start without root with these ids and that config.
started() {
	local ids=(--with --groups --with "$3" --with --gid --with "$2" --with --uid --with "$1")

	shift 3
	capshim_run --image "${ids[@]}" -- -- /probe <<<"$(printf '%s\n' 'seccomp: unconfined' "$@")"
}

@test "a start without root with other ids or groups than configured: 111, and which key permits it" {
	local uid gid groups
	echo 'shadow:x:42:root' >>"$IMAGE/etc/group"
	while read -r uid gid groups; do
		started "$uid" "$gid" "$groups" 'user: app'
		assert_refused 111 "it is uid $uid, gid $gid, groups ${groups//,/ }, and the config names uid 1234, gid 1234" \
			'on_nonroot: {setup: skip, ids: any}'
		started "$uid" "$gid" "$groups" 'user: app' 'on_nonroot: {setup: skip, ids: any}'
		assert_success
		assert_probe uid "$uid,$uid,$uid,$uid" gid "$gid,$gid,$gid,$gid" groups "${groups/none/}" no_new_privs 1
	done <<-'END'
		5000 1234 44
		1234 0 44
		1234 1234 0,44
		1234 1234 42,44
		5000 0 6,42
	END
	started 1234 1234 none 'user: app' 'supplementary_groups: [44, 77]' 'on_nonroot: {ids: configured}'
	assert_refused 111 'groups none, and the config names uid 1234, gid 1234, groups 44 77:'
}

@test "a start without root with the ids as configured: what the runtime gave counts for auto, the gid for none" {
	started 1234 1234 44,700 'user: app'
	assert_success
	assert_probe groups 44,700
	started 1234 1234 700 'user: app' 'supplementary_groups: runtime'
	assert_success
	assert_probe groups 700
	started 1234 1234 700,1234 'user: "app:app"'
	assert_success
	started 1234 1234 none 'user: app' # as docker run --user 1234:1234
	assert_success
	# Engines put the gid among the groups.
	started 1234 1234 1234 'user: app' 'supplementary_groups: none'
	assert_success
	assert_probe groups 1234
	started 1234 1234 none 'user: app' 'supplementary_groups: [app]'
	assert_success
}

@test "ids: any of a start without root: HOME and USER are of the passwd line of its uid, if there is one" {
	started 2345 2345 none 'user: app' 'on_nonroot: {setup: try, ids: any}' 'setup: [mkdir: /tmp/made]'
	assert_success
	assert_probe env.USER other
	assert_equal "$(stat -c %u "$IMAGE/tmp/made")" 2345
	started 5000 2345 none 'user: app' 'on_nonroot: {ids: any}'
	assert_success
	refute_line --regexp '^env.USER='
}

@test "a start without root: the report says what was not compared with the config, and what was skipped" {
	local sets='CapInh: none; CapPrm: none; CapEff: none; CapAmb: none' more
	more='NoNewPrivs: 1; Seccomp: 0 instructions; stdio: not owned'
	report() {
		capshim_run --image --with --bounding --with net_raw "$@" -- -- /probe <<-'END'
			user: app
			seccomp: unconfined
			report: text
			on_nonroot: {ids: any}
			accounts: [{name: abc, uid: 911, gid: 911}]
			setup: [{mkdir: /data/a}, {when: {env: X}, steps: [{mkdir: /data/b}, {mkdir: /data/c}]}]
		END
		assert_success
	}
	report --with --groups --with 44 --with --gid --with 1234 --with --uid --with 1234
	assert_line "capshim: verified: Uid: 1234; Gid: 1234; Groups: 44; $sets; $more; \
as started, not verified: CapBnd: CAP_NET_RAW; Securebits: 0x0; skipped accounts: 1; skipped steps: 3"
	report --with --groups --with 6,42 --with --gid --with 0 --with --uid --with 5000
	assert_line "capshim: verified: $sets; $more; as started, not verified: Uid: 5000; Gid: 0; Groups: 6 42; \
CapBnd: CAP_NET_RAW; Securebits: 0x0; skipped accounts: 1; skipped steps: 3"
	sed -i 's/report: text/report: json/' "$IMAGE/etc/capshim.yaml"
	capshim_run --image --config image --with --groups --with none --with --gid --with 0 --with --uid --with 5000 -- -- /probe
	assert_success
	assert_equal "$(grep '"capshim.verified"' <<<"$output" | jq -c '[.notVerified, .skipped]')" \
		'[["user","bounding","securebits"],{"accounts":1,"steps":3}]'
}

@test "a start without root and a required cap_add: 111; optional: left out; refuse: 111" {
	from nonroot NET_BIND_SERVICE
	assert_refused 111 'start the container as root'
	capshim_run --image --start nonroot -- -- /probe <<-'END'
		user: app
		cap_add_optional: [NET_BIND_SERVICE]
		seccomp: unconfined
	END
	assert_success
	assert_probe permitted '' ambient ''
	capshim_run --image --start nonroot -- -- /probe <<-'END'
		user: app
		on_nonroot: refuse
		seccomp: unconfined
	END
	assert_refused 111 'uid 1234'
}

@test "ambient capabilities of a start without root are given away, or kept where asked" {
	from nonroot_ambient
	assert_success
	assert_probe permitted '' effective '' inheritable '' ambient ''
	from nonroot_ambient NET_BIND_SERVICE
	assert_success
	assert_probe permitted net_bind_service effective net_bind_service ambient net_bind_service
	# With CAP_SETPCAP the bounding set is in reach.
	capshim_run --image --with --groups --with none --with --keepcaps --with --gid --with 1234 --with --uid --with 1234 \
		--with --ambient --with setpcap -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_unprivileged 1234
	capshim_run --image --with --groups --with none --with --keepcaps --with --gid --with 1234 --with --uid --with 1234 \
		--with --ambient --with setpcap,kill -- -- /probe <<<'{user: app, seccomp: unconfined, cap_add: [KILL]}'
	assert_probe permitted kill bounding kill
}

@test "a start without root that holds permitted capabilities is refused" {
	setcap cap_net_raw+ep "$IMAGE/capshim"
	capshim_run --image --start nonroot_full -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_refused 111 'not ambient'
}

@test "inheritable capabilities of the start do not reach the workload" {
	capshim_run --image --with --inheritable --with net_raw,sys_admin -- -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_unprivileged 1234
}

@test "try_setup: the steps run as the start user, and what it may not do becomes a warning" {
	chown 1234 "$IMAGE/data"
	capshim_run --image --start nonroot -- -- /probe <<-'END'
		user: app
		on_nonroot: try_setup
		seccomp: unconfined
		setup:
		  - mkdir: /data/mine
		  - mkdir: /not-mine
		  - {chown: /etc, owner: app}
	END
	assert_success
	assert_output --partial 'warning: cannot '
	assert_probe uid 1234,1234,1234,1234
	assert_equal "$(stat -c %u "$IMAGE/data/mine")" 1234
	[ ! -e "$IMAGE/not-mine" ]
}

# in_userns STATE GROUPS: without a chroot, in which the kernel allows no user namespace.
in_userns() {
	capshim_run --start "$1" -- -- "$PROBE" --try-regain <<-END
		user: "${3:-1234:1234}"
		allow_root: true
		supplementary_groups: $2
		seccomp: unconfined
	END
}

@test "a user namespace that maps every id: runs; one that maps only root: 111 and the id" {
	in_userns userns '[44]'
	assert_unprivileged 1234
	assert_probe groups 44
	in_userns userns_single none
	assert_refused 111 1234
}

# unmapped CONFIG START-WORD ...: a file that host group 998 may read, and a start that has that group, in a user
# namespace that does not map it. The workload is the probe behind a cat of the file.
unmapped() {
	local config=$1 with=()

	shift
	for word; do
		with+=(--with "$word")
	done
	echo secret >"$T/secret"
	chgrp 998 "$T/secret"
	chmod 0640 "$T/secret"
	capshim_run "${with[@]}" -- -- sh -c "cat '$T/secret'; exec '$PROBE'" <<<"{seccomp: unconfined, $config}"
	refute_line secret
}

@test "a group that the user namespace does not map, and that reads as 65534, never stays" {
	local hole=0:0:998,999:999:64537

	# It counts as nobody's group where that is mapped, and does not pass for it where it is not.
	unmapped 'user: "1234:1234", supplementary_groups: [65534]' --groups 998 --userns "$hole"
	assert_success
	assert_probe uid 1234,1234,1234,1234 groups 65534
	unmapped 'user: "1234:65534", supplementary_groups: none' --groups none --gid 998 --userns "$hole"
	assert_success
	assert_probe gid 65534,65534,65534,65534 groups ''
	unmapped 'user: "8:1234", supplementary_groups: auto' --groups 998 --userns "$hole"
	assert_success
	unmapped 'user: "7:7", supplementary_groups: [65534]' --groups 998 --userns 0:0:998
	assert_refused 111 'group 65534' 'does not map'
	unmapped 'user: "7:7", supplementary_groups: auto' --groups 998 --userns 0:0:998
	assert_refused 111 'group 65534' 'does not map'
	unmapped 'user: "7:65534", supplementary_groups: none' --gid 998 --userns 0:0:998
	assert_refused 111 'gid 65534' 'does not map'
	# setgroups(2) is denied, and the list looks right.
	unmapped 'user: "7:7", supplementary_groups: [65534]' --groups 998 --userns deny,0:0:998
	assert_refused 111 'group 65534' 'does not map'
}

@test "an id that the user namespace does not map is not right in a start that cannot set it" {
	unmapped 'user: "7:7", supplementary_groups: [65534]' --groups 998 --userns 0:0:998 --gid 7 --uid 7
	assert_refused 111 'reads as 65534' 'has a group'
	unmapped 'user: "7:65534", supplementary_groups: none' --groups none --gid 998 --userns 0:0:998 --uid 7
	assert_refused 111 'reads as 65534' 'has a gid'
	unmapped 'user: "65534:5", supplementary_groups: none, on_nonroot: {ids: any}' --groups none --gid 5 --uid 998,998,0 \
		--userns 5:5:10,0:0:1
	assert_refused 111 'reads as 65534'
	# Also where 65534 is mapped: it is not what the start has.
	unmapped 'user: "65534:5", supplementary_groups: none' --groups none --gid 5 --uid 998,998,0 \
		--userns 5:5:10,0:0:1,65534:65534:1
	assert_refused 111 'reads as 65534' 'has a uid'
}

@test "a step that gives a file to an id that the user namespace does not map: the message names the id" {
	local options name
	mkdir "$T/data"
	while IFS='|' read -r name options; do
		capshim_run --start userns_single -- -- "$PROBE" \
			<<<"{user: \"0:0\", allow_root: true, seccomp: unconfined, setup: [{$options}]}"
		assert_refused 111 "\"$T/data" "Invalid argument (the user namespace or the file system does not know $name)"
	done <<-END
		uid 1234 or gid 5|chown: $T/data, owner: "1234:5"
		uid 1234|mkdir: $T/data/new, owner: 1234
		gid 5|write: $T/data/file, content: x, owner: ":5"
	END
}

@test "a user namespace that denies setgroups: refused unless the list is right already" {
	in_userns userns_deny '[44]' 0:0
	assert_refused 111 'supplementary groups' 'the user namespace denies setgroups'
	capshim_run --with --groups --with 44 --with --userns --with deny -- -- "$PROBE" \
		<<<'{user: "1234:1234", supplementary_groups: [44], seccomp: unconfined}'
	assert_unprivileged 1234
	assert_probe groups 44
}

# switching UID [KEEP]: the workload's child that becomes 33 by itself, as daemons do, when the workload is UID.
switching() {
	capshim_run --image --start docker -- -- /probe --switch 33 <<-END
		user: "$1:$1"
		allow_root: true
		cap_add: [CHOWN, DAC_OVERRIDE, NET_BIND_SERVICE, SETGID, SETUID]
		seccomp: unconfined
	END
	assert_success
	assert_probe permitted chown,dac_override,setgid,setuid,net_bind_service
}

@test "a child that leaves uid 0 by itself holds nothing, as without capshim; between other ids it keeps all" {
	switching 0
	assert_probe child.uid 33 child.permitted '' child.effective '' child.ambient ''
	switching 1234
	assert_probe child.uid 33 child.permitted chown,dac_override,setgid,setuid,net_bind_service
}

@test "PR_SET_KEEPCAPS works for the workload, and keeps no more than it has" {
	capshim_run --image --start docker -- -- /probe --switch-keeping 1234 <<<'{user: app, seccomp: unconfined}'
	assert_unprivileged 1234
	refute_line --partial child.keepcaps
	assert_probe child.permitted '' child.effective ''
	capshim_run --image -- -- /probe --switch-keeping 33 <<-'END'
		user: root
		allow_root: true
		cap_add: [SETGID, SETUID]
		seccomp: unconfined
	END
	assert_success
	assert_probe child.uid 33 child.permitted setgid,setuid child.effective ''
	refute_line --partial child.keepcaps
}

@test "uid 0 gains nothing by an execve: neither as the workload, nor by a kept SETUID" {
	install -m 0755 "$START" "$IMAGE/start"
	capshim_run --image -- -- /probe --exec /probe <<-'END'
		user: root
		allow_root: true
		cap_add: [CHOWN]
		seccomp: unconfined
	END
	assert_success
	assert_equal "$(grep -c '^permitted=chown$' <<<"$output")" 2
	capshim_run --image -- -- /start --uid 0 -- /probe <<<'{user: app, cap_add: [SETUID], seccomp: unconfined}'
	assert_success
	assert_probe uid 0,0,0,0 permitted setuid effective setuid bounding setuid securebits 0xcb
}

@test "securebits that the start has but did not lock: set as in every start; unknown ones stay" {
	local bits
	# 0x100 is SECBIT_EXEC_RESTRICT_FILE, of Linux 6.14.
	for bits in 0x4 0x8 0x10; do
		capshim_run --image --with --securebits --with "$bits" -- -- /probe <<<'{user: app, seccomp: unconfined}'
		assert_unprivileged 1234
	done
	# All of them already, and what the drop needs as ambient ones: nothing to lock, but PR_SET_KEEPCAPS to clear.
	capshim_run --image --with --ambient --with setuid,setgid,setpcap --with --securebits --with 0xcb -- -- /probe \
		<<<'{user: app, seccomp: unconfined}'
	assert_unprivileged 1234
	capshim_run --image --with --securebits --with 0x100 -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_success
	assert_probe uid 1234,1234,1234,1234 securebits 0x1cb keepcaps 0
}

@test "securebits locked the wrong way: 111" {
	local start
	for start in fixup_locked noroot_locked keepcaps_locked; do
		from "$start"
		assert_refused 111 securebit
	done
	# Where no lock is asked for, only one that is in the way.
	lacking --inheritable setuid,setgid --bounding none --securebits 0x20 -- <<<'{user: app, seccomp: unconfined}'
	assert_refused 111 'KEEP_CAPS was locked'
	# Without a lock, and only in the way of what is kept.
	capshim_run --image --with --securebits --with 0x40 -- -- /probe <<-'END'
		user: app
		cap_add: [CHOWN]
		seccomp: unconfined
	END
	assert_refused 111 NO_CAP_AMBIENT_RAISE
	capshim_run --image --with --securebits --with 0x40 -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_unprivileged 1234
}

@test "uid 0 without CAP_SETPCAP would get everything back by an execve: refused" {
	lacking --inheritable setuid,setgid --bounding none -- <<<'{user: "0:0", allow_root: true, seccomp: unconfined}'
	assert_refused 111 CAP_SETPCAP
}

@test "another group alone needs CAP_SETGID as well" {
	lacking --groups none --without setgid -- \
		<<<'{user: "0:1234", allow_root: true, supplementary_groups: none, seccomp: unconfined}'
	assert_refused 111 'lacks CAP_SETGID:'
}

# lacking START OPTION ... -- with the config on standard input, which keeps the user namespace's ids as they are.
lacking() {
	local with=()

	while [ "$1" != -- ]; do
		with+=(--with "$1")
		shift
	done
	capshim_run --image "${with[@]}" -- -- /probe
}

@test "each flag that cannot be set, cleared or read is a refusal" {
	local which pattern status text
	while read -r which pattern status text; do
		WHICH=$which lie prctl "$pattern" error=EACCES <<<'{user: "1234:1234", seccomp: unconfined}'
		assert_refused "$status" "$text"
	done <<-'END'
		1 PR_GET_SECUREBITS 111 cannot read "the securebits"
		1 PR_CAP_AMBIENT_CLEAR_ALL 111 cannot clear "the ambient set"
		1 PR_SET_KEEPCAPS,.1 111 cannot set "PR_SET_KEEPCAPS"
		1 PR_SET_SECUREBITS 111 cannot lock "the securebits"
		1 PR_SET_NO_NEW_PRIVS 111 cannot set "no_new_privs"
		1 PR_SET_DUMPABLE 111 cannot set "PR_SET_DUMPABLE"
		2 PR_GET_SECUREBITS 112 cannot prove "the securebits"
	END
	# Only without CAP_SETPCAP is it still on by then.
	lie prctl PR_SET_KEEPCAPS,.0 error=EACCES --inheritable setuid,setgid --bounding none \
		<<<'{user: "1234:1234", seccomp: unconfined}'
	assert_refused 111 'cannot clear "PR_SET_KEEPCAPS"'
}

@test "a kernel without securebits and ambient sets: who is not root and keeps nothing runs, the rest is refused" {
	capshim_run --image --with --bare -- -- /probe --try-regain <<<'{user: app, seccomp: unconfined, report: text}'
	assert_success
	assert_probe uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 groups 44 permitted '' effective '' inheritable '' \
		bounding '' no_new_privs 1 securebits 0xffffffff regain.setuid EPERM regain.capset EPERM
	assert_line --regexp '^capshim: verified: Uid: .* notes: no securebits and no ambient set in this kernel$'
	refute_line --partial 'Securebits:'
	capshim_run --image --with --bare -- -- /probe <<<'{user: app, cap_add: [CHOWN], seccomp: unconfined}'
	assert_refused 111 'neither securebits nor ambient sets'
	capshim_run --image --with --bare -- -- /probe <<<'{user: root, allow_root: true, seccomp: unconfined}'
	assert_refused 111 'neither securebits nor ambient sets'
}

@test "a kernel that lacks one of the two, or that lacks at the proof what it had at the start, is not believed" {
	local which pattern status text
	while read -r which pattern status text; do
		WHICH=$which lie prctl "$pattern" error=EINVAL <<<'{user: "1234:1234", seccomp: unconfined}'
		assert_refused "$status" "$text"
	done <<-'END'
		1 PR_GET_SECUREBITS 111 cannot read "the securebits"
		2 PR_GET_SECUREBITS 112 cannot prove "the securebits"
	END
	# It is asked for what is kept.
	WHICH=1 lie prctl PR_CAP_AMBIENT_IS_SET error=EINVAL --inheritable none \
		<<<'{user: "1234:1234", cap_add: [NET_RAW], seccomp: unconfined}'
	assert_refused 112 'cannot prove "the ambient set"'
	lie personality . error=EINVAL <<<'{user: "1234:1234", seccomp: unconfined}'
	assert_refused 111 'cannot reset "the personality"'
}

@test "a setgroups that fails for another reason is a refusal, also where the list looks right" {
	local groups
	for groups in 44,77 55,66; do
		lie setgroups . error=ENOMEM --groups "$groups" \
			<<<'{user: "1234:1234", supplementary_groups: [44, 77], seccomp: unconfined}'
		assert_refused 111 'cannot set "the supplementary groups": '
		assert_output --regexp '(Out of memory|Cannot allocate memory)$' # musl's word, and glibc's
	done
}

@test "a setgroups that lies is found out, also where the number is right" {
	lie setgroups . retval=0 --groups 55,66 <<-'END'
		user: "1234:1234"
		supplementary_groups: [44, 77]
		seccomp: unconfined
	END
	assert_refused 112 'a supplementary group'
}

@test "a set-id start is refused" {
	install -m 4755 "$CAPSHIM" "$IMAGE/setuid"
	run timeout 20 chroot --userspec 1234:1234 "$IMAGE" /setuid -- /probe
	assert_failure 111
	assert_output --partial 'chmod u-s'
	install -m 2755 "$CAPSHIM" "$IMAGE/setgid"
	run timeout 20 chroot --userspec 1234:1234 "$IMAGE" /setgid -- /probe
	assert_failure 111
	assert_output --partial 'chmod g-s'
}
