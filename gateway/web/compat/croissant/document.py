"""An asset as Croissant 1.1, with the ODRL offer of its terms. Nothing in it is an example. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote, urlsplit

from catalog.policy import card as cards
from catalog.policy.access import data_class
from catalog.policy.offer import SHOWS_PERSONS, Offer, Rule, offer
from catalog.vocabulary import Item, Persons, Version
from gateway.web.api.assets import AssetView
from gateway.web.compat.croissant.kinds import FileKind
from gateway.web.compat.croissant.vocabulary import ACTIONS, CONFORMS_TO, CONTEXT, COUNTRY, SPDX
from gateway.web.compat.drs.bundles import uri
from gateway.web.compat.hub.records import card_data, tags
from gateway.web.replies import moment
from gateway.web.words import LANGUAGES, words_for

Record = dict[str, object]

TOLD = 5000  # characters of a card
ARCHIVE = "archive.tar"


def document(seen: AssetView, *, base_url: str, kinds: Sequence[FileKind], listed: Iterable[Item]) -> Record:
    """The asset at the version that is seen; `listed` are the files that are told by name, with their digests."""
    asset, version, warrant = seen.asset, seen.main, seen.main.warrant
    page = f"{base_url}/assets/{asset.full_name}"
    base = f"{base_url}/v1/assets/{asset.full_name}/versions/{version.id}"
    known = card_data(version)
    made: Record = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": asset.title.en,
        "alternateName": {"@language": "zh", "@value": asset.title.zh},
        "description": cards.split(version.card)[1].strip()[:TOLD] or asset.title.en,
        "url": page,
        "identifier": [version.id, uri(urlsplit(base_url).netloc, version.id)],
        "creator": {"@type": "sc:Organization", "name": asset.ns, "url": f"{base_url}/?q={quote(asset.ns)}"},
        "license": _licence("" if warrant is None else warrant.licence, page),
        "datePublished": moment(_released(version)),
        "dateCreated": moment(asset.created_at),
        "version": f"{_number(seen)}.0.0+{version.id}",
        "keywords": [f"kind:{asset.kind.value}", *tags(asset, known)],
        "citeAs": _citation(seen, page),
        "creditText": asset.full_name,
        "isAccessibleForFree": True,
        "conditionsOfAccess": words_for("en")("croissant.conditions", url=f"{page}/terms"),
        # What the archive holds changes when an item is taken out; what a file holds never does, and it has a digest.
        "isLiveDataset": True,
        "usageInfo": _usage(seen, page, base_url),
        **_responsibility(seen, page),
        "distribution": [_archive(base), *(_files_of(kind) for kind in kinds if kind.endings), *_alone(base, listed)],
        "recordSet": [_pictures(kind) for kind in kinds if kind.is_picture and kind.endings],
    }
    if known.get("language"):
        made["inLanguage"] = known["language"]
    if warrant is not None and warrant.derived_from:
        sources = [source.partition("@")[0] for source in warrant.derived_from]
        made["prov:wasDerivedFrom"] = [{"@id": f"{base_url}/assets/{source}"} for source in sources]
    return made


def _usage(seen: AssetView, page: str, base_url: str) -> Record:
    """The offer: who reads the terms and fulfils the other duties may use it."""
    offered = offer(data_class(seen.asset, seen.main), seen.main.warrant)
    made: Record = {
        "@type": ["sc:CreativeWork", "odrl:Offer"],
        "name": _both("offer.title", asset=seen.asset.full_name),
        "url": f"{page}/terms",
        "odrl:assigner": {"@id": base_url},
        "odrl:conflict": {"@id": "odrl:prohibit"},
        "odrl:permission": [_permission(offered, page)],
        "odrl:prohibition": [
            {**_rule("Prohibition", rule), "odrl:target": {"@id": page}} for rule in offered.prohibitions
        ],
    }
    if seen.terms is not None:
        made["@id"] = f"{base_url}/v1/terms/{quote(seen.terms.id)}/versions/{seen.terms.version}"
        made |= {"version": seen.terms.version, "sha256": seen.terms.sha256}
    return made


def _permission(offered: Offer, page: str) -> Record:
    made: Record = {
        "@type": "odrl:Permission",
        "odrl:target": {"@id": page},
        "odrl:action": {"@id": "odrl:use"},
        "odrl:duty": [_rule("Duty", rule) for rule in offered.duties],
    }
    if offered.residency is not None:
        made["odrl:constraint"] = [
            {
                "@type": "odrl:Constraint",
                "name": _both("offer.residency", place=offered.residency),
                "odrl:leftOperand": {"@id": "odrl:spatial"},
                "odrl:operator": {"@id": "odrl:eq"},
                "odrl:rightOperand": {"@id": COUNTRY + offered.residency},
            }
        ]
    return made


def _rule(kind: str, rule: Rule) -> Record:
    return {"@type": f"odrl:{kind}", "name": _both(f"offer.rule.{rule}"), "odrl:action": {"@id": ACTIONS[rule]}}


def _responsibility(seen: AssetView, page: str) -> Record:
    """What the Responsible AI vocabulary asks and the warrant knows."""
    words, warrant = words_for("en"), seen.main.warrant
    made: Record = {"rai:dataReleaseMaintenancePlan": words("croissant.maintenance", url=page)}
    if warrant is None:
        return made
    basis = words(f"basis.{warrant.lawful_basis.value}")
    made["rai:dataCollection"] = words("croissant.collection", source=warrant.source, basis=basis)
    counts = data_class(seen.asset, seen.main)
    if counts.level >= SHOWS_PERSONS or warrant.persons is not Persons.NONE:
        persons = words("croissant.persons", persons=words(f"persons.{warrant.persons.value}"))
        made["rai:personalSensitiveInformation"] = [words(f"class-about.{counts.value}"), persons]
    return made


def _archive(base: str) -> Record:
    """Everything that is served, in one stream."""
    return {
        "@type": "cr:FileObject",
        "@id": ARCHIVE,
        "name": ARCHIVE,
        "contentUrl": f"{base}/{ARCHIVE}",
        "encodingFormat": "application/x-tar",
    }


def _files_of(kind: FileKind) -> Record:
    return {
        "@type": "cr:FileSet",
        "@id": f"sets/{kind.media_type}",
        "name": kind.media_type,
        "containedIn": {"@id": ARCHIVE},
        "encodingFormat": kind.media_type,
        "includes": [pattern for ending in kind.endings for pattern in (f"*{ending}", f"**/*{ending}")],
    }


def _alone(base: str, listed: Iterable[Item]) -> Iterable[Record]:
    for item in listed:
        yield {
            "@type": "cr:FileObject",
            "@id": f"files/{quote(item.path)}",
            "name": item.path,
            "contentUrl": f"{base}/files/{quote(item.path)}",
            "contentSize": f"{item.size} B",
            "encodingFormat": item.media_type,
            "sha256": item.sha256,
        }


def _pictures(kind: FileKind) -> Record:
    """A record for each picture: where it lies, and the picture."""
    name, files = f"records/{kind.media_type}", {"@id": f"sets/{kind.media_type}"}

    def field(called: str, data_type: str, file_property: str) -> Record:
        return {
            "@type": "cr:Field",
            "@id": f"{name}/{called}",
            "name": called,
            "dataType": data_type,
            "source": {"fileSet": files, "extract": {"fileProperty": file_property}},
        }

    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": kind.media_type,
        "key": {"@id": f"{name}/path"},
        "field": [field("path", "sc:Text", "fullpath"), field("picture", "sc:ImageObject", "content")],
    }


def _licence(licence: str, page: str) -> str | Record:
    """The address of a licence that SPDX knows; whatever else by its name, to be read on the asset's page."""
    if cards.SPDX_ID.fullmatch(licence) and not licence.startswith("LicenseRef-"):
        return SPDX + licence
    return {"@type": "sc:CreativeWork", "name": licence.removeprefix("LicenseRef-"), "url": page}


def _citation(seen: AssetView, page: str) -> str:
    """As BibTeX."""
    asset, version = seen.asset, seen.main
    key = re.sub(r"[^A-Za-z0-9]", "-", asset.full_name)
    title = re.sub(r"[{}\\]", "", asset.title.en)
    return (
        f"@misc{{{key}, title = {{{title}}}, author = {{{{{asset.ns}}}}}, year = {{{_released(version).year}}}, "
        f"version = {{{version.id}}}, url = {{{page}}}}}"
    )


def _number(seen: AssetView) -> int:
    """Which release of the asset it is, counted from 1. Each may differ in anything: the number is a major one."""
    earlier = [one for one in seen.versions if one.published_at is not None and one.id != seen.main.id]
    return 1 + sum(1 for one in earlier if _released(one) <= _released(seen.main))


def _released(version: Version) -> datetime:
    return version.published_at or version.created_at


def _both(key: str, **params: object) -> list[Record]:
    """A sentence in both languages."""
    return [{"@language": language, "@value": words_for(language)(key, **params)} for language in LANGUAGES]
