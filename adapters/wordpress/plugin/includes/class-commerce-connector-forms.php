<?php
/**
 * What forms ask for where there is no script: put in, change, take out, codes, checkout.
 *
 * Forms post to the page that they stand on. What is done leads back to the same page, so that
 * nobody can be sent elsewhere; what is not done is said on that page, in the answer itself.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Posts of shoppers.
 */
final class Commerce_Connector_Forms {

	const FIELD = 'commerce-connector';
	const ASKS  = array( 'add', 'set', 'remove', 'apply', 'drop', 'checkout', 'contact', 'shipping', 'payment', 'complete' );
	const MOST  = 999;

	/**
	 * Takes a form, where one was sent. Before any output.
	 */
	public static function take() {
		$ask = self::text( self::FIELD );
		if ( ! self::is_post() || ! in_array( $ask, self::ASKS, true ) || ! Commerce_Connector_Relay::is_there() ) {
			return;
		}
		Commerce_Connector_Shop_Pages::keep_private();
		$sender = Commerce_Connector_Shopper::sent_by();
		if ( 'others' === $sender ) {
			self::refuse( 403, array( __( 'This was sent by another site, so nothing was done. Please use the shop\'s own page.', 'commerce-connector' ) ) );
			return;
		}
		if ( 'unknown' === $sender ) {
			self::refuse( 409, array( __( 'Your browser does not say which page this comes from. Please confirm that it was you.', 'commerce-connector' ) ), self::again( __( 'Confirm', 'commerce-connector' ), Commerce_Connector_Shopper::confirmation() ) );
			return;
		}
		self::$ask();
	}

	// ---- the cart ----

	/**
	 * Puts an article into the cart, which is made if there is none.
	 */
	private static function add() {
		$named = '' === self::text( 'variant' ) ? 'sku' : 'variant';
		$line  = array(
			$named     => self::text( $named ),
			'quantity' => self::quantity(),
		);
		if ( null === $line['quantity'] ) {
			self::refuse( 422, array( self::quantity_text() ), array( 'fields' => array( 'quantity' => self::quantity_text() ) ) );
			return;
		}
		$id     = Commerce_Connector_Shopper::intention( $line );
		$token  = Commerce_Connector_Shopper::token();
		$answer = '' === $token ? null : Commerce_Connector_Relay::ask( 'add_line', $token, $line, $id );
		if ( null === $answer || in_array( Commerce_Connector_Relay::problem( $answer ), array( 'unknown-cart', 'ordered' ), true ) ) {
			$market = Commerce_Connector_View::shown_market();
			$wish   = array( 'lines' => array( $line ) ) + ( '' === $market ? array() : array( 'market' => $market ) );
			$answer = Commerce_Connector_Relay::ask( 'create_cart', '', $wish, "$id-cart" );
		}
		if ( self::is_done( $answer ) ) {
			self::leave(
				array(
					Commerce_Connector_Says::WORD => 'added',
					Commerce_Connector_Says::FORM => self::form(),
				)
			);
		}
	}

	/**
	 * Sets a line's quantity; 0 takes it out.
	 */
	private static function set() {
		$quantity = self::quantity( 0 );
		if ( null === $quantity ) {
			self::refuse( 422, array( self::quantity_text() ) );
			return;
		}
		self::change( 'set_line', array( 'quantity' => $quantity ), array( 'line' => self::text( 'line' ) ), __( 'Your cart is up to date.', 'commerce-connector' ) );
	}

	/**
	 * Takes a line out.
	 */
	private static function remove() {
		self::change( 'remove_line', array(), array( 'line' => self::text( 'line' ) ), __( 'It is no longer in your cart.', 'commerce-connector' ) );
	}

	/**
	 * Applies a promotion's code.
	 */
	private static function apply() {
		self::change( 'add_promotion', array( 'code' => self::text( 'code' ) ), array(), __( 'The code is applied.', 'commerce-connector' ), 'code' );
	}

	/**
	 * Takes a code away.
	 */
	private static function drop() {
		self::change( 'remove_promotion', array(), array( 'code' => self::text( 'code' ) ), __( 'The code is taken away.', 'commerce-connector' ) );
	}

	/**
	 * Changes the cart and says so on the same page.
	 *
	 * @param string $action Operation.
	 * @param array  $body   What it is given.
	 * @param array  $more   line or code.
	 * @param string $says   What is said when it is done.
	 * @param string $field  The field that is wrong where it is not.
	 */
	private static function change( $action, array $body, array $more, $says, $field = '' ) {
		$answer = self::ask( $action, $body, $more );
		if ( self::is_done( $answer, $field ) ) {
			Commerce_Connector_Shopper::say_next( 'status', array( $says ) );
			self::leave();
		}
	}

	// ---- the checkout ----

