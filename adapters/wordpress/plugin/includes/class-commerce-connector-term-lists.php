<?php
/**
 * Which categories and tags posts have, written for many posts by few statements.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Categories and tags of a batch of pages.
 */
final class Commerce_Connector_Term_Lists {

	/**
	 * The backend's id of a category to array( term_id, tt_id ).
	 *
	 * @var array[]
	 */
	private $categories;

	/**
	 * Name of a tag as stored, to array( term_id, tt_id ).
	 *
	 * @var array[]
	 */
	private $tags;

	/**
	 * Looks all of them up, and makes the tags that are missing.
	 *
	 * @param string   $backend    Backend.
	 * @param string[] $categories The backend's ids.
	 * @param string[] $tags       Names.
	 */
	public function __construct( $backend, array $categories, array $tags ) {
		$this->categories = self::bound( $backend, $categories );
		$this->tags       = self::existing_tags( $tags );
		foreach ( $tags as $tag ) {
			$this->make_tag( $tag );
		}
	}

	/**
	 * Those of the names that are no tags yet.
	 *
	 * @param string[] $names Names.
	 * @return string[]
	 */
	public static function unknown_tags( array $names ) {
		$known = self::existing_tags( $names );
		return array_filter(
			$names,
			function ( $name ) use ( $known ) {
				return ! isset( $known[ self::folded( $name ) ] );
			}
		);
	}

	/**
	 * Those of the categories that the site does not have.
	 *
	 * @param string[] $ids The backend's ids.
	 * @return string[]
	 */
	public function missing( array $ids ) {
		return array_values( array_diff( $ids, array_map( 'strval', array_keys( $this->categories ) ) ) );
	}

