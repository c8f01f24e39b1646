/** Microphone to 16-bit blocks of 20 ms at 24 kHz. */
import { Resampler } from "./resample";

const RATE_HZ = 24_000;
const BLOCK_SAMPLES = 480;

class Capture extends AudioWorkletProcessor {
  private readonly resampler = sampleRate === RATE_HZ ? null : new Resampler(sampleRate, RATE_HZ);
  private block = new Int16Array(BLOCK_SAMPLES);
  private filled = 0;
  private peak = 0;

  process(inputs: Float32Array[][]): boolean {
    const samples = inputs[0]?.[0];
    if (!samples) return true;
    if (this.resampler) this.resampler.feed(samples, (sample) => this.take(sample));
    else for (const sample of samples) this.take(sample);
    return true;
  }

  private take(sample: number): void {
    const clipped = Math.max(-1, Math.min(1, sample));
    this.block[this.filled++] = Math.round(clipped * 32767);
    this.peak = Math.max(this.peak, Math.abs(clipped));
    if (this.filled < BLOCK_SAMPLES) return;
    this.port.postMessage({ block: this.block, peak: this.peak }, [this.block.buffer]);
    this.block = new Int16Array(BLOCK_SAMPLES);
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("capture", Capture);
