#!/usr/bin/env bash
# Keep, patch or retrain on tables that its rule was not chosen on: how often is a decision bad, how
# many needless retrainings are avoided, and what does deciding cost?
#
#     benches/reuse.sh DATA [--tables a,b] [--seeds N] [--levels 2|3|both] [--out FILE.json]
#
# DATA is a folder with the tables (see benches/README.md). Takes about half an hour on two cores.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python3 "$benches/reuse/confirm.py" --collegium "$collegium" --scratch "$scratch" --data "$@"
