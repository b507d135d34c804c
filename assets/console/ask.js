// The one dialog: who approves, and their PIN. A named person stands behind every decision that cannot be taken back.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { t } from './words.js';
import { me } from './api.js';
import { Field, Form } from './parts.js';
import { Keypad } from './keypad.js';

let open = () => {};
/** Runs `work({manager, pin})` once somebody has approved; its refusal is shown in the dialog, for another try. Gives what it gave, or null. */
export const approved = (question) => new Promise((done) => { open({ ...question, done }); });

export function Dialog() {
  const [question, ask] = useState(null);
  const dialog = useRef(null);
  open = ask;
  useEffect(() => { if (question && !dialog.current.open) dialog.current.showModal(); }, [question]);
  if (!question) return null;
  const end = (value) => { dialog.current.close(); ask(null); question.done(value); };
  const pin = () => dialog.current.querySelector('input[name=pin]');
  const work = async ({ manager, pin: digits }, form) => {
    try { end(await question.work({ manager: manager.trim(), pin: digits })); } catch (error) { form.elements.pin.value = ''; form.elements.pin.focus(); throw error; }
  };
  return html`<dialog ref=${dialog} aria-labelledby="question" onCancel=${(event) => { event.preventDefault(); end(null); }}>
    <${Form} kind="approve" work=${work}>
      <div class="stack"><h2 id="question">${question.title}</h2>${question.text ? html`<p>${question.text}</p>` : null}
        <${Field} label=${question.who || t('manager_id')} name="manager" defaultValue=${question.other ? '' : me.who.person} required autofocus=${Boolean(question.other)} />
        <${Field} label=${t('pin')} name="pin" type="password" inputmode="numeric" pattern="[0-9]{4,12}" title=${t('pin_rule')} required autofocus />
        <div class="actions"><button class="button main" id="approve">${question.yes || t('confirm')}</button><button type="button" class="button" onClick=${() => end(null)}>${t('cancel')}</button></div></div>
      <${Keypad} field=${pin} />
    <//></dialog>`;
}
