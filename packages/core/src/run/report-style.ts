/** Style sheet of `report.html`: no fonts, scripts or pictures from elsewhere; follows the reader's light or dark mode. */
export const reportStyle = `
:root { color-scheme: light dark;
  --ground: light-dark(#fbfaf8, #16171a); --card: light-dark(#fff, #1f2125); --ink: light-dark(#1d1f23, #e9e7e2);
  --soft: light-dark(#6a6d74, #9b9da3); --line: light-dark(#e6e3dd, #33363c); --accent: light-dark(#b4512a, #f0986c); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 34px; line-height: 1.15; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 14px; }
p { margin: 0 0 12px; max-width: 72ch; }
.soft, figcaption span, small { color: var(--soft); }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin-top: 24px; }
.numbers div, .chart, .talk, .scroll, details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.numbers div { padding: 12px 16px; }
.numbers b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.numbers span { color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 14px; }
.chart { margin: 0; padding: 12px 14px 6px; }
figcaption { display: flex; justify-content: space-between; font-size: 14px; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 10.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.raw { fill: none; stroke: var(--accent); opacity: 0.3; }
.mean { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.end { fill: var(--accent); }
.pictures { display: flex; flex-wrap: wrap; gap: 10px; }
img { border-radius: 8px; display: block; background: var(--line); image-rendering: auto; }
.pictures img { height: 112px; width: auto; }
.scroll { overflow-x: auto; padding: 4px 14px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: 13px; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
td img { height: 104px; width: auto; }
.talk { padding: 14px 18px; margin-bottom: 12px; }
.talk .user { color: var(--soft); margin-bottom: 6px; }
.talk .reply { font-size: 17px; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
details { padding: 10px 16px; margin-top: 10px; }
.talk details { border: 0; padding: 0; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
pre, code { font: 13px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; margin: 10px 0 4px; }
`;
