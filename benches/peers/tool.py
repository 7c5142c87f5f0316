"""What every tool of must_pass.py has to be able to do.

A tool is asked to make a fresh project of the small pipeline (two upstream fits, `size` on columns a
and b and `kind` on b and c, and one consumer, `final`), to run it, and to make the changes that the
checks are about. A run gives the list of fits that were really executed.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

ROWS, MANY_ROWS = 600, 20_000
PATIENCE = 120  # seconds for anything


class Failed(Exception):
    """A run that should have succeeded did not."""


def rows(count):
    """The table: id, four inputs, a column that nobody reads, three targets."""
    draw = random.Random(5)
    lines = ["id,a,b,c,d,unread,size,kind,final"]
    for row in range(count):
        a, b, c, d = (draw.uniform(-1, 1) for _ in range(4))
        size, kind = 2 * a + b * b + draw.uniform(-0.05, 0.05), b + c > 0
        final = size > 0.1 and kind or d > 0.8
        cells = [row, f"{a:.6f}", f"{b:.6f}", f"{c:.6f}", f"{d:.6f}", draw.choice(["red", "green", "blue"])]
        cells += [f"{size:.6f}", str(kind).lower(), str(final).lower()]
        lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def wait_until(true, what):
    """Waits for something that must come."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > PATIENCE:
            raise Failed(f"waited in vain until {what}")
        time.sleep(0.005)


def flip(path, at):
    """Changes one bit as a disk would: neither times nor permissions of the file move."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class Run:
    """A run under way, in a process group of its own."""

    def __init__(self, tool, command):
        self.tool, self.command = tool, command
        self.child = subprocess.Popen(
            command, cwd=tool.project, env=tool.environment, start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def end(self):
        """Waits for its end; exit code, stdout, stderr."""
        try:
            out, err = self.child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.command} did not end") from None
        return self.child.returncode, out, err

    def kill(self):
        """SIGKILL to everything that it started."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.communicate()


