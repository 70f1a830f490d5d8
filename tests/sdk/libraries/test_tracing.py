import importlib
import logging
import os
import subprocess
import sys
import threading

import pytest

import ams_sdk
from ams_sdk import _lifecycle, agent
from ams_sdk._errors import ConfigurationError

GENAI = "opentelemetry-instrumentation-genai-openai"
CONTENT, TRACELOOP = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "TRACELOOP_TRACE_CONTENT"
CHAT = {"gen_ai.operation.name": "chat"}


def instrumentor(distribution=GENAI):
    return sys.modules[distribution.replace("-", "_")]


def names(recorder):
    return [span.name for span in recorder.spans]


def test_a_library_is_traced_from_its_first_import_on(openai, recorder, traced):
    recorder.configure()
    assert "openai" not in sys.modules
    import openai as library

    @agent
    def asking():
        return library.call()

    assert asking() == "called"
    call, run = recorder.one("call of openai"), recorder.one("invoke_agent asking")
    assert call.parent.span_id == run.context.span_id
    assert traced() == {"openai": GENAI}


def test_one_that_is_imported_already_is_traced_from_configure_on(openai, recorder):
    import openai as library

    recorder.configure()
    library.call()
    assert names(recorder) == ["call of openai"]


def test_a_library_that_is_never_imported_costs_nothing(openai, recorder):
    recorder.configure()
    assert not {"openai", GENAI.replace("-", "_")} & set(sys.modules)


def test_the_module_that_is_imported_keeps_its_own_loader(openai, recorder):
    recorder.configure()
    import openai as library

    assert type(library.__spec__.loader).__module__ == "_frozen_importlib_external"
    assert library.__loader__ is library.__spec__.loader
    assert importlib.reload(library) is library
    assert importlib.util.find_spec("openai").origin == library.__file__


def test_nothing_watches_imports_when_nothing_is_left_to_be_traced(openai, recorder):
    recorder.configure(auto_trace=["openai"])
    watch = _lifecycle._process.libraries._watch
    assert watch in sys.meta_path
    importlib.import_module("openai")
    assert watch not in sys.meta_path
    recorder.configure()
    assert watch in sys.meta_path
    ams_sdk.shutdown()
    assert watch not in sys.meta_path


def test_an_import_that_fails_is_no_first_import(site, recorder, traced):
    site.library("openai", body="import os\nif 'BROKEN' in os.environ: raise RuntimeError('broken')")
    site.instrumentor(GENAI, "openai")
    recorder.configure()
    os.environ["BROKEN"] = "yes"
    try:
        with pytest.raises(RuntimeError, match="broken"):
            importlib.import_module("openai")
    finally:
        del os.environ["BROKEN"]
    assert traced() == {}
    importlib.import_module("openai")
    assert traced() == {"openai": GENAI}


def test_a_framework_is_complete_before_anything_that_it_imports_is_instrumented(site, recorder, traced):
    site.library("openai")
    site.instrumentor(GENAI, "openai", trouble="import agents; agents.Runner")
    site.library("openai-agents", module="agents", body="import openai\nclass Runner: pass")
    site.instrumentor(
        "opentelemetry-instrumentation-genai-openai-agents",
        "openai-agents",
        entry_point="openai_agents",
        module="agents",
    )
    recorder.configure()
    importlib.import_module("agents")
    assert set(traced()) == {"openai", "openai-agents"}


def test_an_instrumentor_that_imports_another_library_is_complete_before_that_one_is_instrumented(
    site, recorder, traced
):
    site.library("groq")
    site.library("openai")
    site.instrumentor(GENAI, "openai")
    site.instrumentor("opentelemetry-instrumentation-groq", "groq", trouble="import openai")
    recorder.configure()
    importlib.import_module("groq")
    assert list(traced()) == ["groq", "openai"]


def test_many_threads_that_import_at_once_instrument_once(openai, recorder):
    recorder.configure()
    gate = threading.Barrier(8)

    def run():
        gate.wait()
        importlib.import_module("openai")

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert instrumentor().LOG == ["instrument"]


