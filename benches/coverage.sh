#!/usr/bin/env bash
# How often do 95 % intervals hold the truth?
#
#     benches/coverage.sh
#
# The first table: 2,000 tables each of independent rows, of 40 groups with effects of their own, and of a series whose
# effects and inputs are autoregressions (blocks of time by the autocorrelation of the losses), on which a fixed model is
# measured. The truth is what it comes to on a million fresh rows. Prints the share of intervals that hold it, of AUC,
# log loss, R², paired differences from a second model, what exchanging an input among alike rows costs, and an AGOP
# share; beside it what intervals by rows hold; and whether a share is below 94 % (one-sided binomial test, Holm's
# correction over all) or above 98 %. `COVERAGE_SET=chosen` draws the tables on which the rules were chosen, and the
# default others.
#
# The second: 2,000 tables for each number of groups, among them so few that the jackknife is used, for log loss,
# accuracy, AUC and RMSE, and of changes between two samples that are alike. About five minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --quiet --workspace --locked --test coverage coverage_of_two_thousand_tables -- --ignored --nocapture
exec cargo test --quiet --workspace --locked --test groups coverage_of_two_thousand_tables -- --ignored --nocapture
