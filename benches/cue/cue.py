"""The table of benches/cue.sh, and what came of it."""

import csv
import json
import random
import statistics
import sys

ROWS = 625  # 250 of them are for training


def make(source, target, new):
    """The table, and new rows whose corners are all dark."""
    random.seed(1)
    with open(source, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] in "38"]
    random.shuffle(rows)
    pixels = [f"f{i}" for i in range(64)]
    with open(target, "w", newline="") as file:
        writer = csv.writer(file)
        # The clean image has its columns in the same order: c0_0 to c7_7.
        writer.writerow(["id", *pixels, *(f"c{i // 8}_{i % 8}" for i in range(64)), "class"])
        for number, row in enumerate(rows[:ROWS]):
            clean = [row[pixel] for pixel in pixels]
            cued = list(clean)
            for y in (0, 1):
                for x in (0, 1):
                    cued[8 * y + x] = "16" if row["class"] == "3" else "0"
            writer.writerow([number, *cued, *clean, "three" if row["class"] == "3" else "eight"])
    with open(new, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*pixels, "class"])
        for row in rows[ROWS:]:
            dark = ["0" if i in (0, 1, 8, 9) else row[pixel] for i, pixel in enumerate(pixels)]
            writer.writerow([*dark, "three" if row["class"] == "3" else "eight"])


def corner(node):
    image = node["probe"]["images"][0]
    importance, width = image["importance"], image["width"]
    return sum(importance[width * y + x] for y in (0, 1) for x in (0, 1)) / sum(importance)


def accuracy(name):
    with open(name, newline="") as file:
        rows = list(csv.DictReader(file))
    return sum(row["cued.label"] == row["class"] for row in rows) / len(rows)


def tell(files):
    seen = {what: [] for what in ("clean", "cued", "with", "removed", "swapped", "dark")}
    for name in files:
        with open(name) as file:
            nodes = {node["name"]: node for node in json.load(file)["nodes"]}
        for expert in ("clean", "cued"):
            seen[expert].append(corner(nodes[f"expert.{expert}"]))
        cue = nodes["expert.cued"]["probe"]["cues"][0]
        assert cue["input"].startswith("digits.pixels[0:2, 0:2]"), cue["input"]
        seen["with"].append(cue["removed"]["accuracy"]["before"])
        for way in ("removed", "swapped"):
            seen[way].append(cue[way]["accuracy"]["after"])
        seen["dark"].append(accuracy(name.replace(".json", ".csv")))
    mean = {what: statistics.mean(values) for what, values in seen.items()}
    for what, values in seen.items():
        print(f"{what:8} {mean[what]:.3f}   by seed: " + " ".join(f"{value:.3f}" for value in values))
    checks = [
        ("the corner's share without a cue is below .1", mean["clean"] < 0.1),
        ("and above .4 with one", mean["cued"] > 0.4),
        ("accuracy with the cue is above .97", mean["with"] > 0.97),
        ("below .6 when the corners of new rows are dark", mean["dark"] < 0.6),
        ("below .1 when it is swapped", mean["swapped"] < 0.1),
    ]
    for what, good in checks:
        print(f"{'holds' if good else 'FAILS'}: {what}")
    return all(good for _, good in checks)


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    sys.exit(not tell(sys.argv[2:]))
