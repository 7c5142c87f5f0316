#!/usr/bin/env bash
# How often do 95 % intervals hold the truth, where rows belong together?
#
#     benches/coverage.sh
#
# Draws 2,000 tables for each number of groups, on which a fixed model is measured; the groups have effects
# of their own. The truth is what the model comes to on 200,000 rows of 40,000 other groups. Prints the share
# of intervals that hold it, drawn by groups and drawn by rows, for log loss, accuracy, AUC and RMSE, and of
# changes between two samples that are alike. Takes about a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --quiet -p collegium-probe --test groups coverage_of_two_thousand_tables -- --ignored --nocapture
