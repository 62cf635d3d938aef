# shellcheck shell=bash
# Loaded by helpers.bash before everything else: bats' libraries, and what bats 1.8 does slowly or wrongly.

# The libraries' own loaders start a dirname(1) for each of their files, in each test.
for BATS_SOURCE in "${BATS_LIB_PATH%%:*}"/bats-{support,assert}/src/*.bash; do
	# shellcheck source=/dev/null
	source "$BATS_SOURCE"
done

# Before each command bats takes down where it is, which takes longer than most commands do. Only the test file's own
# lines are worth that: a failure names one of them.
BATS_SOURCE=$(declare -f bats_debug_trap || :)
eval "${BATS_SOURCE/\{/\{ [[ \$1 != *.bash ]] || return 0;}"

# The time limit of a test. In bats' own the trap comes after the sleep: a test that ends at once leaves a sleep(1) behind,
# and bats then waits for it.
bats_start_timeout_countdown() { # SECONDS
	trap bats_timeout_trap ABRT
	(
		trap 'kill $!; exit 0' ABRT
		sleep "$1" &
		wait
		! kill -ABRT $$ || bats_kill_childprocesses_of $$
	) &>/dev/null &
}
