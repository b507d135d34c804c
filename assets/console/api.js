// Asks the daemon, and knows who is logged in. Knows nothing of pages.
import { parse, precision, write } from './money.js';
import { lang, speak, t } from './words.js';

/** Who is logged in, and the store's clock. */
export const me = { who: null, zone: undefined };
const watchers = new Set();
export function watch(watcher) { watchers.add(watcher); return () => watchers.delete(watcher); }
const changed = () => watchers.forEach((watcher) => watcher());

/** A refusal, in its own words. */
export class Refused extends Error {
  constructor(status, problem) {
    super((lang() === 'zh' && problem.detail_zh) || problem.detail || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code;
  }
}

/** `alone`: by the page itself, which does not keep somebody logged in. */
export async function ask(method, path, body, alone) {
  const headers = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (alone) headers['x-tilld-by-itself'] = '1';
  let answer; let text;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : write(body), credentials: 'same-origin', signal: alone ? AbortSignal.timeout(8000) : undefined });
    text = await answer.text();
  } catch {
    throw new Refused(0, { detail: t('no_answer'), detail_zh: t('no_answer'), code: 'no_answer' });
  }
  let json = {};
  try { json = parse(text); } catch { /* no JSON: the status speaks */ }
  // 503 of /healthz is a status, not a refusal.
  if (answer.ok || (path === '/healthz' && json.terminals)) return json;
  if (answer.status === 401 && path !== '/v1/session' && me.who) left();
  throw new Refused(answer.status, json);
}
export const get = (path, alone) => ask('GET', path, undefined, alone);
export const post = (path, body) => ask('POST', path, body || {});

function entered(who) {
  me.who = who;
  precision(who.exponent);
  if (!localStorage.getItem('tilld-lang')) speak(who.lang);
  changed();
}
function left() { me.who = null; changed(); }
export async function logIn(person, pin) { entered(await post('/v1/session', { person, pin })); }
export async function logOut() { await post('/v1/session/end').catch(() => {}); left(); }
/** Whoever was logged in before the page was loaded again. */
export async function comeBack() {
  try { const who = await get('/v1/session', true); if (who.person) entered(who); } catch { /* nobody */ }
}
export function choose(language) { speak(language); localStorage.setItem('tilld-lang', language); changed(); }

/** By the store's clock, whatever the browser's says. */
const moment = (text, parts) => new Date(text).toLocaleString(lang() === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: me.zone, hour12: false, ...parts });
export const time = (text) => moment(text, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const dayTime = (text) => moment(text, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
