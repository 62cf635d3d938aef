# shellcheck shell=dash source=/dev/null
# shellcheck disable=SC2034,SC2154 # variables that tap.sh and the environment have
# The workload of the capshim that is process 1 of the emulated machine, as the user app: the last checks, and status 7.
. /tap.sh

status=0

check 'behind process 1 of the machine: no privilege, the default filter'
output=$(/probe --fd-end 64 --try-regain)
unprivileged
no_way_back
is groups 44 seccomp 2 fds 0,1,2

check 'process 1 of the machine is the same user, and holds nothing'
zero=0000000000000000
same 'process 1' "$(grep -E '^(Name|Uid|Cap...|NoNewPrivs|Seccomp):' /proc/1/status | tr -s '\t\n' ' ')" "Name: capshim \
Uid: 1234 1234 1234 1234 CapInh: $zero CapPrm: $zero CapEff: $zero CapBnd: $zero CapAmb: $zero NoNewPrivs: 1 Seccomp: 2 "

check 'process 1 of the machine forwards a signal'
got=''
trap 'got=yes' HUP
kill -HUP 1
for i in $(seq 300); do
	[ -z "$got" ] || break
	sleep 0.1
done
same 'the signal' "$got" yes

finish
echo "1..$count"
exit 7
