#!/usr/bin/env bash
# Sparse prediction: ten thousand pictures through a gate over eight equal experts, all of them computed
# (`dense`) and the likeliest one (`sparse`, top_k = 1), in turns. Whole commands: reading, decoding and
# writing are in both.
#
#     benches/sparse.sh DATA_FOLDER [TURNS]
#
# DATA_FOLDER holds fashion-mnist/ (MIT), which is not part of this repository. Fails if the sparse gate is
# not at least 4 times as fast, or if its answers are not those that training stored.
set -euo pipefail
if [ $# -lt 1 ] || [ ! -d "$1/fashion-mnist" ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
data=$(realpath "$1")
turns=${2:-5}
source "$(dirname "$0")/common.sh"

mkdir "$scratch/pipelines"
ln -s "$data"/fashion-mnist/t10k-*-ubyte.gz "$scratch/pipelines/"
cp "$benches/sparse/sparse.toml" "$scratch/pipelines/"
"$collegium" -C "$scratch" run --quiet >/dev/null
images=$scratch/pipelines/t10k-images-idx3-ubyte.gz
for turn in $(seq "$turns"); do
  for gate in dense sparse; do
    python3 "$benches/measure.py" "$scratch/$gate.$turn.time" -- \
      "$collegium" -C "$scratch" predict "$gate" -i "$images" -o "$scratch/$gate.csv" --quiet
  done
done
"$collegium" -C "$scratch" predict -i "$images" -o "$scratch/all.csv" --quiet

python3 - "$scratch" "$turns" <<'PYTHON'
import csv, json, pathlib, statistics, sys

scratch, turns = pathlib.Path(sys.argv[1]), int(sys.argv[2])
took = {gate: [json.loads((scratch / f"{gate}.{turn}.time").read_text())["seconds"] for turn in range(1, turns + 1)]
        for gate in ("dense", "sparse")}
ratios = [dense / sparse for dense, sparse in zip(took["dense"], took["sparse"])]
for gate, seconds in took.items():
    print(f"{gate:7} {10_000 / statistics.median(seconds):8,.0f} rows a second (median of {turns}: {statistics.median(seconds):.2f} s)")
print(f"sparse is {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f})")
read = lambda name: list(csv.DictReader(open(scratch / name)))
alone, together = read("sparse.csv"), read("all.csv")
same = all(row[key] == other[key] for row, other in zip(alone, together) for key in row)
print("the same answers as with every expert computed:", "yes" if same else "NO")
sys.exit(0 if statistics.median(ratios) >= 4 and same else 1)
PYTHON
