"""Requests made from the gateway's own description, right and wrong ones alike: every answer is as it describes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from catalog.vocabulary import Role
from tests.houses import House, running

CHECKS = [schemathesis.checks.not_a_server_error, content_type_conformance, response_schema_conformance]
SPARSE = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
WHO = ["anyone", *map(str, (Role.RESEARCHER, Role.OPERATOR))]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("described")) as made:
        yield made


@pytest.fixture(scope="module")
def known(house: House) -> dict[str, str]:
    """Names of what is there, for requests that are to get further than a 404."""
    made = house.publish({"a.txt": b"a", "b/c.bin": b"c" * 5000})
    namespace, _, name = made.name.partition("/")
    return {"ns": namespace, "name": name, "version": "main", "path": "b/c.bin"}


@pytest.fixture(scope="module")
def tokens(house: House) -> dict[str, str]:
    """A token of each role; nobody's for `anyone`."""
    return {who: house.account(Role(who))[1] if who != "anyone" else "" for who in WHO}


@pytest.fixture(scope="module")
def description(house: House) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{house.url}/openapi.json")


@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_as_described(
    who: str, description: OpenApiSchema, tokens: dict[str, str], known: dict[str, str]
) -> None:
    headers = {"Authorization": f"Bearer {tokens[who]}"} if tokens[who] else {}
    seen: set[str] = set()

    for operation in description.get_all_operations():

        @SPARSE
        @given(operation.ok().as_strategy(), st.booleans())
        def answered(case: schemathesis.Case, real: bool) -> None:
            seen.add(case.operation.label)
            if real:
                case.path_parameters = {key: known.get(key, value) for key, value in case.path_parameters.items()}
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=60)

        answered()
    assert len(seen) > 20, seen
