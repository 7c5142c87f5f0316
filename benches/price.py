#!/usr/bin/env python3
"""Expected CPU seconds of a plan against the truth: see price.sh.

    price.py --collegium BINARY --repository DIR --folder DIR [--jobs N] [--keep]

The truth is the sum of `nodes[].cpu_seconds` of `run --json`; beside it stands the CPU of the whole
process, as the kernel counts it, which also has what belongs to no node: reading the file, the lock, the
report. A second table has the nodes with something to do. `--keep` leaves the projects where they are.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

WITHIN = 0.25


def section(text, expert):
    """Where an expert's section begins and ends."""
    begin = text.index(f"[expert.{expert}]")
    following = re.compile(r"^\[", re.M).search(text, begin + 1)
    return begin, following.start() if following else len(text)


def replaced(text, expert, before, after):
    """One replacement in an expert's section; what is replaced must be there."""
    begin, end = section(text, expert)
    body = text[begin:end]
    assert body.count(before) == 1, f"{before!r} is not once in [expert.{expert}]"
    return text[:begin] + body.replace(before, after) + text[end:]


def added(text, expert, line):
    """A line at the head of an expert's section."""
    head = f"[expert.{expert}]\n"
    assert text.count(head) == 1
    return text.replace(head, head + line + "\n")


def decayed(text):
    """Another weight decay for everything; `newark` inherits it."""
    text = replaced(text, "departure", "weight_decay = 1e-3", "weight_decay = 2e-3")
    for expert in ("airborne", "arrival"):
        text = replaced(text, expert, "patience = 3", "weight_decay = 1e-3, patience = 3")
    return text


EDITS = {
    "learning rate of departure": lambda t: replaced(t, "departure", "learning_rate = 2e-3", "learning_rate = 1e-3"),
    "seed of airborne": lambda t: added(t, "airborne", "seed = 11"),
    "hidden layers of arrival": lambda t: replaced(
        t, "arrival", '"mlp-small"', '{ type = "mlp", hidden = [48, 24] }'
    ),
    "departure without a column": lambda t: replaced(t, "departure", ', "flights.age"', ""),
    "half the epochs of newark": lambda t: added(t, "newark", "train = { epochs = 3 }"),
    "weight decay of everything": decayed,
}


def asked(command, folder):
    """A command's document, and the CPU seconds of its process."""
    with open(folder / "said.json", "wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # 6: a requirement of the pipeline is not met, which an edit may well bring about.
    if process.returncode not in (0, 6):
        sys.exit(f"{command} ended with {process.returncode}")
    return json.loads((folder / "said.json").read_text()), usage.ru_utime + usage.ru_stime


def main():
    """Runs all edits and prints the two tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--repository", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    cold = given.folder / "cold"
    cold.mkdir(parents=True)
    for part in ("pipelines", "models"):
        shutil.copytree(given.repository / part, cold / part)
    (cold / "pipelines" / "flights.lock").unlink(missing_ok=True)
    plan = [given.collegium, "plan", "pipelines/flights.toml", "--json"]
    run = [given.collegium, "run", "pipelines/flights.toml", "--json", "--quiet", "--jobs", given.jobs]
    print("cold run …", file=sys.stderr)
    first, _ = asked(run, cold)
    print(f"cold: {sum(n['fits'] for n in first['nodes'])} fits, "
          f"{sum(n['cpu_seconds'] for n in first['nodes']):.2f} s of CPU in nodes\n")

    rows, parts, failed = [], [], []
    for name, edit in EDITS.items():
        print(f"{name} …", file=sys.stderr)
        folder = given.folder / re.sub(r"\W", "-", name)
        shutil.copytree(cold, folder)
        file = folder / "pipelines" / "flights.toml"
        file.write_text(edit(file.read_text()))
        planned, _ = asked(plan, folder)
        ran, process = asked(run, folder)
        if not given.keep:
            shutil.rmtree(folder)
        said, truth = planned["seconds"], sum(node["cpu_seconds"] for node in ran["nodes"])
        certain = all(node["action"] != "may-train" for node in planned["nodes"])
        ratio = said["expected"] / truth
        holds = abs(ratio - 1) <= WITHIN if certain else said["min"] <= truth <= said["max"]
        failed += [] if holds else [name]
        kind = f"within {WITHIN:.0%}" if certain else "min to max"
        rows.append(f"| {name} | {said['expected']:.2f} | {said['min']:.2f} | {said['max']:.2f} | {truth:.2f} | "
                    f"{process:.2f} | {ratio:.2f} | {kind} | {'holds' if holds else 'FAILS'} |")
        outcomes = {node["name"]: node for node in ran["nodes"]}
        for node in planned["nodes"]:
            one = outcomes[node["name"]]
            if node["action"] == "cached" and one["cpu_seconds"] < 0.05:
                continue
            price = node["seconds"] or {key: float("nan") for key in ("expected", "min", "max")}
            parts.append(f"| {name} | {node['name'].removeprefix('expert.')} | {node['action']} | {one['outcome']} | "
                         f"{one['fits']} | {price['expected']:.2f} | {price['min']:.2f} | {price['max']:.2f} | "
                         f"{one['cpu_seconds']:.2f} | {one['fit_cpu_seconds']:.2f} |")
    print("| edit | expected | min | max | truth | process | expected / truth | wanted | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|---|")
    print("\n".join(rows))
    print("\n| edit | node | planned | came | fits | expected | min | max | truth | of it fits |")
    print("|---|---|---|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(parts))
    for name in failed:
        print(f"FAILS: {name}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
