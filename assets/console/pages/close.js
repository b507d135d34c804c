// The close of the day: what stands in its way, what may wait, and one button that cannot be taken back.
import { html } from '../vendor/preact.js';
import { both, t, together, word } from '../words.js';
import { me, post } from '../api.js';
import { useLive } from '../live.js';
import { money, sum } from '../money.js';
import { Act, Card, Mark, Proof, Soon, Title, Wrong, person, say } from '../parts.js';
import { approved } from '../ask.js';
import { stored } from './today.js';

/** Each: {key, ok, mood, text, more, href}. `bad` stands in the way; `warn` is said and may wait. */
function checks(day, status) {
  const names = new Map(day.by_cashier.map((g) => [g.id, person(g)]));
  const shifts = day.shifts.filter((s) => !s.closed);
  const uncounted = shifts.filter((s) => s.drawers.some((d) => d.counted === null || d.counted === undefined));
  const unknown = day.pending.filter((p) => p.state === 'unknown' || p.state === 'sent');
  const down = status.terminals.filter((x) => x.line !== 'up');
  const stopped = status.terminals.filter((x) => x.stopped);
  const unwell = status.ports.filter((p) => p.attention || p.state !== 'open');
  const check = (key, list, good, bad, more, href, mood) => ({ key, ok: !list.length, mood: mood || 'warn', text: list.length ? bad : good, more, href });
  return [
    { key: 'foot', ok: day.cross_foot, mood: 'bad', text: day.cross_foot ? t('foots') : t('does_not_foot'), more: t('foot_blocks') },
    { key: 'health', ok: status.health === 'ok', mood: 'bad', text: status.health === 'ok' ? t('store_well') : word('health', status.health), more: t('health_blocks') },
    check('shifts', shifts, t('shifts_closed'), t('shifts_open', { n: shifts.length, who: together(shifts.map((s) => names.get(s.cashier) || s.cashier)) }), t('shifts_may'), '#/shifts'),
    check('counted', uncounted, t('drawers_counted'), t('drawers_open', { n: uncounted.length, what: together(uncounted.flatMap((s) => s.drawers.filter((d) => d.counted === null || d.counted === undefined).map((d) => d.device))) }), t('drawers_may'), '#/shifts'),
    check('unknown', unknown, t('none_unknown'), t('n_unknown', { n: unknown.length, amount: money(sum(unknown.map((p) => p.amount))) }), t('unknown_may'), '#/payments?state=unknown&day=all'),
    { key: 'waiting', ok: !status.waiting.count, mood: 'warn', text: status.waiting.count ? t('n_waiting', { n: status.waiting.count, amount: money(status.waiting.amount) }) : t('none_waiting'), more: t('waiting_may'), href: stored(day) },
    check('exceptions', day.exceptions, t('none_exceptions'), t('n_exceptions', { n: day.exceptions.length }), t('exceptions_may'), '#/exceptions'),
    check('stopped', stopped, t('none_stopped'), together(stopped.map((x) => t('cards_stopped', { terminal: x.terminal }))), t('stopped_may'), '#/exceptions'),
    check('lines', down, t('lines_up'), together(down.map((x) => t('line_down', { terminal: x.terminal }))), t('lines_may')),
    check('ports', unwell, t('ports_well'), together(unwell.map((p) => t('port_wants', { port: p.id, what: p.attention ? both(p.attention) : word('port', p.state) }))), t('ports_may')),
  ];
}
export function Close({ status }) {
  const { data: day, error } = useLive('/v1/day');
  if (error) return html`<${Wrong} error=${error} />`;
  if (!day || !status) return html`<${Soon} />`;
  const list = checks(day, status).sort((a, b) => rank(a) - rank(b));
  const blocked = list.filter((c) => !c.ok && c.mood === 'bad');
  const waits = list.filter((c) => !c.ok && c.mood !== 'bad');
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
  return html`<${Title} note=${`${day.business_date} · Z${day.z_number}`}>${t('page_close')}<//>
    <div class="halves wide-left">
      <${Card} title=${t('before_close')}><ul class="checks" id="checks">${list.map((c) => html`<li key=${c.key} data-check=${c.key} class=${c.ok ? 'ok' : c.mood}><${Mark} ok=${c.ok} mood=${c.mood} /><div>${c.ok || !c.href ? html`<span>${c.text}</span>` : html`<a href=${c.href}>${c.text}</a>`}${c.ok ? null : html`<small>${c.more}</small>`}</div></li>`)}</ul><//>
      <${Card} kind="verdict"><p class="label">${t('net_takings')}</p><p class="amount"><strong>${money(day.net)}</strong> ${day.currency}</p><${Proof} day=${day} />
        <p class=${`lead ${blocked.length ? 'bad' : ''}`}>${blocked.length ? t('cannot_close', { n: blocked.length }) : waits.length ? t('can_close_with', { n: waits.length }) : t('can_close')}</p>
        ${manager ? null : html`<p class="notice warn">${t('managers_close')}</p>`}
        <${Act} kind="main big" id="close-day" disabled=${blocked.length > 0 || !manager} work=${close} icon="close">${t('close_date', { date: day.business_date })}<//>
        <div class="actions"><a class="button" href="#/day/open">${t('look_x')}</a><${Act} work=${print} icon="print" id="print-x">${t('print_x')}<//></div><//>
    </div>`;
}
const rank = (c) => (c.ok ? 2 : c.mood === 'bad' ? 0 : 1);
