<?php
/**
 * The shopper's cart and the steps of the checkout, read from the engine while the page is made.
 *
 * Nothing of it is kept here: names, addresses and orders go from the engine to the page.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * What cart and checkout show where there is no script.
 */
final class Commerce_Connector_Checkout {

	const STEP  = 'commerce-step';
	const STEPS = array( 'contact', 'shipping', 'payment', 'review' );

	/**
	 * The answer about the cart, once for a page.
	 *
	 * @var array|null
	 */
	private static $read = null;

	/**
	 * Whether some of what the page asked for was not answered.
	 *
	 * @var bool
	 */
	private static $is_away = false;

	/**
	 * The cart as it is now.
	 *
	 * @return array cart (null: none, or it is ordered), ordered, away.
	 */
	public static function cart() {
		if ( null === self::$read ) {
			$token      = Commerce_Connector_Shopper::token();
			self::$read = '' === $token ? array() : self::answer( 'read_cart', $token );
		}
		$cart = isset( self::$read['cart'] ) ? self::$read['cart'] : null;
		return array(
			'cart'    => $cart && empty( $cart['ordered'] ) && ! empty( $cart['lines'] ) ? $cart : null,
			'ordered' => $cart && ! empty( $cart['ordered'] ),
			'away'    => self::$is_away,
		);
	}

	/**
	 * What the checkout's page shows.
	 *
	 * @return array step, cart, away, and what the step needs: values, options, providers, order.
	 */
	public static function view() {
		$shown  = self::cart();
		$wanted = isset( $_GET[ self::STEP ] ) ? sanitize_key( $_GET[ self::STEP ] ) : ''; // phpcs:ignore WordPress.Security.NonceVerification -- Chooses what is shown.
		if ( $shown['ordered'] ) {
			return array(
				'step' => 'done',
				'away' => false,
			) + self::order() + $shown;
		}
		if ( null === $shown['cart'] ) {
			return array( 'step' => 'nothing' ) + $shown;
		}
		$step = self::step( $wanted, (array) $shown['cart']['needs'] );
		if ( 'contact' === $step ) {
			$shown['values'] = self::values( $shown['cart'] );
		} elseif ( 'shipping' === $step ) {
			$shown['options'] = self::options();
		} elseif ( 'payment' === $step ) {
			$shown['providers'] = self::providers();
		}
		return array(
			'step' => $step,
			'away' => self::$is_away,
		) + $shown;
	}

	/**
	 * The step to show: none before the one that is still needed.
	 *
	 * @param string   $wanted Of the address.
	 * @param string[] $needs  What the cart lacks.
	 * @return string
	 */
	private static function step( $wanted, array $needs ) {
		if ( ! in_array( $wanted, self::STEPS, true ) ) {
			return 'begin';
		}
		$earliest = 3;
		foreach ( array( array( 'email', 'shipping_address' ), array( 'shipping' ), array( 'payment' ) ) as $place => $parts ) {
			if ( array_intersect( $parts, $needs ) ) {
				$earliest = min( $earliest, $place );
			}
		}
		return self::STEPS[ min( $earliest, (int) array_search( $wanted, self::STEPS, true ) ) ];
	}

	/**
	 * How the cart can be paid.
	 *
	 * @return string[] Ids.
	 */
	public static function providers() {
		$answer = self::answer( 'payment_providers', Commerce_Connector_Shopper::token() );
		return isset( $answer['providers'] ) ? array_column( (array) $answer['providers'], 'id' ) : array();
	}

	/**
	 * How the cart can be shipped.
	 *
	 * @return array[] id, name, price.
	 */
	private static function options() {
		$answer = self::answer( 'shipping_options', Commerce_Connector_Shopper::token() );
		return isset( $answer['options'] ) ? (array) $answer['options'] : array();
	}

	/**
	 * The order that the cart has become.
	 *
	 * @return array order (null: it cannot be read now).
	 */
	private static function order() {
		$answer = self::answer( 'read_order', Commerce_Connector_Shopper::token() );
		return array( 'order' => isset( $answer['order'] ) ? $answer['order'] : null );
	}

	/**
	 * What a read answers; nothing where it does not.
	 *
	 * @param string $action Operation.
	 * @param string $token  The cart's.
	 * @return array
	 */
	private static function answer( $action, $token ) {
		$answer = Commerce_Connector_Relay::ask( $action, $token );
		if ( Commerce_Connector_Relay::is_unsure( Commerce_Connector_Relay::problem( $answer ) ) ) {
			self::$is_away = true;
			return array();
		}
		return $answer['body'];
	}

	// ---- the address ----

