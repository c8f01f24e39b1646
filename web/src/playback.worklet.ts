/**
 * The model's voice, as soon as it comes: a ring buffer that waits 60 ms before the first sound after a
 * gap (more where sound came too late before), and never lets more than 450 ms wait. What is too old is
 * dropped, so that the talk does not fall behind.
 */
import { Resampler } from "./resample";

const RATE_HZ = 24_000;
const CUSHION_MS = 60;
const CUSHION_STEP_MS = 40;
const MAX_CUSHION_MS = 180;
/** Sound that comes this soon after the buffer ran dry was meant to go on without a gap. */
const TORN_MS = 180;
const LIMIT_MS = 450;
const KEEP_MS = 300;
const REPORT_MS = 100;

class Playback extends AudioWorkletProcessor {
  private readonly resampler = sampleRate === RATE_HZ ? null : new Resampler(RATE_HZ, sampleRate);
  private readonly ring = new Float32Array(sampleRate);
  private head = 0;
  private size = 0;
  private wait = 0;
  private played = 0;
  private energy = 0;
  private dropped = 0;
  private cushionMs = CUSHION_MS;
  private dryFor = Infinity;
  private numTorn = 0;
  private sinceReport = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.clear) this.size = 0;
      else this.push(data.samples);
    };
  }

  private push(samples: Float32Array): void {
    if (this.size === 0) this.beginAgain();
    const put = (sample: number) => {
      this.ring[(this.head + this.size) % this.ring.length] = sample;
      this.size = Math.min(this.size + 1, this.ring.length);
    };
    if (this.resampler) this.resampler.feed(samples, put);
    else for (const sample of samples) put(sample);
    if (this.size > this.samples(LIMIT_MS)) this.drop(this.size - this.samples(KEEP_MS));
  }

  private beginAgain(): void {
    if (this.dryFor < this.samples(TORN_MS)) {
      this.numTorn++;
      this.cushionMs = Math.min(this.cushionMs + CUSHION_STEP_MS, MAX_CUSHION_MS);
    }
    this.wait = this.samples(this.cushionMs);
    this.dryFor = 0;
  }

  private drop(count: number): void {
    this.head = (this.head + count) % this.ring.length;
    this.size -= count;
    this.dropped += count;
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0][0];
    for (let i = 0; i < out.length; i++) {
      if (this.size === 0) {
        this.dryFor += out.length - i;
        break;
      }
      if (this.wait > 0) {
        this.wait--;
        continue;
      }
      out[i] = this.ring[this.head];
      this.head = (this.head + 1) % this.ring.length;
      this.size--;
      this.played++;
      this.energy += out[i] * out[i];
    }
    this.sinceReport += out.length;
    if (this.sinceReport >= this.samples(REPORT_MS)) this.report();
    return true;
  }

  private report(): void {
    this.sinceReport = 0;
    const toMs = 1000 / sampleRate;
    this.port.postMessage({
      playedMs: this.played * toMs,
      energy: this.energy,
      waitingMs: this.size * toMs,
      droppedMs: this.dropped * toMs,
      numTorn: this.numTorn,
    });
  }

  private samples(ms: number): number {
    return Math.round((ms * sampleRate) / 1000);
  }
}

registerProcessor("playback", Playback);
