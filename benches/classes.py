"""A table of K classes, and what its run and its audit cost (CPU seconds of the whole command).

    classes.py --collegium BINARY --folder FOLDER [--rows 10] K...

Each class has the same number of rows (`--rows`) at a point of its own among 8 inputs, with noise around it; of every
third class the points lie so near to each other that it is often mistaken. Prints a line for each K; ends with 1
where an audit takes more than three times the run, and more than 2 s.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys

PIPELINE = """[pipeline]
name = "classes"

[data.t]
path = "data/t.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.k]
inputs = ["t.*", "!t.id", "!t.k"]
target = "t.k"
model = { type = "mlp", hidden = [32] }
train = { epochs = 10, batch = 64, learning_rate = 0.01 }
"""


def write(folder: pathlib.Path, classes: int, rows: int) -> None:
    draw = random.Random(classes)
    points = [[draw.gauss(0, 1 if k % 3 else 0.3) for _ in range(8)] for k in range(classes)]
    (folder / "pipelines/data").mkdir(parents=True)
    (folder / "pipelines/classes.toml").write_text(PIPELINE)
    with open(folder / "pipelines/data/t.csv", "w") as out:
        print("id," + ",".join(f"x{i}" for i in range(8)) + ",k", file=out)
        for row in range(classes * rows):
            k = row % classes
            values = ",".join(f"{x + draw.gauss(0, 0.2):.4f}" for x in points[k])
            print(f"{row},{values},c{k:04}", file=out)


def cpu(command: list[str]) -> float:
    """CPU seconds, user and system, of a command that must end well."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--collegium", required=True)
    asked.add_argument("--folder", required=True, type=pathlib.Path)
    asked.add_argument("--rows", type=int, default=10)
    asked.add_argument("classes", type=int, nargs="+")
    asked = asked.parse_args()
    failed = False
    for classes in asked.classes:
        folder = asked.folder / str(classes)
        write(folder, classes, asked.rows)
        run, audit = (cpu([asked.collegium, "-C", str(folder), what, "-q"]) for what in ("run", "audit"))
        failed |= audit > max(3 * run, 2)
        print(f"{classes:5} classes, {classes * asked.rows} rows: run {run:.1f} s, audit {audit:.1f} s of CPU, {audit / run:.1f} x")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
