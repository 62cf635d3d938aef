#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# Becoming the workload: which program it is, its file capabilities and environment, and what is said where it cannot start.

load helpers
load workload

# --- what is executed

@test "the command is looked up in PATH, absolute entries only, the first that may be executed" {
	mkdir -p "$IMAGE"/{one,two,three}/
	cp "$PROBE" "$IMAGE/three/tool"
	cp "$PROBE" "$IMAGE/data/tool"
	script one/tool 'not for you' 0600
	mkdir "$IMAGE/two/tool"
	workload -- tool <<<'environment: {PATH: "/none:/probe:/one:/two:/three"}'
	assert_unprivileged 1234
	assert_probe execfn /three/tool arg.0 tool
	for path in '' : data:. ::data /none:data; do
		workload -- tool < <(printf 'working_dir: /data\nenvironment: {PATH: "%s"}\n' "$path")
		assert_refused 127 'cannot execute "tool": not found in PATH' 'only what begins with "/" is searched'
	done
	workload -- ./tool a <<<'working_dir: /data'
	assert_unprivileged 1234
	assert_probe execfn ./tool cwd /data arg.0 ./tool arg.1 a argc 2
}

@test "without PATH the usual directories are searched" {
	mkdir -p "$IMAGE/usr/local/sbin"
	cp "$PROBE" "$IMAGE/usr/local/sbin/tool"
	workload -- tool <<<'unset_environment: PATH'
	assert_unprivileged 1234
	assert_probe execfn /usr/local/sbin/tool
	refute_line --regexp '^env\.PATH='
}

@test "a kept DAC_OVERRIDE or DAC_READ_SEARCH counts where the program is looked up, as it does in execve" {
	local keep name

	mkdir -m 0700 "$IMAGE/closed"
	install -m 0755 "$PROBE" "$IMAGE/closed/tool"
	install -m 0700 "$PROBE" "$IMAGE/closed/own"
	script closed/script '#!/closed/tool' 0755
	for keep in DAC_OVERRIDE DAC_READ_SEARCH; do
		for name in /closed/tool tool /closed/script; do
			workload -- "$name" <<<$'environment: {PATH: "/:/closed"}\ncap_add: '"$keep"
			assert_unprivileged 1234 "${keep,,}" || return
		done
	done
	workload -- /closed/own <<<'cap_add: DAC_OVERRIDE'
	assert_unprivileged 1234 dac_override
	workload -- /closed/own <<<'cap_add: DAC_READ_SEARCH' # reads and searches, and executes nothing
	assert_refused 126 'the user may not execute it'
	workload -- /closed/tool <<<'cap_add: KILL'
	assert_refused 126 'the user may not search a directory on the way'
	# Where an outer filter denies faccessat2(2), nothing is lost but that.
	printf '%s\n' 'user: app' 'seccomp: unconfined' 'cap_add: DAC_OVERRIDE' >"$IMAGE/etc/capshim.yaml"
	observe timeout 20 "${PROBE%/*}/deny" 1 439 chroot "$IMAGE" /capshim /probe
	assert_unprivileged 1234 dac_override
	observe timeout 20 "${PROBE%/*}/deny" 1 439 chroot "$IMAGE" /capshim /closed/tool
	assert_refused 126 'cannot execute "/closed/tool"'
}

@test "127: a program that does not exist" {
	workload -- tool <<<''
	assert_refused 127 'cannot execute "tool": not found in PATH (/usr/local/sbin:'
	workload -- /no/tool <<<''
	assert_refused 127 'cannot execute "/no/tool": No such file'
	workload -- /probe/tool <<<''
	assert_refused 127 'cannot execute "/probe/tool": Not a directory'
	workload -- '' <<<''
	assert_failure
	refute_workload
}

@test "127: a missing interpreter" {
	script tool '#!/bin/sh -e'
	workload -- /tool <<<''
	assert_refused 127 'the interpreter "/bin/sh" in the first line of "/tool": No such file'
	script tool $'#! /probe\r'
	workload -- /tool <<<''
	assert_refused 127 'the interpreter "/probe\x0d"' 'Windows line endings'
	# The image may have a loader, for a capshim that is not static.
	sed 's,/ld-linux,/no-linux,' /bin/true >"$IMAGE/tool"
	workload -- /tool <<<''
	assert_refused 127 'cannot execute "/tool": its program interpreter'
}

