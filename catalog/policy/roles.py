"""Who may do what: role → scopes, and act → roles. Whatever stands in neither table is not allowed."""

from __future__ import annotations

from enum import StrEnum

from catalog.vocabulary import Role, Scope

SCOPES: dict[Role, frozenset[Scope]] = {
    Role.RESEARCHER: frozenset({Scope.READ, Scope.ACCEPT}),
    Role.PUBLISHER: frozenset({Scope.READ, Scope.ACCEPT, Scope.PUBLISH}),
    Role.OPERATOR: frozenset({Scope.READ, Scope.ACCEPT, Scope.PUBLISH, Scope.OPERATE}),
    Role.AUDITOR: frozenset({Scope.READ}),
}


class Act(StrEnum):
    """Everything that changes state, and the reading of what only some may read."""

    ACCEPT = "accept"
    PUBLISH = "publish"
    PUBLISH_TERMS = "publish-terms"
    MANAGE_ACCOUNTS = "manage-accounts"
    STOP = "stop"
    RELEASE = "release"
    DISMISS = "dismiss"
    SUSPEND = "suspend"
    DECIDE_ACCESS = "decide-access"
    READ_QUEUE = "read-queue"
    READ_EVENTS = "read-events"
    READ_RECALLS = "read-recalls"
    DECIDE_RECALL = "decide-recall"
    ANSWER_TASK = "answer-task"


EVERYONE = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR})

ACTS: dict[Act, tuple[frozenset[Role], Scope]] = {
    Act.ACCEPT: (EVERYONE - {Role.AUDITOR}, Scope.ACCEPT),
    Act.PUBLISH: (frozenset({Role.PUBLISHER, Role.OPERATOR}), Scope.PUBLISH),
    Act.PUBLISH_TERMS: (frozenset({Role.PUBLISHER, Role.OPERATOR}), Scope.PUBLISH),
    Act.MANAGE_ACCOUNTS: (OPERATORS, Scope.OPERATE),
    Act.STOP: (OPERATORS, Scope.OPERATE),
    Act.RELEASE: (OPERATORS, Scope.OPERATE),
    Act.DISMISS: (OPERATORS, Scope.OPERATE),
    Act.SUSPEND: (OPERATORS, Scope.OPERATE),
    Act.DECIDE_ACCESS: (OPERATORS, Scope.OPERATE),
    Act.READ_QUEUE: (OPERATORS, Scope.OPERATE),
    Act.READ_RECALLS: (OPERATORS, Scope.OPERATE),
    Act.DECIDE_RECALL: (OPERATORS, Scope.OPERATE),
    Act.ANSWER_TASK: (frozenset({Role.PUBLISHER, Role.OPERATOR}), Scope.PUBLISH),
    Act.READ_EVENTS: (frozenset({Role.OPERATOR, Role.AUDITOR}), Scope.READ),
}
