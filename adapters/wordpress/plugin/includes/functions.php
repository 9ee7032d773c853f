<?php
/**
 * The functions that scripts and themes may call.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Pairs this site anew: older secrets stop holding. For scripts that load wp-load.php.
 *
 * @return string The secret to give to the daemon.
 */
function commerce_connector_pair() {
	Commerce_Connector_Setup::activate();
	return Commerce_Connector_Secrets::pair();
}

/**
 * What a theme's template `commerce-connector/product.php` can show of a product.
 *
 * @param int $post_id The product's page; 0: the current one.
 * @return array|null Null where the post is no product of a backend.
 */
function commerce_connector_product( $post_id = 0 ) {
	return Commerce_Connector_View::product( $post_id ? $post_id : get_the_ID() );
}

/**
 * The markup of one part of the shop, for themes.
 *
 * @param string $name price, stock, buy, card, grid, cart, mini_cart or checkout.
 * @param array  $wish product (post id) or sku, and what grids take.
 * @return string HTML, escaped.
 */
function commerce_connector_part( $name, array $wish = array() ) {
	return Commerce_Connector_Parts::render( $name, $wish );
}
