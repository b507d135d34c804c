// The archive: every day since the store's first, never changed, newest first.
import { html, useState } from '../vendor/preact.js';
import { t } from '../words.js';
import { get } from '../api.js';
import { useLive } from '../live.js';
import { money } from '../money.js';
import { Card, Soon, State, Table, Title, Wrong } from '../parts.js';

const PAGE = 31;
const months = (wanted) => async (alone) => {
  const items = [];
  let cursor = null;
  for (let n = 0; n < wanted; n += 1) {
    const page = await get(`/v1/days?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ''}`, alone);
    items.push(...page.items);
    cursor = page.next_cursor;
    if (!cursor) break;
  }
  return { items, more: Boolean(cursor) };
};
export function Days() {
  const [n, want] = useState(1);
  const { data: list, error } = useLive(`/v1/days#${n}`, months(n));
  if (error) return html`<${Wrong} error=${error} />`;
  if (!list) return html`<${Soon} />`;
  const heads = [['Z', 'mono'], [t('day'), ''], [t('state'), 'state'], [t('sale'), 'n wide'], [t('returned'), 'n wide'], [t('batches'), 'n wide'], [t('net'), 'n']];
  const row = (d) => ({ key: d.z_number, href: `#/day/${d.state === 'open' ? 'open' : d.z_number}`, cells: [`Z${d.z_number}`, d.business_date, html`<${State} of=${d.state} list="rung" />${d.cross_foot ? null : html` <small class="bad">${t('does_not_foot')}</small>`}`, money(d.totals.sale.amount), money(BigInt(d.totals.refund.amount) + BigInt(d.totals.void.amount)), `${d.batches_ended}/${d.batches}`, money(d.net)] });
  return html`<${Title} note=${t('days_note')}>${t('page_days')}<//>
    <${Card}><${Table} id="days" label=${t('page_days')} heads=${heads} rows=${list.items.map(row)} />
      ${list.more ? html`<button class="button" id="earlier" onClick=${() => want(n + 1)}>${t('earlier')}</button>` : null}<//>`;
}
