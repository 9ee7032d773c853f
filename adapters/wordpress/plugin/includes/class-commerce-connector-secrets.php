<?php
/**
 * Signing secrets and signatures: the Standard Webhooks scheme over method, target and body.
 *
 * The same vectors check this file and the daemon's side (adapters/site_api/vectors.json).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Makes, keeps and checks secrets.
 */
final class Commerce_Connector_Secrets {

	const OPTION            = 'commerce_connector_secrets';
	const SEEN              = 'commerce_connector_seen';
	const PREFIX            = 'whsec_';
	const TOLERANCE_SECONDS = 300;
	const OVERLAP_SECONDS   = DAY_IN_SECONDS;

	/**
	 * A fresh secret in place of all others.
	 *
	 * @return string
	 */
	public static function pair() {
		$secret = self::make();
		self::keep( array( array( 'secret' => $secret, 'expires' => 0 ) ) ); // phpcs:ignore WordPress.Arrays
		return $secret;
	}

	/**
	 * A fresh secret; those of before hold for another 24 hours.
	 *
	 * @return string
	 */
	public static function rotate() {
		$secret = self::make();
		$kept   = array( array( 'secret' => $secret, 'expires' => 0 ) ); // phpcs:ignore WordPress.Arrays
		$until  = time() + self::OVERLAP_SECONDS;
		foreach ( self::valid() as $old ) {
			$old['expires'] = $old['expires'] ? min( $old['expires'], $until ) : $until;
			$kept[]         = $old;
		}
		self::keep( $kept );
		return $secret;
	}

	/**
	 * The secrets that hold now, newest first.
	 *
	 * @return array[] Each with secret and expires (Unix time, 0: never).
	 */
	public static function valid() {
		$valid = array();
		foreach ( (array) get_option( self::OPTION, array() ) as $one ) {
			if ( 0 === $one['expires'] || $one['expires'] > time() ) {
				$valid[] = $one;
			}
		}
		return $valid;
	}

	/**
	 * The signature of a request.
	 *
	 * @param string $secret    Written whsec_<base64>.
	 * @param string $id        Message id.
	 * @param string $timestamp Unix time.
	 * @param string $content   What is signed.
	 * @return string
	 */
	public static function sign( $secret, $id, $timestamp, $content ) {
		$key = base64_decode( substr( $secret, strlen( self::PREFIX ) ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
		return 'v1,' . base64_encode( hash_hmac( 'sha256', "$id.$timestamp.$content", $key, true ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
	}

	/**
	 * Whether one of the secrets made one of the signatures, in time.
	 *
	 * @param string[] $secrets   Secrets that hold.
	 * @param string   $id        Header webhook-id.
	 * @param string   $timestamp Header webhook-timestamp.
	 * @param string   $offered   Header webhook-signature.
	 * @param string   $content   What should have been signed.
	 * @param int      $now       Unix time.
	 * @return bool
	 */
	public static function fits( array $secrets, $id, $timestamp, $offered, $content, $now ) {
		if ( '' === $id || strlen( $id ) > 256 || ! preg_match( '/^[0-9]{1,12}\z/', $timestamp ) ) {
			return false;
		}
		if ( abs( $now - (int) $timestamp ) > self::TOLERANCE_SECONDS ) {
			return false;
		}
		$fits = false;
		foreach ( $secrets as $secret ) {
			$wanted = self::sign( $secret, $id, $timestamp, $content );
			foreach ( array_slice( explode( ' ', $offered ), 0, 16 ) as $have ) {
				$fits = hash_equals( $wanted, $have ) || $fits;
			}
		}
		return $fits;
	}

	/**
	 * Notes for the settings page that a signed request came, at most once a minute.
	 *
	 * @param int $sent_at When the daemon says it sent it.
	 */
	public static function note_seen( $sent_at ) {
		$seen = (array) get_option( self::SEEN, array() );
		if ( isset( $seen['at'] ) && abs( time() - $seen['at'] ) < MINUTE_IN_SECONDS ) {
			return;
		}
		update_option( self::SEEN, array( 'at' => time(), 'skew' => $sent_at - time() ), true ); // phpcs:ignore WordPress.Arrays
	}

	/**
	 * 32 random bytes as a secret is written.
	 *
	 * @return string
	 */
	private static function make() {
		return self::PREFIX . base64_encode( random_bytes( 32 ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
	}

	/**
	 * Stores the secrets.
	 *
	 * @param array[] $secrets As valid() gives them.
	 */
	private static function keep( array $secrets ) {
		update_option( self::OPTION, $secrets, true );
	}
}
