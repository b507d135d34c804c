// The console's pages: each asks the API for what it shows and gives elements. Nothing is computed here that the daemon answers for.
import { t, word, both, codes, lang } from './words.js';
import { h, ask, get, post, money, minor, time, say, act, field, approval, me, show, count } from './app.js';

const tag = (text, mood) => h('span', { class: mood ? `tag ${mood}` : 'tag' }, text);
const moods = { approved: 'good', forwarded: 'good', declined: '', unknown: 'warn', stored: 'warn', set_aside: 'bad', rejected: 'bad', sent: 'warn', waiting: 'warn', reversed: '' };
const state = (s) => tag(word('state', s), moods[s]);
const card = (title, ...children) => h('section', { class: 'card', 'aria-label': title }, h('h2', null, title), ...children);
const none = (text) => h('p', { class: 'dim' }, text);
function table(heads, rows, foot) {
  return h('div', { class: 'scroll' }, h('table', null,
    h('thead', null, h('tr', null, heads.map(([name, kind]) => h('th', { class: kind, scope: 'col' }, name)))),
    h('tbody', null, rows), foot ? h('tfoot', null, foot) : null));
}
const cells = (heads, values, props) => h('tr', props, values.map((v, i) => h('td', { class: heads[i][1] }, v)));

function groups(title, list, name, id) {
  const heads = [[title, ''], [t('笔数', 'count'), 'n'], [t('消费', 'sale'), 'n'], [t('退货', 'refund'), 'n wide'], [t('撤销', 'void'), 'n wide'], [t('净额', 'net'), 'n']];
  const rows = list.map((g) => cells(heads, [name(g), String(g.sale.count), money(g.sale.amount), money(g.refund.amount), money(g.void.amount), money(g.net)]));
  const net = list.reduce((sum, g) => sum + g.net, 0);
  return h('section', { class: 'card', id, 'aria-label': title }, list.length ? table(heads, rows, cells(heads, [t('合计', 'total'), '', '', '', '', money(net)])) : [h('h2', null, title), none(t('还没有交易', 'nothing yet'))]);
}

function chart(hours) {
  const box = h('div', { class: 'chart', 'aria-hidden': 'true' });
  const heads = [[t('时段', 'hour'), ''], [t('笔数', 'count'), 'n'], [t('消费', 'sale'), 'n'], [t('退货撤销', 'returned'), 'n'], [t('净额', 'net'), 'n']];
  const rows = hours.hours.map((x) => cells(heads, [`${x.hour.slice(11)}:00`, String(x.sale.count), money(x.sale.amount), money(x.returned.amount), money(x.net)]));
  const list = card(t('每小时营业额', 'Takings by hour'), hours.hours.length ? box : none(t('还没有交易', 'nothing yet')),
    hours.complete ? null : h('p', { class: 'dim' }, t('交易太多，最早的部分未计入此图', 'Too many payments: the earliest are not in this chart')),
    hours.hours.length ? h('details', null, h('summary', null, t('以表格显示', 'as a table')), table(heads, rows)) : null);
  if (hours.hours.length) document.getElementById('main').addEventListener('drawn', () => draw(box, hours.hours), { once: true });
  return list;
}
function draw(box, hours) {
  // From the first hour to the last; at least eight, so that a single hour is a bar and not a wall.
  const stamp = (hour) => Date.UTC(+hour.slice(0, 4), +hour.slice(5, 7) - 1, +hour.slice(8, 10), +hour.slice(11)) / 3600000;
  const first = stamp(hours[0].hour); const last = Math.max(stamp(hours[hours.length - 1].hour), first + 7);
  const by = new Map(hours.map((x) => [stamp(x.hour), x.sale.amount]));
  const xs = []; const ys = [];
  for (let x = first; x <= last; x += 1) { xs.push(x); ys.push(by.get(x) || 0); }
  const size = () => ({ width: Math.max(260, box.clientWidth), height: 190 });
  const plot = new window.uPlot({ ...size(), legend: { show: false }, cursor: { show: false }, scales: { x: { time: false, range: [first - 0.6, last + 0.6] }, y: { range: (u, low, high) => [0, Math.max(high, 100) * 1.1] } },
    axes: [{ values: (u, all) => all.map((v) => (Number.isInteger(v) ? String(((v % 24) + 24) % 24).padStart(2, '0') : '')), grid: { show: false }, incrs: [1, 2, 3, 4, 6, 12] }, { values: (u, all) => all.map((v) => money(Math.round(v)).replace(/\.00$/, '')), size: 74, grid: { stroke: '#e4e9e6' } }],
    series: [{}, { fill: '#14532d', stroke: '#14532d', width: 0, paths: window.uPlot.paths.bars({ size: [0.7, 60] }), points: { show: false } }] }, [xs, ys], box);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
}

