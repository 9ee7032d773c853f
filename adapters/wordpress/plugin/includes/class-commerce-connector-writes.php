<?php
/**
 * The frame of every write: locks, fences, one transaction, receipts.
 *
 * Locks are the rows of the fences table, taken in sorted order by the first statement of the
 * transaction (on SQLite that statement's transaction holds the whole database). What stands in
 * these rows afterwards decides: an older fence is refused, a repeated write gets its receipt again.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * One item failed for reasons of its own; the others go on without it.
 */
final class Commerce_Connector_Item_Failed extends Exception {

	/**
	 * The subject key of the item.
	 *
	 * @var string
	 */
	public $key;

	/**
	 * Whose failure, and why.
	 *
	 * @param string $key     Subject key.
	 * @param string $message Sentence for people.
	 */
	public function __construct( $key, $message ) {
		parent::__construct( $message );
		$this->key = $key;
	}
}

/**
 * Carries out one batch.
 */
final class Commerce_Connector_Writes {

	const ATTEMPTS = 6;

	/**
	 * True while we write, so that hooks can tell our writes from people's.
	 *
	 * @var bool
	 */
	public static $writing = false;

	/**
	 * Writes a batch and answers with its receipts, in order.
	 *
	 * @param object[] $items  By subject key; each with kind, id, fence and write_id.
	 * @param string[] $lanes  Lanes to lock; the first one's fence judges.
	 * @param object   $writer With apply( items, fences ): receipts by key, done(), undone() and extra_locks( items ).
	 * @return array[]
	 */
	public static function run( array $items, array $lanes, $writer ) {
		$failed   = array();
		$receipts = array();
		while ( count( $items ) > count( $failed ) ) {
			try {
				$receipts = self::transaction(
					function () use ( $items, $failed, $lanes, $writer ) {
						return self::attempt( array_diff_key( $items, $failed ), $lanes, $writer );
					},
					$writer
				);
				break;
			} catch ( Commerce_Connector_Item_Failed $failure ) {
				$failed[ $failure->key ] = self::receipt( $items[ $failure->key ], 'rejected', array( 'message' => $failure->getMessage() ) );
			}
		}
		$writer->done();
		$ordered = array();
		foreach ( array_keys( $items ) as $key ) {
			$ordered[] = isset( $failed[ $key ] ) ? $failed[ $key ] : $receipts[ $key ];
		}
		return $ordered;
	}

	/**
	 * Carries out one transaction, again where others were in the way.
	 *
	 * @param callable $attempt What begins and commits it.
	 * @param object   $writer  With undone().
	 * @return mixed What the attempt returns.
	 * @throws Commerce_Connector_Busy When the database stays locked.
	 */
	public static function transaction( callable $attempt, $writer ) {
		self::$writing = true;
		kses_remove_filters();
		wp_defer_term_counting( true );
		wp_defer_comment_counting( true );
		try {
			for ( $attempts = 1; true; $attempts++ ) {
				try {
					return $attempt();
				} catch ( Commerce_Connector_Busy $busy ) {
					if ( $attempts >= self::ATTEMPTS ) {
						throw $busy;
					}
					self::roll_back( $writer );
					usleep( wp_rand( 5, 60 ) * 1000 * $attempts );
				}
			}
		} catch ( Throwable $error ) {
			self::roll_back( $writer );
			throw $error;
		} finally {
			kses_init();
			wp_defer_comment_counting( false );
			wp_defer_term_counting( false );
			self::$writing = false;
		}
	}

