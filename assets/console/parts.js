// The parts that pages are made of. They know words and money, and ask for nothing.
import { html, useId, useLayoutEffect, useRef, useState } from './vendor/preact.js';
import { t, word } from './words.js';
import { money, share, sum } from './money.js';
import { Icon } from './icons.js';

/** A short text in another part of the page, once something was done or refused. */
let teller = () => {};
export const tellBy = (f) => { teller = f; };
export const say = (text, bad) => teller({ text, bad: Boolean(bad), at: Date.now() });

export const Title = ({ children, note }) => html`<h1 tabindex="-1">${children}${note ? html` <small>${note}</small>` : null}</h1>`;
export function Card({ title, children, id, kind, aside }) {
  const head = useId();
  return html`<section class=${`card ${kind || ''}`} id=${id} aria-labelledby=${title ? head : undefined}>
    ${title ? html`<header><h2 id=${head}>${title}</h2>${aside}</header>` : null}${children}</section>`;
}
export const Empty = ({ children, icon = 'check' }) => html`<p class="empty"><${Icon} of=${icon} />${children}</p>`;
export const Wrong = ({ error }) => html`<p class="notice bad" role="alert"><${Icon} of="alert" /><span>${error.message}</span></p>`;
/** Until the first answer is there; quiet, because on this machine it takes a blink. */
export const Soon = () => html`<div class="soon" aria-busy="true" aria-label=${t('loading')}><i /><i /><i /></div>`;

const moods = { approved: 'good', forwarded: 'good', unknown: 'warn', stored: 'warn', sent: 'warn', waiting: 'warn', rejected: 'bad', set_aside: 'bad', balanced: 'good', ended: 'good', unbalanced: 'bad', error: 'bad', unconfirmed: 'bad', pending: 'warn', cut: 'warn', asked: 'warn', up: 'good', down: 'bad', connecting: 'warn', open: 'good', lost: 'bad' };
export const Tag = ({ mood, children }) => html`<span class=${`tag ${mood || ''}`}>${children}</span>`;
export const State = ({ of, list = 'state' }) => html`<${Tag} mood=${list === 'rung' && of === 'open' ? '' : moods[of]}>${word(list, of)}<//>`;
export const Mark = ({ ok, mood }) => html`<span class=${`mark ${ok ? 'good' : mood || 'warn'}`}><${Icon} of=${ok ? 'check' : 'alert'} size="16" /><span class="unseen">${ok ? t('in_order') : t('look_here')}</span></span>`;

