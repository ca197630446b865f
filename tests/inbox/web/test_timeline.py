"""How the thread is laid out: days, runs, folded lines, and where the new messages begin."""

import pytest

from inbox.web.timeline import Names, lay_out
from tests.inbox.web.sights import MARTA, NOW, ZONE, a_line, a_message, a_note, ago


@pytest.fixture
def names(translations) -> Names:
    return Names(
        zone=ZONE,
        now=NOW,
        language="es",
        translate=translations.translate("es"),
        me=MARTA.id,
        agents={MARTA.id: MARTA.name, "b" * 24: "Luis Ortega"},
        labels={"l1": "Pedido", "l2": "Reclamo"},
    )


def kinds(blocks) -> list[str]:
    return [block["kind"] for block in blocks]


def test_each_day_of_the_viewer_has_one_line(names):
    # 01:00 UTC is still the day before in Bogotá.
    blocks = lay_out([a_message(at=ago(hours=40)), a_message(at=ago(hours=14, minutes=43)), a_message()], names)
    assert kinds(blocks) == ["day", "message", "day", "message", "day", "message"]
    assert [block["title"] for block in blocks if block["kind"] == "day"] == ["Jueves 19 de noviembre", "Ayer", "Hoy"]


def test_messages_of_one_writer_within_minutes_run_on(names):
    blocks = lay_out([a_message(at=ago(minutes=9)), a_message(at=ago(minutes=6)), a_message()], names)
    assert [block["runs_on"] for block in blocks[1:]] == [False, True, False]


def test_channel_is_named_where_it_changes(names):
    blocks = lay_out(
        [a_message(at=ago(minutes=3)), a_message(at=ago(minutes=2)), a_message(at=ago(minutes=1), channel="telegram")],
        names,
    )
    assert [block["moved"] for block in blocks[1:]] == [True, False, True]


def test_writer_is_named_once_until_another_one_writes(names):
    luis = {"kind": "agent", "id": "b" * 24, "name": "Luis"}
    blocks = lay_out(
        [
            a_message(at=ago(minutes=9)),
            a_message(at=ago(minutes=8), direction="out"),
            a_message(at=ago(minutes=7)),
            a_message(at=ago(minutes=6), direction="out"),
            a_message(at=ago(minutes=5), direction="out", author=luis),
            a_message(at=ago(minutes=4), direction="out", author={"kind": "bot", "id": "1", "name": "b"}),
            a_message(at=ago(minutes=3), direction="out", author={"kind": "phone", "id": "", "name": ""}),
        ],
        names,
    )
    assert [block["label"] for block in blocks[1:]] == ["Ana", "Yo", "", "", "Luis Ortega", "Bot", "Desde el teléfono"]


def test_new_line_stands_once_before_the_first_unseen_message_of_theirs(names):
    items = [
        a_message(at=ago(minutes=9)),
        a_message(at=ago(minutes=4), direction="out"),
        a_message(at=ago(minutes=3)),
        a_message(at=ago(minutes=2)),
    ]
    assert kinds(lay_out(items, names, new_since=ago(minutes=5))) == [
        "day",
        "message",
        "message",
        "new",
        "message",
        "message",
    ]
    assert "new" not in kinds(lay_out(items, names, new_since=NOW))
    assert "new" not in kinds(lay_out(items, names))


def test_small_lines_that_follow_each_other_are_one_block(names):
    blocks = lay_out(
        [
            a_message(at=ago(minutes=9)),
            a_line("assigned", at=ago(minutes=8), to=MARTA.id, name="Marta Gómez"),
            a_line("labels", at=ago(minutes=7), added=["l1"], removed=["l2"]),
            a_message({"type": "system", "kind": "number", "text": "Cambió de número"}, at=ago(minutes=6)),
            a_message(at=ago(minutes=5)),
        ],
        names,
    )
    assert kinds(blocks) == ["day", "message", "lines", "message"]
    assert [line["text"] for line in blocks[2]["lines"]] == [
        "Luis la asignó a Marta Gómez",
        "Luis cambió las etiquetas: + Pedido, − Reclamo",
        "Cambió de número",
    ]


def test_taking_and_taking_over_are_said_differently(names):
    blocks = lay_out(
        [a_line("taken_over", name="Luis", before=""), a_line("taken_over", name="Luis", before="Marta")], names
    )
    assert [line["text"] for line in blocks[1]["lines"]] == ["Luis la tomó", "Luis relevó a Marta"]


def test_something_that_happened_which_nobody_wrote_a_sentence_for_is_still_shown(names):
    assert lay_out([a_line("merged")], names)[1]["lines"][0]["text"] == "Luis: merged"


def test_note_is_its_own_kind_and_ends_a_run(names):
    blocks = lay_out(
        [a_message(at=ago(minutes=3)), a_note("ojo", at=ago(minutes=2)), a_message(at=ago(minutes=1))], names
    )
    assert kinds(blocks) == ["day", "message", "note", "message"]
    assert blocks[2]["mine"]
    assert not blocks[3]["runs_on"]
