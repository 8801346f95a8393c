"""Personal data: addresses, numbers, and the words that tell what a number is."""

from __future__ import annotations

import pytest

from shipper.redact.redactor import spans_in


def found(text: str) -> list[tuple[str, str]]:
    """What is found in a text."""
    return [(text[span.start : span.end], span.kind) for span in spans_in(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b+c@mail.example.co.uk!", "a.b+c@mail.example.co.uk"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("'alice@example.com'", "alice@example.com"),
        ("jörg@müller.de", "jörg@müller.de"),
        ("?email=alice%40example.com&x", "alice%40example.com"),
        ("a@[192.168.100.200]", "a@[192.168.100.200]"),
        ("alice@example.com...", "alice@example.com"),
        ("请写信给alice@example.com。", "alice@example.com"),
        (r"hello\nalice@example.com", "alice@example.com"),
        ("alice@example.com,bob", "alice@example.com"),
    ],
)
def test_an_address_goes_whole(text: str, value: str) -> None:
    """E-mail addresses end where they end, whatever stands around them."""
    assert found(text) == [(value, "EMAIL")]


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:a/b.git",
        "logo@2x.png",
        "@user",
        "a @ b.com",
        "user@host",
        "x@y.1",
        "@app.route('/a')",
        "unit@1.service",
    ],
)
def test_an_at_sign_alone_is_no_address(text: str) -> None:
    """Repositories, file names, handles, decorators and units of systemd stay."""
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    [
        *(
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111111111111111",
            "378282246310005",
            "3782 822463 10005",
        ),
        *("30569309025904", "6011111111111117", "3530111333300000", "5555555555554444", "2223003122003222"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "card: {}, exp", '"{}"', "pay {} 123 now"])
def test_cards_are_known_by_issuer_and_check_digit(number: str, around: str) -> None:
    """The networks' test numbers are found, and not when one digit is another."""
    text = around.format(number)
    assert number in found(text)[0][0]
    assert found(text)[0][1] == "CARD"
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert found(f"number {wrong}") == []


@pytest.mark.parametrize(
    "number",
    [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "gb82 west 1234 5698 7654 32",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH93 0076 2011 6238 5295 7",
    ],
)
def test_accounts_are_known_by_country_and_check_digits(number: str) -> None:
    """IBANs of the registry are found as they are written, with the next word left alone."""
    assert found(f"to {number} please") == [(number, "IBAN")]
    assert found(f"to {number[:2]}00{number[4:]} please") == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 (415) 555-2671", "+1 (415) 555-2671"),
        ("(415) 555-2671 ext. 12", "(415) 555-2671 ext. 12"),
        ("415-555-2671x345", "415-555-2671x345"),
        ("+49\u202f151\u202f23456789", "+49\u202f151\u202f23456789"),
        ("+1\u2011415\u2011555\u20112671", "+1\u2011415\u2011555\u20112671"),
        ("0049 151 23456789", "0049 151 23456789"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("call me on 9472 7916?", "9472 7916"),
        ("Phone:\n4155552671", "4155552671"),
        ('"phone_number":"4155552671"', "4155552671"),
        ("1234-5678-Fax", "1234-5678"),
    ],
)
def test_telephone_numbers(text: str, number: str) -> None:
    """Numbers are found by their international form, their groups, or the word beside them."""
    assert found(text) == [(number, "PHONE")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("from 93.184.216.34:443", "93.184.216.34"),
        ("10.0.0.1", "10.0.0.1"),
        ("[2001:db8::8a2e:370:7334]:80", "2001:db8::8a2e:370:7334"),
        ("fe80::1ff:fe23:4567:890a%eth2", "fe80::1ff:fe23:4567:890a"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ],
)
def test_internet_addresses(text: str, address: str) -> None:
    """IPv4 and IPv6 addresses are found without their ports and zones."""
    assert found(text) == [(address, "IP")]


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.0",
        "::1",
        "::",
        "v10.2.3.4",
        "version 10.2.3.4",
        "1.2.3.4",
        "1.2.3.4.5.60",
        "300.1.2.3",
        "x[1::2]",
        "std::vector",
        "12:34:56",
        "aa:bb:cc:dd:ee:ff",
        "dead::beef",
        "10.2.3.4-rc1",
    ],
)
def test_what_only_looks_like_an_address(text: str) -> None:
    """This machine, masks, versions, slices, times and hardware addresses stay."""
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    [
        "460-89-9847",
        "RSSMRA85T10A562S",
        "12345678Z",
        "X1234567L",
        "AB123456C",
        "AB 12 34 56 C",
        "131052-308T",
        "850709-9805",
        "756.9217.0769.85",
        "529.982.247-25",
        "S1234567D",
        "ABCPD1234E",
        "11010519491231002X",
        "85.07.30-033.28",
        "1 85 05 78 006 084 91",
    ],
)
def test_national_numbers_that_tell_by_themselves(number: str) -> None:
    """Numbers whose printed form or check digits are no coincidence are found without a word beside them."""
    assert found(f"id {number} ok") == [(number, "NATIONAL_ID")]


@pytest.mark.parametrize(
    ("number", "word"),
    [
        ("460899847", "SSN"),
        ("130692544", "SIN"),
        ("111222333", "BSN"),
        ("86095742719", "Steuer-ID"),
        ("44051401359", "PESEL"),
        ("52998224725", "cpf"),
        ("123456782", "tax file number"),
        ("234123412346", "Aadhaar"),
    ],
)
def test_national_numbers_that_need_a_word(number: str, word: str) -> None:
    """Bare digits count when a word before them, or the key that they stand under, says what they are."""
    assert found(f"{word}: {number}") == [(number, "NATIONAL_ID")]
    assert found(f"order {number}") == []
