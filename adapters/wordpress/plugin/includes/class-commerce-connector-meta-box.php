<?php
/**
 * What editors see beside a product: where it comes from, which fields the shop writes, how fresh.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The box "Commerce Connector", to read only.
 */
final class Commerce_Connector_Meta_Box {

	/**
	 * Adds the box.
	 */
	public static function add() {
		add_meta_box( 'commerce-connector', __( 'Commerce Connector', 'commerce-connector' ), array( __CLASS__, 'show' ), Commerce_Connector_Types::PRODUCT, 'side' );
	}

	/**
	 * Prints the box.
	 *
	 * @param WP_Post $post Post.
	 */
	public static function show( $post ) {
		$bindings = Commerce_Connector_Sql::rows_if_possible( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $post->ID );
		if ( ! $bindings ) {
			echo '<p>' . esc_html__( 'This product does not come from a shop.', 'commerce-connector' ) . '</p>';
		}
		foreach ( $bindings as $binding ) {
			self::show_binding( $binding );
		}
	}

	/**
	 * Prints what is known of one binding.
	 *
	 * @param array $binding Row.
	 */
	private static function show_binding( array $binding ) {
		$source = json_decode( (string) get_post_meta( (int) $binding['object_id'], Commerce_Connector_Stored::META . 'source', true ), true );
		$fields = array_keys( (array) json_decode( $binding['hashes'], true ) );
		echo '<p><strong>' . esc_html__( 'Product in the shop', 'commerce-connector' ) . '</strong><br>';
		if ( ! empty( $source['admin_url'] ) ) {
			printf( '<a href="%s">%s</a>', esc_url( $source['admin_url'] ), esc_html( $binding['backend_id'] ) );
		} else {
			echo esc_html( $binding['backend_id'] );
		}
		echo ' (' . esc_html( $binding['backend'] ) . ')</p>';
		echo '<p><strong>' . esc_html__( 'Last synced', 'commerce-connector' ) . '</strong><br>' . esc_html( wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), (int) $binding['synced_at'] ) ) . '</p>';
		echo '<p><strong>' . esc_html__( 'These fields come from the shop', 'commerce-connector' ) . '</strong><br>' . esc_html( implode( ', ', $fields ) ) . '</p>';
		if ( (int) $binding['retired'] ) {
			echo '<p>' . esc_html__( 'The shop no longer sells this product.', 'commerce-connector' ) . '</p>';
		}
		self::show_note( json_decode( $binding['status'], true ) );
	}

	/**
	 * Prints the daemon's note as it is.
	 *
	 * @param mixed $note Decoded JSON.
	 */
	private static function show_note( $note ) {
		if ( ! is_array( $note ) || ! $note ) {
			return;
		}
		echo '<dl>';
		foreach ( $note as $name => $value ) {
			printf( '<dt><strong>%s</strong></dt><dd>%s</dd>', esc_html( $name ), esc_html( is_scalar( $value ) ? (string) $value : wp_json_encode( $value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES ) ) );
		}
		echo '</dl>';
	}
}
