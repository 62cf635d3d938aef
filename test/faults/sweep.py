#!/usr/bin/python3
"""Makes every system call between capshim's start and the workload's fail, and many lie, one a run; or ends the run there.

    sweep.py [--kills] [--short] [--only CONFIG] [--jobs N] [--verbose]

The calls are listed from a live run of each config below, in every process of it (test/fixtures/fault.c, for x86-64).
Each one is then made to fail with each of ERRORS (EPERM, ENOSYS, EINVAL, EINTR, ENOMEM, EIO), and where privileges are
decided (CONTRIBUTING.md, "The fault model") to lie: to return 0 without having been made. After each run there are two
good outcomes: the workload ran once, what it observed of itself (and of its init) is what it observed in the run
without a fault, line by line, and so are its exit status and the files that the steps made; or it did not run, the exit
status is the one of capshim's that such a call may end in, and the last line is a message that says so. A process that
dies of a signal is no good outcome, but for the C library's own start, before main(). "not reached": the call was not
made at all, in ATTEMPTS runs one behind the other, and nothing was shown: how often an init is woken is for the
scheduler to say. More than SHARE of that is a failure. "excused": own_stdio is auto, and a stream of the workload's
stayed root's.

With --kills the run is ended by SIGKILL, and then by SIGTERM, as each call of the set-up is about to be made, and capshim
is started again, undisturbed, in what the first run has left. That is repaired if the workload then observes what it
observes in a run that was never disturbed, and every file is the one of that run: none missing, none more, with the same
type, mode, owner and content. In the short form only the calls count that follow one which changes files.

CAPSHIM, PROBE, START and FAULT name the programs. Prints a table, and ends with 0 if there was no escape.
"""

import argparse
import collections
import concurrent.futures
import errno
import functools
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading

PROBE = os.environ["PROBE"]
START = os.environ["START"]
FAULT = os.environ["FAULT"]
REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ERRORS = ["EPERM", "ENOSYS", "EINVAL", "EINTR", "ENOMEM", "EIO"]
LIE = "lie"
# What the system refused, and what could not be proven.
REFUSALS = {111, 112}
# Status -> what may end so all the same, and what is said then: for a file that cannot be read, or a program whose file
# capabilities cannot, the user may be to blame; for a workload that cannot be executed, the image.
OTHER_REFUSALS = {
    100: (("openat", "fstat", "read", "memfd_create", "write", "pread64", "fgetxattr"),
          re.compile(r"capshim: (PLACE)?/\S+: |capshim: cannot execute .*: its file capabilities ")),
    126: (("newfstatat", "access", "pread64", "execve"), re.compile(r"capshim: cannot execute ")),
}
TIMEOUT = 20
# Of test/fixtures/fault.c: the call that was to fail was never made. One run in some hundred of those with an init.
NOT_REACHED = 97
# The kernel frees the keys of ended runs in its own time, and a user may own 200 of them: where the machine is busy, a start
# may find none left. It then has a keyring that gives nothing to anybody.
NO_KEY = "keyring=EKEYREVOKED"
ATTEMPTS = 8
SHARE = 1 / 100
# The shortest of so many lists is taken: what else an init does, because it was woken once more, it may never do again.
LISTS = 5
# More than any process here ever has, and what the probe takes most of its time for.
FD_END = "1024"
# They cannot fail, getpid(2) and getuid(2) say; but they can lie.
NEVER_FAIL = {"getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp"}

# Process ids differ from run to run without a fault; which of them are the same does not.
IDS = ("pid", "ppid", "pgid", "sid")

# What a config may leave undone, because it says so: own_stdio is auto, and may find that it cannot.
OWN_STDIO = ("fchown", "fchmod", "fstat", "newfstatat", "fstatfs", "statx")
EXCUSED = re.compile(r"^stdio\.[012]=")

