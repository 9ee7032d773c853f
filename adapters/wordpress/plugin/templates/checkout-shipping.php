<?php
/**
 * The step that chooses how it is shipped. Themes override it with `commerce-connector/checkout-shipping.php`.
 *
 * @var array $shown cart, options, url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<h2 id="commerce-checkout-step"><?php esc_html_e( 'Shipping', 'commerce-connector' ); ?></h2>
<form method="post" action="#commerce-checkout" aria-labelledby="commerce-checkout-step">
	<input type="hidden" name="form" value="commerce-checkout">
	<input type="hidden" name="commerce-connector" value="shipping">
	<?php if ( ! $shown['options'] ) : ?>
		<p role="alert"><?php esc_html_e( 'Nothing can be shipped to this address.', 'commerce-connector' ); ?></p>
	<?php else : ?>
		<?php $commerce_connector_chosen = isset( $shown['cart']['shipping']['id'] ) ? $shown['cart']['shipping']['id'] : $shown['options'][0]['id']; ?>
		<fieldset aria-labelledby="commerce-checkout-step">
		<?php foreach ( $shown['options'] as $commerce_connector_place => $commerce_connector_option ) : ?>
			<?php $commerce_connector_price = isset( $commerce_connector_option['price']['text'] ) ? ( $commerce_connector_option['price']['minor'] ? $commerce_connector_option['price']['text'] : __( 'free', 'commerce-connector' ) ) : ''; ?>
			<p class="commerce-connector-choice"><input type="radio" id="commerce-checkout-option-<?php echo esc_attr( $commerce_connector_place ); ?>" name="option" value="<?php echo esc_attr( $commerce_connector_option['id'] ); ?>" required<?php checked( $commerce_connector_chosen, $commerce_connector_option['id'] ); ?>> <label for="commerce-checkout-option-<?php echo esc_attr( $commerce_connector_place ); ?>"><?php echo esc_html( implode( ', ', array_filter( array( $commerce_connector_option['name'], $commerce_connector_price ) ) ) ); ?></label></p>
		<?php endforeach; ?>
		</fieldset>
		<p><button type="submit" class="wp-element-button"><?php esc_html_e( 'Continue', 'commerce-connector' ); ?></button></p>
	<?php endif; ?>
</form>
<p><a href="<?php echo esc_url( add_query_arg( Commerce_Connector_Checkout::STEP, 'contact', $shown['url'] ) ); ?>"><?php esc_html_e( 'Back to the address', 'commerce-connector' ); ?></a></p>
