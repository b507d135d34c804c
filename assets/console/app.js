// The console's frame: log-in, language, addresses, live events, and what every page uses. Pages stand in pages.js, words in words.js.
import { t, word, speak, lang, both } from './words.js';
import { pages } from './pages.js';

const $ = (id) => document.getElementById(id);
export const me = { who: null };

/** An element. Text is always text: nothing that comes from the store is ever read as HTML. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export class Refused extends Error {
  constructor(status, problem) {
    super((lang === 'zh' && problem.detail_zh) || problem.detail || `HTTP ${status}`);
    this.status = status; this.code = problem.code;
  }
}

/** Asks the daemon. `auto`: by the page itself, which does not keep somebody logged in. */
export async function ask(method, path, body, auto) {
  const headers = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (auto) headers['x-tilld-by-itself'] = '1';
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin' });
  } catch {
    throw new Refused(0, { detail: 'The till does not answer', detail_zh: '收银程序没有应答', code: 'no_answer' });
  }
  const json = await answer.json().catch(() => ({}));
  if (answer.ok || (path === '/healthz' && json.terminals)) return json;
  if (answer.status === 401 && path !== '/v1/session') { me.who = null; show(); }
  throw new Refused(answer.status, json);
}
export const get = (path, auto) => ask('GET', path, undefined, auto);
export const post = (path, body) => ask('POST', path, body || {});

/** Minor units as people write them; whole numbers all the way. */
export function money(minor) {
  const digits = me.who ? me.who.exponent : 2;
  const negative = minor < 0;
  const text = String(Math.abs(minor)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ',');
  return (negative ? '−' : '') + whole + (digits ? '.' + text.slice(-digits) : '');
}
/** What somebody typed, in minor units; null where it is no amount. */
export function minor(text) {
  const digits = me.who ? me.who.exponent : 2;
  const match = /^(\d{1,10})(?:\.(\d+))?$/.exec(String(text).trim().replace(/,/g, ''));
  if (!match || (match[2] || '').length > digits) return null;
  return Number(match[1] + (match[2] || '').padEnd(digits, '0'));
}
/** By the store's clock, whatever the browser's says. */
export const time = (text) => new Date(text).toLocaleString(lang === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: me.zone || undefined, hour12: false, month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });

let quiet;
export function say(text, bad) {
  const element = $('say');
  element.className = bad ? 'bad' : '';
  element.textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { element.textContent = ''; }, bad ? 8000 : 4000);
}
/** Runs what a button asks for, once at a time; a refusal is told in its own words. */
export async function act(button, work) {
  if (button) button.disabled = true;
  try { return await work(); } catch (error) { say(error.message, true); return undefined; } finally { if (button) button.disabled = false; }
}

let number = 0;
export function field(label, props, tag) {
  const id = `f${++number}`;
  const input = h(tag || 'input', { ...props, id });
  if (props && props.options) { for (const [value, text] of props.options) input.append(h('option', { value }, text)); if (props.value !== undefined) input.value = props.value; input.removeAttribute('options'); }
  return { label: h('label', { for: id }, label, input), input };
}

/** Asks who approves, and their PIN. Gives {manager, pin}, or null. */
export function approval(title, text) {
  return new Promise((done) => {
    const dialog = $('dialog');
    const person = field(t('店长工号', 'Manager'), { value: me.who.person, autocomplete: 'off', required: true });
    const pin = field(t('密码', 'PIN'), { type: 'password', inputmode: 'numeric', autocomplete: 'off', pattern: '[0-9]{4,12}', required: true, name: 'pin' });
    const end = (value) => { dialog.close(); dialog.replaceChildren(); dialog.oncancel = null; done(value); };
    dialog.oncancel = (event) => { event.preventDefault(); end(null); };
    dialog.setAttribute('aria-label', title);
    dialog.replaceChildren(h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); end({ manager: person.input.value.trim(), pin: pin.input.value }); } },
      h('h2', null, title), text ? h('p', null, text) : null, person.label, pin.label,
      h('div', { class: 'row' }, h('button', { class: 'main', id: 'approve' }, t('确认', 'Confirm')), h('button', { type: 'button', onclick: () => end(null) }, t('取消', 'Cancel')))));
    dialog.showModal();
    pin.input.focus();
  });
}

function logIn() {
  const person = field(t('工号', 'Id'), { name: 'person', autocomplete: 'username', required: true });
  const pin = field(t('密码', 'PIN'), { name: 'pin', type: 'password', inputmode: 'numeric', autocomplete: 'current-password', required: true });
  const error = h('p', { class: 'error', role: 'alert' });
  const form = h('form', { class: 'stack', onsubmit: async (event) => {
    event.preventDefault();
    error.textContent = '';
    try { me.who = await post('/v1/session', { person: person.input.value.trim(), pin: pin.input.value }); await count(); listen(); show(); } catch (e) { error.textContent = e.message; pin.input.value = ''; pin.input.focus(); }
  } }, h('h1', null, t('店长登录', 'Log in')), person.label, pin.label, error, h('button', { class: 'main', id: 'login' }, t('登录', 'Log in')));
  $('main').replaceChildren(h('div', { class: 'login' }, form));
  person.input.focus();
}

