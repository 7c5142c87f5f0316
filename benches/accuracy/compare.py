"""Fits every contestant on every table and prints what came of it; see accuracy.sh."""

import argparse
import csv
import json
import math
import pathlib
import subprocess
import sys

import numpy
from sklearn.metrics import roc_auc_score
from tables import NAMES, load

CONTESTANTS = ["lightgbm", "collegium:first", "collegium:fast", "collegium:default", "collegium:best", "histgb", "mlp", "realmlp", "tabm", "xrfm"]
PIPELINE = """[pipeline]
seed = {seed}

[data.t]
path = "t.csv"
{types}split = {{ column = "part", train = ["train"], valid = ["valid"], test = ["test"] }}

[expert.x]
inputs = ["t.*", "!t.part", "!t.{target}"]
target = "t.{target}"
task = "{task}"
{preset}

[evaluate]
baselines = []
"""

# A practitioner's first try, which was the default before there were presets: what the costs of presets are told in.
FIRST = """model = { hidden = [64, 32], activation = "relu", dropout = 0.0 }
encode = { numbers = ["standard"] }
calibrate = "none"
members = 1

[expert.x.train]
epochs = 100
batch = 256
learning_rate = 0.001
schedule = "constant"
warm_up = 0
optimizer = "adam"
beta2 = 0.999
weight_decay = 0
patience = 10"""


def write(table, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "t.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(table.header + ["part"])
        rows.writerows(row + [side] for row, side in zip(table.rows, table.side))
    x, categories = table.matrix()
    numpy.savez(folder / "rows.npz", x=x, y=table.truth(), side=table.side)
    (folder / "about.json").write_text(json.dumps({"is_class": bool(table.classes), "categories": categories}))


def own(collegium, table, folder, preset, seed):
    """One expert of Collegium: predictions by side, CPU seconds, peak memory."""
    codes = table.classes and all(level.lstrip("-").isdigit() for level in table.classes)
    types = f'types = {{ {table.target} = "category" }}\n' if codes else ""
    task = "classification" if table.classes else "regression"
    file = folder / f"{preset}-{seed}.toml"
    line = FIRST if preset == "first" else f'preset = "{preset}"'
    file.write_text(PIPELINE.format(seed=seed, types=types, target=table.target, task=task, preset=line))
    call = [collegium, "-C", folder]
    done = subprocess.run([*call, "run", file, "--json", "--jobs", "1"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = json.loads(done.stdout)
    found = {}
    for side in ("valid", "test"):
        subprocess.run([*call, "predict", file, "--side", side, "-o", folder / "p.csv", "-q"], check=True, capture_output=True)
        rows = list(csv.DictReader(open(folder / "p.csv")))
        if not table.classes:
            found[side] = numpy.array([float(row["x.value"]) for row in rows])
        elif len(table.classes) == 2:
            p = numpy.array([float(row["x.probability"]) for row in rows])
            found[side] = numpy.column_stack([1 - p, p])
        else:
            found[side] = numpy.array([[float(row[f"x.probability.{c}"]) for c in table.classes] for row in rows])
    node = told["nodes"][0]
    return found, node["fit_cpu_seconds"], told["peak_bytes"]


def peer(name, folder, seed, seconds):
    script = pathlib.Path(__file__).with_name("peers.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, folder, name, str(seed), str(seconds)], capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"])[-1]
        raise RuntimeError(last[:200])
    kept = numpy.load(folder / "predicted.npz")
    return {side: kept[side] for side in ("valid", "test")}, float(kept["cpu"]), int(kept["peak"])


def measured(truth, predicted, classes):
    if not classes:
        return {"loss": float(numpy.sqrt(numpy.mean((predicted - truth) ** 2)))}
    p = numpy.clip(predicted, 1e-12, 1)
    p = p / p.sum(1, keepdims=True)
    label = p.argmax(1)
    right = label == truth
    bins = numpy.minimum((p.max(1) * 15).astype(int), 14)
    gaps = [abs(right[bins == b].sum() - p.max(1)[bins == b].sum()) for b in range(15)]
    return {
        "loss": float(1 - roc_auc_score(truth, p[:, 1])) if len(classes) == 2 else float(1 - right.mean()),
        "log_loss": float(-numpy.log(p[numpy.arange(len(truth)), truth]).mean()),
        "calibration": float(sum(gaps) / len(truth)),
    }


def mean(all_of, key):
    return sum(one[key] for one in all_of) / len(all_of)


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--contestants", default=",".join(CONTESTANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=16000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--side", choices=["valid", "test"], default="test")
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    contestants = given.contestants.split(",")
    results, gone = {}, {}
    for name in given.tables.split(","):
        table = load(given.data, name, given.rows)
        folder = given.scratch / name
        write(table, folder)
        truth = table.truth()[table.side == given.side]
        print(f"{name}: {len(table.rows)} rows, {len(truth)} of them {given.side}", flush=True)
        for contestant in contestants:
            if contestant in gone:
                continue
            fits = []
            try:
                for seed in range(given.seeds):
                    if contestant.startswith("collegium:"):
                        preset = contestant.split(":")[1]
                        found, cpu, peak = own(given.collegium, table, folder, preset, seed)
                    else:
                        found, cpu, peak = peer(contestant, folder, seed, given.seconds)
                    fits.append({**measured(truth, found[given.side], table.classes), "cpu": cpu, "peak": peak})
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(f"  {contestant:18} left out: {error}", flush=True)
                if "No module named" in str(error):
                    gone[contestant] = str(error)
                continue
            keys = fits[0].keys()
            results.setdefault(name, {})[contestant] = {key: mean(fits, key) for key in keys} | {
                "deviation": float(numpy.std([fit["loss"] for fit in fits])),
            }
            of = results[name][contestant]
            beside = results[name].get("lightgbm")
            share = f"{of['loss'] / beside['loss']:6.3f} of LightGBM's" if beside else ""
            more = f"  log loss {of['log_loss']:.4f}  calibration error {of['calibration']:.4f}" if table.classes else ""
            print(
                f"  {contestant:18} loss {of['loss']:.4f} ± {of['deviation']:.4f}{more}  "
                f"{of['cpu']:.2f} CPU s  {of['peak'] / 2**20:.0f} MiB  {share}",
                flush=True,
            )
    print("\ngeometric mean of loss over LightGBM's; tables that are better, within 1 %, worse; CPU seconds of all fits")
    for contestant in contestants:
        both = [(r[contestant], r["lightgbm"]) for r in results.values() if contestant in r and "lightgbm" in r]
        if not both:
            continue
        shares = [mine["loss"] / other["loss"] for mine, other in both]
        logs = [mine["log_loss"] / other["log_loss"] for mine, other in both if "log_loss" in mine]
        better, worse = sum(s < 0.99 for s in shares), sum(s > 1.01 for s in shares)
        cpu = sum(mine["cpu"] for mine, _ in both)
        print(
            f"  {contestant:18} {geometric(shares):.3f}  log loss {geometric(logs):.3f}  "
            f"{better} better, {len(shares) - better - worse} alike, {worse} worse of {len(shares)}  {cpu:.1f} s"
        )
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
