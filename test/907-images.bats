#!/usr/bin/env bats
# bats file_tags=long:80
# The Dockerfiles of config/images, built and run by a real engine: each says in its head what a container of it must be
# granted. It is what --explain prints there, with it the image runs and --verify finds nothing, and less is refused.

load helpers
load engine

setup_file() {
	export BATS_TEST_TIMEOUT=1000 # building images takes its time
	engine_start "$CAPSHIM_TEST_ROOT"
	# The image that they copy from, as packaging/image makes it.
	export FROM=capshim:images-$$
	timeout 120 "$REPO/packaging/image" "images-$$" "${CAPSHIM%/*}" >&2
}

setup() {
	test_dir
	NAME=image-${T##*.}
}

teardown() {
	timeout 30 docker rm -f "$NAME" >/dev/null 2>&1 || :
}

# build IMAGE [OPTION ...]: config/images/IMAGE, from a copy that a umask has closed to others.
build() {
	! grep -q "^FROM $ENGINE_BASE" "$REPO/config/images/$1/Dockerfile" || engine_base
	mkdir -p "$T/context"
	(umask 077 && cp -R "$REPO/config/images/$1/." "$T/context")
	run timeout 800 docker build --network host --build-arg "CAPSHIM=$FROM" -t "$1" "${@:2}" "$T/context"
	assert_success
}

# granted IMAGE [COMMAND]: the options in the head of its Dockerfile, in GRANT; they are what --explain prints.
granted() {
	read -ra GRANT <<<"$(sed -n 's/^# *docker run \(--cap-drop ALL .*\) [a-z-]*$/\1/p' "$REPO/config/images/$1/Dockerfile")"
	[ ${#GRANT[@]} -gt 2 ] || fail "$1: its head has no list" || return
	observe timeout 60 docker run --rm --network none --entrypoint /capshim "$1" --explain=json -- "${@:2}"
	assert_success || return
	assert_equal "$(printf '%s\n' "${GRANT[@]}" | sed -n '/^--cap-add$/{n;s/^/CAP_/;p}' | sort | paste -sd' ' -)" \
		"$(jq -r '.required | keys[]' <<<"$output" | sort | paste -sd' ' -)"
}

# start IMAGE [OPTION ...] [-- ARGUMENT ...]: in the background, as $NAME, with GRANT.
start() {
	local options=()

	timeout 30 docker rm -f "$NAME" >/dev/null 2>&1 || :
	while [ $# -gt 1 ] && [ "$2" != -- ]; do
		options+=("$2")
		set -- "$1" "${@:3}"
	done
	timeout 60 docker run -d --name "$NAME" --network none "${GRANT[@]}" "${options[@]}" "$1" "${@:3}" >/dev/null
}

# is_user PID UID: by all four of its ids.
is_user() {
	[ "$(awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "/proc/$1/status")" = "$2 $2 $2 $2" ]
}

# verified UID: the container's process 1 becomes that user, with nothing, and --verify finds no process with more.
verified() {
	local pid set

	pid=$(timeout 10 docker inspect -f '{{.State.Pid}}' "$NAME")
	wait_until is_user "$pid" "$1" || fail "process 1 did not become $1" || return
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		assert_equal "$set $(awk -v key="$set:" '$1 == key { print $2 }' "/proc/$pid/status")" "$set 0000000000000000" || return
	done
	assert_equal "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/$pid/status")" 1 || return
	observe timeout 20 docker exec "$NAME" /capshim --verify
	assert_success
}

# without_each IMAGE [OPTION ...]: a container that lacks one of GRANT's is refused, and what it would run does not run.
without_each() {
	local i less name

	for ((i = 2; i < ${#GRANT[@]}; i += 2)); do
		less=("${GRANT[@]}") name=${GRANT[i + 1]}
		unset "less[i]" "less[i + 1]"
		observe timeout 60 docker run --rm --network none "${less[@]}" "${@:2}" "$1"
		[ "$status" = 111 ] && [[ $output == *"CAP_$name"* ]] || fail "$1 without $name: $status, $output" || return
	done
}

@test "static: the base of a static program, without a shell, as root and as a start without root" {
	build static
	granted static /probe
	mkdir "$T/derived"
	install -m 0755 "$PROBE" "$T/derived"
	printf '%s\n' 'FROM static' 'COPY probe /' 'CMD ["/probe", "--try-regain"]' >"$T/derived/Dockerfile"
	timeout 120 docker build -q -t derived "$T/derived" >&2
	observe timeout 60 docker run --rm --network none "${GRANT[@]}" derived
	assert_unprivileged 65532
	assert_no_way_back
	assert_probe env.HOME /home/nonroot
	without_each derived
	observe timeout 60 docker run --rm --network none --read-only --user 65532:65532 --cap-drop ALL derived
	assert_success
	assert_probe uid 65532,65532,65532,65532 no_new_privs 1 seccomp 2
	start derived -- /probe --sleep 60
	verified 65532
	# Nothing of the build is left, and nothing that others can write but /tmp.
	timeout 30 docker export "$NAME" | tar -tvf - >"$T/files"
	refute [ "$(grep -cE ' (build.yaml|bin/)' "$T/files")" != 0 ]
	grep -qE '^drwxrwxrwt .* tmp/$' "$T/files"
	run grep -E '^[-d].{7}w' <(grep -vE ' tmp/$' "$T/files")
	assert_output ''
}

@test "team: a slim base that takes a read-only root" {
	build team
	granted team sleep
	start team --read-only --tmpfs /run -- sleep 60
	verified 10001
	observe timeout 20 docker exec "$NAME" /capshim --as-workload -- sh -c 'echo x >/run/app/x && id -u && ls -d /capshim*'
	assert_success
	assert_output $'10001\n/capshim'
	without_each team
}

healthy() {
	[ "$(timeout 20 docker inspect -f '{{.State.Health.Status}}' "$NAME")" = healthy ]
}

@test "puid-pgid: the files are whose the variables say, also those of another id before" {
	build puid-pgid
	granted puid-pgid
	mkdir "$T/config"
	start puid-pgid -e PUID=1000 -e PGID=1001 -v "$T/config:/config"
	wait_until test -s "$T/config/app.log"
	verified 1000
	assert_equal "$(stat -c '%u:%g' "$T/config" "$T/config/app.conf" "$T/config/app.log" | sort -u)" 1000:1001
	echo 'greeting = mine' >"$T/config/app.conf"
	# The next start is another user's.
	start puid-pgid -e PUID=2000 -e PGID=2000 -v "$T/config:/config"
	wait_until grep -q uid=2000 "$T/config/app.log"
	verified 2000
	assert_equal "$(stat -c '%u:%g' "$T/config/app.conf" "$T/config/app.log" | sort -u) $(cat "$T/config/app.conf")" \
		'2000:2000 greeting = mine'
	wait_until healthy
	without_each puid-pgid
	observe timeout 60 docker run --rm --network none -e PUID=0 puid-pgid
	assert_refused 100 'uid 0 is root'
}

@test "database: a volume that is new, used, and restored by root starts with the same list" {
	build database
	granted database
	mkdir "$T/data"
	ask=(timeout 20 docker exec "$NAME" /capshim --as-workload -- redis-cli -s /run/redis/redis.sock)
	start database -v "$T/data:/data"
	wait_until "${ask[@]}" ping
	"${ask[@]}" set key one
	"${ask[@]}" save
	uid=$(stat -c %u "$T/data/dump.rdb")
	[ "$uid" -gt 0 ]
	verified "$uid"
	# Used; then with a file that root has restored.
	for owner in "$uid" 0; do
		chown "$owner:0" "$T/data/dump.rdb"
		chmod 0600 "$T/data/dump.rdb"
		start database -v "$T/data:/data" -- --loglevel notice
		wait_until "${ask[@]}" ping
		run "${ask[@]}" get key
		assert_output one
		verified "$uid"
		assert_equal "$(stat -c %u "$T/data/dump.rdb")" "$uid"
	done
	without_each database -v "$T/data:/data"
}

# A stranger's image: root with the runtime's default capabilities, and its own entry point.
stranger() {
	mkdir "$T/stranger"
	install -m 0755 "$PROBE" "$T/stranger/exporter"
	printf '%s\n' 'FROM scratch' 'COPY . /' 'CMD ["/exporter"]' >"$T/stranger/Dockerfile"
	timeout 120 docker build -q -t stranger "$T/stranger" >&2
}

# field KIND CONTAINER EXPRESSION: of the manifest for wrapped sidecars; words, one a line.
field() {
	python3 - "$REPO/config/kubernetes/wrapped-sidecar.yaml" "$@" <<-'END'
		import sys, yaml
		pod = next(d for d in yaml.safe_load_all(open(sys.argv[1])) if d["kind"] == "Pod")
		container = next(c for c in pod["spec"][sys.argv[2]] if c["name"] == sys.argv[3])
		print("\n".join(map(str, eval(sys.argv[4], {"c": container}))))
	END
}

# added KIND CONTAINER: the options of docker run that grant what the manifest grants.
added() {
	field "$@" '["--cap-drop=ALL"] + ["--cap-add=" + n for n in c["securityContext"]["capabilities"]["add"]]'
}

@test "another vendor's sidecar, wrapped as the manifest does it, keeps nothing" {
	local options=() command

	stranger
	mkdir -m 0777 "$T/volume"
	mkdir "$T/config"
	"$REPO/test/manifests.py" list "$REPO/config/kubernetes/wrapped-sidecar.yaml" "$T/config"
	# The init container.
	mapfile -t command < <(field initContainers copy-capshim 'c["command"][1:]')
	mapfile -t options < <(added initContainers copy-capshim)
	observe timeout 60 docker run --rm --network none --read-only "${options[@]}" -v "$T/volume:/capshim-bin" \
		-v "$T/config/copy-capshim.yaml:/config/capshim.yaml:ro" --entrypoint "/capshim" "$FROM" "${command[@]}"
	assert_success
	cmp "$CAPSHIM" "$T/volume/capshim"
	# The sidecar before, and after.
	observe timeout 60 docker run --rm --network none stranger
	assert_probe uid 0,0,0,0 bounding "$DOCKER_CAPS"
	mapfile -t options < <(added containers exporter)
	options+=(-v "$T/volume:/capshim-bin:ro" --network none --entrypoint /capshim-bin/capshim)
	mapfile -t command < <(field containers exporter 'c["command"][1:]')
	observe timeout 60 docker run --rm "${options[@]}" stranger "${command[@]}"
	assert_success
	assert_probe uid 65532,65532,65532,65532 permitted '' bounding '' no_new_privs 1 seccomp 2 argc 3 arg.1 --listen
	# What --inspect says of both, as doc/kubernetes.md shows it.
	timeout 60 docker run -d --name "$NAME" --network none -v "$T/volume:/capshim-bin:ro" stranger /exporter --sleep 60 >/dev/null
	observe timeout 20 docker exec "$NAME" /capshim-bin/capshim --inspect 1
	assert_line --regexp '^  CapPrm +CAP_CHOWN, .*CAP_SETFCAP$'
	assert_line --regexp '^  NoNewPrivs +0$'
	timeout 30 docker rm -f "$NAME" >/dev/null
	timeout 60 docker run -d --name "$NAME" "${options[@]}" stranger --user 65532:65532 -- /exporter --sleep 60 >/dev/null
	observe timeout 20 docker exec "$NAME" /capshim-bin/capshim --inspect 1
	assert_line --regexp '^  Uid +65532 65532 65532 65532$'
	assert_line --regexp '^  CapBnd +(none|as CapPrm)$'
	assert_line --regexp '^  NoNewPrivs +1$'
	observe timeout 20 docker exec "$NAME" /capshim-bin/capshim --user 65532:65532 --verify
	assert_success
}

@test "compose.yaml: Compose takes it, and what it starts holds the one capability, on a read-only root" {
	local compose

	image_make "$T/web"
	mkdir -p "$T/web/usr/bin" "$T/web/run"
	mv "$T/web/probe" "$T/web/usr/bin/server"
	printf '%s\n' 'FROM scratch' 'COPY . /' 'ENV PATH=/usr/bin' >"$T/Dockerfile.web"
	timeout 120 docker build -q -t web -f "$T/Dockerfile.web" "$T/web" >&2
	printf '%s\n' 'services:' '  web:' '    network_mode: none' '    ports: []' >"$T/none.yaml"
	compose=(timeout 60 docker-compose -p "world${T##*.}" -f "$REPO/config/compose.yaml" -f "$T/none.yaml")
	observe "${compose[@]}" config -q
	assert_success
	assert_output ''
	observe "${compose[@]}" run --rm -T web
	assert_unprivileged 1000 net_bind_service
	assert_probe argc 3 arg.1 --port
}
