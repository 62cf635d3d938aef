#!/usr/bin/python3
"""Changes each statement of the drop and of the proof in turn; each change must be noticed.

    mutate.py [--short] [--no-tests] [--only FILE] [--jobs N] [--verbose]

Of the FILES below every statement is removed, neighbours change places, and conditions lose a part or always or never
hold (test/faults/statements.py). For each mutant capshim is built again. It is killed, and the cheapest judge is asked
first, if

  - it does not build;
  - one of the STARTS ends in another way than with the real one: status, messages, what the workload observed;
  - one of the FAULTS does, in which one system call fails or lies. Of two that do not make the same calls, those are
    compared that both make. A mutant that lets the workload run in another state is killed as well;
  - one of the test files fails, twice in a row (not asked about what is explained, and does not end in another way until
    here). With the real one each of them must pass first.

What survives must stand in EQUIVALENT, with the reason why it cannot be told apart by anybody. The fault model is that
of sweep.py: one lying call a run. --short takes every 16th mutant of each kind, and no test file; it begins with the
fourth, for none of those is left to a test file.

DEPS_DIR is make's DEPS; PROBE, START and FAULT name programs, the probe in a directory with the others. Ends with 0 if
nothing survives unexplained.
"""

import argparse
import collections
import concurrent.futures
import difflib
import errno
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # the tree stays as it is
import statements
import sweep
from equivalent import EQUIVALENT

# What every mutant is made of; --only takes any of TESTS.
FILES = ["shim/privilege/drop.c", "shim/privilege/verify.c"]

# File -> the test files that judge what survives the rest.
TESTS = {
    "shim/privilege/drop.c": ["test/510-proof.bats", "test/505-keyring.bats", "test/500-drop.bats"],
    "shim/privilege/verify.c": ["test/510-proof.bats", "test/500-drop.bats", "test/520-memory.bats"],
    "shim/filter/filter.c": ["test/600-filter.bats", "test/610-filter-profiles.bats"],
    "shim/workload/workload.c": ["test/700-workload.bats", "test/710-workload-state.bats", "test/800-init.bats"],
    "shim/base/descriptors.c": ["test/710-workload-state.bats"],
}

