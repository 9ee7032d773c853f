<?php
/**
 * Plugin Name: Commerce Connector before Varnish
 * Description: Takes pages out of Varnish when a product's price, stock or text changed.
 *
 * Goes into wp-content/mu-plugins. COMMERCE_CONNECTOR_VARNISH in wp-config.php says where Varnish is,
 * like http://127.0.0.1:80; without it the site's own address is asked.
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

add_action(
	'clean_post_cache',
	static function ( $id ) {
		static $done = array();
		$address     = (string) get_permalink( $id );
		if ( '' === $address || isset( $done[ $address ] ) || 'publish' !== get_post_status( $id ) ) {
			return;
		}
		$done[ $address ] = true;
		$home             = wp_parse_url( home_url() );
		$host             = $home['host'] . ( isset( $home['port'] ) ? ':' . $home['port'] : '' );
		$varnish          = defined( 'COMMERCE_CONNECTOR_VARNISH' ) ? COMMERCE_CONNECTOR_VARNISH : $home['scheme'] . '://' . $host;
		wp_remote_request(
			$varnish . (string) wp_parse_url( $address, PHP_URL_PATH ),
			array(
				'method'   => 'PURGE',
				'headers'  => array( 'Host' => $host ),
				'timeout'  => 1,
				'blocking' => false,
			)
		);
	}
);
