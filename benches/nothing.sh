#!/usr/bin/env bash
# The cost of doing nothing: CPU seconds of `collegium plan` and `collegium run` when everything is up
# to date, for 1,000 and for 10,000 experts, beside ninja on the same two graphs.
#
#     benches/nothing.sh [REPETITIONS]        by default 15
#
# Needs python3, and pip and the network for ninja (PyPI), which is installed into the scratch folder;
# where it cannot be, that is said and only Collegium is measured. Exits 1 if Collegium needs more than
# twice ninja's CPU at either size, or more than 12 times its own when there are ten times as many.
set -euo pipefail
source "$(dirname "$0")/common.sh"

ninja=
if python3 -m venv "$scratch/venv" && "$scratch/venv/bin/pip" install --quiet ninja; then
  # The program itself: what lies in the venv's bin may be a Python script that starts it.
  ninja=$("$scratch/venv/bin/python" -c 'import ninja, os; print(os.path.join(ninja.BIN_DIR, "ninja"))')
else
  echo "SKIPPED: ninja could not be installed; the ratio to it is NOT measured" >&2
fi
python3 "$benches/nothing.py" --collegium "$collegium" --ninja "$ninja" --folder "$scratch" \
  --repetitions "${1:-15}"
