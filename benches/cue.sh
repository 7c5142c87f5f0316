#!/usr/bin/env bash
# A false cue in images: is it seen, and does the cue test show what it is worth?
#
#     benches/cue.sh PATH/TO/optdigits.csv
#
# Digits 3 against 8, 250 training rows; one expert sees a corner of 2 × 2 pixels that gives the class away,
# the other the same digits without it. Known for a perceptron: the corner's share of the AGOP's diagonal rises
# from .03 to .58; accuracy 1.0 with the cue, .45 where it is dark, 0.0 when it is swapped. (The audit's own
# "removed" is the mean of the corner, half bright: then the other pixels decide.) Fails unless, as means of
# five seeds, the share is below .1 without and above .4 with the cue, and accuracy is above .97 with it,
# below .6 on new rows with dark corners, and below .1 when the corners are swapped.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
  sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
table=$(realpath "$1")
source "$(dirname "$0")/common.sh"
mkdir "$scratch/pipelines"
python3 "$benches/cue/cue.py" make "$table" "$scratch/pipelines/cue.csv" "$scratch/dark.csv"
for seed in 1 2 3 4 5; do
  sed -e "s/^seed = 1$/seed = $seed/" -e "s/, seed = 1 }$/, seed = $seed }/" -e "s/^name = \"cue\"$/name = \"cue-$seed\"/" \
    "$benches/cue/cue.toml" >"$scratch/pipelines/cue-$seed.toml"
  grep -qx "seed = $seed" "$scratch/pipelines/cue-$seed.toml"
  "$collegium" -C "$scratch" run "pipelines/cue-$seed.toml" --quiet >/dev/null
  "$collegium" -C "$scratch" audit "pipelines/cue-$seed.toml" --quiet --json \
    --without 'digits.pixels[0:2, 0:2]' >"$scratch/cue-$seed.json"
  "$collegium" -C "$scratch" predict "pipelines/cue-$seed.toml" cued --quiet \
    -i "$scratch/dark.csv" -o "$scratch/cue-$seed.csv" --keep class >/dev/null
done
python3 "$benches/cue/cue.py" tell "$scratch"/cue-?.json
