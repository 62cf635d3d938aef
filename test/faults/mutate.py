#!/usr/bin/python3
"""Removes each statement of the drop and of the proof in turn, and swaps neighbours of the drop; each must be noticed.

    mutate.py [--short] [--only FILE]

For each mutant capshim is built again. It is killed if it does not build, if any of the starts below ends in another
way than with the real one (status, messages, and what the workload observed), or if a lying or failing system call does.
What survives must stand in EQUIVALENT, with the reason why it cannot be told apart.

BUILD_DIR and DEPS_DIR are those of make; PROBE, START and FAULT name programs. Ends with 0 if nothing survives
unexplained.
"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import sweep

FILES = ["shim/drop.c", "shim/verify.c"]

# Statement (white space folded) -> why no observer can tell.
EQUIVALENT = {
}

# Config, words for test/fixtures/start.c: each must end as it does with the real one.
CAPS = "setuid,setgid,setpcap"
UNCONFINED = sweep.BASE + "seccomp: unconfined\n"
KEPT = UNCONFINED + "cap_add: [NET_BIND_SERVICE, CHOWN]\n"
ROOT = 'user: "0:0"\nallow_root: true\nsupplementary_groups: none\nseccomp: unconfined\n'
NONROOT = ["--groups", "none", "--gid", "1234", "--uid", "1234"]
STARTS = [
    (UNCONFINED, []),
    (KEPT, []),
    (KEPT, ["--inheritable", "net_raw,sys_admin"]),
    (UNCONFINED, ["--bounding", CAPS]),
    (KEPT, ["--bounding", CAPS]),
    (UNCONFINED, ["--nnp"]),
    (ROOT, []),
    (ROOT, ["--without", "setpcap"]),
    (UNCONFINED, ["--without", "setpcap"]),
    (UNCONFINED, ["--inheritable", "setuid,setgid", "--bounding", "none"]),
    (UNCONFINED, ["--without", "setuid"]),
    (UNCONFINED, ["--without", "setgid"]),
    (UNCONFINED.replace("[44, 77]", "none"), ["--groups", "none", "--gid", "1234", "--without", "setgid"]),
    (UNCONFINED, NONROOT),
    (KEPT, NONROOT),
    (UNCONFINED, ["--groups", "none", "--keepcaps", "--gid", "1234", "--uid", "1234", "--ambient",
                  "net_bind_service"]),
    (KEPT.replace(", CHOWN", ""), ["--groups", "none", "--keepcaps", "--gid", "1234", "--uid", "1234", "--ambient",
                                   "net_bind_service"]),
    (UNCONFINED, ["--securebits", "0x2"]),
    (UNCONFINED, ["--securebits", "0x8"]),
    (UNCONFINED, ["--securebits", "0x20"]),
    (UNCONFINED, ["--securebits", "0x30"]),
    (KEPT, ["--securebits", "0x40"]),
    (UNCONFINED, ["--securebits", "0x2c"]),
    (UNCONFINED, ["--timer", "3600"]),
    (UNCONFINED, ["--personality", "0x40000"]),
    (UNCONFINED, ["--userns", "0:0:1"]),
    (UNCONFINED, ["--userns", "deny"]),
]
# Configs and starts in which every call is made to lie and to fail. The second has other groups, as many as are asked
# for, and a session keyring of root's.
FAULTS = [(KEPT, ["--inheritable", "net_raw"]), (UNCONFINED, ["--groups", "55,66", "--keyring"]), (UNCONFINED, NONROOT)]


def statements(path):
    """(first line, last line, text) of every statement in a function, and of every swap of two in the drop."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    found, begin, order, in_order = [], None, [], False
    for number, line in enumerate(lines):
        in_order = in_order or line.startswith("void drop_privileges(")
        in_order = in_order and line != "}"
        code = re.sub(r"/\*.*?\*/", "", line).rstrip()
        if not code.startswith("\t") or code.strip().startswith(("*", "/*", "#")):
            begin = None
            continue
        if begin is None:
            begin = number
        if code.endswith(";"):
            text = " ".join(" ".join(lines[begin:number + 1]).split())
            if not re.match(r"(struct|const|uint\w+|int|char|size_t|bool|return|break|static|unsigned|double)\b", text):
                found.append((begin, number, ";", text))
                if in_order:
                    order.append((begin, number))
            begin = None
        elif code.endswith(("{", "}", ":")) or re.search(r"^\s*(if|for|while|else)\b.*\)$", code):
            begin = None
    for (a, b), (c, d) in zip(order, order[1:]):
        found.append((a, d, "\n".join(lines[c:d + 1] + lines[a:b + 1]), "swap: " + lines[a].strip()[:60]))
    return lines, found


