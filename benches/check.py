"""Writes large pipelines, checks them, and holds the seconds against bounds; see check.sh."""

import argparse
import pathlib
import subprocess
import sys
import time

HEAD = """[data.t]
path = "t.csv"

[evaluate]
baselines = []

"""
EXPERT = """[expert.{name}]
inputs = [{inputs}]
target = "t.y"
{more}
"""


FED = 'upstream = "in-sample"'


def expert(name, inputs=("t.a",), more=""):
    quoted = ", ".join(f'"{one}"' for one in inputs)
    return EXPERT.format(name=name, inputs=quoted, more=more)


def experts(n):
    return "".join(expert(f"e{i}") for i in range(n))


def chain(n):
    return expert("e0") + "".join(expert(f"e{i}", ["t.a", f"e{i - 1}.value"], FED) for i in range(1, n))


def unknown_inputs(n):
    return expert("e", [f"t.x{i}" for i in range(n)])


def unknown_upstreams(n):
    return "".join(expert(f"e{i}", ["t.a", f"f{i}.value"]) for i in range(n))


def unknown_sources(n):
    return "".join(expert(f"e{i}", [f"u{i}.a"]) for i in range(n))


def extends_chain(n):
    return expert("e0") + "".join(f'[expert.e{i}]\nextends = "expert.e{i - 1}"\n' for i in range(1, n))


def unknown_extends(n):
    return "".join(expert(f"e{i}", more=f'extends = "expert.f{i}"') for i in range(n))


def circles(n):
    return "".join(expert(f"e{i}", ["t.a", f"e{(i + 1) % n}.value", "e0.value"]) for i in range(1, n)) + expert(
        "e0", ["t.a", "e1.value"]
    )


def misspelt(n):
    return "".join(expert(f"e{i}", more="trian = {}") for i in range(n))


KINDS = [
    (experts, 80_000),
    (chain, 80_000),
    (extends_chain, 4_000),
    (unknown_inputs, 8_000),
    (unknown_upstreams, 4_000),
    (unknown_sources, 8_000),
    (unknown_extends, 4_000),
    (circles, 8_000),
    (misspelt, 8_000),
]


def seconds(collegium, folder, text):
    folder.mkdir(parents=True)
    rows = "".join(f"{i},{i % 7},{i % 3 + 0.5}\n" for i in range(200))
    (folder / "t.csv").write_text("id,a,y\n" + rows)
    (folder / "p.toml").write_text(HEAD + text)
    start = time.monotonic()
    command = [collegium, "-C", str(folder), "check", "p.toml", "--json"]
    done = subprocess.run(command, capture_output=True)
    if done.returncode not in (0, 3):
        sys.exit(f"exit code {done.returncode}: {done.stderr[:500]}")
    return time.monotonic() - start


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--collegium", required=True)
    arguments.add_argument("--folder", required=True, type=pathlib.Path)
    arguments.add_argument("--most", type=float, default=1.0, help="seconds of a whole file")
    given = arguments.parse_args()
    wrong = False
    print(f"{'file':20} {'n':>7} {'n/4 [s]':>8} {'n [s]':>8}")
    for make, n in KINDS:
        folder = given.folder / make.__name__
        quarter = seconds(given.collegium, folder / "quarter", make(n // 4))
        whole = seconds(given.collegium, folder / "whole", make(n))
        # Below a tenth of a second the start of the process is most of it.
        slow = whole > given.most or whole > 7 * max(quarter, 0.1)
        wrong |= slow
        print(f"{make.__name__:20} {n:7} {quarter:8.2f} {whole:8.2f}{'  TOO SLOW' if slow else ''}")
    sys.exit(1 if wrong else 0)


main()
