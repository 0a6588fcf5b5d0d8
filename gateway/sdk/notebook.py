"""Terms and recalls in a notebook: forms where ipywidgets is installed (extra ``notebook``), else the same as text.

>>> from gateway.sdk import Hub, notebook
>>> hub = Hub()
>>> notebook.terms(hub.dataset("lab/street-faces"))
>>> notebook.recalls(hub)
"""

import html
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from gateway.sdk.asset import Asset
from gateway.sdk.client import Hub
from gateway.sdk.errors import HubError, TermsChanged
from gateway.sdk.progress import in_notebook
from gateway.sdk.recall.told import details, headline
from gateway.sdk.wire import CopiesOutside
from gateway.sdk.words import Language, plain, say

TEXT = "white-space:pre-wrap;line-height:1.45"
BOX = f"{TEXT};overflow:auto;max-height:20em;padding:.8em 1em;border:1px solid #8888;border-radius:4px"
BAR = f"{TEXT};padding:.6em 1em;margin:.3em 0;border-left:5px solid"
ALARM, DONE = f"{BAR} #b3261e;background:#b3261e14", f"{BAR} #1b7f3b;background:#1b7f3b14"


def terms(asset: Asset, *, purpose: str = "", lang: Language | None = None) -> "TermsForm":
    """The terms of an asset, with a field for the purpose and a button that accepts them; nothing is accepted before.

    Raises what the gateway refuses.
    """
    return TermsForm(asset, purpose, lang)


def recalls(hub: Hub, *, lang: Language | None = None) -> "RecallsForm":
    """What is called back from this machine, with buttons that set it aside or delete it and send the receipt.

    Raises Untrusted for what is not to be believed.
    """
    return RecallsForm(hub, lang)


class Form(ABC):
    """What a cell ends with: a form where one can be shown, else its text."""

    def __init__(self, lang: Language) -> None:
        self.lang: Language = lang

    @abstractmethod
    def text(self) -> str:
        """All that the form says, and what to call instead of pressing its buttons."""

    @abstractmethod
    def widget(self) -> Any:
        """The form itself. Needs ipywidgets."""

    def __repr__(self) -> str:
        return plain(self.text())

    def _ipython_display_(self) -> None:
        if in_notebook() and find_spec("ipywidgets") is not None:
            import_module("IPython.display").display(self.widget())
        else:
            sys.stdout.write(repr(self) + "\n")


class TermsForm(Form):
    """The terms in force when it was made; `accepted` tells whether they are accepted now."""

    LANGUAGES: ClassVar = (("English", "en"), ("中文", "zh"))

    def __init__(self, asset: Asset, purpose: str, lang: Language | None) -> None:
        super().__init__(lang or asset.lang)
        self._asset = asset
        self._purpose = purpose
        self._shown = asset.terms()
        self.accepted = asset.accepted()

    def text(self) -> str:
        end = say("form-before", self.lang) if self.accepted else say("form-how", self.lang, asset=self._asset.name)
        return f"{self._title()}\n\n{self._shown.text(self.lang).strip()}\n\n{end}"

    def widget(self) -> Any:
        widgets = import_module("ipywidgets")
        self._heading = widgets.HTML()
        self._terms = widgets.HTML()
        self._language = widgets.ToggleButtons(
            options=self.LANGUAGES, value=self.lang, style={"button_width": "6em"}, layout={"margin": "0 0 .5em 0"}
        )
        self._label = widgets.HTML()
        self.purpose = widgets.Textarea(value=self._purpose, rows=2, layout={"width": "auto"})
        self.button = widgets.Button(button_style="primary", layout={"width": "auto", "align_self": "flex-start"})
        self._said = widgets.HTML()
        self._language.observe(self._speak, "value")
        self.purpose.observe(self._renew, "value")
        self.button.on_click(self._accept)
        self._renew()
        ask = [self._label, self.purpose, self.button]
        parts = [self._heading, self._language, self._terms, *([] if self.accepted else ask), self._said]
        self._form = widgets.VBox(parts, layout={"max_width": "52em"})
        return self._form

    def _title(self) -> str:
        shown = self._shown
        return say("form-terms", self.lang, asset=self._asset.name, terms=shown.id, version=shown.version)

    def _speak(self, change: Any) -> None:
        self.lang = change["new"]
        self._renew()

    def _renew(self, change: Any = None, said: str = "") -> None:
        """Say everything in the language chosen."""
        self._heading.value = _strong(self._title())
        self._terms.value = _block(self._shown.text(self.lang).strip(), BOX)
        self._label.value = _strong(say("ask-purpose", self.lang))
        self.button.description = say("form-accept", self.lang)
        self.button.disabled = self.accepted or not self.purpose.value.strip()
        if self.accepted:
            said = said or say("form-before", self.lang)
        self._said.value = _block(said, DONE if self.accepted else ALARM) if said else ""

    def _accept(self, button: Any) -> None:
        button.disabled = True
        try:
            self._asset.accept(purpose=self.purpose.value.strip(), lang=self.lang, terms=self._shown)
        except TermsChanged:
            self._shown = self._asset.terms()
            self._renew(said=say("form-changed", self.lang))
        except HubError as error:
            self._renew(said=error.say(self.lang))
        else:
            self.accepted = True
            self._renew(said=say("form-done", self.lang, asset=self._asset.name))
            self.purpose.disabled = True