/** A button that asks the daemon: once at a time; a refusal is told in its own words. */
export function Act({ work, children, kind, icon, ...more }) {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try { await work(); } catch (error) { say(error.message, true); }
    setBusy(false);
  };
  return html`<button type="button" class=${`button ${kind || ''}`} aria-busy=${busy} ...${more} disabled=${busy || more.disabled} onClick=${go}>${icon ? html`<${Icon} of=${icon} size="20" />` : null}${children}</button>`;
}
/** The same for a form: `work` gets its fields. */
export function Form({ work, children, kind, ...more }) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const go = async (event) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    setBusy(true);
    setWrong('');
    try { await work(Object.fromEntries(new FormData(form)), form); } catch (error) { setWrong(error.message); }
    setBusy(false);
  };
  return html`<form class=${kind || 'stack'} ...${more} aria-busy=${busy} onSubmit=${go}>${children}${wrong ? html`<p class="notice bad" role="alert"><${Icon} of="alert" /><span>${wrong}</span></p>` : null}</form>`;
}
export function Field({ label, hint, options, kind, ...input }) {
  const id = useId();
  return html`<div class=${`field ${kind || ''}`}><label for=${id}>${label}</label>
    ${options ? html`<select id=${id} ...${input}>${options.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === input.value}>${text}</option>`)}</select>` : html`<input id=${id} autocomplete="off" aria-describedby=${hint ? `${id}h` : undefined} ...${input} />`}
    ${hint ? html`<small id=${`${id}h`}>${hint}</small>` : null}</div>`;
}
/** One of few, each with what it means: large enough for a finger. */
export function Choice({ label, name, options, value, onPick }) {
  return html`<fieldset class="choice"><legend>${label}</legend>${options.map(([code, text, more]) => html`<label key=${code} class=${value === code ? 'on' : ''}><input type="radio" name=${name} value=${code} checked=${value === code} onChange=${() => onPick(code)} /><span>${text}${more ? html`<small>${more}</small>` : null}</span></label>`)}</fieldset>`;
}

/** Sentences for people without a keyboard: a touch puts one into the field. */
export const Phrases = ({ of, onPick }) => html`<div class="phrases">${of.map((key) => html`<button key=${key} type="button" class="button small" onClick=${() => onPick(t(key))}>${t(key)}</button>`)}</div>`;

/** `heads`: [name, class]. `rows`: {key, cells, href}. On a phone `.wide` columns fold away. */
export function Table({ heads, rows, foot, label, id }) {
  // What runs out of its card can be scrolled by keyboard, too; what does not is no stop on the way.
  const box = useRef(null);
  const [over, run] = useState(false);
  useLayoutEffect(() => {
    const look = () => run(box.current.scrollWidth > box.current.clientWidth);
    const watch = new ResizeObserver(look);
    watch.observe(box.current);
    look();
    return () => watch.disconnect();
  }, [rows.length]);
  return html`<div class="scroll" ref=${box} tabindex=${over ? 0 : undefined} role=${over ? 'group' : undefined} aria-label=${over ? label : undefined}><table id=${id} aria-label=${label}>
    <thead><tr>${heads.map(([name, kind]) => html`<th scope="col" class=${kind}>${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.key} class=${row.href ? 'go' : ''}>${row.cells.map((cell, n) => html`<td class=${heads[n][1]}>${n === 0 && row.href ? html`<a href=${row.href} class="row">${cell}</a>` : cell}</td>`)}</tr>`)}</tbody>
    ${foot ? html`<tfoot><tr>${foot.map((cell, n) => html`<td class=${heads[n][1]}>${cell}</td>`)}</tr></tfoot>` : null}</table></div>`;
}
export const PaymentLink = ({ id }) => html`<a class="mono" href=${`#/payment/${id}`}>${id}</a>`;
export const person = (group) => (group.name && group.name !== group.id ? `${group.name} ${group.id}` : group.id);

/** One of the day's tables, with each line's part of the whole as a bar. */
export function Groups({ title, list, name, id, link }) {
  const all = list.length ? sum(list.map((g) => g.net)) : 0n;
  const most = list.reduce((m, g) => (BigInt(g.net) > m ? BigInt(g.net) : m), 1n);
  return html`<${Card} title=${title} id=${id} kind="groups">${list.length ? html`<table aria-label=${title}><thead><tr><th scope="col">${t('who_what')}</th><th scope="col" class="n">${t('count')}</th><th scope="col" class="n wide">${t('sale')}</th><th scope="col" class="n wide">${t('returned')}</th><th scope="col" class="n">${t('net')}</th></tr></thead>
    <tbody>${list.map((g) => html`<tr key=${g.id}><th scope="row"><span>${link ? html`<a href=${link(g)}>${name(g)}</a>` : name(g)}</span><span class="bar" aria-hidden="true"><i style=${{ width: `${share(g.net, most)}%` }} /></span></th><td class="n">${g.sale.count}</td><td class="n wide">${money(g.sale.amount)}</td><td class="n wide">${money(sum([g.refund.amount, g.void.amount]))}</td><td class="n">${money(g.net)}</td></tr>`)}</tbody>
    <tfoot><tr><th scope="row">${t('total')}</th><td class="n">${list.reduce((n, g) => n + g.sale.count, 0)}</td><td class="n wide">${money(sum(list.map((g) => g.sale.amount)))}</td><td class="n wide">${money(sum(list.flatMap((g) => [g.refund.amount, g.void.amount])))}</td><td class="n">${money(all)}</td></tr></tfoot></table>` : html`<${Empty} icon="clock">${t('nothing_yet')}<//>`}<//>`;
}
/** The line that proves the tables equal. */
export const Proof = ({ day }) => html`<p class=${`proof ${day.cross_foot ? 'good' : 'bad'}`}><${Icon} of=${day.cross_foot ? 'check' : 'alert'} size="18" /><span>${day.cross_foot ? t('foots') : t('does_not_foot')}</span></p>`;

/** float + sales − refunds + in − out = expected, and what was counted. */
export function Formula({ drawer: d }) {
  const part = (sign, label, amount, kind) => html`<div class=${kind || ''}><dt>${sign ? html`<b>${sign}</b> ` : null}${label}</dt><dd>${money(amount)}</dd></div>`;
  const counted = d.counted !== null && d.counted !== undefined;
  return html`<dl class="formula">${part('', t('float'), d.float)}${part('+', t('cash_sales'), d.sales)}${part('−', t('cash_refunds'), d.refunds)}${part('+', t('paid_in'), d.paid_in)}${part('−', t('paid_out'), d.paid_out)}${part('=', t('expected'), d.expected, 'sum')}
    ${counted ? html`${part('', t('counted'), d.counted)}<div class=${`sum ${d.difference ? 'off' : 'even'}`}><dt>${t('counted_less_expected')}</dt><dd>${over(d.difference)}</dd></div>` : null}</dl>`;
}
/** 长款 10.00 · over 10.00 */
export const over = (difference) => (difference === 0 ? t('exact') : t(difference < 0 ? 'short_by' : 'over_by', { amount: money(difference < 0 ? -difference : difference) }));
