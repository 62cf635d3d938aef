# shellcheck shell=dash source=/dev/null
# shellcheck disable=SC2086 # lists of options
# shellcheck disable=SC2034,SC2154 # variables that tap.sh reads and sets
# Run by the first process of an emulated machine, in busybox' shell: what capshim does on this kernel, judged by what the
# probe observes and by what the kernel says. tap.sh has the words that it is written in; last.sh goes on from here.
. /tap.sh

DOCKER="--bounding chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot"
DOCKER="$DOCKER,mknod,audit_write,setfcap"
NONROOT="--groups none --gid 1234 --uid 1234"

# run [OPTION ...] -- WORD ... with the config on standard input: capshim with these words, started by test/fixtures/start.c
# with these options. Sets status and output.
run() {
	options=''
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	cat >/etc/capshim.yaml
	status=0
	output=$(timeout 100 /start --clean --env PATH=/bin $options -- /capshim "$@" 2>&1 <"$stdin") || status=$?
}

# step [OPTION ...]: the same with the steps on standard input, and the probe as the workload of the user app.
step() {
	{ printf 'user: app\nseccomp: unconfined\nsetup:\n' && cat; } >/etc/steps.yaml
	run "$@" -- -- /probe --fd-end 16 </etc/steps.yaml
}

printf 'root:x:0:0::/:/bin/sh\napp:x:1234:1234::/data:/bin/sh\nother:x:2345:2345::/:/bin/sh\n' >/etc/passwd
printf 'root:x:0:\napp:x:1234:\nvideo:x:44:app\nother:x:2345:\n' >/etc/group
APP='user: app
seccomp: unconfined'
echo "# Linux $(uname -r) on $(uname -m)"

# --- the starts

check 'no /proc and nothing in /dev: runs'
stdin=/etc/group
run -- -- /probe --try-regain <<END
$APP
END
unprivileged
no_way_back

mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
mount -t securityfs security /sys/kernel/security
stdin=/dev/null

check 'root with every capability: nothing is left in any set, and no way leads back'
run -- -- /probe --fd-end 64 --try-regain <<END
$APP
END
unprivileged
is groups 44 fds 0,1,2 dumpable 1 seccomp 0
no_way_back

check "Docker's default capabilities: runs"
run $DOCKER -- -- /probe --fd-end 16 --try-regain <<END
$APP
END
unprivileged
no_way_back

check 'no_new_privs set already: runs'
run $DOCKER --nnp -- -- /probe --fd-end 16 <<END
$APP
END
unprivileged

check 'SETUID, SETGID and SETPCAP alone: runs'
run --bounding setuid,setgid,setpcap -- -- /probe --fd-end 16 --try-regain <<END
$APP
END
unprivileged
no_way_back

check 'a read-only root file system: runs'
echo "$APP" >/etc/capshim.yaml
mount -o remount,ro /
status=0
output=$(/start --clean -- /capshim -- /probe --fd-end 16 2>&1 </dev/null) || status=$?
mount -o remount,rw /
unprivileged

check 'without SETPCAP and with a bounding set: refused, and the message names CAP_SETPCAP'
run --without setpcap -- -- /probe <<END
$APP
END
refused 111 CAP_SETPCAP

check 'without SETPCAP and with an empty bounding set: runs'
run --inheritable setuid,setgid --bounding none -- -- /probe --fd-end 16 <<END
$APP
END
ends 0
is uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 inheritable '' permitted '' effective '' bounding '' ambient '' \
	no_new_privs 1

check 'without SETUID: refused, and the message names CAP_SETUID'
run --without setuid -- -- /probe <<END
$APP
END
refused 111 CAP_SETUID

check 'without SETGID: refused, and the message names CAP_SETGID'
run --without setgid -- -- /probe <<END
$APP
END
refused 111 CAP_SETGID

