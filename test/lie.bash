# shellcheck shell=bash
# shellcheck disable=SC2154 # START is of helpers.bash
# Loaded by tests of what only a refusing or a lying kernel shows, after helpers. test/faults/sweep.py tries every call of
# some configs; here it is one call, of a config that the sweep does not have.

# lie CALL PATTERN HOW [START OPTION ...] [-- WORD ...] with the config on standard input: runs capshim outside of an
# image, and with the first (WHICH=2: the second) CALL whose line in strace(1) is like PATTERN (grep -E) tampered with as
# HOW says (the words behind CALL of strace's inject). Sets what observe sets. Fails where no such call is made.
lie() {
	local call=$1 pattern=$2 how=$3 options=() run nth

	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -gt 0 ] || set -- -- "$PROBE"
	cat >"$T/capshim.yaml"
	chmod 0644 "$T/capshim.yaml"
	: >"$T/calls"
	chmod 0666 "$T/calls"
	run=(timeout -k 5 20 "$START" --clean --env PATH=/usr/bin:/bin "${options[@]}" -- "$(command -v strace)" -qq -e signal=none)
	observe "${run[@]}" -o "$T/calls" -e "trace=$call" "$CAPSHIM" -c "$T/capshim.yaml" "$@" </dev/null
	nth=$(grep -nE "$pattern" "$T/calls" | cut -d: -f1 | sed -n "${WHICH:-1}p")
	[ -n "$nth" ] || fail "no $call is like $pattern:
$(cat "$T/calls")" || return
	observe "${run[@]}" -o /dev/null -e "trace=$call" -e "inject=$call:$how:when=$nth" \
		"$CAPSHIM" -c "$T/capshim.yaml" "$@" </dev/null
}
