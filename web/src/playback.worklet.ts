/**
 * The model's voice, as soon as it comes: a ring buffer that waits 60 ms before the first sound after a
 * gap, and never lets more than 400 ms wait. What is too old is dropped, so the talk does not fall behind.
 */
import { Resampler } from "./resample";

const RATE_HZ = 24_000;
const CUSHION_MS = 60;
const LIMIT_MS = 400;
const KEEP_MS = 260;
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
  private sinceReport = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.clear) this.size = 0;
      else this.push(data.samples);
    };
  }

  private push(samples: Float32Array): void {
    if (this.size === 0) this.wait = this.samples(CUSHION_MS);
    const put = (sample: number) => {
      this.ring[(this.head + this.size) % this.ring.length] = sample;
      this.size = Math.min(this.size + 1, this.ring.length);
    };
    if (this.resampler) this.resampler.feed(samples, put);
    else for (const sample of samples) put(sample);
    if (this.size > this.samples(LIMIT_MS)) this.drop(this.size - this.samples(KEEP_MS));
  }

  private drop(count: number): void {
    this.head = (this.head + count) % this.ring.length;
    this.size -= count;
    this.dropped += count;
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0][0];
    for (let i = 0; i < out.length; i++) {
      if (this.size === 0) break;
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
    });
  }

  private samples(ms: number): number {
    return Math.round((ms * sampleRate) / 1000);
  }
}

registerProcessor("playback", Playback);