check 'a start as the configured user: no capability, no_new_privs, no way back'
run $DOCKER $NONROOT -- -- /probe --fd-end 16 --try-regain <<'END'
user: "1234:1234"
supplementary_groups: none
seccomp: unconfined
END
ends 0
is uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 groups '' inheritable '' permitted '' effective '' ambient '' \
	no_new_privs 1 regain.setuid EPERM regain.capset EPERM

check 'a start without root and a required capability: refused'
run $NONROOT -- -- /probe <<'END'
user: "1234:1234"
supplementary_groups: none
cap_add: [NET_BIND_SERVICE]
END
refused 111 CAP_NET_BIND_SERVICE

check 'ambient capabilities of a start without root are dropped'
run --groups none --keepcaps --gid 1234 --uid 1234 --ambient net_bind_service -- -- /probe --fd-end 16 <<'END'
user: "1234:1234"
supplementary_groups: none
seccomp: unconfined
END
ends 0
is uid 1234,1234,1234,1234 inheritable '' permitted '' effective '' ambient '' no_new_privs 1

check 'a user namespace that maps every id: runs'
run --userns 0:0:65536 -- -- /probe --fd-end 16 --try-regain <<END
$APP
END
unprivileged
no_way_back

check 'a user namespace that maps one id: refused, and the message names the id that is not mapped'
run --userns 0:0:1 -- -- /probe <<'END'
user: "1234:1234"
supplementary_groups: none
seccomp: unconfined
END
refused 111 1234

check 'a user namespace that denies setgroups(2): refused'
run --userns deny -- -- /probe <<'END'
user: "1234:1234"
supplementary_groups: [44]
seccomp: unconfined
END
refused 111

check 'securebits that are locked the wrong way: refused'
run --securebits 0x2 -- -- /probe <<END
$APP
END
refused 111

check 'a set-user-ID start: refused'
cp /capshim /set-user-id
chmod 4755 /set-user-id
status=0
output=$(/start --clean $NONROOT -- /set-user-id -- /probe 2>&1 </dev/null) || status=$?
refused 111

check 'inheritable capabilities, timers, ignored signals and a personality of the start'
run --inheritable net_raw,sys_admin --timer 3600 --personality 0x40000 --ignore 2 --umask 0027 --fd 9 --fd-path 99 -- \
	-- /probe --fd-end 128 <<END
$APP
END
unprivileged
is personality 0x0 itimer.real off fds 0,1,2 ignored 0x2 umask 0027

check 'what a start with CAP_SYS_RESOURCE has set of its flags is named'
run --io-flusher -- -- /probe --fd-end 16 <<END
$APP
report: text
END
unprivileged
ends 0 'notes: I/O flusher'
output=$(
	echo -500 >/proc/self/oom_score_adj
	ulimit -e 30
	ulimit -r 50
	exec /start --clean -- /capshim -- /probe --fd-end 16 2>&1
)
ends 0 'notes: ulimit nice 30, ulimit rtprio 50, oom_score_adj -500'

check 'a directory as standard input: refused'
stdin=/
run -- -- /probe <<END
$APP
END
refused 111 'it is a directory'
stdin=/dev/null

# --- what is kept

check 'a kept capability is in all five sets, and no other'
run $DOCKER -- -- /probe --fd-end 16 --try-regain <<END
$APP
cap_add: [NET_BIND_SERVICE]
END
unprivileged net_bind_service

check 'a kept capability outlives another execve(2), and works'
ip link set lo up
run $DOCKER -- -- sh -c 'exec /probe --fd-end 16 --bind 80' <<END
$APP
cap_add: [NET_BIND_SERVICE]
END
unprivileged net_bind_service
is bind ok

check 'without it port 80 is closed'
run $DOCKER -- -- /probe --fd-end 16 --bind 80 <<END
$APP
END
unprivileged
is bind EACCES

check 'CAP_CHECKPOINT_RESTORE, the last of all capabilities, can be kept'
run -- -- /probe --fd-end 16 <<END
$APP
cap_add: [CHECKPOINT_RESTORE]
END
unprivileged checkpoint_restore

