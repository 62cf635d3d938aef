# shellcheck shell=bash
# Once for all bats files. Builds nothing (make does); what is missing is a failure, not a skip.

setup_suite() {
	local tool missing=''

	[ "$(id -u)" = 0 ] || {
		echo "the tests need root: they give privileges away" >&2
		return 1
	}
	for tool in timeout unshare capsh setpriv getcap setcap strace dockerd docker docker-init runc crun debootstrap nsenter \
		curl pgrep jq mandoc iptables python3; do
		command -v "$tool" >/dev/null || missing+=" $tool"
	done
	[ -z "$missing" ] || {
		echo "these tools are missing:$missing" >&2
		return 1
	}
	# Not below /tmp: the trust rule refuses what lies in a directory that others can write. Not below /run either:
	# it is often mounted nosuid, where file capabilities have no effect.
	CAPSHIM_TEST_ROOT=$(mktemp -d /var/lib/capshim-test.XXXXXX) || return
	chmod 0755 "$CAPSHIM_TEST_ROOT"
	export CAPSHIM_TEST_ROOT
	# Whatever the caller has would show in what the probe prints.
	umask 0022
	renice -n 0 -p $$ >/dev/null 2>&1 || :
	export LC_ALL=C
	needs_collect
}

# What images must hold beside a capshim that is not static: its loader and libraries, and what CAPSHIM_FILES names.
# Where CAPSHIM_REPORTS is a directory that instrumented builds write to, images have one of that name.
needs_collect() {
	local capshim=${CAPSHIM:-${BASH_SOURCE[0]%/*}/../build/capshim} needs=$CAPSHIM_TEST_ROOT/needs files file

	files=$(ldd "$capshim" 2>/dev/null | grep -o '/[^ :]*' || :)
	for file in $files ${CAPSHIM_FILES:-}; do
		install -D -m 0755 "$file" "$needs$file" || return
	done
	[ -z "${CAPSHIM_REPORTS:-}" ] || reports_open "$needs$CAPSHIM_REPORTS"
}

# Written to by whoever capshim has become.
reports_open() {
	mkdir -p "$1" && chmod 1777 "${1%/*}" "$1" && touch "$1/runs" && chmod 0666 "$1/runs"
}

# What was reported inside of images, before they are removed. Their counts of runs are all one file's hard links.
reports_collect() {
	local needs=$CAPSHIM_TEST_ROOT/needs$CAPSHIM_REPORTS

	[ ! -s "$needs/runs" ] || cat "$needs/runs" >>"$CAPSHIM_REPORTS/runs"
	find "$CAPSHIM_TEST_ROOT" -path "*$CAPSHIM_REPORTS/r*.*" -type f -exec cp -t "$CAPSHIM_REPORTS" {} +
}

teardown_suite() {
	[ -z "${CAPSHIM_REPORTS:-}" ] || reports_collect
	# shellcheck source=/dev/null
	source "${BASH_SOURCE[0]%/*}/engine.bash"
	engine_stop "$CAPSHIM_TEST_ROOT"
	rm -rf "$CAPSHIM_TEST_ROOT"
}
