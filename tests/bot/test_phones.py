"""One number is one value, however a platform or a person writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.phones import display, fold, is_phone, read_typed


@pytest.mark.parametrize(
    ("variants", "folded"),
    [
        (["5215512345678", "525512345678", "+525512345678"], "525512345678"),
        (["5491112345678", "541112345678", "54111512345678", "5401112345678"], "541112345678"),
        (["5493415123456", "543415123456", "54341155123456"], "543415123456"),
        (["5492202123456", "54220215123456"], "542202123456"),
        (["5511987654321", "551187654321"], "5511987654321"),
        (["573001112233", "+573001112233"], "573001112233"),
    ],
)
def test_national_variants_of_one_number_are_one_value(variants, folded):
    assert {fold(variant) for variant in variants} == {folded}


@pytest.mark.parametrize(
    ("typed", "country", "folded"),
    [
        ("300 111 2233", "CO", "573001112233"),
        ("(300) 111-22-33", "CO", "573001112233"),
        ("573001112233", "CO", "573001112233"),
        ("0057 300 1112233", "MX", "573001112233"),
        ("+57\u202a 300 111 2233\u202c", "CO", "573001112233"),
        ("044 55 1234 5678", "MX", "525512345678"),
        ("1 55 1234 5678", "MX", "525512345678"),
        ("011 15 1234-5678", "AR", "541112345678"),
        ("11 8765-4321", "BR", "5511987654321"),
        ("(11) 98765-4321", "BR", "5511987654321"),
    ],
)
def test_typed_numbers_are_read_with_the_country_of_the_house(typed, country, folded):
    assert fold(typed, country) == folded


def test_a_brazilian_landline_does_not_become_a_mobile():
    assert fold("551133334444") == "551133334444"


def test_an_unassigned_prefix_is_still_a_number_when_a_platform_says_so():
    assert fold("999999999999") == "999999999999"
    assert display("999999999999") == "+999999999999"


@pytest.mark.parametrize(
    "text", ["CO.1047385771169864", "CO.ENT.99887766", "", "hola", "12", "3" * 40, "\uff15\uff17" * 6]
)
def test_what_is_no_phone_folds_to_nothing(text):
    assert not is_phone(text)
    assert fold(text) == ""
    assert fold(text, "CO") == ""
    assert display(text) == text


def test_a_typed_mobile_keeps_the_digits_that_its_network_wants():
    assert read_typed("011 15 1234-5678", "AR") == "5491112345678"
    assert display("5491112345678") == "+54 9 11 1234-5678"


@given(st.from_regex(r"(52|54|549|55|57|1)[0-9]{5,13}", fullmatch=True))
def test_folding_twice_changes_nothing(digits):
    assert fold(digits) == fold(fold(digits))


@given(st.text(max_size=40), st.sampled_from(["", "CO", "MX", "AR", "BR", "XX"]))
def test_any_text_is_answered(text, country):
    assert fold(text, country) == "" or is_phone(fold(text, country))
