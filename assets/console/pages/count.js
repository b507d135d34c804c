// The blind count: notes and coins one by one, their sum, and nothing of what is expected. What is typed stays, whatever happens meanwhile.
import { html, useRef, useState } from '../vendor/preact.js';
import { t } from '../words.js';
import { me, post } from '../api.js';
import { refresh, useLive } from '../live.js';
import { money, minor, pieces, short } from '../money.js';
import { Field, Form, Soon, Title, Wrong, person, say } from '../parts.js';
import { Icon } from '../icons.js';
import { Keypad } from '../keypad.js';

/** Notes and coins, in minor units, the largest first. Elsewhere the sum alone is typed. */
const coins = { CNY: [10000n, 5000n, 2000n, 1000n, 500n, 100n, 50n, 10n] };

/** Each value once, as the API wants them; what is left over is one piece of its own worth. */
function denominations(list, other) {
  const found = new Map(list.filter(([, n]) => n > 0n));
  if (other > 0n) found.set(other, (found.get(other) || 0n) + 1n);
  return [...found].map(([value, count]) => ({ value, count }));
}
function Note({ value, count, onCount }) {
  const n = pieces(count);
  const step = (by) => () => { const next = (n === null ? 0n : n) + by; if (next >= 0n && next <= 99999n) onCount(next === 0n ? '' : next.toString()); };
  return html`<div class="note"><b>${short(value)}</b>
    <button type="button" class="button" tabindex="-1" aria-label=${t('one_less', { note: short(value) })} onClick=${step(-1n)}>−</button>
    <input inputmode="numeric" autocomplete="off" maxlength="5" placeholder="0" aria-label=${t('how_many', { note: short(value) })} aria-invalid=${n === null} data-note=${value.toString()} value=${count} onInput=${(event) => onCount(event.target.value)} />
    <button type="button" class="button" tabindex="-1" aria-label=${t('one_more', { note: short(value) })} onClick=${step(1n)}>+</button>
    <span>${n ? money(n * value) : ''}</span></div>`;
}
export function Count({ rest }) {
  const [cashier, device] = rest;
  const { data: day, error } = useLive('/v1/day');
  const notes = coins[me.who.currency] || [];
  const [counts, set] = useState({});
  const [rest_, setRest] = useState('');
  const touched = useRef(null);
  if (error) return html`<${Wrong} error=${error} />`;
  if (!day) return html`<${Soon} />`;
  const back = html`<a class="back" href="#/shifts"><${Icon} of="back" size="18" />${t('page_shifts')}</a>`;
  const shift = day.shifts.find((s) => !s.closed && s.cashier === cashier && s.drawers.some((d) => d.device === device));
  if (!shift) return html`${back}<${Wrong} error=${new Error(t('drawer_not_open', { device: device || '?', who: cashier || '?' }))} />`;
  const group = day.by_cashier.find((g) => g.id === cashier);
  const list = notes.map((value) => [value, pieces(counts[value] || '')]);
  const other = rest_.trim() === '' ? 0n : minor(rest_);
  const total = other === null || list.some(([, n]) => n === null) ? null : list.reduce((all, [value, n]) => all + value * n, other);
  const work = async () => {
    if (total === null) throw new Error(t('count_wrong'));
    await post('/v1/shifts/count', { cashier, device, counted: total, denominations: denominations(list, other) });
    await refresh();
    say(t('counted_told', { amount: money(total) }));
    location.hash = '#/shifts';
  };
  return html`${back}<${Title} note=${`${group ? person(group) : cashier} · ${device}`}>${t('count_drawer')}<//>
    <p class="dim">${t('blind')}</p>
    <${Form} kind="count" id="count-form" work=${work} onFocusIn=${(event) => { if (event.target.tagName === 'INPUT') touched.current = event.target; }}>
      <div class="card"><div class="notes">${notes.map((value) => html`<${Note} key=${value.toString()} value=${value} count=${counts[value] || ''} onCount=${(text) => set((all) => ({ ...all, [value]: text }))} />`)}
        <div class="note other"><${Field} label=${notes.length ? t('other_cash') : t('amount')} name="other" inputmode="decimal" placeholder="0.00" value=${rest_} onInput=${(event) => setRest(event.target.value)} /></div></div></div>
      <div class="card total"><p><span>${t('in_the_drawer')}</span><output id="counted" aria-live="polite">${total === null ? '?' : money(total)}</output></p>
        <${Keypad} field=${() => touched.current || document.querySelector('#count-form input')} extra="." />
        <button class="button main big" id="enter-count" disabled=${total === null}>${t('enter_count')}</button></div>
    <//>`;
}
