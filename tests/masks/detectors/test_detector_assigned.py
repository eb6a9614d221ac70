"""Secrets by the name they stand under."""

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('password = "super$ecret"', "super$ecret"),
        ("passwd: Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("DB_PASSWORD=hunter2!x", "hunter2!x"),
        ('{"password": "correct horse"}', "correct horse"),
        ('{\\"password\\": \\"hunter2x\\"}', "hunter2x"),
        ("<password>s3cr3t99</password>", "s3cr3t99"),
        ('if ("open-sesame9" == password) {', "open-sesame9"),
        ('my_password := "super$ecret"', "super$ecret"),
        ("my password is hunter22", "hunter22"),
        ('password   =>   "super$ecret"', "super$ecret"),
        ('const adminPassword: string = "p4ssphrase"', "p4ssphrase"),
        ("pwd=Zx81kQ72;", "Zx81kQ72"),
        ("passwort: geheim123", "geheim123"),
    ],
)
def test_a_password_is_found(named, text, value):
    assert named("PASSWORD", text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('api_key = "q8Jx2LmP0vTz4RwY"', "q8Jx2LmP0vTz4RwY"),
        ("CLIENT_SECRET=zt7GeN6IH911xvRj", "zt7GeN6IH911xvRj"),
        ("accessToken: 'dkHL49dId5skLfBjsf342RJk'", "dkHL49dId5skLfBjsf342RJk"),
        ('System.setProperty("SERVICE_TOKEN", "q8Jx2LmP0vTz4RwY")', "q8Jx2LmP0vTz4RwY"),
        ("<apiToken>\n    9ms1jpx82ua272vn\n</apiToken>", "9ms1jpx82ua272vn"),
        ('var serviceToken string = "2cb35a7fb9b78106751c1d77b9d9ba77"', "2cb35a7fb9b78106751c1d77b9d9ba77"),
        ("secret: 'm{{h}o)p${e]nob(ody[finds>-_$#thisone}}'", "m{{h}o)p${e]nob(ody[finds>-_$#thisone}}"),
    ],
)
def test_a_secret_is_found(named, text, value):
    assert value in named("SECRET", text)


@pytest.mark.parametrize(
    "text",
    [
        "password = getpass()", "password = None", "password: str", "self.password = password", "password=password, user=user", 'password = "<your password>"',
        "password: ${DB_PASSWORD}", 'passwordLabel:"Password:"', "this.addPassword = '#add-password';", "the password is required", 'password = "123"',
        'password: "********"', "token = next(tokens)", "max_tokens: 4096", "completion_tokens=1234567", 'token: "hello"', "tokenizer: cl100k_base",
        "next_page_token: CAUQAA12345678abcdef", "primary_key = 0123456789abcdefgh", "public_key: AAAAB3NzaC1yc2E1234567", 'key = "some-name"', "key: value",
        "secret = os.environ['SECRET']", "api_key=settings.API_KEY", "('password', 'credentials')", 'forgot your password? "click here now"',
    ],
)  # fmt: skip
def test_code_placeholders_and_speech_are_not(named, text):
    assert named("PASSWORD", text) + named("SECRET", text) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("password", "any thing, at all", 1),
        ("apiKey", "q8Jx2LmP0vTz4RwY", 1),
        ("passwordHint", "any thing", 0),
        ("title", "any thing", 0),
        ("max_tokens", "q8Jx2LmP0vTz4RwY", 0),
    ],
)
def test_a_text_under_a_secrets_name_is_the_secret(named, name, text, expected):
    assert len(named("PASSWORD", text, name) + named("SECRET", text, name)) == expected
