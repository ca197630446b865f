"""What templates promise: everything escaped, nothing the content policy refuses, and the right words."""

import re
from datetime import timedelta

import pytest

from inbox.translation import LANGUAGES
from inbox.web.render import HTML, STATIC, Renderer, inbox_url, query
from inbox.web.timeline import Names, lay_out
from tests.inbox.web.sights import FILTERS, NOW, ZONE, a_composer, a_message, a_note, a_route, a_row, ago, viewer

TEMPLATES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
SCRIPTS = sorted(path for path in STATIC.glob("*.js"))
NASTY = '<script>alert("x")</script>'


def thread(renderer: Renderer, translations, *items, language: str = "es") -> str:
    names = Names(zone=ZONE, now=NOW, language=language, translate=translations.translate(language))
    return renderer.render(
        "fragments/timeline.html", viewer(language), items=lay_out(items, names), conversation=a_row(), older=None
    )


def row(renderer: Renderer, language: str = "es", **more) -> str:
    return renderer.render("fragments/row.html", viewer(language), row=a_row(**more), filters=FILTERS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_compiles(renderer, language):
    for name in TEMPLATES:
        assert renderer._room(language).get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_holds_nothing_that_the_content_policy_refuses(name):
    source = (HTML / name).read_text("utf-8")
    assert not re.search(r"\sstyle\s*=", source)
    assert not re.search(r"\son[a-z]+\s*=", source)
    assert not re.search(r"hx-on|['\"]js:|javascript:", source)
    assert not re.search(r"hx-trigger=\"[^\"]*\[", source)
    assert not re.search(r"<style|<script(?! type=\"(application/json|module)\"| src=)", source)
    assert not re.search(r"(src|href)=\"(https?:)?//(?!t\.me/|www\.openstreetmap)", source)


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_leaves_escaping_on(name):
    source = (HTML / name).read_text("utf-8")
    assert "|safe" not in source.replace(" ", "")
    assert "autoescape" not in source


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_runs_no_text_and_names_no_other_host(script):
    source = script.read_text("utf-8")
    assert not re.search(r"\beval\(|new Function|document\.write|https?://", source)
    assert not re.search(r"(?<!parsed)\.innerHTML", source)


def test_every_icon_is_asked_for_by_the_sprite():
    listed = set((HTML.parent / "assets/icons.txt").read_text().split("\n"))
    sources = "\n".join((HTML / name).read_text("utf-8") for name in TEMPLATES)
    sources += (HTML.parent / "words.py").read_text("utf-8")
    used = set(re.findall(r"icon\(\"([a-z0-9-]+)\"", sources)) | set(
        re.findall(r"N_\(\"[^\"]+\"\), \"([a-z0-9-]+)\"\)", sources)
    )
    assert len(used) > 40
    assert used <= listed, f"icons.txt lacks {sorted(used - listed)}"


def test_every_static_file_named_in_a_template_exists():
    named = {
        asset for name in TEMPLATES for asset in re.findall(r"asset\(\"([^\"]+)\"\)", (HTML / name).read_text("utf-8"))
    }
    missing = {asset for asset in named if not asset.startswith("vendor/") and not (STATIC / asset).is_file()}
    assert named
    assert not missing


def test_every_import_of_a_script_exists():
    for script in SCRIPTS:
        for name in re.findall(r"(?:from|import|import\() ?[\"'`]\./([\w/]+\.js)", script.read_text("utf-8")):
            assert name.startswith("vendor/") or (STATIC / name).is_file(), f"{script.name} imports {name}"


def test_what_strangers_write_is_escaped(renderer, translations):
    shown = row(renderer, name=NASTY, draft=NASTY, labels=[{"id": "l", "name": NASTY, "colour": "red"}])
    shown += thread(
        renderer,
        translations,
        a_message({"type": "text", "text": NASTY}, quoted={"id": "q", "text": NASTY, "type": "text", "author": NASTY}),
        a_message({"type": "location", "latitude": 1.0, "longitude": 2.0, "name": NASTY, "url": ""}),
        a_message({"type": "cards", "cards": [{"name": NASTY, "phones": [], "emails": []}]}),
        a_message({"type": "form", "name": NASTY, "answers": {NASTY: NASTY}}),
        a_message({"type": "unsupported", "kind": NASTY, "reason": NASTY}),
        a_message(
            {"type": "media", "kind": "document", "name": NASTY},
            media=[{"id": "f", "type": "document", "name": NASTY, "state": "stored"}],
        ),
        a_note(NASTY),
    )
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") >= 10


def test_right_to_left_marks_stay_inside_the_name(renderer):
    assert "\u202eanA" in row(renderer, name="\u202eanA")


def test_row_counts_down_and_says_how_long_somebody_waits(renderer):
    shown = row(renderer, waiting_since=ago(minutes=31), window_closes_at=NOW + timedelta(minutes=48, seconds=20))
    assert "espera 31 min" in shown
    assert "Cierra en 48 min" in shown
    assert "window-danger" in shown


def test_row_of_a_shut_window_says_so(renderer):
    shown = row(renderer, window_closes_at=ago(hours=1))
    assert "Ventana cerrada" in shown


def test_draft_and_typing_take_the_place_of_the_last_message(renderer):
    assert "Borrador:" in row(renderer, draft="Buenos días")
    shown = row(renderer, draft="Buenos días", typing="Luis")
    assert "Luis está escribiendo…" in shown
    assert "Borrador:" not in shown


def test_message_without_words_is_named_by_its_kind(renderer):
    last = a_row()["last"] | {"text": "", "type": "media", "kind": "voice"}
    assert "Nota de voz" in row(renderer, last=last)
    assert "Voice message" in row(renderer, "en", last=last)


def test_failed_message_says_why_and_can_be_sent_again(renderer, translations):
    error = {"code": "131047", "message": "WhatsApp did not accept this message."}
    shown = thread(renderer, translations, a_message(direction="out", status="failed", error=error))
    assert "WhatsApp no aceptó este mensaje." in shown
    assert "131047" in shown
    assert "/again" in shown


def test_uncertain_message_lets_a_person_decide(renderer, translations):
    shown = thread(renderer, translations, a_message(direction="out", status="uncertain"))
    assert '{"outcome": "sent"}' in shown
    assert '{"outcome": "again"}' in shown


def test_ticks_are_words_for_those_who_do_not_see_them(renderer, translations):
    for status, word in (("queued", "Espera a ser enviado"), ("delivered", "Entregado"), ("read", "Leído")):
        shown = thread(renderer, translations, a_message(direction="out", status=status))
        assert f'<span class="unseen">{word}</span>' in shown


def test_file_that_could_not_be_fetched_can_be_fetched_again(renderer, translations):
    file = {"id": "f1", "type": "image", "state": "failed", "error": {"message": "The file could not be fetched."}}
    shown = thread(renderer, translations, a_message({"type": "media", "kind": "image", "caption": ""}, media=[file]))
    assert "No se pudo traer el archivo." in shown
    assert "/media/f1/fetch" in shown


def test_shut_window_offers_a_template_and_keeps_the_sentence(renderer):
    composer = a_composer(a_route("closed", sentence="Pasaron 24 horas."))
    shown = renderer.render("fragments/composer_state.html", viewer(), composer=composer, conversation=a_row())
    assert "Pasaron 24 horas." in shown
    assert 'data-act="templates"' in shown
    assert 'data-state="closed"' in shown


def test_sentence_with_a_percent_sign_is_shown_as_it_is(renderer, translations):
    error = {"code": "x", "message": "Only 50% arrived"}
    assert "Only 50% arrived" in thread(
        renderer, translations, a_message(direction="out", status="failed", error=error)
    )


def test_times_are_those_of_the_viewer(renderer):
    assert ">10:43</time>" in row(renderer)


def test_filters_stay_in_addresses_and_empty_ones_fall_out():
    assert inbox_url(FILTERS, tab="all", label="l1") == "/inbox?tab=all&status=open&label=l1&sort=newest"
    assert inbox_url({}, "") == ""
    assert query({"q": "ñ &", "cursor": None}) == "?q=%C3%B1+%26"


def test_address_of_static_files_changes_with_their_content(renderer):
    assert re.fullmatch(r"/static/[0-9a-f]{12}/app\.js", renderer.asset("app.js"))
