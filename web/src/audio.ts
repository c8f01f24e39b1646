/** Microphone and loudspeaker of one conversation. */
import captureUrl from "./capture.worklet.ts?worker&url";
import playbackUrl from "./playback.worklet.ts?worker&url";

export const RATE_HZ = 24_000;

export interface PlaybackReport {
  playedMs: number;
  energy: number;
  waitingMs: number;
  droppedMs: number;
  numTorn: number;
}

/** An error whose message can be shown to the user as it stands. */
export class AudioProblem extends Error {}

export class Audio {
  private constructor(
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly capture: AudioWorkletNode,
    private readonly playback: AudioWorkletNode,
  ) {}

  /** Ask for the microphone and build both worklets. Throws AudioProblem. */
  static async open(): Promise<Audio> {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new AudioProblem(
        "This browser gives no microphone here. Open the page at http://127.0.0.1 or over HTTPS.",
      );
    }
    const stream = await askMicrophone();
    try {
      return await Audio.build(stream);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw new AudioProblem(`The browser's audio did not start: ${(error as Error).message}`);
    }
  }

  private static async build(stream: MediaStream): Promise<Audio> {
    let context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    let source: MediaStreamAudioSourceNode;
    try {
      source = context.createMediaStreamSource(stream);
    } catch {
      // Some browsers refuse a rate other than the microphone's; the worklets resample then.
      await context.close();
      context = new AudioContext({ latencyHint: "interactive" });
      source = context.createMediaStreamSource(stream);
    }
    await Promise.all([captureUrl, playbackUrl].map((url) => context.audioWorklet.addModule(url)));
    const capture = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    const playback = new AudioWorkletNode(context, "playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    source.connect(capture);
    playback.connect(context.destination);
    await context.resume();
    return new Audio(context, stream, capture, playback);
  }

  onBlock(listener: (block: Int16Array, peak: number) => void): void {
    this.capture.port.onmessage = ({ data }) => listener(data.block, data.peak);
  }

  onReport(listener: (report: PlaybackReport) => void): void {
    this.playback.port.onmessage = ({ data }) => listener(data);
  }

  /** Called when the microphone goes away, such as a pulled headset. */
  onLost(listener: () => void): void {
    for (const track of this.stream.getAudioTracks()) track.onended = listener;
  }

  play(samples: Float32Array): void {
    this.playback.port.postMessage({ samples });
  }

  async close(): Promise<void> {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") await this.context.close();
  }
}

async function askMicrophone(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({
      // The model learned from plain microphones: a browser's gain control and noise suppression change words.
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    throw new AudioProblem(microphoneText(error as DOMException));
  }
}

function microphoneText(error: DOMException): string {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The microphone is blocked. Allow it for this page in the browser's address bar, then start again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Plug one in, then start again.";
    case "NotReadableError":
    case "AbortError":
      return "The microphone is in use by another program or does not answer. Free it, then start again.";
    default:
      return `The microphone could not be opened: ${error.message || error.name}`;
  }
}
