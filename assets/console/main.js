// The console's frame: where one is, what is open there, and who looks. Pages stand in pages/.
import { html, render, useEffect, useLayoutEffect, useRef, useState } from './vendor/preact.js';
import { lang, speak, t, word } from './words.js';
import { choose, comeBack, logOut, me, time, watch } from './api.js';
import { hush, listen, useLine, useLive } from './live.js';
import { say, tellBy } from './parts.js';
import { Dialog } from './ask.js';
import { Icon } from './icons.js';
import { LogIn } from './pages/login.js';
import { Today } from './pages/today.js';
import { Payments } from './pages/payments.js';
import { Payment } from './pages/payment.js';
import { Shifts } from './pages/shifts.js';
import { Count } from './pages/count.js';
import { Close } from './pages/close.js';
import { Days } from './pages/days.js';
import { Day } from './pages/day.js';
import { Exceptions } from './pages/exceptions.js';
import { Case, Cases } from './pages/cases.js';

const pages = { today: Today, payments: Payments, payment: Payment, shifts: Shifts, count: Count, close: Close, days: Days, day: Day, exceptions: Exceptions, cases: Cases, case: Case };
const menu = ['today', 'payments', 'shifts', 'close', 'days', 'exceptions'];
const under = { payment: 'payments', count: 'shifts', day: 'days', cases: 'exceptions', case: 'exceptions' };

/** `#/payments/…?q=…` as {page, rest, query}. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, ...rest] = path.split('/');
  return { page: pages[page] ? page : 'today', rest: rest.map(decodeURIComponent), query: new URLSearchParams(query || '') };
}

function Top({ status }) {
  const live = useLine();
  const other = lang() === 'zh' ? 'en' : 'zh';
  return html`<header class="top">
    <span class="store"><b>${me.who.store_name}</b>${status ? html`<span class="date">${status.business_date}</span>` : null}</span>
    <span class=${`live ${live.on ? 'on' : ''}`} id="live" role="status">${live.on ? t('live') : t('not_live')}</span>
    <span class="whose">${me.who.person}<small>${word('role', me.who.role)}</small></span>
    <button class="quiet" id="lang" lang=${other} onClick=${() => choose(other)}>${other === 'en' ? 'English' : '中文'}</button>
    <button class="quiet" id="logout" onClick=${logOut} title=${t('log_out')}><${Icon} of="out" size="20" /><span class="words">${t('log_out')}</span></button>
  </header>`;
}
function Menu({ here, open }) {
  return html`<nav aria-label=${t('pages')}>${menu.map((page) => html`<a key=${page} href=${`#/${page}`} aria-current=${(under[here] || here) === page ? 'page' : undefined}>
    <${Icon} of=${page} size="24" /><span>${t(`page_${page}`)}</span>${page === 'exceptions' && open ? html`<b class="badge" title=${t('n_open', { n: open })}>${open}</b>` : null}</a>`)}</nav>`;
}
/** The line to the daemon is gone: what is shown may be old, and says so. */
function Gone() {
  const live = useLine();
  const [, tick] = useState(0);
  useEffect(() => { const timer = setInterval(() => tick((n) => n + 1), 1000); return () => clearInterval(timer); }, []);
  if (live.on || !live.since || Date.now() - live.since < 2500) return null;
  return html`<p class="gone" role="alert"><${Icon} of="plug" size="20" /><span>${t('gone', { time: time(live.since) })}</span></p>`;
}
function Told() {
  const [told, tell] = useState({ text: '' });
  tellBy(tell);
  useEffect(() => {
    if (!told.text) return undefined;
    const timer = setTimeout(() => tell({ text: '' }), told.bad ? 9000 : 4500);
    return () => clearTimeout(timer);
  }, [told]);
  return html`<div id="say" class=${`${told.text ? 'on' : ''} ${told.bad ? 'bad' : ''}`} role=${told.bad ? 'alert' : 'status'} aria-live="polite">${told.text}</div>`;
}
function House({ at }) {
  const { data: status } = useLive('/healthz');
  if (status) me.zone = status.timezone || undefined;
  const Page = pages[at.page];
  const main = useRef(null);
  const where = location.hash;
  const first = useRef(true);
  useLayoutEffect(() => {
    document.title = `${t(`page_${under[at.page] || at.page}`)} · ${me.who.store_name}`;
  });
  // Whoever opens a page begins at its top: eyes, and a screen reader's voice.
  useEffect(() => {
    if (first.current) { first.current = false; return; }
    window.scrollTo(0, 0);
    main.current.focus({ preventScroll: true });
  }, [where.split('?')[0]]);
  return html`<a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${t('skip')}</a>
    <${Top} status=${status} />
    <div class="frame"><${Menu} here=${at.page} open=${status ? status.exceptions : 0} />
      <main id="main" ref=${main} tabindex="-1"><${Gone} /><${Page} key=${[at.page, ...at.rest].join('/')} ...${at} status=${status} /></main></div>
    <${Dialog} />`;
}
function Console() {
  const [at, go] = useState(place());
  const [, again] = useState(0);
  useEffect(() => {
    const moved = () => go(place());
    window.addEventListener('hashchange', moved);
    const unwatch = watch(() => again((n) => n + 1));
    return () => { window.removeEventListener('hashchange', moved); unwatch(); };
  }, []);
  const who = me.who && me.who.person;
  useEffect(() => { if (who) listen(); else hush(); return undefined; }, [who]);
  return html`${who ? html`<${House} at=${at} />` : html`<${LogIn} />`}<${Told} />`;
}

speak(localStorage.getItem('tilld-lang') || (navigator.language.startsWith('zh') ? 'zh' : 'en'));
window.addEventListener('unhandledrejection', (event) => say(String(event.reason && event.reason.message), true));
await comeBack();
const app = document.getElementById('app');
app.replaceChildren();
render(html`<${Console} />`, app);
