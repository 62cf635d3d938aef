#!/bin/bash
# Prints the table of the four starts of the README, from a run: what the workload gets without capshim and with it.
# The start is root or not, with every capability of this machine in the bounding set or with Docker's default ones.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
capshim=${CAPSHIM:-$repo/build/capshim} probe=${PROBE:-$repo/build/test/probe} start=${START:-$repo/build/test/start}
docker_caps=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot
docker_caps+=,mknod,audit_write,setfcap

# Set-user-ID programs need a file system that is not mounted nosuid, which /run and /tmp often are.
work=$(mktemp -d /var/lib/capshim-starts.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
install -m 0755 "$probe" "$work/probe"
install -m 4755 "$probe" "$work/set-user-id"
printf '%s\n' 'user: "1234:1234"' >"$work/capshim.yaml"
chmod 0644 "$work/capshim.yaml"

# field NAME N: what the probe said of NAME, the Nth time: the second is the set-user-ID program's.
field() {
	sed -n "s/^$1=//p" "$work/out" | sed -n "$2p"
}

# A set in words: "all" is all that the start had.
set_of() {
	local set=$1 count

	count=$(tr ',' '\n' <<<"$set" | grep -c . || :)
	case $set in
	'') echo none ;;
	"$everything") echo 'every one' ;;
	"$docker_caps") echo "Docker's 14" ;;
	*) echo "$count" ;;
	esac
}

everything=$("$probe" | sed -n 's/^bounding=//p')

row() { # START LABEL COMMAND ...
	local label=$1 who=$2 options=()

	shift 2
	[[ $label != root* ]] && options=(--groups none --gid 1234 --uid 1234)
	[[ $label == *default* ]] && options=(--bounding "$docker_caps" "${options[@]}")
	timeout 20 "$start" --clean "${options[@]}" -- "$@" "$work/probe" --exec "$work/set-user-id" >"$work/out" </dev/null
	printf '| %s | %s | %s | %s | %s | uid %s with %s |\n' "$label" "$who" "$(field uid 1 | cut -d, -f1)" \
		"$(set_of "$(field permitted 1)")" "$(set_of "$(field bounding 1)")" \
		"$(field uid 2 | cut -d, -f2)" "$(set_of "$(field permitted 2)")"
}

echo '| start | | uid | permitted | bounding | a set-user-ID root program gets |'
echo '|---|---|---|---|---|---|'
for label in 'root, full bounding set' 'root, default bounding set' 'user, full bounding set' \
	'user, default bounding set'; do
	row "$label" 'without capshim'
	row "$label" '**with capshim**' "$capshim" -c "$work/capshim.yaml" --
done
