// The close of the day: what stands in its way, what may wait, and one button that cannot be taken back. The daemon makes the list, and
// would refuse by it.
import { html } from '../vendor/preact.js';
import { both, t, together } from '../words.js';
import { me, post } from '../api.js';
import { useLive } from '../live.js';
import { money } from '../money.js';
import { Act, Card, Mark, PaymentLink, Proof, Soon, Title, Wrong, say } from '../parts.js';
import { approved } from '../ask.js';

/** Where each line is looked into. */
const places = { forgotten_shifts: '#/shifts', open_shifts: '#/shifts', in_flight: '#/payments?state=sent&day=all', unknown: '#/payments?state=unknown&day=all', offline_waiting: '#/payments?state=stored&day=all', exceptions: '#/exceptions', cards_stopped: '#/exceptions', unsettled: '#/days' };
const moods = { stop: 'bad', look: 'warn', ok: 'good' };
const rank = { stop: 0, look: 1, ok: 2 };

function Check({ check: c }) {
  const more = c.count > c.items.length ? t('more_rows', { n: c.count - c.items.length }) : '';
  const payments = c.items.length > 0 && c.items.every((item) => /^P\d{8,}$/.test(item));
  return html`<li data-check=${c.code} class=${c.level}><${Mark} ok=${c.level === 'ok'} mood=${moods[c.level]} /><div>${c.level !== 'ok' && places[c.code] ? html`<a href=${places[c.code]}>${both(c.message)}</a>` : html`<span>${both(c.message)}</span>`}
    ${c.level === 'ok' || !c.items.length ? null : html`<small>${payments ? c.items.slice(0, 6).map((id, n) => html`${n ? ' · ' : ''}<${PaymentLink} id=${id} />`) : together(c.items)} ${more}</small>`}</div>
    ${c.level !== 'ok' && c.count > 1 ? html`<b class="n">${c.count}</b>` : null}</li>`;
}
export function Close() {
  const { data: day, error } = useLive('/v1/day');
  const { data: list, error: unlisted } = useLive('/v1/day/checklist');
  if (error || unlisted) return html`<${Wrong} error=${error || unlisted} />`;
  if (!day || !list) return html`<${Soon} />`;
  const checks = [...list.checks].sort((a, b) => rank[a.level] - rank[b.level]);
  const stops = checks.filter((c) => c.level === 'stop').length;
  const looks = checks.filter((c) => c.level === 'look').length;
  const manager = me.who.role === 'manager';
  const close = async () => {
    const done = await approved({
      title: t('close_date', { date: day.business_date }), yes: t('close_yes'),
      text: t('close_text', { net: `${money(day.net)} ${day.currency}` }),
      work: (approval) => post('/v1/day/close', { approval, wait: 0 }),
    });
    if (!done) return;
    say(t('day_closed', { z: done.z_number }));
    location.hash = `#/day/${done.z_number}`;
  };
  const print = async () => { await post('/v1/print', { what: 'x_report' }); say(t('to_printer')); };
  return html`<${Title} note=${`${list.business_date} · Z${list.z_number}`}>${t('page_close')}<//>
    <div class="halves wide-left">
      <${Card} title=${t('before_close')}><ul class="checks" id="checks">${checks.map((c) => html`<${Check} key=${c.code} check=${c} />`)}</ul><//>
      <${Card} kind="verdict"><p class="label">${t('net_takings')}</p><p class="amount"><strong>${money(day.net)}</strong> ${day.currency}</p><${Proof} day=${day} />
        <p class=${`lead ${stops ? 'bad' : ''}`}>${stops ? t('cannot_close', { n: stops }) : looks ? t('can_close_with', { n: looks }) : t('can_close')}</p>
        ${manager ? null : html`<p class="notice warn">${t('managers_close')}</p>`}
        <${Act} kind="main big" id="close-day" disabled=${!list.may_close || !manager} work=${close} icon="close">${t('close_date', { date: day.business_date })}<//>
        <div class="actions"><a class="button" href="#/day/open">${t('look_x')}</a><${Act} work=${print} icon="print" id="print-x">${t('print_x')}<//></div><//>
    </div>`;
}
