#!/usr/bin/python3
"""Two containers on one volume, ended and stopped at random moments, again and again: nothing is lost, and all is repaired.

    storm.py SECONDS [GROUND ...]

For so many seconds on each GROUND (owner, root, group, sticky): a new volume, one to three rounds of two runs at once, most
of which get SIGKILL, SIGTERM, or SIGSTOP and later SIGCONT or SIGKILL; then two runs more, which nothing disturbs and which
must succeed. The workload edits three files of the seed and removes one. In the end each file is the image's, or what a
workload made of it; nothing is missing that no workload has removed; what a workload has edited stays edited; directories
have their modes and owners, and no temporary file is left. CAPSHIM names the program; prints a line for each GROUND.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CAPSHIM = os.environ["CAPSHIM"]
UID = 1234
# Owner, group and mode of the volume.
GROUNDS = {"owner": (UID, UID, 0o755), "root": (0, 0, 0o755), "group": (0, UID, 0o2775), "sticky": (0, 0, 0o1777)}
FILES = [f"f{i}" for i in range(40)] + [f"sub/g{i}" for i in range(20)] + ["sub/closed/c"]
TIMEOUT = 60
DIRECTORIES = {"run/deep": (0o700, UID), "data": (0o755, UID), "data/sub": (0o755, UID), "data/sub/closed": (0o555, UID)}

CONFIG = """
user: "1234:1234"
supplementary_groups: none
seccomp: unconfined
setup:
  - {mkdir: ROOT/volume/run/deep, owner: workload, mode: 0700}
  - {copy: ROOT/source, to: ROOT/volume/data, recursive: true, only_if_empty: true, owner: workload, sync: false}
  - {write: ROOT/volume/conf, content: "secret", owner: root, mode: 0600}
  - {symlink: ROOT/volume/link, target: conf, force: true}
  - {mknod: ROOT/volume/fifo, type: p}
"""

# Of a run NUMBER: what was edited is written down afterwards, what is removed before.
WORKLOAD = """cd "$0/volume/data" || exit 9
for file in $2; do [ -e "$file" ] && echo "mine $1" >"$file" && echo "$file" >>"$0/log/edited"; done
echo "$3" >>"$0/log/removed"
rm -f "$3"
"""


class Storm:
    def __init__(self, root, ground):
        self.root, self.ground = root, ground
        self.volumes = self.signals = self.waits = self.number = 0
        self.bad, self.tried = [], set()
        self.volume, self.log = os.path.join(root, "volume"), os.path.join(root, "log")

    def path(self, name):
        return os.path.join(self.volume, name)

    def begin(self):
        edited = random.sample(FILES[:60], 3)
        self.tried.update(edited)
        self.number += 1
        return subprocess.Popen([CAPSHIM, "-c", os.path.join(self.root, "capshim.yaml"), "--", "/bin/sh", "-c", WORKLOAD,
                                 self.root, str(self.number), " ".join(edited), random.choice(FILES[:40])],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self, process, statuses):
        try:
            said = process.communicate(timeout=TIMEOUT)[0].decode()
        except subprocess.TimeoutExpired:
            process.kill()
            said = "it hangs"
        self.waits += "waiting for another" in said
        if process.returncode not in statuses:
            self.bad.append(f"status {process.returncode}: {said[-300:]}")

    def disturb(self, process):
        time.sleep(random.uniform(0, 0.02))
        number = random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
        process.send_signal(number)
        if number == signal.SIGSTOP:
            time.sleep(random.uniform(0, 0.03))
            process.send_signal(random.choice([signal.SIGCONT, signal.SIGKILL]))
        self.signals += 1

    def prepare(self):
        for directory, (uid, gid, mode) in (self.volume, GROUNDS[self.ground]), (self.log, (UID, UID, 0o755)):
            shutil.rmtree(directory, ignore_errors=True)
            os.mkdir(directory)
            os.chown(directory, uid, gid)
            os.chmod(directory, mode)
        self.tried = set()

    def logged(self, what):
        try:
            with open(os.path.join(self.log, what), encoding="ascii") as file:
                return set(file.read().split())
        except FileNotFoundError:
            return set()

    def judge(self):
        edited, removed = self.logged("edited"), self.logged("removed")
        for name in FILES:
            content = read(self.path("data/" + name))
            mine = content is not None and content.startswith("mine")
            # Between its truncation and its content a workload may be killed, too.
            good = (content is None and name in removed) or mine or (content == "" and name in self.tried) or \
                (name not in edited and content == read(os.path.join(self.root, "source", name)))
            if not good:
                self.bad.append(f"{name}: {content if content is None else content[:20]!r}, edited {name in edited}")
        for name, want in DIRECTORIES.items():
            status = os.stat(self.path(name))
            if (status.st_mode & 0o5777, status.st_uid) != want:
                self.bad.append(f"{name}: mode {status.st_mode:o}, uid {status.st_uid}")
        status = os.stat(self.path("conf"))
        if (status.st_uid, status.st_mode & 0o7777, read(self.path("conf"))) != (0, 0o600, "secret"):
            self.bad.append(f"conf: mode {status.st_mode:o}, uid {status.st_uid}")
        for path, _, files in os.walk(self.volume):
            self.bad += [f"{path}/{name} is left" for name in files if name.startswith(".capshim")]

    def round(self):
        self.prepare()
        for _ in range(random.choice([1, 2, 3])):
            both = [self.begin(), self.begin()]
            for process in both:
                if random.random() < 0.8:
                    self.disturb(process)
            for process in both:
                self.end(process, (0, -signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM))
        for _ in range(2):
            self.end(self.begin(), (0,))
        self.judge()
        self.volumes += 1


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None


def make_source(root):
    source = os.path.join(root, "source")
    os.makedirs(os.path.join(source, "sub/closed"))
    for name in FILES:
        with open(os.path.join(source, name), "w", encoding="ascii") as file:
            file.write(f"image {name}\n" * 200)
    os.symlink("f1", os.path.join(source, "link"))
    for path, _, files in os.walk(source):
        os.chmod(path, 0o755)
        for name in files:
            if name != "link":
                os.chmod(os.path.join(path, name), 0o644)
    os.chmod(os.path.join(source, "sub/closed"), 0o555)
    with open(os.path.join(root, "capshim.yaml"), "w", encoding="ascii") as file:
        file.write(CONFIG.replace("ROOT", root))
    os.chmod(os.path.join(root, "capshim.yaml"), 0o644)


def main():
    seconds, failed = float(sys.argv[1]), False
    for ground in sys.argv[2:] or GROUNDS:
        root = tempfile.mkdtemp(dir=os.environ.get("CAPSHIM_TEST_ROOT", "/var/lib"), prefix="capshim-storm.")
        os.chmod(root, 0o755)
        make_source(root)
        storm = Storm(root, ground)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not storm.bad:
            storm.round()
        shutil.rmtree(root)
        print(f"{ground}: {storm.volumes} volumes, {storm.signals} signals, {storm.waits} waits, {len(storm.bad)} bad", flush=True)
        print(*storm.bad[:10], sep="\n", end="\n" if storm.bad else "")
        failed |= bool(storm.bad) or not storm.volumes
    sys.exit(failed)


if __name__ == "__main__":
    main()
