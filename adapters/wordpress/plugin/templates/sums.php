<?php
/**
 * What a cart or an order comes to. Themes override it with `commerce-connector/sums.php`.
 *
 * @var array $shown cart.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<dl class="commerce-connector-sums">
<?php foreach ( Commerce_Connector_Checkout::sums( $shown['cart'] ) as list( $commerce_connector_name, $commerce_connector_label, $commerce_connector_text ) ) : ?>
	<dt class="is-<?php echo esc_attr( $commerce_connector_name ); ?>"><?php echo esc_html( $commerce_connector_label ); ?></dt>
	<dd class="is-<?php echo esc_attr( $commerce_connector_name ); ?>"><?php echo esc_html( $commerce_connector_text ); ?></dd>
<?php endforeach; ?>
</dl>
