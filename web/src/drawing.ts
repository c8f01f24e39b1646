/** Draws one conversation on a canvas: both voices and both transcripts on one time axis. */
import { BIN_MS, captions, Conversation, Word } from "./record";

export interface Palette {
  ink: string;
  quiet: string;
  line: string;
  user: string;
  model: string;
  overlap: string;
  surface: string;
  font: string;
}

export interface View {
  /** Left edge and width in time. */
  startMs: number;
  spanMs: number;
  width: number;
  height: number;
  /** Drawn as the "now" line; null when the conversation is over. */
  nowMs: number | null;
}

const FONT_PX = 13;
const ROW_PX = 19;
const ROWS = 3;
const PAD_PX = 8;
/** Heights of the words above and below and of the axis in the middle; the voices share the rest. */
export const TEXT_PX = ROWS * ROW_PX + PAD_PX;
export const AXIS_PX = 24;
/** A word may stand this much right of its time, if that keeps the line together. */
const SHIFT_PX = 24;
const WORDS_UP_TO_MS = 15_000;

interface Layout {
  userTop: number;
  modelTop: number;
  lane: number;
  /** Top of the axis. */
  axis: number;
  saidTop: number;
}

function layout(height: number): Layout {
  const lane = Math.max(24, (height - 2 * TEXT_PX - AXIS_PX) / 2);
  const axis = TEXT_PX + lane;
  return { userTop: TEXT_PX, modelTop: axis + AXIS_PX, lane, axis, saidTop: axis + AXIS_PX + lane };
}

export function draw(
  context: CanvasRenderingContext2D,
  conversation: Conversation,
  view: View,
  palette: Palette,
): void {
  const place = layout(view.height);
  context.clearRect(0, 0, view.width, view.height);
  context.font = `500 ${FONT_PX}px ${palette.font}`;
  context.textBaseline = "middle";
  drawOverlap(context, conversation, view, palette, place);
  drawAxis(context, view, palette, place);
  drawPeaks(context, conversation, "user", view, palette, place);
  drawPeaks(context, conversation, "model", view, palette, place);
  drawText(context, conversation, "heard", view, palette, place);
  drawText(context, conversation, "said", view, palette, place);
  if (view.nowMs !== null) drawNow(context, view, palette, place);
}

function x(view: View, ms: number): number {
  return ((ms - view.startMs) / view.spanMs) * view.width;
}

/** Where both talk at once, across both lanes. */
function drawOverlap(
  context: CanvasRenderingContext2D,
  conversation: Conversation,
  view: View,
  palette: Palette,
  place: Layout,
): void {
  context.fillStyle = palette.overlap;
  const last = Math.min(conversation.user.length, conversation.model.length);
  const from = Math.max(0, Math.floor(view.startMs / BIN_MS));
  const to = Math.min(last, Math.ceil((view.startMs + view.spanMs) / BIN_MS));
  let began = -1;
  for (let i = from; i <= to; i++) {
    const both = i < to && conversation.user.isActive(i) && conversation.model.isActive(i);
    if (both && began < 0) began = i;
    if (both || began < 0) continue;
    const left = x(view, began * BIN_MS);
    context.fillRect(left, place.userTop, x(view, i * BIN_MS) - left, 2 * place.lane + AXIS_PX);
    began = -1;
  }
}

function drawAxis(
  context: CanvasRenderingContext2D,
  view: View,
  palette: Palette,
  place: Layout,
): void {
  const steps = [1, 2, 5, 10, 30, 60, 300, 600].map((s) => s * 1_000);
  const stepMs = steps.find((step) => x(view, view.startMs + step) >= 64) ?? 3_600_000;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  const first = Math.max(0, Math.ceil(view.startMs / stepMs)) * stepMs;
  for (let ms = first; ms <= view.startMs + view.spanMs; ms += stepMs) {
    const at = Math.round(x(view, ms)) + 0.5;
    context.beginPath();
    context.moveTo(at, place.userTop);
    context.lineTo(at, place.axis);
    context.moveTo(at, place.modelTop);
    context.lineTo(at, place.saidTop);
    context.stroke();
    context.fillStyle = palette.quiet;
    context.font = `${FONT_PX - 2}px ${palette.font}`;
    context.textAlign = at < 16 ? "left" : "center";
    if (at <= view.width - 16) context.fillText(clock(ms), at, place.axis + AXIS_PX / 2);
  }
  context.font = `500 ${FONT_PX}px ${palette.font}`;
}

