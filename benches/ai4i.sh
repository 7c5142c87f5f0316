#!/usr/bin/env bash
# The published AI4I 2020 table: four experts and a combiner with seeds 1 to 4, then what four experts
# on all inputs look at.
#
#     benches/ai4i.sh PATH/TO/ai4i2020.csv
#
# The table is CC BY 4.0 (S. Matzka, UCI, doi 10.24432/C5HS5C) and not part of this repository. Fails
# unless the mean F1 of machine failure is at least .84 and the mean average precision at least .88.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
table=$(realpath "$1")
source "$(dirname "$0")/common.sh"

mkdir "$scratch/pipelines"
ln -s "$table" "$scratch/pipelines/ai4i2020.csv"
for seed in 1 2 3 4; do
  # A project holds one file per seed; whatever does not depend on the seed is shared in its store.
  for name in ai4i ai4i-all-inputs; do
    sed -e "s/^seed = 1$/seed = $seed/" -e "s/, seed = 1 }$/, seed = $seed }/" -e "s/^name = \"$name\"$/name = \"$name-$seed\"/" \
      "$benches/ai4i/$name.toml" >"$scratch/pipelines/$name-$seed.toml"
    grep -qx "seed = $seed" "$scratch/pipelines/$name-$seed.toml"
  done
  echo "seed $seed …" >&2
  "$collegium" -C "$scratch" run "pipelines/ai4i-$seed.toml" --json >"$scratch/run-$seed.json"
  "$collegium" -C "$scratch" run "pipelines/ai4i-all-inputs-$seed.toml" --json >"$scratch/all-$seed.json"
  "$collegium" -C "$scratch" audit "pipelines/ai4i-all-inputs-$seed.toml" --json >"$scratch/audit-$seed.json"
done

python3 - "$scratch" <<'PYTHON'
import json, pathlib, statistics, sys

scratch = pathlib.Path(sys.argv[1])
RULES = {
    "tool_wear": {"wear"}, "heat": {"air_temperature", "process_temperature", "speed"},
    "power": {"torque", "speed"}, "overstrain": {"wear", "torque", "type"},
}
f1, precision = [], []
for seed in range(1, 5):
    nodes = {n["name"]: n for n in json.loads((scratch / f"run-{seed}.json").read_text())["nodes"]}
    test = nodes["expert.failure"]["metrics"]["test"]
    f1.append(test["f1"]); precision.append(test["average_precision"])
    print(f"seed {seed}: failure F1 {test['f1']:.3f}, average precision {test['average_precision']:.3f}")
print(f"mean: F1 {statistics.mean(f1):.3f}, average precision {statistics.mean(precision):.3f}")
print("\nexperts on all inputs, shares of the AGOP (rule inputs in capitals):")
ranked = True
for seed in range(1, 5):
    for node in json.loads((scratch / f"audit-{seed}.json").read_text())["nodes"]:
        name = node["name"].removeprefix("expert.")
        agop = node.get("agop")
        if agop is None:
            print(f"seed {seed} {name:11} withheld: no skill")
            ranked = False
            continue
        order = [(entry["input"].split(".")[1], entry["share"]) for entry in agop["importance"]]
        first = {what for what, _ in order[: len(RULES[name])]}
        ranked &= first == RULES[name]
        shown = "  ".join(f"{w.upper() if w in RULES[name] else w} {s:.2f}" for w, s in order)
        print(f"seed {seed} {name:11} {'as the rule' if first == RULES[name] else 'NOT AS THE RULE'}  {shown}")
good = statistics.mean(f1) >= 0.84 and statistics.mean(precision) >= 0.88
print(f"\n{'holds' if good else 'FAILS'}: mean F1 >= .84 and mean average precision >= .88")
print(f"{'holds' if ranked else 'FAILS'}: every expert ranks its rule's inputs first")
sys.exit(not (good and ranked))
PYTHON
