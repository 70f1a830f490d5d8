import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._libraries import LIBRARIES, select
from ams_sdk._libraries.survey import Offer, Survey
from ams_sdk._libraries.table import Kind

OFFICIAL, LEGACY = "opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-openai-v2"
OPENLLMETRY, OPENINFERENCE = "opentelemetry-instrumentation-openai", "openinference-instrumentation-openai"
BY_PREFERENCE = [OFFICIAL, LEGACY, OPENLLMETRY, OPENINFERENCE, "acme-openai-tracing"]


def finding(name):
    (library,) = select([name])
    return Survey().of(library)


def test_of_several_instrumentors_the_first_by_the_rule_is_taken_and_the_others_are_told_why(site):
    site.library("openai", "3.5")
    for distribution in BY_PREFERENCE[::-1]:
        site.instrumentor(distribution, "openai")
    found = finding("openai")
    assert (found.installed, found.reason) == ("3.5", "")
    assert found.chosen.distribution == OFFICIAL
    assert [(offer.distribution, why) for offer, why in found.passed_over] == [
        (name, f"{OFFICIAL} goes first") for name in BY_PREFERENCE[1:]
    ]


@given(st.permutations(BY_PREFERENCE))
def test_the_rule_does_not_depend_on_the_order_in_which_they_are_found(names):
    offers = [Offer(None, name, "1", "") for name in names]
    assert [offer.distribution for offer in sorted(offers, key=lambda offer: offer.rank)] == BY_PREFERENCE


def test_one_that_does_not_suit_the_installed_version_is_passed_over(site):
    site.library("openai", "5.0")
    site.instrumentor(OFFICIAL, "openai", needs="openai<4,>=1.26")
    site.instrumentor(OPENINFERENCE, "openai")
    found = finding("openai")
    assert found.chosen.distribution == OPENINFERENCE
    ((offer, why),) = found.passed_over
    assert offer.distribution == OFFICIAL
    assert why == "it needs openai<4,>=1.26, and 5.0 is installed"


def test_a_prerelease_of_the_library_is_a_version_like_any_other(site):
    site.library("openai", "3.0b1")
    site.instrumentor(OFFICIAL, "openai", needs="openai<4,>=1.26")
    assert finding("openai").chosen.distribution == OFFICIAL


def test_nothing_is_chosen_for_what_is_not_installed_or_has_no_instrumentor(site):
    site.instrumentor(OFFICIAL, "openai")
    site.library("anthropic")
    site.library("groq", "9")
    site.instrumentor("opentelemetry-instrumentation-groq", "groq", needs="groq<1")
    assert finding("openai").reason == "not installed"
    assert finding("anthropic").reason == "no instrumentor is installed"
    assert finding("groq").reason == "no instrumentor suits it"


@pytest.mark.parametrize("disabled", ["*", "openai", "redis, openai"])
def test_what_opentelemetry_is_told_to_leave_alone_is_left_alone(site, monkeypatch, disabled):
    site.library("openai")
    site.instrumentor(OFFICIAL, "openai")
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", disabled)
    found = finding("openai")
    assert (found.chosen, found.reason) == (None, "turned off by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")


def test_a_library_that_traces_itself_needs_no_instrumentor(site):
    site.library("mcp", "2.0")
    site.instrumentor("opentelemetry-instrumentation-mcp", "mcp")
    found = finding("mcp")
    assert (found.installed is not None, found.chosen, found.reason) == (True, None, "")  # it traces itself
    assert (found.chosen, found.reason) == (None, "")
    assert [why for _, why in found.passed_over] == ["the library traces itself"]


def test_before_it_did_it_is_instrumented(site):
    site.library("mcp", "1.9")
    site.instrumentor("opentelemetry-instrumentation-mcp", "mcp")
    assert finding("mcp").chosen.distribution == "opentelemetry-instrumentation-mcp"


@pytest.mark.parametrize(
    ("installed", "suits"), [("1.0", True), ("3.0", True), ("2.0", False)], ids=["the first", "the second", "neither"]
)
def test_where_any_of_several_will_do_one_is_enough(site, installed, suits):
    site.library("groq", installed)
    any_of = [f"groq{which}; extra == 'instruments-any'" for which in ("<2", ">2")]
    site.distribution("opentelemetry-instrumentation-groq", "1", requires=any_of, entry_points={"groq": "nowhere"})
    assert (finding("groq").chosen is not None) is suits


def test_a_requirement_that_cannot_be_read_is_not_met(site):
    site.library("groq")
    wrong = ["groq ~~ 1; extra == 'instruments'"]
    site.distribution("opentelemetry-instrumentation-groq", "1", requires=wrong, entry_points={"groq": "nowhere"})
    assert finding("groq").chosen is not None  # as far as can be read, it needs nothing
    assert Survey().conflict(["groq ~~ 1"]) == "it requires 'groq ~~ 1', which cannot be read"


def test_other_spellings_of_an_entry_point_are_the_same_library(site):
    site.library("llama-index-core", module="llama_index.core")
    names = {"opentelemetry-instrumentation-llamaindex": "llama-index"}
    names["opentelemetry-instrumentation-genai-llama-index"] = "llama_index"
    for distribution, entry_point in names.items():
        site.instrumentor(distribution, "llama-index-core", entry_point=entry_point)
    found = finding("llama-index")
    assert found.chosen.distribution == "opentelemetry-instrumentation-genai-llama-index"
    assert len(found.passed_over) == 1


def test_looking_imports_nothing(site, openai):
    before = set(sys.modules)
    assert all(Survey().of(library).library is library for library in LIBRARIES)
    assert {name for name in set(sys.modules) - before if "openai" in name} == set()


@given(st.sets(st.sampled_from([library.name for library in LIBRARIES])))
def test_names_select_their_rows_in_the_order_of_the_table_however_they_are_spelled(names):
    spelled = [name.upper().replace("-", "_") for name in names]
    assert select(spelled) == tuple(library for library in LIBRARIES if library.name in names)
    assert select(wanted=False) == ()
    assert select(wanted=True) == LIBRARIES


def test_the_table_has_no_two_rows_for_one_name_or_entry_point():
    for spelling in (lambda row: (row.name,), lambda row: row.entry_points, lambda row: row.modules):
        found = [name for row in LIBRARIES for name in spelling(row)]
        assert len(found) == len(set(found))
    assert {row.kind for row in LIBRARIES} == set(Kind)


def test_what_is_installed_is_read_again_only_if_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    first = Survey.latest()
    assert Survey.latest() is first
    (tmp_path / "another-1.0.dist-info").mkdir()
    os.utime(tmp_path, ns=(1, 1))
    assert Survey.latest() is not first
    monkeypatch.syspath_prepend(str(tmp_path / "not there"))
    assert Survey.latest() is not first
