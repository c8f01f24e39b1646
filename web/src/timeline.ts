/** The timeline: a canvas that follows the conversation, can be dragged back and zoomed. */
import { css, html, LitElement, unsafeCSS } from "lit";
import { AXIS_PX, clock, draw, Palette, TEXT_PX, View } from "./drawing";
import { Conversation } from "./record";

const ZOOMS = [
  { label: "10 s", spanMs: 10_000 },
  { label: "1 min", spanMs: 60_000 },
  { label: "All", spanMs: 0 },
] as const;
const MIN_SPAN_MS = 10_000;
/** The model's output is known up to 400 ms before it plays: leave room for it right of "now". */
const AHEAD = 0.1;
const CALM_FRAME_MS = 250;

export class Timeline extends LitElement {
  static properties = {
    conversation: { attribute: false },
    isLive: { attribute: false },
    zoom: { state: true },
    follows: { state: true },
  };
  declare conversation: Conversation;
  declare isLive: boolean;
  declare zoom: number;
  declare follows: boolean;
  private startMs = 0;
  private frame = 0;
  private drawnAt = 0;
  private readonly resizing = new ResizeObserver(() => this.paint());
  private readonly scheme = matchMedia("(prefers-color-scheme: dark)");
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly repaint = () => this.paint();

  static styles = css`
    :host { display: block; }
    figure { margin: 0; }
    .plot { display: grid; grid-template-columns: 3.75rem minmax(0, 1fr); }
    .names {
      display: flex; flex-direction: column; padding-block: ${unsafeCSS(TEXT_PX)}px; font-size: 0.8125rem; font-weight: 600;
    }
    .names span { flex: 1; display: flex; align-items: center; }
    .names span:first-child { padding-bottom: ${unsafeCSS(AXIS_PX / 2)}px; color: var(--user); }
    .names span:last-child { padding-top: ${unsafeCSS(AXIS_PX / 2)}px; color: var(--model); }
    @media (max-width: 34rem) { .plot { grid-template-columns: 3rem minmax(0, 1fr); } }
    canvas {
      display: block; width: 100%; height: clamp(15rem, 40vh, 22rem); touch-action: pan-y;
      cursor: grab; border-radius: 8px;
    }
    canvas:active { cursor: grabbing; }
    canvas:focus-visible, button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
    figcaption {
      display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: center; margin-top: 0.5rem;
      font-size: 0.8125rem; color: var(--quiet);
    }
    .key { display: inline-flex; align-items: center; gap: 0.4rem; }
    .swatch { width: 0.9rem; height: 0.9rem; border-radius: 3px; background: var(--overlap); border: 1px solid var(--line); }
    .zooms { margin-left: auto; display: inline-flex; gap: 0.25rem; }
    button {
      font: inherit; color: inherit; background: none; border: 1px solid transparent; border-radius: 6px;
      padding: 0.2rem 0.6rem; min-height: 1.75rem; cursor: pointer;
    }
    button:hover { color: var(--ink); }
    button[aria-pressed="true"] { color: var(--ink); border-color: var(--line); background: var(--paper); }
  `;

  constructor() {
    super();
    this.conversation = new Conversation();
    this.isLive = false;
    this.zoom = 0;
    this.follows = true;
  }

  connectedCallback(): void {
    super.connectedCallback();
    this.scheme.addEventListener("change", this.repaint);
  }

  disconnectedCallback(): void {
    super.disconnectedCallback();
    this.scheme.removeEventListener("change", this.repaint);
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
  }

  firstUpdated(): void {
    this.resizing.observe(this.canvas);
  }

  updated(): void {
    cancelAnimationFrame(this.frame);
    this.paint();
    if (this.isLive) this.frame = requestAnimationFrame(this.nextFrame);
  }

  private get canvas(): HTMLCanvasElement {
    return this.renderRoot.querySelector("canvas")!;
  }

  private readonly nextFrame = (now: number): void => {
    if (!this.calm.matches || now - this.drawnAt > CALM_FRAME_MS) this.paint();
    if (this.isLive) this.frame = requestAnimationFrame(this.nextFrame);
  };

  private get spanMs(): number {
    return ZOOMS[this.zoom].spanMs || Math.max(MIN_SPAN_MS, this.conversation.nowMs * (1 + AHEAD));
  }

  private paint(): void {
    const canvas = this.canvas;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const nowMs = this.isLive ? this.conversation.nowMs : null;
    if (this.follows) this.startMs = this.endStartMs();
    const view: View = { startMs: this.startMs, spanMs: this.spanMs, width, height, nowMs };
    draw(context, this.conversation, view, this.palette());
    this.drawnAt = performance.now();
  }

  /** The left edge when the end is in view; a short conversation starts at the left. */
  private endStartMs(): number {
    const end = this.isLive || this.conversation.words.length || this.conversation.user.length
      ? this.conversation.nowMs : 0;
    return Math.max(0, end - this.spanMs * (1 - AHEAD));
  }

  private palette(): Palette {
    const style = getComputedStyle(this);
    const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
    return {
      ink: color("ink"), quiet: color("quiet"), line: color("line"), user: color("user"),
      model: color("model"), overlap: color("overlap"), surface: color("surface"), font: color("font"),
    };
  }

  private moveTo(startMs: number): void {
    const end = this.endStartMs();
    this.startMs = Math.min(Math.max(0, startMs), end);
    this.follows = this.startMs >= end;
    this.paint();
  }

  private drag(event: PointerEvent): void {
    const canvas = this.canvas;
    const fromX = event.clientX;
    const fromMs = this.startMs;
    canvas.setPointerCapture(event.pointerId);
    canvas.onpointermove = (move) => {
      this.moveTo(fromMs - ((move.clientX - fromX) / canvas.clientWidth) * this.spanMs);
    };
    canvas.onpointerup = canvas.onpointercancel = () => (canvas.onpointermove = null);
  }

  private key(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowLeft: -0.25, ArrowRight: 0.25 };
    if (event.key in steps) this.moveTo(this.startMs + steps[event.key] * this.spanMs);
    else if (event.key === "Home") this.moveTo(0);
    else if (event.key === "End") this.moveTo(Infinity);
    else return;
    event.preventDefault();
  }

  render() {
    const label = `Timeline of the conversation, ${clock(this.conversation.nowMs)} long. Arrow keys move it.`;
    return html`<figure>
      <div class="plot">
        <div class="names" aria-hidden="true"><span>You</span><span>Model</span></div>
        <canvas tabindex="0" role="img" aria-label=${label} @pointerdown=${this.drag} @keydown=${this.key}></canvas>
      </div>
      <figcaption>
        <span class="key"><span class="swatch"></span>both at once</span>
        ${this.follows ? "" : html`<button @click=${() => this.moveTo(Infinity)}>Back to now</button>`}
        <span class="zooms" role="group" aria-label="Zoom">
          ${ZOOMS.map(({ label }, i) => html`<button
            aria-pressed=${this.zoom === i}
            @click=${() => { this.zoom = i; this.follows = true; }}>${label}</button>`)}
        </span>
      </figcaption>
    </figure>`;
  }
}

customElements.define("microturn-timeline", Timeline);