function printers(ports) {
  if (!ports.length) return none(t('没有打印机或读卡设备', 'No printers or readers'));
  return h('ul', { class: 'list' }, ports.map((p) => h('li', null,
    h('span', { class: p.attention || p.state !== 'open' ? 'mark bad' : 'mark', 'aria-hidden': 'true' }, p.attention || p.state !== 'open' ? '!' : '✓'),
    h('div', { class: 'what' }, p.id, ' ', tag(word('port', p.state), p.state === 'open' ? 'good' : 'bad'), p.queued ? h('small', null, ' ', t(`${p.queued} 份待打印`, `${p.queued} to print`)) : null, p.attention ? h('div', null, both(p.attention)) : null),
    p.attention ? h('button', { onclick: (e) => act(e.target, async () => { await post('/v1/printers/resume', { printer: p.id }); say(t('已继续打印', 'printing goes on')); }) }, t('继续', 'Go on')) : null)));
}
function lines(terminals) {
  return h('ul', { class: 'list' }, terminals.map((x) => h('li', null,
    h('span', { class: x.line === 'up' && !x.stopped ? 'mark' : 'mark warn', 'aria-hidden': 'true' }, x.line === 'up' && !x.stopped ? '✓' : '!'),
    h('div', { class: 'what' }, x.terminal, ' ', tag(word('line', x.line), x.line === 'up' ? 'good' : 'warn'), ' ', h('small', null, t('批次 ', 'batch '), x.batch, ' · ', word('rung', x.rung)),
      x.waiting.count ? h('div', null, t(`离线待送 ${x.waiting.count} 笔 ${money(x.waiting.amount)}`, `${x.waiting.count} stored, ${money(x.waiting.amount)}`)) : null,
      x.reversals ? h('div', null, t(`待冲正 ${x.reversals} 笔`, `${x.reversals} reversals owed`)) : null,
      x.stopped ? h('div', { class: 'error' }, x.stopped) : null, x.line_why ? h('small', null, x.line_why) : null))));
}
const left = (ms) => (ms <= 0 ? t('已过期', 'too old now') : t(`最早一笔还剩 ${Math.floor(ms / 3600000)} 小时`, `oldest has ${Math.floor(ms / 3600000)} h left`));
function pending(list) {
  const heads = [[t('交易', 'payment'), 'mono'], [t('状态', 'state'), ''], [t('终端', 'device'), 'wide'], [t('收银员', 'cashier'), 'wide'], [t('卡', 'card'), 'mono wide'], [t('金额', 'amount'), 'n']];
  return list.length ? table(heads, list.slice(0, 50).map((p) => cells(heads, [link(p.payment), state(p.state), p.device, p.cashier, p.masked_pan || '', money(p.amount)]))) : none(t('没有等待处理的交易', 'Nothing waits'));
}
const link = (id) => h('a', { href: `#/payment/${id}` }, id);
const name = (g) => (g.name && g.name !== g.id ? `${g.name} (${g.id})` : g.id);

