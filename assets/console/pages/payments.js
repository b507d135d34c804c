// Every payment, the newest first, found by what a customer's slip or a bank's letter shows.
import { html, useState } from '../vendor/preact.js';
import { codes, t, word } from '../words.js';
import { dayTime, get, time } from '../api.js';
import { useLive } from '../live.js';
import { minor, money } from '../money.js';
import { Card, Empty, Field, Soon, State, Table, Title, Wrong, person } from '../parts.js';
import { Icon } from '../icons.js';

const PAGE = 50;
const MOST = 10;
/** An amount as people type it is searched in minor units. */
const sought = (text) => (/^\d+[.．]\d+$/.test(text) && minor(text) !== null ? minor(text).toString() : text);

/** Pages one after the other, so that the list stays whole while new payments come in above. */
const pages = (query, wanted) => async (alone) => {
  const items = [];
  let cursor = null;
  for (let n = 0; n < wanted; n += 1) {
    const page = await get(`/v1/payments?${query}${cursor ? `&cursor=${cursor}` : ''}`, alone);
    items.push(...page.items);
    cursor = page.next_cursor;
    if (!cursor) break;
  }
  return { items, more: Boolean(cursor) };
};

export function Payments({ query, status }) {
  const { data: day, error: none } = useLive('/v1/day');
  const [wanted, want] = useState({ of: '', n: 1 });
  const filter = Object.fromEntries(['q', 'state', 'device', 'cashier', 'day'].map((key) => [key, query.get(key) || '']));
  const open = day ? day.business_date : '';
  const which = new URLSearchParams({ limit: String(PAGE) });
  for (const key of ['state', 'device', 'cashier']) if (filter[key]) which.set(key, filter[key]);
  if (filter.q) which.set('q', sought(filter.q));
  if (filter.day !== 'all') which.set('day', filter.day || open);
  const text = which.toString();
  const n = wanted.of === text ? wanted.n : 1;
  const { data: list, error } = useLive(open ? `/v1/payments?${text}#${n}` : '/v1/day', open ? pages(text, n) : undefined);
  if (none) return html`<${Wrong} error=${none} />`;
  if (!day || !status) return html`<${Soon} />`;
  const go = (change) => {
    const next = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...filter, ...change })) if (value) next.set(key, value);
    const to = next.toString();
    location.hash = `#/payments${to ? `?${to}` : ''}`;
  };
  const all = [['', t('all')]];
  const pick = (key, label, options) => html`<${Field} key=${key} label=${label} name=${key} value=${filter[key]} options=${[...all, ...options]} onChange=${(event) => go({ [key]: event.target.value })} />`;
  const several = !filter.day ? false : filter.day === 'all';
  const heads = [[t('payment'), 'mono'], [t('time'), 'time'], [t('kind'), 'kind'], [t('method'), 'wide'], [t('device'), 'wide'], [t('cashier'), 'wide'], [t('card'), 'mono wide'], [t('state'), 'state'], [t('amount'), 'n']];
  const row = (p) => ({ key: p.id, href: `#/payment/${p.id}`, cells: [p.id, several ? dayTime(p.made_at) : time(p.made_at), html`${word('kind', p.kind)}${p.voided_by ? html`<small>${t('voided')}</small>` : null}${p.refunded ? html`<small>${t('refunded_amount', { amount: money(p.refunded) })}</small>` : null}`, word('method', p.method), p.device, p.cashier, p.masked_pan || '', html`<${State} of=${p.state} />`, money(p.amount)] });
  return html`<${Title} note=${filter.day === 'all' ? t('every_day') : filter.day || open}>${t('page_payments')}<//>
    <form class="card search" role="search" onSubmit=${(event) => { event.preventDefault(); go({ q: event.currentTarget.elements.q.value.trim() }); }}>
      <div class="find"><${Field} label=${t('find_label')} kind="grow" type="search" name="q" defaultValue=${filter.q} placeholder=${t('find_hint')} maxlength="64" /><button class="button main" id="find"><${Icon} of="search" size="20" />${t('find')}</button></div>
      <div class="filters"><${Field} label=${t('day')} type="date" name="day" value=${filter.day === 'all' ? '' : filter.day || open} onChange=${(event) => go({ day: event.target.value || 'all' })} />
        <button type="button" class="button" id="every-day" aria-pressed=${filter.day === 'all'} onClick=${() => go({ day: filter.day === 'all' ? '' : 'all' })}>${t('every_day')}</button>
        ${pick('state', t('state'), codes('state').map((c) => [c, word('state', c)]))}
        ${pick('device', t('device'), status.terminals.map((x) => [x.terminal, x.terminal]))}
        ${pick('cashier', t('cashier'), day.by_cashier.map((g) => [g.id, person(g)]))}</div>
    </form>
    ${error ? html`<${Wrong} error=${error} />` : !list || !list.items ? html`<${Soon} />` : html`<${Card} kind="payments">${list.items.length ? html`<${Table} label=${t('page_payments')} heads=${heads} rows=${list.items.map(row)} />` : html`<${Empty} icon="search">${list.more ? t('not_found_yet') : t('not_found')}<//>`}
      ${list.more ? n < MOST ? html`<button class="button" id="more" onClick=${() => want({ of: text, n: n + 1 })}>${list.items.length ? t('more') : t('search_on')}</button>` : html`<p class="dim">${t('narrow', { n: list.items.length })}</p>` : null}<//>`}`;
}
