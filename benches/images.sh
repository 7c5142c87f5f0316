#!/usr/bin/env bash
# Experts on images: Fashion-MNIST from its IDX files, and a table of digits with a column per pixel. Cold
# runs with an audit, accuracy, seconds and peak memory; then `predict` on files of new images.
#
#     benches/images.sh DATA_FOLDER
#
# DATA_FOLDER holds fashion-mnist/ (the four files *-ubyte.gz, MIT) and keel-uci/optdigits.csv (CC BY 4.0,
# doi 10.24432/C50P49), neither part of this repository. Fails if `garment` is below .88 on the published
# test set, or `digit` below .97 on the test rows of its table.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -d "$1/fashion-mnist" ] || [ ! -f "$1/keel-uci/optdigits.csv" ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
data=$(realpath "$1")
source "$(dirname "$0")/common.sh"

mkdir "$scratch/pipelines"
ln -s "$data"/fashion-mnist/*-ubyte.gz "$data/keel-uci/optdigits.csv" "$scratch/pipelines/"
cp "$benches"/images/*.toml "$scratch/pipelines/"
measured() {
  local name=$1
  shift
  echo "$name …" >&2
  python3 "$benches/measure.py" "$scratch/$name.time" -- "$collegium" -C "$scratch" "$@"
}
for name in fashion optdigits; do
  measured "$name" run "pipelines/$name.toml" --audit --json >"$scratch/$name.json"
  measured "$name-again" run "pipelines/$name.toml" --json >/dev/null
done
folder=$scratch/pipelines
measured predict-new predict pipelines/fashion.toml garment \
  -i "$folder/t10k-images-idx3-ubyte.gz" -o "$folder/new.csv"
measured predict-table predict pipelines/optdigits.toml -i "$folder/optdigits.csv" -o "$folder/digits.csv"

python3 - "$scratch" <<'PYTHON'
import csv, gzip, json, pathlib, sys

scratch = pathlib.Path(sys.argv[1])
GARMENTS = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
took = {path.stem: json.loads(path.read_text()) for path in scratch.glob("*.time")}
nodes = {n["name"]: n for p in ("fashion", "optdigits")
         for n in json.loads((scratch / f"{p}.json").read_text())["nodes"]}
for name, node in nodes.items():
    test = node["metrics"]["test"]
    print(f"{name:15} test accuracy {test['accuracy']:.4f}, log loss {test['log_loss']:.4f}, "
          f"{node['fits']} fits, {node['seconds']:.1f} s")


def truth(name):
    with gzip.open(scratch / "pipelines" / name) as file:
        return [GARMENTS[label] for label in file.read()[8:]]


def column(name, title):
    with open(scratch / "pipelines" / name) as file:
        return [row[title] for row in csv.DictReader(file)]


def accuracy(found, wanted):
    assert len(found) == len(wanted)
    return sum(a == b for a, b in zip(found, wanted)) / len(wanted)


new = accuracy(column("new.csv", "garment.label"), truth("t10k-labels-idx1-ubyte.gz"))
digits = accuracy(column("digits.csv", "digit.label"), column("optdigits.csv", "class"))
print(f"garment on the published test set: {new:.4f}")
print(f"digit on all rows of its table: {digits:.4f}")
for name, cost in sorted(took.items()):
    print(f"{name:15} {cost['seconds']:7.1f} s  {cost['peak_bytes'] / 2**20:7.0f} MiB")
pixels = 60_000 * 784
stored = max(p.stat().st_size for p in (scratch / ".collegium/objects").rglob("*") if p.is_file())
print(f"pixels {pixels / 2**20:.1f} MiB, the stored table {stored / 2**20:.1f} MiB")
good = new >= 0.88 and nodes["expert.digit"]["metrics"]["test"]["accuracy"] >= 0.97
print(f"{'holds' if good else 'FAILS'}: garment >= .88 on the published test set, digit >= .97 on its own")
sys.exit(not good)
PYTHON
