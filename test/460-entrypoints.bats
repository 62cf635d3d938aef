#!/usr/bin/env bats
# shellcheck disable=SC2016 # ${ADDRESS} is for the template step
# The root halves of six well-known entrypoints, as configs of config/examples/: each in an image like theirs, on a
# volume like theirs, compared with what the original is documented to do. The servers are the probe, under their names.

load helpers
load entrypoints

# --- redis: `find . ! -user redis -exec chown redis`, umask 0077 where it is 0022, then the server as redis

@test "redis: the volume becomes redis', its groups and modes stay, and the server finds what it would find" {
	entrypoint redis redis:999:1000 redis-server
	planted /data/appendonlydir/base.rdb 0:0 0640
	planted /data/dump.rdb 999:1000 0600
	ln -s /etc/passwd "$IMAGE/data/link"
	started
	assert_workload 999 1000
	assert_arguments redis-server
	assert_probe cwd /data umask 0077 env.USER redis env.HOME /home/redis
	assert_file /data 999:0 755
	assert_file /data/appendonlydir 999:0 755
	assert_file /data/appendonlydir/base.rdb 999:0 640
	assert_file /data/dump.rdb 999:1000 600
	assert_file /etc/passwd 0:0 644
}

@test "redis: an option or a config file means the server; another command runs as redis, without the setup" {
	entrypoint redis redis:999:1000 redis-server redis-cli
	started -- -- --port 7000
	assert_workload 999 1000
	assert_arguments redis-server --port 7000
	chown 0:0 "$IMAGE/data"
	started -- -- /etc/redis/redis.conf --save ''
	assert_arguments redis-server /etc/redis/redis.conf --save ''
	assert_file /data 999:0 755
	chown 0:0 "$IMAGE/data"
	started -- -- redis-cli ping
	assert_workload 999 1000
	assert_arguments redis-cli ping
	assert_file /data 0:0 755
}

@test "redis: a chosen umask stays" {
	entrypoint redis redis:999:1000 redis-server
	started --with --umask --with 0007
	assert_probe umask 0007
}

# --- postgres: its script makes PGDATA 0700 and /var/run/postgresql 03775, gives both and the WAL directory away,
# --- imports the secrets, and starts itself again as postgres; with --help and the like it does nothing of it

@test "postgres: directories, modes and owners, and the script runs as postgres" {
	entrypoint postgres postgres:999:999 docker-entrypoint.sh
	planted /var/lib/postgresql/data/lost 0:0 0600
	planted /run/postgresql/socket 0:0 0660
	planted /run/secrets/one 0:0 0400
	started --env PGDATA=/var/lib/postgresql/data --env POSTGRES_PASSWORD_FILE=/run/secrets/one
	assert_workload 999 999
	assert_arguments docker-entrypoint.sh postgres
	assert_probe env.POSTGRES_PASSWORD content env.POSTGRES_USER postgres env.POSTGRES_DB postgres \
		env.PGDATA /var/lib/postgresql/data
	refute_line --regexp '^env\.POSTGRES_PASSWORD_FILE='
	assert_file /var/lib/postgresql 0:0 755
	assert_file /var/lib/postgresql/data 999:0 700
	assert_file /var/lib/postgresql/data/lost 999:0 600
	assert_file /run/postgresql 999:0 3775
	assert_file /run/postgresql/socket 999:0 660
}

@test "postgres: PGDATA elsewhere, a WAL directory, a database with the user's name, options for the server" {
	entrypoint postgres postgres:999:999 docker-entrypoint.sh
	started --env PGDATA=/data/pg/16 --env POSTGRES_INITDB_WALDIR=/data/wal --env POSTGRES_USER=shop \
		-- -- -c log_statement=all
	assert_workload 999 999
	assert_arguments docker-entrypoint.sh postgres -c log_statement=all
	assert_probe env.POSTGRES_USER shop env.POSTGRES_DB shop env.POSTGRES_INITDB_WALDIR /data/wal
	assert_file /data/pg 0:0 755
	assert_file /data/pg/16 999:0 700
	assert_file /data/wal 999:0 700
	[ ! -e "$IMAGE/var/lib/postgresql" ]
}

