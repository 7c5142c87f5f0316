#!/usr/bin/env bash
# The must-pass list of incremental retraining, on Collegium and on DVC, Snakemake and Hamilton: what
# does a change execute again, what is noticed, what survives a kill or a second run beside it?
#
#     benches/must_pass.sh [VENV]      VENV: programs of a Python environment that has the peers already
#
# The same small pipeline for all: two upstream fits, one consumer. The peers' fits are tiny stages that
# write a line for every execution, so executions are counted, not guessed (benches/peers/). Prints one
# table in Markdown with footnotes, which quotes the peers' versions. Exits 1 if a cell of Collegium's is
# not a pass. Needs python3 and, unless VENV is given, pip and the network; a peer that cannot be
# installed is skipped and said to be.
set -euo pipefail
source "$(dirname "$0")/common.sh"

venv=${1:-}
if [ -z "$venv" ]; then
  venv=$scratch/venv
  python3 -m venv "$venv"
  for peer in dvc snakemake sf-hamilton; do
    echo "installing $peer …" >&2
    "$venv/bin/pip" install --quiet "$peer" || echo "SKIPPED: $peer could not be installed" >&2
  done
fi
python3 "$benches/must_pass.py" --collegium "$collegium" --peers "$(cd "$venv" && pwd)/bin" --folder "$scratch/projects"
