// Money on the page: whole minor units, BigInt wherever something is added up, never a fraction. `io/http/console/tests.rs` keeps it so.
let digits = 2;
/** The currency's digits after the point, as the daemon says. */
export function precision(exponent) { digits = exponent; }

/** An amount as the API gives it, as a BigInt. What is no whole number is a mistake, and loud. */
export function big(amount) {
  if (typeof amount === 'bigint') return amount;
  if (!Number.isSafeInteger(amount)) throw new RangeError(`${amount} is not an amount in minor units`);
  return BigInt(amount);
}
export const sum = (amounts) => amounts.reduce((all, amount) => all + big(amount), 0n);

/** Reads an answer: whole numbers that a double cannot hold come as BigInt. */
export const parse = (text) => JSON.parse(text, (_, value, context) => (typeof value === 'number' && !Number.isSafeInteger(value) && context && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value));
/** Writes a request: a BigInt as the digits that it is. */
export function write(value) {
  return JSON.stringify(value, (_, v) => {
    if (typeof v !== 'bigint') return v;
    if (v > BigInt(Number.MAX_SAFE_INTEGER) || v < -BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${v} is too large`);
    return Number(v);
  });
}

/** `1,234.50`; a real minus sign, thin enough for columns. */
export function money(amount) {
  const minor = big(amount);
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ',');
  return (minor < 0n ? '−' : '') + whole + (digits ? `.${text.slice(-digits)}` : '');
}
/** The same without a fraction that is nothing: for the chart's axis and banknotes. */
export const short = (amount) => money(amount).replace(/\.0+$/, '');

/** What somebody typed, in minor units; null where it is no amount. */
export function minor(text) {
  const match = /^(\d{1,10})(?:[.．。](\d*))?$/.exec(String(text).trim().replace(/[,，]/g, ''));
  const rest = match ? match[2] || '' : '';
  return match && rest.length <= digits ? BigInt(match[1] + rest.padEnd(digits, '0')) : null;
}
/** How many of a note somebody typed; null where it is no count. */
export const pieces = (text) => (/^\d{0,5}$/.test(String(text).trim()) ? BigInt(String(text).trim() || '0') : null);
/** A part of a whole in hundredths, 0 to 100, for the width of a bar. */
export function share(part, whole) {
  const [a, b] = [big(part), big(whole)];
  if (b <= 0n || a <= 0n) return 0;
  return a >= b ? 100 : Number((a * 100n) / b);
}
