"""One library is instrumented, and taken back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ams_sdk._libraries.content_switch import Content
from ams_sdk._libraries.lent_provider import LentProvider
from ams_sdk._libraries.native import PydanticAI
from ams_sdk._libraries.table import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import TracerProvider

    from ams_sdk._libraries.content_switch import ContentSwitch
    from ams_sdk._libraries.survey import Finding, Survey

__all__ = ["Instrumentation", "instrument"]

_IS_ON = "is_instrumented_by_opentelemetry"


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """A library that we have instrumented.

    Attributes:
        by: the distribution of the instrumentor, or the library itself.
        instrumentor: what traces it.
        lent: the provider that it was given.
        content: when it asks whether content is recorded.
    """

    by: str
    instrumentor: Any
    lent: LentProvider
    content: Content

    def give_way(self, undo: Callable[[], None]) -> None:
        """Let an application that instruments later have its way, instead of a warning that it comes too late.

        Args:
            undo: takes this back.
        """
        instrumentor = self.instrumentor

        def instrument(*args: Any, **settings: Any) -> Any:  # noqa: ANN401 -- what the application says
            undo()
            return instrumentor.instrument(*args, **settings)

        instrumentor.instrument = instrument

    def undo(self) -> None:
        """Take it back, unless somebody else has; whatever is left of it starts no span any more."""
        self.lent.withdraw()
        cast("dict[str, object]", vars(self.instrumentor)).pop("instrument", None)
        if getattr(self.instrumentor, _IS_ON, False):
            self.instrumentor.uninstrument()


def instrument(
    finding: Finding, survey: Survey, serving: Callable[[], TracerProvider | None], content: ContentSwitch
) -> Instrumentation | str:
    """Instrument a library that has been imported; answer with the reason if that is not to be.

    Args:
        finding: what is known of it.
        survey: where that is from.
        serving: gives the provider that serves, or None.
        content: says to the instrumentor whether content is recorded.
    """
    library, chosen = finding.library, finding.chosen
    if finding.reason or (chosen is None and library.entry_points):
        return finding.reason or "it traces itself"
    if other := _who_traces_it_already(finding):
        return f"the application traces it with {other}"
    lent = LentProvider(serving, begins_traces=library.kind is not Kind.HTTP)
    with content.instrumenting():
        instrumentor: Any = PydanticAI(captures=content.captures) if chosen is None else chosen.entry_point.load()()
        if getattr(instrumentor, _IS_ON, False):
            return "the application traces it"
        if conflict := survey.conflict(instrumentor.instrumentation_dependencies()):
            return conflict
        instrumentor.instrument(tracer_provider=lent, skip_dep_check=True)
    if chosen is None:
        return Instrumentation(library.name, instrumentor, lent, Content.ASKED_ONCE)
    return Instrumentation(chosen.distribution, instrumentor, lent, chosen.content)


def _who_traces_it_already(finding: Finding) -> str:
    """The distribution of another instrumentor that the application has put to work itself, if there is one.

    One that was never imported is not at work, and is not imported to find out.
    """
    for offer, _ in finding.passed_over:
        module = sys.modules.get(offer.entry_point.module)
        instrumentor: Any = getattr(module, offer.entry_point.attr, None)
        if getattr(instrumentor, "_instance", None) is not None and getattr(instrumentor(), _IS_ON, False):
            return offer.distribution
    return ""
