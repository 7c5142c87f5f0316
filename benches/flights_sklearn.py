#!/usr/bin/env python3
"""The work of pipelines/flights.toml done with pandas and scikit-learn, to compare with.

    python3 benches/flights_sklearn.py [--jobs 2] [--json]

Inputs, layer sizes, epochs, batch sizes, learning rates, patience and the split's shares are read
from the pipeline file, so the two cannot drift apart. Done by hand here, as one would without
Collegium: the joins (pandas), encoders, whole days on one side, early stopping on the validation
days with the best weights kept, five out-of-fold fits of every expert that feeds another, the
baselines, and metrics on train, validation and test rows. Not done: caching, audit.

Differences that scikit-learn forces: its networks have no cosine schedule (a constant rate is used)
and its Adam adds weight decay as an L2 term of the loss; both cost the same time.

--jobs 1: one process; the linear algebra library may use every core.
--jobs N: joblib runs N fits side by side in processes of one thread each; the peak memory printed
          is then an upper bound: the parent's peak plus N times the largest worker's.
"""

import argparse
import copy
import hashlib
import json
import pathlib
import resource
import time
import tomllib
import warnings

import joblib
import numpy
import pandas
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDS = 5
CLIP = 8.0


def rows(base, source):
    """The query of the pipeline, in pandas."""
    files = sorted(base.glob(source["tables"]["flights"]))
    flights = pandas.concat([pandas.read_parquet(file) for file in files], ignore_index=True)
    weather = pandas.read_parquet(base / source["tables"]["weather"])
    planes = pandas.read_parquet(base / source["tables"]["planes"], columns=["tailnum", "year", "seats"])
    flights["traffic"] = flights.groupby(["origin", "time_hour"]).flight.transform("size")
    flights["backlog"] = backlog(flights)
    flights = flights[flights.arr_delay.notna()]
    weather = weather.drop(columns=["year", "month", "day", "hour"])
    table = flights.merge(weather, on=["origin", "time_hour"], how="left")
    table = table.merge(planes.rename(columns={"year": "built"}), on="tailnum", how="left")
    date = pandas.to_datetime(table[["year", "month", "day"]])
    table["date"] = date.dt.strftime("%Y-%m-%d")
    table["weekday"] = date.dt.day_name().str[:3]
    table["clock"] = table.hour + table.minute / 60
    table["age"] = table.year - table.built
    arrives = table.sched_arr_time // 100 * 60 + table.sched_arr_time % 100
    table["block"] = (arrives - table.hour * 60 - table.minute) % 1440
    table["departs_late"] = (table.dep_delay > 15).astype(int)
    table["arrives_late"] = (table.arr_delay > 15).astype(int)
    return table


def backlog(flights):
    """Mean delay (0 to 60 minutes) of the departures planned 60 to 120 minutes earlier, per airport."""
    date = pandas.to_datetime(flights[["year", "month", "day"]])
    minute = (date - pandas.Timestamp("2013-01-01")).dt.days * 1440 + flights.hour * 60 + flights.minute
    found = pandas.Series(numpy.nan, index=flights.index)
    for origin in flights.origin.unique():
        at = minute[flights.origin == origin].sort_values(kind="stable")
        late = flights.dep_delay[at.index].clip(0, 60)
        total = numpy.concatenate([[0.0], late.fillna(0).cumsum()])
        count = numpy.concatenate([[0], late.notna().cumsum()])
        low, high = numpy.searchsorted(at, at - 120, "left"), numpy.searchsorted(at, at - 60, "right")
        with numpy.errstate(invalid="ignore"):
            found[at.index] = (total[high] - total[low]) / (count[high] - count[low])
    return found


def uniform(texts, seed):
    """A number in [0, 1) per text, by hash: equal texts, equal numbers."""
    known = {}
    for text in pandas.unique(texts):
        digest = hashlib.blake2b(f"{seed}/{text}".encode(), digest_size=8).digest()
        known[text] = int.from_bytes(digest, "little") / 2**64
    return texts.map(known).to_numpy()


