#!/usr/bin/env bash
# pipelines/flights.toml: cold, again, and the same work by scikit-learn, in one sitting.
#
#     benches/flights.sh [JOBS]        JOBS: fits side by side, by default 2
#
# Needs python3 with pandas, pyarrow and scikit-learn. Fails if the issue's bounds do not hold:
# cold within 120 s and 1.5 GiB, again within 0.2 s with no fit.
set -euo pipefail
source "$(dirname "$0")/common.sh"
jobs=${1:-2}

# A project of its own: the store starts empty, the repository's stays as it is.
cp -r "$repository/pipelines" "$repository/models" "$scratch/"
rm -f "$scratch"/pipelines/*.lock
run() { # NAME
  python3 "$benches/measure.py" "$scratch/$1.json" -- \
    "$collegium" -C "$scratch" run pipelines/flights.toml --jobs "$jobs" --json >"$scratch/$1.run.json"
}
echo "cold run, $jobs jobs …" >&2
run cold
run settle # the second run; it may still write stat stamps that were too fresh to trust
run again
echo "scikit-learn, $jobs jobs …" >&2
python3 "$benches/flights_sklearn.py" --jobs "$jobs" --json >"$scratch/peer.json"
echo "scikit-learn, one process …" >&2
python3 "$benches/flights_sklearn.py" --jobs 1 --json >"$scratch/peer1.json"

python3 - "$scratch" <<'PYTHON'
import json, pathlib, sys

scratch = pathlib.Path(sys.argv[1])
read = lambda name: json.loads((scratch / f"{name}.json").read_text())
fits = lambda name: sum(node["fits"] for node in read(f"{name}.run")["nodes"])
cold, settle, again = read("cold"), read("settle"), read("again")
peers = [read("peer"), read("peer1")]
fast, lean = min(p["seconds"] for p in peers), min(p["peak_bytes"] for p in peers)
mib = lambda size: f"{size / 2**20:.0f} MiB"
print(f"collegium cold     {cold['seconds']:7.2f} s  {mib(cold['peak_bytes']):>9}  {fits('cold')} fits")
print(f"collegium second   {settle['seconds']:7.3f} s  {mib(settle['peak_bytes']):>9}  {fits('settle')} fits")
print(f"collegium third    {again['seconds']:7.3f} s  {mib(again['peak_bytes']):>9}  {fits('again')} fits")
for peer in peers:
    print(f"scikit-learn       {peer['seconds']:7.2f} s  {mib(peer['peak_bytes']):>9}  {peer['fits']} fits, {peer['jobs']} jobs")
print(f"cold / fastest scikit-learn: {cold['seconds'] / fast:.2f} of its time; / leanest: {cold['peak_bytes'] / lean:.2f} of its memory")
print(f"second / fastest scikit-learn (it has no cache): {settle['seconds'] / fast:.5f}")
nodes = {node["name"]: node for node in read("cold.run")["nodes"]}
for name, found in peers[0]["metrics"].items():
    ours = nodes.get(f"expert.{name}", {}).get("metrics", {}).get("test", {})
    line = "  ".join(f"{m} {ours[m]:.4f} / {value:.4f}" for m, value in found["test"].items() if m in ours)
    if line:
        print(f"test, collegium / scikit-learn (other days): {name:10} {line}")
bounds = {
    "cold within 120 s": cold["seconds"] <= 120,
    "cold within 1.5 GiB": cold["peak_bytes"] <= 1.5 * 2**30,
    "second run fits nothing": fits("settle") == 0 == fits("again"),
    "second run within 0.2 s": settle["seconds"] < 0.2,
}
for bound, holds in bounds.items():
    print(f"{'holds' if holds else 'FAILS'}: {bound}")
sys.exit(not all(bounds.values()))
PYTHON
