"""Two at once, over HTTP: one row, one stop, one release."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.gateways import Gateway

NAME = "demo/small"


def test_acts_that_come_twice_at_once_happen_once(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data")
    researcher, second = gateway.account("rosa"), gateway.account("second", "operator")
    gateway.terms(tmp_path)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.txt").write_text("a", encoding="utf-8")
    gateway.publish(folder, NAME)
    with gateway.serving(), ThreadPoolExecutor(8) as pool:
        statuses = sorted(r.status_code for r in pool.map(lambda _: gateway.accept(researcher, NAME), range(8)))
        assert statuses == [200] * 7 + [201]

        def operate(token: str, path: str, body: dict[str, str]) -> int:
            with gateway.client(token) as client:
                return client.post(f"/v1/operator/{path}", json=body).status_code

        hold = {"subject": NAME, "reason": "quality"}
        assert sorted(pool.map(lambda _: operate(gateway.token, "holds", hold), range(4))) == [200, 409, 409, 409]
        release = {"subject": NAME, "reason": "error"}
        assert sorted(pool.map(lambda _: operate(gateway.token, "releases", release), range(4))) == [200, 409, 409, 409]
        with gateway.client(second) as client:
            waiting = client.get("/v1/operator/events", params={"limit": 200}).json()["items"]
        proposal = next(e["subject"].partition(":")[2] for e in waiting if e["kind"] == "release:proposed")
        confirm = f"releases/{proposal}/confirmations"
        assert sorted(pool.map(lambda _: operate(second, confirm, {}), range(4))) == [200, 409, 409, 409]
        with gateway.client(researcher) as rosa:
            assert rosa.get(f"/v1/assets/{NAME}/versions/main/files/a.txt").text == "a"
            assert len(rosa.get("/v1/me").json()["acceptances"]) == 1
    assert gateway.run("verify").startswith("clean")
