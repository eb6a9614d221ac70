"""Texts that were never anybody's: prompts, code, JSON and logs of a software house, with sensitive values planted among look-alikes.

The look-alikes are what real texts are full of: version numbers, digests, UUIDs, timestamps, order numbers, paths, identifiers with `key` and `token` in
their names. Every value is made here, the numbers with their own check digits, so that a detector has to find them and nothing was copied. The same seed
gives the same text.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LETTERS, DIGITS = string.ascii_letters, string.digits
BASE62 = LETTERS + DIGITS
BASE64URL = BASE62 + "-_"
HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Document:
    """A text and where its planted values stand, in code points."""

    text: str
    planted: tuple[tuple[int, int, str], ...]  # start, end, kind


class Maker:
    """Random values of every kind that is planted."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- texts, not keys

    def chars(self, alphabet: str, count: int) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def mixed(self, alphabet: str, count: int) -> str:
        """As `chars`, with at least one digit, small and capital letter: as any real key of the length has."""
        while True:
            made = self.chars(alphabet, count)
            if any(map(str.isdigit, made)) and any(map(str.islower, made)) and any(map(str.isupper, made)):
                return made

    def pick[Item](self, items: tuple[Item, ...] | list[Item]) -> Item:
        return self.random.choice(items)

    # -- personal ---------------------------------------------------------------------------------------------------
    def card(self) -> str:
        prefix, length = self.pick([("4", 16), ("51", 16), ("5425", 16), ("37", 15), ("6011", 16)])
        digits = luhn_closed(prefix + self.chars(DIGITS, length - len(prefix) - 1))
        if length != 16 or self.random.random() < 0.4:
            return digits
        return self.pick([" ", "-"]).join(digits[at : at + 4] for at in range(0, 16, 4))

    def email(self) -> str:
        first, last = self.pick(FIRST).lower(), self.pick(LAST).lower()
        return f"{first}{self.pick(['.', '_', ''])}{last}{self.pick(['', '7', '42'])}@{self.pick(DOMAINS)}"

    def ssn(self) -> str:
        area = self.random.choice([n for n in range(1, 899) if n != 666])
        return f"{area:03}-{self.random.randint(1, 99):02}-{self.random.randint(1, 9999):04}"

    def iban(self) -> str:
        country, pattern = self.pick(
            [
                ("GB", "AAAA00000000000000"),
                ("DE", "0" * 18),
                ("FR", "0" * 23),
                ("NL", "AAAA0000000000"),
                ("ES", "0" * 20),
            ]
        )
        bank = "".join(self.chars(DIGITS if place == "0" else string.ascii_uppercase, 1) for place in pattern)
        check = 98 - int("".join(str(int(letter, 36)) for letter in f"{bank}{country}00")) % 97
        whole = f"{country}{check:02}{bank}"
        return whole if self.random.random() < 0.5 else " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))

    def phone(self) -> str:
        exchange, line = self.random.randint(200, 999), self.random.randint(1000, 9999)
        area = self.pick(["212", "415", "617"])
        return self.pick(
            [
                f"+1 {area}-{exchange}-{line}",
                f"+44 20 7946 {line}",
                f"+49 30 {exchange}{line}",
                f"({area}) {exchange}-{line}",
            ]
        )

    def ip(self) -> str:
        return f"{self.pick(['203.0.113', '198.51.100', '8.8.4', '151.101.1', '91.198.174'])}.{self.random.randint(2, 250)}"

    def born(self) -> str:
        return f"{self.random.randint(1940, 2005)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"

    # -- secret -----------------------------------------------------------------------------------------------------
    def openai(self) -> str:
        return f"sk-proj-{self.mixed(BASE64URL, 48)}T3BlbkFJ{self.mixed(BASE62, 40)}"

    def anthropic(self) -> str:
        return f"sk-ant-api03-{self.mixed(BASE62, 93)}AA"

    def aws(self) -> str:
        return f"AKIA{self.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}"

    def github(self) -> str:
        return f"github_pat_{self.mixed(BASE62, 22)}_{self.mixed(BASE62, 59)}"

    def slack(self) -> str:
        return f"xoxb-{self.chars(DIGITS, 12)}-{self.chars(DIGITS, 12)}-{self.mixed(BASE62, 24)}"

    def stripe(self) -> str:
        return f"sk_live_{self.mixed(BASE62, 24)}"

    def gitlab(self) -> str:
        return f"glpat-{self.mixed(BASE62, 20)}"

    def google(self) -> str:
        return f"AIza{self.mixed(BASE62, 35)}"

    def jwt(self) -> str:
        head = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        return f"{head}.eyJzdWIiOiI{self.mixed(BASE62, 30)}.{self.mixed(BASE62, 43)}"

    def password(self) -> str:
        return self.mixed(BASE62, 8) + self.pick(["!", "#", "$", "?"]) + self.mixed(BASE62, 4)

    def pem(self) -> str:
        lines = "\n".join(self.mixed(BASE62 + "+/", 64) for _ in range(8))
        return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"

    # -- look-alikes ------------------------------------------------------------------------------------------------
    def uuid(self) -> str:
        return "-".join(self.chars(HEX, count) for count in (8, 4, 4, 4, 12))

    def sha(self) -> str:
        return self.chars(HEX, 40)

    def version(self) -> str:
        return f"{self.random.randint(0, 12)}.{self.random.randint(0, 40)}.{self.random.randint(0, 30)}"

    def time(self) -> str:
        return f"2026-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}T{self.random.randint(0, 23):02}:{self.random.randint(0, 59):02}:{self.random.randint(0, 59):02}.{self.random.randint(0, 999):03}Z"

    def name(self) -> str:
        return f"{self.pick(VERBS)}_{self.pick(NOUNS)}"

    def sentence(self) -> str:
        words = [self.pick(WORDS if self.random.random() < 0.985 else NAMES) for _ in range(self.random.randint(6, 18))]
        return " ".join(words).capitalize() + self.pick([".", ".", ".", "?", ":"])

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self.random.randint(2, 6)))


