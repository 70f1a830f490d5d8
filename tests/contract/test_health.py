from __future__ import annotations


def test_ready_says_what_was_asked(client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"blocklist": "ok", "database": "ok", "migrations": "ok"}}