async function today({ auto }) {
  const [day, status, hours] = await Promise.all([get('/v1/day', auto), get('/healthz', auto), get('/v1/hours/open', auto)]);
  const figure = (label, value, small, mood) => h('div', { class: `figure ${mood || ''}` }, h('span', null, label), h('b', null, value), small ? h('small', null, small) : null);
  return [h('h1', null, t('今日', 'Today'), ' ', h('small', { class: 'dim' }, `${day.business_date} · Z${day.z_number}`)),
    status.health === 'ok' ? null : h('p', { class: 'error', role: 'alert' }, t('数据无法保存，交易已停止，请联系技术员', 'Nothing can be saved, sales are stopped: call the technician')),
    ...status.warnings.map((w) => h('p', { class: 'card' }, both(w))),
    h('div', { class: 'figures', id: 'figures' },
      figure(t('净额', 'Net'), money(day.net), day.currency, 'main'), figure(t('消费', 'Sales'), money(day.totals.sale.amount), t(`${day.totals.sale.count} 笔`, `${day.totals.sale.count}`)),
      figure(t('退货', 'Refunds'), money(day.totals.refund.amount), String(day.totals.refund.count)), figure(t('撤销', 'Voids'), money(day.totals.void.amount), String(day.totals.void.count)),
      figure(t('离线待送', 'Waiting'), money(status.waiting.amount), status.waiting.count ? [t(`${status.waiting.count} 笔`, `${status.waiting.count}`), typeof status.oldest_expires_in_ms === 'number' ? ` · ${left(status.oldest_expires_in_ms)}` : ''] : t('无', 'none'), status.waiting.count ? 'warn' : ''),
      figure(t('待处理异常', 'Exceptions'), String(status.exceptions), status.exceptions ? h('a', { href: '#/exceptions' }, t('去处理', 'resolve')) : t('无', 'none'), status.exceptions ? 'bad' : '')),
    chart(hours),
    h('div', { class: 'grid' }, groups(t('收银员', 'Cashier'), day.by_cashier, name, 'by-cashier'), groups(t('终端', 'Device'), day.by_device, (g) => g.id, 'by-device'), groups(t('支付方式', 'Method'), day.by_method, (g) => word('method', g.id), 'by-method')),
    h('p', { class: 'dim' }, day.cross_foot ? t('✓ 收银员 = 终端 = 支付方式 = 批次与其他，一分不差', '✓ by cashier = by device = by method = the batches and the rest, to the minor unit') : t('✗ 各表不平', '✗ the tables are not equal')),
    h('div', { class: 'grid' }, card(t('线路', 'Lines'), lines(status.terminals)), card(t('打印机与读卡设备', 'Printers and readers'), printers(status.ports)), card(t('等待中', 'What waits'), pending(day.pending)))];
}

const sought = { q: '', state: '', device: '', cashier: '', day: '' };
async function payments({ auto }) {
  const day = await get('/v1/day', auto);
  if (!sought.day) sought.day = day.business_date;
  const query = (cursor) => {
    const q = new URLSearchParams({ limit: '50' });
    for (const [key, value] of Object.entries(sought)) if (value && value !== 'all') q.set(key, key === 'q' ? amountOr(value) : value);
    if (cursor) q.set('cursor', cursor);
    return `/v1/payments?${q}`;
  };
  const heads = [[t('交易', 'payment'), 'mono'], [t('时间', 'time'), ''], [t('类型', 'kind'), ''], [t('方式', 'method'), 'wide'], [t('终端', 'device'), 'wide'], [t('收银员', 'cashier'), 'wide'], [t('卡', 'card'), 'mono wide'], [t('状态', 'state'), ''], [t('金额', 'amount'), 'n']];
  const body = h('tbody', null); const more = h('div', { class: 'row' });
  const fill = (page) => {
    body.append(...page.items.map((p) => cells(heads, [link(p.id), time(p.made_at), [word('kind', p.kind), p.voided_by ? h('small', { class: 'dim' }, ` ${t('已撤销', 'voided')}`) : '', p.refunded ? h('small', { class: 'dim' }, ` ${t('已退', 'refunded')} ${money(p.refunded)}`) : ''], word('method', p.method), p.device, p.cashier, p.masked_pan || '', state(p.state), money(p.amount)], { class: 'go', onclick: () => { location.hash = `#/payment/${p.id}`; } })));
    more.replaceChildren(...(page.next_cursor ? [h('button', { onclick: (e) => act(e.target, async () => fill(await get(query(page.next_cursor)))) }, t('更多', 'More'))] : []));
    if (!body.children.length) more.replaceChildren(none(t('没有找到', 'Nothing found')));
  };
  fill(await get(query(), auto));
  const select = (key, label, options) => field(label, { options, value: sought[key], onchange: (e) => { sought[key] = e.target.value; show(); } }, 'select');
  const q = field(t('查找：交易号、请求号、卡号后四位、金额…', 'Find: id, request, last four, amount …'), { type: 'search', name: 'q', value: sought.q, 'data-keep': '1' });
  return [h('h1', null, t('交易', 'Payments')),
    h('form', { class: 'card', role: 'search', onsubmit: (e) => { e.preventDefault(); sought.q = q.input.value.trim(); q.input.blur(); show(); } }, h('div', { class: 'row' }, q.label,
      field(t('营业日', 'Day'), { type: 'date', value: sought.day === 'all' ? '' : sought.day, 'data-keep': '1', onchange: (e) => { sought.day = e.target.value || 'all'; show(); } }).label,
      select('state', t('状态', 'State'), [['', t('全部', 'all')], ...codes('state').map((c) => [c, word('state', c)])]).label,
      select('device', t('终端', 'Device'), [['', t('全部', 'all')], ...day.by_device.map((g) => [g.id, g.id])]).label,
      select('cashier', t('收银员', 'Cashier'), [['', t('全部', 'all')], ...day.by_cashier.map((g) => [g.id, name(g)])]).label, h('button', { class: 'main' }, t('查找', 'Find')))),
    h('div', { class: 'card' }, h('div', { class: 'scroll' }, h('table', null, h('thead', null, h('tr', null, heads.map(([n, k]) => h('th', { class: k, scope: 'col' }, n)))), body)), more)];
}
const amountOr = (text) => (/^\d+\.\d+$/.test(text) && minor(text) !== null ? String(minor(text)) : text);

