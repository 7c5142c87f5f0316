#!/usr/bin/env python3
"""The must-pass list of incremental retraining, on four tools: see must_pass.sh.

    must_pass.py --collegium BINARY --folder DIR [--tool NAME…] [--peers FOLDER-OF-PROGRAMS]

Everything in the table that it prints is counted or looked at in this run. A check that a tool's
project could not be brought to (an error where success was expected) is a cell that says `error`.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from tool import MANY_ROWS, Failed  # noqa: E402
from with_collegium import Collegium  # noqa: E402
from with_dvc import Dvc  # noqa: E402
from with_hamilton import Hamilton  # noqa: E402
from with_snakemake import Snakemake  # noqa: E402


def touch(tool):
    """An input is written anew with the same content."""
    tool.ready()
    tool.touch()
    return len(tool.run())


def touch_large(tool):
    """The same, with more than a megabyte."""
    tool.ready(MANY_ROWS)
    assert tool.path(tool.table).stat().st_size > 1_000_000
    tool.touch()
    return len(tool.run())


def comment(tool):
    """A comment, the order of keys."""
    tool.ready()
    tool.comment()
    return len(tool.run())


def unread(tool):
    """A column that no fit uses."""
    tool.ready()
    tool.change_column("unread", lambda cell: f"dark {cell}")
    return len(tool.run())


def cutoff(tool):
    """An upstream executes again, to equal output; is its consumer left alone?"""
    tool.ready()
    fits = set(tool.run_to_equal_output())
    if "size" not in fits:
        raise Failed("the upstream was not executed")
    return "final" not in fits


def revert(tool):
    """Change, run, change back, run: fits of the last."""
    tool.ready()
    tool.parameter(True)
    if not {"size", "final"} <= set(tool.run()):
        raise Failed("the change was not noticed")
    tool.parameter(False)
    return len(tool.run())


CHECKS = {
    "touch": ("fits after a touch of an input", touch),
    "touch large": ("the same with an input of more than 1 MB", touch_large),
    "comment": ("fits after a comment or another order of keys in the pipeline file", comment),
    "unread": ("fits after a change of a column that nobody reads", unread),
    "cutoff": ("early cutoff: an upstream executed to equal output leaves its consumer alone", cutoff),
    "revert": ("fits after change, run, change back", revert),
    "during": ("an edit of an input during the run is noticed", lambda tool: tool.edit_during_run()),
    "removed": ("a removed parameter is noticed", lambda tool: tool.removed()),
    "corrupted": ("a flipped bit in a stored result is noticed", lambda tool: tool.corrupted()),
    "two": ("two runs at once that share an up-to-date parent succeed, nothing twice", lambda tool: tool.two_runs()),
    "killed": ("kill -9, then a plain run succeeds", lambda tool: tool.killed()),
    "code": ("a change of the fits' own code, of a module behind it, is noticed", lambda tool: tool.code()),
}

# What a reader needs to know to read a cell fairly.
NOTES = {
    ("touch large", "snakemake"): "It compares times, and checksums only of files below `--max-checksum-file-size`, "
    "1 MB by default.",
    ("unread", "dvc"): "The table is one file. A stage of its own that splits it into columns would spare the fits "
    "(early cutoff).",
    ("unread", "snakemake"): "The table is one file.",
    ("cutoff", "collegium"): "`run --force size`; the peers get a changed parameter that does not move the output.",
    ("during", "collegium"): "Said in the run's notes, and fitted again by the next run; the earlier result stays "
    "filed under what was read.",
    ("during", "hamilton"): "The run does not say so, but keys are made of what was read, so the next run sees it.",
    ("removed", "collegium"): "A removed input too.",
    ("removed", "hamilton"): "A parameter is an argument of the function, so removing it changes the function's code.",
    ("corrupted", "snakemake"): "It keeps no store: outputs are plain files in the work folder.",
    ("code", "collegium"): "The code is Collegium's own: `engine.epoch` is an ingredient of every stored fit, and "
    "golden tests fail when results move and the epoch does not.",
    ("code", "dvc"): "The script is listed among the stages' dependencies, the module that it imports is not.",
    ("code", "snakemake"): "The rules' `script:`, and a module that it imports.",
    ("code", "hamilton"): "The function, and a module that it calls into.",
}


def cell(value):
    """A result, as it is shown, and whether it is a pass."""
    if isinstance(value, tuple):
        return ", ".join(cell(part)[0] for part in value), all(value)
    if value is None:
        return "–", False
    if isinstance(value, bool):
        return ("yes" if value else "no"), value
    return str(value), value == 0


def version(tool, programs):
    """What a tool calls itself."""
    asked = {
        "dvc": ["dvc", "--version"],
        "snakemake": ["snakemake", "--version"],
        "hamilton": ["python", "-c", "import hamilton.version as v; print('.'.join(str(n) for n in v.VERSION))"],
    }.get(tool.name)
    if asked is None:
        return ""
    said = subprocess.run(asked, env=programs, capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else None


def main():
    """Runs all checks on all tools and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--peers", default="")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--tool", action="append")
    asked = parser.parse_args()
    if asked.peers:
        os.environ["PATH"] = f"{asked.peers}:{os.environ['PATH']}"
    folder = asked.folder.resolve()
    tools = [Collegium(folder, asked.collegium), Dvc(folder), Snakemake(folder), Hamilton(folder)]
    tools = [tool for tool in tools if not asked.tool or tool.name in asked.tool]
    cells, failed, notes, used = {}, False, [], []
    for tool in tools:
        found = version(tool, os.environ)
        if found is None:
            print(f"SKIPPED: {tool.name} is not installed", file=sys.stderr)
            continue
        used.append((tool, f"{tool.name} {found}".strip()))
        for key, (words, check) in CHECKS.items():
            print(f"{tool.name}: {words} …", file=sys.stderr)
            try:
                shown, passed = cell(check(tool))
            except (Failed, AssertionError) as error:
                traceback.print_exc()
                print(f"{tool.name}: {error}", file=sys.stderr)
                shown, passed = "error", False
            cells[key, tool.name] = shown
            failed |= tool.name == "collegium" and not passed
    print("| check | " + " | ".join(title for _, title in used) + " |")
    print("|---|" + "---|" * len(used))
    for key, (words, _) in CHECKS.items():
        row = []
        for tool, _ in used:
            mark = ""
            if note := NOTES.get((key, tool.name)):
                notes = notes if note in notes else [*notes, note]
                mark = f" ({notes.index(note) + 1})"
            row.append(cells[key, tool.name] + mark)
        print(f"| {words} | " + " | ".join(row) + " |")
    print()
    for at, note in enumerate(notes):
        print(f"{at + 1}. {note}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
