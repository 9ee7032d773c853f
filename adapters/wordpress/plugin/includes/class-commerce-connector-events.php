<?php
/**
 * The event log: what people did to pages and categories of a backend, in the request in which
 * they did it. The daemon pulls and acknowledges.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Notes edits; our own writes are no events.
 */
final class Commerce_Connector_Events {

	const COLUMNS = array( 'at', 'backend', 'kind', 'backend_id', 'object_id', 'what', 'fields', 'user_id' );

	/**
	 * True while nothing is to be noted.
	 *
	 * @var bool
	 */
	private static $paused = false;

	/**
	 * Notes nothing for the rest of the request.
	 */
	public static function pause() {
		self::$paused = true;
	}

	/**
	 * A post was updated.
	 *
	 * @param int     $id     Post.
	 * @param WP_Post $after  As it is.
	 * @param WP_Post $before As it was.
	 */
	public static function post_updated( $id, $after, $before ) {
		if ( Commerce_Connector_Types::PRODUCT !== $after->post_type ) {
			return;
		}
		$changed = array();
		foreach ( Commerce_Connector_Stored::COLUMNS as $field => $column ) {
			$trash = 'slug' === $field && in_array( 'trash', array( $after->post_status, $before->post_status ), true );
			if ( $after->$column !== $before->$column && ! $trash ) {
				$changed[] = $field;
			}
		}
		$changed = array_values( array_unique( array_merge( $changed, self::put_back( $after ) ) ) );
		if ( $changed ) {
			self::note( 'product', $id, 'edited', $changed );
		}
	}

	/**
	 * Fields that a save put back unchanged over newer words of the shop.
	 *
	 * @param WP_Post $post As it is.
	 * @return string[]
	 */
	private static function put_back( $post ) {
		try {
			return self::is_silent() ? array() : Commerce_Connector_Opened::put_back( $post );
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
			return array();
		}
	}

	/**
	 * A post's state changed.
	 *
	 * @param string  $after  New status.
	 * @param string  $before Old status.
	 * @param WP_Post $post   Post.
	 */
	public static function status_changed( $after, $before, $post ) {
		if ( $after === $before || Commerce_Connector_Types::PRODUCT !== $post->post_type ) {
			return;
		}
		if ( 'trash' === $after ) {
			self::note( 'product', $post->ID, 'trashed' );
		} elseif ( 'trash' === $before ) {
			self::note( 'product', $post->ID, 'restored' );
		} elseif ( 'publish' === $after ) {
			self::note( 'product', $post->ID, 'published' );
		} elseif ( 'publish' === $before ) {
			self::note( 'product', $post->ID, 'unpublished' );
		}
		if ( 'publish' === $after && ! self::is_silent() ) {
			self::change_bindings( 'product', $post->ID, 'UPDATE %s SET retired = 0' );
		}
	}

	/**
	 * A post is about to be deleted for good.
	 *
	 * @param int     $id   Post.
	 * @param WP_Post $post Post.
	 */
	public static function post_deleted( $id, $post ) {
		if ( Commerce_Connector_Types::PRODUCT === $post->post_type ) {
			self::forget( 'product', $id );
		}
	}

	/**
	 * Words beside the post were changed.
	 *
	 * @param int      $id     Post.
	 * @param string[] $fields Which.
	 */
	public static function words_set( $id, array $fields ) {
		self::note( 'product', $id, 'edited', $fields );
	}

	/**
	 * The terms of a post were set.
	 *
	 * @param int    $id       Post.
	 * @param array  $terms    Not used.
	 * @param int[]  $tt_ids   Now.
	 * @param string $taxonomy Taxonomy.
	 * @param bool   $append   Whether they were added to the old ones.
	 * @param int[]  $old      Before.
	 */
	public static function terms_set( $id, $terms, $tt_ids, $taxonomy, $append, $old ) {
		$names = array(
			Commerce_Connector_Types::CATEGORY => 'categories',
			Commerce_Connector_Types::TAG      => 'tags',
		);
		$now   = array_map( 'intval', $append ? array_merge( $old, $tt_ids ) : $tt_ids );
		$old   = array_map( 'intval', $old );
		if ( isset( $names[ $taxonomy ] ) && ( array_diff( $now, $old ) || array_diff( $old, $now ) ) ) {
			self::note( 'product', $id, 'edited', array( $names[ $taxonomy ] ) );
		}
	}

	/**
	 * Terms were taken from a post: by somebody, or because they were deleted.
	 *
	 * @param int    $id       Post.
	 * @param int[]  $tt_ids   Which.
	 * @param string $taxonomy Taxonomy.
	 */
	public static function terms_removed( $id, $tt_ids, $taxonomy ) {
		self::terms_set( $id, array(), array(), $taxonomy, false, $tt_ids );
	}

	/**
	 * A category was edited.
	 *
	 * @param int $id Term.
	 */
	public static function category_edited( $id ) {
		self::note( 'category', $id, 'edited' );
	}

	/**
	 * A category is about to be deleted.
	 *
	 * @param int    $id       Term.
	 * @param string $taxonomy Taxonomy.
	 */
	public static function category_deleted( $id, $taxonomy ) {
		if ( Commerce_Connector_Types::CATEGORY === $taxonomy ) {
			self::forget( 'category', $id );
		}
	}

