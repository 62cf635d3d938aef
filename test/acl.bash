# shellcheck shell=bash
# Loaded by tests of access control lists, after helpers: what setfacl(1) and getfacl(1) do.

# acl FILE KIND: gives the owner of FILE an ACL that lets 1234 do everything: access, or default (for what is made below).
acl() {
	python3 -c 'import os, struct, sys
entries = [(1, 7, -1), (2, 7, 1234), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
os.setxattr(sys.argv[1], "system.posix_acl_" + sys.argv[2],
            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' "$1" "$2"
}

# has_acl FILE: as the kernel lists it.
has_acl() {
	python3 -c 'import os, sys
sys.exit(not any("posix_acl" in name for name in os.listxattr(sys.argv[1])))' "$1"
}
