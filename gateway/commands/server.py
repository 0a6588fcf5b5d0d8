"""`hubgate init | serve | demo | check | verify`."""

from __future__ import annotations

import hashlib
import secrets
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Annotated

import typer
from tqdm import tqdm

from catalog.actions import accounts, complaints, credentials
from catalog.actions import publish as publishing
from catalog.actions import terms as terms_actions
from catalog.actions.authority import in_person
from catalog.ledger.fold import differences, fold
from catalog.ports import Transaction
from catalog.vocabulary import Account, ComplaintItem, Event, Kind, Role
from faceguard.frames import Standing
from faceguard.result import NOT_THE_PICTURE, Refused, Why
from faceguard.words import say
from gateway.blobs.base import CHUNK, Blob, BlobMissing
from gateway.commands import intake
from gateway.commands.base import OPERATOR, Config, Data, Failed, Json, command, opened, settings_of, show, words
from gateway.commands.publishing import build_previews, read_warrant, release_folder
from gateway.installation import Installation, create, new_guard, open_installation, random_id, utc_now
from gateway.logs import configure
from gateway.settings import Settings, masked
from gateway.web.passwords import Passwords

app = typer.Typer()

DEMO_DATA = Path("demo-data")
DEMO_ACCOUNTS = (
    ("researcher", Role.RESEARCHER),
    ("publisher", Role.PUBLISHER),
    (OPERATOR, Role.OPERATOR),
    ("operator2", Role.OPERATOR),
)
EVENTS_AT_ONCE = 1000


def make_operator(tx: Transaction, contact: str | None) -> Account:
    """The account that acts on the command line unless --as names another."""
    existing = tx.accounts.named(OPERATOR)
    if existing is not None:
        return existing
    new = accounts.NewAccount(name=OPERATOR, email=contact, phone=None, role=Role.OPERATOR, password_hash=None)
    return accounts.create(tx, new, actor="", now=utc_now(), new_id=random_id)


@app.command("init")
@command
def init(
    data: Data = None,
    contact: Annotated[str | None, typer.Option(help="The operator's e-mail address.")] = None,
) -> None:
    """Make an installation and its account `operator`; prints that account's token alone on the last line."""
    settings = settings_of(data)
    create(settings)
    with opened(data) as installation, installation.store.begin() as tx:
        operator = make_operator(tx, contact)
        secret, _ = credentials.create_token(tx, operator, scopes=None, now=utc_now(), new_id=random_id)
    print(f"hubgate is set up in {settings.data}. Start it with: hubgate serve --data {settings.data}", file=sys.stderr)
    print(secret)


@app.command("serve")
@command
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option()] = None,
    public_url: Annotated[str | None, typer.Option("--public-url", help="Base of every absolute link.")] = None,
    config: Config = None,
) -> None:
    """Serve the installation; its jobs run in the same process."""
    settings = settings_of(data, config, host=host, port=port, public_url=public_url)
    configure(settings.log_level)
    listener = _listen(settings)
    settings = replace(settings, port=listener.getsockname()[1])
    installation = open_installation(settings)
    print(f"hubgate serves {settings.base_url}", file=sys.stderr, flush=True)
    _run(installation, listener)


def _listen(settings: Settings) -> socket.socket:
    from gateway import server

    try:
        return server.listen(settings.host, settings.port)
    except server.CannotListen as error:
        raise Failed(str(error)) from error


def _run(installation: Installation, listener: socket.socket) -> None:
    from gateway import server  # the whole web application: commands that act beside a server do without
    from gateway.app import build_app

    if not server.run(build_app(installation), listener, proxies=installation.settings.trusted_proxies):
        raise Failed("The server did not start; its log above says why.")