def encode(columns, train):
    """Numbers standardised (missing: mean and an indicator), texts one-hot; fitted on `train`."""
    made = []
    for values in columns:
        if isinstance(values, numpy.ndarray) or pandas.api.types.is_numeric_dtype(values):
            raw = numpy.asarray(values, dtype=numpy.float64)
            missing = numpy.isnan(raw)
            mean, deviation = numpy.nanmean(raw[train]), max(numpy.nanstd(raw[train]), 1e-6)
            scaled = numpy.where(missing, 0, (raw - mean) / deviation)
            made.append(numpy.clip(scaled, -CLIP, CLIP).astype(numpy.float32)[:, None])
            if missing[train].any():
                made.append(missing.astype(numpy.float32)[:, None])
        else:
            levels = numpy.unique(values[train].astype(str))
            made.append((values.astype(str).to_numpy()[:, None] == levels).astype(numpy.float32))
    return numpy.hstack(made)


def fit(expert, x, y, train, valid):
    """One network, epoch by epoch; the weights of the epoch that validates best."""
    warnings.filterwarnings("ignore")
    classify = expert["classify"]
    mean, deviation = (0.0, 1.0) if classify else (y[train].mean(), y[train].std())
    y = y if classify else (y - mean) / deviation
    settings = expert["train"]
    network = (MLPClassifier if classify else MLPRegressor)(
        hidden_layer_sizes=tuple(expert["hidden"]), batch_size=settings["batch"],
        learning_rate_init=settings["learning_rate"], alpha=settings.get("weight_decay", 0.0),
        random_state=expert["seed"],
    )
    x_train, y_train, x_valid, y_valid = x[train], y[train], x[valid], y[valid]
    best, kept, worse = numpy.inf, None, 0
    for _ in range(settings["epochs"]):
        if classify:
            network.partial_fit(x_train, y_train, classes=[0, 1])
            loss = log_loss(y_valid, network.predict_proba(x_valid)[:, 1])
        else:
            network.partial_fit(x_train, y_train)
            loss = ((network.predict(x_valid) - y_valid) ** 2).mean()
        if loss < best:
            best, worse = loss, 0
            kept = copy.deepcopy((network.coefs_, network.intercepts_))
        else:
            worse += 1
            if worse >= settings["patience"]:
                break
    network.coefs_, network.intercepts_ = kept
    if classify:
        p = numpy.clip(network.predict_proba(x)[:, 1].astype(numpy.float64), 1e-7, 1 - 1e-7)
        return numpy.clip(numpy.log(p / (1 - p)), -CLIP, CLIP)
    return network.predict(x).astype(numpy.float64) * deviation + mean


def linear(expert, x, y, train):
    """The linear baseline."""
    if expert["classify"]:
        model = LogisticRegression(max_iter=100).fit(x[train], y[train])
        return model.decision_function(x)
    return Ridge(1.0).fit(x[train], y[train]).predict(x)


def measure(expert, output, y, side):
    """Metrics on each side."""
    found = {}
    for name, mask in side.items():
        if expert["classify"]:
            p = 1 / (1 + numpy.exp(-output[mask]))
            found[name] = {"auc": roc_auc_score(y[mask], p), "log_loss": log_loss(y[mask], p)}
        else:
            found[name] = {"r2": r2_score(y[mask], output[mask])}
    return found


def experts(base, pipeline):
    """The experts of the file, `extends` and blueprints applied, in the file's order."""
    made = {}
    for name, given in pipeline["expert"].items():
        parent = given.get("extends", "").removeprefix("expert.")
        whole = {**(made[parent] if parent else {}), **given}
        model = whole["model"]
        if isinstance(model, str):
            model = tomllib.loads((base.parent / "models" / f"{model}.toml").read_text())
        whole["hidden"] = model["hidden"]
        whole["seed"] = pipeline["pipeline"]["seed"]
        made[name] = whole
    return made


