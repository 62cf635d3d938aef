#!/usr/bin/env bats
# shellcheck disable=SC2016 # ${...} is for the template step
# Ten more entry points of well-known images, as configs in test/entrypoints: each in an image like theirs, on a volume like
# theirs, compared with what the original does by its public script. The head of each says which script that is, how many
# lines of shell it has, and what of it cannot be said in the language. The servers are the probe, under their names.

load helpers
load programs
load entrypoints

# fake PROGRAM LINE ...: a program of a step: a script of these lines.
fake() {
	printf '%s\n' '#!/bin/sh' "${@:2}" | install -D -m 0755 /dev/stdin "$IMAGE$1"
}

@test "each is shorter than the shell that it replaces, and lists what it leaves out" {
	local file lines shell

	for file in "$REPO"/test/entrypoints/*.yaml; do
		lines=$(grep -c '^ *[^ #]' "$file")
		shell=$(sed -n '1s/.*: about \([0-9]*\) lines of shell.*/\1/p' "$file")
		[ "$lines" -lt "${shell:-0}" ] || fail "$file: $lines lines for $shell" || return
	done
	assert_equal "$(find "$REPO/test/entrypoints" -name '*.yaml' | wc -l)" 10
}

grafana_started() {
	entrypoint grafana grafana:472:0 grafana
	mkdir -p "$IMAGE/var/lib/grafana"
	chown 472:0 "$IMAGE/var/lib/grafana"
	planted /run/secrets/admin 0:0 0400
	started --env GF_PATHS_HOME=/usr/share/grafana --env GF_PATHS_CONFIG=/etc/grafana/grafana.ini \
		--env GF_PATHS_DATA=/var/lib/grafana --env GF_PATHS_LOGS=/var/log/grafana \
		--env GF_PATHS_PLUGINS=/var/lib/grafana/plugins --env GF_PATHS_PROVISIONING=/etc/grafana/provisioning "$@"
}

@test "grafana: secrets, HOME, the directory of plugins, and the user's words between those of the server" {
	local front=(grafana server --homepath=/usr/share/grafana --config=/etc/grafana/grafana.ini --packaging=docker)
	local back=(cfg:default.log.mode=console cfg:default.paths.data=/var/lib/grafana
		cfg:default.paths.logs=/var/log/grafana cfg:default.paths.plugins=/var/lib/grafana/plugins
		cfg:default.paths.provisioning=/etc/grafana/provisioning)

	grafana_started --env GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/admin
	assert_success
	assert_probe uid 472,472,472,472 gid 0,0,0,0 bounding '' no_new_privs 1 env.HOME /usr/share/grafana \
		env.GF_SECURITY_ADMIN_PASSWORD content
	refute_line --regexp '^env\..*__FILE='
	assert_arguments "${front[@]}" "${back[@]}"
	assert_file /var/lib/grafana/plugins 472:0 755
	grafana_started -- -- cfg:server.http_port=80
	assert_arguments "${front[@]}" cfg:server.http_port=80 "${back[@]}"
	grafana_started --env GF_X=1 --env GF_X__FILE=/run/secrets/admin
	assert_refused 100 GF_X
}

@test "jenkins: the reference files are copied where there are none, options go to Java and to Jenkins" {
	entrypoint jenkins jenkins:1000:1000 java
	planted /usr/share/jenkins/ref/init.groovy.d/one.groovy 0:0 0644
	planted /usr/share/jenkins/ref/config.xml 0:0 0644
	planted /var/jenkins_home/config.xml 1000:1000 0600
	chown 1000:1000 "$IMAGE/var/jenkins_home"
	started --env JAVA_OPTS=-Xmx1g --env JENKINS_OPTS='--prefix=/ci --httpPort=8081' --env JENKINS_SLAVE_AGENT_PORT=5000
	assert_workload 1000 1000
	assert_arguments java -Duser.home=/var/jenkins_home -jar /usr/share/jenkins/jenkins.war --prefix=/ci --httpPort=8081
	assert_probe env.JDK_JAVA_OPTIONS '-Xmx1g  -Djenkins.model.Jenkins.slaveAgentPort=5000'
	assert_file /var/jenkins_home/init.groovy.d/one.groovy 1000:1000 644
	assert_file /var/jenkins_home/config.xml 1000:1000 600
	started -- -- --httpPort=9090
	assert_arguments java -Duser.home=/var/jenkins_home -jar /usr/share/jenkins/jenkins.war --httpPort=9090
	started -- -- /probe sh
	assert_workload 1000 1000
	assert_arguments /probe sh
}