const shown = (key, value) => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') {
    const [[kind, inner]] = Object.entries(value).slice(0, 1);
    return kind ? `${word('subject', kind)}${typeof inner === 'string' ? ` ${inner}` : ''}` : null;
  }
  if (key === 'amount') return money(value);
  if (key === 'kind') return word('kind', value);
  if (key === 'method') return word('method', value);
  if (key === 'how') return word('how', value);
  if (key === 'stan' || key === 'batch') return String(value).padStart(6, '0');
  return word('result', value);
};
function facts(object) {
  const list = h('dl');
  for (const [key, value] of Object.entries(object || {})) {
    const inner = key === 'answer' && value ? Object.entries(value) : [[key, value]];
    for (const [k, v] of inner) { const text = Array.isArray(v) ? null : shown(k, v); if (text !== null && text !== '') list.append(h('dt', null, word('fact', k)), h('dd', null, text)); }
  }
  return list;
}
async function payment({ rest, auto }) {
  const p = await get(`/v1/payments/${encodeURIComponent(rest[0])}?story=1`, auto);
  const rows = [[t('营业日', 'business day'), p.business_date], [t('终端', 'device'), p.device], [t('收银员', 'cashier'), p.cashier], [t('请求号', 'request'), p.request_id], [t('卡号', 'card'), p.masked_pan], [t('批次 / 流水号', 'batch / STAN'), p.batch ? `${p.batch} / ${p.stan || ''}` : null], [t('检索参考号', 'RRN'), p.rrn], [t('授权码', 'approval code'), p.approval_code], [t('应答码', 'response code'), p.response_code], [t('原交易', 'original'), typeof p.original === 'string' ? link(p.original) : p.original ? JSON.stringify(p.original) : null], [t('被撤销于', 'voided by'), p.voided_by ? link(p.voided_by) : null], [t('已退', 'refunded'), p.refunded ? money(p.refunded) : null], [t('冲正', 'reversal'), p.reversal]].filter(([, v]) => v);
  return [h('p', null, h('a', { href: '#/payments' }, t('← 交易', '← Payments'))),
    h('h1', null, `${p.id} `, state(p.state)),
    h('div', { class: 'grid' }, h('section', { class: 'card' }, h('p', { class: 'sum' }, `${word('kind', p.kind)} · ${word('method', p.method)} · ${money(p.amount)} ${p.currency}`), h('p', null, both(p.message_i18n)), h('dl', { class: 'facts' }, rows.map(([k, v]) => [h('dt', null, k), h('dd', null, v)])),
      h('div', { class: 'row' }, h('button', { onclick: (e) => act(e.target, async () => { await post('/v1/print', { what: 'receipt', payment: p.id }); say(t('已送打印', 'sent to the printer')); }) }, t('重打小票', 'Print the receipt again')))),
    h('section', { class: 'card' }, h('h2', null, t('经过', 'Its story')), h('ol', { class: 'story' }, p.story.map((line) => { const [[kind, inner]] = typeof line.event === 'string' ? [[line.event, {}]] : Object.entries(line.event); return h('li', null, h('b', null, word('event', kind)), ' ', h('small', { class: 'dim' }, `#${line.seq} · ${time(line.at)}`), facts(inner)); }))))];
}