def main():
    """Runs it and prints what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipeline", type=pathlib.Path, default=ROOT / "pipelines" / "flights.toml")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    started = time.perf_counter()
    base = options.pipeline.parent
    pipeline = tomllib.loads(options.pipeline.read_text())
    source = pipeline["data"]["flights"]
    table = rows(base, source)
    joined = time.perf_counter() - started

    share = source["split"]
    drawn = uniform(table[share["by"][0]], share.get("seed", 0))
    train = drawn < share["train"]
    valid = ~train & (drawn < share["train"] + share["valid"])
    side = {"train": train, "valid": valid, "test": ~train & ~valid}
    fold = numpy.floor(uniform(table[share["by"][0]], "folds") * FOLDS).astype(int)

    declared = experts(base, pipeline)
    feeding = {i.split(".")[0] for e in declared.values() for i in e["inputs"]} & set(declared)
    handed, metrics, fits = {}, {}, 0
    # joblib shares the big arrays through memory-mapped files; threads per process are limited.
    workers = joblib.Parallel(n_jobs=options.jobs, inner_max_num_threads=1 if options.jobs > 1 else None,
                              backend="loky" if options.jobs > 1 else None)

    def raw(name):
        """The raw columns that an expert and its ancestors read."""
        found = []
        for i in declared[name]["inputs"]:
            node, what = i.split(".")
            found += raw(node) if node in declared else [what]
        return list(dict.fromkeys(found))

    # Levels in turn; within a level everything is independent and goes to the workers at once.
    waiting = list(declared)
    while waiting:
        level = [n for n in waiting if not {i.split(".")[0] for i in declared[n]["inputs"]} & set(waiting)]
        jobs, kinds = [], []
        for name in level:
            expert = declared[name]
            target = expert["target"].split(".")[1]
            y = table[target].to_numpy(dtype=float)
            expert["classify"] = set(numpy.unique(y)) == {0.0, 1.0}
            expert["y"] = y
            seen = train.copy()
            if "where" in expert:
                column, value = expert["where"].removeprefix("flights.").split(" = ")
                seen &= (table[column] == value.strip("'")).to_numpy()
            checked = valid & (seen | ~train)
            if "where" in expert:
                checked = valid & (table[column] == value.strip("'")).to_numpy()
            inputs = [handed[i] if i in handed else table[i.split(".")[1]] for i in expert["inputs"]]
            x = encode(inputs, seen)
            lean = {k: expert[k] for k in ("classify", "train", "hidden", "seed")}
            jobs.append(joblib.delayed(fit)(lean, x, y, seen, checked)); kinds.append((name, "full"))
            if name in feeding:
                for k in range(FOLDS):
                    jobs.append(joblib.delayed(fit)(lean, x, y, seen & (fold != k), checked)); kinds.append((name, k))
            jobs.append(joblib.delayed(linear)(lean, x, y, seen)); kinds.append((name, "linear"))
            if any(i in handed for i in expert["inputs"]):
                wide = encode([table[c] for c in raw(name)], seen)
                jobs.append(joblib.delayed(fit)(lean, wide, y, seen, checked)); kinds.append((name, "single"))
        done = dict(zip(kinds, workers(jobs), strict=True))
        fits += len(jobs)
        for name in level:
            expert = declared[name]
            output = done[name, "full"]
            metrics[name] = measure(expert, output, expert["y"], side)
            for kind in ("linear", "single"):
                if (name, kind) in done:
                    metrics[f"{name} ({kind})"] = measure(expert, done[name, kind], expert["y"], side)
            if name in feeding:
                fed = output.copy()
                for k in range(FOLDS):
                    fed[train & (fold == k)] = done[name, k][train & (fold == k)]
                handed[f"{name}.{'logit' if expert['classify'] else 'value'}"] = fed
        waiting = [n for n in waiting if n not in level]

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options.jobs > 1:
        peak += options.jobs * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    report = {
        "seconds": time.perf_counter() - started, "join_seconds": joined, "peak_bytes": peak,
        "fits": fits, "jobs": options.jobs, "rows": len(table), "metrics": metrics,
    }
    if options.json:
        print(json.dumps(report))
        return
    print(f"{report['seconds']:.1f} s ({joined:.1f} s of it joins), {peak / 2**20:.0f} MiB, {fits} fits, {len(table)} rows")
    for name, found in metrics.items():
        print(f"{name:24}", "  ".join(f"{s} " + " ".join(f"{k} {v:.4f}" for k, v in m.items()) for s, m in found.items()))


if __name__ == "__main__":
    main()
