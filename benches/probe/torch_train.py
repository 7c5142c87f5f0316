"""The networks of ansatz.toml and digits.toml trained with PyTorch: are Collegium's figures those of the same
networks there, and where do the published ones come from? `torch_train.py SCRATCH`.

Published figures (PROBE.md) are of pixels as they are and of PyTorch's initial weights. Collegium standardises
every input, which makes much of pixels that are seldom black, and begins with weights √6 times as large.
"""

import json
import pathlib
import statistics
import sys

import numpy
import torch

import figures
import seen
from stored import Model, fits, nc1, table

scratch = pathlib.Path(sys.argv[1])
digits = table(scratch / "pipelines/digits.csv")
test = digits["side"] == "test"
names = sorted(set(digits["digit"]))
labels = numpy.array([names.index(d) for d in digits["digit"]])
ansatz = {n["name"]: n for n in json.loads((scratch / "ansatz.json").read_text())["nodes"]}
model = Model(scratch, ansatz["expert.plain"]["realisation"])
standardised = model.encode([digits[name.split(".")[1]] for name in model.inputs])
pixels = numpy.stack([digits[f"f{i}"] for i in range(64)], axis=1).astype("f4") / 16


def initial(widths, as_collegium, seed):
    """Collegium: hidden layers uniform in ±√(6/inputs), the head in ±√(6/(inputs+outputs)), biases 0; PyTorch:
    weights and biases uniform in ±√(1/inputs)."""
    draw = torch.Generator().manual_seed(seed)
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        if as_collegium:
            head = i + 2 == len(widths)
            bound, biases = (6 / (inputs + outputs if head else inputs)) ** 0.5, 0.0
        else:
            bound = biases = (1 / inputs) ** 0.5
        layers.append(
            (
                (torch.rand(inputs, outputs, generator=draw) * 2 - 1) * bound,
                (torch.rand(outputs, generator=draw) * 2 - 1) * biases,
            )
        )
    return layers


def train(layers, x, rule, rate, decay, epochs, seed, batch=128):
    """The settings of the pipelines: cosine schedule, decay of weights and not of biases."""
    layers = [(w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in layers]
    groups = [{"params": [w for w, _ in layers], "weight_decay": decay}, {"params": [b for _, b in layers]}]
    optimiser = (
        torch.optim.Adam(groups, lr=rate) if rule == "adam" else torch.optim.SGD(groups, lr=rate, momentum=0.9)
    )
    x, y = torch.from_numpy(x[~test]), torch.from_numpy(labels[~test])
    draw = torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=draw).split(batch):
            h = x[rows]
            for i, (weight, bias) in enumerate(layers):
                h = h @ weight + bias
                if i + 1 < len(layers):
                    h = torch.relu(h)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(h, y[rows]).backward()
            optimiser.step()
            schedule.step()
    return [(w.detach(), b.detach()) for w, b in layers]


def accuracy(layers, x):
    logits = seen.network(layers)(torch.from_numpy(x[test]).double()).numpy()
    return float((logits.argmax(1) == labels[test]).mean())


def mean(lists):
    return [statistics.mean(values) for values in zip(*lists)]


def four(x, as_collegium, decay):
    """Four seeds: ansatz at the beginning and at the end, and how far seeds agree."""
    begin, end, looks, halves, right = [], [], [], [], []
    for seed in range(4):
        first = initial([64, 256, 256, 256, 10], as_collegium, seed)
        last = train(first, x, "adam", 1e-3, decay, 60, seed)
        begin.append(seen.ansatz(first, x[test]))
        end.append(seen.ansatz(last, x[test]))
        looks.append(seen.agop(seen.network(last), x[test]))
        halves.append(seen.halves(seen.network(last), x[test]))
        right.append(accuracy(last, x))
    found = {
        "initial": mean(begin),
        "trained": mean(end),
        "halves": mean(halves),
        "accuracy": statistics.mean(right),
    }
    return found | agreement(looks)


