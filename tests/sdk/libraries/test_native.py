import importlib
import sys

import pytest

import ams_sdk

PYDANTIC_AI = """
class Agent:
    _instrument_default = False

    @staticmethod
    def instrument_all(instrument=True):
        Agent._instrument_default = instrument
"""
SETTINGS = """
class InstrumentationSettings:
    def __init__(self, *, tracer_provider, include_content):
        self.tracer_provider, self.include_content = tracer_provider, include_content
"""


@pytest.fixture
def pydantic_ai(site, monkeypatch):
    site.library("pydantic-ai-slim", "2.60", module="pydantic_ai.models.instrumented", body=SETTINGS)
    (site.folder / "pydantic_ai" / "__init__.py").write_text(PYDANTIC_AI)


@pytest.fixture
def switch(pydantic_ai):
    return lambda: importlib.import_module("pydantic_ai").Agent


@pytest.mark.parametrize("captures", [True, False])
def test_its_own_tracing_is_turned_on_at_its_first_import_and_off_again(recorder, switch, traced, captures):
    recorder.configure(capture_content=captures)
    assert "pydantic_ai" not in sys.modules
    settings = switch()._instrument_default
    assert settings.include_content is captures
    settings.tracer_provider.get_tracer("pydantic-ai").start_span("a run").end()
    assert recorder.one("a run").instrumentation_scope.name == "pydantic-ai"
    assert traced() == {"pydantic-ai": "pydantic-ai"}
    ams_sdk.shutdown()
    assert switch()._instrument_default is False


@pytest.mark.parametrize("before", [True, False])
def test_the_applications_own_switch_is_left_alone(recorder, switch, before):
    if before:
        switch().instrument_all("theirs")
    recorder.configure()
    if not before:
        switch().instrument_all("theirs")
    ams_sdk.shutdown()
    assert switch()._instrument_default == "theirs"


def test_an_older_one_is_not_known_to_trace_itself(site, recorder, traced):
    site.library("pydantic-ai-slim", "1.9", module="pydantic_ai.models.instrumented", body=SETTINGS)
    (site.folder / "pydantic_ai" / "__init__.py").write_text(PYDANTIC_AI)
    recorder.configure()
    assert importlib.import_module("pydantic_ai").Agent._instrument_default is False
    assert traced() == {}
