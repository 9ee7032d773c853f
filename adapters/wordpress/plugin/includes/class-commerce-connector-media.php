<?php
/**
 * Pictures from the backend: each one once, known by the SHA-256 of its bytes.
 *
 * A picture is claimed by a row before the work begins, because making sub-sizes takes long and
 * no transaction should be open meanwhile. A claim that its request did not live to fulfil lapses.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Stores and finds pictures.
 */
final class Commerce_Connector_Media {

	const CLAIM_SECONDS = 120;

	/**
	 * Those of the pictures that the site has.
	 *
	 * @param string[] $hashes SHA-256, hex.
	 * @return array[] Hash to array( cms_id, url ).
	 */
	public static function find( array $hashes ) {
		global $wpdb;
		$found = array();
		if ( ! $hashes ) {
			return $found;
		}
		$rows = Commerce_Connector_Sql::rows( 'SELECT m.content_hash, m.object_id FROM ' . Commerce_Connector_Tables::name( 'media' ) . " m INNER JOIN {$wpdb->posts} p ON p.ID = m.object_id AND p.post_type = 'attachment' AND p.post_status <> 'trash' WHERE m.content_hash IN (" . Commerce_Connector_Sql::in( $hashes ) . ')' );
		_prime_post_caches( array_map( 'intval', array_column( $rows, 'object_id' ) ), false, true );
		foreach ( $rows as $row ) {
			$found[ $row['content_hash'] ] = array(
				'cms_id' => (string) $row['object_id'],
				'url'    => (string) wp_get_attachment_url( (int) $row['object_id'] ),
			);
		}
		return $found;
	}

	/**
	 * Stores a picture, or finds the one with the same bytes.
	 *
	 * @param string $hash     SHA-256 that the sender computed.
	 * @param string $filename Name to keep, as far as it can be.
	 * @param string $alt      Words for those who do not see it.
	 * @param string $bytes    The picture.
	 * @return array|WP_Error cms_id and url.
	 */
	public static function store( $hash, $filename, $alt, $bytes ) {
		if ( hash( 'sha256', $bytes ) !== $hash ) {
			return self::refused( 'The bytes are not those of the hash.', 422 );
		}
		$found = self::find( array( $hash ) );
		if ( $found ) {
			return $found[ $hash ];
		}
		if ( ! self::claim( $hash ) ) {
			$found = self::find( array( $hash ) );
			return $found ? $found[ $hash ] : self::refused( 'Another request stores this picture now.', 503 );
		}
		$id = self::attach( $filename, $alt, $bytes );
		if ( is_wp_error( $id ) ) {
			self::forget( 'content_hash', $hash );
			return $id;
		}
		Commerce_Connector_Sql::run( 'UPDATE ' . Commerce_Connector_Tables::name( 'media' ) . ' SET object_id = ' . (int) $id . ' WHERE content_hash = ' . Commerce_Connector_Sql::literal( $hash ) );
		return array(
			'cms_id' => (string) $id,
			'url'    => (string) wp_get_attachment_url( $id ),
		);
	}

	/**
	 * Forgets a picture that a person deleted.
	 *
	 * @param int $id Attachment.
	 */
	public static function deleted( $id ) {
		self::forget( 'object_id', (int) $id );
	}

	/**
	 * Whether this request is the one to store the picture.
	 *
	 * @param string $hash SHA-256.
	 * @return bool
	 */
	private static function claim( $hash ) {
		global $wpdb;
		$table   = Commerce_Connector_Tables::name( 'media' );
		$literal = Commerce_Connector_Sql::literal( $hash );
		$now     = time();
		$old     = $now - self::CLAIM_SECONDS;
		Commerce_Connector_Sql::run( 'START TRANSACTION' );
		Commerce_Connector_Sql::insert( $table, array( 'content_hash' ), array( array( $hash ) ), array( 'content_hash' ) );
		$rows = Commerce_Connector_Sql::rows( "SELECT m.claimed_at, p.ID FROM $table m LEFT JOIN {$wpdb->posts} p ON p.ID = m.object_id AND p.post_status <> 'trash' WHERE m.content_hash = $literal" );
		$ours = (int) $rows[0]['claimed_at'] < $old && null === $rows[0]['ID'];
		if ( $ours ) {
			Commerce_Connector_Sql::run( "UPDATE $table SET claimed_at = $now WHERE content_hash = $literal" );
		}
		Commerce_Connector_Sql::run( 'COMMIT' );
		return $ours;
	}

	/**
	 * Makes an attachment of bytes.
	 *
	 * @param string $filename Name.
	 * @param string $alt      Alternative text.
	 * @param string $bytes    The picture.
	 * @return int|WP_Error
	 */
	private static function attach( $filename, $alt, $bytes ) {
		require_once ABSPATH . 'wp-admin/includes/file.php';
		require_once ABSPATH . 'wp-admin/includes/media.php';
		require_once ABSPATH . 'wp-admin/includes/image.php';
		$path = wp_tempnam( $filename );
		if ( ! $path || false === file_put_contents( $path, $bytes ) ) { // phpcs:ignore WordPress.WP.AlternativeFunctions
			return self::refused( 'The site cannot write temporary files.', 500 );
		}
		$type = wp_get_image_mime( $path );
		if ( ! $type || 0 !== strpos( $type, 'image/' ) ) {
			wp_delete_file( $path );
			return self::refused( 'The bytes are no picture of a type that this site takes.', 415 );
		}
		$id = media_handle_sideload(
			array(
				'name'     => self::name_for( $filename, $type ),
				'tmp_name' => $path,
			),
			0,
			null,
			array( 'post_author' => Commerce_Connector_Types::user_id() )
		);
		if ( file_exists( $path ) ) {
			wp_delete_file( $path );
		}
		if ( is_wp_error( $id ) ) {
			return self::refused( $id->get_error_message(), 415 );
		}
		if ( '' !== $alt ) {
			update_post_meta( $id, '_wp_attachment_image_alt', wp_slash( sanitize_text_field( $alt ) ) );
		}
		return $id;
	}

	/**
	 * A file name whose ending fits the bytes.
	 *
	 * @param string $filename As sent.
	 * @param string $type     MIME type of the bytes.
	 * @return string
	 */
	private static function name_for( $filename, $type ) {
		$endings = array_search( $type, wp_get_mime_types(), true );
		$ending  = $endings ? strtok( $endings, '|' ) : substr( $type, 6 );
		$stem    = sanitize_file_name( pathinfo( $filename, PATHINFO_FILENAME ) );
		return ( '' === $stem ? 'picture' : substr( $stem, 0, 100 ) ) . '.' . $ending;
	}

	/**
	 * Forgets rows.
	 *
	 * @param string     $column Column.
	 * @param string|int $value  Value.
	 */
	private static function forget( $column, $value ) {
		Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'media' ) . " WHERE $column = " . Commerce_Connector_Sql::literal( $value ) );
	}

	/**
	 * An answer that says no.
	 *
	 * @param string $message Sentence.
	 * @param int    $status  HTTP status.
	 * @return WP_Error
	 */
	private static function refused( $message, $status ) {
		return new WP_Error( 503 === $status ? 'commerce_connector_busy' : 'commerce_connector_media', $message, array( 'status' => $status ) );
	}
}
