"""Reads trained models from a store, and what can be computed of them with numpy alone.

Nothing here comes from Collegium but the files: the weights and the encoder of a model, and the table that
it was trained on. Only numeric columns without missing values are encoded.
"""

import csv
import json
import pathlib
import struct

import numpy


class Model:
    """A stored network: safetensors, with everything but the weights as JSON in its metadata."""

    def __init__(self, project, digest):
        data = (pathlib.Path(project) / ".collegium/objects" / digest[:2] / digest[2:]).read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        tensors = json.loads(data[8 : 8 + length])
        header = json.loads(tensors.pop("__metadata__")["collegium"])

        def tensor(name):
            entry = tensors[name]
            assert entry["dtype"] == "F32"
            start, end = entry["data_offsets"]
            values = numpy.frombuffer(data[8 + length + start : 8 + length + end], dtype="<f4")
            return values.reshape(entry["shape"]).copy()

        self.digest = digest
        self.layers = [
            (tensor(f"layer.{i:04}.weight"), tensor(f"layer.{i:04}.bias")) for i in range(header["layers"])
        ]
        self.activation = header["activation"]
        self.head = header["head"]
        self.classes = header["classes"]
        self.encoder = header["encoder"]
        self.inputs = self.encoder["names"]

    def scales(self):
        """Mean and deviation of every input; an input that is not one plain column is refused."""
        scales = []
        for name, part in zip(self.inputs, self.encoder["parts"]):
            mean, deviation = scale_of(part)
            if mean is None:
                raise SystemExit(f"FAILS: {name} is not encoded as one number: {json.dumps(part)[:200]}")
            scales.append((mean, deviation))
        return scales

    def encode(self, columns):
        """Rows as the network sees them: standardised in 64 bits, clipped to ±8, rounded once."""
        encoded = []
        for values, (mean, deviation) in zip(columns, self.scales()):
            if deviation == 0.0:
                encoded.append(numpy.zeros(len(values), dtype="f4"))
            else:
                encoded.append(numpy.clip((values - mean) / deviation, -8.0, 8.0).astype("f4"))
        return numpy.stack(encoded, axis=1)

    def activations(self, x):
        """The encoded rows, every hidden layer, and the raw outputs; in 64 bits."""
        out = [x.astype("f8")]
        for i, (weight, bias) in enumerate(self.layers):
            z = out[-1] @ weight.astype("f8") + bias.astype("f8")
            if i + 1 < len(self.layers):
                z = numpy.tanh(z) if self.activation == "tanh" else numpy.maximum(z, 0.0)
            out.append(z)
        return out


def scale_of(part):
    """Of the encoding of a number without an indicator for missing values."""
    found = []

    def search(value):
        if isinstance(value, dict):
            if set(value) == {"mean", "deviation"}:
                found.append((float(value["mean"]), float(value["deviation"])))
            else:
                for inner in value.values():
                    search(inner)
        elif isinstance(value, list):
            for inner in value:
                search(inner)

    search(part)
    return found[0] if len(found) == 1 else (None, None)


def fits(project, like):
    """The fits in a store whose recipe is that of a model but for the seed and a permutation of labels: digest to
    the model and to the number of the permutation (0: none)."""
    store = pathlib.Path(project) / ".collegium"
    recipes = {}
    for file in sorted(store.glob("realisations/*/*/*.json")):
        recipe = store / "recipes" / file.parent.name[:2] / f"{file.parent.name}.json"
        digest = json.loads(file.read_text())["record"].get("model")
        if isinstance(digest, str) and recipe.exists():
            recipe = json.loads(recipe.read_text())
            if recipe["kind"] == "fit":
                recipes[digest] = recipe["ingredients"]
    varied = ("seed", "target.permuted")

    def rest(ingredients):
        return {name: value for name, value in ingredients.items() if name not in varied}

    return {
        digest: (Model(project, digest), ingredients.get("target.permuted", {}).get("integer", 0))
        for digest, ingredients in recipes.items()
        if rest(ingredients) == rest(recipes[like.digest])
    }


def table(file):
    """A table's columns: numbers where all of a column are, else texts."""
    with open(file) as opened:
        rows = list(csv.reader(opened))
    columns = {}
    for name, *values in zip(*rows):
        try:
            columns[name] = numpy.array([float(v) for v in values])
        except ValueError:
            columns[name] = numpy.array(values)
    return columns


def nc1(activations, labels):
    """tr(S_W)/tr(S_B): within-class scatter per row over 1/C Σ ‖μ_c − mean of the μ‖²."""
    classes = numpy.unique(labels)
    means = numpy.stack([activations[labels == c].mean(0) for c in classes])
    within = sum(((activations[labels == c] - means[i]) ** 2).sum() for i, c in enumerate(classes))
    between = ((means - means.mean(0)) ** 2).sum() / len(classes)
    return within / len(labels) / between
