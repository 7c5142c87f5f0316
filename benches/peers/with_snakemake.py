"""Snakemake: rules with `script:`, default triggers."""

import time

from tool import Run, Tool


class Snakemake(Tool):
    """Counts by the rules' own log."""

    name = "snakemake"

    def setup(self):
        """The Snakefile and its script."""
        self.peer_files("stage.py", "helper.py", "hold.py", "Snakefile")

    def start(self, *targets):
        """`snakemake --cores 1`"""
        time.sleep(0.05)
        return Run(self, ["snakemake", "--cores", "1", *(f"{name}.out" for name in targets or ["final"])])

    def comment(self):
        self.edit("Snakefile", "rule size:", "# the first\nrule size:")
        self.edit("Snakefile", 'rate=2.0, note="plain"', 'note="plain", rate=2.0')

    def parameter(self, changed):
        old, new = ("2.0", "4.0") if changed else ("4.0", "2.0")
        self.edit("Snakefile", f"rate={old}", f"rate={new}")

    def run_to_equal_output(self):
        self.edit("Snakefile", 'note="plain"', 'note="another"')
        return self.run()

    def remove_parameter(self):
        self.edit("Snakefile", "rate=2.0, ", "")

    def corrupted(self):
        """It keeps no store: outputs lie in the work folder, where anybody may edit them."""
        return None

    def second_consumer(self):
        """It is in the Snakefile already."""

    def forget_consumer(self):
        self.path("final.out").unlink()

    def own_code(self):
        self.edit("stage.py", "{rate * helper", "{2 + rate * helper")
