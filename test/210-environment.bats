#!/usr/bin/env bats
# The one environment: its order, ${...}, env_file, secrets from files, and what a workload sees of it.
# shellcheck disable=SC2016 # what stands in single quotes is for capshim to expand

load helpers

setup() {
	test_dir
	image_make
	mkdir "$IMAGE/run"
}

# with_config OPTION ... [-- ARGUMENT ...]: capshim in the image, with an ordinary config and the lines of standard input.
with_config() {
	capshim_run --image "$@" < <(
		printf 'user: app\nseccomp: unconfined\ncommand: [/probe]\n'
		cat
	)
}

# env_file TEXT: what /etc/app.env holds; the escapes of printf(1) are those of TEXT.
env_file() {
	printf '%b' "$1" >"$IMAGE/etc/app.env"
	chmod 0644 "$IMAGE/etc/app.env"
}

# secret NAME TEXT: a file /run/NAME, readable for root alone.
secret() {
	printf '%b' "$2" >"$IMAGE/run/$1"
	chmod 0400 "$IMAGE/run/$1"
}

refute_variable() {
	refute_line --regexp "^env\\.$1="
}

@test "the order: start, env_file, file_environment, environment from top to bottom; each sees those before it" {
	env_file 'A=file\nB=file\nPW_FILE=/run/pw\n'
	secret pw secret
	with_config --env A=start --env B=start --env C=start --env PW_FILE=/run/nowhere <<-'END'
		environment: {D: "${A} ${C}", C: "${C}-mapped", E: "${C} ${D}", B: "${B}-mapped", F: "${PW}", PW: "${PW}!"}
		file_environment: PW
		env_file: /etc/app.env
	END
	assert_unprivileged 1234
	assert_probe env.A file env.B file-mapped env.C start-mapped env.D 'file start' env.E 'start-mapped file start'
	assert_probe env.F secret env.PW 'secret!'

	with_config --env A=start <<-'END'
		environment: [B=$A, "C=${A}", "A=${C}-more", D=a=b=c, "E=", "A=${A}-still"]
	END
	assert_unprivileged 1234
	assert_probe env.B '$A' env.C start env.A start-more-still env.D a=b=c env.E ''
	with_config <<<'environment: A=single'
	assert_probe env.A single
	refute_variable environment
}

@test "names with dots and dashes, as programs on Java have them" {
	env_file 'b.file-name=2\n'
	with_config --env c.start=3 <<-'END'
		env_file: /etc/app.env
		environment: {discovery.type: single-node, d-e: "4"}
	END
	assert_unprivileged 1234
	assert_probe env.discovery.type single-node env.b.file-name 2 env.c.start 3 env.d-e 4
}

