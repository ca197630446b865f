"""Waiting for a condition instead of sleeping for a guess."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

LOOK_SECONDS = 0.01


async def wait_for(condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """What `condition` (plain or async) answers once it is true; fails the test when that takes too long."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                answer = await answer if inspect.isawaitable(answer) else answer
                if answer:
                    return answer
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {inspect.getsource(condition).strip()}") from None
