"""A process that sends and does nothing else, to be killed: `python -m tests.flows.sending DIRECTORY DATABASE`."""

import asyncio
import sys
from pathlib import Path

import aiohttp

from bot import log
from bot.channels import Channels
from bot.clock import SystemClock
from bot.config import Data, MongoDB, Settings
from bot.delivery.lanes import Bell
from bot.delivery.outcomes import Outcomes
from bot.delivery.pacing import Pacing
from bot.delivery.parcels import Parts
from bot.delivery.sender import Sender
from bot.delivery.situations import Ways
from bot.records.accounts import Accounts
from bot.store.database import open_database
from bot.store.lease import Leases
from bot.store.secrets import Vault

LIFE_SECONDS = 2.0


async def main(directory: str, database: str) -> None:
    log.configure(style="json", level="WARNING")
    clock = SystemClock()
    settings = Settings(mongodb=MongoDB(database=database), data=Data(directory=Path(directory)))
    async with open_database(settings) as db, aiohttp.ClientSession() as session:
        accounts = Accounts(db, Vault(bytes(32)))
        await accounts.load()
        ways = Ways(db, accounts, Channels(session))
        parts = Parts(db, accounts, ways, Pacing(db, clock), Outcomes(db, accounts), clock)
        leases = Leases(db, clock, life_seconds=LIFE_SECONDS, renew_seconds=0.4, look_seconds=0.1)
        await Sender(parts, leases, Bell(db)).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
