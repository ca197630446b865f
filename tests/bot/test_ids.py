from bot.ids import is_id, new_id


def test_ids_are_unique_sort_by_when_they_were_made_and_look_like_ids():
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    assert all(map(is_id, ids))


def test_other_text_is_no_id():
    for text in ("", "x" * 24, "65f0", "65f000000000000000000000\n", "a" * 12):
        assert not is_id(text)
