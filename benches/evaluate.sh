#!/usr/bin/env bash
# What `collegium evaluate` says of new rows, beside scikit-learn and SciPy on the same rows.
#
#     benches/evaluate.sh DATA [PYTHON]      DATA holds adult/adult_train.csv and adult/adult_test.csv
#
# An expert and one above it learn incomes from adult_train.csv; adult_test.csv is evaluated. Every metric
# is computed again by scikit-learn from what `predict` writes, every two-sample test by SciPy from the two
# files. Then twenty tables with three planted shifts each: which inputs are named? Exits 1 if a metric
# differs by more than 1e-6, a statistic or an asymptotic p-value by more than 1e-6 of itself, if a planted
# shift is missed, or if another input is named in more than 3 of the 20.
#
# Needs numpy, scipy and scikit-learn: those of PYTHON, else installed from PyPI into the scratch folder.
set -euo pipefail
source "$(dirname "$0")/common.sh"

data=${1:?the folder of the data sets}
python=${2:-}
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet numpy scipy scikit-learn
  python=$scratch/venv/bin/python
fi
"$python" "$benches/evaluate.py" --collegium "$collegium" --data "$data" --folder "$scratch"
