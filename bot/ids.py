"""What ids are made of: 24 hexadecimal digits, so that they sort by the second they were made in."""

from typing import NewType

from bson import ObjectId

AccountId = NewType("AccountId", str)
ActivityId = NewType("ActivityId", str)
AgentId = NewType("AgentId", str)
ContactId = NewType("ContactId", str)
ConversationId = NewType("ConversationId", str)
FileId = NewType("FileId", str)
IdentityId = NewType("IdentityId", str)
JournalId = NewType("JournalId", str)
LabelId = NewType("LabelId", str)
MediaId = NewType("MediaId", str)
MessageId = NewType("MessageId", str)
NoteId = NewType("NoteId", str)
TeamId = NewType("TeamId", str)
TemplateId = NewType("TemplateId", str)


def new_id() -> str:
    """Unique over all processes and machines. Within one process and second later ids sort after earlier
    ones.
    """
    return str(ObjectId())


def is_id(value: str) -> bool:
    """Whether `value`, which came from outside, has the shape of an id of ours."""
    return len(value) == 24 and ObjectId.is_valid(value)
