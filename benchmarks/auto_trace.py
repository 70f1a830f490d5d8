"""What auto-tracing adds to ``configure()``, with ten instrumentors installed.

Ten libraries and their instrumentors are put into a temporary folder as an installer would leave them, with metadata
and entry points. They do nothing, so what is measured is the SDK's own part: looking for them, choosing, the hook. Each
round starts one process of every kind, one after the other:

off       ``auto_trace=False``
waiting   the libraries are installed, and none is imported yet
absent    the instrumentors are there, their libraries are not
imported  all ten have been imported before ``configure()``, and so has what any real instrumentor imports itself:
          ``importlib.metadata`` and ``packaging``
cold      as before, without those two; shown, and without a budget

    python benchmarks/auto_trace.py [--rounds N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from measured.figures import median_of, show

if TYPE_CHECKING:
    from measured.figures import Figure

NAMES: Final = (
    *("openai", "anthropic", "mistralai", "cohere", "groq", "ollama", "together", "litellm", "crewai", "agno"),
)
KINDS: Final = ("off", "waiting", "absent", "imported", "cold")
_MOST: Final = 50.0
_PROGRAM: Final = """
import importlib, json, os, sys, time
kind, names = sys.argv[1], sys.argv[2].split(",")
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import ams_sdk
from ams_sdk._tracing import Engine  # what any configure() loads is not what is measured
if kind in ("imported", "cold"):
    for name in names:
        importlib.import_module(name)
if kind == "imported":
    import importlib.metadata, packaging.requirements
before = time.perf_counter()
ams_sdk.configure(exporters=[InMemorySpanExporter()], spool_dir="none", auto_trace=kind != "off")
configured = time.perf_counter()
if kind in ("off", "waiting"):
    for name in names:
        importlib.import_module(name)
imported = time.perf_counter()
found = {"configure": (configured - before) * 1e3, "imports": (imported - configured) * 1e3}
found["loaded"] = sum(name.startswith("opentelemetry_instrumentation_") for name in sys.modules)
print(json.dumps(found))
"""
_INSTRUMENTOR: Final = """
class Instrumentor:
    is_instrumented_by_opentelemetry = False
    def instrumentation_dependencies(self): return ()
    def instrument(self, **settings): type(self).is_instrumented_by_opentelemetry = True
    def uninstrument(self): type(self).is_instrumented_by_opentelemetry = False
"""


def _distribution(folder: Path, name: str, module: str, body: str, *lines: str, entry_points: str = "") -> None:
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *lines, ""]))
    if entry_points:
        (info / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\n{entry_points}\n")
    (folder / f"{module}.py").write_text(body)


def install(folder: Path) -> dict[str, str]:
    """Make both folders; the path for each kind of process."""
    libraries, instrumentors = folder / "libraries", folder / "instrumentors"
    for name in NAMES:
        _distribution(libraries, name, name, "")
        distribution = f"opentelemetry-instrumentation-{name}"
        module = distribution.replace("-", "_")
        requires = f"Requires-Dist: {name}; extra == 'instruments'"
        points = f"{name} = {module}:Instrumentor"
        _distribution(instrumentors, distribution, module, _INSTRUMENTOR, requires, entry_points=points)
    both = os.pathsep.join(map(str, (libraries, instrumentors)))
    return dict.fromkeys(KINDS, both) | {"absent": str(instrumentors)}


def measure(kind: str, path: str) -> dict[str, float]:
    """One process: milliseconds of ``configure()`` and of ten imports after it, instrumentors that were loaded."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AMS_", "OTEL_"))}
    run = [sys.executable, "-c", _PROGRAM, kind, ",".join(NAMES)]
    done = subprocess.run(run, env=clean | {"PYTHONPATH": path}, check=True, capture_output=True, text=True)  # noqa: S603 -- this file's own program
    found: dict[str, float] = json.loads(done.stdout)
    return found


def figures_of(rounds: dict[str, list[dict[str, float]]]) -> list[Figure]:
    """What each kind took, and what it took beside the one that is off."""

    def all_of(kind: str, what: str) -> list[float]:
        return [one[what] for one in rounds[kind]]

    def added(kind: str, what: str) -> list[float]:
        return [one - off for one, off in zip(all_of(kind, what), all_of("off", what), strict=True)]

    figures = [median_of(f"configure(): {kind}", all_of(kind, "configure"), "ms") for kind in KINDS]
    for kind in KINDS[1:]:
        most = None if kind == "cold" else _MOST
        figures.append(median_of(f"configure(), added: {kind}", added(kind, "configure"), "ms", most=most))
    figures.append(median_of("ten first imports, added: waiting", added("waiting", "imports"), "ms"))
    figures.append(median_of("instrumentors loaded: absent", all_of("absent", "loaded"), most=0))
    return figures


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure what auto-tracing adds to configure().")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="ams-benchmark-") as folder:
        paths = install(Path(folder))
        for number in range(-1, options.rounds):
            for kind in KINDS:
                found = measure(kind, paths[kind])
                if number >= 0:  # in the first one files are read and compiled
                    rounds[kind].append(found)
    title = f"Auto-tracing with {len(NAMES)} instrumentors, median of {options.rounds} rounds"
    return show(title, figures_of(rounds), as_json=options.json, packages=("ams-sdk", "opentelemetry-sdk"))


if __name__ == "__main__":
    sys.exit(main())
