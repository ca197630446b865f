"""When something goes wrong around the page: the line breaks, the session ends, somebody has a nasty name."""

import re

import pytest
from playwright.async_api import expect

from bot.sandbox.world.acts import Act, Picture
from bot.sandbox.world.people import Person
from tests.browser.line import Line
from tests.browser.seats import Seat
from tests.office import PASSWORD
from tests.waiting import wait_for

OFFLINE = "ERR_|WebSocket connection"
# What a page shows of the list and of the open conversation, without what depends on when it was loaded.
SHOWN = """() => [
    [...document.querySelectorAll("#rows .row")].map((row) =>
        [row.dataset.id, row.dataset.unread, row.querySelector(".preview").textContent.trim()]),
    [...document.querySelectorAll("#tail .entry")].map((entry) =>
        [entry.id, entry.querySelector(".text")?.textContent.trim(), entry.querySelector(".tick")?.className]),
    document.querySelector("#head .sub").textContent.replace(/\\s+/g, " ").trim(),
    [...document.querySelectorAll("#views .figure")].map((figure) => figure.textContent),
]"""


@pytest.fixture
async def line(office):
    async with Line(office.address).serve() as line:
        yield line


@pytest.fixture
def home(line) -> str:
    return str(line.address)


@pytest.fixture
async def marta(office, owner, seats) -> Seat:
    return await seats.agent(office.house, owner)


async def test_a_broken_line_is_said_and_the_healed_page_equals_the_server(office, marta, colleague, line):
    marta.forgive(OFFLINE)
    office.says("whatsapp", "Ana", "Hola")
    office.says("whatsapp", "Berta", "Buenas")
    await marta.open("Berta")
    await marta.open("Ana")
    pill = marta.page.locator("#connection")
    await expect(pill).to_be_hidden()
    line.cut()
    await expect(pill).to_be_visible()
    office.says("whatsapp", "Ana", "¿Sigue ahí?")
    office.says("whatsapp", "Carla", "Soy nueva")
    ana = await office.conversation(name="Ana", unread=1)
    path = f"/conversations/{ana['_id']}"
    await office.api("Luis", "POST", f"{path}/messages", expect=202, json={"text": "Aquí estamos"})
    await office.message(text="Aquí estamos", status="read")
    berta = await office.conversation(name="Berta")
    await office.api("Luis", "POST", f"/conversations/{berta['_id']}/resolve")
    await office.conversation(name="Carla")
    line.mend()
    await expect(pill).to_be_hidden()
    await marta.tick("Aquí estamos", "read")
    await expect(marta.row("Carla")).to_be_visible()
    await expect(marta.row("Berta")).to_have_count(0)
    await same_as_loaded_anew(marta)


async def same_as_loaded_anew(seat: Seat) -> None:
    """Waits until the page shows what the same page shows when it is loaded."""
    anew = await seat.page.context.new_page()
    await anew.goto(seat.page.url)

    async def equal() -> bool:
        return bool(await seat.page.evaluate(SHOWN) == await anew.evaluate(SHOWN))

    await wait_for(equal, seconds=10)
    await anew.close()


async def test_what_was_written_without_a_line_is_kept_and_sent_once_when_it_is_back(office, marta, line):
    marta.forgive(OFFLINE)
    office.says("whatsapp", "Dora", "¿Tienen pintura?")
    await marta.open("Dora")
    line.cut()
    await marta.write("Sí, de todos los colores")
    failed = marta.page.locator("#sending .is-failed")
    await expect(failed).to_contain_text("Sí, de todos los colores")
    line.mend()
    await expect(marta.page.locator("#connection")).to_be_hidden()
    await failed.locator(".trouble-acts button").first.click()
    await marta.tick("de todos los colores", "read")
    await expect(marta.page.locator("#sending .entry")).to_have_count(0)
    said = [line.text for line in office.sandbox.chat("whatsapp", "Dora").lines if line.by == "company"]
    assert said == ["Sí, de todos los colores"]


async def test_a_session_ended_by_the_owner_leads_to_sign_in_and_back(office, marta, colleague, seats):
    office.says("whatsapp", "Ema", "Hola")
    luis = await seats.agent(office.house, colleague)
    await luis.open("Ema")
    await marta.go(f"/settings/people/{colleague.id}")
    marta.page.on("dialog", lambda dialog: dialog.accept())
    await marta.page.locator("form[action$='/sign-out'][action^='/settings/'] button").click()
    await expect(luis.page).to_have_url(re.compile(r"/sign-in\?next=%2Finbox%2F"))
    luis.forgive("401|422")
    await luis.page.fill("[name=email]", colleague.email)
    await luis.page.fill("[name=password]", "otra clave muy larga")
    await luis.page.click("button.main")
    await expect(luis.page.locator("[role=alert]")).to_be_visible()
    await luis.page.fill("[name=password]", PASSWORD)
    await luis.page.click("button.main")
    await expect(luis.page.locator("#head h1 .name")).to_have_text("Ema")


async def test_a_link_to_a_conversation_survives_signing_in(office, colleague, seats):
    office.says("whatsapp", "Fabio", "Hola")
    conversation = await office.conversation(name="Fabio")
    luis = await seats.take("Luis")
    await luis.go(f"/inbox/{conversation['_id']}")
    await luis.page.fill("[name=email]", colleague.email)
    await luis.page.fill("[name=password]", PASSWORD)
    await luis.page.click("button.main")
    await expect(luis.page.locator("#head h1 .name")).to_have_text("Fabio")


async def test_html_and_turned_text_in_names_and_files_stay_text(office, marta):
    nasty = '<img src=x onerror="alert(1)"> \u202eavE'
    office.sandbox.world.people.add(Person("nasty", nasty, "573005550199"))
    office.says("whatsapp", "nasty", "<script>alert(2)</script> \u202eodot")
    office.says("whatsapp", "nasty", Act(media=Picture(kind="document", sample="lista", name="../\u202efdp.<b>exe")))
    dialogs: list[str] = []
    marta.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    row = marta.rows.filter(has_text="<img src=x")
    await row.locator("a").click()
    await expect(marta.entry("<script>alert(2)</script>")).to_be_visible()
    name = marta.page.locator("#head h1 .name")
    await expect(name).to_contain_text('<img src=x onerror="alert(1)">')
    await expect(marta.page.locator("#tail a.file")).to_contain_text("<b>exe")
    for place in (
        name,
        row.locator("b.name"),
        marta.page.locator("#person h2"),
        marta.entry("<script>").locator(".text"),
    ):
        await keeps_to_itself(place)
    await marta.page.fill("#search", "onerror")
    await keeps_to_itself(marta.page.locator("#found a[data-person] b"))
    assert not dialogs
    assert await marta.page.locator("img[src=x], #tail script, #tail b b").count() == 0


async def keeps_to_itself(place) -> None:
    """Marks that turn the direction of text around must not reach what stands beside it."""
    bidi = await place.evaluate("(element) => [getComputedStyle(element).unicodeBidi, element.textContent]")
    assert bidi[0] in ("isolate", "plaintext", "isolate-override") or "\u202e" not in bidi[1], bidi
