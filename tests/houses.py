"""A running gateway for clients to meet, whose keeper can publish, stop and change terms in a few milliseconds."""

from __future__ import annotations

import contextlib
import io
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from catalog.actions import accounts, credentials, terms
from catalog.actions.authority import in_person
from catalog.actions.publish import Publication
from catalog.vocabulary import Kind, Role
from gateway.commands.intake import card_of
from gateway.commands.publishing import release_folder
from gateway.installation import Installation, open_installation, random_id, utc_now
from gateway.settings import load
from tests.builders import warrant
from tests.gateways import Gateway

WAIT_S = 60.0
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Set:
    """A published dataset or model under terms of its own."""

    name: str
    version: str
    terms: str
    folder: Path
    kind: Kind


class House:
    """`gateway` serves what `installation` holds; the two are one data folder."""

    def __init__(self, gateway: Gateway, installation: Installation, workshop: Path) -> None:
        self.gateway = gateway
        self._installation = installation
        self._workshop = workshop

    @property
    def url(self) -> str:
        return self.gateway.url

    def account(self, role: Role = Role.RESEARCHER) -> tuple[str, str]:
        """A new account's name and token."""
        name = f"{role.value}{next(_number)}"
        new = accounts.NewAccount(name=name, email=None, phone=None, role=role, password_hash=None)
        with self._installation.store.begin() as tx:
            made = accounts.create(tx, new, actor="", now=utc_now(), new_id=random_id)
            return name, credentials.create_token(tx, made, scopes=None, now=utc_now(), new_id=random_id)[0]

    def reader(self, *sets: Set) -> str:
        """The token of a new account that accepted the terms of these."""
        _, token = self.account()
        for each in sets:
            self.accept(token, each)
        return token

    def publish(
        self, files: Mapping[str, bytes], kind: Kind = Kind.DATASET, base: Set | None = None, tag: str = ""
    ) -> Set:
        """A new asset with these files; with `base`, the next version of that one."""
        number = next(_number)
        folder = self._workshop / f"set{number}"
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        name, terms_id = (f"lab/set{number}", f"terms{number}") if base is None else (base.name, base.terms)
        if base is None:
            self.new_terms(terms_id)
        publication = Publication(
            kind=kind,
            full_name=name,
            terms_id=terms_id,
            warrant=warrant(**{"class": "public" if kind is Kind.DATASET else "model", "persons": "none"}),
            class_override=None,
            tag=tag or None,
            card=card_of(folder),
        )
        with self._installation.store.read() as tx:
            operator = tx.accounts.named("operator")
        assert operator is not None
        released = release_folder(self._installation, in_person(operator), publication, folder)
        return Set(name, released.version.id, terms_id, folder, kind)

    def draft(self, name: str) -> dict[str, str]:
        """What the asset's draft holds: SHA-256 by path."""
        with self._installation.store.read() as tx:
            asset = tx.assets.named(*name.split("/"))
            draft = None if asset is None else tx.assets.draft(asset.id)
            return {} if draft is None else {item.path: item.sha256 for item in tx.assets.items(draft.id)}

    def draft_of(self, name: str) -> tuple[str, str]:
        """Whose it is, and the id that its version will have."""
        with self._installation.store.read() as tx:
            asset = tx.assets.named(*name.split("/"))
            assert asset is not None
            owner, draft = tx.accounts.get(asset.publisher_id), tx.assets.draft(asset.id)
            assert owner is not None
            assert draft is not None
            return owner.name, draft.id

    def stored(self) -> set[str]:
        """The digest of every content that is kept."""
        return set(self._installation.originals.digests())

    def staged(self) -> list[str]:
        """What waits for the rest of it."""
        return sorted(file.name for file in (self.gateway.data / "uploads").iterdir())

    def new_terms(self, terms_id: str, text: str = "Be kind.") -> None:
        """The first version of terms, or the next major one."""
        with self._installation.store.begin() as tx:
            operator = tx.accounts.named("operator")
            assert operator is not None
            terms.publish_terms(
                tx, in_person(operator), terms_id, en=text, zh=f"{text}（中文）", major=True, now=utc_now()
            )

    def changes_terms(self, each: Set, token: str) -> None:
        """A new major version; on return the server refuses those who accepted the former one."""
        self.new_terms(each.terms, "Be kinder.")
        deadline = time.monotonic() + WAIT_S
        with self.gateway.client(token) as client:
            while client.get(f"/v1/assets/{each.name}/versions/main/manifest").status_code != 403:
                assert time.monotonic() < deadline, "the server has not heard of the new terms"
                time.sleep(0.02)

    def accept(self, token: str, each: Set) -> None:
        assert self.gateway.accept(token, each.name).status_code in {200, 201}

    def stops(self, act: str, subject: str, reason: str = "rights_complaint") -> dict[str, Any]:
        """`holds`, `withholdings` or `revocations`; on return it holds in the running server."""
        with self.gateway.client(self.gateway.token) as operator:
            done = operator.post(f"/v1/operator/{act}", json={"subject": subject, "reason": reason})
        assert done.status_code == 200, done.text
        return dict(done.json())

    def suspends(self, account: str) -> None:
        with self.gateway.client(self.gateway.token) as operator:
            done = operator.post("/v1/operator/suspensions", json={"account": account, "reason": "misuse"})
        assert done.status_code == 200, done.text


@contextlib.contextmanager
def running(base: Path) -> Iterator[House]:
    """A gateway in this folder, served by a process of its own."""
    gateway = Gateway(base / "data")
    with gateway.serving():
        installation = open_installation(load({"data": gateway.data}, environ={}))
        yield House(gateway, installation, base)
        installation.close()


def picture(red: int) -> bytes:
    """A new one each time: what was once stopped cannot be published again."""
    made = Image.new("RGB", (16, 16), (red, 0, 0))
    for place, byte in enumerate(secrets.token_bytes(6)):
        made.putpixel((place + 1, 1), (0, 0, byte))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()
