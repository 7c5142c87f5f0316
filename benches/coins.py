#!/usr/bin/env python3
"""Coin-flip labels through ten edits: see coins.sh.

    coins.py --collegium BINARY --folder DIR [SEEDS] [SCENARIO…]

The account of who has seen what is kept here, from `predict --side all`, and not taken from the binary.
"""

import argparse
import csv
import json
import math
import pathlib
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SHARES = "train = 0.6, valid = 0.1, test = 0.3"
KEY = ', by = ["id"]'
TIME = 'time = "when", valid = 0.1, test = 0.3'

SCENARIOS = {
    "warm": (SHARES, "warm_start = true"),
    "warm, key": (SHARES + KEY, "warm_start = true"),
    "frozen": (SHARES, "frozen = true"),
    "frozen, key": (SHARES + KEY, "frozen = true"),
    "pin": (SHARES, "pin"),
    "source": (SHARES, "source"),
    "certificate": (SHARES + KEY, "certificate"),
    "time, warm": (TIME, "warm_start = true"),
    "cold": (SHARES, ""),
}


class Sheet:
    """A table whose labels are coin flips; `id` is never edited."""

    def __init__(self, rows, draws):
        self.draws = draws
        self.header = ["id", "when", "a", "b", "note", "hot"]
        self.rows = []
        self.more(0, rows)

    def more(self, first, count):
        for number in range(first, first + count):
            day = f"{2000 + number // 360:04}-{1 + number // 30 % 12:02}-{1 + number % 28:02}"
            cells = {"id": str(number), "when": day, "hot": str(int(self.draws.random() < 0.5))}
            self.rows.append([cells.get(name, f"{self.draws.random():.4f}") for name in self.header])

    def column(self, name):
        return self.header.index(name)

    def write(self, path):
        with open(path, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([self.header] + self.rows)


def edit(step, sheet, split):
    """Ten edits; the split after it."""
    draws = sheet.draws
    if step == 0:
        sheet.header.insert(1, "new")
        for row in sheet.rows:
            row.insert(1, f"{draws.random():.3f}")
    elif step == 1:
        for row in draws.sample(sheet.rows, 40):
            row[sheet.column("note")] = "another"
    elif step == 2:
        sheet.more(1_000, 60)
    elif step == 3:
        draws.shuffle(sheet.rows)
    elif step == 4:
        for row in draws.sample(sheet.rows, 15):
            row[sheet.column("a")] = f"{draws.random():.4f}"
    elif step == 5:
        del sheet.rows[10:40]
    elif step == 6:
        sheet.rows[3][sheet.column("id")] = "A-" + sheet.rows[3][sheet.column("id")]
    elif step == 7 and "time" not in split:
        return split + ", seed = 5"
    elif step == 8 and "note" in sheet.header:
        at = sheet.column("note")
        del sheet.header[at]
        for row in sheet.rows:
            del row[at]
    elif step == 9:
        for row in draws.sample(sheet.rows, len(sheet.rows) // 2):
            row[sheet.column("b")] = f"{draws.random():.4f}"
    return split


def pipeline(split, line, upstream=""):
    inputs = '"t.a", "t.b"' + (', "above.logit"' if upstream else "")
    return f"""[pipeline]
name = "p"

[data.t]
path = "data/t.csv"
split = {{ {split} }}
{upstream}
[expert.k]
inputs = [{inputs}]
target = "t.hot"
{line}
model = {{ hidden = [32] }}
train = {{ epochs = 40, batch = 32, learning_rate = 1e-2, patience = 0 }}

[evaluate]
baselines = []
"""


ABOVE = """
[expert.above]
inputs = ["t.a", "t.b"]
target = "t.hot"
seed = {seed}
model = {{ hidden = [8] }}
train = {{ epochs = 5 }}
"""


class Project:
    def __init__(self, binary, folder, keyed):
        # Where the id is the key, a row of another id is another row; else it is the row that it was.
        self.name = (lambda cell: cell) if keyed else (lambda cell: cell.removeprefix("A-"))
        self.binary, self.folder = binary, folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "pipelines" / "data").mkdir(parents=True)
        self.seen = {}

    def call(self, *words):
        done = subprocess.run([self.binary, "-C", self.folder, *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{words} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def run(self, name="p"):
        """The report of the expert, and the ids of each side."""
        report = json.loads(self.call("run", "--json", "--quiet", "--jobs", "1", f"pipelines/{name}.toml"))
        node = next(node for node in report["nodes"] if node["name"] == "expert.k")
        out = self.folder / "sides.csv"
        self.call("predict", f"pipelines/{name}.toml", "k", "--side", "all", "--keep", "id", "-o", out, "--quiet")
        sides = {"train": set(), "valid": set(), "test": set()}
        for row in csv.DictReader(open(out)):
            sides.get(row["side"], set()).add(self.name(row["id"]))
        return node, sides

    def account(self, node, sides):
        """Enters a model with what it was made from; the test ids that it has seen."""
        model = node["realisation"]
        if model not in self.seen:
            seen = sides["train"] | sides["valid"]
            for recipe in (self.folder / ".collegium" / "realisations").glob(f"*/*/{model}.json"):
                record = recipe.read_text()
                parent = json.loads(record[record.index("{"): record.rindex("}") + 1]).get("parent")
                seen = seen | self.seen.get(parent, set())
            self.seen[model] = seen
        return sides["test"] & self.seen[model]


def one(binary, folder, scenario, seed):
    """Counts of seen rows behind test figures after ten edits, and the last test AUC with the classes."""
    draws = random.Random(seed)
    split, line = SCENARIOS[scenario]
    sheet = Sheet(300, draws)
    project = Project(binary, folder, "by" in split)
    write = lambda text, name="p": (folder / "pipelines" / f"{name}.toml").write_text(text)
    table = folder / "pipelines" / "data" / "t.csv"
    sheet.write(table)
    certificate = line == "certificate"
    above = lambda step: ABOVE.format(seed=step) if certificate else ""
    write(pipeline(split, "reuse = true" if certificate else "", above(0)))
    node, sides = project.run()
    project.account(node, sides)
    if line == "pin":
        line = f'pin = "{node["realisation"][:16]}"'
    elif line == "source":
        shutil.copy(folder / "pipelines" / "p.toml", folder / "pipelines" / "first.toml")
        shutil.copy(folder / "pipelines" / "p.lock", folder / "pipelines" / "first.lock")
        line = 'source = "first.toml"'
    elif certificate:
        line = "reuse = true"
    behind = 0
    for step in range(10):
        split = edit(step, sheet, split)
        sheet.write(table)
        write(pipeline(split, line, above(step)))
        node, sides = project.run()
        known = project.account(node, sides)
        left_out = node.get("seen", {}).get("test", {}).get("seen", 0)
        behind += max(0, len(known) - left_out)
    auc = node["metrics"]["test"].get("auc")
    labels = [row[sheet.column("hot")] for row in sheet.rows if project.name(row[sheet.column("id")]) in sides["test"]]
    measured = node.get("seen", {}).get("test", {}).get("unseen", len(labels))
    positive = round(labels.count("1") * measured / max(1, len(labels)))
    # Labels flipped anew get the AUC of Mann and Whitney's null distribution.
    ranks = list(range(measured))
    draws.shuffle(ranks)
    fresh = None
    if 0 < positive < measured:
        above_by = sum(ranks[:positive]) - positive * (positive - 1) / 2
        fresh = above_by / (positive * (measured - positive))
    shutil.rmtree(folder)
    return behind, auc, fresh


def smirnov(a, b):
    """Two-sample Kolmogorov-Smirnov: the distance and its asymptotic p value."""
    both = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    counts, largest = [0, 0], 0.0
    for at, (value, which) in enumerate(both):
        counts[which] += 1
        if at + 1 == len(both) or both[at + 1][0] != value:
            largest = max(largest, abs(counts[0] / len(a) - counts[1] / len(b)))
    scaled = largest * math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    if scaled < 0.2:
        return largest, 1.0
    terms = (2 * (-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return largest, min(1.0, max(0.0, sum(terms)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("seeds", type=int, nargs="?", default=200)
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    args = parser.parse_args()
    failed = False
    print(f"{'scenario':14} {'seeds':>5} {'measured':>8} {'mean AUC':>8} {'fresh':>6} {'KS p':>6} {'seen rows':>9}")
    for scenario in args.scenarios or list(SCENARIOS):
        with ThreadPoolExecutor(2) as pool:
            each = [
                pool.submit(one, args.collegium, args.folder / f"{seed}", scenario, seed)
                for seed in range(args.seeds)
            ]
            results = [job.result() for job in each]
        behind = sum(result[0] for result in results)
        pairs = [(auc, fresh) for _, auc, fresh in results if auc is not None and fresh is not None]
        if len(pairs) < 2:
            print(f"{scenario:14} {args.seeds:5} {len(pairs):8}  every figure was withheld{behind:>19}")
            failed |= behind > 0
            continue
        ours, fresh = [auc for auc, _ in pairs], [auc for _, auc in pairs]
        _, p = smirnov(ours, fresh)
        mean = lambda values: sum(values) / len(values)
        print(f"{scenario:14} {args.seeds:5} {len(pairs):8} {mean(ours):8.3f} {mean(fresh):6.3f} {p:6.3f} {behind:9}")
        failed |= behind > 0 or p <= 0.001
    sys.exit(failed)


if __name__ == "__main__":
    main()
