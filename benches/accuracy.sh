#!/usr/bin/env bash
# How good an expert is where others would use something else: 16 tables, the same rows for all.
#
#     benches/accuracy.sh DATA [PYTHON] [OPTION…]
#
# DATA holds `keel-uci`, `uci-regression`, `adult`, `bike-sharing` and `wine-quality`, each with its tables. PYTHON has
# numpy and scikit-learn; LightGBM, and pytabkit for RealMLP-TD, TabM-D and xRFM, are used if they are there. Options:
#
#     --tables a,b,…     some tables alone
#     --contestants …    some contestants alone: collegium:first (one network as of a first try), collegium:fast,
#                        collegium:default, collegium:best, lightgbm, histgb, mlp, realmlp, tabm, xrfm
#     --seeds N          fits of each (default 3)
#     --rows N           rows of a table at most (default 16000)
#     --seconds N        CPU seconds of a fit at most (default 600); what takes longer is left out, and said
#     --side valid       settings are chosen on validation rows; `test` (the default) is the final run
#     --json FILE        every figure
#
# Prints for each table the loss (error; 1 − AUC of two classes; RMSE) as a share of LightGBM's, log loss, calibration
# error, CPU seconds and peak memory, wins and losses alike.
set -euo pipefail
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
  sed -n '2,20s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
data=$(realpath "$1")
shift
python=python3
if [ $# -gt 0 ] && [[ "$1" != --* ]]; then
  python=$1
  shift
fi
if ! "$python" -c 'import numpy, sklearn' 2>/dev/null; then
  echo "skipped: $python has no numpy or no scikit-learn" >&2
  exit 0
fi
source "$(dirname "$0")/common.sh"
"$python" "$benches/accuracy/compare.py" "$data" --collegium "$collegium" --scratch "$scratch" "$@"
