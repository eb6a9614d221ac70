"""GitHub's and GitLab's tokens."""

import pytest

BODY = "16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("entity", "token"),
    [
        *(("GITHUB_TOKEN", f"gh{kind}_{BODY}") for kind in "pousr"),
        ("GITHUB_TOKEN", f"github_pat_11ABCDEFG0aBcDeFgHiJkL_{BODY}"),
        ("GITLAB_TOKEN", "glpat-kSaPeOD_x-T0JxMi3p28"),
        ("GITLAB_TOKEN", "glrt-t3_846dlhs502bkj7ro4n99vw7ut3m.n4364w7in"),
        ("GITLAB_TOKEN", "GR1348941_iAgdMy7a3NhZaa5oNoH"),
    ],
)
def test_a_token_is_found_whole(named, entity, token):
    assert named(entity, f"GH_TOKEN={token} ") == [token]


@pytest.mark.parametrize("text", [f"ghp_{BODY[:20]}", f"xghp_{BODY}", "github_pat_short", "glpat-abc"])
def test_what_is_too_short_or_inside_a_word_is_not(named, text):
    assert named("GITHUB_TOKEN", text) + named("GITLAB_TOKEN", text) == []