check 'a capability that the container lacks: refused'
run $DOCKER -- -- /probe <<END
$APP
cap_add: [SYS_ADMIN]
END
refused 111 CAP_SYS_ADMIN

check 'user 0 keeps what is named, and an execve(2) brings nothing back'
run -- -- sh -c 'exec /probe --fd-end 16' <<'END'
user: "0:0"
allow_root: true
supplementary_groups: none
cap_add: [CHOWN]
seccomp: unconfined
END
ends 0
is uid 0,0,0,0 permitted chown effective chown bounding chown securebits "$SECUREBITS"

check 'a set-user-ID program of root gives the workload nothing'
cp /probe /probe-of-root
chmod 4755 /probe-of-root
run -- -- sh -c 'exec /probe-of-root --fd-end 16' <<END
$APP
END
unprivileged

# --- the filter

check 'without the key the default filter is loaded, with unconfined none'
run $DOCKER -- -- /probe --fd-end 16 --try-regain <<'END'
user: app
END
unprivileged
is seccomp 2 groups 44
run $DOCKER -- -- /probe --fd-end 16 <<END
$APP
END
is seccomp 0

# answers KEPT: every system call of this machine, as the simulation of the filter has it.
answers() {
	run -- -- /syscalls <<END
user: app
cap_add: [$1]
END
	ends 0
	printf '%s\n' "$output" >/tmp/calls
	output=$(diff "/expected.calls.${1:-none}" /tmp/calls) || wrong 'the filter answers something else'
	[ "$(wc -l </tmp/calls)" -gt 500 ] || wrong 'too few calls were asked for'
}

check 'every system call gets from this kernel what the simulation of the default filter says'
answers ''

check 'the same with a kept capability'
answers sys_admin

check "a profile in Docker's JSON, and the same compiled"
cat >/etc/profile.json <<'END'
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}
END
for profile in json bpf; do
	run -- -- mkdir /tmp/denied <<END
user: app
seccomp: /etc/profile.$profile
END
	ends 1 'Operation not supported'
	holds [ ! -e /tmp/denied ]
	output=$(/capshim --compile-seccomp /etc/profile.json /etc/profile.bpf 2>&1) || wrong 'it was not compiled'
done

# --- the init

check "an init ends with the workload's status, or with 128+n"
run $DOCKER -- -- sh -c 'exit 7' <<END
$APP
init: true
END
ends 7
run $DOCKER -- -- sh -c 'kill -9 $$' <<END
$APP
init: true
END
ends 137

check 'an init of a workload with a capability has none, no_new_privs and a filter'
printf '%s\ninit: true\ncap_add: [CHOWN]\n' "$APP" >/etc/capshim.yaml
/start --clean -- /capshim -- /probe --fd-end 16 --sleep 100 >/tmp/workload 2>&1 </dev/null &
init=$!
for i in $(seq 300); do
	grep -q '^execfn=' /tmp/workload && break
	sleep 0.1
done
output=$(cat /tmp/workload)
is effective chown permitted chown bounding chown
# The workload may be there before its init is all that it becomes.
for i in $(seq 300); do
	status_of_init=$(grep -E '^(Uid|Cap...|NoNewPrivs|Seccomp):' /proc/$init/status | tr -s '\t\n' ' ')
	case $status_of_init in *'Seccomp: 2 '*) break ;; esac
	sleep 0.1
done
zero=0000000000000000
same 'the init' "$status_of_init" "Uid: 1234 1234 1234 1234 CapInh: $zero CapPrm: $zero CapEff: $zero CapBnd: $zero \
CapAmb: $zero NoNewPrivs: 1 Seccomp: 2 "

check 'an init forwards TERM'
kill -TERM $init
status=0
wait $init || status=$?
ends 143

