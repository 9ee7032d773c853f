<?php
/**
 * What editors read of the blocks, in French: given to the editor's script too.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

return array(
	'domain'       => 'commerce-connector',
	'language'     => 'fr',
	'plural-forms' => 'nplurals=2; plural=n > 1;',
	'messages'     => array(
		'Product' => 'Produit',
		'Type a title or a SKU. Empty: the product whose page this is.' => 'Tapez un titre ou une référence. Vide : le produit dont c’est la page.',
		'Categories' => 'Catégories',
		'Tags' => 'Étiquettes',
		'Words' => 'Mots recherchés',
		'Order by' => 'Trier par',
		'Newest first' => 'Les plus récents d’abord',
		'Last changed first' => 'Les derniers modifiés d’abord',
		'Title' => 'Titre',
		'Cheapest first' => 'Les moins chers d’abord',
		'Dearest first' => 'Les plus chers d’abord',
		'Products on a page' => 'Produits par page',
		'Columns' => 'Colonnes',
		'Further pages' => 'Pages suivantes',
		'Shop' => 'Boutique',
		"block title\4Buy button" => 'Bouton d’achat',
		"block title\4Cart" => 'Panier',
		"block title\4Checkout" => 'Commande',
		"block title\4Mini cart" => 'Mini-panier',
		"block title\4Product price" => 'Prix du produit',
		"block title\4Product card" => 'Fiche produit',
		"block title\4Product grid" => 'Grille de produits',
		"block description\4Puts a product into the cart." => 'Met un produit dans le panier.',
		"block description\4What the shopper has chosen, for the page with the cart." => 'Ce qui a été choisi, pour la page du panier.',
		"block description\4Address, shipping, payment and order, for the page with the checkout." => 'Adresse, livraison, paiement et commande, pour la page de commande.',
		"block description\4A button that opens the cart, for the header." => 'Un bouton qui ouvre le panier, pour l’en-tête.',
		"block description\4The price of a product, as the shop says it now." => 'Le prix d’un produit, tel que la boutique l’indique maintenant.',
		"block description\4A product with picture, price and button." => 'Un produit avec image, prix et bouton.',
		"block description\4Products of a category or a search, page by page." => 'Les produits d’une catégorie ou d’une recherche, page par page.',
		"block keyword\4shop" => 'boutique',
		"block keyword\4add to cart" => 'ajouter au panier',
		"block keyword\4basket" => 'panier',
		"block keyword\4order" => 'commande',
		"block keyword\4amount" => 'montant',
		"block keyword\4teaser" => 'accroche',
		"block keyword\4list" => 'liste',
		"block keyword\4catalogue" => 'catalogue',
	),
);
