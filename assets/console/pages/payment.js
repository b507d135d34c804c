// One payment and its whole story: every message about it, every answer in the acquirer's own words, and who decided what.
import { html } from '../vendor/preact.js';
import { both, t, word } from '../words.js';
import { dayTime, post } from '../api.js';
import { useLive } from '../live.js';
import { big, money } from '../money.js';
import { Act, Card, PaymentLink, Soon, State, Tag, Title, Wrong, say } from '../parts.js';
import { Icon } from '../icons.js';

const six = (n) => String(n).padStart(6, '0');
const lists = { kind: 'kind', method: 'method', how: 'how', entry: 'entry', class: 'class' };
const skipped = new Set(['terminal', 'payment', 'payments', 'answer', 'masked_frame', 'accepted', 'foreign', 'processing_request', 'subject']);

/** A fact's value for people; null where there is nothing to tell. */
function shown(key, value, event) {
  if (value === null || value === undefined || value === '' || value === false) return null;
  if (value === true) return t('yes');
  if (['amount', 'balance', 'settled'].includes(key)) return money(value);
  if (key === 'stan' || key === 'batch') return six(value);
  if (key === 'kind' && event === 'ExceptionOpened') return word('exception', value);
  if (lists[key]) return word(lists[key], value);
  if (['why', 'reason', 'doubt'].includes(key)) return reason(value);
  if (key === 'original') return value.Payment === undefined ? t('foreign_original', { rrn: value.Foreign.rrn, date: value.Foreign.date, amount: money(value.Foreign.amount) }) : html`<${PaymentLink} id=${value.Payment} />`;
  if (key === 'verdict') return `${t('domestic')} ${word('rung', value.domestic)} · ${t('foreign')} ${word('rung', value.foreign)}`;
  if (key === 'host_time') return String(value).replace(/(..)(..)(..)/, '$1:$2:$3');
  if (key === 'host_date' || key === 'settle_date') return String(value).replace(/(..)(..)/, '$1-$2');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
const reason = (value) => (typeof value === 'string' ? word('reason', value) : Object.entries(value).map(([k, v]) => `${word('reason', k)}${v === null || typeof v === 'object' ? '' : ` ${v}`}`).join(' '));
const pairs = (object, event) => Object.entries(object || {}).filter(([key]) => !skipped.has(key)).map(([key, value]) => [key, shown(key, value, event)]).filter(([, value]) => value !== null);
const Facts = ({ list }) => (list.length ? html`<dl class="facts">${list.map(([key, value]) => html`<div key=${key}><dt>${word('fact', key)}</dt><dd>${value}</dd></div>`)}</dl>` : null);

/** What stands beside the story already. */
const told = new Set(['request', 'kind', 'method', 'device', 'cashier', 'amount', 'masked', 'original']);
const about = (subject) => (subject ? word('subject', typeof subject === 'string' ? subject : Object.keys(subject)[0]) : '');
const moods = { approved: 'good', declined: 'bad', unknown: 'warn' };
const bad = new Set(['PaymentSetAside', 'ReversalGivenUp', 'ExceptionOpened']);
const warn = new Set(['NoAnswer', 'NotSent', 'ReversalOwed', 'Stray', 'PaymentStored', 'LateAnswer']);

function Line({ line, asked }) {
  const [event, inner] = typeof line.event === 'string' ? [line.event, {}] : Object.entries(line.event)[0];
  const answer = inner && inner.answer;
  const subject = about(inner.subject || asked.get(`${inner.terminal} ${inner.stan}`));
  const mood = answer ? moods[String(answer.class).toLowerCase()] : bad.has(event) ? 'bad' : warn.has(event) ? 'warn' : event === 'Sending' ? '' : 'good';
  return html`<li class=${mood || ''}><p class="what"><b>${word('event', event)}</b>${subject ? html` <span>${subject}</span>` : null}${answer ? html` <${Tag} mood=${mood}>${word('class', String(answer.class).toLowerCase())}<//>` : null}</p>
    ${answer && answer.code ? html`<p class="answer"><b class="mono">${answer.code}</b> ${line.means ? both(line.means) : t('undocumented')}</p>` : null}
    <p class="when">${dayTime(line.at)} · ${t('row_n', { n: line.seq })}</p>
    <${Facts} list=${[...pairs(inner, event).filter(([key]) => event !== 'PaymentMade' || !told.has(key)), ...pairs(answer, event).filter(([key]) => key !== 'class' && key !== 'code')]} />
    ${(answer && answer.masked_frame) || inner.masked_frame ? html`<details><summary>${t('frame')}</summary><code>${(answer && answer.masked_frame) || inner.masked_frame}</code></details>` : null}</li>`;
}
/** Journal rows about a payment, in their order. */
export function Story({ of: story }) {
  const asked = new Map(story.flatMap((line) => (line.event.Sending ? [[`${line.event.Sending.terminal} ${line.event.Sending.stan}`, line.event.Sending.subject]] : [])));
  return html`<ol class="story" id="story">${story.map((line) => html`<${Line} key=${line.seq} line=${line} asked=${asked} />`)}</ol>`;
}
export function Payment({ rest }) {
  const { data: p, error } = useLive(`/v1/payments/${encodeURIComponent(rest[0] || '')}?story=1`);
  const back = html`<a class="back" href="#/payments" onClick=${(event) => { if (history.length > 1) { event.preventDefault(); history.back(); } }}><${Icon} of="back" size="18" />${t('page_payments')}</a>`;
  if (error) return html`${back}<${Title}>${rest[0]}<//><${Wrong} error=${error} />`;
  if (!p) return html`${back}<${Soon} />`;
  const facts = [['day', p.business_date], ['device', p.device], ['cashier', p.cashier], ['method', word('method', p.method)], ['masked', p.masked_pan], ['batch', p.batch], ['stan', p.stan], ['rrn', p.rrn], ['approval_code', p.approval_code], ['code', p.response_code], ['request', p.request_id],
    ['original', typeof p.original === 'string' ? html`<${PaymentLink} id=${p.original} />` : p.original ? t('foreign_original', { rrn: p.original.rrn, date: p.original.date, amount: money(p.original.amount) }) : null],
    ['voided_by', p.voided_by ? html`<${PaymentLink} id=${p.voided_by} />` : null], ['completed_by', p.completed_by ? html`<${PaymentLink} id=${p.completed_by} />` : null], ['refunded', p.refunded ? money(p.refunded) : null], ['left', p.refunded && p.kind === 'sale' ? money(big(p.amount) - big(p.refunded)) : null], ['reversal', p.reversal ? word('reversal', p.reversal) : null], ['balance', p.balance === null || p.balance === undefined ? null : money(p.balance)]].filter(([, value]) => value !== null && value !== undefined && value !== '');
  const print = async () => { await post('/v1/print', { what: 'receipt', payment: p.id }); say(t('to_printer')); };
  return html`${back}<${Title} note=${dayTime(p.made_at)}><span class="mono">${p.id}</span><//>
    <div class="halves wide-right">
      <${Card} kind="one"><p class="amount"><strong>${money(p.amount)}</strong> ${p.currency} <${State} of=${p.state} /></p><p class="lead">${word('kind', p.kind)} · ${both(p.message_i18n)}</p>
        <dl class="facts big">${facts.map(([key, value]) => html`<div key=${key}><dt>${word('fact', key)}</dt><dd>${value}</dd></div>`)}</dl>
        <div class="actions"><${Act} work=${print} icon="print" id="print-receipt">${t('print_receipt')}<//></div><//>
      <${Card} title=${t('story')}><${Story} of=${p.story} /><//>
    </div>`;
}
