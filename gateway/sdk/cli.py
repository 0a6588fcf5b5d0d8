"""The researcher's commands. Exit status 0, 1 (refused or failed: one sentence on stderr) or 2 (bad usage)."""

import getpass
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from gateway.sdk import wire
from gateway.sdk.address import origin_of
from gateway.sdk.asset import Asset
from gateway.sdk.client import Hub, check_token, resolve
from gateway.sdk.errors import TermsNotAccepted
from gateway.sdk.logins import Login, Logins, home
from gateway.sdk.recall import cli as recalls
from gateway.sdk.usage import Json, Lang, Name, Token, Url, aside, fail, print_json, spoken
from gateway.sdk.words import Language, files, language, plain, say, size

app = typer.Typer(
    name="hubgate",
    help="Find face and body datasets and models behind a hubgate gateway, accept their terms, and fetch them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(recalls.app)  # without a name of its own: its commands stand beside the others


@app.command()
@spoken
def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="The gateway, such as https://gateway.example.org.")],
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")] = False,
    lang: Lang = None,
) -> None:
    """Sign in to a gateway with a token from its account page; the token is asked for, and kept for later commands."""
    origin = origin_of(url)
    if token_stdin or not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        token = getpass.getpass(f"{say('ask-token', lang)} (hbg_…): ").strip()
    check_token(origin, token)
    with Hub(origin, token, lang=lang, look=False) as hub:
        account = hub.me()["account"]["name"]
        hub.be_known(anew=True)
    logins = Logins(home(os.environ))
    logins.add(Login(origin=origin, token=token, account=account))
    print(say("signed-in", lang, url=origin, name=plain(account)))
    print(say("token-kept", lang, path=logins.path))


@app.command()
@spoken
def logout(url: Url = None, lang: Lang = None) -> None:
    """Forget the token of a gateway, by default that of the last sign-in."""
    logins = Logins(home(os.environ))
    origin = resolve(url, None, os.environ)[0]
    if not logins.remove(origin):
        fail(say("not-signed-in", lang, url=origin))
    print(say("signed-out", lang, url=origin))


@app.command()
@spoken
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words of the name or title; empty for all.")] = "",
    kind: Annotated[Literal["dataset", "model"] | None, typer.Option(help="Only datasets, or only models.")] = None,
    url: Url = None,
    token: Token = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Look for datasets and models."""
    with Hub(url, token, lang=lang) as hub:
        found = hub.search(text, kind=kind)
    if as_json:
        print_json(found)
    elif not found:
        print(say("nothing-found", lang), file=sys.stderr)
    for asset in [] if as_json else found:
        main = asset["main"]
        state = "" if main is None or main["state"] == "published" else f"  [{main['state']}]"
        name = f"{asset['ns']}/{asset['name']}"
        print(plain(f"{name:<32}  {asset['kind']:<7}  {asset['class']:<6}  {_title(asset['title'], lang)}{state}"))


@app.command()
@spoken
def show(name: Name, url: Url = None, token: Token = None, lang: Lang = None, as_json: Json = False) -> None:
    """Show an asset: class, licence, terms, versions, card."""
    with Hub(url, token, lang=lang) as hub:
        info = hub.asset(name).info()
    if as_json:
        print_json(info)
        return
    terms = info["terms"]
    lines = [
        f"{name}  {_title(info['title'], lang)}",
        f"{say('label-kind', lang)}: {info['kind']}    {say('label-class', lang)}: {info['class']}    "
        f"{say('label-licence', lang)}: {info['licence']}",
    ]
    if terms is not None:
        accepted = say("accepted" if terms["accepted"] else "not-accepted", lang)
        lines.append(f"{say('label-terms', lang)}: {terms['id']} {terms['version']} ({accepted})")
    lines.append(f"{say('label-versions', lang)}:")
    lines += [
        f"  {v['version']}  {v['tag'] or '':<8}  {v['state']:<9}  {files(v['items'], lang)}, "
        f"{size(v['size'])}  {v['published_at'] or ''}"
        for v in info["versions"]
    ]
    print(plain("\n".join([*lines, "", info["card"].strip()])))


@app.command()
@spoken
def terms(name: Name, url: Url = None, token: Token = None, lang: Lang = None, as_json: Json = False) -> None:
    """Print the terms of an asset that are in force."""
    with Hub(url, token, lang=lang) as hub:
        found = hub.asset(name).terms()
    if as_json:
        print_json(asdict(found))
        return
    print(plain(f"{found.id} {found.version}\n\n{found.text(lang or language()).strip()}"))


@app.command()
@spoken
def accept(
    name: Name,
    purpose: Annotated[str, typer.Option(help="What you will use it for, in your own words.")],
    yes: Annotated[bool, typer.Option("--yes", help="Accept without being asked: you have read the terms.")] = False,
    url: Url = None,
    token: Token = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Print the terms of an asset, ask, and accept them in the name of your account."""
    with Hub(url, token, lang=lang) as hub:
        acceptance = _agree(hub.asset(name), purpose, yes=yes, lang=lang, as_json=as_json)
    if as_json:
        print_json(acceptance)
        return
    print(say("accept-done", lang, terms=acceptance["terms_id"], version=acceptance["terms_version"], asset=name))


