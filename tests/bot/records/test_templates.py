from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels.contract import Account, AccountBroken, Template, TemplateChanged
from bot.errors import Refused
from bot.records import templates

ORDER = Template(
    platform_id="111",
    name="order_ready",
    language="es",
    category="UTILITY",
    status="APPROVED",
    header="Pedido {{1}}",
    header_kind="text",
    body="Hola {{1}}, tu pedido de {{city}} llega {{day}}.",
    footer="Tienda",
    buttons=({"type": "url", "text": "Ver", "url": "https://tienda.example/{{1}}"},),
    variables=("header", "body.1", "body.city", "body.day", "button.0"),
)
ACCOUNT = Account(id="acc", kind="scripted", external_id="1", scope="waba", api_url="", secrets={})
FILLED = {"header": "1234", "body.1": "Ana", "body.city": "Cali", "body.day": "mañana", "button.0": "1234"}


class Listing:
    """The other side of the contract, as far as templates go."""

    def __init__(self, *found: Template) -> None:
        self.found = found
        self.broken = False

    async def templates(self, account: Account) -> list[Template]:
        if self.broken:
            raise AccountBroken("190", "The access token does not work any more.")
        return list(self.found)


def stored(template: Template = ORDER) -> dict:
    return {name: getattr(template, name) for name in Template.__dataclass_fields__}


@pytest.fixture
def sync(store, clock):
    async def run(*found: Template):
        return await templates.sync(store, Listing(*found), ACCOUNT, scope="waba", now=clock.now())

    return run


async def test_what_the_platform_lists_can_be_chosen(store, sync):
    await sync(ORDER, replace(ORDER, name="promo", status="PAUSED"), replace(ORDER, language="pt_BR"))
    assert [(one["name"], one["language"]) for one in await templates.approved(store, "waba")] == [
        ("order_ready", "es"),
        ("order_ready", "pt_BR"),
    ]


async def test_a_second_look_changes_and_doubles_nothing(store, sync, clock):
    await sync(ORDER)
    first = await templates.get_template(store, "waba", "order_ready", "es")
    await clock.pass_by(hours=1)
    await sync(replace(ORDER, body="Hola {{1}}", variables=("body.1",)))
    second = await templates.get_template(store, "waba", "order_ready", "es")
    assert (second["_id"], second["body"]) == (first["_id"], "Hola {{1}}")
    assert await store["templates"].count_documents({}) == 1


async def test_what_the_platform_lists_no_longer_is_offered_no_longer(store, sync, clock):
    await sync(ORDER, replace(ORDER, name="promo"))
    await clock.pass_by(hours=1)
    await sync(ORDER)
    assert [one["name"] for one in await templates.approved(store, "waba")] == ["order_ready"]
    assert (await templates.get_template(store, "waba", "promo", "es"))["status"] == templates.DELETED


async def test_an_earlier_look_that_ends_later_does_not_set_the_time_back(store, clock):
    """Else the later one, which clears away what is older than itself, would take everything."""
    early = clock.now()
    await clock.pass_by(seconds=1)
    await templates.sync(store, Listing(ORDER), ACCOUNT, scope="waba", now=clock.now())
    await templates.sync(store, Listing(ORDER), ACCOUNT, scope="waba", now=early)
    assert (await templates.get_template(store, "waba", "order_ready", "es"))["synced_at"] == clock.now()


async def test_a_platform_that_cannot_be_asked_removes_nothing(store, sync, clock):
    await sync(ORDER)
    await clock.pass_by(hours=1)
    asked = Listing()
    asked.broken = True
    with pytest.raises(AccountBroken):
        await templates.sync(store, asked, ACCOUNT, scope="waba", now=clock.now())
    assert await templates.approved(store, "waba")


async def test_news_of_a_template_is_applied_and_late_news_is_not(store, sync, clock):
    await sync(ORDER)
    news = TemplateChanged("waba", "111", "order_ready", "es", clock.now(), status="PAUSED", reason="QUALITY")
    late = replace(news, at=clock.now() - timedelta(hours=1), status="APPROVED")
    assert await templates.change(store, [news]) == set()
    assert await templates.change(store, [late]) == set()
    found = await templates.get_template(store, "waba", "order_ready", "es")
    assert (found["status"], found["reason"]) == ("PAUSED", "QUALITY")


async def test_news_of_an_unknown_template_asks_for_a_look(store, sync, clock):
    assert await templates.change(store, [TemplateChanged("waba", "999", "new", "es", clock.now())]) == {"waba"}


async def test_a_template_that_is_not_there_is_refused_by_name(store):
    with pytest.raises(Refused) as refusal:
        await templates.get_template(store, "waba", "nothing", "es")
    assert refusal.value.code == "template_unknown"


def test_filled_it_reads_as_the_person_will_see_it():
    use = templates.fill(stored(), FILLED)
    assert use.text == "Pedido 1234\n\nHola Ana, tu pedido de Cali llega mañana.\n\nTienda"
    assert use.variables["button.0"] == "1234"


def test_a_place_that_is_not_filled_stays_visible_in_the_preview():
    assert "Hola {{1}}, tu pedido de Cali" in templates.preview(stored(), {"body.city": "Cali"})


@pytest.mark.parametrize(
    ("change", "code", "variable"),
    [
        ({"body.city": "  "}, "template_variable_missing", "body.city"),
        ({"body.day": "a\nb"}, "template_variable_invalid", "body.day"),
        ({"body.day": "a\tb"}, "template_variable_invalid", "body.day"),
        ({"body.day": "a     b"}, "template_variable_invalid", "body.day"),
        ({"header": "x" * 60}, "template_too_long", "header"),
        ({"body.1": "x" * 1024}, "template_too_long", "body.1"),
        ({"body.2": "x"}, "template_variable_unknown", "body.2"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_by_name(change, code, variable):
    with pytest.raises(Refused) as refusal:
        templates.fill(stored(), FILLED | change)
    assert (refusal.value.code, refusal.value.fields["variable"]) == (code, variable)


def test_only_an_approved_template_is_sent():
    with pytest.raises(Refused) as refusal:
        templates.fill(stored(replace(ORDER, status="PAUSED")), FILLED)
    assert refusal.value.code == "template_not_approved"


def test_a_template_with_a_picture_needs_the_picture():
    pictured = stored(replace(ORDER, header="", header_kind="image", variables=("body.1", "body.city", "body.day")))
    values = {key: FILLED[key] for key in pictured["variables"]}
    with pytest.raises(Refused) as refusal:
        templates.fill(pictured, values)
    assert refusal.value.code == "template_media_missing"
    assert templates.fill(pictured, values, header_media="m1").header_media == "m1"


def test_the_form_is_filled_from_the_contact():
    contact = {"name": "Ana María Peña", "fields": {"City": "Cali"}}
    assert templates.prefill(stored(), contact) == {
        "header": "", "body.1": "Ana", "body.city": "Cali", "body.day": "", "button.0": "",
    }  # fmt: skip


@pytest.mark.parametrize("body", ["¡Hola {{1}}!", "Olá, *{{1}}*", "Estimada {{1}}:", "Buenos días {{1}}", "Hi {{1}}"])
def test_a_greeting_wants_the_first_name(body):
    greeting = stored(replace(ORDER, body=body, variables=("body.1",)))
    assert templates.prefill(greeting, {"name": "Luis Gómez"})["body.1"] == "Luis"


def test_a_number_that_greets_nobody_is_left_to_the_agent():
    code = stored(replace(ORDER, body="Tu código es {{1}}", variables=("body.1",)))
    assert templates.prefill(code, {"name": "Luis"})["body.1"] == ""
