"""A labelled set that is made here: sentences with personal data of many countries, and what resembles it."""

from __future__ import annotations

import hashlib
import random
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.unit.redact.labelled import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SENTENCES = {
    "EMAIL": ["Write to {} please.", "<{}>", "mailto:{}?subject=x", "[{}](x)", "user={};", "{}, and again", "E-Mail：{}"],
    "PHONE": ["Call me at {}.", "Phone: {}", "Tel. {}, any time", "mobile {} works too", "WhatsApp {}", "fax:{}"],
    "PHONE, alone": ["It is {}, thanks.", "{}", "I gave you {} last week."],
    "CARD": ["I paid with {}.", "{}", "card {} exp 03/27", "number={}&cvc=123", "\u201c{}\u201d"],
    "IBAN": ["Transfer to {} today.", "{}", "IBAN: {}, thanks", "({})"],
    "NATIONAL_ID": ["{} is mine.", "{}", "id {} on file", "({})"],
    "IP": ["from {} again", "{}", "client={},", "[{}]", "host {}."],
}  # fmt: skip


def texts(count: int = 300, seed: int = 5) -> Iterator[Text]:
    """So many texts for each way to write each kind."""
    chance = random.Random(seed)
    for kind, ways in _makers(chance).items():
        for make in ways:
            for _ in range(count):
                value = make()
                before, after = chance.choice(SENTENCES[kind]).split("{}")
                label = (len(before), len(before) + len(value), kind.partition(",")[0])
                yield Text(before + value + after, (label,))


def _makers(chance: random.Random) -> dict[str, list[Callable[[], str]]]:
    faker = pytest.importorskip("faker", reason="Faker makes the values")
    faker.Faker.seed(chance.random())
    us, gb, de, fr, it, es, pl, br, nl, fi = (
        faker.Faker(locale)
        for locale in (
            "en_US",
            "en_GB",
            "de_DE",
            "fr_FR",
            "it_IT",
            "es_ES",
            "pl_PL",
            "pt_BR",
            "nl_NL",
            "fi_FI",
        )
    )

    def grouped(number: str) -> str:
        gap = chance.choice([" ", "-", "\u00a0"])
        return gap.join(number[place : place + 4] for place in range(0, len(number), 4))

    def iban() -> str:
        return chance.choice([us, gb, de, fr, it, es, pl, nl]).iban()

    phones = [
        us.phone_number,
        gb.phone_number,
        de.phone_number,
        fr.phone_number,
        it.phone_number,
        es.phone_number,
    ]
    written = [
        lambda: us.numerify("(%##) %##-####"),
        lambda: us.numerify("%##-%##-####"),
        lambda: us.numerify("+1 %## %## ####"),
        lambda: us.numerify("+44 20 7### ####"),
        lambda: us.numerify("+49 (0)151 ########"),
        lambda: us.numerify("+33 6 ## ## ## ##"),
        lambda: us.numerify("06 ## ## ## ##"),
        lambda: us.numerify("020 7### ####"),
        lambda: us.numerify("+91-98###-#####"),
        lambda: us.numerify("+86 138 #### ####"),
    ]
    return {
        "EMAIL": [us.email, de.email, us.company_email, lambda: f"{us.user_name()}+tag@{us.domain_name(2)}"],
        "PHONE": [*phones, *written],
        "PHONE, alone": written,
        "CARD": [
            lambda: us.credit_card_number("visa16"),
            lambda: grouped(us.credit_card_number("mastercard")),
            lambda: us.credit_card_number("amex"),
            lambda: grouped(us.credit_card_number("discover")),
        ],
        "IBAN": [
            iban,
            lambda: grouped(iban()).replace("-", " ").replace("\u00a0", " "),
            lambda: iban().lower(),
        ],
        "NATIONAL_ID": [us.ssn, it.ssn, es.nif, br.cpf, fi.ssn, lambda: f"AB{us.numerify('######')}C"],
        "IP": [us.ipv4_public, us.ipv4_private, us.ipv6],
    }


def innocent(count: int = 300, seed: int = 9) -> Iterator[tuple[str, str]]:
    """What resembles personal data and is none: (what it is, a text with it)."""
    chance = random.Random(seed)

    def digits(length: int) -> str:
        return str(chance.randrange(10 ** (length - 1), 10**length))

    makers: dict[str, Callable[[], str]] = {
        "order number, 8 digits": lambda: f"order {digits(8)} shipped",
        "order number, 10 digits": lambda: f"order {digits(10)} shipped",
        "order number, 12 digits": lambda: f"order #{digits(12)} shipped",
        "order number, 16 digits": lambda: f"order no. {digits(16)} shipped",
        "order number, hyphens": lambda: f"order {digits(3)}-{digits(7)}-{digits(7)}",
        "invoice with a year": lambda: f"invoice 2026-{digits(6)} and RE-{digits(5)}/26",
        "parcel": lambda: f"parcel 1Z{digits(6)}{digits(10)}",
        "Unix time": lambda: f"at {chance.randrange(1_600_000_000, 1_800_000_000)} and {chance.randrange(16 * 10**11, 18 * 10**11)}",
        "Unix time, ns": lambda: f"at={chance.randrange(16 * 10**17, 18 * 10**17)}",
        "date and time": lambda: f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00.{digits(3)}, 24.12.2026 18:00",
        "ISO time": lambda: f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:00:00+02:00",
        "SHA-256": lambda: hashlib.sha256(digits(9).encode()).hexdigest(),
        "git commit": lambda: f"commit {hashlib.sha1(digits(9).encode()).hexdigest()[: chance.choice([7, 12, 40])]}",
        "UUID": lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "version": lambda: f"v{chance.randint(0, 9)}.{chance.randint(0, 30)}.{chance.randint(0, 99)} and version {digits(1)}.{digits(2)}.{digits(2)}.{digits(1)}",
        "package pins": lambda: f"numpy=={digits(1)}.{digits(2)}.{digits(1)} user/image@sha256:{hashlib.sha256(digits(3).encode()).hexdigest()}",
        "money": lambda: f"{digits(1)},{digits(3)},{digits(3)}.{digits(2)} EUR or {digits(7)}.{digits(2)}",
        "coordinates": lambda: f"{chance.uniform(-90, 90):.6f}, {chance.uniform(-180, 180):.6f}",
        "numbers in a table": lambda: " ".join(f"{chance.uniform(0, 1000):.3f}" for _ in range(8)),
        "integers in a table": lambda: " ".join(digits(chance.randint(1, 6)) for _ in range(8)),
        "ISBN": lambda: f"ISBN 978-{digits(1)}-{digits(3)}-{digits(5)}-{digits(1)}",
        "dimensions": lambda: f"{digits(4)}x{digits(4)} px, {digits(3)}-{digits(3)} nm, 1:{digits(3)}",
        "tokens of a model": lambda: f"tokens={digits(5)} seed={digits(9)} logprob=-{digits(1)}.{digits(8)}",
        "code": lambda: f"x[{digits(2)}::{digits(1)}] = std::vector<int>{{0x{chance.getrandbits(32):08x}, {digits(6)}}}; @decorator.method",
        "IDs of APIs": lambda: f"call_{uuid.UUID(int=chance.getrandbits(128)).hex[:24]} fp_{chance.getrandbits(40):010x} req-{digits(12)}",
    }  # fmt: skip
    for name, make in makers.items():
        for _ in range(count):
            yield name, make()
