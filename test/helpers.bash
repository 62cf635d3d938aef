# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are read by the bats files
# shellcheck disable=SC2054 # commas belong to lists of capabilities
# shellcheck disable=SC2154 # status, output and lines are bats'
# Loaded by every bats file. Nothing here judges by what capshim says of itself: the probe prints what it observes,
# and assert_probe compares that.

# shellcheck source=test/bats.bash
source "${BASH_SOURCE[0]%/*}/bats.bash"

REPO=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
CAPSHIM=${CAPSHIM:-$REPO/build/capshim}
PROBE=${PROBE:-$REPO/build/test/probe}
START=${START:-$REPO/build/test/start}

# What bats and its caller export: not for capshim to see.
INHERITED=" $(compgen -e | tr '\n' ' ')"

# Docker's default capabilities.
DOCKER_CAPS=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot
DOCKER_CAPS+=,mknod,audit_write,setfcap

# The supplementary groups that the group file of image_make gives its user app.
APP_GROUPS=44

# A directory for one test, root's and writable by nobody else all the way up: bats' own lies in /tmp, where the trust
# rule refuses everything. Sets T. Call it in setup().
test_dir() {
	T=$(mktemp -d "$CAPSHIM_TEST_ROOT/test.XXXXXX")
	chmod 0755 "$T"
}

# image_make [DIR]: a root file system like one FROM scratch: capshim, the probe, passwd and group, empty directories.
# Sets IMAGE.
image_make() {
	local pattern=$CAPSHIM_TEST_ROOT/pattern

	IMAGE=${1:-$T/image}
	[ -d "$pattern" ] || image_pattern "$pattern"
	mkdir -p "$IMAGE"
	cp -a "$pattern/." "$IMAGE/"
	image_needs
}

# What image_make copies, made once.
image_pattern() {
	mkdir -p "$1"/{etc,dev,proc,tmp,data}
	chmod 1777 "$1/tmp"
	install -m 0755 "$CAPSHIM" "$1/capshim"
	install -m 0755 "$PROBE" "$1/probe"
	cat >"$1/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		app:x:1234:1234:App:/data:/bin/false
		other:x:2345:2345::/:/bin/false
	END
	cat >"$1/etc/group" <<-'END'
		root:x:0:
		app:x:1234:
		video:x:44:app
		other:x:2345:
	END
	chmod 0644 "$1/etc/passwd" "$1/etc/group"
}

# image_needs: puts into IMAGE what a capshim needs that is not static (see setup_suite.bash): nothing, as a rule.
image_needs() {
	[ ! -d "$CAPSHIM_TEST_ROOT/needs" ] || cp -al "$CAPSHIM_TEST_ROOT/needs/." "$IMAGE/"
}

# observe COMMAND ...: bats' `run`, without its opinion on status 127, which is one of capshim's own.
observe() {
	status=0
	output=$("$@" 2>&1) || status=$?
	mapfile -t lines <<<"$output"
}

# start_state NAME: sets STATE to the options of test/fixtures/start.c that make this start.
start_state() {
	case $1 in
	root) STATE=() ;;
	docker) STATE=(--bounding "$DOCKER_CAPS") ;;
	minimal) STATE=(--bounding setuid,setgid,setpcap) ;;
	no_setpcap) STATE=(--without setpcap) ;;
	no_setpcap_bare) STATE=(--bounding setuid,setgid) ;;
	no_setuid) STATE=(--without setuid) ;;
	no_setgid) STATE=(--without setgid) ;;
	nonroot_full) STATE=(--groups none --gid 1234 --uid 1234) ;;
	nonroot) STATE=(--bounding "$DOCKER_CAPS" --groups none --gid 1234 --uid 1234) ;;
	nonroot_empty) STATE=(--bounding none --groups none --gid 1234 --uid 1234) ;;
	nonroot_ambient)
		STATE=(--groups none --keepcaps --gid 1234 --uid 1234 --ambient net_bind_service)
		;;
	nnp) STATE=(--bounding "$DOCKER_CAPS" --nnp) ;;
	userns) STATE=(--userns 0:0:65536) ;;       # every id mapped to itself
	userns_single) STATE=(--userns 0:0:1) ;;    # only root is mapped
	userns_deny) STATE=(--userns deny) ;;       # setgroups(2) forbidden
	keepcaps_locked) STATE=(--securebits 0x20) ;; # KEEP_CAPS can never be set again
	fixup_locked) STATE=(--securebits 0xc) ;;   # NO_SETUID_FIXUP can never be cleared
	noroot_locked) STATE=(--securebits 0x2) ;;  # NOROOT can never be set
	*) fail "no start state $1" ;;
	esac
}

