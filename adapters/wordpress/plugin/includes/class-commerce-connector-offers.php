<?php
/**
 * Prices and stock: rows of a table of our own. No post is touched, only its caches are.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Writes and reads offers.
 */
final class Commerce_Connector_Offers {

	const COLUMNS = array( 'variant', 'market', 'min_quantity', 'sku', 'amount', 'price', 'currency', 'amount_text', 'compare_at', 'compare_at_text', 'price_list', 'tax_included', 'availability', 'quantity', 'valid_until', 'position' );
	const TEXTS   = array(
		'variant'         => 190,
		'market'          => 64,
		'sku'             => 190,
		'price'           => 40,
		'currency'        => 3,
		'amount_text'     => 100,
		'compare_at_text' => 100,
	);
	const NUMBERS = array( 'min_quantity', 'amount', 'position' );

	/**
	 * Name of the backend.
	 *
	 * @var string
	 */
	private $backend;

	/**
	 * Keys of products whose pages show something else now.
	 *
	 * @var string[]
	 */
	private $written = array();

	/**
	 * A writer for one request.
	 *
	 * @param string $backend Backend.
	 */
	public function __construct( $backend ) {
		$this->backend = $backend;
	}

	/**
	 * Writes a batch and answers with its receipts, in order.
	 *
	 * @param object[] $items By subject key.
	 * @return array[]
	 */
	public function run( array $items ) {
		$receipts = array();
		foreach ( $items as $key => $item ) {
			$problem = self::problem( $item );
			if ( $problem ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'rejected', array( 'message' => $problem ) );
			}
		}
		$proper = array_diff_key( $items, $receipts );
		if ( $proper ) {
			$receipts += Commerce_Connector_Writes::transaction(
				function () use ( $proper ) {
					return $this->attempt( $proper );
				},
				$this
			);
		}
		$this->done();
		return array_values( array_replace( $items, $receipts ) );
	}

	/**
	 * One transaction. Its first statement takes the locks and raises the fences that are not late;
	 * a repeated write is written again, which changes nothing, so no receipt has to be kept.
	 *
	 * @param object[] $items By subject key.
	 * @return array[] Receipts by subject key.
	 */
	private function attempt( array $items ) {
		Commerce_Connector_Sql::run( 'START TRANSACTION' );
		$raised   = self::raise_fences( $items );
		$receipts = 2 * count( $items ) === $raised ? array() : self::late( $items );
		$accepted = array_diff_key( $items, $receipts );
		$pages    = Commerce_Connector_Stored::object_ids( array_keys( $accepted ) );
		$receipts = $receipts + $this->apply( $accepted, $pages );
		Commerce_Connector_Sql::run( 'COMMIT' );
		$this->written = array_map( 'intval', array_values( $pages ) );
		return $receipts;
	}

	/**
	 * The answers to items whose fence is older than the one that holds.
	 *
	 * @param object[] $items By subject key.
	 * @return array[] Receipts by subject key.
	 */
	private static function late( array $items ) {
		$receipts = array();
		$fences   = Commerce_Connector_Tables::name( 'fences' );
		$keys     = Commerce_Connector_Sql::in( array_keys( $items ) );
		foreach ( Commerce_Connector_Sql::rows( "SELECT subject_key, epoch, sequence FROM $fences WHERE lane = 'offers' AND subject_key IN ($keys)" ) as $row ) {
			$item = $items[ $row['subject_key'] ];
			if ( Commerce_Connector_Writes::is_late( $item->fence, $row ) ) {
				$receipts[ $row['subject_key'] ] = Commerce_Connector_Writes::stale( $item, $row );
			}
		}
		return $receipts;
	}

	/**
	 * Raises fences where they are not newer. The order of the columns matters: MySQL computes each
	 * from the values that the ones before it already have.
	 *
	 * @param object[] $items By subject key.
	 * @return int Twice as many as there are items: on MySQL every one was there and was older.
	 */
	private static function raise_fences( array $items ) {
		$rows = array();
		ksort( $items, SORT_STRING );
		foreach ( $items as $key => $item ) {
			$rows[] = array( $key, 'offers', $item->fence->epoch, $item->fence->sequence, $item->write_id, '' );
		}
		$newer = 'VALUES(epoch) > epoch OR (VALUES(epoch) = epoch AND VALUES(sequence) >= sequence)';
		return Commerce_Connector_Sql::insert(
			Commerce_Connector_Tables::name( 'fences' ),
			array( 'subject_key', 'lane', 'epoch', 'sequence', 'write_id', 'receipt' ),
			$rows,
			array(),
			" ON DUPLICATE KEY UPDATE write_id = IF($newer, VALUES(write_id), write_id), sequence = IF($newer, VALUES(sequence), sequence), epoch = IF(VALUES(epoch) > epoch, VALUES(epoch), epoch)"
		);
	}

	/**
	 * Upserts all rows, removes those that are no longer offered, answers with the stored hash.
	 *
	 * @param object[] $items By subject key.
	 * @param string[] $pages Subject key to post.
	 * @return array[] Receipts by subject key.
	 */
	private function apply( array $items, array $pages ) {
		$receipts = array();
		$rows     = array();
		foreach ( $items as $key => $item ) {
			foreach ( $item->offers as $offer ) {
				$rows[] = $this->row( $key, $item, $offer );
			}
		}
		$columns = array_merge( array( 'subject_key', 'row_key', 'backend', 'product' ), self::COLUMNS );
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'offers' ), $columns, $rows, self::COLUMNS );
		$stored = self::without_others( self::stored( array_keys( $items ) ), $items );
		foreach ( $items as $key => $item ) {
			$more             = array( 'hashes' => array( 'offers' => self::hash( isset( $stored[ $key ] ) ? $stored[ $key ] : array() ) ) );
			$more            += isset( $pages[ $key ] ) ? array( 'cms_id' => $pages[ $key ] ) : array();
			$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'done', $more );
		}
		return $receipts;
	}

	/**
	 * After the commit: caches of the pages.
	 */
	private function done() {
		Commerce_Connector_Purge::offers( $this->written );
	}

	/**
	 * After a rollback: nothing was changed.
	 */
	public function undone() {
		$this->written = array();
	}

	/**
	 * Offers as they stand.
	 *
	 * @param string[] $keys Subject keys.
	 * @return array[] Subject key to row key to row.
	 */
	public static function stored( array $keys ) {
		$stored = array();
		if ( $keys ) {
			foreach ( Commerce_Connector_Sql::rows( 'SELECT subject_key,row_key,' . implode( ',', self::COLUMNS ) . ' FROM ' . Commerce_Connector_Tables::name( 'offers' ) . ' WHERE subject_key IN (' . Commerce_Connector_Sql::in( $keys ) . ')' ) as $row ) {
				$stored[ $row['subject_key'] ][ $row['row_key'] ] = $row;
			}
		}
		return $stored;
	}

	/**
	 * The fingerprint of a product's offers together; "" where it has none.
	 *
	 * @param array[] $rows Row key to row.
	 * @return string
	 */
	public static function hash( array $rows ) {
		if ( ! $rows ) {
			return '';
		}
		ksort( $rows, SORT_STRING );
		$text = '';
		foreach ( $rows as $row ) {
			foreach ( self::COLUMNS as $column ) {
				$text .= null === $row[ $column ] ? "\0\n" : $row[ $column ] . "\n";
			}
		}
		return Commerce_Connector_Stored::hash( $text );
	}

	/**
	 * Deletes the rows of products.
	 *
	 * @param string[] $keys Subject keys.
	 */
	public static function delete( array $keys ) {
		if ( $keys ) {
			Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'offers' ) . ' WHERE subject_key IN (' . Commerce_Connector_Sql::in( $keys ) . ')' );
		}
	}

	/**
	 * Deletes stored rows that the items do not have.
	 *
	 * @param array[]  $stored As stored() gives.
	 * @param object[] $items  Items written.
	 * @return array[] What is left of stored.
	 */
	private static function without_others( array $stored, array $items ) {
		$table = Commerce_Connector_Tables::name( 'offers' );
		foreach ( $items as $key => $item ) {
			$old = array_diff_key( isset( $stored[ $key ] ) ? $stored[ $key ] : array(), $item->row_keys );
			if ( $old ) {
				Commerce_Connector_Sql::run( "DELETE FROM $table WHERE subject_key = " . Commerce_Connector_Sql::literal( $key ) . ' AND row_key IN (' . Commerce_Connector_Sql::in( array_map( 'strval', array_keys( $old ) ) ) . ')' );
				$stored[ $key ] = array_intersect_key( $stored[ $key ], $item->row_keys );
			}
		}
		return $stored;
	}

	/**
	 * One row as the table takes it.
	 *
	 * @param string $key   Subject key.
	 * @param object $item  Item.
	 * @param object $offer Offer.
	 * @return array
	 */
	private function row( $key, $item, $offer ) {
		$row = array( $key, $offer->row_key, $this->backend, $item->id );
		foreach ( self::COLUMNS as $column ) {
			$row[] = $offer->$column;
		}
		return $row;
	}

	/**
	 * What is wrong with an item; "" where nothing is. Notes the keys of its rows.
	 *
	 * @param object $item Item.
	 * @return string
	 */
	private static function problem( $item ) {
		$columns        = array_flip( self::COLUMNS );
		$item->row_keys = array();
		foreach ( $item->offers as $offer ) {
			$lacking = array_diff_key( $columns, get_object_vars( $offer ) );
			if ( $lacking ) {
				return 'An offer lacks ' . key( $lacking ) . '.';
			}
			foreach ( self::TEXTS as $column => $length ) {
				if ( ! is_string( $offer->$column ) || ( strlen( $offer->$column ) > $length && mb_strlen( $offer->$column ) > $length ) ) {
					return "$column is no text of at most $length characters.";
				}
			}
			foreach ( self::NUMBERS as $column ) {
				if ( ! is_int( $offer->$column ) ) {
					return "$column is no whole number.";
				}
			}
			$problem = self::problem_of_rest( $offer );
			if ( $problem ) {
				return $problem;
			}
			$offer->row_key = Commerce_Connector_Tables::row_key( $offer->variant, $offer->market, $offer->min_quantity );
			if ( isset( $item->row_keys[ $offer->row_key ] ) ) {
				return "variant {$offer->variant} stands twice in market {$offer->market} from quantity {$offer->min_quantity}.";
			}
			$item->row_keys[ $offer->row_key ] = true;
		}
		return '';
	}

	/**
	 * What is wrong with the columns that may be null or have few values.
	 *
	 * @param object $offer Offer.
	 * @return string
	 */
	private static function problem_of_rest( $offer ) {
		foreach ( array( 'compare_at', 'quantity' ) as $column ) {
			if ( null !== $offer->$column && ! is_int( $offer->$column ) ) {
				return "$column is neither null nor a whole number.";
			}
		}
		foreach ( array( 'price_list' => 190, 'valid_until' => 40 ) as $column => $length ) { // phpcs:ignore WordPress.Arrays
			if ( null !== $offer->$column && ( ! is_string( $offer->$column ) || mb_strlen( $offer->$column ) > $length ) ) {
				return "$column is neither null nor a text of at most $length characters.";
			}
		}
		if ( $offer->min_quantity < 1 || $offer->position < 0 || ! is_bool( $offer->tax_included ) ) {
			return 'min_quantity, position or tax_included is out of range.';
		}
		return in_array( $offer->availability, array( 'in_stock', 'out_of_stock', 'backorder' ), true ) ? '' : 'availability is unknown.';
	}
}
