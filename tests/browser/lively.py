"""A company in the middle of its day: every kind of message, note, state and trouble that a page can show."""

import time
from typing import Any

from bot.sandbox.world.acts import Act, Contact, Picture, Place, Reaction
from bot.sandbox.world.people import Person
from bot.sandbox.world.trouble import CALM, Faults, Refusal
from inbox import labels, people
from inbox.actions import states
from inbox.people import Agent
from tests.office import Office

HOUR = 3_600
STRANGE = {"type": "order_status_of_tomorrow", "order_status_of_tomorrow": {"x": 1}}
CAST = (("ana", "Ana Prieto"), ("jorge", "Jorge Mendieta"), ("lucia", "Lucía Castaño"), ("paola", "Paola Restrepo 🌻"))


async def furnish(office: Office, owner: Agent, colleague: Agent) -> dict[str, Any]:
    """The ids that addresses are made of: conversation, contact, account, agent."""
    for number, (person, name) in enumerate(CAST):
        office.sandbox.world.people.add(Person(person, name, f"57300555020{number}"))
    ana = await _ana_says_everything(office)
    await _answers(office, ana)
    await _around_it(office, ana, owner)
    office.says("messenger", "jorge", "¿Tienen pintura para exterior?")
    office.says("whatsapp", "lucia", Act(text="Hola, ¿siguen abiertos?", at=time.time() - 30 * HOUR))
    office.says("whatsapp", "paola", Act(text="¿Y mi pedido?", at=time.time() - 23.5 * HOUR))
    snoozed = await office.conversation(name="Jorge Mendieta")
    await office.conversation(name="Lucía Castaño")
    await office.conversation(name="Paola Restrepo 🌻")
    await states.assign(office.house.db, snoozed, to=colleague.id, by=owner, now=office.house.clock.now())
    account = office.house.accounts.find_external("whatsapp", office.sandbox.account("whatsapp").id)
    assert account is not None
    return {"conversation": ana["_id"], "contact": ana["contact"], "account": account.id, "agent": colleague.id}


async def _ana_says_everything(office: Office) -> dict[str, Any]:
    def ana(what: Act | str) -> str:
        return office.says("whatsapp", "ana", what)

    first = ana("Hola, ¿tienen llaves inglesas? Vi esto: https://sol.example/catalogo")
    ana(Act(text="Me refiero a esta 👆", reply_to=first))
    for sample, kind in (("llave", "image"), ("voz-pedido", "voice"), ("lista", "document")):
        ana(Act(media=Picture.model_validate({"kind": kind, "sample": sample, "caption": ""})))
    ana(Act(location=Place(latitude=4.67, longitude=-74.05, name="Parque El Virrey", address="Carrera 15 # 87-39")))
    ana(Act(contact=Contact(name="Luis Gil", phones=("+57 300 555 0188",))))
    ana(Act(raw=STRANGE))
    ana("👍")
    await office.message(text="👍")
    return await office.conversation(name="Ana Prieto")


async def _answers(office: Office, conversation: dict[str, Any]) -> None:
    """One is read and reacted to, one fails."""
    path = f"/conversations/{conversation['_id']}/messages"
    sent = await office.api("Marta", "POST", path, expect=202, json={"text": "Sí, de 8 y 10 pulgadas"})
    read = await office.message(_id=sent["id"], status="read")
    office.says("whatsapp", "ana", Act(react=Reaction(message=read["platform_id"], emoji="❤️")))
    office.sandbox.world.set_faults(Faults(refusals=(Refusal(code=131026),)))
    failed = await office.api("Luis", "POST", path, expect=202, json={"text": "¿Se las aparto?"})
    await office.message(_id=failed["id"], status="failed")
    office.sandbox.world.set_faults(CALM)


async def _around_it(office: Office, conversation: dict[str, Any], owner: Agent) -> None:
    db, now = office.house.db, office.house.clock.now()
    made = [
        await labels.add_label(db, name=name, colour=colour, now=now)
        for name, colour in (("Pedido", "teal"), ("Reclamo", "red"), ("Mayorista", "purple"))
    ]
    await people.add_team(db, name="Bodega", now=now)
    await states.set_labels(db, conversation, wanted=[label["_id"] for label in made], by=owner, now=now)
    await states.write_note(db, conversation, text="@Luis ¿le hacemos descuento?", by=owner, now=now)
