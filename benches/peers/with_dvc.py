"""DVC: stages of dvc.yaml, `dvc repro`, without Git."""

import json

from tool import Run, Tool, flip

OTHER = "  other:\n    cmd: python stage.py other\n    deps: [stage.py, size.out]\n    outs: [other.out]\n"


class Dvc(Tool):
    """Counts by the stages' own log."""

    name = "dvc"

    def setup(self):
        """`dvc init`, the stages, their parameters."""
        self.environment |= {"DVC_NO_ANALYTICS": "1"}
        self.peer_files("stage.py", "helper.py", "hold.py", "dvc.yaml")
        self.settings({"size": {"rate": 2.0, "note": "plain"}, "kind": {"rate": 3.0}})
        code, _, err = Run(self, ["dvc", "init", "--no-scm", "--quiet"]).end()
        assert code == 0, err

    def settings(self, value):
        """Writes the parameters."""
        self.write("params.json", json.dumps(value))

    def start(self, *targets):
        """`dvc repro`"""
        return Run(self, ["dvc", "repro", *(targets or ["final"])])

    def comment(self):
        self.edit("dvc.yaml", "stages:", "# the stages\nstages:")
        self.edit("dvc.yaml", "          - size.rate\n          - size.note\n", "          - size.note\n          - size.rate\n")
        self.settings({"kind": {"rate": 3.0}, "size": {"note": "plain", "rate": 2.0}})

    def parameter(self, changed):
        self.settings({"size": {"rate": 4.0 if changed else 2.0, "note": "plain"}, "kind": {"rate": 3.0}})

    def run_to_equal_output(self):
        self.settings({"size": {"rate": 2.0, "note": "another"}, "kind": {"rate": 3.0}})
        return self.run()

    def remove_parameter(self):
        self.settings({"size": {"note": "plain"}, "kind": {"rate": 3.0}})
        self.edit("dvc.yaml", "          - size.rate\n", "")

    def corrupted(self):
        """In DVC's cache, with the work folder's copy gone, so that the cache is what is used."""
        self.ready()
        content = self.path("size.out").read_bytes()
        stored = [f for f in self.path(".dvc/cache").rglob("*") if f.is_file() and f.read_bytes() == content]
        assert len(stored) == 1, stored
        flip(stored[0], 2)
        self.path("size.out").unlink()
        code, _, _ = self.start().end()
        return code != 0 or self.path("size.out").read_bytes() == content

    def second_consumer(self):
        self.path("dvc.yaml").write_text(self.path("dvc.yaml").read_text() + OTHER)

    def forget_consumer(self):
        self.edit("dvc.yaml", "  final:\n", "  final:\n    always_changed: true\n")

    def own_code(self):
        self.edit("stage.py", "{rate * helper", "{2 + rate * helper")
