#!/usr/bin/env bash
# How often does the interval of a mean over rotations hold what the procedure comes to on fresh tables?
#
#     benches/rotate.sh
#
# 500 tables of 120 rows, a linear expert on each, `rotate = 5`: classes and numbers, of rows that stand for themselves and
# of 40 groups with effects of their own. The truth is the mean over all tables of one kind: what models fitted on as many
# rows come to on as many fresh ones. Prints how often the interval holds it, and how often one does that takes rotations
# for independent. Every table is a data source of one pipeline, and one run fits them all.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python3 "$benches/rotate.py" "$collegium"
