#!/usr/bin/python3
"""Starts a container three times for every pair of steps on one path, with the workload's own changes in between.

    pairs.py [--verbose] [GROUND ...]

Each pair is run on a path in a volume of each of GROUNDS, with the capabilities of GRANTED alone: what --explain asks for
on a used volume. All three must succeed, whatever the workload has done meanwhile to what is its own, unless the two steps
want different kinds of things to be there. Prints what does not fit, and a line with counts; ends with 1 if there was anything.

CAPSHIM and START name the programs.
"""

import argparse
import collections
import os
import shutil
import stat
import subprocess
import sys
import tempfile

CAPSHIM = os.environ["CAPSHIM"]
START = os.environ["START"]
USER = 1234
GRANTED = "chown,setuid,setgid,setpcap"

# Name, the step, and the kind of what is at PATH afterwards: d, f, l, p; - where it changes what is there, which must not be
# a link, for none is followed; * where it takes anything.
Form = collections.namedtuple("Form", "name step makes")
FORMS = [
    Form("mkdir", "{mkdir: PATH}", "d"),
    Form("mkdir-workload", "{mkdir: PATH, mode: 0700, owner: workload}", "d"),
    Form("write", "{write: PATH, content: 'a'}", "f"),
    Form("write-workload", "{write: PATH, content: 'b', mode: 0600, owner: workload}", "f"),
    Form("append", "{write: PATH, content: \"c\\n\", mode: 0600, if_exists: append_missing}", "f"),
    Form("keep", "{write: PATH, content: 'd', if_exists: keep}", "f"),
    Form("symlink", "{symlink: PATH, target: other, force: true}", "l"),
    Form("symlink-new", "{symlink: PATH, target: other}", "l"),
    Form("copy", "{copy: SOURCE/file, to: PATH}", "f"),
    Form("copy-keep", "{copy: SOURCE/file, to: PATH, if_exists: keep}", "f"),
    Form("copy-tree", "{copy: LINKED, to: PATH, recursive: true}", "d"),
    Form("copy-tree-workload", "{copy: LINKED, to: PATH, recursive: true, owner: workload, mode: 0640}", "d"),
    Form("seed", "{copy: LINKED, to: PATH, recursive: true, only_if_empty: true}", "d"),
    Form("template", "{template: SOURCE/file, to: PATH, mode: 0640}", "f"),
    Form("template-tree", "{template: SOURCE, to: PATH}", "d"),
    Form("mknod", "{mknod: PATH, type: p, mode: 0600}", "p"),
    Form("remove", "{remove: PATH, recursive: true}", ""),
    Form("chown", "{chown: PATH, recursive: true, if_exists: true}", "-"),
    Form("chown-uid", "{chown: PATH, owner: app, if_exists: true}".replace("app", str(USER)), "-"),
    Form("chmod", "{chmod: PATH, mode: 'u+rwX,go-w', recursive: true, if_exists: true}", "-"),
    Form("chown-all", "{chown: VOLUME, recursive: true}", "*"),
    Form("chown-contents", "{chown: VOLUME, recursive: true, contents_only: true}", "*"),
    Form("chmod-all", "{chmod: VOLUME, mode: 'u+rwX', recursive: true}", "*"),
    Form("run", "{run: [/bin/true]}", "*"),
]

# Owner, group, mode of the volume; what is above it is root's.
GROUNDS = {
    "owned": (USER, USER, 0o755),
    "closed": (USER, USER, 0o700),
    "fsgroup": (0, USER, 0o2775),
    "emptydir": (0, 0, 0o777),
    "sticky": (0, 0, 0o1777),
    "root": (0, 0, 0o755),
}


def conflict(first, second):
    """May a start fail? Two steps that want different kinds of things at one path."""
    kinds = {first.makes, second.makes} - {"*", ""}
    return len(kinds - {"-"}) > 1 or kinds == {"l", "-"}


def attempt(change, *arguments):
    try:
        change(*arguments)
    except OSError:
        pass  # it is not the workload's to change


def append(path):
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK), "w", encoding="ascii") as file:
        file.write("changed\n")


def change_directory(path):
    own = os.path.join(path, "own")
    attempt(os.mkdir, own, 0o700)
    attempt(os.mkdir, os.path.join(own, "deep"), 0o700)
    attempt(os.symlink, "/etc/passwd", os.path.join(path, "link"))
    attempt(os.chmod, os.path.join(own, "deep"), 0o100)
    for name in ("file", "sub/file"):
        attempt(append, os.path.join(path, name))
    attempt(os.chmod, path, 0o700)


def workload_changes(path):
    """What a workload does to what is its own: it closes, adds, changes, and links."""
    os.setegid(USER)
    os.seteuid(USER)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            change_directory(path)
        elif stat.S_ISREG(mode):
            attempt(append, path)
            attempt(os.chmod, path, 0o600)
    except OSError:
        pass  # nothing is there, or nothing to be seen
    finally:
        os.seteuid(0)
        os.setegid(0)


def start(config):
    done = subprocess.run([START, "--groups", "0", "--bounding", GRANTED, "--", CAPSHIM, "-c", config],
                          capture_output=True, timeout=20, check=False)
    return done.returncode, done.stderr.decode(errors="replace").strip()


class Sweep:
    def __init__(self, work, verbose):
        self.work = work
        self.verbose = verbose
        self.starts = self.pairs = 0
        self.findings = []
        self.source = os.path.join(work, "source")
        os.makedirs(os.path.join(self.source, "sub"))
        for name in ("file", "sub/file"):
            with open(os.path.join(self.source, name), "w", encoding="ascii") as file:
                file.write("text\n")
        self.linked = os.path.join(work, "linked")
        shutil.copytree(self.source, self.linked)
        os.symlink("file", os.path.join(self.linked, "link"))
        self.config = os.path.join(work, "capshim.yaml")

    def one(self, ground, first, second):
        uid, gid, mode = GROUNDS[ground]
        volume = os.path.join(self.work, "volume")
        os.mkdir(volume)
        os.chown(volume, uid, gid)
        os.chmod(volume, mode)
        path = os.path.join(volume, "path")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f'user: "{USER}:{USER}"\ncommand: none\nsetup:\n')
            for form in (first, second):
                step = form.step.replace("PATH", path).replace("VOLUME", volume)
                file.write(f"  - {step}\n".replace("SOURCE", self.source).replace("LINKED", self.linked))
        os.chmod(self.config, 0o644)
        self.pairs += 1
        for turn in (1, 2, 3):
            status, message = start(self.config)
            self.starts += 1
            if status != 0:
                # On root's own ground a directory that is given away without what is in it is only compared later.
                known = ground == "root" and turn > 1 and 'write "owner: workload"' in message
                if not conflict(first, second) and not known:
                    self.findings.append(f"{ground}: {first.name}, {second.name}: start {turn}: {status} {message}")
                elif self.verbose:
                    print(f"{ground}: {first.name}, {second.name}: {message}")
                break
            workload_changes(path)
        shutil.rmtree(volume)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("grounds", nargs="*", metavar="GROUND", help=" ".join(GROUNDS))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/lib", prefix="capshim-pairs.") as work:
        os.chmod(work, 0o755)
        sweep = Sweep(work, options.verbose)
        for ground in options.grounds or GROUNDS:
            for first in FORMS:
                for second in FORMS:
                    sweep.one(ground, first, second)
    for finding in sweep.findings:
        print(finding)
    print(f"{sweep.pairs} pairs, {sweep.starts} starts, {len(sweep.findings)} findings")
    return 1 if sweep.findings else 0


sys.exit(main())
