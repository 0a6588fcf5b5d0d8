"""The researcher's side: find a set, accept its terms, fetch it. Loads no server package.

>>> from gateway.sdk import Hub
>>> faces = Hub("https://gateway.example.org").dataset("lab/street-faces")
>>> print(faces.terms().en)
>>> faces.accept(purpose="face detection, a master's thesis")
>>> folder = faces.fetch(to="faces")
"""

from gateway.sdk.asset import Asset
from gateway.sdk.client import Hub
from gateway.sdk.errors import (
    FolderBusy,
    HubError,
    Misused,
    NoSpace,
    NotAGateway,
    NotAllowed,
    NotFound,
    NotLoaded,
    NotStored,
    Refused,
    SignInNeeded,
    Stopped,
    StoppedFilesWarning,
    TermsChanged,
    TermsNotAccepted,
    Unavailable,
    Unreachable,
    UnsafePath,
    Untrusted,
    WrongBytes,
)
from gateway.sdk.records import Item, Manifest, Terms

__all__ = [
    "Asset",
    "FolderBusy",
    "Hub",
    "HubError",
    "Item",
    "Manifest",
    "Misused",
    "NoSpace",
    "NotAGateway",
    "NotAllowed",
    "NotFound",
    "NotLoaded",
    "NotStored",
    "Refused",
    "SignInNeeded",
    "Stopped",
    "StoppedFilesWarning",
    "Terms",
    "TermsChanged",
    "TermsNotAccepted",
    "Unavailable",
    "Unreachable",
    "UnsafePath",
    "Untrusted",
    "WrongBytes",
]