# The calls that change files: between two of them a killed run leaves the same.
CHANGES = {"openat", "mkdirat", "mknodat", "symlinkat", "linkat", "renameat", "renameat2", "unlinkat", "fchown", "fchownat",
           "chmod", "fchmod", "fchmodat", "fchmodat2", "write", "pwrite64", "ftruncate", "fallocate", "utimensat", "fsetxattr",
           "removexattr", "fremovexattr", "mount"}
SIGNALS = [signal.SIGKILL, signal.SIGTERM]
# The outcomes of one run, by their first word, that must not be.
WRONG = {"escape", "died", "unrepaired"}
# The calls that lie in the set-up as well: those that change or read whose privileges a step has. The set-up is what the
# first process does from one PR_SET_CHILD_SUBREAPER to the next; what else runs then are the programs of steps.
IDENTITY = {"setgroups", "getgroups", "setresgid", "setresuid", "setfsgid", "setfsuid", "capset", "capget"}
PR_SET_CHILD_SUBREAPER = 36

STEPS = """
setup:
  - {mkdir: DIR/a/b, mode: 0750, owner: workload}
  - {write: DIR/a/file, content: "text", mode: 0640, owner: workload}
  - {chown: DIR/a, recursive: true, file_mode: 0600}
  - {chmod: DIR/a, mode: "g-w", recursive: true}
  - {copy: DIR/a/file, to: DIR/a/copy}
  - {symlink: DIR/a/link, target: file, force: true}
  - {template: DIR/a/file, to: DIR/a/out, variables: [PATH]}
  - {mknod: DIR/a/fifo, type: p, mode: 0644}
  - {mknod: DIR/a/gone, type: p}
  - {remove: DIR/a/gone}
  - {wait_for: DIR/a/file, timeout: 1}
  - {run: [/bin/true], user: "1234:1234"}
"""

# What files are made by, replaced by and repaired, from SOURCE (Place.fill) in a volume (Place.prepare).
VOLUME_STEPS = """
setup:
  - {mkdir: DIR/v/seed}
  - {chown: DIR/v/seed, recursive: true, contents_only: true}
  - {mkdir: DIR/v/parent/dir, mode: 0750, owner: workload}
  - {mkdir: [DIR/v/roots, DIR/v/other], owner: "0:7"}
  - {copy: DIR/source, to: DIR/v/seed, recursive: true, only_if_empty: true, owner: workload}
  - {copy: DIR/source, to: DIR/v/tree, recursive: true, owner: OTHER}
  - {copy: DIR/source, to: DIR/v/own, recursive: true, if_exists: keep, preserve: [times, xattrs], sync: false}
  - {copy: DIR/source/file, to: DIR/v/closed, mode: 0400, owner: root}
  - {write: DIR/v/secret, content: "secret", mode: 0600, owner: root}
  - {write: DIR/v/old, content: "new", mode: 0640, owner: workload}
  - {write: DIR/v/lines, content: "b\n", if_exists: append_missing}
  - {symlink: DIR/v/link, target: new, force: true}
  - {symlink: DIR/v/above/link, target: new}
  - {chown: DIR/v/above, recursive: true}
  - {mknod: DIR/v/fifo, type: p, owner: "7:8"}
  - {mknod: DIR/v/side/fifo, type: p}
  - {template: DIR/source, to: DIR/v/filled, variables: [PATH], owner: workload}
  - {chmod: DIR/v/seed, mode: "g+w", recursive: true, exclude: [none]}
  - {remove: DIR/v/gone, recursive: true}
"""