def test_configuring_anew_while_others_import_instruments_once(site, recorder):
    for name in ("openai", "anthropic", "groq", "cohere"):
        site.library(name)
        site.instrumentor(f"opentelemetry-instrumentation-{name}", name)
    recorder.configure()
    gate = threading.Barrier(4)

    def run(name):
        gate.wait()
        importlib.import_module(name)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("openai", "groq", "cohere")]
    for thread in threads:
        thread.start()
    gate.wait()
    for _ in range(3):
        recorder.configure()
    importlib.import_module("anthropic")
    for thread in threads:
        thread.join()
    recorder.configure()
    for name in ("openai", "anthropic", "groq", "cohere"):
        assert instrumentor(f"opentelemetry-instrumentation-{name}").LOG == ["instrument"]


@pytest.fixture
def half_way(site, recorder):
    """Another thread is in the midst of instrumenting; calling this lets it go on, and waits for its end."""
    site.library("openai")
    site.library("gate", body="import threading\nreached, opened = threading.Event(), threading.Event()")
    site.instrumentor(GENAI, "openai", trouble="import gate; gate.reached.set(); gate.opened.wait(20)")
    recorder.configure()
    gate = importlib.import_module("gate")
    thread = threading.Thread(target=importlib.import_module, args=("openai",))
    thread.start()
    assert gate.reached.wait(20)

    def go_on():
        gate.opened.set()
        thread.join()

    yield go_on
    go_on()


def test_configuring_anew_while_another_thread_instruments_counts_for_it_too(half_way, recorder, traced):
    recorder.configure(capture_content=False)
    recorder.configure(capture_content=False)
    half_way()
    assert traced() == {"openai": GENAI}
    assert instrumentor().Instrumentor().content[CONTENT] == "NO_CONTENT"
    recorder.configure(capture_content=False)
    assert instrumentor().LOG.count("instrument") - instrumentor().LOG.count("uninstrument") == 1
    assert instrumentor().LOG == ["instrument", "uninstrument", "instrument"]


def test_shutdown_while_another_thread_instruments_leaves_nothing_instrumented(half_way, traced):
    ams_sdk.shutdown()
    half_way()
    assert traced() == {}
    assert instrumentor().LOG == ["instrument", "uninstrument"]


def test_configuring_anew_goes_on_with_what_is_traced(openai, recorder):
    import openai as library

    recorder.configure()
    library.call()
    first = recorder.spans
    recorder.exporter = type(recorder.exporter)()
    recorder.configure()
    library.call()
    assert [span.name for span in first] == names(recorder) == ["call of openai"]
    assert instrumentor().LOG == ["instrument"]


def test_shutdown_takes_back_what_was_instrumented(openai, recorder, traced):
    import openai as library

    recorder.configure()
    wrapped = library.call
    ams_sdk.shutdown()
    assert library.call is not wrapped
    assert instrumentor().LOG == ["instrument", "uninstrument"]
    assert traced() == {}
    wrapped()  # who kept it calls the library, and nothing is traced
    recorder.exporter = type(recorder.exporter)()
    recorder.configure(auto_trace=False)
    wrapped()
    assert names(recorder) == []


def test_what_the_application_instrumented_before_is_left_alone(openai, recorder, traced):
    importlib.import_module("openai")
    theirs = importlib.import_module(GENAI.replace("-", "_"))
    theirs.Instrumentor().is_instrumented_by_opentelemetry = True
    recorder.configure()
    ams_sdk.shutdown()
    assert theirs.LOG == []
    assert traced() == {}


def test_what_the_application_traces_with_another_instrumentor_is_left_alone(openai, site, recorder, traced):
    other = "openinference-instrumentation-openai"
    site.instrumentor(other, "openai")
    theirs = importlib.import_module(other.replace("-", "_"))
    theirs.Instrumentor().is_instrumented_by_opentelemetry = True
    recorder.configure()
    importlib.import_module("openai")
    assert traced() == {}
    assert GENAI.replace("-", "_") not in sys.modules


def test_an_application_that_instruments_later_takes_over(openai, recorder, traced):
    from opentelemetry.sdk.trace import TracerProvider

    recorder.configure()
    importlib.import_module("openai")
    ours = instrumentor().Instrumentor()
    ours.instrument(tracer_provider=TracerProvider())
    assert instrumentor().LOG == ["instrument", "uninstrument", "instrument"]
    assert traced() == {}
    ams_sdk.shutdown()
    assert ours.is_instrumented_by_opentelemetry
    sys.modules["openai"].call()
    assert recorder.exporter.get_finished_spans() == ()