# Config, words for test/fixtures/start.c: each must end as it does with the real one.
CAPS = "setuid,setgid,setpcap"
PLAIN = sweep.PLAIN
KEPT = PLAIN + "cap_add: [NET_BIND_SERVICE, CHOWN]\n"
ONE = PLAIN + "cap_add: [NET_BIND_SERVICE]\n"
NO_GROUPS = PLAIN.replace("[44, 77]", "none")
# Of a user of its own, whom the starts take all keys.
FULL = NO_GROUPS.replace("1234:1234", "54310:54310")
ROOT = 'user: "0:0"\nallow_root: true\nsupplementary_groups: none\nseccomp: unconfined\n'
TAKEN = PLAIN + "new_session: true\nworking_dir: DIR\numask: 0027\nkeep_fds: [5, 6, 9]\n"
NONROOT = ["--groups", "44,77", "--gid", "1234", "--uid", "1234"]
AMBIENT = ["--groups", "44,77", "--keepcaps", "--gid", "1234", "--uid", "1234", "--ambient", "net_bind_service"]
DESCRIPTORS = ["--fd", "4", "--fd-file", "5", "--fd-file", "6", "--fd", "7", "--fd-path", "500"]
STARTS = [
    (PLAIN, []),
    (KEPT, []),
    (PLAIN + "cap_add: [SETUID]\n", []),
    (PLAIN + "cap_add: [SETGID]\n", []),
    (KEPT, ["--inheritable", "net_raw,sys_admin"]),
    (PLAIN, ["--bounding", CAPS]),
    (KEPT, ["--bounding", CAPS]),
    (PLAIN, ["--nnp"]),
    (ROOT, []),
    (ROOT, ["--without", "setpcap"]),
    (ROOT.replace("seccomp", "cap_add: [CHOWN]\nseccomp"), ["--securebits", "0x8b"]),
    (ROOT, ["--groups", "none", "--bounding", "none", "--securebits", "0xcb"]),
    (ROOT, ["--groups", "none", "--bounding", "none"]),
    (PLAIN, ["--without", "setpcap"]),
    (PLAIN, ["--inheritable", "setuid,setgid", "--bounding", "none"]),
    (PLAIN, ["--without", "setuid"]),
    (PLAIN, ["--without", "setgid"]),
    (NO_GROUPS, ["--groups", "none", "--gid", "1234", "--without", "setgid"]),
    (NO_GROUPS, ["--groups", "none", "--without", "setgid"]),
    (NO_GROUPS, ["--groups", "44,77", "--gid", "1234"]),
    (PLAIN, ["--groups", "44,77", "--gid", "1234", "--without", "setgid"]),
    (PLAIN, ["--groups", "44,78", "--gid", "1234", "--without", "setgid"]),
    (PLAIN, ["--groups", "55,66", "--keyring"]),
    (FULL, ["--keyring", "--fill-keys", "54310"]),
    (FULL, ["--groups", "none", "--gid", "54310", "--uid", "54310", "--keyring", "--fill-keys", "54310"]),
    (FULL, ["--keyring", "--groups", "none", "--gid", "54310", "--uid", "54310", "--fill-keys", "54310"]),
    (PLAIN, ["--groups", "44,77", "--gid", "1234,0,0", "--without", "setgid"]),
    (PLAIN, ["--uid", "1234,0,0", "--without", "setuid"]),
    (PLAIN, NONROOT),
    (PLAIN, ["--groups", "44", "--gid", "1234", "--uid", "1234"]),
    (PLAIN + "on_nonroot: {ids: any}\n", ["--groups", "44", "--gid", "1234", "--uid", "4321"]),
    (KEPT, NONROOT),
    (PLAIN, ["--groups", "44,77", "--keepcaps", "--gid", "1234", "--uid", "1234"]),
    (PLAIN, AMBIENT),
    (PLAIN, [*AMBIENT[:-1], "setpcap"]),
    (ROOT, ["--groups", "none", "--securebits", "0xcb"]),
    (ONE, AMBIENT),
    (ONE, [*AMBIENT, "--bounding", "none"]),
    (PLAIN, ["--securebits", "0x2"]),
    (PLAIN, ["--securebits", "0x2", *NONROOT]),
    (PLAIN, ["--securebits", "0x8"]),
    (PLAIN, ["--securebits", "0xc"]),
    (PLAIN, ["--securebits", "0x4"]),
    (PLAIN, ["--securebits", "0x100"]),
    (PLAIN, ["--ambient", CAPS, "--securebits", "0xcb"]),
    (PLAIN, ["--securebits", "0x20"]),
    (ROOT, ["--securebits", "0x20"]),
    (PLAIN, ["--securebits", "0x20", *NONROOT]),
    (PLAIN, ["--inheritable", "setuid,setgid", "--bounding", "none", "--securebits", "0x20"]),
    (PLAIN, ["--securebits", "0x30"]),
    (KEPT, ["--securebits", "0x40"]),
    (PLAIN, ["--securebits", "0x40"]),
    (PLAIN, ["--securebits", "0x80"]),
    (PLAIN, ["--securebits", "0x24"]),
    (PLAIN, ["--securebits", "0x2c"]),
    (PLAIN, ["--securebits", "0xef"]),
    (PLAIN, ["--securebits", "0x10"]),
    (PLAIN, ["--timer", "3600"]),
    (PLAIN, ["--personality", "0x40000"]),
    (PLAIN, ["--personality", "0x0008"]),
    (PLAIN, ["--userns", "0:0:1"]),
    (NO_GROUPS, ["--userns", "0:0:1234"]),
    (PLAIN, ["--userns", "deny"]),
    (PLAIN, ["--groups", "44,77", "--userns", "deny"]),
    (PLAIN.replace("77", "65534"), ["--groups", "44,998", "--userns", "deny,0:0:998"]),
    (PLAIN.replace("77", "65534"), ["--groups", "44,998", "--userns", "0:0:998"]),
    (PLAIN.replace("77", "65534"), ["--groups", "44,998", "--gid", "1234", "--userns", "0:0:1235", "--uid", "1234"]),
    (PLAIN.replace("77", "65534"), ["--groups", "44,4321", "--gid", "1234", "--userns", "0:0:1235", "--uid", "1234"]),
    (NO_GROUPS.replace(":1234", ":65534"), ["--groups", "none", "--gid", "4321", "--userns", "0:0:1235", "--uid", "1234"]),
    (NO_GROUPS.replace("1234:", "65534:"), ["--groups", "none", "--gid", "1234", "--uid", "4321,4321,0",
                                            "--userns", "1234:1234:1,0:0:1"]),
    (ROOT, ["--userns", "0:0:1", "--groups", "none"]),
    (PLAIN, ["--bare"]),
    (ONE, ["--bare"]),
    (ROOT, ["--bare"]),
    (TAKEN, DESCRIPTORS),
    (PLAIN, DESCRIPTORS),
    (PLAIN, [*DESCRIPTORS, "--nofile", "3"]),
    (PLAIN, ["--close", "0"]),
    (PLAIN, ["--umask", "0777", "--ignore", "17", "--ignore", "13", "--block", "15", "--block", "33"]),
    (PLAIN + "umask: {from: 0022, to: 0002}\n", ["--umask", "0022"]),
    (PLAIN + "umask: {from: 0022, to: 0002}\n", ["--umask", "0077"]),
    (PLAIN + "working_dir: DIR/missing\n", []),
    (sweep.BASE, []),
]
# Configs and starts in which every call is made to lie and to fail.
FAULTS = [
    (KEPT, ["--groups", "44,77", "--inheritable", "net_raw", "--timer", "3600", "--personality", "0x40000"]),
    (PLAIN, ["--groups", "55,66", "--keyring"]),
    (ROOT, ["--inheritable", "net_raw"]),
    (PLAIN, ["--inheritable", "setuid,setgid", "--bounding", "none"]),
    (PLAIN, NONROOT),
    (PLAIN, ["--bare"]),
    (TAKEN.replace("unconfined", "DIR/profile.bpf"), [*DESCRIPTORS, "--ignore", "17", "--block", "15"]),
]
# A lie, a failure, and what is told apart from that.
ERRORS = [0, -errno.EPERM]
MORE_ERRORS = {
    "prctl": [-errno.EINVAL],
    "setgroups": [-errno.ENOMEM],
    "setresuid": [-errno.EINVAL],
    "setresgid": [-errno.EINVAL],
    "personality": [-errno.EINVAL],
    "keyctl": [-errno.EACCES, -errno.ENOSYS, -errno.EOPNOTSUPP, -errno.ENOMEM],
    "close_range": [-errno.ENOSYS],
    "fcntl": [-errno.EINVAL],
    "seccomp": [-errno.ENOSYS],
}
# Calls that are made once for each capability: those that are kept, the first and the last show it all.
SHOWN = {0, 7, 10, 40}
POINTER = 0x10000
# What reads the config and the command cannot touch the drop. Of what comes before it, drop_plan() reads the start.
ELSEWHERE = {"openat", "read", "mmap", "brk", "munmap", "arch_prctl", "set_tid_address", "getdents64", "readlink"}
START = {"getresuid", "getresgid", "getgroups", "capget", "prctl", "getuid", "geteuid", "getgid", "getegid"}


