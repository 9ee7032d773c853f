<?php
/**
 * Which versions of the site API this plugin and a daemon have in common. Pure.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Versions of the site API.
 */
final class Commerce_Connector_Versions {

	/**
	 * Header of a request: the versions that the daemon speaks, parted by commas.
	 */
	const HEADER = 'commerce_connector_api';

	/**
	 * The versions that this plugin speaks.
	 */
	const SPOKEN = array( 1 );

	/**
	 * Why a daemon cannot be served, and the fix; "" where it can.
	 *
	 * @param string $offered The header; "" says 1.
	 * @return string
	 */
	public static function misfit( $offered ) {
		$theirs = array_map( 'intval', explode( ',', '' === $offered ? '1' : substr( $offered, 0, 100 ) ) );
		if ( array_intersect( self::SPOKEN, $theirs ) ) {
			return '';
		}
		$fix = max( $theirs ) < min( self::SPOKEN ) ? 'The connector is too old for this plugin: update the connector' : 'This plugin is too old for the connector: install the one that `connector plugin build` makes';
		return sprintf( '%s (the connector speaks version %s of the site API, the plugin version %s).', $fix, implode( ', ', $theirs ), implode( ', ', self::SPOKEN ) );
	}
}
