"""Credentials that can be told by their form: keys and tokens that begin with a sign of their issuer.

Signs that end in `_` or `-` are found from that character, which is rarer than letters; the others as a whole. What
follows a sign has to look random, so that names and words (`sk-learn-…`) stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_T: Final = "[A-Za-z0-9_-]"  # characters of a token
_A: Final = "[A-Za-z0-9]"
_X: Final = "[0-9a-f]"
_X_ANY: Final = "[0-9A-Fa-f]"

_SIGNS: Final = {
    # sign at the beginning of a token: what follows it
    **{f"gh{letter}_": f"{_A}{{30,}}+" for letter in "pousr"},  # GitHub
    "github_pat_": f"{_T}{{22,}}+",
    "gsk_": f"{_A}{{32,}}+",  # Groq
    "hf_": f"{_A}{{34,40}}(?!{_T})",  # Hugging Face
    "api_org_": f"{_A}{{34}}(?!{_T})",
    "r8_": f"{_A}{{30,}}+",  # Replicate
    "pcsk_": f"{_T}{{30,}}+",  # Pinecone
    "fw_": f"{_A}{{20,}}+",  # Fireworks
    "jina_": f"{_A}{{30,}}+",
    "tgp_v1_": f"{_T}{{30,}}+",  # Together
    "lsv2_pt_": f"{_T}{{32,}}+",  # LangSmith
    "lsv2_sk_": f"{_T}{{32,}}+",
    **{f"{kind}k_{use}_": f"{_A}{{16,}}+" for kind in "sr" for use in ("live", "test", "prod")},  # Stripe
    "whsec_": f"{_A}{{24,}}+",
    "npm_": f"{_A}{{36}}",
    **{f"do{letter}_v1_": f"{_X}{{64}}" for letter in "opr"},  # DigitalOcean
    **{f"shp{letters}_": "[0-9a-fA-F]{32}" for letters in ("at", "ca", "pa", "ss")},  # Shopify
    "lin_api_": f"{_A}{{32,}}+",  # Linear
    "ntn_": f"{_A}{{40,}}+",  # Notion
    "glsa_": f"{_A}{{32}}_{_A}{{8}}",  # Grafana
    "sntryu_": f"{_X}{{64}}",  # Sentry
    "sntrys_": f"{_T}{{40,}}+",
    "glc_": f"eyJ{_A}{{30,}}+={{0,2}}",
    "ops_": f"eyJ{_T}{{100,}}+",  # 1Password
    "sgp_": f"(?:(?:local|{_A}{{16}})_)?{_X_ANY}{{40}}",  # Sourcegraph
    "fo1_": f"{_T}{{43}}",  # Fly.io
    "fm2_": "[A-Za-z0-9+/]{100,}+=*+",
    "rubygems_": f"{_X}{{48}}",
    "dckr_pat_": f"{_T}{{20,}}+",
    "sk-": f"{_T}{{20,}}+",  # OpenAI, Anthropic, DeepSeek, OpenRouter, Langfuse, …
    "xai-": f"{_A}{{32,}}+",
    "pplx-": f"{_A}{{32,}}+",  # Perplexity
    "nvapi-": f"{_T}{{32,}}+",
    "tvly-": f"{_T}{{20,}}+",  # Tavily
    **{
        f"gl{letters}-": f"{_T}{{18,}}+"
        for letters in ("pat", "ptt", "dt", "rt", "ft", "imt", "oas", "soat", "agent", "cbt")
    },  # GitLab
    **{f"xox{letter}-": f"{_T}{{16,}}+" for letter in "abeoprs"},  # Slack
    "xapp-": f"{_T}{{20,}}+",
    "pypi-": f"AgE[IN]{_T}{{50,}}+",
    **{f"sq0{letters}-": f"{_T}{{22,}}+" for letters in ("atp", "csp", "idp")},  # Square
    "key-": f"{_X}{{32}}",  # Mailgun
    "PMAK-": f"{_X}{{24}}-{_X}{{34}}",  # Postman
    "GOCSPX-": f"{_T}{{28}}",  # Google OAuth
    "pul-": f"{_X}{{40}}",  # Pulumi
    "AGE-": "SECRET-KEY-1[A-Z0-9]{58}",
}
_BODIES: Final = {sign: re.compile(body) for sign, body in _SIGNS.items()}
_AMBIGUOUS: Final = frozenset({"sk-", "hf_", "fw_", "xai-", "jina_"})  # names begin like this too
_MASK: Final = re.compile(r"[xX]{8}|([A-Za-z0-9])\1{15}")

_AT_START: Final = (
    # kind, a text that begins every token of this form, the form
    ("CLOUD_KEY", "AKIA", f"AKIA[A-Z0-9]{{16}}(?!{_A})"),  # AWS: long-lived, and of a session
    ("CLOUD_KEY", "ASIA", f"ASIA[A-Z0-9]{{16}}(?!{_A})"),
    ("CLOUD_KEY", "AIza", f"AIza{_T}{{35}}(?!{_T})"),  # Google
    ("CLOUD_KEY", "ya29.", f"ya29\\.{_T}{{20,}}+"),
    ("CLOUD_KEY", "LTAI", f"LTAI{_A}{{12,20}}(?!{_A})"),  # Alibaba
    ("TOKEN", "eyJ", f"eyJ{_T}{{8,}}+\\.{_T}{{6,}}+(?>(?:\\.{_T}++){{0,3}})"),  # JWT, JWE
    ("API_KEY", "SG.", f"SG\\.{_T}{{16,32}}+\\.{_T}{{16,64}}+"),  # SendGrid
    ("API_KEY", "hvs.", f"hvs\\.{_T}{{24,}}+"),  # Vault
    ("API_KEY", "hvb.", f"hvb\\.{_T}{{24,}}+"),
    ("API_KEY", "dapi", f"dapi{_X}{{32}}(?:-[0-9]+)?"),  # Databricks
    ("API_KEY", "ATATT3", f"ATATT3{_T}{{50,}}+=*+"),  # Atlassian
    ("API_KEY", "EAA", f"EAA[A-Z](?={_T}{{0,40}}[0-9]){_T}{{56,}}+"),  # Square, Facebook
    ("CLOUD_KEY", "ABSK", "ABSK[A-Za-z0-9+/]{100,}+={0,2}"),  # Bedrock
)
_WITHIN: Final = (
    # kind, a text within every token of this form, the form from there on
    ("CLOUD_KEY", "Q~", f"Q~(?<={_A}[A-Za-z0-9_~.-]{{2}}[0-9]Q~)[A-Za-z0-9_~.-]{{31,34}}"),  # Azure
    ("API_KEY", "-us", f"-us(?<={_X}{{32}}-us)[0-9]{{1,2}}(?![0-9])"),  # Mailchimp
    ("API_KEY", ":AA", f":AA(?<=[0-9]{{8}}:AA){_T}{{33}}(?!{_T})"),  # Telegram
    ("API_KEY", ".", f"\\.(?<={_T}{{23}}\\.){_T}{{6}}\\.{_T}{{27,38}}(?!{_T})"),  # Discord
    ("API_KEY", "hooks.slack.com/", "hooks.slack.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}+"),
)
_FORMS: Final = [
    *(
        # that a token begins is asked right after its sign, before the rest of it is read
        (
            kind,
            sign,
            re.compile(form.replace(re.escape(sign), f"{re.escape(sign)}(?<!{_T}{re.escape(sign)})", 1)),
        )
        for kind, sign, form in _AT_START
    ),
    *((kind, sign, re.compile(form)) for kind, sign, form in _WITHIN),
]
_RAREST: Final = {
    sign: next((one for one in "~QJKzvGLBySETk" if one in sign), sign[0]) for _, sign, _ in _FORMS
}
"""A character of each sign that few texts have: that it is not there is known much sooner."""
_SIGN_ENDS: Final = tuple((end, re.compile(f"{end}(?={_A}{_T}{{15}})")) for end in "_-")
_BACKWARDS: Final = re.compile(f"{_T}*+")
_SOLID: Final = re.compile(f"{_A}{{10,}}+")


def find(text: str) -> Iterator[Span]:
    """Every key and token in the text that shows by its form what it is. Never raises."""
    for end, candidate in _SIGN_ENDS:
        if end in text:
            for found in candidate.finditer(text):
                yield from _signed(text, found.end())
    for kind, sign, form in _FORMS:
        if _RAREST[sign] in text and sign in text:
            for found in form.finditer(text):
                if not _MASK.search(found[0]):
                    yield Span(_token_start(text, found.start()), found.end(), kind)


def _signed(text: str, end: int) -> Iterator[Span]:
    """The token whose sign ends here."""
    start = _token_start(text, end)
    body = _BODIES.get(text[start:end])
    if body is None or (found := body.match(text, end)) is None or _MASK.search(found[0]):
        return
    if text[start:end] not in _AMBIGUOUS or _is_random(found[0]):
        yield Span(start, found.end(), "API_KEY")


def _token_start(text: str, end: int) -> int:
    """Where the token begins that reaches to here; at most as far back as 40 characters."""
    before = _BACKWARDS.match(text[max(0, end - 40) : end][::-1])
    return end - (before.end() if before is not None else 0)


def _is_random(characters: str) -> bool:
    """Not words that are joined: ten letters and digits in a row with a digit among them, or many with many capitals."""
    return any(
        not run.isalpha() or (len(run) > 29 and sum(map(str.isupper, run)) > len(run) / 4)
        for run in _SOLID.findall(characters)
    )
