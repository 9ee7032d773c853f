<?php
/**
 * Takes products off sale and categories away.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Retires products and categories.
 */
final class Commerce_Connector_Retire {

	/**
	 * Retired, and it was us who unpublished it: a later write publishes it again.
	 */
	const BY_US = 1;

	/**
	 * Retired while an editor had it unpublished: it stays so.
	 */
	const UNPUBLISHED_BEFORE = 2;

	/**
	 * Off sale, its page stays and says so.
	 */
	const NOTICE = 3;

	/**
	 * Unpublished by us; visitors are sent to the category.
	 */
	const REDIRECT = 4;

	/**
	 * Unpublished by us; visitors are told that it is gone for good.
	 */
	const GONE = 5;

	/**
	 * Put into the trash by us.
	 */
	const TRASHED = 6;

	const POLICIES = array(
		'unpublish' => self::BY_US,
		'notice'    => self::NOTICE,
		'redirect'  => self::REDIRECT,
		'gone'      => self::GONE,
		'delete'    => self::TRASHED,
	);

	/**
	 * Whether we unpublished a page, so that a later write publishes it again.
	 *
	 * @param int    $retired How it is retired.
	 * @param string $status  Status of its post.
	 * @return bool
	 */
	public static function was_us( $retired, $status ) {
		return 'trash' === $status ? self::TRASHED === $retired : 'draft' === $status && in_array( $retired, array( self::BY_US, self::REDIRECT, self::GONE ), true );
	}

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
	 * Terms are locked as when they are written.
	 *
	 * @param object[] $items Items.
	 * @return string[]
	 */
	public function extra_locks( array $items ) {
		$kinds = array_column( $items, 'kind' );
		return in_array( 'category', $kinds, true ) ? array( Commerce_Connector_Tables::subject_key( '', 'lock', 'terms' ) ) : array();
	}