@test "postgres: --version changes nothing, nor does another command; both run as postgres" {
	local words

	entrypoint postgres postgres:999:999 docker-entrypoint.sh
	for words in 'postgres --version' 'postgres -?' 'psql -l'; do
		# shellcheck disable=SC2086 # a list of words
		started -- -- $words
		assert_workload 999 999
		# shellcheck disable=SC2086 # a list of words
		assert_arguments docker-entrypoint.sh $words
		[ ! -e "$IMAGE/var/lib/postgresql" ]
		[ ! -e "$IMAGE/run/postgresql" ]
	done
}

@test "postgres: a password and a file with one is an error, as there" {
	entrypoint postgres postgres:999:999 docker-entrypoint.sh
	planted /run/secrets/one 0:0 0400
	started --env POSTGRES_PASSWORD=one --env POSTGRES_PASSWORD_FILE=/run/secrets/one
	assert_refused 100 POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
	[ ! -e "$IMAGE/var/lib/postgresql" ]
}

# --- mariadb: `find DATADIR ! -user mysql -exec chown mysql:`, the same for the directory of the socket without what
# --- is in it, secrets, then itself again as mysql

@test "mariadb: data directory, directory of the socket, secrets of root, and the script runs as mysql" {
	entrypoint mariadb mysql:999:998 docker-entrypoint.sh
	planted /var/lib/mysql/mysql/db.frm 0:0 0660
	planted /run/mysqld/other 0:0 0600
	planted /run/secrets/one 0:0 0400
	started --env MARIADB_DATABASE=shop --env MARIADB_ROOT_PASSWORD_FILE=/run/secrets/one \
		--env MYSQL_PASSWORD_FILE=/run/secrets/one
	assert_workload 999 998
	assert_arguments docker-entrypoint.sh mariadbd
	assert_probe env.MARIADB_ROOT_PASSWORD content env.MYSQL_PASSWORD content env.MARIADB_DATABASE shop
	refute_line --regexp '^env\.M.*_FILE='
	assert_file /var/lib/mysql 999:998 755
	assert_file /var/lib/mysql/mysql/db.frm 999:998 660
	assert_file /run/mysqld 999:998 755
	assert_file /run/mysqld/other 0:0 600
}

@test "mariadb: options mean mariadbd, mysqld is a server as well, --print-defaults changes nothing" {
	entrypoint mariadb mysql:999:998 docker-entrypoint.sh
	started -- -- --print-defaults
	assert_workload 999 998
	assert_arguments docker-entrypoint.sh mariadbd --print-defaults
	[ ! -e "$IMAGE/var/lib/mysql" ]
	started -- -- mysqld --max-connections=10
	assert_arguments docker-entrypoint.sh mysqld --max-connections=10
	assert_file /var/lib/mysql 999:998 755
}

# --- vault: VAULT_LOCAL_CONFIG becomes a file, each of three volumes is given to vault unless its top is vault's,
# --- subcommands get the program in front, and the program may lock memory if the container may

vault_image() {
	entrypoint vault vault:100:1000 vault
	planted /vault/config/own.hcl 0:0 0640
	planted /vault/logs/audit.log 0:0 0600
	planted /vault/file/core/key 100:0 0600
	chown 100:1000 "$IMAGE/vault/file"
}

@test "vault: the config from the variable, the volumes, the arguments of the server" {
	vault_image
	started --env VAULT_LOCAL_CONFIG='{"ui": true}' --env VAULT_DEV_ROOT_TOKEN_ID=root-token
	assert_workload 100 1000
	assert_arguments vault server -config=/vault/config -dev-root-token-id=root-token \
		-dev-listen-address=0.0.0.0:8200 -dev
	assert_equal "$(cat "$IMAGE/vault/config/local.json")" '{"ui": true}'
	assert_file /vault/config 100:1000 755
	assert_file /vault/config/own.hcl 100:1000 640
	assert_file /vault/config/local.json 100:1000 644
	assert_file /vault/logs 100:1000 755
	assert_file /vault/logs/audit.log 100:1000 600
	# Its top is right: the original does not look below it, either.
	assert_file /vault/file/core/key 100:0 600
}

@test "vault: SKIP_CHOWN leaves the volumes alone, and without the variable there is no file" {
	vault_image
	started --env SKIP_CHOWN=1 --env VAULT_DEV_LISTEN_ADDRESS=127.0.0.1:8200 -- -- server
	assert_workload 100 1000
	assert_arguments vault server -config=/vault/config -dev-root-token-id= -dev-listen-address=127.0.0.1:8200
	assert_file /vault/config 0:0 755
	assert_file /vault/logs/audit.log 0:0 600
	[ ! -e "$IMAGE/vault/config/local.json" ]
}

