"""approval.yaml: what people must agree to, who they are, and where they are told. Its commented example: policies/approval.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from addons.policy import forms, nodes
from addons.policy.approval_rules import covering
from addons.policy.faults import nearest
from addons.policy.fields import Fields, Form, Marked, shown
from addons.policy.model import (
    ApprovalRule,
    Approvers,
    AttachmentMatch,
    CommandMatch,
    Connection,
    Denied,
    Direction,
    FirstUse,
    Happening,
    HookFormat,
    Quorum,
    Reference,
    Scope,
    Source,
    Then,
    Webhook,
    When,
)
from addons.policy.read_connections import reference_pieces
from addons.policy.read_rules import known_entities
from addons.policy.times import TIME_KEYS, read_time

KEYS = ("version", "rules", "webhooks")
RULE_KEYS = (
    "id", "when", "then", "approvers", "hold_seconds", "expires_seconds", "scopes", "most_minutes", "denied", "alarm_holds", "reason",
)  # fmt: skip
WHEN_KEYS = (
    "direction", "entities", "pattern", "tools", "commands", "groups", "connections", "models", "endpoints", "attachments",
    "estimated_tokens", "time", "first_use",
)  # fmt: skip
COMMAND_KEYS = ("language", "verb", "objects", "outside")
ATTACHMENT_KEYS = ("types", "least_bytes")
APPROVER_KEYS = ("groups", "count", "also", "break_glass")
QUORUM_KEYS = ("groups", "count")
WEBHOOK_KEYS = ("id", "url", "format", "secret", "on", "rules", "payload", "link")
HOLD_KEYS = ("approvers", "hold_seconds", "expires_seconds", "scopes", "most_minutes", "alarm_holds")
REQUEST_KEYS = ("attachments", "estimated_tokens", "first_use")  # what a reply has not, or what is over by then

LONGEST_HOLD = 86_400
LONGEST_WAIT = 30 * 86_400
LONGEST_WINDOW = 8 * 60  # minutes
DEFAULT_EXPIRES = 3_600
DEFAULT_ALARM = 50
_MOST_APPROVERS = 10
_MOST_BYTES = 1 << 30
_LANGUAGES = ("sql", "shell", "http", "mcp", "python", "other")  # the store's `commands.language`
_KINDS = ("image", "audio", "document")
_HTTP_VERBS = frozenset({"get", "head", "post", "put", "delete", "connect", "options", "trace", "patch", "unknown"})


_LANGUAGE = Form(f"a language ({', '.join(_LANGUAGES)})", lambda text: text in _LANGUAGES)
_TYPE = Form(
    'a media type, a pattern of them ("image/*"), or image, audio, document', lambda text: text in _KINDS or "/" in text
)
_ADDRESS = Form(
    "an https URL (http only to this machine), or a reference to one (${env:NAME}, ${file:/path})",
    lambda text: bool(_address(text)),
    secret=True,
)
_SECRET = Form(
    "a reference to the secret (${env:NAME}, ${file:/path})", lambda text: bool(_reference(text)), secret=True
)


def _one_of(what: str, words: type[StrEnum]) -> Form:
    return Form(f"{what} ({', '.join(words)})", lambda text: text in list(words))


@dataclass(frozen=True, slots=True)
class Around:
    """What the rules may name, and what they apply to."""

    entities: frozenset[str]
    endpoints: frozenset[str]  # empty: not known here, so not checked
    connections: tuple[Connection, ...]


def read(fields: Fields, around: Around) -> tuple[tuple[ApprovalRule, ...], tuple[Webhook, ...]]:
    sheets = fields.each("rules", "rule", RULE_KEYS)
    rules = tuple(_rule(sheet, around) for sheet in sheets)
    for place, sheet in enumerate(sheets):
        if sheet.readable and (above := covering(rules, place)):
            sheet.reading.fault(
                sheet.line,
                "a rule that can fire",
                f'one that rule "{above.id}" above decides in every case',
                "move it up, or take it out",
            )
    return rules, tuple(_webhook(hook) for hook in fields.each("webhooks", "webhook", WEBHOOK_KEYS, required=False))


def _rule(rule: Fields, around: Around) -> ApprovalRule:
    rule_id = rule.own_id("rule")
    then = rule.choice("then", Then)
    inner = rule.inner("when", WHEN_KEYS)
    when = When(Direction.REQUEST) if inner is None else _when(inner, around)
    holds = _said(rule, then) and then is Then.HOLD
    if _said(rule, then) and not holds:
        for key in (key for key in HOLD_KEYS if key in rule):
            rule.reading.fault(rule.at(key), f"{key} only beside then: hold", f"then: {then}", "take it out, or hold")
    if then is Then.PURPOSE and when.direction is Direction.RESPONSE:
        rule.reading.fault(
            rule.at("then"),
            "then: require_purpose only of requests",
            "direction: response",
            "ask before the call leaves",
        )
    hold_seconds, expires_seconds = _times(rule) if holds else (0, 0)
    scopes, most_minutes = _scopes(rule) if holds else ((Scope.EXACT,), 0)
    if most_minutes * 60 > expires_seconds:
        needed = f"most_minutes within expires_seconds ({expires_seconds // 60} minutes)"
        rule.reading.fault(
            rule.at("most_minutes"), needed, str(most_minutes), "change one: nothing is used after its approval's time"
        )
    return ApprovalRule(
        id=rule_id,
        when=when,
        then=then,
        approvers=_approvers(rule) if holds else Approvers(),
        hold_seconds=hold_seconds,
        expires_seconds=expires_seconds,
        reason=rule.text("reason", forms.LINE, ""),
        scopes=scopes,
        most_minutes=most_minutes,
        denied=_denied(rule, then, when),
        alarm_holds=rule.whole("alarm_holds", 1, 1_000_000, DEFAULT_ALARM) if holds else DEFAULT_ALARM,
    )


def _said(rule: Fields, then: Then) -> bool:
    """Whether `then` is the file's own word: what must stand beside a misspelt one is not known."""
    node = rule.node("then", required=False)
    return isinstance(node, nodes.Scalar) and node.value == then


