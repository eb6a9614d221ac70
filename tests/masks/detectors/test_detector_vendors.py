"""The tables of vendors' keys."""

import pytest

from tests.masks.detectors.keys import BUSINESS, CLOUDS, CODE, MODELS, mixed, sixteenths

NAMED = (
    ("HUGGINGFACE_TOKEN", f"hf_{mixed(34)}"),
    ("AZURE_KEY", f"abc8Q~{mixed(34)}"),
    ("AZURE_KEY", f"{mixed(86)}=="),
)


@pytest.mark.parametrize("key", [*MODELS, *CLOUDS, *CODE, *BUSINESS], ids=lambda key: key[:12])
@pytest.mark.parametrize("around", ["use {} for now", '"{}",', "<b>{}</b>"], ids=("prose", "quoted", "marked"))
def test_a_key_is_found_whole_whatever_its_name(found, around, key):
    assert key in [value for _, value in found(around.format(key))]


@pytest.mark.parametrize(("entity", "key"), NAMED, ids=lambda value: value[:12])
def test_a_key_has_its_vendors_name(named, entity, key):
    assert named(entity, f"use {key} for now") == [key]


@pytest.mark.parametrize(
    "text",
    [
        f"hf_{mixed(12)}",
        "gsk_and_some_other_words",
        f"npm_{mixed(20)}",
        f"shpat_{sixteenths(20)}",
        "npm_config_registry_of_the_whole_company_cached",
        "test_" + "a_function_that_does_something_of_use",
        "app-component-of-the-header",
        "sdk-3f8a12bc",
        "sl.and.some.more.names.of.a.long.module.path.in.python",
        "pat.some.thing",
        "key-value-pairs-of-this-thing",
        "sha256:9f86d081",
    ],
)
def test_what_only_begins_like_one_is_not(found, text):
    assert found(f"use {text} for now") == []


@pytest.mark.parametrize("key", [f"npm_{mixed(36)}", f"pul-{sixteenths(40)}", f"SK{sixteenths(32)}"])
def test_a_piece_of_a_longer_word_is_none(named, key):
    assert named("API_KEY", f"use x{key} for now") == []
