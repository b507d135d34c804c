// What is shown, in Chinese and English. The words stand in words.json; `io/http/console/tests.rs` proves that every word that a page uses and every code
// that the daemon sends is there in both. The daemon's own sentences come in both languages.
import lists from '/console/words.json';

let at = 0;
export const lang = () => (at === 0 ? 'zh' : 'en');
export function speak(language) {
  at = language === 'en' ? 1 : 0;
  document.documentElement.lang = at === 0 ? 'zh-CN' : 'en';
}
const fill = (text, values) => (values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name])) : text);
/** The page's own words. */
export const t = (key, values) => (lists.ui[key] ? fill(lists.ui[key][at], values) : key);
/** The word for a code; a code that nobody knows stands for itself. */
export function word(list, code) {
  const pair = lists[list] && lists[list][code];
  return pair ? pair[at] : String(code);
}
export const knows = (list, code) => Boolean(lists[list] && lists[list][code]);
export const codes = (list) => Object.keys(lists[list]);
/** A sentence of the daemon's. */
export const both = (sentence) => (sentence ? sentence[lang()] : '');
export const together = (list) => list.join(at === 0 ? '、' : ', ');
