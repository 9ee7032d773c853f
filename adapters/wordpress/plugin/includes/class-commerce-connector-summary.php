<?php
/**
 * How it stands with each backend as a whole, as the daemon says it.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * One summary a backend, with the time of its coming.
 */
final class Commerce_Connector_Summary {

	const OPTION         = 'commerce_connector_summaries';
	const SILENT_SECONDS = 300;

	/**
	 * Keeps a summary.
	 *
	 * @param string $backend Backend.
	 * @param object $summary As sent.
	 */
	public static function write( $backend, $summary ) {
		$all             = (array) get_option( self::OPTION, array() );
		$all[ $backend ] = array(
			'came_at' => time(),
			'json'    => Commerce_Connector_Stored::json( $summary ),
		);
		update_option( self::OPTION, $all, false );
	}

	/**
	 * Every summary, each with came_at.
	 *
	 * @return array[] By backend.
	 */
	public static function all() {
		$found = array();
		foreach ( (array) get_option( self::OPTION, array() ) as $backend => $kept ) {
			$summary = json_decode( $kept['json'], true );
			if ( is_array( $summary ) ) {
				$found[ $backend ] = array( 'came_at' => (int) $kept['came_at'] ) + $summary;
			}
		}
		return $found;
	}

	/**
	 * The summary of one backend; null: none ever came.
	 *
	 * @param string $backend Backend.
	 * @return array|null
	 */
	public static function of( $backend ) {
		$all = self::all();
		return isset( $all[ $backend ] ) ? $all[ $backend ] : null;
	}

	/**
	 * Whether nobody seems to work for this site.
	 *
	 * @param array|null $summary As of() gives.
	 * @return bool
	 */
	public static function is_silent( $summary ) {
		return ! $summary || time() - $summary['came_at'] > self::SILENT_SECONDS;
	}
}
