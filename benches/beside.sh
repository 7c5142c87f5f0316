#!/usr/bin/env bash
# What do other processes cost? Several runs of two pipelines work on one store while `gc`, `status`, `plan`
# and `predict` come and go; and a table is swapped for another and put back while a run reads it. In the end a
# plain run has to stand where an undisturbed one stands, with the same predictions, and nobody may have failed.
#
#     benches/beside.sh [--share SHARE] [--part together|swaps]…     by default both
#
#   together  40 rounds of three runs beside each other
#   swaps     100 runs beside which the table is replaced, or written over, and put back, again and again
#
# SHARE is that of the cases to be tried, by default 1. Exits 1 if one did not end as it must. Needs python3.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python3 "$benches/beside.py" --collegium "$collegium" --folder "$scratch" "$@"
