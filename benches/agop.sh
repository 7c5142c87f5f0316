#!/usr/bin/env bash
# The AGOP of a 784-256-256-10 network on 1,000 rows, one thread: against PyTorch's vmap(jacrev) on the
# same weights and rows, in turns; then with 20 bootstraps of its importances.
#
#     benches/agop.sh [PYTHON]
#
# PYTHON is an interpreter with torch and numpy (default: python3). Prints ratios; fails unless the
# matrices agree to 1e-4, the AGOP is at least 8 times as fast as PyTorch's, and the bootstraps cost at
# most 3 times one AGOP.
set -euo pipefail
# No pipeline is run here.
COLLEGIUM_BINARY=none
source "$(dirname "$0")/common.sh"
python=${1:-python3}
if ! "$python" -c 'import torch, numpy' 2>/dev/null; then
  echo "skipped: $python has no torch and numpy" >&2
  exit 0
fi
(cd "$repository" && cargo build --release --quiet --example agop)
example="${CARGO_TARGET_DIR:-$repository/target}/release/examples/agop"
"$example" "$scratch" >/dev/null
"$python" "$benches/agop.py" "$example" "$scratch"
