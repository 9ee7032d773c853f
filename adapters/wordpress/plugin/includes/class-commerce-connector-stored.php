<?php
/**
 * What stands in the database right now, field by field, and its hashes.
 *
 * Reads past object caches, so that receipts, comparisons and the inventory speak of the same bytes.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Raw stored values.
 */
final class Commerce_Connector_Stored {

	const COLUMNS = array(
		'title'       => 'post_title',
		'subtitle'    => 'post_excerpt',
		'description' => 'post_content',
		'slug'        => 'post_name',
	);
	const META    = '_cc_';

	/**
	 * The fingerprint of a raw value: 16 hex digits, or "" where nothing is stored.
	 *
	 * @param string|null $raw As stored.
	 * @return string
	 */
	public static function hash( $raw ) {
		return null === $raw ? '' : substr( hash( 'sha256', $raw ), 0, 16 );
	}

	/**
	 * The fingerprints of some fields.
	 *
	 * @param array    $raw    Field to raw value.
	 * @param string[] $fields Which.
	 * @return array Field to hash.
	 */
	public static function hashes( array $raw, array $fields ) {
		$hashes = array();
		foreach ( $fields as $field ) {
			$hashes[ $field ] = self::hash( isset( $raw[ $field ] ) ? $raw[ $field ] : null );
		}
		return $hashes;
	}

	/**
	 * JSON in ASCII, so that old database charsets take it and equal values are equal bytes.
	 *
	 * @param mixed $value Plain value.
	 * @return string
	 */
	public static function json( $value ) {
		return wp_json_encode( $value, JSON_UNESCAPED_SLASHES );
	}

	/**
	 * Bindings of subjects.
	 *
	 * @param string[] $keys Subject keys.
	 * @return array[] Subject key to row.
	 */
	public static function bindings( array $keys ) {
		if ( ! $keys ) {
			return array();
		}
		$rows = Commerce_Connector_Sql::rows( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . ' WHERE subject_key IN (' . Commerce_Connector_Sql::in( $keys ) . ')' );
		return array_column( $rows, null, 'subject_key' );
	}

