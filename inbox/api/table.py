"""Every operation of the API on one screen: method, path, handler, who may, and what is asked and answered."""

from bot.errors import N_
from inbox.api import bodies, company, contacts, conversations, files, items, messages, uploads
from inbox.api.operation import Operation
from inbox.permissions import Permission as P

_CONVERSATIONS, _MESSAGES = N_("Conversations"), N_("Messages")
_CONTACTS, _FILES, _COMPANY = N_("Contacts"), N_("Files"), N_("Company")
_ONE = "/conversations/{conversation}"

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/conversations", conversations.list_conversations, P.CONVERSATIONS_READ, _CONVERSATIONS,
              N_("List conversations, the latest first"), items.ListOf[items.Conversation],
              query=bodies.ConversationsQuery),
    Operation("POST", "/conversations", messages.write_first, P.CONVERSATIONS_START, _CONVERSATIONS,
              N_("Write first: to a contact, or to a number"), items.Started, body=bodies.StartBody,
              status=201, says_no=(404, 422),
              note=N_("Where the person has an open conversation with the account's team, that one is answered.")),
    Operation("GET", _ONE, conversations.show_conversation, P.CONVERSATIONS_READ, _CONVERSATIONS,
              N_("One conversation"), items.Conversation, says_no=(404,)),
    Operation("POST", f"{_ONE}/assign", conversations.assign, P.CONVERSATIONS_ASSIGN, _CONVERSATIONS,
              N_("Give it to an agent, to nobody, or to a team"), items.Conversation, body=bodies.AssignBody,
              says_no=(404, 409, 422),
              note=N_("Where the team has an open conversation with the person, the two become that one.")),
    Operation("POST", f"{_ONE}/resolve", conversations.resolve, P.CONVERSATIONS_REPLY, _CONVERSATIONS,
              N_("Resolve it"), items.Conversation, says_no=(404, 409)),
    Operation("POST", f"{_ONE}/reopen", conversations.reopen, P.CONVERSATIONS_REPLY, _CONVERSATIONS,
              N_("Open it again"), items.Conversation, says_no=(404, 409)),
    Operation("POST", f"{_ONE}/snooze", conversations.snooze, P.CONVERSATIONS_REPLY, _CONVERSATIONS,
              N_("Put it aside until a time, or until the person writes"), items.Conversation, body=bodies.SnoozeBody,
              says_no=(404, 409, 422)),
    Operation("PUT", f"{_ONE}/labels", conversations.set_labels, P.CONVERSATIONS_REPLY, _CONVERSATIONS,
              N_("Set its labels"), items.Conversation, body=bodies.LabelsBody, says_no=(404, 409, 422),
              note=N_("A name that does not exist becomes a label, if your role may manage them.")),
    Operation("GET", f"{_ONE}/notes", conversations.list_notes, P.CONVERSATIONS_READ, _CONVERSATIONS,
              N_("Its internal notes, the latest first"), items.ListOf[items.Note], query=bodies.Paging,
              says_no=(404,)),
    Operation("POST", f"{_ONE}/notes", conversations.write_note, P.NOTES_WRITE, _CONVERSATIONS,
              N_("Leave an internal note"), items.Note, body=bodies.NoteBody, status=201, says_no=(404, 422)),

    Operation("GET", f"{_ONE}/messages", messages.of_conversation, P.CONVERSATIONS_READ, _MESSAGES,
              N_("A conversation's messages, the latest first"), items.ListOf[items.Message], query=bodies.Paging,
              says_no=(404,)),
    Operation("POST", f"{_ONE}/messages", messages.write, P.CONVERSATIONS_REPLY, _MESSAGES,
              N_("Answer"), items.Sent, body=bodies.SendBody, status=202, says_no=(404, 409, 422),
              note=N_("Accepted is not sent yet: ask for the message again to see how far it came.")),
    Operation("GET", "/messages/{message}", messages.show, P.CONVERSATIONS_READ, _MESSAGES,
              N_("One message"), items.Message, says_no=(404,)),
    Operation("GET", "/contacts/{contact}/messages", messages.of_contact, P.CONVERSATIONS_READ, _MESSAGES,
              N_("A person's whole thread over all channels, the latest first"), items.ListOf[items.Message],
              query=bodies.Paging, says_no=(404,)),

    Operation("GET", "/contacts", contacts.list_contacts, P.CONTACTS_READ, _CONTACTS,
              N_("List contacts, the newest first"), items.ListOf[items.Contact], query=bodies.ContactsQuery),
    Operation("POST", "/contacts", contacts.create, P.CONTACTS_WRITE, _CONTACTS,
              N_("Write a person down"), items.Contact, body=bodies.NewContactBody, status=201, says_no=(409, 422)),
    Operation("GET", "/contacts/{contact}", contacts.show, P.CONTACTS_READ, _CONTACTS,
              N_("One contact"), items.Contact, says_no=(404,)),
    Operation("PATCH", "/contacts/{contact}", contacts.change, P.CONTACTS_WRITE, _CONTACTS,
              N_("Change what is given, leave the rest"), items.Contact, body=bodies.ChangeContactBody,
              says_no=(404, 409, 422)),
    Operation("DELETE", "/contacts/{contact}", contacts.erase, P.CONTACTS_ERASE, _CONTACTS,
              N_("Erase a person everywhere"), items.Receipt, says_no=(404,),
              note=N_("With all messages, files and notes. Nothing brings them back.")),

    Operation("POST", "/uploads", uploads.upload, P.CONVERSATIONS_REPLY, _FILES,
              N_("Upload a file to be sent"), items.Upload, body="file", status=201, says_no=(413, 422),
              guards_itself=True),
    Operation("GET", "/media/{media}", files.show, P.CONVERSATIONS_READ, _FILES,
              N_("A file"), None, query=bodies.FileQuery, says_no=(404,)),
    Operation("GET", "/media/{media}/thumb", files.show_thumb, P.CONVERSATIONS_READ, _FILES,
              N_("A small preview of a picture"), None, query=bodies.FileQuery, says_no=(404,)),

    Operation("GET", "/agents", company.list_agents, P.TEAM_READ, _COMPANY,
              N_("The people who answer"), items.ListOf[items.Colleague], query=bodies.Paging),
    Operation("GET", "/teams", company.list_teams, P.TEAM_READ, _COMPANY,
              N_("The teams"), items.ListOf[items.Somebody], query=bodies.Paging),
    Operation("GET", "/labels", company.list_labels, P.TEAM_READ, _COMPANY,
              N_("The labels of conversations"), items.ListOf[items.Label], query=bodies.Paging),
    Operation("GET", "/accounts", company.list_accounts, P.ACCOUNTS_READ, _COMPANY,
              N_("The connected numbers, bots and pages"), items.ListOf[items.AccountItem], query=bodies.Paging),
    Operation("GET", "/templates", company.list_templates, P.TEMPLATES_READ, _COMPANY,
              N_("Templates, with the places to fill"), items.ListOf[items.Template], query=bodies.TemplatesQuery),
)
# fmt: on
