"""Check digits of the numbers by which states know people, and what else makes such a number impossible.

Each function takes the number without separators, letters as capitals, of the length and form that
`shipper.redact.national` asks for, and never raises for it. The tests hold them to python-stdnum.
"""

from __future__ import annotations

from typing import Final

from shipper.redact.checksums import is_date, luhn, mod_11_10, verhoeff, weighted

_IT_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23],
        strict=True,
    )
)  # fmt: skip
"""Agenzia delle Entrate's values of the characters in odd places."""


def us_ssn(digits: str) -> bool:
    """United States, Social Security number or taxpayer's number: no area 000 or 666, no group 00, no serial 0000."""
    return digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"


def ca_sin(digits: str) -> bool:
    """Canada, social insurance number."""
    return digits[0] not in "08" and luhn(digits)


def de_id(digits: str) -> bool:
    """Germany, tax id: of the first ten digits one occurs twice or three times, the others at most once."""
    counts = sorted(map(digits[:10].count, set(digits[:10])), reverse=True)
    return digits[0] != "0" and counts[0] in (2, 3) and counts[1] == 1 and mod_11_10(digits)


def fr_nir(digits: str) -> bool:
    """France, registration number of the social security. Months from 20 on: the month is not known."""
    month = int(digits[3:5])
    fits = digits[0] in "123478" and (1 <= month <= 12 or 20 <= month <= 42)
    return fits and 97 - int(digits[:13]) % 97 == int(digits[13:])


def nl_bsn(digits: str) -> bool:
    """Netherlands, citizen service number."""
    return digits.strip("0") != "" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def be_number(digits: str) -> bool:
    """Belgium, national number; its check counts a 2 before it for those born from 2000 on."""
    body, check = digits[:9], int(digits[9:])
    return int(digits[2:4]) % 20 <= 12 and check in (97 - int(body) % 97, 97 - int(f"2{body}") % 97)


def pl_pesel(digits: str) -> bool:
    """Poland, PESEL; the month tells the century."""
    century = (1900, 2000, 2100, 2200, 1800)[int(digits[2]) // 2]
    born = is_date(century + int(digits[:2]), int(digits[2:4]) % 20, int(digits[4:6]))
    return born and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def se_number(digits: str) -> bool:
    """Sweden, personal number, of ten or twelve digits."""
    digits = digits[-10:]
    return is_date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6])) and luhn(digits)


def fi_code(text: str) -> bool:
    """Finland, personal identity code, its sign of the century included."""
    born = is_date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2]))
    return born and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[7:10]) % 31] == text[-1]


def ch_ahv(digits: str) -> bool:
    """Switzerland, insurance number: an EAN-13."""
    return weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def br_cpf(digits: str) -> bool:
    """Brazil, register of natural persons."""
    first = weighted(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[9:] == f"{first}{second}"


def in_aadhaar(digits: str) -> bool:
    """India, Aadhaar."""
    return digits[0] not in "01" and digits != digits[::-1] and verhoeff(digits)


def in_pan(text: str) -> bool:
    """India, permanent account number: the fourth letter is the kind of holder; the check's rule is not public."""
    return text[3] in "ABCFGHJKLPT" and text[5:9] != "0000"


def cn_id(text: str) -> bool:
    """China, resident identity number (GB 11643)."""
    check = weighted(text[:17], [2**place % 11 for place in range(17, 0, -1)])
    born = is_date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    return born and "10X98765432"[check % 11] == text[17]


def au_tfn(digits: str) -> bool:
    """Australia, tax file number."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def kr_rrn(digits: str) -> bool:
    """South Korea, resident registration number; since 2020 its last digit is no check any more."""
    century = {"9": 1800, "0": 1800, "1": 1900, "2": 1900, "5": 1900, "6": 1900}.get(digits[6], 2000)
    return is_date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def es_letter(text: str) -> bool:
    """Spain, DNI (eight digits and a letter) or NIE (X, Y or Z first)."""
    number = str("XYZ".find(text[0])) + text[1:-1] if text[0] in "XYZ" else text[:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def it_code(text: str) -> bool:
    """Italy, fiscal code."""
    odd = sum(_IT_ODD[character] for character in text[:15:2])
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in text[1:15:2])
    return chr(65 + (odd + even) % 26) == text[15]


def sg_nric(text: str) -> bool:
    """Singapore, identity card (S, T) or foreign identification number (F, G, M)."""
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "XWUTRQPNJLK"}.get(text[0], "XWUTRQPNMLK")
    return letters[total % 11] == text[8]


def mx_curp(text: str) -> bool:
    """Mexico, population registry code; the last but one character tells the century."""
    alphabet = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(alphabet.index(character) * (18 - place) for place, character in enumerate(text[:17]))
    century = 1900 if text[16].isdigit() else 2000
    born = is_date(century + int(text[4:6]), int(text[6:8]), int(text[8:10]))
    return born and int(text[17]) == -total % 10


def gb_nino(text: str) -> bool:
    """United Kingdom, National Insurance number: letters and prefixes that HMRC's manual NIM39110 rules out."""
    first, second = text[:2]
    return not (
        first in "DFIQUV" or second in "DFIQUVO" or text[:2] in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    )