function formula(d) {
  const parts = [t('备用金', 'float'), money(d.float), '+', t('现金消费', 'cash sales'), money(d.sales), '−', t('现金退货', 'cash refunds'), money(d.refunds), '+', t('存入', 'in'), money(d.paid_in), '−', t('取出', 'out'), money(d.paid_out), '=', t('应有', 'expected'), money(d.expected)];
  const over = d.difference === null || d.difference === undefined ? null : h('div', null, `${t('实点', 'counted')} ${money(d.counted)} − ${t('应有', 'expected')} ${money(d.expected)} = `, tag(`${d.difference < 0 ? t('短款', 'short') : d.difference > 0 ? t('长款', 'over') : t('相符', 'exact')} ${money(d.difference)}`, d.difference === 0 ? 'good' : 'bad'));
  return h('div', { class: 'formula' }, h('small', null, parts.join(' ')), over);
}
async function shifts({ auto }) {
  const [day, status] = await Promise.all([get('/v1/day', auto), get('/healthz', auto)]);
  const names = new Map(day.by_cashier.map((g) => [g.id, name(g)]));
  const list = day.shifts.length ? h('ul', { class: 'list', id: 'shift-list' }, day.shifts.map((s) => h('li', null, h('div', { class: 'what' }, h('b', null, names.get(s.cashier) || s.cashier), ` · ${t('班次', 'shift')} ${s.shift} `, tag(s.closed ? t('已交班', 'closed') : t('当班', 'open'), s.closed ? '' : 'good'),
    s.drawers.map((d) => h('div', null, `${t('钱箱', 'drawer')} ${d.device} · `, s.closed ? formula(d) : d.counted === null ? t('未盘点', 'not counted') : t('已盘点', 'counted')))),
  s.closed ? h('button', { onclick: (e) => act(e.target, async () => { await post('/v1/print', { what: 'shift_slip', shift: s.shift }); say(t('已送打印', 'sent to the printer')); }) }, t('打印', 'Print')) : h('button', { 'data-close': s.cashier, onclick: (e) => act(e.target, async () => { const done = await post('/v1/shifts/close', { cashier: s.cashier }); const d = done.shift && done.shift.drawers[0]; await show(); say(d ? `${t('已交班', 'closed')}：${d.difference < 0 ? t('短款', 'short') : d.difference > 0 ? t('长款', 'over') : t('相符', 'exact')} ${money(d.difference || 0)}` : t('已交班', 'closed')); }) }, t('交班', 'Close the shift'))))) : none(t('今天还没有班次', 'No shift today'));
  const devices = status.terminals.map((x) => [x.terminal, x.terminal]);
  const held = day.shifts.filter((s) => !s.closed).flatMap((s) => s.drawers.map((d) => [`${s.cashier}\n${d.device}`, `${names.get(s.cashier) || s.cashier} · ${d.device}`]));
  return [h('h1', null, t('班次与钱箱', 'Shifts and drawers')), card(t('今日班次', 'Shifts of the day'), list),
    h('div', { class: 'grid' }, counting(held), opening(devices), moving(held))];
}
function counting(held) {
  const which = field(t('钱箱', 'Drawer'), { options: held, name: 'drawer' }, 'select');
  const notes = me.who.currency === 'CNY' ? [10000, 5000, 2000, 1000, 500, 100, 50, 10] : [];
  const inputs = notes.map((value) => [value, h('input', { type: 'number', min: '0', max: '99999', step: '1', inputmode: 'numeric', 'aria-label': t(`${money(value)} 张数`, `how many of ${money(value)}`), 'data-note': String(value) })]);
  const other = field(notes.length ? t('其他金额', 'Other') : t('金额', 'Amount'), { inputmode: 'decimal', name: 'other' });
  const sum = h('output', { class: 'sum', id: 'counted' }, money(0));
  const total = () => { let all = 0; for (const [value, input] of inputs) { const n = Number(input.value || 0); if (!Number.isInteger(n) || n < 0) return null; all += value * n; } const rest = other.input.value.trim() === '' ? 0 : minor(other.input.value); return rest === null ? null : all + rest; };
  const form = h('form', { class: 'stack', id: 'count-form', oninput: () => { const n = total(); sum.textContent = n === null ? '?' : money(n); }, onsubmit: (event) => {
    event.preventDefault();
    act(event.submitter, async () => { const n = total(); if (n === null) throw new Error(t('请检查数量', 'Check the numbers')); const [cashier, device] = which.input.value.split('\n'); await post('/v1/shifts/count', { cashier, device, counted: n }); form.reset(); sum.textContent = money(0); await show(); say(t(`已登记盘点 ${money(n)}`, `counted ${money(n)}`)); });
  } }, which.label, notes.length ? h('div', { class: 'notes' }, inputs.map(([value, input]) => h('label', null, h('span', null, money(value).replace(/\.00$/, '')), '×', input))) : null, other.label, h('div', null, t('合计 ', 'Total '), sum), h('button', { class: 'main', disabled: !held.length }, t('登记盘点', 'Enter the count')));
  return card(t('盲点：不显示应有金额', 'Blind count: what is expected is not shown'), held.length ? form : none(t('没有打开的钱箱', 'No drawer is open')));
}
function opening(devices) {
  const cashier = field(t('收银员工号', 'Cashier'), { required: true, name: 'cashier' }); const device = field(t('终端', 'Device'), { options: devices }, 'select'); const float = field(t('备用金', 'Float'), { inputmode: 'decimal', placeholder: '0.00' });
  return card(t('开班', 'Open a shift'), h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); act(event.submitter, async () => { const n = float.input.value ? minor(float.input.value) : 0; if (n === null) throw new Error(t('金额有误', 'The amount is wrong')); await post('/v1/shifts/open', { cashier: cashier.input.value.trim(), device: device.input.value, float: n }); event.target.reset(); await show(); say(t('已开班', 'the shift is open')); }); } }, cashier.label, device.label, float.label, h('button', null, t('开班', 'Open'))));
}
function moving(held) {
  const which = field(t('钱箱', 'Drawer'), { options: held }, 'select'); const way = field(t('方向', 'Which way'), { options: [['pay-in', t('存入', 'pay in')], ['pay-out', t('取出', 'pay out')], ['hand-over', t('交接给…', 'hand over to …')]] }, 'select');
  const amount = field(t('金额（交接：实点金额）', 'Amount (hand-over: as counted)'), { inputmode: 'decimal', required: true }); const reason = field(t('原因（交接：接收人工号）', 'Reason (hand-over: who takes it)'), { required: true, maxlength: '200' });
  return card(t('存入、取出、交接', 'Pay in, pay out, hand over'), held.length ? h('form', { class: 'stack', onsubmit: (event) => { event.preventDefault(); act(event.submitter, async () => { const n = minor(amount.input.value); if (n === null) throw new Error(t('金额有误', 'The amount is wrong')); const [cashier, device] = which.input.value.split('\n'); await post(`/v1/shifts/${way.input.value}`, way.input.value === 'hand-over' ? { to: reason.input.value.trim(), device, counted: n } : { cashier, device, amount: n, reason: reason.input.value }); event.target.reset(); await show(); say(t('已登记', 'entered')); }); } }, which.label, way.label, amount.label, reason.label, h('button', null, t('登记', 'Enter'))) : none(t('没有打开的钱箱', 'No drawer is open')));
}

