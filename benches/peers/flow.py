"""The pipeline as Hamilton has it: a function is a node, its arguments are its inputs.

The table is read in every run (`recompute` in hamilton_run.py), as Hamilton's documentation advises
for files; columns are nodes, so a fit depends on the content of the columns that it names.
"""

import helper
import hold
from hamilton.function_modifiers import extract_fields


@extract_fields({"a": list, "b": list, "c": list, "d": list})
def table(path: str) -> dict:
    """The columns."""
    return helper.table(path)


def size(a: list, b: list, size_rate: float, size_note: str) -> str:
    """The first fit."""
    helper.executed("size")
    hold.waited("size")
    return f"size {size_rate * helper.combine(a + b):.6f}"


def kind(b: list, c: list, kind_rate: float) -> str:
    """The second fit."""
    helper.executed("kind")
    hold.waited("kind")
    return f"kind {kind_rate * helper.combine(b + c):.6f}"


def final(size: str, kind: str, d: list) -> str:
    """The consumer."""
    helper.executed("final")
    hold.waited("final")
    return f"final {size} {kind} {helper.combine(d):.6f}"


def other(size: str) -> str:
    """A second consumer, asked for in one check."""
    helper.executed("other")
    hold.waited("other")
    return f"other {size}"
