#!/usr/bin/env bash
# Short runs that differ in one setting, on the same rows, and a table of how they compare.
#
#   BANK=DIR runs/paired.sh - optim.use_muon=true
#   BANK=DIR MINUTES=20 runs/paired.sh - pack.said_noise=0.3 loss.flow_weight=3 "optim.adamw_lr=1e-3 optim.decay=0.5"
#
# JUDGE=DIR also measures the weights, on conversations of another bank: needed where the setting changes what the logs
# measure (weights of losses, noise).
#
# `-` is the run without a change. Each argument is one run; settings of one run are separated by spaces.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BANK:?name the folder of a speech bank: BANK=DIR runs/paired.sh - NAME=VALUE}"
OUT="${OUT:-out/paired}"
MINUTES="${MINUTES:-10}"
ROWS="${ROWS:-2}"
INIT_FROM="${INIT_FROM:-}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=34359738368 MALLOC_TOP_PAD_=536870912

[ $# -ge 2 ] || { echo "give two runs or more: runs/paired.sh - optim.use_muon=true" >&2; exit 2; }
folders=()
for settings in "$@"; do
  name="$(echo "$settings" | tr -c 'A-Za-z0-9._=\n-' '_')"
  [ "$settings" = "-" ] && name=unchanged && settings=""
  folders+=("$OUT/$name")
  # shellcheck disable=SC2086  # settings are words
  nice .venv/bin/microturn train "${PRESET:-nano}" --bank "$BANK" --out "$OUT/$name" --minutes "$MINUTES" \
    --rows "$ROWS" ${INIT_FROM:+--init-from "$INIT_FROM"} ${settings:+--set $settings}
done
.venv/bin/python -m microturn.train.paired "${folders[@]}" ${JUDGE:+--judge-bank "$JUDGE"} | tee "$OUT/table.md"
