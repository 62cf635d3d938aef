# Reads what an emulated machine wrote to its console, and prints TAP without numbers: its checks, and those that only the
# outside can make. kernel: name and architecture.
BEGIN {
	split(kernel, wanted, " ")
	least = 40
}

{ line[NR] = $0 }
/^# Linux / { version = $3 }
/^ok [0-9]+ - / { passed++ }
/^not ok [0-9]+ - / { failed++ }
/^1\.\.[0-9]+$/ { planned = substr($0, 4) }
/Attempted to kill init! exitcode=0x00000700/ { ended = 1 }

/^ok [0-9]+ - / || /^not ok [0-9]+ - / {
	sub(/[0-9]+ - /, "- " kernel ": ")
	print
	shown = /^not/
	next
}
# What a failed check says of itself, or whatever is not the end that is wanted.
/^# / && shown { print }

function judge(good, title) {
	print (good ? "ok" : "not ok") " - " kernel ": " title
	if (!good)
		bad = 1
}

END {
	judge(wanted[1] == "newest" ? version != "" : index(version, wanted[1] ".") == 1, "is Linux " version)
	judge(planned >= least && passed + failed == planned, "all of at least " least " checks were made")
	judge(ended, "the kernel saw process 1 end with status 7, that of its workload")
	if (bad)
		for (i = NR > 40 ? NR - 40 : 1; i <= NR; i++)
			print "# " line[i]
}