class Tool:
    """One tool with its current project. What a tool cannot do it leaves as it is here."""

    name = ""
    table = "rows.csv"
    consumer, second = "final", "other"

    def __init__(self, folder):
        self.folder, self.count, self.project = folder / self.name, 0, None
        self.environment = {**os.environ, "NO_COLOR": "1"}

    def fresh(self, count=ROWS):
        """A new project that was never run, with a table of so many rows."""
        self.count += 1
        self.project = self.folder / str(self.count)
        self.project.mkdir(parents=True)
        self.write(self.table, rows(count))
        self.setup()

    def ready(self, count=ROWS):
        """A new project after its first run."""
        self.fresh(count)
        if sorted(set(self.run())) != ["final", "kind", "size"]:
            raise Failed("the first run did not execute everything")

    def setup(self):
        """Writes the tool's pipeline."""
        raise NotImplementedError

    def start(self, *targets):
        """Starts a run; without targets, of `final`."""
        raise NotImplementedError

    def finish(self, run, seen):
        """Ends a run; the fits that were executed since `seen`, a mark made by [`mark`]."""
        code, out, err = run.end()
        if code:
            raise Failed(f"{self.name} ended with {code}: {(out + err)[-600:]}")
        return self.executed()[seen:]

    def mark(self):
        """How many fits have been executed so far."""
        return len(self.executed())

    def executed(self):
        """All fits that were executed in this project."""
        log = self.path("executed.log")
        return log.read_text().split() if log.exists() else []

    def run(self, *targets):
        """A plain run that must succeed; the fits that it executed."""
        seen = self.mark()
        return self.finish(self.start(*targets), seen)

    def path(self, name):
        """A file of the project."""
        return self.project / name

    def write(self, name, text):
        """Writes a file of the project."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def edit(self, name, old, new):
        """Replaces text that must be there, once."""
        text = self.path(name).read_text()
        if old not in text:
            raise Failed(f"{old!r} is not in {name}")
        self.write(name, text.replace(old, new, 1))

    def peer_files(self, *names):
        """Copies files that lie beside this one."""
        for name in names:
            shutil.copy(pathlib.Path(__file__).parent / name, self.path(name))

    def change_column(self, column, change):
        """Changes every cell of one column of the table."""
        head, *lines = self.path(self.table).read_text().splitlines()
        at = head.split(",").index(column)
        cells = [line.split(",") for line in lines]
        for row in cells:
            row[at] = change(row[at])
        self.write(self.table, "\n".join([head, *(",".join(row) for row in cells)]) + "\n")

    def touch(self):
        """Writes the table anew with the same content."""
        time.sleep(0.02)
        self.write(self.table, self.path(self.table).read_text())

    # What the checks change. Each returns nothing unless it says so.

    def comment(self):
        """Adds a comment to the pipeline file and changes the order of keys."""
        raise NotImplementedError

    def parameter(self, changed):
        """Sets a parameter that moves what `size` gives, or sets it back."""
        raise NotImplementedError

    def run_to_equal_output(self):
        """Makes `size` execute again and give what it gave; the fits of that run."""
        raise NotImplementedError

    def remove_parameter(self):
        """Takes a parameter of `size` out of the pipeline."""
        raise NotImplementedError

    # The checks that are not the same for all tools.

    def removed(self):
        """Is a removed parameter noticed?"""
        self.ready()
        self.remove_parameter()
        return "size" in self.run()

    def edit_during_run(self):
        """Is an edit of the table, after `size` has read it, noticed: now or by the next run?"""
        self.fresh()
        self.write("hold-size", "")
        seen = self.mark()
        run = self.start()
        wait_until(lambda: "size" in self.executed(), "size is executed")
        time.sleep(0.3)
        self.change_column("a", lambda cell: f"{cell}1")
        time.sleep(0.05)
        self.path("hold-size").unlink()
        self.finish(run, seen)
        return "size" in self.run()

    def corrupted(self):
        """Is a flipped bit in a stored result noticed? `None` where nothing is stored."""
        raise NotImplementedError

    def two_runs(self):
        """Do two runs at once, that share an up-to-date parent, succeed and do nothing twice?"""
        self.ready()
        self.second_consumer()
        self.forget_consumer()
        self.write(f"hold-{self.consumer}", "")
        seen = self.mark()
        first = self.start(self.consumer)
        wait_until(lambda: self.executed()[seen:] == [self.consumer], "the first run is in its fit")
        second, _, said = self.start(self.second).end()
        self.path(f"hold-{self.consumer}").unlink()
        code, _, _ = first.end()
        if code:
            raise Failed("the first of two runs failed")
        self.explain(second, said)
        return second == 0 and sorted(self.executed()[seen:]) == sorted([self.consumer, self.second])

    def second_consumer(self):
        """Adds `other`, fed by `size`."""
        raise NotImplementedError

    def forget_consumer(self):
        """Makes `final` stale, and nothing else: column d moves nothing but it where tools see columns."""
        raise NotImplementedError

    def killed(self):
        """Does a plain run succeed after SIGKILL?"""
        self.fresh()
        self.write("hold-size", "")
        run = self.start()
        wait_until(lambda: "size" in self.executed(), "size is executed")
        time.sleep(0.2)
        run.kill()
        self.path("hold-size").unlink()
        code, _, said = self.start().end()
        self.explain(code, said)
        return code == 0

    def explain(self, code, said):
        """Shows why a run failed, so that a reader can tell a tool's refusal from a bench's mistake."""
        if code:
            print(f"{self.name} ended with {code}: {said.strip()[-500:]}", file=sys.stderr)

    def code(self):
        """Is a change of the fits' own code noticed, and of a module that they import?"""
        self.ready()
        self.own_code()
        own = bool(self.run())
        self.ready()
        self.edit("helper.py", "at % 7 + 1", "at % 5 + 1")
        return own, bool(self.run())

    def own_code(self):
        """Changes the code of a fit itself so that it gives something else."""
        raise NotImplementedError
