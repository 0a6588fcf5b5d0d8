"""Brings one content into the store, where nothing but right and whole bytes get a name."""

import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from gateway.sdk import wire
from gateway.sdk.errors import Stopped, WrongBytes
from gateway.sdk.kept import Kept, by_file
from gateway.sdk.large import Large, Slow
from gateway.sdk.machine import Machine
from gateway.sdk.progress import Bar, bar
from gateway.sdk.records import Item, Manifest
from gateway.sdk.store import Store
from gateway.sdk.transport import Transport


def bring_content(
    transport: Transport, store: Store, listed: Manifest, item: Item, shown: Bar, ending: threading.Event, slow: Slow,
    check: Callable[[], None],
) -> None:  # fmt: skip
    """Have the content in the store. Raises WrongBytes, Stopped, and what may pass when it did not."""
    ns, _, name = listed.asset.partition("/")
    address = wire.file_path(ns, name, listed.version, item.path)
    with store.filling(item.sha256, check):
        if store.has(item.sha256, item.size, check):  # another process was quicker
            shown.advance(item.size)
            return
        large = Large(transport, store, item, address, f"{listed.asset}:{item.path}", shown, ending, slow)
        try:
            if not large.bring() and not large.bring():
                raise WrongBytes("wrong-bytes", path=item.path)
        except Stopped:
            store.drop_part(item.sha256)
            raise
        store.keep_part(item.sha256)


def open_kept(transport: Transport, machine: Machine, listed: Manifest, item: Item, *, progress: bool) -> BinaryIO:
    """One item, on this machine: written down, brought when it is not there, its digest checked; at its start.

    It lies in the store alone, where recalls reach it. Raises as `bring_content`, and NoSpace.
    """
    store = machine.store
    store.make()
    machine.holdings.expect_content(transport.origin, listed.asset, listed.version, [(item.sha256, item.size)])
    kept = Kept(transport, machine.holdings, listed, [item])
    file = store.open_content(item.sha256, item.size)
    if file is not None:
        try:
            kept.tell(by_file(listed, item), time.sleep)
        except BaseException:
            file.close()
            raise
        return file
    store.check_free(item.size)
    shown = bar(item.size, f"{listed.asset}:{item.path}", wanted=progress)
    try:
        bring_content(transport, store, listed, item, shown, threading.Event(), Slow(), lambda: None)
    finally:
        shown.close()
    file = store.open_content(item.sha256, item.size)
    kept.are_known()
    if file is None:  # taken away in this very moment, as by a recall
        raise WrongBytes("wrong-bytes", path=item.path)
    return file
