#!/usr/bin/env bash
# What does a power cut cost? Every change that a command makes to a project is written down; then the disks
# are made that a cut may leave: what was synced is there, and of all else any part. From each of them a plain
# run has to end where an undisturbed one ends, and the command has to do the same when it is given again.
# The suite tries some hundred such disks (tests/cuts.rs); this tries COUNT of each command, where there are
# so many.
#
#     benches/cuts.sh [COUNT]        by default 1,000
#
# Prints for each command how many there were and how many went wrong; exits 1 if one did. Needs a C compiler
# and Linux; says SKIPPED where nothing can be written down.
set -euo pipefail
cd "$(dirname "$0")/.."
COLLEGIUM_CUTS=${1:-1000} exec cargo test --locked --workspace --test collegium -- cuts:: --nocapture --test-threads 1