def test_one_that_the_application_took_back_itself_is_not_taken_back_again(openai, recorder):
    recorder.configure()
    importlib.import_module("openai")
    instrumentor().Instrumentor().uninstrument()
    ams_sdk.shutdown()
    assert instrumentor().LOG == ["instrument", "uninstrument"]


def test_an_instrumentor_that_fails_is_counted_and_the_program_goes_on(site, recorder, traced, held_back, caplog):
    site.library("openai")
    site.instrumentor(GENAI, "openai", trouble="raise RuntimeError('no')")
    recorder.configure()
    with caplog.at_level(logging.INFO):
        assert importlib.import_module("openai").call() == "called"
    assert traced() == {}
    assert [(place, str(error)) for place, error in held_back] == [("tracing openai", "no")]
    assert caplog.records == []
    assert ams_sdk.stats().swallowed["tracing openai"] >= 1
    held_back.clear()


def test_one_whose_own_requirements_are_not_met_is_left_out_with_a_line_for_the_curious(site, recorder, traced, caplog):
    site.library("openai")
    site.instrumentor(GENAI, "openai", dependencies=["openai >= 9"])
    recorder.configure()
    with caplog.at_level(logging.DEBUG, "ams_sdk"):
        importlib.import_module("openai")
    assert traced() == {}
    assert "does not trace openai: it needs openai>=9, and 1.0 is installed" in caplog.text


@pytest.mark.parametrize(("setting", "expected"), [(False, []), ([], []), (["groq"], []), ("openai", ["openai"])])
def test_only_what_is_named_is_traced(openai, recorder, traced, setting, expected):
    recorder.configure(auto_trace=setting)
    importlib.import_module("openai")
    assert list(traced()) == expected


def test_a_library_that_is_no_longer_named_is_taken_back(openai, recorder, traced):
    recorder.configure()
    importlib.import_module("openai")
    recorder.configure(auto_trace=["groq"])
    assert traced() == {}
    assert instrumentor().LOG == ["instrument", "uninstrument"]


@pytest.mark.parametrize("wrong", [["opnai"], "openai,opnai", ("x",)])
def test_a_name_that_is_not_known_is_refused_with_those_that_are(recorder, wrong):
    with pytest.raises(
        ConfigurationError, match=r"^auto_trace cannot be used: it knows no (opnai|x)\. It knows: openai, "
    ):
        recorder.configure(auto_trace=wrong)


@pytest.mark.parametrize("wrong", [3, [3], {"openai": True}])
def test_what_is_no_list_of_names_is_refused(recorder, wrong):
    with pytest.raises(ConfigurationError, match=r"write True, False, or a list of names"):
        recorder.configure(auto_trace=wrong)


@pytest.mark.parametrize(
    ("captures", "before", "seen"),
    [
        (True, None, "SPAN_ONLY"),
        (True, "EVENT_ONLY", "EVENT_ONLY"),
        (True, "NO_CONTENT", "NO_CONTENT"),
        (False, None, "NO_CONTENT"),
        (False, "SPAN_ONLY", "NO_CONTENT"),
        (False, "span_and_event", "EVENT_ONLY"),
    ],
)
def test_official_instrumentors_find_what_capture_content_says_and_the_environment_is_put_back(  # noqa: PLR0913, PLR0917 -- fixtures
    openai, recorder, monkeypatch, captures, before, seen
):
    if before is not None:
        monkeypatch.setenv(CONTENT, before)
    recorder.configure(capture_content=captures)
    importlib.import_module("openai")
    assert instrumentor().Instrumentor().content[CONTENT] == seen
    assert os.environ.get(CONTENT) == before
    assert instrumentor().Instrumentor().content["OPENINFERENCE_HIDE_INPUTS"] == (None if captures else "true")
    assert "OPENINFERENCE_HIDE_INPUTS" not in os.environ


def test_one_that_asks_once_is_instrumented_anew_when_content_is_to_be_recorded_otherwise(openai, recorder):
    recorder.configure()
    importlib.import_module("openai")
    recorder.configure(capture_content=False)
    assert instrumentor().LOG == ["instrument", "uninstrument", "instrument"]
    assert instrumentor().Instrumentor().content[CONTENT] == "NO_CONTENT"


