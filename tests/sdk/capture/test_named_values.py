import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture import REDACTED, redact_attributes, redact_text, render
from ams_sdk._capture.json_text import redact_json

SECRET = "hunter2hunter2"
printable = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=3)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "1 error for Login\npassword\n  Too short [type=too_short, input_value='{}', input_type=str]\n    See",
            "1 error for Login\npassword\n  Too short [type=too_short, input_value={}, input_type=str]\n    See",
        ),
        ("<db:password>{}</db:password>", "<db:password>{}</db:password>"),
        ('<add key="ApiKey" value="{}" />', '<add key="ApiKey" value="{}" />'),
        ("[('cookie', 'sid={}'), ('accept', '*/*')]", "[('cookie', '{}'), ('accept', '*/*')]"),
        ('["mysql", "--password", "{}", "db"]', '["mysql", "--password", "{}", "db"]'),
        ("- name: DB_PASSWORD\n  value: {}\n- name: x", "- name: DB_PASSWORD\n  value: {}\n- name: x"),
        ("say [{{'value': '{}', 'name': 'DB_PASSWORD'}}]", "say [{{'value': '{}', 'name': 'DB_PASSWORD'}}]"),
        ('form-data; name="pwd"\r\n\r\n{}\r\n--b', 'form-data; name="pwd"\r\n\r\n{}\r\n--b'),
        ("password: |\n  {}\n  more\nuser: x", "password: {}\nuser: x"),
        ('password = """\n{}\n"""\nx', 'password = """{}"""\nx'),
    ],
)
def test_only_the_value_is_masked(text, left):
    assert redact_text(text.format(SECRET)) == left.format(REDACTED)


@pytest.mark.parametrize(
    "text",
    [
        'getattr(one, "token", "none")',
        '["token", "user"]',
        '{"required": ["password", "email"]}',
        '{"name": "colour", "value": "red"}',
        "[{'value': 'red', 'name': 'colour'}]",
        "1 error for Login\nuser\n  Too short [type=too_short, input_value='ann', input_type=str]",
        'form-data; name="city"\r\n\r\nOslo',
        "<td>the token</td><td>12</td>",
    ],
)
def test_what_stands_near_another_name_stays(text):
    assert redact_text(text) == text


def test_an_entry_of_a_name_and_a_value_is_masked_by_the_name():
    for entry in ({"name": "DB_PASSWORD", "value": SECRET}, {"Value": SECRET, "Key": "api_key", "Type": "x"}):
        expected = {name: REDACTED if item == SECRET else item for name, item in entry.items()}
        assert redact_attributes({"a": [entry]}) == {"a": (expected,)}
        assert SECRET not in render({"env": [entry]})
        assert SECRET not in redact_json(render(str(entry)))
        assert render(entry).count(REDACTED) == 1


def test_a_name_next_to_a_value_is_asked_for_without_code_of_the_users():
    class Hostile:
        @property
        def __class__(self):
            raise AssertionError

        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    assert "Hostile" in render({"name": Hostile(), "value": "x"})
    assert REDACTED in render({"name": "token", "value": Hostile()})


@given(printable, printable)
def test_basic_credentials_are_masked(user, password):
    encoded = base64.b64encode(f"{user.replace(':', '')}:{password}".encode()).decode()
    assert redact_text(f"auth basic {encoded} sent") == f"auth basic {REDACTED} sent" or len(encoded) < 8


@given(st.text(string.ascii_letters, min_size=8, max_size=16))
def test_a_word_behind_basic_is_hardly_ever_taken_for_them(word):
    masked = redact_text(f"a basic {word} course")
    assert masked == f"a basic {word} course" or ":" in str(base64.b64decode(word + "=" * (-len(word) % 4)))


def test_what_pydantic_says_of_a_secret_does_not_tell_it():
    pydantic = pytest.importorskip("pydantic")

    class Login(pydantic.BaseModel):
        user: str = pydantic.Field(min_length=3)
        password: str = pydantic.Field(min_length=20)
        more: "dict[str, Login] | None" = None

    given = {"user": "an", "password": SECRET}
    with pytest.raises(pydantic.ValidationError) as caught:
        Login.model_validate({**given, "more": {"x": given}})
    for text in (str(caught.value), repr(str(caught.value))):
        masked = redact_json(text)
        assert SECRET not in masked
        assert "input_value='an'" in masked
