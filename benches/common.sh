# Sourced by the benches: builds the release binary and makes a scratch folder that goes away again.
# Leaves in $collegium the binary, in $scratch the folder, in $benches this folder. COLLEGIUM_BINARY
# names a binary that is measured as it is, and nothing is built.

benches=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$benches")
collegium=${COLLEGIUM_BINARY:-}
if [ -z "$collegium" ]; then
  (cd "$repository" && cargo build --release --quiet --bin collegium)
  collegium=${CARGO_TARGET_DIR:-$repository/target}/release/collegium
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Tables are linked into the scratch folder from wherever they lie.
export COLLEGIUM_ALLOW_READ=/
