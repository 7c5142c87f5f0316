#!/usr/bin/env bash
# What does harm cost? A cold run of 40 small experts is killed, starved of disk space and given
# errors, and finished stores get a byte flipped; then a plain run, without a flag or a repair command,
# has to end where an undisturbed project ends: the same objects, the same lock, byte for byte.
#
#     benches/crash.sh [--share SHARE] [--part kills|full|errors|flips]…     by default all parts
#
#   kills   SIGKILL at 200 random moments of the run
#   full    the run on a file system too small by bytes and by inodes, which then grows: exit code 7 and
#           a way out (needs to be allowed to mount a tmpfs; says SKIPPED where it is not)
#   errors  EIO for one of its writes, syncs, renames, new files or new folders, at 40 random places,
#           and for everything from a random place on, at 20: exit code 7, or success where it did not
#           matter (tests/fail_io.c; needs a C compiler and Linux 5.5; says SKIPPED where it cannot)
#   flips   one bit in one of 250 objects, recipes and realisations, then `run --audit`: what is there
#           again has the content it had
#
# SHARE is that of the cases to be tried, by default 1.
# The places are drawn with a fixed seed, the moments as shares of the undisturbed run's duration. Two
# cases run side by side. Exits 1 if one did not end as it must. Needs python3 (3.11 or later).
set -euo pipefail
source "$(dirname "$0")/common.sh"

# In memory where that is possible: thousands of small files come and go.
folder=$scratch
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
  folder=$(mktemp -d /dev/shm/collegium-crash.XXXXXX)
  trap 'rm -rf "$scratch" "$folder"' EXIT
fi
fail_io=$scratch/fail_io
if ! cc -O1 -o "$fail_io" "$repository/tests/fail_io.c" ||
  ! "$fail_io" 0 "$scratch" "$scratch/calls" -- true; then
  fail_io=
fi
python3 "$benches/crash.py" --collegium "$collegium" --fail-io "$fail_io" --folder "$folder" "$@"
