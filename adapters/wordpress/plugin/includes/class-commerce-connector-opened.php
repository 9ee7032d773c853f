<?php
/**
 * Saves from an editor that was opened before the shop wrote: both words are kept.
 *
 * Each editor says which state of each field it was opened with (a mark). A save over a newer one
 * takes the page's base back to that state, so that the daemon merges as if both had written at
 * once: what can be joined is joined, all else is a conflict that leaves the page as saved.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Marks of opened pages, and the bases that they stand for.
 */
final class Commerce_Connector_Opened {

	const NAME = 'commerce_connector_opened';
	const DAYS = 30;

	/**
	 * Post id to field to mark, of the running request.
	 *
	 * @var array[]
	 */
	private static $opened = array();

	/**
	 * The same of saves that say nothing: what held just before they were written.
	 *
	 * @var array[]
	 */
	private static $saving = array();

	/**
	 * Lets the block editor read the marks with the page, and send them with each save.
	 */
	public static function register() {
		register_rest_field(
			Commerce_Connector_Types::PRODUCT,
			self::NAME,
			array(
				'get_callback'    => function ( $post ) {
					return (object) self::marks( (int) $post['id'] );
				},
				'update_callback' => '__return_true',
				'schema'          => array(
					'description'          => __( 'Which state of each synced field this is.', 'commerce-connector' ),
					'type'                 => 'object',
					'context'              => array( 'edit' ),
					'additionalProperties' => array(
						'type'      => 'string',
						'maxLength' => 16,
					),
				),
			)
		);
	}

	/**
	 * Before a save by REST.
	 *
	 * @param stdClass        $post    As it will be saved.
	 * @param WP_REST_Request $request Request.
	 * @return stdClass
	 */
	public static function before_rest( $post, $request ) {
		if ( isset( $post->ID ) && is_array( $request[ self::NAME ] ) ) {
			self::$opened[ (int) $post->ID ] = $request[ self::NAME ];
		}
		return $post;
	}

	/**
	 * Just before a save: where nobody says what was opened, it is what holds now.
	 *
	 * @param array $data As it will be saved.
	 * @param array $post With ID.
	 * @return array
	 */
	public static function before_save( $data, $post ) {
		if ( ! empty( $post['ID'] ) && Commerce_Connector_Types::PRODUCT === $data['post_type'] && ! Commerce_Connector_Writes::$writing ) {
			self::$saving[ (int) $post['ID'] ] = self::marks( (int) $post['ID'] );
		}
		return $data;
	}