# The rest of the verbs, in a mount namespace of its own.
MORE_STEPS = """
working_dir: DIR/m
accounts:
  - {name: new, uid: 1234, gid: 1234, home: DIR}
setup:
  - {mount: DIR/m, type: tmpfs, options: [nosuid, "size=64k"]}
  - {sysctl: {kernel.pid_max: ">=2"}}
  - {copy: /etc, to: DIR/tree, recursive: true, owner: workload}
  - {remove: DIR/tree/group, when: {exists: DIR/tree, cap: CHOWN}, unless: {empty: DIR/tree, mountpoint: DIR/tree}}
  - {write: DIR/lines, content: "a\\n"}
  - {write: DIR/lines, content: "b\\n", if_exists: append_missing}
  - {copy: /etc, to: DIR/gone, recursive: true}
  - {remove: DIR/gone, recursive: true}
  - {wait_for: ["tcp://127.0.0.1:PORT", "unix://DIR/socket"], timeout: 2s}
  - {run_dir: DIR/run.d, user: workload}
"""

# The verbs on foreign ground: a volume that the user 1234 owns and has used, in whose directories capshim acts as that user.
FOREIGN_STEPS = """
setup:
  - {mkdir: DIR/v/a, mode: 0750}
  - {mkdir: DIR/v/given, mode: 02750, owner: "1235:1234"}
  - {write: DIR/v/a/file, content: "text", mode: 0600}
  - {write: DIR/v/own/list, content: "a\n", if_exists: append_missing}
  - {copy: DIR/v/own, to: DIR/v/a/copy, recursive: true}
  - {symlink: DIR/v/a/link, target: file, force: true}
  - {template: DIR/v/a/file, to: DIR/v/out, variables: [PATH]}
  - {mknod: DIR/v/fifo, type: p}
  - {remove: DIR/v/own/closed, recursive: true}
  - {chmod: DIR/v, mode: "u+rwX", recursive: true}
  - {chown: DIR/v, recursive: true}
"""

IN_VOLUME = ["sh", "-c", '''
    mkdir -p "$0/v/own/closed/sub" && echo own >"$0/v/own/file" && echo own >"$0/v/own/list" &&
        chown -R 1234:1234 "$0/v" && chmod 0700 "$0/v/own" "$0/v/own/closed" &&
        echo root >"$0/v/own/root" && chmod 0644 "$0/v/own/root" && "$@"''', "DIR"]

# Mounts and accounts that only this run sees, and what was mounted in it.
IN_NAMESPACE = ["unshare", "--mount", "sh", "-c", '''
    mount --bind "$0/etc" /etc && "$@"
    status=$?
    stat -f -c %T "$0/m" >"$0/mounted"
    exit $status''', "DIR"]

# Kernel parameters that only this run sees, and what they are in the end.
IN_NETWORK = ["unshare", "--net", "sh", "-c", '''
    "$@"
    status=$?
    cat /proc/sys/net/ipv4/ip_unprivileged_port_start >"$0/port"
    exit $status''', "DIR"]

# Few processes to search for descendants, and it is not process 1.
IN_PIDS = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh"]

# What the kernel says of an init, for it prints nothing: that it is what it stays, its workload can tell, which runs
# when that has been proven. The workload is a shell's then, and the probe stands for it.
INIT = "grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp[_a-z]*):' /proc/$PPID/status"
WATCHED = ["/bin/sh", "-c", f'{INIT}; exec "$@"', "sh"]
# A workload that asks its init to stop it, and will not.
STOPPED = ["/bin/sh", "-c", f'{INIT}; trap "" TERM; "$@"; kill -TERM $PPID; sleep 9 & wait; wait', "sh"]

BASE = 'user: "1234:1234"\nsupplementary_groups: [44, 77]\n'
PLAIN = BASE + "seccomp: unconfined\n"

# start: words for test/fixtures/start.c. around: a command that runs its arguments. late: only what a process calls
# behind its own filter fails.
# ground: owner, group and mode of the volume.
Config = collections.namedtuple("Config", "name text start short command around late ground",
                                defaults=([], True, [], [], False, None))

