<?php
/**
 * The last step: what is ordered, for how much. Themes override it with `commerce-connector/checkout-review.php`.
 *
 * @var array $shown cart, url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<h2 id="commerce-checkout-step"><?php esc_html_e( 'Your order', 'commerce-connector' ); ?></h2>
<?php echo Commerce_Connector_Template::render( 'summary', $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
<form method="post" action="#commerce-checkout" aria-labelledby="commerce-checkout-step">
	<input type="hidden" name="form" value="commerce-checkout">
	<input type="hidden" name="commerce-connector" value="complete">
	<input type="hidden" name="total" value="<?php echo esc_attr( $shown['cart']['total']['minor'] ); ?>">
	<?php /* translators: %s: the total. */ ?>
	<p><button type="submit" class="wp-element-button"><?php echo esc_html( sprintf( __( 'Order and pay %s', 'commerce-connector' ), $shown['cart']['total']['text'] ) ); ?></button></p>
</form>
<p><a href="<?php echo esc_url( add_query_arg( Commerce_Connector_Checkout::STEP, 'contact', $shown['url'] ) ); ?>"><?php esc_html_e( 'Back to the address', 'commerce-connector' ); ?></a></p>