@test "vault: a subcommand and an option are vault's, any other command is its own; vault keeps IPC_LOCK where it is" {
	vault_image
	started -- -- status -format=json
	assert_arguments vault status -format=json
	started -- -- -version
	assert_arguments vault -version
	started -- -- /probe sh
	assert_workload 100 1000
	assert_arguments /probe sh
	capshim_run --image --config image --with --bounding --with "$DOCKER_CAPS,ipc_lock" -- -- version
	assert_success
	assert_probe uid 100,100,100,100 permitted ipc_lock effective ipc_lock bounding ipc_lock ambient ipc_lock
}

@test "vault: a config directory that cannot be given away is a warning, and the server starts" {
	vault_image
	chown 100:1000 "$IMAGE/vault/logs" "$IMAGE/vault/file"
	started --read-only
	assert_workload 100 1000
	assert_file /vault/config 0:0 755
	assert_output --partial /vault/config
}

# --- PUID and PGID: `groupmod -o -g`, `usermod -o -u` of abc, /app, /config and /defaults are abc's, FILE__NAME holds a
# --- path, and the service runs as abc with its groups

@test "PUID and PGID: the account, the volume, the seed, the secrets, the umask" {
	entrypoint puid-pgid abc:911:911 app
	planted /defaults/app.conf 0:0 0644
	planted /config/old/state 911:911 0600
	planted /run/secrets/one 0:0 0400
	mkdir "$IMAGE/app"
	started --env PUID=1000 --env PGID=1001 --env UMASK=002 --env FILE__PASSWORD=/run/secrets/one
	assert_workload 1000 1001
	assert_arguments app
	assert_probe umask 0002 env.PASSWORD content env.USER abc env.HOME /config
	refute_line --regexp '^env\.FILE__'
	assert_equal "$(grep ^abc: "$IMAGE/etc/passwd" | cut -d: -f1,3,4,7)" abc:1000:1001:/bin/false
	assert_equal "$(grep ^abc: "$IMAGE/etc/group")" abc:x:1001:
	assert_file /config 1000:1001 755
	assert_file /config/old/state 1000:1001 600
	assert_file /config/app.conf 1000:1001 644
	assert_file /app 1000:1001 755
	assert_file /defaults 1000:1001 755
	assert_file /defaults/app.conf 0:0 644
}

@test "PUID and PGID: 911 and 022 by default; what the user changed stays; other ids at the next start" {
	entrypoint puid-pgid abc:99:99 app
	planted /defaults/app.conf 0:0 0644
	started --with --umask --with 0077
	assert_workload 911 911
	assert_probe umask 0022
	echo changed >"$IMAGE/config/app.conf"
	started --env PUID=99 --env PGID=100
	assert_workload 99 100
	assert_file /config/app.conf 99:100 644
	assert_equal "$(cat "$IMAGE/config/app.conf")" changed
	assert_equal "$(grep -c ^abc: "$IMAGE/etc/passwd")" 1
}

@test "PUID and PGID: with an invalid id, or root's, nothing changes" {
	local id

	entrypoint puid-pgid abc:911:911 app
	planted /config/state 911:911 0600
	for id in 0 -1 1e3 4294967295; do
		started --env "PUID=$id" --env PGID=1001
		assert_refused 100 capshim.yaml:
		assert_file /config/state 911:911 600
		assert_equal "$(grep ^abc: "$IMAGE/etc/passwd" | cut -d: -f3)" 911
	done
}

# --- volume-permissions of the charts: mkdir and chmod 700 of the data directory, chown of the mount, then chown -R of
# --- all that is in it but .snapshot and lost+found

@test "volume permissions: the volume is the next container's, and it ends" {
	entrypoint volume-permissions app:1234:1234
	planted /bitnami/postgresql/conf/own.conf 0:0 0640
	planted /bitnami/postgresql/lost+found/inode 0:0 0600
	planted /bitnami/postgresql/.snapshot/hourly/file 0:0 0600
	ln -s /etc/group "$IMAGE/bitnami/postgresql/link"
	started
	assert_success
	assert_output ''
	assert_file /bitnami 0:0 755
	assert_file /bitnami/postgresql 1001:1001 755
	assert_file /bitnami/postgresql/data 1001:1001 700
	assert_file /bitnami/postgresql/conf/own.conf 1001:1001 640
	assert_file /bitnami/postgresql/lost+found/inode 0:0 600
	assert_file /bitnami/postgresql/.snapshot/hourly/file 0:0 600
	assert_file /etc/group 0:0 644
	started --env RUN_AS_USER=1234 --env FS_GROUP=44
	assert_success
	assert_file /bitnami/postgresql/conf/own.conf 1234:44 640
	assert_file /bitnami/postgresql/data 1234:44 700
}

