/** The page: one button, one status line, one timeline, captions. */
import { html, LitElement, nothing } from "lit";
import { styles } from "./app.styles";
import { Audio, AudioProblem, PlaybackReport, RATE_HZ } from "./audio";
import { LiveSession, Usage } from "./live";
import { Conversation, captions } from "./record";
import "./timeline";

type Phase = "idle" | "connecting" | "live";

const NO_USAGE: Usage = { seconds: 0, late: 0, slipped: 0, droppedMs: 0, stepMs: 0 };
const NO_REPORT: PlaybackReport = { playedMs: 0, energy: 0, waitingMs: 0, droppedMs: 0, numTorn: 0 };
const SHOWN_CAPTIONS = 30;
// In log odds of speaking, as the protocol has it; the server knows the names too.
const EAGERNESS = [-1.5, -0.75, 0, 0.75, 1.5];
const EAGERNESS_NAMES = ["reserved", "calm", "balanced", "keen", "eager"];
const BALANCED = 2;

export class App extends LitElement {
  static properties = {
    phase: { state: true },
    isMuted: { state: true },
    problem: { state: true },
    notice: { state: true },
    usage: { state: true },
    needsKey: { state: true },
    numWords: { state: true },
    lean: { state: true },
  };
  static styles = styles;
  declare phase: Phase;
  declare isMuted: boolean;
  declare problem: string;
  declare notice: string;
  declare usage: Usage;
  declare needsKey: boolean;
  declare numWords: number;
  /** A place in EAGERNESS. */
  declare lean: number;
  private conversation = new Conversation();
  private audio: Audio | null = null;
  private session: LiveSession | null = null;
  private report = NO_REPORT;
  private numSentBlocks = 0;
  private key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";

  constructor() {
    super();
    this.phase = "idle";
    this.isMuted = false;
    this.problem = "";
    this.notice = "";
    this.usage = NO_USAGE;
    this.needsKey = false;
    this.numWords = 0;
    this.lean = BALANCED;
  }

  /** Numbers for tests and for the curious. */
  get stats() {
    const text = (lane: string) =>
      this.conversation.words.filter((word) => word.lane === lane).map((word) => word.text).join("");
    return {
      phase: this.phase, problem: this.problem, isMuted: this.isMuted, usage: this.usage,
      report: this.report, numSentBlocks: this.numSentBlocks, heard: text("heard"), said: text("said"),
    };
  }

  connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.shortcut);
    addEventListener("pagehide", this.leave);
    void this.askVersion();
  }

  disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("keydown", this.shortcut);
    removeEventListener("pagehide", this.leave);
    void this.stop();
  }

  private readonly leave = () => void this.stop();

  private readonly shortcut = (event: KeyboardEvent): void => {
    const isTyping = event.composedPath().some((node) => node instanceof HTMLInputElement);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "m") return;
    if (this.phase === "live") this.toggleMute();
  };

  private async askVersion(): Promise<void> {
    try {
      const answer = await (await fetch("version")).json();
      this.needsKey = answer.needs_key && !this.key;
    } catch {
      this.problem = "The server does not answer. Is it running?";
    }
  }

  private async start(): Promise<void> {
    this.phase = "connecting";
    this.problem = this.notice = "";
    this.usage = NO_USAGE;
    this.report = NO_REPORT;
    this.isMuted = false;
    let audio: Audio;
    try {
      audio = await Audio.open();
    } catch (error) {
      this.problem = error instanceof AudioProblem ? error.message : String(error);
      this.phase = "idle";
      return;
    }
    // While the browser asked for the microphone the user may have pressed Stop.
    if (this.phase !== "connecting") return void audio.close();
    this.audio = audio;
    this.conversation = new Conversation();
    this.numWords = 0;
    this.session = this.connect();
    this.audio.onBlock((block, peak) => {
      if (this.phase !== "live") return;
      this.conversation.putUser(this.isMuted ? 0 : peak);
      // Muted means that nothing leaves this page, not that the server is asked to ignore it.
      if (this.isMuted) return;
      this.session?.sendAudio(block);
      this.numSentBlocks++;
    });
    this.audio.onReport((report) => {
      this.report = report;
      this.session?.heard(report.playedMs, report.droppedMs);
    });
    this.audio.onLost(() => void this.stop("The microphone went away. Plug it in, then start again."));
  }

  private connect(): LiveSession {
    return new LiveSession(
      {
        started: () => {
          this.conversation.begin();
          this.phase = "live";
        },
        audio: (samples, startMs) => {
          this.conversation.putModel(samples, startMs, RATE_HZ);
          this.audio?.play(samples);
        },
        words: (lane, text, startMs, endMs) => {
          this.conversation.putWords(lane, text, startMs, endMs);
          this.numWords++;
        },
        muted: (isMuted) => (this.isMuted = isMuted),
        usage: (usage) => {
          this.usage = usage;
          this.conversation.slip(usage.slipped);
        },
        refused: (_code, message) => (this.notice = message),
        away: (isAway) => (this.notice = isAway ? "The connection is lost; trying again." : ""),
        ended: (problem) => void this.stop(problem),
      },
      this.key,
      EAGERNESS[this.lean],
    );
  }

  private async stop(problem = ""): Promise<void> {
    if (this.phase === "idle") return;
    this.phase = "idle";
    this.problem = problem;
    this.notice = "";
    this.conversation.end();
    this.session?.close();
    this.session = null;
    const audio = this.audio;
    this.audio = null;
    await audio?.close();
  }

  private toggleMute(): void {
    this.isMuted = !this.isMuted;
    this.session?.mute(this.isMuted);
  }

  private setLean(event: Event): void {
    this.lean = Number((event.target as HTMLInputElement).value);
    if (this.phase === "live") this.session?.lean(EAGERNESS[this.lean]);
  }

  private type(event: SubmitEvent): void {
    event.preventDefault();
    const input = (event.target as HTMLFormElement).elements.namedItem("text") as HTMLInputElement;
    if (!input.value.trim()) return;
    this.session?.type(input.value.trim());
    input.value = "";
  }

  private saveKey(event: SubmitEvent): void {
    event.preventDefault();
    const input = (event.target as HTMLFormElement).elements.namedItem("key") as HTMLInputElement;
    this.key = input.value.trim();
    this.needsKey = !this.key;
  }

  render() {
    const isLive = this.phase === "live";
    return html`
      <header>
        <h1><img src="./icon.svg" alt="" width="28" height="28" /> microturn</h1>
        <p>Talk with it. It listens while it speaks, so you may interrupt at any time.</p>
      </header>
      <main>
        ${this.needsKey ? this.renderKey() : nothing}
        <section class="controls" aria-label="Controls">
          ${this.phase === "idle"
            ? html`<button class="start" ?disabled=${this.needsKey} @click=${this.start}>Start talking</button>`
            : html`<button class="stop" @click=${() => this.stop()}>Stop</button>`}
          <button class="mute" ?disabled=${!isLive} aria-pressed=${this.isMuted} aria-keyshortcuts="m"
            title="Key M" @click=${this.toggleMute}>${this.isMuted ? "Unmute" : "Mute"} <kbd>M</kbd></button>
          ${this.renderLean()}
          ${this.renderStatus()}
        </section>
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        ${this.notice ? html`<p class="notice" role="status">${this.notice}</p>` : nothing}
        <section class="card" aria-label="Timeline">
          <microturn-timeline .conversation=${this.conversation} .isLive=${isLive}></microturn-timeline>
        </section>
        ${this.renderCaptions()}
        <form class="typed" @submit=${this.type}>
          <input name="text" aria-label="Type to the model" placeholder="Or type to it" autocomplete="off"
            maxlength="500" ?disabled=${!isLive} />
          <button ?disabled=${!isLive}>Send</button>
        </form>
        <p class="hint">A headset keeps the model from hearing itself.</p>
      </main>`;
  }

  private renderLean() {
    return html`<label class="lean" title="How readily the model takes the floor and keeps it">
      <span aria-hidden="true">Reserved</span>
      <input type="range" min="0" max=${EAGERNESS.length - 1} step="1" .value=${String(this.lean)}
        aria-label="Eagerness" aria-valuetext=${EAGERNESS_NAMES[this.lean]} @change=${this.setLean} />
      <span aria-hidden="true">Eager</span>
    </label>`;
  }

  private renderStatus() {
    const { late, slipped, stepMs } = this.usage;
    const words = { idle: "Not connected", connecting: "Connecting", live: "Connected" }[this.phase];
    const microphone = this.isMuted ? "microphone muted" : "microphone on";
    const load = `late micro-turns: ${late}${slipped ? `, skipped: ${slipped}` : ""}`;
    return html`<p class="status" data-phase=${this.phase}>
      <span class="dot" aria-hidden="true"></span>
      <span role="status">${words}${this.phase === "live" ? `, ${microphone}` : ""}</span>
      ${this.phase === "live"
        ? html`<span class="numbers" title="Micro-turns whose input came late or not at all; time the model took for the last one"
            >${load} · last took ${stepMs.toFixed(0)} of 200 ms</span>`
        : nothing}
    </p>`;
  }

  private renderCaptions() {
    const shown = captions(this.conversation.words).slice(-SHOWN_CAPTIONS);
    return html`<section class="card captions" aria-label="Captions">
      <h2>Captions</h2>
      <div role="log" aria-live="polite" aria-relevant="additions text" tabindex="0">
        ${shown.length
          ? shown.map(({ lane, text }) => html`<p class=${lane}><b>${lane === "heard" ? "You" : "Model"}</b> <span>${text}</span></p>`)
          : html`<p class="empty">What you say and what the model says appears here.</p>`}
      </div>
    </section>`;
  }

  private renderKey() {
    return html`<form class="typed" @submit=${this.saveKey}>
      <input name="key" type="password" aria-label="API key" placeholder="API key of this server" autocomplete="off" />
      <button>Use key</button>
    </form>`;
  }

  updated(): void {
    const log = this.renderRoot.querySelector("[role=log]");
    if (log) log.scrollTop = log.scrollHeight;
  }
}

customElements.define("microturn-app", App);
