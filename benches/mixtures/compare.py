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
import textwrap
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
    },
    # As many training pictures as give the pilot's accuracies; the others test.
    "fashion-few": {
        "metric": "accuracy", "gates": ["in_turn"], "beside": ["one_128", "one_190"],
        "pilot": {"gate": ".859", "one_128": ".854", "one_190": ".858"},
    },
}
ORDER = ["best", "uniform", "geometric", "stack", "dense", "active", "multi-task", "longer", "random"]
RULE = "=" * 120
NAMES = {"average_precision": "av.prec.", "auc": "AUC", "accuracy": "accuracy", "rmse": "RMSE",
         "log_loss": "log loss", "r2": "R²"}
# Student's t, two-sided 95 %, by degrees of freedom: for rows that are made here.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

HEAD = """\
GATES AND MIXTURES BESIDE EVERYTHING SIMPLER

Each gate (or mixture) is compared with simpler uses of the same experts (the best one, the arithmetic and the
geometric mean, a linear stack) and with one network on all the same columns: of the same total number of parameters
(dense), of the same multiply-adds a row (active), that also learns the experts' labels (multi-task), trained up to
three times as long (longer). A cascade also with the same experts asked as often at random (random). What is not in a
table does not apply, or would be another row again (active, where dense does the same work). Gates, experts and
controls are fitted from {seeds} seeds on the same rows, with the settings of the file, which no test figure chose.

A lead above 0 is the gate's: the control's test loss less the gate's (log loss, squared error; of a cascade, whose
threshold is about errors, the share of errors), in the mean over seeds, with the 95 % interval of the paired
differences (Student's t over seeds: it speaks of other seeds on this split, not of other splits). The gate `wins` if
the whole interval is above 0 and so is a bootstrap's over the test rows, `loses` if both are below 0, else it is
`open`; losses are shown like wins, and nothing is left out. The second lead is in another metric, made in the same
way. `pilot`: what other code measured on other splits. Experts that stand beside a gate and are no control of it are
compared in the same way, over seeds alone."""


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
        line = [self.collegium, "-C", str(self.root), *words, "--json", "--quiet", "--jobs", "1"]
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
        # Whoever stands beside is audited too: the audit says how large everything is.
        chosen = [] if "beside" in SETS[name] else SETS[name]["gates"]
        audit = self.command("audit", f"pipelines/{name}.toml", *chosen)
        beside = {expert: self.beside(name, expert) for expert in SETS[name].get("beside", [])}
        took = f"{children() - before:.0f} s of CPU ({ran:.0f} s of them `run`), {time.time() - start:.0f} s"
        return kept, audit, beside, took


def children():
    """CPU seconds of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seeds_of(text):
    return 1 + int(re.search(r"(?m)^seeds += (\d+)$", text)[1])


def digits(value, places=4):
    """Without the 0 before the point, as figures of one column are."""
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.{places}f}")


def small(value):
    """Two significant digits, always with a sign."""
    if value == 0 or not math.isfinite(value):
        return "0"
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    return re.sub(r"^([+-])0\.", r"\1.", f"{value:+.{places}f}")


def of(metrics, name):
    return [seed[name] for seed in metrics]


def mean_of(metrics, name):
    return digits(statistics.fmean(of(metrics, name)))


def spread_of(metrics, name):
    values = of(metrics, name)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{digits(statistics.fmean(values))} ± {digits(spread)} ({' '.join(map(digits, values))})"


def word(pays):
    return {True: "wins", False: "loses", None: "open"}[pays]


def loss(kind, metrics):
    """What a gate is compared in, from metrics."""
    known = {"log_loss": lambda: metrics["log_loss"], "squared_error": lambda: metrics["rmse"] ** 2,
             "error": lambda: 1.0 - metrics["accuracy"]}
    return known[kind]()


def paired(differences):
    """Their mean with an interval, as the audit makes it."""
    lead = {"value": statistics.fmean(differences), "interval": None}
    if len(differences) > 1:
        half = STUDENT[len(differences) - 1] * statistics.stdev(differences) / math.sqrt(len(differences))
        lead["interval"] = {"low": lead["value"] - half, "high": lead["value"] + half}
    return lead


def says(lead):
    interval = lead.get("interval")
    if interval is None:
        return None
    return True if interval["low"] > 0 else False if interval["high"] < 0 else None


def written(lead):
    interval = lead.get("interval")
    between = f"{small(interval['low'])} to {small(interval['high'])}" if interval else "–"
    return f"{small(lead['value']):>8}  {between:<18}"


def wrapped(sentence):
    """A percent sign stays beside its number."""
    return textwrap.fill(sentence.replace(" %", "\u00a0%"), 118, initial_indent="  · ", subsequent_indent="    ",
                         break_on_hyphens=False).replace("\u00a0", " ")


def size_of(name, nodes):
    """Parameters and multiply-adds of an expert and all that it reads."""
    node = nodes[name]
    above = {read.split(".")[0] for read in node["inputs"]} & set(nodes)
    sizes = [size_of(expert, nodes) for expert in above]
    return [node[key] + sum(size[at] for size in sizes) for at, key in enumerate(("parameters", "multiply_adds"))]


def place(name):
    """In the order of the tables; what is not known to it comes last."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def rows_of(combined, beside, nodes):
    """Every row of the table of a gate, in the audit's own form."""
    rows = sorted(combined["controls"], key=lambda control: place(control["name"]))
    for expert, fits in beside.items():
        metrics = [fit["metrics"]["test"] for fit in fits]
        pairs = zip(combined["metrics"], metrics)
        lead = paired([loss(combined["loss"], b) - loss(combined["loss"], a) for a, b in pairs])
        parameters, multiply_adds = size_of(expert, nodes)
        rows.append({"name": expert, "metrics": metrics, "lead": lead, "pays": says(lead),
                     "parameters": parameters, "multiply_adds": multiply_adds})
    return rows


