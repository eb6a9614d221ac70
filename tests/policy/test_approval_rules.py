"""addons/policy/approval_rules.py: which rule decides a call, why, and which rules can never fire."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.policy.approval_rules import CommandFact, Facts, Rulebook, covers, first_match
from addons.policy.model import Direction, FirstUse, Then
from tests.policy.small_policies import faults_of, parsed

FACTS = Facts(
    direction=Direction.RESPONSE,
    connection="openai",
    provider="openai",
    model="gpt-5",
    groups=("engineering",),
    entities={"CREDIT_CARD": 3},
    texts=("hello", "please drop  table users"),
    tools=("run_sql", "read_file"),
    commands=(CommandFact("shell", "rm", ("/tmp/x",)), ("sql", "drop", ("public.Users", "orders"))),
)


def rules(*whens: str, then: str = "observe"):
    lines = [f"  - {{id: rule-{place}, when: {when}, then: {then}}}" for place, when in enumerate(whens)]
    return parsed(
        approval="\n".join(["version: 1", "rules:", *lines, ""]), controls="version: 1\ncontrols: []\n"
    ).approval


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{direction: response}", True),
        ("{direction: request}", False),
        (r"{direction: response, pattern: 'drop\s{1,9}table'}", True),
        (r"{direction: response, pattern: 'DROP\s{1,9}table'}", False),
        ("{direction: response, tools: [run_*]}", True),
        ("{direction: response, tools: ['RUN_SQL']}", True),
        ("{direction: response, tools: [write_*]}", False),
        ("{direction: response, commands: {language: sql}}", True),
        ("{direction: response, commands: {language: [http, python]}}", False),
        ("{direction: response, commands: {verb: [Drop]}}", True),
        ("{direction: response, commands: {language: sql, verb: [rm]}}", False),
        ("{direction: response, commands: {language: sql, objects: ['*users']}}", True),
        ("{direction: response, commands: {language: shell, objects: ['*users']}}", False),
        ("{direction: response, groups: [engineering]}", True),
        ("{direction: response, groups: [interns]}", False),
        ("{direction: response, groups: ['*']}", True),
        ("{direction: response, connections: [open*]}", True),
        ("{direction: response, models: ['GPT-*']}", True),
        ("{direction: response, models: ['o*']}", False),
    ],
)
def test_a_rule_fits(when, expected):
    assert (first_match(rules(when), FACTS) is not None) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{direction: request, entities: [CREDIT_CARD]}", True),
        ("{direction: request, entities: [US_SSN, CREDIT_CARD]}", True),
        ("{direction: request, entities: {CREDIT_CARD: 3}}", True),
        ("{direction: request, entities: {CREDIT_CARD: 4}}", False),
        ("{direction: request, entities: [US_SSN]}", False),
        ("{direction: request, tools: [run_*], entities: [US_SSN]}", False),
        ("{direction: request, tools: [run_*], entities: [CREDIT_CARD], groups: [engineering]}", True),
    ],
)
def test_a_request_rule_counts_entities(when, expected):
    request = replace(FACTS, direction=Direction.REQUEST)

    assert (first_match(rules(when), request) is not None) is expected


def test_nothing_fits_empty_facts_but_what_asks_for_nothing():
    empty = Facts(Direction.RESPONSE, "openai", "openai", "", ())
    asking = rules(
        "{direction: response, tools: ['*']}",
        "{direction: response, commands: {language: sql}}",
        "{direction: response, pattern: a}",
        "{direction: response}",
    )

    assert [rule.id for rule in Rulebook(asking).judge(empty).noted] == ["rule-3"]


REQUEST = replace(
    FACTS,
    direction=Direction.REQUEST,
    endpoint="openai.chat",
    attachments=(("application/pdf", "document", 5_000), ("image/png", "image", 0)),
    estimated_tokens=1_000,
    at=datetime(2026, 11, 22, 21, 30, tzinfo=UTC),  # a Sunday; in Berlin 22:30
    first_use=frozenset({FirstUse.MODEL}),
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("endpoints: [openai.*]", True),
        ("endpoints: [anthropic.messages]", False),
        ("attachments: {types: [application/pdf]}", True),
        ("attachments: {types: ['image/*']}", True),
        ("attachments: {types: [document], least_bytes: 5000}", True),
        ("attachments: {least_bytes: 5001}", False),
        ("attachments: {types: ['image/*'], least_bytes: 1}", False),  # one and the same must fit both
        ("attachments: {types: [audio]}", False),
        ("estimated_tokens: 1000", True),
        ("estimated_tokens: 1001", False),
        ("time: {weekdays: [sat, sun]}", True),
        ("time: {weekdays: mon}", False),
        ("time: {hours: 18-8}", True),
        ("time: {hours: 8-18}", False),
        ("time: {hours: 0-22}", True),
        ("time: {hours: 0-22, zone: Europe/Berlin}", False),
        ("time: {weekdays: [mon], hours: 0-24, zone: Asia/Tokyo}", True),  # there it is Monday already
        ("first_use: model", True),
        ("first_use: connection", False),
        ("first_use: model, groups: [interns]", False),
    ],
)
def test_a_request_rule_looks_at(when, expected):
    assert (first_match(rules(f"{{direction: request, {when}}}"), REQUEST) is not None) is expected


@pytest.mark.parametrize(
    ("objects", "expected"),
    [(("api.evil.com",), True), (("git.corp",), False), (("git.corp", "api.evil.com"), True), ((), True)],
    ids=["outside", "inside", "one of two outside", "a host that could not be read"],
)
def test_a_post_outside_of_the_company_fits(objects, expected):
    (rule,) = rules("{direction: response, commands: {language: http, verb: POST, outside: ['*.corp']}}")
    facts = replace(FACTS, commands=(CommandFact("http", "POST", objects),))

    assert (first_match((rule,), facts) is rule) is expected


def mixed(*lines: str):
    """Rules from `id then when`, for requests."""
    hold = "approvers: {groups: [owners]}, hold_seconds: 5, "
    texts = [
        f"  - {{id: {name}, when: {{direction: request, {when}}}, {hold if then == 'hold' else ''}then: {then}}}"
        for name, then, when in (line.split(" ", 2) for line in lines)
    ]
    return "\n".join(["version: 1", "rules:", *texts, ""])


def judged(*lines: str, facts: Facts = REQUEST):
    book = Rulebook(parsed(approval=mixed(*lines), controls="version: 1\ncontrols: []\n").approval)
    found = book.judge(facts)
    return (found.decides.id if found.decides else None), [rule.id for rule in found.noted]


def test_the_first_rule_that_fits_decides_whatever_stands_below():
    assert judged("a hold models: ['gpt-5*']", "b deny tools: [run_sql]", "c hold groups: [engineering]") == ("a", [])
    assert judged("b deny tools: [run_sql]", "a hold models: ['gpt-5*']") == ("b", [])


def test_a_rule_that_observes_or_notifies_hides_nothing_below_it():
    assert judged(
        "a observe models: ['*']", "b notify models: ['*']", "c deny models: ['*']", "d observe tools: ['*']"
    ) == (
        "c",
        ["a", "b"],
    )


@pytest.mark.parametrize(("purpose", "expected"), [("", "a"), ("  ", "a"), ("invoice 4711", "b")])
def test_a_purpose_that_is_given_lets_the_rules_below_decide(purpose, expected):
    facts = replace(REQUEST, purpose=purpose)

    assert judged("a require_purpose models: ['*']", "b deny models: ['*']", facts=facts)[0] == expected


def test_why_names_each_key_in_the_words_of_the_policy():
    (rule,) = rules(
        "{direction: response, commands: {language: sql, verb: DROP, objects: ['*users']}, tools: ['run_*']}"
    )

    assert Rulebook((rule,)).why(rule) == ("tools: run_*", "commands: sql drop on *users")


def test_explain_tells_of_every_rule_what_became_of_it():
    book = Rulebook(
        parsed(
            approval=mixed("a hold groups: [interns]", "b deny models: ['gpt-*']", "c observe models: ['*']"),
            controls="version: 1\ncontrols: []\n",
        ).approval
    )

    told = [(one.rule.id, one.reached, one.fits, one.why) for one in book.explain(REQUEST)]

    assert told == [
        ("a", True, False, ("groups does not fit",)),
        ("b", True, True, ("models: gpt-*",)),
        ("c", False, True, ("models: *",)),
    ]


def test_what_no_rule_looks_at_need_not_be_found_out():
    book = Rulebook(rules("{direction: request, first_use: model}", "{direction: response, pattern: drop}"))

    assert [book.needs(Direction.REQUEST, key) for key in ("first_use", "pattern")] == [True, False]


NEVER = {
    "the same again": ("a deny models: ['x*']", "b hold models: ['x*']"),
    "a narrower glob": ("a deny models: ['x*']", "b hold models: ['x-1*']"),
    "one model of a glob": ("a hold models: ['gpt-*']", "b hold models: ['GPT-5']"),
    "more keys": ("a deny groups: [x, y]", "b hold groups: [x], models: ['z*']"),
    "everything above": ("a deny connections: ['*']", "b observe connections: ['*'], tools: [q]"),
    "fewer of the same": ("a hold entities: {CREDIT_CARD: 2}", "b deny entities: {CREDIT_CARD: 9}"),
    "a part of the statements": (
        "a hold commands: {language: [sql, shell]}",
        "b deny commands: {language: sql, verb: DROP, objects: [t]}",
    ),
    "a part of the night": ("a deny time: {hours: 18-8}", "b hold time: {hours: 20-23, weekdays: [mon]}"),
    "larger files": (
        "a deny attachments: {least_bytes: 10}",
        "b deny attachments: {types: ['image/*'], least_bytes: 10}",
    ),
    "longer prompts": ("a hold estimated_tokens: 10", "b hold estimated_tokens: 11"),
    "a purpose asked for twice": ("a require_purpose models: ['*']", "b require_purpose models: ['m*']"),
}


@pytest.mark.parametrize("lines", NEVER.values(), ids=NEVER)
def test_a_rule_that_can_never_fire_is_refused(lines):
    (fault,) = faults_of(approval=mixed(*lines), controls="version: 1\ncontrols: []\n")

    assert fault.startswith(
        'policies/approval.yaml:4: expected a rule that can fire, got one that rule "a" above decides'
    )


SOMETIMES = {
    "observed above": ("a observe models: ['*']", "b hold models: ['*']"),
    "a purpose that may be given": ("a require_purpose models: ['*']", "b deny models: ['*']"),
    "a wider glob": ("a deny models: ['x-1*']", "b hold models: ['x*']"),
    "another key": ("a deny groups: [x]", "b hold tools: [q]"),
    "another zone": ("a deny time: {hours: 0-24}", "b hold time: {hours: 3-4, zone: Asia/Tokyo}"),
    "outside of more": (
        "a deny commands: {language: http, outside: ['*.corp', '*.lab']}",
        "b hold commands: {language: http, outside: ['*.corp']}",
    ),
    "more cards": ("a deny entities: {CREDIT_CARD: 9}", "b hold entities: {CREDIT_CARD: 2}"),
}


@pytest.mark.parametrize("lines", SOMETIMES.values(), ids=SOMETIMES)
def test_a_rule_that_can_fire_is_kept(lines):
    assert len(parsed(approval=mixed(*lines), controls="version: 1\ncontrols: []\n").approval) == 2


GLOBS = st.lists(st.sampled_from(["*", "a*", "ab*", "ab", "b*", "b?", "bc"]), min_size=0, max_size=2, unique=True)


@given(
    st.tuples(GLOBS, GLOBS),
    st.tuples(GLOBS, GLOBS),
    st.sampled_from(["a", "ab", "abc", "b", "bc", "c"]),
    st.sampled_from(["ab", "bc", "x"]),
)
def test_what_covers_fits_whatever_the_covered_one_fits(wide, narrow, model, tool):
    def rule(names, tag):
        models, tools = names
        return rules(f"{{direction: response, models: {models or ['*']}, tools: {tools or ['*']}}}")[0]

    one, other = rule(wide, "a"), rule(narrow, "b")
    facts = replace(FACTS, model=model, tools=(tool,))

    if covers(one.when, other.when) and first_match((other,), facts):
        assert first_match((one,), facts)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a deny endpoints: [openai.chta]", "a wire format"),
        ("a deny models: ['gpt-forbidden-here'], connections: [openai]", None),
        ("a deny time: {hours: 8-8}", 'hours as "18-8"'),
        ("a deny time: {hours: 25-3}", 'hours as "18-8"'),
        ("a deny time: {zone: UTC}", "weekdays or hours in time"),
        ("a deny time: {weekdays: sat, zone: Mars/Olympus}", "a time zone"),
        ("a deny time: {weekdays: caturday}", "a weekday"),
        ("a deny attachments: {types: [pdf]}", "a media type"),
        ("a deny first_use: moon", "connection | model as first_use"),
        ("a deny commands: {language: http, verb: [DROP]}", "a method of HTTP"),
        ("a deny estimated_tokens: 0", "estimated_tokens as a whole number"),
    ],
)
def test_a_condition_that_says_nothing_is_refused(line, expected):
    text = mixed(line)
    controls = "version: 1\ncontrols: []\n"
    if expected is None:
        parsed(approval=text, controls=controls)
    else:
        assert expected in faults_of(approval=text, controls=controls, endpoints=frozenset({"openai.chat"}))[0]


def test_a_model_that_no_connection_allows_is_refused():
    connections = "version: 1\nother_hosts: deny\nconnections:\n  - {id: openai, provider: openai, hosts: [h.example], credential: none, groups: [a], models: ['gpt-*']}\n"

    (fault,) = faults_of(
        connections=connections, approval=mixed("a deny models: [claude-5]"), controls="version: 1\ncontrols: []\n"
    )

    assert "expected a model that a connection of the rule allows" in fault


def test_then_is_written_as_it_is_shown():
    assert [then.value for then in Then] == ["hold", "deny", "require_purpose", "notify", "observe"]


def test_facts_show_no_text():
    assert "users" not in repr(FACTS)


def test_a_piece_of_a_call_is_judged_by_the_rules_that_look_at_what_is_said():
    book = Rulebook(rules("{direction: response, tools: [run_*]}", "{direction: response, models: ['gpt-*']}"))

    noted = [[rule.id for rule in book.judge(FACTS, content_only=only).noted] for only in (False, True)]

    assert noted == [["rule-0", "rule-1"], ["rule-0"]]


@pytest.mark.parametrize(
    ("when", "then", "model", "expected"),
    [
        ("{direction: request, pattern: abc}", "deny", "gpt-5", True),
        ("{direction: request, pattern: abc, models: ['o*']}", "deny", "gpt-5", False),
        ("{direction: request, pattern: abc, models: ['o*']}", "deny", "", True),
        ("{direction: request, pattern: abc, groups: [interns]}", "deny", "gpt-5", False),
        ("{direction: request, pattern: abc}", "observe", "gpt-5", False),
        ("{direction: response, pattern: abc}", "deny", "gpt-5", False),
    ],
)
def test_of_what_cannot_be_read_any_content_is_thought_possible(when, then, model, expected):
    facts = Facts(Direction.REQUEST, "openai", "openai", model, ("engineering",))

    assert (Rulebook(rules(when, then=then)).may_fit(facts) is not None) is expected
