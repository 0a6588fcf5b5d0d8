"""Recalls as operators see them in the pages. Nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from catalog.actions import boards
from catalog.actions.authority import authorise
from catalog.policy.roles import Act
from catalog.ports import Transaction
from catalog.recalls import HolderState, Task
from catalog.vocabulary import Account, Actor, Asset
from gateway.web.context import Catalogue
from gateway.web.operations import one_of
from gateway.web.render import Renderer

SHELF = 30  # recalls on a page
ROWS = 50  # holders on a page


@dataclass(frozen=True, slots=True)
class OneBoard:
    board: boards.Board
    totals: boards.Totals
    rows: Sequence[boards.Row]
    following: str | None


def one_board(tx: Transaction, actor: Actor, notice_id: str, state: HolderState | None, after: str) -> OneBoard:
    """Raises NotFound."""
    board = boards.board(tx, actor, notice_id)
    states = tuple(HolderState) if state is None else (state,)
    rows = boards.rows(tx, actor, board, states=states, after=after, limit=ROWS + 1)
    following = rows[ROWS - 1].account.id if len(rows) > ROWS else None
    return OneBoard(board, boards.totals_of(tx, actor, board), rows[:ROWS], following)


@dataclass(frozen=True, slots=True)
class Waiting:
    tasks: Sequence[Task]
    assets: Mapping[str, Asset | None]
    accounts: Mapping[str, Account]


def waiting(tx: Transaction, actor: Actor) -> Waiting:
    authorise(tx, actor, Act.READ_RECALLS)
    found = tx.tasks.waiting()
    assets = {task.asset_id: tx.assets.get(task.asset_id) for task in found}
    return Waiting(found, assets, {account.id: account for account in tx.accounts.everyone()})


class BoardPages:
    def __init__(self, catalogue: Catalogue, renderer: Renderer) -> None:
        self._catalogue = catalogue
        self._renderer = renderer

    async def list(self, request: Request, actor: Actor) -> Response:
        text = request.query_params.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        found = await self._catalogue.read(boards.boards, actor, SHELF + 1, before)
        older = found[SHELF - 1].recall.seq if len(found) > SHELF else None
        return self._renderer.render(request, "recalls.html", actor, boards=found[:SHELF], older=older)

    async def show(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        chosen = query.get("state", "all")
        state = None if chosen == "all" else one_of(HolderState, "state", chosen)
        after = query.get("after", "")
        found = await self._catalogue.read(one_board, actor, request.path_params["id"], state, after)
        return self._renderer.render(
            request, "recall.html", actor, one=found, board=found.board, recall=found.board.recall,
            chosen=chosen, states=["all", *HolderState], now=self._catalogue.now(),
        )  # fmt: skip

    async def tasks(self, request: Request, actor: Actor) -> Response:
        found = await self._catalogue.read(waiting, actor)
        return self._renderer.render(request, "tasks.html", actor, waiting=found, now=self._catalogue.now())
