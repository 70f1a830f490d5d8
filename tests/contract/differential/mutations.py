"""Rules of the contract that the mock can be made to break, one at a time."""

from __future__ import annotations

from ams_sdk.testing._platform import bodies, gateway, otlp, routes
from ams_sdk.testing._platform.accounts import Accounts
from ams_sdk.testing._platform.agents import AgentRegistry
from ams_sdk.testing._platform.credentials import Credentials
from ams_sdk.testing._platform.email_address import EmailAddress
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing._platform.trace_summary import Summary
from ams_sdk.testing._platform.traces import TraceStore


def an_address_is_compared_as_it_is_typed(patch):
    parse = EmailAddress.parse
    patch.setattr(EmailAddress, "parse", lambda text: EmailAddress(parse(text).shown, parse(text).shown))


def a_token_outlives_its_logout(patch):
    patch.setattr(Credentials, "revoke", lambda _self, _bearer: None)


def a_deleted_key_is_still_good(patch):
    patch.setattr(
        Credentials,
        "delete_key",
        lambda self, user_id, key_id: any(known.key.id == key_id for known in self.keys_of(user_id)),
    )


def keys_are_listed_oldest_first(patch):
    keys_of = Credentials.keys_of
    patch.setattr(Credentials, "keys_of", lambda self, user_id: keys_of(self, user_id)[::-1])


def an_agent_of_another_account_is_read(patch):
    find = AgentRegistry.find

    def find_any(self, owner_id, id_or_name):
        named = [agent for agent in self if id_or_name == str(agent.id)]
        return named[0] if named else find(self, owner_id, id_or_name)

    patch.setattr(AgentRegistry, "find", find_any)


def labels_make_a_new_revision(patch):
    register = AgentRegistry.register

    def register_labels(self, owner_id, wanted, now):
        labels = {"labels": "".join(f"{name}{text}" for name, text in sorted(wanted.labels.items()))}
        return register(self, owner_id, wanted.model_copy(update={"sdk": str(labels)}), now)

    patch.setattr(AgentRegistry, "register", register_labels)


def a_revision_leaves_the_time_of_change(patch):
    register = AgentRegistry.register

    def register_silently(self, owner_id, wanted, now):
        known = self._kept.get((owner_id, wanted.name))
        agent, is_new = register(self, owner_id, wanted, now)
        return (agent if known is None else agent.model_copy(update={"updated_at": known.agent.updated_at})), is_new

    patch.setattr(AgentRegistry, "register", register_silently)


def a_page_may_have_201_items(patch):
    read = bodies.read_query

    def read_one_more(request, model):
        query = request.query.replace("limit=201", "limit=200")
        return read(type(request)(request.method, f"{request.path}?{query}", request.headers), model)

    patch.setattr(bodies, "read_query", read_one_more)


def a_span_that_comes_twice_counts_twice(patch):
    take_in = TraceStore.take_in

    def take_in_again(self, owner_id, spans):
        spans = list(spans)
        twice = [span for span in spans if self._has(owner_id, span)]
        take_in(self, owner_id, spans)
        for span in twice:
            self._kept[owner_id, span.trace_id].summary.span_count += 1

    def has(self, owner_id, span):
        kept = self._kept.get((owner_id, span.trace_id))
        return kept is not None and span.span_id in kept.spans

    patch.setattr(TraceStore, "_has", has, raising=False)
    patch.setattr(TraceStore, "take_in", take_in_again)


def a_span_below_decides_over_the_root(patch):
    take_error = Summary._take_error

    def take_any(self, span, age, *, is_root):
        take_error(self, span, span.started_ns if is_root else age, is_root=False)

    patch.setattr(Summary, "_take_error", take_any)


def what_stands_behind_a_gzip_stream_is_ignored(patch):
    unpack = otlp.unpack
    patch.setattr(otlp, "unpack", lambda body, encoding: unpack(body.removesuffix(b"x"), encoding))


def an_id_in_upper_case_is_another(patch):
    find = TraceStore.find
    patch.setattr(
        TraceStore,
        "find",
        lambda self, owner_id, trace_id: find(self, owner_id, trace_id if trace_id.islower() else "x"),
    )


def an_unknown_path_is_open(patch):
    route_of = routes.route_of

    def open_if_unknown(method, path):
        route = route_of(method, path)
        return route._replace(is_open=route.is_open or not (route.operation or route.allowed))

    patch.setattr(gateway, "route_of", open_if_unknown)


def head_is_not_in_allow(patch):
    route_of = routes.route_of

    def without_head(method, path):
        route = route_of(method, path)
        return route._replace(allowed=tuple(name for name in route.allowed if name != "HEAD"))

    patch.setattr(gateway, "route_of", without_head)


def an_unknown_field_is_ignored(patch):
    validated = bodies._validated

    def forgiving(model, value):
        known = (
            {name: value[name] for name in value if name in model.model_fields} if isinstance(value, dict) else value
        )
        return validated(model, known)

    patch.setattr(bodies, "_validated", forgiving)


def answers_may_be_cached(patch):
    finished = Gateway.finished

    def cached(self, exchange, response):
        answer = finished(self, exchange, response)
        headers = tuple(header for header in answer.headers if header[0] != "cache-control")
        return type(answer)(answer.status, headers, answer.body, answer.delay, answer.ending)

    patch.setattr(Gateway, "finished", cached)


def what_follows_a_right_password_is_ignored(patch):
    log_in = Accounts.log_in

    def log_in_by_the_first_letters(self, wanted, now):
        known = wanted.password[:15] if wanted.password.startswith("Correct-horse-7") else wanted.password
        return log_in(self, wanted.model_copy(update={"password": known}), now)

    patch.setattr(Accounts, "log_in", log_in_by_the_first_letters)


MUTATIONS = [
    an_address_is_compared_as_it_is_typed,
    a_token_outlives_its_logout,
    a_deleted_key_is_still_good,
    keys_are_listed_oldest_first,
    an_agent_of_another_account_is_read,
    labels_make_a_new_revision,
    a_revision_leaves_the_time_of_change,
    a_page_may_have_201_items,
    a_span_that_comes_twice_counts_twice,
    a_span_below_decides_over_the_root,
    what_stands_behind_a_gzip_stream_is_ignored,
    an_id_in_upper_case_is_another,
    an_unknown_path_is_open,
    head_is_not_in_allow,
    an_unknown_field_is_ignored,
    answers_may_be_cached,
    what_follows_a_right_password_is_ignored,
]
