#!/usr/bin/env bats
# capshim's own reader of plain YAML and JSON, and libyaml, which reads what it leaves. What the files say is in other files.

load helpers
load filter

setup() {
	test_dir
}

# who_reads DIR: standard input has lines of a reader and a text with printf's escapes; DIR gets the texts.
who_reads() {
	local text who i=0
	mkdir -p "$1"
	while IFS= read -r text; do
		who=${text%% *}
		i=$((i + 1))
		# shellcheck disable=SC2059 # the table has escapes
		printf -- "${text#* }" >"$1/$i"
		simulate tree "$1/$i"
		assert_output "$1/$i: $who" || fail "$text"
	done
	[ "$i" -gt 20 ]
}

@test "JSON as programs write it takes the short way, and becomes the tree that libyaml makes of it" {
	local text
	who_reads "$T/texts" <<-'END'
		own {}
		own {"a": [], "b": {}, "c": ""}\n\n
		own {"a":1,"b":[true,false,null,"x",{"c":[[2]]}]}
		own {\n\t"a": [\n\t\t"b",\n  "c"\n]\t,\n"d": 0\n}\n
		own {"a b: {c} [d], #e &f *g !h %%i @j \x60k": "- ?"}
		own {"a": "\\"b\\"", "\\\\": "\\\\"}
		own {"<<": "<<", "": 0755}
		own \n{"a": 1}
		libyaml ["a"]
		own {"a": 1} \n
		libyaml {"a": 1}\r\n
		own {"a": 1,}
		libyaml {"a": 1, "a": 2}
		libyaml {"a" : 1}
		libyaml {"a"}
		libyaml {"a":}
		own {a: 1}
		own {"a": b c}
		own {"a": [1 2]}
		libyaml {"a": [1, 2}
		libyaml {"a": ["b": 1]}
		libyaml {"a": "b"c}
		libyaml {"a": "b\nc"}
		libyaml {"a": "\\u0041\\/\\n"}
		own {"a": -1}
		own {"a": 1.5}
		own {"a": True}
		libyaml {"a": "\303\244"}
		libyaml {"a": "\177"}
		libyaml {"a": "b
		libyaml {"a": 1
		libyaml {"a": 1}}
		libyaml {"a": 1}\000
		libyaml {"a\000": 1}
	END
	printf '{"%01000d": 1}' 0 >"$T/long.json"
	text=$(printf '%64s' '')
	printf '{"a": %s1%s}' "${text// /[}" "${text// /]}" >"$T/deep.json"
	text=${text:2}
	printf '{"a": %s1%s}' "${text// /[}" "${text// /]}" >"$T/less-deep.json"
	seq 20000 | sed '1s/^/{"a": [/; $!s/$/,/; $s/$/]}/' >"$T/many.json"
	simulate tree "$REPO/config/seccomp/default.json" "$T"/{less-deep,long,deep,many}.json
	assert_line "$REPO/config/seccomp/default.json: own"
	assert_line "$T/less-deep.json: own"
	assert_equal "$(grep -c ': libyaml$' <<<"$output")" 3
}

@test "plain YAML takes the short way, and becomes the tree that libyaml makes of it" {
	local text deep=''
	who_reads "$T/texts" <<-'END'
		own a: b
		own # c\n\n  # d\na: b # e\n\n#f\n
		own a: b\nc:   "d"  \ne: 'f: [g] \\ "h" # i'\n
		own a-b.c_d/1: /e/f-g:h.i,j [k] {l} $m ${n:-o} p#q * & ! | > %% @ ? "r" 's' \\\n
		own a:\n  b: 1\n  c:\n      d: 2\n  e: 3\nf: 4\n
		own a:\n- b\n- c: 1\n  d: 2\ne: 3\n
		own a: # b\n  - c\n\n  # d\n  - "e"\n  - [f]\n  - {g: 1, "h":2, i: j k}\n
		own a: [b, c d, 'e', "f", --g, -h, /i:j]\n
		own a: [\nb,\n  c\n]\nd: {\n}\n
		own a: -1\nb: --c\nd: ./e\nf: .g\n
		own a: "\\"b\\\\c"\n
		own   a: 1\n  b: 2\n
		own 1/$.-: b\n/c: [d,]\n
		own a: b  # c: d\ne: f#g\n
		own b: null\nc: yes\nd: 0755\n
		libyaml \n
		libyaml a: ~\n
		libyaml # a\n
		libyaml a\n
		libyaml - a\n
		libyaml a:\n
		libyaml a:\nb: c\n
		libyaml a: b\n  c\n
		libyaml a: b\n  c: d\n
		libyaml a:\n  b: c\n d: e\n
		libyaml a:\n  - b\n c: d\n
		libyaml a:\n  - b\n  c: d\n
		libyaml a:\n  - b\n - c\n
		libyaml a:\n  - - b\n
		libyaml a:\n  -\n    b: c\n
		libyaml a:\n  b\n
		libyaml a: b: c\n
		libyaml a: b:\n
		libyaml a: [b: c]\n
		libyaml a: [b,\n\t]\n
		libyaml a: [\n... b\n]\n
		libyaml a:\n  - b: [c\n] - d: e\n
		libyaml a:\n  b: [c\n] d: e\n
		libyaml a: [\n--- b\n]\n
		libyaml a: [b, # c\n  d]\n
		libyaml a: [b]c\n
		libyaml a: "b"c\n
		libyaml a: "b"#c\n
		libyaml a: "b\n c"\n
		libyaml a: "\\t"\n
		libyaml a: 'b''c'\n
		libyaml a: |\n  b\n
		libyaml a: >-\n  b\n
		libyaml a: *b\n
		libyaml a: &b c\n
		libyaml a: !b c\n
		libyaml a: @b\n
		libyaml a: %%b\n
		libyaml a: 1\na: 2\n
		libyaml <<: {a: 1}\n
		libyaml "a": b\n
		libyaml ? a\n: b\n
		libyaml a : b\n
		libyaml a:b\n
		libyaml a:\tb\n
		libyaml a: b\t\n
		libyaml \ta: b\n
		libyaml a: b\r\n
		libyaml a: \303\244\n
		libyaml a: b # \303\244\n
		libyaml a: b\177\n
		libyaml a: b\000c\n
		libyaml a: b\n\000
		libyaml ---\na: b\n
		libyaml a: b\n---\n
		libyaml a: b\n...\n
		libyaml %%YAML 1.1\na: b\n
	END
	# 64 levels of maps, and of lists with maps in them, and one more.
	for text in {0..61}; do
		deep+=$(printf '%*sa:' "$text" '')$'\n'
	done
	printf '%s%62sa: b\n' "$deep" '' >"$T/maps"
	printf '%s%62sa:\n%63sa: b\n' "$deep" '' '' >"$T/more-maps"
	deep='a:'
	for text in {1..31}; do
		deep+=$'\n'$(printf '%*s- a:' $((2 * text)) '')
	done
	printf '%s b\n' "$deep" >"$T/lists"
	printf '%s\n%64s- a\n' "$deep" '' >"$T/more-lists"
	simulate tree "$T"/{maps,lists,more-maps,more-lists}
	assert_output "$T/maps: own
$T/lists: own
$T/more-maps: libyaml
$T/more-lists: libyaml"
}

@test "every short text of what YAML is made of: what is read the short way is what libyaml makes of it" {
	local pieces
	for pieces in {signs,lines}' '{1,2,3,4} 'signs 5'; do
		# shellcheck disable=SC2086 # two words
		simulate trees $pieces
		assert_output --regexp '^[0-9]+ texts, [0-9]+ taken, 0 wrong$'
		[ "$pieces" != 'lines 4' ] || assert_output --regexp ' [0-9]{4,} taken'
	done
	assert_output --regexp ' [0-9]{5,} taken'
}

@test "the configs of this repository: each is the same tree, and most are read the short way" {
	local files
	mapfile -t files < <(find "$REPO/config" "$REPO/test/golden" "$REPO/test/entrypoints" -name '*.yaml' -o -name '*.json')
	[ ${#files[@]} -gt 150 ]
	simulate tree "${files[@]}"
	assert_equal "${#lines[@]}" ${#files[@]}
	refute_line --partial 'another tree'
	for file in "$REPO"/config/examples/{minimal,nginx,postgres,web}.yaml "$REPO/config/capshim.yaml"; do
		assert_line "$file: own"
	done
}
