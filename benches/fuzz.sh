#!/usr/bin/env bash
# A million broken inputs of each target (or as many as COUNT says): none may do harm. What does is kept, as small
# as it was made, under crates/fuzz/corpus, and read again by the tests.
#
#   benches/fuzz.sh                    all targets
#   COUNT=100000 SEED=7 benches/fuzz.sh csv parquet
#
# COLLEGIUM_FUZZ names a binary that is run as it is, and nothing is built.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzz=${COLLEGIUM_FUZZ:-target/fuzz/collegium-fuzz}
[ -n "${COLLEGIUM_FUZZ:-}" ] || cargo build --locked --profile fuzz -p collegium-fuzz
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$fuzz" --list)
failed=0
for target in "${targets[@]}"; do
    "$fuzz" "$target" --seed "${SEED:-1}" --count "${COUNT:-1000000}" || failed=1
done
exit "$failed"
