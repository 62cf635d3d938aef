#!/usr/bin/env bats
# Trees that are copied to a volume and mounts there: what its owner has planted, closed or moved by then.

load helpers
load volume

setup() {
	volume_setup
}

@test "attack: a directory inside of one that becomes root's, before copy fills it" {
	local verb option
	mkdir -m 0700 "$O/tree" && mkdir "$O/tree/sub" && echo secret >"$O/tree/sub/key"
	for verb in copy template; do
		option='recursive: true' && [ $verb = copy ] || option='variables: []'
		rm -rf "$V/s" && attack 'mkdir -p s/sub'
		start <<-END
			  - {mkdir: $V/s, owner: "0:0", mode: "0700"}
			  - {$verb: $O/tree, to: $V/s, $option, owner: "0:0"}
		END
		assert_refused 111 "$V/s/sub" 'remove it in a step before'
		refute test -e "$V/s/sub/key"
	done
}

@test "copy: a link that the workload puts in the place of a directory of the copy is not followed, and told" {
	mkdir -p "$O/tree/sub" && echo image >"$O/tree/sub/file"
	start <<<"  - {copy: $O/tree, to: $V/tree, recursive: true}"
	assert_success
	attack 'mv tree/sub elsewhere; ln -s ../elsewhere tree/sub'
	again
	assert_refused 111 "$V/tree/sub" 'no link to one: remove it in a step before'
}
