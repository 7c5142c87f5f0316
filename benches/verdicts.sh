#!/usr/bin/env bash
# What an audit says of models, computed again from their predictions by numpy, SciPy and scikit-learn.
#
#     benches/verdicts.sh [ADULT [PYTHON]]     ADULT: a folder with adult_train.csv and adult_test.csv
#
# Runs and audits pipelines/flights.toml, pipelines/air.toml and, if its tables are there, a pipeline over adult (it is
# verdicts/adult.toml). Then every metric, interval, paired comparison and test of skill in `audit --json` is computed again
# from `predict --side test`, `valid` and `train`, by other code and other random numbers. `verdicts.py` says how.
# Exits 1 where a figure or a verdict differs, unless the verdict hangs on a bound that other random numbers may move
# to the other side: these are listed.
#
# Needs numpy, scipy and scikit-learn: those of PYTHON, else installed from PyPI into the scratch folder.
set -euo pipefail
source "$(dirname "$0")/common.sh"

adult=${1:-}
python=${2:-}
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet numpy scipy scikit-learn
  python=$scratch/venv/bin/python
fi

# A project of its own: the store starts empty, the repository's stays as it is.
cp -r "$repository/pipelines" "$repository/models" "$scratch/"
rm -f "$scratch"/pipelines/*.lock
projects=(flights air)
if [ -n "$adult" ]; then
  ln -s "$(realpath "$adult")"/adult_{train,test}.csv "$scratch/pipelines/"
  projects+=(adult)
else
  echo "SKIPPED: adult. Its folder is the first argument: classifiers of six classes, a gate, a margin and overconfidence are not checked." >&2
fi
"$python" "$benches/verdicts.py" --collegium "$collegium" --folder "$scratch" "${projects[@]}"
