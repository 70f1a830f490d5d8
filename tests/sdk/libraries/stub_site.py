"""Distributions in a folder, as an installer would leave them: libraries, and instrumentors that note what happens.

Nothing is mocked: ``importlib.metadata`` finds them by their metadata, and imports run their modules.
"""

from __future__ import annotations

INSTRUMENTOR = """
import os
from importlib import import_module

LOG = []


class Instrumentor:
    _instance = None
    is_instrumented_by_opentelemetry = False

    def __new__(cls):
        cls._instance = cls._instance or super().__new__(cls)
        return cls._instance

    def instrumentation_dependencies(self):
        return {dependencies!r}

    def instrument(self, **settings):
        {trouble}
        self.library = import_module({module!r})
        self.tracer = settings["tracer_provider"].get_tracer({module!r})
        self.content = {{name: os.environ.get(name) for name in {variables!r}}}
        self.original = getattr(self.library, "call", None)
        self.library.call = self.call
        type(self).is_instrumented_by_opentelemetry = True
        LOG.append("instrument")

    def call(self):
        with self.tracer.start_as_current_span("call of {module}", attributes={attributes!r}):
            return self.original()

    def uninstrument(self):
        self.library.call = self.original
        type(self).is_instrumented_by_opentelemetry = False
        LOG.append("uninstrument")
"""
VARIABLES = (
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
    "TRACELOOP_TRACE_CONTENT",
    "OPENINFERENCE_HIDE_INPUTS",
)


class StubSite:
    """A folder on ``sys.path`` that distributions are put into."""

    def __init__(self, folder):
        self.folder = folder

    def library(self, distribution, version="1.0", *, module=None, body=""):
        """A library with a function ``call``."""
        module = module or distribution.replace("-", "_")
        self.distribution(distribution, version)
        self._module(module, f"{body}\n\ndef call():\n    return 'called'\n")

    def instrumentor(  # noqa: PLR0913 -- each is a way in which instrumentors differ
        self,
        distribution,
        library,
        *,
        entry_point=None,
        module=None,
        needs=None,
        version="2.0",
        dependencies=(),
        trouble="pass",
        attributes=None,
    ):
        """An instrumentor of a library, at ``<distribution with underscores>:Instrumentor``."""
        name = distribution.replace("-", "_")
        extra = f"{needs or library}; extra == 'instruments'"
        self.distribution(distribution, version, requires=(extra,), entry_points={entry_point or library: name})
        self._module(
            name,
            INSTRUMENTOR.format(
                module=module or library.replace("-", "_"),
                dependencies=list(dependencies),
                trouble=trouble,
                variables=VARIABLES,
                attributes=attributes or {},
            ),
        )

    def distribution(self, name, version, *, requires=(), entry_points=None):
        """Metadata alone."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
        metadata += [f"Requires-Dist: {one}\n" for one in requires]
        metadata += ["Provides-Extra: instruments\n"] if requires else []
        (info / "METADATA").write_text("".join(metadata))
        if entry_points:
            lines = [f"{key} = {module}:Instrumentor" for key, module in entry_points.items()]
            (info / "entry_points.txt").write_text("\n".join(["[opentelemetry_instrumentor]", *lines, ""]))

    def _module(self, module, body):
        *parents, name = module.split(".")
        folder = self.folder
        for parent in parents:
            folder /= parent
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        (folder / f"{name}.py").write_text(body)
