<?php
/**
 * What this site knows of a shopper: cookies of their browser, and nothing in the database.
 *
 * `commerce_connector_cart` (HttpOnly) holds the sealed cart token and a step. The step is another
 * one after each intention that is done, so that what is sent twice with the same step is one
 * intention: pressed twice, or repeated by the network. `commerce_cart` is a mark without meaning
 * that tells scripts whether the token is still the one that they know.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * One shopper's cookies, and whether a form was sent by one of our own pages.
 */
final class Commerce_Connector_Shopper {

	const CART      = 'commerce_connector_cart';
	const MARK      = 'commerce_cart';
	const FORM      = 'commerce_connector_form';
	const SAYS      = 'commerce_connector_says';
	const TOKEN     = '/^cct_[A-Za-z0-9_-]{1,2040}\z/';
	const KEPT_DAYS = 30;

	/**
	 * The token of the shopper's cart; "": there is none.
	 *
	 * @return string
	 */
	public static function token() {
		$parts = explode( '.', self::cookie( self::CART ), 2 );
		return isset( $parts[1] ) && preg_match( self::TOKEN, $parts[1] ) ? $parts[1] : '';
	}

	/**
	 * Keeps a token, and begins the next step. Before any output.
	 *
	 * @param string $token As the relay gave it; "": the cart is over.
	 */
	public static function keep( $token ) {
		$until = time() + self::KEPT_DAYS * DAY_IN_SECONDS;
		$step  = bin2hex( random_bytes( 8 ) );
		self::set( self::CART, "$step.$token", $until );
		if ( self::mark() !== self::mark_of( $token ) ) {
			self::set( self::MARK, self::mark_of( $token ), $until, false );
		}
	}

	/**
	 * The id of what is asked now: the same for the same wish within a step.
	 *
	 * @param array $wish Action and fields.
	 * @return string
	 */
	public static function intention( array $wish ) {
		if ( ! preg_match( '/^[0-9a-f]{16}\./', self::cookie( self::CART ) ) ) {
			self::keep( '' );
		}
		return 'act_' . hash_hmac( 'sha256', (string) wp_json_encode( $wish ), self::cookie( self::CART ) );
	}

	/**
	 * A name for who asks, so that the relay can tell one shopper's rate from another's: a keyed hash
	 * of the address that is another one tomorrow. "" where this server sees only a proxy's address.
	 *
	 * @return string
	 */
	public static function client() {
		$address = isset( $_SERVER['REMOTE_ADDR'] ) ? (string) wp_unslash( $_SERVER['REMOTE_ADDR'] ) : ''; // phpcs:ignore WordPress.Security -- Checked below.
		/**
		 * The shopper's address, where a proxy in front hides it and the web server does not set it right.
		 *
		 * @param string $address As the web server says it.
		 */
		$address = (string) apply_filters( 'commerce_connector_client_address', $address );
		if ( ! filter_var( $address, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE ) ) {
			return '';
		}
		$network = substr( (string) inet_pton( $address ), 0, false === strpos( $address, ':' ) ? 4 : 8 );
		return substr( hash_hmac( 'sha256', 'client ' . gmdate( 'Y-m-d' ) . bin2hex( $network ), wp_salt( 'nonce' ) ), 0, 32 );
	}

	/**
	 * The mark that a browser has.
	 *
	 * @return string
	 */
	public static function mark() {
		return self::cookie( self::MARK );
	}

	/**
	 * The mark of a token: says nothing about it.
	 *
	 * @param string $token Token.
	 * @return string
	 */
	private static function mark_of( $token ) {
		return substr( wp_hash( 'cart mark ' . $token ), 0, 12 );
	}

	// ---- who sent a form ----

	/**
	 * Who sent this request: "us", one of our pages; "others", a page of another origin; "unknown"
	 * where the browser says nothing: then the shopper is asked to confirm.
	 *
	 * Pages from a cache are the same for everybody and can hold no nonce.
	 *
	 * @return string
	 */
	public static function sent_by() {
		$site = self::header( 'SEC_FETCH_SITE' );
		if ( 'same-origin' === $site || 'same-site' === $site || 'cross-site' === $site ) {
			return 'same-origin' === $site ? 'us' : 'others';
		}
		$from = self::header( 'ORIGIN' );
		$from = '' === $from || 'null' === $from ? self::header( 'REFERER' ) : $from;
		if ( '' === $from ) {
			return self::is_confirmed() ? 'us' : 'unknown';
		}
		return in_array( self::origin( $from ), array( self::origin( home_url() ), self::origin( site_url() ) ), true ) ? 'us' : 'others';
	}

