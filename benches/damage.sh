#!/usr/bin/env bash
# What does the loss of one file cost? Every file of the store of a small project with kept, patched,
# gated and mixed experts is deleted, given another byte and emptied, one at a time: after the run that
# keeps and patches, before it, and without `reuse`. The next run has to end with the same lock and the
# same predictions, bit for bit, or say what is lost. The suite takes a part of this (tests/damage.rs).
#
#     benches/damage.sh
#
# With COLLEGIUM_EXHAUSTIVE set to nothing it is the suite's part.
# Prints how many of each ended how; exits 1 if the lock or a prediction changed in silence.
set -euo pipefail
cd "$(dirname "$0")/.."
export COLLEGIUM_EXHAUSTIVE=${COLLEGIUM_EXHAUSTIVE-1}
exec cargo test --locked --workspace --test collegium -- damage:: --nocapture