def outcome(result):
    """What must be the same; how much of a timer is left is not."""
    return result.status, result.ran, [re.sub(r'("an interval timer": it is) 0x\w+', r"\1", line)
                                       for line in result.messages]


def settled(run, real=None):
    """
    What a run ends in twice in a row: on a busy machine a keyring may be refused, or a process be slow, once. A mutant that
    shows what no value was given to ends in another way each time, and never as the REAL one does.
    """
    seen = [run()]
    for _ in range(9):
        seen.append(run())
        if seen[-1] == seen[-2]:
            return seen[-1]
    if real is not None and real not in seen:
        return seen[-1]
    last, before = seen[-2:]
    raise sweep.Broken(f"it does not end in the same way twice: {last} and {before}")


class Real:
    """What the real one does, found out once."""

    def __init__(self, root, capshim):
        self.root, self.capshim = root, capshim
        self.starts = [sweep.Config("", config, start) for config, start in STARTS + FAULTS]
        self.faults = [sweep.Config("", config, start) for config, start in FAULTS]
        self.places = Places(self, capshim)
        self.outcomes = [settled(lambda at=number: self.places.start(at)) for number in range(len(self.starts))]
        self.runs = [sweep.calls_of(place) for place in self.places.faults]
        self.known = {}
        self.lock = threading.Lock()

    def start(self, number):
        """The same start once more."""
        with self.lock:
            return settled(lambda: self.places.start(number))

    def fault(self, number, call, value, again=False):
        key = number, call.process, call.at, value
        with self.lock:
            if key not in self.known:
                self.known[key] = self.places.fault(number, call, value)
            if again:
                self.known[key] = settled(lambda: self.places.fault(number, call, value))
            return self.known[key]


