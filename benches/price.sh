#!/usr/bin/env bash
# What a plan says that a change will cost, against what it then costs: `seconds.expected` of
# `plan --json` and the CPU seconds of the run, for six ordinary edits of pipelines/flights.toml.
#
#     benches/price.sh [JOBS]        JOBS: fits side by side, by default 2
#
# One cold run is all that a plan has to go by; every edit starts from a copy of the project after it.
# Needs python3. Exits 1 if, where the plan is certain (nothing `may-train`), the truth is more than 25 %
# off, or if it lies outside of min and max where it is not.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python3 "$benches/price.py" --collegium "$collegium" --repository "$repository" --folder "$scratch" \
  --jobs "${1:-2}"