check 'an init reaps what its workload leaves behind'
# shellcheck disable=SC2016
run -- -- sh -c 'orphan=$( (sleep 0.2 >/dev/null & echo $!) )
	for i in $(seq 300); do [ -e /proc/$orphan ] || exit 7; sleep 0.1; done' <<END
$APP
init: true
END
ends 7

# --- the steps

check mkdir
step <<'END'
  - {mkdir: /data/made/here, mode: 0750, owner: workload}
END
unprivileged
same '/data/made/here' "$(stat -c '%a %u %g' /data/made/here)" '750 1234 1234'

check 'chown, recursive: follows no link and passes hard links over'
mkdir -p /data/tree/below
touch /data/tree/below/file /data/original
ln -s /etc/passwd /data/tree/link
ln /data/original /data/tree/hard-link
chown -h 1234 /data/tree/link
step <<'END'
  - {chown: /data/tree, recursive: true}
END
unprivileged
same 'what was changed' "$(stat -c %u /data/tree /data/tree/below /data/tree/below/file)" "1234${newline}1234${newline}1234"
same 'what was not' "$(stat -c %u /etc/passwd /data/original)" "0${newline}0"

check 'chmod, recursive'
chmod 0700 /data/tree/below
step <<'END'
  - {chmod: /data/tree, recursive: true, file_mode: 0640, dir_mode: 0750}
END
unprivileged
same 'the modes' "$(stat -c %a /data/tree/below /data/tree/below/file)" "750${newline}640"

check 'write, with mode and owner, and not through a link that the workload planted'
mkdir -p /data/written
chown 1234:1234 /data/written
ln -s /etc/group /data/written/planted
chown -h 1234 /data/written/planted
step <<'END'
  - {write: /data/plain, content: "one\n", mode: 0600, owner: workload}
  - {write: /data/written/planted, content: "two\n", on_error: ignore}
END
unprivileged
same /data/plain "$(cat /data/plain) $(stat -c '%a %u' /data/plain)" 'one 600 1234'
holds grep -q '^video:' /etc/group

check copy
mkdir -p /etc/skeleton/below
echo three >/etc/skeleton/below/file
step <<'END'
  - {copy: /etc/skeleton, to: /data/seeded, recursive: true, only_if_empty: true, owner: workload}
END
unprivileged
same 'the copy' "$(cat /data/seeded/below/file) $(stat -c %u /data/seeded/below/file)" 'three 1234'

check template
step --env HERE=filled <<'END'
  - {write: /etc/text.in, content: "$${HERE} $${NOT_HERE}"}
  - {template: /etc/text.in, to: /data/text, variables: [HERE]}
END
unprivileged
# shellcheck disable=SC2016
same /data/text "$(cat /data/text)" 'filled ${NOT_HERE}'

check 'symlink and remove'
touch /data/gone.1 /data/gone.2 /data/stays
step <<'END'
  - {symlink: /data/link, target: stays}
  - {remove: "/data/gone.*"}
END
unprivileged
same /data/link "$(readlink /data/link)" stays
same 'what is left' "$(echo /data/gone* /data/stays)" '/data/gone* /data/stays'

check 'mount: a tmpfs, and a read-only bind mount'
mkdir -p /data/tmpfs /data/bind
step <<'END'
  - {mount: /data/tmpfs, type: tmpfs, options: [nosuid, nodev, size=64k]}
  - {mount: /data/bind, type: bind, source: /etc, options: [ro]}
END
unprivileged
holds grep -q ' /data/tmpfs tmpfs rw,nosuid,nodev,' /proc/mounts
holds grep -q ' /data/bind [a-z]* ro' /proc/mounts
holds [ -e /data/bind/passwd ]

check sysctl
step <<'END'
  - sysctl: {kernel.hostname: from-a-step, fs.nr_open: ">=1000"}
END
unprivileged
same 'the host name' "$(cat /proc/sys/kernel/hostname)" from-a-step

