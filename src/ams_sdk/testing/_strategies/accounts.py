"""Addresses, passwords, registrations and keys: what a platform accepts, and what it refuses by which rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.email_address import EmailAddress, InvalidEmailError
from ams_sdk.testing._platform.password_policy import broken_rules, composed
from ams_sdk.testing._strategies.bounds import check_choice
from ams_sdk.testing._strategies.texts import texts
from ams_sdk.wire import ApiKeyRequest, RegisterRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

__all__ = [
    "PasswordRule",
    "Refused",
    "api_key_requests",
    "email_spellings",
    "emails",
    "passwords",
    "refused_emails",
    "refused_passwords",
    "registrations",
]

PasswordRule = Literal[
    "too_short", "too_long", "no_lowercase", "no_uppercase", "no_digit", "no_symbol", "too_common", "is_email"
]
"""A rule for passwords by its ``code`` in a problem's ``errors``."""

_RULES: Final[tuple[PasswordRule, ...]] = get_args(PasswordRule)
_LOCAL: Final = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9_+-]{0,9}(\.[a-z0-9]{1,6}){0,2}", fullmatch=True),
    st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=8),
)
_DOMAINS: Final = st.one_of(
    st.just("example.org"),
    st.sampled_from(["b\u00fccher.example", "xn--bcher-kva.example", "\u4f8b\u3048.example"]),
    st.from_regex(r"[a-z]([a-z0-9]{0,6}[a-z])?\.(com|net|example)", fullmatch=True),
)
_FULL_WIDTH: Final = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F) if chr(code).isalnum()}
"""Letters and digits in Unicode's block FF01 to FF5E."""


class Refused(NamedTuple):
    """Something that a platform refuses.

    Attributes:
        text: what is refused.
        codes: the rules that it breaks, in the order of the contract; as ``code`` in a problem's ``errors``.
        why: what is wrong, for people.
    """

    text: str
    codes: tuple[str, ...]
    why: str


# --- addresses --------------------------------------------------------------------------------------------------------


def emails(*, domains: SearchStrategy[str] | None = None) -> SearchStrategy[str]:
    """E-mail addresses that the contract accepts: plain ones, and international ones in both halves.

    Args:
        domains: what stands behind the @.
    """
    found = st.tuples(_LOCAL, _DOMAINS if domains is None else domains).map("@".join)
    return found.filter(lambda email: _key(email) is not None)


def email_spellings(email: str) -> SearchStrategy[str]:
    """Other spellings of one address: letter case, blanks around it, full-width letters. To the contract all are one.

    Raises:
        ConfigurationError: the address is none.
    """
    return _spellings(email.strip(), _checked_key("email_spellings", email))


@st.composite
def _spellings(draw: DrawFn, email: str, key: str) -> str:
    local, _, domain = email.rpartition("@")
    ways = st.sampled_from(_WAYS)
    spelt = "".join(draw(ways)(one) for one in local)
    around = st.sampled_from(["", " ", "\t"])
    found = f"{draw(around)}{spelt}@{draw(st.sampled_from([domain, domain.upper()]))}{draw(around)}"
    # Some letters have no way back from the other case.
    return found if _key(found) == key else email


def _full_width(character: str) -> str:
    return _FULL_WIDTH.get(character, character)


_WAYS: Final[tuple[Callable[[str], str], ...]] = (str, str.upper, str.lower, _full_width)


def refused_emails() -> SearchStrategy[Refused]:
    """Texts that are no e-mail address by the contract, each with the reason; the code is ``invalid_email``."""
    local, domain = st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.just("example.org")
    broken = (
        ("it has no @", local),
        ("nothing stands before the @", domain.map("@{}".format)),
        ("nothing stands behind the @", local.map("{}@".format)),
        ("its domain has no dot", st.tuples(local, local).map("@".join)),
        ("its domain has an empty label", local.map("{}@example..org".format)),
        ("two dots follow each other", st.tuples(local, local).map(lambda both: "..".join(both) + "@example.org")),
        ("it begins with a dot", local.map(".{}@example.org".format)),
        ("a dot stands before the @", local.map("{}.@example.org".format)),
        ("it has a blank within", st.tuples(local, local).map(lambda both: " ".join(both) + "@example.org")),
        ("it has two @", st.tuples(local, local).map(lambda both: "@".join(both) + "@example.org")),
        ("it has quotes", local.map('"{}"@example.org'.format)),
        ("a look-alike stands for an @", local.map("{}\uff20b@example.org".format)),
        ("its local part has more than 64 bytes", st.integers(65, 80).map(lambda size: "a" * size + "@example.org")),
        ("it has more than 254 bytes", st.integers(5, 6).map(lambda size: "a@" + ("b" * 61 + ".") * size + "org")),
    )
    return st.one_of(*(_as_refused(found, why) for why, found in broken))


