<?php
/**
 * Pages that were here before: found as candidates, and bound to products where a person said so.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Adopts pages.
 */
final class Commerce_Connector_Adopt {

	const TYPES    = array( Commerce_Connector_Types::PRODUCT, 'product', 'page', 'post' );
	const SKUS     = array( '_sku', 'sku' );
	const OLD_PATH = '_commerce_connector_old_path';

	/**
	 * Name of the backend.
	 *
	 * @var string
	 */
	private $backend;

	/**
	 * Posts touched.
	 *
	 * @var int[]
	 */
	private $touched = array();

	/**
	 * A writer for one request.
	 *
	 * @param string $backend Backend.
	 */
	public function __construct( $backend ) {
		$this->backend = $backend;
	}

	/**
	 * One keyset page of posts that are bound to nothing.
	 *
	 * @param string[] $types Post types; none: those that could be products.
	 * @param int      $after Post after which to go on.
	 * @param int      $limit Rows.
	 * @return array items and next.
	 */
	public static function candidates( array $types, $after, $limit ) {
		global $wpdb;
		$in    = Commerce_Connector_Sql::in( $types ? array_values( $types ) : self::TYPES );
		$rows  = Commerce_Connector_Sql::rows(
			"SELECT p.ID, p.post_type, p.post_name, p.post_title FROM {$wpdb->posts} p
			LEFT JOIN " . Commerce_Connector_Tables::name( 'bindings' ) . " b ON b.kind = 'product' AND b.object_id = p.ID
			WHERE b.id IS NULL AND p.ID > " . (int) $after . " AND p.post_type IN ($in) AND p.post_status IN ('publish','draft','pending','private','future')
			ORDER BY p.ID LIMIT " . (int) $limit
		);
		$skus  = self::skus( array_map( 'intval', array_column( $rows, 'ID' ) ) );
		$items = array();
		foreach ( $rows as $row ) {
			$items[] = array(
				'cms_id' => (string) $row['ID'],
				'slug'   => $row['post_name'],
				'title'  => $row['post_title'],
				'skus'   => isset( $skus[ (int) $row['ID'] ] ) ? $skus[ (int) $row['ID'] ] : array(),
				'url'    => (string) get_permalink( (int) $row['ID'] ),
				'type'   => $row['post_type'],
			);
		}
		$last = end( $rows );
		return array(
			'items' => $items,
			'next'  => count( $rows ) === $limit ? (string) $last['ID'] : null,
		);
	}

	/**
	 * Which post stood at an address before it was adopted.
	 *
	 * @param string $address Path, with a query or without.
	 * @return int 0: none.
	 */
	public static function moved_from( $address ) {
		global $wpdb;
		$path = untrailingslashit( (string) wp_parse_url( $address, PHP_URL_PATH ) );
		if ( '' === $path ) {
			return 0;
		}
		$rows = Commerce_Connector_Sql::rows_if_possible( "SELECT post_id FROM {$wpdb->postmeta} WHERE meta_key = " . Commerce_Connector_Sql::literal( self::OLD_PATH ) . ' AND meta_value = ' . Commerce_Connector_Sql::literal( $path ) . ' LIMIT 1' );
		return $rows && 'publish' === get_post_status( (int) $rows[0]['post_id'] ) ? (int) $rows[0]['post_id'] : 0;
	}

	/**
	 * Nothing but the products themselves is locked.
	 *
	 * @return string[]
	 */
	public function extra_locks() {
		return array();
	}

