"""Neural collapse by layer, measured again with numpy from the stored models: `layers.py SCRATCH`.

The audit withholds what it sees of a network without skill, so NC1 of an untrained network is only measured here;
that the two ways of measuring are one is checked on the trained network.
"""

import json
import pathlib
import sys

import figures
from stored import Model, nc1, table

scratch = pathlib.Path(sys.argv[1])
columns = table(scratch / "pipelines/digits.csv")
train = columns["side"] == "train"
nodes = {n["name"]: n for n in json.loads((scratch / "digits.json").read_text())["nodes"]}


def collapse(name):
    model = Model(scratch, nodes[name]["realisation"])
    x = model.encode([columns[input.split(".")[1]] for input in model.inputs])
    # The encoded inputs, then the hidden layers; the raw outputs are left out.
    return [float(nc1(layer[train], columns["digit"][train])) for layer in model.activations(x)[:-1]]


found = collapse("expert.collapse")
told = [layer["collapse_train"]["nc1"] for layer in nodes["expert.collapse"]["probe"]["layers"]]
worst = max(abs(a - b) / b for a, b in zip(told, found[1:]))
figures.hold(
    "NC1 of expert.collapse as in the audit", worst <= 1e-4, f"relative difference {worst:.1e}, at most 1e-4"
)
figures.beside("NC1 on training rows, encoded inputs and hidden layers", found, [1.36, 0.50, 0.25, 0.20, 0.17])
figures.hold(
    "trained, it falls from the inputs on and from layer to layer",
    all(a > b for a, b in zip(found, found[1:])),
    figures.listed(found),
)
for name in ("expert.untrained", "expert.untrained_wide"):
    found = collapse(name)
    figures.hold(
        f"{name}, it rises from the inputs on and from layer to layer",
        all(a < b for a, b in zip(found, found[1:])),
        figures.listed(found),
    )
figures.done()
