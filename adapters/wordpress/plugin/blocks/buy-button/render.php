<?php
/**
 * Puts a product into the cart.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'buy', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