CONFIGS = [
    Config("minimal", PLAIN),
    Config("kept", PLAIN + "cap_add: [NET_BIND_SERVICE, CHOWN]\n"),
    Config("default-filter", BASE),
    Config("profile", BASE + "seccomp: DIR/profile.json\n", short=False),
    Config("compiled", BASE + "seccomp: DIR/profile.bpf\n"),
    Config("process", PLAIN + "ulimits: {nofile: {soft: 100, hard: 200}, core: 0}\numask: 0027\nworking_dir: DIR\n"
           "unset_environment: [NOTHING]\nnew_session: true\nreport: text\nenvironment: {A: b}\n", short=False),
    Config("steps", PLAIN + STEPS),
    Config("more-steps", PLAIN + MORE_STEPS, short=False, around=IN_NAMESPACE),
    Config("foreign", PLAIN + FOREIGN_STEPS, short=False, around=IN_VOLUME),
    Config("sysctl", PLAIN + "setup: [sysctl: {net.ipv4.ip_unprivileged_port_start: 80}]\n", short=False,
           around=IN_NETWORK),
    Config("init", PLAIN + "init: true\ncap_add: [NET_BIND_SERVICE]\n", command=WATCHED),
    Config("stopped", PLAIN + "init: {stop_grace_period: 1s, wait_until: all}\n", short=False, command=STOPPED,
           around=IN_PIDS, late=True),
    Config("nonroot", PLAIN, ["--groups", "44,77", "--gid", "1234", "--uid", "1234"]),
    Config("bare", PLAIN, ["--bare"], short=False),
    Config("no-setpcap", PLAIN, ["--inheritable", "setuid,setgid", "--bounding", "none"], short=False),
]

# Short enough for the suite.
FEW_STEPS = """
setup:
  - {mkdir: DIR/v/parent/dir, mode: 0750, owner: "0:7"}
  - {copy: DIR/source, to: DIR/v/seed, recursive: true, only_if_empty: true, owner: workload}
  - {write: DIR/v/old, content: "secret", mode: 0600, owner: root}
  - {symlink: DIR/v/link, target: new, force: true}
  - {mknod: DIR/v/side/fifo, type: p, owner: "7:8"}
"""

# With --kills, besides those above that have a setup.
OWN_STEPS = VOLUME_STEPS.replace("OTHER", "workload")
VOLUMES = [
    Config("root's", PLAIN + VOLUME_STEPS.replace("OTHER", '"7:8"'), ground=(0, 0, 0o755), short=False),
    Config("few", PLAIN + FEW_STEPS, ground=(1234, 1234, 0o755)),
    Config("owner's", PLAIN + OWN_STEPS, ground=(1234, 1234, 0o755), short=False),
    Config("group's", PLAIN + OWN_STEPS, ground=(0, 44, 0o2775), short=False),
    Config("everybody's", PLAIN + OWN_STEPS, ground=(0, 0, 0o1777), short=False),
]

with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="ascii") as header:
    NAMES = {int(m[2]): m[1] for m in re.finditer(r"#define __NR_(\w+) (\d+)", header.read())}
NAMES.setdefault(452, "fchmodat2")  # younger than the header
NUMBERS = {name: number for number, name in NAMES.items()}


class Broken(Exception):
    pass


class Result:
    """What one run left: status (None: it hung), the probe's lines, capshim's messages, and the files of the steps."""

    def __init__(self, status, output="", error="", files=None):
        self.status = status
        self.ran = observed(output)
        self.messages = [line for line in error.splitlines() if line.startswith("capshim: ")]
        self.error = error
        self.files = files or []


def observed(output):
    """The probe's lines; in the place of a process id the names of the first that is the same."""
    seen, lines = {}, []
    for line in output.splitlines():
        key, _, value = line.partition("=")
        if key in IDS:
            line = f"{key}={seen.setdefault(value, key)}"
        elif key == "keyring" and value.isdigit():
            line = "keyring=inherited" if value == keyring() else "keyring=other"
        lines.append(line)
    return lines


@functools.cache
def keyring():
    """The session keyring that a workload must not have: the one of whoever runs this."""
    output = subprocess.run([PROBE], capture_output=True, check=True).stdout.decode()
    return re.search(r"^keyring=(.*)$", output, re.M)[1]


