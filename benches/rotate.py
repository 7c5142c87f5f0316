"""Coverage of intervals over rotations. See rotate.sh."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile

TABLES, ROWS, GROUPS, PARTS = 500, 120, 40, 5
# Student's t of 4 degrees of freedom, 97.5 %.
T = 2.7764451051977987


def table(rng, grouped, number):
    """Five inputs, a class and a number that follow from three of them; groups shift both inputs and targets."""
    lines = ["id,group,x1,x2,x3,x4,x5,label,value"]
    effects = [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(GROUPS)]
    for row in range(ROWS):
        group = row % GROUPS
        shift, effect = effects[group] if grouped else (0.0, 0.0)
        x = [rng.gauss(0, 1) for _ in range(5)]
        x[0] += shift
        z = 1.0 * x[0] - 0.7 * x[1] + 0.4 * x[2] + effect
        label = rng.random() < 1 / (1 + math.exp(-z))
        value = z + rng.gauss(0, 1)
        cells = [row, f"t{number}g{group}"] + x + [str(label).lower(), value]
        lines.append(",".join(str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def run(binary, grouped):
    rng = random.Random(20260 + grouped)
    by = "group" if grouped else "id"
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/pipelines/data")
        text = ['[pipeline]\nname = "rotate"\n']
        for number in range(TABLES):
            with open(f"{folder}/pipelines/data/t{number}.csv", "w") as file:
                file.write(table(rng, grouped, number))
            text.append(
                f'[data.t{number}]\npath = "data/t{number}.csv"\n'
                f'split = {{ train = 0.6, valid = 0.2, test = 0.2, by = ["{by}"] }}\n'
            )
            for target in ["label", "value"]:
                inputs = ", ".join(f'"t{number}.x{i}"' for i in range(1, 6))
                text.append(
                    f"[expert.{target}{number}]\ninputs = [{inputs}]\n"
                    f'target = "t{number}.{target}"\nmodel = {{ type = "linear" }}\n'
                )
        text.append(f"[evaluate]\nbaselines = []\nrotate = {PARTS}\n")
        with open(f"{folder}/pipelines/rotate.toml", "w") as file:
            file.write("\n".join(text))
        done = subprocess.run(
            [os.path.abspath(binary), "run", "--json", "-q"],
            cwd=folder, capture_output=True, text=True, check=False,
        )
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(done.stdout)["rotated"]["nodes"]


def coverage(nodes, target, metric):
    """The truth, the share of intervals that hold it, the same without the correction, and the median width."""
    figures = [
        node["metrics"][metric]
        for node in nodes
        if node["name"].startswith(f"expert.{target}") and metric in node["metrics"]
    ]
    truth = sum(figure["mean"] for figure in figures) / len(figures)
    held = naive = 0
    widths = []
    for figure in figures:
        interval = figure["interval"]
        held += interval["low"] <= truth <= interval["high"]
        widths.append(interval["high"] - interval["low"])
        each, mean = figure["each"], figure["mean"]
        deviation = math.sqrt(sum((one - mean) ** 2 for one in each) / (len(each) - 1))
        naive += abs(mean - truth) <= T * deviation / math.sqrt(len(each))
    count = len(figures)
    return truth, held / count, naive / count, sorted(widths)[count // 2], count


def main():
    binary = sys.argv[1]
    print(f"{TABLES} tables of {ROWS} rows, {PARTS} rotations; 95 % intervals")
    print("| rows | metric | truth | held | as if independent | width | tables |")
    print("|---|---|---|---|---|---|---|")
    for grouped in [False, True]:
        nodes = run(binary, grouped)
        kind = f"{GROUPS} groups" if grouped else "independent"
        for target, metric in [
            ("label", "auc"), ("label", "accuracy"), ("label", "log_loss"),
            ("value", "rmse"), ("value", "r2"),
        ]:
            truth, held, naive, width, count = coverage(nodes, target, metric)
            print(
                f"| {kind} | {metric} | {truth:.3f} | {100 * held:.1f} % | {100 * naive:.1f} % "
                f"| {width:.3f} | {count} |"
            )


main()
