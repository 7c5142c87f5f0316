#!/usr/bin/env bash
# What a run and an audit of a table of K classes cost, in CPU seconds of the whole command.
#
#     benches/classes.sh [K…]        by default 600 and 1500
#
# Needs python3. Exits 1 where the audit takes more than three times the run, and more than 2 s.
set -euo pipefail
source "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- 600 1500
python3 "$benches/classes.py" --collegium "$collegium" --folder "$scratch" "$@"
