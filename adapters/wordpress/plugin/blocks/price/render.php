<?php
/**
 * The price of a product, as the shop says it now.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'price', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
