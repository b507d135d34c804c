// What pages show, kept true: each address is asked for once, again whenever the daemon tells of something, and whoever shows it is told only
// where it has changed. Nothing is redrawn for its own sake, so that focus, scrolling and typed text stay.
import { useEffect, useState } from './vendor/preact.js';
import { get, me } from './api.js';

const shown = new Map();
const PAUSE = 600;
/** A stream may hang without a sign: this often somebody knocks. */
const KNOCK = 5000;

/** Live: the stream stands and the daemon answers. `since` when not. */
export const line = { on: false, since: null };
const signs = { stream: false, answers: true };
const watchers = new Set();
export function useLine() {
  const [, again] = useState(0);
  useEffect(() => { const f = () => again((n) => n + 1); watchers.add(f); return () => watchers.delete(f); }, []);
  return line;
}
function sign(change) {
  Object.assign(signs, change);
  const on = signs.stream && signs.answers;
  if (line.on === on) return;
  line.on = on;
  line.since = on ? null : Date.now();
  watchers.forEach((f) => f());
}

async function load(key, alone) {
  const entry = shown.get(key);
  if (!entry) return;
  if (entry.busy) { entry.again = true; return; }
  entry.busy = true;
  try {
    const data = await entry.loader(alone);
    const text = JSON.stringify(data, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
    if (text !== entry.text || entry.error) { entry.text = text; entry.data = data; entry.error = null; entry.users.forEach((f) => f()); }
  } catch (error) {
    if (error.code === 'no_answer') sign({ answers: false });
    // Figures that were right a moment ago are better than none; the frame says that the line is gone.
    if (!entry.data || error.status) { entry.error = error; entry.users.forEach((f) => f()); }
  }
  entry.busy = false;
  if (entry.again) { entry.again = false; load(key, true); }
}

/** `{data, error}` of this address, kept true while it is shown. `loader` where one request does not do. */
export function useLive(path, loader) {
  const [, again] = useState(0);
  useEffect(() => {
    let entry = shown.get(path);
    const user = () => again((n) => n + 1);
    if (!entry) { entry = { users: new Set(), loader: loader || ((alone) => get(path, alone)) }; shown.set(path, entry); }
    if (loader) entry.loader = loader;
    entry.users.add(user);
    load(path);
    user();
    return () => {
      entry.users.delete(user);
      // Kept for a moment: the next page often shows the same.
      setTimeout(() => { if (!entry.users.size && shown.get(path) === entry) shown.delete(path); }, 4000);
    };
  }, [path]);
  const entry = shown.get(path);
  return { data: entry && entry.data, error: entry && entry.error };
}
/** Asks again for all that is shown: after somebody did something here. */
export const refresh = () => Promise.all([...shown].filter(([, e]) => e.users.size).map(([key]) => load(key, true)));

let source; let soon; let retry; let knock;
function news() {
  if (soon) return;
  soon = setTimeout(() => { soon = null; if (me.who) refresh(); }, PAUSE);
}
export function listen() {
  hush();
  source = new EventSource('/v1/events');
  source.addEventListener('hello', () => { sign({ stream: true, answers: true }); news(); });
  source.onerror = () => {
    sign({ stream: false });
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    retry = setTimeout(async () => {
      // A closed stream may mean that the log-in has ended: asking shows it.
      if (me.who) { await get('/v1/session', true).catch(() => {}); if (me.who) listen(); }
    }, 2000);
  };
  knock = setInterval(async () => {
    const answers = await get('/healthz', true).then(() => true, (error) => error.code !== 'no_answer');
    if (answers && !signs.answers) news();
    sign({ answers });
  }, KNOCK);
  for (const name of ['commit', 'line', 'port', 'health', 'resync']) source.addEventListener(name, news);
}
export function hush() {
  clearTimeout(retry);
  clearInterval(knock);
  if (source) source.close();
  source = null;
  sign({ stream: false });
}