def described(directory):
    """Every file below a directory: type and mode, owner, and content."""
    found = []
    for path, directories, files in os.walk(directory):
        for name in directories + files:
            name = os.path.join(path, name)
            status = os.lstat(name)
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(name).encode()
            elif stat.S_ISREG(status.st_mode):
                with open(name, "rb") as file:
                    content = file.read().replace(directory.encode(), b"DIR")
            found.append((os.path.relpath(name, directory), oct(status.st_mode), status.st_uid, status.st_gid, content))
    return sorted(found)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


# What standard input is before it is given to the workload; a refused run may have done that, and nothing else.
UNTOUCHED = ("standard input", "0o100600", 0, 0, 0)


def hang_up(listener):
    while True:
        listener.accept()[0].close()


def install(source, target):
    """Not by this process: what another thread forks meanwhile has the file open for writing, and nobody can execute it."""
    subprocess.run(["install", "-m", "0755", source, target], check=True)


class Place:
    """A directory of one worker: root's and writable by nobody else, so that the trust rule takes it."""

    def __init__(self, root, config, capshim):
        self.dir = tempfile.mkdtemp(dir=root)
        os.chmod(self.dir, 0o755)
        self.capshim = os.path.join(self.dir, "capshim")
        self.probe = os.path.join(self.dir, "probe")
        for source, target in (capshim, self.capshim), (PROBE, self.probe):
            install(source, target)
        self.data = os.path.join(self.dir, "data")
        self.start = config.start
        self.command = [*config.command, self.probe, "--fd-end", FD_END]
        self.around = [self.data if word == "DIR" else word for word in config.around]
        self.config = os.path.join(self.dir, "capshim.yaml")
        self.log = os.path.join(self.dir, "log")
        # Its own, so that what a lying open(2) does to descriptor 0 is seen, and is not done to the machine's.
        self.stdin = os.path.join(self.dir, "stdin")
        open(self.stdin, "w", encoding="ascii").close()
        os.mkdir(self.data)
        if "profile" in config.text:
            shutil.copy(os.path.join(REPO, "config/seccomp/default.json"), os.path.join(self.data, "profile.json"))
            os.chmod(os.path.join(self.data, "profile.json"), 0o644)
            subprocess.run([self.capshim, "--compile-seccomp", os.path.join(self.data, "profile.json"),
                            os.path.join(self.data, "profile.bpf")], check=True, stdout=subprocess.DEVNULL)
        port = self.surround() if config.around else ""
        self.ground = config.ground
        if self.ground:
            self.fill()
        self.kept = set(os.listdir(self.data))
        with open(self.config, "w", encoding="ascii") as file:
            file.write(config.text.replace("DIR", self.data).replace("PORT", str(port)))
        os.chmod(self.config, 0o644)

    def surround(self):
        """What MORE_STEPS works on, and somebody who listens. Returns the port."""
        for name in ("etc", "run.d", "m"):
            os.mkdir(os.path.join(self.data, name))
        shutil.copy("/bin/true", os.path.join(self.data, "run.d/true"))
        self.listeners = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)]
        for listener, address in zip(self.listeners, (os.path.join(self.data, "socket"), ("127.0.0.1", 0))):
            listener.bind(address)
            listener.listen(4096)
            threading.Thread(target=hang_up, args=[listener], daemon=True).start()
        return self.listeners[1].getsockname()[1]

    def fill(self):
        """What VOLUME_STEPS copies: modes that shut its owner out, a directory of another group, links, more than one write."""
        source = os.path.join(self.data, "source")
        for name, mode in ("", 0o755), ("closed", 0o555), ("closed/below", 0o700), ("shared", 0o2775), ("none", 0o000):
            os.mkdir(os.path.join(source, name), 0o700)
        for name, mode, content in ("file", 0o600, b"file"), ("closed/file", 0o400, b"c" * 40000), ("shared/file", 0o755, b""):
            with open(os.path.join(source, name), "wb") as file:
                file.write(content)
            os.chmod(os.path.join(source, name), mode)
        os.symlink("file", os.path.join(source, "link"))
        for name, mode in ("closed", 0o555), ("shared", 0o2775), ("none", 0o000):
            os.chmod(os.path.join(source, name), mode)

    def make_volume(self):
        volume = os.path.join(self.data, "v")
        os.makedirs(os.path.join(volume, "gone/below"))
        for name in "old", "lines", "gone/below/file":
            with open(os.path.join(volume, name), "w", encoding="ascii") as file:
                file.write("a\n")
        os.symlink("old", os.path.join(volume, "link"))
        for path, directories, files in os.walk(volume):
            for name in directories + files:
                os.lchown(os.path.join(path, name), 1234, 1234)
        os.chown(volume, *self.ground[:2])
        os.chmod(volume, self.ground[2])

    def prepare(self):
        for name in set(os.listdir(self.data)) - self.kept:
            remove(os.path.join(self.data, name))
        if self.around:
            remove(os.path.join(self.data, "etc"))
            os.mkdir(os.path.join(self.data, "etc"))
            for name, text in ("passwd", "root:x:0:0::/:/bin/sh\n"), ("group", "root:x:0:\n"):
                with open(os.path.join(self.data, "etc", name), "w", encoding="ascii") as file:
                    file.write(text)
        if self.ground:
            self.make_volume()
        os.chmod(self.stdin, 0o600)
        os.chown(self.stdin, 0, 0)

    def run(self, fault):
        """Runs it once with these words for test/fixtures/fault.c."""
        self.prepare()
        return self.begin([FAULT, *fault, "--"])

    def begin(self, around):
        command = [*self.around, START, "--clean", "--env", "PATH=/usr/bin:/bin", *self.start, "--", *around, self.capshim,
                   "-c", self.config, "--", *self.command]
        try:
            with open(self.stdin, "rb") as stdin:
                done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return Result(None)
        after = os.stat(self.stdin)
        files = described(self.data) + [("standard input", oct(after.st_mode), after.st_size, after.st_uid, after.st_gid)]
        return Result(done.returncode, *(text.decode(errors="replace").replace(self.dir, "PLACE")
                                         for text in (done.stdout, done.stderr)), files)

    def reach(self, fault):
        """The same, until the call is made, and the user of the workload had a key left: see ATTEMPTS."""
        for _ in range(ATTEMPTS):
            result = self.run(fault)
            if result.status != NOT_REACHED and NO_KEY not in result.ran:
                break
        return result


