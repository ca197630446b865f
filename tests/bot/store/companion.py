"""Another Bandeja process on the same data directory: prints its database's address, leaves when its
input ends.
"""

import asyncio
import sys
from pathlib import Path

from bot import log
from bot.store.embedded import running


async def main(directory: Path) -> None:
    log.configure()
    async with running(directory, cache_gb=0.25) as uri:
        sys.stdout.write(f"{uri}\n")
        sys.stdout.flush()
        await _end_of_input()


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
