from __future__ import annotations

import pytest


@pytest.mark.parametrize(("length", "status"), [(200, 200), (201, 422), (50_001, 422)])
def test_what_is_searched_for_has_a_length_that_a_store_can_search_for(account, length, status):
    answer = account.get("/api/agents", params={"q": "x" * length})
    assert answer.status_code == status
    assert status == 200 or [error["field"] for error in answer.json()["errors"]] == ["q"]