def outcome(place):
    status, output, error = place.run([])
    words = [re.sub(r"/var/lib/\S+", "PLACE", line) for line in error.splitlines() if line.startswith("capshim: ")]
    return status, sweep.observed(output), words


def outcomes(root, capshim):
    result = []
    for config, start in STARTS:
        place = sweep.Place(root, config, start, capshim)
        result.append(outcome(place))
        shutil.rmtree(place.dir)
    return result


def faults(root, capshim, short):
    """What a lie and a failure of each call lead to; calls are named by how often that call was made before."""
    result = {}
    for number, (config, start) in enumerate(FAULTS[:1] if short else FAULTS):
        place = sweep.Place(root, config, start, capshim)
        before = collections.Counter()
        for process, at, name in sweep.calls_of(place)[0]:
            before[(process, name)] += 1
            for value in (0, -1):
                status, output, error = place.run(["--at", f"{process}:{at}", "--value", str(value)])
                words = [re.sub(r"/var/lib/\S+", "PLACE", line) for line in error.splitlines()]
                result[(number, process, name, before[(process, name)], value)] = status, sweep.observed(output), words
        shutil.rmtree(place.dir)
    return result


def differs(real, mutant):
    """For a call that only one of them makes there is nothing to compare."""
    return any(real[key] != mutant[key] for key in real.keys() & mutant.keys())


def build(tree):
    done = subprocess.run(["make", "-C", tree, f"BUILD={tree}/build", f"DEPS={os.environ['DEPS_DIR']}",
                           f"{tree}/build/capshim"], capture_output=True, check=False)
    return done.returncode == 0


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--short", action="store_true")
    options.add_argument("--only")
    options = options.parse_args()
    root = tempfile.mkdtemp(dir="/var/lib", prefix="capshim-mutants.")
    os.chmod(root, 0o755)
    tree = os.path.join(root, "tree")
    tally, survivors = collections.Counter(), []
    try:
        shutil.copytree(sweep.REPO, tree, ignore=shutil.ignore_patterns("build", ".git", "cache"))
        if not build(tree):
            sys.exit("the tree does not build")
        capshim = os.path.join(tree, "build/capshim")
        real = outcomes(root, capshim)
        if outcomes(root, capshim) != real:
            sys.exit("the real one does not end in the same way twice")
        real_faults = faults(root, capshim, options.short)
        for name in FILES:
            if options.only and options.only != name:
                continue
            path = os.path.join(tree, name)
            lines, found = statements(path)
            for number, (first, last, instead, text) in enumerate(found):
                if options.short and number % 12:
                    continue
                mutant = lines[:first] + [instead] + lines[last + 1:]
                with open(path, "w", encoding="utf-8") as file:
                    file.write("\n".join(mutant))
                if not build(tree):
                    verdict = "does not build"
                elif outcomes(root, capshim) != real:
                    verdict = "killed by a start"
                elif differs(real_faults, faults(root, capshim, options.short)):
                    verdict = "killed by a fault"
                elif text in EQUIVALENT:
                    verdict = "equivalent"
                else:
                    verdict = "survived"
                    survivors.append(f"{name}:{first + 1}: {text}")
                tally[verdict] += 1
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
    finally:
        shutil.rmtree(root)
    for line in survivors:
        print("survived:", line)
    print(f"{sum(tally.values())} mutants: " + ", ".join(f"{count} {name}" for name, count in sorted(tally.items())))
    sys.exit(1 if survivors or not tally else 0)


main()
