"""The first step of every act: may this actor do it?"""

from __future__ import annotations

from catalog.errors import Denied
from catalog.policy.access import requires
from catalog.policy.roles import ACTS, SCOPES, Act
from catalog.ports import Transaction
from catalog.vocabulary import Account, Actor, Role

ANYONE = Actor(account=None, scopes=frozenset())


def authorise(tx: Transaction, actor: Actor, act: Act) -> Account:
    """The actor's account, as it stands now, or Denied. A token that was revoked meanwhile opens nothing either."""
    roles, scope = ACTS[act]
    stands = actor.token_id is None or tx.accounts.token_stands(actor.token_id)
    account = tx.accounts.get(actor.account.id) if actor.account is not None and stands else None
    decision = requires(Actor(account=account, scopes=actor.scopes), roles, scope, tx.ledger.position())
    if account is None or not decision.allowed:
        raise Denied(decision, roles=" ".join(role for role in Role if role in roles), scope=scope.value)
    return account


def in_person(account: Account) -> Actor:
    """The actor who signed in with a password, or who sits at the machine: all that the role has."""
    return Actor(account=account, scopes=SCOPES[account.role])