Call = collections.namedtuple("Call", "process at name arguments may_lie")


def calls_of(place, late=False):
    """Each call of the run without a fault, and that run."""
    open(place.log, "w", encoding="ascii").close()
    os.chmod(place.log, 0o666)
    good = place.reach(["--list", place.log])
    if good.status is None or not good.ran or any(not line.startswith("capshim: verified: ") for line in good.messages):
        raise Broken(f"the run without a fault failed with {good.status}: {good.error}")
    if any(INIT in word for word in place.command) and not any(line.startswith("CapBnd:") for line in good.ran):
        raise Broken("nothing was seen of the init")
    with open(place.log, encoding="ascii") as file:
        rows = [line.split() for line in file]
    calls, behind, subreaper = [], collections.Counter(), 0
    for process, at, number, *arguments in rows:
        name = NAMES.get(int(number), number)
        subreaper += name == "prctl" and int(arguments[0], 16) == PR_SET_CHILD_SUBREAPER
        if not late or behind[process]:
            calls.append(Call(int(process), int(at), name, [int(word, 16) for word in arguments],
                              process != "0" or subreaper != 1 or name in IDENTITY))
        behind[process] += name == "seccomp"
    return calls, good


def refused(call, status, said):
    """Is this how capshim refuses: the status, and the last line of standard error?"""
    calls, saying = OTHER_REFUSALS.get(status, ((), re.compile("")))
    return said.startswith("capshim: ") and not said.startswith("capshim: verified: ") and \
        (status in REFUSALS or (call in calls and bool(saying.match(said))))