	/**
	 * A word for a form of a page that is no other shopper's, which only this browser can send back.
	 *
	 * @return string
	 */
	public static function confirmation() {
		$browser = bin2hex( random_bytes( 16 ) );
		self::set( self::FORM, $browser, 0, true, 'Strict' );
		return wp_hash( "form $browser", 'nonce' );
	}

	/**
	 * Whether the form holds the word that was given to this browser.
	 *
	 * @return bool
	 */
	private static function is_confirmed() {
		$browser = self::cookie( self::FORM );
		$word    = isset( $_POST['confirm'] ) && is_string( $_POST['confirm'] ) ? wp_unslash( $_POST['confirm'] ) : ''; // phpcs:ignore WordPress.Security -- Compared, never used.
		return preg_match( '/^[0-9a-f]{32}\z/', $browser ) && hash_equals( wp_hash( "form $browser", 'nonce' ), $word );
	}

	/**
	 * Scheme, host and port of an address.
	 *
	 * @param string $url Address.
	 * @return string
	 */
	private static function origin( $url ) {
		$parts = wp_parse_url( $url );
		if ( ! isset( $parts['scheme'], $parts['host'] ) ) {
			return '';
		}
		$usual = 'https' === $parts['scheme'] ? 443 : 80;
		$port  = isset( $parts['port'] ) && $usual !== $parts['port'] ? ':' . $parts['port'] : '';
		return strtolower( $parts['scheme'] . '://' . $parts['host'] ) . $port;
	}

	// ---- what is said on the next page ----

	/**
	 * Keeps sentences for the next page of this shopper that no cache keeps. Before any output.
	 *
	 * @param string   $tone  status or alert.
	 * @param string[] $texts Sentences.
	 */
	public static function say_next( $tone, array $texts ) {
		$said = base64_encode( (string) wp_json_encode( array( $tone, array_slice( array_values( $texts ), 0, 6 ) ) ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
		self::set( self::SAYS, $said . '.' . wp_hash( $said, 'nonce' ), time() + MINUTE_IN_SECONDS );
	}

	/**
	 * What was kept for this page, which is gone then. Before any output.
	 *
	 * @return array|null Tone and sentences.
	 */
	public static function said_before() {
		$parts = explode( '.', self::cookie( self::SAYS ), 2 );
		if ( ! isset( $parts[1] ) ) {
			return null;
		}
		self::set( self::SAYS, '', 1 );
		$said = hash_equals( wp_hash( $parts[0], 'nonce' ), $parts[1] ) ? json_decode( (string) base64_decode( $parts[0], true ), true ) : null; // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
		return is_array( $said ) && 2 === count( $said ) ? $said : null;
	}

	// ---- cookies and headers ----

	/**
	 * A cookie of the request, or one set since.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function cookie( $name ) {
		return isset( $_COOKIE[ $name ] ) && is_string( $_COOKIE[ $name ] ) ? wp_unslash( $_COOKIE[ $name ] ) : ''; // phpcs:ignore WordPress.Security -- Checked by whoever reads it.
	}

	/**
	 * Sets a cookie.
	 *
	 * @param string $name      Name.
	 * @param string $value     Value.
	 * @param int    $until     Unix time; 0: until the browser is closed.
	 * @param bool   $http_only Whether scripts cannot read it.
	 * @param string $same_site Lax or Strict.
	 */
	private static function set( $name, $value, $until, $http_only = true, $same_site = 'Lax' ) {
		$_COOKIE[ $name ] = wp_slash( $value );
		setcookie(
			$name,
			$value,
			array(
				'expires'  => $until,
				'path'     => COOKIEPATH ? COOKIEPATH : '/',
				'secure'   => 'https' === wp_parse_url( home_url(), PHP_URL_SCHEME ),
				'httponly' => $http_only,
				'samesite' => $same_site,
			)
		);
	}

	/**
	 * A header of the request.
	 *
	 * @param string $name In capitals, with underscores.
	 * @return string
	 */
	private static function header( $name ) {
		return isset( $_SERVER[ "HTTP_$name" ] ) ? trim( (string) wp_unslash( $_SERVER[ "HTTP_$name" ] ) ) : ''; // phpcs:ignore WordPress.Security -- Compared, never used.
	}
}
