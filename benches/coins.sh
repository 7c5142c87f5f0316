#!/usr/bin/env bash
# Labels that are coin flips, after ten edits of data and file: is the test AUC that of a coin?
#
#     benches/coins.sh [SEEDS] [SCENARIO…]
#
# For each scenario (warm start, frozen, pin, source, kept on a certificate, a split by time; each with
# and without a key) SEEDS tables (by default 200) go through ten edits. The test AUC after the last edit
# is set beside the AUC that freshly flipped labels get on as many rows, by a Kolmogorov-Smirnov test over
# the seeds. Beside it stands a direct count, by ids that no edit touches: test rows behind a figure that
# the model, or one that it was made from, has seen. Fails where a count is not 0 or p is at most .001.
set -euo pipefail
source "$(dirname "$0")/common.sh"
exec python3 "$benches/coins.py" --collegium "$collegium" --folder "$scratch" "$@"
