<?php
/**
 * Products of a category or a search, page by page.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

echo Commerce_Connector_Blocks::render( 'grid', $attributes, $block ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape.