	/**
	 * The fields of the first step: label, autocomplete, whether it must be filled in, how long it may be.
	 *
	 * @return array[]
	 */
	public static function fields() {
		return array(
			'email'       => array( __( 'E-mail', 'commerce-connector' ), 'email', true, 254 ),
			'first_name'  => array( __( 'First name', 'commerce-connector' ), 'shipping given-name', true, 120 ),
			'last_name'   => array( __( 'Last name', 'commerce-connector' ), 'shipping family-name', true, 120 ),
			'line_1'      => array( __( 'Street and number', 'commerce-connector' ), 'shipping address-line1', true, 200 ),
			'line_2'      => array( __( 'Further address line', 'commerce-connector' ), 'shipping address-line2', false, 200 ),
			'postal_code' => array( __( 'Postal code', 'commerce-connector' ), 'shipping postal-code', true, 20 ),
			'city'        => array( __( 'City', 'commerce-connector' ), 'shipping address-level2', true, 120 ),
			'country'     => array( __( 'Country (two letters, like DE)', 'commerce-connector' ), 'shipping country', true, 2 ),
		);
	}

	/**
	 * The fields as they were sent.
	 *
	 * @param callable $text From a field's name to what was written.
	 * @return string[]
	 */
	public static function contact( callable $text ) {
		$fields = array();
		foreach ( array_keys( self::fields() ) as $name ) {
			$fields[ $name ] = call_user_func( $text, $name );
		}
		$fields['country'] = strtoupper( $fields['country'] );
		return $fields;
	}

	/**
	 * What is wrong with them, by field.
	 *
	 * @param string[] $fields As contact() gives.
	 * @return string[]
	 */
	public static function problems( array $fields ) {
		$wrong = array();
		foreach ( self::fields() as $name => list( $label, , $required, $most ) ) {
			if ( $required && '' === $fields[ $name ] ) {
				/* translators: %s: the field. */
				$wrong[ $name ] = sprintf( __( '%s is missing.', 'commerce-connector' ), $label );
			} elseif ( mb_strlen( $fields[ $name ] ) > $most ) {
				/* translators: %s: the field. */
				$wrong[ $name ] = sprintf( __( '%s is too long.', 'commerce-connector' ), $label );
			}
		}
		if ( ! isset( $wrong['email'] ) && ! is_email( $fields['email'] ) ) {
			$wrong['email'] = __( 'This is no e-mail address.', 'commerce-connector' );
		}
		if ( ! isset( $wrong['country'] ) && ! preg_match( '/^[A-Z]{2}\z/', $fields['country'] ) ) {
			$wrong['country'] = __( 'Write the country with two letters, like DE.', 'commerce-connector' );
		}
		return $wrong;
	}

	/**
	 * What stands in the fields: what was just sent, or what the cart has.
	 *
	 * @param array $cart Cart.
	 * @return string[]
	 */
	private static function values( array $cart ) {
		if ( Commerce_Connector_Forms::is_post() && 'contact' === Commerce_Connector_Forms::text( Commerce_Connector_Forms::FIELD ) ) {
			return self::contact( array( 'Commerce_Connector_Forms', 'text' ) );
		}
		$known = array( 'email' => $cart['email'] ) + (array) $cart['shipping_address'];
		return array_map( 'strval', array_intersect_key( $known, self::fields() ) ) + array_fill_keys( array_keys( self::fields() ), '' );
	}

	/**
	 * The name of a way to pay.
	 *
	 * @param string $provider The engine's id.
	 * @return string
	 */
	public static function provider_name( $provider ) {
		/**
		 * What a way to pay is called.
		 *
		 * @param string $name     The engine's id.
		 * @param string $provider The engine's id.
		 */
		return (string) apply_filters( 'commerce_connector_payment_name', $provider, $provider );
	}

	/**
	 * What a cart or an order comes to.
	 *
	 * @param array $cart Cart or order.
	 * @return array[] Name, label, text.
	 */
	public static function sums( array $cart ) {
		$rows = array( array( 'subtotal', __( 'Subtotal', 'commerce-connector' ), $cart['subtotal']['text'] ) );
		if ( $cart['discount']['minor'] ) {
			$rows[] = array( 'discount', __( 'Discount', 'commerce-connector' ), '−' . $cart['discount']['text'] );
		}
		if ( ! empty( $cart['shipping'] ) || $cart['shipping_total']['minor'] ) {
			$rows[] = array( 'shipping', __( 'Shipping', 'commerce-connector' ), $cart['shipping_total']['text'] );
		}
		if ( $cart['tax']['minor'] ) {
			$rows[] = array( 'tax', $cart['tax_included'] ? __( 'Tax included', 'commerce-connector' ) : __( 'Tax', 'commerce-connector' ), $cart['tax']['text'] );
		}
		$rows[] = array( 'total', __( 'Total', 'commerce-connector' ), $cart['total']['text'] );
		return $rows;
	}
}