	/**
	 * One transaction.
	 *
	 * @param object[] $items  As in run().
	 * @param string[] $lanes  As in run().
	 * @param object   $writer As in run().
	 * @return array[] Receipts by subject key.
	 */
	private static function attempt( array $items, array $lanes, $writer ) {
		$extra = $writer->extra_locks( $items );
		$pages = self::pages( $items );
		Commerce_Connector_Sql::run( 'START TRANSACTION' );
		self::lock( array_keys( $items ), $lanes, $extra );
		self::hold( $pages );
		$fences   = self::fences( array_keys( $items ) );
		$receipts = array();
		$accepted = array();
		foreach ( $items as $key => $item ) {
			$known  = isset( $fences[ $key ][ $lanes[0] ] ) ? $fences[ $key ][ $lanes[0] ] : null;
			$answer = $known ? self::judge( $item, $known ) : null;
			if ( $answer ) {
				$receipts[ $key ] = $answer;
			} else {
				$accepted[ $key ] = $item;
			}
		}
		if ( $accepted ) {
			$made = $writer->apply( $accepted, $fences );
			self::store( $accepted, $made, $lanes[0] );
			$receipts += $made;
		}
		if ( $extra ) {
			Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'fences' ) . " WHERE lane = 'lock' AND subject_key IN (" . Commerce_Connector_Sql::in( $extra ) . ')' );
		}
		Commerce_Connector_Sql::run( 'COMMIT' );
		return $receipts;
	}

	/**
	 * Takes the locks. New rows begin with a fence older than any.
	 *
	 * @param string[] $keys  Subject keys.
	 * @param string[] $lanes Lanes.
	 * @param string[] $extra Further keys, in a lane of their own.
	 */
	private static function lock( array $keys, array $lanes, array $extra ) {
		$rows = array();
		foreach ( $keys as $key ) {
			foreach ( $lanes as $lane ) {
				$rows[] = array( $key, $lane, -1, '' );
			}
		}
		foreach ( $extra as $key ) {
			$rows[] = array( $key, 'lock', -1, '' );
		}
		sort( $rows );
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'fences' ), array( 'subject_key', 'lane', 'epoch', 'receipt' ), $rows, array( 'lane' ) );
	}

	/**
	 * The pages of products that are there.
	 *
	 * @param object[] $items As in run().
	 * @return int[] Posts.
	 */
	private static function pages( array $items ) {
		$products = array_filter(
			$items,
			function ( $item ) {
				return 'product' === $item->kind;
			}
		);
		return array_map( 'intval', array_values( Commerce_Connector_Stored::object_ids( array_keys( $products ) ) ) );
	}

	/**
	 * Lets nobody else save these pages until we are through: what an editor saves meanwhile comes after
	 * what we write, and is not overwritten unseen. Before anything is read in the transaction, so that
	 * all of it is from now on; what caches hold of the pages may be older.
	 *
	 * @param int[] $ids Posts.
	 */
	private static function hold( array $ids ) {
		global $wpdb;
		if ( $ids && Commerce_Connector_Sql::is_mysql() ) {
			Commerce_Connector_Sql::rows( "SELECT ID FROM {$wpdb->posts} WHERE ID IN (" . Commerce_Connector_Sql::in( $ids ) . ') ORDER BY ID FOR UPDATE' );
		}
		wp_cache_delete_multiple( $ids, 'posts' );
	}

	/**
	 * The fences of subjects.
	 *
	 * @param string[] $keys Subject keys.
	 * @return array[] Subject key to lane to row.
	 */
	public static function fences( array $keys ) {
		$fences = array();
		foreach ( Commerce_Connector_Sql::rows( 'SELECT subject_key, lane, epoch, sequence, write_id, receipt FROM ' . Commerce_Connector_Tables::name( 'fences' ) . ' WHERE subject_key IN (' . Commerce_Connector_Sql::in( $keys ) . ')' ) as $row ) {
			$fences[ $row['subject_key'] ][ $row['lane'] ] = $row;
		}
		return $fences;
	}

	/**
	 * Whether a fence is older than what a row holds.
	 *
	 * @param object $fence Epoch and sequence.
	 * @param array  $known Row.
	 * @return bool
	 */
	public static function is_late( $fence, array $known ) {
		return array( $fence->epoch, $fence->sequence ) < array( (int) $known['epoch'], (int) $known['sequence'] );
	}

	/**
	 * The answer to a late or repeated write; null where it is to be written.
	 *
	 * @param object $item  Item.
	 * @param array  $known Row of the fences table.
	 * @return array|null
	 */
	private static function judge( $item, array $known ) {
		if ( self::is_late( $item->fence, $known ) ) {
			return self::stale( $item, $known );
		}
		$same = array( $item->fence->epoch, $item->fence->sequence ) === array( (int) $known['epoch'], (int) $known['sequence'] );
		if ( ! $same || $item->write_id !== $known['write_id'] ) {
			return null;
		}
		return get_object_vars( json_decode( $known['receipt'] ) );
	}

	/**
	 * The answer to a late write.
	 *
	 * @param object $item  Item.
	 * @param array  $known Row of the fences table.
	 * @return array
	 */
	public static function stale( $item, array $known ) {
		return self::receipt( $item, 'stale', array( 'message' => 'A newer write (' . $known['epoch'] . '.' . $known['sequence'] . ') was here.' ) );
	}

	/**
	 * Remembers fences and receipts of what was done.
	 *
	 * @param object[] $items    Accepted items.
	 * @param array[]  $receipts Their receipts.
	 * @param string   $lane     Lane.
	 */
	private static function store( array $items, array $receipts, $lane ) {
		$rows = array();
		foreach ( $items as $key => $item ) {
			if ( 'done' === $receipts[ $key ]['outcome'] ) {
				$rows[] = array( $key, $lane, $item->fence->epoch, $item->fence->sequence, $item->write_id, Commerce_Connector_Stored::json( $receipts[ $key ] ) );
			}
		}
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'fences' ), array( 'subject_key', 'lane', 'epoch', 'sequence', 'write_id', 'receipt' ), $rows, array( 'epoch', 'sequence', 'write_id', 'receipt' ) );
	}

	/**
	 * Undoes the transaction, and what caches took from it.
	 *
	 * @param object $writer As in run().
	 */
	private static function roll_back( $writer ) {
		global $wpdb;
		$wpdb->query( 'ROLLBACK' ); // phpcs:ignore WordPress.DB
		wp_cache_flush_runtime();
		$writer->undone();
	}

	/**
	 * What the site answers to one item.
	 *
	 * @param object $item    Item.
	 * @param string $outcome done, stale, rejected or retry.
	 * @param array  $more    cms_id, url, hashes, kept, message.
	 * @return array
	 */
	public static function receipt( $item, $outcome, array $more = array() ) {
		$receipt = array(
			'kind'    => $item->kind,
			'id'      => $item->id,
			'outcome' => $outcome,
		) + $more + array(
			'cms_id'  => null,
			'url'     => null,
			'hashes'  => array(),
			'kept'    => array(),
			'message' => '',
		);
		$receipt['hashes'] = (object) $receipt['hashes'];
		return $receipt;
	}
}
