"""The reference server with one rule broken, as the careless author of another platform would: a program of the tests.

``python broken_server.py MUTATION [arguments of the server]``
"""

from __future__ import annotations

import json
import sys

import starlette.applications
from sqlalchemy import or_, select, text
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ams_reference_server import answer_headers, command_line, inputs, problems
from ams_reference_server.accounts import bearer
from ams_reference_server.accounts.routes import AccountRoutes
from ams_reference_server.accounts.service import Accounts
from ams_reference_server.agents import repository as agents_kept
from ams_reference_server.agents.service import Agents
from ams_reference_server.db import Database
from ams_reference_server.errors import InvalidRequestError, NotFoundError, UnauthenticatedError
from ams_reference_server.models import agents, traces
from ams_reference_server.telemetry import otlp
from ams_reference_server.telemetry import repository as traces_kept
from ams_sdk import wire


def nothing():
    """No rule is broken: what the others find is the mutation and not the program."""


def agent_of_another_visible():
    find = agents_kept.find

    def find_anywhere(connection, owner_id, *, name, agent_id):
        found = find(connection, owner_id, name=name, agent_id=agent_id)
        wanted = select(agents.c.owner_id).where(or_(agents.c.id == agent_id, agents.c.name == name))
        others = [] if found else connection.execute(wanted).scalars().all()
        return found or next((find(connection, other, name=name, agent_id=agent_id) for other in others), None)

    agents_kept.find = find_anywhere


def trace_of_another_visible():
    find = traces_kept.find

    def find_anywhere(connection, owner_id, trace_id):
        found = find(connection, owner_id, trace_id)
        others = connection.execute(select(traces.c.owner_id).where(traces.c.trace_id == trace_id)).scalars().all()
        return found or next((find(connection, other, trace_id) for other in others), None)

    traces_kept.find = find_anywhere


def logout_does_not_revoke():
    async def say_yes(self, caller):
        pass

    Accounts.log_out = say_yes


def known_agent_is_always_200():
    register = Agents.register

    async def register_once(self, owner_id, wanted):
        agent, is_new = await register(self, owner_id, wanted)
        return agent, is_new and agent.revision.number == 1

    Agents.register = register_once


def cursor_repeats_an_item():
    page = traces_kept.page

    def from_the_last_one(connection, owner_id, wanted, *, limit, before):
        return page(
            connection, owner_id, wanted, limit=limit, before=None if before is None else (before[0], before[1] + "~")
        )

    traces_kept.page = from_the_last_one


def unknown_path_is_404_for_strangers():
    call = bearer.BearerMiddleware.__call__

    async def look_at_the_path_first(self, scope, receive, send):
        try:
            await call(self, scope, receive, send)
        except UnauthenticatedError as error:
            known = ("/api/auth/", "/api/users/me", "/api/keys", "/api/agents", "/api/traces", "/v1/traces")
            is_known = scope["path"].startswith(known) and not scope["path"].endswith("/")
            if is_known or error.code != "unauthenticated":
                raise
            raise NotFoundError from None

    bearer.BearerMiddleware.__call__ = look_at_the_path_first


def span_is_stored_twice():
    migrate = Database.migrate

    def without_the_constraint(self):
        migrate(self)
        with self._engine.begin() as connection:
            for step in (
                "CREATE TABLE copy AS SELECT * FROM spans",
                "DROP TABLE spans",
                "ALTER TABLE copy RENAME TO spans",
            ):
                connection.execute(text(step))

    Database.migrate = without_the_constraint
    traces_kept._kept_before = lambda *_: set()


def problem_has_no_request_id():
    class Nameless(wire.Problem):
        def __init__(self, **said):
            super().__init__(**said | {"request_id": None})

    problems.Problem = Nameless


def password_is_echoed():
    validated = inputs._validated

    def and_say_what_came(model, value):
        try:
            return validated(model, value)
        except InvalidRequestError as error:
            said = [one.model_copy(update={"message": f"{one.message}, not {value!r}"}) for one in error.errors]
            raise InvalidRequestError(errors=said) from None

    inputs._validated = and_say_what_came


def unknown_field_is_taken():
    for model in (wire.RegisterRequest, wire.LoginRequest, wire.ApiKeyRequest, wire.AgentRegistration):
        model.model_config["extra"] = "ignore"
        model.model_rebuild(force=True)


def key_is_shown_again():
    keys, known = AccountRoutes.keys, {}

    async def keys_with_secrets(self, request):
        answer = await keys(self, request)
        body = json.loads(answer.body)
        if request.method == "POST":
            known[body["id"]] = body["key"]
            return answer
        shown = [key | {"key": known[key["id"]]} for key in body["items"]]
        return Response(json.dumps(body | {"items": shown}), media_type="application/json")

    AccountRoutes.keys = keys_with_secrets


def head_has_a_body():
    send = RequestResponseCycle.send

    async def send_as_to_get(self, message):
        scope = self.scope
        self.scope = scope | {"method": "GET"}
        try:
            await send(self, message)
        finally:
            self.scope = scope

    RequestResponseCycle.send = send_as_to_get


def partial_success_is_missing():
    answer = otlp.answer

    def say_all_is_well(batch, media_type):
        batch.rejected = 0
        return answer(batch, media_type)

    otlp.answer = say_all_is_well


def trailing_slash_redirects():
    class Redirecting(starlette.applications.Router):
        def __setattr__(self, name, value):
            super().__setattr__(name, True if name == "redirect_slashes" else value)

    starlette.applications.Router = Redirecting


def challenge_is_missing():
    answer_to = problems.answer_to

    def without_challenge(request, error):
        answer = answer_to(request, error)
        if "www-authenticate" in answer.headers:
            del answer.headers["www-authenticate"]
        return answer

    problems.answer_to = without_challenge


def answers_may_be_stored():
    answer_headers._FOR_API = answer_headers._ALWAYS


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    sys.exit(command_line.main(sys.argv[2:]))
