// What the machine must not decide alone: each with what happened, what may be done, and what that means.
import { html, useState } from '../vendor/preact.js';
import { both, codes, t, word } from '../words.js';
import { ask } from '../api.js';
import { refresh, useLive } from '../live.js';
import { Card, Choice, Empty, Field, Form, PaymentLink, Phrases, Soon, Tag, Title, Wrong, say } from '../parts.js';
import { approved } from '../ask.js';
import { Tabs } from './cases.js';

/** What makes sense for which, the usual first. The daemon has the last word. */
const ways = {
  reversal_failed: ['confirmed_declined', 'confirmed_approved', 'retry', 'noted'],
  unknown_payment: ['confirmed_approved', 'confirmed_declined', 'written_off', 'noted'],
  offline_rejected: ['noted', 'retry', 'written_off'],
  offline_aside: ['retry', 'confirmed_approved', 'written_off', 'noted'],
  unbalanced: ['noted', 'retry'],
  clock_disagrees: ['retry', 'noted'],
  drawer_difference: ['noted'],
  transfer_unknown: ['noted'],
};
const phrases = ['phrase_called', 'phrase_customer', 'phrase_statement', 'phrase_technician'];

function Batch({ x, done }) {
  const work = async ({ batch }) => {
    const how = await approved({ title: t('resolve_n', { n: x.id }), who: t('technician_id'), text: t('batch_is', { batch }), work: ({ manager, pin }) => ask('POST', `/v1/exceptions/${x.id}/resolve`, { by: manager, pin, batch: Number.parseInt(batch, 10) }) });
    if (how) await done();
  };
  return html`<${Form} work=${work}><${Field} label=${t('batch_there')} name="batch" inputmode="numeric" pattern="[0-9]{1,6}" required hint=${t('batch_hint')} /><div class="actions"><button class="button main" data-resolve>${t('resolve')}</button></div><//>`;
}
/** The same word means something of its own for a clock. */
const called = (x, how) => (x.kind === 'clock_disagrees' && how === 'retry' ? 'clock_right' : how);
function Decide({ x, done }) {
  const list = ways[x.kind] || codes('how');
  const [how, turn] = useState(list[0]);
  const [note, write] = useState('');
  const work = async () => {
    const made = await approved({ title: t('resolve_n', { n: x.id }), who: t('decider_id'), text: `${word('how', called(x, how))} · ${note}`, work: ({ manager, pin }) => ask('POST', `/v1/exceptions/${x.id}/resolve`, { by: manager, pin, how, note }) });
    if (made) await done();
  };
  return html`<${Form} work=${work}><${Choice} label=${t('what_is_done')} name=${`how${x.id}`} value=${how} onPick=${turn} options=${list.map((c) => [c, word('how', called(x, c)), word('how_means', called(x, c))])} />
    <${Field} label=${t('note')} name="note" required maxlength="200" value=${note} onInput=${(event) => write(event.target.value)} />
    <${Phrases} of=${phrases} onPick=${write} />
    <div class="actions"><button class="button main" data-resolve>${t('resolve')}</button></div><//>`;
}
export function Exceptions() {
  const { data: list, error } = useLive('/v1/exceptions');
  const { data: day } = useLive('/v1/day');
  if (error) return html`<${Wrong} error=${error} />`;
  if (!list) return html`<${Soon} />`;
  const done = async () => { await refresh(); say(t('resolved')); };
  return html`<${Title} note=${list.items.length ? t('n_open', { n: list.items.length }) : ''}>${t('page_exceptions')}<//>
    <${Tabs} here="exceptions" exceptions=${list.items.length} cases=${day && day.cases ? day.cases.unresolved.count : 0} />
    ${list.items.length ? list.items.map((x) => html`<${Card} key=${x.id} title=${word('exception', x.kind)} kind="exception" id=${`exception-${x.id}`} aside=${html`<span class="dim">${x.opened} · ${t('number_n', { n: x.id })}</span>`}>
      <p class="lead">${both(x.message)}</p><p class="about">${x.terminal ? html`<${Tag}>${x.terminal}<//>` : null}${x.payment ? html`<${PaymentLink} id=${x.payment} />` : null}</p>
      ${x.kind === 'batch_disagrees' ? html`<${Batch} x=${x} done=${done} />` : html`<${Decide} x=${x} done=${done} />`}<//>`) : html`<${Card}><${Empty}>${t('nothing_to_decide')}<//><//>`}`;
}