	/**
	 * Posts or terms of subjects, without what else bindings hold.
	 *
	 * @param string[] $keys Subject keys.
	 * @return string[] Subject key to id.
	 */
	public static function object_ids( array $keys ) {
		if ( ! $keys ) {
			return array();
		}
		$rows = Commerce_Connector_Sql::rows( 'SELECT subject_key, object_id FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . ' WHERE subject_key IN (' . Commerce_Connector_Sql::in( $keys ) . ')' );
		return array_column( $rows, 'object_id', 'subject_key' );
	}

	/**
	 * Posts with all field values.
	 *
	 * @param string $backend Whose categories count.
	 * @param int[]  $ids     Posts.
	 * @return array[] Post id to array( status, raw ). Posts that are not there are missing.
	 */
	public static function products( $backend, array $ids ) {
		global $wpdb;
		if ( ! $ids ) {
			return array();
		}
		$in     = Commerce_Connector_Sql::in( array_map( 'intval', $ids ) );
		$stored = array();
		foreach ( Commerce_Connector_Sql::rows( "SELECT ID, post_status, post_title, post_excerpt, post_content, post_name FROM {$wpdb->posts} WHERE ID IN ($in)" ) as $row ) {
			$raw = array();
			foreach ( self::COLUMNS as $field => $column ) {
				$raw[ $field ] = $row[ $column ];
			}
			$stored[ (int) $row['ID'] ] = array(
				'status'    => $row['post_status'],
				'raw'       => $raw,
				'meta_ids'  => array(),
				'thumbnail' => 0,
			);
		}
		self::add_meta( $stored, $in );
		self::add_terms( $stored, $backend, $in );
		return $stored;
	}

	/**
	 * Adds the fields that are kept as post meta.
	 *
	 * @param array[] $stored As products() gives.
	 * @param string  $in     Post ids as SQL.
	 */
	private static function add_meta( array &$stored, $in ) {
		global $wpdb;
		$rows = Commerce_Connector_Sql::rows( "SELECT meta_id, post_id, meta_key, meta_value FROM {$wpdb->postmeta} WHERE post_id IN ($in) AND (meta_key LIKE '\\_cc\\_%' OR meta_key = '_thumbnail_id')" );
		foreach ( $rows as $row ) {
			if ( ! isset( $stored[ (int) $row['post_id'] ] ) ) {
				continue;
			}
			$post  = &$stored[ (int) $row['post_id'] ];
			$field = substr( $row['meta_key'], strlen( self::META ) );
			if ( '_thumbnail_id' === $row['meta_key'] ) {
				$post['thumbnail'] = (int) $row['meta_value'];
			} else {
				$post['raw'][ $field ] = $row['meta_value'];
			}
			$post['meta_ids'][ $row['meta_key'] ] = (int) $row['meta_id'];
			unset( $post );
		}
	}

	/**
	 * Adds categories (the backend's ids of bound terms) and tags (names), both sorted.
	 *
	 * @param array[] $stored  As products() gives.
	 * @param string  $backend Backend.
	 * @param string  $in      Post ids as SQL.
	 */
	private static function add_terms( array &$stored, $backend, $in ) {
		global $wpdb;
		$bindings = Commerce_Connector_Tables::name( 'bindings' );
		$lists    = array_fill_keys(
			array_keys( $stored ),
			array(
				'categories' => array(),
				'tags'       => array(),
			)
		);
		$rows     = Commerce_Connector_Sql::rows(
			"SELECT tr.object_id, tt.taxonomy, t.name, b.backend_id, b.backend FROM {$wpdb->term_relationships} tr
			INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_taxonomy_id = tr.term_taxonomy_id
			INNER JOIN {$wpdb->terms} t ON t.term_id = tt.term_id
			LEFT JOIN $bindings b ON b.kind = 'category' AND b.object_id = tt.term_id
			WHERE tr.object_id IN ($in) AND tt.taxonomy IN ('commerce_category', 'commerce_tag')"
		);
		foreach ( $rows as $row ) {
			if ( Commerce_Connector_Types::TAG === $row['taxonomy'] ) {
				$lists[ (int) $row['object_id'] ]['tags'][] = $row['name'];
			} elseif ( $row['backend'] === $backend ) {
				$lists[ (int) $row['object_id'] ]['categories'][] = $row['backend_id'];
			}
		}
		foreach ( array_keys( $stored ) as $id ) {
			foreach ( $lists[ $id ] as $field => $names ) {
				sort( $names, SORT_STRING );
				$stored[ $id ]['raw'][ $field ] = self::json( $names );
			}
		}
	}

	/**
	 * Terms with all field values.
	 *
	 * @param int[] $ids Terms of the category taxonomy.
	 * @return array[] Term id to array( raw, parent ).
	 */
	public static function categories( array $ids ) {
		global $wpdb;
		if ( ! $ids ) {
			return array();
		}
		$in       = Commerce_Connector_Sql::in( array_map( 'intval', $ids ) );
		$bindings = Commerce_Connector_Tables::name( 'bindings' );
		$rows     = Commerce_Connector_Sql::rows(
			"SELECT t.term_id, t.name, tt.description, tt.parent, b.backend_id, m.meta_value AS place FROM {$wpdb->terms} t
			INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_id = t.term_id AND tt.taxonomy = 'commerce_category'
			LEFT JOIN $bindings b ON b.kind = 'category' AND b.object_id = tt.parent AND tt.parent > 0
			LEFT JOIN {$wpdb->termmeta} m ON m.term_id = t.term_id AND m.meta_key = '_cc_rank'
			WHERE t.term_id IN ($in)"
		);
		$stored   = array();
		foreach ( $rows as $row ) {
			$stored[ (int) $row['term_id'] ] = array(
				'raw' => array(
					'name'        => $row['name'],
					'description' => $row['description'],
					'parent'      => (int) $row['parent'] ? ( null === $row['backend_id'] ? '#' . $row['parent'] : $row['backend_id'] ) : '',
					'rank'        => (string) $row['place'],
				),
			);
		}
		return $stored;
	}
}
