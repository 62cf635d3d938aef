#!/usr/bin/env bats
# shellcheck disable=SC2016 # what stands in single quotes is for others to expand
# sysctl and mount.

load helpers
load content

# --- sysctl

# networked [COMMAND ...]: as steps, in a network namespace of its own, whose sysctls nobody else sees.
networked() {
	{
		printf 'user: 1234:1234\nsupplementary_groups: none\nseccomp: unconfined\ntrace: true\nsetup:\n'
		cat
	} >"$T/capshim.yaml"
	observe timeout 20 unshare --net --mount bash -c \
		"$1"' && "$@" && echo "port=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"' - "${@:2}" \
		"$CAPSHIM" -c "$T/capshim.yaml" -- "$PROBE" 3>&-
}

@test "sysctl: sets a value, in both spellings, and leaves a right one alone" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 80, net/ipv4/tcp_rmem: "4096 131072 6291456"}
		- sysctl: {net/ipv4/ip_unprivileged_port_start: 80, net.ipv4.tcp_rmem: "4096  131072	6291456 "}
		- sysctl: {net.ipv4.conf.lo.forwarding: 1}
	END
	assert_success
	assert_line port=80
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 2 already right'
}

@test "sysctl: at least never lowers" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">=2000"}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">= 80"}
	END
	assert_success
	assert_line port=2000
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 1 already right'
}

@test "sysctl: numbers as the kernel reads them: hexadecimal ones, short lists, and more digits than any type holds" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 0x50, net.ipv4.tcp_rmem: "4096"}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 0x50, net.ipv4.tcp_rmem: "4096 "}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">=00000000000000000000000000000079"}
	END
	assert_success
	assert_line port=80
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 2 already right'
	assert_line --regexp 'yaml:8: sysctl .*: 0 changed, 1 already right'
	# fs.file-max has 19 digits here, and must not be lowered. It is the host's: the kernel would refuse to write it.
	networked 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys' <<-END
		- sysctl: {fs.file-max: ">=1000"}
	END
	assert_success
	networked 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys' <<-END
		- sysctl: {fs.file-max: ">=99999999999999999999"}
	END
	assert_refused 111 fs.file-max
	networked true <<-END
		- sysctl: {net.ipv4.tcp_sack: "-99999999999999999999"}
	END
	assert_refused 111 net.ipv4.tcp_sack
}

@test "sysctl: already so is success on a read-only /proc/sys, and the way out is named otherwise" {
	local readonly='mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys'
	networked "$readonly" <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 1024}
		- sysctl: {net.ipv4.ip_unprivileged_port_start: ">=80"}
	END
	assert_success
	networked "$readonly" <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 80}
	END
	assert_refused 111 net.ipv4.ip_unprivileged_port_start 'Read-only' '--sysctl'
}

@test "sysctl: a missing capability, a missing key, a value that the kernel refuses" {
	# One of those that uid 0 alone may not change; and never done, whatever this machine has.
	networked true "$START" --without sys_admin -- <<-END
		- sysctl: {kernel.dmesg_restrict: $((1 - $(</proc/sys/kernel/dmesg_restrict)))}
	END
	assert_refused 111 kernel.dmesg_restrict CAP_SYS_ADMIN
	networked true <<-END
		- sysctl: {net.ipv4.no_such_key: 80}
	END
	assert_refused 111 net.ipv4.no_such_key 'No such file'
	networked true <<-END
		- sysctl: {net.ipv4.ip_unprivileged_port_start: 70000}
	END
	assert_refused 111 net.ipv4.ip_unprivileged_port_start 'Invalid argument'
}

@test "sysctl: keys that leave /proc/sys, empty ones, values that are no number are errors before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- sysctl: {kernel/../../1/oom_score_adj: 5}
		- sysctl: {kernel..domainname: 5}
		- sysctl: {/kernel.domainname: 5}
		- sysctl: {kernel.domainname: ''}
		- sysctl: {kernel.domainname: '>=x'}
		- sysctl: kernel.domainname=5
	END
	assert_refused 100 ':8:' ':9:' ':10:' ':11:' ':12:' ':13:'
	assert [ ! -e "$T/one" ]
}