@test "126: a file that is not a program" {
	local line
	for line in 'echo no shell runs this' '' '#!' '#! ' $'\177EL'; do
		script tool "$line"
		workload -- /tool <<<''
		assert_refused 126 'cannot execute "/tool": it is neither a binary nor a script'
	done
	script tool $'\xef\xbb\xbf#!/bin/sh'
	workload -- /tool <<<''
	assert_refused 126 'cannot execute "/tool": a byte order mark (EF BB BF) stands before its "#!": remove these three bytes'
	: >"$IMAGE/tool"
	workload -- /tool <<<''
	assert_refused 126 'it is neither a binary nor a script'
	script tool "#!/$(head -c 300 /dev/zero | tr '\0' x)"
	workload -- /tool <<<''
	assert_refused 126 'it is neither a binary nor a script'
	script tool '#!/other'
	script other 'nor is this'
	workload -- /tool <<<''
	assert_refused 126 'cannot execute "/other": it is neither a binary nor a script'
	# An ELF file for a machine that does not exist.
	cp "$PROBE" "$IMAGE/tool"
	printf '\xee\xee' | dd of="$IMAGE/tool" bs=1 seek=18 conv=notrunc status=none
	workload -- /tool <<<''
	assert_refused 126 'not a program for this machine'
}

@test "126: what the user may not execute" {
	workload -- /data <<<''
	assert_refused 126 'cannot execute "/data": it is a directory'
	mkfifo -m 0777 "$IMAGE/tool"
	workload -- /tool <<<''
	assert_refused 126 'cannot execute "/tool": it is not a regular file'
	rm "$IMAGE/tool"
	script tool '#!/probe' 0644
	workload -- /tool <<<''
	assert_refused 126 'cannot execute "/tool": the user may not execute it'
	workload -- tool <<<'environment: {PATH: /}'
	assert_refused 126 'cannot execute "//tool": the user may not execute it'
	script tool '#!/probe' 0750
	workload -- /tool <<<''
	assert_refused 126 'cannot execute "/tool": the user may not execute it'
	mkdir -m 0700 "$IMAGE/closed"
	cp "$PROBE" "$IMAGE/closed/tool"
	workload -- /closed/tool <<<''
	assert_refused 126 'cannot execute "/closed/tool": the user may not search a directory on the way'
	script tool '#!/closed/tool'
	workload -- /tool <<<''
	assert_refused 126 'the interpreter "/closed/tool" in the first line of "/tool": the user may not search'
}

@test "126: a file system mounted noexec" {
	mkdir "$T/mount"
	mount -t tmpfs -o mode=0755,noexec tmpfs "$T/mount"
	cp "$PROBE" "$T/mount/tool"
	under -- "$T/mount/tool"
	assert_refused 126 'mounted noexec'
}

@test "126: too long, too many interpreters, open for writing, too many processes" {
	capshim_run --image <<-END
		user: app
		seccomp: unconfined
		command: [/probe, $(head -c 140000 /dev/zero | tr '\0' x)]
	END
	assert_refused 126 'too large'
	local i
	cp "$PROBE" "$IMAGE/loop0"
	for i in 1 2 3 4 5 6; do
		script "loop$i" "#!/loop$((i - 1))"
	done
	workload -- /loop5 <<<''
	assert_unprivileged 1234
	workload -- /loop6 <<<''
	assert_refused 126 'more than five interpreters'
	cp "$PROBE" "$IMAGE/tool"
	exec 9>>"$IMAGE/tool"
	workload -- /tool <<<'' 9>&-
	exec 9>&-
	assert_refused 126 'open for writing'
	"$START" --groups none --gid 1234 --uid 1234 -- "$(command -v sleep)" 60 3>&- &
	local pid=$!
	workload <<<'ulimits: {nproc: 0}'
	kill "$pid"
	assert_refused 126 'more processes than the limit nproc'
}

@test "a script gets what the kernel gives it" {
	script tool '#!/probe one word'
	workload -- /tool x y <<<''
	assert_unprivileged 1234
	assert_probe argc 5 arg.0 /probe arg.1 'one word' arg.2 /tool arg.3 x arg.4 y
	script tool $'#! \t/probe \t one\t'
	workload -- tool <<<'environment: {PATH: /}'
	assert_unprivileged 1234
	assert_probe arg.1 one arg.2 //tool
}