@test "rabbitmq: the server gets its volume; other tools do not touch it, and none of them stays root" {
	entrypoint rabbitmq rabbitmq:999:999 docker-entrypoint.sh
	planted /var/lib/rabbitmq/mnesia/db 0:0 0640
	started -- -- rabbitmqctl status
	assert_workload 999 999
	assert_arguments docker-entrypoint.sh rabbitmqctl status
	assert_file /var/lib/rabbitmq/mnesia/db 0:0 640
	started -- -- rabbitmq-server
	assert_workload 999 999
	assert_arguments docker-entrypoint.sh rabbitmq-server
	assert_file /var/lib/rabbitmq/mnesia/db 999:0 640
}

@test "elasticsearch: 1000:0, umask 0002, and the volumes only where TAKE_FILE_OWNERSHIP asks for it" {
	entrypoint elasticsearch elasticsearch:1000:1000 docker-entrypoint.sh
	planted /usr/share/elasticsearch/data/nodes 0:0 0640
	planted /usr/share/elasticsearch/logs/log 0:0 0640
	started -- -- eswrapper
	assert_success
	assert_probe uid 1000,1000,1000,1000 gid 0,0,0,0 umask 0002 bounding '' no_new_privs 1
	assert_arguments docker-entrypoint.sh eswrapper
	assert_file /usr/share/elasticsearch/data/nodes 0:0 640
	started --env TAKE_FILE_OWNERSHIP=1 -- -- eswrapper
	assert_file /usr/share/elasticsearch/data/nodes 1000:0 640
	assert_file /usr/share/elasticsearch/logs 1000:0 755
}

clickhouse_image() {
	entrypoint clickhouse clickhouse:101:101 clickhouse-server
	planted /var/lib/clickhouse/data/part 0:0 0640
	mkdir -p "$IMAGE/etc/clickhouse-server/users.d"
}

@test "clickhouse: directories, owner, the user of the variables, the server's options" {
	clickhouse_image
	started --env CLICKHOUSE_USER=shop --env CLICKHOUSE_PASSWORD=secret -- -- --listen_host=::
	assert_workload 101 101
	assert_arguments clickhouse-server --config-file=/etc/clickhouse-server/config.xml --listen_host=::
	assert_probe env.CLICKHOUSE_WATCHDOG_ENABLE 0
	assert_file /var/lib/clickhouse 101:101 755
	assert_file /var/lib/clickhouse/data/part 101:101 640
	assert_file /var/log/clickhouse-server 101:101 755
	assert_file /etc/clickhouse-server/users.d/default-user.xml 0:101 640
	grep -q '<password>secret</password>' "$IMAGE/etc/clickhouse-server/users.d/default-user.xml"
	grep -q '<shop>' "$IMAGE/etc/clickhouse-server/users.d/default-user.xml"
}

@test "clickhouse: other ids, and CLICKHOUSE_DO_NOT_CHOWN leaves the volume alone and makes directories as the user" {
	clickhouse_image
	started --env CLICKHOUSE_UID=500 --env CLICKHOUSE_GID=501
	assert_workload 500 501
	assert_arguments clickhouse-server --config-file=/etc/clickhouse-server/config.xml
	assert_file /var/lib/clickhouse/data/part 500:501 640
	[ ! -e "$IMAGE/etc/clickhouse-server/users.d/default-user.xml" ]
	image_new
	clickhouse_image
	chown 101:101 "$IMAGE/var/lib/clickhouse"
	mkdir -m 0777 "$IMAGE/var/log"
	chmod 0777 "$IMAGE/var/log"
	started --env CLICKHOUSE_DO_NOT_CHOWN=1
	assert_workload 101 101
	assert_file /var/lib/clickhouse/data/part 0:0 640
	assert_file /var/lib/clickhouse/tmp 101:101 755
}