def _as_refused(found: SearchStrategy[str], why: str) -> SearchStrategy[Refused]:
    return found.map(lambda text: Refused(text, ("invalid_email",), why))


def _key(email: str) -> str | None:
    try:
        return EmailAddress.parse(email).key
    except InvalidEmailError:
        return None


def _checked_key(strategy: str, email: str) -> str:
    key = _key(email)
    if key is None:
        raise ConfigurationError(
            f"{strategy}(email={email!r}): this is no address that a platform accepts; write one like ada@example.org."
        )
    return key


# --- passwords --------------------------------------------------------------------------------------------------------


def passwords(*, email: str | None = None) -> SearchStrategy[str]:
    """Passwords that the contract's policy ``complexity`` accepts: 8 to 128 code points, of four kinds.

    Args:
        email: of the account, which the password must not be.

    Raises:
        ConfigurationError: the address is none.
    """
    if email is not None:
        _checked_key("passwords", email)
    address = EmailAddress.parse(email or "ada@example.org")
    return _passwords().filter(lambda password: not broken_rules(composed(password), address))


@st.composite
def _passwords(draw: DrawFn) -> str:
    needed = [draw(st.characters(categories=[kind], max_codepoint=0x24F)) for kind in ("Ll", "Lu")]
    needed += [draw(st.sampled_from("0123456789")), draw(st.sampled_from("-!?#_ \u20ac\U0001f9a6"))]
    rest = draw(texts(min_size=4, max_size=draw(st.sampled_from([8, 124]))))
    return "".join(draw(st.permutations(needed))) + rest


def refused_passwords(*, rule: PasswordRule | None = None, email: str = "Ada1@example.org") -> SearchStrategy[Refused]:
    """Passwords that the contract refuses, each with every rule that it breaks.

    Args:
        rule: one that each breaks; any if not given.
        email: of the account.

    Raises:
        ConfigurationError: there is no such rule, or the address is none.
    """
    check_choice("refused_passwords", "rule", rule, _RULES)
    _checked_key("refused_passwords", email)
    good = st.text(st.sampled_from("abcXYZ019-_"), min_size=2, max_size=12).map("Horse-battery-7{}".format)
    short = st.text(st.sampled_from("vX7-"), max_size=7)
    breaking: dict[PasswordRule, SearchStrategy[str]] = {
        "too_short": short,
        "too_long": st.tuples(good, st.integers(115, 200)).map(lambda made: made[0] + "x" * made[1]),
        "no_lowercase": good.map(str.upper),
        "no_uppercase": good.map(str.lower),
        "no_digit": good.map(lambda text: "".join(one for one in text if not one.isdigit())),
        "no_symbol": good.map(lambda text: "".join(filter(str.isalnum, text))),
        "too_common": st.sampled_from(["Password1!", "Qwertyuiop1!", "Summer2024!", "P@ssw0rd1", "Welcome123!"]),
        "is_email": st.sampled_from([email, email.swapcase(), f" {email}"]),
    }
    wanted = [*breaking.values()] if rule is None else [breaking[rule]]
    found = st.one_of(*wanted).map(lambda text: _refused(text, email))
    return found.filter(lambda one: bool(one.codes) if rule is None else rule in one.codes)


def _refused(text: str, email: str) -> Refused:
    broken = broken_rules(composed(text), EmailAddress.parse(email))
    return Refused(text, tuple(one.code for one in broken), " ".join(one.message for one in broken))


# --- requests ---------------------------------------------------------------------------------------------------------


_EMAILS: Final = emails()


def registrations(*, emails: SearchStrategy[str] | None = None) -> SearchStrategy[RegisterRequest]:
    """Registrations that the contract accepts, with and without a name.

    Args:
        emails: the addresses.
    """
    return _registrations(_EMAILS if emails is None else emails)


@st.composite
def _registrations(draw: DrawFn, addresses: SearchStrategy[str]) -> RegisterRequest:
    email = draw(addresses)
    name = draw(st.none() | texts(max_size=20))
    return RegisterRequest(email=email, password=draw(passwords(email=email)), name=name)


def api_key_requests(*, expires: bool | None = None) -> SearchStrategy[ApiKeyRequest]:
    """Requests for API keys that the contract accepts; a key that expires does so from the year 2100 on.

    Args:
        expires: whether the keys have an end; both if not given.
    """
    ends = st.datetimes(datetime(2100, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone
    chosen = {True: ends, False: st.none(), None: st.none() | ends}[expires]
    return st.builds(ApiKeyRequest, name=texts(min_size=1, max_size=20), expires_at=chosen)