@test "a program that the user may execute but not read runs" {
	chmod 0711 "$IMAGE/probe"
	workload <<<'cap_add: NET_BIND_SERVICE'
	assert_unprivileged 1234 net_bind_service
}

# --- file capabilities: capabilities(7), "Transformation of capabilities during execve()"

# with_xattr FILE CAPS: sets them; "empty" is an attribute that grants nothing.
with_xattr() {
	setcap -r "$IMAGE/$1" 2>/dev/null || true
	case $2 in
	none) ;;
	empty) setcap "=" "$IMAGE/$1" ;;
	*) setcap "$2" "$IMAGE/$1" ;;
	esac
}

@test "file capabilities without cap_add: run where they grant nothing, refused where execve would be EPERM" {
	local caps
	for caps in none empty cap_net_raw+p cap_net_bind_service+p cap_net_bind_service+i; do
		with_xattr probe "$caps"
		workload <<<''
		assert_unprivileged 1234
	done
	for caps in cap_net_raw+ep cap_net_bind_service+ep cap_net_raw+eip; do
		with_xattr probe "$caps"
		workload <<<''
		assert_refused 100 'cannot execute "/probe": it has file capabilities' 'setcap -r /probe' 'cap_add: [CAP_NET_'
	done
}

@test "file capabilities with cap_add: always refused, for the kept ones would be lost" {
	local caps
	with_xattr probe none
	workload <<<'cap_add: NET_BIND_SERVICE'
	assert_unprivileged 1234 net_bind_service
	for caps in empty cap_net_raw+p cap_net_bind_service+p cap_net_bind_service+ep cap_net_raw+ep cap_net_bind_service+i; do
		with_xattr probe "$caps"
		workload <<<'cap_add: NET_BIND_SERVICE'
		assert_refused 100 'cannot execute "/probe": its file capabilities' CAP_NET_BIND_SERVICE 'setcap -r /probe'
	done
}

@test "file capabilities of a script's interpreter count as its own" {
	script tool '#!/deep'
	script deep '#!/probe'
	with_xattr probe cap_net_raw+ep
	workload -- /tool <<<''
	assert_refused 100 'cannot execute "/probe": it has file capabilities'
	with_xattr probe empty
	workload -- /tool <<<'cap_add: NET_BIND_SERVICE'
	assert_refused 100 'cannot execute "/probe": its file capabilities'
	workload -- /tool <<<''
	assert_unprivileged 1234
}

@test "file capabilities are found before anything is done" {
	with_xattr probe cap_net_raw+ep
	workload <<-'END'
		setup:
		  - mkdir: /data/made
	END
	assert_refused 100 'capshim: /etc/capshim.yaml: cannot execute "/probe"'
	[ ! -e "$IMAGE/data/made" ]
	capshim_run --image -- --check -- /probe <<-'END'
		user: app
		seccomp: unconfined
	END
	assert_refused 100 'setcap -r /probe'
}

@test "file capabilities that only the user can see are found at the end" {
	mkdir -m 0700 "$IMAGE/own"
	cp "$PROBE" "$IMAGE/own/tool"
	chown -R 1234:1234 "$IMAGE/own"
	with_xattr own/tool cap_net_raw+ep
	workload --start minimal -- /own/tool <<<''
	assert_refused 100 'capshim: cannot execute "/own/tool": it has file capabilities'
	with_xattr own/tool none
	workload --start minimal -- /own/tool <<<''
	assert_unprivileged 1234
}

@test "file capabilities of a program that cannot be read are found by the user as well" {
	mkdir -m 0700 "$IMAGE/own"
	cp "$PROBE" "$IMAGE/own/tool"
	chown 1234:1234 "$IMAGE/own"
	chmod 0711 "$IMAGE/own/tool"
	with_xattr own/tool empty
	capshim_run --image --with --bounding --with setuid,setgid,setpcap,net_bind_service -- -- /own/tool <<-'END'
		user: app
		cap_add: NET_BIND_SERVICE
		seccomp: unconfined
	END
	assert_refused 100 'its file capabilities' 'setcap -r /own/tool'
	with_xattr own/tool none
	capshim_run --image --with --bounding --with setuid,setgid,setpcap,net_bind_service -- -- /own/tool <<-'END'
		user: app
		cap_add: NET_BIND_SERVICE
		seccomp: unconfined
	END
	assert_unprivileged 1234 net_bind_service
	with_xattr own/tool cap_net_raw+ep
	workload --start minimal -- /own/tool <<<''
	assert_refused 126 'cannot execute "/own/tool": file capabilities'
}

