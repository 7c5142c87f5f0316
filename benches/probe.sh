#!/usr/bin/env bash
# What the probe measures, against what is known to be true, against published figures, and against PyTorch.
#
#     benches/probe.sh DATA [PYTHON]
#
# DATA is a folder with keel-uci/optdigits.csv and ai4i2020/ai4i2020.csv (see benches/README.md). PYTHON is an
# interpreter with numpy and torch (default: python3); without them what needs them is skipped. Prints every
# figure beside what is expected and the tolerance; fails if one is missed.
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
for file in keel-uci/optdigits.csv ai4i2020/ai4i2020.csv; do
  if [ ! -f "$1/$file" ]; then
    echo "skipped: there is no $file in $1" >&2
    exit 0
  fi
done
data=$(realpath "$1")
python=${2:-python3}
source "$(dirname "$0")/common.sh"

mkdir "$scratch/pipelines"
python3 "$benches/probe/tables.py" "$data" "$scratch/pipelines"
ln -s "$data/ai4i2020/ai4i2020.csv" "$scratch/pipelines/ai4i2020.csv"
cp "$benches"/probe/*.toml "$scratch/pipelines"
for seed in 1 2 3 4; do
  sed -e "s/^seed = 1$/seed = $seed/" -e "s/, seed = 1 }$/, seed = $seed }/" -e "s/^name = \"ai4i-all-inputs\"$/name = \"ai4i-$seed\"/" \
    -e 's/^bootstrap = 20$/bootstrap = 20\nseeds = 3\npermuted = 1/' \
    "$benches/ai4i/ai4i-all-inputs.toml" >"$scratch/pipelines/ai4i-$seed.toml"
  grep -qx "seed = $seed" "$scratch/pipelines/ai4i-$seed.toml"
  grep -qx "permuted = 1" "$scratch/pipelines/ai4i-$seed.toml"
done
for name in dag digits ansatz ai4i-1 ai4i-2 ai4i-3 ai4i-4; do
  echo "$name …" >&2
  "$collegium" -C "$scratch" run "pipelines/$name.toml" --quiet --json >"$scratch/run-$name.json"
  "$collegium" -C "$scratch" audit "pipelines/$name.toml" --quiet --json >"$scratch/$name.json"
done

failed=0
echo "== What the audit says"
python3 "$benches/probe/audit.py" "$scratch" || failed=1
if "$python" -c 'import numpy' 2>/dev/null; then
  echo
  echo "== Layers, measured again with numpy from the stored models"
  "$python" "$benches/probe/layers.py" "$scratch" || failed=1
else
  echo "skipped: $python has no numpy, so nothing is measured again and untrained layers are not measured" >&2
fi
if "$python" -c 'import numpy, torch' 2>/dev/null; then
  echo
  echo "== The AGOP, measured again with PyTorch from the stored models"
  "$python" "$benches/probe/torch_agop.py" "$scratch" || failed=1
  echo
  echo "== The same networks trained with PyTorch"
  "$python" "$benches/probe/torch_train.py" "$scratch" || failed=1
else
  echo "skipped: $python has no torch, so nothing is compared with PyTorch" >&2
fi
exit $failed
