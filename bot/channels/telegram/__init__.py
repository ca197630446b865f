"""Telegram bots. Light to import: aiogram, which is not, waits until an account makes its first call."""

from aiohttp import ClientSession

from bot.channels.contract import Channel
from bot.channels.telegram.channel import Telegram


def create(session: ClientSession) -> Channel:
    return Telegram(session)
