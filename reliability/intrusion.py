"""Who is let in: web pages, other machines, URLs, names, documents, links, and where keys go."""

from __future__ import annotations

from typing import Final

from reliability.guessing import attack_guesses
from reliability.intrusion_bombs import attack_bodies, attack_bombs, attack_expressions
from reliability.intrusion_fetch import attack_fetching
from reliability.intrusion_traces import attack_folder, attack_names, attack_secrets
from reliability.intrusion_web import attack_pages, attack_reach
from reliability.run import Run

TITLE: Final = "Who is let in"

ABOUT: Final = """
A mock that serves, started with a umask of 0, is attacked as web pages, other machines, clients,
documents and other users of the machine could. What must hold:

- **Web pages** change and read nothing below `/__mockkie`: under names that were led here (DNS
  rebinding), across sites, with bodies that any page may send. What they upload never runs in the
  origin of the dashboard. The same is shown in a real Chromium by `tests/browser`.
- **Other machines** are let in only by who says a control key, and need it then.
- **URL uploads** that really fetch reach nothing that is not public: in any spelling, behind
  redirects, by names whose addresses change. Proxies of the environment are not asked. A trap on
  this machine counts who came.
- **Names** become no file, header, markup or command of a terminal.
- **Documents**, overlays, scripts, recordings and ledgers that are bombs are refused (exit code 2)
  in less than a minute, without a traceback; compressed bodies are not unpacked; no header of 60 KB
  and no expression, of ours or of a document, holds the mock up for two seconds.
- **The data folder** and all in it are for their owner; links in it are refused.
- **Keys** are where they are handed out (the ready line, the ready file, the panel, the journal's
  pages for copying) and in the index of the data folder, and nowhere else: not in the output, the
  journal, metrics, traces, reports or recordings, whatever part of a request they were sent in. How
  long a wrong one takes to be refused tells nothing of how much of it was right.
"""

_FOUND: Final = """
Files of the types `application/unknown`, `unknown/unknown` and `text/xsl` ran their scripts in the
origin of the control API (seen in Chromium): what is not known to be inert now has an origin of its
own and is not sniffed.

`--host 0.0.0.0`, and so the image, gave every machine of the network the keys of all worlds: what
others reach starts only with a control key, and asks for it.

A control call took bodies of any type, which any page may send without being asked for: they have
to be `application/json`.

Answers of the dashboard could be embedded by pages of other sites, which then know that something
is there, and when: only links from elsewhere are followed.

Keys in other headers than `Authorization`, in queries, and in the query and user of URLs that files
are uploaded from were in the journal, the terminal, traces and `X-Mockkie-Why`: they are redacted
by the name they stand under, in URLs without exception.

The time for `Range: bytes=` and tabs, which needs no key, grew with the square of their number
(8 KB: 0.2 s), that for `Prefer` as well (60 KB: a minute, by itself): both are linear now.

`Cookie` with 60 KB of backslashes took 24 s where a document has keys in cookies (CVE-2024-7592 of
Python): cookies are taken apart without unquoting.

So did that of the dashboard's expression for places in a reason (64 KB: 34 s by itself).

A lock of the data folder that was a link had the file emptied that it led to: links, and files of
third users, are refused.

`mockkie files` sent a terminal the control characters above ASCII that paths may have: they are
escaped, as in the journal.

A `Host` like `[::1].evil.example` passed for an address: what is no host is refused.

A pattern of a document that looks around held the mock up for 4 s with 30,000 characters, and for
as long as they are many squared: it has fewer tries the longer a text is.

The head of a part of a form with blanks behind its colon took a time that grew with the square of
their number (6,000: 0.2 s): it is linear now.
"""
FOUND: Final = tuple(" ".join(bug.split()) for bug in _FOUND.split("\n\n"))


def attack(run: Run) -> None:
    """All of it, one after the other."""
    for part in (
        attack_pages,
        attack_reach,
        attack_fetching,
        attack_names,
        attack_folder,
        attack_secrets,
        attack_guesses,
        attack_bodies,
        attack_bombs,
        attack_expressions,
    ):
        run.tell(lambda part=part: part.__name__)  # type: ignore[misc] # of this turn
        part(run, run.folder)
