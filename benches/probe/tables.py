"""Makes the tables of benches/probe.sh: `tables.py DATA OUT`.

Both have a column `side` that decides the split (see digits.toml), drawn with a fixed seed.
"""

import csv
import math
import pathlib
import random
import sys

data, out = map(pathlib.Path, sys.argv[1:])


def sides(rows, test):
    drawn = ["test"] * test + ["train"] * (rows - test)
    random.Random(1).shuffle(drawn)
    return drawn


draw = random.Random(2)
with open(out / "dag.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["side", "x0", "x1", "x2", "product", "sum"])
    for side in sides(8000, 2000):
        x = [draw.uniform(-math.sqrt(3), math.sqrt(3)) for _ in range(3)]
        writer.writerow([side, *x, x[0] * x[1], x[0] * x[1] + 2 * x[2]])

with open(data / "keel-uci/optdigits.csv", newline="") as file:
    rows = list(csv.DictReader(file))
pixels = [f"f{i}" for i in range(64)]
with open(out / "digits.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["side", "digit", *pixels])
    for side, row in zip(sides(len(rows), len(rows) // 5), rows):
        # `d7`, so that a digit is a class and not a number.
        writer.writerow([side, "d" + row["class"].strip(), *(row[pixel] for pixel in pixels)])
