<?php
/**
 * Lines and sums of a cart or an order, to read. Themes override it with `commerce-connector/summary.php`.
 *
 * @var array $shown cart.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<ul class="commerce-connector-lines">
<?php foreach ( $shown['cart']['lines'] as $commerce_connector_line ) : ?>
	<li><?php echo esc_html( $commerce_connector_line['quantity'] . ' × ' . $commerce_connector_line['title'] . ', ' . $commerce_connector_line['total']['text'] ); ?></li>
<?php endforeach; ?>
</ul>
<?php echo Commerce_Connector_Template::render( 'sums', $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
