#!/usr/bin/env python3
"""environment.py ENTRIES COMMAND [ARGUMENT ...]: runs COMMAND with an environment that no command line has room for, and
prints its status, its processor time in ms and its peak memory in KiB.

ENTRIES: files:N (N variables FILE__n that name the file of $SECRET), missing:N (N that name none, and a name twice),
names:N (N ordinary names), twice:N (each of N names twice), collide:N (N names that one well-known hash, 32-bit FNV-1a, puts into one place of a table of 2^18)."""
import os
import resource
import sys

MASK = (1 << 18) - 1
PRIME = 16777619 & MASK
INVERSE = pow(PRIME, -1, MASK + 1)
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"


def colliding(count):
    """The low bits of FNV-1a depend on its low bits alone: so go back from the end of the name to meet its beginning."""
    endings = {}
    for a in LETTERS:
        for b in LETTERS:
            for c in LETTERS:
                state = 0
                for letter in (c, b, a):
                    state = (state * INVERSE & MASK) ^ letter
                endings[state] = bytes((a, b, c))
    names, number = [], 0
    while len(names) < count:
        begin = b"V%X" % number
        number += 1
        state = 2166136261 & MASK
        for letter in begin:
            state = (state ^ letter) * PRIME & MASK
        if state in endings:
            names.append(begin + endings[state])
    return names


def entries(kind, count):
    if kind == "files":
        return [b"FILE__V%d=%s" % (i, os.environb[b"SECRET"]) for i in range(count)]
    if kind == "missing":
        return [b"TWICE=1", b"TWICE=2"] + [b"FILE__V%d=/missing" % i for i in range(count)]
    if kind == "collide":
        return [name + b"=" for name in colliding(count)]
    return [b"VARIABLE%d=" % i for i in range(count) for _ in range(2 if kind == "twice" else 1)]


def main():
    kind, _, count = sys.argv[1].partition(":")
    environment = entries(kind, int(count)) + [b"PATH=/usr/bin:/bin"]
    # execve(2) takes a quarter of the limit of the stack, 6 MiB at most.
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    import ctypes
    strings = (ctypes.c_char_p * (len(environment) + 1))(*environment, None)
    words = [os.fsencode(word) for word in sys.argv[2:]]
    arguments = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        libc.execve(words[0], arguments, strings)  # os.execve() takes no name twice
        os._exit(125)
    _, status, used = os.wait4(child, 0)
    print(os.waitstatus_to_exitcode(status), round((used.ru_utime + used.ru_stime) * 1000), used.ru_maxrss)


main()
