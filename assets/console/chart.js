// Takings by hour: uPlot draws; the same figures stand in a table for whoever cannot see it. Fractions here are pixels, never money.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { t } from './words.js';
import { big, money, short, sum } from './money.js';
import { Empty, Table } from './parts.js';

const HEIGHT = 168;
/** Hours since 1970 of `2026-11-20T14`, as if it were UTC: hours are only compared. */
const stamp = (hour) => Date.UTC(+hour.slice(0, 4), +hour.slice(5, 7) - 1, +hour.slice(8, 10), +hour.slice(11)) / 3600000;
const clock = (x) => `${String(((x % 24) + 24) % 24).padStart(2, '0')}:00`;

/** From the first hour to the last; at least nine, so that a single hour is a bar and not a wall. */
function columns(hours) {
  const first = stamp(hours[0].hour);
  const last = Math.max(stamp(hours[hours.length - 1].hour), first + 8);
  const by = new Map(hours.map((hour) => [stamp(hour.hour), hour]));
  const xs = [];
  for (let x = first; x <= last; x += 1) xs.push(x);
  return { xs, by, heights: xs.map((x) => (by.has(x) ? Number(by.get(x).sale.amount) : 0)) };
}
function options(width, { xs }, colour, onHour) {
  const axis = { stroke: colour('--soft'), font: '12px system-ui, sans-serif', ticks: { show: false } };
  return {
    width, height: HEIGHT, padding: [8, 6, 0, 0], legend: { show: false },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [xs[0] - 0.6, xs[xs.length - 1] + 0.6] }, y: { range: (u, low, high) => [0, Math.max(high, 100) * 1.08] } },
    axes: [
      { ...axis, size: 28, space: 34, grid: { show: false }, incrs: [1, 2, 3, 4, 6, 12], values: (u, all) => all.map((v) => (Number.isInteger(v) ? clock(v).slice(0, 2) : '')) },
      { ...axis, size: 66, space: 34, grid: { stroke: colour('--line'), width: 1 }, values: (u, all) => all.map((v) => (Number.isInteger(v) ? short(v) : '')) },
    ],
    series: [{}, { fill: colour('--bar'), stroke: colour('--bar'), width: 0, paths: window.uPlot.paths.bars({ size: [0.68, 44], radius: 0.12 }), points: { show: false } }],
    hooks: { setCursor: [(u) => onHour(u.cursor.idx === null || u.cursor.left < 0 ? null : xs[u.cursor.idx])] },
  };
}

export function Hours({ hours }) {
  const box = useRef(null);
  const [at, hover] = useState(null);
  const list = hours.hours;
  const shape = list.length ? columns(list) : null;
  const drawn = useRef(null);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  // Drawn once for an axis of hours; later figures move its bars only.
  const axis = shape ? `${shape.xs[0]}-${shape.xs.length}` : '';
  useEffect(() => {
    if (!shape) return undefined;
    const draw = () => {
      drawn.current?.destroy();
      const style = getComputedStyle(document.documentElement);
      drawn.current = new window.uPlot(options(Math.max(240, box.current.clientWidth), shape, (name) => style.getPropertyValue(name).trim(), hover), [shape.xs, shape.heights], box.current);
    };
    draw();
    const resize = new ResizeObserver(() => { if (box.current && drawn.current.width !== box.current.clientWidth) drawn.current.setSize({ width: Math.max(240, box.current.clientWidth), height: HEIGHT }); });
    resize.observe(box.current);
    dark.addEventListener('change', draw);
    return () => { resize.disconnect(); dark.removeEventListener('change', draw); drawn.current?.destroy(); drawn.current = null; };
  }, [axis]);
  useEffect(() => { if (shape && drawn.current) drawn.current.setData([shape.xs, shape.heights]); }, [JSON.stringify(shape && shape.heights)]);
  if (!shape) return html`<${Empty} icon="clock">${t('nothing_yet')}<//>`;
  const best = list.reduce((b, x) => (big(x.sale.amount) > big(b.sale.amount) ? x : b));
  const told = (at !== null && shape.by.get(at)) || best;
  const heads = [[t('hour'), ''], [t('count'), 'n'], [t('sale'), 'n'], [t('returned'), 'n'], [t('net'), 'n']];
  return html`<p class="caption"><b>${clock(stamp(told.hour))}</b> ${t('hour_told', { n: told.sale.count, amount: money(told.sale.amount) })}${told === best ? html` <span class="dim">${t('best_hour')}</span>` : null}</p>
    <div class="chart" ref=${box} aria-hidden="true" />
    ${hours.complete ? null : html`<p class="dim">${t('hours_cut')}</p>`}
    <details><summary>${t('as_table')}</summary><${Table} label=${t('by_hour')} heads=${heads}
      rows=${list.map((x) => ({ key: x.hour, cells: [clock(stamp(x.hour)), x.sale.count, money(x.sale.amount), money(x.returned.amount), money(x.net)] }))}
      foot=${[t('total'), list.reduce((n, x) => n + x.sale.count, 0), money(sum(list.map((x) => x.sale.amount))), money(sum(list.map((x) => x.returned.amount))), money(sum(list.map((x) => x.net)))]} /></details>`;
}
