<?php
/**
 * A button that opens the cart, for the header.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'mini_cart', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