	/**
	 * Retires all of them.
	 *
	 * @param object[] $items  By subject key.
	 * @param array[]  $fences Fences of the subjects.
	 * @return array[] Receipts by subject key.
	 */
	public function apply( array $items, array $fences ) {
		$bound    = Commerce_Connector_Stored::bindings( array_keys( $items ) );
		$receipts = array();
		$ids      = array();
		foreach ( array_intersect_key( $bound, $items ) as $key => $binding ) {
			if ( 'product' === $items[ $key ]->kind ) {
				$ids[] = (int) $binding['object_id'];
			}
		}
		_prime_post_caches( $ids, false, false );
		foreach ( $items as $key => $item ) {
			$more = array();
			if ( isset( $bound[ $key ] ) ) {
				$more = 'product' === $item->kind ? $this->take_off( $key, $bound[ $key ], $item->policy ) : array( 'cms_id' => $this->remove_term( $bound[ $key ] ) );
			}
			if ( 'product' === $item->kind ) {
				$more['hashes'] = array( 'offers' => $this->remove_offers( $key, $item, $fences ) );
			}
			$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'done', $more );
		}
		return $receipts;
	}

	/**
	 * After the commit: caches of the pages.
	 */
	public function done() {
		Commerce_Connector_Purge::offers( $this->touched );
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
	 * Does with a product's page what the policy says. What an editor had unpublished stays so.
	 *
	 * @param string $key     Subject key.
	 * @param array  $binding Row.
	 * @param string $policy  One of POLICIES.
	 * @return array Id of the post, and what was done otherwise than asked for.
	 */
	private function take_off( $key, array $binding, $policy ) {
		$id   = (int) $binding['object_id'];
		$post = get_post( $id );
		if ( ! $post ) {
			return array( 'cms_id' => null );
		}
		$this->touched[] = $id;
		$retired         = (int) $binding['retired'] ? (int) $binding['retired'] : self::UNPUBLISHED_BEFORE;
		$message         = '';
		if ( 'publish' === $post->post_status ) {
			$retired = self::POLICIES[ $policy ];
			if ( self::TRASHED === $retired ) {
				$message = self::reason_to_keep( $post );
				$retired = '' === $message ? $retired : self::BY_US;
			}
			$this->set_status( $key, $post, $retired );
		}
		$this->mark( $binding, $retired );
		return array(
			'cms_id'  => (string) $id,
			'message' => $message,
		);
	}

	/**
	 * Unpublishes a page, or puts it into the trash.
	 *
	 * @param string  $key     Subject key.
	 * @param WP_Post $post    Post.
	 * @param int     $retired How.
	 * @throws Commerce_Connector_Item_Failed Where WordPress refuses it.
	 */
	private function set_status( $key, $post, $retired ) {
		if ( self::NOTICE === $retired ) {
			return;
		}
		if ( self::TRASHED === $retired ) {
			$done = wp_trash_post( $post->ID );
		} else {
			$done = wp_update_post(
				array(
					'ID'          => $post->ID,
					'post_status' => 'draft',
				),
				true
			);
		}
		if ( ! $done || is_wp_error( $done ) ) {
			throw new Commerce_Connector_Item_Failed( $key, is_wp_error( $done ) ? $done->get_error_message() : 'WordPress refused to put the page into the trash.' );
		}
	}

	/**
	 * Why a page is not put into the trash; "" where it may be.
	 *
	 * @param WP_Post $post Post.
	 * @return string
	 */
	private static function reason_to_keep( $post ) {
		global $wpdb;
		if ( ! EMPTY_TRASH_DAYS ) {
			return 'Unpublished, not deleted: this site has no trash.';
		}
		$id   = (int) $post->ID;
		$menu = Commerce_Connector_Sql::rows( "SELECT m.post_id FROM {$wpdb->postmeta} m INNER JOIN {$wpdb->postmeta} o ON o.post_id = m.post_id AND o.meta_key = '_menu_item_object' AND o.meta_value = 'commerce_product' WHERE m.meta_key = '_menu_item_object_id' AND m.meta_value = '$id' LIMIT 1" );
		if ( $menu ) {
			return 'Unpublished, not deleted: a menu links to it.';
		}
		$path   = (string) wp_parse_url( get_permalink( $post ), PHP_URL_PATH );
		$linked = strlen( $path ) < 2 ? array() : Commerce_Connector_Sql::rows( "SELECT ID, post_title FROM {$wpdb->posts} WHERE post_status IN ('publish','future','draft','pending','private') AND post_type <> 'revision' AND ID <> $id AND post_content LIKE " . Commerce_Connector_Sql::literal( '%' . $wpdb->esc_like( $path ) . '%' ) . ' LIMIT 1' );
		return $linked ? 'Unpublished, not deleted: "' . $linked[0]['post_title'] . '" (' . $linked[0]['ID'] . ') links to it.' : '';
	}

	/**
	 * Removes a product's offers, unless a newer write of offers was here.
	 *
	 * @param string  $key    Subject key.
	 * @param object  $item   Item.
	 * @param array[] $fences Fences of the subjects.
	 * @return string Hash of what is left.
	 */
	private function remove_offers( $key, $item, array $fences ) {
		if ( Commerce_Connector_Writes::is_late( $item->fence, $fences[ $key ]['offers'] ) ) {
			$left = Commerce_Connector_Offers::stored( array( $key ) );
			return Commerce_Connector_Offers::hash( isset( $left[ $key ] ) ? $left[ $key ] : array() );
		}
		Commerce_Connector_Offers::delete( array( $key ) );
		Commerce_Connector_Sql::insert(
			Commerce_Connector_Tables::name( 'fences' ),
			array( 'subject_key', 'lane', 'epoch', 'sequence', 'write_id', 'receipt' ),
			array( array( $key, 'offers', $item->fence->epoch, $item->fence->sequence, '', '' ) ),
			array( 'epoch', 'sequence', 'write_id', 'receipt' )
		);
		return '';
	}

	/**
	 * Deletes a category's term, or keeps it where something that is not ours uses it.
	 *
	 * @param array $binding Row.
	 * @return string|null The term's id where it is kept.
	 */
	private function remove_term( array $binding ) {
		$id = (int) $binding['object_id'];
		if ( self::is_used_by_others( $id ) ) {
			$this->mark( $binding, self::BY_US );
			return (string) $id;
		}
		wp_delete_term( $id, Commerce_Connector_Types::CATEGORY );
		Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . ' WHERE id = ' . (int) $binding['id'] );
		return null;
	}

	/**
	 * Whether posts, child terms or menus that do not come from a backend use a term.
	 *
	 * @param int $id Term.
	 * @return bool
	 */
	private static function is_used_by_others( $id ) {
		global $wpdb;
		$bindings = Commerce_Connector_Tables::name( 'bindings' );
		$queries  = array(
			"SELECT tr.object_id FROM {$wpdb->term_relationships} tr INNER JOIN {$wpdb->term_taxonomy} tt ON tt.term_taxonomy_id = tr.term_taxonomy_id LEFT JOIN $bindings b ON b.kind = 'product' AND b.object_id = tr.object_id WHERE tt.term_id = $id AND tt.taxonomy = 'commerce_category' AND b.id IS NULL LIMIT 1",
			"SELECT tt.term_id FROM {$wpdb->term_taxonomy} tt LEFT JOIN $bindings b ON b.kind = 'category' AND b.object_id = tt.term_id WHERE tt.parent = $id AND tt.taxonomy = 'commerce_category' AND b.id IS NULL LIMIT 1",
			"SELECT m.post_id FROM {$wpdb->postmeta} m INNER JOIN {$wpdb->postmeta} o ON o.post_id = m.post_id AND o.meta_key = '_menu_item_object' AND o.meta_value = 'commerce_category' WHERE m.meta_key = '_menu_item_object_id' AND m.meta_value = '$id' LIMIT 1",
		);
		foreach ( $queries as $query ) {
			if ( Commerce_Connector_Sql::rows( $query ) ) {
				return true;
			}
		}
		return false;
	}

	/**
	 * Notes in the binding that it is retired.
	 *
	 * @param array $binding Row.
	 * @param int   $retired How.
	 */
	private function mark( array $binding, $retired ) {
		Commerce_Connector_Sql::run( 'UPDATE ' . Commerce_Connector_Tables::name( 'bindings' ) . ' SET retired = ' . (int) $retired . ' WHERE id = ' . (int) $binding['id'] );
	}
}