# --- what their heads say

@test "each runs with exactly the capabilities that its head names, and without any one of them nothing runs" {
	local name user programs grant cap uid gid

	while read -r name user programs; do
		grant=$(sed -n '3s/^# Grant: //p' "$REPO/config/examples/$name.yaml" | tr -d ' ')
		grant=${grant,,}
		for cap in none ${grant//,/ }; do
			image_new
			# shellcheck disable=SC2086 # a list of words
			entrypoint "$name" "$user" $programs
			capshim_run --image --config image --with --groups --with 0 --with --bounding \
				--with "$(tr ',' '\n' <<<"$grant" | grep -vx "$cap" | paste -sd, | sed 's/^$/none/')"
			if [ "$cap" != none ]; then
				assert_refused 111 "CAP_${cap^^}" || fail "$name without $cap: $output" || return
			elif [ -n "$programs" ]; then
				IFS=: read -r _ uid gid <<<"$user"
				assert_workload "$uid" "$gid" || fail "$name: $output" || return
			else
				assert_success || return
			fi
		done
	done <<-'END'
		redis redis:999:1000 redis-server
		postgres postgres:999:999 docker-entrypoint.sh
		mariadb mysql:999:998 docker-entrypoint.sh
		vault vault:100:1000 vault
		puid-pgid abc:911:911 app
		volume-permissions app:1234:1234
	END
}

# --- FROM scratch

@test "FROM scratch: the whole setup with nothing in the image but capshim, its config and the workload" {
	local proc

	for proc in '' --no-proc; do
		rm -rf "$IMAGE"
		mkdir -p "$IMAGE"/{etc,dev,proc}
		install -m 0755 "$CAPSHIM" "$IMAGE/capshim"
		install -m 0755 "$PROBE" "$IMAGE/server"
		printf 'listen ${ADDRESS}\n' >"$IMAGE/server.in"
		assert_equal "$(find "$IMAGE" -type f -perm /111 -printf '%P\n' | sort | paste -sd' ')" 'capshim server'
		image_needs
		# shellcheck disable=SC2086 # empty, or an option
		capshim_run --image $proc --start docker --env ADDRESS=127.0.0.1 <<-'YAML'
			user: "1000:1000"
			command: [/server, --port, "80"]
			working_dir: /var/lib/server
			accounts:
			  - {name: server, uid: "1000", gid: "1000", home: /var/lib/server}
			setup:
			  - mkdir: [/var/lib/server/db, /tmp]
			    owner: workload
			    mode: 0750
			  - chmod: /tmp
			    mode: 01777
			  - write: /var/lib/server/token
			    content: secret
			    mode: 0400
			    owner: workload
			  - template: /server.in
			    to: /etc/server.conf
			  - copy: /etc/server.conf
			    to: /var/lib/server/server.conf
			    mode: 0640
			  - symlink: /run
			    target: /tmp
			  - mknod: /var/lib/server/pipe
			    type: p
			    mode: 0600
			  - chown: /var/lib/server
			    recursive: true
			  - remove: /server.in
		YAML
		assert_success
		assert_probe uid 1000,1000,1000,1000 gid 1000,1000,1000,1000 groups '' permitted '' bounding '' \
			no_new_privs 1 seccomp "${SECCOMP:-2}" pid 1 cwd /var/lib/server env.USER server env.HOME /var/lib/server
		assert_arguments /server --port 80
		assert_file /var/lib/server 1000:1000 755
		assert_file /var/lib/server/db 1000:1000 750
		assert_file /tmp 1000:1000 1777
		assert_file /var/lib/server/token 1000:1000 400
		assert_file /var/lib/server/server.conf 1000:1000 640
		assert_file /var/lib/server/pipe 1000:1000 600
		assert_equal "$(cat "$IMAGE/etc/server.conf")" 'listen 127.0.0.1'
		assert_equal "$(readlink "$IMAGE/run")" /tmp
		[ ! -e "$IMAGE/server.in" ]
	done
}
