#!/usr/bin/python3
"""Makes every system call between capshim's start and the workload's fail, and then lie, one a run.

    sweep.py [--short] [--only CONFIG] [--jobs N]

The calls are listed from a live run of each config below, in every process of it (test/fixtures/fault.c). Each one is
then made to fail with each of ERRORS, and to lie: to return 0 without having been made. After each run there are two good outcomes: the workload ran, and what it observed of itself is what it
observed in the run without a fault; or it did not run, the exit status is one of capshim's own, and there is one
message. A process that dies of a signal is no good outcome, but for the C library's own start, before main(), and for
PID 1 behind its filter ("filtered"), where a call cannot be kept from being made. "excused": own_stdio is auto, and the
workload's streams stayed root's, which the report says.

CAPSHIM, PROBE, START and FAULT name the programs. Prints a table, and ends with 0 if there was no escape.
"""

import argparse
import collections
import concurrent.futures
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROBE = os.environ["PROBE"]
START = os.environ["START"]
FAULT = os.environ["FAULT"]
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ERRORS = ["EPERM", "ENOSYS", "EINVAL", "EINTR", "ENOMEM", "EIO"]
LIE = "lie"
# PID 1's own filter kills what it does not list, and the call that stands in for a call that is not made is not.
FILTERED = 128 + 31
REFUSALS = {100, 111, 112, 126, 127}
TIMEOUT = 20

# What differs from run to run without a fault.
VOLATILE = re.compile(r"^(pid|ppid|pgid|sid|keyring|env\.RUN)=")

# What a config may leave undone, because it says so: own_stdio is auto, and may find that it cannot.
EXCUSED = re.compile(r"^stdio\.")

STEPS = """
setup:
  - {mkdir: DIR/a/b, mode: 0750, owner: workload}
  - {write: DIR/a/file, content: "text", mode: 0640, owner: workload}
  - {chown: DIR/a, recursive: true}
  - {chmod: DIR/a, mode: "g-w", recursive: true}
  - {copy: DIR/a/file, to: DIR/a/copy}
  - {symlink: DIR/a/link, target: file, force: true}
  - {template: DIR/a/file, to: DIR/a/out}
  - {mknod: DIR/a/fifo, type: p}
  - {remove: DIR/a/copy}
  - {wait_for: DIR/a/file, timeout: 1}
  - {run: [/bin/true], user: "1234:1234"}
"""

BASE = 'user: "1234:1234"\nsupplementary_groups: [44, 77]\n'

# Name, config, words for test/fixtures/start.c, in the short form too.
CONFIGS = [
    ("minimal", BASE + "seccomp: unconfined\n", [], True),
    ("kept", BASE + "seccomp: unconfined\ncap_add: [NET_BIND_SERVICE, CHOWN]\n", [], True),
    ("default-filter", BASE, [], True),
    ("profile", BASE + "seccomp: DIR/profile.json\n", [], False),
    ("compiled", BASE + "seccomp: DIR/profile.bpf\n", [], True),
    ("process", BASE + "seccomp: unconfined\nulimits: {nofile: {soft: 100, hard: 200}, core: 0}\numask: 0027\n"
     "working_dir: DIR\nunset_environment: [NOTHING]\nnew_session: true\nreport: text\nenvironment: {A: b}\n", [], False),
    ("steps", BASE + "seccomp: unconfined\n" + STEPS, [], True),
    ("init", BASE + "seccomp: unconfined\ninit: true\ncap_add: [NET_BIND_SERVICE]\n", [], True),
    ("nonroot", BASE + "seccomp: unconfined\n", ["--groups", "none", "--gid", "1234", "--uid", "1234"], True),
    ("no-setpcap", BASE + "seccomp: unconfined\n",
     ["--inheritable", "setuid,setgid", "--bounding", "none"], False),
]

with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="ascii") as header:
    NAMES = {int(m[2]): m[1] for m in re.finditer(r"#define __NR_(\w+) (\d+)", header.read())}


class Place:
    """A directory of one worker: root's and writable by nobody else, so that the trust rule takes it."""

    def __init__(self, root, config, start, capshim):
        self.capshim = capshim
        self.dir = tempfile.mkdtemp(dir=root)
        os.chmod(self.dir, 0o755)
        self.data = os.path.join(self.dir, "data")
        self.start = start
        self.config = os.path.join(self.dir, "capshim.yaml")
        # Its own, so that what a lying open(2) does to descriptor 0 is seen, and is not done to the machine's.
        self.stdin = os.path.join(self.dir, "stdin")
        open(self.stdin, "w", encoding="ascii").close()
        os.mkdir(self.data)
        if "profile" in config:
            shutil.copy(os.path.join(REPO, "config/seccomp/default.json"), os.path.join(self.data, "profile.json"))
            os.chmod(os.path.join(self.data, "profile.json"), 0o644)
            subprocess.run([capshim, "--compile-seccomp", os.path.join(self.data, "profile.json"),
                            os.path.join(self.data, "profile.bpf")], check=True, stdout=subprocess.DEVNULL)
        self.kept = set(os.listdir(self.data))
        with open(self.config, "w", encoding="ascii") as file:
            file.write(config.replace("DIR", self.data))
        os.chmod(self.config, 0o644)

    def run(self, fault):
        """Runs it once with these words for test/fixtures/fault.c; returns status, standard output and error."""
        for name in set(os.listdir(self.data)) - self.kept:
            shutil.rmtree(os.path.join(self.data, name))
        command = [START, "--clean", "--env", "PATH=/usr/bin:/bin", *self.start, "--", FAULT, *fault, "--",
                   self.capshim, "-c", self.config, "--", PROBE]
        os.chmod(self.stdin, 0o600)
        os.chown(self.stdin, 0, 0)
        before = os.stat(self.stdin)
        try:
            with open(self.stdin, "rb") as stdin:
                done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return None, "", ""
        after = os.stat(self.stdin)
        if (before.st_uid, before.st_gid, before.st_mode, before.st_size) != (after.st_uid, after.st_gid, after.st_mode,
                                                                            after.st_size):
            return -1, "", "standard input was changed"
        output = done.stdout.decode(errors="replace").replace(self.dir, "PLACE")
        return done.returncode, output, done.stderr.decode(errors="replace")