	/**
	 * Gives the pages the categories and tags that they should have.
	 *
	 * @param array[] $pages Pages with ids and the fields to write.
	 */
	public function save( array $pages ) {
		global $wpdb;
		$there = array_filter( array_column( $pages, 'have', 'id' ) );
		$have  = $this->relations( array_keys( $there ) );
		$rows  = array();
		foreach ( $pages as $page ) {
			$id = $page['id'];
			foreach ( $this->wanted( $page['write'] ) as $taxonomy => $terms ) {
				$old    = isset( $have[ $id ][ $taxonomy ] ) ? $have[ $id ][ $taxonomy ] : array();
				$ours   = Commerce_Connector_Types::TAG === $taxonomy ? $old : array_filter( $old, array( $this, 'is_bound' ) );
				$wanted = array_column( $terms, 'tt_id' );
				$added  = array_values( array_diff( $wanted, array_column( $old, 'tt_id' ) ) );
				$gone   = array_values( array_diff( array_column( $ours, 'tt_id' ), $wanted ) );
				foreach ( $added as $tt_id ) {
					$rows[] = array( $id, $tt_id, 0 );
				}
				if ( $gone ) {
					Commerce_Connector_Sql::run( "DELETE FROM {$wpdb->term_relationships} WHERE object_id = " . (int) $id . ' AND term_taxonomy_id IN (' . Commerce_Connector_Sql::in( $gone ) . ')' );
				}
				if ( $added || $gone ) {
					wp_cache_delete( $id, $taxonomy . '_relationships' );
					wp_update_term_count( array_merge( $added, $gone ), $taxonomy );
					/** This action is documented in wp-includes/taxonomy.php */
					do_action( 'set_object_terms', $id, array_column( $terms, 'term_id' ), $wanted, $taxonomy, false, array_column( $old, 'tt_id' ) ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals
				}
			}
		}
		Commerce_Connector_Sql::insert( $wpdb->term_relationships, array( 'object_id', 'term_taxonomy_id', 'term_order' ), $rows, array( 'term_order' ) );
	}

	/**
	 * The terms that a document asks for, of the taxonomies that it speaks of.
	 *
	 * @param array $fields Fields to write.
	 * @return array[] Taxonomy to terms.
	 */
	private function wanted( array $fields ) {
		$wanted = array();
		if ( isset( $fields['categories'] ) ) {
			$wanted[ Commerce_Connector_Types::CATEGORY ] = array_values( array_intersect_key( $this->categories, array_flip( $fields['categories'] ) ) );
		}
		if ( isset( $fields['tags'] ) ) {
			$wanted[ Commerce_Connector_Types::TAG ] = array_values( array_intersect_key( $this->tags, array_flip( array_map( array( __CLASS__, 'folded' ), $fields['tags'] ) ) ) );
		}
		return $wanted;
	}

	/**
	 * Whether a term on a post is a category of a backend (others are the editors').
	 *
	 * @param array $term With bound.
	 * @return bool
	 */
	private function is_bound( array $term ) {
		return (bool) $term['bound'];
	}

	/**
	 * The terms that posts have now.
	 *
	 * @param int[] $ids Posts.
	 * @return array[] Post id to taxonomy to terms.
	 */
	private function relations( array $ids ) {
		global $wpdb;
		$have     = array();
		$bindings = Commerce_Connector_Tables::name( 'bindings' );
		if ( $ids ) {
			foreach ( Commerce_Connector_Sql::rows(
				"SELECT tr.object_id, tr.term_taxonomy_id AS tt_id, tt.term_id, tt.taxonomy, b.id AS bound FROM {$wpdb->term_relationships} tr
				INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_taxonomy_id = tr.term_taxonomy_id
				LEFT JOIN $bindings b ON b.kind = 'category' AND b.object_id = tt.term_id
				WHERE tr.object_id IN (" . Commerce_Connector_Sql::in( $ids ) . ')'
			) as $row ) {
				$row['tt_id']                                        = (int) $row['tt_id'];
				$have[ (int) $row['object_id'] ][ $row['taxonomy'] ][] = $row;
			}
		}
		return $have;
	}

	/**
	 * Categories by the backend's ids.
	 *
	 * @param string   $backend Backend.
	 * @param string[] $ids     The backend's ids.
	 * @return array[]
	 */
	private static function bound( $backend, array $ids ) {
		global $wpdb;
		$found = array();
		$keys  = array();
		foreach ( $ids as $id ) {
			$keys[] = Commerce_Connector_Tables::subject_key( $backend, 'category', $id );
		}
		if ( $keys ) {
			$bindings = Commerce_Connector_Tables::name( 'bindings' );
			foreach ( Commerce_Connector_Sql::rows( "SELECT b.backend_id, tt.term_id, tt.term_taxonomy_id FROM $bindings b INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_id = b.object_id AND tt.taxonomy = 'commerce_category' WHERE b.subject_key IN (" . Commerce_Connector_Sql::in( $keys ) . ')' ) as $row ) {
				$found[ $row['backend_id'] ] = array(
					'term_id' => (int) $row['term_id'],
					'tt_id'   => (int) $row['term_taxonomy_id'],
				);
			}
		}
		return $found;
	}

	/**
	 * Tags that are there, by folded name.
	 *
	 * @param string[] $names Names.
	 * @return array[]
	 */
	private static function existing_tags( array $names ) {
		global $wpdb;
		$found = array();
		if ( $names ) {
			$stored = array_map( array( __CLASS__, 'as_stored' ), $names );
			foreach ( Commerce_Connector_Sql::rows( "SELECT t.name, tt.term_id, tt.term_taxonomy_id FROM {$wpdb->terms} t INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_id = t.term_id WHERE tt.taxonomy = 'commerce_tag' AND t.name IN (" . Commerce_Connector_Sql::in( $stored ) . ')' ) as $row ) {
				$found[ mb_strtolower( $row['name'] ) ] = array(
					'term_id' => (int) $row['term_id'],
					'tt_id'   => (int) $row['term_taxonomy_id'],
				);
			}
		}
		return $found;
	}

	/**
	 * Makes a tag that is not there. Tags that differ in case alone are one tag to WordPress.
	 *
	 * @param string $name Name.
	 */
	private function make_tag( $name ) {
		$folded = self::folded( $name );
		if ( '' === $folded || isset( $this->tags[ $folded ] ) ) {
			return;
		}
		$made = wp_insert_term( wp_slash( $name ), Commerce_Connector_Types::TAG );
		if ( is_wp_error( $made ) && (int) $made->get_error_data( 'term_exists' ) ) {
			$term = get_term( (int) $made->get_error_data( 'term_exists' ), Commerce_Connector_Types::TAG );
			$made = get_object_vars( $term );
		}
		if ( ! is_wp_error( $made ) ) {
			$this->tags[ $folded ] = array(
				'term_id' => (int) $made['term_id'],
				'tt_id'   => (int) $made['term_taxonomy_id'],
			);
		}
	}

	/**
	 * A name as WordPress stores it.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function as_stored( $name ) {
		return wp_unslash( sanitize_term_field( 'name', wp_slash( $name ), 0, Commerce_Connector_Types::TAG, 'db' ) );
	}

	/**
	 * A name by which tags are told apart.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function folded( $name ) {
		return mb_strtolower( self::as_stored( $name ) );
	}
}
