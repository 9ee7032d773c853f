<?php
/**
 * What editors read of the blocks, in German: given to the editor's script too.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

return array(
	'domain'       => 'commerce-connector',
	'language'     => 'de',
	'plural-forms' => 'nplurals=2; plural=n != 1;',
	'messages'     => array(
		'Product' => 'Produkt',
		'Type a title or a SKU. Empty: the product whose page this is.' => 'Titel oder Artikelnummer eintippen. Leer: das Produkt, dessen Seite dies ist.',
		'Categories' => 'Kategorien',
		'Tags' => 'Schlagwörter',
		'Words' => 'Suchwörter',
		'Order by' => 'Sortieren nach',
		'Newest first' => 'Neueste zuerst',
		'Last changed first' => 'Zuletzt geänderte zuerst',
		'Title' => 'Titel',
		'Cheapest first' => 'Günstigste zuerst',
		'Dearest first' => 'Teuerste zuerst',
		'Products on a page' => 'Produkte auf einer Seite',
		'Columns' => 'Spalten',
		'Further pages' => 'Weitere Seiten',
		'Shop' => 'Shop',
		"block title\4Buy button" => 'Kaufen-Schaltfläche',
		"block title\4Cart" => 'Warenkorb',
		"block title\4Checkout" => 'Kasse',
		"block title\4Mini cart" => 'Kleiner Warenkorb',
		"block title\4Product price" => 'Produktpreis',
		"block title\4Product card" => 'Produktkarte',
		"block title\4Product grid" => 'Produktraster',
		"block description\4Puts a product into the cart." => 'Legt ein Produkt in den Warenkorb.',
		"block description\4What the shopper has chosen, for the page with the cart." => 'Was gewählt ist, für die Seite mit dem Warenkorb.',
		"block description\4Address, shipping, payment and order, for the page with the checkout." => 'Adresse, Versand, Zahlung und Bestellung, für die Seite mit der Kasse.',
		"block description\4A button that opens the cart, for the header." => 'Eine Schaltfläche, die den Warenkorb öffnet, für den Kopf der Seite.',
		"block description\4The price of a product, as the shop says it now." => 'Der Preis eines Produkts, wie ihn der Shop jetzt nennt.',
		"block description\4A product with picture, price and button." => 'Ein Produkt mit Bild, Preis und Schaltfläche.',
		"block description\4Products of a category or a search, page by page." => 'Produkte einer Kategorie oder einer Suche, Seite für Seite.',
		"block keyword\4shop" => 'shop',
		"block keyword\4add to cart" => 'in den warenkorb',
		"block keyword\4basket" => 'einkaufskorb',
		"block keyword\4order" => 'bestellung',
		"block keyword\4amount" => 'betrag',
		"block keyword\4teaser" => 'anreißer',
		"block keyword\4list" => 'liste',
		"block keyword\4catalogue" => 'katalog',
	),
);
