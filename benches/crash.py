#!/usr/bin/env python3
"""Harms runs and stores, and looks at what the next plain run makes of it: see crash.sh.

    crash.py --collegium BINARY --fail-io PROGRAM --folder DIR [--share SHARE] [--part NAME…]

Every case gets a project of its own below DIR: 40 experts in five levels, five of them with folds.
A case passes if the project ends with the objects and the lock of an undisturbed one, byte for byte,
and if nothing in between was half-written. Which moments, calls and bytes are hit is drawn with a
fixed seed.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import time
import tomllib

LEVELS = [("a", 16), ("b", 12), ("c", 8), ("d", 3), ("e", 1)]
COLUMNS = 8
ROWS = 160
SIDE_BY_SIDE = 2
KILLS, ERRORS, DEAD_DISKS, FLIPS = 200, 40, 20, 200
WAY_OUT = "run again"
LOCK = "forty.lock"
RECORDS = ("objects", "recipes", "realisations")


def pipeline():
    """The 40 experts. Two of the second level and one of the third read their upstreams out of fold."""
    text = '[pipeline]\nname = "forty"\nseed = 11\n\n[data.t]\npath = "forty.csv"\n'
    text += 'split = { train = 0.6, valid = 0.2, test = 0.2, by = ["id"] }\n'
    above = []
    for level, (letter, count) in enumerate(LEVELS):
        for at in range(count):
            inputs = [f"t.x{(at + level) % COLUMNS}", f"t.x{(at + level + 3) % COLUMNS}"]
            inputs += [f"{above[(at + step) % len(above)]}.value" for step in (0, 5)] if above else []
            text += f"\n[expert.{letter}{at}]\ninputs = {json.dumps(inputs)}\ntarget = \"t.y\"\n"
            folds = level == 1 and at < 2 or level == 2 and at == 0
            text += "" if folds or not above else 'upstream = "in-sample"\n'
            # No two experts alike: they would share their fits.
            rate = 0.01 * (at + 1)
            text += 'model = { type = "mlp", hidden = [4] }\n'
            text += f"train = {{ epochs = 2, batch = 32, patience = 0, learning_rate = {rate:.2f} }}\n"
        above = [f"{letter}{at}" for at in range(count)]
    return text + "\n[evaluate]\nbaselines = []\n\n[audit]\nrows = 30\nbootstrap = 3\n"


def table():
    """Eight columns of noise and a target that depends on them."""
    draw = random.Random(1)
    lines = ["id," + ",".join(f"x{at}" for at in range(COLUMNS)) + ",y"]
    for row in range(ROWS):
        x = [draw.gauss(0, 1) for _ in range(COLUMNS)]
        y = x[0] - x[1] * x[2] + sum(x[3:]) / 3 + draw.gauss(0, 0.1)
        lines.append(f"{row}," + ",".join(f"{value:.4f}" for value in [*x, y]))
    return "\n".join(lines) + "\n"


FAULTS = ("number", "lock", "panic", "code", "other")


class Wrong(Exception):
    """A case that did not end as it must; says how, and which of FAULTS it is."""

    def __init__(self, how, fault="other"):
        super().__init__(how)
        self.fault = fault


def ended(what, code, stderr):
    """An end that should have been another: a panic, an abort, or the wrong exit code."""
    fault = "panic" if code == 101 or code < 0 or code >= 128 or "panicked at" in stderr else "code"
    return Wrong(f"{what} ended with {code}: {stderr.strip()}", fault)


def tell(what, cases, faults):
    """A line for the table of trial.sh, in the file that COLLEGIUM_TALLY names."""
    if name := os.environ.get("COLLEGIUM_TALLY"):
        with open(name, "a", encoding="utf-8") as file:
            print(what, cases, *(faults.get(fault, 0) for fault in FAULTS), sep="\t", file=file)


class Bench:
    """The projects, and what an undisturbed one looks like."""

    def __init__(self, collegium, fail_io, folder, share=1.0):
        self.collegium, self.fail_io, self.folder, self.share = collegium, fail_io, folder, share
        whole = self.fresh("undisturbed")
        self.fits = self.run(whole)
        self.sound = self.standing(whole)
        names = [f"timed{at}" for at in range(6)]
        self.seconds = statistics.median(self.side_by_side(self.timed, names))

    def timed(self, name):
        """Seconds of an undisturbed run beside another one, as all cases are run."""
        project = self.fresh(name)
        started = time.perf_counter()
        self.run(project)
        seconds = time.perf_counter() - started
        self.equal(project)
        shutil.rmtree(project)
        return seconds

    def fresh(self, name, folder=None):
        """A project without a store."""
        project = folder or self.folder / name
        (project / "pipelines").mkdir(parents=True, exist_ok=True)
        (project / "pipelines/forty.toml").write_text(pipeline())
        (project / "pipelines/forty.csv").write_text(table())
        return project

    def command(self, project, *words):
        """The command line of a run."""
        return [self.collegium, "-C", str(project), "run", "--quiet", "--json", "--jobs", "2", *words]

    def run(self, project, *words):
        """A plain run, which must end well; how many fits it executed."""
        said = subprocess.run(self.command(project, *words), capture_output=True, text=True)
        if said.returncode != 0:
            raise ended("the plain run", said.returncode, said.stderr)
        return sum(node["fits"] for node in json.loads(said.stdout)["nodes"])

    @staticmethod
    def standing(project):
        """Objects and recipes by name, and the lock."""
        found = {}
        for part in ("objects", "recipes"):
            root = project / ".collegium" / part
            found |= {str(f.relative_to(root.parent)): f.read_bytes() for f in root.rglob("*") if f.is_file()}
        lock = project / "pipelines" / LOCK
        if lock.exists():
            found[LOCK] = lock.read_bytes()
        return found

    def equal(self, project):
        """It must stand where the undisturbed one stands."""
        found = self.standing(project)
        if found != self.sound:
            names = [name for name in {*found, *self.sound} if found.get(name) != self.sound.get(name)]
            both = any(name in found and name in self.sound for name in names)
            fault = "lock" if LOCK in names else "number" if both else "other"
            raise Wrong(f"differs from the undisturbed project in {len(names)} files: {sorted(names)[:3]}", fault)

    def whole(self, project):
        """What a harmed run left may be less than everything, but each file must be whole."""
        for name, content in self.standing(project).items():
            if content != self.sound.get(name) and not (name == LOCK and self.part_of_lock(content)):
                raise Wrong(f"{name} is half-written or does not belong")

    def part_of_lock(self, content):
        """A run that failed may have locked some nodes, each of them as the undisturbed one did."""
        read = lambda lock: tomllib.loads(lock.decode())
        try:
            found, sound = read(content), read(self.sound[LOCK])
        except ValueError:
            return False
        inside = lambda table: found.get(table, {}).items() <= sound.get(table, {}).items()
        return found.keys() <= sound.keys() and found["format"] == sound["format"] and inside("data") and inside("node")

    @staticmethod
    def side_by_side(work, cases):
        """Works on all cases, two at a time."""
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return list(pool.map(work, cases))

    def some(self, count):
        """The share of so many cases that was asked for; one at least."""
        return max(1, round(count * self.share))

    def cases(self, what, work, cases):
        """Counts what became of the cases; prints those that went wrong."""
        faults = collections.Counter()

        def guarded(case):
            try:
                return True, work(case)
            except Wrong as wrong:
                print(f"FAILED: {what}, case {case}: {wrong}", file=sys.stderr)
                faults[wrong.fault] += 1
                return False, "went wrong"

        came = self.side_by_side(guarded, cases)
        counts = collections.Counter(outcome for _, outcome in came)
        tell(what, len(came), faults)
        return what, len(came), sum(good for good, _ in came), counts


def kills(bench):
    """SIGKILL at a random moment of a cold run."""
    draw = random.Random(2)
    left = []

    def case(at):
        number, moment = at
        project = bench.fresh(f"kill{number}")
        child = subprocess.Popen(bench.command(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moment)
        child.kill()
        killed = child.wait() < 0
        bench.whole(project)
        left.append(bench.run(project))
        bench.equal(project)
        shutil.rmtree(project)
        return "killed" if killed else "had ended before"

    moments = list(enumerate(draw.uniform(0, bench.seconds) for _ in range(bench.some(KILLS))))
    result = bench.cases("SIGKILL, then a run", case, moments)
    if left:
        cuts = statistics.quantiles(left, n=4)
        print(f"fits left to the run after the kill, of {bench.fits}: quartiles {cuts}, {min(left)} to {max(left)}")
    return [result]


def mounted(folder, options):
    """Makes a file system in memory; says whether that was allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        print(f"SKIPPED: full disk: {made.stderr.strip()}", file=sys.stderr)
    return made.returncode == 0


