"""What a test wants to be different is checked before anything is."""

from __future__ import annotations

import re

import pytest

import ams_sdk
from ams_sdk.testing import Kit, Latency
from ams_sdk.wire import AgentRegistration


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"strict": "x"}, "strict='x' cannot be used: write True or False."),
        ({"network": 1}, "network=1 cannot be used: write True or False."),
        ({"faults": Latency(1)}, "write a list, faults=[…]."),
        ({"faults": None}, "write a list, faults=[…]."),
        ({"seed": AgentRegistration(name="a", version="1")}, "write a list, seed=[…]."),
        ({"configure": {"endpont": 1}}, "ams_sdk.configure has no such argument. Did you mean 'endpoint'? There are: "),
        ({"configure": {1: 1}}, "ams_sdk.configure has no such argument."),
        ({"configure": ["metrics"]}, "write {'capture_content': False}."),
    ],
)
def test_what_cannot_be_wished_for_says_what_to_write(wishes, says):
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        Kit(**wishes)
    assert not ams_sdk.stats().configured
