// One day: its figures as they were sealed, its settlement as it goes on, and its report to keep, send or print again.
import { html } from '../vendor/preact.js';
import { both, lang, t, word } from '../words.js';
import { post, time } from '../api.js';
import { useLive } from '../live.js';
import { money } from '../money.js';
import { Act, Card, Empty, Formula, Groups, PaymentLink, Proof, Soon, State, Table, Tag, Title, Wrong, over, person, say } from '../parts.js';
import { Icon } from '../icons.js';
import { Hours } from '../chart.js';
import { Pending } from './today.js';

/** `card:CUP` as "card CUP". */
const channel = (id) => { const [method, ...scheme] = id.split(':'); return [word('method', method), ...scheme].join(' '); };

function Settlement({ list }) {
  if (!list.length) return html`<${Empty}>${t('no_batches')}<//>`;
  const heads = [[t('terminal'), ''], [t('batch'), 'mono'], [t('result'), ''], [t('debit'), 'n wide'], [t('credit'), 'n wide']];
  return html`<${Table} label=${t('settlement')} heads=${heads} rows=${list.map((s) => ({ key: `${s.terminal}${s.batch}`, cells: [s.terminal, s.batch, html`<${State} of=${s.result} list="rung" />${s.rung === s.result ? null : html`<small>${word('rung', s.rung)}</small>`}`, html`${money(s.debit.amount)}<small>${s.debit.count}</small>`, html`${money(s.credit.amount)}<small>${s.credit.count}</small>`] }))} />`;
}
function Bridge({ day }) {
  const heads = [[t('bridge_line'), ''], [t('sale'), 'n wide'], [t('returned'), 'n wide'], [t('vouchers'), 'n wide'], [t('net'), 'n']];
  return html`<${Table} label=${t('bridge')} heads=${heads} rows=${day.bridge.map((l) => ({ key: l.line, cells: [both(l.label), money(l.columns.sale.amount), money(BigInt(l.columns.refund.amount) + BigInt(l.columns.void.amount)), money(l.columns.vouchers.amount), money(l.net)] }))} foot=${[t('total'), money(day.totals.sale.amount), money(BigInt(day.totals.refund.amount) + BigInt(day.totals.void.amount)), money(day.totals.vouchers.amount), money(day.net)]} />`;
}
function Matrix({ day }) {
  const devices = day.by_device.map((g) => g.id);
  const cells = new Map(day.matrix.map((c) => [`${c.cashier}\n${c.device}`, c]));
  const heads = [[t('cashier'), ''], ...devices.map((d) => [d, 'n']), [t('total'), 'n']];
  return html`<${Table} label=${t('matrix')} heads=${heads} rows=${day.by_cashier.map((g) => ({ key: g.id, cells: [person(g), ...devices.map((d) => { const c = cells.get(`${g.id}\n${d}`); return c ? money(c.net) : '–'; }), money(g.net)] }))} foot=${[t('total'), ...day.by_device.map((g) => money(g.net)), money(day.net)]} />`;
}
function Drawers({ day }) {
  const list = day.shifts.filter((s) => s.drawers.length);
  if (!list.length) return html`<${Empty} icon="drawer">${t('no_drawers')}<//>`;
  const names = new Map(day.by_cashier.map((g) => [g.id, person(g)]));
  return html`<ul class="list">${list.flatMap((s) => s.drawers.map((d) => html`<li key=${`${s.shift}${d.device}`}><div><b>${names.get(s.cashier) || s.cashier}</b> · ${d.device} ${s.closed ? html`<${Tag} mood=${d.difference ? 'bad' : 'good'}>${over(d.difference || 0)}<//><details><summary>${t('formula')}</summary><${Formula} drawer=${d} /></details>` : html`<${Tag} mood="warn">${t('carried')}<//>`}</div></li>`))}</ul>`;
}
function Returns({ day }) {
  const heads = [[t('payment'), ''], [t('kind'), ''], [t('cashier'), 'wide'], [t('original'), 'wide'], [t('amount'), 'n']];
  const rows = [...day.returns.map((r) => ({ key: r.payment, cells: [html`<${PaymentLink} id=${r.payment} />`, word('column', r.column), `${r.cashier} · ${r.device}`, r.original ? html`<${PaymentLink} id=${r.original} />` : '', money(r.amount)] })),
    ...day.vouchers.map((v, n) => ({ key: `v${n}`, cells: [html`<${PaymentLink} id=${v.payment} />`, word('voucher', v.why), `${v.cashier} · ${v.device}`, v.business_date, money(v.amount)] }))];
  return rows.length ? html`<${Table} label=${t('returns')} heads=${heads} rows=${rows} />` : html`<${Empty}>${t('no_returns')}<//>`;
}
/** Who did what beside selling: overrides, reprints, drawers opened without a sale. */
function Acts({ day }) {
  const list = [...(day.overrides || []), ...(day.drawer_openings || []), ...(day.reprints || [])].sort((a, b) => a.seq - b.seq);
  if (!list.length) return html`<${Empty}>${t('no_acts')}<//>`;
  const about = (x) => html`${x.payment ? html`<${PaymentLink} id=${x.payment} /> ` : null}${[x.cashier, x.device, x.about, x.times ? t('n_times', { n: x.times }) : ''].filter(Boolean).join(' · ')}`;
  const heads = [[t('time'), ''], [t('what'), ''], [t('who'), ''], [t('about'), 'wide'], [t('amount'), 'n']];
  return html`<${Table} label=${t('acts')} heads=${heads} rows=${list.map((x, n) => ({ key: `${x.seq}-${n}`, cells: [time(x.at), word('act', x.what), x.by || t('pos_software'), about(x), x.amount === null || x.amount === undefined ? '' : money(x.amount)] }))} />`;
}
/** Batches that wait for their settlement, whatever their day. */
function Unsettled({ list }) {
  const heads = [[t('terminal'), ''], [t('batch'), 'mono'], [t('rung'), ''], [t('age'), 'n'], [t('debit'), 'n wide'], [t('credit'), 'n wide']];
  return html`<${Table} label=${t('unsettled')} heads=${heads} rows=${list.map((b) => ({ key: `${b.terminal}${b.batch}`, cells: [b.terminal, b.batch, word('rung', b.rung), t('n_days', { n: b.days }), money(b.debit.amount), money(b.credit.amount)] }))} />`;
}
function Reversals({ list }) {
  const heads = [[t('payment'), ''], [t('kind'), ''], [t('cashier'), 'wide'], [t('card'), 'mono wide'], [t('amount'), 'n']];
  return html`<${Table} label=${t('reversals')} heads=${heads} rows=${list.map((r) => ({ key: r.payment, cells: [html`<${PaymentLink} id=${r.payment} />`, word('kind', r.kind), `${r.cashier} · ${r.device}`, r.masked_pan || '', money(r.amount)] }))} />`;
}
export function Day({ rest }) {
  const name = /^[0-9]+$|^open$/.test(rest[0] || '') ? rest[0] : 'open';
  const { data: d, error } = useLive(`/v1/reports/${name}`);
  const { data: hours } = useLive(`/v1/hours/${name}`);
  const back = html`<a class="back" href="#/days"><${Icon} of="back" size="18" />${t('page_days')}</a>`;
  if (error) return html`${back}<${Wrong} error=${error} />`;
  if (!d) return html`${back}<${Soon} />`;
  const open = d.state === 'open';
  // The day moves on while it settles: the picture follows its rows.
  const path = (format) => `/v1/reports/${name}?format=${format}&lang=${lang()}`;
  const download = (format, text) => html`<a class="button" href=${path(format)} download=${`${d.business_date}-Z${d.z_number}.${format === 'text' ? 'txt' : format}`}><${Icon} of="down" size="18" />${text}</a>`;
  const print = async () => { await post('/v1/print', open ? { what: 'x_report' } : { what: 'day_report', date: d.business_date }); say(t('to_printer')); };
  return html`${back}<${Title} note=${`${d.business_date} · Z${d.z_number}`}>${open ? t('x_report') : t('z_report')} <${State} of=${d.state} list="rung" /><//>
    <div class="card get" role="group" aria-label=${t('get_report')}><${Act} kind="main" id="reprint" icon="print" work=${print}>${open ? t('print_x') : t('print_again')}<//>${download('pdf', 'PDF')}${download('png', 'PNG')}${download('csv', 'CSV')}${download('json', 'JSON')}${download('html', 'HTML')}${download('text', t('text'))}</div>
    <div class="halves"><div><${Card} kind="one"><p class="label">${t('net_takings')}</p><p class="amount"><strong>${money(d.net)}</strong> ${d.currency}</p><${Proof} day=${d} />
        <dl class="facts big"><div><dt>${t('sale')}</dt><dd>${money(d.totals.sale.amount)} <small>${d.totals.sale.count}</small></dd></div><div><dt>${t('refund')}</dt><dd>${money(d.totals.refund.amount)} <small>${d.totals.refund.count}</small></dd></div><div><dt>${t('void')}</dt><dd>${money(d.totals.void.amount)} <small>${d.totals.void.count}</small></dd></div><div><dt>${t('vouchers')}</dt><dd>${money(d.totals.vouchers.amount)} <small>${d.totals.vouchers.count}</small></dd></div><div><dt>${t('grand_total')}</dt><dd>${money(d.grand_total)}</dd></div><div><dt>${t('rows')}</dt><dd>${d.first_seq} – ${d.last_seq}</dd></div>${d.check_code ? html`<div><dt>${t('check_code')}</dt><dd class="mono">${d.check_code}</dd></div>` : null}</dl><//>
    </div><div><${Card} title=${t('settlement')} id="settlement"><${Settlement} list=${d.settlement} /><//>
      ${hours && hours.hours.length ? html`<${Card} title=${t('by_hour')} kind="hours"><${Hours} hours=${hours} /><//>` : null}
    </div></div>
    <div class="three"><${Groups} title=${t('by_cashier')} list=${d.by_cashier} name=${person} /><${Groups} title=${t('by_device')} list=${d.by_device} name=${(g) => g.id} /><${Groups} title=${t('by_method')} list=${d.by_method} name=${(g) => word('method', g.id)} />${d.by_channel && d.by_channel.length ? html`<${Groups} title=${t('by_channel')} list=${d.by_channel} name=${(g) => channel(g.id)} />` : null}</div>
    <div class="two"><${Card} title=${t('matrix')}><${Matrix} day=${d} /><//><${Card} title=${t('bridge')}><${Bridge} day=${d} /><//>
      <${Card} title=${t('drawers')}><${Drawers} day=${d} /><//><${Card} title=${t('returns')}><${Returns} day=${d} /><//><${Card} title=${t('what_waits')}><${Pending} list=${d.pending} /><//>
      ${d.unsettled && d.unsettled.length ? html`<${Card} title=${t('unsettled')}><${Unsettled} list=${d.unsettled} /><//>` : null}${d.reversals && d.reversals.length ? html`<${Card} title=${t('reversals')}><${Reversals} list=${d.reversals} /><//>` : null}
      <${Card} title=${t('acts')}><${Acts} day=${d} /><//>
    </div>
    <${Card} title=${t('as_printed')} kind="paper"><img id="paper" src=${`${path('png')}#${d.journal.rows}`} alt=${t('as_printed_alt')} loading="lazy" /><//>`;
}
