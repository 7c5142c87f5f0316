#!/usr/bin/env python3
"""Gates and mixtures beside all their controls, by what `collegium audit` measures of them.

Each data set has a pipeline beside this file. `run` fits it, and `audit` with `seeds = 4` fits every gate, all
of its experts and all of its controls from five seeds, and takes differences seed by seed. What is
left to do here is printing; and, for experts that stand beside a gate but are no control of it, the same
five seeds and the same differences.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time

from tables import TABLES

# What is printed beside the loss, the gates in the order of the file, experts that stand beside them, and
# figures that a pilot measured (other code, other splits) by row.
SETS = {
    "ai4i": {
        "metric": "average_precision", "gates": ["any"], "beside": ["combiner"],
        "pilot": {"gate": ".785", "dense": ".596", "multi-task": ".732"},
    },
    "adult": {"metric": "auc", "gates": ["by_person"]},
    "bike": {"metric": "rmse", "gates": ["by_day"]},
    "wine": {"metric": "rmse", "gates": ["by_colour", "by_network"]},
    "letter": {
        "metric": "accuracy", "gates": ["one_of_eight"],
        "pilot": {"gate": ".859", "dense": ".922", "active": ".805"},
    },
    "kin40k": {"metric": "rmse", "gates": ["together", "by_region"]},
    "flights": {
        "metric": "auc", "gates": ["by_airport"], "pilot": {"gate": ".670", "dense": ".692"},
    },
    "fashion": {
        "metric": "accuracy", "gates": ["in_turn"], "beside": ["one_128", "one_190"],
        "pilot": {"gate": ".859", "one_128": ".854", "one_190": ".858"},
    },
}
ORDER = ["best", "uniform", "geometric", "stack", "dense", "active", "multi-task", "longer", "random"]
# Student's t, two-sided 95 %, by degrees of freedom: for rows that are made here.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

HEAD = """\
GATES AND MIXTURES BESIDE EVERYTHING SIMPLER

Each gate (or mixture) is compared with simpler uses of the same experts (the best one, the arithmetic and
the geometric mean, a linear stack) and with one network on all the same columns: of the same total number of
parameters (dense), of the same multiply-adds a row (active), that also learns the experts' labels
(multi-task), trained up to three times as long (longer). A cascade also with the same experts asked as
often at random (random). Gates, experts and controls are fitted from {seeds} seeds on the same rows, with the
settings of the file, which no test figure chose.

`lead` is the control's test loss (log loss, or squared error) less the gate's, in the mean over seeds, with
the 95 % interval of the paired differences (Student's t over seeds: it speaks of other seeds on this
split, not of other splits). `wins` if the whole interval is above 0, `loses` if it is below, else `open`.
Losses are shown like wins; nothing is left out."""


class Failed(Exception):
    """A command that failed."""


class Bench:
    def __init__(self, asked):
        self.collegium = asked.collegium
        self.root = pathlib.Path(asked.scratch)
        self.folder = self.root / "pipelines"
        self.here = pathlib.Path(__file__).resolve().parent
        self.data = pathlib.Path(asked.data).resolve()
        self.folder.mkdir(exist_ok=True)

    def command(self, *words):
        """The JSON document that a command prints."""
        line = [self.collegium, "-C", str(self.root), *words, "--json", "--jobs", "1"]
        done = subprocess.run(line, stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise Failed(f"`collegium {' '.join(words)}` ended with {done.returncode}")
        return json.loads(done.stdout)

    def beside(self, name, expert):
        """Its metrics from the seeds that the audit fits gates from: a file each, over the same store."""
        text = (self.here / f"{name}.toml").read_text()
        found = []
        for shift in range(seeds_of(text)):
            # Seeds of experts move, the pipeline's, which deals the rows, stays.
            head, *rest = re.split(r"(?m)^(?=\[expert\.)", text)
            moved = [re.sub(r"(?m)^(seed +=) (\d+)$", lambda m: f"{m[1]} {int(m[2]) + shift}", r) for r in rest]
            # A name of its own: the lock says which models a file stands on.
            (self.folder / f"{name}-{shift}.toml").write_text(head + "".join(moved))
            nodes = self.command("run", f"pipelines/{name}-{shift}.toml", expert)["nodes"]
            found.append(next(node for node in nodes if node["name"] == f"expert.{expert}"))
        return found

    def measure(self, name):
        """A data set: what was left out, the audits of its gates, and the experts beside them."""
        kept = TABLES[name](self.data, self.here.parent.parent, self.folder)
        (self.folder / f"{name}.toml").write_text((self.here / f"{name}.toml").read_text())
        start, before = time.time(), children()
        self.command("run", f"pipelines/{name}.toml")
        ran = children() - before
        audit = self.command("audit", f"pipelines/{name}.toml", *SETS[name]["gates"])
        beside = {expert: self.beside(name, expert) for expert in SETS[name].get("beside", [])}
        took = f"{children() - before:.0f} s of CPU ({ran:.0f} s of them `run`), {time.time() - start:.0f} s"
        return kept, audit, beside, took


def children():
    """CPU seconds of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seeds_of(text):
    return 1 + int(re.search(r"(?m)^seeds = (\d+)$", text)[1])


