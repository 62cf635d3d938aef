#!/usr/bin/env bats
# shellcheck disable=SC2016 # in single quotes on purpose
# doc/pitfalls.md: every pitfall names the tests that show that it does not happen here, or says why it cannot. And those
# tests that no other file has a place for.

load helpers

PITFALLS=$REPO/doc/pitfalls.md

setup() {
	test_dir
}

# The names of all tests, as bats prints them.
test_names() {
	sed -n 's/^@test "\(.*\)" {$/\1/p' "$REPO"/test/*.bats | sed 's/\\\(.\)/\1/g'
}

@test "every test that the list of pitfalls names is there, and once" {
	test_names | sort >"$T/names"
	sed -n 's/^  - Test: `\(.*\)`$/\1/p' "$PITFALLS" | sort -u >"$T/named"
	[ "$(wc -l <"$T/named")" -gt 90 ]
	comm -13 "$T/names" "$T/named" >"$T/missing"
	[ ! -s "$T/missing" ] || fail "no test has the name: $(cat "$T/missing")"
	comm -12 <(uniq -d "$T/names") "$T/named" >"$T/twice"
	[ ! -s "$T/twice" ] || fail "several tests have the name: $(cat "$T/twice")"
}

@test "every pitfall has a source, and a test or the reason for having none" {
	observe awk '
		function close_entry() {
			if (entry && !shown)
				print "neither a test nor a reason: " entry
			if (entry && text !~ /\(.*\)|CVE-[0-9]/)
				print "no source: " entry
			entry = ""
		}
		/^## / { close_entry(); open = $3 == "stays" }
		/^- / && !open { close_entry(); entry = text = $0; shown = 0; entries++; next }
		/^  - (Test|Here): / { shown = 1; next }
		/^  - / { print "neither Test: nor Here: " $0 }
		/^  / && entry && !shown { text = text " " $0 }
		END {
			close_entry()
			if (entries < 90)
				print "only " entries " entries"
		}' "$PITFALLS"
	assert_output ''
}

@test "more groups than a C library's initgroups takes" {
	local i want=''

	image_make
	for ((i = 5000; i < 5100; i++)); do
		echo "group$i:x:$i:other,app" >>"$IMAGE/etc/group"
		want+=,$i
	done
	capshim_run --image -- -- /probe <<<'user: app'
	assert_unprivileged 1234
	assert_probe groups "$APP_GROUPS$want"
}

@test "a full disk: what was there stays as it was" {
	mkdir "$T/full"
	mount -t tmpfs -o size=64k tmpfs "$T/full"
	echo old >"$T/full/file"
	dd if=/dev/zero of="$T/full/filler" bs=1k count=1000 2>/dev/null || :
	capshim_run -- -- "$PROBE" <<-END
		user: "1234:1234"
		setup:
		  - {write: $T/full/file, content: "$(printf '%05000d' 0)"}
	END
	cp "$T/full/file" "$T/left"
	umount "$T/full"
	assert_refused 111 "$T/full/file" 'No space left on device'
	assert_equal "$(cat "$T/left")" old
}