@test "sysctl: without /proc, and on something else in its place" {
	in_image
	steps --image --no-proc <<-END
		- sysctl: {kernel.domainname: x}
	END
	assert_refused 111 kernel.domainname
	mkdir -p "$IMAGE/proc/sys/kernel"
	echo x >"$IMAGE/proc/sys/kernel/domainname"
	steps --image --no-proc <<-END
		- sysctl: {kernel.domainname: x}
	END
	assert_refused 111 kernel.domainname procfs
}

@test "sysctl: a list of numbers that the kernel sorts, and shows in ranges" {
	networked true <<-END
		- sysctl: {net.ipv4.ip_local_reserved_ports: "30000,30001,9000-9003,9001,8080"}
		- sysctl: {net.ipv4.ip_local_reserved_ports: "8080,9000-9002,9003,30000-30001"}
		- sysctl: {net.ipv4.ip_local_reserved_ports: "8080"}
	END
	assert_success
	assert_line --regexp 'yaml:6: sysctl .*: 1 changed'
	assert_line --regexp 'yaml:7: sysctl .*: 0 changed, 1 already right'
	assert_line --regexp 'yaml:8: sysctl .*: 1 changed'
	# Of other keys such words are no list.
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup: [{sysctl: {kernel.hostname: "172-31-0-10"}}]' >"$T/capshim.yaml"
	observe timeout 20 unshare --uts bash -c "hostname 172-16-0-10 && '$CAPSHIM' -c '$T/capshim.yaml' && hostname"
	assert_output 172-31-0-10
}

# --- mount

@test "mount: a device, and file systems without options, again and again in one mount namespace" {
	local disk=$T/disk loop other device
	mkdir "$T/mnt" "$T/ram"
	truncate -s 4M "$disk" "$disk.other" && mkfs.ext4 -q -F "$disk" && mkfs.ext4 -q -F "$disk.other"
	loop=$(losetup -f --show "$disk") other=$(losetup -f --show "$disk.other")
	printf '%s\n' 'user: "1234:1234"' 'command: none' 'setup:' "  - {mount: $T/mnt, type: ext4, source: $loop, options: [nosuid]}" \
		"  - {mount: $T/ram, type: ramfs}" >"$T/capshim.yaml"
	observe timeout 20 unshare --mount bash -c "for _ in 1 2 3; do '$CAPSHIM' -c '$T/capshim.yaml' || exit; done
		grep -c ' $T/[mr][na][tm] ' /proc/mounts; sed -i 's|$loop|$other|' '$T/capshim.yaml'; '$CAPSHIM' -c '$T/capshim.yaml'
		findmnt -no SOURCE --mountpoint '$T/mnt' | tail -1"
	device=$output
	# The node itself, at another path.
	touch "$T/node"
	printf '%s\n' 'user: "1234:1234"' 'command: none' "setup: [{mount: $T/node, type: bind, source: $loop}]" >"$T/capshim.yaml"
	observe timeout 20 unshare --mount bash -c "for _ in 1 2; do '$CAPSHIM' -c '$T/capshim.yaml' || exit; done; grep -c ' $T/node ' /proc/mounts"
	losetup -d "$loop" "$other"
	assert_equal "$device" "2
$other"
	assert_output 1
}

@test "mount: a tmpfs with options, and again" {
	in_image
	mkdir "$IMAGE/mnt"
	steps --image <<-END
		- mount: /mnt
		  type: tmpfs
		  options: [nosuid, "nodev,noexec", mode=0710, size=64k]
		- write: /mnt/inside
		  content: x
		- mount: /mnt
		  type: tmpfs
		  options: [nosuid, ro]
		- write: /mnt/inside
		  content: x
		- write: /mnt/other
		  content: x
		  on_error: warn
	END
	assert_unprivileged 1234
	assert_line --regexp 'yaml:9: write .*: 1 changed'
	assert_line --regexp 'yaml:11: mount .*: 0 changed, 1 already right'
	assert_line --regexp 'yaml:14: write .*: 0 changed, 1 already right'
	assert_output --partial 'cannot write "/mnt/other": Read-only file system'
	assert_equal "$(ls -A "$IMAGE/mnt")" ''
}

