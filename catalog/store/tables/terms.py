"""Terms, version by version, and who accepted which text."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint, insert, select

from catalog.store.tables.assets import assets
from catalog.store.tables.base import AnyRow, Instant, Link, metadata
from catalog.vocabulary import Acceptance, Asset, DataClass, Terms

terms = Table(
    "terms",
    metadata,
    Column("id", String, primary_key=True),
    Column("major", Integer, primary_key=True),
    Column("minor", Integer, primary_key=True),
    Column("en", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("sha256", String, nullable=False),
    Column("published_at", Instant, nullable=False),
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False),
    Column("terms_id", String, nullable=False),
    Column("major", Integer, nullable=False),
    Column("minor", Integer, nullable=False),
    Column("terms_sha256", String, nullable=False),
    Column("language", String, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    # By version, not by text: a later version may return to an earlier text and asks again all the same.
    UniqueConstraint("account_id", "asset_id", "terms_id", "major", "minor"),
)


def _terms(row: AnyRow) -> Terms:
    return Terms(
        id=row.id,
        major=row.major,
        minor=row.minor,
        en=row.en,
        zh=row.zh,
        sha256=row.sha256,
        published_at=row.published_at,
    )


def _acceptance(row: AnyRow) -> Acceptance:
    return Acceptance(
        id=row.id,
        account_id=row.account_id,
        asset_id=row.asset_id,
        terms_id=row.terms_id,
        terms_version=f"{row.major}.{row.minor}",
        terms_sha256=row.terms_sha256,
        language=row.language,
        purpose=row.purpose,
        accepted_at=row.accepted_at,
    )


NEWEST_FIRST = select(terms).order_by(terms.c.major.desc(), terms.c.minor.desc())


class TermsRecords:
    def __init__(self, link: Link) -> None:
        self._db = link.connection
        self._insert = link.insert

    def add(self, new: Terms) -> None:
        row = {
            "id": new.id,
            "major": new.major,
            "minor": new.minor,
            "en": new.en,
            "zh": new.zh,
            "sha256": new.sha256,
            "published_at": new.published_at,
        }
        self._db.execute(insert(terms), row)

    def in_force(self, terms_id: str) -> Terms | None:
        row = self._db.execute(NEWEST_FIRST.where(terms.c.id == terms_id).limit(1)).first()
        return None if row is None else _terms(row)

    def get(self, terms_id: str, major: int, minor: int) -> Terms | None:
        query = select(terms).where(terms.c.id == terms_id, terms.c.major == major, terms.c.minor == minor)
        row = self._db.execute(query).first()
        return None if row is None else _terms(row)

    def versions(self, terms_id: str) -> Sequence[Terms]:
        return [_terms(row) for row in self._db.execute(NEWEST_FIRST.where(terms.c.id == terms_id))]

    def accept(self, acceptance: Acceptance) -> bool:
        major, minor = acceptance.terms_version.split(".")
        row = {
            "id": acceptance.id,
            "account_id": acceptance.account_id,
            "asset_id": acceptance.asset_id,
            "terms_id": acceptance.terms_id,
            "major": int(major),
            "minor": int(minor),
            "terms_sha256": acceptance.terms_sha256,
            "language": acceptance.language,
            "purpose": acceptance.purpose,
            "accepted_at": acceptance.accepted_at,
        }
        statement = self._insert(acceptances).on_conflict_do_nothing().returning(acceptances.c.id)
        return self._db.execute(statement, row).first() is not None

    def acceptance(self, account_id: str, asset_id: str, terms: Terms) -> Acceptance | None:
        query = select(acceptances).where(
            acceptances.c.account_id == account_id,
            acceptances.c.asset_id == asset_id,
            acceptances.c.terms_id == terms.id,
            acceptances.c.major == terms.major,
            acceptances.c.minor == terms.minor,
        )
        row = self._db.execute(query).first()
        return None if row is None else _acceptance(row)

    def accepted_majors(self, account_id: str, asset: Asset) -> frozenset[int]:
        query = select(acceptances.c.major).where(
            acceptances.c.account_id == account_id, acceptances.c.terms_id == asset.terms_id
        )
        if asset.data_class is DataClass.PUBLIC:
            query = query.join(assets, assets.c.id == acceptances.c.asset_id).where(
                (assets.c.id == asset.id) | (assets.c.data_class == DataClass.PUBLIC.value)
            )
        else:
            query = query.where(acceptances.c.asset_id == asset.id)
        return frozenset(self._db.execute(query).scalars())

    def acceptances_of(self, asset_id: str) -> Sequence[Acceptance]:
        query = select(acceptances).where(acceptances.c.asset_id == asset_id)
        return [_acceptance(row) for row in self._db.execute(query.order_by(acceptances.c.accepted_at.desc()))]

    def acceptances(self, account_id: str) -> Sequence[tuple[Acceptance, str]]:
        query = (
            select(acceptances, (assets.c.ns + "/" + assets.c.name).label("full_name"))
            .join(assets, assets.c.id == acceptances.c.asset_id)
            .where(acceptances.c.account_id == account_id)
            .order_by(acceptances.c.accepted_at.desc())
        )
        return [(_acceptance(row), row.full_name) for row in self._db.execute(query)]