def digits(value, places=4):
    """Without the 0 before the point, as figures of one column are."""
    return f"{value:.{places}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{places}f}"


def small(value):
    """Two significant digits, always with a sign."""
    if value == 0 or not math.isfinite(value):
        return "0"
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{value:+.{places}f}"


def mean_of(metrics, name):
    values = [seed[name] for seed in metrics if name in seed]
    return digits(statistics.fmean(values)) if values else "–"


def spread_of(metrics, name):
    values = [seed[name] for seed in metrics if name in seed]
    if not values:
        return "–"
    return f"{digits(statistics.fmean(values))} ± {digits(statistics.stdev(values) if len(values) > 1 else 0)}"


def word(pays):
    return {True: "wins", False: "loses", None: "open"}[pays]


def loss(metrics):
    return metrics["log_loss"] if "log_loss" in metrics else metrics["rmse"] ** 2


def led(own, others):
    """The lead over an expert beside, seed by seed, with an interval as the audit's."""
    each = [loss(other) - loss(mine) for mine, other in zip(own, others)]
    lead = {"value": statistics.fmean(each), "interval": None}
    if len(each) > 1:
        half = STUDENT[len(each) - 1] * statistics.stdev(each) / math.sqrt(len(each))
        lead["interval"] = {"low": lead["value"] - half, "high": lead["value"] + half}
    return lead


def says(lead):
    interval = lead.get("interval")
    if interval is None:
        return None
    return True if interval["low"] > 0 else False if interval["high"] < 0 else None


def rows_of(combined, beside):
    """Every row of the table of a gate, as the audit has controls."""
    rows = sorted(combined["controls"], key=lambda control: ORDER.index(control["name"]))
    for expert, nodes in beside.items():
        metrics = [node["metrics"]["test"] for node in nodes]
        lead = led(combined["metrics"], metrics)
        rows.append({"name": expert, "what": "", "metrics": metrics, "lead": lead, "pays": says(lead)})
    return rows


