#!/usr/bin/python3
"""Counts what the tests reach of an instrumented capshim, and judges it.

    coverage.py run DIR -- COMMAND [ARG ...]   DIR/capshim is the program; writes DIR/counters and DIR/tap
    coverage.py report DIR                     prints the tables of the last run; fails where too little was reached

DIR/capshim adds to a System V shared memory segment (counters.c says why), which lives as long as COMMAND. What clang
needs to relate the counters to lines lies in sections of the program: "report" puts both together as the file that
clang's runtime would have written (format: llvm/ProfileData/InstrProfData.inc), and llvm-cov makes lines of it.

reasons.txt says why lines are not reached, by function; failures.txt which tests cannot pass with an instrumented
program. An entry that is not needed is a mistake, too.
"""

import collections
import ctypes
import os
import re
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
SHIM = os.path.join(REPO, "shim")

# What gives up, proves and becomes is reached in full; of all others more than this.
WHOLE = {"privilege", "workload", "init", "base/descriptors.c", "base/signals.c"}
ENOUGH = 90.0

IPC_CREAT, IPC_EXCL, IPC_RMID = 0o1000, 0o2000, 0
RAW_MAGIC = int.from_bytes(b"\xfflprofr\x81", "big")
RAW_VERSION = 8  # of LLVM 14
DATA_BYTES = 48  # of one function's record in that version
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p


def sections(program):
    """Name: (address, contents) of each section of an ELF file for 64 bits."""
    with open(program, "rb") as file:
        elf = file.read()
    at, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, at + size * i) for i in range(count)]
    found = {}
    for name, kind, _, address, offset, length in headers:
        name = elf[headers[names][4] + name:].split(b"\0", 1)[0].decode()
        found[name] = (address, b"" if kind == 8 else elf[offset:offset + length])
    return found


def segment(call, *arguments):
    result = call(*arguments)
    if result in (-1, ctypes.c_void_p(-1).value):
        sys.exit(f"coverage: shared memory: {os.strerror(ctypes.get_errno())}")
    return result


