#!/usr/bin/env python3
"""Verdicts of an audit, computed again from predictions: see verdicts.sh.

    verdicts.py --collegium BINARY --folder DIR PROJECT...

Nothing here is Collegium's code. Read from it are predictions (`predict --side`), the pipeline with its defaults
(`show`) and the audit that is checked (`audit --json`). The method is that of docs/splits.md and docs/auditing.md:

* The unit that is drawn is the group of `split.by`; in a split by time without it a block of time, whose length follows
  here too from the autocorrelation of losses and residuals; else the row. Of 20 units and more percentiles of a
  bootstrap, with tails by Student's t for groups; of fewer the jackknife.
* A comparison takes the difference of both models on the same resamples.
* Skill: DeLong's influences of the AUC, or Student's test of squared errors, and the loss after recalibration on
  validation rows, fitted by scipy.optimize; Holm's correction.

`predict` does not write what a baseline or a control of a gate says. Both are ordinary models: `linear` is an expert
of the type `linear`, `single` is the expert itself on all raw columns, a control is a gate of another type or one
larger network. So they are declared in a second pipeline file (*twins*), fitted and predicted from there. A twin has to
have the metrics that the audit has of the baseline, to 1e-6. A constant is computed from the training rows. Beside it,
labelled as approximate: linear baselines on raw columns as scikit-learn fits them, with an encoding of our own, of at
most 100,000 training rows.

What agrees: figures without random numbers to 1e-5 of themselves; an end of an interval of B resamples, if the share of
our resamples beyond it is one that the end's own distribution (Beta) allows, with probability .001 by Bonferroni over
all ends; and the mean width of all intervals within 6 %. A verdict may differ if 0, or the margin, lies where the end
of B resamples falls in at least one of 1,000 draws of them: it is listed as near. Average precision and calibration
error have no interval here.
"""

import argparse
import pathlib
import sys

import numpy as np
from sklearn import linear_model, metrics, preprocessing

sys.path.insert(0, str(pathlib.Path(__file__).with_suffix("")))
from models import Classifier, Regression, resampled
from project import Project
from report import CHANCE, REPORT, check_interval, check_verdict, larger_is_better
from skill import check_skill, recalibrated

WORDS = {
    "better": "It beats",
    "worse": "It does worse than",
    "cannot-tell": "No measurable difference from",
    "same": "It is the same as",
}
SKILL_WORDS = ("It learned nothing", "It ranks rows, but is too sure of itself")
SKILL = {"skilful": [], "not-judged": [], "no-skill": [SKILL_WORDS[0]], "ranks-but-overconfident": [SKILL_WORDS[1]]}
OF_GATES = {
    "better": " beats ",
    "worse": " does not beat ",
    "same": "is the same within the declared margin as",
    "cannot-tell": "has no measurable difference from",
}


