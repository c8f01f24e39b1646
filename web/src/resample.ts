/** Linear resampling of a stream. Used only where the browser insists on a rate of its own. */
export class Resampler {
  private readonly step: number;
  private position = 0;
  private last = 0;

  constructor(fromHz: number, toHz: number) {
    this.step = fromHz / toHz;
  }

  /** Calls `emit` for each output sample that the input completes. */
  feed(samples: Float32Array, emit: (sample: number) => void): void {
    for (const sample of samples) {
      while (this.position < 1) {
        emit(this.last + (sample - this.last) * this.position);
        this.position += this.step;
      }
      this.position -= 1;
      this.last = sample;
    }
  }
}
