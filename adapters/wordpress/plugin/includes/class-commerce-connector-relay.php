<?php
/**
 * The relay, asked from this server: signed actions in a shopper's name (docs/relay.md).
 *
 * Signed with the secret that the daemon signs with, so that there is none to add. An action with
 * the same id happens once. Knows no page, no cookie and no form.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * What the relay answers.
 */
final class Commerce_Connector_Relay {

	const OPTION          = 'commerce_connector_relay';
	const PROBLEM         = 'urn:commerce-connector:problem:';
	const TIMEOUT_SECONDS = 10;
	const TRIES           = 3;
	const LONGEST_WAIT    = 2;

	/**
	 * The relay's address for this site, like https://connector.example/v1/blog; "" where there is none.
	 *
	 * @return string
	 */
	public static function address() {
		return (string) get_option( self::OPTION, '' );
	}

	/**
	 * Whether shoppers can buy here.
	 *
	 * @return bool
	 */
	public static function is_there() {
		return '' !== self::address() && array() !== Commerce_Connector_Secrets::valid();
	}

	/**
	 * The module that upgrades the pages' markup. The relay serves it, so that it is always the one
	 * that the relay's routes fit, also on pages from a cache.
	 *
	 * @return string
	 */
	public static function script() {
		return dirname( self::address(), 2 ) . '/storefront/commerce.js';
	}

	/**
	 * Asks for one operation of the relay's OpenAPI document, and waits for its answer.
	 *
	 * What is over in a moment is asked again, with the same id.
	 *
	 * @param string $action Operation.
	 * @param string $token  The cart's; "" where it needs none.
	 * @param array  $body   What the operation is given.
	 * @param string $id     The same for one intention.
	 * @param array  $more   line or code.
	 * @return array status (0: no answer), body.
	 */
	public static function ask( $action, $token, array $body = array(), $id = '', array $more = array() ) {
		$wish    = array(
			'action' => $action,
			'body'   => (object) $body,
		) + $more + array_filter(
			array(
				'token'  => $token,
				'client' => Commerce_Connector_Shopper::client(),
			),
			'strlen'
		);
		$content = (string) wp_json_encode( $wish, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
		$id      = '' === $id ? wp_generate_uuid4() : $id;
		$until   = time() + self::TIMEOUT_SECONDS;
		for ( $tried = 1; ; $tried++ ) {
			list( $answer, $wait ) = self::once( $id, $content, max( 1, $until - time() ) );
			if ( null === $wait || $wait > self::LONGEST_WAIT || $tried >= self::TRIES || time() + $wait >= $until ) {
				return $answer;
			}
			sleep( $wait );
		}
	}

	/**
	 * The word that says what went wrong; "" where nothing did.
	 *
	 * @param array $answer As ask() gives.
	 * @return string
	 */
	public static function problem( array $answer ) {
		if ( 200 === $answer['status'] ) {
			return '';
		}
		$type = isset( $answer['body']['type'] ) ? (string) $answer['body']['type'] : '';
		return 0 === strpos( $type, self::PROBLEM ) ? substr( $type, strlen( self::PROBLEM ) ) : 'away';
	}

	/**
	 * Whether it may have happened, or may yet: the same is asked again with the same id.
	 *
	 * @param string $problem As problem() gives.
	 * @return bool
	 */
	public static function is_unsure( $problem ) {
		return in_array( $problem, array( 'away', 'under-way', 'outcome-unknown', 'engine-away', 'busy', 'unavailable', 'rate' ), true );
	}

	/**
	 * One request.
	 *
	 * @param string $id      Of the action.
	 * @param string $content Body.
	 * @param int    $seconds How long its answer is waited for.
	 * @return array Answer, and after how many seconds the same may be asked again (null: no more).
	 */
	private static function once( $id, $content, $seconds ) {
		$response = wp_remote_post(
			dirname( self::address() ) . '/actions?site=' . rawurlencode( basename( self::address() ) ),
			array(
				'timeout'     => $seconds,
				'redirection' => 0,
				'headers'     => array( 'content-type' => 'application/json' ) + self::signature( $id, $content ),
				'body'        => $content,
			)
		);
		if ( is_wp_error( $response ) ) {
			error_log( 'Commerce Connector: the relay does not answer: ' . $response->get_error_message() ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions
			return array( self::answer( 0, null ), 0 );
		}
		$status = (int) wp_remote_retrieve_response_code( $response );
		$after  = wp_remote_retrieve_header( $response, 'retry-after' );
		$answer = self::answer( $status, json_decode( wp_remote_retrieve_body( $response ), true ) );
		return array( $answer, 200 !== $status && ctype_digit( (string) $after ) ? (int) $after : null );
	}

	/**
	 * An answer that is what it should be, or none.
	 *
	 * @param int   $status Status.
	 * @param mixed $body   Decoded JSON.
	 * @return array
	 */
	private static function answer( $status, $body ) {
		return array(
			'status' => is_array( $body ) ? $status : 0,
			'body'   => is_array( $body ) ? $body : array(),
		);
	}

	/**
	 * The headers that prove who asks, by each secret that holds: the daemon may know only the older one.
	 *
	 * @param string $id      Of the action.
	 * @param string $content Body.
	 * @return string[]
	 */
	public static function signature( $id, $content ) {
		$timestamp  = (string) time();
		$signatures = array();
		foreach ( array_column( Commerce_Connector_Secrets::valid(), 'secret' ) as $secret ) {
			$signatures[] = Commerce_Connector_Secrets::sign( $secret, $id, $timestamp, $content );
		}
		return array(
			'webhook-id'        => $id,
			'webhook-timestamp' => $timestamp,
			'webhook-signature' => implode( ' ', $signatures ),
		);
	}
}
