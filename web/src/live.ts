/** One session of the Live API over WebSocket; it outlives a lost connection for half a minute. */

export interface Usage {
  seconds: number;
  late: number;
  slipped: number;
  droppedMs: number;
  stepMs: number;
}

export interface LiveListener {
  started(): void;
  audio(samples: Float32Array, startMs: number): void;
  words(lane: "heard" | "said", text: string, startMs: number, endMs: number): void;
  muted(isMuted: boolean): void;
  usage(usage: Usage): void;
  refused(code: string, message: string): void;
  /** The connection is lost and sought again, or is there again. */
  away(isAway: boolean): void;
  /** The last call. `problem` is empty when the end was asked for. */
  ended(problem: string): void;
}

const KEY_PROTOCOL = "openai-insecure-api-key.";
const CLOSE_TIMEOUT_MS = 3_000;
const LOST = 1006;
const AWAY_MS = 28_000; // the server waits 30 s
const RETRY_MS = 500;

export class LiveSession {
  private socket: WebSocket;
  private isStarted = false;
  private isClosing = false;
  private isEnded = false;
  private problem = "";
  private resumeToken = "";
  private lastEventId = "";
  private awaySince = 0;
  private played = { playedMs: 0, droppedMs: 0 };
  private playedBefore = { playedMs: 0, droppedMs: 0 };

  constructor(
    private readonly listener: LiveListener,
    private readonly key: string,
    private eagerness: number,
  ) {
    this.socket = this.connect();
  }

  private connect(): WebSocket {
    const url = new URL("v1/live/sessions?extensions=resume", location.href.split("#")[0]);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, this.key ? ["live", KEY_PROTOCOL + this.key] : ["live"]);
    socket.onopen = () => this.send(this.resumeToken ? this.resumption() : start(this.eagerness));
    socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    socket.onclose = ({ code }) => this.lost(code);
    return socket;
  }

  private resumption(): object {
    return { type: "session.resume", resume_token: this.resumeToken, last_event_id: this.lastEventId };
  }

  /** A connection that broke is sought again; any other end is the end. */
  private lost(code: number): void {
    this.awaySince ||= performance.now();
    const isLate = performance.now() - this.awaySince > AWAY_MS;
    if (this.isClosing || this.isEnded || code !== LOST || !this.resumeToken || isLate) {
      return this.end(this.isClosing ? "" : this.problem || closeText(code));
    }
    this.isStarted = false;
    this.listener.away(true);
    setTimeout(() => {
      if (!this.isEnded) this.socket = this.connect();
    }, RETRY_MS);
  }

  /** What the loudspeaker has played and dropped in all: what was not heard was not said. */
  heard(playedMs: number, droppedMs: number): void {
    if (playedMs === this.played.playedMs && droppedMs === this.played.droppedMs) return;
    this.played = { playedMs, droppedMs };
    if (!this.isStarted || this.isClosing) return;
    this.send({
      type: "session.playback.ack",
      played_ms: playedMs - this.playedBefore.playedMs,
      dropped_ms: droppedMs - this.playedBefore.droppedMs,
    });
  }

  sendAudio(block: Int16Array): void {
    if (!this.isStarted || this.isClosing) return;
    // A connection that cannot keep up would only pile up delay: the server fills gaps with silence.
    if (this.socket.bufferedAmount > 64_000) return;
    const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
    this.send({ type: "session.input_audio.append", audio: btoa(String.fromCharCode(...bytes)) });
  }

  mute(isMuted: boolean): void {
    this.send({ type: `session.input_audio.${isMuted ? "mute" : "unmute"}` });
  }

  type(content: string): void {
    this.send({ type: "session.thinking.append", content });
  }

  /** How readily the model takes the floor: 0 is balanced. */
  lean(eagerness: number): void {
    this.eagerness = eagerness;
    this.send({ type: "session.update", session: { microturn: { eagerness } } });
  }

  close(): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.send({ type: "session.close" });
    setTimeout(() => this.end(""), CLOSE_TIMEOUT_MS);
  }

  private send(event: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(event));
  }

  private end(problem: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.socket.close();
    this.listener.ended(problem);
  }

  // biome-ignore lint: the wire is untyped here; each field is read once.
  private take(event: any): void {
    if (this.isEnded) return;
    if (event.event_id) this.lastEventId = event.event_id;
    switch (event.type) {
      case "session.started":
        this.isStarted = true;
        this.resumeToken = event.session.resume_token ?? "";
        return this.listener.started();
      case "session.resumed":
      case "session.resync_required":
        this.isStarted = true;
        this.resumeToken = event.session.resume_token;
        this.awaySince = 0;
        this.playedBefore = this.played;
        this.lean(this.eagerness); // it may have been changed while nobody listened
        return this.listener.away(false);
      case "session.output_audio.delta":
        return this.listener.audio(decodeAudio(event.delta), event.start_ms);
      case "session.input_transcript.delta":
        return this.listener.words("heard", event.delta, event.start_ms, event.end_ms);
      case "session.output_transcript.delta":
        return this.listener.words("said", event.delta, event.start_ms, event.end_ms);
      case "session.input_audio.muted":
      case "session.input_audio.unmuted":
        return this.listener.muted(event.type.endsWith(".muted"));
      case "session.usage.updated":
        return this.listener.usage(readUsage(event));
      case "info":
        if (event.code.endsWith("_soon")) return this.listener.refused(event.code, event.message);
        this.problem = event.message;
        return;
      case "error":
        this.problem = event.error.message;
        return this.listener.refused(event.error.code, event.error.message);
      case "session.closed":
        return this.end(this.isClosing ? "" : this.problem || "The server ended the session.");
    }
  }
}

function start(eagerness: number): object {
  const format = { type: "audio/pcm", rate: 24_000 };
  const session = { model: "microturn", audio: { format }, microturn: { eagerness } };
  return { type: "session.start", session };
}

// biome-ignore lint: as above.
function readUsage(event: any): Usage {
  const { late = 0, slipped = 0, dropped_ms = 0, step_ms = 0 } = event.microturn ?? {};
  return { seconds: event.usage.seconds, late, slipped, droppedMs: dropped_ms, stepMs: step_ms };
}

function decodeAudio(delta: string): Float32Array {
  const text = atob(delta);
  const samples = new Float32Array(text.length >> 1);
  for (let i = 0; i < samples.length; i++) {
    const value = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 8);
    samples[i] = (value << 16 >> 16) / 32768;
  }
  return samples;
}

function closeText(code: number): string {
  if (code === 1012) return "The server shuts down or restarts. Start again in a moment.";
  if (code === 1013) return "The server is full. Try again later.";
  if (code === 1011) return "The server made a mistake and ended this session. Start again.";
  return "The connection to the server is lost or was refused. Is it running?";
}
