#!/usr/bin/env bash
# From nothing to a trained nano, on two cores. Each step can be interrupted and called again.
#
#   runs/cpu.sh             everything, into out/cpu
#   MINUTES=5 runs/cpu.sh   a try: the same steps, a model that has learned little
#   SENTENCES=100 runs/cpu.sh   fewer open sentences in the bank
#   BANK=DIR runs/cpu.sh    with a speech bank of your own, or several: BANK="DIR DIR"
#   TEXTS=0 runs/cpu.sh     without further sentences to listen to
#   INIT=microturn/weights/nano runs/cpu.sh    go on from these weights, with their sizes and their
#                           vocoder, not from nothing; best with TEXTS=0 and the bank they were trained with, or more
set -euo pipefail
cd "$(dirname "$0")/.."

OUT="${OUT:-out/cpu}"
MINUTES="${MINUTES:-600}"                 # of training nano; the vocoder gets a tenth of it
VOCODER_MINUTES="${VOCODER_MINUTES:-$(((MINUTES + 9) / 10))}"
# Processes with one thread each: two threads in one process were slower than one (docs/log.md). Each
# process trains a copy of the model on two conversations a step; every few steps they take the mean.
PROCESSES="${PROCESSES:-$(($(getconf _NPROCESSORS_ONLN) > 1 ? 2 : 1))}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# Keep freed memory: without this a training step spends a third of its time on page faults. tcmalloc
# (Debian: apt install libtcmalloc-minimal4) is better still: a step takes 0.86 of the time.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=34359738368 MALLOC_TOP_PAD_=536870912
tcmalloc="$(ldconfig -p 2>/dev/null | awk '/libtcmalloc_minimal\.so/ { print $NF; exit }')"

make .venv/dev.stamp
microturn=.venv/bin/microturn
mkdir -p "$OUT"

# 1. A bank of speech: every text of the scenarios, in many voices, with word times, and open sentences for both sides:
#    what the model is to read aloud it can say as well as it has said words. With Kokoro where it is installed
#    (`microturn/data/kokoro.py` says how; 0.6 s of a core a sentence), else with espeak-ng and flite, which teach less.
SENTENCES="${SENTENCES:-3000}"
if [ -z "${BANK:-}" ]; then
  BANK="$OUT/bank"
  "$microturn" bank build --out "$BANK" --sentences "$SENTENCES"
fi
read -ra BANKS <<< "$BANK"

#    Further sentences to listen to, in flite's voices, which cost a sixtieth of their length: words are heard as
#    well as they were heard often. Many sentences in few voices teach those voices; with Kokoro installed, a bank of
#    further sentences in its 34 (`bank build --engines kokoro --texts`, 0.6 s of a core each) pays more (docs/log.md).
TEXTS="${TEXTS:-$((MINUTES * 40))}"
if [ "$TEXTS" -gt 0 ] && command -v flite > /dev/null && command -v espeak-ng > /dev/null; then
  MORE="$OUT/bank_more" voices="kal16 kal16~0.88 kal16~0.94 kal16~1.06 kal16~1.12 kal16~1.18"
  [ -z "${MICROTURN_KOKORO:-}" ] || voices+=" awb awb~0.86 awb~0.92 awb~1.06 awb~1.12 awb~1.24" # else awb is the model
  likely=0
  .venv/bin/python -c "import pocketsphinx" 2> /dev/null && likely=$((TEXTS / 3)) # its model of English makes them up
  if [ ! -e "$OUT/texts.jsonl" ]; then
    .venv/bin/python -m microturn.data.made_up --bank "${BANKS[0]}" --everyday $((TEXTS - likely)) --likely "$likely" \
      > "$OUT/texts.part"
    mv "$OUT/texts.part" "$OUT/texts.jsonl"
  fi
  # shellcheck disable=SC2086
  "$microturn" bank build --out "$MORE" --texts "$OUT/texts.jsonl" --no-scenarios --engines flite espeak-ng \
    --own-voice en-us --voices $voices
  BANKS+=("$MORE")
fi

# 2. The vocoder: mel to waveform, on the model's own voice.
VOCODER="${INIT:-$OUT/vocoder}"
if [ -z "${INIT:-}" ]; then
  nice .venv/bin/python -m microturn.train.vocoder \
    --bank "${BANKS[@]}" --out "$OUT/vocoder" --minutes "$VOCODER_MINUTES"
fi

# 3. The model: listening, speaking and deciding, in one loop and from one mixture. Weights that have listened begin at
#    its last stage, with smaller steps that shrink for most of the run.
GO_ON=()
[ -z "${INIT:-}" ] || GO_ON=(mixture_after=20000 optim.adamw_lr=1.5e-3 optim.muon_lr=1.6e-3 optim.warmup=0.01 optim.decay=0.75)
LD_PRELOAD="$tcmalloc" nice .venv/bin/torchrun --standalone --nproc-per-node "$PROCESSES" -m microturn train "${INIT:-nano}" \
  --bank "${BANKS[@]}" --out "$OUT/nano" --minutes "$MINUTES" --rows $((2 * PROCESSES)) \
  --roughness 0.35 --set average_every=25 other_tracts=0.3 "${GO_ON[@]}" \
  ${INIT:+--init-from "$INIT"}
cp "$VOCODER"/vocoder.{json,safetensors} "$OUT/nano/model/"

# 4. One flow step instead of two, as in the weights that are shipped.
DISTILL_MINUTES="${DISTILL_MINUTES:-$((MINUTES > 54 ? 6 : (MINUTES + 8) / 9))}"
if [ ! "$OUT/model/distill.json" -nt "$OUT/nano/model/model.safetensors" ]; then
  nice .venv/bin/python -m microturn.train.distill --model "$OUT/nano/model" --bank "${BANKS[@]}" --out "$OUT/model" \
    --num-teacher-steps 4 --num-student-steps 1 --noise 0.15 0.3 --at-steps 0.7 --minutes "$DISTILL_MINUTES"
fi

#    Gone on from other weights: the mean of those and the new ones is better than either (docs/log.md).
MODEL="$OUT/model"
if [ -n "${INIT:-}" ]; then
  MODEL="$OUT/mean"
  .venv/bin/python -m microturn.train.average --models "$INIT" "$OUT/model" --share 0.7 --out "$MODEL"
fi

# 5. What it does, skill by skill, in voices that did not train it; and what a micro-turn costs.
"$microturn" eval nano-card --system "model:$MODEL" --out "$OUT/eval" --html "$OUT/eval.html"
"$microturn" bench tick --model "$MODEL" --json | tee "$OUT/tick.json"

echo "talk to it: $microturn serve --open --model $MODEL"
