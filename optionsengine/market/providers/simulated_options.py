"""The option market of the simulated provider: which strikes are listed, and how each contract is quoted.

Implied volatility has a level that moves with the market, a term structure and a skew in standardised moneyness; price
and Greeks are Black–Scholes–Merton, with the price never below exercise value because the contracts are American.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import OptionQuote
from optionsengine.market.pricing import DAYS_PER_YEAR, value_options
from optionsengine.market.providers.simulated_path import (
    World,
    dollars,
    mood_at,
    opening_price,
    price_at,
    span_at,
    span_by_number,
)
from optionsengine.market.providers.simulated_symbols import Profile, profile_for

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RATE = 0.04
NEAR = 0.05  # in logs on either side of spot: the fine strikes
REACH = (0.20, 1.0)  # in logs on either side of spot: all strikes; wider for later expirations, between these
_REACH_DEVIATIONS = 2.0
_LISTABLE = (0.1, 5.0)  # of the base price: any strike ever listed lies between
_FAR_DAYS = 200.0  # expirations further out list coarse strikes only
_SHORTEST_YEARS = 1 / DAYS_PER_YEAR
_WINGS = 4.0  # standard deviations beyond which implied volatility stays flat
_SMILE = 0.02
_NICKEL_FROM = 300  # cents
_PREMIUM = 1.08  # implied over realised volatility
_LEVERAGE = 1.5  # how much implied volatility rises, in logs, per log the price falls
_DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Contracts of one underlying and right with what does not change during a trading day, as parallel arrays."""

    contracts: tuple[OptionContract, ...]
    strikes: FloatArray
    expirations: tuple[date, ...]  # the distinct ones
    expiration_index: IntArray
    is_call: bool
    open_interest: list[int]
    volume: list[int]
    noise: IntArray  # a number per contract that never changes


def strike_on_grid(symbol: str, strike: Decimal) -> bool:
    """Tell whether a contract with this strike may ever be listed."""
    profile = profile_for(symbol)
    low, high = (profile.price * bound for bound in _LISTABLE)
    return low <= strike <= high and strike % Decimal(str(profile.strike_step)) == 0


def _strike(price: float) -> Decimal:
    """A strike without trailing zeros or an exponent."""
    return Decimal(int(price)) if price == int(price) else Decimal(str(price))


def _strikes(profile: Profile, spot: float, days: float) -> list[Decimal]:
    def grid(step: float, reach: float) -> set[Decimal]:
        low, high = math.ceil(spot * math.exp(-reach) / step), math.floor(spot * math.exp(reach) / step)
        return {_strike(number * step) for number in range(low, high + 1)}

    deviation = profile.volatility * math.sqrt(max(days, 0.0) / DAYS_PER_YEAR)
    found = grid(profile.far_step, min(max(_REACH_DEVIATIONS * deviation, REACH[0]), REACH[1]))
    if days <= _FAR_DAYS:
        found |= grid(profile.strike_step, NEAR)
    return sorted(found)


def _mixed(key: str, strikes: FloatArray) -> IntArray:
    """A well-mixed number below 2^62 per strike (the finaliser of the SplitMix64 generator)."""
    base = np.uint64(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big"))
    with np.errstate(over="ignore"):
        mixed = np.rint(strikes * 1000).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ base
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)


def _share(noise: IntArray, part: int) -> FloatArray:
    """Ten bits of the noise as a fraction of one."""
    return ((noise >> (10 * part)) & 1023) / 1023.0


def board_of(world: World, symbol: str, number: int, contracts: Sequence[OptionContract]) -> Board:
    """Gather contracts of one underlying and right, as they stand on one trading day."""
    profile = profile_for(symbol)
    opening_at = span_by_number(world, number).open_at
    spot = opening_price(world, symbol, span_by_number(world, number))
    strikes = np.array([float(contract.strike) for contract in contracts])
    expirations = tuple(dict.fromkeys(contract.expiration for contract in contracts))
    place = {day: position for position, day in enumerate(expirations)}
    index = np.array([place[contract.expiration] for contract in contracts], dtype=np.int64)
    noise = np.empty(len(contracts), dtype=np.int64)
    for position, day in enumerate(expirations):
        rows = index == position
        noise[rows] = _mixed(f"{world.seed}|{symbol}|{day}|{contracts[0].right.value}", strikes[rows])

    days = np.array([max(calendar.dte(day, opening_at), 0.5) for day in expirations])[index]
    weight = np.array([2.0 if calendar.is_monthly(day) else 1.0 for day in expirations])[index]
    distance = np.log(strikes / spot) / (profile.volatility * np.sqrt(np.maximum(days, 7.0) / DAYS_PER_YEAR))
    interest = profile.liquidity.interest * weight * np.exp(-0.5 * (distance / 1.6) ** 2) / (1 + days / 250)
    interest *= np.where(strikes % 5 == 0, 1.4, 0.9) * (0.7 + 0.6 * _share(noise, 0))
    turnover = 0.9 / (1 + days / 45) + 0.15
    return Board(
        contracts=tuple(contracts),
        strikes=strikes,
        expirations=expirations,
        expiration_index=index,
        is_call=contracts[0].right == Right.CALL,
        open_interest=np.rint(interest).astype(np.int64).tolist(),
        volume=np.rint(interest * turnover * (0.6 + 0.8 * _share(noise, 1))).astype(np.int64).tolist(),
        noise=noise,
    )


