/** What happened in one conversation, on one clock: milliseconds since the session began. */

export const BIN_MS = 20;
/** Louder than this counts as sound when both talk at once. */
const ACTIVE_PEAK = 0.02;
/** A pause shorter than this inside speech is still speech. */
const HANG_BINS = 10;

export interface Word {
  lane: "heard" | "said";
  text: string;
  startMs: number;
  endMs: number;
}

/** Peaks of one voice in bins of 20 ms; grows as needed. */
export class Peaks {
  private bins = new Float32Array(3_000);
  length = 0;

  put(atMs: number, peak: number): void {
    const index = Math.floor(atMs / BIN_MS);
    if (index < 0) return;
    if (index >= this.bins.length) {
      const grown = new Float32Array(Math.max(index + 1, 2 * this.bins.length));
      grown.set(this.bins);
      this.bins = grown;
    }
    this.bins[index] = Math.max(this.bins[index], peak);
    this.length = Math.max(this.length, index + 1);
  }

  /** The loudest of bins [from, to). */
  max(from: number, to: number): number {
    let peak = 0;
    for (let i = Math.max(0, from); i < Math.min(this.length, to); i++) {
      peak = Math.max(peak, this.bins[i]);
    }
    return peak;
  }

  isActive(index: number): boolean {
    return this.max(index - HANG_BINS, index + 1) > ACTIVE_PEAK;
  }
}

export class Conversation {
  readonly user = new Peaks();
  readonly model = new Peaks();
  readonly words: Word[] = [];
  private userMs = 0;
  private beganAt = performance.now();
  private endedMs = 0;
  /** Micro-turns that never came, as time: the server's clock stands behind ours by this much. */
  private slippedMs = 0;

  /** Time now, or the end of the conversation. */
  get nowMs(): number {
    return this.endedMs || performance.now() - this.beganAt;
  }

  begin(): void {
    this.beganAt = performance.now();
  }

  end(): void {
    this.endedMs = this.nowMs;
  }

  slip(microTurns: number): void {
    this.slippedMs = 200 * microTurns;
  }

  /** A block of the microphone. Blocks follow each other; only a real gap moves them. */
  putUser(peak: number): void {
    const now = this.nowMs;
    if (Math.abs(now - this.userMs) > 150) this.userMs = now;
    this.user.put(this.userMs, peak);
    this.userMs += BIN_MS;
  }

  putModel(samples: Float32Array, startMs: number, rateHz: number): void {
    const step = (rateHz * BIN_MS) / 1000;
    for (let from = 0; from < samples.length; from += step) {
      let peak = 0;
      for (let i = from; i < Math.min(from + step, samples.length); i++) {
        peak = Math.max(peak, Math.abs(samples[i]));
      }
      this.model.put(startMs + this.slippedMs + (from / step) * BIN_MS, peak);
    }
  }

  putWords(lane: Word["lane"], text: string, startMs: number, endMs: number): void {
    this.words.push({ lane, text, startMs: startMs + this.slippedMs, endMs: endMs + this.slippedMs });
  }
}

/** Deltas of one lane, joined while the pause between them is short. */
export interface Caption {
  lane: Word["lane"];
  text: string;
  startMs: number;
  endMs: number;
}

const SAME_CAPTION_MS = 1_200;

export function captions(words: readonly Word[]): Caption[] {
  const result: Caption[] = [];
  const open: Partial<Record<Word["lane"], Caption>> = {};
  for (const word of words) {
    const last = open[word.lane];
    if (last && word.startMs - last.endMs <= SAME_CAPTION_MS) {
      last.text += word.text;
      last.endMs = word.endMs;
    } else {
      const caption = { ...word };
      open[word.lane] = caption;
      result.push(caption);
    }
  }
  return result;
}
