#!/usr/bin/python3
"""A FUSE file system that shows a directory and gives root no more than nobody has, as NFS with root_squash does.

    squash.py DIRECTORY MOUNTPOINT [MODE]

Every call is made with the file system ids of whoever made it, and with 65534 for root's. There are no access control
lists, leases or links. With MODE, which is octal, a directory is made with that, whatever was asked for: others take it from
what is above. Ends when it is unmounted. It speaks the kernel's protocol itself (linux/fuse.h), so no library is
needed.
"""

import ctypes
import errno
import os
import stat
import struct
import sys

NOBODY = 65534
LIBC = ctypes.CDLL(None, use_errno=True)
HEADER = struct.Struct("<IIQQIIII")
# By linux/fuse.h.
LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME = 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12
OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR = 14, 15, 16, 17, 18, 20, 25, 26, 27, 28
RELEASEDIR, ACCESS, CREATE, INTERRUPT, DESTROY, BATCH_FORGET = 29, 34, 35, 36, 38, 42
SILENT = {FORGET, BATCH_FORGET, INTERRUPT}
DONE = {RELEASE, RELEASEDIR, FLUSH, FSYNC, DESTROY}
WANTS_MODE, WANTS_UID, WANTS_GID, WANTS_SIZE = 1, 2, 4, 8


class Squash:
    def __init__(self, directory, mode):
        self.mode = mode
        self.held = {1: os.open(directory, os.O_PATH)}
        self.numbers = {self.key(1): 1}
        self.files = {}
        self.last = 1

    def key(self, node):
        status = os.fstat(self.held[node])
        return status.st_dev, status.st_ino

    def path(self, node):
        return f"/proc/self/fd/{self.held[node]}"

    def look(self, node, name):
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.held[node])
        status = os.fstat(held)
        number = self.numbers.get((status.st_dev, status.st_ino))
        if number:
            os.close(held)
            return number
        self.last += 1
        self.held[self.last] = held
        self.numbers[status.st_dev, status.st_ino] = self.last
        return self.last

    def attributes(self, node):
        status = os.fstat(self.held[node])
        return struct.pack("<6Q10I", node, status.st_size, status.st_blocks, int(status.st_atime), int(status.st_mtime),
                           int(status.st_ctime), 0, 0, 0, status.st_mode, status.st_nlink, status.st_uid, status.st_gid,
                           status.st_rdev, 4096, 0)

    def entry(self, node, name):
        number = self.look(node, name)
        return struct.pack("<4Q2I", number, 0, 0, 0, 0, 0) + self.attributes(number)

    def opened(self, file):
        self.files[file] = file
        return struct.pack("<Q2I", file, 0, 0)

    def set_attributes(self, node, body):
        valid, _, _, size = struct.unpack_from("<2I2Q", body)
        mode, _, uid, gid = struct.unpack_from("<4I", body, 68)
        if valid & WANTS_SIZE:
            os.truncate(self.path(node), size)
        if valid & (WANTS_UID | WANTS_GID):
            os.chown(self.path(node), uid if valid & WANTS_UID else -1, gid if valid & WANTS_GID else -1)
        if valid & WANTS_MODE:
            os.chmod(self.path(node), stat.S_IMODE(mode))
        return struct.pack("<QII", 0, 0, 0) + self.attributes(node)

    def entries(self, body):
        file, at, size = struct.unpack_from("<2QI", body)
        names, listing = sorted(os.listdir(file)), b""
        for number in range(at, len(names)):
            name = os.fsencode(names[number])
            record = struct.pack("<2Q2I", number + 1, number + 1, len(name), 0) + name
            record += bytes(-len(record) % 8)
            if len(listing) + len(record) > size:
                break
            listing += record
        return listing

    def make(self, code, node, body):
        """What makes, moves or removes a name."""
        fd = self.held[node]
        skip = {SYMLINK: 0, MKNOD: 16, MKDIR: 8, UNLINK: 0, RMDIR: 0, RENAME: 8}[code]
        name, other = (body[skip:].split(b"\0") + [b""])[:2]
        if code == SYMLINK:
            os.symlink(other, name, dir_fd=fd)
        elif code == MKNOD:
            os.mknod(name, struct.unpack_from("<I", body)[0], dir_fd=fd)
        elif code == MKDIR:
            os.mkdir(name, self.mode or struct.unpack_from("<I", body)[0] & 0o7777, dir_fd=fd)
        elif code == RENAME:
            os.rename(name, other, src_dir_fd=fd, dst_dir_fd=self.held[struct.unpack_from("<Q", body)[0]])
            return b""
        else:
            (os.unlink if code == UNLINK else os.rmdir)(name, dir_fd=fd)
            return b""
        return self.entry(node, name)

    def answer(self, code, node, body):
        if code == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 8, 8, 65536, 1, 16, 0, *[0] * 8)
        if code == LOOKUP:
            return self.entry(node, body[:-1])
        if code == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if code == SETATTR:
            return self.set_attributes(node, body)
        if code == READLINK:
            return os.fsencode(os.readlink("", dir_fd=self.held[node]))
        if code in (SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME):
            return self.make(code, node, body)
        if code in (OPEN, OPENDIR):
            return self.opened(os.open(self.path(node), struct.unpack_from("<I", body)[0] & ~os.O_NOFOLLOW & ~os.O_EXCL))
        if code == CREATE:
            flags, mode = struct.unpack_from("<2I", body)
            file = os.open(body[16:-1], flags | os.O_CREAT, mode & 0o7777, dir_fd=self.held[node])
            return self.entry(node, body[16:-1]) + self.opened(file)
        if code == READ:
            file, at, size = struct.unpack_from("<2QI", body)
            return os.pread(file, size, at)
        if code == WRITE:
            file, at, size = struct.unpack_from("<2QI", body)
            return struct.pack("<2I", os.pwrite(file, body[40:40 + size], at), 0)
        if code == READDIR:
            return self.entries(body)
        if code == STATFS:
            return struct.pack("<5Q10I", *[1 << 20] * 5, 4096, 255, 4096, *[0] * 7)
        if code in (RELEASE, RELEASEDIR):
            os.close(self.files.pop(struct.unpack_from("<Q", body)[0]))
        if code in DONE:
            return b""
        raise OSError(errno.ENOSYS, "")

    def serve(self, device):
        while True:
            try:
                request = os.read(device, 1 << 18)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                continue
            _, code, unique, node, uid, gid, _, _ = HEADER.unpack_from(request)
            if code in SILENT:
                continue
            LIBC.setfsgid(gid if gid else NOBODY)
            LIBC.setfsuid(uid if uid else NOBODY)
            failed, content = 0, b""
            try:
                content = self.answer(code, node, request[HEADER.size:])
            except OSError as error:
                failed = -error.errno
            LIBC.setfsuid(0)
            LIBC.setfsgid(0)
            try:
                os.write(device, struct.pack("<IiQ", 16 + len(content), failed, unique) + content)
            except OSError:
                pass  # who asked was interrupted


def main():
    directory, mountpoint = sys.argv[1:3]
    os.umask(0)
    os.setgroups([])
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    squash = Squash(directory, int(sys.argv[3], 8) if len(sys.argv) > 3 else 0)
    if LIBC.mount(b"squash", os.fsencode(mountpoint), b"fuse", 0, options) != 0:
        sys.exit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    squash.serve(device)


main()
