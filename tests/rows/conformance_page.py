"""The page that is made of what the checks have found."""

from __future__ import annotations

from typing import Any

__all__ = ["page"]

_HEAD = """\
# What a decorator must leave untouched

A decorator that traces changes what it is put on, unless care is taken: the kind of a function, a generator's `send`,
the class, the type that a checker sees, the end of the process. This page says what must stay, as {count} checks in
{rows} rows, and which decorators keep it. Every check is a small program that asserts; none is an opinion about what to
record.

## The table

✓ is "all checks of the row passed", n/m is how many did. The list of what failed follows below.

"""

_METHOD = """\

## How it was measured

- {date}, Python {python} on {system}, with the releases in the table: the newest that could be installed on that day.
- Each check runs in a process of its own, so that none can spoil the next; a check that has not ended after two minutes
  has failed. Checks of time take the best of several tries, one at a time. The figures in the list are of two
  busy cores and say no more than that the bound was missed.
- Each SDK is set up as its own documentation recommends, with its default settings for what is captured and masked, and
  sends nowhere but to a server of the checks on loopback. How, in one line each:
{setups}
- Spans are read at an OpenTelemetry exporter that keeps them in a file, or, for langsmith, from the requests of its own
  client. For forks and for the end of the process they are read at the server, as they arrive, from the SDK's own
  pipeline.
- What a span is called is never compared, only that the function's name, or the name that was given, is in it.
- A row says what must hold, not what an SDK claims to have. So an SDK that does not support classes, say, fails row 6
  and does nothing wrong by its own documentation. Several of these SDKs do much that is not measured here.
- "Not run" means that the check could not be made; it counts neither for nor against.
- Ours has one advantage: it was made against these checks. They are in `tests/rows`, and each is short enough to be
  judged. In the tests of this project the same checks also run unconfigured and with the backend down; the table is the
  configured state, for all.

To repeat it, with the newest releases of that day: `nox -s compare`. For one SDK and one row:
`python -m tests.rows.compare --sdk logfire --only 4`.

**Corrections are welcome.** If a check is unfair to an SDK, or an adapter in `tests/rows/subjects` sets it up in
another way than its documentation recommends, please say so, with the line to change; the page is made anew.

## Row by row
"""


def page(found: dict[str, Any]) -> str:
    """The page, in Markdown, of what ``compare`` has found."""
    names = list(found["versions"])
    checks, rows = found["checks"], found["rows"]
    text = _HEAD.format(count=len(checks), rows=len(rows))
    text += "| | row | " + " | ".join(_title(name, found) for name in names) + " |\n"
    text += "|---|---|" + ":-:|" * len(names) + "\n"
    for number, says in rows.items():
        of_row = [one for one in checks.values() if str(one["row"]) == number]
        text += f"| {number} | {says} | " + " | ".join(_cell(of_row, name) for name in names) + " |\n"
    text += "| | **all** | " + " | ".join(f"**{_cell([*checks.values()], name)}**" for name in names) + " |\n"
    lines = "\n".join(f"  - {_releases(found['versions'][name])}: {how}" for name, how in found["setups"].items())
    text += _METHOD.format(setups=lines, **{key: found[key] for key in ("date", "python", "system")})
    for number, says in rows.items():
        text += f"\n### {number}. {says}\n\n"
        for one in (one for one in checks.values() if str(one["row"]) == number):
            text += f"- {one['says']}{' (timed)' if one['timed'] else ''}{_failures(one, names)}\n"
    return text


def _title(name: str, found: dict[str, Any]) -> str:
    return f"{name}<br>{next(iter(found['versions'][name].values()))}"


def _releases(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _cell(checks: list[dict[str, Any]], name: str) -> str:
    outcomes = [one["results"][name]["outcome"] for one in checks]
    made = [one for one in outcomes if one != "not run"]
    if not made:
        return "not run"
    passed = made.count("passed")
    text = "✓" if passed == len(made) else f"{passed}/{len(made)}"
    return text if len(made) == len(outcomes) else f"{text} ({len(outcomes) - len(made)} not run)"


def _failures(check: dict[str, Any], names: list[str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name in names:
        result = check["results"][name]
        if result["outcome"] != "passed":
            reason = "not run: " + result["why"] if result["outcome"] == "not run" else result["why"]
            by_reason.setdefault(_short(reason), []).append(name)
    return "".join(f"\n  - ✗ {', '.join(found)}: {reason}" for reason, found in by_reason.items())


def _short(reason: str) -> str:
    plain = " ".join(reason.split()).replace("|", "\\|").replace("<", "\\<")
    return plain if len(plain) <= 160 else plain[:160] + "…"