class Audited(Project):
    """A project whose audit is compared with its predictions."""

    def check(self):
        for number, (name, node) in enumerate(self.nodes.items()):
            self.check_node(name, node, number)

    def check_node(self, name, node, number):
        label, stem = f"{self.name} {name}", name.split(".")[1]
        test, valid = self.sides["test"], self.sides["valid"]
        keep = self.measured(test, stem)
        model = self.model(test, node, stem, keep)
        of_valid = self.model(valid, node, stem, self.measured(valid, stem))
        said = node["metrics"]["test"]
        units = self.units(node, stem, model, keep, 1000 + number)
        REPORT.exact(f"{label}: test rows", len(model.y), said["rows"], kind="counts of rows and groups")
        groups = units.count if units.grouped else 0
        REPORT.exact(f"{label}: groups", groups, said.get("groups") or 0, kind="counts of rows and groups")
        trained = self.targets(node, stem)
        REPORT.exact(f"{label}: training rows", len(trained), node["rows"], kind="counts of rows and groups")

        shares, middle = None, None
        if isinstance(model, Regression):
            middle = trained.astype(float).mean()
            constant = Regression(np.full(len(model.y), np.float32(middle), float), model.y)
            others = {"majority": constant}
        else:
            shares = np.array([np.sum(trained == c) for c in node["classes"]], float)
            constant = always(shares, model)
            # The baseline counts half a row more of each class, so that no class is impossible (Jeffreys' prior).
            others = {"majority": always(shares + 0.5, model)}
        for kind in ("linear", "single"):
            if (name, kind) in self.twins:
                twin = self.twin(name, node, kind, keep, node["baselines"][kind]["test"]["metrics"])
                if twin:
                    others[kind] = twin
        controls = {c["name"]: c for c in node.get("combined", {}).get("controls", [])}
        for kind, control in controls.items():
            if (name, kind) in self.twins:
                twin = self.twin(name, node, kind, keep, control["metrics"][0])
                if twin:
                    others[f"control {kind}"] = twin
        drawn = resampled([model, *others.values()], units)

        # (1) Metrics and their intervals.
        points = model.points()
        for metric, value in points.items():
            REPORT.exact(f"{label}: test {metric}", value, said["metrics"][metric], 1e-3, "metrics by scikit-learn")
            if metric in drawn[0]:
                bounds = (-np.inf if metric == "r2" else 0, 1 if larger_is_better(metric) else np.inf)
                known = said["intervals"].get(metric)
                check_interval(f"{label}: test {metric}", units, value, drawn[0][metric], known, 200, bounds)
        head = node["headline"]
        wanted = "r2" if isinstance(model, Regression) else "auc" if model.binary else "accuracy"
        expected = {"metric": wanted, "value": said["metrics"][wanted], "interval": said["intervals"].get(wanted)}
        if head != expected:
            REPORT.fail(f"{label}: the headline is {head}, and the test figures are {expected}")
        REPORT.count("headlines")

        # (2) Comparisons.
        stated = self.stated(node)
        for (kind, other), values in zip(others.items(), drawn[1:]):
            control = controls.get(kind.removeprefix("control "))
            against = control["against"] if control else node["against"].get(kind)
            beside, sentence = f"{label} against {kind}", None if control else stated.get(kind)
            self.check_against(beside, points, other, drawn[0], values, units, against, sentence)
            if control:
                self.check_control(beside, name, node, control, model, other, of_valid, shares, units)
        for kind in {*node["against"], *(f"control {name}" for name in controls)} - set(others):
            REPORT.missing.append(f"{label}: the comparison with `{kind}` has no twin")

        # (3) Skill.
        check_skill(label, node["skill"], of_valid, model, constant, shares, middle, units)
        said = " ".join(finding["text"] for finding in node["findings"] if finding["topic"] == "skill")
        if SKILL[node["skill"]["verdict"]] != [words for words in SKILL_WORDS if said.startswith(words)]:
            REPORT.fail(f"{label}: skill is {node['skill']['verdict']}, and the sentence is: {said!r}")
        if name.startswith("expert.") and len(trained) <= 100_000:
            self.check_linear(label, node, stem, keep)
        self.show(name, node, points, units)

    def twin(self, name, node, kind, keep, known):
        """Predictions of a twin on test rows, if it is the very model that the audit compared with."""
        stem = self.twins[name, kind]
        found = self.model(self.twin_sides["test"], node, stem, keep)
        apart = {
            m: (v, known.get(m))
            for m, v in found.points().items()
            if m in known and abs(v - known[m]) > 1e-6 * max(1, abs(v))
        }
        if apart:
            text = f"`{kind}` in the audit is another model than the file declares (file, audit): {apart}"
            REPORT.fail(f"{self.name} {name}: {text}")
            return None
        REPORT.count("baselines and controls predicted by twins")
        return found

    def stated(self, node):
        """What sentences say of the loss."""
        found = {}
        for finding in node["findings"]:
            if finding["topic"] == "baselines":
                text = finding["text"]
                kind = "linear" if "a linear model on the same inputs" in text else "single"
                said = [verdict for verdict, words in WORDS.items() if text.startswith(words)]
                found[kind] = said[0] if said else text
        return found

    def check_against(self, label, points, other, ours, theirs, units, against, stated):
        """The expert less another model, metric by metric."""
        loss = "rmse" if isinstance(other, Regression) else "log_loss"
        before = other.points()
        for metric, values in ours.items():
            if metric not in points or metric not in before or metric not in against:
                if (metric in against) != (metric in points and metric in before):
                    REPORT.fail(f"{label}: {metric} is compared on one side alone")
                continue
            said, point = against[metric], points[metric] - before[metric]
            REPORT.exact(
                f"{label}: {metric}", point, said["difference"], 0.01 * abs(points[metric]), "paired differences"
            )
            apart = values - theirs[metric]
            interval = check_interval(f"{label}: {metric}", units, point, apart, said["interval"], 200)
            sentence = stated if metric == loss else None
            margin = self.margins.get(metric)
            check_verdict(f"{label}: {metric}", metric, units, apart, interval, said["interval"], margin, sentence)
            if sentence:
                REPORT.count("sentences on baselines")

    def check_control(self, label, name, node, control, model, other, of_valid, shares, units):
        """The lead by which a gate is said to pay, and the loss after recalibration."""
        if node["combined"]["loss"] not in ("log_loss", "squared_error"):
            REPORT.missing.append(f"{label}: leads in {node['combined']['loss']}")
            return
        lead = other.losses - model.losses
        sums = units.sums([np.ones(len(lead)), lead])
        values = np.concatenate([(counts @ sums[1]) / (counts @ sums[0]) for counts in units.batches()])
        REPORT.exact(
            f"{label}: lead",
            lead.mean(),
            control["over_rows"]["value"],
            0.01 * model.losses.mean(),
            "paired differences",
        )
        interval = check_interval(f"{label}: lead", units, lead.mean(), values, control["over_rows"]["interval"], 2000)
        turned = control["over_rows"]["interval"]
        said = {True: "better", False: "worse", None: "same" if control.get("same") else "cannot-tell"}[
            control.get("pays")
        ]
        margin = self.margins.get(node["combined"]["loss"])
        check_verdict(f"{label}: pays", "r2", units, values, interval, turned, margin, said, 2000)
        if not any(OF_GATES[said] in text and control["what"] in text for text in node["combined"]["verdict"]):
            REPORT.fail(f"{label}: no sentence says `{said}`: {node['combined']['verdict']}")
        REPORT.count("sentences on controls")
        valid = self.twin_sides["valid"]
        stem = self.twins[name, control["name"]]
        of_other = self.model(valid, node, stem, self.measured(valid, stem))
        if isinstance(model, Classifier):
            apart = recalibrated(of_valid, model, shares) - recalibrated(of_other, other, shares)
            sums = units.sums([np.ones(len(apart)), apart])
            values = np.concatenate([(counts @ sums[1]) / (counts @ sums[0]) for counts in units.batches()])
            said = control["against"]["recalibrated_log_loss"]
            scale = 0.01 * model.losses.mean()
            REPORT.exact(
                f"{label}: recalibrated log loss", apart.mean(), said["difference"], scale, "paired differences"
            )
            interval = check_interval(
                f"{label}: recalibrated log loss", units, apart.mean(), values, said["interval"], 200
            )
            margin, name = self.margins.get("log_loss"), f"{label}: recalibrated log loss"
            check_verdict(name, "log_loss", units, values, interval, said["interval"], margin)
        else:
            REPORT.missing.append(f"{label}: recalibrated RMSE")

    def check_linear(self, label, node, stem, keep):
        """The linear baseline as scikit-learn fits it, with another encoder: about the same."""
        source = self.source(node)
        columns = [i.split(".")[1] for i in node["inputs"] if i.split(".")[0] == source]
        if len(columns) != len(node["inputs"]) or "linear" not in node["baselines"]:
            return
        train, test = self.sides["train"], self.sides["test"]
        used = self.measured(train, stem)
        types = self.declared["data"][source].get("types", {})
        a, b = [], []
        for column in columns:
            left, right = train[column][used], test[column][keep]
            try:
                if types.get(column) == "category":
                    raise ValueError
                left, right = (np.where(np.isin(v, ("", "?", "NA")), "nan", v).astype(float) for v in (left, right))
                middle, gaps = np.nanmean(left), np.isnan(left).any()
                scale = preprocessing.StandardScaler().fit(np.nan_to_num(left, nan=middle)[:, None])
                for out, v in ((a, left), (b, right)):
                    out.append(scale.transform(np.nan_to_num(v, nan=middle)[:, None]))
                    if gaps:
                        out.append(np.isnan(v)[:, None].astype(float))
            except ValueError:
                hot = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(left[:, None])
                a.append(hot.transform(left[:, None]))
                b.append(hot.transform(right[:, None]))
        a, b = np.hstack(a), np.hstack(b)
        target = node["target"].split(".", 1)[1]
        known = node["baselines"]["linear"]["test"]["metrics"]
        if node["task"] == "regression":
            fitted = linear_model.Ridge(alpha=1e-4 * len(a)).fit(a, train[target][used].astype(float))
            metric, mine = "rmse", metrics.root_mean_squared_error(test[target][keep].astype(float), fitted.predict(b))
        else:
            fitted = linear_model.LogisticRegression(C=1 / (1e-4 * len(a)), max_iter=3000).fit(a, train[target][used])
            metric, mine = (
                "log_loss",
                metrics.log_loss(test[target][keep], fitted.predict_proba(b), labels=fitted.classes_),
            )
        REPORT.count("linear baselines by scikit-learn (approximate)")
        apart = abs(mine - known[metric]) / known[metric]
        # Few rows say little about many columns, so encoders matter there.
        if apart > (0.02 if len(a) >= 5000 else 0.1):
            REPORT.fail(f"{label}: linear {metric} {known[metric]:.4f} in the audit, {mine:.4f} by scikit-learn")
        text = f"linear {metric} {known[metric]:.5f} in the audit, {mine:.5f} by scikit-learn"
        print(f"    {label}: {text} (approximate, another encoder)")

    def show(self, name, node, points, units):
        head = node["headline"]
        interval = head.get("interval") or {"low": float("nan"), "high": float("nan")}
        what = f"{units.count} groups" if units.grouped else f"{units.rows} rows"
        what += ", jackknife" if units.few else ""
        text = f"{head['metric']:8} {head['value']:.4f} ({interval['low']:.4f} to {interval['high']:.4f}) in the audit"
        here = f"{points[head['metric']]:.4f} by scikit-learn"
        print(f"  {name:18} {text}, {here}; {what}; {node['skill']['verdict']}", flush=True)


