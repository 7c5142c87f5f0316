"""The tables of the confirmation, each made into one CSV file with labels for every change.

Each table has an upstream expert A with a coarse label `z`, a consumer B with the real one `y`, and
for chains of three a third expert C with the label `w`. Columns beside the table's own: `u`, uniform in 0..1 (rows by `where`),
and the labels that the changes of A need: `z_s5` and `z_s20` (a share of labels shuffled), `z_neg`
(negated), `z_scaled`, `z_moved` (the rule of the label moved), `z_other` (another question
altogether), `z_bent` (a non-linear recoding), `z_slice` (wrong on a part of the rows).
"""

import csv
import gzip
import math
import pathlib
import random
import statistics


def read(path):
    """Rows of a CSV file with a header, as texts by column."""
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    with opened as file:
        return list(csv.DictReader(file))


def headless(path, width):
    """Rows of a CSV file without a header: x0, x1, … and `last`."""
    names = [f"x{i}" for i in range(width)] + ["last"]
    with gzip.open(path, "rt") as file:
        return [dict(zip(names, row)) for row in csv.reader(file)]


def thin(rows, most, seed=1):
    """At most so many rows, drawn."""
    draw = random.Random(seed)
    return rows if len(rows) <= most else draw.sample(rows, most)


def wine(data):
    rows = read(data / "wine-quality/winequality.csv")
    x = [c for c in rows[0] if c not in ("quality", "colour")]
    y = [float(r["quality"]) for r in rows]
    return rows, x, y, "regression", [v >= 6 for v in y], x[:7], x[5:], [v >= 5 for v in y]


def magic(data):
    rows = thin(read(data / "keel-uci/magic.csv"), 12000)
    x = [f"f{i}" for i in range(10)]
    y = [r["class"].strip() for r in rows]
    z = [v == "g" for v in y]
    length = statistics.median(float(r["f0"]) for r in rows)
    moved = [a or float(r["f0"]) > 2.5 * length for a, r in zip(z, rows)]
    return rows, x, y, "classification", z, x[:6], x[4:], moved


def letter(data):
    rows = thin(read(data / "keel-uci/letter.csv"), 12000)
    x = [f"f{i}" for i in range(16)]
    y = [r["class"].strip() for r in rows]
    return rows, x, y, "classification", [v in "AEIOU" for v in y], x[:10], x[6:], [v in "AEIOUY" for v in y]


def satimage(data):
    rows = read(data / "keel-uci/satimage.csv")
    x = [f"f{i}" for i in range(36)]
    y = ["c" + r["class"].strip() for r in rows]
    return rows, x, y, "classification", [v in ("c1", "c2") for v in y], x[:16], x[14:], [v in ("c1", "c2", "c3") for v in y]


def beijing(data):
    rows = [r for r in read(data / "beijing-pm25/pollution.csv") if r["pm2.5"] not in ("NA", "", "0")]
    rows = thin(rows, 12000)
    x = ["month", "hour", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    pm = [float(r["pm2.5"]) for r in rows]
    y = [math.log(v) for v in pm]
    return rows, x, y, "regression", [v > 75 for v in pm], x[:6], x[2:], [v > 100 for v in pm]


def kin40k(data):
    rows = thin(headless(data / "uci-regression/kin40k/data.csv.gz", 8), 12000)
    x = [f"x{i}" for i in range(8)]
    y = [float(r["last"]) for r in rows]
    return rows, x, y, "regression", y, x[:6], x[3:], [min(v, 1.0) for v in y]


def energy(data):
    rows = headless(data / "uci-regression/energy/data.csv.gz", 8)
    x = [f"x{i}" for i in range(8)]
    y = [float(r["last"]) for r in rows]
    return rows, x, y, "regression", y, x[:5], x[3:], [min(v, 5.0) for v in y]


TABLES = {f.__name__: f for f in (wine, magic, satimage, letter, beijing, kin40k, energy)}


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def write(name, data, path, seed=5):
    """Writes the CSV file of a table and returns what its pipeline needs to know."""
    rows, x, y, task, z, first, second, moved = TABLES[name](data)
    draw = random.Random(seed)
    numeric = not isinstance(z[0], bool)

    def shuffled(share):
        out = list(z)
        chosen = draw.sample(range(len(out)), int(share * len(out)))
        values = [out[i] for i in chosen]
        draw.shuffle(values)
        for i, value in zip(chosen, values):
            out[i] = value
        return out

    probe = [float(r[first[0]]) for r in rows]
    middle = statistics.median(probe)
    mean = statistics.fmean(z) if numeric else None
    other = [float(r[first[1]]) for r in rows]
    half = statistics.median(other)
    labels = {
        "z": z,
        "z_s5": shuffled(0.05),
        "z_s20": shuffled(0.20),
        "z_s60": shuffled(0.60),
        "z_neg": [-v for v in z] if numeric else [not v for v in z],
        "z_scaled": [10.0 * v + 3.0 for v in z] if numeric else z,
        "z_moved": moved,
        "z_other": other if numeric else [v > half for v in other],
        "z_bent": [abs(v - mean) for v in z] if numeric else [a != (b > middle) for a, b in zip(z, probe)],
        "z_slice": [(-v if numeric else not v) if b > middle else v for v, b in zip(z, probe)],
    }
    if task == "regression":
        top = sorted(y)[int(0.7 * len(y))]
        w = [v > top for v in y]
    else:
        first_class = sorted(set(y))[0]
        w = [v <= sorted(set(y))[len(set(y)) // 2] if len(set(y)) > 2 else v == first_class for v in y]
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "u", *x, *labels, "y", "w"])
        for i, row in enumerate(rows):
            cells = [text(values[i]) for values in labels.values()]
            out.writerow([i, f"{draw.random():.6f}", *(row[c] for c in x), *cells, text(y[i]), text(w[i])])
    output = "value" if numeric else "logit"
    return {"rows": len(rows), "first": first, "second": second, "task": task, "output": output,
            "numeric": numeric, "inputs": x}
