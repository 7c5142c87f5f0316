"""A project that is run, audited and asked for predictions, and the twins of what the audit compares with."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import tomllib

import numpy as np

from models import Classifier, Regression
from report import REPORT
from resampling import Units, blocks_of

MEASURED = ("held-out", "validation", "in-sample", "out-of-fold", "none")


class Project:
    def __init__(self, collegium, folder, name):
        self.collegium, self.folder, self.name = collegium, folder, name
        self.file = f"pipelines/{name}.toml"
        if name == "adult":
            shutil.copy(pathlib.Path(__file__).with_name("adult.toml"), folder / self.file)
        self.call("run", "--quiet", self.file)
        self.audit = json.loads(self.call("audit", "--json", "--quiet", self.file))
        self.shown = self.call("show", self.file)
        self.declared = tomllib.loads(self.shown)
        self.nodes = {node["name"]: node for node in self.audit["nodes"]}
        self.margins = self.declared["audit"].get("margin", {})
        if self.declared["audit"]["seeds"]:
            raise SystemExit(f"{name}: intervals over seeds are not recomputed here")
        self.kept = self.columns()
        self.sides = {side: self.predict(self.file, side, self.kept) for side in ("train", "valid", "test")}
        self.twins = {}
        self.declare_twins()

    def call(self, *words):
        done = subprocess.run(
            [self.collegium, "-C", str(self.folder), *words],
            capture_output=True,
            text=True,
            env={**os.environ, "COLLEGIUM_ALLOW_READ": "/"},
        )
        if done.returncode not in (0, 6):
            raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout

    def predict(self, file, side, keep):
        out = self.folder / "predicted.csv"
        words = ["--keep", ",".join(keep)] if keep else []
        self.call("predict", file, "--side", side, "--quiet", "-o", str(out), *words)
        with open(out, newline="") as text:
            rows = csv.reader(text)
            head = next(rows)
            return dict(zip(head, map(np.array, zip(*rows))))

    def source(self, node):
        return node["target"].split(".")[0]

    def split(self, node):
        return self.declared["data"][self.source(node)]["split"]

    def columns(self):
        """Groups, times, and inputs of linear baselines."""
        keep = set()
        for node in self.nodes.values():
            split = self.split(node)
            keep |= set(split.get("by", [])) | ({split["time"]} if "time" in split else set())
            keep |= {column for source, column in (i.split(".") for i in node["inputs"]) if source == self.source(node)}
        return sorted(keep)

    def settings(self, name):
        kind, own = name.split(".")
        return self.declared[kind][own]

    # -- Twins of baselines and controls --

    def raw(self, name, seen=None):
        """All columns that a node and those above it read."""
        declared, found = self.settings(name), []
        inputs = list(declared.get("inputs", [])) + [f"{e}.logit" for e in declared.get("experts", [])]
        for one in inputs:
            owner = one.split(".")[0]
            above = [kind for kind in ("expert", "gate", "mixture") if owner in self.declared.get(kind, {})]
            found += self.raw(f"{above[0]}.{owner}") if above and owner not in self.declared["data"] else [one]
        return sorted(set(found) - {declared["target"]})

    def declare_twins(self):
        text, wanted = [], {}
        for name, node in self.nodes.items():
            own = self.settings(name)
            stem = name.split(".")[1]
            if name.startswith("expert."):
                for kind, change in (("linear", {"model": {"type": "linear"}}), ("single", {"inputs": self.raw(name)})):
                    if kind in node["baselines"]:
                        twin = {**own, **change}
                        if kind == "single" and node.get("left_out"):
                            twin["where"] = self.since(name)
                        wanted[name, kind] = f"{stem}_as_{kind}"
                        text.append(declaration(f"expert.{stem}_as_{kind}", twin))
            for control in node.get("combined", {}).get("controls", []) if name.startswith("gate.") else []:
                made = self.control(name, own, control)
                if made is None:
                    REPORT.missing.append(
                        f"{self.name} {name}: the control `{control['name']}` cannot be declared in a file"
                    )
                    continue
                wanted[name, control["name"]] = f"{stem}_as_{control['name']}"
                text.append(declaration(f"{made[0]}.{stem}_as_{control['name']}", made[1]))
        if not wanted:
            return
        file = f"pipelines/{self.name}-twins.toml"
        shown = re.sub(r"(?m)^baselines = .*$", "baselines = []", self.shown)
        shown = re.sub(r"(?ms)^require = \[.*?\]$", "require = []", shown)
        (self.folder / file).write_text(shown + "\n" + "\n".join(text))
        self.call("run", "--quiet", file)
        self.twin_sides = {side: self.predict(file, side, self.kept) for side in ("valid", "test")}
        self.twins = wanted

    def since(self, name):
        """The training rows of an expert whose upstreams predict forward in time: those that they have predicted."""
        train, time = self.sides["train"], self.split(self.nodes[name])["time"]
        used = ~np.isin(train[f"{name.split('.')[1]}.basis"], ("left-out", "no-target", "outside"))
        # Without seconds, which the table's own text may not have.
        return f"{self.source(self.nodes[name])}.\"{time}\" >= '{min(train[time][used])[:16]}'"

    def control(self, name, own, control):
        kind = control["name"]
        if kind in ("best", "uniform", "geometric", "stack"):
            same = ("experts", "target", "task", "where", "upstream", "folds", "seed")
            return "gate", {**{key: own[key] for key in same if key in own}, "type": kind}
        widths = re.match(r"one network \(([\d-]+) hidden units\)", control["what"])
        if kind not in ("dense", "active", "longer") or not widths:
            return None
        size = lambda e: self.nodes[f"expert.{e}"]["parameters"]
        pattern = self.settings("expert." + max(own["experts"], key=size))
        train = dict(pattern["train"])
        if kind == "longer":
            train["epochs"], train["patience"] = 3 * train["epochs"], 3 * train["patience"]
        hidden = [int(width) for width in widths[1].split("-")]
        twin = {key: own[key] for key in ("target", "task", "where", "folds", "seed") if key in own}
        return "expert", {
            **twin,
            "inputs": self.raw(name),
            "train": train,
            "model": {**pattern["model"], "hidden": hidden},
        }

    # -- Predictions --

    def measured(self, table, stem):
        owner = stem.split("_as_")[0]
        node = next(node for name, node in self.nodes.items() if name.split(".")[1] == owner)
        return np.isin(table[f"{stem}.basis"], MEASURED) & (table[node["target"].split(".", 1)[1]] != "")

    def model(self, table, node, stem, keep):
        truth = table[node["target"].split(".", 1)[1]][keep]
        if node["task"] == "regression":
            return Regression(table[f"{stem}.value"][keep].astype(np.float32).astype(float), truth.astype(float))
        classes = node["classes"]
        number = {name: k for k, name in enumerate(classes)}
        labels = np.array([number[one] for one in truth])
        if len(classes) == 2:
            positive = table[f"{stem}.probability"][keep].astype(np.float32).astype(float)
            p = np.column_stack([1 - positive, positive])
        else:
            p = np.column_stack(
                [table[f"{stem}.probability.{c}"][keep].astype(np.float32).astype(float) for c in classes]
            )
        said = np.array([number[one] for one in table[f"{stem}.label"][keep]])
        return Classifier(p, labels, len(classes), said)

    def targets(self, node, stem):
        """Of the rows that it is trained on."""
        train = self.sides["train"]
        used = self.measured(train, stem)
        return train[node["target"].split(".", 1)[1]][used]

    def units(self, node, stem, model, keep, seed):
        table, split = self.sides["test"], self.split(node)
        rows = int(keep.sum())
        if split.get("by"):
            return Units(
                np.unique(np.column_stack([table[c] for c in split["by"]])[keep], axis=0, return_inverse=True)[
                    1
                ].ravel(),
                rows,
                seed,
            )
        if "time" not in split:
            return Units(None, rows, seed)
        times = np.array([t.replace(" ", "T") for t in table[split["time"]][keep]], "datetime64[s]").astype(float)
        series = [model.losses]
        if isinstance(model, Regression):
            series += [model.y - model.p, (model.y - model.y.mean()) ** 2]
        elif model.binary:
            series += [model.y - model.p[:, 1]]
        codes, short = blocks_of(times, series)
        told = node["metrics"]["test"]["blocks"]
        if bool(told.get("short")) != short:
            REPORT.fail(f"{self.name} {node['name']}: blocks are too short in the audit: {told}, here: {short}")
        return Units(codes, rows, seed)


def declaration(name, values):
    def text(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{k} = {text(v)}" for k, v in value.items()) + " }"
        return json.dumps(value)

    return f"[{name}]\n" + "".join(f"{key} = {text(value)}\n" for key, value in values.items())
