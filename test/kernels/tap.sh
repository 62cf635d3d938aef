# shellcheck shell=dash source=/dev/null
# shellcheck disable=SC2154 # status and output are of whoever uses it
# The words that checks.sh and last.sh are written in.
. /expected.sh # SECUREBITS and WAYS, as test/helpers.bash has them

# check TITLE: begins a check, and ends the one before.
check() {
	finish
	title=$* why='' output=''
}

finish() {
	[ -n "$title" ] || return 0
	count=$((count + 1))
	if [ -z "$why" ]; then
		echo "ok $count - $title"
	else
		echo "not ok $count - $title"
		printf '%s\n' "$why" "$output" | sed 's/^/# /'
	fi
	title=''
}

wrong() {
	why="$why${why:+, }$*"
}

# ends STATUS [TEXT]: with that exit status, and that text in what was said.
ends() {
	[ "$status" = "$1" ] || wrong "status $status instead of $1"
	case $output in *"$2"*) ;; *) wrong "nothing about $2" ;; esac
}

# refused STATUS [TEXT]: the same, and there was no workload.
refused() {
	ends "$@"
	case $output in *uid=*) wrong 'the workload ran' ;; esac
}

newline='
'

# is KEY VALUE ...: what the probe said of KEY, the first time.
is() {
	while [ $# -gt 0 ]; do
		rest=$newline$output$newline
		value=${rest#*"$newline$1="}
		[ "$value" != "$rest" ] || wrong "nothing about $1"
		value=${value%%"$newline"*}
		[ "$value" = "$2" ] || wrong "$1 is '$value' instead of '$2'"
		shift 2
	done
}

# unprivileged [KEPT]: the whole promise, for the user app.
unprivileged() {
	ends 0
	is uid 1234,1234,1234,1234 gid 1234,1234,1234,1234 inheritable "$1" permitted "$1" effective "$1" bounding "$1" \
		ambient "$1" no_new_privs 1 securebits "$SECUREBITS" keepcaps 0
}

no_way_back() {
	for way in $WAYS; do
		is "regain.$way" EPERM
	done
}

# holds COMMAND ...: a test of the file system, or of what another process is.
holds() {
	"$@" || wrong "not so: $*"
}

# same WHAT IS WANTED
same() {
	[ "$2" = "$3" ] || wrong "$1 is '$2' instead of '$3'"
}
