// Line icons on a 24 grid, drawn for this page.
import { html } from './vendor/preact.js';

const paths = {
  today: 'M4 20V10M10 20V4M16 20v-7M22 20H2',
  payments: 'M3 6h18v12H3zM3 10h18M7 15h4',
  shifts: 'M3 10h18v10H3zM3 10l3-6h12l3 6M9 14h6',
  close: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z',
  days: 'M4 5h16v15H4zM4 10h16M8 3v4M16 3v4',
  exceptions: 'M12 3 2.5 20h19zM12 10v4M12 17v.5',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l5 5',
  back: 'M15 5l-7 7 7 7',
  print: 'M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z',
  down: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  check: 'M5 13l5 5L20 7',
  alert: 'M12 6v7.5M12 17.6v.4',
  clock: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 7v5l3 2',
  plug: 'M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4',
  out: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  count: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9 8l3 4 3-4M12 12v5M9 13h6M9 15.5h6',
  drawer: 'M3 8h18v11H3zM3 13h18M10 16h4',
};
/** Decoration: the words beside it say the same. */
export const Icon = ({ of, size = 22 }) => html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width=${of === 'alert' ? 2.6 : 1.8} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d=${paths[of]} /></svg>`;
