from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from powertrain_operator.api.quantity import LARGEST, amount, cpu_milli, whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("8Gi", 8 * 2**30),
        ("1.5Gi", 3 * 2**29),
        ("1k", 1000),
        ("2M", 2_000_000),
        ("1e3", 1000),
        ("12E2", 1200),
        ("1E", 10**18),
        ("+5", 5),
        (".5Ki", 512),
        ("1.", 1),
        (4, 4),
        (2.5, 3),
        ("100m", 1),
        ("1u", 1),
        ("0.1n", 1),
        ("1500m", 2),
        ("-0", 0),
    ],
)
def test_a_quantity_is_a_whole_number_rounded_up(text: str | float, expected: int) -> None:
    assert whole(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1500m", 1500), ("2", 2000), ("0.1", 100), ("1n", 1), (3, 3000)]
)
def test_cpu_is_counted_in_thousandths(text: str | int, expected: int) -> None:
    assert cpu_milli(text) == expected
    assert amount("cpu", text) == expected
    assert amount("nvidia.com/gpu", 3) == 3


@pytest.mark.parametrize(
    "text", ["", "Gi", "1 Gi", "1gi", "0x10", "1e", "--1", "1.2.3", ".", "e3", "1Kii", "١"]
)
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity") as refused:
        whole(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("quantity", ["-1", "-1m", -3, -0.5])
def test_a_negative_amount_is_refused(quantity: str | float) -> None:
    with pytest.raises(ValueError, match="negative"):
        whole(quantity)


@pytest.mark.parametrize("text", ["9Ei", "1e999999999", "9" * 64, 2**80])
def test_amounts_beyond_64_bits_are_cut_down_to_the_largest(text: str | int) -> None:
    assert whole(text) == LARGEST


def test_a_tiny_amount_stays_more_than_nothing() -> None:
    assert whole("1e-999999999") == 1
    assert whole("0e-999999999") == 0


@given(st.integers(0, 10**9), st.integers(0, 999), st.sampled_from(["m", "", "k", "Ki", "Gi", "e-2", "u"]))
def test_quantities_agree_with_exact_arithmetic(units: int, thousandths: int, suffix: str) -> None:
    factors: dict[str, Fraction | int] = {
        "m": Fraction(1, 1000),
        "": 1,
        "k": 1000,
        "Ki": 1024,
        "Gi": 2**30,
        "e-2": Fraction(1, 100),
        "u": Fraction(1, 10**6),
    }
    exact = Fraction(f"{units}.{thousandths:03}") * factors[suffix]
    text = f"{units}.{thousandths:03}{suffix}"
    assert whole(text) == min(-(-exact.numerator // exact.denominator), LARGEST)
    milli = exact * 1000
    assert cpu_milli(text) == min(-(-milli.numerator // milli.denominator), LARGEST)