class Places:
    """Of one worker: where its runs are made, with the capshim that is built there."""

    def __init__(self, real, capshim):
        self.capshim = capshim
        self.starts = [sweep.Place(real.root, config, real.capshim) for config in real.starts]
        self.faults = [sweep.Place(real.root, config, real.capshim) for config in real.faults]

    def start(self, number):
        sweep.install(self.capshim, self.starts[number].capshim)
        return outcome(self.starts[number].run([]))

    def fault(self, number, call, value):
        return outcome(self.faults[number].run(["--at", f"{call.process}:{call.at}", "--value", str(value)]))


def meaning(call):
    """What two runs have in common of a call: addresses differ."""
    return call.process, call.name, *(word if word < POINTER else "-" for word in call.arguments)


# All that the drop and its proof call.
PRIVILEGE = {"prctl", "capset", "capget", "setgroups", "getgroups", "setresuid", "getresuid", "setresgid", "getresgid",
             "keyctl", "personality", "setitimer", "getitimer"}


def begin(calls):
    """Where the drop begins: with PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL."""
    return next((call.at for call in calls if call.name == "prctl" and call.arguments[:2] == [47, 4]), 0)


def worth(call, number, file):
    if call.name in ELSEWHERE or (file in FILES and call.name not in PRIVILEGE):
        return False
    repeated = call.name == "prctl" and call.arguments[0] in (23, 24, 47)  # CAPBSET_READ, CAPBSET_DROP, CAP_AMBIENT
    which = call.arguments[2 if call.arguments[0] == 47 else 1]
    return not repeated or (which in SHOWN and (number == 0 or which in (0, 10)))