@lru_cache(maxsize=64)
def listed_board(world: World, symbol: str, number: int, right: Right, expirations: tuple[date, ...]) -> Board:
    """Return the contracts that the exchange lists on one trading day for those expirations."""
    span = span_by_number(world, number)
    spot = opening_price(world, symbol, span)
    profile = profile_for(symbol)
    contracts = [
        OptionContract(symbol, day, right, strike)
        for day in expirations
        for strike in _strikes(profile, spot, calendar.dte(day, span.open_at))
    ]
    return board_of(world, symbol, number, contracts)


def _surface(profile: Profile, mood: tuple[float, float], moneyness: FloatArray, years: FloatArray) -> FloatArray:
    """Implied volatility for ln(strike ÷ forward) and time.

    Skew and smile are quadratic in standard deviations and flat beyond the wings; short of a crash the level rises as
    the price falls, and it fades towards its long-run mean with time.
    """
    factor, distance = mood
    level = math.log(factor) - _LEVERAGE * distance
    at_the_money = profile.volatility * _PREMIUM * np.exp(level * np.exp(-years / 0.75)) * (1 + 0.06 * np.tanh(years))
    deviation = profile.volatility * np.sqrt(np.maximum(years, _SHORTEST_YEARS))
    scaled = np.clip(moneyness / deviation, -_WINGS, _WINGS)
    skewed: FloatArray = at_the_money * (1 - profile.skew * scaled + _SMILE * scaled * scaled)
    return skewed


def _two_sides(profile: Profile, cents: FloatArray, deviations: FloatArray) -> tuple[list[int], list[int]]:
    """Bid and ask in cents around fair values in cents: wider away from the money, on the tick, never crossed."""
    tick = np.where((cents >= _NICKEL_FROM) & (not profile.liquidity.penny), 5, 1)
    width = profile.liquidity.spread * cents * (1 + 0.5 * np.minimum(np.abs(deviations), 3.0)) + 0.5
    half_ticks = np.maximum(np.rint(width / tick), 1.0) / 2
    bid = np.maximum(np.rint(cents / tick - half_ticks), 1.0) * tick
    ask = np.maximum(np.rint(cents / tick + half_ticks) * tick, bid + tick)
    return np.rint(bid).astype(np.int64).tolist(), np.rint(ask).astype(np.int64).tolist()


def quote_board(world: World, symbol: str, board: Board, at: datetime, source: str) -> tuple[OptionQuote, ...]:
    """Quote every contract of a board, in its order; outside the trading day as of its last moment."""
    span = span_at(world, at)
    moment = min(at, span.close_at)
    profile = profile_for(symbol)
    spot = price_at(world, symbol, moment)
    each = [max((calendar.expiry_at(day) - moment).total_seconds(), 0.0) / 86400 for day in board.expirations]
    years = np.array(each)[board.expiration_index] / DAYS_PER_YEAR
    moneyness = np.log(board.strikes / spot) - (RATE - profile.dividend_yield) * years
    volatility = _surface(profile, mood_at(world, symbol, moment), moneyness, years)
    value = value_options(
        spot=spot,
        strike=board.strikes,
        years=years,
        rate=RATE,
        dividend_yield=profile.dividend_yield,
        volatility=volatility,
        is_call=board.is_call,
    )
    exercise = np.maximum(spot - board.strikes if board.is_call else board.strikes - spot, 0.0)
    deviations = moneyness / (profile.volatility * np.sqrt(np.maximum(years, _SHORTEST_YEARS)))
    bids, asks = _two_sides(profile, np.maximum(value.price, exercise) * 100, deviations)
    minute = int(moment.timestamp()) // 60
    shown = (board.noise ^ (minute * 0x9E3779B1)) & 0x3FFFFFFF
    depth = 0.25 + profile.liquidity.interest / 12000
    columns = (
        np.rint(5 + depth * 80 * _share(shown, 0)).astype(np.int64),
        np.rint(5 + depth * 80 * _share(shown, 1)).astype(np.int64),
        *(np.round(column, _DIGITS) for column in (volatility, value.delta, value.gamma, value.theta, value.vega)),
    )
    greeks_and_sizes = zip(*(column.tolist() for column in columns), strict=True)
    facts = zip(board.contracts, bids, asks, board.open_interest, board.volume, greeks_and_sizes, strict=True)
    return tuple(
        OptionQuote(
            contract,
            dollars(bid),
            dollars(ask),
            bid_size,
            ask_size,
            iv,
            delta,
            gamma,
            theta,
            vega,
            interest,
            volume,
            moment,
            source,
            source,
        )
        for contract, bid, ask, interest, volume, (bid_size, ask_size, iv, delta, gamma, theta, vega) in facts
    )
