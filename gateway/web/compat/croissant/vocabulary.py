"""The words of the JSON-LD: its context, its media type, and the ODRL action that stands for each rule."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.policy.offer import Rule

MEDIA_TYPE = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'
CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
OWN_TERMS = [
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
    "field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath",
    "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace",
    "samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
]  # fmt: skip
CONTEXT: Mapping[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "gw": "urn:hubgate:odrl:",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in OWN_TERMS},
}
ACTIONS: Mapping[Rule, str] = {
    Rule.REVIEW_TERMS: "odrl:reviewPolicy",
    Rule.ACCEPT_RECORD: "odrl:acceptTracking",
    Rule.PURGE_ON_RECALL: "gw:purgeOnRecall",
    Rule.BLUR_ON_DISPLAY: "gw:blurOnDisplay",
    Rule.IDENTIFY_PERSON: "gw:identifyPerson",
    Rule.DISTRIBUTE: "odrl:distribute",
}
COUNTRY = "https://www.iso.org/obp/ui/#iso:code:3166:"
SPDX = "https://spdx.org/licenses/"
