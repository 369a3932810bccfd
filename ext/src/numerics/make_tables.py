"""Write elementary_tables.h: python ext/src/numerics/make_tables.py > ext/src/numerics/elementary_tables.h"""

from collections.abc import Iterator
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 60
SIZE = 128  # entries of each table: a power of two
LEAD = 42  # binary places of the leading parts of logarithms: they add up without rounding


def leading(value: Decimal, places: int) -> float:
    """A value rounded to so many binary places."""
    return float(Fraction(round(value * 2**places), 2**places))


def exponentials() -> Iterator[tuple[float, float]]:
    """2^(i / SIZE), and what rounding it left out, as a share of it."""
    for i in range(SIZE):
        exact = Decimal(2) ** (Decimal(i) / SIZE)
        near = float(exact)
        yield near, float((exact - Decimal(near)) / Decimal(near))


def logarithms() -> Iterator[tuple[float, float, float]]:
    """1 / c to nine bits behind the point for a c within each part of [0.6875, 1.375), and -ln of it in two pieces."""
    for i in range(SIZE):
        low = 0.6875 + i / 256 if i < 80 else 1 + (i - 80) / 128
        high = low + (1 / 256 if i < 80 else 1 / 128)
        inverse = 1.0 if 1.0 in (low, high) else round(2 / (low + high) * 512) / 512
        exact = -Decimal(inverse).ln()
        lead = leading(exact, LEAD)
        yield inverse, lead, float(exact - Decimal(lead))


def main() -> None:
    """Print the header."""
    ln2, ln10 = Decimal(2).ln(), Decimal(10).ln()
    print("/* Made by make_tables.py: do not edit. */")
    print("#ifndef ZL_ELEMENTARY_TABLES_H\n#define ZL_ELEMENTARY_TABLES_H\n")
    step, coarse = leading(ln2 / SIZE, LEAD), leading(ln2, LEAD)
    for name, value in {
        "STEPS": Decimal(SIZE) / ln2,  # steps of ln 2 / SIZE in 1
        "STEP_HIGH": step,
        "STEP_LOW": ln2 / SIZE - Decimal(step),
        "LN2_HIGH": coarse,
        "LN2_LOW": ln2 - Decimal(coarse),
        "PER_LN10": 1 / ln10,
        "PER_LN10_LOW": 1 / ln10 - Decimal(float(1 / ln10)),
    }.items():
        print(f"#define ZL_{name} {float(value).hex()}")
    print(f"\nstatic const double zl_exp_table[{SIZE}][2] = {{")
    for pair in exponentials():
        print("    {" + ", ".join(v.hex() for v in pair) + "},")
    print(f"}};\n\nstatic const double zl_log_table[{SIZE}][3] = {{")
    for triple in logarithms():
        print("    {" + ", ".join(v.hex() for v in triple) + "},")
    print("};\n\n#endif")


if __name__ == "__main__":
    main()