	/**
	 * Looks at prices and stock again, then goes to the engine's own checkout or to the first step.
	 */
	private static function checkout() {
		$answer = self::ask( 'checkout', array( 'return_url' => self::here() ) );
		if ( ! self::is_done( $answer ) ) {
			return;
		}
		$changes = self::changes( $answer );
		$url     = isset( $answer['body']['url'] ) ? (string) $answer['body']['url'] : '';
		if ( $changes ) {
			Commerce_Connector_Shopper::say_next( 'alert', $changes );
		}
		if ( $changes || 'redirect' !== $answer['body']['kind'] ) {
			self::leave( 'redirect' === $answer['body']['kind'] ? array() : array( Commerce_Connector_Checkout::STEP => 'contact' ) );
		}
		if ( preg_match( '#^https?://#i', $url ) ) {
			wp_redirect( $url, 303 ); // phpcs:ignore WordPress.Security.SafeRedirect -- The engine's checkout, as the relay signs for it.
			exit;
		}
	}

	/**
	 * Who orders, and where it goes.
	 */
	private static function contact() {
		$fields = Commerce_Connector_Checkout::contact( array( __CLASS__, 'text' ) );
		$wrong  = Commerce_Connector_Checkout::problems( $fields );
		if ( $wrong ) {
			self::refuse( 422, array( __( 'Please look at these fields again.', 'commerce-connector' ) ), array( 'fields' => $wrong ) );
			return;
		}
		$email = $fields['email'];
		unset( $fields['email'] );
		$answer = self::ask(
			'update_cart',
			array(
				'email'            => $email,
				'shipping_address' => $fields,
			)
		);
		if ( self::is_done( $answer ) ) {
			self::leave( array( Commerce_Connector_Checkout::STEP => 'shipping' ) );
		}
	}

	/**
	 * How it is shipped. Where it can be paid in one way only, that is chosen with it.
	 */
	private static function shipping() {
		$answer = self::ask( 'choose_shipping', array( 'option' => self::text( 'option' ) ) );
		if ( ! self::is_done( $answer, 'option' ) ) {
			return;
		}
		$ways = Commerce_Connector_Checkout::providers();
		$only = 1 === count( $ways ) ? self::ask( 'choose_payment', array( 'provider' => $ways[0] ) ) : null;
		$step = $only && '' === Commerce_Connector_Relay::problem( $only ) ? 'review' : 'payment';
		self::leave( array( Commerce_Connector_Checkout::STEP => $step ) );
	}

	/**
	 * How it is paid.
	 */
	private static function payment() {
		$answer = self::ask( 'choose_payment', array( 'provider' => self::text( 'provider' ) ) );
		if ( self::is_done( $answer, 'provider' ) ) {
			self::leave( array( Commerce_Connector_Checkout::STEP => 'review' ) );
		}
	}

	/**
	 * Orders, for the total that the shopper saw.
	 */
	private static function complete() {
		$answer = self::ask( 'complete_cart', array( 'total_minor' => (int) self::text( 'total' ) ) );
		if ( self::is_done( $answer ) ) {
			self::leave( array( Commerce_Connector_Checkout::STEP => 'done' ) );
		}
	}

	// ---- asking and answering ----

	/**
	 * Asks for an operation on the shopper's cart.
	 *
	 * @param string $action Operation.
	 * @param array  $body   What it is given.
	 * @param array  $more   line or code.
	 * @return array
	 */
	private static function ask( $action, array $body, array $more = array() ) {
		$id = Commerce_Connector_Shopper::intention( array( $action, $body, $more ) );
		return Commerce_Connector_Relay::ask( $action, Commerce_Connector_Shopper::token(), $body, $id, $more );
	}

	/**
	 * Whether it is done; else the page says why. The next intention begins where the answer is final.
	 *
	 * @param array  $answer Of the relay.
	 * @param string $field  The field that is wrong where it is not.
	 * @return bool
	 */
	private static function is_done( array $answer, $field = '' ) {
		$problem = Commerce_Connector_Relay::problem( $answer );
		$body    = $answer['body'];
		if ( ! Commerce_Connector_Relay::is_unsure( $problem ) ) {
			$gone = 'unknown-cart' === $problem;
			Commerce_Connector_Shopper::keep( ! $gone && isset( $body['token'] ) ? (string) $body['token'] : ( $gone ? '' : Commerce_Connector_Shopper::token() ) );
		}
		if ( '' === $problem ) {
			return true;
		}
		if ( 'away' === $problem || empty( $body['detail'] ) ) {
			$texts = array( self::away_text() );
		} else {
			$texts = array_merge( array( (string) $body['detail'] ), self::left( $body ), self::changes( $answer ) );
		}
		$more = '' === $field ? array() : array( 'fields' => array( $field => $texts[0] ) );
		if ( Commerce_Connector_Relay::is_unsure( $problem ) ) {
			$more += self::again( __( 'Try again', 'commerce-connector' ) );
		}
		self::refuse( $answer['status'] >= 400 ? $answer['status'] : 503, $texts, $more );
		return false;
	}