export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Bars of three pixels, mirrored at the lane's middle; quiet sound is lifted so that it can be seen. */
function drawPeaks(
  context: CanvasRenderingContext2D,
  conversation: Conversation,
  who: "user" | "model",
  view: View,
  palette: Palette,
  place: Layout,
): void {
  const peaks = conversation[who];
  const middle = (who === "user" ? place.userTop : place.modelTop) + place.lane / 2;
  context.fillStyle = palette[who];
  context.globalAlpha = 0.25;
  const left = Math.max(0, x(view, 0));
  const right = Math.min(view.width, x(view, Math.max(0, view.nowMs ?? peaks.length * BIN_MS)));
  context.fillRect(left, middle - 0.5, Math.max(0, right - left), 1);
  context.globalAlpha = 1;
  // Bars stand on a grid of time, not of the screen: they must not shimmer while the view scrolls.
  const barBins = Math.max(1, Math.round(((3 / view.width) * view.spanMs) / BIN_MS));
  const barPx = x(view, view.startMs + barBins * BIN_MS);
  const first = Math.floor(Math.max(0, view.startMs) / BIN_MS / barBins) * barBins;
  for (let bin = first; bin * BIN_MS < view.startMs + view.spanMs && bin < peaks.length; bin += barBins) {
    const half = (Math.sqrt(Math.min(1, peaks.max(bin, bin + barBins))) * (place.lane - 6)) / 2;
    if (half < 1) continue;
    const width = Math.max(1, barPx - 1);
    context.beginPath();
    context.roundRect(x(view, bin * BIN_MS), middle - half, width, 2 * half, Math.min(1.5, width / 2));
    context.fill();
  }
}

interface Label {
  text: string;
  startMs: number;
}

/** Deltas joined to whole words: a word goes on until a space. */
function labels(words: readonly Word[], lane: Word["lane"]): Label[] {
  const result: Label[] = [];
  let isOpen = false;
  for (const word of words) {
    if (word.lane !== lane) continue;
    const parts = word.text.split(/\s+/);
    parts.forEach((part, i) => {
      const joins = i === 0 && isOpen && part !== "" && !/^\s/.test(word.text);
      if (joins) result[result.length - 1].text += part;
      else if (part !== "") {
        // Words of one delta share its time; spread them over it, so that they can be read in order.
        const share = (word.endMs - word.startMs) / parts.length;
        result.push({ text: part, startMs: word.startMs + i * share });
      }
    });
    isOpen = !/\s$/.test(word.text);
  }
  return result;
}

function drawText(
  context: CanvasRenderingContext2D,
  conversation: Conversation,
  lane: Word["lane"],
  view: View,
  palette: Palette,
  place: Layout,
): void {
  const isHeard = lane === "heard";
  const isNear = view.spanMs <= WORDS_UP_TO_MS;
  const items: Label[] = isNear
    ? labels(conversation.words, lane)
    : captions(conversation.words).filter((caption) => caption.lane === lane);
  const free = new Array<number>(ROWS).fill(-Infinity);
  context.textAlign = "left";
  context.fillStyle = palette[isHeard ? "user" : "model"];
  for (const [i, item] of items.entries()) {
    const at = x(view, item.startMs);
    if (at < -600 || at > view.width) continue;
    let row = free.findIndex((end) => end <= at + SHIFT_PX);
    if (row < 0) row = free.indexOf(Math.min(...free));
    const start = Math.max(at, free[row]);
    // Far out a caption ends where the one three rows later begins, so that rows never collide.
    const next = items[i + ROWS];
    const room = isNear || !next ? 1e6 : x(view, next.startMs) - start - 8;
    const text = fit(context, item.text.trim(), room);
    if (!text) continue;
    const y = isHeard ? place.userTop - PAD_PX / 2 - (row + 0.5) * ROW_PX : place.saidTop + PAD_PX / 2 + (row + 0.5) * ROW_PX;
    context.fillText(text, start, y);
    free[row] = start + context.measureText(text).width + 7;
  }
}

function fit(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 0 && context.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return end > 2 ? `${text.slice(0, end)}…` : "";
}

function drawNow(
  context: CanvasRenderingContext2D,
  view: View,
  palette: Palette,
  place: Layout,
): void {
  const at = Math.round(x(view, view.nowMs ?? 0)) + 0.5;
  context.strokeStyle = palette.ink;
  context.globalAlpha = 0.55;
  context.beginPath();
  context.moveTo(at, place.userTop - 4);
  context.lineTo(at, place.saidTop + 4);
  context.stroke();
  context.globalAlpha = 1;
}
