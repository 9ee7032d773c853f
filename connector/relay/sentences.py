"""Each kind of problem that the relay answers: its status, and what the shopper reads.

In English, German and French; the words are the stable ends of the problems' types. A long table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.model import Locale


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, and what the shopper reads."""

    status: int
    english: str
    german: str
    french: str

    def says(self, locale: Locale | None) -> str:
        language = (locale or "en").partition("-")[0]
        return {"de": self.german, "fr": self.french}.get(language, self.english)


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(
        400,
        "The request cannot be read.",
        "Die Anfrage ist nicht lesbar.",
        "La requête est illisible.",
    ),
    "invalid": Kind(
        422,
        "Some of what was sent is not right.",
        "Manche Angaben stimmen nicht.",
        "Certaines données ne sont pas correctes.",
    ),
    "media-type": Kind(415, "Send JSON.", "Es wird JSON erwartet.", "Du JSON est attendu."),
    "too-large": Kind(
        413, "That is too much at once.", "Das ist zu viel auf einmal.", "C'est trop à la fois."
    ),
    "too-slow": Kind(
        408,
        "The request came too slowly.",
        "Die Anfrage kam zu langsam.",
        "La requête est arrivée trop lentement.",
    ),
    "not-found": Kind(404, "There is nothing here.", "Hier ist nichts.", "Il n'y a rien ici."),
    "method": Kind(
        405, "This cannot be done here.", "Das geht hier nicht.", "Cela n'est pas possible ici."
    ),
    "origin": Kind(
        403,
        "This page may not use the shop.",
        "Diese Seite darf den Shop nicht benutzen.",
        "Cette page ne peut pas utiliser la boutique.",
    ),
    "signature": Kind(
        401,
        "The sender is not proved.",
        "Der Absender ist nicht belegt.",
        "L'expéditeur n'est pas prouvé.",
    ),
    "rate": Kind(
        429,
        "That was a lot at once. Please try again in a moment.",
        "Das war viel auf einmal. Bitte versuchen Sie es gleich noch einmal.",
        "Cela fait beaucoup à la fois. Réessayez dans un instant.",
    ),
    "card-number": Kind(
        422,
        "Please do not write card numbers here.",
        "Bitte schreiben Sie hier keine Kartennummern.",
        "N'écrivez pas de numéro de carte ici.",
    ),
    "return-url": Kind(
        400,
        "The way back does not lead to this site.",
        "Der Rückweg führt nicht zu dieser Seite.",
        "Le retour ne mène pas à ce site.",
    ),
    "key-missing": Kind(
        400,
        "The request has no Idempotency-Key.",
        "Der Anfrage fehlt ein Idempotency-Key.",
        "La requête n'a pas d'Idempotency-Key.",
    ),
    "key-reused": Kind(
        422,
        "The Idempotency-Key was used for something else.",
        "Der Idempotency-Key wurde schon für etwas anderes benutzt.",
        "L'Idempotency-Key a déjà servi à autre chose.",
    ),
    "under-way": Kind(
        409,
        "This is being done already.",
        "Das wird gerade schon erledigt.",
        "C'est déjà en cours.",
    ),
    "unknown-cart": Kind(
        404,
        "This cart is not there any more. Please begin a new one.",
        "Diesen Warenkorb gibt es nicht mehr. Bitte beginnen Sie einen neuen.",
        "Ce panier n'existe plus. Commencez-en un nouveau.",
    ),
    "unknown-code": Kind(
        404,
        "This link was used already, or is too old.",
        "Dieser Link wurde schon benutzt oder ist zu alt.",
        "Ce lien a déjà servi ou est trop ancien.",
    ),
    "unknown-product": Kind(
        404,
        "This product is not sold here.",
        "Dieses Produkt wird hier nicht verkauft.",
        "Ce produit n'est pas vendu ici.",
    ),
    "unknown-line": Kind(
        404,
        "This is not in the cart any more.",
        "Das liegt nicht mehr im Warenkorb.",
        "Cet article n'est plus dans le panier.",
    ),
    "out-of-stock": Kind(
        409,
        "There are not that many left.",
        "So viele sind nicht mehr da.",
        "Il n'en reste pas autant.",
    ),
    "quantity": Kind(
        422,
        "This quantity cannot be ordered.",
        "Diese Menge kann nicht bestellt werden.",
        "Cette quantité ne peut pas être commandée.",
    ),
    "promotion": Kind(
        422,
        "This code is not valid.",
        "Dieser Code ist nicht gültig.",
        "Ce code n'est pas valable.",
    ),
    "details": Kind(
        422,
        "Please check the e-mail address and the address.",
        "Bitte prüfen Sie E-Mail-Adresse und Anschrift.",
        "Vérifiez l'adresse e-mail et l'adresse postale.",
    ),
    "shipping": Kind(
        422,
        "This way of shipping is not possible.",
        "Diese Versandart ist nicht möglich.",
        "Ce mode de livraison n'est pas possible.",
    ),
    "payment": Kind(
        422,
        "This payment did not work. Please choose another.",
        "Diese Zahlung hat nicht geklappt. Bitte wählen Sie eine andere.",
        "Ce paiement n'a pas fonctionné. Choisissez-en un autre.",
    ),
    "customer": Kind(
        422,
        "Please log in again.",
        "Bitte melden Sie sich noch einmal an.",
        "Veuillez vous reconnecter.",
    ),
    "incomplete": Kind(
        409,
        "Something is still missing before you can order.",
        "Vor der Bestellung fehlt noch etwas.",
        "Il manque encore quelque chose avant de commander.",
    ),
    "cart-changed": Kind(
        409,
        "Something has changed. Please look again before you order.",
        "Es hat sich etwas geändert. Bitte schauen Sie noch einmal, bevor Sie bestellen.",
        "Quelque chose a changé. Vérifiez avant de commander.",
    ),
    "ordered": Kind(
        409,
        "This cart has already become an order.",
        "Dieser Warenkorb ist schon bestellt.",
        "Ce panier a déjà été commandé.",
    ),
    "no-order": Kind(
        404,
        "This cart has not become an order yet.",
        "Dieser Warenkorb ist noch nicht bestellt.",
        "Ce panier n'a pas encore été commandé.",
    ),
    "refused": Kind(
        409,
        "The shop does not take this.",
        "Der Shop nimmt das nicht an.",
        "La boutique n'accepte pas cela.",
    ),
    "busy": Kind(
        409,
        "The cart is being changed. Please try again.",
        "Der Warenkorb wird gerade geändert. Bitte noch einmal versuchen.",
        "Le panier est en cours de modification. Réessayez.",
    ),
    "outcome-unknown": Kind(
        503,
        "The shop did not answer in time. Please try again.",
        "Der Shop hat nicht rechtzeitig geantwortet. Bitte noch einmal versuchen.",
        "La boutique n'a pas répondu à temps. Réessayez.",
    ),
    "engine-away": Kind(
        503,
        "The shop cannot be reached at the moment. Please try again soon.",
        "Der Shop ist gerade nicht erreichbar. Bitte versuchen Sie es bald noch einmal.",
        "La boutique est injoignable pour le moment. Réessayez bientôt.",
    ),
    "unavailable": Kind(
        503,
        "This does not work at the moment. Please try again soon.",
        "Das geht gerade nicht. Bitte versuchen Sie es bald noch einmal.",
        "Cela ne fonctionne pas pour le moment. Réessayez bientôt.",
    ),
}
