#!/usr/bin/env bash
# One GPU, half an hour at a time, on a machine that is lent, bare at the start and gone at the end.
#
# What travels there: the code, a bank in Opus (`travel bank`, 60 MB hold about 5 hours of speech) and, from the second
# time on, the weights. What travels back: the weights in parts of at most 15 MB, and the log. Optimizer states do not
# travel: they remember twenty steps, and a short warm-up makes them anew.
#
#   runs/h200.sh pack BANK     here: BANK -> out/h200/bank, small enough to travel
#   runs/h200.sh train         there: trains for MINUTES and leaves out/h200/parts
#   runs/h200.sh unpack        here: out/h200/parts -> out/h200/model; from there the next call of `train` goes on
#   runs/h200.sh distill BANK  here, on one core, when training is over: one flow step instead of two -> out/h200/served
#
# Not run on a GPU so far; the steps are run on a CPU by tests/test_train_travel.py.
set -euo pipefail
cd "$(dirname "$0")/.."

OUT="${OUT:-out/h200}"
PYTHON="${PYTHON:-.venv/bin/python}"
PRESET="${PRESET:-nano}"
MINUTES="${MINUTES:-25}"                   # of training; what is left of the half hour is for starting and saving
ROWS="${ROWS:-64}"
export OMP_NUM_THREADS=1

case "${1:-}" in
  pack)
    "$PYTHON" -m microturn.train.travel bank --bank "${2:?name the bank}" --out "$OUT/bank" --max-mb 60
    ;;
  train)
    FROM=""
    if [ -d "$OUT/parts" ]; then
      "$PYTHON" -m microturn.train.travel unpack --parts "$OUT/parts" --out "$OUT/model"
      FROM="--init-from $OUT/model"
    fi
    "$PYTHON" -m microturn train "$PRESET" --bank "$OUT/bank" --out "$OUT/run" --minutes "$MINUTES" \
      --rows "$ROWS" --workers "$(($(nproc) > 1 ? $(nproc) - 1 : 1))" --device "${DEVICE:-cuda}" $FROM ${SET:+--set $SET}
    "$PYTHON" -m microturn.train.travel pack --model "$OUT/run/model" --out "$OUT/parts" --part-mb 15
    cp "$OUT/run/log.jsonl" "$OUT/parts/"
    ;;
  unpack)
    "$PYTHON" -m microturn.train.travel unpack --parts "$OUT/parts" --out "$OUT/model"
    ;;
  distill)
    for part in json safetensors; do # of the model's voice: the shipped one, unless there is one of its own
      [ -f "$OUT/model/vocoder.$part" ] || cp "microturn/weights/nano/vocoder.$part" "$OUT/model/"
    done
    nice "$PYTHON" -m microturn.train.distill --model "$OUT/model" --bank "${2:?name the bank}" --out "$OUT/served" \
      --num-teacher-steps 4 --num-student-steps 1 --noise 0.15 0.3 --at-steps 0.7 --minutes "${DISTILL_MINUTES:-10}"
    ;;
  *)
    echo "say what to do: runs/h200.sh pack BANK, runs/h200.sh train, runs/h200.sh unpack, or runs/h200.sh distill BANK" >&2
    exit 2
    ;;
esac