	/**
	 * Lets the page go on with what is wrong on it.
	 *
	 * @param int      $status Status.
	 * @param string[] $texts  Sentences.
	 * @param array    $more   As Commerce_Connector_Says::set() takes.
	 */
	private static function refuse( $status, array $texts, array $more = array() ) {
		Commerce_Connector_Says::set( self::form(), 'alert', $texts, $more );
		status_header( $status );
	}

	/**
	 * Goes back to this page.
	 *
	 * @param string[] $query What is added to its address.
	 */
	private static function leave( array $query = array() ) {
		wp_safe_redirect( add_query_arg( array_map( 'rawurlencode', $query ), self::here() ), 303 );
		exit;
	}

	/**
	 * The address of this page without what we add to it, on this site whatever the request says.
	 *
	 * @return string
	 */
	private static function here() {
		$path  = isset( $_SERVER['REQUEST_URI'] ) ? '/' . ltrim( (string) wp_unslash( $_SERVER['REQUEST_URI'] ), '/\\' ) : '/'; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- esc_url_raw below.
		$parts = wp_parse_url( home_url() );
		$home  = $parts['scheme'] . '://' . $parts['host'] . ( isset( $parts['port'] ) ? ':' . $parts['port'] : '' );
		$ours  = array( Commerce_Connector_Says::WORD, Commerce_Connector_Says::FORM, Commerce_Connector_Checkout::STEP );
		return esc_url_raw( remove_query_arg( $ours, $home . $path ) );
	}

	/**
	 * A form with one button that sends the same once more.
	 *
	 * @param string $label   Of the button.
	 * @param string $confirm Word that proves that this browser sends it.
	 * @return array
	 */
	private static function again( $label, $confirm = '' ) {
		$fields = array();
		foreach ( array_keys( $_POST ) as $name ) { // phpcs:ignore WordPress.Security.NonceVerification -- Sent back to the same browser.
			$fields[ $name ] = self::text( $name );
		}
		$fields['confirm'] = $confirm;
		return array( 'again' => array( 'label' => $label, 'fields' => $fields ) ); // phpcs:ignore WordPress.Arrays
	}

	/**
	 * What an answer says of changes, for the shopper.
	 *
	 * @param array $answer Of the relay.
	 * @return string[]
	 */
	private static function changes( array $answer ) {
		$changes = isset( $answer['body']['changes'] ) ? (array) $answer['body']['changes'] : array();
		return array_values( array_filter( array_map( 'strval', array_column( $changes, 'says' ) ) ) );
	}

	/**
	 * How many there are left, where the engine says so.
	 *
	 * @param array $body Of a problem.
	 * @return string[]
	 */
	private static function left( array $body ) {
		if ( empty( $body['left'] ) ) {
			return array();
		}
		/* translators: %s: number of pieces. */
		return array( sprintf( __( 'Only %s left.', 'commerce-connector' ), number_format_i18n( (int) $body['left'] ) ) );
	}

	/**
	 * What is said where the shop does not answer.
	 *
	 * @return string
	 */
	public static function away_text() {
		return __( 'The shop does not answer just now. Nothing is lost, and nothing is done twice: please try again in a moment.', 'commerce-connector' );
	}

	/**
	 * What is said of a quantity that is none.
	 *
	 * @return string
	 */
	private static function quantity_text() {
		/* translators: %d: the largest number of pieces. */
		return sprintf( __( 'Please write a quantity from 1 to %d.', 'commerce-connector' ), self::MOST );
	}

	// ---- fields ----

	/**
	 * A field of the form, as it was written.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	public static function text( $name ) {
		$text = isset( $_POST[ $name ] ) && is_string( $_POST[ $name ] ) ? wp_check_invalid_utf8( wp_unslash( $_POST[ $name ] ) ) : ''; // phpcs:ignore WordPress.Security -- sent_by() has looked; escaped where it is shown.
		return trim( (string) preg_replace( '/[\x00-\x1f\x7f]+/', ' ', $text ) );
	}

	/**
	 * The quantity; null where it is none.
	 *
	 * @param int $least Smallest.
	 * @return int|null
	 */
	private static function quantity( $least = 1 ) {
		$text = self::text( 'quantity' );
		$said = '' === $text && 1 === $least ? 1 : ( preg_match( '/^[0-9]{1,4}\z/', $text ) ? (int) $text : -1 );
		return $said >= $least && $said <= self::MOST ? $said : null;
	}

	/**
	 * The id of the form that was sent.
	 *
	 * @return string
	 */
	public static function form() {
		return sanitize_html_class( self::text( 'form' ) );
	}

	/**
	 * Whether this request sends a form.
	 *
	 * @return bool
	 */
	public static function is_post() {
		return isset( $_SERVER['REQUEST_METHOD'] ) && 'POST' === $_SERVER['REQUEST_METHOD'];
	}
}
