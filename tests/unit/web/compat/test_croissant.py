"""The record of an asset for machines: what the standard demands is there, what nobody should learn is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.policy.offer import Rule, offer
from catalog.policy.warrant import read as read_warrant
from catalog.vocabulary import Approval, DataClass, Item, Terms, Version
from gateway.web.api.assets import AssetView
from gateway.web.compat.croissant.document import document
from gateway.web.compat.croissant.kinds import FileKind, file_kinds
from gateway.web.compat.croissant.vocabulary import ACTIONS, CONTEXT
from tests import builders

BASE = "https://gw.example"
PAGE = f"{BASE}/assets/demo/faces"
# Croissant 1.1, "Dataset-level Information", the properties that every data set must have.
REQUIRED = {
    "@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished",
    "distribution",
}  # fmt: skip
TERMS = Terms(id="research-use", major=2, minor=1, en="a", zh="b", sha256="0" * 64, published_at=builders.NOW)
JPEG = FileKind("image/jpeg", 2, (".JPG", ".jpg"))


def seen(
    data_class: DataClass = DataClass.FACE, version: Version | None = None, terms: Terms | None = TERMS, **keys: object
) -> AssetView:
    asset = builders.plain_asset(data_class)
    version = version or builders.plain_version(data_class, asset_id=asset.id)
    if keys:
        checked, wrong = read_warrant(builders.warrant(**{"class": data_class.value, **keys}))
        assert checked is not None, wrong
        version = replace(version, warrant=checked)
    return AssetView(asset, version, [version], terms, False, Approval.PENDING, [], None)


def made(view: AssetView, kinds: tuple[FileKind, ...] = (JPEG,), listed: tuple[Item, ...] = ()) -> dict[str, Any]:
    """As a program reads it."""
    return dict(json.loads(json.dumps(document(view, base_url=BASE, kinds=kinds, listed=listed))))


def keys_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def actions(rules: list[dict[str, Any]]) -> set[str]:
    return {rule["odrl:action"]["@id"] for rule in rules}


@pytest.mark.parametrize("data_class", DataClass)
def test_all_that_the_standard_demands_is_there_for_every_class(data_class: DataClass) -> None:
    record = made(seen(data_class))
    assert record.keys() >= REQUIRED
    assert "http://mlcommons.org/croissant/1.1" in record["conformsTo"]
    assert all(record[key] for key in REQUIRED)
    for part in record["distribution"]:
        assert part["@type"] in {"cr:FileObject", "cr:FileSet"}
        assert part["encodingFormat"]
        assert part["contentUrl"] if part["@type"] == "cr:FileObject" else part["includes"]


def test_it_holds_no_examples_and_no_data() -> None:
    record = {key: value for key, value in made(seen()).items() if key != "@context"}
    assert {"examples", "cr:examples", "data", "thumbnailUrl", "image"}.isdisjoint(keys_of(record))


def test_every_word_of_it_is_in_its_context() -> None:
    record = made(seen(derived_from=["lab/other@v1"], residency="CN"), listed=(builders.item("a.csv"),))
    prefixes = {key for key, value in CONTEXT.items() if key == "gw" or "://" in str(value)}
    used = {
        key.partition(":")[0] for key in keys_of({k: v for k, v in record.items() if k != "@context"}) if ":" in key
    }
    assert used <= prefixes
    assert {"rai", "odrl", "prov"} <= used


def test_ids_are_unique_and_what_they_name_is_there() -> None:
    record = made(seen(), (JPEG, FileKind("text/csv", 1, (".csv",))), (builders.item("人 脸/a.csv"),))
    defined: list[str] = []
    meant: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, list):
            for inner in value:
                collect(inner)
        elif isinstance(value, dict):
            if "@id" in value:
                (defined.append if len(value) > 1 else meant.add)(value["@id"])
            for inner in value.values():
                collect(inner)

    collect([record["distribution"], record["recordSet"]])
    assert len(set(defined)) == len(defined)
    assert meant <= set(defined)
    assert not [name for name in defined if " " in name]


@pytest.mark.parametrize("data_class", DataClass)
def test_the_offer_forbids_to_identify_and_to_pass_on_wherever_persons_are_shown(data_class: DataClass) -> None:
    usage = made(seen(data_class))["usageInfo"]
    assert "odrl:Offer" in usage["@type"]
    assert usage["url"] == f"{PAGE}/terms"
    assert usage["@id"] == f"{BASE}/v1/terms/research-use/versions/2.1"
    (permission,) = usage["odrl:permission"]
    shows = data_class.level >= 2
    assert ("gw:identifyPerson" in actions(usage["odrl:prohibition"])) is shows
    assert ("odrl:distribute" in actions(usage["odrl:prohibition"])) is shows
    assert ("gw:blurOnDisplay" in actions(permission["odrl:duty"])) is shows
    assert {"odrl:reviewPolicy", "odrl:acceptTracking", "gw:purgeOnRecall"} <= actions(permission["odrl:duty"])
    for rule in [*permission["odrl:duty"], *usage["odrl:prohibition"]]:
        assert [said["@language"] for said in rule["name"]] == ["en", "zh"]


def test_every_rule_has_an_action() -> None:
    assert set(ACTIONS) == set(Rule)
    assert len(set(ACTIONS.values())) == len(Rule)


@pytest.mark.parametrize(("residency", "place"), [("any", None), ("CN", "CN")])
def test_an_asset_that_may_not_leave_a_country_says_so(residency: str, place: str | None) -> None:
    view = seen(residency=residency)
    assert offer(DataClass.FACE, view.main.warrant).residency == place
    (permission,) = made(view)["usageInfo"]["odrl:permission"]
    if place is None:
        assert "odrl:constraint" not in permission
    else:
        (constraint,) = permission["odrl:constraint"]
        assert constraint["odrl:leftOperand"]["@id"] == "odrl:spatial"
        assert constraint["odrl:rightOperand"]["@id"].endswith(":CN")


def test_without_terms_there_is_an_offer_all_the_same() -> None:
    usage = made(seen(terms=None))["usageInfo"]
    assert "@id" not in usage
    assert usage["odrl:permission"]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0"),
        ("LicenseRef-lab", {"@type": "sc:CreativeWork", "name": "lab", "url": PAGE}),
        ("MIT OR Apache-2.0", {"@type": "sc:CreativeWork", "name": "MIT OR Apache-2.0", "url": PAGE}),
    ],
)
def test_a_licence_goes_by_its_address_or_by_its_name(licence: str, expected: object) -> None:
    assert made(seen(licence=licence))["license"] == expected


def test_what_responsible_use_asks_is_told_from_the_warrant() -> None:
    record = made(seen(source="https://example.org/x", lawful_basis="consent"))
    assert "https://example.org/x" in record["rai:dataCollection"]
    assert record["rai:personalSensitiveInformation"] == [
        "Shows faces: sensitive personal data.",
        "Persons shown: Adults.",
    ]
    assert "rai:personalSensitiveInformation" not in made(seen(DataClass.PUBLIC, persons="none"))
    assert record["rai:dataReleaseMaintenancePlan"].endswith(PAGE)


def test_releases_are_counted_as_major_versions() -> None:
    first, second = (builders.plain_version(asset_id="s0", at=builders.NOW.replace(hour=hour)) for hour in (1, 3))
    for one, number in ((first, 1), (second, 2)):
        view = seen(version=one)
        view.versions[:] = [second, first]
        assert made(view)["version"] == f"{number}.0.0+{one.id}"


def test_files_alone_have_their_digest_and_an_address_that_never_changes() -> None:
    item = builders.item("人 脸/a#.csv", b"x")
    view = seen()
    (told,) = [part for part in made(view, listed=(item,))["distribution"] if part["@id"].startswith("files/")]
    assert told["sha256"] == item.sha256
    assert told["contentUrl"] == (
        f"{BASE}/v1/assets/demo/faces/versions/{view.main.id}/files/%E4%BA%BA%20%E8%84%B8/a%23.csv"
    )
    assert (told["name"], told["contentSize"]) == ("人 脸/a#.csv", "1 B")


def test_kinds_tell_no_ending_that_is_not_the_kinds_own() -> None:
    def item(path: str, media_type: str) -> Item:
        return replace(builders.item(path), media_type=media_type)

    found = file_kinds(
        [
            item("a.jpg", "image/jpeg"),
            item("b.JPEG", "image/jpeg"),
            item("zhang.s4n", "application/octet-stream"),
            item("none", "application/octet-stream"),
            item("c.parquet", "application/vnd.apache.parquet"),
            item("li.si", "image/jpeg"),
        ]
    )
    assert found == [
        FileKind("application/octet-stream", 2, ()),
        FileKind("application/vnd.apache.parquet", 1, (".parquet",)),
        FileKind("image/jpeg", 3, (".JPEG", ".jpg")),
    ]
    told = json.dumps(made(seen(), tuple(found)))
    assert "s4n" not in told
