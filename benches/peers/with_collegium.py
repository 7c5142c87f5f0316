"""Collegium itself: fits are counted by `run --json`."""

import json
import time

from tool import Failed, Run, Tool, flip, wait_until

EXPERT = """
[expert.{name}]
inputs = {inputs}
target = "rows.{target}"
model = {{ type = "mlp", hidden = [8] }}
train = {{ epochs = {epochs}, batch = 32, learning_rate = 0.01, patience = {epochs} }}
"""
PIPELINE = """[pipeline]
name = "small"
seed = 3

[data.rows]
path = "rows.csv"
split = { train = 0.7, valid = 0.15, test = 0.15, by = ["id"] }
"""
END = "\n[evaluate]\nbaselines = []\n\n[audit]\nrows = 100\nbootstrap = 5\n"
FILE = "pipelines/small.toml"


class Collegium(Tool):
    """`size` and `kind` feed `final` out of fold: six fits each, as it is by default."""

    name = "collegium"
    table = "pipelines/rows.csv"
    epochs = 4

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary, self.log = binary, []

    def setup(self):
        """The pipeline file."""
        self.log = []
        text = PIPELINE
        for name, inputs in [("size", ["rows.a", "rows.b"]), ("kind", ["rows.b", "rows.c"])]:
            text += self.expert(name, inputs, name)
        text += self.expert("final", ["size.value", "kind.logit", "rows.d"], "final")
        self.write(FILE, text + END)

    def expert(self, name, inputs, target):
        """One expert's table."""
        return EXPERT.format(name=name, inputs=json.dumps(inputs), target=target, epochs=self.epochs)

    def start(self, *targets, words=()):
        """`collegium run`"""
        return Run(self, [self.binary, "run", "--json", "--quiet", *words, *targets])

    def finish(self, run, seen):
        code, out, err = run.end()
        if code:
            raise Failed(f"ended with {code}: {err}")
        self.report = json.loads(out)
        self.log += [node["name"].removeprefix("expert.") for node in self.report["nodes"] for _ in node["fitted"]]
        assert len(self.log) - seen >= 0
        return self.executed()[seen:]

    def executed(self):
        return self.log

    def run(self, *targets, words=()):
        seen = self.mark()
        return self.finish(self.start(*targets, words=words), seen)

    def comment(self):
        self.edit(FILE, "[expert.size]", "# the first\n[expert.size]")
        self.edit(FILE, 'inputs = ["rows.a", "rows.b"]\ntarget = "rows.size"', 'target = "rows.size"\ninputs = ["rows.a", "rows.b"]')
        self.edit(FILE, "batch = 32, learning_rate = 0.01", "learning_rate = 0.01, batch = 32")

    def parameter(self, changed):
        old, new = ("0.01", "0.02") if changed else ("0.02", "0.01")
        self.edit(FILE, f"learning_rate = {old}", f"learning_rate = {new}")

    def run_to_equal_output(self):
        return self.run(words=("--force", "size"))

    def removed(self):
        """A parameter, and an input: both."""
        self.ready()
        self.edit(FILE, ", learning_rate = 0.01", "")
        parameter = "size" in self.run()
        self.edit(FILE, '"kind.logit", "rows.d"]', '"kind.logit"]')
        return parameter and self.run() == ["final"]

    def slow(self):
        """A project whose fits last long enough to meet one."""
        self.epochs = 400
        self.fresh()
        self.epochs = Collegium.epochs

    def realisations(self):
        """Records of results so far."""
        return list(self.path(".collegium/realisations").rglob("*.json"))

    def edit_during_run(self):
        """The run must say so, the next must fit again, and what was read must be filed as that."""
        self.slow()
        before = self.path(self.table).read_text()
        run = self.start()
        wait_until(lambda: len(self.realisations()) >= 3, "a fit is recorded")
        self.change_column("a", lambda cell: f"{cell}1")
        self.finish(run, self.mark())
        said = any("changed during the run" in note for note in self.report["notes"])
        again = "size" in self.run()
        self.write(self.table, before)
        return said and again and self.run() == []

    def corrupted(self):
        """A bit in every object: said, mended, and the lock as it was."""
        self.ready()
        lock = self.path("pipelines/small.lock").read_bytes()
        objects = [f for f in self.path(".collegium/objects").rglob("*") if f.is_file()]
        contents = {f: f.read_bytes() for f in objects}
        for at, file in enumerate(objects):
            flip(file, at * 13 % len(contents[file]))
        self.run(words=("--audit", "--force", "final"))
        said = any("damaged" in note for note in self.report["notes"])
        mended = [f for f in objects if f.exists() and f.read_bytes() == contents[f]]
        return said and bool(mended) and self.path("pipelines/small.lock").read_bytes() == lock

    def two_runs(self):
        """As for the others, with fits long enough that the runs overlap."""
        self.ready()
        self.epochs = 3000
        text = self.path(FILE).read_text()
        start, end = text.index("\n[expert.final]"), text.index("\n[evaluate]")
        text = text[:start] + self.expert("final", ["size.value", "kind.logit", "rows.d"], "final")
        text += self.expert("other", ["size.value"], "final") + END
        self.epochs = Collegium.epochs
        self.write(FILE, text)
        first = self.start("final")
        second = self.start("other")
        time.sleep(0.1)
        overlap = first.child.poll() is None and second.child.poll() is None
        if not overlap:
            raise Failed("the two runs did not overlap")
        seen = self.mark()
        self.finish(first, seen)
        self.finish(second, seen)
        return sorted(self.executed()[seen:]) == ["final", "other"]

    def killed(self):
        """It must also keep what was finished, and end where an undisturbed project ends."""
        self.slow()
        whole = self.run()
        lock = self.path("pipelines/small.lock").read_bytes()
        self.slow()
        run = self.start()
        wait_until(lambda: len(self.realisations()) >= 3, "a fit is recorded")
        run.kill()
        rest = self.run()
        return len(rest) < len(whole) and self.path("pipelines/small.lock").read_bytes() == lock

    def code(self):
        """The code of the fits is Collegium's: its epoch must be an ingredient of every stored fit."""
        self.ready()
        recipes = [json.loads(f.read_text()) for f in self.path(".collegium/recipes").rglob("*.json")]
        fits = [recipe for recipe in recipes if recipe["kind"] == "fit"]
        return len(fits) >= 13 and all("engine.epoch" in recipe["ingredients"] for recipe in fits)
