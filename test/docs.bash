#!/bin/bash
# The parts of README.md and doc/ that are output: `test/docs.bash FILE` prints FILE with what stands between
# <!-- begin: NAME --> and <!-- end: NAME --> made anew. A test compares; to bring one up to date:
#
#	make fixtures && test/docs.bash README.md >README.new && mv README.new README.md
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
export CAPSHIM=${CAPSHIM:-$repo/build/capshim} PROBE=${PROBE:-$repo/build/test/probe} START=${START:-$repo/build/test/start}
LEARN=${LEARN:-$repo/build/capshim-learn}
docker_caps=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot
docker_caps+=,mknod,audit_write,setfcap

# Not below /tmp: capshim reads a config only from where nobody but root can write.
work=$(mktemp -d /var/lib/capshim-docs.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"

fenced() { # LANGUAGE, then text on standard input
	printf '```%s\n' "$1"
	cat
	printf '```\n'
}

block_demo() {
	{
		echo '$ make demo'
		"$repo/test/demo.sh" | sed '$ { /^$/d }'
	} | fenced console
}

# What the kernel says of process 1: grep(1) is the workload, and looks at itself.
process_one() { # COMMAND ...
	timeout 20 unshare --fork --pid --mount-proc --kill-child "$START" --clean --bounding "$docker_caps" --groups none -- \
		"$@" /bin/grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/1/status </dev/null
}

block_status() {
	printf '%s\n' 'user: www-data' 'cap_add: [NET_BIND_SERVICE]' >"$work/capshim.yaml"
	chmod 0644 "$work/capshim.yaml"
	# shellcheck disable=SC2016 # the backticks are Markdown's
	echo '| /proc/1/status | without capshim | with `user: www-data`, `cap_add: [NET_BIND_SERVICE]` |'
	echo '|---|---|---|'
	# The runtime's own filter is not part of this: no engine is used here.
	# shellcheck disable=SC2016
	join -t '|' <(process_one | status_fields) <(process_one "$CAPSHIM" -c "$work/capshim.yaml" -- | status_fields) |
		sort -n | sed -E 's/^[0-9]+ ([^|]*)\|([^|]*)\|(.*)$/| \1 | `\2` | `\3` |/; s/`` /none /g; s/``/none/g'
}

status_fields() {
	sed -E 's/:[[:space:]]*/|/; s/[[:space:]]+$//; s/[[:space:]]+/ /g' | awk '{ printf "%02d %s\n", NR, $0 }'
}

block_starts() {
	"$repo/test/starts.bash"
}

# The README's first config, in an image that has nothing but its user and its program.
block_explain() {
	local image=$work/image

	mkdir -p "$image"/etc "$image"/usr/bin "$image"/data
	install -m 0755 "$CAPSHIM" "$image/capshim"
	install -m 0755 "$PROBE" "$image/usr/bin/server"
	echo 'app:x:1000:1000::/:/bin/false' >"$image/etc/passwd"
	awk '/^ *```yaml config$/ { inside = 1; next } /^ *```$/ { if (inside) exit } inside { sub(/^   /, ""); print }' \
		"$repo/README.md" >"$image/etc/capshim.yaml"
	chmod 0644 "$image"/etc/*
	{
		echo '$ docker run --rm --entrypoint /capshim IMAGE --explain'
		timeout 20 "$START" --clean --bounding "$docker_caps" --groups 0 --env PATH=/usr/bin --chroot "$image" -- \
			/capshim --explain </dev/null
	} | fenced console
}

# An image that has nothing to do with capshim, which is mounted into it.
block_inspect() {
	local image=$work/stranger

	mkdir -p "$image"/usr/bin "$image"/proc "$image"/dev
	install -m 0755 "$CAPSHIM" "$image/capshim"
	install -m 4755 "$PROBE" "$image/usr/bin/su"
	install -m 0755 "$PROBE" "$image/usr/bin/ping"
	setcap cap_net_admin+ep "$image/usr/bin/ping"
	{
		# shellcheck disable=SC2016 # as it is typed
		echo '$ docker run --rm -v $PWD/build/capshim:/capshim:ro --entrypoint /capshim IMAGE --inspect'
		timeout 20 unshare --fork --pid --mount --kill-child "$START" --container "$image" --proc "$image" --chroot "$image" \
			--clean --bounding "$docker_caps" --env PATH=/usr/bin --groups none --gid 1000 --uid 1000 -- /capshim --inspect
	} | fenced console
}

# How long it took, and on which kernel, is not the same elsewhere.
block_learn() {
	{
		cat <<-'END'
			$ docker run --rm --sysctl net.ipv4.ip_unprivileged_port_start=1024 \
			    -v $PWD/build/capshim-learn:/capshim-learn:ro --entrypoint /capshim-learn IMAGE \
			    --user www-data --check "bash -c '</dev/tcp/127.0.0.1/80'" -- python3 -m http.server 80
		END
		cd /
		timeout 60 unshare --fork --pid --net --mount --mount-proc --kill-child sh -c \
			'mount -t tmpfs none /sys/kernel && ip link set lo up && exec "$@"' sh \
			"$START" --clean --bounding "$docker_caps" --groups none --env PATH=/usr/bin:/bin -- "$LEARN" \
			--user www-data --check "bash -c '</dev/tcp/127.0.0.1/80'" -- python3 -m http.server 80 </dev/null 2>&1 |
			sed -E '/^not by perf/d; s/ after [0-9.]+ s/ after 0.4 s/; s/^(learned on Linux )[^ ]+(.*) [0-9.]+ s$/\16.18\2 1.6 s/'
	} | fenced console
}

# Refusals that a newcomer meets, as they are said.
refusal() { # TITLE CONFIG START-OPTION ...
	local title=$1 config=$2 status=0
	shift 2
	printf '%s' "$config" >"$work/capshim.yaml"
	chmod 0644 "$work/capshim.yaml"
	echo "# $title"
	(cd "$work" && timeout 20 "$START" --clean "$@" -- "$CAPSHIM" -c capshim.yaml -- /bin/true 2>&1 </dev/null) || status=$?
	echo "# status $status"
}

block_refusals() {
	{
		refusal 'a misspelt key and a mode without its 0' $'user: www-data\ncap_ad: [CHOWN]\numask: 27\n'
		refusal 'cap_drop: ALL without SETPCAP' $'user: www-data\n' --bounding setuid,setgid
		refusal 'a start without root, with other ids' $'user: www-data\n' --groups none --gid 1234 --uid 1234
		refusal 'an id that is none, from the environment' $'user: "${PUID}"\n' --env PUID=4294967296
	} | fenced console
}

end=''
while IFS= read -r line; do
	case $line in
	'<!-- begin: '*' -->')
		echo "$line"
		name=${line#'<!-- begin: '}
		end="<!-- end: ${name% -->} -->"
		"block_${name% -->}"
		;;
	"$end") end='' && echo "$line" ;;
	*) [ -n "$end" ] || printf '%s\n' "$line" ;;
	esac
done <"$1"
