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
	export LC_ALL=C
}

teardown_suite() {
	# shellcheck source=/dev/null
	source "${BASH_SOURCE[0]%/*}/engine.bash"
	engine_stop "$CAPSHIM_TEST_ROOT"
	rm -rf "$CAPSHIM_TEST_ROOT"
}
