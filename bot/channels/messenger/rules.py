"""Messenger's windows, and what a message may measure. Messenger Platform, Send API and policy pages (2026-06)."""

from datetime import datetime, timedelta

from bot.channels.contract import Limits, Verdict, Window
from bot.content import Buttons, Cards, Content, Emoji, Link, Location, Media, TemplateUse, Text
from bot.errors import N_

WINDOW, HUMAN_WINDOW = timedelta(hours=24), timedelta(days=7)
MEGABYTE = 2**20
FILE_BYTES = 25 * MEGABYTE
QUICK_REPLIES, TEMPLATE_BUTTONS = 13, 3
BUTTON_TITLE, LONGEST_CARD_TEXT = 20, 640
SENDABLE = (Text, Media, Location, Cards, Buttons, Link, TemplateUse, Emoji)
TOO_LATE = N_("This person has not written in the last 7 days. Messenger allows an answer only after they write again.")
TOO_LATE_FOR_BOTS = N_("This person has not written in the last 24 hours: only a person may still answer.")

LIMITS = Limits(
    # "Under 2,000 characters".
    text=1999,
    caption=1999,
    buttons=QUICK_REPLIES,
    button_title=BUTTON_TITLE,
    media_bytes={
        "image": 8 * MEGABYTE,
        "video": FILE_BYTES,
        "audio": FILE_BYTES,
        "voice": FILE_BYTES,
        "document": FILE_BYTES,
        "sticker": 8 * MEGABYTE,
        "animation": 8 * MEGABYTE,
    },
    mimes={
        "image": ("image/jpeg", "image/png", "image/gif"),
        "video": ("video/mp4", "video/quicktime", "video/webm", "video/ogg"),
        "audio": ("audio/mpeg", "audio/mp4", "audio/aac", "audio/wav"),
        "voice": ("audio/mp4", "audio/mpeg", "audio/aac"),
        "document": (),
        "sticker": ("image/png", "image/gif", "image/jpeg"),
        "animation": ("image/gif",),
    },
    # More than about 40 a second freezes a page's inbox.
    per_second=20,
    per_person_seconds=1,
    person_burst=5,
    voice_mime="audio/mp4",
    can_write_first="template",
    settles_by="echo",
    reaches=("messenger",),
)


def window(heard_at: datetime | None, now: datetime) -> Window:
    if heard_at is None:
        return Window(is_open=False)
    closes_at = heard_at + WINDOW
    return Window(is_open=now < closes_at, closes_at=closes_at, human_until=heard_at + HUMAN_WINDOW)


def allows(content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict:
    if not isinstance(content, SENDABLE):
        return Verdict(False, "unsupported", N_("Messenger cannot send this kind of message."))
    if isinstance(content, TemplateUse):
        return Verdict(True)
    found = window(heard_at, now)
    if not (found.is_open or (human and found.human_until and now < found.human_until)):
        sentence = TOO_LATE if human else TOO_LATE_FOR_BOTS
        return Verdict(False, "window_closed", sentence, {"closes_at": found.human_until if human else found.closes_at})
    return fits(content)


def fits(content: Content) -> Verdict:
    match content:
        case Text(text=text) if not text.strip():
            return Verdict(False, "empty", N_("There is nothing to send."))
        case Media(size=int(size)) if size > FILE_BYTES:
            return Verdict(False, "too_large", N_("This file is too large: Messenger takes up to 25 MB."))
        case Buttons(buttons=buttons) if not 0 < len(buttons) <= QUICK_REPLIES:
            return Verdict(False, "buttons", N_("Messenger shows between 1 and 13 choices."))
    return Verdict(True)
