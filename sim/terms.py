"""What policy and the world outside offer in one month: all of a lever that the model's processes see.

Neutral terms are zeros (factors: ones), and a lever of zero strength gives neutral terms. Money is in wan
(10,000 RMB).
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

WAN = 10_000.0  #: RMB
NO_LIMIT = 2**31 - 1


def record_dtype(fields: list[tuple[str, str]], size: int | None = None) -> np.dtype:
    """Return an aligned dtype, padded to `size` bytes, whose elements are records.

    Records read alike in compiled and in plain code.
    """
    tight: Any = np.dtype(fields, align=True)
    names = list(tight.names)
    layout = {
        "names": names,
        "formats": [tight.fields[name][0] for name in names],
        "offsets": [tight.fields[name][1] for name in names],
        "itemsize": size or tight.itemsize,
        "aligned": True,
    }
    return np.dtype((np.record, layout))


# which lever, and who may have it: every table of the terms begins so (key: address of its draws)
_ELIGIBLE = [("key", "<u8"), ("lever", "<i4"), ("segments", "<i4"), ("max_stage", "<i4"), ("max_age", "<i4")]
#: rent cuts
CUT = record_dtype([*_ELIGIBLE, ("max_area", "<f8"), ("budget", "<f8")])  # m2; wan a year
#: programmes with places: incubators, accelerators, test platforms
PROGRAMME = record_dtype(
    [
        *_ELIGIBLE,
        ("places", "<i8"),
        ("failure", "<f8"),  # factor of the background failure of who has a place
        ("seek", "<f8"),  # factor of the hazard to look for money
        ("productivity", "<f8"),  # factor
        ("production", "<f8"),  # log odds of producing outside
        ("attraction", "<f8"),  # utils of the zone while places are free
        ("price", "<f8"),  # public cost of a taken place [wan/month]
    ]
)
#: money for running costs: vouchers, R&D subsidies, public orders
AID = record_dtype(
    [*_ELIGIBLE, ("base", "<i4"), ("held_only", "<i4"), ("share", "<f8"), ("cap", "<f8"), ("budget", "<f8")]
)
COMPUTE_BILL, PAYROLL, TURNOVER = range(3)  # bases of aid
#: cash for entrants
CASH = record_dtype([*_ELIGIBLE, ("amount", "<f8"), ("budget", "<f8")])
#: computing centres
CENTRE = record_dtype([*_ELIGIBLE, ("capacity", "<f8"), ("price", "<f8")])  # GPU; wan/GPU/month
#: guided funds
GUIDED = record_dtype(
    [
        *_ELIGIBLE,
        ("call", "<f8"),  # money called a month [wan]
        ("limit", "<f8"),  # most that the purse holds [wan]
        ("match", "<f8"),  # private money for one of guided
        ("crowd_out", "<f8"),  # private money withdrawn for one of guided paid
        ("loss", "<f8"),  # share of what is paid that the public loses
        ("stay", "<i8"),  # months during which departure is held back
    ]
)
TABLES = {
    "cuts": CUT,
    "programmes": PROGRAMME,
    "aids": AID,
    "cash": CASH,
    "centres": CENTRE,
    "guided": GUIDED,
}


@dataclasses.dataclass(frozen=True)
class Seats:
    """Partner funds that take a seat, and visiting funds that open one.

    Attributes
    ----------
    zone
        Position of the zone.
    partners
        How many partner funds have their seat there.
    visitors, capital
        Visiting funds, and their commitments of one period together [wan].
    counted
        Share of that money that would have come to the region anyway.
    name
        Id of the lever, from which the funds' identities are drawn.
    """

    zone: int
    partners: int
    visitors: int
    capital: float
    counted: float
    name: str


@dataclasses.dataclass(frozen=True)
class Uptake:
    """A zone's list of reservations and applications.

    Attributes
    ----------
    zone
        Position of the zone.
    awareness
        Chance a month that a startup elsewhere looks at the offer.
    offer
        What the offer is worth beyond what the model prices [utils]; read by the list alone.
    window
        A startup applies if its lease ends within so many months.
    """

    zone: int
    awareness: float
    offer: float
    window: int


@dataclasses.dataclass
class Terms:
    """What policy and the world outside offer in one month.

    Attributes
    ----------
    cuts, programmes, aids, cash, centres, guided
        One record for each lever of the kind.
    rent_share
        Share of the rent paid by each rent cut in each zone, (n_cuts, n_zones); 0 where it does not act.
    programme_zones, aid_zones, cash_zones
        Where each programme, aid and cash grant applies, (n, n_zones).
    opened_m2
        Floor space that opens in each zone this month [m2], (n_zones,).
    tenants_m2
        Floor space that other tenants want at the reference rent beyond their trend [m2], (n_zones,).
    attraction
        What zones are worth beyond what the model prices [utils], by segment and phase, (4, 2, n_zones).
    housing
        Talent housing let in each zone [units], (n_zones,).
    housing_added
        People who come for it this month and would not have come otherwise [heads].
    founding_appeal
        How much more founders are drawn to the region [utils].
    landing
        Potential founders from abroad who are brought to look at the region [1/month].
    climate
        Factor of fund commitments and of their pace.
    outside_offer
        What other cities offer beyond the trend, by segment [utils], (4,).
    production_offer
        What other cities offer to production, as log odds.
    redrawn_funds
        Partner funds whose likings are drawn anew this month.
    year
        First month of the calendar year, in which yearly budgets and caps began.
    seats
        Seats that funds take this month.
    uptake
        The list of reservations that is open, if any.
    own
        What levers of plug-ins offer to processes of plug-ins, by a key of theirs.
    """

    cuts: np.ndarray
    programmes: np.ndarray
    aids: np.ndarray
    cash: np.ndarray
    centres: np.ndarray
    guided: np.ndarray
    rent_share: np.ndarray
    programme_zones: np.ndarray
    aid_zones: np.ndarray
    cash_zones: np.ndarray
    opened_m2: np.ndarray
    tenants_m2: np.ndarray
    attraction: np.ndarray
    housing: np.ndarray
    housing_added: float = 0.0
    founding_appeal: float = 0.0
    landing: float = 0.0
    climate: float = 1.0
    outside_offer: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(4))
    production_offer: float = 0.0
    redrawn_funds: int = 0
    year: int = 0
    seats: tuple[Seats, ...] = ()
    uptake: Uptake | None = None
    own: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def neutral(cls, n_zones: int, rows: dict[str, int]) -> "Terms":
        """Return terms that change nothing.

        Parameters
        ----------
        n_zones
            Number of zones.
        rows
            Number of levers in each of ``TABLES``; absent: none.
        """
        tables: dict[str, Any] = {
            name: np.zeros(rows.get(name, 0), dtype=kind) for name, kind in TABLES.items()
        }
        for factor in ("failure", "seek", "productivity"):
            tables["programmes"][factor] = 1.0
        for name, zones in (("programmes", "programme_zones"), ("aids", "aid_zones"), ("cash", "cash_zones")):
            tables[zones] = np.zeros((rows.get(name, 0), n_zones), dtype=bool)
        return cls(
            **tables,
            rent_share=np.zeros((rows.get("cuts", 0), n_zones)),
            opened_m2=np.zeros(n_zones),
            tenants_m2=np.zeros(n_zones),
            attraction=np.zeros((4, 2, n_zones)),
            housing=np.zeros(n_zones),
        )

    def endless(self) -> list[str]:
        """Return the names of the fields that hold a number which is not finite."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return [
            name for name, value in fields.items() if not all(np.isfinite(n).all() for n in _numbers(value))
        ]


def _numbers(value: Any) -> Iterator[np.ndarray]:
    """Yield all numbers inside a value, as arrays."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        value = list(value.values())
    elif isinstance(value, np.ndarray) and value.dtype.names:
        value = [value[name] for name in value.dtype.names]
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
        return
    numbers = np.asarray(value)
    if np.issubdtype(numbers.dtype, np.number):
        yield numbers