	/**
	 * Binds pages.
	 *
	 * @param object[] $items By subject key.
	 * @return array[] Receipts by subject key.
	 */
	public function apply( array $items ) {
		$bound    = Commerce_Connector_Stored::bindings( array_keys( $items ) );
		$taken    = $this->taken( array_map( 'intval', array_column( $items, 'cms_id' ) ) );
		$receipts = array();
		foreach ( $items as $key => $item ) {
			$id      = (int) $item->cms_id;
			$post    = get_post( $id );
			$problem = $this->problem( isset( $bound[ $key ] ) ? (int) $bound[ $key ]['object_id'] : 0, isset( $taken[ $id ] ) ? $taken[ $id ] : '', $key, $post );
			if ( '' !== $problem ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'rejected', array( 'message' => $problem ) );
				continue;
			}
			$this->bind( $key, $item, $post );
			$taken[ $id ]     = $key;
			$receipts[ $key ] = Commerce_Connector_Writes::receipt(
				$item,
				'done',
				array(
					'cms_id' => (string) $id,
					'url'    => get_permalink( $id ),
				)
			);
		}
		return $receipts;
	}

	/**
	 * After the commit: caches of the pages.
	 */
	public function done() {
		Commerce_Connector_Purge::pages( $this->touched );
	}

	/**
	 * After a rollback: the posts are not what caches say.
	 */
	public function undone() {
		foreach ( $this->touched as $id ) {
			wp_cache_delete( $id, 'posts' );
		}
		$this->touched = array();
	}

	/**
	 * Why a page cannot be adopted; "" where it can.
	 *
	 * @param int          $has   The page that the product has already.
	 * @param string       $owner Key of the product that the page shows already.
	 * @param string       $key   Key of the product.
	 * @param WP_Post|null $post  Page.
	 * @return string
	 */
	private function problem( $has, $owner, $key, $post ) {
		if ( ! $post || 'trash' === $post->post_status ) {
			return 'There is no such page.';
		}
		if ( $has && $has !== $post->ID ) {
			return "The product has a page already: $has.";
		}
		return '' !== $owner && $owner !== $key ? 'The page shows another product already.' : '';
	}

	/**
	 * Makes a page a product's. Where its address changes with its type, the old one is remembered.
	 *
	 * @param string  $key  Subject key.
	 * @param object  $item Item.
	 * @param WP_Post $post Page.
	 */
	private function bind( $key, $item, $post ) {
		$this->touched[] = $post->ID;
		if ( Commerce_Connector_Types::PRODUCT !== $post->post_type ) {
			update_post_meta( $post->ID, self::OLD_PATH, untrailingslashit( (string) wp_parse_url( get_permalink( $post ), PHP_URL_PATH ) ) );
			set_post_type( $post->ID, Commerce_Connector_Types::PRODUCT );
		}
		Commerce_Connector_Sql::insert(
			Commerce_Connector_Tables::name( 'bindings' ),
			array( 'subject_key', 'backend', 'kind', 'backend_id', 'object_id', 'retired', 'synced_at', 'hashes', 'bases', 'status' ),
			array( array( $key, $this->backend, 'product', $item->id, $post->ID, 0, time(), '{}', '{}', '' ) ),
			array( 'object_id' )
		);
	}

	/**
	 * Which products pages show already.
	 *
	 * @param int[] $ids Posts.
	 * @return string[] Post to subject key.
	 */
	private function taken( array $ids ) {
		$rows = Commerce_Connector_Sql::rows( 'SELECT subject_key, object_id FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id IN (" . Commerce_Connector_Sql::in( $ids ) . ')' );
		return array_column( $rows, 'subject_key', 'object_id' );
	}

	/**
	 * SKUs that posts and their variations bear.
	 *
	 * @param int[] $ids Posts.
	 * @return array[] Post to SKUs.
	 */
	private static function skus( array $ids ) {
		global $wpdb;
		$skus = array();
		if ( ! $ids ) {
			return $skus;
		}
		$in   = Commerce_Connector_Sql::in( $ids );
		$keys = Commerce_Connector_Sql::in( self::SKUS );
		$rows = Commerce_Connector_Sql::rows( "SELECT post_id AS id, meta_value FROM {$wpdb->postmeta} WHERE meta_key IN ($keys) AND meta_value <> '' AND post_id IN ($in)" );
		$more = Commerce_Connector_Sql::rows( "SELECT v.post_parent AS id, m.meta_value FROM {$wpdb->posts} v INNER JOIN {$wpdb->postmeta} m ON m.post_id = v.ID AND m.meta_key IN ($keys) AND m.meta_value <> '' WHERE v.post_type = 'product_variation' AND v.post_parent IN ($in)" );
		foreach ( array_merge( $rows, $more ) as $row ) {
			$skus[ (int) $row['id'] ][] = $row['meta_value'];
		}
		return array_map( 'array_values', array_map( 'array_unique', $skus ) );
	}
}
