"""A draft that grows by commits: who may change it, what a commit may name, and what stays as it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from catalog.actions import accounts, credentials, drafts, publish
from catalog.actions.authority import in_person
from catalog.errors import Conflict, Denied, Invalid, NotFound
from catalog.ports import Store
from catalog.vocabulary import Actor, Content, Item, Kind, Reason, Role, Stop, StopReason, Version
from tests import builders
from tests.builders import NOW, new_id

NAME = "demo/street-faces"


@pytest.fixture
def publisher(store: Store) -> Actor:
    builders.published_terms(store)
    return builders.actor(store, Role.PUBLISHER)


def content(item: Item) -> Content:
    return Content(sha256=item.sha256, git_sha1=item.git_sha1, size=item.size)


def write(item: Item) -> drafts.Write:
    return drafts.Write(path=item.path, sha256=item.sha256, size=item.size)


def created(store: Store, actor: Actor, name: str = NAME) -> bool:
    with store.begin() as tx:
        return drafts.create(tx, actor, Kind.DATASET, name, now=NOW, new_id=new_id)[1]


def committed(
    store: Store,
    actor: Actor,
    *changes: drafts.Change,
    sent: Sequence[Item] = (),
    parent: str | None = None,
) -> Version:
    with store.begin() as tx:
        asset = drafts.writable(tx, actor, Kind.DATASET, *NAME.split("/"))
        return drafts.commit(
            tx, actor, asset, changes, [content(item) for item in sent], parent=parent, now=NOW, new_id=new_id
        )


def recorded(store: Store, actor: Actor, version: Version, item: Item) -> None:
    with store.begin() as tx:
        drafts.record(tx, actor, version.id, content(item), now=NOW)


def paths(store: Store, version: Version) -> list[str]:
    with store.read() as tx:
        return [item.path for item in tx.assets.items(version.id)]


def test_an_asset_is_created_once_and_seen_by_nobody_else(store: Store, publisher: Actor) -> None:
    assert created(store, publisher)
    assert not created(store, publisher)
    other = builders.actor(store, Role.PUBLISHER)
    with pytest.raises(Denied) as refused:
        created(store, other)
    assert refused.value.decision.reason is Reason.OTHER_PUBLISHER
    with store.read() as tx, pytest.raises(NotFound):
        drafts.writable(tx, other, Kind.DATASET, *NAME.split("/"))
    with store.read() as tx, pytest.raises(NotFound):
        drafts.writable(tx, publisher, Kind.MODEL, *NAME.split("/"))


def test_a_released_asset_is_refused_to_another_publisher_by_name(store: Store, publisher: Actor) -> None:
    builders.published(store, publisher)
    other = builders.actor(store, Role.PUBLISHER)
    with store.read() as tx, pytest.raises(Denied) as refused:
        drafts.writable(tx, other, Kind.DATASET, *NAME.split("/"))
    assert refused.value.decision.reason is Reason.OTHER_PUBLISHER


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.AUDITOR, None])
def test_who_is_no_publisher_changes_nothing(store: Store, publisher: Actor, role: Role | None) -> None:
    created(store, publisher)
    anyone = builders.actor(store, role) if role is not None else Actor(account=None, scopes=frozenset())
    for act in (
        lambda: created(store, anyone),
        lambda: created(store, anyone, "demo/new"),
        lambda: committed(store, anyone, write(builders.item()), sent=[builders.item()]),
    ):
        with pytest.raises(Denied):
            act()


def test_a_token_that_was_revoked_while_the_bytes_came_changes_nothing(store: Store, publisher: Actor) -> None:
    assert publisher.account is not None
    created(store, publisher)
    with store.begin() as tx:
        _, token = credentials.create_token(tx, publisher.account, scopes=None, now=NOW, new_id=new_id)
        by_token = Actor(account=publisher.account, scopes=publisher.scopes, token_id=token.id)
    draft = committed(store, by_token, write(builders.item()), sent=[builders.item()])
    with store.begin() as tx:
        credentials.revoke_token(tx, publisher.account, token.id, now=NOW)
    for act in (
        lambda: committed(store, by_token, drafts.Remove(path="a.jpg")),
        lambda: recorded(store, by_token, draft, builders.item("b.jpg", b"b")),
    ):
        with pytest.raises(Denied) as refused:
            act()
        assert refused.value.decision.reason is Reason.UNAUTHENTICATED
    assert paths(store, draft) == ["a.jpg"]


def test_a_suspended_publisher_changes_nothing(store: Store, publisher: Actor) -> None:
    assert publisher.account is not None
    draft = committed_first(store, publisher)
    operator = builders.actor(store, Role.OPERATOR)
    with store.begin() as tx:
        accounts.suspend(tx, operator, publisher.account.name, StopReason.MISUSE, now=NOW)
    with pytest.raises(Denied) as refused:
        recorded(store, publisher, draft, builders.item("b.jpg", b"b"))
    assert refused.value.decision.reason is Reason.SUSPENDED


def committed_first(store: Store, publisher: Actor) -> Version:
    created(store, publisher)
    return committed(store, publisher, write(builders.item()), sent=[builders.item()])


def test_commits_add_replace_and_remove_in_their_order(store: Store, publisher: Actor) -> None:
    created(store, publisher)
    some = [builders.item(path, path.encode()) for path in ("a/x", "a/y", "ab", "b/c/z")]
    draft = committed(store, publisher, *map(write, some), sent=some)
    assert paths(store, draft) == ["a/x", "a/y", "ab", "b/c/z"]
    late = builders.item("a/late", b"late")
    again = committed(
        store,
        publisher,
        drafts.Remove(path="a", folder=True),
        write(late),
        drafts.Remove(path="none"),
        drafts.Remove(path="b/c/z"),
        drafts.Write(path="ab", sha256=late.sha256, size=late.size),
        sent=[late],
    )
    assert again.id == draft.id
    assert paths(store, draft) == ["a/late", "ab"]
    with store.read() as tx:
        changed = tx.assets.item(draft.id, "ab")
    assert changed is not None
    assert changed.sha256 == late.sha256
    committed(store, publisher, write(builders.item("c/1", b"1")), drafts.Remove(path="c", folder=True),
              sent=[builders.item("c/1", b"1")])  # fmt: skip
    assert paths(store, draft) == ["a/late", "ab"]


def test_a_commit_names_only_what_was_sent_for_the_draft_or_is_the_assets_own(store: Store, publisher: Actor) -> None:
    secret = builders.item("secret.jpg", b"of another set")
    builders.published(store, builders.actor(store, Role.PUBLISHER), secret, full_name="demo/other")
    draft = committed_first(store, publisher)
    with pytest.raises(Invalid, match="not-sent"):
        committed(store, publisher, write(secret))
    own = builders.item("own.jpg", b"sent before")
    recorded(store, publisher, draft, own)
    with pytest.raises(Invalid, match="other-size"):
        committed(store, publisher, drafts.Write(path="own.jpg", sha256=own.sha256, size=own.size + 1))
    committed(store, publisher, write(own), drafts.Write(path="copy.jpg", sha256=own.sha256, size=own.size))
    assert paths(store, draft) == ["a.jpg", "copy.jpg", "own.jpg"]


def test_a_commit_that_is_refused_changes_nothing(store: Store, publisher: Actor) -> None:
    draft = committed_first(store, publisher)
    good = builders.item("good.jpg", b"good")
    for bad in (
        write(builders.item("bad.jpg", b"never sent")),
        drafts.Remove(path="../x"),
        drafts.Write(path="a//b", sha256=good.sha256, size=good.size),
    ):
        with pytest.raises(Invalid):
            committed(store, publisher, drafts.Remove(path="a.jpg"), write(good), bad, sent=[good])
    assert paths(store, draft) == ["a.jpg"]


def test_a_new_draft_begins_with_what_is_served(store: Store, publisher: Actor) -> None:
    operator = builders.actor(store, Role.OPERATOR)
    kept, stopped = builders.item("kept.jpg", b"kept"), builders.item("stopped.jpg", b"stopped")
    first = builders.published(store, publisher, kept, stopped)
    builders.stopped(store, operator, Stop.WITHHOLD, f"{NAME}@{first.id}:stopped.jpg")
    with store.read() as tx:
        asset = drafts.writable(tx, publisher, Kind.DATASET, *NAME.split("/"))
        assert drafts.present(tx, asset, ["kept.jpg", "stopped.jpg", "none"]).keys() == {"kept.jpg"}
        assert drafts.barred(tx, asset, [kept.sha256, stopped.sha256]).keys() == {stopped.sha256}
    new = builders.item("new.jpg", b"new")
    draft = committed(store, publisher, write(new), sent=[new], parent=first.id)
    assert draft.id != first.id
    assert paths(store, draft) == ["kept.jpg", "new.jpg"]
    with pytest.raises(Conflict, match="content-stopped"):
        committed(store, publisher, drafts.Write(path="x", sha256=stopped.sha256, size=stopped.size))
    with pytest.raises(Conflict, match="parent-moved"):
        committed(store, publisher, drafts.Remove(path="new.jpg"), parent="0" * 40)
    committed(store, publisher, drafts.Remove(path="kept.jpg"), parent=draft.id)
    assert paths(store, draft) == ["new.jpg"]


def test_a_revoked_content_is_told_by_its_notice_before_it_is_sent(store: Store, publisher: Actor) -> None:
    operator = builders.actor(store, Role.OPERATOR)
    gone = builders.item("gone.jpg", b"gone")
    builders.published(store, publisher, gone, full_name="demo/gone")
    notice = builders.stopped(store, operator, Stop.REVOKE, "demo/gone")
    draft = committed_first(store, publisher)
    with store.read() as tx:
        asset = drafts.writable(tx, publisher, Kind.DATASET, *NAME.split("/"))
        assert drafts.barred(tx, asset, ["0" * 64, gone.sha256]) == {gone.sha256: notice.id}
    with pytest.raises(Conflict) as refused:
        committed(store, publisher, write(gone), sent=[gone])
    assert refused.value.params["notice"] == notice.id
    assert paths(store, draft) == ["a.jpg"]


def test_a_draft_is_looked_at_by_its_publisher_and_operators_alone(store: Store, publisher: Actor) -> None:
    draft = committed_first(store, publisher)
    operator, other = builders.actor(store, Role.OPERATOR), builders.actor(store, Role.PUBLISHER)
    for one in (publisher, operator):
        with store.read() as tx:
            assert [found.version.id for found in drafts.drafts(tx, one)] == [draft.id]
            seen, items = drafts.look(tx, one, draft.id)
        assert (seen.items, seen.size, len(items)) == (1, len(b"picture"), 1)
    with store.read() as tx:
        assert drafts.drafts(tx, other) == []
    for version_id in (draft.id, "0" * 40):
        with store.read() as tx, pytest.raises(NotFound):
            drafts.look(tx, other, version_id)
    with store.read() as tx, pytest.raises(Denied):
        drafts.drafts(tx, builders.actor(store))


def test_a_discarded_draft_is_no_more_and_what_may_go_is_named(store: Store, publisher: Actor) -> None:
    draft = committed_first(store, publisher)
    sent = builders.item("sent.jpg", b"sent, not named")
    recorded(store, publisher, draft, sent)
    shared = builders.item()
    builders.published(store, publisher, shared, full_name="demo/elsewhere")
    with store.begin() as tx:
        gone = drafts.discard(tx, publisher, draft.id, now=NOW)
        assert set(gone) == {shared.sha256, sent.sha256}
        assert tx.uploads.unused(gone) == [sent.sha256]
        assert [found.version.id for found in drafts.drafts(tx, publisher)] == []
    with store.begin() as tx, pytest.raises(NotFound):
        drafts.discard(tx, publisher, draft.id, now=NOW)
    assert builders.events_and_tables_agree(store)


def test_after_a_discarded_draft_the_next_begins_with_what_is_served(store: Store, publisher: Actor) -> None:
    builders.published(store, publisher, builders.item("served.jpg", b"served"))
    unwanted, wanted = builders.item("unwanted.jpg", b"unwanted"), builders.item("wanted.jpg", b"wanted")
    draft = committed(store, publisher, write(unwanted), sent=[unwanted])
    with store.begin() as tx:
        drafts.discard(tx, publisher, draft.id, now=NOW)
    second = committed(store, publisher, write(wanted), sent=[wanted])
    assert second.id != draft.id
    assert paths(store, second) == ["served.jpg", "wanted.jpg"]


def test_what_was_stopped_in_a_draft_meanwhile_hinders_no_other_file(store: Store, publisher: Actor) -> None:
    operator = builders.actor(store, Role.OPERATOR)
    stopped, other = builders.item("stopped.jpg", b"stopped"), builders.item("other.jpg", b"other")
    first = builders.published(store, publisher, stopped)
    draft = committed(store, publisher, write(builders.item()), sent=[builders.item()])
    builders.stopped(store, operator, Stop.WITHHOLD, f"{NAME}@{first.id}:stopped.jpg")
    committed(store, publisher, write(other), sent=[other])
    assert paths(store, draft) == ["a.jpg", "other.jpg", "stopped.jpg"]
    with pytest.raises(Conflict, match="content-stopped") as refused:
        committed(store, publisher, write(stopped))
    assert refused.value.params["count"] == "1"
    committed(store, publisher, drafts.Remove(path="stopped.jpg"))
    assert paths(store, draft) == ["a.jpg", "other.jpg"]


def test_a_copy_of_what_is_there_need_not_tell_its_size(store: Store, publisher: Actor) -> None:
    draft = committed_first(store, publisher)
    committed(store, publisher, drafts.Write(path="copy.jpg", sha256=builders.item().sha256, size=None))
    with store.read() as tx:
        original, copy = tx.assets.items(draft.id)
    assert (copy.path, copy.sha256, copy.size) == ("copy.jpg", original.sha256, original.size)


def test_a_draft_that_grew_by_commits_is_released_like_any_other(store: Store, publisher: Actor) -> None:
    draft = committed_first(store, publisher)
    recorded(store, publisher, draft, builders.item("sent.jpg", b"sent, not named"))
    publication = publish.Publication(
        kind=Kind.DATASET, full_name=NAME, terms_id="research-use", warrant=builders.warrant(), class_override=None,
        tag=None, card="",
    )  # fmt: skip
    with store.begin() as tx:
        released = publish.release(tx, publisher, draft.id, publication, previews_per_version=10, now=NOW)
        assert tx.uploads.sent(draft.id) == []
    assert released.version.id == draft.id
    with store.read() as tx, pytest.raises(NotFound):
        drafts.look(tx, publisher, draft.id)
    with pytest.raises(Conflict, match="not-a-draft"):
        recorded(store, publisher, draft, builders.item("late.jpg", b"late"))
    assert builders.events_and_tables_agree(store)


HEAD = """---
license: cc-by-4.0
hubgate:
  terms: research-use
  tag: v1
  title: {en: Street faces, zh: 街头人脸}
  class: face
  lawful_basis: consent
  source: https://example.org/street-faces
  persons: adults
  residency: any
  contact: data@example.org
  pia: PIA-2026-001
