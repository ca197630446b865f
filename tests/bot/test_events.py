from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    number: int


@dataclass(frozen=True, slots=True)
class Other:
    number: int


async def test_listeners_hear_events_of_their_kind_in_order(bus):
    heard = []

    async def later(event: Heard) -> None:
        heard.append(("later", event.number))

    bus.subscribe(Heard, lambda event: heard.append(("first", event.number)))
    bus.subscribe(Heard, later)
    await bus.publish(Heard(1), Other(2), Heard(3))
    assert heard == [("first", 1), ("later", 1), ("first", 3), ("later", 3)]


async def test_listener_that_fails_breaks_nothing(bus, caplog):
    heard: list[Heard] = []

    async def fail(event: Heard) -> None:
        raise ValueError

    bus.subscribe(Heard, fail)
    bus.subscribe(Heard, heard.append)
    await bus.publish(Heard(1))
    assert heard == [Heard(1)]
    assert "listener failed" in caplog.text
