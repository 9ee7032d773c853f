<?php
/**
 * The settings of the shop: where the relay is, and the pages with cart and checkout.
 *
 * An administrator says where the relay is, because pages take scripts from there: the secret that
 * the daemon has lets in products, no code.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The section "Shop" of the settings page.
 */
final class Commerce_Connector_Shop_Settings {

	const GROUP   = 'commerce_connector_shop';
	const ADDRESS = '#^https?://[^/?\#\s@]+(/[^?\#\s]*)?/v1/[A-Za-z0-9_.-]+\z#';

	/**
	 * Registers what is chosen.
	 */
	public static function register() {
		register_setting( self::GROUP, Commerce_Connector_Relay::OPTION, array( 'sanitize_callback' => array( __CLASS__, 'address' ) ) );
		register_setting( self::GROUP, Commerce_Connector_Shop_Pages::OPTION, array( 'sanitize_callback' => array( __CLASS__, 'pages' ) ) );
	}

	/**
	 * The relay's address, or the old one where it cannot be one.
	 *
	 * @param mixed $value What was written.
	 * @return string
	 */
	public static function address( $value ) {
		$value = rtrim( trim( (string) $value ), '/' );
		if ( '' === $value || preg_match( self::ADDRESS, $value ) ) {
			return esc_url_raw( $value, array( 'http', 'https' ) );
		}
		add_settings_error( Commerce_Connector_Relay::OPTION, 'address', __( 'The relay\'s address is written like https://connector.example/v1/blog.', 'commerce-connector' ) );
		return Commerce_Connector_Relay::address();
	}

	/**
	 * Ids of pages.
	 *
	 * @param mixed $value By name.
	 * @return int[]
	 */
	public static function pages( $value ) {
		$value = array_intersect_key( (array) $value, array_flip( array( 'cart', 'checkout' ) ) );
		return array_map( 'absint', $value );
	}

	/**
	 * Prints the section.
	 */
	public static function show() {
		echo '<h2>' . esc_html__( 'Shop', 'commerce-connector' ) . '</h2><form method="post" action="' . esc_url( admin_url( 'options.php' ) ) . '"><table class="form-table" role="presentation">';
		settings_fields( self::GROUP );
		$field = Commerce_Connector_Relay::OPTION;
		printf( '<tr><th scope="row"><label for="%1$s">%2$s</label></th><td><input type="url" class="regular-text code" id="%1$s" name="%1$s" value="%3$s" placeholder="https://connector.example/v1/blog" aria-describedby="%1$s-help">', esc_attr( $field ), esc_html__( 'Address of the relay', 'commerce-connector' ), esc_attr( Commerce_Connector_Relay::address() ) );
		printf( '<p class="description" id="%s-help">%s</p></td></tr>', esc_attr( $field ), esc_html__( 'The connector\'s public address, /v1/ and this site\'s name there. Pages take the shop\'s script from it. Empty: nothing can be bought here.', 'commerce-connector' ) );
		self::show_page( 'cart', __( 'Page with the cart', 'commerce-connector' ) );
		self::show_page( 'checkout', __( 'Page with the checkout', 'commerce-connector' ) );
		echo '</table>';
		submit_button();
		echo '</form>';
		if ( ! Commerce_Connector_Shop_Pages::id( 'cart' ) || ! Commerce_Connector_Shop_Pages::id( 'checkout' ) ) {
			Commerce_Connector_Settings::button( 'commerce_connector_pages', 'make', __( 'Make the pages that are missing', 'commerce-connector' ) );
		}
		if ( Commerce_Connector_Relay::is_there() ) {
			Commerce_Connector_Settings::button( 'commerce_connector_relay_test', 'test', __( 'Test the relay', 'commerce-connector' ) );
		}
	}

	/**
	 * Prints the choice of a page.
	 *
	 * @param string $name  cart or checkout.
	 * @param string $label Label.
	 */
	private static function show_page( $name, $label ) {
		$id = Commerce_Connector_Shop_Pages::OPTION . '-' . $name;
		echo '<tr><th scope="row"><label for="' . esc_attr( $id ) . '">' . esc_html( $label ) . '</label></th><td>';
		wp_dropdown_pages(
			array(
				'name'              => esc_attr( Commerce_Connector_Shop_Pages::OPTION . "[$name]" ),
				'id'                => esc_attr( $id ),
				'selected'          => (int) Commerce_Connector_Shop_Pages::id( $name ),
				'show_option_none'  => esc_html__( 'None', 'commerce-connector' ),
				'option_none_value' => '0',
			)
		);
		echo '</td></tr>';
	}

	/**
	 * Handles the button that makes the pages.
	 */
	public static function make_pages() {
		Commerce_Connector_Settings::allowed( 'commerce_connector_pages' );
		$made = Commerce_Connector_Shop_Pages::make();
		/* translators: %d: how many pages were made. */
		Commerce_Connector_Settings::leave( 'test', sprintf( _n( '%d page made.', '%d pages made.', $made, 'commerce-connector' ), $made ) );
	}

	/**
	 * Handles the button that tests the relay.
	 */
	public static function test() {
		Commerce_Connector_Settings::allowed( 'commerce_connector_relay_test' );
		Commerce_Connector_Settings::leave( 'test', self::tested() );
	}

	/**
	 * What the relay says to a signed action that opens no cart.
	 *
	 * @return string
	 */
	public static function tested() {
		$problem = Commerce_Connector_Relay::problem( Commerce_Connector_Relay::ask( 'read_cart', 'cct_test' ) );
		if ( 'unknown-cart' === $problem ) {
			return __( 'The relay answers, and takes our signature.', 'commerce-connector' );
		}
		if ( 'signature' === $problem ) {
			return __( 'The relay does not take our signature: the daemon has another secret, knows this site by another name, or its clock is wrong.', 'commerce-connector' );
		}
		/* translators: %s: what went wrong, in one word. */
		return sprintf( __( 'The relay does not answer as it should (%s). Look at its address, and whether this server may call it (WP_HTTP_BLOCK_EXTERNAL).', 'commerce-connector' ), $problem );
	}
}