@app.command()
@spoken
def fetch(
    name: Name,
    version: Annotated[str, typer.Option(help="A version's id or tag.")] = "main",
    include: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only matching files; repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="No matching files; repeatable.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder; else NAME in this one.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What for, when the terms are not accepted yet.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the terms, with --purpose, without being asked.")] = False,
    url: Url = None,
    token: Token = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Fetch an asset's files, checked by SHA-256. Run again after an interruption, it goes on where it was.

    Terms that are not accepted yet are shown and asked for first.
    """
    from gateway.sdk.destination import Destination  # file locks load slowly, and not everyone fetches

    Destination(to or Path())  # no terms are accepted for files that could not be put there
    with Hub(url, token, lang=lang) as hub:
        asset = hub.asset(name)
        try:
            asset.manifest(version)
        except TermsNotAccepted:
            if not sys.stdin.isatty() and not (yes and purpose):
                raise
            _agree(asset, purpose, yes=yes, lang=lang, as_json=as_json)
        fetched = asset.download(to, version=version, include=include or (), exclude=exclude or ())
    if fetched.stopped:
        paths = ", ".join(fetched.stopped[:10]) + (" …" if len(fetched.stopped) > 10 else "")
        message = say("left-out", lang, files=files(len(fetched.stopped), lang), asset=name, paths=paths)
        print(plain(message), file=sys.stderr)
    if as_json:
        print_json({**asdict(fetched), "folder": str(fetched.folder)})
    if fetched.stopped and not fetched.files:
        raise typer.Exit(1)  # all that was asked for
    if as_json:
        return
    done = {"asset": name, "folder": fetched.folder, "files": files(fetched.files, lang), "version": fetched.version}
    print(say("fetched", lang, **done, size=size(fetched.size)))
    if fetched.kept:
        print(say("fetched-kept", lang, kept=fetched.kept))


def _agree(asset: Asset, purpose: str | None, *, yes: bool, lang: Language | None, as_json: bool) -> wire.Acceptance:
    """Show the terms, ask, and accept them: never without having shown them."""
    spoken_in = lang or language()
    shown = asset.terms()
    # With --json, standard output is for the record alone.
    print(plain(f"{shown.id} {shown.version}\n\n{shown.text(spoken_in).strip()}\n"), file=aside(as_json))
    if not yes:
        if not sys.stdin.isatty():
            fail(say("yes-needed", lang), 2)
        if not typer.confirm(say("ask-accept", lang), err=as_json):
            fail(say("declined", lang))
    if purpose is None:
        purpose = str(typer.prompt(say("ask-purpose", lang), err=as_json))
    return asset.accept(purpose=purpose, lang=spoken_in, terms=shown)


def _title(title: object, lang: Language | None) -> str:
    return str(cast("dict[str, str]", title).get(lang or language(), ""))
