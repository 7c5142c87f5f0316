"""Hamilton: functions of flow.py, run by a driver with its cache."""

import json

from tool import Run, Tool, flip


class Hamilton(Tool):
    """Counts by the functions' own log."""

    name = "hamilton"

    def setup(self):
        """The module of functions and the script that drives it."""
        self.environment |= {"HAMILTON_TELEMETRY_ENABLED": "false", "PYTHONDONTWRITEBYTECODE": "1"}
        self.peer_files("flow.py", "helper.py", "hold.py", "hamilton_run.py")
        self.settings({"size_rate": 2.0, "size_note": "plain", "kind_rate": 3.0})

    def settings(self, value):
        """Writes the parameters."""
        self.write("params.json", json.dumps(value))

    def start(self, *targets):
        """The driver's script."""
        return Run(self, ["python", "hamilton_run.py", *(targets or ["final"])])

    def comment(self):
        self.edit("flow.py", '    """The first fit."""\n', '    """The first fit, described anew."""\n    # and commented\n')
        self.settings({"kind_rate": 3.0, "size_note": "plain", "size_rate": 2.0})

    def parameter(self, changed):
        self.settings({"size_rate": 4.0 if changed else 2.0, "size_note": "plain", "kind_rate": 3.0})

    def run_to_equal_output(self):
        self.settings({"size_rate": 2.0, "size_note": "another", "kind_rate": 3.0})
        return self.run()

    def remove_parameter(self):
        """A parameter is an argument of the function, so its code changes too."""
        self.edit("flow.py", "size_rate: float, ", "")
        self.edit("flow.py", "size_rate * ", "")

    def corrupted(self):
        """In the stored result of `size`; `final` is made stale, so that it has to be read."""
        self.ready()
        files = [f for f in self.path(".hamilton_cache").rglob("*") if f.is_file() and f.suffix != ".db"]
        stored = [f for f in files if b"size " in f.read_bytes() and b"final" not in f.read_bytes()]
        assert len(stored) == 1, stored
        at = stored[0].read_bytes().index(b"size ") + len(b"size ")
        flip(stored[0], at)
        self.forget_consumer()
        code, out, _ = self.start().end()
        # What `final` was given is part of what it gives.
        wrong = stored[0].read_bytes()[at - 5 : at + 4].decode()
        return code != 0 or wrong not in out

    def second_consumer(self):
        """It is among the functions already."""

    def forget_consumer(self):
        self.change_column("d", lambda cell: f"{cell}1")

    def own_code(self):
        self.edit("flow.py", "size {size_rate * ", "size {2 + size_rate * ")
