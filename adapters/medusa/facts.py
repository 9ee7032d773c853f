"""What `doctor` says of a Medusa server: what is there, what is missing, what that costs."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.medusa.changes import ChangeFeed
from adapters.medusa.client import JsonObject, NoSuchRoute, Params
from adapters.medusa.listing import Get, Listing, read_all
from adapters.medusa.options import Options
from adapters.medusa.prices import PriceBook, PriceShelf
from adapters.medusa.pricing import base_prices
from adapters.medusa.sweeps import PRICE_FIELDS
from connector.errors import Rejected, TargetDown
from connector.model import Locale
from connector.ports import BackendFacts, BackendSettings

SAMPLE = 500
"""So many products are looked through for prices with rules."""


def read_facts(
    get: Get,
    shelf: PriceShelf,
    feed: ChangeFeed,
    settings: BackendSettings,
    options: Options,
) -> tuple[BackendFacts, frozenset[str]]:
    """The facts, and the price rules that are not understood.

    Raises TargetDown where the credential is refused, which is told from an empty shop.
    """
    count = _count(get, options)
    store = _store(get)
    plugin = feed.plugin(ask=True)
    currencies = [str(each["currency_code"]).upper() for each in store["supported_currencies"]]
    locales = [Locale(each["locale_code"]) for each in store.get("supported_locales") or ()]
    book = shelf.open()
    rules = _unknown_rules(get, book)
    notes = [
        *_plugin_notes(plugin, settings),
        *_region_notes(get),
        *_locale_notes(get, locales, settings.default_locale),
        *_price_notes(book, rules),
        *_channel_notes(count, options),
    ]
    facts = BackendFacts(
        system="Medusa",
        version=str((plugin or {}).get("medusa_version") or "v2"),
        currencies=tuple(sorted(currencies)),
        locales=tuple(locales) or (settings.default_locale,),
        product_count=count,
        notes=tuple(notes),
    )
    return facts, rules


def _count(get: Get, options: Options) -> int:
    params: dict[str, str | int | Sequence[str]] = {"limit": 1, "fields": "id"}
    if options.sales_channel:
        params["sales_channel_id[]"] = [options.sales_channel]
    count = get("/admin/products", params).body.get("count")
    if not isinstance(count, int):
        raise TargetDown("this server answers, but not like Medusa v2; mend the backend's url")
    return count


def _store(get: Get) -> JsonObject:
    body = get("/admin/stores", {"fields": "id,*supported_currencies,*supported_locales"}).body
    stores = body.get("stores")
    if not isinstance(stores, list) or not stores:
        raise TargetDown("this Medusa has no store; run its migrations and seed it")
    store: JsonObject = stores[0]
    return store


def _plugin_notes(plugin: JsonObject | None, settings: BackendSettings) -> list[str]:
    if plugin is None:
        return [
            "The Medusa plugin is not installed: changes of price, stock, pictures, categories,"
            " channels and translations are found by sweeps alone (every few minutes, about 1 s"
            " of Medusa's time per 1,000 products for all four) instead of within a second;"
            " copy two files as adapters/medusa/README.md says"
        ]
    if not settings.webhook_secrets:
        return [
            "No webhook secret is set: changes are polled, not pushed; make one with"
            " `connector secret` and give it to both sides"
        ]
    return []


def _region_notes(get: Get) -> list[str]:
    fields = "id,name,currency_code"
    regions = read_all(get, Listing("/admin/regions", "regions", fields, 500))
    if not regions:
        return ["This Medusa has no region; its carts need one"]
    names = "; ".join(
        f"{each['name']} ({each['id']}, {str(each['currency_code']).upper()})" for each in regions
    )
    places = read_all(get, Listing("/admin/stock-locations", "stock_locations", "id,name", 500))
    stock = "; ".join(f"{each['name']} ({each['id']})" for each in places) or "none"
    return [f"Regions: {names}", f"Stock locations: {stock}"]


def _locale_notes(get: Get, locales: Sequence[Locale], default: Locale) -> list[str]:
    try:
        get("/admin/translations", {"limit": 1, "fields": "id"})
    except NoSuchRoute:
        return [f"Medusa's translation module is not there: every page speaks {default} alone"]
    if locales and default not in locales:
        known = ", ".join(locales)
        return [f"The default locale {default} is not one of the store's ({known}); mend either"]
    return []


def _unknown_rules(get: Get, book: PriceBook) -> frozenset[str]:
    params: Params = {"fields": PRICE_FIELDS, "limit": SAMPLE, "order": "id"}
    found: set[str] = set()
    for row in get("/admin/products", params).body.get("products") or ():
        for variant in row.get("variants") or ():
            try:
                found |= base_prices(variant.get("prices") or (), book.tax)[1]
            except (Rejected, KeyError, TypeError):
                continue
    return frozenset(found)


def _price_notes(book: PriceBook, rules: frozenset[str]) -> list[str]:
    notes = [
        f"Price list {id_} has rules that are not shown to everyone ({', '.join(names)}):"
        " what they hold is LEFT OUT of the public price"
        for id_, names in sorted(book.left_out.items())
    ]
    if rules:
        notes.append(
            f"Some variants have prices with rules ({', '.join(sorted(rules))}) that are not"
            " everyone's: those prices are LEFT OUT of the public price"
        )
    return notes


def _channel_notes(count: int, options: Options) -> list[str]:
    if options.sales_channel is None or count:
        return []
    return [f"No product is in sales channel {options.sales_channel}; is the id right?"]
