#!/usr/bin/env bash
# Checks are linear: seconds of `collegium check` on large files, at a quarter of their size and whole.
#
#     benches/check.sh
#
# Needs python3. Exits 1 if a whole file takes more than a second, or more than 7 times its quarter.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python3 "$benches/check.py" --collegium "$collegium" --folder "$scratch"