FIRST = "Amara Bela Chidi Dunja Emre Farida Goran Hanna Ilse Jonas Kofi Lena Marek Nadia Oskar Petra Rosa Sven Tilde Yusuf".split()
LAST = "Adler Bakker Costa Duarte Eriksen Fuchs Grant Haas Ivanov Jansen Keller Lund Moreau Nkosi Ortiz Pavlov Quist Rossi".split()
DOMAINS = ("northwind-freight.com", "lumen-labs.io", "harbor.co.uk", "stadtwerke-nord.de", "mail.tidewater.net")
VERBS = (
    "load parse build fetch merge render resolve validate encode schedule retry flush index rotate token key".split()
)
NOUNS = "order invoice session buffer cache token key row schema shard tenant cursor layout packet policy secret_name".split()
WORDS = (
    "the a of and to in that for with on by from this when which while because before after each every another our their review please explain summarise "
    "service worker cluster request response latency budget queue message schema table column index migration release branch commit pipeline test failure "
    "retry timeout cache customer order invoice shipment warehouse forecast quarter meeting draft proposal contract supplier price discount region team "
    "should could will has had was were is are been being seems appears returns raises expects needs holds keeps drops sends receives stores reads writes "
    "carefully quickly slowly often rarely never always again once twice about into over under between during against without within along"
).split()
NAMES = (
    "password token key account number card address phone date birth policy secret licence passport tax bank".split()
)  # near which numbers mean something


PLANTED = 0.2  # of paragraphs, functions and rows hold a value
KINDS_IN_CODE = (
    "openai",
    "anthropic",
    "aws",
    "github",
    "slack",
    "stripe",
    "gitlab",
    "google",
    "jwt",
    "password",
    "email",
    "ip",
)
KINDS_IN_LOGS = ("ip", "email", "jwt", "card", "phone", "password", "iban")