async function close({ auto }) {
  const [day, status] = await Promise.all([get('/v1/day', auto), get('/healthz', auto)]);
  const openShifts = day.shifts.filter((s) => !s.closed);
  const down = status.terminals.filter((x) => x.line !== 'up'); const unwell = status.ports.filter((p) => p.attention || (p.state !== 'open'));
  const check = (ok, mood, text, more) => h('li', null, h('span', { class: ok ? 'mark' : `mark ${mood}`, 'aria-hidden': 'true' }, ok ? '✓' : '!'), h('div', { class: 'what' }, text, more && !ok ? h('div', null, h('small', null, more)) : null));
  const unknown = day.pending.filter((p) => p.state === 'unknown' || p.state === 'sent');
  const items = [
    check(day.cross_foot, 'bad', day.cross_foot ? t('各表相等，一分不差', 'All tables are equal') : t('各表不平，不能日结', 'The tables are not equal: the day cannot be closed')),
    check(!openShifts.length, 'warn', openShifts.length ? t(`${openShifts.length} 个班次未交：${openShifts.map((s) => s.cashier).join('、')}`, `${openShifts.length} shifts are open: ${openShifts.map((s) => s.cashier).join(', ')}`) : t('所有班次已交', 'All shifts are closed'), t('可以日结：钱箱转入次日，标为未盘。 ', 'The day can be closed: their drawers are carried, not counted.')),
    check(!unknown.length, 'warn', unknown.length ? t(`${unknown.length} 笔待定`, `${unknown.length} payments are unknown`) : t('没有待定交易', 'No payment is unknown'), t('可以日结：结果出来后记入次日凭单。', 'The day can be closed: late answers become vouchers of the next day.')),
    check(!status.waiting.count, 'warn', status.waiting.count ? t(`离线待送 ${status.waiting.count} 笔 ${money(status.waiting.amount)}`, `${status.waiting.count} stored payments wait, ${money(status.waiting.amount)}`) : t('没有离线待送', 'Nothing waits offline'), t('可以日结：线路恢复后先补送再结算。', 'The day can be closed: they are forwarded before the settlement.')),
    check(!down.length, 'warn', down.length ? t(`线路断开：${down.map((x) => x.terminal).join('、')}`, `Line down: ${down.map((x) => x.terminal).join(', ')}`) : t('线路正常', 'All lines are up'), t('可以日结：线路恢复后自动结算。', 'The day can be closed: it settles when the line is back.')),
    check(!unwell.length, 'warn', unwell.length ? t(`打印机或读卡设备：${unwell.map((p) => p.id).join('、')}`, `Printers or readers: ${unwell.map((p) => p.id).join(', ')}`) : t('打印机正常', 'Printers are well'), t('日结单稍后可重打。', 'The report can be printed again later.')),
    check(!day.exceptions.length, 'warn', day.exceptions.length ? t(`${day.exceptions.length} 项异常未处理`, `${day.exceptions.length} exceptions are open`) : t('没有异常', 'No exceptions'), t('异常转入次日。', 'They stay open.'))];
  const button = h('button', { class: 'main', id: 'close-day', disabled: !day.cross_foot || me.who.role !== 'manager', onclick: (e) => act(e.target, async () => {
    const by = await approval(t(`日结 ${day.business_date}`, `Close ${day.business_date}`), t(`净额 ${money(day.net)}。日结后不可更改。`, `Net ${money(day.net)}. A closed day never changes.`));
    if (!by) return;
    const done = await post('/v1/day/close', { approval: by, wait: 0 });
    say(t(`已日结：Z${done.z_number}`, `closed: Z${done.z_number}`));
    location.hash = `#/day/${done.z_number}`;
  }) }, t(`日结 ${day.business_date}`, `Close ${day.business_date}`));
  return [h('h1', null, t('日结', 'Close the day'), ' ', h('small', { class: 'dim' }, `${day.business_date} · Z${day.z_number} · ${money(day.net)} ${day.currency}`)),
    card(t('日结前检查', 'Before the close'), h('ul', { class: 'list', id: 'checks' }, items)),
    h('div', { class: 'row' }, button, h('a', { class: 'button', href: '#/day/open' }, t('查看班中报表 (X)', 'Look at the X report')), h('button', { onclick: (e) => act(e.target, async () => { await post('/v1/print', { what: 'x_report' }); say(t('已送打印', 'sent to the printer')); }) }, t('打印 X', 'Print X')))];
}

