import { css } from "lit";

export const styles = css`
  :host { display: block; max-width: 68rem; margin: 0 auto; padding: clamp(1rem, 3vw, 2rem); }
  header { margin-bottom: 1.25rem; }
  h1 { display: flex; align-items: center; gap: 0.6rem; margin: 0; font-size: 1.375rem; letter-spacing: -0.01em; }
  header p { margin: 0.25rem 0 0; color: var(--quiet); }
  main { display: grid; gap: 1rem; }
  .card { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 1rem; min-width: 0; }
  .controls { display: flex; flex-wrap: wrap; align-items: center; gap: 0.75rem; }
  button {
    font: inherit; font-weight: 600; min-height: 2.75rem; padding: 0 1.1rem; border-radius: 10px; cursor: pointer;
    border: 1px solid var(--line); background: var(--surface); color: var(--ink);
  }
  button:hover:not(:disabled) { border-color: var(--quiet); }
  button:disabled { opacity: 0.5; cursor: default; }
  button:focus-visible, input:focus-visible, [role="log"]:focus-visible {
    outline: 2px solid var(--focus); outline-offset: 2px;
  }
  .start { background: var(--ink); color: var(--paper); border-color: var(--ink); }
  .stop { border-color: var(--danger); color: var(--danger); }
  .mute[aria-pressed="true"] { background: var(--danger-paper); color: var(--danger); border-color: var(--danger); }
  kbd { font: inherit; font-size: 0.75rem; color: var(--quiet); border: 1px solid var(--line); border-radius: 4px; padding: 0 0.35rem; margin-left: 0.35rem; }
  .status { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.6rem; margin: 0; font-size: 0.9375rem; }
  .dot { width: 0.6rem; height: 0.6rem; border-radius: 50%; background: var(--quiet); }
  [data-phase="live"] .dot { background: var(--user); }
  [data-phase="connecting"] .dot { background: var(--model); }
  .numbers { color: var(--quiet); font-variant-numeric: tabular-nums; }
  .problem, .notice { margin: 0; padding: 0.75rem 1rem; border-radius: 10px; }
  .problem { background: var(--danger-paper); color: var(--danger); border: 1px solid currentColor; }
  .notice { background: var(--surface); border: 1px solid var(--line); }
  .captions h2 { margin: 0 0 0.5rem; font-size: 0.8125rem; font-weight: 600; color: var(--quiet); }
  [role="log"] { height: 9rem; overflow-y: auto; border-radius: 6px; }
  [role="log"] p { margin: 0 0 0.35rem; overflow-wrap: anywhere; }
  .heard, .said { display: grid; grid-template-columns: 4rem minmax(0, 1fr); }
  .heard b { color: var(--user); }
  .said b { color: var(--model); }
  .empty, .hint { color: var(--quiet); }
  .hint { margin: 0; font-size: 0.8125rem; }
  .typed { display: flex; gap: 0.5rem; }
  input {
    flex: 1; min-width: 0; font: inherit; min-height: 2.75rem; padding: 0 0.9rem; border-radius: 10px;
    border: 1px solid var(--line); background: var(--surface); color: var(--ink); box-sizing: border-box;
  }
  .lean { display: flex; align-items: center; gap: 0.4rem; font-size: 0.8125rem; color: var(--quiet); }
  .lean input { flex: none; width: 6rem; min-height: 0; padding: 0; border: 0; background: none; accent-color: var(--ink); }
  @media (max-width: 34rem) {
    .controls > button { flex: 1; }
    .status { flex-basis: 100%; }
  }
`;
