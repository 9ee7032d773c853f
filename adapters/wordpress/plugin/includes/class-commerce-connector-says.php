<?php
/**
 * What a page tells the shopper of what they just did: beside the form that did it.
 *
 * On pages that caches keep it is one of a few sentences, chosen by a word in the address.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * One message of a page.
 */
final class Commerce_Connector_Says {

	const WORD = 'commerce-said';
	const FORM = 'commerce-form';

	/**
	 * The message: form, tone (status, alert), texts, again (fields to send once more), fields (what
	 * is wrong, by name). Null: there is none.
	 *
	 * @var array|null
	 */
	private static $message = null;

	/**
	 * Sets the message of this page.
	 *
	 * @param string   $form  Id of the form that it stands beside.
	 * @param string   $tone  status or alert.
	 * @param string[] $texts Sentences.
	 * @param array    $more  again: label and hidden fields of a form to send once more; fields: sentences by field.
	 */
	public static function set( $form, $tone, array $texts, array $more = array() ) {
		self::$message = array(
			'form'  => $form,
			'tone'  => $tone,
			'texts' => $texts,
		) + $more + array(
			'again'  => null,
			'fields' => array(),
		);
	}

	/**
	 * Takes what the address or the page before says.
	 */
	public static function take() {
		if ( null !== self::$message ) {
			return;
		}
		$before = Commerce_Connector_Shop_Pages::is_private() ? Commerce_Connector_Shopper::said_before() : null;
		if ( $before ) {
			self::set( '', 'alert' === $before[0] ? 'alert' : 'status', array_map( 'strval', (array) $before[1] ) );
		} elseif ( isset( $_GET[ self::WORD ] ) && 'added' === $_GET[ self::WORD ] ) { // phpcs:ignore WordPress.Security.NonceVerification -- Chooses a sentence.
			$form = isset( $_GET[ self::FORM ] ) ? sanitize_html_class( wp_unslash( $_GET[ self::FORM ] ) ) : ''; // phpcs:ignore WordPress.Security -- As above.
			self::set( $form, 'status', array( __( 'It is in your cart.', 'commerce-connector' ) ) );
		}
	}

	/**
	 * The markup of the message where it belongs to this form, once.
	 *
	 * @param string $form Id of the form.
	 * @return string
	 */
	public static function beside( $form ) {
		return null !== self::$message && $form === self::$message['form'] ? self::render() : '';
	}

	/**
	 * The markup of the message, once.
	 *
	 * @return string
	 */
	public static function render() {
		$message       = self::$message;
		self::$message = null;
		return null === $message ? '' : Commerce_Connector_Template::render( 'says', $message );
	}

	/**
	 * Prints the message where no form did.
	 */
	public static function print_rest() {
		echo self::render(); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes.
	}

	/**
	 * What is wrong with the fields of the form.
	 *
	 * @return string[]
	 */
	public static function fields() {
		return null === self::$message ? array() : self::$message['fields'];
	}
}
