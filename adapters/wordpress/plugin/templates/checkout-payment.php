<?php
/**
 * The step that chooses how it is paid. Themes override it with `commerce-connector/checkout-payment.php`.
 *
 * @var array $shown cart, providers, url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<h2 id="commerce-checkout-step"><?php esc_html_e( 'Payment', 'commerce-connector' ); ?></h2>
<form method="post" action="#commerce-checkout" aria-labelledby="commerce-checkout-step">
	<input type="hidden" name="form" value="commerce-checkout">
	<input type="hidden" name="commerce-connector" value="payment">
	<?php if ( ! $shown['providers'] ) : ?>
		<p role="alert"><?php esc_html_e( 'The shop names no way to pay for this cart.', 'commerce-connector' ); ?></p>
	<?php else : ?>
		<?php $commerce_connector_chosen = isset( $shown['cart']['payment']['provider'] ) ? $shown['cart']['payment']['provider'] : $shown['providers'][0]; ?>
		<fieldset aria-labelledby="commerce-checkout-step">
		<?php foreach ( $shown['providers'] as $commerce_connector_place => $commerce_connector_provider ) : ?>
			<p class="commerce-connector-choice"><input type="radio" id="commerce-checkout-provider-<?php echo esc_attr( $commerce_connector_place ); ?>" name="provider" value="<?php echo esc_attr( $commerce_connector_provider ); ?>" required<?php checked( $commerce_connector_chosen, $commerce_connector_provider ); ?>> <label for="commerce-checkout-provider-<?php echo esc_attr( $commerce_connector_place ); ?>"><?php echo esc_html( Commerce_Connector_Checkout::provider_name( $commerce_connector_provider ) ); ?></label></p>
		<?php endforeach; ?>
		</fieldset>
		<p><button type="submit" class="wp-element-button"><?php esc_html_e( 'Continue', 'commerce-connector' ); ?></button></p>
	<?php endif; ?>
</form>
<p><a href="<?php echo esc_url( add_query_arg( Commerce_Connector_Checkout::STEP, 'shipping', $shown['url'] ) ); ?>"><?php esc_html_e( 'Back to shipping', 'commerce-connector' ); ?></a></p>