def always(shares, model):
    """A classifier that says the same of every row."""
    p = (shares / shares.sum()).astype(np.float32).astype(float)
    if len(p) == 2:
        p[0] = 1 - p[1]
    return Classifier(np.tile(p, (len(model.y), 1)), model.y, model.k)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("projects", nargs="+")
    asked = parser.parse_args()
    for name in asked.projects:
        print(f"{name}:", flush=True)
        Audited(asked.collegium, asked.folder, name).check()
    r = REPORT
    print("compared:")
    for what, count in sorted(r.counts.items()):
        print(f"  {count:5} {what}")
    bound = CHANCE / max(1, len(r.ends))
    r.failures += [f"{text} (probability {p:.1g})" for p, text in r.ends if p < bound]
    print(f"largest difference of figures without random numbers: {r.largest:.1g} of themselves")
    if r.widths:
        ratio = float(np.mean(r.widths))
        spread = f"{np.percentile(r.widths, 5):.3f} to {np.percentile(r.widths, 95):.3f}"
        print(f"width of bootstrap intervals, audit over ours: mean {ratio:.3f}, 5th to 95th percentile {spread}")
        if not 0.94 < ratio < 1.06:
            r.failures.append(f"mean width of bootstrap intervals: {ratio:.3f} of ours")
    if r.ends:
        small = sum(p < 0.05 for p, _ in r.ends) / len(r.ends)
        print(f"ends of bootstrap intervals with a probability below .05: {small:.3f} (at most .05 are expected)")
    for head, lines in (
        ("not recomputed", r.missing),
        ("no skill, whatever the data", r.certain),
        ("near a bound, other verdict", r.near),
        ("DIFFERENT", r.failures),
    ):
        print(f"{head}: {len(lines)}")
        for line in lines:
            print(f"  {line}")
    sys.exit(bool(r.failures))


if __name__ == "__main__":
    main()
