#!/usr/bin/env python3
"""Runs a command and says what it took: `measure.py OUT.json -- COMMAND…`.

Writes {"seconds", "peak_bytes", "exit"} to OUT.json. Peak is the largest resident set of the
command's own process (children of it count one by one, not summed). The command's output goes to
where this script's would; its exit code is passed on.
"""

import json
import os
import subprocess
import sys
import time


def main():
    """Runs it."""
    out, dashes, *command = sys.argv[1:]
    if dashes != "--" or not command:
        sys.exit(__doc__)
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    with open(out, "w") as file:
        json.dump({"seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024, "exit": code}, file)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
