#!/usr/bin/env python3
"""`collegium evaluate` beside scikit-learn and SciPy: see evaluate.sh.

    evaluate.py --collegium BINARY --data DIR --folder DIR [--seeds N]
"""

import argparse
import csv
import json
import math
import pathlib
import random
import subprocess
import sys

import numpy as np
from scipy import stats
from sklearn import metrics

ADULT = """[pipeline]
name = "adult"

[data.adult]
path    = "adult.csv"
missing = ["?", ""]
derive  = { married = "marital_status LIKE 'Married-%'" }
split   = { train = 0.7, valid = 0.15, test = 0.15 }

[expert.married]
inputs = ["adult.age", "adult.sex", "adult.race", "adult.education_num", "adult.hours_per_week"]
target = "adult.married"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 4, batch = 256, learning_rate = 3e-3 }

[expert.hours]
inputs = ["adult.age", "adult.sex", "adult.education_num", "adult.workclass", "adult.occupation"]
target = "adult.hours_per_week"
task   = "regression"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 4, batch = 256, learning_rate = 3e-3 }

[expert.relationship]
inputs = ["adult.age", "adult.sex", "adult.hours_per_week", "adult.race", "adult.education_num"]
target = "adult.relationship"
model  = { type = "mlp", hidden = [16] }
train  = { epochs = 4, batch = 256, learning_rate = 3e-3 }

[expert.income]
inputs = ["married.logit", "adult.age", "adult.education_num", "adult.occupation", "adult.capital_gain",
          "adult.capital_loss", "adult.hours_per_week", "adult.workclass", "adult.native_country"]
target = "adult.income"
model  = { type = "mlp", hidden = [32] }
train  = { epochs = 6, batch = 256, learning_rate = 3e-3 }

[evaluate]
baselines = []
"""

SHIFTS = """[pipeline]
name = "shifts"

[data.t]
path  = "t.csv"
split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }

[expert.y]
inputs = [%s]
target = "t.y"
model  = { type = "mlp", hidden = [4] }
train  = { epochs = 1, batch = 64 }

[evaluate]
baselines = []
"""