def judge(call, result, good):
    """The outcome of one run: harmless, refused, excused, not reached or a description of what must not be."""
    if result.status == NOT_REACHED:
        return "not reached"
    if result.status is None:
        return "escape: it hangs"
    if result.files[-1] not in (good.files[-1], UNTOUCHED):
        return f"escape: standard input is {result.files[-1]}"
    if result.ran:
        differs = [line for line in result.ran if line not in good.ran]
        if result.status != good.status:
            return f"escape: the workload ran and the status is {result.status}"
        if result.ran != good.ran and not (call in OWN_STDIO and len(result.ran) == len(good.ran) and
                                           all(EXCUSED.match(line) for line in differs)):
            return f"escape: the workload ran and differs: {differs[:6]}"
        if result.files[:-1] != good.files[:-1]:
            wrong = [each for each in result.files[:-1] if each not in good.files]
            missing = [each for each in good.files[:-1] if each not in result.files]
            return f"escape: the workload ran and files differ: {wrong[:3]} instead of {missing[:3]}"
        return "harmless" if result.ran == good.ran else "excused"
    if refused(call, result.status, (result.error.splitlines() or [""])[-1]):
        return "refused"
    if result.status > 128:
        return "start of the C library" if call == "arch_prctl" else f"died: status {result.status}"
    return f"escape: status {result.status}, message {result.error.strip()[:200]!r}"


def carry_out(name, work, one, places, options, pool):
    """one(PLACE, *ITEM) for each item of the work, in one thread a place, which are then removed. It returns what was done, the
    outcome, and what --verbose says besides. Returns how often each outcome was, and a line for each that must not be."""
    tally, bad = collections.Counter(), []

    def share(slot):
        for item in work[slot::len(places)]:
            done, outcome, details = one(places[slot], *item)
            kind, line = outcome.split(":")[0], f"{name}: {done}: {outcome}"
            tally[kind] += 1
            if kind in WRONG:
                bad.append(line)
            if options.verbose:
                print(f"{line} {details}")

    list(pool.map(share, range(len(places))))
    for place in places:
        shutil.rmtree(place.dir)
    if tally["not reached"] > SHARE * len(work):
        bad.append(f"{name}: {tally['not reached']} of {len(work)} calls were not reached")
    return tally, bad


def sweep(config, options, pool, root):
    places = [Place(root, config, os.environ["CAPSHIM"]) for _ in range(options.jobs)]
    calls, good = min((calls_of(places[0], config.late) for _ in range(LISTS)), key=lambda run: len(run[0]))
    faults = (["EPERM", "EINTR"] if options.short else ERRORS) + [LIE]
    # In the short form the calls that repeat for every capability fail only now and then; but each of them lies.
    work = [(process, at, name, fault) for process, at, name, _, may_lie in calls for fault in faults
            if not (options.short and name == "prctl" and at % 7 and fault != LIE)
            and (may_lie if fault == LIE else name not in NEVER_FAIL)]

    def one(place, process, at, name, fault):
        value = 0 if fault == LIE else -getattr(errno, fault)
        # A run in which others had the processor may make a call more or less before: then it is another one.
        call = str(NUMBERS.get(name, name))
        result = place.reach(["--at", f"{process}:{at}", "--call", call, "--value", str(value)])
        details = f"{result.status} {result.messages} {[line for line in result.ran if line not in good.ran]}"
        return f"process {process} call {at} {name} {fault}", judge(name, result, good), details

    tally, bad = carry_out(config.name, work, one, places, options, pool)
    print(f"{config.name:15} {len(calls):5} calls {sum(tally.values()):6} injections {tally['refused']:6} refused "
          f"{tally['harmless']:6} harmless {tally['excused']:4} excused "
          f"{tally['start of the C library']:3} in the C library's start {tally['not reached']:2} not reached "
          f"{tally['died']:4} died {tally['escape']:4} escapes", flush=True)
    return tally, bad


