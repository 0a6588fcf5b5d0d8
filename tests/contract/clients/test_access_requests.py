"""An operator with the Hub's client: who asked, letting in, rejecting, and how the gate opens."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Role
from tests.contract.clients.people import Person
from tests.houses import House, picture

FROM_HUB = "from huggingface_hub import *\napi = HfApi(token=operator)\n"
LISTED = (
    "found = api.list_{}_access_requests(name, repo_type='dataset')\n"
    "[[r.username, r.status, r.fields['purpose'] if r.fields else None] for r in found]"
)
FILE = "hf_hub_download(name, 'a.png', repo_type='dataset', token=token, cache_dir=cache)"


def test_an_operator_lets_in_sets_aside_and_rejects(person: Person, house: House, empty: str) -> None:
    faces = house.publish({"a.png": picture(0)})
    _, operator = house.account(Role.OPERATOR)
    reader, token = house.account()
    names = {"name": faces.name, "operator": operator, "token": token, "cache": empty, "user": reader}
    tell = FROM_HUB + "api.dataset_info(name).gated"
    assert person.gets(tell, **names) == "auto"
    if person.client.hub < "0.25":  # older ones cannot change the gate
        with house.gateway.client(operator) as client:
            assert client.put(f"/api/datasets/{faces.name}/settings", json={"gated": "manual"}).status_code == 200
    else:
        person.gets(FROM_HUB + "api.update_repo_settings(name, repo_type='dataset', gated='manual')", **names)
    assert person.gets(tell, **names) == "manual"
    house.accept(token, faces)
    seen = person.types(FROM_HUB + FILE, **names)
    assert seen.error[0] == "GatedRepoError"
    assert "its terms are accepted; an operator still has to let you in" in seen.says
    assert person.gets(FROM_HUB + LISTED.format("pending"), **names) == [[reader, "pending", "to test"]]

    act = FROM_HUB + "api.{}_access_request(name, {}, repo_type='dataset')"
    person.gets(act.format("accept", "user"), **names)
    assert person.gets(FROM_HUB + LISTED.format("accepted"), **names) == [[reader, "accepted", "to test"]]
    assert person.gets(FROM_HUB + FILE, **names)
    person.gets(act.format("cancel", "user"), **names)
    assert person.gets(FROM_HUB + LISTED.format("pending"), **names) == [[reader, "pending", "to test"]]
    why = "" if person.client.hub < "0.24" else ", rejection_reason='no'"
    if why:
        person.gets(FROM_HUB + f"api.reject_access_request(name, user, repo_type='dataset'{why})", **names)
        assert person.gets(FROM_HUB + LISTED.format("rejected"), **names) == [[reader, "rejected", "to test"]]
        fresh = {**names, "cache": empty + "-fresh"}
        seen = person.types(FROM_HUB + FILE, **fresh)
        assert seen.error[0] == "GatedRepoError"
        assert f"an operator has refused you access. If you think that is wrong, appeal at {house.url}/" in seen.says


def test_an_operator_lets_in_someone_who_has_not_asked(person: Person, house: House, empty: str) -> None:
    faces = house.publish({"a.png": picture(0)})
    _, operator = house.account(Role.OPERATOR)
    reader, token = house.account()
    names = {"name": faces.name, "operator": operator, "token": token, "cache": empty, "user": reader}
    unasked = person.types(FROM_HUB + "api.accept_access_request(name, user, repo_type='dataset')", **names)
    assert "HfHubHTTPError" in unasked.error
    assert "has not asked for access" in unasked.says
    person.gets(FROM_HUB + "api.grant_access(name, user, repo_type='dataset')", **names)
    assert person.gets(FROM_HUB + LISTED.format("accepted"), **names) == [[reader, "accepted", None]]
    assert "GatedRepoError" in person.types(FROM_HUB + FILE, **names).error, "the terms are still to be accepted"


def test_only_an_operator_may(person: Person, house: House) -> None:
    faces = house.publish({"a.png": picture(0)})
    reader, token = house.account()
    names = {"name": faces.name, "operator": token, "user": reader}
    for code in (
        "list(api.list_pending_access_requests(name, repo_type='dataset'))",
        "api.grant_access(name, user, repo_type='dataset')",
    ):
        seen = person.types(FROM_HUB + code, **names)
        assert "HfHubHTTPError" in seen.error
        assert "GatedRepoError" not in seen.error
        assert "403" in seen.says
        assert "Ask an operator" in seen.says


def test_the_gate_cannot_be_taken_away(person: Person, house: House) -> None:
    if person.client.hub < "0.25":
        pytest.skip("this client has no such call")
    faces = house.publish({"a.png": picture(0)})
    _, operator = house.account(Role.OPERATOR)
    code = FROM_HUB + "api.update_repo_settings(name, repo_type='dataset', gated=False)"
    seen = person.types(code, name=faces.name, operator=operator)
    assert "HfHubHTTPError" in seen.error
    assert "Nothing here is given without accepted terms" in seen.says
