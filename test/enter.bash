# Run by helpers.bash in a mount namespace of its own: makes IMAGE look like a container's root, then runs the rest.
#	enter.bash IMAGE PROC READONLY COMMAND ...
set -eu
image=$1 proc=$2 readonly=$3
shift 3
mount --make-rprivate /
mount --bind "$image" "$image"
mount -t tmpfs -o mode=0755 tmpfs "$image/dev"
# Nodes of its own: whatever a test does to them, the machine's stay as they are.
while read -r node minor; do
	mknod -m 0666 "$image/dev/$node" c 1 "$minor"
done <<-'END'
	null 3
	zero 5
	full 7
	random 8
	urandom 9
END
mknod -m 0666 "$image/dev/tty" c 5 0
if [ -n "$proc" ]; then
	mount -t proc proc "$image/proc"
fi
ln -s /proc/self/fd "$image/dev/fd"
ln -s /proc/self/fd/1 "$image/dev/stdout"
ln -s /proc/self/fd/2 "$image/dev/stderr"
if [ -n "$readonly" ]; then
	mount -o remount,bind,ro "$image"
fi
unset START_PROC # what is there now is what the test asks for
exec "$@"
