"""What an agent has begun to write: kept on the server, one per conversation, agent and kind (reply or note)."""

from datetime import datetime
from typing import Any, Literal

from bot.store.database import Database

Kind = Literal["reply", "note"]
DRAFT_LENGTH = 20_000


async def save_draft(
    db: Database, conversation_id: str, agent_id: str, kind: Kind, *, text: str, now: datetime
) -> None:
    """An empty text forgets the draft."""
    key = f"{conversation_id}:{agent_id}:{kind}"
    if not text.strip():
        await db["drafts"].delete_one({"_id": key})
        return
    await db["drafts"].update_one(
        {"_id": key},
        {"$set": {"conversation": conversation_id, "agent": agent_id, "text": text[:DRAFT_LENGTH], "at": now}},
        upsert=True,
    )


async def find_drafts(db: Database, conversation_id: str, agent_id: str) -> dict[str, str]:
    """`{"reply": text, "note": text}`, empty where there is none."""
    keys = {f"{conversation_id}:{agent_id}:{kind}": kind for kind in ("reply", "note")}
    found = await db["drafts"].find({"_id": {"$in": list(keys)}}).to_list()
    return {"reply": "", "note": ""} | {keys[draft["_id"]]: draft["text"] for draft in found}


async def drafts_in(db: Database, conversation_ids: list[str], agent_id: str) -> dict[str, str]:
    """Conversation id → the reply begun there, for the list's rows."""
    keys = [f"{conversation_id}:{agent_id}:reply" for conversation_id in conversation_ids]
    found: list[dict[str, Any]] = await db["drafts"].find({"_id": {"$in": keys}}).to_list()
    return {draft["conversation"]: draft["text"] for draft in found}
