"""`hubgate hold | withhold | revoke | release | complaints | dismiss`: beside a running server, or over its API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.actions import complaints as complaint_actions
from catalog.actions import stops
from catalog.policy import names
from catalog.vocabulary import ReleaseReason, Stop, StopReason
from gateway.commands.base import OPERATOR, As, Data, Failed, Json, Secret, Url, actor_named, command, opened, show
from gateway.installation import random_id, utc_now
from gateway.streams.effective import Enforcer
from gateway.web.operations import one_of

if TYPE_CHECKING:
    from gateway.commands.remote import Remote

app = typer.Typer()

Subject = Annotated[str, typer.Argument(help="ns/name, ns/name@version or ns/name@version:path")]
StopReasonOption = Annotated[str, typer.Option("--reason", help=f"One of {', '.join(StopReason)}.")]
ReleaseReasonOption = Annotated[str, typer.Option("--reason", help=f"One of {', '.join(ReleaseReason)}.")]
Case = Annotated[str | None, typer.Option("--case", help="The complaint that this answers.")]

COLLECTION = {Stop.HOLD: "holds", Stop.WITHHOLD: "withholdings", Stop.REVOKE: "revocations"}


def remote(url: str | None, token: str | None) -> Remote | None:
    if url is None:
        return None
    from gateway.commands.remote import Remote  # an HTTP client: only acts from afar need one

    secret = token or os.environ.get("HUBGATE_TOKEN")
    if not secret:
        raise Failed("--url needs a token: give --token or set HUBGATE_TOKEN.")
    return Remote(url, secret)


def _stop(
    act: Stop, subject: str, reason: str, case: str | None, data: Path | None, as_account: str, far: Remote | None
) -> Mapping[str, object]:
    if far is not None:
        body: dict[str, object] = {"subject": subject, "reason": reason, "case": case}
        return far.post(f"/v1/operator/{COLLECTION[act]}", body)
    command_ = stops.StopCommand(
        act=act, subject=names.subject(subject), reason=one_of(StopReason, "reason", reason), case=case
    )
    with opened(data) as installation:
        feed = installation.store.feed()
        enforcer = Enforcer(feed)
        before = enforcer.streams_cut()
        with installation.store.begin() as tx:
            notice = stops.stop(tx, actor_named(tx, as_account), command_, now=utc_now(), new_id=random_id)
        effect = asyncio.run(enforcer.until_effective(notice.position, cut_before=before))
        feed.close()
    return {
        "notice": notice.id,
        "subject": notice.subject,
        "effective_ms": effect.effective_ms,
        "streams_cut": effect.streams_cut,
    }


@app.command("hold")
@command
def hold(
    subject: Subject,
    reason: StopReasonOption,
    case: Case = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Stop an asset, a version or an item for the time being. Returns when effective everywhere."""
    show(_stop(Stop.HOLD, subject, reason, case, data, as_account, remote(url, token)), as_json)


@app.command("withhold")
@command
def withhold(
    subject: Subject,
    reason: StopReasonOption,
    case: Case = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Take one item out for good, in every version that has it; the others stay served."""
    show(_stop(Stop.WITHHOLD, subject, reason, case, data, as_account, remote(url, token)), as_json)


@app.command("revoke")
@command
def revoke(
    subject: Subject,
    reason: StopReasonOption,
    case: Case = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Stop an asset (all its versions) or a version for good. Never lifted."""
    show(_stop(Stop.REVOKE, subject, reason, case, data, as_account, remote(url, token)), as_json)


@app.command("release")
@command
def release(
    subject: Annotated[str | None, typer.Argument(help="What is on hold.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help=f"One of {', '.join(ReleaseReason)}.")] = None,
    confirm: Annotated[str | None, typer.Option("--confirm", metavar="ID", help="Confirm another's proposal.")] = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Lift a hold, or propose to: from class face and body on, a second account confirms over --url."""
    if (confirm is None) == (subject is None) or (subject is not None and reason is None):
        raise typer.BadParameter("give SUBJECT with --reason, or --confirm ID")
    far = remote(url, token)
    record: Mapping[str, Any]
    if confirm is not None:
        if far is None:
            raise Failed("A confirmation is the second person's own: use --url with that account's token, or the page.")
        record = far.post(f"/v1/operator/releases/{confirm}/confirmations", {})
    elif far is not None:
        record = far.post("/v1/operator/releases", {"subject": subject, "reason": reason})
    else:
        with opened(data) as installation, installation.store.begin() as tx:
            ref, code = names.subject(subject or ""), one_of(ReleaseReason, "reason", reason or "")
            proposal, lifted = stops.release(
                tx, actor_named(tx, as_account), ref, code, now=utc_now(), new_id=random_id
            )
        record = {"id": proposal.id, "state": "released" if lifted else "proposed"}
    show({"id": record["id"], "state": record["state"]}, as_json)


@app.command("complaints")
@command
def complaints(
    case: Annotated[str | None, typer.Argument(help="One case; without it the whole queue.")] = None,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """The queue by due time, or one case."""
    far = remote(url, token)
    records: list[dict[str, Any]]
    if far is not None:
        path = "/v1/operator/complaints"
        records = [far.get(f"{path}/{case}")] if case else far.get(path)["items"]
    else:
        from gateway.web.api.operator import one_case, queue

        with opened(data) as installation, installation.store.read() as tx:
            actor = actor_named(tx, as_account)
            records = [one_case(tx, actor, case)] if case else queue(tx, actor, None)
    if as_json or case:
        for record in records:
            show(record, as_json)
        return
    for record in records:
        print(
            f"{record['due']}  {record['case']}  {record['state']:<9}  {record['kind']:<12}  {record['asset'] or '-'}"
        )


@app.command("dismiss")
@command
def dismiss(
    case: str,
    reason: ReleaseReasonOption,
    data: Data = None,
    as_account: As = OPERATOR,
    url: Url = None,
    token: Secret = None,
    as_json: Json = False,
) -> None:
    """Answer a complaint with no, and say why. Holds stand until they are released."""
    far = remote(url, token)
    if far is not None:
        show(far.post("/v1/operator/dismissals", {"case": case, "reason": reason}), as_json)
        return
    with opened(data) as installation, installation.store.begin() as tx:
        code = one_of(ReleaseReason, "reason", reason)
        complaint_actions.dismiss(tx, actor_named(tx, as_account), case, code, now=utc_now())
    show({"case": case, "state": "dismissed"}, as_json)
