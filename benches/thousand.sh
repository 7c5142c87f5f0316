#!/usr/bin/env bash
# 1,000 experts: how long do a plan from nothing, the run, a plan with nothing to do and a run with
# nothing to do take?
#
#     benches/thousand.sh
set -euo pipefail
source "$(dirname "$0")/common.sh"

python3 "$benches/thousand.py" "$scratch"
timed() { # NAME COMMAND…
  local name=$1
  shift
  python3 "$benches/measure.py" "$scratch/$name.json" -- \
    "$collegium" -C "$scratch" "$@" pipelines/thousand.toml --json >"$scratch/$name.out.json"
}
timed cold-plan plan
timed cold-run run
timed plan plan
timed second-run run
timed third-run run
python3 - "$scratch" <<'PYTHON'
import json, pathlib, sys

scratch = pathlib.Path(sys.argv[1])
for name in ("cold-plan", "cold-run", "plan", "second-run", "third-run"):
    took = json.loads((scratch / f"{name}.json").read_text())
    nodes = json.loads((scratch / f"{name}.out.json").read_text())["nodes"]
    fits = sum(node["fits"] for node in nodes if isinstance(node["fits"], int))
    print(f"{name:11} {took['seconds']:8.3f} s  {took['peak_bytes'] / 2**20:5.0f} MiB  {len(nodes)} nodes, {fits} fits")
    assert len(nodes) == 1000
    assert fits == (1000 if name == "cold-run" else 0)
PYTHON
