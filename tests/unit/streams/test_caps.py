"""How many streams one account and one address may have."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.streams.caps import Busy, Caps


def test_a_stream_over_the_cap_waits_until_one_ends() -> None:
    async def main() -> None:
        caps = Caps(per_account=1, per_address=10)
        order: list[str] = []

        async def second() -> None:
            async with caps.admit(account="a", address="1"):
                order.append("second")

        async with caps.admit(account="a", address="1"):
            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            order.append("first")
        await waiting
        assert order == ["first", "second"]
        assert caps.running("account", "a") == caps.running("address", "1") == 0

    asyncio.run(main())


def test_accounts_and_addresses_are_counted_apart() -> None:
    async def main() -> None:
        caps = Caps(per_account=2, per_address=3, wait_s=0)
        async with AsyncExitStack() as stack:
            for account in ("a", "a", "b"):
                await stack.enter_async_context(caps.admit(account=account, address="1"))
            with pytest.raises(Busy, match="account"):
                await stack.enter_async_context(caps.admit(account="a", address="2"))
            with pytest.raises(Busy, match="address"):
                await stack.enter_async_context(caps.admit(account="c", address="1"))
            assert caps.running("account", "c") == 0
            assert caps.running("account", "a") == 2
            await stack.enter_async_context(caps.admit(account="c", address="2"))
        assert caps.running("address", "1") == 0

    asyncio.run(main())


def test_waiters_come_in_their_order_and_newcomers_do_not_overtake() -> None:
    async def main() -> None:
        caps = Caps(per_account=1, per_address=10)
        order: list[int] = []

        async def stream(n: int) -> None:
            async with caps.admit(account="a", address="1"):
                order.append(n)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for n in range(20):
                group.create_task(stream(n))
        assert order == list(range(20))
        assert caps.running("account", "a") == 0

    asyncio.run(main())


def test_a_waiter_that_leaves_gives_its_turn_on() -> None:
    async def main() -> None:
        caps = Caps(per_account=1, per_address=10)
        entered: list[str] = []

        async def stream(name: str) -> None:
            async with caps.admit(account="a", address="1"):
                entered.append(name)

        async with caps.admit(account="a", address="1"):
            leaver = asyncio.ensure_future(stream("leaver"))
            stayer = asyncio.ensure_future(stream("stayer"))
            await asyncio.sleep(0)
        leaver.cancel()  # in the same turn in which the place was given to it
        await asyncio.wait([leaver, stayer])
        assert entered == ["stayer"]
        assert caps.running("account", "a") == 0

    asyncio.run(main())
