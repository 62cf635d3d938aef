#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2054 # each test is a subshell; commas belong to lists of capabilities
# --inspect: what a container holds, without a config: the examples by which container capabilities are explained, each with the
# answer that its reader wants. Real engines are in test/940-beside.bats.

load helpers
load beside

setup() {
	beside_setup
	rm -f "$IMAGE/etc/capshim.yaml"
	install -m 4755 "$PROBE" "$IMAGE/su"
	install -m 0755 "${PROBE%/*}/deny" "$IMAGE/"
	ALL=$("$PROBE" | sed -n 's/^bounding=//p')
}

teardown() {
	beside_teardown
}

# inspect STATE [WORD]: of a container that is started so, as its process 1: as JSON, or as WORD says.
inspect() {
	start_state "$1"
	observe timeout -k 5 60 unshare --fork --pid --mount --kill-child "$START" --container "$IMAGE" --proc "$IMAGE" \
		--chroot "$IMAGE" --clean --env PATH=/data:/ --groups none "${STATE[@]}" -- "${FRONT[@]}" /capshim \
		"${2:---inspect=json}"
	assert_success
}
FRONT=()

# held SET LIST: of the first state, as the probe names capabilities; and gains: those with what they are worth.
held() {
	assert_equal "$1 $(jq -r --arg set "$1" '.states[0].capabilities[$set] | map(ltrimstr("CAP_") | ascii_downcase) | join(",")' \
		<<<"$output")" "$1 $2"
}

gains() {
	assert_equal "$(jq -r '.states[0].gains[]' <<<"$output" | sed -n "s/^CAP_\([A-Z_]*\) .*$1\$/\L\1/p" | paste -sd,)" "$2"
}

change() {
	assert_equal "$(jq -r '.change.docker | join(" ")' <<<"$output")" "$1"
}

DROP='--cap-drop ALL' NNP='--security-opt no-new-privileges' USER_WORDS='--user 65534:65534'
FILTER='(without --privileged and seccomp=unconfined)'
LATER=' (by a set-user-ID program)'

@test "the four starts: root with every capability (privileged)" {
	inspect root
	held permitted "$ALL"
	held bounding "$ALL"
	held ambient ''
	gains '' "$ALL"
	change "$DROP $NNP $USER_WORDS $FILTER"
	jq -e '.states | length == 1 and .[0].processes == [{"pid": 1, "tid": 1, "name": "capshim"}] and .[0].user.uid == 0 and
		(.[0].noNewPrivileges | not) and (.[0].seccomp.filtered | not)' <<<"$output"
}

@test "the four starts: root with the default set" {
	inspect docker
	held permitted "$DOCKER_CAPS"
	held bounding "$DOCKER_CAPS"
	gains '' "$DOCKER_CAPS"
	change "$DROP $NNP $USER_WORDS $FILTER"
	jq -e '.states[0].gains | any(test("^CAP_DAC_OVERRIDE .*reads and writes any file \\(as good as root\\)$"))' <<<"$output"
	jq -e '.setuid == ["/su"]' <<<"$output"
}

@test "the four starts: a user with a full bounding set holds nothing, until a set-user-ID program gives all of it" {
	inspect nonroot_full
	held permitted ''
	held bounding "$ALL"
	gains "$LATER" "$ALL"
	jq -e '.states[0].user.uid == 1234' <<<"$output"
	change "$DROP $NNP $FILTER"
}

@test "the four starts: a user with the default set" {
	inspect nonroot
	held permitted ''
	held effective ''
	held bounding "$DOCKER_CAPS"
	gains "$LATER" "$DOCKER_CAPS"
	change "$DROP $NNP $FILTER"
	inspect nonroot --inspect
	assert_line '  CapPrm      none'
	assert_line 'set-user-ID programs: they give uid 0 and the bounding set'
	assert_line '  /su'
	assert_line "  CAP_KILL               signals any process of the container$LATER"
}

@test "cap-drop ALL: root still owns the files of root" {
	FRONT=(/start --bounding none --)
	inspect root
	held permitted ''
	held bounding ''
	jq -e '.states[0].gains == ["uid 0                  owns the files of root"]' <<<"$output"
	change "$NNP $USER_WORDS $FILTER"
}

@test "a user in group 0 opens the files of root's group, which --user takes away" {
	local groups gid
	for gid in 0 1234; do
		groups=$((gid ? 0 : 6))
		FRONT=(/start --bounding none --nnp --groups "$groups" --gid "$gid" --uid 1234 --)
		inspect root
		jq -e '.states[0].gains == ["gid 0                  opens what the group of root may open"]' <<<"$output"
		change "$USER_WORDS $FILTER"
	done
}

@test "drop ALL and add one: shows that one, and what an attacker gains by it" {
	FRONT=(/start --bounding net_bind_service --)
	inspect root
	held permitted net_bind_service
	held bounding net_bind_service
	jq -e '.states[0].gains[0] == "CAP_NET_BIND_SERVICE   listens on ports below 1024"' <<<"$output"
}

