<?php
/**
 * Address, shipping, payment and order, for the page with the checkout.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'checkout', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