def full(bench):
    """A file system that fills during the run, by bytes and by files; then it grows."""
    probe = bench.folder / "probe"
    if not mounted(probe, "size=64m"):
        return [("full disk, then a run", 0, 0, collections.Counter({"SKIPPED, mounting is not allowed": 1}))]
    try:
        bench.fresh("probe", probe)
        before = os.statvfs(probe)
        bench.run(probe)
        after = os.statvfs(probe)
    finally:
        subprocess.run(["umount", probe], check=True)
    used = lambda s: ((s.f_blocks - s.f_bfree) * s.f_frsize, s.f_files - s.f_ffree)
    (bytes0, files0), (bytes1, files1) = used(before), used(after)

    def case(limit):
        kind, share = limit
        start, end = (bytes0, bytes1) if kind == "size" else (files0, files1)
        # The input files must fit; a page or an inode more than that, up to a little less than all.
        room = start + max(1, round((end - start) * share))
        room = -(-room // 4096) * 4096 if kind == "size" else room
        project = bench.folder / f"full-{kind}-{share}"
        if not mounted(project, f"{kind}={room}"):
            raise Wrong("a second mount was refused")
        try:
            bench.fresh("", project)
            said = subprocess.run(bench.command(project), capture_output=True, text=True)
            if said.returncode not in (0, 7):
                raise ended("the run", said.returncode, said.stderr)
            if said.returncode == 7 and WAY_OUT not in said.stderr:
                raise Wrong(f"names no way out: {said.stderr.strip()}")
            bench.whole(project)
            subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=100000", project], check=True)
            bench.run(project)
            bench.equal(project)
            return "code 7" if said.returncode else "had room enough"
        finally:
            subprocess.run(["umount", project], check=True)

    shares = [at / 12 for at in range(12)] + [0.97, 0.99]
    return [
        bench.cases("no bytes left, then a run", case, [("size", share) for share in shares]),
        bench.cases("no inodes left, then a run", case, [("nr_inodes", share) for share in shares[::2]]),
    ]


def errors(bench):
    """EIO for one call, or from one call on."""
    if not bench.fail_io:
        print("SKIPPED: EIO: the program that injects it cannot be built or run here", file=sys.stderr)
        return [("EIO, then a run", 0, 0, collections.Counter({"SKIPPED": 1}))]
    draw = random.Random(3)

    def injected(project, which):
        report = bench.folder / f"{project.name}.calls"
        command = [bench.fail_io, which, str(project), str(report), "--", *bench.command(project)]
        said = subprocess.run(command, capture_output=True, text=True)
        calls, failed = report.read_text().strip().split(" ", 1)
        return said, int(calls), failed

    said, calls, _ = injected(bench.fresh("counted"), "0")
    if said.returncode:
        raise Wrong(f"counting calls: {said.stderr}")
    print(f"calls that change files in an undisturbed run: {calls}")

    def case(which):
        project = bench.fresh(f"eio{which}")
        said, _, failed = injected(project, which)
        if said.returncode not in (0, 7):
            raise ended(failed, said.returncode, said.stderr)
        if said.returncode == 7 and WAY_OUT not in said.stderr:
            raise Wrong(f"{failed}: names no way out: {said.stderr.strip()}")
        bench.whole(project)
        bench.run(project)
        bench.equal(project)
        shutil.rmtree(project)
        call = failed.split(" ")[0]
        if call == "nothing":
            return "ended before that call"
        return f"{call}: {'code 7' if said.returncode else 'did not matter'}"

    once = [str(draw.randint(1, calls)) for _ in range(bench.some(ERRORS))]
    on = [f"{draw.randint(1, calls)}+" for _ in range(bench.some(DEAD_DISKS))]
    return [
        bench.cases("EIO for one call, then a run", case, once),
        bench.cases("EIO from one call on, then a run", case, on),
    ]


def told(content):
    """A realisation without what differs from fit to fit: times, and the checksum over them."""

    def less(value):
        if isinstance(value, dict):
            fickle = ("digest", "cost", "created")
            return {key: less(inner) for key, inner in value.items() if key not in fickle}
        return [less(inner) for inner in value] if isinstance(value, list) else value

    return less(json.loads(content))


def flips(bench):
    """One byte of a finished project's store changed; then a run with an audit."""
    return [
        flipped(bench, "a byte flipped, then a first run --audit", bench.some(FLIPS), ()),
        flipped(bench, "the same after an audit, then another", bench.some(FLIPS // 4), ("--audit",)),
    ]


def flipped(bench, what, count, words):
    """Flips in copies of a project that was finished by `run` with these words."""
    sound = bench.fresh("finished" + "".join(words))
    bench.run(sound, *words)
    store = sound / ".collegium"
    names = {part: sorted(str(f.relative_to(store)) for f in (store / part).rglob("*") if f.is_file()) for part in RECORDS}
    contents = {name: (store / name).read_bytes() for part in RECORDS for name in names[part]}
    lock = (sound / "pipelines" / LOCK).read_bytes()
    draw = random.Random(4)

    def same(name, found):
        if found == contents[name]:
            return True
        try:
            return name.startswith("realisations") and told(found) == told(contents[name])
        except ValueError:
            return False

    def case(at):
        number, name, byte, bit = at
        project = bench.folder / f"flip{len(words)}-{number}"
        shutil.copytree(sound, project)
        harmed = project / ".collegium" / name
        content = bytearray(contents[name])
        content[byte % len(content)] ^= 1 << bit
        harmed.unlink()  # it is read-only
        harmed.write_bytes(content)
        bench.run(project, "--audit")
        for other in contents:
            file = project / ".collegium" / other
            if not file.exists():
                if other != name:
                    raise Wrong(f"{other} was sound and is gone")
            elif not same(other, file.read_bytes()) and not (other == name and file.read_bytes() == content):
                raise Wrong(f"{other} has another content than it had", "number")
        if (project / "pipelines" / LOCK).read_bytes() != lock:
            raise Wrong("another lock", "lock")
        outcome = "gone, not needed" if not harmed.exists() else None
        outcome = outcome or ("not read" if harmed.read_bytes() == content else "mended")
        shutil.rmtree(project)
        return f"{name.split('/')[0]} {outcome}"

    def drawn(number):
        # Objects, recipes and realisations in turn, however many there are of each.
        return number, draw.choice(names[RECORDS[number % 3]]), draw.randrange(1 << 30), draw.randrange(8)

    return bench.cases(what, case, [drawn(number) for number in range(count)])


PARTS = {"kills": kills, "full": full, "errors": errors, "flips": flips}


def main():
    """Runs the parts asked for, prints the table, fails if a case did."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--collegium", required=True)
    parser.add_argument("--fail-io", default="")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--part", choices=PARTS, action="append")
    asked = parser.parse_args()
    bench = Bench(asked.collegium, asked.fail_io, asked.folder.resolve(), asked.share)
    print(f"undisturbed: {bench.fits} fits, {bench.seconds:.3f} s beside another run, {len(bench.sound)} files")
    rows = [row for part in asked.part or PARTS for row in PARTS[part](bench)]
    print("\n| harm | cases | as it must be | what became of them |\n|---|---:|---:|---|")
    for what, tried, good, counts in rows:
        ends = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        print(f"| {what} | {tried} | {good} | {ends} |")
    sys.exit(any(good < tried for _, tried, good, _ in rows))


if __name__ == "__main__":
    main()