@test "every form of a reference, and text that looks like one" {
	with_config --env SET=value --env EMPTY= --env 'TRAP=${SET} $(id) `id`' <<-'END'
		environment:
		  PLAIN: ${SET}
		  TWICE: ${SET}${SET}
		  NOTHING: "[${EMPTY}]"
		  DEFAULT: ${UNSET:-default} ${EMPTY:-default} ${SET:-default}
		  DEFAULT_EMPTY: "[${UNSET:-}]"
		  NESTED: ${UNSET:-${UNSET:-${SET}}}
		  UNUSED: ${SET:-${UNSET}}${SET:-${UNSET:?not asked}}${SET:+}${SET:-${UNSET:-${UNSET}}}
		  NEEDED: ${SET:?missing}
		  INSTEAD: ${SET:+instead}[${EMPTY:+instead}][${UNSET:+instead}]
		  ESCAPED: $${SET} $$${SET} $${
		  BARE: $SET $ $$ $1 {SET}
		  ONCE: ${TRAP}
		  JSON: '{"a": "${SET}"}'
		  BRACE: ${UNSET:-a{b}c}
	END
	assert_unprivileged 1234
	assert_probe env.PLAIN value env.TWICE valuevalue env.NOTHING '[]' env.DEFAULT 'default default value'
	assert_probe env.DEFAULT_EMPTY '[]' env.NESTED value env.UNUSED valuevaluevalue env.NEEDED value
	assert_probe env.INSTEAD 'instead[][]' env.ESCAPED '${SET} $${SET} ${' env.BARE '$SET $ $$ $1 {SET}'
	assert_probe env.ONCE '${SET} $(id) `id`' env.JSON '{"a": "value"}' env.BRACE 'a{bc}'
}

@test "one scalar stays one: no blank, comma or newline of a value makes two arguments or two entries" {
	with_config --env 'X=a b, "c"' --env $'Y=1\n  - 2' <<-'END'
		command_suffix: ["${X}", "${Y}"]
		environment: {Z: "${Y}"}
	END
	assert_unprivileged 1234
	assert_probe argc 3 arg.1 'a b, "c"' arg.2 '1\x0a  - 2' env.Z '1\x0a  - 2'
}

@test "a value that is missing: 100, the place of the value and its message, and no step has run" {
	with_config --env EMPTY= <<-'END'
		environment:
		  A: "${UNSET}"
		  B: ${EMPTY:?set EMPTY to the name of the site}
		setup:
		  - mkdir: /data/made
	END
	assert_refused 100 'capshim.yaml:5:6: ' UNSET 'capshim.yaml:6:6: ' 'set EMPTY to the name of the site'
	[ ! -e "$IMAGE/data/made" ]
}

@test "a step that a condition on the environment excludes is not expanded" {
	with_config <<-'END'
		setup:
		  - mkdir: /data/${UNSET}
		    owner: ${UNSET:?}
		    when: {env: UNSET}
		  - mkdir: /data/${UNSET}
		    unless: {env: PATH}
		  - mkdir: /data/made
	END
	assert_unprivileged 1234
	[ "$(ls "$IMAGE/data")" = made ]
}

@test "a name twice in the start environment, or an entry without \"=\": 100, nothing run, no value shown" {
	with_config --env PUID=911 --env HOME2=x --env PUID=0 </dev/null
	assert_refused 100 '"PUID"'
	refute_output --partial 911
	with_config --env 'the rest of a secret' </dev/null
	assert_refused 100 'not NAME=VALUE'
	refute_output --partial 'secret'
	with_config --env '=secret' </dev/null
	assert_refused 100 'not NAME=VALUE'
	refute_output --partial 'secret'
}

@test "names that begin alike are different names" {
	local options=() name=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA

	for (( ; ${#name} > 1; )); do
		options+=(--env "$name=${#name}")
		name=${name%A}
	done
	with_config "${options[@]}" </dev/null
	assert_unprivileged 1234
	assert_probe env.AA 2 env.AAAAAAAA 8
	with_config --env A=1 --env AB=2 --env ABC=3 --env A_=4 <<-'END'
		environment: {B: "${A}${AB}${ABC}${A_}", AB: "5"}
		unset_environment: [A]
	END
	assert_unprivileged 1234
	refute_variable A
	assert_probe env.AB 5 env.ABC 3 env.A_ 4 env.B 1234
}

@test "hundreds of variables, all different, and one of them twice" {
	local options=() i

	for i in {1..400}; do
		options+=(--with --env --with "SERVICE_${i}_PORT=tcp://10.0.0.1:$i")
	done
	with_config "${options[@]}" </dev/null
	assert_unprivileged 1234
	assert_probe env.SERVICE_1_PORT tcp://10.0.0.1:1 env.SERVICE_400_PORT tcp://10.0.0.1:400
	with_config "${options[@]}" --env SERVICE_200_PORT=x </dev/null
	assert_refused 100 '"SERVICE_200_PORT"'
}

@test "odd names and values from outside reach the workload as they are" {
	with_config --env odd.name=1 --env $'V=a\nb\t\\ "c" \'' --env 'EQ==x=' --env EMPTY= </dev/null
	assert_unprivileged 1234
	assert_probe env.odd.name 1 env.V 'a\x0ab\x09\x5c "c" '"'" env.EMPTY ''
	assert_line 'env.EQ==x='
}

@test "unset_environment takes names and globs away from the workload, not from the config" {
	with_config --env DB_PASSWORD=hunter2 --env AWS_KEY=k --env AWS_=x --env XAWS_=y --env DB_PASSWORD2=z <<-'END'
		unset_environment: [DB_PASSWORD, "AWS_*", "*NOSUCH*"]
		environment: {URL: "db://${DB_PASSWORD}"}
	END
	assert_unprivileged 1234
	assert_probe env.URL db://hunter2 env.XAWS_ y env.DB_PASSWORD2 z
	refute_variable DB_PASSWORD
	refute_line --regexp '^env\.AWS_'
}

@test "env_file: lines KEY=VALUE, taken as they stand" {
	env_file '# a comment\n\n  \t\nA=1\nSPACES= a b \nHASH=a # b\nEQUALS=a=b\nEMPTY=\nDOUBLE="a b"\nSINGLE='"'"'a "b"'"'"'\n'
	printf '%s\n' 'SHELL_=$(touch /data/x) `id` $A ${A}' 'OPEN="a' 'MIXED="a'"'" 'QUOTE="' 'INNER=a "b"' 'A=2' \
		>>"$IMAGE/etc/app.env"
	printf 'CRLF=x\r\nLAST=y' >>"$IMAGE/etc/app.env"
	with_config <<<'env_file: /etc/app.env'
	assert_unprivileged 1234
	assert_probe env.A 2 env.SPACES ' a b ' env.HASH 'a # b' env.EQUALS a=b env.EMPTY '' env.DOUBLE 'a b' env.SINGLE 'a "b"'
	assert_probe env.SHELL_ '$(touch /data/x) `id` $A ${A}' env.OPEN '"a' env.MIXED '"a'"'" env.QUOTE '"' env.INNER 'a "b"'
	assert_probe env.CRLF x env.LAST y
	[ -z "$(ls "$IMAGE/data")" ]
}

@test "env_file: several, the last one counts" {
	env_file 'A=1\nB=1\n'
	printf 'B=2\n' >"$IMAGE/etc/more.env"
	with_config <<<'env_file: [/etc/app.env, /etc/more.env]'
	assert_unprivileged 1234
	assert_probe env.A 1 env.B 2
}

@test "env_file: an invalid line: 100 with its number, and nothing of its contents" {
	env_file 'A=1\nsecret-no-equals\n\n SECRET=secret\nSE CRET=secret\n1A=secret\n=secret\nexport SECRET=secret\n'
	with_config <<<'env_file: /etc/app.env'
	assert_refused 100 'capshim: /etc/app.env:2:1: ' /etc/app.env:4: /etc/app.env:5: /etc/app.env:6: /etc/app.env:7:
	assert_line --regexp '^capshim: /etc/app.env:8:1: .*"export"'
	refute_output --regexp 'secret|SECRET'
}

@test "env_file: missing, another user's, writable by others, with a NUL byte: 100" {
	with_config <<<'env_file: /etc/app.env'
	assert_refused 100 'capshim.yaml:4:11: ' /etc/app.env
	env_file 'A=1\n'
	chown 1234 "$IMAGE/etc/app.env"
	with_config <<<'env_file: /etc/app.env'
	assert_refused 100 'capshim.yaml:4:11: ' /etc/app.env
	env_file 'A=1\n'
	chown 0 "$IMAGE/etc/app.env"
	chmod 0664 "$IMAGE/etc/app.env"
	with_config <<<'env_file: /etc/app.env'
	assert_refused 100 'capshim.yaml:4:11: ' /etc/app.env
	env_file 'A=1\0B=2\n'
	with_config <<<'env_file: /etc/app.env'
	assert_refused 100 'capshim.yaml:4:11: ' NUL
}

@test "file_environment: the three conventions, and NAME_FILE is gone" {
	secret pw 'hunter2\n'
	with_config --env POSTGRES_PASSWORD_FILE=/run/pw --env FILE__TOKEN=/run/pw --env GF_DB__FILE=/run/pw \
		--env MYSQL_ROOT_PASSWORD_FILE=/run/pw --env OTHER_FILE=/run/pw --env GF_PLAIN=x <<-'END'
		file_environment: [POSTGRES_PASSWORD, "FILE__*", "GF_*__FILE", "MYSQL_*_FILE", NOT_SET]
		environment: {URL: "db://${POSTGRES_PASSWORD}"}
	END
	assert_unprivileged 1234
	assert_probe env.POSTGRES_PASSWORD hunter2 env.TOKEN hunter2 env.GF_DB hunter2 env.MYSQL_ROOT_PASSWORD hunter2
	assert_probe env.URL db://hunter2 env.OTHER_FILE /run/pw env.GF_PLAIN x
	for name in POSTGRES_PASSWORD_FILE FILE__TOKEN GF_DB__FILE MYSQL_ROOT_PASSWORD_FILE NOT_SET NOT_SET_FILE; do
		refute_variable "$name"
	done
}

@test "file_environment: a pattern that starts with a star; an imported value is not read as a path again" {
	secret path '/run/path\n'
	with_config --env A_FILE_FILE=/run/path --env B_FILE=/run/path --env _FILE=/run/path <<<'file_environment: "*_FILE"'
	assert_unprivileged 1234
	assert_probe env.A_FILE /run/path env.B /run/path env._FILE /run/path
	refute_variable A_FILE_FILE
}

@test "file_environment: one item is a list of one" {
	secret pw 'x'
	with_config --env A_FILE=/run/pw <<<'file_environment: A'
	assert_unprivileged 1234
	assert_probe env.A x
}

@test "file_environment: newlines at the end go, everything else stays" {
	secret none 'x'
	secret one 'x\n'
	secret many 'x\n\n\r\n\n'
	secret crlf 'x\r\n'
	secret inner ' a\nb \n'
	secret cr 'x\r'
	secret blank 'x \n'
	secret dollar '${PATH} $(id)\n'
	secret empty ''
	with_config --env FILE__NONE=/run/none --env FILE__ONE=/run/one --env FILE__MANY=/run/many --env FILE__CRLF=/run/crlf \
		--env FILE__INNER=/run/inner --env FILE__CR=/run/cr --env FILE__BLANK=/run/blank \
		--env FILE__DOLLAR=/run/dollar --env FILE__EMPTY=/run/empty <<-'END'
		file_environment: "FILE__*"
		environment: {COPY: "${DOLLAR}"}
	END
	assert_unprivileged 1234
	assert_probe env.NONE x env.ONE x env.MANY x env.CRLF x env.INNER ' a\x0ab ' env.CR 'x\x0d' env.BLANK 'x '
	assert_probe env.DOLLAR '${PATH} $(id)' env.COPY '${PATH} $(id)' env.EMPTY ''
}

@test "file_environment: an empty variable counts as not set, on both sides" {
	secret pw 'x'
	with_config --env A= --env A_FILE=/run/pw --env B=b --env B_FILE= --env C_FILE= <<<'file_environment: [A, B, C]'
	assert_unprivileged 1234
	assert_probe env.A x env.B b
	refute_variable B_FILE
	refute_variable C
	refute_variable C_FILE
}

@test "file_environment: both set: 100, and neither value is shown" {
	secret pw 'hunter2'
	with_config --env PW=hunter1 --env PW_FILE=/run/pw <<<'file_environment: [PW]'
	assert_refused 100 'capshim.yaml:4:20: ' PW_FILE
	refute_output --partial hunter
}

@test "file_environment: the secret itself in the variable of the path is not shown" {
	with_config --env PW_FILE=hunter2 <<<'file_environment: [PW]'
	assert_refused 100 'capshim.yaml:4:20: ' PW_FILE
	refute_output --partial hunter2
}

# A refusal of /run/pw, with the reason TEXT.
refuses_pw() {
	with_config --env PW_FILE="${2:-/run/pw}" <<<'file_environment: [PW]'
	assert_refused 100 'capshim.yaml:4:20: ' "${2:-/run/pw}" PW_FILE "$1"
}

@test "file_environment: anything but a regular file of a sane size is refused, and nothing hangs" {
	refuses_pw 'No such file'
	mkfifo "$IMAGE/run/pw"
	refuses_pw 'not a regular file'
	rm "$IMAGE/run/pw"
	mkdir "$IMAGE/run/pw"
	refuses_pw 'not a regular file'
	refuses_pw 'not a regular file' /dev/zero
	refuses_pw procfs /proc/1/environ
	refuses_pw procfs /proc/self/environ
	rmdir "$IMAGE/run/pw"
	secret pw 'hunter\00002'
	refuses_pw NUL
	refute_output --partial hunter
	head -c 1048577 /dev/zero | tr '\0' x >"$IMAGE/run/pw"
	refuses_pw '1 MiB'
}

@test "file_environment: as large as a variable can be" {
	head -c 100000 /dev/zero | tr '\0' x >"$IMAGE/run/pw"
	with_config --env PW_FILE=/run/pw <<<'file_environment: [PW]'
	assert_unprivileged 1234
	[ "$(probe_value env.PW | wc -c)" -eq 100001 ]
}

@test "file_environment: the links of a Kubernetes secret are followed, those that others could have made are not" {
	mkdir -p "$IMAGE/run/secrets/..2024"
	printf 'hunter2\n' >"$IMAGE/run/secrets/..2024/pw"
	ln -s ..2024 "$IMAGE/run/secrets/..data"
	ln -s ..data/pw "$IMAGE/run/secrets/pw"
	with_config --env PW_FILE=/run/secrets/pw <<<'file_environment: [PW]'
	assert_unprivileged 1234
	assert_probe env.PW hunter2
	chmod 1777 "$IMAGE/run/secrets"
	refuses_pw 'symbolic link' /run/secrets/pw
	ln -s /etc/passwd "$IMAGE/tmp/pw"
	chown -h 1234 "$IMAGE/tmp/pw"
	refuses_pw 'symbolic link' /tmp/pw
	refute_output --partial root:
}

@test "file_environment: a hard link that others could have made is not read" {
	printf 'hunter2\n' >"$IMAGE/run/pw" && chmod 0600 "$IMAGE/run/pw"
	ln "$IMAGE/run/pw" "$IMAGE/tmp/pw"
	refuses_pw 'as uid 65534' /tmp/pw
	with_config --env PW_FILE=/run/pw <<<'file_environment: [PW]'
	assert_unprivileged 1234
	assert_probe env.PW hunter2
}

@test "file_environment: what only root may read is not read where its directory's owner could have moved it" {
	mkdir "$IMAGE/run/app"
	printf 'hunter2\n' >"$IMAGE/run/app/pw" && chmod 0600 "$IMAGE/run/app/pw"
	chown 1234 "$IMAGE/run/app"
	refuses_pw 'as uid 1234' /run/app/pw
	chown 1234 "$IMAGE/run/app/pw"
	with_config --env PW_FILE=/run/app/pw <<<'file_environment: [PW]'
	assert_probe env.PW hunter2
}

@test "file_environment: a secret that belongs to another user is fine, its path is what counts" {
	secret pw 'hunter2\n'
	chown 1234:1234 "$IMAGE/run/pw"
	with_config --env PW_FILE=/run/pw <<<'file_environment: [PW]'
	assert_unprivileged 1234
	assert_probe env.PW hunter2
}

@test "file_environment: below, a file elsewhere is not read, whatever its path looks like" {
	local path

	mkdir -p "$IMAGE/run/secrets/..2024" "$IMAGE/run/secretsx"
	secret secrets/pw 'hunter2\n'
	secret secrets/..2024/pw 'hunter2\n'
	secret secretsx/pw 'elsewhere\n'
	ln -s ..2024/pw "$IMAGE/run/secrets/link"
	for path in /run/secrets/pw //run///secrets//pw /run/secrets/..2024/pw /run/secrets/link; do
		with_config --env "PW_FILE=$path" <<<'file_environment: {names: PW, below: [/data, /run/secrets/]}'
		assert_unprivileged 1234
		assert_probe env.PW hunter2
	done
	for path in /run/secretsx/pw /run/secrets/../secretsx/pw /run/./secretsx/pw /etc/passwd /run/secrets /run/secrets/ /; do
		with_config --env "PW_FILE=$path" <<<'file_environment: {names: PW, below: [/data, /run/secrets/]}'
		assert_refused 100 "cannot read \"$path\": it "
		refute_output --partial elsewhere
	done
}

@test "file_environment: works without /proc and on a read-only root" {
	secret pw 'hunter2\n'
	with_config --no-proc --read-only --env PW_FILE=/run/pw <<<'file_environment: [PW]'
	assert_unprivileged 1234
	assert_probe env.PW hunter2
}
