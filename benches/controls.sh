#!/usr/bin/env bash
# What an audit says where the truth is known.
#
#     benches/controls.sh [PYTHON] [PART…]
#
# PYTHON is an interpreter with numpy (default: python3); only the parts about rules need it, and are
# skipped without it. Parts, by default all of them:
#
#   negatives    nothing to learn (shuffled labels), or nothing that a network finds (sin(3u·x), parity; 50
#                inputs): 20 of 20 seeds must say "learned nothing", and show no picture
#   truth        four failure modes of the machines on all inputs, seeds 1 to 10: in 9 of 10 exactly the
#                rule's inputs must be said to be used, with `seeds = 0`, `seeds = 3`, `seeds = 3, permuted = 2`
#   ten          ten inputs of which four matter, 1,000 and 5,000 rows: false names and missed inputs
#   fresh        truth and ten with seeds 11 to 20
#   rules        other rules for "used", on the same experts; fresh-rules with seeds 11 to 20
#
# Fails if a bound is missed.
set -euo pipefail
source "$(dirname "$0")/common.sh"
python=python3
case "${1:-}" in
'' | negatives | truth | ten | fresh | rules | fresh-rules) ;;
*)
  python=$1
  shift
  if ! command -v "$python" >/dev/null; then
    echo "$python is neither an interpreter nor a part" >&2
    exit 2
  fi
  ;;
esac
parts=("$@")
if [ ${#parts[@]} -eq 0 ]; then
  parts=(negatives truth ten fresh)
  if "$python" -c 'import numpy' 2>/dev/null; then
    parts+=(rules fresh-rules)
  else
    echo "skipped: rules and fresh-rules ($python has no numpy)" >&2
  fi
fi
PYTHONDONTWRITEBYTECODE=1 "$python" "$benches/controls/controls.py" "$collegium" "$scratch" "${parts[@]}"
