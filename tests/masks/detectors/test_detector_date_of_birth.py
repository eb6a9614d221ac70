"""Dates of birth."""

import pytest


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("DOB: 01/02/1980", "01/02/1980"),
        ("born on 12 March 1980 in Rome", "12 March 1980"),
        ("Date of birth 1980-03-12.", "1980-03-12"),
        ('{"birthDate": "1980-03-12"}', "1980-03-12"),
        ("geboren am 12.03.1980", "12.03.1980"),
        ("dob 01/02/80", "01/02/80"),
        ("birthday: March 12th, 1980", "March 12th, 1980"),
        ("née le 12/03/1980 à Lyon", "12/03/1980"),
        ("nata il 12/03/1980", "12/03/1980"),
        ("D.O.B. 01/02/1980", "01/02/1980"),
    ],
)
def test_a_date_beside_a_word_about_birth_is_found(named, text, date):
    assert named("DATE_OF_BIRTH", text) == [date]


@pytest.mark.parametrize("text", ["created 1980-03-12", "due 01/02/1980", "born free", "reborn as v2 on 2020-01-01"])
def test_another_date_is_not(named, text):
    assert named("DATE_OF_BIRTH", text) == []
