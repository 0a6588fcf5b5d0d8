"""A look for recalls beside whatever is being done: at most hourly, for two seconds, and told plainly."""

import os
import sys
import threading
import time
from contextlib import suppress

from gateway.sdk.errors import HubError, Untrusted
from gateway.sdk.holdings import Holdings
from gateway.sdk.logins import data_home
from gateway.sdk.patience import LOOKING
from gateway.sdk.words import Language, files, plain, say

EVERY_S = 3600.0
LIMIT_S = 2.0


class Look:
    """Begins at once, in a thread that keeps no program alive."""

    def __init__(self, url: str, token: str, lang: Language) -> None:
        self._url = url
        self._token = token
        self._lang = lang
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="hubgate-recalls", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for it, until two seconds have passed since it began; what it leaves half done, the next one ends."""
        self._thread.join(max(0.0, self._began + LIMIT_S - time.monotonic()))

    def _run(self) -> None:
        try:
            holdings = Holdings.existing(data_home(os.environ))
            if holdings is not None:
                try:
                    self._look(holdings)
                finally:
                    holdings.close()
        except Untrusted as error:
            self._tell(error.say(self._lang))
        except (HubError, OSError):  # whoever is at work hears of it by what they do; the look is taken again
            return

    def _look(self, holdings: Holdings) -> None:
        # Loading the HTTP library is left until there is something to ask.
        from gateway.sdk.recall.desk import ASIDE, NEW, Desk
        from gateway.sdk.recall.sync import policy
        from gateway.sdk.recall.told import headline
        from gateway.sdk.transport import Transport

        if not holdings.knows(self._url):
            return
        transport = Transport(self._url, self._token, self._lang, LOOKING, LIMIT_S)
        try:
            desk = Desk(transport, self._token, holdings)
            account = desk.account()
            # A moment to come was written by a clock that was ahead: it says nothing of when recalls were asked for.
            if account is None or 0 <= time.time() - desk.looked_at(account) < EVERY_S:
                return
            try:  # what is known already is told, whether or not there is more
                desk.pull(account)
            except Untrusted as error:
                self._tell(error.say(self._lang))
            except HubError:
                pass
            waiting = [w.notice for w in desk.waiting(account, NEW, ASIDE)]
        finally:
            transport.close()
        for notice in waiting:
            self._tell(f"{headline(notice, self._lang)} {say(f'recall-do-{notice.action.value}', self._lang)}")
        if waiting and policy(os.environ):
            from gateway.sdk.client import Hub

            with Hub(self._url, self._token, lang=self._lang, look=False) as hub:
                for handled in hub.sync(purge=True):
                    done = files(len(handled.files), self._lang)
                    self._tell(say("recall-handled", self._lang, notice=handled.notice, files=done))

    def _tell(self, sentence: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(plain(sentence) + "\n")
            sys.stderr.flush()