def agreement(looks):
    """Of every pair."""
    pairs = [(looks[i], looks[j]) for i in range(len(looks)) for j in range(i)]
    return {"matrix": [seen.cosine(a, b) for a, b in pairs], "overlap": [seen.overlap(a, b) for a, b in pairs]}


def tell(what, found):
    print(f"{what} (four seeds, test accuracy {found['accuracy']:.3f}):")
    figures.beside("ansatz by layer, initial ", found["initial"], [0.86, 0.70, 0.59])
    figures.beside("ansatz by layer, trained ", found["trained"], [0.86, 0.92, 0.94])
    figures.beside(
        "split halves, plain G: cosine and overlap of ten directions", found["halves"], [0.9999, 0.9995]
    )
    for name, what, published in [
        ("matrix", "cosine", [0.937, 0.916]),
        ("overlap", "overlap of ten directions", 0.857),
    ]:
        figures.beside(
            f"seeds, plain G: {what}, mean and least", [statistics.mean(found[name]), min(found[name])], published
        )


tell("pixels / 16 and PyTorch's initial weights, no weight decay", four(pixels, False, 0.0))
tell("pixels / 16 and PyTorch's initial weights, weight decay 5e-4", four(pixels, False, 5e-4))
for name, decay in [("plain", 0.0), ("decay", 5e-4)]:
    theirs = four(standardised, True, decay)
    tell(f"standardised inputs and Collegium's initial weights, as expert.{name}", theirs)
    layers = ansatz[f"expert.{name}"]["probe"]["layers"]
    for i, layer in enumerate(layers):
        for when in ("initial", "trained"):
            figures.near(
                f"expert.{name}, {layer['name']}, ansatz {when}", layer["ansatz"][when], theirs[when][i], 0.05
            )
    own = fits(scratch, Model(scratch, ansatz[f"expert.{name}"]["realisation"])).values()
    own = [seen.network(model.layers) for model, permuted in own if permuted == 0]
    halves = mean([seen.halves(network, standardised[test]) for network in own])
    figures.near(f"expert.{name}, split halves, plain G, cosine", halves[0], theirs["halves"][0], 0.002)
    figures.near(f"expert.{name}, split halves, plain G, overlap", halves[1], theirs["halves"][1], 0.01)
    looks = [seen.agop(network, standardised[test]) for network in own]
    for what, values in agreement(looks).items():
        found = statistics.mean(values)
        figures.near(
            f"expert.{name}, {len(looks)} seeds, plain G, {what}", found, statistics.mean(theirs[what]), 0.1
        )

collapse = {n["name"]: n for n in json.loads((scratch / "digits.json").read_text())["nodes"]}["expert.collapse"]
print(
    "neural collapse, NC1 of the inputs and of four layers of 128 on training rows (published 1.36 .50 .25 .20 .17):"
)
for what, x, as_collegium in [
    ("pixels / 16 and PyTorch's initial weights", pixels, False),
    ("standardised inputs and Collegium's initial weights", standardised, True),
]:
    layers = train(initial([64, 128, 128, 128, 128, 10], as_collegium, 0), x, "sgd", 0.05, 5e-4, 200, 0)
    h, found = x.astype("f8"), []
    for i in range(5):
        found.append(nc1(h[~test], labels[~test]))
        weight, bias = (p.double().numpy() for p in layers[i])
        h = numpy.maximum(h @ weight + bias, 0.0)
    print(f"       {what}: {figures.listed([float(f) for f in found])}")
ours = [layer["collapse_train"]["nc1"] for layer in collapse["probe"]["layers"]]
for i, (mine, theirs) in enumerate(zip(ours, found[1:])):
    figures.near(f"expert.collapse, hidden {i + 1}, NC1 relative to PyTorch's", mine / theirs, 1.0, 0.15)
figures.done()
