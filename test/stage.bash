#!/bin/bash
# Process 1 of a PID namespace, with a network and a /run of its own: starts a daemon, and prints what it and its children
# hold. Part of 466-real-daemons.bats.
#
#	stage.bash PREPARE READY COMMAND ...
#
# PREPARE and READY are shell code: READY holds as soon as the daemon serves. One line for each process, sorted: "main" or
# "child", the name, real to file system uid, and the permitted, effective and bounding set.
set -eu
prepare=$1 ready=$2
shift 2

ip link set lo up
mount -t tmpfs -o mode=0755 tmpfs /run
eval "$prepare"

"$@" </dev/null >&2 &
main=$!

# For READY: there is a child of this name.
child() {
	look && [[ ${LINES[*]} == *"child $1 "* ]]
}

# For READY: those of KIND have stepped down, which a child does after it was forked and the daemon after its socket is open;
# and no longer hold what PR_SET_KEEPCAPS kept for a moment.
stepped_down() {
	local line kind uid permitted effective

	look
	for line in "${LINES[@]}"; do
		read -r kind _ uid permitted effective _ <<<"$line"
		[ "$kind" != "$1" ] || { [[ $uid != 0,* ]] && [ "$permitted" = "$effective" ]; } || return
	done
}

# look: fills LINES. Whatever ends meanwhile is passed over.
look() {
	local status pid kind line key value

	LINES=()
	for status in /proc/[0-9]*/status; do
		pid=${status//[!0-9]/} kind=child line=''
		[ "$pid" != 1 ] || continue
		[ "$pid" != "$main" ] || kind=main
		while read -r key value; do
			case $key in
			Name: | CapPrm: | CapEff: | CapBnd:) line+=" $value" ;;
			Uid:) line+=" ${value//[[:space:]]/,}" ;;
			esac
		done 2>/dev/null <"$status" || continue
		LINES+=("$kind$line")
	done
}

i=0
until eval "$ready" 2>/dev/null; do # in no child, which would be seen
	if ! kill -0 "$main" 2>/dev/null || ((++i > 300)); then
		echo "stage: it does not serve" >&2
		exit 1
	fi
	sleep 0.05
done
look
printf '%s\n' "${LINES[@]}" | sort -u
kill "$main"
i=0
while kill -0 "$main" 2>/dev/null && ((++i < 60)); do
	sleep 0.05
done
kill -KILL "$main" 2>/dev/null || true
wait "$main" || true
