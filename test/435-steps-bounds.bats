#!/usr/bin/env bats
# shellcheck disable=SC2016 # references are for templates
# What somebody may have planted costs steps neither memory nor time beyond its size.

load helpers
load files

setup() {
	test_dir
	mkdir "$T/data"
}

# bounded LIMIT ...: the steps of standard input, with these limits of prlimit(1).
bounded() {
	config
	observe timeout 60 prlimit --core=0 "$@" -- "$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE"
}

@test "template: a tree takes the memory of its largest file" {
	python3 - "$T/data" <<-'END'
		import sys
		for i in range(150):
		    open(f"{sys.argv[1]}/{i}", "wb").write(b"x${A}" * (2000 * (i % 50 + 1)))
	END
	A=1234567 bounded --as=$((16 << 20)) <<<"- {template: $T/data, to: $T/out, variables: [A]}"
	assert_success
	assert_equal "$(find "$T/out" -size +700k | wc -l)" 18
	assert_equal "$(tail -c 8 "$T/out/149")" x1234567
}

@test "template: a file of nothing but references; what would become too large is refused" {
	python3 -c 'import sys; open(sys.argv[1], "wb").write(b"${A}" * (4 << 20))' "$T/in"
	A=12345678 bounded --as=$((160 << 20)) --cpu=20 <<<"- {template: $T/in, to: $T/out}"
	assert_success
	assert_equal "$(stat -c %s "$T/out")" $((32 << 20))
	A=$(printf '%01000d' 1) bounded --as=$((240 << 20)) <<<"- {template: $T/in, to: $T/too-large}"
	assert_refused 111 "$T/in" 'File too large'
	assert [ ! -e "$T/too-large" ]
}

@test "a deep tree with many names at each level takes memory for those that wait" {
	python3 - "$T/data" <<-'END'
		import os, sys
		fd = os.open(sys.argv[1], os.O_RDONLY)
		for depth in range(1500):
		    for i in range(14):
		        os.mkdir("%02d" % i + "x" * 200, dir_fd=fd)
		    below = os.open("07" + "x" * 200, os.O_RDONLY, dir_fd=fd)
		    os.close(fd)
		    fd = below
	END
	bounded --as=$((12 << 20)) <<<"- {chown: $T/data, recursive: true}"
	assert_success
	assert_equal "$(stat -c %u "$T/data")" 1234
	rm -r "$T/data"
}

@test "run_dir: any number of programs that others have put there is not sorted" {
	python3 - "$T/data" <<-'END'
		import os, sys
		for i in range(20000):
		    os.close(os.open(f"{sys.argv[1]}/{i}", os.O_CREAT, 0o755))
		os.chown(sys.argv[1], 1234, 1234)
	END
	bounded --cpu=1 <<<"- {run_dir: $T/data}"
	assert_refused 111 "$T/data" 'must be owned by root'
}

@test "append_missing: any number of lines, of the config's and of the file's, are looked up once each" {
	local -i i
	head -c 16000000 /dev/zero | tr '\0' '\n' >"$T/data/lines"
	{
		printf '%s' "- {write: $T/data/lines, if_exists: append_missing, content: \""
		for i in {1..3000}; do printf 'line %s\\n' $i; done
		echo '"}'
	} >"$T/step"
	bounded --cpu=3 <"$T/step"
	assert_success
	assert_equal "$(grep -c line "$T/data/lines") $(sed -n '$p' "$T/data/lines")" '3000 line 3000'
}
