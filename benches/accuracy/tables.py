"""The 16 tables: columns, rows, target, and which rows are for training, validation and test."""

import csv
import gzip
import pathlib
from dataclasses import dataclass

import numpy

KEEL = ["letter", "satimage", "magic", "spambase", "optdigits", "segment", "splice", "german"]
UCI = ["protein", "kin40k", "airfoil", "energy", "concrete"]
NAMES = KEEL + ["adult", "bike", "wine"] + UCI


@dataclass
class Table:
    """Cells as texts, by row; a side for each row."""

    name: str
    header: list
    rows: list
    target: str
    classes: list  # empty: a number
    side: numpy.ndarray

    def column(self, name):
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def inputs(self):
        return [name for name in self.header if name != self.target]

    def matrix(self):
        """Numbers, categories as codes; and which columns are categories."""
        columns, categories = [], []
        for name in self.inputs():
            cells = self.column(name)
            try:
                columns.append(numpy.array([float(cell) for cell in cells]))
            except ValueError:
                codes = {level: code for code, level in enumerate(sorted(set(cells)))}
                categories.append(len(columns))
                columns.append(numpy.array([codes[cell] for cell in cells], dtype=float))
        return numpy.column_stack(columns), categories

    def truth(self):
        cells = self.column(self.target)
        if not self.classes:
            return numpy.array([float(cell) for cell in cells])
        codes = {level: code for code, level in enumerate(self.classes)}
        return numpy.array([codes[cell] for cell in cells])


def read(data, name):
    """Header, rows, target, is it a class, and a column whose equal values stay on one side."""
    if name in KEEL:
        cells = list(csv.reader(open(data / "keel-uci" / f"{name}.csv")))
        return cells[0], cells[1:], "class", True, None
    if name in UCI:
        rows = list(csv.reader(gzip.open(data / "uci-regression" / name / "data.csv.gz", "rt")))
        return [f"f{i}" for i in range(len(rows[0]) - 1)] + ["y"], rows, "y", False, None
    if name == "adult":
        parts = [list(csv.reader(open(data / "adult" / f"adult_{part}.csv"))) for part in ("train", "test")]
        return parts[0][0], parts[0][1:] + parts[1][1:], "income", True, None
    if name == "bike":
        cells = list(csv.reader(open(data / "bike-sharing" / "hour.csv")))
        return cells[0], cells[1:], "cnt", False, "dteday"
    cells = list(csv.reader(open(data / "wine-quality" / "winequality.csv")))
    return cells[0], cells[1:], "quality", False, None


# What counts the target, or names the row.
LEFT_OUT = {"bike": ["instant", "dteday", "casual", "registered"]}


def load(data, name, most):
    header, rows, target, is_class, by = read(pathlib.Path(data), name)
    random = numpy.random.default_rng(sum(map(ord, name)))
    rows = [[cell.strip() for cell in rows[i]] for i in random.permutation(len(rows))[:most]]
    if by is None:
        drawn = random.random(len(rows))
    else:
        groups = [row[header.index(by)] for row in rows]
        of = {group: random.random() for group in sorted(set(groups))}
        drawn = numpy.array([of[group] for group in groups])
    side = numpy.where(drawn < 0.7, "train", numpy.where(drawn < 0.85, "valid", "test"))
    kept = [i for i, column in enumerate(header) if column not in LEFT_OUT.get(name, [])]
    header = [header[i] for i in kept]
    rows = [[row[i] for i in kept] for row in rows]
    at = header.index(target)
    classes = sorted({row[at] for row in rows}) if is_class else []
    return Table(name, header, rows, target, classes, side)
