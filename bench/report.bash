# shellcheck shell=bash
# shellcheck disable=SC2154 # results is bench/run's
# From the raw numbers to a table and a plot. Sourced by bench/run.

# name|what it is measured against|what the row is called|what it does
rows() {
	cat <<-'END'
		minimum|minimum|bare minimum|the calls of the drop and its proof, for one kind of start, fixed ids, no config (bench/minimum.c)
		capshim|minimum|**capshim**|20-line config, drop, proof; no filter
		setpriv|minimum|setpriv|ids, groups, bounding set, no_new_privs; no proof, no config
		capsh|minimum|capsh|the same as setpriv, through its shell, which it starts by itself
		capsh-direct|minimum|capsh --shell=PROGRAM|the same, with the program in place of the shell
		gosu|minimum|gosu|ids and groups only
		su-exec|minimum|su-exec|ids and groups only
		minimum-filter|minimum-filter|bare minimum + filter|the same default filter as finished BPF, and its canary
		capshim-filter|minimum-filter|**capshim + default filter**|the default
		capshim-bpf|minimum-filter|**capshim + FILE.bpf**|a profile of the same rules, compiled while the image is built
		capshim-json|minimum-filter|**capshim + FILE.json**|the same rules, compiled at each start
		capshim-steps|minimum-filter|**capshim + filter + 5 steps**|mkdir, chown of 15 files, write, symlink, chmod
		entrypoint|minimum|shell script + gosu|the same steps, then ids and groups only; no filter
		capshim-init|minimum|**capshim, init**|drop and proof of two processes; no filter
		capshim-init-filter|minimum-filter|**capshim, init + filters**|as above, with the default filter, and the init's own
		tini-static|minimum|tini-static|gives nothing up
		tini|minimum|tini|gives nothing up
		dumb-init|minimum|dumb-init|gives nothing up
		catatonit|minimum|catatonit|gives nothing up
	END
}

# value FILE NAME COLUMN
value() { awk -F '\t' -v name="$2" -v column="$3" '$1 == name { print $column }' "$results/$1.tsv"; }

# Added: beyond the bare exec of the same program. The end: from the workload's last act until its parent knows.
report_startup() {
	echo "Microseconds from exec until the workload runs, beyond what running it directly takes ($(value startup bare 4)):" \
		"median, and tenth percentile; then times the bare minimum (that with a filter, in rows with one), which most rows do" \
		"more or less than: the second column says what; then until its end is known."
	echo
	echo '| | what it does | added | p10 | x bare minimum | end |'
	echo '|---|---|--:|--:|--:|--:|'
	rows | awk -F '|' -v file="$results/startup.tsv" '
		BEGIN {
			while ((getline line <file) > 0) {
				split(line, f, "\t")
				median[f[1]] = f[4]; tenth[f[1]] = f[5]; end[f[1]] = f[6]
			}
		}
		!($1 in median) { next }
		median[$1] == "-" { printf "| %s | %s | failed | | | |\n", $3, $4; next }
		{
			added = median[$1] - median["bare"]
			minimum = median[$2] - median["bare"]
			printf "| %s | %s | %.0f | %.0f | %s | %.0f |\n", $3, $4, added, tenth[$1] - tenth["bare"],
				(minimum > 0 ? sprintf("%.2f", added / minimum) : ""), end[$1]
		}'
	report_capsh
}

# The one comparison that is not as good as it should be: with a shell, capsh is slower than it is.
report_capsh() {
	local direct shell verdict='within 0.35'
	direct=$(over capshim capsh-direct) shell=$(over capshim capsh)
	[[ $direct != - && $shell != - ]] || return 0
	[ "$(awk -v x="$direct" 'BEGIN { print (x > 0.35) }')" = 0 ] || verdict='above 0.35: that goal is missed'
	echo
	printf '%s %.2f %s %.2f, %s. %s\n' \
		'capshim is to add at most 0.3 times what gosu, setpriv and capsh add. By capsh with its shell it is' "$shell" \
		"times; like for like, by \`capsh --shell=PROGRAM\`," "$direct" "$verdict" \
		'capsh does less there, and nothing more: no config, no locked securebits, no descriptors closed, no proof.'
}

report_calls() {
	local kind total sets
	for kind in ids name; do
		total=$(awk -F '\t' -v kind=$kind '$1 == kind { n += $3 } END { print n }' "$results/calls.tsv")
		sets=$(awk -F '\t' -v kind=$kind '$1 == kind && $2 ~ /^capability sets/ { n += $3 } END { print n }' "$results/calls.tsv")
		echo "System calls from start to execve, config of two lines," \
			"$([ $kind = ids ] && echo 'user by ids, no passwd' || echo 'user by name')": \
			"**$total**, of which $sets for the capability sets."
		echo
	done
	echo '| what for | ids | name |'
	echo '|---|--:|--:|'
	awk -F '\t' '
		!($2 in seen) { seen[$2] = 1; order[++n] = $2 }
		{ count[$1, $2] = $3 }
		END { for (i = 1; i <= n; i++) printf "| %s | %d | %d |\n", order[i], count["ids", order[i]], count["name", order[i]] }
	' "$results/calls.tsv"
}