def killed_by_fault(real, places, file):
    """The first call whose fault tells them apart, or nothing."""
    for number, place in enumerate(places.faults):
        sweep.install(places.capshim, place.capshim)
        calls, _ = sweep.calls_of(place)
        real_calls, good = real.runs[number]
        pairs = difflib.SequenceMatcher(None, [*map(meaning, real_calls)], [*map(meaning, calls)], False)
        same = [(real_calls[a + i], calls[b + i]) for a, b, size in pairs.get_matching_blocks() for i in range(size)]
        matched = {call.at for _, call in same if call.process == 0}
        alone = [(None, call) for call in calls if call.process == 0 and call.at not in matched]
        dropping = begin(calls)
        for real_call, call in alone + same[::-1]:
            if not worth(call, number, file) or (call.at < dropping and (file != "shim/privilege/drop.c" or call.name not in START)):
                continue
            more = MORE_ERRORS.get(call.name, []) if number == 0 else []
            for value in ERRORS[:1] if call.at < dropping else ERRORS + more:
                status, ran, messages = places.fault(number, call, value)
                if real_call and (status, ran, messages) != real.fault(number, real_call, value):
                    # Twice: whatever is not the same from run to run kills nothing.
                    if settled(lambda at=(number, call, value): places.fault(*at)) == \
                            real.fault(number, real_call, value, again=True):
                        continue
                    return f"{call.name} that returns {value}, config {number}"
                if not real_call and ran and ran != good.ran and not all(sweep.EXCUSED.match(line) or line in good.ran
                                                                         for line in ran):
                    return f"an escape: {call.name} that returns {value}, config {number}"
    return ""