@test "mount: an option is added to the present ones, and options for fstab alone are left out" {
	mkdir "$T/mnt"
	cat >"$T/capshim.yaml" <<-END
		user: 1234:1234
		command: none
		setup:
		  - mount: $T/mnt
		    type: tmpfs
		    options: [nosymfollow, noatime, atime, noatime, diratime, norelatime, nofail, _netdev, x-systemd.automount]
		  - mount: $T/mnt
		    type: tmpfs
		    options: [noexec]
	END
	observe timeout 20 unshare --mount bash -c "$CAPSHIM -c $T/capshim.yaml && grep ' $T/mnt ' /proc/self/mountinfo"
	assert_success
	assert_output --partial "$T/mnt rw,noexec,noatime,nosymfollow "
}

@test "mount: bind mounts of a directory and of a file, read-only ones, and again" {
	in_image
	mkdir "$IMAGE/mnt" "$IMAGE/source"
	echo x >"$IMAGE/source/file"
	touch "$IMAGE/file"
	for options in rw ro; do
		steps --image <<-END
			- mount: /mnt
			  type: bind
			  source: /source
			  options: $options
			- mount: /file
			  options: [bind, $options]
			  source: /source/file
			- mount: [/mnt, /mnt]
			  type: bind
			  source: /source
			- write: /mnt/$options
			  content: x
			  on_error: warn
			- write: /file
			  content: $options
			  on_error: warn
		END
		assert_success
		assert_line --regexp 'yaml:13: mount .*: 0 changed, 2 already right'
	done
	assert [ -e "$IMAGE/source/rw" ]
	assert [ ! -e "$IMAGE/source/ro" ]
	printf rw | assert_content "$IMAGE/source/file"
	assert_stat %s 0 "$IMAGE/file"
}

@test "mount: needs no /proc for a file system, and can bring it" {
	in_image
	steps --image --no-proc <<-END
		- mount: /proc
		  type: proc
		- mount: /proc
		  type: proc
		- run: [/probe]
		  when: {exists: /proc/version, mountpoint: /proc}
	END
	assert_success
	assert_line --regexp 'yaml:8: mount .*: 0 changed, 1 already right'
	assert_line --regexp 'yaml:10: run .*: 1 changed'
	steps --image --no-proc <<-END
		- mount: /data
		  type: bind
		  source: /etc
	END
	assert_refused 111 /data /proc
}

@test "mount: the working directory of the workload does not change" {
	in_image
	steps --image <<-END
		- mount: /tmp
		  type: tmpfs
	END
	assert_success
	assert_probe cwd /
}

@test "mount: a missing capability, an unknown file system, planted links" {
	in_image
	mkdir "$IMAGE/mnt"
	steps --image --start docker <<-END
		- mount: /mnt
		  type: tmpfs
	END
	assert_refused 111 /mnt CAP_SYS_ADMIN
	steps --image <<-END
		- mount: /mnt
		  type: nosuchfs
	END
	assert_refused 111 /mnt nosuchfs
	steps --image <<-END
		- mount: /mnt
		  type: /nosuchfs
	END
	assert_refused 111 /mnt /nosuchfs
	as_app ln -s /etc "$IMAGE/data/link"
	steps --image <<-END
		- mount: /data/link
		  type: tmpfs
	END
	assert_refused 111 /data/link
	steps --image <<-END
		- mount: /mnt
		  type: bind
		  source: /data/link
	END
	assert_refused 111 /data/link
}

@test "mount: wrong input is an error before the first step" {
	steps <<-END
		- write: $T/one
		  content: new
		- mount: $T/data
		- mount: $T/data
		  type: bind
		- mount: $T/data
		  type: bind
		  source: /etc
		  options: size=1
		- mount: $T/data
		  type: tmpfs
		  options: bind
		  source: /etc
	END
	assert_refused 100 ':8:' ':9:' ':11:' ':16:'
	assert [ ! -e "$T/one" ]
}
