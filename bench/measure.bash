# shellcheck shell=bash
# shellcheck disable=SC2154 # work, starts, files ... are bench/run's
# The measurements; each prints lines of columns separated by tabs. Sourced by bench/run.

have() { command -v "$1" >/dev/null; }

# variant NAME WORD ...: a line for the timer, unless the program is not there.
variant() {
	local name=$1 words
	shift
	words=$(command -v "$1") || return 0
	shift
	printf '%s\t%s' "$name" "$words"
	[ $# -eq 0 ] || printf '\t%s' "$@"
	printf '\n'
}

# The same environment for all, of the size that containers have.
quiet() { env -i PATH="$PATH" HOME=/root HOSTNAME=bench TERM=dumb "$@"; }

# name, then as timer.c says. The names are those of report.bash's table.
measure_startup() {
	local mark=$work/mark
	local setpriv=(--reuid 1234 --regid 1234 --clear-groups --inh-caps -all --bounding-set -all --no-new-privs)
	local capsh=(--no-new-privs --drop=all --groups= --gid=1234 --uid=1234)

	{
		variant bare "$mark"
		variant minimum "$work/minimum" "$mark"
		variant capshim "$work/capshim" -c "$work/drop.yaml" --
		variant setpriv setpriv "${setpriv[@]}" "$mark"
		variant capsh capsh "${capsh[@]}" -- -c "exec $mark"
		variant capsh-direct capsh "${capsh[@]}" --shell="$mark" --
		variant gosu gosu 1234:1234 "$mark"
		variant su-exec su-exec 1234:1234 "$mark" # Debian has no package of it
		variant minimum-filter "$work/minimum-filter" "$mark"
		variant capshim-filter "$work/capshim" -c "$work/filter.yaml" --
		variant capshim-bpf "$work/capshim" -c "$work/bpf.yaml" --
		variant capshim-json "$work/capshim" -c "$work/json.yaml" --
		variant capshim-steps "$work/capshim" -c "$work/steps.yaml" --
		! have gosu || variant entrypoint "$work/entrypoint" "$mark"
		variant capshim-init "$work/capshim" -c "$work/init-drop.yaml" --
		variant capshim-init-filter "$work/capshim" -c "$work/init.yaml" --
		# -s: the timer is process 1 of nothing, and without it tini writes a warning.
		variant tini-static tini-static -s -- "$mark"
		variant tini tini -s -- "$mark"
		variant dumb-init dumb-init --single-child -- "$mark"
		variant catatonit catatonit -- "$mark"
	} >variants
	quiet ./timer -m "$starts" 10 variants
}

# In a root directory with nothing but capshim, the config and the program, and again with passwd and group.
measure_calls() {
	local kind
	mkdir -p image/etc
	install -m 0755 capshim mark image/
	for kind in ids name; do
		printf 'user: %s\nseccomp: unconfined\n' "$([ $kind = ids ] && echo '"1234:1234"' || echo app)" >image/etc/capshim.yaml
		if [ $kind = name ]; then
			echo 'app:x:1234:1234::/:/bin/false' >image/etc/passwd
			echo 'app:x:1234:' >image/etc/group
		fi
		quiet strace -f -o "calls.$kind" chroot image /capshim -- /mark </dev/null >mark.out
		# The first two are strace's and chroot's.
		awk -v own=2 -f "$here/calls.awk" "calls.$kind" | sed "s/^/$kind	/"
	done
}

# name, bytes, how it is linked
measure_sizes() {
	local name file
	for name in "$work/capshim" "$work/minimum" setpriv capsh gosu su-exec tini-static tini dumb-init catatonit; do
		file=$(command -v "$name") || continue
		printf '%s\t%d\t%s\n' "$(basename "$name")" "$(stat -Lc %s "$file")" \
			"$(readelf -lW "$file" | grep -q INTERP && echo dynamic || echo static)"
	done
}

measure_modules() { awk -f "$here/modules.awk" "$bench/capshim.map"; }

# Docker's profile is in the package of its Go sources, which depends on hundreds: only the file is taken.
docker_profile() {
	local package=golang-github-docker-docker-dev
	if [ -n "${DOCKER_PROFILE:-}" ]; then
		cp "$DOCKER_PROFILE" docker.json
	else
		{ apt-get -q download "$package" || { apt-get -q update && apt-get -q download "$package"; }; } >/dev/null 2>&1 &&
			dpkg-deb --fsys-tarfile "$package"_*.deb | tar -xO --wildcards '*/profiles/seccomp/default.json' >docker.json
	fi
}

# name, value: microseconds a load, nanoseconds a call
measure_filter() {
	local profiles=()
	! docker_profile || profiles=(docker.json)
	"$bench/filter" "$here/../config/seccomp/default.json" "${profiles[@]}" | tr ' ' '\t'
}

# The inits, and how each is told what to run. Names with blanks in them would break: there are none.
inits() {
	local name
	echo "capshim $work/capshim -c $work/init.yaml --"
	for name in tini-static:-- tini:-- dumb-init:--single-child catatonit:--; do
		! have "${name%%:*}" || echo "${name%%:*} ${name%%:*} ${name#*:}"
	done
}

switches() { awk '/ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$1/status"; }

# child_of PID: its child, for which it waits five seconds.
child_of() {
	local end=$((SECONDS + 5))
	until pgrep -P "$1"; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.02
	done
}

# memory PID: its Rss and Pss in KB.
memory() {
	awk '/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } END { print rss "\t" pss; exit rss == "" }' "/proc/$1/smaps_rollup"
}

# name, Rss in KB, Pss in KB, context switches while idle. All of them are process 1 of a PID namespace, at the same time.
# One that does not start, or does not stay, has no row.
measure_idle() {
	local name command outer inner names=() pids=() before=() memory i
	while read -r name command; do
		# shellcheck disable=SC2086 # a command line
		unshare --fork --pid --mount-proc $command sleep 1000 </dev/null >/dev/null 2>&1 &
		outer=$!
		inner=$(child_of "$outer") || { echo "bench: idle: $name did not start" >&2 && continue; }
		names+=("$name") pids+=("$inner") running+=("$inner")
	done < <(inits)
	sleep 1
	for i in "${!pids[@]}"; do before+=("$(switches "${pids[i]}")"); done
	sleep "$idle"
	for i in "${!pids[@]}"; do
		memory=$(memory "${pids[i]}") || { echo "bench: idle: ${names[i]} did not stay" >&2 && continue; }
		printf '%s\t%s\t%d\n' "${names[i]}" "$memory" $(($(switches "${pids[i]}") - before[i]))
	done
	kill -KILL "${pids[@]}" || : # some may have ended
	running=()
	wait
}

# name, orphans per second, from begin to end of the PID namespace; "-" where the init leaves one.
measure_orphans() {
	local name command left
	while read -r name command; do
		# shellcheck disable=SC2086
		left=$(timeout 60 unshare --fork --pid --mount-proc $command "$work/storm" orphans 1000 2>&1 </dev/null) || :
		[[ $left == *left=0* ]] || { printf '%s\t-\n' "$name" && continue; }
		# shellcheck disable=SC2086
		variant "$name" unshare --fork --pid --mount-proc $command "$work/storm" orphans "$orphans" 1000 >&3
	done < <(inits) 3>variants
	./timer "$storms" 0 variants | awk -v count="$orphans" -F '\t' -v OFS='\t' \
		'{ print $1, $2 == "-" ? "-" : sprintf("%.0f", count * 1e6 / $2) }'
}

# state, files, name, seconds (median), KB at the peak
walk() {
	./timer "$3" "$4" variants | awk -v state="$1" -v files="$2" -F '\t' -v OFS='\t' \
		'{ print state, files, $1, $2 == "-" ? "-" : sprintf("%.4f", $2 / 1e6), $NF }'
}

walks_right() {
	variant capshim "$work/capshim" -c "$work/chown-right.yaml"
	variant chown chown -R 2000:2000 "$work/volume"
	variant find find "$work/volume" ! -user 2000 -exec chown 2000:2000 {} +
}

# As a new volume is: all of it root's. It is made so again before each, which is not timed.
walks_first() {
	local round tool
	for ((round = 0; round < 5; round++)); do
		for tool in capshim chown find; do
			chown -R 0:0 "$work/volume"
			case $tool in
			capshim) variant capshim "$work/capshim" -c "$work/chown-differ.yaml" ;;
			chown) variant chown chown -R 3000:3000 "$work/volume" ;;
			find) variant find find "$work/volume" ! -user 3000 -exec chown 3000:3000 {} + ;;
			esac >variants
			walk first "$1" 1 0
		done
	done | sort -t $'\t' -k3,3 -k4,4n | awk -F '\t' '++n[$3] == 3' # the median of five
}

measure_chown() {
	local from=0 size
	for size in $(printf '%s\n' "${sizes[@]}" "$files" | sort -nu); do
		./tree "$work/volume" "$from" "$size" 2000
		from=$size
		walks_right >variants
		if [ "$size" = "$files" ]; then
			variant on_root_mismatch "$work/capshim" -c "$work/chown-top.yaml" >>variants
			walk right "$size" "$walks" 1
			# Each gives the tree to another owner, and none is twice in a row: all differ, every time.
			variant capshim "$work/capshim" -c "$work/chown-differ.yaml" >variants
			variant chown chown -R 3001:3001 "$work/volume" >>variants
			variant find find "$work/volume" ! -user 3002 -exec chown 3002:3002 {} + >>variants
			walk differ "$size" 3 0
			walks_first "$size"
			chown -R 2000:2000 "$work/volume"
		else
			walk right "$size" 1 0
		fi
	done
}