def show(name, kept, audit, beside, took, tally):
    known = SETS[name]
    data = audit["data"][0]
    sides = ", ".join(f"{data['rows'][side]:,} {side}" for side in ("train", "valid", "test"))
    print(f"\n{'=' * 112}\n{name}: {kept}; {sides}; {took}")
    nodes = {node["name"].split(".")[1]: node for node in audit["nodes"]}
    for gate in known["gates"]:
        node = nodes[gate]
        combined = node["combined"]
        own = combined["metrics"]
        metric = known["metric"]
        second = "log_loss" if "log_loss" in own[0] else "r2"
        pilot = known.get("pilot", {})
        print(f"\n{node['name']} ({combined['kind']}), {len(own)} seeds")
        print(f"  {metric} {spread_of(own, metric)}, {second} {spread_of(own, second)}")
        print(f"  by seed: {metric} {' '.join(digits(m[metric]) for m in own)}; "
              f"{second} {' '.join(digits(m[second]) for m in own)}")
        routing = combined.get("routing")
        if routing:
            shares = ", ".join(f"{e} {s:.2f}" for e, s in zip(routing["experts"], routing["overall"]["importance"]))
            print(f"  weight by expert: {shares}")
        print(f"\n  {'':11} {metric:>17} {second:>8} {'parameters':>10} {'mult-adds':>9}  "
              f"{'lead':>8}  {'95 % of the lead':>20}  {'':5}  {'pilot':>5}")

        def line(title, metrics, size, lead="", interval="", verdict="", figure=""):
            print(f"  {title:11} {mean_of(metrics, metric):>17} {mean_of(metrics, second):>8} "
                  f"{size[0]:>10} {size[1]:>9}  {lead:>8}  {interval:>20}  {verdict:5}  {figure:>5}".rstrip())

        line("the gate", own, sized(combined), figure=pilot.get("gate", ""))
        for row in rows_of(combined, beside):
            interval = row["lead"].get("interval")
            between = f"{small(interval['low'])} to {small(interval['high'])}" if interval else "–"
            line(row["name"], row["metrics"], sized(row, beside), small(row["lead"]["value"]), between,
                 word(row.get("pays")), pilot.get(row["name"], ""))
            kind = row["name"] if row["name"] in ORDER else "beside"
            tally[kind][word(row.get("pays"))].append(f"{name}.{gate}" if kind != "beside" else row["name"])
        print()
        for control in combined["controls"]:
            if control["name"] in ("dense", "active", "multi-task"):
                print(f"  {control['name']}: {control['what']}")
        for sentence in combined["verdict"]:
            print(f"  {sentence}")
        sys.stdout.flush()


def sized(row, beside=None):
    """Parameters and multiply-adds; of an expert beside, its own and those of all that it reads."""
    if "parameters" in row:
        return f"{row['parameters']:,}", f"{row['multiply_adds']:,.0f}"
    return "", ""


def summary(tally):
    print(f"\n{'=' * 112}\nall data sets, by control\n")
    print(f"  {'':11} {'wins':>5} {'open':>5} {'loses':>5}")
    total = collections.Counter()
    for kind in [*ORDER, "beside"]:
        found = tally.get(kind)
        if not found:
            continue
        counts = {verdict: len(found.get(verdict, [])) for verdict in ("wins", "open", "loses")}
        total.update(counts)
        lost = ", ".join(found.get("loses", []))
        print(f"  {kind:11} {counts['wins']:>5} {counts['open']:>5} {counts['loses']:>5}"
              + (f"   loses: {lost}" if lost else ""))
    print(f"  {'all':11} {total['wins']:>5} {total['open']:>5} {total['loses']:>5}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--collegium", "--scratch", "--data"):
        parser.add_argument(flag, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets; all unless told")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in SETS]
    if unknown:
        parser.error(f"no data set {', '.join(unknown)}; there are {', '.join(SETS)}")
    bench = Bench(asked)
    print(HEAD.format(seeds=seeds_of((bench.here / "ai4i.toml").read_text())))
    sys.stdout.flush()
    tally = collections.defaultdict(lambda: collections.defaultdict(list))
    failed = []
    for name in asked.names or SETS:
        print(f"{name} …", file=sys.stderr)
        try:
            show(name, *bench.measure(name), tally)
        except Failed as error:
            print(f"\n{'=' * 112}\n{name}: FAILED, {error}")
            failed.append(name)
    summary(tally)
    if failed:
        print(f"\nnot measured: {', '.join(failed)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