def test_one_that_asks_at_each_call_finds_the_answer_as_long_as_it_is_in_use(site, recorder, monkeypatch):
    monkeypatch.setenv(TRACELOOP, "true")
    site.library("openai")
    site.instrumentor("opentelemetry-instrumentation-openai", "openai")
    recorder.configure(capture_content=False)
    assert os.environ[TRACELOOP] == "true"  # nobody asks yet
    importlib.import_module("openai")
    assert os.environ[TRACELOOP] == "false"
    recorder.configure(capture_content=True)
    assert os.environ[TRACELOOP] == "true"
    recorder.configure(capture_content=False)
    assert os.environ[TRACELOOP] == "false"
    ams_sdk.shutdown()
    assert os.environ[TRACELOOP] == "true"
    assert instrumentor("opentelemetry-instrumentation-openai").LOG == ["instrument", "uninstrument"]


def test_a_call_of_a_model_inside_a_call_of_a_model_is_one_span(site, recorder):
    site.library("litellm", body="import openai")
    site.library("openai")
    site.instrumentor("opentelemetry-instrumentation-litellm", "litellm", attributes=CHAT)
    site.instrumentor(GENAI, "openai", attributes={"openinference.span.kind": "LLM"})
    recorder.configure()
    library = importlib.import_module("litellm")
    instrumentor("opentelemetry-instrumentation-litellm").Instrumentor().original = library.openai.call
    assert library.call() == library.openai.call() == "called"
    assert names(recorder) == ["call of litellm", "call of openai"]


def test_an_http_client_is_traced_where_there_is_a_trace_and_begins_none(site, recorder):
    site.library("requests")
    site.instrumentor("opentelemetry-instrumentation-requests", "requests")
    recorder.configure()
    library = importlib.import_module("requests")
    library.call()

    @agent
    def asking():
        return library.call()

    asking()
    assert names(recorder) == ["call of requests", "invoke_agent asking"]


def test_a_provider_that_the_application_sets_later_gets_the_spans(site, openai):
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import ams_sdk
ams_sdk.configure(exporters=[InMemorySpanExporter()])
import openai
theirs = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(theirs))
trace.set_tracer_provider(provider)
openai.call()
print([span.name for span in theirs.get_finished_spans()])
"""
    run = [sys.executable, "-W", "error", "-c", program, str(site.folder)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("['call of openai']\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_library_that_the_child_of_a_fork_imports_first_is_traced_there(site, openai):
    program = """
import os, sys
sys.path.insert(0, sys.argv[1])
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
import ams_sdk
from ams_sdk import _lifecycle
exporter = InMemorySpanExporter()
ams_sdk.configure(exporters=[exporter])
child = os.fork()
import openai
openai.call()
assert ams_sdk.flush()
said = f"{_lifecycle._process.libraries.traced()} {[span.name for span in exporter.get_finished_spans()]}"
os.write(1, f"{said}\\n".encode())  # in one piece: the other process writes too
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    # From Python 3.12 on, forking a process that has threads is worth a DeprecationWarning.
    ignored = ["-W", "ignore::DeprecationWarning"]
    run = [sys.executable, "-W", "error::UserWarning", *ignored, "-c", program, str(site.folder)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{{'openai': '{GENAI}'}} ['call of openai']"] * 2
    assert done.stderr == ""


def test_the_first_decorated_call_configures_and_traces_libraries_too(site, openai, sink):
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import openai
from ams_sdk import _lifecycle, agent
@agent
def asking():
    return openai.call()
assert asking() == "called"
print(_lifecycle._process.libraries.traced() if _lifecycle._process.libraries else None)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"AMS_ENDPOINT": sink.url, "AMS_API_KEY": "none", "AMS_SPOOL_DIR": "none"}
    run = [sys.executable, "-W", "error", "-c", program, str(site.folder)]
    on = subprocess.run(run, capture_output=True, text=True, check=True, env=environment)
    off = subprocess.run(run, capture_output=True, text=True, check=True, env=environment | {"AMS_AUTO_TRACE": "off"})
    assert (on.stdout, on.stderr) == (f"{{'openai': '{GENAI}'}}\n", "")
    assert (off.stdout, off.stderr) == ("None\n", "")
