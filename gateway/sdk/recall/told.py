"""What was done about a recall, in sentences: for the command line and for notebooks."""

from collections.abc import Iterator

from gateway.sdk.recall.feed import Notice
from gateway.sdk.recall.purge import Done
from gateway.sdk.recall.sync import Handled
from gateway.sdk.words import Language, say


def headline(one: Handled | Notice, lang: Language | None) -> str:
    """What is called back, until when, and why."""
    what = say("recall-items", lang, asset=one.asset) if one.scope == "items" else one.asset
    reason, until = say(f"reason-{one.reason}", lang), (one.deadline or "")[:10]
    return say(f"recall-{one.action}", lang, notice=one.notice, what=what, reason=reason, until=until)


def details(one: Handled, lang: Language | None, *, dry_run: bool) -> Iterator[str]:
    """What became of each file, or would become of it, and what is left to a person."""
    for place, done in one.files:
        did = say(f"sync-{done.value}", lang)
        acted = done in (Done.DELETED, Done.ASIDE, Done.RESTORED)
        yield f"{place}: {say(f'sync-would-{done.value}', lang) if dry_run and acted else did}"
    for place in one.missing:
        yield say("sync-missing", lang, place=place)
    for place in one.elsewhere:
        yield say("sync-elsewhere", lang, place=place)
    for cached in one.caches:
        key = "sync-cache" if cached.sha256 else "sync-made"
        yield say(key, lang, place=cached.place, tool=cached.tool, asset=cached.asset)
    if one.action == "purge" and not dry_run:
        yield say(f"sync-{one.state}", lang)