report_sizes() {
	echo '| program | bytes | linked |'
	echo '|---|--:|---|'
	awk -F '\t' '{ printf "| %s | %d | %s |\n", $1 == "capshim" ? "**capshim**" : $1, $2, $3 }' "$results/sizes.tsv"
	echo
	echo "What is in capshim's: $(awk -F '\t' '{ printf "%s%s %d", (NR > 1 ? ", " : ""), $1, $2 }' "$results/modules.tsv")."
}

report_filter() {
	awk -F '\t' '
		{ value[$1] = $2 }
		END {
			printf "Loading the default filter: %.0f us; libseccomp building the same rules at start and loading them: " \
				"%.0f us (x %.2f).\n", value["load.builtin"], value["load.libseccomp"],
				value["load.builtin"] / value["load.libseccomp"]
			printf "A getppid(2): %.0f ns without a filter, %.0f under the default", value["getppid.unfiltered"],
				value["getppid.builtin"]
			if ("getppid.docker.json" in value)
				printf ", %.0f under Docker'\''s", value["getppid.docker.json"]
			print "."
		}' "$results/filter.tsv"
}

report_inits() {
	echo "Process 1 of a PID namespace: idle for $idle s; then $orphans orphans, from begin to end of the namespace."
	echo
	echo '| init | Rss KB | Pss KB | wake-ups while idle | orphans/s |'
	echo '|---|--:|--:|--:|--:|'
	awk -F '\t' -v file="$results/orphans.tsv" '
		BEGIN { while ((getline line <file) > 0) { split(line, f, "\t"); orphans[f[1]] = f[2] } }
		{ printf "| %s | %d | %d | %d | %s |\n", $1 == "capshim" ? "**capshim**" : $1, $2, $3, $4, orphans[$1] }
	' "$results/idle.tsv"
}

# what|what it is measured against|what the row is called|the goal: at most so many times that
tree_rows() {
	cat <<-'END'
		chown-right|chown -R|chown, all right already|0.5
		chown-roots|chown -R|chown, all differ, root's (a new volume)|1
		chown-others|chown -R|chown, all differ, another user's|1
		chmod-right|chmod -R|chmod, all right already|0.5
		chmod-differ|chmod -R|chmod, all differ|1
		copy-new|cp -a|copy, `sync: false`|1
		copy-given|cp -a|copy, `owner: workload`, `sync: false`|1
		copy-right|cp -a|copy, all right already|0.5
		copy-synced|cp -a, sync -f|copy|1
		remove|rm -rf|remove|1
	END
}

# tree_seconds WHERE WHAT NAME
tree_seconds() {
	awk -F '\t' -v where="$1" -v what="$2" -v name="$3" '$1 == where && $2 == what && $3 == name { print $4 }' "$results/trees.tsv"
}

report_trees() {
	local what other text fs
	echo "Steps on trees of $files files of 1 KB, seconds, capshim's own start and drop included; ext4 in a file on this disk, and tmpfs:"
	echo
	echo '| | beside | ext4 | beside | x | tmpfs | beside | x |'
	echo '|---|---|--:|--:|--:|--:|--:|--:|'
	while IFS='|' read -r what other text _; do
		printf '| %s | %s |' "$text" "$other"
		for fs in ext4 tmpfs; do
			awk -v a="$(tree_seconds $fs "$what" capshim)" -v b="$(tree_seconds $fs "$what" other)" "$positive"'BEGIN {
				printf " %s | %s | %s |", positive(a) ? sprintf("%.3f", a) : "-", positive(b) ? sprintf("%.3f", b) : "-",
					positive(a) && positive(b) ? sprintf("%.2f", a / b) : "-" }'
		done
		echo
	done < <(tree_rows)
	echo
	echo "Peak resident set of all of them: at most $(tree_peak) KB."
	echo
	awk -F '\t' '
		{ if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 } peak[$1, $2] = $4 }
		END {
			printf "That of a recursive chown:"
			for (i = 1; i <= n; i++)
				printf "%s %d files: **%d** KB (chown -R %d)", (i > 1 ? ";" : ""), order[i], peak[order[i], "capshim"],
					peak[order[i], "chown"]
			print "."
		}' "$results/chown.tsv"
}

tree_peak() { awk -F '\t' '$3 == "capshim" && $5 > most { most = $5 } END { print most + 0 }' "$results/trees.tsv"; }

report() {
	echo "Linux $(uname -r), $(nproc) processors, $(date -u +%Y-%m-%d), one run, all rows in turn, $starts times each."
	[ -z "${BENCH_SHORT:-}" ] || echo 'A short run: for a look only.'
	echo
	echo '![start-up](results/startup.svg)'
	local part
	for part in startup inits trees filter calls sizes; do
		echo
		"report_$part"
	done
}

