// Shifts and drawers: who stands where with which cash. A count is blind: what is expected is shown once the shift is closed, never before.
import { html, useState } from '../vendor/preact.js';
import { t } from '../words.js';
import { dayTime, post } from '../api.js';
import { refresh, useLive } from '../live.js';
import { minor } from '../money.js';
import { Act, Card, Choice, Empty, Field, Form, Formula, Mark, Phrases, Soon, Tag, Title, Wrong, over, person, say } from '../parts.js';
import { Icon } from '../icons.js';
import { approved } from '../ask.js';

/** Asks; where a manager must sign, asks for the signature and once more. */
export async function signed(path, body, title) {
  try { return await post(path, body); } catch (error) {
    if (!['manager_required', 'second_manager', 'approval_required'].includes(error.code)) throw error;
    return approved({ title, text: error.message, work: (approval) => post(path, { ...body, approval }) });
  }
}
/** A cashier's shift with its drawers. */
function Shift({ shift: s, name }) {
  const close = async () => {
    const done = await signed('/v1/shifts/close', { cashier: s.cashier }, t('close_shift_of', { who: name }));
    if (!done) return;
    await refresh();
    const drawers = done.shift ? done.shift.drawers.filter((d) => d.difference !== null && d.difference !== undefined) : [];
    say([t('shift_closed'), ...drawers.map((d) => over(d.difference))].join(' · '));
  };
  const print = async () => { await post('/v1/print', { what: 'shift_slip', shift: s.shift }); say(t('to_printer')); };
  const since = s.closed ? s.closed_at && t('closed_at', { time: dayTime(s.closed_at), who: s.closed_by || '' }) : s.opened_at && t('opened_at', { time: dayTime(s.opened_at) });
  const uncounted = s.drawers.some((d) => d.counted === null || d.counted === undefined);
  return html`<section class="card shift" aria-label=${t('shift_of', { who: name, n: s.shift })} data-shift=${s.shift}>
    <header><h2>${name}</h2><span><small>${t('shift_n', { n: s.shift })}</small> <${Tag} mood=${s.forgotten ? 'bad' : s.closed ? '' : 'good'}>${s.closed ? t('closed') : s.forgotten ? t('forgotten') : t('on_shift')}<//></span></header>${since ? html`<p class="dim">${since}${s.last_entry_at ? ` · ${t('last_entry', { time: dayTime(s.last_entry_at) })}` : ''}</p>` : null}${s.to_sign ? html`<p class="notice warn"><${Icon} of="alert" size="20" /><span>${t('to_sign')} <a href="#/exceptions">${t('page_exceptions')}</a></span></p>` : null}
    ${s.drawers.length ? s.drawers.map((d) => html`<div class="drawer" key=${d.device}><p><${Icon} of="drawer" size="20" /><b>${d.device}</b>${s.closed ? html` <${Tag} mood=${d.difference ? 'bad' : 'good'}>${over(d.difference || 0)}<//>` : html` <${Mark} ok=${!(d.counted === null || d.counted === undefined)} />${d.counted === null || d.counted === undefined ? t('not_counted') : t('was_counted')}`}</p>
      ${s.closed ? html`<details><summary>${t('formula')}</summary><${Formula} drawer=${d} /></details>` : html`<a class="button" data-count=${`${s.cashier}/${d.device}`} href=${`#/count/${encodeURIComponent(s.cashier)}/${encodeURIComponent(d.device)}`}><${Icon} of="count" size="20" />${d.counted === null || d.counted === undefined ? t('count_drawer') : t('count_again')}</a>`}</div>`) : html`<p class="dim">${t('no_drawer')}</p>`}
    <div class="actions">${s.closed ? html`<${Act} work=${print} icon="print">${t('print_slip')}<//>` : html`<${Act} work=${close} data-close=${s.cashier} kind=${uncounted ? '' : 'main'}>${t('close_shift')}<//>`}</div></section>`;
}
function amount(text, none) {
  const n = text.trim() === '' ? none : minor(text);
  if (n === null || n === undefined) throw new Error(t('amount_wrong'));
  return n;
}
function Opening({ devices }) {
  const work = async ({ cashier, device, float }, form) => {
    await post('/v1/shifts/open', { cashier: cashier.trim(), device, float: amount(float, 0n) });
    form.reset();
    await refresh();
    say(t('shift_opened'));
  };
  return html`<${Card} title=${t('open_shift')}><${Form} work=${work} id="open-shift"><${Field} label=${t('cashier_id')} name="cashier" required /><${Field} label=${t('device')} name="device" options=${devices.map((d) => [d, d])} /><${Field} label=${t('float')} name="float" inputmode="decimal" placeholder="0.00" /><button class="button">${t('open_shift')}</button><//><//>`;
}
/** Pay in, pay out, or the drawer to somebody else. */
function Moving({ held }) {
  const [way, turn] = useState('pay-in');
  const over = way === 'hand-over';
  const work = async ({ drawer, sum, why }, form) => {
    const [cashier, device] = JSON.parse(drawer);
    const n = amount(sum);
    await post(`/v1/shifts/${way}`, over ? { to: why.trim(), device, counted: n } : { cashier, device, amount: n, reason: why });
    form.reset();
    await refresh();
    say(t('entered'));
  };
  const reasons = way === 'pay-in' ? ['reason_change', 'reason_float'] : ['reason_safe', 'reason_supplies', 'reason_delivery'];
  const fill = (text) => { document.querySelector('#move-cash input[name=why]').value = text; };
  return html`<${Card} title=${t('move_cash')}>${held.length ? html`<${Form} work=${work} id="move-cash">
    <${Choice} label=${t('which_way')} name="way" value=${way} onPick=${turn} options=${[['pay-in', t('pay_in')], ['pay-out', t('pay_out')], ['hand-over', t('hand_over')]]} />
    <${Field} label=${t('drawer')} name="drawer" options=${held.map((h) => [JSON.stringify([h.cashier, h.device]), `${h.name} · ${h.device}`])} />
    <${Field} label=${over ? t('counted_sum') : t('amount')} name="sum" inputmode="decimal" required />
    <${Field} key=${way} label=${over ? t('taker') : t('reason')} name="why" required maxlength=${over ? '16' : '200'} />
    ${over ? null : html`<${Phrases} of=${reasons} onPick=${fill} />`}
    <button class="button">${t('enter')}</button><//>` : html`<${Empty} icon="drawer">${t('no_open_drawer')}<//>`}<//>`;
}
export function Shifts({ status }) {
  const { data: day, error } = useLive('/v1/day');
  if (error) return html`<${Wrong} error=${error} />`;
  if (!day || !status) return html`<${Soon} />`;
  const names = new Map(day.by_cashier.map((g) => [g.id, person(g)]));
  const name = (id) => names.get(id) || id;
  const held = day.shifts.filter((s) => !s.closed).flatMap((s) => s.drawers.map((d) => ({ cashier: s.cashier, name: name(s.cashier), device: d.device })));
  const order = [...day.shifts].sort((a, b) => a.closed - b.closed || b.shift - a.shift);
  return html`<${Title} note=${t('n_on_shift', { n: day.shifts.filter((s) => !s.closed).length })}>${t('page_shifts')}<//>
    ${order.length ? html`<div class="three" id="shift-list">${order.map((s) => html`<${Shift} key=${s.shift} shift=${s} name=${name(s.cashier)} />`)}</div>` : html`<${Card}><${Empty} icon="shifts">${t('no_shift')}<//><//>`}
    <div class="two"><${Opening} devices=${status.terminals.map((x) => x.terminal)} /><${Moving} held=${held} /></div>`;
}
