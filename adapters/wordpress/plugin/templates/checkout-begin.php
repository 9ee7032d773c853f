<?php
/**
 * Before the first step: what is ordered. Themes override it with `commerce-connector/checkout-begin.php`.
 *
 * @var array $shown cart.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<h2 id="commerce-checkout-step"><?php esc_html_e( 'Your cart', 'commerce-connector' ); ?></h2>
<?php echo Commerce_Connector_Template::render( 'summary', $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
<form method="post" action="#commerce-checkout" aria-labelledby="commerce-checkout-step">
	<input type="hidden" name="form" value="commerce-checkout">
	<input type="hidden" name="commerce-connector" value="checkout">
	<p><button type="submit" class="wp-element-button"><?php esc_html_e( 'Continue', 'commerce-connector' ); ?></button></p>
</form>
