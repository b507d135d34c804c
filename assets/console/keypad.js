// Digits for fingers: a till's screen has no keyboard. Writes into the field that was touched last; on a phone the phone's own keyboard comes instead.
import { html } from './vendor/preact.js';
import { t } from './words.js';
import { Icon } from './icons.js';

/** `field()` gives the input to write into; `extra` is one more key, such as "00" or ".". */
export function Keypad({ field, extra, onEnter }) {
  const press = (key) => (event) => {
    event.preventDefault();
    const input = field();
    if (!input) return;
    const text = input.value;
    const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    setter.call(input, key === 'less' ? text.slice(0, -1) : text + key);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    if (document.activeElement !== input) input.focus({ preventScroll: true });
  };
  // The field keeps its focus while a key is pressed.
  const hold = (event) => event.preventDefault();
  const key = (text) => html`<button type="button" tabindex="-1" onPointerDown=${hold} onClick=${press(text)}>${text}</button>`;
  return html`<div class="keypad" role="group" aria-label=${t('keypad')}>${['1', '2', '3', '4', '5', '6', '7', '8', '9'].map(key)}
    ${extra ? key(extra) : html`<span />`}${key('0')}
    <button type="button" tabindex="-1" aria-label=${t('delete_digit')} onPointerDown=${hold} onClick=${press('less')}><${Icon} of="back" /></button>
    ${onEnter ? html`<button type="button" tabindex="-1" class="enter" onPointerDown=${hold} onClick=${onEnter}>${t('next')}</button>` : null}</div>`;
}