async function days({ auto }) {
  const heads = [['Z', 'mono'], [t('营业日', 'day'), ''], [t('状态', 'state'), ''], [t('消费', 'sale'), 'n wide'], [t('退货', 'refund'), 'n wide'], [t('撤销', 'void'), 'n wide'], [t('净额', 'net'), 'n'], [t('批次', 'batches'), 'n wide']];
  const body = h('tbody', null); const more = h('div', { class: 'row' });
  const fill = (page) => {
    body.append(...page.items.map((d) => { const name = d.state === 'open' ? 'open' : d.z_number; return cells(heads, [h('a', { href: `#/day/${name}` }, `Z${d.z_number}`), d.business_date, tag(word('rung', d.state), ['balanced', 'ended'].includes(d.state) ? 'good' : ['unbalanced', 'error', 'unconfirmed'].includes(d.state) ? 'bad' : 'warn'), money(d.totals.sale.amount), money(d.totals.refund.amount), money(d.totals.void.amount), money(d.net), `${d.batches_ended}/${d.batches}`], { class: 'go', onclick: () => { location.hash = `#/day/${name}`; } }); }));
    more.replaceChildren(...(page.next_cursor ? [h('button', { onclick: (e) => act(e.target, async () => fill(await get(`/v1/days?limit=31&cursor=${page.next_cursor}`))) }, t('更早', 'Earlier'))] : []));
  };
  fill(await get('/v1/days?limit=31', auto));
  return [h('h1', null, t('营业日档案', 'Days')), h('div', { class: 'card' }, h('div', { class: 'scroll' }, h('table', { id: 'days' }, h('thead', null, h('tr', null, heads.map(([n, k]) => h('th', { class: k, scope: 'col' }, n)))), body)), more)];
}
async function day({ rest, auto }) {
  const name = /^[0-9]+$|^open$/.test(rest[0]) ? rest[0] : 'open';
  const d = await get(`/v1/reports/${name}`, auto);
  const path = (format) => `/v1/reports/${name}?format=${format}&lang=${lang}`;
  const heads = [[t('终端', 'terminal'), ''], [t('批次', 'batch'), 'mono'], [t('结果', 'result'), ''], [t('进度', 'rung'), ''], [t('借记', 'debit'), 'n'], [t('贷记', 'credit'), 'n']];
  const rows = d.settlement.map((s) => cells(heads, [s.terminal, s.batch, tag(word('rung', s.result), s.result === 'balanced' ? 'good' : s.result === 'pending' ? 'warn' : 'bad'), word('rung', s.rung), money(s.debit.amount), money(s.credit.amount)]));
  const download = (format, text) => h('a', { class: 'button', href: path(format), download: `${d.business_date}-Z${d.z_number}.${format === 'text' ? 'txt' : format}` }, text);
  return [h('p', null, h('a', { href: '#/days' }, t('← 档案', '← Days'))), h('h1', null, `${d.state === 'open' ? 'X' : `Z${d.z_number}`} · ${d.business_date} `, tag(word('rung', d.state), d.state === 'balanced' || d.state === 'ended' ? 'good' : 'warn')),
    h('div', { class: 'row card' }, download('pdf', 'PDF'), download('csv', 'CSV'), download('json', 'JSON'), download('text', t('文本', 'Text')), download('png', 'PNG'),
      h('button', { class: 'main', id: 'reprint', onclick: (e) => act(e.target, async () => { await post('/v1/print', d.state === 'open' ? { what: 'x_report' } : { what: 'day_report', date: d.business_date }); say(t('已送打印', 'sent to the printer')); }) }, d.state === 'open' ? t('打印 X', 'Print X') : t('重打日结单', 'Print again'))),
    h('div', { class: 'grid' }, card(t('结算', 'Settlement'), h('p', { class: 'sum' }, `${t('净额', 'Net')} ${money(d.net)} ${d.currency}`), d.settlement.length ? table(heads, rows) : none(t('没有批次', 'No batches')), d.check_code ? h('p', { class: 'dim' }, `${t('校验码', 'check code')} ${d.check_code}`) : null, h('h2', null, t('待处理', 'What waits')), pending(d.pending)),
      h('section', { class: 'card', 'aria-label': t('报表', 'Report') }, h('img', { class: 'paper', id: 'paper', src: path('png'), alt: t('打印出的日结单', 'the report as printed') })))];
}

