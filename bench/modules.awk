# Reads the linker's map, prints "PART<tab>BYTES" of what is in the file: our modules, and the libraries as a whole.
function add(size, file,    name)
{
	name = file
	sub(/.*\//, "", name)
	if (name ~ /\.a\(/)
		sub(/\(.*/, "", name)
	else if (file ~ /\/gen\//)
		name = name == "licenses.o" ? "text of --licenses" : name == "calls.o" ? "table of calls" : "default filter and its JSON"
	else if (match(file, /\/shim\/[a-z]+\//))
		name = substr(file, RSTART + 6, RLENGTH - 6)
	else if (file ~ /\/shim\//)
		sub(/\.o$/, "", name)
	else
		name = "C start files"
	bytes[name] += size
}

/^Linker script and memory map/ { on = 1 }
!on { next }
# A long name of a section has the rest of its line on the next one.
/^ [.]?[A-Za-z_]+[^ ]*$/ { section = $1; next }
/^ +0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/ && section { $0 = " " section " " $0 }
{ section = "" }
/^ [.A-Z]/ && $2 ~ /^0x/ && $3 ~ /^0x/ && NF >= 4 {
	if ($1 !~ /^[.](debug|comment|note[.]GNU|bss)|^COMMON/)
		add(strtonum_hex($3), $4)
}

function strtonum_hex(text,    n, i)
{
	for (i = 3; i <= length(text); i++)
		n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return n
}

END {
	for (name in bytes)
		if (bytes[name] > 0)
			printf "%s\t%d\n", name, bytes[name] | "sort -t '\t' -k 2,2nr"
}