function top() {
  const other = lang === 'zh' ? 'en' : 'zh';
  $('top').replaceChildren(...[
    h('strong', null, me.who ? me.who.store_name : 'tilld'), me.who ? h('span', { class: 'whose' }, `${me.who.person} · ${me.who.role === 'manager' ? t('店长', 'manager') : t('技术员', 'technician')}`) : '',
    h('span', { class: 'gap' }), me.who ? h('span', { class: live ? 'live on' : 'live', id: 'live' }, live ? t('实时', 'live') : t('重连中', 'reconnecting')) : '',
    h('button', { id: 'lang', lang: other, onclick: () => { speak(other); localStorage.setItem('tilld-lang', other); show(); } }, lang === 'zh' ? 'English' : '中文'),
    me.who ? h('button', { id: 'logout', onclick: async () => { await post('/v1/session/end').catch(() => {}); me.who = null; show(); } }, t('退出', 'Log out')) : ''].filter(Boolean));
  $('skip').textContent = t('跳到内容', 'Skip to content');
}

const where = () => { const [page, ...rest] = location.hash.replace(/^#\/?/, '').split('/'); return { page: pages[page] ? page : 'today', rest: rest.map(decodeURIComponent) }; };
let open = 0;
function navigation(here) {
  const names = [['today', t('今日', 'Today')], ['payments', t('交易', 'Payments')], ['shifts', t('班次', 'Shifts')], ['close', t('日结', 'Close')], ['days', t('档案', 'Days')], ['exceptions', t('异常', 'Exceptions')]];
  const under = { payment: 'payments', day: 'days' };
  $('nav').setAttribute('aria-label', t('页面', 'Pages'));
  $('nav').replaceChildren(...names.map(([id, name]) => h('a', { href: `#/${id}`, 'aria-current': (under[here] || here) === id ? 'page' : null }, name, id === 'exceptions' && open ? h('span', { class: 'badge', 'aria-label': t(`${open} 项`, `${open} open`) }, String(open)) : null)));
}

let showing = 0;
/** Draws the page of this address. `auto`: because something happened, so what somebody types must stay. */
export async function show(auto) {
  const { page, rest } = where();
  if (!auto) top();
  if (!me.who) { $('nav').replaceChildren(); logIn(); return; }
  const main = $('main');
  if (auto && (document.querySelector('dialog[open]') || busy(main))) return;
  const turn = ++showing;
  if (!auto) { navigation(page); main.setAttribute('aria-busy', 'true'); }
  try {
    const focus = auto && document.activeElement && main.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    const content = await pages[page]({ rest, auto });
    if (turn !== showing || (auto && busy(main))) return;
    const scroll = window.scrollY;
    main.replaceChildren(...[content].flat().filter(Boolean));
    main.dispatchEvent(new CustomEvent('drawn'));
    if (auto) { window.scrollTo(0, scroll); if (focus) main.querySelector(`[href="${CSS.escape(focus)}"]`)?.focus(); }
  } catch (error) {
    if (error.status !== 401 && !auto) main.replaceChildren(h('p', { class: 'error', role: 'alert' }, error.message));
  } finally { main.removeAttribute('aria-busy'); }
}
const busy = (main) => [...main.querySelectorAll('input,select,textarea')].some((i) => i === document.activeElement || (i.dataset.keep === undefined && i.type !== 'hidden' && i.tagName !== 'SELECT' && i.value !== i.defaultValue && i.value !== i.getAttribute('value')));

let source; let live = false; let soon;
function listen() {
  if (source) source.close();
  source = new EventSource('/v1/events');
  const lit = (on) => { live = on; const e = $('live'); if (e) { e.className = on ? 'live on' : 'live'; e.textContent = on ? t('实时', 'live') : t('重连中', 'reconnecting'); } };
  source.addEventListener('hello', () => { lit(true); news(); });
  source.onerror = () => { lit(false); if (source.readyState === 2) setTimeout(() => { if (me.who) listen(); }, 3000); };
  for (const name of ['commit', 'line', 'port', 'health', 'resync']) source.addEventListener(name, news);
}
function news() {
  if (soon) return;
  soon = setTimeout(async () => {
    soon = null;
    if (!me.who) { if (source) source.close(); return; }
    await count(true);
    show(true);
  }, 500);
}
export async function count(auto) {
  try { const status = await get('/healthz', auto); me.zone = status.timezone; if (status.exceptions !== open) { open = status.exceptions; navigation(where().page); } } catch { /* told by the page itself */ }
}

window.addEventListener('hashchange', () => { show().then(() => $('main').focus({ preventScroll: true })); });
speak(localStorage.getItem('tilld-lang') || (navigator.language.startsWith('zh') ? 'zh' : 'en'));
try { const who = await get('/v1/session', true); if (who.person) me.who = who; } catch { /* not logged in */ }
if (me.who) { await count(true); listen(); }
show();
