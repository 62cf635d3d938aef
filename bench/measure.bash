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

# files, name, seconds (median), KB at the peak: does the memory grow with the tree?
measure_chown() {
	local from=0 size
	step_config chown "chown: $work/volume, owner: '2000:2000'"
	variant capshim "$work/capshim" -c "$work/chown.yaml" >variants
	variant chown chown -R 2000:2000 "$work/volume" >>variants
	for size in "${sizes[@]}"; do
		./tree "$work/volume" "$from" "$size" 2000 0
		from=$size
		./timer 1 0 variants | awk -v files="$size" -F '\t' -v OFS='\t' \
			'{ print files, $1, $2 == "-" ? "-" : sprintf("%.4f", $2 / 1e6), $NF }'
	done
	rm -rf "$work/volume"
}

# turns ROUNDS WHERE WHAT PREPARE ...: where, what, name, seconds (median), KB at the peak. Each command of the file
# "variants" in turn, after what PREPARE does, which is not timed.
turns() {
	local rounds=$1 where=$2 what=$3 round line
	shift 3
	for ((round = 0; round < rounds; round++)); do
		while IFS= read -r line; do
			"$@" >&2
			printf '%s\n' "$line" >variant
			./timer 1 0 variant
		done < <(if ((round % 2)); then tac variants; else cat variants; fi)
	done | sort -t $'\t' -k1,1 -k2,2n | awk -v where="$where" -v what="$what" -F '\t' -v OFS='\t' '
		{ if ($2 == "-") failed[$1]; n[$1]++; seconds[$1, n[$1]] = $2 / 1e6; if ($NF + 0 > peak[$1]) peak[$1] = $NF }
		END { for (name in n)
			print where, what, name, name in failed ? "-" : sprintf("%.4f", seconds[name, int((n[name] + 1) / 2)]), peak[name] }'
}

# beside STEP COMMAND ...: the step, and what it is measured against.
beside() {
	step_config tree "$1"
	shift
	variant capshim "$work/capshim" -c "$work/tree.yaml" >variants
	variant other "$@" >>variants
}

# What is measured next begins with a copy, or with none and with all files on the disk.
with_copy() { [ -e "$1/copy" ] || cp -a "$1/tree" "$1/copy"; }
without_copy() { rm -rf "$1/copy" && sync -f "$1"; }

# trees FILE-SYSTEM: chown, chmod, copy, remove.
trees() {
	local fs=$1 at=$work/$1
	local tree=$at/tree copy=$at/copy
	./tree "$tree" 0 "$files" 2000 1024
	sync -f "$at"
	beside "chown: $tree, owner: '2000:2000'" chown -R 2000:2000 "$tree"
	turns "$walks" "$fs" chown-right true
	beside "chown: $tree, owner: '3000:3000'" chown -R 3000:3000 "$tree"
	turns "$walks" "$fs" chown-roots chown -R 0:0 "$tree"
	turns "$walks" "$fs" chown-others chown -R 2000:2000 "$tree"
	chown -R 0:0 "$tree"
	beside "chmod: $tree, file_mode: '0644', dir_mode: '0755'" chmod -R u=rwX,go=rX "$tree"
	turns "$walks" "$fs" chmod-right true
	beside "chmod: $tree, file_mode: '0640', dir_mode: '0750'" chmod -R o= "$tree"
	turns "$walks" "$fs" chmod-differ chmod -R u=rwX,go=rX "$tree"
	chmod -R u=rwX,go=rX "$tree"
	beside "copy: $tree, to: $copy, sync: false" cp -aT "$tree" "$copy"
	turns "$copies" "$fs" copy-new without_copy "$at"
	turns "$copies" "$fs" copy-right true
	beside "copy: $tree, to: $copy, owner: workload, sync: false" cp -aT "$tree" "$copy"
	turns "$copies" "$fs" copy-given without_copy "$at"
	beside "copy: $tree, to: $copy" sh -c "cp -aT $tree $copy && sync -f $copy"
	turns "$copies" "$fs" copy-synced without_copy "$at"
	beside "remove: $copy" rm -rf "$copy"
	turns "$copies" "$fs" remove with_copy "$at"
}

# On file systems of their own: ext4 in a file on this disk, and tmpfs. Without mounts there are no rows.
measure_trees() {
	mkdir -p ext4 tmpfs
	truncate -s 2G ext4.img && mkfs.ext4 -q -F -N $((files * 3 + 10000)) ext4.img
	if mount -o loop ext4.img ext4; then
		trees ext4
		umount ext4
	fi
	rm -f ext4.img
	if mount -t tmpfs -o size=2g,mode=0755 none tmpfs; then
		trees tmpfs
		umount tmpfs
	fi
}
