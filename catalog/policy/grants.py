"""Where an account stands that accepted the terms of an asset."""

from __future__ import annotations

from catalog.vocabulary import Approval, Gate, Grant


def approval(gate: Gate, grant: Grant | None) -> Approval:
    """An operator's word counts before the gate; without one a manual gate is shut."""
    if grant is not None:
        return grant.approval
    return Approval.ACCEPTED if gate is Gate.AUTO else Approval.PENDING