def killed_calls(calls, short):
    """The calls of the set-up, and the first behind it: PROCESS:CALL and a name."""
    within, changed, work = False, collections.Counter(), []
    for call in calls:
        if call.name == "prctl" and call.arguments[0] == PR_SET_CHILD_SUBREAPER and call.process == 0:
            within = not within
        if (within or changed[call.process]) and (not short or changed[call.process]):
            work.append((call.process, call.at, call.name))
        changed[call.process] = within and call.name in CHANGES
    return work


def judge_repair(first, second, good):
    """Is all as after a run that nothing has disturbed?"""
    if first.status is None or second.status is None:
        return "unrepaired: it hangs"
    ran = [line for line in second.ran if line in good.ran or line == NO_KEY]
    if second.status != good.status or not len(ran) == len(second.ran) == len(good.ran):
        return f"unrepaired: status {second.status}, message {second.error.strip()[:200]!r}"
    wrong = [each for each in second.files if each not in good.files]
    missing = [each for each in good.files if each not in second.files]
    return f"unrepaired: {wrong[:3]} instead of {missing[:3]}" if wrong or missing else "repaired"


def sweep_kills(config, options, pool, root):
    places = [Place(root, config, os.environ["CAPSHIM"]) for _ in range(options.jobs)]
    calls, good = calls_of(places[0])
    again = places[0].begin([])
    if judge_repair(good, again, good) != "repaired":
        raise Broken(f"{config.name}: the second run differs from the first: {judge_repair(good, again, good)}")
    work = [(f"{process}:{at}", name, number) for process, at, name, number in
            ((process, at, name, number) for process, at, name in killed_calls(calls, options.short) for number in SIGNALS)
            if not (options.short and number == signal.SIGTERM and at % 5)]

    def one(place, at, name, number):
        first = place.reach(["--at", at, "--signal", str(int(number))])
        second = place.begin([])
        outcome = "not reached" if first.status == NOT_REACHED else judge_repair(first, second, good)
        return f"call {at} {name} {number.name}", outcome, f"{first.status} {first.messages}"

    tally, bad = carry_out(config.name, work, one, places, options, pool)
    print(f"{config.name:15} {len(calls):5} calls {sum(tally.values()):6} kills {tally['repaired']:6} repaired "
          f"{tally['not reached']:2} not reached {tally['unrepaired']:4} unrepaired", flush=True)
    return tally, bad


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kills", action="store_true")
    options.add_argument("--short", action="store_true")
    options.add_argument("--only")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--verbose", action="store_true")
    options = options.parse_args()
    root = tempfile.mkdtemp(dir=os.environ.get("CAPSHIM_TEST_ROOT", "/var/lib"), prefix="capshim-faults.")
    os.chmod(root, 0o755)
    total, bad = collections.Counter(), []
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for config in [each for each in CONFIGS if "setup:" in each.text] + VOLUMES if options.kills else CONFIGS:
                if config.name != options.only if options.only else options.short and not config.short:
                    continue
                tally, wrong = (sweep_kills if options.kills else sweep)(config, options, pool, root)
                total += tally
                bad += wrong
    finally:
        shutil.rmtree(root)
    for line in bad:
        print(line)
    if options.kills:
        print(f"{sum(total.values())} kills: {total['repaired']} repaired, {total['not reached']} not reached, "
              f"{total['unrepaired']} unrepaired")
        sys.exit(1 if bad or not total else 0)
    print(f"{sum(total.values())} injections: {total['refused']} refused, {total['harmless']} harmless, "
          f"{total['excused']} excused, {total['start of the C library']} in the C library's "
          f"start, {total['not reached']} not reached, {total['died']} died, {total['escape']} escapes")
    sys.exit(1 if bad or not total else 0)


if __name__ == "__main__":
    main()
