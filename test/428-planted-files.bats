#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for the shell of the attacker
# Files and directories that the owner of a volume has planted under the names of those that root is about to have.

load helpers
load volume

setup() {
	volume_setup
}

@test "a file of a third user without an owner: the owner is to be written, no capability" {
	local W=$T/group
	mkdir -m 2775 "$W" && chown 0:1234 "$W" && chmod 2775 "$W" && echo x >"$W/conf" && chown 3000:1234 "$W/conf" && chmod 0664 "$W/conf"
	start <<<"  - {write: $W/conf, content: line, if_exists: append_missing}"
	assert_failure 111
	assert_output --partial 'write the owner that it should have'
	refute_output --partial cap_add
	assert_equal "$(cat "$W/conf") $(owners "$W/conf")" 'x 3000:1234 664'
	start <<<"  - {write: $W/conf, content: line, if_exists: append_missing, owner: \"3000:1234\"}"
	assert_success
	assert_equal "$(xargs <"$W/conf") $(owners "$W/conf")" 'x line 3000:1234 664'
}
