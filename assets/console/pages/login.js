// Who looks: a manager or technician, with their PIN.
import { html, useRef } from '../vendor/preact.js';
import { lang, t } from '../words.js';
import { choose, logIn } from '../api.js';
import { Field, Form } from '../parts.js';
import { Keypad } from '../keypad.js';

export function LogIn() {
  const page = useRef(null);
  const touched = useRef(null);
  const other = lang() === 'zh' ? 'en' : 'zh';
  const input = (name) => page.current.querySelector(`input[name=${name}]`);
  const work = async ({ person, pin }, form) => {
    try { await logIn(person.trim(), pin); } catch (error) { form.elements.pin.value = ''; form.elements.pin.focus(); throw error; }
  };
  const next = () => {
    const [person, pin] = [input('person'), input('pin')];
    if (person.value && pin.value) pin.form.requestSubmit(); else (person.value ? pin : person).focus();
  };
  return html`<main class="login" ref=${page} onFocusIn=${(event) => { if (event.target.tagName === 'INPUT') touched.current = event.target; }}>
    <div class="card"><header><h1>${t('log_in_title')}</h1><button class="quiet" id="lang" lang=${other} onClick=${() => choose(other)}>${other === 'en' ? 'English' : '中文'}</button></header>
      <div class="halves"><${Form} work=${work}>
        <${Field} label=${t('person_id')} name="person" autocomplete="username" required autofocus />
        <${Field} label=${t('pin')} name="pin" type="password" inputmode="numeric" autocomplete="current-password" required />
        <button class="button main" id="login">${t('log_in')}</button>
        <p class="dim">${t('log_in_hint')}</p>
      <//><${Keypad} field=${() => touched.current || input('person')} onEnter=${next} /></div></div></main>`;
}