	/**
	 * Fields that a save put back to what its editor was opened with, though the shop wrote them since.
	 * WordPress saves whole rows: also words that nobody touched, as they were when the save began.
	 *
	 * @param WP_Post $post As it is.
	 * @return string[]
	 * @throws Commerce_Connector_Busy When the database refuses.
	 */
	public static function put_back( $post ) {
		$opened = self::of( $post->ID );
		$fields = array();
		foreach ( $opened ? Commerce_Connector_Sql::rows( 'SELECT subject_key, hashes, bases FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $post->ID ) : array() as $row ) {
			$hashes = (array) json_decode( $row['hashes'], true );
			$bases  = json_decode( $row['bases'] );
			foreach ( array_intersect_key( Commerce_Connector_Stored::COLUMNS, $opened, $hashes ) as $field => $column ) {
				$base  = isset( $bases->$field ) ? $bases->$field : '';
				$stood = self::mark( $hashes[ $field ], $base ) === $opened[ $field ] ? null : self::earlier( $row['subject_key'], $field, $opened[ $field ] );
				if ( $stood && Commerce_Connector_Stored::hash( $post->$column ) === $stood['hash'] && $stood['hash'] !== $hashes[ $field ] ) {
					$fields[] = $field;
				}
			}
		}
		return array_values( array_unique( $fields ) );
	}

	/**
	 * What stood behind a mark.
	 *
	 * @param string $key   Subject key.
	 * @param string $field Field.
	 * @param string $mark  Mark.
	 * @return array|null hash and base.
	 * @throws Commerce_Connector_Busy When the database refuses.
	 */
	private static function earlier( $key, $field, $mark ) {
		$rows = Commerce_Connector_Sql::rows( 'SELECT hash, base FROM ' . Commerce_Connector_Tables::name( 'earlier' ) . ' WHERE subject_key = ' . Commerce_Connector_Sql::literal( $key ) . ' AND field = ' . Commerce_Connector_Sql::literal( $field ) . ' AND mark = ' . Commerce_Connector_Sql::literal( (string) $mark ) );
		return $rows ? $rows[0] : null;
	}

	/**
	 * Puts the marks into the form of the classic editor, so that they come without script too.
	 *
	 * @param WP_Post $post Post.
	 */
	public static function show( $post ) {
		if ( Commerce_Connector_Types::PRODUCT === $post->post_type ) {
			printf( '<input type="hidden" name="%s" value="%s">', esc_attr( self::NAME ), esc_attr( wp_json_encode( (object) self::marks( $post->ID ) ) ) );
		}
	}

	/**
	 * The mark of one field.
	 *
	 * @param string $hash As the binding notes it.
	 * @param mixed  $base The backend's value.
	 * @return string
	 */
	public static function mark( $hash, $base ) {
		return Commerce_Connector_Stored::hash( $hash . wp_json_encode( $base ) );
	}

	/**
	 * Keeps what a write of the daemon replaces in bindings, for editors that are open.
	 *
	 * @param array[] $bound Bindings as they were, by subject key.
	 * @param array[] $names Fields written, by subject key.
	 */
	public static function keep( array $bound, array $names ) {
		$rows = array();
		foreach ( $names as $key => $fields ) {
			$hashes = (array) json_decode( $bound[ $key ]['hashes'], true );
			$bases  = (array) json_decode( $bound[ $key ]['bases'], true );
			foreach ( array_intersect( $fields, Commerce_Connector_Panel::EDITABLE ) as $field ) {
				if ( isset( $hashes[ $field ], $bases[ $field ] ) ) {
					$rows[] = array( $key, $field, self::mark( $hashes[ $field ], $bases[ $field ] ), $hashes[ $field ], Commerce_Connector_Stored::json( $bases[ $field ] ), time() );
				}
			}
		}
		if ( $rows ) {
			$table = Commerce_Connector_Tables::name( 'earlier' );
			Commerce_Connector_Sql::insert( $table, array( 'subject_key', 'field', 'mark', 'hash', 'base', 'at' ), $rows, array( 'at' ) );
			Commerce_Connector_Sql::run( "DELETE FROM $table WHERE at < " . ( time() - self::DAYS * DAY_IN_SECONDS ) );
		}
	}

	/**
	 * Takes the bases of fields back to what their editor was opened with.
	 *
	 * @param int      $id     Post.
	 * @param array    $row    Its binding.
	 * @param string[] $fields Fields that were saved otherwise than they stood.
	 * @return string[] Those of them over which the shop had written meanwhile.
	 */
	public static function rewind( $id, array $row, array $fields ) {
		$hashes = (array) json_decode( $row['hashes'], true );
		$bases  = json_decode( $row['bases'] );
		$opened = self::of( $id );
		$behind = array();
		foreach ( array_intersect( $fields, Commerce_Connector_Panel::EDITABLE, array_keys( $opened ), array_keys( $hashes ) ) as $field ) {
			$base = isset( $bases->$field ) ? $bases->$field : '';
			if ( self::mark( $hashes[ $field ], $base ) === $opened[ $field ] ) {
				continue;
			}
			$behind[] = $field;
			$before   = self::earlier( $row['subject_key'], $field, $opened[ $field ] );
			unset( $bases->$field );
			$hashes[ $field ] = '';
			if ( $before ) {
				$bases->$field    = json_decode( $before['base'] );
				$hashes[ $field ] = $before['hash'];
			}
		}
		if ( $behind ) {
			Commerce_Connector_Sql::run( 'UPDATE ' . Commerce_Connector_Tables::name( 'bindings' ) . ' SET hashes = ' . Commerce_Connector_Sql::literal( Commerce_Connector_Stored::json( (object) $hashes ) ) . ', bases = ' . Commerce_Connector_Sql::literal( Commerce_Connector_Stored::json( $bases ) ) . ' WHERE subject_key = ' . Commerce_Connector_Sql::literal( $row['subject_key'] ) );
		}
		return $behind;
	}

	/**
	 * What the running request says that its editor was opened with.
	 *
	 * @param int $id Post.
	 * @return string[] Field to mark.
	 */
	private static function of( $id ) {
		if ( isset( self::$opened[ $id ] ) ) {
			return self::$opened[ $id ];
		}
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- Core has checked the form's; this says only what was seen.
		if ( ! isset( $_POST[ self::NAME ], $_POST['post_ID'] ) || ! is_string( $_POST[ self::NAME ] ) || (int) $_POST['post_ID'] !== $id ) {
			return isset( self::$saving[ $id ] ) ? self::$saving[ $id ] : array();
		}
		// phpcs:ignore WordPress.Security -- Compared with marks, and looked up as a literal.
		return array_filter( (array) json_decode( wp_unslash( $_POST[ self::NAME ] ), true ), 'is_string' );
	}

	/**
	 * The marks of a page as it is now.
	 *
	 * @param int $id Post.
	 * @return string[] Field to mark.
	 */
	private static function marks( $id ) {
		$rows  = Commerce_Connector_Sql::rows_if_possible( 'SELECT hashes, bases FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $id . ' ORDER BY id LIMIT 1' );
		$marks = array();
		foreach ( $rows ? (array) json_decode( $rows[0]['hashes'], true ) : array() as $field => $hash ) {
			if ( in_array( $field, Commerce_Connector_Panel::EDITABLE, true ) ) {
				$bases           = json_decode( $rows[0]['bases'] );
				$marks[ $field ] = self::mark( $hash, isset( $bases->$field ) ? $bases->$field : '' );
			}
		}
		return $marks;
	}
}
