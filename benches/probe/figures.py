"""Figures beside what is expected of them."""

import sys

missed = []


def hold(what, good, found=""):
    """A figure that must be right."""
    print(f"{'holds' if good else 'FAILS'}: {what}{f': {found}' if found else ''}")
    if not good:
        missed.append(what)


def near(what, found, expected, tolerance):
    """One that must be near a known one."""
    good = abs(found - expected) <= tolerance
    hold(f"{what} {shown(found)}, expected {shown(expected)} within {tolerance:g}", good)


def beside(what, found, published):
    """One that was published under other conventions, and is held to nothing."""
    print(f"       {what} {listed(found)}; published {listed(published)}")


def listed(values):
    values = values if isinstance(values, (list, tuple)) else [values]
    return " ".join(shown(value) for value in values)


def shown(value):
    """Four digits after the point where the first two are nines."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if 0.985 <= abs(value) < 1 else f"{value:.3f}"


def done():
    if missed:
        print(f"{len(missed)} of the figures above are missed")
    sys.exit(bool(missed))