def luhn_closed(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


KINDS: dict[str, Callable[[Maker], str]] = {
    "card": Maker.card,
    "email": Maker.email,
    "ssn": Maker.ssn,
    "iban": Maker.iban,
    "phone": Maker.phone,
    "ip": Maker.ip,
    "born": Maker.born,
    "openai": Maker.openai,
    "anthropic": Maker.anthropic,
    "aws": Maker.aws,
    "github": Maker.github,
    "slack": Maker.slack,
    "stripe": Maker.stripe,
    "gitlab": Maker.gitlab,
    "google": Maker.google,
    "jwt": Maker.jwt,
    "password": Maker.password,
    "pem": Maker.pem,
}
SAID = {  # how people write down what has no form of its own
    "card": ["my card is {}", "Card number: {}", "paid with {} yesterday", "{}"],
    "ssn": ["SSN {}", "her social security number is {}", "ssn: {}"],
    "born": ["date of birth: {}", "born on {}", "DOB {}"],
    "password": ["password: {}", "the password is {}", "DB_PASSWORD={}", 'password = "{}"'],
    "phone": ["call {}", "phone: {}", "reach me at {}"],
}
FIELDS = {"born": "date_of_birth", "password": "password", "ssn": "ssn", "card": "card_number", "phone": "phone"}


class _Page:
    """A text under way, with places."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.pieces: list[str] = []
        self.length = 0
        self.planted: list[tuple[int, int, str]] = []

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)

    def plant(self, kind: str, value: str, written: str) -> None:
        """`written` holds the value once, as it is."""
        at = self.length + written.index(value)
        self.planted.append((at, at + len(value), kind))
        self.add(written)

    def say(self, kind: str) -> None:
        value = KINDS[kind](self.maker)
        self.plant(kind, value, self.maker.pick(SAID.get(kind, ["use {} here", "it was {} again", "{}"])).format(value))

    def document(self) -> Document:
        return Document("".join(self.pieces), tuple(self.planted))


def prompt(maker: Maker) -> Document:
    page = _Page(maker)
    for number in range(maker.random.randint(4, 9)):
        page.add(" ".join(maker.paragraph() for _ in range(3)))
        if maker.random.random() < PLANTED:
            page.add(" ")
            page.say(maker.pick(tuple(KINDS)))
            page.add(".")
        page.add(
            f" See ticket OPS-{maker.random.randint(100, 9999)} and build {maker.version()}.\n\n"
            if number % 2
            else "\n\n"
        )
    return page.document()


def code(maker: Maker) -> Document:
    page = _Page(maker)
    page.add(
        f'"""{maker.sentence()}"""\nimport os\nimport json\n\nLIMIT_BYTES = {maker.random.randint(16, 64)} << 20\nREVISION = "{maker.sha()}"\n'
    )
    for _ in range(maker.random.randint(6, 14)):
        name, other, third = maker.name(), maker.name(), maker.name()
        page.add(
            f'\n\ndef {name}({other}: dict[str, str], column: str = "{maker.pick(NOUNS)}") -> int:\n    """{maker.sentence()}\n\n    {maker.sentence()}\n    """\n'
            f'    {third} = os.environ.get("{other.upper()}", "")\n    if {third} is None or column not in {other}:\n'
            f'        raise LookupError(f"{{column}} of {{{other}!r}} is missing")\n    # {maker.sentence()}\n'
            f'    for position, part in enumerate({third}.split(",")):\n        if not part.strip():\n            continue\n'
            f'        {other}[part] = json.dumps({{"{maker.pick(NOUNS)}": part, "position": position + {maker.random.randint(2, 4096)}}})\n'
            f"    return len({other}[column]) * {maker.random.randint(2, 4096)}\n"
        )
        if maker.random.random() < PLANTED:
            kind = maker.pick(KINDS_IN_CODE)
            value = KINDS[kind](maker)
            label = {"password": "password", "email": "OWNER", "ip": "HOST"}.get(kind, "API_KEY")
            page.plant(kind, value, f'{label} = "{value}"\n')
    return page.document()


def record(maker: Maker) -> Document:
    """A JSON document, the planted among its leaves."""
    page = _Page(maker)
    page.add('{"schema": "' + maker.version() + '", "rows": [')
    for number in range(maker.random.randint(8, 20)):
        entry = {
            "id": maker.uuid(), "created": maker.time(), "sequence": maker.random.randint(10**5, 10**7), "amount": round(maker.random.random() * 9000, 2),
            "title": maker.sentence(), "body": maker.paragraph(), "path": f"/{maker.pick(NOUNS)}/{maker.name()}/{number}.json",
            "tags": [maker.pick(NOUNS), maker.pick(VERBS)], "ratio": maker.random.random(), "page_token": None, "enabled": True,
        }  # fmt: skip
        page.add(("," if number else "") + json.dumps(entry)[:-1])
        if maker.random.random() < PLANTED:
            kind = maker.pick(tuple(kind for kind in KINDS if kind != "pem"))
            value = KINDS[kind](maker)
            page.plant(kind, value, f', "{FIELDS.get(kind, "note")}": "{value}"')
        page.add("}")
    page.add("]}")
    return page.document()


def log(maker: Maker) -> Document:
    page = _Page(maker)
    for number in range(maker.random.randint(20, 60)):
        page.add(
            f"{maker.time()} {maker.pick(['INFO', 'DEBUG', 'WARN'])} {maker.name()}: {maker.sentence()} {maker.sentence()}"
        )
        if number % 4 == 0:
            page.add(f" request_id={maker.uuid()} took={maker.random.random() * 900:.3f}ms commit={maker.sha()[:12]}")
        if maker.random.random() < PLANTED / 2:
            kind = maker.pick(KINDS_IN_LOGS)
            value = KINDS[kind](maker)
            label = {"ip": "client=", "password": "password=", "phone": "phone=", "card": "card="}.get(kind, "value=")
            page.plant(kind, value, f" {label}{value}")
        page.add("\n")
    return page.document()


def documents(size: int, seed: int = 20261125) -> Iterator[Document]:
    """At least `size` characters, the four kinds in turn."""
    maker, done = Maker(seed), 0
    while done < size:
        for make in (prompt, code, record, log):
            made = make(maker)
            done += len(made.text)
            yield made
