# Sourced by the benches: builds the release binary and makes a scratch folder that goes away again.
# Leaves in $collegium the binary, in $scratch the folder, in $benches this folder.

benches=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$benches")
(cd "$repository" && cargo build --release --quiet --bin collegium)
collegium=${CARGO_TARGET_DIR:-$repository/target}/release/collegium
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