@test "a sidecar with the default set: what to write into its manifest" {
	inspect docker --inspect
	assert_line "  docker run  $DROP $NNP $USER_WORDS $FILTER"
	assert_line '  Compose     cap_drop: [ALL]'
	assert_line '              security_opt: ["no-new-privileges:true"]'
	assert_line '  Kubernetes  securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false, runAsUser: 65534, runAsGroup: 65534, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}'
	# Each part takes away what it says.
	inspect nnp
	change "$DROP $USER_WORDS $FILTER"
	jq -e '.states[0].noNewPrivileges' <<<"$output"
	FRONT=(/deny 38 999 /start --bounding "$DOCKER_CAPS" --)
	inspect root
	change "$DROP $NNP $USER_WORDS"
	jq -e '.states[0].seccomp == {filtered: true, filters: 1}' <<<"$output"
}

@test "where no capability is held and none can be gained it says so" {
	FRONT=(/start --nnp -- /deny 38 999)
	inspect nonroot_empty --inspect
	assert_line '  nothing: no capability is held, and none can be gained'
	assert_line 'set-user-ID programs: no_new_privs takes their effect away'
	assert_line '  NoNewPrivs  1'
	assert_line '  Seccomp     filters: 1'
	refute_line --partial 'docker run'
}

@test "ping with a capability outside the bounding set: it cannot be executed, and that is said" {
	cp "$PROBE" "$IMAGE/ping"
	setcap cap_net_raw+ep "$IMAGE/ping"
	inspect docker
	jq -e '.fileCapabilities == ["/ping: CAP_NET_RAW"]' <<<"$output"
	FRONT=(/start --bounding setuid,setgid,setpcap --)
	inspect root
	jq -e '.fileCapabilities == ["/ping: CAP_NET_RAW (cannot be executed: not in the bounding set)"]' <<<"$output"
	# So it is.
	observe unshare --fork --pid --mount "$START" --chroot "$IMAGE" --bounding setuid,setgid,setpcap -- /ping
	assert_failure
	# Without the effective bit it runs, and gains nothing.
	setcap cap_net_raw+p "$IMAGE/ping"
	inspect root
	jq -e '.fileCapabilities == ["/ping: CAP_NET_RAW"]' <<<"$output"
}

@test "directories of PATH that a process can write, except for root" {
	chown 1234 "$IMAGE/data"
	inspect nonroot
	jq -e '.writablePath == ["/data"]' <<<"$output"
	inspect docker
	jq -e '.writablePath == []' <<<"$output"
	chown 0:0 "$IMAGE/data"
	chmod 0777 "$IMAGE/data"
	inspect nonroot
	jq -e '.writablePath == ["/data"]' <<<"$output"
}

@test "only this image: no mounts, no links, only executable files" {
	mkdir "$IMAGE/usr"
	ln -s /su "$IMAGE/usr/link"
	cp "$PROBE" "$IMAGE/usr/plain"
	chmod 4644 "$IMAGE/usr/plain"
	install -o 1234 -m 4755 "$PROBE" "$IMAGE/usr/others"
	install -m 4711 "$PROBE" "$IMAGE/usr/hidden"
	inspect docker
	jq -e '.setuid | sort == ["/su", "/usr/hidden"]' <<<"$output"
}

@test "with capshim: process 1, this exec, and all, grouped by what they hold" {
	container_config etc/capshim.yaml <<<$'user: app\ncap_add: NET_BIND_SERVICE\ninit: true'
	container_start --start docker -- -- /probe --sleep 60
	container_exec /capshim --inspect=json 2
	assert_success
	held permitted net_bind_service
	held bounding net_bind_service
	jq -e '.states | length == 1 and .[0].processes[0].name == "probe" and .[0].noNewPrivileges and .[0].seccomp.filters == 1' <<<"$output"
	container_exec /capshim --inspect=json 1
	held permitted ''
	held bounding ''
	container_exec /capshim --inspect=json
	held permitted "$DOCKER_CAPS"
	container_beside /probe --sleep 60
	container_beside /probe --sleep 60
	container_exec /capshim --inspect=json all
	jq -e '[.states[] | .processes | length] == [1, 1, 2]' <<<"$output"
	change "$DROP $NNP $USER_WORDS $FILTER"
	container_exec /capshim --inspect all
	assert_line --regexp '^process [0-9]+ probe, [0-9]+ probe$'
	container_exec /capshim --inspect 77
	assert_failure 111
	assert_output --partial '"77"'
	container_exec /capshim --inspect nobody
	assert_refused 100 --inspect
}

@test "from outside: a process of another container, and its image" {
	container_config etc/capshim.yaml <<<$'user: app\nseccomp: unconfined'
	container_start --start nonroot_full --entry '/probe --sleep 60'
	observe timeout 60 "$CAPSHIM" --inspect=json "$CONTAINER"
	assert_success
	held bounding "$ALL"
	jq -e '.states[0].user.uid == 1234 and .states[0].processes[0].name == "probe" and .setuid == ["/su"]' <<<"$output"
}

@test "names that lie are shown as they are" {
	local name=$'\n\e[2J"\x9b'

	install -m 0755 "$PROBE" "$IMAGE/$name"
	container_config etc/capshim.yaml <<<'user: app'
	container_start -- -- /probe --sleep 60
	container_beside "/$name" --sleep 60
	container_exec /capshim --inspect=json all
	jq -e '[.states[].processes[].name] | length == 2' <<<"$output"
	container_exec /capshim --inspect all
	assert_line --regexp '^process [0-9]+ \\n\\x1b\[2J"\\x9b$'
	chmod 4755 "$IMAGE/$name"
	container_exec /capshim --inspect=json
	jq -e '.setuid | length == 2' <<<"$output"
	container_exec /capshim --inspect
	assert_line '  /\x0a\x1b[2J"\x9b'
}
