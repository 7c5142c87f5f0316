"""What would another rule for "used" be worth? Rules on the same experts, part of benches/controls.sh.

*now*: what the audit's sentences say, which is *alike* on the audit's own test rows.

*alike*: an input that has weight (above noise), and costs something to exchange, measured anew on as many new rows
as the audit has test rows. An input is exchanged only among rows that are alike in what the other inputs say of
it: least squares of the input on the others and their squares puts the rows in order, and values change places
within 20 neighbours. An input that has a part in the output only because it varies with another then costs nothing
(Strobl et al. 2008, conditional importance). Ten exchanges are averaged, and held to 95 % over all inputs together (Holm).

*freely*: the same with exchanges among all rows, to tell the ten exchanges from the likeness.

*alike alone*: whatever the weight.

*weight*, and nothing about costs: above noise; *weight twentieth*: and a twentieth of the first input's share.
"""

import csv
import subprocess

import numpy as np

TIMES, NEIGHBOURS, RESAMPLES, LEVEL = 10, 20, 4_000, 0.05


def holm(chances, level=LEVEL):
    """The names whose hypotheses fall, all of them right with probability 1 − level."""
    fallen = set()
    for at, (name, p) in enumerate(sorted(chances.items(), key=lambda entry: entry[1])):
        if p > level / (len(chances) - at):
            break
        fallen.add(name)
    return fallen


def weighs(node, part=0.0):
    """Inputs above noise, with `part` of the first input's share."""
    every = node["agop"]["importance"]
    those = [i for i in every if i["above_noise"] and i["low"] >= part * every[0]["share"]]
    return {i["input"].split(".", 1)[1] for i in those}


def coded(values):
    """Numbers as they are, categories by 0, 1, 2 in alphabetical order."""
    try:
        return np.array(values, float)
    except ValueError:
        levels = sorted(set(values))
        return np.array([levels.index(value) for value in values], float)


def terms(values):
    """A column as the least squares see it: itself and its square, or a category's indicators."""
    try:
        x = np.array(values, float)
    except ValueError:
        return [np.array([value == level for value in values], float) for level in sorted(set(values))[1:]]
    x = (x - x.mean()) / (x.std() or 1.0)
    return [x, x * x]


def alike(columns, name, of, neighbours):
    """An order of the rows in which only neighbours have changed places."""
    y = coded(columns[name])
    x = np.stack([np.ones(len(y)), *(t for other in columns if other != name for t in terms(columns[other]))], 1)
    order = np.lexsort((of.random(len(y)), x @ np.linalg.lstsq(x, y, rcond=None)[0]))
    places, start = np.arange(len(y)), of.integers(neighbours)
    for piece in np.split(order, range(start, len(y), neighbours)):
        places[piece] = of.permutation(piece)
    return places


def costs(bench, folder, pipeline, columns, experts, seed, neighbours=NEIGHBOURS):
    """By expert, kind and input: cost and the bootstrap's chance that there is none. `experts`: name to (column of
    what `predict` writes, truth, whether it is a class)."""
    of = np.random.default_rng(seed)
    rows = len(next(iter(columns.values())))
    jobs = [("", "")] + [(kind, name) for name in columns for kind in ("freely", "alike") for _ in range(TIMES)]
    given, out = folder / "exchanged.csv", folder / "predicted.csv"
    with open(given, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for kind, name in jobs:
            changed = dict(columns)
            if kind:
                places = of.permutation(rows) if kind == "freely" else alike(columns, name, of, neighbours)
                changed[name] = [columns[name][place] for place in places]
            writer.writerows(zip(*changed.values()))
    arguments = ["-C", folder, "predict", f"pipelines/{pipeline}.toml", "-i", given, "-o", out, "--quiet"]
    done = subprocess.run([bench.binary, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    with open(out, newline="") as file:
        head, *lines = csv.reader(file)
    given.unlink()
    out.unlink()
    drawn = of.multinomial(rows, np.full(rows, 1 / rows), RESAMPLES) / rows
    found = {}
    for expert, (column, truth, classes) in experts.items():
        at = head.index(column)
        predicted = np.array([float(line[at]) for line in lines]).reshape(len(jobs), rows)
        if classes:
            p = np.clip(predicted, 1e-7, 1 - 1e-7)
            losses = -np.where(truth == 1, np.log(p), np.log1p(-p))
        else:
            losses = (predicted - truth) ** 2
        for kind in ("freely", "alike"):
            for name in columns:
                those = [at for at, job in enumerate(jobs) if job == (kind, name)]
                rise = losses[those].mean(0) - losses[0]
                chance = (1 + np.sum(drawn @ rise <= 0)) / (RESAMPLES + 1)
                found[expert, kind, name] = (float(rise.mean()), float(chance))
    return found


def by_cost(found, expert, kind):
    return holm({name: chance for (e, k, name), (_, chance) in found.items() if (e, k) == (expert, kind)})