	/**
	 * Events after one, oldest first.
	 *
	 * @param string $backend Backend.
	 * @param int    $after   Event id.
	 * @param int    $limit   Rows.
	 * @return array items and next.
	 */
	public static function after( $backend, $after, $limit ) {
		$rows  = Commerce_Connector_Sql::rows( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'events' ) . ' WHERE backend = ' . Commerce_Connector_Sql::literal( $backend ) . ' AND id > ' . (int) $after . ' ORDER BY id LIMIT ' . (int) $limit );
		$asked = array();
		foreach ( $rows as $row ) {
			if ( 'asked' === $row['what'] ) {
				$asked[] = $row['fields'];
			}
		}
		$asked = Commerce_Connector_Requests::told( $asked );
		$items = array();
		foreach ( $rows as $row ) {
			$is_asked = 'asked' === $row['what'];
			$items[]  = array(
				'event'   => (string) $row['id'],
				'at'      => gmdate( 'Y-m-d\TH:i:s\Z', (int) $row['at'] ),
				'kind'    => $row['kind'],
				'id'      => $row['backend_id'],
				'cms_id'  => (string) $row['object_id'],
				'what'    => $row['what'],
				'fields'  => $is_asked || '' === $row['fields'] ? array() : explode( ' ', $row['fields'] ),
				'user'    => (string) $row['user_id'],
				'request' => $is_asked && isset( $asked[ $row['fields'] ] ) ? $asked[ $row['fields'] ] : null,
			);
		}
		$last = end( $items );
		return array(
			'items' => $items,
			'next'  => count( $rows ) === $limit ? $last['event'] : null,
		);
	}

	/**
	 * Notes that an editor asked something.
	 *
	 * @param string $backend    Backend.
	 * @param string $backend_id Product.
	 * @param int    $post_id    Page.
	 * @param string $request    Id of the request.
	 */
	public static function note_request( $backend, $backend_id, $post_id, $request ) {
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'events' ), self::COLUMNS, array( array( time(), $backend, 'product', $backend_id, (int) $post_id, 'asked', $request, get_current_user_id() ) ) );
	}

	/**
	 * Forgets events that the daemon has safely noted.
	 *
	 * @param string $backend Backend.
	 * @param int    $upto    The last of them.
	 * @return int How many.
	 */
	public static function acknowledge( $backend, $upto ) {
		return Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'events' ) . ' WHERE backend = ' . Commerce_Connector_Sql::literal( $backend ) . ' AND id <= ' . (int) $upto );
	}

	/**
	 * Whether what happens is ours.
	 *
	 * @return bool
	 */
	private static function is_silent() {
		return self::$paused || Commerce_Connector_Writes::$writing;
	}

	/**
	 * Notes that something was deleted for good, and unbinds it.
	 *
	 * @param string $kind Kind.
	 * @param int    $id   Post or term.
	 */
	private static function forget( $kind, $id ) {
		self::note( $kind, $id, 'deleted' );
		if ( ! self::is_silent() ) {
			self::change_bindings( $kind, $id, 'DELETE FROM %s' );
		}
	}

	/**
	 * Notes one event for every backend that the thing is bound to.
	 *
	 * @param string   $kind   Kind.
	 * @param int      $id     Post or term.
	 * @param string   $what   edited, trashed, restored, published, unpublished or deleted.
	 * @param string[] $fields Which fields.
	 */
	private static function note( $kind, $id, $what, array $fields = array() ) {
		if ( self::is_silent() ) {
			return;
		}
		$rows = array();
		foreach ( Commerce_Connector_Sql::rows_if_possible( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . ' WHERE kind = ' . Commerce_Connector_Sql::literal( $kind ) . ' AND object_id = ' . (int) $id ) as $row ) {
			$about  = array( time(), $row['backend'], $kind, $row['backend_id'], (int) $id );
			$rows[] = array_merge( $about, array( $what, implode( ' ', $fields ), get_current_user_id() ) );
			$behind = 'edited' === $what && $fields ? self::behind( $id, $row, $fields ) : array();
			if ( $behind ) {
				$rows[] = array_merge( $about, array( 'overtaken', implode( ' ', $behind ), get_current_user_id() ) );
			}
		}
		try {
			Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'events' ), self::COLUMNS, $rows );
		} catch ( Commerce_Connector_Busy $error ) {
			// The edit goes before the note of it: a reconcile finds edits too.
			Commerce_Connector_Sql::log( $error );
		}
	}

	/**
	 * Fields that were saved over newer words of the shop.
	 *
	 * @param int      $id     Post.
	 * @param array    $row    Binding.
	 * @param string[] $fields Fields saved.
	 * @return string[]
	 */
	private static function behind( $id, array $row, array $fields ) {
		try {
			return Commerce_Connector_Opened::rewind( (int) $id, $row, $fields );
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
			return array();
		}
	}

	/**
	 * Runs a statement over the bindings of a post or term.
	 *
	 * @param string $kind Kind.
	 * @param int    $id   Post or term.
	 * @param string $sql  Begin of a statement with a place for the table.
	 */
	private static function change_bindings( $kind, $id, $sql ) {
		Commerce_Connector_Sql::rows_if_possible( sprintf( $sql, Commerce_Connector_Tables::name( 'bindings' ) ) . ' WHERE kind = ' . Commerce_Connector_Sql::literal( $kind ) . ' AND object_id = ' . (int) $id );
	}
}
