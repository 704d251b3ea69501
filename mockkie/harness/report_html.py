"""A `Report` as one page for a browser. Knows no target, no test runner and no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from mockkie.harness.verdicts import Clause, Judgement, Layer, Level, Report, Verdict

_DIFFERS: Final = {
    Level.DOCUMENTED: "violated",
    Level.OBSERVED: "violated (warning)",
    Level.ASSUMED: "differs from our assumption",
}
_KINDS: Final = {
    Level.DOCUMENTED: "violated",
    Level.OBSERVED: "warning",
    Level.ASSUMED: "differs",
}
_OPENED: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

_STYLE: Final = """\
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --soft: #59636e; --line: #d5dae0; --band: #f4f6f8;
  --good: #116329; --bad: #b3151f; --warn: #7a4d00; --note: #0a56b5; --still: #59636e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e4e8ec; --soft: #9aa5b1; --line: #333a42; --band: #1d2126;
    --good: #5cc57a; --bad: #ff8079; --warn: #e5b04b; --note: #76b3ff; --still: #9aa5b1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
.outcome {
  border-left: .4rem solid; padding: .5rem .9rem; margin: 0 0 1.25rem; background: var(--band);
  overflow-wrap: anywhere;
}
.outcome p { margin: 0; color: var(--ink); }
.outcome p + p { color: var(--soft); font-size: .9rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1.25rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.counts { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0;
  margin: 0 0 1.5rem; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0;
  border-top: 1px solid var(--line); }
thead th { border: 0; color: var(--soft); font-size: .8rem; font-weight: 400; }
tbody th[scope=rowgroup] { padding-top: 1.75rem; border: 0; font-size: 1.1rem; }
tbody th[scope=row] { font-weight: 400; }
tr:target { background: var(--band); }
.verdict { width: 9.5rem; font-weight: 600; }
.level { width: 7rem; color: var(--soft); }
.upheld { color: var(--good); }
.violated { color: var(--bad); }
.warning { color: var(--warn); }
.differs { color: var(--note); }
.still { color: var(--still); }
code, pre { font: .85em/1.5 ui-monospace, "SF Mono", Consolas, monospace; }
.id { overflow-wrap: anywhere; }
.id a { color: inherit; text-decoration: none; }
.id a:hover, .id a:focus { text-decoration: underline; }
p { margin: .15rem 0 0; overflow-wrap: anywhere; }
.why { white-space: pre-line; }
.why:not(.still) { border-left: .2rem solid; padding-left: .6rem; margin-top: .4rem; }
.why b { font-weight: 400; color: var(--ink); }
.why.still b { color: inherit; }
details { margin-top: .4rem; }
summary { cursor: pointer; color: var(--soft); padding: .2rem 0; }
pre { margin: .3rem 0 0; padding: .75rem; background: var(--band); border-radius: .3rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
details p { color: var(--soft); font-size: .9rem; }
.layers { width: auto; margin-top: 2.5rem; font-variant-numeric: tabular-nums; }
.layers td, .layers thead th + th { text-align: right; padding-left: .75rem; }
@media (max-width: 40rem) {
  table:not(.layers) thead { position: absolute; clip-path: inset(50%); height: 1px; width: 1px;
    overflow: hidden; }
  .layers th, .layers td { padding-right: .25rem; font-size: .85rem; }
  table:not(.layers), :not(.layers) > tbody, :not(.layers) > caption { display: block; }
  :not(.layers) > tbody tr { display: flex; flex-wrap: wrap; gap: 0 .75rem; padding: .6rem 0;
    border-top: 1px solid var(--line); }
  :not(.layers) > tbody tr:first-child { border: 0; padding: 1rem 0 0; }
  :not(.layers) > tbody th, :not(.layers) > tbody td { border: 0; padding: 0; }
  tbody th[scope=rowgroup] { padding: 0; }
  :not(.layers) > tbody th[scope=row] { flex: 1 0 100%; order: 1; min-width: 0; }
  .verdict, .level { width: auto; }
}
@media print { details:not([open]) summary { display: none; } body { max-width: none; } }
"""


def label(judged: Judgement) -> str:
    """The verdict in words; what only an assumption speaks for is no violation."""
    violated = judged.verdict == Verdict.VIOLATED
    return _DIFFERS[judged.clause.level] if violated else judged.verdict.value


def in_words(report: Report) -> dict[str, int]:
    """How many clauses have which label, the serious ones first, without those that none has."""
    violated, warnings, differing = _DIFFERS.values()
    words = [violated, warnings, differing, *(verdict.value for verdict in Verdict)]
    found = [label(judged) for judged in report.judgements]
    return {word: found.count(word) for word in dict.fromkeys(words) if word in found}


def page(report: Report, sentence: str) -> str:
    """The whole page; `sentence` says what the run found out."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_OPENED}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(sentence.partition(':')[0])} - {escape(report.target)}</title>",
            f"<style>\n{_STYLE}</style>",
            "</head>",
            "<body>",
            *_header(report, sentence),
            "<main>",
            *_table(report.judgements),
            *_layers(report.layers),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _header(report: Report, sentence: str) -> Iterator[str]:
    kind = {0: "upheld", 1: "violated"}.get(report.exit_code, "still")
    yield "<header>"
    yield "<h1>mockkie check</h1>"
    yield f'<div class="outcome {kind}">'
    yield f"<p><strong>{escape(sentence)}</strong></p>"
    yield f"<p>Exit code {report.exit_code}: {_MEANING[report.exit_code]}</p>"
    yield "</div>"
    yield "<dl>"
    for name, value in {
        "Target": report.target,
        "Profile": report.profile,
        "Seed": str(report.seed),
        "Requests": f"{report.requests:,}",
        "Seconds": f"{report.seconds:,.1f}",
    }.items():
        yield f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>"
    yield '<ul class="counts">'
    for name, count in in_words(report).items():
        yield f"<li><strong>{count}</strong> {escape(name)}</li>"
    yield "</ul>"
    yield "</header>"


_MEANING: Final = {
    0: "every documented clause that was judged is upheld.",
    1: "a documented clause is violated.",
    3: "no documented clause was judged, so nothing is known about the target.",
}


def _layers(layers: Sequence[Layer]) -> Iterator[str]:
    """What each part of the run cost; a table of its own."""
    if not layers:
        return
    yield '<table class="layers">'
    yield "<caption>The layers of the run, in their order.</caption>"
    names = ("Layer", "Tests", "Requests", "Seconds", "Violations")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for layer in layers:
        cells = (f"{layer.tests:,}", f"{layer.requests:,}", f"{layer.seconds:,.1f}")
        numbers = "".join(f"<td>{cell}</td>" for cell in (*cells, f"{layer.violations:,}"))
        yield f'<tr><th scope="row">{escape(layer.name)}</th>{numbers}</tr>'
    yield "</tbody>"
    yield "</table>"


def _table(judgements: Sequence[Judgement]) -> Iterator[str]:
    yield "<table>"
    yield (
        "<caption>Only documented clauses decide; observed ones warn, and assumed ones are our "
        "own choice.</caption>"
    )
    yield (
        '<thead><tr><th scope="col">Verdict</th><th scope="col">Level</th>'
        '<th scope="col">Clause</th></tr></thead>'
    )
    groups = dict.fromkeys(judged.clause.group for judged in judgements)
    order = list(groups)
    ordered = sorted(judgements, key=lambda judged: order.index(judged.clause.group))
    for group, rows in groupby(ordered, key=lambda judged: judged.clause.group):
        yield "<tbody>"
        yield f'<tr><th scope="rowgroup" colspan="3">{escape(group)}</th></tr>'
        for judged in rows:
            yield from _row(judged)
        yield "</tbody>"
    yield "</table>"


def _row(judged: Judgement) -> Iterator[str]:
    clause = judged.clause
    violated = judged.verdict == Verdict.VIOLATED
    upheld = "upheld" if judged.verdict == Verdict.UPHELD else "still"
    kind = _KINDS[clause.level] if violated else upheld
    name = escape(clause.id)
    yield f'<tr id="{name}">'
    yield f'<td class="verdict {kind}">{escape(label(judged))}</td>'
    yield f'<td class="level">{clause.level.value}</td>'
    yield f'<th scope="row"><code class="id"><a href="#{name}">{name}</a></code>'
    yield f"<p>{escape(clause.says)}</p>"
    if judged.why:
        yield f'<p class="why {kind}"><b>{escape(judged.why)}</b></p>'
    if violated:
        yield from _details(clause, judged.reproduce)
    yield "</th></tr>"


def _details(clause: Clause, lines: Sequence[str]) -> Iterator[str]:
    yield "<details><summary>How to see it, and what the clause rests on</summary>"
    if lines:
        yield "<p>Paste this into a shell in which KIE_API_KEY is set to your key:</p>"
        yield f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"
    else:
        yield "<p>The run wrote down no requests for it.</p>"
    yield f"<p>Evidence: {clause.level.value}; {escape(clause.source)}</p>"
    yield "</details>"