class RecallsForm(Form):
    """What waits to be followed, as it was when the form was made or a button was last pressed."""

    def __init__(self, hub: Hub, lang: Language | None) -> None:
        super().__init__(lang or hub.lang)
        self._hub = hub
        self.handled = hub.sync(dry_run=True)

    def text(self) -> str:
        if not self.handled:
            return say("sync-nothing", self.lang)
        return "\n".join([*self._lines(dry_run=True), "", say("recalls-how", self.lang)])

    def widget(self) -> Any:
        widgets = import_module("ipywidgets")
        self._said = widgets.HTML()
        self.outside = widgets.Dropdown(
            options=[(say(f"outside-{each.value}", self.lang), each.value) for each in CopiesOutside],
            description=say("recalls-outside", self.lang),
            style={"description_width": "initial"},
            layout={"width": "auto"},
        )
        self.aside = widgets.Button(description=say("recalls-aside", self.lang), layout={"width": "auto"})
        self.delete = widgets.Button(
            description=say("recalls-delete", self.lang), button_style="danger", layout={"width": "auto"}
        )
        self.aside.on_click(lambda button: self._sync(purge=False))
        self.delete.on_click(lambda button: self._sync(purge=True))
        self._show(dry_run=True)
        buttons = widgets.HBox([self.aside, self.delete], layout={"flex_flow": "row wrap"})
        return widgets.VBox([self._said, *([self.outside, buttons] if self.handled else [])])

    def _sync(self, *, purge: bool) -> None:
        self.aside.disabled = self.delete.disabled = True
        try:
            self.handled = self._hub.sync(purge=purge, copies_outside=self.outside.value)
        except HubError as error:
            self._said.value += _block(error.say(self.lang), ALARM)
            self.aside.disabled = self.delete.disabled = False
            return
        self._show(dry_run=False)
        self.delete.disabled = purge

    def _show(self, *, dry_run: bool) -> None:
        if not self.handled:
            self._said.value = _block(say("sync-nothing", self.lang), TEXT)
            return
        blocks = []
        for one in self.handled:
            told = [_strong(headline(one, self.lang)), *map(_safe, details(one, self.lang, dry_run=dry_run))]
            over = one.state in ("answered", "restored") and not (one.counts["locked"] or one.counts["modified"])
            blocks.append(_framed("\n".join(told), DONE if over else ALARM))
        self._said.value = "".join(blocks)

    def _lines(self, *, dry_run: bool) -> Iterator[str]:
        for one in self.handled:
            yield headline(one, self.lang)
            yield from (f"  {line}" for line in details(one, self.lang, dry_run=dry_run))


def _block(text: str, style: str) -> str:
    return _framed(_safe(text), style)


def _framed(markup: str, style: str) -> str:
    return f'<div style="{style}">{markup}</div>'


def _strong(text: str) -> str:
    return f"<b>{_safe(text)}</b>"


def _safe(text: str) -> str:
    """Text from elsewhere as nothing but text."""
    return html.escape(plain(text))
