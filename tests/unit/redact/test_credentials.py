"""Secrets: by their form, by their name, by what carries them."""

from __future__ import annotations

import base64
import random
import string

import pytest

from shipper.redact import Redactor
from shipper.redact.redactor import spans_in

CHANCE = random.Random(11)
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def made(count: int, characters: str = ALNUM) -> str:
    """Random characters, a digit and a letter of each case among them."""
    return "a1B"[: 3 if characters == ALNUM else 0] + "".join(
        CHANCE.choices(characters, k=count - 3 * (characters == ALNUM))
    )


TOKENS = {
    "OpenAI": f"sk-proj-{made(40)}_{made(40)}-{made(30)}",
    "OpenAI, older": f"sk-{made(48)}",
    "Anthropic": f"sk-ant-api03-{made(40)}-{made(40)}-{made(6)}AA",
    "OpenRouter": f"sk-or-v1-{made(64, HEX)}",
    "Hugging Face": f"hf_{made(34)}",
    "Groq": f"gsk_{made(52)}",
    "xAI": f"xai-{made(80)}",
    "Perplexity": f"pplx-{made(48)}",
    "Replicate": f"r8_{made(37)}",
    "LangSmith": f"lsv2_pt_{made(32, HEX)}_{made(10, HEX)}",
    "GitHub": f"ghp_{made(36)}",
    "GitHub, fine-grained": f"github_pat_{made(22)}_{made(59)}",
    "GitLab": f"glpat-{made(20)}",
    "Slack": f"xoxb-{made(12, '123456789')}-{made(13, '123456789')}-{made(24)}",
    "Slack's hook": f"https://hooks.slack.com/services/T{made(8)}/B{made(8)}/{made(24)}",
    "Stripe": f"sk_live_{made(24)}",
    "SendGrid": f"SG.{made(22)}.{made(43)}",
    "npm": f"npm_{made(36)}",
    "PyPI": f"pypi-AgEIcHlwaS5vcmc{made(150)}",
    "DigitalOcean": f"dop_v1_{made(64, HEX)}",
    "Databricks": f"dapi{made(32, HEX)}",
    "Telegram": f"{made(9, '123456789')}:AA{made(33)}",
    "Discord": f"{made(24)}.{made(6)}.{made(27)}",
    "Mailchimp": f"{made(32, HEX)}-us12",
    "AWS": f"AKIA{made(16, string.ascii_uppercase + '234567')}",
    "AWS, of a session": f"ASIA{made(16, string.ascii_uppercase + '234567')}",
    "Google": f"AIza{made(35)}",
    "Google, access": f"ya29.{made(60)}",
    "Azure": f"{made(3)}8Q~{made(34)}",
    "JWT": f"eyJhbGciOiJIUzI1NiJ9.eyJ{made(40)}.{made(43)}",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "my key is {}.",
        "key={}&x=1",
        '"{}"',
        "`{}`",
        "({})",
        "a\\n{}\\nb",
        "line\n{}\nline",
        "schlüssel：{}，",
    ],
    ids=["alone", "sentence", "query", "quoted", "code", "brackets", "escaped", "lines", "wide"],
)
def test_a_token_goes_whole(token: str, around: str) -> None:
    """Every issuer's token is replaced to its last character, wherever it stands; what stands around it stays."""
    before, after = around.split("{}")
    redacted = Redactor("secrets").text(around.format(token))
    secret = token.removeprefix("https://")
    assert secret not in redacted
    assert redacted.startswith(before)
    assert redacted.endswith(after)
    assert not any(
        piece in redacted for piece in (secret[-8:], secret[len(secret) // 2 : len(secret) // 2 + 8])
    )


NAMED = [
    ('password = "hunter2"', "hunter2", "PASSWORD"),
    ("DB_PASSWORD=Sup3r!secret", "Sup3r!secret", "PASSWORD"),
    ("passwd: 'a b 1'", "a b 1", "PASSWORD"),
    ('{"user":"u","password":"pa55word"}', "pa55word", "PASSWORD"),
    ('\\"password\\": \\"pa55word\\"', "pa55word", "PASSWORD"),
    ("config['pwd'] = 'x9x9'", "x9x9", "PASSWORD"),
    ("my password is hunter2.", "hunter2", "PASSWORD"),
    ("api_key: 0123abcd4567ef", "0123abcd4567ef", "SECRET"),
    ("X-Api-Key: 0123abcd4567", "0123abcd4567", "SECRET"),
    ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY", "SECRET"),
    ("AccountKey=" + "aB3/" * 21 + "aa==", "aB3/" * 21 + "aa==", "SECRET"),
    ('client_secret => "s3cr3tS3cr3t"', "s3cr3tS3cr3t", "SECRET"),
    ("token=9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015", "SECRET"),
    ('access_token="' + "ab12" * 300 + '"', "ab12" * 300, "SECRET"),
    ("Authorization: Bearer abcdef0123456789abcd", "abcdef0123456789abcd", "TOKEN"),
    ("Authorization: Token abcdef012345", "abcdef012345", "TOKEN"),
    ("bearer: abcdef0123456789abcd", "abcdef0123456789abcd", "TOKEN"),
    ("Authorization: Basic " + base64.b64encode(b"user:pass word").decode(), "dXNlcjpwYXNzIHdvcmQ=", "TOKEN"),
    ("postgres://app:s3cret@db.local:5432/x", "s3cret", "PASSWORD"),
    ("https://u:p@ss:w@rd@host/path", "p@ss:w@rd", "PASSWORD"),
    ("curl -s -u admin:s3cret! https://x.y", "s3cret!", "PASSWORD"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret", "kind"), NAMED, ids=[text[:30] for text, *_ in NAMED])
def test_a_name_tells_what_its_value_is(text: str, secret: str, kind: str) -> None:
    """The value goes, all of it and nothing else, as the kind that its name says."""
    assert Redactor("secrets").text(text) == text.replace(secret, f"<{kind}_1>")


@pytest.mark.parametrize("lines", [1, 30])
@pytest.mark.parametrize(
    "label", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
)
def test_a_private_key_goes_with_its_lines(label: str, lines: int) -> None:
    """A PEM block is replaced from its first dash to its last; so is one whose end was cut off."""
    body = "\n".join(made(64) for _ in range(lines))
    block = f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"
    assert Redactor("secrets").text(f"a\n{block}\nb") == "a\n<PRIVATE_KEY_1>\nb"
    assert Redactor("secrets").text(block.replace("\n", "\\n")) == "<PRIVATE_KEY_1>"
    cut = Redactor("secrets").text(f"-----BEGIN {label}-----\n{body}")
    assert cut == "<PRIVATE_KEY_1>"


def test_an_encrypted_key_goes_with_its_headers() -> None:
    """Lines before the key, which say how it is encrypted, don't hide it."""
    block = f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{made(32, HEX)}\n\n{made(64)}\n-----END RSA PRIVATE KEY-----"
    assert Redactor("secrets").text(block) == "<PRIVATE_KEY_1>"


INNOCENT = [
    "sk-learn-compatible-estimators-with-2-examples",
    "task-0123456789abcdef0123",
    "the risk-assessment-of-2024-and-the-desk-research",
    "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",
    "max_tokens: 4096, prompt_tokens=1234567890",
    "password: str",
    "password = get_password()",
    "password=os.environ['DB_PASSWORD']",
    "password=$DB_PASSWORD",
    "password=${DB_PASSWORD}",
    'password = "<your password>"',
    "password: ********",
    "your password is incorrect",
    "the token is invalid: try again",
    "token: Hello",
    "api_key=settings.OPENAI_API_KEY",
    "api_key: xxxxxxxxxxxxxxxxxxxx",
    "Basic authentication is used, bearer authentication-scheme-names too",
    "https://example.com:8080/a@b",
    "http://localhost:9200/_search?q=a:b",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0\n-----END CERTIFICATE-----",
    "Files begin with -----BEGIN PRIVATE KEY----- as a rule.",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000",
    "def f(self, key=None, *, token: str | None = None) -> dict[str, str]:",
    "call_abc123def456ghi789jkl012 chatcmpl-9abcDEF0123456789abcdefghijkl fp_0ba0d124f1 resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
    "SGVsbG8gd29ybGQsIHRoaXMgaXMgYSB0ZXN0IG9mIGJhc2U2NA==",
]


@pytest.mark.parametrize("text", INNOCENT, ids=[text[:30] for text in INNOCENT])
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """Names, code, hashes, ids, templates and sentences about passwords are left as they are."""
    assert [(text[span.start : span.end], span.kind) for span in spans_in(text, "secrets")] == []
