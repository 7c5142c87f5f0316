"""A stand-in for a fit, for DVC (`stage.py NAME`) and Snakemake (`script: "stage.py"`).

It says in `executed.log` that it was executed, reads everything, waits for as long as a file
`hold-NAME` lies in the folder, and writes a number that depends on all that it read.
"""

import json
import pathlib
import sys

import helper
import hold

COLUMNS = {"size": ["a", "b"], "kind": ["b", "c"], "final": ["d"], "other": []}
UPSTREAM = {"size": [], "kind": [], "final": ["size", "kind"], "other": ["size"]}


def fit(name, rate):
    """Executes one stage."""
    helper.executed(name)
    values = [value for column in COLUMNS[name] for value in helper.table()[column]]
    values += [float(pathlib.Path(f"{source}.out").read_text()) for source in UPSTREAM[name]]
    hold.waited(name)
    pathlib.Path(f"{name}.out").write_text(f"{rate * helper.combine(values):.6f}\n")


if "snakemake" in globals():
    fit(snakemake.rule, snakemake.params.get("rate", 1.0))  # noqa: F821, Snakemake puts it there
else:
    settings = json.loads(pathlib.Path("params.json").read_text())
    fit(sys.argv[1], settings.get(sys.argv[1], {}).get("rate", 1.0))
