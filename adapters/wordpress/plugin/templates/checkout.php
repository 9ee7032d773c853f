<?php
/**
 * The checkout, one step at a time. Themes override it with `commerce-connector/checkout.php`.
 *
 * @var array $shown step, cart, away, wrong, url, cart_url; with the step: values, options, providers or order.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<commerce-checkout id="commerce-checkout" class="commerce-connector-checkout"<?php echo '' === $shown['url'] ? '' : ' return-url="' . esc_url( $shown['url'] ) . '"'; ?>>
<?php if ( 'elsewhere' === $shown['step'] ) : ?>
	<?php if ( '' !== $shown['url'] ) : ?>
		<p><a href="<?php echo esc_url( $shown['url'] ); ?>"><?php esc_html_e( 'To the checkout', 'commerce-connector' ); ?></a></p>
	<?php endif; ?>
<?php else : ?>
	<?php echo Commerce_Connector_Says::render(); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
	<?php if ( $shown['away'] ) : ?>
		<p role="alert"><?php echo esc_html( Commerce_Connector_Forms::away_text() ); ?></p>
	<?php elseif ( 'nothing' === $shown['step'] ) : ?>
		<p><?php esc_html_e( 'There is nothing to order.', 'commerce-connector' ); ?></p>
	<?php elseif ( 'done' === $shown['step'] ) : ?>
		<?php echo Commerce_Connector_Template::render( 'order', $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
	<?php else : ?>
		<?php echo Commerce_Connector_Template::render( 'checkout-' . $shown['step'], $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
	<?php endif; ?>
<?php endif; ?>
</commerce-checkout>