async function exceptions({ auto }) {
  const list = (await get('/v1/exceptions', auto)).items;
  const one = (x) => {
    const batch = x.kind === 'batch_disagrees';
    const how = field(t('怎样处理', 'How'), { options: codes('how').map((c) => [c, word('how', c)]), name: 'how' }, 'select');
    const note = field(batch ? t('收单方当前批次号（技术员）', 'The batch at the acquirer (technician)') : t('说明', 'In your words'), { required: true, maxlength: '200', name: 'note' }, 'input');
    return h('section', { class: 'card', 'aria-label': `${t('异常', 'Exception')} ${x.id}`, 'data-exception': String(x.id) }, h('h2', null, `${x.id} · ${word('exception', x.kind)}`), h('p', null, both(x.message)), h('p', { class: 'dim' }, x.opened, x.terminal ? ` · ${x.terminal}` : '', x.payment ? [' · ', link(x.payment)] : ''),
      h('form', { class: 'row', onsubmit: (event) => { event.preventDefault(); act(event.submitter, async () => { const by = await approval(`${t('处理异常', 'Resolve exception')} ${x.id}`, batch ? null : `${word('how', how.input.value)}：${note.input.value}`); if (!by) return; await ask('POST', `/v1/exceptions/${x.id}/resolve`, { by: by.manager, pin: by.pin, ...(batch ? { batch: Number(note.input.value) } : { how: how.input.value, note: note.input.value }) }); await count(); await show(); say(t('已处理', 'resolved')); }); } }, batch ? null : how.label, note.label, h('button', { class: 'main' }, t('处理', 'Resolve'))));
  };
  return [h('h1', null, t('异常', 'Exceptions')), ...(list.length ? list.map(one) : [h('p', { class: 'card' }, t('没有需要处理的异常。', 'Nothing needs a decision.'))])];
}

export const pages = { today, payments, payment, shifts, close, days, day, exceptions };
