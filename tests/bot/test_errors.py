from bot.errors import Conflict, Overloaded, Refused, Unavailable


def test_a_refusal_is_a_sentence_for_people_and_a_code_and_fields_for_programs():
    refused = Refused("At most %(limit)s labels.", code="too_many", limit=5)
    assert str(refused) == "At most 5 labels."
    assert (refused.code, refused.fields) == ("too_many", {"limit": 5})


def test_the_sentence_is_translated_before_its_places_are_filled():
    refused = Refused("At most %(limit)s labels.", code="too_many", limit=5)
    assert refused.sentence({"At most %(limit)s labels.": "Máximo %(limit)s etiquetas."}.__getitem__) == (
        "Máximo 5 etiquetas."
    )


def test_a_sentence_without_fields_may_have_a_percent_sign():
    assert str(Conflict("100% taken")) == "100% taken"


def test_a_field_may_be_called_message_and_every_kind_has_a_code():
    assert Conflict("no", message="m1").fields == {"message": "m1"}
    assert Conflict("no").code == "conflict"
    assert isinstance(Overloaded("no"), Unavailable)
