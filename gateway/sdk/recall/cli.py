"""`hubgate sync | holdings | extract`: what this machine holds, and what it does when something is called back."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.sdk.client import Hub
from gateway.sdk.recall.sync import Handled, policy
from gateway.sdk.recall.told import details, headline
from gateway.sdk.usage import Json, Lang, Token, Url, fail, print_json, spoken
from gateway.sdk.wire import CopiesOutside
from gateway.sdk.words import Language, plain, say, size

app = typer.Typer()
_ANSWERS = {
    "yes": CopiesOutside.DECLARED,
    "no": CopiesOutside.NONE_DECLARED,
    "unknown": CopiesOutside.UNKNOWN,
}


@app.command()
@spoken
def sync(
    yes: Annotated[bool, typer.Option("--yes", help="Delete for good without being asked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    kept_by_law: Annotated[
        list[str] | None,
        typer.Option(metavar="NOTICE", help="A duty forbids deleting this notice's copies; repeatable."),
    ] = None,
    copies_outside: Annotated[
        str | None,
        typer.Option(metavar="yes|no|unknown", help="Whether there are copies that hubgate does not know of."),
    ] = None,
    url: Url = None,
    token: Token = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Look for recalls; set aside or delete what they call back, and answer with signed receipts.

    Only files that hubgate itself put there are touched, and only if nobody changed them.
    """
    if copies_outside not in {None, *_ANSWERS}:
        raise typer.BadParameter("--copies-outside takes yes, no or unknown")
    asks = sys.stdin.isatty() and not as_json and not yes and not dry_run
    outside = _ANSWERS[copies_outside or "unknown"]
    kept = tuple(kept_by_law or ())
    with Hub(url, token, lang=lang, look=False) as hub:
        purge = yes or policy(os.environ)
        handled = hub.sync(purge=purge, dry_run=dry_run, kept_by_law=kept, copies_outside=outside)
        _show(handled, lang, as_json=as_json, dry_run=dry_run)
        waiting = [one for one in handled if one.state == "waiting" and one.action == "purge"]
        if waiting and asks:
            if not typer.confirm(say("ask-delete", lang)):
                fail(say("sync-waiting", lang))
            if copies_outside is None:
                answer = typer.prompt(say("ask-outside", lang), default="unknown").strip().lower()
                outside = _ANSWERS.get(answer, CopiesOutside.UNKNOWN)
            if outside is CopiesOutside.DECLARED:
                print(say("outside-advice", lang, until=(waiting[0].deadline or "")[:10]))
            handled = hub.sync(purge=True, kept_by_law=kept, copies_outside=outside)
            _show(handled, lang, as_json=as_json, dry_run=dry_run)
            waiting = []
    open_ends = any(
        one.state in ("unanswered", "undone")
        or (one.action == "purge" and (one.counts["locked"] or one.counts["modified"]))
        for one in handled
    )
    if (waiting or open_ends) and not dry_run:
        raise typer.Exit(1)


@app.command()
@spoken
def holdings(url: Url = None, token: Token = None, lang: Lang = None, as_json: Json = False) -> None:
    """List what this machine holds: version, digest, path, what was extracted, and other tools' caches."""
    with Hub(url, token, lang=lang) as hub:
        found = hub.holdings()
    if as_json:
        print_json([{**asdict(one), "place": str(one.place)} for one in found])
        return
    if not found:
        print(say("holds-nothing", lang, url=hub.url), file=sys.stderr)
    for one in found:
        version, digest = (one.version or "?")[:12], one.sha256[:12] or "?"
        kind = one.kind if one.tool == "hubgate" else f"{one.tool} {one.kind}"
        state = "" if one.state == "there" else f"  [{say('sync-aside', lang)}]"
        print(plain(f"{one.asset}@{version}  {digest:<12}  {kind:<17}  {size(one.size):>9}  {one.place}{state}"))


@app.command()
@spoken
def extract(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="A fetched tar or zip.")],
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder; else one beside the file.")] = None,
    url: Url = None,
    token: Token = None,
    lang: Lang = None,
) -> None:
    """Extract a fetched tar or zip, so that recalls reach what was in it."""
    with Hub(url, token, lang=lang) as hub:
        folder = hub.extract(archive, to)
    print(say("extracted", lang, path=archive, folder=folder))


def _show(handled: list[Handled], lang: Language | None, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json([_record(one) for one in handled])
        return
    if not handled:
        print(say("sync-nothing", lang))
    for one in handled:
        print(plain(headline(one, lang)))
        for line in details(one, lang, dry_run=dry_run):
            print(plain("  " + line))


def _record(one: Handled) -> dict[str, Any]:
    return {
        "notice": one.notice,
        "asset": one.asset,
        "action": one.action,
        "reason": one.reason,
        "deadline": one.deadline,
        "state": one.state,
        "counts": dict(one.counts),
        "files": [{"path": str(place), "done": done.value} for place, done in one.files],
        "elsewhere": [str(place) for place in one.elsewhere],
        "missing": [str(place) for place in one.missing],
        "caches": [{"tool": cached.tool, "path": str(cached.place)} for cached in one.caches],
    }
