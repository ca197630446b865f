"""Finding people and messages, without accents and without seeing too much."""

import pytest

from bot.records.search import person_words, words
from inbox import search
from inbox.permissions import view_of
from tests.inbox.builders import a_contact, a_conversation, a_message, an_agent


@pytest.fixture
async def jose(store):
    found_by = person_words(["José Peña"], ["573001112233"])
    return await a_contact(store, "José Peña", phone="573001112233", search=found_by)


@pytest.mark.parametrize("query", ["jose", "PEÑA", "pena jo", "001112", "300 111", "+57300"])
async def test_people_are_found_by_the_beginning_of_any_name_and_any_piece_of_their_number(store, jose, query):
    found = await search.find_people(store, view_of(await an_agent(store)), query)
    assert [person["_id"] for person in found] == [jose["_id"]]


@pytest.mark.parametrize("query", ["", "   ", "ose", "pena maria", "¿?", "99"])
async def test_what_is_not_there_is_not_found(store, jose, query):
    assert await search.find_people(store, view_of(await an_agent(store)), query) == []


async def test_who_may_not_see_numbers_does_not_find_people_by_a_piece_of_one(store, jose):
    view = view_of(await an_agent(store, numbers="masked"))
    assert await search.find_people(store, view, "001112") == []
    assert await search.find_people(store, view, "peña 001112") != []
    assert len(await search.find_people(store, view, "peña")) == 1


async def test_messages_are_found_only_in_conversations_one_may_see(store):
    luis = await an_agent(store, "Luis", sees="own")
    mine = await a_conversation(store, assignee=luis.id)
    other = await a_conversation(store)
    for conversation in (mine, other):
        await a_message(store, conversation, text="El camión llegó", words=words("El camión llegó"))
    assert len(await search.find_messages(store, view_of(await an_agent(store)), "camion")) == 2
    found = await search.find_messages(store, view_of(luis), "camion llego")
    assert [message["conversation"] for message in found] == [mine["_id"]]


@pytest.mark.parametrize(
    ("text", "query", "match"),
    [("Llegó el camión rojo", "camion", "camión"), ("ÑANDÚ", "nandu", "ÑANDÚ"), ("sin nada", "otra", "")],
)
def test_a_snippet_cuts_the_hit_from_the_real_text(text, query, match):
    before, hit, after = search.snippet(text, query)
    assert hit == match
    assert before + hit + after == text


def test_a_masked_view_hides_numbers_in_texts_and_leaves_prices_and_dates():
    from inbox.permissions import View

    view = View(agent="a", sees="all", teams=(), masked=True)
    assert view.text("Llámame al +57 300 111-2233 o 3001112233") == "Llámame al ••• o •••"
    assert view.text("Cuesta 289.000 el 12/05/2026") == "Cuesta 289.000 el 12/05/2026"
    assert view.phone("+57 300 1112233") == "+57•••33"
