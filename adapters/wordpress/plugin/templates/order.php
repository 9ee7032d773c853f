<?php
/**
 * The order that a cart has become. Themes override it with `commerce-connector/order.php`.
 *
 * @var array $shown order (null: it cannot be read just now).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<?php if ( ! $shown['order'] ) : ?>
	<p role="alert"><?php esc_html_e( 'Your order is made. The shop does not answer just now; load this page again for its number.', 'commerce-connector' ); ?></p>
<?php else : ?>
	<?php /* translators: %s: the order's number. */ ?>
	<h2><?php echo esc_html( sprintf( __( 'Thank you. Your order has the number %s.', 'commerce-connector' ), $shown['order']['number'] ) ); ?></h2>
	<?php echo Commerce_Connector_Template::render( 'summary', array( 'cart' => $shown['order'] ) ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
<?php endif; ?>
