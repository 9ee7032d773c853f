<?php
/**
 * The storefront's elements on the pages that need them: their module, and where the relay is.
 *
 * Also the place where script and server agree on one cart: the token is in a cookie that no script
 * reads, so a script asks for it here, and tells of a new one. Only our own pages may.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Module, meta element and the shared cart.
 */
final class Commerce_Connector_Elements {

	const QUERY      = 'commerce-connector';
	const MOST_BYTES = 4096;

	/**
	 * Asks for the module and the styles on this page.
	 */
	public static function need() {
		wp_enqueue_style( 'commerce-connector', plugins_url( 'assets/product.css', COMMERCE_CONNECTOR_FILE ), array(), COMMERCE_CONNECTOR_VERSION );
		if ( Commerce_Connector_Relay::is_there() ) {
			wp_enqueue_script_module( 'commerce-connector', Commerce_Connector_Relay::script(), array(), null );
		}
	}

	/**
	 * Says where the relay is, the same for everybody.
	 */
	public static function print_meta() {
		if ( ! Commerce_Connector_Relay::is_there() ) {
			return;
		}
		printf(
			'<meta name="commerce-connector" content="%s" data-market="%s" data-cart="%s">' . "\n",
			esc_url( Commerce_Connector_Relay::address() ),
			esc_attr( Commerce_Connector_View::shown_market() ),
			esc_url( add_query_arg( self::QUERY, 'cart', home_url( '/' ) ) )
		);
	}

	/**
	 * Answers a script that asks for the shopper's cart token or tells of a new one.
	 */
	public static function share_cart() {
		if ( ! isset( $_GET[ self::QUERY ] ) || 'cart' !== $_GET[ self::QUERY ] || ! Commerce_Connector_Forms::is_post() ) { // phpcs:ignore WordPress.Security.NonceVerification -- Chooses the answer.
			return;
		}
		Commerce_Connector_Shop_Pages::keep_private();
		$type = isset( $_SERVER['CONTENT_TYPE'] ) ? strtolower( (string) wp_unslash( $_SERVER['CONTENT_TYPE'] ) ) : ''; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Compared, never used.
		if ( 0 !== strpos( $type, 'application/json' ) || 'us' !== Commerce_Connector_Shopper::sent_by() ) {
			wp_send_json( array( 'code' => 'commerce_connector_not_ours' ), 403 );
		}
		$said = json_decode( (string) file_get_contents( 'php://input', false, null, 0, self::MOST_BYTES ), true );
		if ( is_array( $said ) && array_key_exists( 'token', $said ) ) {
			$token = is_string( $said['token'] ) && preg_match( Commerce_Connector_Shopper::TOKEN, $said['token'] ) ? $said['token'] : '';
			if ( $token !== Commerce_Connector_Shopper::token() ) {
				Commerce_Connector_Shopper::keep( $token );
			}
		}
		$token = Commerce_Connector_Shopper::token();
		wp_send_json( array( 'token' => '' === $token ? null : $token ) );
	}
}