check mknod
step <<'END'
  - {mknod: /data/null, type: c, major: 1, minor: 3, mode: 0666}
  - {mknod: /data/fifo, type: p, owner: workload}
END
unprivileged
same /data/null "$(stat -c '%F %t %T %a' /data/null)" 'character special file 1 3 666'
same /data/fifo "$(stat -c '%F %u' /data/fifo)" 'fifo 1234'

check wait_for
(sleep 1 && touch /data/ready) &
step <<'END'
  - {wait_for: /data/ready, timeout: 60s}
END
unprivileged
holds [ -e /data/ready ]
wait

check accounts
cp /etc/passwd /etc/group /tmp
run -- -- /probe --fd-end 16 <<'END'
user: added
accounts: [{name: added, uid: 777, gid: 778}]
seccomp: unconfined
END
ends 0
is uid 777,777,777,777 gid 778,778,778,778
cp /tmp/passwd /tmp/group /etc

# The programs of run steps are executed through a checked descriptor, execveat(2). On kernels 5.x with TOMOYO among their
# security modules, as Debian's 5.10, that needs the name /dev/fd/N, which every container has and this machine not yet.
check 'run, without /dev/fd: by /proc where the kernel asks for a name'
run -- -- /probe --fd-end 16 <<END
$APP
setup: [{run: [/bin/touch, /data/touched]}]
END
unprivileged
holds [ -e /data/touched ]
ln -s /proc/self/fd /dev/fd

check 'run: as root, and as the user with one capability'
step <<'END'
  - run: [/bin/sh, -c, 'id -u >/data/who; cat >>/data/who']
    stdin: "said\n"
  - run: [/probe, --fd-end, "16"]
    user: workload
    cap_add: [CHOWN]
END
ends 0
same 'who ran' "$(cat /data/who)" "0${newline}said"
is uid 1234,1234,1234,1234 effective chown permitted chown bounding chown no_new_privs 1

check 'run: a program that the workload can write is refused'
mkdir /data/programs
cp /bin/busybox /data/programs/true
chown -R 1234:1234 /data/programs
step <<'END'
  - run: [/data/programs/true]
END
refused 111 /data/programs/true

check 'run: no process of a step is left beside the workload'
step <<'END'
  - run: [/bin/sh, -c, 'setsid sleep 1000 & exit 0']
END
unprivileged
# shellcheck disable=SC2009
same 'what is left' "$(ps -o args | grep -c '[s]leep 1000')" 0

check run_dir
mkdir /etc/hooks
for i in 10 9; do
	printf '#!/bin/sh\necho %s >>/data/order\n' "$i" >/etc/hooks/$i
	chmod 0755 /etc/hooks/$i
done
step <<'END'
  - run_dir: /etc/hooks
END
unprivileged
same 'the order' "$(cat /data/order)" "9${newline}10"

check 'a step that fails: no workload'
step <<'END'
  - copy: /etc/not-there
    to: /data/not-there
END
refused 111 /etc/not-there

# --- refusals

check 'an unknown key and an unknown user: refused'
run -- -- /probe <<'END'
user: app
cap_ad: [CHOWN]
END
refused 100 cap_ad
run -- -- /probe <<'END'
user: nobody-here
END
refused 100 nobody-here

check 'a config that others can write: refused'
echo "$APP" >/etc/loose.yaml
chmod 0666 /etc/loose.yaml
status=0
output=$(/start --clean -- /capshim -c /etc/loose.yaml -- /probe 2>&1 </dev/null) || status=$?
refused 100

check 'a program that is not there, and one that cannot be executed'
run -- -- /not-there <<END
$APP
END
refused 127
run -- -- /etc/passwd <<END
$APP
END
refused 126

check '--check, --explain and --version'
run -- --check <<END
$APP
END
ends 0
run -- --explain <<END
$APP
cap_add: [NET_BIND_SERVICE]
END
ends 0 CAP_NET_BIND_SERVICE
output=$(/capshim --version) || wrong failed
ends 0 capshim

finish
