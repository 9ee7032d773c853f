<?php
/**
 * What the site holds: ids and hashes by page, and stored values with their bases.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Listings for the daemon.
 */
final class Commerce_Connector_Inventory {

	/**
	 * One keyset page of everything bound to a backend.
	 *
	 * @param string $backend Backend.
	 * @param string $kind    product or category.
	 * @param int    $after   Binding after which to go on.
	 * @param int    $limit   Rows.
	 * @return array items and next.
	 */
	public static function page( $backend, $kind, $after, $limit ) {
		$rows  = Commerce_Connector_Sql::rows(
			'SELECT id, subject_key, backend_id, object_id, retired, hashes FROM ' . Commerce_Connector_Tables::name( 'bindings' )
			. ' WHERE backend = ' . Commerce_Connector_Sql::literal( $backend ) . ' AND kind = ' . Commerce_Connector_Sql::literal( $kind )
			. ' AND id > ' . (int) $after . ' ORDER BY id LIMIT ' . (int) $limit
		);
		$items = 'product' === $kind ? self::products( $backend, $rows ) : self::categories( $rows );
		$last  = end( $rows );
		return array(
			'items' => $items,
			'next'  => count( $rows ) === $limit ? (string) $last['id'] : null,
		);
	}

	/**
	 * Stored values and bases of subjects.
	 *
	 * @param string   $backend Backend.
	 * @param string   $kind    product or category.
	 * @param string[] $ids     The backend's ids.
	 * @return array[]
	 */
	public static function documents( $backend, $kind, array $ids ) {
		$keys = array();
		foreach ( $ids as $id ) {
			$keys[] = Commerce_Connector_Tables::subject_key( $backend, $kind, $id );
		}
		$bound     = Commerce_Connector_Stored::bindings( $keys );
		$stored    = self::stored( $backend, $kind, $bound );
		$documents = array();
		foreach ( $bound as $row ) {
			$have = isset( $stored[ (int) $row['object_id'] ] ) ? $stored[ (int) $row['object_id'] ] : null;
			if ( ! $have ) {
				continue;
			}
			$values = array();
			$fields = self::fields( $row );
			foreach ( $fields as $field ) {
				$values[ $field ] = self::value( $kind, $field, $have['raw'] );
			}
			$documents[] = array(
				'kind'   => $kind,
				'id'     => $row['backend_id'],
				'cms_id' => (string) $row['object_id'],
				'values' => (object) $values,
				'hashes' => (object) Commerce_Connector_Stored::hashes( $have['raw'], $fields ),
				'bases'  => (object) array_intersect_key( get_object_vars( json_decode( $row['bases'] ) ), array_flip( $fields ) ),
				'noted'  => (object) json_decode( $row['hashes'], true ),
				'note'   => (object) json_decode( $row['status'], true ),
				'live'   => ! isset( $have['status'] ) || 'publish' === $have['status'],
			);
		}
		return $documents;
	}

	/**
	 * Products of a page.
	 *
	 * @param string  $backend Backend.
	 * @param array[] $rows    Bindings.
	 * @return array[]
	 */
	private static function products( $backend, array $rows ) {
		$stored = Commerce_Connector_Stored::products( $backend, array_column( $rows, 'object_id' ) );
		$offers = Commerce_Connector_Offers::stored( array_column( $rows, 'subject_key' ) );
		_prime_post_caches( array_map( 'intval', array_column( $rows, 'object_id' ) ), false, false );
		$items = array();
		foreach ( $rows as $row ) {
			$id = (int) $row['object_id'];
			if ( ! isset( $stored[ $id ] ) ) {
				continue;
			}
			$key              = $row['subject_key'];
			$hashes           = Commerce_Connector_Stored::hashes( $stored[ $id ]['raw'], self::fields( $row ) );
			$hashes['offers'] = Commerce_Connector_Offers::hash( isset( $offers[ $key ] ) ? $offers[ $key ] : array() );
			$items[]          = self::held( 'product', $row, 'publish' === $stored[ $id ]['status'], $hashes, get_permalink( $id ) );
		}
		return $items;
	}

	/**
	 * Categories of a page.
	 *
	 * @param array[] $rows Bindings.
	 * @return array[]
	 */
	private static function categories( array $rows ) {
		$stored = Commerce_Connector_Stored::categories( array_column( $rows, 'object_id' ) );
		$items  = array();
		foreach ( $rows as $row ) {
			$id = (int) $row['object_id'];
			if ( isset( $stored[ $id ] ) ) {
				$link    = get_term_link( $id, Commerce_Connector_Types::CATEGORY );
				$hashes  = Commerce_Connector_Stored::hashes( $stored[ $id ]['raw'], self::fields( $row ) );
				$items[] = self::held( 'category', $row, ! (int) $row['retired'], $hashes, is_wp_error( $link ) ? null : $link );
			}
		}
		return $items;
	}

	/**
	 * One thing held.
	 *
	 * @param string      $kind   Kind.
	 * @param array       $row    Binding.
	 * @param bool        $live   Whether visitors see it.
	 * @param array       $hashes Field to hash.
	 * @param string|null $url    Address.
	 * @return array
	 */
	private static function held( $kind, array $row, $live, array $hashes, $url ) {
		return array(
			'kind'    => $kind,
			'id'      => $row['backend_id'],
			'cms_id'  => (string) $row['object_id'],
			'live'    => $live,
			'retired' => (bool) (int) $row['retired'],
			'hashes'  => (object) $hashes,
			'url'     => $url,
		);
	}

	/**
	 * The fields that were ever written of a subject.
	 *
	 * @param array $row Binding.
	 * @return string[]
	 */
	private static function fields( array $row ) {
		return array_map( 'strval', array_keys( json_decode( $row['hashes'], true ) ) );
	}

	/**
	 * Stored values of bindings.
	 *
	 * @param string  $backend Backend.
	 * @param string  $kind    Kind.
	 * @param array[] $bound   Bindings.
	 * @return array[]
	 */
	private static function stored( $backend, $kind, array $bound ) {
		$ids = array_column( $bound, 'object_id' );
		return 'product' === $kind ? Commerce_Connector_Stored::products( $backend, $ids ) : Commerce_Connector_Stored::categories( $ids );
	}

	/**
	 * A raw value as JSON says it.
	 *
	 * @param string $kind  Kind.
	 * @param string $field Field.
	 * @param array  $raw   Raw values.
	 * @return mixed
	 */
	public static function value( $kind, $field, array $raw ) {
		if ( ! isset( $raw[ $field ] ) ) {
			return null;
		}
		if ( 'category' === $kind ) {
			$special = array(
				'rank'   => (int) $raw['rank'],
				'parent' => '' === $raw['parent'] ? null : $raw['parent'],
			);
			return array_key_exists( $field, $special ) ? $special[ $field ] : $raw[ $field ];
		}
		return isset( Commerce_Connector_Stored::COLUMNS[ $field ] ) ? $raw[ $field ] : json_decode( $raw[ $field ] );
	}
}