# capshim_run [OPTION ...] [-- ARGUMENT ...] with the config on standard input: runs capshim with it and sets
# $status, $output (both streams) and $lines as bats' run does. The arguments are capshim's own: options, then `--` or a
# command. The descriptors and the environment are those of a container, not of bats: PATH, HOME, and what stands in
# front (NAME=VALUE capshim_run ...).
#
#	--start NAME      a start_state; the default is root
#	--env NAME=VALUE  one more entry as it stands; also a second PATH, or no NAME at all
#	--with OPTION     one more word for test/fixtures/start.c; any number of times, after those of --start
#	--pid1            as process 1 of a new PID namespace
#	--image           inside $IMAGE (chroot) as process 1, with the config as /etc/capshim.yaml and no -c
#	--no-proc         with --image: no /proc (otherwise it has one)
#	--read-only       with --image: the root file system is mounted read-only
#	--bind /FILE:/OTHER with --image: FILE is mounted over OTHER
#	--config FILE     this file instead of standard input
#	--stdin FILE      standard input of capshim; the default is /dev/null
#	--timeout SECONDS the default is 60
capshim_run() {
	local pid1='' image='' proc=1 readonly='' config='' stdin=/dev/null limit=60 name STATE=() with=() mounts=()
	local clean=(--clean --env "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" --env HOME=/root)

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--pid1) pid1=1 ;;
		--image) image=1 ;;
		--no-proc) proc='' ;;
		--read-only) readonly=1 ;;
		*)
			capshim_option "$1" "$2" || return
			shift
			;;
		esac
		shift
	done
	[ $# -eq 0 ] || shift
	for name in $(compgen -e); do
		[[ $INHERITED == *" $name "* || $name == BATS_* ]] || clean+=(--env "$name=${!name}")
	done
	if [ -z "$config" ]; then
		config=$T/capshim.yaml
		[ -z "$image" ] || config=$IMAGE/etc/capshim.yaml
		cat >"$config"
		chmod 0644 "$config"
	fi
	STATE=("${clean[@]}" "${STATE[@]}" "${with[@]}" --)
	if [ -n "$image" ]; then
		[ -z "$proc" ] || mounts+=(--proc "$IMAGE")
		[ -z "$readonly" ] || mounts+=(--read-only "$IMAGE")
		observe timeout -k 5 "$limit" unshare --fork --pid --mount --kill-child \
			"$START" --container "$IMAGE" "${mounts[@]}" --chroot "$IMAGE" "${STATE[@]}" /capshim "$@" <"$stdin"
	elif [ -n "$pid1" ]; then
		observe timeout -k 5 "$limit" unshare --fork --pid --mount-proc --kill-child \
			"$START" "${STATE[@]}" "$CAPSHIM" -c "$config" "$@" <"$stdin"
	else
		observe timeout -k 5 "$limit" "$START" "${STATE[@]}" "$CAPSHIM" -c "$config" "$@" <"$stdin"
	fi
}

# An option of capshim_run with a value, into its variables.
capshim_option() {
	case $1 in
	--start) start_state "$2" ;;
	--env) with+=(--env "$2") ;;
	--with) with+=("$2") ;;
	--bind) mounts+=(--bind "$IMAGE${2%:*}:$IMAGE${2#*:}") ;;
	--config) config=$2 ;;
	--stdin) stdin=$2 ;;
	--timeout) limit=$2 ;;
	*) fail "capshim_run: $1" ;;
	esac
}

# probe_find KEY: sets FOUND to the value that the probe printed in $output. Fails where it printed none.
probe_find() {
	local text=$'\n'$output

	[[ $text == *$'\n'"$1="* ]] || return 1
	text=${text#*$'\n'"$1="}
	FOUND=${text%%$'\n'*}
}

# probe_value KEY: prints it.
probe_value() {
	probe_find "$1" && printf '%s\n' "$FOUND"
}

# Each of the following returns at the first difference by itself: bats' errexit is off in `run`, `if`, `||` and `&&`.

# assert_probe KEY VALUE [KEY VALUE ...]
assert_probe() {
	while [ $# -gt 0 ]; do
		probe_find "$1" || fail "the probe did not print $1:
$output" || return
		[ "$FOUND" = "$2" ] || fail "$1 is '$FOUND' instead of '$2' in:
$output" || return
		shift 2
	done
}

# assert_unprivileged ID [KEEP]: the whole promise at once: user and group ID everywhere, exactly the capabilities
# KEEP (comma-separated, as the probe prints them) in all five sets, no_new_privs, the securebits.
assert_unprivileged() {
	local keep=${2:-}

	assert_success && assert_probe uid "$1,$1,$1,$1" gid "$1,$1,$1,$1" \
		inheritable "$keep" permitted "$keep" effective "$keep" bounding "$keep" ambient "$keep" \
		no_new_privs 1 securebits 0xcb keepcaps 0
}

# assert_no_way_back: after `probe --try-regain`, without kept capabilities. A user namespace is the seccomp filter's
# to refuse.
assert_no_way_back() {
	local way

	for way in setuid setreuid setresuid saved_uid setfsuid setgid setresgid setgroups cleargroups capset \
		inheritable ambient securebits mount_namespace chroot; do
		assert_probe "regain.$way" EPERM || return
	done
	# PR_SET_KEEPCAPS gains nothing, and programs that drop by themselves take its refusal for fatal.
	assert_probe regain.no_new_privs EINVAL regain.keepcaps ok
}

# assert_refused STATUS TEXT ...: that exit status, every TEXT in what was said, and no workload.
assert_refused() {
	local text

	assert_failure "$1" && refute_workload || return
	shift
	for text in "$@"; do
		assert_output --partial "$text" || return
	done
}

# The workload did not run: the probe would have printed its ids.
refute_workload() {
	refute_line --regexp '^uid='
}

# wait_until [SECONDS] COMMAND ...: for what happens in another process, at once where the machine has nothing else to do, and
# for SECONDS where a minute may not be enough. Fails, and says so, where it never happens; also behind && and ||, where a
# mere failure inside of a function would not end it.
wait_until() {
	local seconds=60

	if [[ $1 == [0-9]* ]]; then
		seconds=$(($1 > 60 ? $1 : 60))
		shift
	fi
	local end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "still not so: $*" || return
		sleep 0.05
	done
}
