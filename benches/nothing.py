#!/usr/bin/env python3
"""CPU of doing nothing, Collegium and ninja on the same graphs: see nothing.sh.

    nothing.py --collegium BINARY --ninja BINARY-OR-EMPTY --folder DIR [--repetitions N]

The graph is that of thousand.py: chains of experts and one sink over their ends. For ninja every
expert is a file that is made by `touch` from the table and from the file of the expert before it.
Everything is made once; then, after a pause (neither the times of a file that was just written nor a
store that was just filled are what one meets in practice, and Collegium trusts no data file younger
than two seconds), once more; then it is measured: user and system seconds of the one process, as the
kernel counts them, in rounds that go through all commands, so that a busy minute falls on all. Output
goes to a file that is thrown away.

A ratio is printed of the least and of the median of the repetitions; a bound holds if both hold.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

# Chains in the smaller and in the larger graph; thousand.py knows their length.
CHAINS = {1_000: 27, 10_000: 270}
PAUSE = 2.5
TO_NINJA, TO_SMALLER = 2.0, 12.0


def cpu(command, folder):
    """Runs a command to its end; user and system seconds of its process."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, cwd=folder, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def write_ninja(folder):
    """The graph of a pipeline that thousand.py wrote, as a build.ninja."""
    text = (folder / "pipelines" / "thousand.toml").read_text()
    lines = ["rule fit\n  command = touch $out\n"]
    for name, inputs in re.findall(r"\[expert\.(\w+)\]\ninputs = \[(.*)\]", text):
        fed = re.findall(r'"(\w+)\.value"', inputs)
        table = ["pipelines/data/thousand.csv"] if '"t.' in inputs else []
        lines.append(f"build {name}.stamp: fit {' '.join([f'{above}.stamp' for above in fed] + table)}\n")
    (folder / "build.ninja").write_text("\n".join(lines))
    return len(lines) - 1


def prepare(asked, benches, size, chains):
    """A project in which everything is up to date; its folder."""
    folder = asked.folder / str(size)
    subprocess.run([sys.executable, benches / "thousand.py", folder, str(chains)], check=True)
    began = time.monotonic()
    cpu([asked.collegium, "run", "--quiet"], folder)
    said = f"{size} experts: first run {time.monotonic() - began:.1f} s"
    if asked.ninja:
        nodes = write_ninja(folder)
        cpu([asked.ninja, "--quiet"], folder)
        said += f"; {nodes} files for ninja"
    print(said, file=sys.stderr)
    return folder


def settled(asked, folder, size):
    """The second run, and that there is really nothing to do after it."""
    cpu([asked.collegium, "run", "--quiet"], folder)
    for command in ("plan", "run"):
        done = subprocess.run([asked.collegium, command, "--json"], cwd=folder, capture_output=True, check=True)
        nodes = json.loads(done.stdout)["nodes"]
        assert abs(len(nodes) - size) <= size / 100, f"{len(nodes)} experts"
        idle = {"cached"} == {node.get("action") or node.get("outcome") for node in nodes}
        assert idle, f"`{command}` has something to do"
    if asked.ninja:
        done = subprocess.run([asked.ninja], cwd=folder, capture_output=True, text=True, check=True)
        assert "no work to do" in done.stdout, done.stdout
    return len(nodes)


def main():
    """Prepares, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--ninja", default="")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--repetitions", type=int, default=15)
    asked = parser.parse_args()
    benches = pathlib.Path(__file__).resolve().parent
    folders = {size: prepare(asked, benches, size, chains) for size, chains in CHAINS.items()}
    time.sleep(PAUSE)
    counts = {size: settled(asked, folder, size) for size, folder in folders.items()}

    commands = {"collegium plan": [asked.collegium, "plan"], "collegium run": [asked.collegium, "run"]}
    if asked.ninja:
        commands["ninja"] = [asked.ninja]
    took = {(name, size): [] for name in commands for size in CHAINS}
    for _ in range(asked.repetitions):
        for size, folder in folders.items():
            for name, command in commands.items():
                took[name, size].append(cpu(command, folder))

    least = {key: min(values) for key, values in took.items()}
    median = {key: statistics.median(values) for key, values in took.items()}
    if asked.ninja:
        version = subprocess.run([asked.ninja, "--version"], capture_output=True, text=True, check=True)
        print(f"ninja {version.stdout.strip()}; CPU milliseconds, least (median) of {asked.repetitions}\n")
    small, large = CHAINS
    both = lambda ratio: (ratio(least), ratio(median))
    times = lambda pair: f"{pair[0]:.2f} ({pair[1]:.2f})"
    print(f"| command | {counts[small]:,} experts | {counts[large]:,} experts | larger / smaller |")
    print("|---|---:|---:|---:|")
    for name in commands:
        cells = [f"{1e3 * least[name, size]:.1f} ({1e3 * median[name, size]:.1f})" for size in CHAINS]
        cells.append(times(both(lambda of: of[name, large] / of[name, small])))
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()
    failed = False
    for name in ("collegium plan", "collegium run"):
        bounds = [(f"{large:,} / {small:,} of {name}", both(lambda of: of[name, large] / of[name, small]), TO_SMALLER)]
        if asked.ninja:
            for size in CHAINS:
                ratio = both(lambda of: of[name, size] / of["ninja", size])
                bounds.append((f"{name} / ninja at {size:,}", ratio, TO_NINJA))
        for words, pair, bound in bounds:
            holds = max(pair) <= bound
            failed |= not holds
            print(f"{'holds' if holds else 'FAILS'}: {words}: {times(pair)}, wanted at most {bound:g}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
