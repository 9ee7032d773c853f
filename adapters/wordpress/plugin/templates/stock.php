<?php
/**
 * Whether a product can be had. Themes override it with `commerce-connector/stock.php`.
 *
 * @var array $product As commerce_connector_product() gives.
 * @var array $shown   follows (attribute and value, or nothing).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<p class="commerce-connector-availability is-<?php echo esc_attr( $product['availability'] ); ?>">
<?php if ( $shown['follows'] ) : ?>
	<commerce-stock <?php echo esc_attr( $shown['follows'][0] ); ?>="<?php echo esc_attr( $shown['follows'][1] ); ?>" data-availability="<?php echo esc_attr( $product['availability'] ); ?>"><?php echo esc_html( Commerce_Connector_View::availability_text( $product['availability'] ) ); ?></commerce-stock>
<?php else : ?>
	<?php echo esc_html( Commerce_Connector_View::availability_text( $product['availability'] ) ); ?>
<?php endif; ?>
</p>
