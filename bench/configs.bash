# shellcheck shell=bash
# shellcheck disable=SC2154 # work is bench/run's
# The configs that are measured. Sourced by bench/run.

# config NAME SECCOMP: the 20 lines that all of them have, and then those of standard input.
config() {
	{
		cat <<-END
			# A service of a container image: 20 lines.
			user: "1234:1234"
			supplementary_groups: none
			seccomp: $2
			command: [$work/mark, --foreground]
			command_prefix:
			  - words: [$work/mark]
			    for: "-*"
			setup_unless_args:
			  - --help
			  - --version
			environment:
			  LANG: C.UTF-8
			  TZ: "\${TZ:-UTC}"
			unset_environment:
			  - DB_PASSWORD
			  - "AWS_*"
			umask: inherit
			report: none
			trace: false
		END
		cat
	} >"$work/$1.yaml"
}

configs_write() {
	config drop unconfined </dev/null
	config filter default </dev/null
	install -m 0644 "$here/../config/seccomp/default.json" "$work/default.json"
	config json "$work/default.json" </dev/null
	"$work/capshim" --compile-seccomp "$work/default.json" "$work/default.bpf"
	config bpf "$work/default.bpf" </dev/null
	config init default <<<'init: true'
	config init-drop unconfined <<<'init: true'
	config steps default <<-END
		setup:
		  - {mkdir: $work/state, mode: 0750, owner: workload}
		  - {chown: $work/data, recursive: true}
		  - {write: $work/app.conf, content: "port = 80", mode: 0640, owner: workload}
		  - {symlink: $work/current, target: $work/state}
		  - {chmod: $work/state, mode: 0700}
	END
	mkdir -p "$work/data"/{a,b,c}
	touch "$work/data"/{a,b,c}/{1,2,3,4,5}
	# What images have for the same, to be run before gosu. One process a step: no shell has chown or mkdir in it.
	cat >"$work/entrypoint" <<-END
		#!/bin/sh
		set -e
		mkdir -p $work/state && chown 1234:1234 $work/state
		chown -R 1234:1234 $work/data
		echo 'port = 80' >$work/app.conf.new
		chown 1234:1234 $work/app.conf.new && chmod 0640 $work/app.conf.new && mv $work/app.conf.new $work/app.conf
		ln -sfn $work/state $work/current
		chmod 0700 $work/state
		exec gosu 1234:1234 "\$@"
	END
	chmod 0755 "$work/entrypoint"
}

# step_config NAME STEP: a recursive step and nothing after it.
step_config() {
	cat >"$work/$1.yaml" <<-END
		user: "1234:1234"
		command: none
		setup:
		  - {$2, recursive: true}
	END
}