@test "minio: every command is minio's, the ids of the variables, secrets from their directory" {
	local words

	entrypoint minio minio:1000:1000 minio
	planted /run/secrets/key 0:0 0400
	mkdir -p "$IMAGE/data"
	for words in 'minio server /data' 'server /data' '--version'; do
		# shellcheck disable=SC2086 # a list of words
		started --env MINIO_ACCESS_KEY_FILE=/run/secrets/key --env MINIO_UID=500 --env MINIO_GID=501 -- -- $words
		assert_success
		assert_probe uid 500,500,500,500 gid 501,501,501,501 bounding '' env.MINIO_ACCESS_KEY content
		# shellcheck disable=SC2086 # a list of words
		assert_arguments minio ${words#minio }
	done
	assert_file /data 500:501 755
}

@test "mosquitto: the volume, as far as it can be given, and the server without root from its first instruction" {
	entrypoint mosquitto mosquitto:1883:1883 mosquitto
	planted /mosquitto/data/db 0:0 0600
	planted /mosquitto/config/mosquitto.conf 0:0 0644
	started -- -- /usr/local/bin/mosquitto -c /mosquitto/config/mosquitto.conf
	assert_success
	assert_probe uid 1883,1883,1883,1883 groups '' bounding ''
	assert_arguments /usr/local/bin/mosquitto -c /mosquitto/config/mosquitto.conf
	assert_file /mosquitto/data/db 1883:1883 600
	chown -R 0:0 "$IMAGE/mosquitto"
	started --read-only -- -- mosquitto
	assert_success
	assert_arguments mosquitto
}

@test "haproxy: master-worker mode in the foreground, for the command and for options; others run as they are" {
	entrypoint haproxy haproxy:99:99 haproxy
	started -- -- haproxy -f /usr/local/etc/haproxy/haproxy.cfg
	assert_workload 99 99
	assert_arguments haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg
	started -- -- -c -f /etc/h.cfg
	assert_arguments haproxy -W -db -c -f /etc/h.cfg
	started -- -- /probe sh
	assert_workload 99 99
	assert_arguments /probe sh
}

@test "paperless-ngx: ids, directories, its preparation as its user with its variables, management commands" {
	entrypoint paperless paperless:1000:1000 python3
	image_shell
	mkdir -p "$IMAGE"/usr/src/paperless/{src,data,media,consume} "$IMAGE/tmp"
	chmod 1777 "$IMAGE/tmp"
	planted /usr/src/paperless/media/old 0:0 0640
	fake /sbin/docker-prepare.sh 'echo "$PAPERLESS_DBHOST, ${OTHER-unset}, $PWD" >/usr/src/paperless/data/prepared'
	started --env USERMAP_UID=500 --env USERMAP_GID=501 --env PAPERLESS_DBHOST=db --env OTHER=x -- -- document_consumer
	assert_workload 500 501
	assert_arguments python3 manage.py document_consumer
	assert_probe cwd /usr/src/paperless/src
	assert_equal "$(<"$IMAGE/usr/src/paperless/data/prepared")" 'db, unset, /usr/src/paperless/src'
	assert_file /usr/src/paperless/data/prepared 500:501 644
	assert_file /usr/src/paperless/media/old 500:501 640
	assert_file /usr/src/paperless/media/documents/thumbnails 500:501 755
	assert_file /tmp/paperless 500:501 755
	started --env USERMAP_UID=500 --env USERMAP_GID=501 -- -- /probe sh
	assert_arguments /probe sh
}

gitea_image() {
	entrypoint gitea git:1000:1000
	image_shell
	mkdir -p "$IMAGE"/{data,app/gitea,etc/templates}
	install -m 0755 "$PROBE" "$IMAGE/app/gitea/gitea"
	printf '%s\n' 'APP_NAME = $APP_NAME' 'INSTALL_LOCK = $INSTALL_LOCK' 'PORT = $SSH_LISTEN_PORT' >"$IMAGE/etc/templates/app.ini"
	fake /usr/local/bin/environment-to-ini 'echo "${GITEA__log__LEVEL-none} ${SECRET_KEY-none}" >>"$2"'
}

@test "gitea: account, directories, app.ini from the template once, settings from the variables at every start" {
	local ini=/data/gitea/conf/app.ini

	gitea_image
	started --env USER_UID=500 --env USER_GID=501 --env SECRET_KEY=key --env SSH_PORT=2222 --env GITEA__log__LEVEL=Warn
	assert_workload 500 501
	assert_arguments /app/gitea/gitea web
	assert_probe env.GITEA_CUSTOM /data/gitea env.USER git env.HOME /data/git
	assert_equal "$(<"$IMAGE$ini")" $'APP_NAME = Gitea: Git with a cup of tea\nINSTALL_LOCK = true\nPORT = 2222\nWarn none'
	assert_file "$ini" 500:501 644
	assert_file /data/git/.ssh 500:501 700
	assert_file /data/git/.ssh/environment 500:501 600
	assert_equal "$(<"$IMAGE/data/git/.ssh/environment")" GITEA_CUSTOM=/data/gitea
	assert_file /data/gitea/log 500:501 755
	assert_file /app/gitea 500:501 755
	started --env USER_UID=500 --env USER_GID=501 --env APP_NAME=other
	assert_success
	assert_equal "$(head -n 1 "$IMAGE$ini")" 'APP_NAME = Gitea: Git with a cup of tea'
	assert_equal "$(tail -n 1 "$IMAGE$ini")" 'none none'
}
