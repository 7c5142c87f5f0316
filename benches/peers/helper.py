"""What the peers' stages import: the module whose change is or is not noticed."""

import csv


def combine(values):
    """Stands for the arithmetic of a fit."""
    return sum(value * (at % 7 + 1) for at, value in enumerate(values))


def executed(name):
    """One line for every execution: this is what is counted."""
    with open("executed.log", "a") as log:
        log.write(f"{name}\n")


def table(path="rows.csv"):
    """The columns of numbers."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [float(row[column]) for row in rows] for column in "abcd"}
