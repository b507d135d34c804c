// Today on one page: what was taken, that it is right, what wants a hand, and how the machine does.
import { html } from '../vendor/preact.js';
import { both, t, word } from '../words.js';
import { post } from '../api.js';
import { useLive } from '../live.js';
import { money, sum } from '../money.js';
import { Act, Card, Empty, Groups, Mark, Proof, Soon, State, Table, Title, Wrong, person, say } from '../parts.js';
import { Icon } from '../icons.js';
import { Hours } from '../chart.js';

const hoursLeft = (ms) => (ms <= 0 ? t('too_old') : t('hours_left', { n: Math.floor(ms / 3600000) }));

/** What wants a hand, worst first: {key, mood, text, more, href, act}. */
export function wants(day, status) {
  const list = [];
  const add = (mood, key, text, more, href, act) => list.push({ mood, key, text, more, href, act });
  if (status.health !== 'ok') add('bad', 'health', t('not_well'), word('health', status.health));
  if (!day.cross_foot) add('bad', 'foot', t('does_not_foot'));
  for (const x of status.terminals) if (x.stopped) add('bad', `stopped-${x.terminal}`, t('cards_stopped', { terminal: x.terminal }), x.stopped, '#/exceptions');
  if (status.exceptions) add('bad', 'exceptions', t('n_exceptions', { n: status.exceptions }), t('exceptions_more'), '#/exceptions');
  if (day.cases && day.cases.unresolved.count) add('warn', 'cases', t('n_cases', { n: day.cases.unresolved.count, amount: money(day.cases.unresolved.amount) }), t('cases_more'), '#/cases');
  const unknown = day.pending.filter((p) => p.state === 'unknown' || p.state === 'sent');
  if (unknown.length) add('warn', 'unknown', t('n_unknown', { n: unknown.length, amount: money(sum(unknown.map((p) => p.amount))) }), t('unknown_more'), '#/payments?state=unknown&day=all');
  if (status.waiting.count) add('warn', 'waiting', t('n_waiting', { n: status.waiting.count, amount: money(status.waiting.amount) }), typeof status.oldest_expires_in_ms === 'number' ? hoursLeft(status.oldest_expires_in_ms) : t('waiting_more'), stored(day));
  for (const x of status.terminals) {
    if (x.line === 'down') add('warn', `line-${x.terminal}`, t('line_down', { terminal: x.terminal }), x.line_why || t('line_down_more'));
    if (x.reversals) add('warn', `reversals-${x.terminal}`, t('n_reversals', { n: x.reversals, terminal: x.terminal }), t('reversals_more'));
  }
  for (const p of status.ports) {
    const goOn = p.attention ? () => post('/v1/printers/resume', { printer: p.id }).then(() => say(t('printing_goes_on'))) : null;
    if (p.attention || p.state !== 'open') add('warn', `port-${p.id}`, t('port_wants', { port: p.id, what: p.attention ? both(p.attention) : word('port', p.state) }), p.queued ? t('n_queued', { n: p.queued }) : '', null, goOn);
  }
  return list;
}
/** Where the payments that wait offline are listed: those stored, or what has become of them. */
export function stored(day) {
  const state = ['stored', 'set_aside', 'rejected'].find((s) => day.pending.some((p) => p.state === s));
  return `#/payments?state=${state || 'stored'}&day=all`;
}
export function Wants({ list }) {
  if (!list.length) return html`<p class="calm"><${Icon} of="check" size="20" />${t('all_well')}</p>`;
  return html`<ul class="wants" id="wants">${list.map((w) => html`<li key=${w.key} class=${w.mood}><${Icon} of="exceptions" size="24" /><div>${w.href ? html`<a href=${w.href}>${w.text}</a>` : html`<b>${w.text}</b>`}${w.more ? html`<small>${w.more}</small>` : null}</div>
    ${w.act ? html`<${Act} work=${w.act}>${t('go_on')}<//>` : w.href ? html`<span class="to" aria-hidden="true">›</span>` : null}</li>`)}</ul>`;
}
function Lines({ terminals }) {
  return html`<ul class="list">${terminals.map((x) => { const ok = x.line === 'up' && !x.stopped; return html`<li key=${x.terminal}><${Mark} ok=${ok} mood=${x.stopped ? 'bad' : 'warn'} /><div><b>${x.terminal}</b> <${State} of=${x.line} list="line" /><small>${t('batch_rung', { batch: x.batch, rung: word('rung', x.rung) })}</small>
    ${x.waiting.count ? html`<small>${t('n_waiting', { n: x.waiting.count, amount: money(x.waiting.amount) })}</small>` : null}${x.stopped ? html`<small class="bad">${x.stopped}</small>` : null}</div></li>`; })}</ul>`;
}
function Ports({ ports }) {
  if (!ports.length) return html`<${Empty} icon="print">${t('no_ports')}<//>`;
  return html`<ul class="list">${ports.map((p) => { const ok = p.state === 'open' && !p.attention; return html`<li key=${p.id}><${Mark} ok=${ok} /><div><b>${p.id}</b> <${State} of=${p.state} list="port" /><small>${p.queued ? t('n_queued', { n: p.queued }) : t('nothing_queued')}</small>${p.attention ? html`<small class="warn">${both(p.attention)}</small>` : null}</div></li>`; })}</ul>`;
}
export function Pending({ list }) {
  if (!list.length) return html`<${Empty}>${t('nothing_waits')}<//>`;
  const heads = [[t('payment'), ''], [t('state'), ''], [t('device'), 'wide'], [t('cashier'), 'wide'], [t('amount'), 'n']];
  return html`<${Table} label=${t('what_waits')} heads=${heads} rows=${list.slice(0, 50).map((p) => ({ key: p.payment, href: `#/payment/${p.payment}`, cells: [p.payment, html`<${State} of=${p.state} />`, p.device, p.cashier, money(p.amount)] }))} />
    ${list.length > 50 ? html`<p class="dim">${t('more_rows', { n: list.length - 50 })}</p>` : null}`;
}

export function Today({ status }) {
  const { data: day, error } = useLive('/v1/day');
  const { data: hours, error: none } = useLive('/v1/hours/open');
  if (error) return html`<${Wrong} error=${error} />`;
  if (!day || !status) return html`<${Soon} />`;
  const figure = (label, tally) => html`<div><dt>${label}</dt><dd>${money(tally.amount)}<small>${t('n_times', { n: tally.count })}</small></dd></div>`;
  const list = wants(day, status);
  return html`<${Title} note=${`${day.business_date} · Z${day.z_number}`}>${t('page_today')}<//>
    <div class="today">
      <section class="hero" aria-label=${t('takings')}><span>${t('net_takings')}</span><strong id="net">${money(day.net)}<small>${day.currency}</small></strong>
        <dl>${figure(t('sale'), day.totals.sale)}${figure(t('refund'), day.totals.refund)}${figure(t('void'), day.totals.void)}${day.totals.vouchers.count ? figure(t('vouchers'), day.totals.vouchers) : null}</dl>
        <${Proof} day=${day} /></section>
      <${Card} title=${t('by_hour')} kind="hours">${hours ? html`<${Hours} hours=${hours} />` : none ? html`<${Wrong} error=${none} />` : html`<${Soon} />`}<//>
    </div>
    <${Wants} list=${list} />
    <div class="three">
      <${Groups} title=${t('by_cashier')} id="by-cashier" list=${day.by_cashier} name=${person} link=${(g) => `#/payments?cashier=${encodeURIComponent(g.id)}`} />
      <${Groups} title=${t('by_device')} id="by-device" list=${day.by_device} name=${(g) => g.id} link=${(g) => `#/payments?device=${encodeURIComponent(g.id)}`} />
      <${Groups} title=${t('by_method')} id="by-method" list=${day.by_method} name=${(g) => word('method', g.id)} />
    </div>
    <div class="three">
      <${Card} title=${t('lines')}><${Lines} terminals=${status.terminals} /><//>
      <${Card} title=${t('ports')}><${Ports} ports=${status.ports} /><//>
      <${Card} title=${t('what_waits')}><${Pending} list=${day.pending} /><//>
    </div>
    ${status.warnings.length ? html`<${Card} title=${t('for_technician')}><ul class="list">${status.warnings.map((w) => html`<li key=${w.en}>${both(w)}</li>`)}</ul><//>` : null}`;
}
