"""What is installed: which instrumentors there are for a library, and which one of them is taken.

Several projects publish an instrumentor of the same library, under the same entry point. Two of them in one process
write two spans for one call, and count its tokens twice; so exactly one is taken. Nothing is imported to find out.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Final

from ams_sdk._libraries.content_switch import Content

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

    from ams_sdk._libraries.table import Library

__all__ = ["Finding", "Offer", "Survey"]

_GROUP: Final = "opentelemetry_instrumentor"
_DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_OFFICIAL: Final = "opentelemetry-instrumentation-"
_HTTP: Final = ("httpx", "requests", "urllib3", "aiohttp-client")
_OFFICIAL_TOO: Final = frozenset({"openai-v2", "openai-agents-v2", "google-genai", *_HTTP})
"""What OpenTelemetry itself publishes without ``genai-`` in its name. OpenLLMetry's names look the same."""

_GENAI, _OTHER_OFFICIAL, _OPENLLMETRY, _OPENINFERENCE, _ELSEWHERE = range(5)


@dataclass(frozen=True, slots=True)
class Offer:
    """An instrumentor that an installed distribution offers.

    Attributes:
        entry_point: where it is; nothing of it has been imported.
        distribution: the distribution's name.
        version: its version.
        conflict: why it does not suit what is installed; empty if it does.
    """

    entry_point: EntryPoint
    distribution: str
    version: str
    conflict: str

    @property
    def content(self) -> Content:
        """When it asks whether content is recorded."""
        project = self.rank[0]
        if project == _OPENLLMETRY:
            return Content.ASKED_AT_EACH_CALL
        is_http = project == _OTHER_OFFICIAL and self.distribution.endswith(_HTTP)
        return Content.NONE if is_http else Content.ASKED_ONCE

    @property
    def rank(self) -> tuple[int, str]:
        """Offers in the order of preference.

        OpenTelemetry's own come first: they write the newest GenAI conventions and, since all of them share one
        package, leave out a span for a call that another of them is tracing already. OpenLLMetry writes older names of
        the same conventions, OpenInference its own. Among equals the name decides, so that it does not depend on the
        order of installation.
        """
        name = self.distribution
        short = name.removeprefix(_OFFICIAL)
        if name.startswith(f"{_OFFICIAL}genai-"):
            project = _GENAI
        elif short in _OFFICIAL_TOO and short != name:
            project = _OTHER_OFFICIAL
        elif short != name:
            project = _OPENLLMETRY
        elif name.startswith("openinference-instrumentation-"):
            project = _OPENINFERENCE
        else:
            project = _ELSEWHERE
        return project, name


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one library.

    Attributes:
        library: the row of the table.
        installed: its version, or None.
        chosen: the instrumentor that traces it, or None.
        passed_over: the others, and why.
        reason: why nothing traces it; empty if something does.
    """

    library: Library
    installed: str | None
    chosen: Offer | None
    passed_over: tuple[tuple[Offer, str], ...]
    reason: str


class Survey:
    """Looks at what is installed, at each thing once.

    Whoever asks often, as a test suite does, asks ``latest``: to read all entry points takes ten milliseconds.
    """

    _latest: tuple[object, Survey] | None = None

    @classmethod
    def latest(cls) -> Survey:
        """The one that was made last, or a new one if something was installed since."""
        path = [(entry, _changed_at(entry)) for entry in sys.path]
        known = cls._latest
        if known is None or known[0] != path:
            known = cls._latest = path, cls()
        return known[1]

    def __init__(self) -> None:
        self._versions: dict[str, str | None] = {}

    def of(self, library: Library) -> Finding:
        """Find out about one library. Reads metadata only."""
        installed = next(filter(None, map(self._version, library.distributions)), None)
        offers = self._offers(library)
        if installed is None:
            others = tuple((offer, "the library is not installed") for offer in offers)
            return Finding(library, None, chosen=None, passed_over=others, reason="not installed")
        if self._is_disabled(library):
            reason = f"turned off by {_DISABLED}"
            others = tuple((offer, reason) for offer in offers)
            return Finding(library, installed, chosen=None, passed_over=others, reason=reason)
        if library.native_from is not None and _is_from(installed, library.native_from):
            others = tuple((offer, "the library traces itself") for offer in offers)
            return Finding(library, installed, chosen=None, passed_over=others, reason="")
        chosen = next((offer for offer in offers if not offer.conflict), None)
        others = tuple(
            (offer, offer.conflict or f"{chosen.distribution if chosen else 'another'} goes first")
            for offer in offers
            if offer is not chosen
        )
        reason = "" if chosen else "no instrumentor suits it" if offers else "no instrumentor is installed"
        return Finding(library, installed, chosen=chosen, passed_over=others, reason=reason)

    def _offers(self, library: Library) -> list[Offer]:
        found: dict[str, Offer] = {}
        for name in library.entry_points:
            for entry_point in self._entry_points.get(name, ()):
                if entry_point.dist is not None:
                    offer = self._offer(entry_point, entry_point.dist)
                    found.setdefault(offer.distribution, offer)
        return sorted(found.values(), key=lambda offer: offer.rank)

    @cached_property
    def _entry_points(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for entry_point in metadata.entry_points(group=_GROUP):
            found.setdefault(entry_point.name, []).append(entry_point)
        return found

    def _is_disabled(self, library: Library) -> bool:
        disabled = {name.strip() for name in os.environ.get(_DISABLED, "").split(",")}
        return not disabled.isdisjoint({"*", library.name, *library.entry_points})

    def conflict(self, requirements: Iterable[str]) -> str:
        """Say which requirement is not met by what is installed; empty if all are.

        Args:
            requirements: as PEP 508 has them; markers are not looked at.
        """
        from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 -- heavy

        for text in requirements:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                return f"it requires {text!r}, which cannot be read"
            installed = self._version(requirement.name)
            wanted = f"{requirement.name}{requirement.specifier}"
            if installed is None:
                return f"it needs {wanted}, which is not installed"
            if not requirement.specifier.contains(installed, prereleases=True):
                return f"it needs {wanted}, and {installed} is installed"
        return ""

    def _offer(self, entry_point: EntryPoint, distribution: metadata.Distribution) -> Offer:
        facts = distribution.metadata  # read anew, and parsed, each time that it is asked for
        name = re.sub(r"[-_.]+", "-", facts["Name"]).lower()  # PEP 503; a wheel's metadata may spell it otherwise
        requirements = facts.get_all("Requires-Dist") or distribution.requires or ()
        return Offer(entry_point, name, facts["Version"], self._conflict_of_extras(requirements))

    def _conflict_of_extras(self, requirements: Iterable[str]) -> str:
        """Whether what a distribution instruments is installed; its extras say what that is."""
        all_of: list[str] = []
        any_of: list[str] = []
        for text in requirements:
            if "instruments" in text:
                for extra, which in (("instruments", all_of), ("instruments-any", any_of)):
                    if _is_in_extra(text, extra):
                        which.append(text)
        missing = self.conflict(all_of)
        if missing or not any_of:
            return missing
        reasons = [self.conflict([one]) for one in any_of]
        return "" if "" in reasons else reasons[0]

    def _version(self, distribution: str) -> str | None:
        if distribution not in self._versions:
            try:
                self._versions[distribution] = metadata.version(distribution)
            except metadata.PackageNotFoundError:
                self._versions[distribution] = None
        return self._versions[distribution]


def _changed_at(entry: str) -> int:
    try:
        return os.stat(entry or ".").st_mtime_ns  # noqa: PTH116 -- an entry of sys.path may be no path
    except OSError:
        return 0


def _is_in_extra(requirement: str, extra: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 -- heavy

    try:
        marker = Requirement(requirement).marker
    except InvalidRequirement:
        return False
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _is_from(version: str, first: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 -- heavy

    try:
        return Version(version) >= Version(first)
    except InvalidVersion:
        return False