---
# Street faces
"""


def test_a_card_vouches_or_names_what_it_lacks(store: Store, publisher: Actor) -> None:
    with store.read() as tx:
        assert drafts.wanting(tx, Kind.DATASET, HEAD) == {}
        lacking = drafts.wanting(tx, Kind.DATASET, HEAD.replace("  pia: PIA-2026-001\n", "").replace("use", "unknown"))
        assert lacking == {"pia": "missing", "terms": "no-such-terms"}
        bare = drafts.wanting(tx, Kind.DATASET, "# Nothing said\n")
        assert {"class", "licence", "lawful_basis", "terms", "title.zh"} <= bare.keys()
        assert set(drafts.wanting(tx, Kind.DATASET, "---\na: [\n---\n")) == {"README.md"}
        assert set(drafts.wanting(tx, Kind.DATASET, "---\nhubgate: text\n---\n")) == {"hubgate"}


def test_only_in_person_or_with_the_publish_scope(store: Store, publisher: Actor) -> None:
    assert publisher.account is not None
    narrow = Actor(account=publisher.account, scopes=frozenset())
    with pytest.raises(Denied) as refused:
        created(store, narrow)
    assert refused.value.decision.reason is Reason.SCOPE_MISSING
    assert created(store, in_person(publisher.account))