def collegium(args, folder, *words):
    """Runs a command; its standard output."""
    done = subprocess.run([args.collegium, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 6):
        sys.exit(f"collegium {' '.join(words)}: {done.stderr}")
    return done.stdout


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def peers(node, rows, predicted):
    """Metrics as scikit-learn has them."""
    name = node["name"].split(".", 1)[1]
    target = node["target"].split(".", 1)[1]
    if node["task"] == "regression":
        y = np.array([float(row[target]) for row in rows])
        p = np.array([float(row[f"{name}.value"]) for row in predicted])
        return {
            "rmse": math.sqrt(metrics.mean_squared_error(y, p)),
            "mae": metrics.mean_absolute_error(y, p),
            "r2": metrics.r2_score(y, p),
        }
    classes = node["classes"]
    if target == "married":
        truth = [classes[row["marital_status"].startswith("Married-")] for row in rows]
    else:
        truth = [row[target] for row in rows]
    y = np.array([classes.index(label) for label in truth])
    if len(classes) == 2:
        p = np.array([float(row[f"{name}.probability"]) for row in predicted])
        guess = (p > 0.5).astype(int)
        return {
            "accuracy": metrics.accuracy_score(y, guess),
            "auc": metrics.roc_auc_score(y, p),
            "average_precision": metrics.average_precision_score(y, p),
            "f1": metrics.f1_score(y, guess),
            "log_loss": metrics.log_loss(y, p),
            "brier": metrics.brier_score_loss(y, p),
        }
    p = np.array([[float(row[f"{name}.probability.{c}"]) for c in classes] for row in predicted])
    guess, one_hot = p.argmax(axis=1), np.eye(len(classes))[y]
    # Single precision leaves sums that are 1 to seven digits; scikit-learn wants them to be 1.
    even = p / p.sum(axis=1, keepdims=True)
    return {
        "accuracy": metrics.accuracy_score(y, guess),
        "auc": metrics.roc_auc_score(one_hot, p, average="macro"),
        "average_precision": metrics.average_precision_score(one_hot, p, average="macro"),
        "f1": metrics.f1_score(y, guess, average="macro"),
        "log_loss": metrics.log_loss(y, even),
        "brier": ((p - one_hot) ** 2).sum(axis=1).mean(),
    }


def adult(args):
    """Metrics and tests on the census; what differs."""
    folder = pathlib.Path(args.folder) / "adult"
    (folder / "pipelines").mkdir(parents=True)
    (folder / "pipelines/adult.toml").write_text(ADULT)
    data = pathlib.Path(args.data) / "adult"
    (folder / "pipelines/adult.csv").write_bytes((data / "adult_train.csv").read_bytes())
    # A person whose every answer somebody gave in training cannot be told from that one.
    known = set((data / "adult_train.csv").read_text().splitlines()[1:])
    test = (data / "adult_test.csv").read_text().splitlines()
    (folder / "new.csv").write_text("\n".join(line for line in test if line not in known) + "\n")
    collegium(args, folder, "run", "--quiet")
    report = json.loads(collegium(args, folder, "evaluate", "-i", "new.csv", "--json"))
    collegium(args, folder, "predict", "-i", "new.csv", "-o", "out.csv")
    rows, predicted = rows_of(folder / "new.csv"), rows_of(folder / "out.csv")
    wrong, worst = [], 0.0
    for node in report["nodes"]:
        for metric, expected in peers(node, rows, predicted).items():
            found = node["new"]["metrics"][metric]
            worst = max(worst, abs(found - expected))
            if abs(found - expected) > 1e-6:
                wrong.append(f"{node['name']} {metric}: {found} and not {expected}")
    print(f"adult: {len(report['nodes'])} experts on {report['rows']} rows; "
          f"largest difference from scikit-learn {worst:.1e}")
    wrong += tests(report, folder)
    return wrong


def tests(report, folder):
    """Two-sample tests as SciPy has them, from the bins and, where all rows are of one side, the values."""
    wrong, compared = [], 0
    for shift in report["inputs"]:
        found = shift["values"]
        known = [bin for bin in shift["bins"] if bin["label"] != "missing"]
        if found["test"] == "chi-squared" and found["by"] == "asymptotic" and len(known) < 50:
            table = np.array([[bin["training"] for bin in known], [bin["new"] for bin in known]])
            table = table[:, table.sum(axis=0) > 0]
            if stats.contingency.expected_freq(table).min() < 5:
                continue
            expected = stats.chi2_contingency(table, correction=False)
            for name, a, b in [("χ²", found["statistic"], expected[0]), ("p", found["p_value"], expected[1])]:
                if abs(a - b) > 1e-6 * max(abs(b), 1e-300):
                    wrong.append(f"{shift['column']} {name}: {a} and not {b}")
            compared += 1
        p = np.array([bin["training"] for bin in shift["bins"]], float)
        q = np.array([bin["new"] for bin in shift["bins"]], float)
        both = p + q > 0
        p, q = p[both], q[both]
        p, q = (p + 0.5) / (p.sum() + len(p) / 2), (q + 0.5) / (q.sum() + len(q) / 2)
        index = ((q - p) * np.log(q / p)).sum()
        if abs(index - shift["psi"]) > 1e-9:
            wrong.append(f"{shift['column']} PSI: {shift['psi']} and not {index}")
    print(f"adult: {compared} χ² tests beside SciPy, {len(report['inputs'])} stability indices")
    return wrong


def columns(dice, rows, shift):
    """Twelve inputs of all kinds, three of which move."""
    table = {
        "n1": [dice.gauss(0.5 * shift, 1) for _ in range(rows)],
        "n2": [dice.lognormvariate(0, 1) for _ in range(rows)],
        "n3": [dice.random() for _ in range(rows)],
        "heavy": [dice.paretovariate(1.5) for _ in range(rows)],
        "tied": [max(0, math.floor(dice.uniform(-3, 3))) for _ in range(rows)],
        "count": [int(dice.expovariate(0.3)) for _ in range(rows)],
        "k1": [dice.choice("abcd") if dice.random() > 0.25 * shift else "d" for _ in range(rows)],
        "k2": [dice.choice("xyz") for _ in range(rows)],
        "rare": [f"r{int(40 ** dice.random())}" for _ in range(rows)],
        "flag": [dice.random() < 0.3 for _ in range(rows)],
        "hole": ["" if dice.random() < 0.1 + 0.15 * shift else dice.random() for _ in range(rows)],
        "day": [f"2024-02-{dice.randint(1, 28):02}" for _ in range(rows)],
    }
    table["y"] = [a + b + dice.gauss(0, 1) > 0.5 for a, b in zip(table["n1"], table["n3"])]
    return table


def write(path, table, mark):
    names = list(table)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", *names])
        for row in range(len(table["y"])):
            cells = [table[name][row] for name in names]
            out.writerow([f"{mark}{row}", *[str(c).lower() if isinstance(c, bool) else c for c in cells]])


def planted(args):
    """Which inputs are named on tables of known shifts."""
    names = {"t.n1", "t.k1", "t.hole"}
    missed, others = [], []
    for seed in range(args.seeds):
        dice = random.Random(seed)
        folder = pathlib.Path(args.folder) / f"shifts{seed}"
        (folder / "pipelines").mkdir(parents=True)
        training = columns(dice, 2000, 0)
        write(folder / "pipelines/t.csv", training, "a")
        write(folder / "new.csv", columns(dice, 500, 1), "b")
        inputs = ", ".join(f'"t.{name}"' for name in training if name != "y")
        (folder / "pipelines/shifts.toml").write_text(SHIFTS % inputs)
        collegium(args, folder, "run", "--quiet")
        report = json.loads(collegium(args, folder, "evaluate", "-i", "new.csv", "--json"))
        moved = {shift["column"] for shift in report["inputs"] if shift["moved"]}
        if names - moved:
            missed.append(f"seed {seed}: {sorted(names - moved)} not named")
        if moved - names:
            others.append(f"seed {seed}: {sorted(moved - names)}")
    print(f"shifts: all three planted ones named in {args.seeds - len(missed)} of {args.seeds} tables, "
          f"another input in {len(others)}")
    for line in others:
        print(f"  {line}")
    return missed + (others if len(others) > 3 * args.seeds / 20 else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    wrong = adult(args) + planted(args)
    for line in wrong:
        print(f"WRONG: {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
