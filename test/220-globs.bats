#!/usr/bin/env bats
# What a glob matches: shown by unset_environment, because a variable can have any name.
# shellcheck disable=SC1003 # a backslash in front of a closing quote is meant

load helpers

setup() {
	test_dir
	image_make
}

# The probe writes a backslash as \x5c.
# takes GLOB NAME ...: of the variables in NAMES, the glob takes those NAMEs away and leaves all others.
takes() {
	local glob=$1 name
	local -a options=()

	shift
	for name in "${NAMES[@]}"; do
		options+=(--env "$name=1")
	done
	capshim_run --image "${options[@]}" < <(
		printf "user: app\nseccomp: unconfined\ncommand: [/probe]\nunset_environment: ['%s']\n" "$glob"
	)
	assert_unprivileged 1234
	for name in "${NAMES[@]}"; do
		case " $* " in
		*" $name "*) refute_line "env.${name//'\'/'\x5c'}=1" ;;
		*) assert_line "env.${name//'\'/'\x5c'}=1" ;;
		esac
	done
}

@test "globs: a star is any text, also none; a question mark is one byte" {
	NAMES=(XA XAB XBA XABAB XAABB X.A)
	takes 'XA*' XA XAB XABAB XAABB
	takes 'X*B' XAB XABAB XAABB
	takes 'X*AB*B' XABAB XAABB
	takes 'X?' XA
	takes 'X?*A?' XABAB
	takes '**X**A**B**' XAB XABAB XAABB
	takes 'X?A' XBA X.A
	takes 'XA' XA
}

@test "globs: brackets" {
	NAMES=(XA XB XC X- 'X]' 'X[' 'X!' 'X\' 'X[A' X^)
	takes 'X[AC]' XA XC
	takes 'X[A-B]' XA XB
	takes 'X[!A-C]' X- 'X]' 'X[' 'X!' 'X\' X^
	takes 'X[^A-C]' X- 'X]' 'X[' 'X!' 'X\' X^
	takes 'X[]]' 'X]'
	takes 'X[]A]' 'X]' XA
	takes 'X[A-]' XA X-
	takes 'X[-A]' XA X-
	takes 'X[A!]' XA 'X!'
	takes 'X[C-A]'
	takes 'X[\]' 'X\'
	takes 'X[A' 'X[A'
	takes 'X[' 'X['
}

@test "globs: a backslash takes the meaning of what follows" {
	NAMES=(XA 'X*' 'X?' 'X[A]' 'X\' 'X\*')
	takes 'X\*' 'X*'
	takes 'X\?' 'X?'
	takes 'X\[A]' 'X[A]'
	takes 'X\A' XA
	takes 'X\\' 'X\'
	takes 'X\\*' 'X\' 'X\*'
}
