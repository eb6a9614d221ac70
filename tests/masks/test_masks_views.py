"""Views: a text read in another way, and the way back to its source."""

import base64

import pytest

from addons.masks.encoded_words import readings
from addons.masks.escapes import unescaped
from addons.masks.folding import folded
from addons.masks.sight import Sight
from addons.masks.views import Builder, View


def back(view, source, sought):
    """The piece of the source that `sought` was read from."""
    start = view.text.index(sought)
    left, right = view.source(start, start + len(sought))
    return source[left:right]


@pytest.mark.parametrize(
    ("source", "sought", "piece"),
    [
        ("no ４１１１ 1111", "4111 1111", "４１１１ 1111"),
        ("no ٤١١١ here", "4111", "٤١١١"),
        ("no 41\u200b11 here", "4111", "41\u200b11"),
        ("no 4111\u00a01111", "4111 1111", "4111\u00a01111"),
        ("no 4111\u20131111", "4111-1111", "4111\u20131111"),
        ("no \U0001d7ce\U0001d7cf2 here", "012", "\U0001d7ce\U0001d7cf2"),
    ],
)
def test_look_alikes_are_folded_and_map_back(source, sought, piece):
    assert back(folded(View(source)), source, sought) == piece


@pytest.mark.parametrize("text", ["plain", "Grüße aus Köln", "価格は千円", "x² and ¼"])
def test_what_is_no_look_alike_stays(text):
    assert folded(View(text)).text == text


@pytest.mark.parametrize(
    ("source", "sought", "piece"),
    [
        (r"a \u0034\u0031 b", "41", r"\u0034\u0031"),
        (r"a \u00e9 b", "é", r"\u00e9"),
        (r"a \ud83d\ude00 b", "😀", r"\ud83d\ude00"),
        (r"a \x34\x31 b", "41", r"\x34\x31"),
        ("a %34%31 b", "41", "%34%31"),
        ("a %C3%A9 b", "é", "%C3%A9"),
        ("a &#52;&#x31; b", "41", "&#52;&#x31;"),
        ("a &eacute; b", "é", "&eacute;"),
        ("a=3D =34=31 b", "41", "=34=31"),
        ("a 4=\n1 b=3D", "41", "4=\n1"),
    ],
)
def test_escapes_map_back(source, sought, piece):
    assert back(unescaped(View(source)), source, sought) == piece


@pytest.mark.parametrize("text", ["plain", "100 % sure", "a & b", "x = 10", r"C:\new\table"])
def test_a_text_without_escapes_has_no_second_reading(text):
    assert unescaped(View(text)) is None


@pytest.mark.parametrize(
    "word",
    [
        base64.b64encode(b"my number is 078-05-1120").decode(),
        base64.urlsafe_b64encode(b"my number is 078-05-1120").decode(),
        b"my number is 078-05-1120".hex(),
        base64.b32encode(b"my number is 078-05-1120").decode(),
    ],
    ids=("base64", "base64url", "hex", "base32"),
)
def test_an_encoded_word_stands_as_a_whole(word):
    source = f"see {word} there"
    (reading,) = [view for view in readings(View(source), Sight(source)) if "078-05-1120" in view.text]
    assert back(reading, source, "078-05-1120") == word


@pytest.mark.parametrize("word", ["thisIsAnIdentifier1234", "9f86d081884c7d659a2feaa0c55ad015", "x" * 64])
def test_what_decodes_to_no_text_has_no_reading(word):
    assert list(readings(View(word), Sight(word))) == []


def test_a_view_of_a_view_maps_back_to_the_outermost():
    outer = View("abcdef")
    middle = Builder(outer)
    middle.copy(2, 6)
    inner = Builder(middle.view())
    inner.add("X", 1, 3, 0)
    assert inner.view().source(0, 1) == (3, 5)


def test_a_piece_of_a_stretch_maps_to_its_piece():
    built = Builder(View(r"\x34\x31\x31"))
    built.add("411", 0, 12, 4)
    assert built.view().source(1, 2) == (4, 8)