def _times(rule: Fields) -> tuple[int, int]:
    if "hold_seconds" not in rule:
        needed = f"hold_seconds (1-{LONGEST_HOLD}) beside then: hold"
        rule.reading.fault(rule.line, needed, "none", "add it, or use then: deny")
    hold_seconds = rule.whole("hold_seconds", 1, LONGEST_HOLD, 1)
    expires_seconds = rule.whole("expires_seconds", 1, LONGEST_WAIT, DEFAULT_EXPIRES)
    if hold_seconds > expires_seconds:
        needed = f"hold_seconds of at most expires_seconds ({expires_seconds})"
        rule.reading.fault(
            rule.at("hold_seconds"), needed, str(hold_seconds), "change one: a flow waits no longer than its approval"
        )
    return hold_seconds, expires_seconds


def _scopes(rule: Fields) -> tuple[tuple[Scope, ...], int]:
    scopes = tuple(Scope(word) for word in rule.texts("scopes", _one_of("a scope", Scope), (Scope.EXACT,)) if word)
    windowed = Scope.MINUTES in scopes
    if windowed != ("most_minutes" in rule):
        rule.reading.fault(
            rule.at("most_minutes") if not windowed else rule.at("scopes"),
            f"most_minutes (1-{LONGEST_WINDOW}) beside scope minutes, and only there",
            "one without the other",
            "give both or none",
        )
    return scopes, rule.whole("most_minutes", 1, LONGEST_WINDOW, 0) if windowed else 0


def _denied(rule: Fields, then: Then, when: When) -> Denied:
    if "denied" in rule and (when.direction is Direction.REQUEST or then not in (Then.HOLD, Then.DENY)):
        rule.reading.fault(
            rule.at("denied"),
            "denied only beside direction: response and then: hold or deny",
            "another rule",
            "take it out",
        )
    return rule.choice("denied", Denied, Denied.REFUSE)


def _approvers(rule: Fields) -> Approvers:
    fields = rule.inner("approvers", APPROVER_KEYS)
    if fields is None:
        return Approvers()
    return Approvers(
        fields.texts("groups", forms.GROUP),
        fields.whole("count", 1, _MOST_APPROVERS, 1),
        tuple(
            Quorum(also.texts("groups", forms.GROUP), also.whole("count", 1, _MOST_APPROVERS, 1))
            for also in fields.each("also", "group that must agree too", QUORUM_KEYS, required=False)
        ),
        fields.texts("break_glass", forms.GROUP, ()),
    )


# when


def _when(fields: Fields, around: Around) -> When:
    connections = fields.marked("connections", forms.ID_GLOB, ())
    for connection in connections:
        if connection.text != "*":
            fields.reading.mention(connection, "connection")
    direction = fields.choice("direction", Direction)
    if direction is Direction.RESPONSE:
        for key in (key for key in REQUEST_KEYS if key in fields):
            fields.reading.fault(
                fields.at(key),
                f"{key} only beside direction: request",
                "direction: response",
                "a rule that never fits protects nothing",
            )
    names = tuple(connection.text for connection in connections)
    return When(
        direction=direction,
        entities=_counts(fields, around.entities),
        pattern=forms.pattern(fields, "pattern"),
        tools=fields.texts("tools", forms.GLOB, ()),
        commands=_commands(fields.inner("commands", COMMAND_KEYS, required=False)),
        groups=fields.texts("groups", forms.GROUP, ()),
        connections=names,
        models=_models(fields, names, around.connections),
        endpoints=_endpoints(fields, around.endpoints),
        attachments=_attachments(fields.inner("attachments", ATTACHMENT_KEYS, required=False)),
        estimated_tokens=fields.whole("estimated_tokens", 1, 100_000_000, 0),
        time=read_time(fields.inner("time", TIME_KEYS, required=False)),
        first_use=fields.choice("first_use", FirstUse) if "first_use" in fields else None,
    )


