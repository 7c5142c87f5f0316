"""The audit's AGOP against PyTorch's, on the same weights and rows: `torch_agop.py SCRATCH`.

Weights and encoders are read from the store, rows from the table; gradients are vmap(jacrev) of the logits less
their mean at the encoded rows, in 64 bits. Which rows are test rows is known from the column `side`, and is
checked: their number and the metrics on them must be those of the audit.
"""

import json
import pathlib
import sys

import numpy
import torch

import figures
import seen
from stored import Model, fits, table

TOLERANCE = 1e-4
scratch = pathlib.Path(sys.argv[1])


def agree(what, ours, theirs, least=1e-9):
    """Largest relative difference, of figures that are not rounding."""
    ours, theirs = numpy.asarray(ours, dtype="f8"), numpy.asarray(theirs, dtype="f8")
    size = numpy.maximum(numpy.abs(theirs), least * numpy.abs(theirs).max())
    worst = float((numpy.abs(ours - theirs) / size).max())
    figures.hold(
        f"{what}: {ours.size} figures, largest relative difference {worst:.1e}, at most {TOLERANCE:g}",
        worst <= TOLERANCE,
    )


def audit(name):
    return json.loads((scratch / f"{name}.json").read_text())


def test_rows(report, node, model, columns):
    """The test rows as the network sees them; that they are the audit's rows is checked."""
    x = model.encode([columns[name.split(".")[1]] for name in model.inputs])
    test = columns["side"] == "test"
    logits = model.activations(x[test])[-1]
    truth = numpy.array([model.classes.index(d) for d in columns["digit"][test]])
    right = float((logits.argmax(1) == truth).mean())
    told = node["metrics"]["test"]["metrics"]["accuracy"]
    same = report["data"][0]["rows"]["test"] == node["agop"]["rows"] == test.sum() and abs(right - told) < 1e-9
    figures.hold(f"{node['name']}, the rows are those of the audit ({test.sum()}, accuracy {right:.4f})", same)
    return x[test]


def importances(g, x):
    s = numpy.diag(g) * x.astype("f8").var(0)
    return s / s.sum()


def digits(name, expert):
    report = audit(name)
    node = next(n for n in report["nodes"] if n["name"] == f"expert.{expert}")
    model = Model(scratch, node["realisation"])
    x = test_rows(report, node, model, columns)
    order = [i["input"] for i in node["agop"]["importance"]]

    def in_order(values):
        return [values[model.inputs.index(name)] for name in order]

    g = seen.agop(seen.network(model.layers), x)
    agree(
        f"expert.{expert}, importances",
        [i["share"] for i in node["agop"]["importance"]],
        in_order(importances(g, x)),
    )
    spread = seen.root(numpy.cov(x.astype("f8").T, bias=True))
    theirs = numpy.linalg.eigvalsh(spread @ g @ spread)[::-1]
    agree(f"expert.{expert}, first 20 eigenvalues of Σ^½GΣ^½", node["agop"]["eigenvalues"][:20], theirs[:20])
    j = seen.jacobians(seen.network(model.layers), x).numpy()
    j -= j.mean(1, keepdims=True)
    per_class = (j**2).mean(0) * x.astype("f8").var(0)
    shares = per_class / per_class.sum(1, keepdims=True)
    agree(
        f"expert.{expert}, importances by class",
        node["agop"]["classes"]["shares"],
        [in_order(row) for row in shares],
    )
    found = seen.ansatz(model.layers, x)
    agree(
        f"expert.{expert}, ansatz by layer",
        [layer["ansatz"]["trained"] for layer in node["probe"]["layers"]],
        found,
    )
    return node, model, x, g, in_order