@app.command("check")
@command
def check(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Print the settings in force and try every dependency; exit status 1 when one fails."""
    from gateway.streams.connection import SEND_BUFFER_MOST

    settings = settings_of(data, config)
    if not as_json:
        show(masked(settings), as_json)  # what was set is known even when a dependency fails
    installation = open_installation(settings)
    with installation.store.read() as tx:
        position = tx.ledger.position()
    next(iter(installation.originals.digests()), None)
    with new_guard(installation) as guard:
        answer = guard.preview(b"")  # nothing can be made of no bytes; a sound worker says just that
        workers = f"{guard.workers} of at most {guard.limits.memory_bytes >> 20} MiB: no network, no file, no process"
    installation.close()
    broken = answer.why if isinstance(answer, Refused) and answer.why in NOT_THE_PICTURE else None
    standing = guard.standing
    with socket.create_server(("127.0.0.1", 0)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_MOST)
        granted = probe.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2
    results = {
        "catalogue": f"ok, position {position}",
        "originals": "ok",
        "previews": f"{broken.value}: every picture is refused" if broken else f"ok, plan {_plan(standing)}",
        "second_look": "none" if broken else _second_look(standing),
        "preview_workers": workers if broken is None else "none that works",
        "send_buffer_bytes": granted,
    }
    show({"settings": masked(settings), **results} if as_json else results, as_json)
    if broken is Why.NO_DETECTOR:
        raise Failed(words()("models.none", folder=settings.models_folder))
    if broken and standing is None:
        raise Failed(words()("models.down"))
    if broken:
        raise Failed(words().pick(en=say(broken, "en"), zh=say(broken, "zh")))


def _plan(standing: Standing | None) -> str:
    return (standing and standing.plan) or "unknown"


def _second_look(standing: Standing | None) -> str:
    own = "by the plan's own detectors"
    if standing is None or not standing.trouble:
        return f"{own} and mediapipe" if standing and standing.mediapipe else own
    return f"{own} alone, for mediapipe is installed and does not take part: {standing.trouble}"


@app.command("verify")
@command
def verify(data: Data = None) -> None:
    """Hold the tables against the events, and every original against its digest; exit status 1 on any difference."""
    with opened(data) as installation:
        with installation.store.read() as tx:
            wrong = differences(fold(_events(tx)), tx.projection.snapshot())
            digests = list(tx.assets.digests())
        with tqdm(total=sum(size for _, size in digests), unit="B", unit_scale=True, disable=None) as bar:
            for sha256, size in digests:
                wrong += _wrong_with(installation, sha256, size)
                bar.update(size)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        raise Failed(f"{len(wrong)} differences.")
    print(f"clean: {len(digests)} originals")


def _events(tx: Transaction) -> Iterator[Event]:
    position = 0
    while page := tx.ledger.events(position, EVENTS_AT_ONCE):
        yield from page
        position = page[-1].position


def _wrong_with(installation: Installation, sha256: str, size: int) -> list[str]:
    try:
        blob = installation.originals.open(sha256)
    except BlobMissing:
        return [f"original {sha256}: missing"]
    try:
        return [] if blob.size == size and _digest(blob) == sha256 else [f"original {sha256}: other bytes"]
    finally:
        blob.close()


def _digest(blob: Blob) -> str:
    digest = hashlib.sha256()
    for start in range(0, blob.size, CHUNK):
        digest.update(blob.read(start, min(start + CHUNK, blob.size)))
    return digest.hexdigest()


@app.command("demo")
@command
def demo(
    data: Annotated[Path, typer.Option("--data", help="Folder to create or to go on with.")] = DEMO_DATA,
    port: Annotated[int, typer.Option()] = 8000,
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help="Only prepare the data with --no-serve.")] = True,
) -> None:
    """Publish two picture sets and a model, made of files that come with hubgate, and serve them."""
    settings = settings_of(data, port=port)
    listener = None
    if serve_it:  # first of all: who would wait for the pictures, only to hear that the port is taken?
        listener = _listen(settings)
        settings = replace(settings, port=listener.getsockname()[1])
    logins = data / "demo-accounts.txt"
    if not logins.exists():
        create(settings)
        installation = open_installation(settings)
        told = fill(installation)
        installation.close()
        fresh = logins.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(told, encoding="utf-8")
        fresh.replace(logins)
    print(greeting(settings.base_url, logins.read_text(encoding="utf-8")), flush=True)
    if listener is not None:
        configure(settings.log_level)
        _run(open_installation(settings), listener)


def fill(installation: Installation) -> str:
    """Accounts, terms, assets with their previews, and one open complaint; gives the accounts' passwords as text.

    Safe to run again after a crash: what is there already is kept.
    """
    from gateway.demo.content import ASSETS, TERMS, write_demo  # draws with numpy and Pillow: only the demo needs them

    folder = installation.settings.data / "demo-content"
    print("Drawing the demo's pictures …", file=sys.stderr, flush=True)
    write_demo(folder)
    told = [_account(installation, name, role) for name, role in DEMO_ACCOUNTS]
    with installation.store.begin() as tx:
        publisher = in_person(_named(tx, "publisher"))
        texts = {lang: (folder / "terms" / f"{TERMS}.{lang}.md").read_text(encoding="utf-8") for lang in ("en", "zh")}
        terms_actions.publish_terms(tx, publisher, TERMS, **texts, major=False, now=utc_now())
    with new_guard(installation) as guard:
        for asset in ASSETS:
            publication = publishing.Publication(
                kind=Kind(asset.kind),
                full_name=asset.name,
                terms_id=TERMS,
                warrant=read_warrant(folder / asset.warrant),
                class_override=None,
                tag="v1",
                card=intake.card_of(folder / asset.folder),
            )
            released = release_folder(installation, publisher, publication, folder / asset.folder)
            if released.preview_job is not None:
                print(f"Blurring previews of {asset.name} …", file=sys.stderr, flush=True)
                build_previews(installation, guard, released.preview_job)
    with installation.store.begin() as tx:
        if not tx.complaints.queue(None):
            _complain(tx)
        secret, _ = credentials.create_token(tx, _named(tx, "researcher"), scopes=None, now=utc_now(), new_id=random_id)
    return "\n".join([*told, f"token {secret}"])


def _named(tx: Transaction, name: str) -> Account:
    account = tx.accounts.named(name)
    if account is None:
        raise Failed(f"The demo's account {name} is missing: remove the folder and start again.")
    return account


def _account(installation: Installation, name: str, role: Role) -> str:
    password = secrets.token_urlsafe(9)
    password_hash = Passwords().hash_now(password)
    with installation.store.begin() as tx:
        existing = tx.accounts.named(name)
        if existing is not None:
            tx.accounts.set_password_hash(existing.id, password_hash)
        else:
            new = accounts.NewAccount(
                name=name, email=f"{name}@example.org", phone=None, role=role, password_hash=password_hash
            )
            accounts.create(tx, new, actor="", now=utc_now(), new_id=random_id)
    return f"{name} {password}"


def _complain(tx: Transaction) -> None:
    command_ = complaints.FileComplaint(
        kind="self",
        name="Li Ming / 李明",
        contact="li.ming@example.org",
        request="I am in this picture and never agreed to it. Please take it out. 照片中是我本人，我从未同意，请移除。",
        links=["https://example.org/where-it-came-from.jpg"],
        asset="demo/street-faces",
        items=[ComplaintItem(path=None, version=None, preview=3)],
        source="demo",
    )
    complaints.file_complaint(tx, command_, now=utc_now(), new_id=random_id)


def greeting(base_url: str, logins: str) -> str:
    pairs = dict(line.split(" ", 1) for line in logins.splitlines())
    token = pairs.pop("token")
    people = "\n".join(f"  {name:<11} {password}" for name, password in pairs.items())
    hubgate = "hubgate" if which("hubgate") else sys.argv[0]  # as it must be typed in this terminal
    return f"""
hubgate demo: {base_url}

Accounts (user name, password):
{people}
A researcher's token: {token}

Try:
  {hubgate} login {base_url}                                  (paste the token)
  {hubgate} search faces
  {hubgate} accept demo/street-faces --purpose "trying hubgate"
  {hubgate} fetch demo/street-faces --to ./street-faces
  curl -u :{token} {base_url}/v1/assets/demo/street-faces/versions/main/archive.tar | tar t
Operators' page: {base_url}/operator
"""
