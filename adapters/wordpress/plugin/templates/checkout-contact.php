<?php
/**
 * The step with e-mail and address. Themes override it with `commerce-connector/checkout-contact.php`.
 *
 * @var array $shown values, wrong (what is wrong, by field), cart_url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<h2 id="commerce-checkout-step"><?php esc_html_e( 'Contact and address', 'commerce-connector' ); ?></h2>
<form method="post" action="#commerce-checkout" aria-labelledby="commerce-checkout-step">
	<input type="hidden" name="form" value="commerce-checkout">
	<input type="hidden" name="commerce-connector" value="contact">
	<?php foreach ( Commerce_Connector_Checkout::fields() as $commerce_connector_name => list( $commerce_connector_label, $commerce_connector_complete, $commerce_connector_required, $commerce_connector_most ) ) : ?>
		<?php $commerce_connector_id = 'commerce-checkout-' . $commerce_connector_name; ?>
		<?php $commerce_connector_wrong = isset( $shown['wrong'][ $commerce_connector_name ] ) ? $shown['wrong'][ $commerce_connector_name ] : ''; ?>
		<p>
			<label for="<?php echo esc_attr( $commerce_connector_id ); ?>"><?php echo esc_html( $commerce_connector_label ); ?></label>
			<input type="<?php echo 'email' === $commerce_connector_name ? 'email' : 'text'; ?>" id="<?php echo esc_attr( $commerce_connector_id ); ?>" name="<?php echo esc_attr( $commerce_connector_name ); ?>" value="<?php echo esc_attr( $shown['values'][ $commerce_connector_name ] ); ?>" autocomplete="<?php echo esc_attr( $commerce_connector_complete ); ?>" maxlength="<?php echo esc_attr( $commerce_connector_most ); ?>"<?php echo $commerce_connector_required ? ' required' : ''; ?><?php echo '' === $commerce_connector_wrong ? '' : ' aria-invalid="true" aria-describedby="' . esc_attr( $commerce_connector_id ) . '-wrong"'; ?>>
			<?php if ( '' !== $commerce_connector_wrong ) : ?>
				<span class="commerce-connector-wrong" id="<?php echo esc_attr( $commerce_connector_id ); ?>-wrong"><?php echo esc_html( $commerce_connector_wrong ); ?></span>
			<?php endif; ?>
		</p>
	<?php endforeach; ?>
	<p><button type="submit" class="wp-element-button"><?php esc_html_e( 'Continue', 'commerce-connector' ); ?></button></p>
</form>