def refits(expert):
    """The noise floor: as the audit has it, and as it was published."""
    node, model, x, g, in_order = digits("ansatz", expert)
    found = fits(scratch, model)
    others = [m for d, (m, permuted) in found.items() if permuted == 0 and d != model.digest]
    permuted = [m for m, permuted in found.values() if permuted]
    figures.hold(
        f"expert.{expert}, refits in the store",
        len(others) == 3 and len(permuted) == 1,
        f"{len(others)} seeds, {len(permuted)} on permuted labels",
    )
    looks = [g] + [seen.agop(seen.network(m.layers), x) for m in others]
    shares = [in_order(importances(look, x)) for look in looks]
    importance = node["agop"]["importance"]
    agree(
        f"expert.{expert}, least share among seeds", [i["seeds"]["low"] for i in importance], numpy.min(shares, 0)
    )
    agree(
        f"expert.{expert}, largest share among seeds",
        [i["seeds"]["high"] for i in importance],
        numpy.max(shares, 0),
    )
    nothing = seen.agop(seen.network(permuted[0].layers), x)
    agree(
        f"expert.{expert}, shares taught by permuted labels",
        node["agop"]["noise_floor"]["permuted"]["shares"],
        in_order(importances(nothing, x)),
    )
    cosines = [seen.cosine(numpy.array(shares[i]), numpy.array(shares[j])) for i in range(4) for j in range(i)]
    agree(
        f"expert.{expert}, least cosine of importances among seeds",
        [node["agop"]["noise_floor"]["seeds"]["cosine"]],
        [min(cosines)],
    )

    print(f"expert.{expert}, its noise floor as published: plain G, first ten directions")
    untrained = Model(
        scratch, next(n for n in audit("digits")["nodes"] if n["name"] == "expert.untrained_wide")["realisation"]
    )
    initial = seen.agop(seen.network(untrained.layers), x)
    figures.beside(
        "split halves, cosine of the matrices, overlap",
        seen.halves(seen.network(model.layers), x),
        [0.9999, 0.9995],
    )
    print(f"       (ten directions of 64 drawn at random overlap by {10 / 64:.3f})")
    figures.near("untrained network, overlap", seen.overlap(g, initial), 0.145, 0.06)
    figures.near("permuted labels, overlap", seen.overlap(g, nothing), 0.146, 0.06)


def through():
    """Raw columns of dag.toml: the two networks and what is between them, differentiated as one function."""
    report = audit("dag")
    nodes = {n["name"]: n for n in report["nodes"]}
    rows = table(scratch / "pipelines/dag.csv")
    test = rows["side"] == "test"
    first, second = (Model(scratch, nodes[f"expert.{name}"]["realisation"]) for name in ("product", "sum"))

    def value(model, columns):
        encoded = [(c - mean) / deviation for c, (mean, deviation) in zip(columns, model.scales())]
        raw = seen.network(model.layers, model.activation)(torch.stack(encoded))
        return raw * float(model.head["deviation"]) + float(model.head["mean"])

    def whole(x):
        return value(second, [value(first, [x[0], x[1]])[0], x[2]])

    x = numpy.stack([rows[name][test] for name in ("x0", "x1", "x2")], axis=1)
    g = seen.agop(whole, x)
    theirs = dict(zip(["table.x0", "table.x1", "table.x2"], importances(g, x)))
    raw = nodes["expert.sum"]["probe"]["raw"]["importance"]
    figures.hold(
        "expert.sum, the rows are those of the audit", report["data"][0]["rows"]["test"] == len(x), str(len(x))
    )
    agree(
        "expert.sum, importances of raw columns through both experts",
        [i["share"] for i in raw],
        [theirs[i["input"]] for i in raw],
    )
    squares = seen.jacobians(whole, x).numpy()[:, 0, :].mean(0) ** 2 * x.var(0)
    shares = [float(share) for share in squares / squares.sum()]
    print(f"       (from the squares of average derivatives they would be {figures.listed(shares)})")


columns = table(scratch / "pipelines/digits.csv")
through()
digits("digits", "collapse")
refits("plain")
refits("decay")
figures.done()