class Worker:
    """Builds and judges one mutant at a time, in a tree of its own."""

    def __init__(self, root, tests, like=None):
        self.tree = tempfile.mkdtemp(dir=root, prefix="tree.")
        self.tests = tests
        # A workload must be able to reach it, and the tests look for others beside it.
        self.probe = os.path.join(root, "test/probe")
        shutil.copytree(os.path.dirname(sweep.PROBE), os.path.dirname(self.probe), dirs_exist_ok=True)
        os.chmod(self.tree, 0o755)
        # Of the first one all that is built as well.
        ignored = shutil.ignore_patterns(*([] if like else ["build"]), ".git", "cache", "*.pyc")
        shutil.copytree(like.tree if like else sweep.REPO, self.tree, dirs_exist_ok=True, ignore=ignored)
        self.capshim = os.path.join(self.tree, "build/capshim")
        self.places, self.changed = None, None
        # What make says it does is done again for one file, without asking make each time.
        self.commands = like.commands if like else subprocess.run(
            ["make", f"-j{os.cpu_count()}", "-C", self.tree, "V=1", "BUILD=build", f"DEPS={os.environ['DEPS_DIR']}",
             "build/capshim"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode().splitlines()
        self.link = next(line for line in self.commands if line.endswith("-o build/capshim"))

    def build(self, file):
        compile_one = next(line for line in self.commands if f" -c {file} " in line)
        done = subprocess.run(["sh", "-c", f"{compile_one} && {self.link}"], cwd=self.tree, capture_output=True, check=False)
        return done.returncode == 0

    def write(self, file, text):
        with open(os.path.join(self.tree, file), "w", encoding="utf-8") as target:
            target.write(text)

    def test(self, file):
        """What fails of a test file with what is built here, or nothing."""
        done = subprocess.run(["bats", file], cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "CAPSHIM": self.capshim, "PROBE": self.probe})
        output = done.stdout.decode(errors="replace")
        failed = [line for line in output.splitlines() if line.startswith("not ok")]
        return "; ".join(failed) or f"{done.returncode}: {output}" if done.returncode else ""

    def judge(self, real, mutant, text):
        """(verdict, what it was)"""
        if self.changed not in (None, mutant.file):
            shutil.copy(os.path.join(sweep.REPO, self.changed), os.path.join(self.tree, self.changed))
            self.build(self.changed)
        self.changed = mutant.file
        self.write(mutant.file, text[:mutant.begin] + mutant.instead + text[mutant.end:])
        if not self.build(mutant.file):
            return "does not build", ""
        try:
            for number, (config, start) in enumerate(STARTS + FAULTS):
                if self.places.start(number) != real.outcomes[number] and \
                        settled(lambda at=number: self.places.start(at), real.start(number)) != real.start(number):
                    return "killed by a start", f"{config!r} {start}"
            found = killed_by_fault(real, self.places, mutant.file)
        except sweep.Broken as error:
            return "cannot be judged", str(error)
        if found:
            return "killed by a fault", found
        for test in TESTS[mutant.file] if self.tests and not explanation(mutant) else []:
            # Twice: on a busy machine a test may fail once, whatever capshim is.
            if self.test(test) and (failed := self.test(test)):
                return "killed by a test", failed[:200]
        return "survived", ""


def files(options):
    return [options.only] if options.only else FILES


# It takes two lies to tell these apart, which 510-proof.bats tells; the short form runs no tests.
BY_TESTS = ("verify_privileges remove: prove_no_way_back(want);", "SYS_setgroups, want->ngroups", "that other groups are",
            "where the bounding set ends", "in >= 0 OF for", "prove_personality", "UNAME26")


def found(options):
    """Every mutant, with the text of its file."""
    for file in files(options):
        with open(os.path.join(sweep.REPO, file), encoding="utf-8") as source:
            text = source.read()
        mutants = statements.mutants(file, text)
        taken = collections.Counter()
        for mutant in mutants:
            if options.short and any(words in named(mutant) for words in BY_TESTS):
                continue
            taken[mutant.kind] += 1
            if not options.short or taken[mutant.kind] % 16 == 4:
                yield mutant, text


def named(mutant):
    return f"{mutant.function} {mutant.kind}: {mutant.text}"


def explanation(mutant):
    """The entry of EQUIVALENT for it."""
    name = named(mutant)
    entries = [entry for entry in EQUIVALENT if name.startswith(entry) and
               (mutant.kind != "remove" or not entry.endswith(";") or name == entry)]
    return entries[0] if len(entries) == 1 else None


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--short", action="store_true")
    options.add_argument("--only")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--no-tests", action="store_true")
    options.add_argument("--verbose", action="store_true")
    options = options.parse_args()
    root = tempfile.mkdtemp(dir=os.environ.get("CAPSHIM_TEST_ROOT", "/var/lib"), prefix="capshim-mutants.")
    os.chmod(root, 0o755)
    tally, survivors, explained = collections.Counter(), [], collections.Counter()
    try:
        workers = queue.Queue()
        tests = not options.short and not options.no_tests
        first = Worker(root, tests)
        for test in dict.fromkeys(test for file in files(options) for test in TESTS[file] if tests):
            if failed := first.test(test):
                sys.exit(f"{test} fails with the real one: {failed}")
        sweep.install(first.capshim, os.path.join(root, "real"))
        real = Real(root, os.path.join(root, "real"))
        for worker in [first] + [Worker(root, tests, first) for _ in range(options.jobs - 1)]:
            worker.places = Places(real, worker.capshim)
            workers.put(worker)

        def one(work):
            mutant, text = work
            worker = workers.get()
            try:
                verdict, what = worker.judge(real, mutant, text)
            finally:
                workers.put(worker)
            if explanation(mutant):
                explained[explanation(mutant)] += 1
                if verdict == "survived":
                    verdict = "equivalent"
                else:
                    survivors.append(f"not equivalent: {mutant.file}:{mutant.line}: {named(mutant)}: {verdict} ({what})")
            if verdict in ("survived", "cannot be judged"):
                survivors.append(f"{verdict}: {mutant.file}:{mutant.line}: {named(mutant)} {what}".rstrip())
            tally[verdict] += 1
            if options.verbose:
                print(f"{mutant.file}:{mutant.line}: {named(mutant)}: {verdict} ({what})", flush=True)

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(one, found(options)))
    finally:
        shutil.rmtree(root)
    if not options.short and not options.only:
        survivors += [f"explains {explained[entry]} mutants: {entry}" for entry in EQUIVALENT if explained[entry] != 1]
    for line in sorted(survivors):
        print(line)
    print(f"{sum(tally.values())} mutants: " + ", ".join(f"{count} {name}" for name, count in sorted(tally.items())))
    sys.exit(1 if survivors or not tally else 0)


main()