def _models(fields: Fields, names: tuple[str, ...], connections: tuple[Connection, ...]) -> tuple[str, ...]:
    """A model that no connection of the rule lets through never comes to the rule."""
    reached = [one for one in connections if not names or any(fnmatchcase(one.id, name) for name in names)]
    models = fields.marked("models", forms.MODEL_GLOB, ())
    for model in models:
        plain = model.text and not any(letter in model.text for letter in "*?[")
        allowed = [glob for one in reached for glob in one.models]
        if plain and reached and not any(fnmatchcase(model.text.casefold(), glob.casefold()) for glob in allowed):
            fields.reading.fault(
                model.line,
                "a model that a connection of the rule allows",
                shown(model.text),
                nearest(model.text, allowed),
            )
    return tuple(model.text for model in models)


def _endpoints(fields: Fields, known: frozenset[str]) -> tuple[str, ...]:
    found = fields.marked("endpoints", forms.GLOB, ())
    for item in found:
        if item.text and known and not any(fnmatchcase(name, item.text) for name in known):
            fields.reading.fault(item.line, "a wire format", shown(item.text), nearest(item.text, known))
    return tuple(item.text for item in found)


def _attachments(fields: Fields | None) -> AttachmentMatch | None:
    if fields is None:
        return None
    return AttachmentMatch(fields.texts("types", _TYPE, ()), fields.whole("least_bytes", 1, _MOST_BYTES, 0))


def _counts(fields: Fields, known: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """`[CREDIT_CARD, US_*]` is at least one of any; `{CREDIT_CARD: 10}` at least ten."""
    node = fields.node("entities", required=False)
    if isinstance(node, nodes.Mapping):
        counted = Fields(fields.reading, node, "entities", tuple(entry.key for entry in node.entries))
        items = [
            (Marked(entry.key, entry.line), counted.whole(entry.key, 1, 1_000_000))
            for entry in node.entries
        ]  # fmt: skip
        if not items:
            fields.reading.fault(node.line, "an entity and how many", "none", "add one, or leave the key out")
    else:
        items = [(item, 1) for item in fields.marked("entities", forms.GLOB, ())]
    counts: dict[str, int] = {}
    for item, count in items:
        for good in known_entities((item,), known, fields):
            for name in sorted(name for name in known if fnmatchcase(name, good.text)):
                counts[name] = min(count, counts.get(name, count))
    return tuple(counts.items())


def _commands(fields: Fields | None) -> CommandMatch | None:
    if fields is None:
        return None
    if fields.readable and not any(key in fields for key in COMMAND_KEYS):
        fields.reading.fault(fields.line, f"one of {', '.join(COMMAND_KEYS)} in commands", "none", "add one")
    languages = fields.texts("language", _LANGUAGE, ())
    verbs = tuple(verb.casefold() for verb in fields.texts("verb", forms.LINE, ()))
    if languages == ("http",) and verbs and not any(verb in _HTTP_VERBS for verb in verbs):
        fields.reading.fault(
            fields.at("verb"), "a method of HTTP", "none", "no request would fit; write GET, POST, PUT, …"
        )
    return CommandMatch(
        languages, verbs, fields.texts("objects", forms.GLOB, ()), fields.texts("outside", forms.GLOB, ())
    )


# webhooks


def _webhook(hook: Fields) -> Webhook:
    hook_id = hook.own_id("webhook")
    form = hook.choice("format", HookFormat)
    if (form is HookFormat.JSON) != ("secret" in hook):
        hook.reading.fault(
            hook.line,
            "a secret beside format: json, and only there",
            "one without the other",
            "its messages are signed with it",
        )
    if "link" in hook:  # as it was said once: two settings of one address contradict each other in time
        hook.reading.fault(
            hook.at("link"),
            "the console's address as affidavit_console_url in mitm.conf, for links everywhere",
            "a link of its own",
            "write it there, and delete this line",
        )
    rules = hook.marked("rules", forms.LINE, ())
    for rule in rules:
        hook.reading.mention(rule, "rule")
    return Webhook(
        id=hook_id,
        url=_address(hook.text("url", _ADDRESS)),
        format=form,
        secret=_reference(hook.text("secret", _SECRET, "")),
        on=tuple(
            Happening(word) for word in hook.texts("on", _one_of("a happening", Happening), tuple(Happening)) if word
        ),
        rules=tuple(rule.text for rule in rules),
        payload=hook.flag("payload", default=False),
    )


def _address(text: str) -> tuple[str | Reference, ...]:
    return (text,) if forms.URL.accepts(text) else _reference(text)


def _reference(text: str) -> tuple[str | Reference, ...]:
    """Of the environment or a file: a command would run for every message."""
    pieces = reference_pieces(text)
    good = len(pieces) == 1 and isinstance(pieces[0], Reference) and pieces[0].source is not Source.COMMAND
    return pieces if good else ()
