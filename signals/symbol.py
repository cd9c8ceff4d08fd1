"""Symbols: what senders call an American stock or fund becomes its one name. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.fields import field_first, placeholder_fault

SOURCES = ("symbol", "ticker", "meta.ticker", "instrument.symbol", "instrument.ticker", "market.symbol")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,9}(\.[A-Z]{1,2})?")
_DELAYED = ("_DLY", "_DL")


def _venues(text: str) -> frozenset[str]:
    return frozenset(text.split())


CRYPTO = _venues(
    """
    AERODROME APEX BALANCER BIGONE BINANCE BINANCEDEX BINANCEUS BINGX BITCOKE BITFINEX BITFLYER BITGET BITHUMB BITKUB
    BITMART BITMEX BITPANDAPRO BITRUE BITSO BITSTAMP BITTREX BITVAVO BLOFIN BNC BTCC BTSE BYBIT BYDFI CEXIO COINBASE
    COINEX COINONE COINW CRYPTO CRYPTOCAP CRYPTOCOM CURVE DELTA DELTAIN DERIBIT DYDX EXMO FOXBIT FTX FTXUS GATE GATEIO
    GEMINI GLASSNODE HITBTC HTX HUOBI HYPERLIQUID INTOTHEBLOCK ITBIT KCEX KORBIT KRAKEN KUCOIN LBANK LUNO
    MERCADO MEXC NOVADAX OKCOIN OKEX OKX ORCA PANCAKESWAP PHEMEX PIONEX POLONIEX QUICKSWAP RAYDIUM SUSHISWAP TIMEX
    TOOBIT UNISWAP UPBIT WEEX WHITEBIT WOONETWORK XTCOM
    """
)
FOREX = _venues(
    """
    ACTIVTRADES AVATRADE BLACKBULL CAPITALCOM CITYINDEX CMCMARKETS CURRENCYCOM DUKASCOPY EASYMARKETS EIGHTCAP ERRANTE
    FOREX FOREXCOM FPMARKETS FUSIONMARKETS FX FXCM FXOPEN FXPRO FX_IDC GBEBROKERS GLOBALPRIME ICMARKETS IDC IG JFX
    MARKETSCOM OANDA PEPPERSTONE PURPLETRADING SAXO SKILLING SPREADEX SWISSQUOTE TASTYFX THINKMARKETS TICKMILL
    TRADENATION VANTAGE VELOCITY WHSELFINVEST
    """
)
FUTURES = _venues(
    """
    ASX24 CBOT CBOT_MINI CDE CFE CFFEX CME CME_GBX CME_MINI COMEX COMEX_MINI CZCE DCE ECBOT EUREX FAIRX GLOBEX ICE
    ICEAD ICEENDEX ICEEUR ICEEUROPE ICESG ICEUS INE KCBT LIFFE LME MATBAROFEX MCX MGEX NCDEX NYBOT NYMEX NYMEX_MINI
    OSE SAFEX SGX SHFE SMFE TAIFEX TFEX TOCOM
    """
)
# the charting service's own quotes of commodities, currencies and indexes: nothing there is a share
QUOTES = _venues("TVC")
OTHER_MARKETS = CRYPTO | FOREX | FUTURES | QUOTES


def _invalid(raw: Any, why: str) -> IntakeRejected:
    if unfilled := placeholder_fault(raw):
        return IntakeRejected(IntakeCode.INVALID_SYMBOL, unfilled)
    return IntakeRejected(
        IntakeCode.INVALID_SYMBOL, f"{str(raw)[:40]!r} {why}; send an American stock or fund like SPY or BRK.B"
    )


def symbol_read(raw: Any) -> tuple[str, str]:
    """Return the symbol and the exchange named before its colon (upper-case, empty if none).

    :raises IntakeRejected: `INVALID_SYMBOL`.
    """
    # only ASCII, before upper-casing: some other letters become ASCII ones by it
    if not isinstance(raw, str) or not raw.strip().isascii():
        raise _invalid(raw, "is not a symbol")
    exchange, colon, name = raw.strip().upper().partition(":")
    if not colon:
        exchange, name = "", exchange
    exchange = exchange.strip()
    symbol = name.strip().replace("-", ".").replace("/", ".").removesuffix(".US")
    if not _SYMBOL.fullmatch(symbol):
        raise _invalid(raw, "is not a symbol")
    if _market(exchange) in OTHER_MARKETS:
        raise _invalid(raw, "is traded on a crypto, forex or futures venue")
    return symbol, exchange


def _market(exchange: str) -> str:
    for suffix in _DELAYED:
        exchange = exchange.removesuffix(suffix)
    return exchange


def symbol_find(body: Mapping[str, Any], *, allow_delayed_feed: bool, sources: Sequence[str] = SOURCES) -> str:
    """Return the symbol a body is about, from the first of `sources` that it gives.

    :raises IntakeRejected: `MISSING_SYMBOL`, `INVALID_SYMBOL` or `DELAYED_FEED`.
    """
    raw = field_first(body, sources)
    if raw is None:
        raise IntakeRejected(IntakeCode.MISSING_SYMBOL, 'send "symbol", for example "SPY"')
    symbol, prefix = symbol_read(raw)
    stated = body.get("exchange")
    stated = stated.strip().upper() if isinstance(stated, str) else ""
    if _market(stated) in OTHER_MARKETS:
        raise _invalid(raw, f"comes from {stated[:20]}, a crypto, forex or futures venue")
    for exchange in (prefix, stated):
        if exchange.endswith(_DELAYED) and not allow_delayed_feed:
            raise IntakeRejected(
                IntakeCode.DELAYED_FEED,
                f"{exchange[:20]} is a delayed feed; use real-time data for the chart, or set ALLOW_DELAYED_FEED=true",
            )
    return symbol
