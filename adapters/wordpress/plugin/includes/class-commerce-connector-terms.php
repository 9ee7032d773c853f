<?php
/**
 * Categories of a backend as terms: made, renamed, moved.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Writes categories.
 */
final class Commerce_Connector_Terms {

	const FIELDS = array( 'name', 'description', 'parent', 'rank' );

	/**
	 * Name of the backend.
	 *
	 * @var string
	 */
	private $backend;

	/**
	 * A writer for one request.
	 *
	 * @param string $backend Backend.
	 */
	public function __construct( $backend ) {
		$this->backend = $backend;
	}

	/**
	 * One request at a time makes terms: WordPress does not keep their slugs unique.
	 *
	 * @return string[]
	 */
	public function extra_locks() {
		return array( Commerce_Connector_Tables::subject_key( '', 'lock', 'terms' ) );
	}

	/**
	 * Writes the terms in order, so that a parent may stand earlier in the batch.
	 *
	 * @param object[] $items By subject key.
	 * @return array[] Receipts by subject key.
	 */
	public function apply( array $items ) {
		$bound    = $this->bound( $items );
		$receipts = array();
		$rows     = array();
		foreach ( $items as $key => $item ) {
			$parent = null === $item->parent ? 0 : $this->term_id( $bound, Commerce_Connector_Tables::subject_key( $this->backend, 'category', $item->parent ) );
			if ( null !== $item->parent && ! $parent ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'retry', array( 'message' => "Parent {$item->parent} is not here yet." ) );
				continue;
			}
			$id = $this->save( $key, $item, $this->term_id( $bound, $key ), $parent );
			update_term_meta( $id, '_cc_rank', $item->rank );
			$bound[ $key ]['object_id'] = $id;
			$rows[ $key ]               = $id;
		}
		return $receipts + $this->confirm( $items, $rows );
	}

	/**
	 * Nothing is left to do: wp_insert_term and wp_update_term clean caches.
	 */
	public function done() {}

	/**
	 * After a rollback: terms are not what caches say.
	 */
	public function undone() {
		wp_cache_set_terms_last_changed();
		delete_option( Commerce_Connector_Types::CATEGORY . '_children' );
	}

	/**
	 * Bindings of the items and of their parents.
	 *
	 * @param object[] $items Items.
	 * @return array[]
	 */
	private function bound( array $items ) {
		$keys = array_keys( $items );
		foreach ( $items as $item ) {
			if ( null !== $item->parent ) {
				$keys[] = Commerce_Connector_Tables::subject_key( $this->backend, 'category', $item->parent );
			}
		}
		return Commerce_Connector_Stored::bindings( array_unique( $keys ) );
	}

	/**
	 * The term of a binding, 0 where there is none (any more).
	 *
	 * @param array[] $bound Bindings.
	 * @param string  $key   Subject key.
	 * @return int
	 */
	private function term_id( array $bound, $key ) {
		$id = isset( $bound[ $key ] ) ? (int) $bound[ $key ]['object_id'] : 0;
		return $id && get_term( $id, Commerce_Connector_Types::CATEGORY ) instanceof WP_Term ? $id : 0;
	}

	/**
	 * Makes or updates one term.
	 *
	 * @param string $key    Subject key.
	 * @param object $item   Item.
	 * @param int    $id     Term, or 0.
	 * @param int    $parent Parent term, or 0.
	 * @return int Term.
	 * @throws Commerce_Connector_Item_Failed Where WordPress refuses it.
	 */
	private function save( $key, $item, $id, $parent ) {
		$args = wp_slash(
			array(
				'description' => $item->description,
				'parent'      => $parent,
			)
		);
		if ( $id ) {
			$done = wp_update_term( $id, Commerce_Connector_Types::CATEGORY, $args + array( 'name' => wp_slash( $item->name ) ) );
		} else {
			$done = $this->make( $item, $args );
		}
		if ( is_wp_error( $done ) ) {
			throw new Commerce_Connector_Item_Failed( $key, $done->get_error_message() );
		}
		return (int) $done['term_id'];
	}

	/**
	 * Makes a term; where its slug is taken among its siblings, the next free one.
	 *
	 * @param object $item Item.
	 * @param array  $args Slashed description and parent.
	 * @return array|WP_Error
	 */
	private function make( $item, array $args ) {
		for ( $number = 1; $number <= 50; $number++ ) {
			$slug = $item->slug . ( $number > 1 ? "-$number" : '' );
			$done = wp_insert_term( wp_slash( $item->name ), Commerce_Connector_Types::CATEGORY, $args + array( 'slug' => $slug ) );
			if ( ! is_wp_error( $done ) || 'term_exists' !== $done->get_error_code() ) {
				return $done;
			}
		}
		return $done;
	}

	/**
	 * Reads back what is stored now, notes it in the bindings, and answers.
	 *
	 * @param object[] $items Items.
	 * @param int[]    $ids   Subject key to term.
	 * @return array[] Receipts by subject key.
	 */
	private function confirm( array $items, array $ids ) {
		$this->bind( $items, $ids, array() );
		$hashes = array();
		foreach ( Commerce_Connector_Stored::categories( array_values( $ids ) ) as $id => $stored ) {
			$hashes[ $id ] = Commerce_Connector_Stored::hashes( $stored['raw'], self::FIELDS );
		}
		$this->bind( $items, $ids, $hashes );
		$receipts = array();
		foreach ( $ids as $key => $id ) {
			$link             = get_term_link( $id, Commerce_Connector_Types::CATEGORY );
			$receipts[ $key ] = Commerce_Connector_Writes::receipt(
				$items[ $key ],
				'done',
				array(
					'cms_id' => (string) $id,
					'url'    => is_wp_error( $link ) ? null : $link,
					'hashes' => $hashes[ $id ],
				)
			);
		}
		return $receipts;
	}

	/**
	 * Writes the bindings: first without hashes, because a parent is known by its binding.
	 *
	 * @param object[] $items  Items.
	 * @param int[]    $ids    Subject key to term.
	 * @param array[]  $hashes Term to hashes, where they are known.
	 */
	private function bind( array $items, array $ids, array $hashes ) {
		$rows = array();
		foreach ( $ids as $key => $id ) {
			$item   = $items[ $key ];
			$bases  = array(
				'name'        => $item->name,
				'description' => $item->description,
				'parent'      => $item->parent,
				'rank'        => $item->rank,
			);
			$have   = isset( $hashes[ $id ] ) ? $hashes[ $id ] : array();
			$rows[] = array( $key, $this->backend, 'category', $item->id, $id, 0, time(), Commerce_Connector_Stored::json( (object) $have ), Commerce_Connector_Stored::json( $bases ), '' );
		}
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'bindings' ), array( 'subject_key', 'backend', 'kind', 'backend_id', 'object_id', 'retired', 'synced_at', 'hashes', 'bases', 'status' ), $rows, array( 'object_id', 'retired', 'synced_at', 'hashes', 'bases' ) );
	}
}