@test "on a nosuid mount file capabilities do not count" {
	mkdir "$T/mount"
	mount -t tmpfs -o mode=0755,nosuid tmpfs "$T/mount"
	cp "$PROBE" "$T/mount/tool"
	setcap cap_net_raw+ep "$T/mount/tool"
	more 'cap_add: NET_BIND_SERVICE'
	under -- "$T/mount/tool"
	assert_unprivileged 1234 net_bind_service
}

@test "file capabilities within a bounding set that is out of reach grant nothing" {
	with_xattr probe cap_net_raw+ep
	capshim_run --image --start nonroot_full -- -- /probe <<-'END'
		user: app
		supplementary_groups: none
		seccomp: unconfined
	END
	assert_success
	assert_probe uid 1234,1234,1234,1234 permitted '' effective '' inheritable '' ambient '' no_new_privs 1
}

@test "file capabilities that a start without root may not hold: the advice is to start as root" {
	with_xattr probe cap_net_raw+ep
	capshim_run --image --start nonroot_empty -- -- /probe <<<'{user: app, seccomp: unconfined}'
	assert_refused 100 'setcap -r /probe' 'start as root with cap_add: [CAP_NET_RAW]'
}

@test "a set-id program gains nothing" {
	cp "$PROBE" "$IMAGE/tool"
	chmod 6755 "$IMAGE/tool"
	workload -- /tool <<<'cap_add: NET_BIND_SERVICE'
	assert_unprivileged 1234 net_bind_service
}

# --- environment

@test "HOME is the user's if it was unset or root's" {
	workload <<<''
	assert_probe env.HOME /data env.USER app env.LOGNAME app
	workload <<<'environment: {HOME: /elsewhere, USER: me, LOGNAME: ""}'
	assert_probe env.HOME /elsewhere env.USER me env.LOGNAME ''
	workload <<<'environment: {HOME: ""}'
	assert_probe env.HOME /data
	sed -i 's,^root.*,root:x:0:0:root:/secret:/bin/sh,' "$IMAGE/etc/passwd"
	local home
	for home in /secret /secret/ /root /root/ //root//; do
		workload <<<"environment: {HOME: $home}"
		assert_probe env.HOME /data
	done
	for home in /root/app /roots root; do
		workload <<<"environment: {HOME: $home}"
		assert_probe env.HOME "$home"
	done
	sed -i 's,:/data:,::,' "$IMAGE/etc/passwd"
	workload <<<''
	assert_probe env.HOME /
}

@test "a user without an entry has / and no name" {
	capshim_run --image -- -- /probe <<-'END'
		user: "5000:5000"
		seccomp: unconfined
	END
	assert_probe env.HOME /
	refute_line --regexp '^env\.(USER|LOGNAME)='
}

@test "unset_environment applies last; everything else passes" {
	workload --env AWS_KEY=1 --env AWS_ID=2 --env XAWS_=3 --env LD_PRELOAD=/x.so --env 'odd-name= v ' <<-'END'
		environment: {PASSWORD: "${AWS_KEY}", LATE: x}
		unset_environment: ["AWS_*", LATE, HOME]
	END
	assert_unprivileged 1234
	refute_line --regexp '^env\.(AWS_KEY|AWS_ID|LATE|HOME)='
	assert_probe env.PASSWORD 1 env.XAWS_ 3 env.LD_PRELOAD /x.so env.odd-name ' v '
}

@test "a workload without any environment" {
	workload <<<'unset_environment: "*"'
	assert_unprivileged 1234
	refute_line --regexp '^env\.'
}

@test "working_dir: a third user's directory, moved there by the user, does not take root where the user could not get" {
	chmod 0777 "$IMAGE/data"
	mkdir -p "$IMAGE/data/closed/open" "$IMAGE/data/own"
	chown -R 2000:2000 "$IMAGE/data" && chmod 0700 "$IMAGE/data/closed" && chown 1234:1234 "$IMAGE/data/own"
	workload -- /probe <<<'working_dir: /data/own'
	assert_unprivileged 1234
	assert_probe cwd /data/own
	setpriv --reuid 1234 --regid 1234 --clear-groups mv "$IMAGE/data/closed" "$IMAGE/data/work"
	workload -- /probe <<<'working_dir: /data/work/open'
	assert_refused 111 'cannot enter "/data/work/open"'
}
