// Cases: where a statement and the journal differ. Who has more, what to do, who works on it, and how it ends; every step by a named person.
import { html, useState } from '../vendor/preact.js';
import { both, t, word } from '../words.js';
import { ask, dayTime } from '../api.js';
import { refresh, useLive } from '../live.js';
import { money, sum } from '../money.js';
import { Card, Choice, Empty, Field, Form, PaymentLink, Phrases, Soon, Table, Tag, Title, Wrong, say } from '../parts.js';
import { Icon } from '../icons.js';
import { approved } from '../ask.js';
import { Story } from './payment.js';

const moods = { open: 'bad', in_progress: 'warn', resolved: 'good' };
const Stage = ({ of }) => html`<${Tag} mood=${moods[of]}>${word('case_state', of)}<//>`;
/** theirs − ours, and in words who has more. */
const Difference = ({ of }) => html`<span class=${of.difference < 0 ? 'bad' : ''}>${of.difference > 0 ? '+' : ''}${money(of.difference)}</span>`;

/** The two lists of what people must decide, one beside the other. */
export function Tabs({ here, exceptions, cases }) {
  const tab = (name, text, n) => html`<a href=${`#/${name}`} aria-current=${here === name ? 'page' : undefined}>${text}${n ? html`<b>${n}</b>` : null}</a>`;
  return html`<div class="tabs" role="group" aria-label=${t('page_exceptions')}>${tab('exceptions', t('page_exceptions'), exceptions)}${tab('cases', t('page_cases'), cases)}</div>`;
}
export function Cases({ query, status }) {
  const state = query.get('state') || 'unresolved';
  const [wanted, want] = useState(1);
  const path = `/v1/cases?state=${encodeURIComponent(state)}&limit=${Math.min(500, wanted * 50)}`;
  const { data: list, error } = useLive(path);
  const heads = [[t('case'), ''], [t('class'), ''], [t('state'), 'state'], [t('cashier'), 'wide'], [t('device'), 'wide'], [t('age'), 'n wide'], [t('difference'), 'n']];
  const row = (c) => ({ key: c.id, href: `#/case/${c.id}`, cells: [t('case_n', { n: c.id }), html`${word('case_class', c.class)} <small>${c.day}</small>`, html`<${Stage} of=${c.state} />`, c.cashier || '–', c.device || '–', t('n_days', { n: c.age_days }), html`<${Difference} of=${c} />`] });
  return html`<${Title} note=${list && state === 'unresolved' && list.items.length ? t('n_open', { n: list.items.length }) : ''}>${t('page_cases')}<//>
    <${Tabs} here="cases" exceptions=${status ? status.exceptions : 0} cases=${0} />
    <div class="filters few"><${Field} label=${t('state')} name="state" value=${state} options=${['unresolved', 'open', 'in_progress', 'resolved'].map((c) => [c, word('case_state', c)])} onChange=${(event) => { location.hash = `#/cases?state=${event.target.value}`; }} /></div>
    ${error ? html`<${Wrong} error=${error} />` : !list ? html`<${Soon} />` : html`<${Card}>${list.items.length ? html`<${Table} id="cases" label=${t('page_cases')} heads=${heads} rows=${list.items.map(row)} foot=${[t('total'), '', '', '', '', '', money(sum(list.items.map((c) => c.difference)))]} />` : html`<${Empty}>${t('no_cases')}<//>`}
      ${list.next_cursor && wanted < 10 ? html`<button class="button" id="more" onClick=${() => want(wanted + 1)}>${t('more')}</button>` : null}<//>`}`;
}

function Sides({ c }) {
  const side = (title, s) => html`<div><h2>${title}</h2>${s ? html`<p class="amount"><strong>${money(s.amount)}</strong></p><p class="dim">${word('kind', s.kind)} · ${word('row_state', s.state)}${s.day ? ` · ${s.day}` : ''}</p>${s.fee === null || s.fee === undefined ? null : html`<p class="dim">${t('fee')} ${money(s.fee)}</p>`}` : html`<p class="dim">${t('has_none')}</p>`}</div>`;
  return html`<div class="sides">${side(t('statement_says'), c.theirs)}${side(t('journal_says'), c.ours)}<div><h2>${t('difference')}</h2><p class="amount"><strong><${Difference} of=${c} /></strong></p><p class="dim">${word('direction', c.direction)}</p></div></div>`;
}
function Resolve({ c }) {
  const [how, turn] = useState(c.ways[0]);
  const [reason, write] = useState('');
  const work = async ({ reference, consent, refund, cashier, device }) => {
    const body = { how, reason };
    for (const [key, value] of Object.entries({ reference, consent, refund, cashier, device })) if (value && value.trim()) body[key] = value.trim();
    const post = (by) => ask('POST', `/v1/cases/${c.id}/resolve`, { ...body, ...by });
    let second = null;
    const done = await approved({ title: t('resolve_case_n', { n: c.id }), text: `${word('case_how', how)} · ${reason}`, work: async ({ manager, pin }) => {
      try { return await post({ by: manager, pin }); } catch (error) {
        if (error.code !== 'second_person') throw error;
        second = { first: { by: manager, pin }, why: error.message };
        return null;
      }
    } });
    if (second) await approved({ title: t('second_person'), who: t('decider_id'), other: true, text: second.why, work: (approval) => post({ ...second.first, approval }) });
    else if (!done) return;
    await refresh();
    say(t('resolved'));
  };
  const named = c.attributed === 'payment';
  return html`<${Form} work=${work} id="resolve-case"><${Choice} label=${t('what_is_done')} name="how" value=${how} onPick=${turn} options=${c.ways.map((w) => [w, word('case_how', w), word('case_how_means', w)])} />
    ${how === 'make_up' ? html`<${Field} key="reference" label=${t('their_reference')} name="reference" required maxlength="64" />` : null}
    ${how === 'recovery' ? html`<${Field} key="consent" label=${t('who_consents')} name="consent" required maxlength="200" />` : null}
    ${how === 'refund' ? html`<${Field} key="refund" label=${t('refund_number')} name="refund" required pattern="P[0-9]{8,19}" placeholder="P00000042" />` : null}
    ${named ? null : html`<div class="two"><${Field} label=${t('cashier_answers')} name="cashier" maxlength="16" defaultValue=${c.cashier || ''} /><${Field} label=${t('device')} name="device" maxlength="16" defaultValue=${c.device || ''} /></div>`}
    <${Field} label=${t('why')} name="reason" required maxlength="160" value=${reason} onInput=${(event) => write(event.target.value)} /><${Phrases} of=${['phrase_statement_seen', 'phrase_called', 'phrase_customer']} onPick=${write} />
    <div class="actions"><button class="button main" data-resolve>${t('resolve')}</button></div><//>`;
}
function Handle({ c }) {
  const act = (what, title) => async ({ note }, form) => {
    const body = what === 'reopen' ? { reason: note } : { note };
    const done = await approved({ title, who: t('decider_id'), text: note, work: ({ manager, pin }) => ask('POST', `/v1/cases/${c.id}/${what}`, { by: manager, pin, ...body }) });
    if (!done) return;
    form.reset();
    await refresh();
    say(t('entered'));
  };
  const [what, title] = c.state === 'resolved' ? ['reopen', t('reopen')] : c.state === 'open' ? ['take', t('take')] : ['note', t('add_note')];
  return html`<${Form} work=${act(what, title)} id=${`${what}-case`}><${Field} label=${what === 'reopen' ? t('why') : t('note')} name="note" required maxlength="160" /><div class="actions"><button class="button">${title}</button></div><//>`;
}
export function Case({ rest }) {
  const { data: c, error } = useLive(`/v1/cases/${encodeURIComponent(rest[0] || '')}`);
  const back = html`<a class="back" href="#/cases"><${Icon} of="back" size="18" />${t('page_cases')}</a>`;
  if (error) return html`${back}<${Title}>${t('case_n', { n: rest[0] })}<//><${Wrong} error=${error} />`;
  if (!c) return html`${back}<${Soon} />`;
  const facts = [['payment', c.payment ? html`<${PaymentLink} id=${c.payment} />` : null], ['cashier', c.cashier], ['device', c.device], ['attributed', c.attributed === 'payment' ? null : word('attributed', c.attributed)], ['shift', c.shift], ['method', word('method', c.method)], ['terminal', c.terminal], ['batch', c.batch], ['stan', c.stan], ['rrn', c.rrn], ['request', c.order], ['statement', c.statement === null ? null : t('statement_line', { n: c.statement, line: c.line ?? '–' })], ['day', c.day], ['by', c.taken_by]].filter(([, v]) => v !== null && v !== undefined && v !== '');
  return html`${back}<${Title} note=${`${c.opened} · ${t('n_days', { n: c.age_days })}`}>${t('case_n', { n: c.id })} · ${word('case_class', c.class)} <${Stage} of=${c.state} /><//>
    <${Card}><${Sides} c=${c} /><p class="lead">${both(c.action)}</p>${c.agreed ? html`<p class="notice warn"><${Icon} of="check" /><span>${t('agreed', { n: c.agreed })}</span></p>` : null}<//>
    <div class="halves"><div>
      ${c.end ? html`<${Card} title=${t('its_end')}><p class="lead">${word('case_how', c.end.how)} · ${c.end.reason}</p><dl class="facts"><div><dt>${word('fact', 'by')}</dt><dd>${c.end.by}${c.end.second ? `, ${c.end.second}` : ''}</dd></div>${c.end.voucher === null || c.end.voucher === undefined ? null : html`<div><dt>${t('vouchers')}</dt><dd>${money(c.end.voucher)} · ${c.end.business_date}</dd></div>`}${c.end.refund ? html`<div><dt>${t('refund')}</dt><dd><${PaymentLink} id=${c.end.refund} /></dd></div>` : null}</dl><//>` : html`<${Card} title=${t('resolve')}><${Resolve} key=${c.ways.join()} c=${c} /><//>`}
      <${Card} title=${c.state === 'resolved' ? t('reopen') : c.state === 'open' ? t('take') : t('add_note')}><${Handle} key=${c.state} c=${c} /><//></div>
      <div><${Card} title=${t('its_facts')}><dl class="facts big">${facts.map(([key, value]) => html`<div key=${key}><dt>${word('fact', key)}</dt><dd>${value}</dd></div>`)}</dl><//>
      <${Card} title=${t('trail')}>${c.trail.length ? html`<ol class="story">${c.trail.map((x) => html`<li key=${x.seq}><p class="what"><b>${word('case_trace', x.what)}</b> <span>${x.by || (x.statement ? t('statement_n', { n: x.statement }) : '')}</span></p><p class="when">${dayTime(x.at)} · ${t('row_n', { n: x.seq })}</p>${x.note ? html`<p>${x.note}</p>` : null}</li>`)}</ol>` : html`<${Empty} icon="clock">${t('nothing_yet')}<//>`}<//></div></div>
    ${c.story.length ? html`<${Card} title=${t('story')}><${Story} of=${c.story} /><//>` : null}`;
}
