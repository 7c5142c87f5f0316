#!/usr/bin/env bash
# Gates and mixtures beside everything simpler, on eight data sets, five seeds each: where do they pay, and
# where do they not?
#
#     benches/mixtures.sh DATA_FOLDER [NAME…]
#
# NAME: ai4i, adult, bike, wine, letter, kin40k, flights, fashion, fashion-few; by default all. The data sets lie
# in DATA_FOLDER (see benches/README.md), flights in this repository. A report and not a bound: fails only
# where a command does.
set -euo pipefail
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
source "$(dirname "$0")/common.sh"
python3 -B "$benches/mixtures/compare.py" --collegium "$collegium" --scratch "$scratch" --data "$@"
