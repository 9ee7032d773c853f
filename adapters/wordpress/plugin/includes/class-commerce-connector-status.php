<?php
/**
 * What editors should see beside a product, as the daemon says it.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Status notes.
 */
final class Commerce_Connector_Status {

	/**
	 * Keeps the notes of subjects that the site has.
	 *
	 * @param object[] $items By subject key; each with note.
	 * @return int How many were kept.
	 */
	public static function write( array $items ) {
		$table = Commerce_Connector_Tables::name( 'bindings' );
		$rows  = array();
		foreach ( Commerce_Connector_Stored::bindings( array_keys( $items ) ) as $key => $row ) {
			$note   = Commerce_Connector_Stored::json( $items[ $key ]->note );
			$rows[] = array( $key, $row['backend'], $row['kind'], $row['backend_id'], (int) $row['object_id'], $row['hashes'], $row['bases'], $note );
		}
		Commerce_Connector_Sql::insert( $table, array( 'subject_key', 'backend', 'kind', 'backend_id', 'object_id', 'hashes', 'bases', 'status' ), $rows, array( 'status' ) );
		return count( $rows );
	}
}
