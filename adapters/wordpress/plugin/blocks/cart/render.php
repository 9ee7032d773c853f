<?php
/**
 * What the shopper has chosen, for the page with the cart.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'cart', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
