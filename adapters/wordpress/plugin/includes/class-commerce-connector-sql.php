<?php
/**
 * Multi-row SQL: literals, IN lists, upserts in bounded statements. Knows no table of ours.
 *
 * WordPress' own prepare() is made for single rows; at thousands of values a request it costs more
 * than the query, so values are escaped here one by one.
 *
 * @package Commerce_Connector
 */

// phpcs:disable WordPress.DB.PreparedSQL, WordPress.DB.DirectDatabaseQuery

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The database said no: locked, deadlock, gone. The request may be repeated.
 */
final class Commerce_Connector_Busy extends Exception {}

/**
 * Statements over many rows.
 */
final class Commerce_Connector_Sql {

	/**
	 * No statement grows beyond this, so that small max_allowed_packet settings do.
	 */
	const MAX_BYTES = 400000;

	/**
	 * Bytes that keep a text from standing in quotes as it is; most texts have none of them. One
	 * expression, because strcspn() looks at each byte once for each of these.
	 */
	const SPECIAL = '/[\x00\n\r\x1a\'"\\\\%\x80-\xff]/';

	/**
	 * Whether texts with other than ASCII may stand as hex.
	 *
	 * @var bool|null
	 */
	private static $takes_hex = null;

	/**
	 * One value as SQL.
	 *
	 * @param mixed $value Null, bool, int or string.
	 * @return string
	 */
	public static function literal( $value ) {
		global $wpdb;
		if ( null === $value ) {
			return 'NULL';
		}
		if ( is_int( $value ) || is_bool( $value ) ) {
			return (string) (int) $value;
		}
		$value = (string) $value;
		if ( ! preg_match( self::SPECIAL, $value ) ) {
			return "'$value'";
		}
		if ( self::takes_hex() && ! mb_check_encoding( $value, 'ASCII' ) && mb_check_encoding( $value, 'UTF-8' ) ) {
			return '_utf8mb4 0x' . bin2hex( $value );
		}
		return "'" . $wpdb->_real_escape( $value ) . "'";
	}

	/**
	 * Whether the connection takes hex for a text. A statement that is all ASCII spares wpdb its search
	 * for invalid characters, which at hundreds of rows costs more than the query.
	 *
	 * @return bool
	 */
	private static function takes_hex() {
		global $wpdb;
		if ( null === self::$takes_hex ) {
			self::$takes_hex = 'utf8mb4' === $wpdb->charset && self::is_mysql();
		}
		return self::$takes_hex;
	}

	/**
	 * Whether it is MySQL or MariaDB itself, which lock rows; SQLite's transactions lock the whole database.
	 *
	 * @return bool
	 */
	public static function is_mysql() {
		global $wpdb;
		return $wpdb->dbh instanceof mysqli;
	}

	/**
	 * Values as the inside of IN ( ... ).
	 *
	 * @param array $values At least one.
	 * @return string
	 */
	public static function in( array $values ) {
		foreach ( $values as $place => $value ) {
			if ( is_string( $value ) && ! preg_match( self::SPECIAL, $value ) ) {
				$values[ $place ] = "'$value'";
			} elseif ( ! is_int( $value ) ) {
				$values[ $place ] = self::literal( $value );
			}
		}
		return implode( ',', $values );
	}

	/**
	 * Runs a statement; an error is never passed over, because a deadlock has undone everything before.
	 * Deadlocks are no news: whoever gives up logs what the exception says.
	 *
	 * @param string $sql Complete SQL.
	 * @return int Rows affected.
	 * @throws Commerce_Connector_Busy When the database refuses.
	 */
	public static function run( $sql ) {
		global $wpdb;
		$suppressed = $wpdb->suppress_errors( true );
		$done       = $wpdb->query( $sql );
		$wpdb->suppress_errors( $suppressed );
		if ( false === $done ) {
			throw new Commerce_Connector_Busy( 'The database refused a statement: ' . $wpdb->last_error );
		}
		return (int) $done;
	}

	/**
	 * Tells the site's error log that the database refused.
	 *
	 * @param Commerce_Connector_Busy $error What was given up.
	 */
	public static function log( Commerce_Connector_Busy $error ) {
		error_log( 'Commerce Connector: ' . $error->getMessage() ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions
	}

	/**
	 * Rows as arrays.
	 *
	 * @param string $sql Complete SQL.
	 * @return array[]
	 * @throws Commerce_Connector_Busy When the database refuses.
	 */
	public static function rows( $sql ) {
		global $wpdb;
		self::run( $sql );
		return array_map( 'get_object_vars', $wpdb->last_result );
	}

	/**
	 * Rows as arrays; none where the database refuses. For pages that people look at: they show
	 * less then, rather than an error.
	 *
	 * @param string $sql Complete SQL.
	 * @return array[]
	 */
	public static function rows_if_possible( $sql ) {
		try {
			return self::rows( $sql );
		} catch ( Commerce_Connector_Busy $error ) {
			self::log( $error );
			return array();
		}
	}

	/**
	 * Inserts rows, or updates the named columns where the key is there already.
	 *
	 * @param string   $table   Table with prefix.
	 * @param string[] $columns Column names.
	 * @param array[]  $rows    Values in the order of the columns.
	 * @param string[] $update  Columns to update on a duplicate key; none: a duplicate is an error.
	 * @param string   $tail    What else stands behind the values.
	 * @return int As the database counts: 1 for a row made, on MySQL 2 for one changed and 0 for one left.
	 */
	public static function insert( $table, array $columns, array $rows, array $update = array(), $tail = '' ) {
		$head = "INSERT INTO $table (" . implode( ',', $columns ) . ') VALUES ';
		foreach ( $update as $column ) {
			$tail .= ( '' === $tail ? ' ON DUPLICATE KEY UPDATE ' : ',' ) . "$column=VALUES($column)";
		}
		$values = '';
		$count  = 0;
		foreach ( $rows as $row ) {
			$literal = '(' . self::in( $row ) . ')';
			if ( '' !== $values && strlen( $values ) + strlen( $literal ) > self::MAX_BYTES ) {
				$count += self::run( $head . $values . $tail );
				$values = '';
			}
			$values .= ( '' === $values ? '' : ',' ) . $literal;
		}
		if ( '' !== $values ) {
			$count += self::run( $head . $values . $tail );
		}
		return $count;
	}
}
