"""Tables of the terminal."""

import pytest

from sim.alignment import aligned, width_of


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("rent", 4), ("租金", 4), ("租金 cut", 8), ("，", 2), ("–", 1), ("ü", 1)]
)
def test_chinese_characters_and_their_punctuation_take_two_columns(text, columns):
    assert width_of(text) == columns


def test_the_second_column_begins_at_one_place_whatever_characters_stand_in_the_first():
    lines = aligned([["政策", "x"], ["rent", "x"], ["a", "x"], ["北纬社区 2", "x"]])
    assert {width_of(line[: line.index("x")]) for line in lines} == {width_of("北纬社区 2") + 2}


def test_columns_of_numbers_end_at_one_place():
    lines = aligned([["政策", "净变化", "b"], ["rent", "7", "b"], ["a", "1,204", "b"]], right=(1,))
    ends = {width_of(line.rstrip("b").rstrip()) for line in lines}
    assert ends == {width_of("政策") + 2 + width_of("净变化")}


def test_an_overlong_cell_pushes_its_own_row_only():
    lines = aligned([["a" * 9, "x"], ["b", "x"]], widest=4)
    assert lines == ["a" * 9 + "  x", "b     x"]


def test_lines_end_without_blanks_and_no_rows_are_no_lines():
    assert aligned([["a", ""], ["long", "b"]]) == ["a", "long  b"]
    assert aligned([]) == []