def observed(output):
    return [line for line in output.splitlines() if not VOLATILE.match(line)]


def calls_of(place):
    """(process, place, name) of each call of the run without a fault, and what the workload observed in it."""
    log = os.path.join(place.data, "log")
    open(log, "w", encoding="ascii").close()
    os.chmod(log, 0o666)
    place.kept.add("log")
    status, output, error = place.run(["--list", log])
    if status != 0 or not observed(output):
        sys.exit(f"the run without a fault failed with {status}: {error}{output}")
    with open(log, encoding="ascii") as file:
        rows = [line.split() for line in file]
    return [(int(process), int(at), NAMES.get(int(number), number)) for process, at, number in rows], observed(output)


def judge(config, process, call, result, good):
    """The outcome of one run: harmless, refused, excused or a description of what must not be."""
    status, output, error = result
    if status is None:
        return "escape: it hangs"
    ran = observed(output)
    messages = [line for line in error.splitlines() if line.startswith("capshim: ")]
    if status == FILTERED and process == 0 and "init" in config:
        return "filtered"
    if ran:
        differs = set(ran) ^ set(good)
        if not differs:
            return "harmless" if status == 0 else f"escape: the workload ran and the status is {status}"
        if all(EXCUSED.match(line) for line in differs):
            return "excused"
        return f"escape: the workload ran and differs: {sorted(differs)[:6]}"
    if status in REFUSALS and (messages or call in ("write", "writev")):
        return "refused"
    if status == -1:
        return f"escape: {error}"
    if status > 128 and call == "arch_prctl":
        return "start of the C library"
    if status > 128:
        return f"died: status {status}"
    if status == 0 and call in ("exit_group", "exit", "write", "writev"):
        return "refused"
    return f"escape: status {status}, message {error.strip()[:200]!r}"


def sweep(config_name, config, start, short, pool, root, jobs):
    places = [Place(root, config, start, os.environ["CAPSHIM"]) for _ in range(jobs)]
    calls, good = calls_of(places[0])
    faults = (["EPERM", "EINTR"] if short else ERRORS) + [LIE]
    # In the short form the calls that repeat for every capability fail only now and then; but each of them lies.
    work = [(process, at, name, fault) for process, at, name in calls for fault in faults
            if not (short and name == "prctl" and at % 7 and fault != LIE)]
    tally = collections.Counter()
    bad = []

    def one(slot):
        for process, at, name, fault in work[slot::jobs]:
            value = 0 if fault == LIE else -getattr(errno, fault)
            result = places[slot].run(["--at", f"{process}:{at}", "--value", str(value)])
            outcome = judge(config, process, name, result, good)
            tally[outcome.split(":")[0]] += 1
            if outcome.split(":")[0] in ("escape", "died"):
                bad.append(f"{config_name}: process {process} call {at} {name} {fault}: {outcome}")

    list(pool.map(one, range(jobs)))
    print(f"{config_name:15} {len(calls):5} calls {sum(tally.values()):6} injections {tally['refused']:6} refused "
          f"{tally['harmless']:6} harmless {tally['excused']:4} excused {tally['filtered']:4} filtered "
          f"{tally['start of the C library']:3} in the C library's start {tally['died']:4} died "
          f"{tally['escape']:4} escapes", flush=True)
    return tally, bad


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--short", action="store_true")
    options.add_argument("--only")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options = options.parse_args()
    root = tempfile.mkdtemp(dir="/var/lib", prefix="capshim-faults.")
    os.chmod(root, 0o755)
    total, bad = collections.Counter(), []
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for name, config, start, in_short in CONFIGS:
                if (options.only and name != options.only) or (options.short and not in_short):
                    continue
                tally, wrong = sweep(name, config, start, options.short, pool, root, options.jobs)
                total += tally
                bad += wrong
    finally:
        shutil.rmtree(root)
    for line in bad:
        print(line)
    print(f"{sum(total.values())} injections: {total['refused']} refused, {total['harmless']} harmless, "
          f"{total['excused']} excused, {total['filtered']} filtered, {total['start of the C library']} in the C library's "
          f"start, {total['died']} died, {total['escape']} escapes")
    sys.exit(1 if bad or not total else 0)


if __name__ == "__main__":
    main()
