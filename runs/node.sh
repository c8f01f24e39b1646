#!/usr/bin/env bash
# Trains on all GPUs of one machine with torchrun: each has a share of every step's rows and of the parameters (FSDP2).
# It can be interrupted and called again, also with another number of GPUs.
#
#   BANK=DIR runs/node.sh                  mini on all GPUs, into out/node
#   PRESET=nano GPUS=2 BANK=DIR runs/node.sh
#
# Not run on GPUs so far: two processes on a CPU are what the tests run (tests/test_train_distributed.py).
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BANK:?name the folder of a speech bank: BANK=DIR runs/node.sh (microturn bank build makes one)}"
PRESET="${PRESET:-mini}"
OUT="${OUT:-out/node}"
MINUTES="${MINUTES:-600}"
GPUS="${GPUS:-$(nvidia-smi --list-gpus | wc -l)}"
ROWS="${ROWS:-$((32 * GPUS))}"            # of one step, over all GPUs; a multiple of their number
CORES="$(nproc)"
WORKERS="${WORKERS:-$((CORES / GPUS > 1 ? CORES / GPUS - 1 : 1))}" # that make data, for each GPU
export OMP_NUM_THREADS=1

.venv/bin/torchrun --standalone --nproc-per-node "$GPUS" -m microturn train "$PRESET" \
  --bank "$BANK" --out "$OUT" --minutes "$MINUTES" --rows "$ROWS" --workers "$WORKERS" --device cuda \
  ${TOKENIZER:+--tokenizer "$TOKENIZER"} ${SET:+--set $SET}

# One flow step instead of two, on one core; the vocoder is the shipped one unless the run has its own.
for part in json safetensors; do
  [ -f "$OUT/model/vocoder.$part" ] || cp "microturn/weights/nano/vocoder.$part" "$OUT/model/"
done
nice .venv/bin/python -m microturn.train.distill --model "$OUT/model" --bank "$BANK" --out "$OUT/served" \
  --num-teacher-steps 4 --num-student-steps 1 --noise 0.15 0.3 --at-steps 0.7 --minutes "${DISTILL_MINUTES:-10}"
