<?php
/**
 * A product with picture, price and button.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'card', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