def show(name, kept, audit, beside, took, tally):
    known = SETS[name]
    data = audit["data"][0]
    sides = ", ".join(f"{data['rows'][side]:,} {side}" for side in ("train", "valid", "test"))
    print(f"\n{RULE}\n{name}: {kept}; {sides}; {took}")
    nodes = {node["name"].split(".")[1]: node for node in audit["nodes"]}
    for gate in known["gates"]:
        combined = nodes[gate]["combined"]
        own, metric, pilot = combined["metrics"], known["metric"], known.get("pilot", {})
        second = "log_loss" if "log_loss" in own[0] else "r2"
        # Where the loss is the errors, the lead in accuracy would be the same again.
        other_metric = "log_loss" if combined["loss"] == "error" else metric
        sign = -1 if other_metric in ("rmse", "log_loss") else 1
        what = combined["loss"].replace("_", " ")
        print(f"\n{nodes[gate]['name']} ({combined['kind']})")
        for shown in (metric, second):
            print(f"  {NAMES[shown]} {spread_of(own, shown)}")
        routing = combined.get("routing")
        if routing and combined["kind"] != "noisy-or":  # whose experts all count the same
            weights = zip(routing["experts"], routing["overall"]["importance"])
            each = ", ".join(f"{expert.removeprefix('expert ')} {weight:.2f}" for expert, weight in weights)
            print(f"  mean weight by expert: {each}")
        print(f"\n  {'':10} {NAMES[metric]:>8} {NAMES[second]:>8} {'param.':>8} {'mult-adds':>9}   "
              f"{f'lead in {what}, 95 %':<28}       {f'lead in {NAMES[other_metric]}, 95 %':<28}  pilot")

        def line(title, row, lead="", verdict="", other=""):
            sizes = f"{row['parameters']:>8,} {row['multiply_adds']:>9,.0f}"
            metrics = f"{mean_of(row['metrics'], metric):>8} {mean_of(row['metrics'], second):>8}"
            figure = pilot.get(title.split()[-1], "")
            print(f"  {title:10} {metrics} {sizes}   {lead:28} {verdict:5} {other:28}  {figure}".rstrip())

        line("the gate", combined)
        for row in rows_of(combined, beside, nodes):
            pairs = zip(of(own, other_metric), of(row["metrics"], other_metric))
            other = paired([sign * (mine - theirs) for mine, theirs in pairs])
            verdict = word(row.get("pays"))
            line(row["name"], row, written(row["lead"]), verdict, written(other))
            kind = "beside" if row["name"] in beside else row["name"]
            tally[kind][verdict].append(f"{name}.{gate}" if kind != "beside" else f"{name}.{row['name']}")
        print()
        for control in combined["controls"]:
            if control["name"] in ("dense", "active", "multi-task"):
                print(f"  {control['name']}: {control['what']}")
        for sentence in combined["verdict"]:
            print(wrapped(sentence))
        sys.stdout.flush()


def summary(tally):
    print(f"\n{RULE}\nall data sets, by control\n")
    print(f"  {'':11} {'wins':>5} {'open':>5} {'loses':>5}")
    total = collections.Counter()
    for kind in sorted(tally, key=lambda kind: (kind == "beside", place(kind))):
        found = tally[kind]
        counts = {verdict: len(found.get(verdict, [])) for verdict in ("wins", "open", "loses")}
        total.update(counts)
        lost = ", ".join(found.get("loses", []))
        print(f"  {kind:11} {counts['wins']:>5} {counts['open']:>5} {counts['loses']:>5}"
              + (f"   loses: {lost}" if lost else ""))
    print(f"  {'all':11} {total['wins']:>5} {total['open']:>5} {total['loses']:>5}")
    every = sum(total.values())
    print(f"\n{every} intervals of 95 %: some {every / 20:.0f} of them miss by chance. Rows of one gate share its fits, and "
          "gates of one\ndata set their rows, so these are not as many independent findings.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--collegium", "--scratch", "--data"):
        parser.add_argument(flag, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="data sets; by default all")
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
        except (Failed, OSError) as error:
            print(f"\n{RULE}\n{name}: FAILED, {error}")
            failed.append(name)
    summary(tally)
    if failed:
        print(f"\nnot measured: {', '.join(failed)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
