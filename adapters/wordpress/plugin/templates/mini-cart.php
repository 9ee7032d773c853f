<?php
/**
 * The button that opens the cart; without script, a link to it. Themes override it with `commerce-connector/mini-cart.php`.
 *
 * @var array $shown cart_url, checkout_url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<commerce-cart class="commerce-connector-mini-cart"<?php echo '' === $shown['checkout_url'] ? '' : ' checkout="' . esc_url( $shown['checkout_url'] ) . '"'; ?>>
	<?php if ( '' !== $shown['cart_url'] ) : ?>
		<a href="<?php echo esc_url( $shown['cart_url'] ); ?>"><?php esc_html_e( 'Cart', 'commerce-connector' ); ?></a>
	<?php endif; ?>
</commerce-cart>
