#!/bin/bash
# What capshim does, without a container engine: process 1 of a PID namespace with the capabilities that Docker gives
# to a container, before and after. For `make demo`; changes nothing outside of its own namespaces.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
capshim=${CAPSHIM:-$repo/build/capshim}
probe=${PROBE:-$repo/build/test/probe}
start=${START:-$repo/build/test/start}
docker_caps=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot
docker_caps+=,mknod,audit_write,setfcap

[ "$(id -u)" = 0 ] || {
	echo "the demo starts as root, as a container does: run it as root" >&2
	exit 1
}

# capshim reads its config only from where nobody but root can write: not /tmp, and perhaps not this checkout. /run is
# often mounted noexec.
work=$(mktemp -d /var/lib/capshim-demo.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
install -m 0755 "$probe" "$work/probe"
install -m 0644 "$repo/config/examples/demo.yaml" "$work/demo.yaml"

# Process 1 in namespaces of its own, with Docker's capabilities; /mnt stands for the container's writable files.
container() {
	timeout 20 unshare --fork --pid --mount-proc --net --kill-child \
		sh -c 'mount -t tmpfs tmpfs /mnt && exec "$@"' sh \
		"$start" --bounding "$docker_caps" --groups none -- "$@" </dev/null
}

# What the probe said of KEY in FILE; a lot of capabilities is only counted.
value() { # FILE KEY
	local text count

	text=$(grep "^$2=" "$1") || { echo "$1 says nothing of $2" >&2 && exit 1; }
	text=${text#*=}
	count=$(tr ',' '\n' <<<"$text" | wc -l)
	[ "$count" -lt 5 ] || text="$count capabilities"
	echo "${text:-none}"
}

table() { # TITLE, then lines KEY LABEL
	local key label before after

	printf '%-36s %-20s %s\n' "$1" 'without capshim' 'with capshim'
	while read -r key label; do
		before=$(value "$work/before" "$key") && after=$(value "$work/after" "$key")
		printf '%-36s %-20s %s\n' "  $label" "$before" "$after"
	done
	echo
}

container "$work/probe" --bind 80 --try-regain >"$work/before"
container "$capshim" -c "$work/demo.yaml" -- "$work/probe" --bind 80 --try-regain >"$work/after"

echo "The config:"
grep -v '^#' "$repo/config/examples/demo.yaml" | sed 's/^\(.\)/    \1/'
echo
table 'What process 1 holds' <<'END'
uid user: real, effective, saved, fs
gid group: the same
inheritable inheritable set
permitted permitted set
effective effective set
bounding bounding set
ambient ambient set
no_new_privs no_new_privs
securebits securebits (0xcb: locked)
END
table 'What it can do' <<'END'
bind bind port 80
regain.setuid become root: setuid(0)
regain.setgroups setgroups
regain.capset take one capability more
regain.chroot chroot
regain.securebits change its securebits
END
