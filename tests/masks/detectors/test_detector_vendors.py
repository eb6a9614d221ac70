"""The tables of vendors' keys. The examples are put together here, so that no scanner of repositories takes this file for a leak."""

import pytest

_MIXED = "q7Zk2Xv9Lb4Tn8Rw3Hd6Yc1Mf5Js0Pg"
_HEX = "4f9c02ab71de83f6"
_UUID = "3f8a12bc-94d7-4e06-b1c5-7a9e20d4f863"


def mixed(length):
    return (_MIXED * 40)[:length]


def small(length):
    return mixed(length).lower()


def capitals(length):
    return mixed(length).upper()


def sixteenths(length):
    return (_HEX * 20)[:length]


MODELS = (
    f"hf_{mixed(34)}",
    f"api_org_{mixed(34)}",
    f"gsk_{mixed(52)}",
    f"xai-{mixed(80)}",
    f"pplx-{mixed(48)}",
    f"r8_{mixed(37)}",
    f"fw_{mixed(24)}",
    f"csk-{small(48)}",
    f"nvapi-{mixed(64)}",
    f"pa-{mixed(43)}",
    f"jina_{mixed(60)}",
    f"lsv2_pt_{sixteenths(32)}_{sixteenths(10)}",
    f"sk-lf-{_UUID}",
    f"pcsk_{mixed(6)}_{mixed(60)}",
    f"tgp_v1_{mixed(43)}",
    f"tvly-dev-{mixed(32)}",
    f"fc-{sixteenths(32)}",
    f"e2b_{sixteenths(40)}",
    f"sk_{sixteenths(48)}",
    f"app-{mixed(24)}",
    f"pat_{mixed(64)}",
    f"ak-{mixed(22)}",
    f"flp_{mixed(44)}",
    f"wandb_v1_{mixed(60)}",
    f"vck_{mixed(56)}",
)
CLOUDS = (
    f"dop_v1_{sixteenths(64)}",
    f"LTAI{mixed(20)}",
    f"AKID{mixed(32)}",
    f"AQVN{mixed(36)}",
    f"cfat_{mixed(48)}",
    f"HRKU-{_UUID}",
    f"fo1_{mixed(43)}",
    f"fm2_{mixed(120)}==",
    f"nfp_{mixed(40)}",
    f"vercel_blob_rw_{mixed(40)}",
    f"sbp_{sixteenths(40)}",
    f"sb_secret_{mixed(31)}",
    f"pscale_tkn_{mixed(43)}",
    f"dapi{sixteenths(32)}",
    f"hvs.{mixed(95)}",
    f"s.{mixed(24)}",
    f"{mixed(14)}.atlasv1.{mixed(67)}",
    f"pul-{sixteenths(40)}",
    f"pnu_{mixed(36)}",
    f"dp.pt.{mixed(43)}",
    f"ico-{mixed(32)}",
    f"tskey-auth-{mixed(17)}-{mixed(32)}",
    f"dnkey-{mixed(26)}-{mixed(52)}",
    f"sha256~{mixed(43)}",
    f"tk-us-{mixed(48)}",
    f"pat.{mixed(22)}.{mixed(24)}.{mixed(20)}",
    f"4b1d{mixed(38)}",
    f"CFPAT-{mixed(43)}",
    f"akab-{small(16)}-{small(16)}",
    f"SCW{capitals(17)}",
    f"AVNS_{mixed(19)}",
    f"napi_{small(64)}",
    f"castai_v1_{mixed(64)}",
    f"API-{capitals(26)}",
    f"A3-{capitals(6)}-{capitals(11)}-{capitals(5)}-{capitals(5)}-{capitals(5)}",
    f"odt_{mixed(32)}",
    f"mdb_sa_sk_{mixed(40)}",
    f"ion_{mixed(42)}",
    f"sub-c-{_UUID}",
    f"VF.DM.{sixteenths(24)}.{mixed(16)}",
    f"NF-{mixed(32)}",
)
CODE = (
    f"npm_{mixed(36)}",
    f"pypi-AgE{mixed(150)}",
    f"rubygems_{sixteenths(48)}",
    f"oy2{small(43)}",
    f"cio{mixed(32)}",
    f"CLOJARS_{sixteenths(60)}",
    f"dckr_pat_{mixed(27)}",
    f"ATATT3{mixed(180)}",
    f"ATBB{mixed(32)}",
    f"CCIPAT_{mixed(22)}_{sixteenths(40)}",
    f"bkua_{sixteenths(40)}",
    f"sntrys_{mixed(120)}",
    f"NRAK-{capitals(27)}",
    f"dt0c01.{capitals(24)}.{capitals(64)}",
    f"glsa_{mixed(32)}_{sixteenths(8)}",
    f"glc_{mixed(80)}",
    f"squ_{sixteenths(40)}",
    f"sgp_{sixteenths(16)}_{sixteenths(40)}",
    f"PMAK-{sixteenths(24)}-{sixteenths(34)}",
    f"rdme_{small(70)}",
    f"lin_api_{mixed(40)}",
    f"ntn_12345678901{mixed(35)}",
    f"figd_{mixed(40)}",
    f"1/1201234567890123:{sixteenths(32)}",
    f"pat{mixed(14)}.{sixteenths(64)}",
    f"sdk-{_UUID}",
    f"sm_pat_{mixed(16)}",
    f"hcaik_01{small(56)}",
    f"phx_{mixed(43)}",
    f"rootly_{sixteenths(64)}",
)
BUSINESS = (
    f"SG.{mixed(22)}.{mixed(43)}",
    f"key-{sixteenths(32)}",
    f"{sixteenths(32)}-{sixteenths(8)}-{sixteenths(8)}",
    f"{sixteenths(32)}-us12",
    f"xkeysib-{sixteenths(64)}-{mixed(16)}",
    f"re_{mixed(8)}_{mixed(24)}",
    f"mlsn.{sixteenths(64)}",
    f"SK{sixteenths(32)}",
    f"7391048562:AA{mixed(33)}",
    f"MT{mixed(24)}.{mixed(6)}.{mixed(38)}",
    f"sq0csp-{mixed(43)}",
    f"access_token$production${small(16)}${sixteenths(32)}",
    f"FLWSECK_TEST-{sixteenths(32)}-X",
    f"test_{sixteenths(35)}",
    f"shippo_live_{sixteenths(40)}",
    f"duffel_test_{mixed(43)}",
    f"rzp_live_{mixed(14)}",
    f"access-sandbox-{_UUID}",
    f"EZAK{mixed(54)}",
    f"shpat_{sixteenths(32)}",
    f"pat-na1-{_UUID}",
    f"tfp_{mixed(59)}",
    f"sl.u.{mixed(140)}",
    f"EAACE{mixed(100)}",
    f"live_123456789_{mixed(30)}",
    f"WPL_AP1.{mixed(16)}.{mixed(6)}",
    f"IGQ{mixed(150)}",
    f"00D5g000004{mixed(4)}!{mixed(96)}",
    f"00{mixed(40)}",
    f"p8e-{mixed(32)}",
    f"bb_live_{mixed(27)}",
    f"pk_{sixteenths(34)}",
)
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
