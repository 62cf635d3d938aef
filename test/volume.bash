# shellcheck shell=bash
# shellcheck disable=SC2034 # V and O are of the bats files
# Loaded by tests of a volume that somebody else owns, after helpers: starts of a container that runs steps on it, and what its
# owner does there.

# volume_setup: in setup(). The user 1234 owns $V, and has it in a container of his own; $O is outside of it.
volume_setup() {
	test_dir
	V=$T/volume O=$T/outside
	mkdir -p "$V" "$O"
	chown 1234:1234 "$V"
}

# start: one start of a container that runs the steps on standard input.
start() {
	{
		printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:'
		cat
	} >"$T/capshim.yaml"
	capshim_run --config "$T/capshim.yaml" "$@"
}

# again: one more start of the same.
again() {
	capshim_run --config "$T/capshim.yaml" "$@"
}

# attack COMMAND: in the other container.
attack() {
	setpriv --reuid 1234 --regid 1234 --clear-groups bash -c "cd '$V' && $1"
}

# owners PATH ...: "UID:GID MODE" of each, on one line.
owners() {
	stat -c '%u:%g %a' "$@" | xargs
}
