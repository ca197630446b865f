"""Words are found without accents, capitals and punctuation; numbers by any piece of them."""

from bot.records.search import MOST_WORDS, fold, person_words, phone_fragments, words


def test_accents_and_capitals_do_not_count():
    assert fold("PEÑA Ávila") == fold("pena avila")
    assert words("¿Dónde está mi PEDIDO, José?") == ["donde", "esta", "mi", "pedido", "jose"]


def test_a_word_counts_once_and_long_texts_are_cut():
    assert words("sí si SÍ") == ["si"]
    assert len(words(" ".join(f"w{number}" for number in range(1000)))) == MOST_WORDS


def test_any_piece_of_a_number_begins_one_of_its_tails():
    tails = phone_fragments("573001112233")
    for start in range(0, 9):
        assert any(tail.startswith("573001112233"[start : start + 4]) for tail in tails)
    assert phone_fragments("12") == []


def test_a_person_is_found_by_name_username_number_and_mail():
    found = person_words(["Ana Peña", "ana.p"], ["+57 300 111 2233"], "Ana@Example.org")
    assert {"ana", "pena", "3001112233", "ana@example.org", "example"} <= set(found)


def test_other_scripts_stay_as_they_are():
    assert words("Привет, мир") == ["привет", "мир"]
    assert words("🎉🎉") == []
