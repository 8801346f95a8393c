"""Our check digits against python-stdnum's."""

from __future__ import annotations

import importlib
import random
import string
from typing import TYPE_CHECKING

import pytest

from shipper.redact import countries
from shipper.redact.checksums import luhn, mod_11_10, mod_97, verhoeff

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("stdnum", reason="python-stdnum is what we compare with")
CHANCE = random.Random(3)


def digits(count: int) -> str:
    """So many digits."""
    return "".join(CHANCE.choices(string.digits, k=count))


def letters(count: int) -> str:
    """So many capitals."""
    return "".join(CHANCE.choices(string.ascii_uppercase, k=count))


def day(form: str = "{y:02}{m:02}{d:02}") -> str:
    """A day of the calendar."""
    return form.format(y=CHANCE.randint(30, 99), m=CHANCE.randint(1, 12), d=CHANCE.randint(1, 28))


CASES: dict[str, tuple[str, Callable[[], str]]] = {
    "ca_sin": ("ca.sin", lambda: digits(9)),
    "de_id": ("de.idnr", lambda: digits(11)),
    "nl_bsn": ("nl.bsn", lambda: digits(9)),
    "be_number": ("be.nn", lambda: day() + digits(5)),
    "pl_pesel": ("pl.pesel", lambda: day() + digits(5)),
    "ch_ahv": ("ch.ssn", lambda: "756" + digits(10)),
    "br_cpf": ("br.cpf", lambda: digits(11)),
    "in_aadhaar": ("in_.aadhaar", lambda: digits(12)),
    "in_pan": ("in_.pan", lambda: letters(5) + digits(4) + letters(1)),
    "au_tfn": ("au.tfn", lambda: digits(9)),
    "es_letter": ("es.dni", lambda: digits(8) + letters(1)),
    "it_code": ("it.codicefiscale", lambda: letters(6) + digits(2) + "C" + day("{d:02}") + "A" + digits(3) + letters(1)),
    "cn_id": ("cn.ric", lambda: "110105" + day("19{y}{m:02}{d:02}") + digits(3) + CHANCE.choice("0123456789X")),
    "mx_curp": ("mx.curp", lambda: letters(4) + day() + "HDF" + letters(3) + digits(2)),
    "fr_nir": ("fr.nir", lambda: CHANCE.choice("12") + digits(2) + day("{m:02}") + digits(10)),
    "fi_code": ("fi.hetu", lambda: day("{d:02}{m:02}{y}") + "-" + digits(3) + CHANCE.choice("0123456789ABCDEFHJKLMNPRSTUVWXY")),
    "se_number": ("se.personnummer", lambda: day() + "-" + digits(4)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_our_check_digits_are_those_of_python_stdnum(name: str) -> None:
    """Over thousands of numbers of the right form, both say the same; and both say yes often enough to mean it."""
    CHANCE.seed(name)
    module, make = CASES[name]
    theirs = importlib.import_module(f"stdnum.{module}")
    ours = getattr(countries, name)
    agreed = 0
    for _ in range(4000):
        number = make()
        here = ours(number if name == "fi_code" else number.replace("-", ""))
        there = theirs.is_valid(number)
        if name == "be_number" and here and not there:
            continue  # theirs rules out birthdays that are still to come
        if name == "fi_code" and (number[7] == "9" or number[7:10] in ("000", "001")):
            continue  # theirs rules out numbers for a short stay, and the first two of a day
        assert here == there, number
        agreed += here
    assert agreed > 4


def test_social_security_numbers_and_those_of_taxpayers() -> None:
    """Every number that python-stdnum takes for an SSN or an ITIN, but for those it knows from advertisements."""
    ssn, itin = importlib.import_module("stdnum.us.ssn"), importlib.import_module("stdnum.us.itin")
    for _ in range(4000):
        number = digits(9)
        if ssn.is_valid(number) or itin.is_valid(number):
            assert countries.us_ssn(number)
    assert not any(map(countries.us_ssn, ["000121234", "666121234", "123001234", "123450000"]))


@pytest.mark.parametrize("number", ["S1234567D", "T0123456G", "F1234567N", "G1234567X", "M1234567K"])
def test_singapores_letters(number: str) -> None:
    """Each series has its own letters."""
    assert countries.sg_nric(number)
    assert not countries.sg_nric(number[:-1] + ("A" if number[-1] != "A" else "B"))


def test_britains_prefixes() -> None:
    """Letters that were never given out make no number."""
    assert countries.gb_nino("AB123456C")
    assert not any(countries.gb_nino(f"{prefix}123456C") for prefix in ("BG", "DA", "AO", "QQ", "ZZ"))


@pytest.mark.parametrize(
    ("ours", "theirs", "make"),
    [
        (luhn, "stdnum.luhn", lambda: digits(CHANCE.randint(2, 19))),
        (verhoeff, "stdnum.verhoeff", lambda: digits(CHANCE.randint(2, 19))),
        (mod_11_10, "stdnum.iso7064.mod_11_10", lambda: digits(CHANCE.randint(2, 19))),
        (mod_97, "stdnum.iso7064.mod_97_10", lambda: letters(4) + digits(16)),
    ],
    ids=["luhn", "verhoeff", "mod_11_10", "mod_97"],
)
def test_our_schemes_are_those_of_python_stdnum(
    ours: Callable[[str], bool], theirs: str, make: Callable[[], str]
) -> None:
    """The general schemes agree on random numbers of any length."""
    module = importlib.import_module(theirs)
    numbers = [make() for _ in range(3000)]
    assert [ours(number) for number in numbers] == [module.is_valid(number) for number in numbers]