# Bars of what report_startup calls added.
plot() {
	rows=$(rows) awk -F '\t' '
		function text(x, y, anchor, s) {
			printf "<text x=\"%.0f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, s
		}
		{ median[$1] = $4 }
		END {
			n = split(ENVIRON["rows"], line, "\n")
			for (i = 1; i <= n; i++) {
				split(line[i], f, "|")
				if (median[f[1]] + 0 == 0)
					continue
				name[++bars] = f[3]
				added[bars] = median[f[1]] - median["bare"]
				if (added[bars] > most)
					most = added[bars]
			}
			left = 210; width = 480; high = 20
			printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" " \
				"font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", left + width + 80,
				high * (bars + 2)
			text(left, 14, "start", "microseconds added to the start of the workload (median)")
			for (i = 1; i <= bars; i++) {
				ours = gsub(/\*\*/, "", name[i])
				y = high * i + 8
				long = added[i] / most * width
				text(left - 6, y + 11, "end", name[i])
				printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left, y, long, high - 6,
					ours ? "#1f6f4a" : "#9aa5b1"
				text(left + long + 5, y + 11, "start", sprintf("%.0f", added[i]))
			}
			print "</svg>"
		}'
}

# For awk: is X a number above 0? What was not measured is "-", empty, or less than a bare start.
positive='function positive(x) { return x ~ /^[0-9.]+(e[-+][0-9]+)?$/ && x + 0 > 0 }'

# goal NAME MEASURED LIMIT: a ratio or a number that has to stay at or below LIMIT. What was not measured is missed; 0 is
# a measurement only where it is the limit.
goal() {
	awk -v name="$1" -v measured="$2" -v limit="$3" "$positive"'BEGIN {
		if (!positive(measured) && !(measured == "0" && limit == "0"))
			printf "%-62s         -  (at most %s)  MISSED: not measured\n", name, limit
		else
			printf "%-62s %9.2f  (at most %s)%s\n", name, measured, limit, measured + 0 <= limit + 0 ? "" : "  MISSED"
	}'
}

quotient() { awk -v a="$1" -v b="$2" "$positive"'BEGIN { print (positive(a) && positive(b) ? a / b : "-") }'; }

# added NAME: what it adds to a bare start.
added() {
	awk -v with="$(value startup "$1" 4)" -v bare="$(value startup bare 4)" "$positive"'
		BEGIN { print (positive(with) && positive(bare) ? with - bare : "-") }'
}

# over NAME NAME: what one adds by what the other adds.
over() { quotient "$(added "$1")" "$(added "$2")"; }

# calls_of PATTERN KIND: how many calls of that kind of config have a purpose that matches; nothing without that kind.
calls_of() {
	awk -F '\t' -v pattern="$1" -v kind="$2" '
		$1 == kind { seen = 1; if ($2 ~ pattern) n += $3 }
		END { if (seen) print n + 0 }' "$results/calls.tsv"
}

# What this project asks of itself; said at the end of a run, for those who change something.
goals() {
	local tool what other text limit fs
	goal 'start: capshim by bare minimum' "$(over capshim minimum)" 1.5
	for tool in gosu setpriv capsh; do goal "start: capshim by $tool" "$(over capshim $tool)" 0.3; done
	goal 'start: capshim by capsh --shell=PROGRAM, like for like' "$(over capshim capsh-direct)" 0.35
	goal 'start: capshim with init by tini-static' "$(over capshim-init tini-static)" 1
	goal 'start: with the default filter by bare minimum + filter' "$(over capshim-filter minimum-filter)" 2
	goal 'filter: loading the default by building it with libseccomp' \
		"$(quotient "$(value filter load.builtin 2)" "$(value filter load.libseccomp 2)")" 0.25
	goal "filter: getppid under the default by under Docker's" \
		"$(quotient "$(value filter getppid.builtin 2)" "$(value filter getppid.docker.json 2)")" 1.05
	while IFS='|' read -r what other text limit; do
		for fs in ext4 tmpfs; do
			goal "$text, $fs: by $other" \
				"$(quotient "$(tree_seconds $fs "$what" capshim)" "$(tree_seconds $fs "$what" other)")" "$limit"
		done
	done < <(tree_rows)
	goal 'trees: peak resident set, KB' "$(tree_peak)" 1536
	goal 'init: Rss, KB' "$(value idle capshim 2)" 120
	goal 'init: wake-ups while idle' "$(value idle capshim 4)" 0
	goal 'bytes of the binary' "$(value sizes capshim 2)" 327680
	goal 'system calls from start to execve' "$(calls_of . ids)" 165
	goal 'system calls that nothing accounts for, ids' "$(calls_of unaccounted ids)" 0
	goal 'system calls that nothing accounts for, name' "$(calls_of unaccounted name)" 0
}
