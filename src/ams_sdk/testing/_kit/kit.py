"""What the fixtures of one test share, what is verified at its end, and what a failure shows of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, cast

from ams_sdk.testing._isolation import Environment, Isolation
from ams_sdk.testing._kit.wishes import check_wishes
from ams_sdk.testing._platform import MockPlatform
from ams_sdk.testing._trace.capture import TraceCapture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._cassette import Cassette, Mode
    from ams_sdk.testing._isolation import Patch
    from ams_sdk.testing._model import FakeLLM
    from ams_sdk.testing._platform import Fault, LivePlatform, PlatformRequest, Seed
    from ams_sdk.testing._tools import ToolStubs

__all__ = ["Kit"]

_OK: Final = 200


class Kit:
    """The SDK of this process, isolated in a ``with`` block: what the fixtures are made of, for tests without pytest.

    ::

        with Kit() as kit:
            research("why do otters float?")
            kit.trace.agent("researcher").assert_called("search", times=1)
            kit.verify()

    Args:
        strict: whether what nobody expected fails the test.
        seed: what is on the platform at the beginning.
        faults: what goes wrong, each once.
        network: whether other machines may be reached.
        configure: arguments of ``ams_sdk.configure``.
        patch: changes the environment and undoes that itself, as pytest's ``monkeypatch`` does.
        target: a real platform in place of the mock.

    Raises:
        ConfigurationError: an argument cannot be used.

    Attributes:
        platform: the mock platform that the SDK is configured to; what a target cannot do skips the test.
        trace: what is traced.
    """

    def __init__(  # noqa: PLR0913 -- what a test may want, keyword-only
        self,
        *,
        strict: bool = True,
        seed: Sequence[Seed] = (),
        faults: Sequence[Fault] = (),
        network: bool = False,
        configure: Mapping[str, object] | None = None,
        patch: Patch | None = None,
        target: LivePlatform | None = None,
    ) -> None:
        check_wishes(strict=strict, seed=seed, faults=faults, network=network, configure=configure)
        self._is_mock = target is None
        # A target answers to the same names, or skips the test.
        self.platform: MockPlatform = MockPlatform(strict=strict) if target is None else cast("MockPlatform", target)
        self._strict = strict
        self._seed = tuple(seed)
        self._faults = tuple(faults)
        self._exits = ExitStack()
        self._patch: Patch = self._exits.enter_context(Environment()) if patch is None else patch
        self._isolation = Isolation(self.platform, self._patch, network=network, settings=configure)
        self.trace: TraceCapture = TraceCapture(self._isolation.sink, self._heard_by_models)
        self._models: list[FakeLLM] = []
        self._cassettes: list[Cassette] = []
        self._tools: list[ToolStubs] = []

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            exits.enter_context(self._exits)
            exits.enter_context(self._isolation)
            self.platform.settle = self._isolation.settle
            if self._seed:
                self.platform.seed(*self._seed)
            for fault in self._faults:
                self.platform.fault(fault)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._exits.close()

    def serve(self) -> MockPlatform:
        """Have the platform on a port as well, and let the children of this process find it."""
        self._exits.enter_context(self.platform.serve())
        self.platform.requests.watch(self._take)
        self._patch.setenv("AMS_ENDPOINT", self.platform.url)
        # A child inherits pytest's own variable too, and would otherwise stay silent as a test does.
        self._patch.setenv("AMS_ENABLED", "true")
        return self.platform

    def model(self) -> FakeLLM:
        """A scripted model that clients of this process and its children talk to."""
        from ams_sdk.testing._model import FakeLLM  # noqa: PLC0415 -- only if a test has a model

        model = FakeLLM(strict=self._strict)
        self._exits.callback(model.close)
        self._models.append(model)
        for name, value in model.environment().items():
            self._patch.setenv(name, value)
        return model

    def cassette(self, path: Path, mode: Mode) -> Cassette:
        """A cassette for what the test asks of other machines; the platform and the scripted model are none of them."""
        from ams_sdk.testing._cassette import Cassette  # noqa: PLC0415 -- only if a test has one

        cassette = Cassette(path, mode, ignore=self._is_here, allow=self._isolation.block.allow)
        self._exits.enter_context(cassette)
        self._cassettes.append(cassette)
        return cassette

    def tools(self) -> ToolStubs:
        """Tools that answer what the test says, until the end of the block."""
        from ams_sdk.testing._tools import ToolStubs  # noqa: PLC0415 -- only if a test stubs some

        tools = ToolStubs(strict=self._strict)
        self._exits.callback(tools.close)
        self._tools.append(tools)
        return tools

    def verify(self) -> None:
        """Whether everything was as the test said.

        Raises:
            AssertionError: it was not; the text says what, and how to allow it.
        """
        __tracebackhide__ = True
        for tools in self._tools:  # first: what a tool did not answer is why a model was not asked again
            tools.verify()
        self.platform.verify()
        for model in self._models:
            model.verify()
        for cassette in self._cassettes:
            cassette.verify()

    def sections(self) -> list[tuple[str, str]]:
        """Title and text of what a failure shows."""
        self._isolation.settle()
        found = [("trace", self.trace.tree(durations=True))]
        if self._is_mock:
            found.append(("requests", str(self.platform.requests)))
        found += [("model", model.transcript()) for model in self._models]
        found += [("tools", tools.transcript()) for tools in self._tools]
        found += [("cassette", cassette.transcript()) for cassette in self._cassettes]
        if self._isolation.block.refused:
            found.append(("refused connections", "\n".join(self._isolation.block.refused)))
        return [(title, text) for title, text in found if text]

    def _heard_by_models(self) -> list[int]:
        return sorted(at for model in self._models for at in model.heard)

    def _take(self, request: PlatformRequest) -> None:
        if request.operation == "export_traces" and request.status == _OK:
            self._isolation.sink.arrived(request.spans)

    def _is_here(self, url: str) -> bool:
        ours = [self.platform.url, *(model.anthropic_base_url for model in self._models)]
        return any(url.startswith(f"{one}/") for one in ours)
