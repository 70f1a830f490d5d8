"""A decorated tool and a decorated agent, and how a call of one is begun on a provider of the test's own."""

from __future__ import annotations

from ams_sdk import agent, tool
from ams_sdk._decorators import definition_of

ARGUMENTS, RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"


@tool
def look(where, *more, **named):
    return where


@agent
def walker(where):
    return look(where)


def begun(provider, *args, function=look, captures=True, **kwargs):
    return provider.get_tracer("test").start_call(definition_of(function), args, kwargs, None, captures)
