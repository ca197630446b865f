"""WhatsApp's customer service window, and what a message may measure.

WhatsApp Cloud API, Messages, Throughput, Pair rate limits, Supported media types (2026-08).
"""

from datetime import datetime, timedelta

from bot.channels.contract import Limits, Verdict, Window
from bot.content import Buttons, Cards, Content, Emoji, Link, Location, Media, TemplateUse, Text
from bot.errors import N_

WINDOW = timedelta(hours=24)
MEGABYTE = 2**20
DOCUMENT_BYTES = 100 * MEGABYTE
LONGEST_BUTTONS_TEXT = 1024
REPLY_BUTTONS = 3
BUTTON_TITLE, ROW_TITLE, ROW_DESCRIPTION = 20, 24, 72
MOST_CARDS = 257
SENDABLE = (Text, Media, Location, Cards, Buttons, Link, TemplateUse, Emoji)

LIMITS = Limits(
    text=4096,
    caption=1024,
    buttons=10,
    button_title=BUTTON_TITLE,
    media_bytes={
        "image": 5 * MEGABYTE,
        "video": 16 * MEGABYTE,
        "audio": 16 * MEGABYTE,
        "voice": 16 * MEGABYTE,
        "document": DOCUMENT_BYTES,
        "sticker": 500 * 1024,
        "animation": 16 * MEGABYTE,
    },
    mimes={
        "image": ("image/jpeg", "image/png"),
        "video": ("video/mp4", "video/3gpp"),
        "audio": ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
        "voice": ("audio/ogg",),
        "document": (),
        "sticker": ("image/webp",),
        "animation": ("video/mp4",),
    },
    # 80 a second by default, both directions counted.
    per_second=70,
    # One in six seconds; up to 45 at once are lent and waited out afterwards.
    per_person_seconds=6,
    person_burst=40,
    voice_mime="audio/ogg",
    can_write_first="template",
    settles_by="status",
    # The phone first: writing to it keeps it visible to the business.
    reaches=("phone", "whatsapp"),
    # Of answers outside templates, since 2026-10-01: "Pricing on the WhatsApp Business Platform".
    free_a_month=1000,
)


def window(heard_at: datetime | None, now: datetime) -> Window:
    if heard_at is None:
        return Window(is_open=False)
    closes_at = heard_at + WINDOW
    return Window(is_open=now < closes_at, closes_at=closes_at)


def allows(content: Content, heard_at: datetime | None, now: datetime) -> Verdict:
    found = window(heard_at, now)
    if not isinstance(content, SENDABLE):
        return Verdict(False, "unsupported", N_("WhatsApp cannot send this kind of message."))
    if not (found.is_open or isinstance(content, TemplateUse)):
        sentence = N_("This person has not written in the last 24 hours. Use a template.")
        return Verdict(False, "window_closed", sentence, {"closes_at": found.closes_at})
    return fits(content)


def fits(content: Content) -> Verdict:
    match content:
        case Text(text=text) if not text.strip():
            return Verdict(False, "empty", N_("There is nothing to send."))
        case Media(size=int(size)) if size > DOCUMENT_BYTES:
            return _too_large(DOCUMENT_BYTES)
        case Media(kind="sticker", size=int(size)) if size > LIMITS.media_bytes["sticker"]:
            return _too_large(LIMITS.media_bytes["sticker"])
        case Cards(cards=cards) if not 0 < len(cards) <= MOST_CARDS:
            return Verdict(False, "cards", N_("WhatsApp sends between 1 and 257 contact cards at once."))
        case Buttons(buttons=buttons) if not 0 < len(buttons) <= LIMITS.buttons:
            return Verdict(False, "buttons", N_("WhatsApp shows between 1 and 10 choices."))
    return Verdict(True)


def _too_large(limit: int) -> Verdict:
    sentence = N_("This file is too large: WhatsApp takes up to %(megabytes)s MB.")
    return Verdict(False, "too_large", sentence, {"megabytes": round(limit / MEGABYTE, 1)})
