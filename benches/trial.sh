#!/usr/bin/env bash
# The whole trial: everything that may happen to a project, its store and its inputs, many times, and one table
# of what went wrong. Nothing may.
#
#     benches/trial.sh [--quick] [PART…]        by default all parts
#
#   kills cuts damage errors full flips together swaps fuzz
#
# It runs the other scripts (crash.sh, cuts.sh, damage.sh, beside.sh, fuzz.sh), whose heads say what they do.
# The whole of it takes hours; with --quick, which is a sample of each, minutes. COUNT is the number of inputs
# of each target of fuzz.sh, by default 1,000,000 or 2,000; FUZZ names targets, by default all.
#
# Columns: cases tried; wrong numbers; locks that changed without a word; panics and aborts; exit codes that
# are not those of the table in README; anything else (what is half-written and accepted, a repair that was
# needed, memory and time without bounds); files outside of projects that were touched. For the last, folders
# that are nobody's business lie beside the projects and where settings are looked for, with files of the names
# that a store sweeps. Exits 1 if anything but the cases is not 0, or if a script did not come to its end.
set -euo pipefail
source "$(dirname "$0")/common.sh"
export COLLEGIUM_BINARY=$collegium

quick=
if [ "${1:-}" = --quick ]; then
  quick=yes
  shift
fi
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(kills cuts damage errors full flips together swaps fuzz)
share=1 cuts=2000 count=${COUNT:-1000000}
exhaustive=1
if [ "$quick" ]; then
  share=0.1 cuts=100 count=${COUNT:-2000} exhaustive=
fi

# Files beside the projects: where temporary folders are made, and in memory.
beside=("$scratch/sentinel")
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
  beside+=("/dev/shm/collegium-sentinel.$$")
  trap 'rm -rf "$scratch" "/dev/shm/collegium-sentinel.$$"' EXIT
fi
for folder in "${beside[@]}"; do
  mkdir -p "$folder"/{objects/ab,tmp,quarantine,runs,locks,.config/collegium}
  for name in objects/ab/cdef tmp/1-abc123 quarantine/old.1 runs/20200101T000000.000000Z-1.json locks/lock \
    .collegium-abc123.part .small.lock.abc123 rows.csv .config/collegium/other.toml; do
    echo "somebody else's" >"$folder/$name"
    touch -d '2 days ago' "$folder/$name"
  done
done
mkdir -p "$scratch/tmp"
export TMPDIR=$scratch/tmp XDG_CONFIG_HOME=$scratch/sentinel/.config

# Everything that is to be known of them: names, kinds, inodes, sizes, times, contents.
sentinels() {
  find "${beside[@]}" -printf '%p %y %i %m %s %T@ %C@\n' | sort
  find "${beside[@]}" -type f -exec sha256sum {} + | sort
}

tally=$scratch/tally
touch "$tally"
export COLLEGIUM_TALLY=$tally
table=$scratch/table

# Runs a script; its lines of the tally get how many files beside were touched, and one more if it did not end.
part() {
  local name=$1 before after code=0 outside lines
  shift
  echo "== $name: $*" >&2
  before=$(sentinels)
  : >"$tally"
  "$@" >&2 || code=$?
  after=$(sentinels)
  outside=$(diff <(echo "$before") <(echo "$after") | grep -c '^[<>]' || true)
  lines=$(wc -l <"$tally")
  # Whoever fails says in which column; who fails without a line did not get so far.
  if [ "$lines" -eq 0 ] || { [ "$code" -ne 0 ] && ! awk -F'\t' '{ for (i = 3; i <= 7; i++) if ($i) bad = 1 } END { exit !bad }' "$tally"; }; then
    printf '%s did not come to its end (code %s)\t0\t0\t0\t0\t0\t1\n' "$name" "$code" >>"$tally"
  fi
  awk -F'\t' -v OFS='\t' -v outside="$outside" '{ print $0, NR == 1 ? outside : 0 }' "$tally" >>"$table"
}

# fuzz.sh says of each target what it does and, if it lives on, what came of it.
fuzzed() {
  local said=$scratch/fuzzed code=0
  # shellcheck disable=SC2086
  COUNT=$count "$benches/fuzz.sh" ${FUZZ:-} | tee "$said" || code=$?
  awk -v OFS='\t' '
    $2 == "inputs" { target = substr($1, 1, length($1) - 1); begun[target] = 1; order[++n] = target }
    $2 == "panic:" { panics[target]++ }
    $2 == "memory:" || $2 == "time:" { others[target]++ }
    /: seed / { ended[target] = 1; for (i = 1; i <= NF; i++) { if ($i ~ /^inputs/) cases[target] = $(i - 1); if ($i == "did") harm[target] = $(i - 1) } }
    END {
      for (i = 1; i <= n; i++) {
        t = order[i]
        known = panics[t] + others[t]
        print "fuzz " t, cases[t] + 0, 0, 0, panics[t] + !ended[t], (harm[t] > known ? harm[t] - known : 0), others[t] + 0
      }
    }' "$said" >>"$tally"
  return "$code"
}

for name in "${parts[@]}"; do
  case $name in
    kills | full | errors | flips) part "$name" "$benches/crash.sh" --share "$share" --part "$name" ;;
    together | swaps) part "$name" "$benches/beside.sh" --share "$share" --part "$name" ;;
    cuts) part cuts "$benches/cuts.sh" "$cuts" ;;
    damage) part damage env COLLEGIUM_EXHAUSTIVE="$exhaustive" "$benches/damage.sh" ;;
    fuzz) part fuzz fuzzed ;;
    *)
      echo "there is no part $name" >&2
      exit 2
      ;;
  esac
done

echo
echo "| what happens | cases | wrong numbers | silent changes of a lock | panics, aborts | exit codes | other | files outside |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|"
awk -F'\t' '{ printf "|"; for (i = 1; i <= NF; i++) printf " %s |", $i; print "" }' "$table"
awk -F'\t' '
  { cases += $2; for (i = 3; i <= NF; i++) sum[i] += $i }
  END { printf "| all | %d |", cases; for (i = 3; i <= 8; i++) { printf " %d |", sum[i]; bad += sum[i] } print ""; exit bad > 0 }' "$table"
