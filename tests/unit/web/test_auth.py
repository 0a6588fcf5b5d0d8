"""Tokens that are remembered for a while, and no longer than they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pytest
from starlette.requests import HTTPConnection

from catalog.actions import credentials
from catalog.ports import Store, Transaction
from catalog.store import open_store
from gateway.web.auth import Authenticator, BadCredential
from gateway.web.context import Catalogue
from tests import builders
from tests.builders import NOW, new_id

P = ParamSpec("P")
T = TypeVar("T")


class Raced(Catalogue):
    """Something happens between the first reading and its return."""

    def __init__(self, store: Store, happens: Callable[[], None]) -> None:
        super().__init__(store, lambda: NOW, new_id)
        self._happens: list[Callable[[], None]] = [happens]

    async def read(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        found = await super().read(query, *args, **kwargs)
        while self._happens:
            self._happens.pop()()
        return found


def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'catalogue.db'}")
    owner = builders.account(store)
    with store.begin() as tx:
        secret, token = credentials.create_token(tx, owner, scopes=None, now=NOW, new_id=new_id)

    def revoke() -> None:
        with store.begin() as tx:
            position = credentials.revoke_token(tx, owner, token.id, now=NOW)
        catalogue.moved(position)
        auth.moved(position)

    catalogue = Raced(store, revoke)
    auth = Authenticator(catalogue, "http://127.0.0.1:8000")
    request = HTTPConnection({"type": "http", "headers": [(b"authorization", f"Bearer {secret}".encode())]})

    async def ask_twice() -> None:
        assert (await auth.actor(request)).token_id == token.id
        with pytest.raises(BadCredential):
            await auth.actor(request)

    asyncio.run(ask_twice())
    store.close()
