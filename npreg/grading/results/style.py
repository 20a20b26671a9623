"""How the class report looks."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f7; color: #1c2024; }
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .6rem; }
section { background: #fff; border: 1px solid #dfe3e6; border-radius: 10px; padding: 1rem; margin: 1rem 0; }
.id { margin: 0 0 .5rem; }
code, pre { font: .9em ui-monospace, Menlo, Consolas, monospace; }
pre { background: #f5f6f7; border-radius: 6px; padding: .6rem; overflow-x: auto; margin: .2rem 0 .8rem; }
.bars { width: 100%; border-spacing: 0 .2rem; }
.bars th { text-align: left; font-weight: 400; padding-right: .6rem; overflow-wrap: anywhere; }
.bars .all { width: 65%; background: #eceff1; border-radius: 3px; padding: 0; }
.bars .all span { display: block; height: 1.1rem; border-radius: 3px; background: #2e7d4f; }
.bars .number { text-align: right; padding-left: .6rem; font-variant-numeric: tabular-nums; }
.note { color: #5b6570; font-size: .85rem; overflow-wrap: anywhere; margin: .4rem 0 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem; }
.figures div { background: #fff; border: 1px solid #dfe3e6; border-radius: 10px; padding: .6rem .8rem; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.2; }
.figures span { color: #5b6570; font-size: .85rem; }
details { border-top: 1px solid #eceff1; padding: .5rem 0; }
details:first-of-type { border-top: 0; }
details p { margin: .3rem 0; overflow-wrap: anywhere; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.count { display: inline-block; min-width: 1.8em; font-weight: 700; }
.said { color: #5b6570; }
.bar { display: block; height: 6px; border-radius: 3px; background: #b3422f; margin-top: .3rem; }
.where, .files, .source { color: #5b6570; font-size: .85rem; }
.student summary { display: flex; gap: .6rem; align-items: baseline; }
.name { flex: 1; min-width: 0; }
.marks { white-space: nowrap; }
.score { min-width: 3.2em; text-align: right; font-variant-numeric: tabular-nums; }
.right { color: #2e7d4f; }
.wrong { color: #b3422f; }
.student code { background: #f5f6f7; border-radius: 4px; padding: 0 .25em; }
@media print { details { break-inside: avoid; } }
"""