def run(directory, command):
    """Runs the command while there is a segment, and keeps what was counted. Returns the command's status."""
    with open(f"{directory}/key", encoding="ascii") as file:
        key = int(file.read())
    _, empty = sections(f"{directory}/capshim")["__llvm_prf_cnts"]
    old = LIBC.shmget(key, 0, 0)
    if old != -1:
        segment(LIBC.shmctl, old, IPC_RMID, None)
    # Identifier 0 is what a faked shmget(2) answers: counters.c takes it for none.
    first = LIBC.shmget(0, 1, 0o600)
    shared = segment(LIBC.shmget, key, len(empty), IPC_CREAT | IPC_EXCL | 0o666)
    segment(LIBC.shmctl, first, IPC_RMID, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing is left behind
    try:
        address = segment(LIBC.shmat, shared, None, 0)
        with open(f"{directory}/tap", "wb") as tap:
            child = subprocess.Popen(command, stdout=subprocess.PIPE)
            for line in child.stdout:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                tap.write(line)
                tap.flush()
        child.wait()
        with open(f"{directory}/counters", "wb") as file:
            file.write(ctypes.string_at(address, len(empty)))
    finally:
        segment(LIBC.shmctl, shared, IPC_RMID, None)
    return child.returncode


def merge(directory):
    """The file that clang's runtime would have written."""
    found = sections(f"{directory}/capshim")
    (data_at, data), (names_at, names) = found["__llvm_prf_data"], found["__llvm_prf_names"]
    counters_at, _ = found["__llvm_prf_cnts"]
    with open(f"{directory}/counters", "rb") as file:
        counters = file.read()
    header = struct.pack("<11Q", RAW_MAGIC, RAW_VERSION, 0, len(data) // DATA_BYTES, 0, len(counters) // 8, 0, len(names),
                         (counters_at - data_at) % 2**64, names_at, 1)
    with open(f"{directory}/profraw", "wb") as file:
        file.write(header + data + counters + names + bytes(-len(names) % 8))
    subprocess.run(["llvm-profdata-14", "merge", "-sparse", f"{directory}/profraw", "-o", f"{directory}/profdata"],
                   check=True, timeout=60)


def lines(directory):
    """File below shim/: ({line: count} of every line with code, [(first line, name) of every function])."""
    merge(directory)
    text = subprocess.run(["llvm-cov-14", "export", "-format=lcov", f"-instr-profile={directory}/profdata",
                           f"{directory}/capshim"], check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout
    found, current, functions = {}, {}, []
    for line in text.splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            current, functions = found.setdefault(os.path.relpath(os.path.join(REPO, value), SHIM), ({}, []))
        elif kind == "FN":
            at, name = value.split(",", 1)
            functions.append((int(at), name.rpartition(":")[2]))
        elif kind == "DA":
            at, count = value.split(",")[:2]
            current[int(at)] = int(count)
    return found


def module_of(file):
    if file in WHOLE:
        return file
    return file.split("/")[0] if "/" in file else "main"


def listed(name):
    """A list of ours as {entry: reason}: the reason, and indented below it what it is the reason for."""
    entries = {}
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        reason = ""
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                entries[line.strip()] = reason
            else:
                reason = line.strip()
    return entries


def source(file):
    with open(os.path.join(SHIM, file), encoding="utf-8") as text:
        return [""] + [line.strip() for line in text]


def function_of(functions, line):
    return max((each for each in functions if each[0] <= line), default=(0, "(no function)"))[1]


def print_missed(found, problems):
    """Every line that was not reached, with the reason."""
    reasons = listed("reasons.txt")
    used = set()
    print("not reached:")
    for file, (counts, functions) in sorted(found.items()):
        for line in sorted(line for line, count in counts.items() if not count):
            key = f"{file} {function_of(functions, line)}"
            if key not in used and key not in reasons:
                problems.append(f"no reason is listed for what is not reached of {key}")
            if key not in used:
                print(f"  {key}: {reasons.get(key, 'no reason is listed').lstrip('~ ')}")
            used.add(key)
            print(f"      {line}: {source(file)[line]}")
    # What depends on who comes first may well be reached.
    for key in sorted(key for key in set(reasons) - used if not reasons[key].startswith("~")):
        problems.append(f"reasons.txt names what is reached, or is no function: {key}")


def judge_tests(directory, problems):
    """Only the listed tests may fail, for what they look at is the program's size, or its code."""
    with open(f"{directory}/tap", encoding="utf-8", errors="replace") as tap:
        text = tap.read()
    results = re.findall(r"^(ok|not ok) \d+ (.*?)(?: in \d+ms)?$", text, re.M)
    planned = sum(int(count) for count in re.findall(r"^1\.\.(\d+)$", text, re.M))
    failed = {name for result, name in results if result != "ok"}
    ran = {name for _, name in results}
    excused = listed("failures.txt")
    if not ran or len(results) != planned:
        problems.append(f"{planned} tests were planned, and {len(results)} ran")
    for name in sorted(failed - set(excused)):
        problems.append(f"this test failed: {name}")
    for name in sorted(set(excused) & (ran - failed)):
        problems.append(f"failures.txt names a test that passes: {name}")
    print(f"\n{len(results)} tests; failed, because the program is an instrumented one:")
    for name in sorted(failed & set(excused)):
        print(f"  {name}\n      {excused[name]}")


def report(directory):
    problems = []
    found = {file: each for file, each in lines(directory).items() if not file.startswith("..")}
    modules = collections.defaultdict(lambda: [0, 0])
    for file, (counts, _) in found.items():
        total = modules[module_of(file)]
        total[0] += len(counts)
        total[1] += sum(1 for count in counts.values() if count)
    problems += [f"{module}: must be reached in full, and is no module" for module in sorted(WHOLE - set(modules))]
    print_missed(found, problems)
    judge_tests(directory, problems)

    print(f"\n{'module':18} {'lines':>6} {'covered':>8} {'%':>6}  must be")
    for module, (total, reached) in sorted(modules.items()):
        percent = 100 * reached / total
        enough = reached == total if module in WHOLE else percent > ENOUGH
        print(f"{module:18} {total:6} {reached:8} {percent:6.1f}  {'100' if module in WHOLE else '> 90'}")
        if not enough:
            problems.append(f"{module}: {percent:.1f} % of the lines")
    total, reached = (sum(column) for column in zip(*modules.values()))
    print(f"{'all':18} {total:6} {reached:8} {100 * reached / total:6.1f}")
    for problem in problems:
        print(f"coverage: {problem}")
    return 1 if problems else 0


def main():
    what, directory, *rest = sys.argv[1:]
    if what == "run":
        status = run(directory, rest[1:])
        # A failed test is for the report to judge; 1 is what bats says of it.
        sys.exit(status if status not in (0, 1) else 0)
    sys.exit(report(directory))


if __name__ == "__main__":
    main()
