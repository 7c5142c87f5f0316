#!/usr/bin/env python3
"""Processes beside each other on one store, and tables that change while they are read: see beside.sh.

    beside.py --collegium BINARY --folder DIR [--share SHARE] [--part NAME…]
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

from crash import LOCK, Bench, Wrong, ended, table

ROUNDS, SWAPS = 40, 100
ROWS = 40_000

SWAPPED = """[pipeline]
name = "forty"
seed = 5

[data.t]
path = "forty.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.one]
inputs = ["t.a", "t.b"]
target = "t.y"
model = { hidden = [3] }
train = { epochs = 1, batch = 1024 }

[evaluate]
baselines = []
"""


def start(bench, project, *words):
    """A command that goes on by itself."""
    command = [bench.collegium, "-C", str(project), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def predictions(bench, project):
    """What the pipeline says of its own table."""
    rows = "pipelines/forty.csv"
    child = start(bench, project, "predict", "-i", rows, "-o", "-", "--quiet", "pipelines/forty.toml")
    out, err = child.communicate()
    if child.returncode:
        raise ended("predict", child.returncode, err)
    return out


def lock(project):
    """The bytes of the lock; none if there is none."""
    path = project / "pipelines" / LOCK
    return path.read_bytes() if path.exists() else None


def stands(bench, project, locked, predicted):
    """A plain run must come to this lock and these predictions, and the next one have nothing to do."""
    file = "pipelines/forty.toml"
    bench.run(project, file)
    if lock(project) != locked:
        raise Wrong("another lock than that of an undisturbed project", "lock")
    if predictions(bench, project) != predicted:
        raise Wrong("other predictions than those of an undisturbed project", "number")
    if again := bench.run(project, file):
        raise Wrong(f"a second run executes {again} fits")


def together(bench):
    """Three runs of two pipelines on one store, while others look at it and free what they can."""
    sound = bench.folder / "undisturbed"
    predicted = predictions(bench, sound)
    draw = random.Random(6)
    mostly_idle = [
        ("gc", "--grace", "0s"),
        ("gc",),
        ("status", "pipelines/forty.toml"),
        ("plan", "pipelines/forty.toml"),
        ("verify",),
    ]

    def case(at):
        number, seed = at
        mine = random.Random(seed)
        project = bench.fresh(f"together{number}")
        text = (project / "pipelines/forty.toml").read_text()
        other = text.replace('name = "forty"', 'name = "other"')
        (project / "pipelines/other.toml").write_text(other)
        runs = []
        for name in ("forty", "other", "forty"):
            runs.append(start(bench, project, "run", "--quiet", "--json", "--jobs", "2", f"pipelines/{name}.toml"))
            time.sleep(mine.uniform(0, bench.seconds / 4))
        looks = 0
        while any(run.poll() is None for run in runs):
            words = mine.choice(mostly_idle)
            child = start(bench, project, *words, "--quiet")
            _, err = child.communicate()
            # Nothing is damaged, so nothing may say so.
            if child.returncode:
                raise ended(" ".join(words), child.returncode, err)
            looks += 1
        for run in runs:
            _, err = run.communicate()
            if run.returncode:
                raise ended("a run beside others", run.returncode, err)
        stands(bench, project, bench.sound[LOCK], predicted)
        shutil.rmtree(project)
        return "ended well"

    rounds = [(number, draw.randrange(1 << 30)) for number in range(bench.some(ROUNDS))]
    return [bench.cases("runs beside each other, gc between", case, rounds)]


def rows(seed):
    """A table of fixed width, so that one can be written over another."""
    draw = random.Random(seed)
    lines = ["id,a,b,y"]
    for row in range(ROWS):
        a, b = draw.random(), draw.random()
        lines.append(f"{row:06},{a:.6f},{b:.6f},{a * b + seed:.6f}")
    return ("\n".join(lines) + "\n").encode()


def swaps(bench):
    """The table is A, then B, then A while it is read; in the end it is A."""
    tables = [rows(1), rows(2)]
    truths = []
    for which in (0, 1):
        project = bench.folder / f"truth{which}"
        (project / "pipelines").mkdir(parents=True)
        (project / "pipelines/forty.toml").write_text(SWAPPED)
        (project / "pipelines/forty.csv").write_bytes(tables[which])
        began = time.perf_counter()
        bench.run(project, "pipelines/forty.toml")
        took = time.perf_counter() - began
        truths.append((lock(project), predictions(bench, project)))
    draw = random.Random(7)

    def put(path, content, in_place):
        if in_place:
            with open(path, "r+b") as file:
                file.write(content)
        else:
            beside = path.with_suffix(".new")
            beside.write_bytes(content)
            os.replace(beside, path)

    def case(at):
        number, in_place, seed = at
        mine = random.Random(seed)
        project = bench.folder / f"swap{number}"
        (project / "pipelines").mkdir(parents=True)
        (project / "pipelines/forty.toml").write_text(SWAPPED)
        path = project / "pipelines/forty.csv"
        path.write_bytes(tables[0])
        done = threading.Event()

        def swap():
            while not done.is_set():
                time.sleep(mine.uniform(0, took))
                put(path, tables[1], in_place)
                time.sleep(mine.uniform(0, took / 8))
                put(path, tables[0], in_place)

        swapping = threading.Thread(target=swap)
        run = start(bench, project, "run", "--quiet", "pipelines/forty.toml")
        swapping.start()
        _, err = run.communicate()
        done.set()
        swapping.join()
        # Read as A or as B, or refused since it does not hold still.
        if run.returncode not in (0, 3):
            raise ended("the run", run.returncode, err)
        of = [locked for locked, _ in truths]
        found = lock(project)
        if run.returncode == 0 and found not in of:
            raise Wrong("the lock is neither A's nor B's", "number")
        if run.returncode == 3 and "changed" not in err and "hold still" not in err and not in_place:
            raise Wrong(f"refused for another reason: {err.strip()}", "code")
        stands(bench, project, *truths[0])
        shutil.rmtree(project)
        return "refused" if run.returncode else "read as " + "AB"[of.index(found)]

    def both(at):
        return at, at % 2 == 1, draw.randrange(1 << 30)

    return [bench.cases("tables swapped and put back", case, [both(at) for at in range(bench.some(SWAPS))])]


PARTS = {"together": together, "swaps": swaps}


def main():
    """Runs the parts asked for; fails if a case did."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--part", choices=PARTS, action="append")
    asked = parser.parse_args()
    bench = Bench(asked.collegium, "", asked.folder.resolve(), asked.share)
    ends = [row for part in asked.part or PARTS for row in PARTS[part](bench)]
    for what, tried, good, counts in ends:
        print(f"{what}: {good} of {tried} as it must be; {dict(counts)}")
    sys.exit(any(good < tried for _, tried, good, _ in ends))


if __name__ == "__main__":
    main()
