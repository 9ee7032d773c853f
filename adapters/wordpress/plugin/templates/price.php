<?php
/**
 * The price of a product. Themes override it with `commerce-connector/price.php`.
 *
 * @var array $product As commerce_connector_product() gives.
 * @var array $shown   follows (attribute and value, or nothing), struck.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<p class="commerce-connector-price" data-market="<?php echo esc_attr( $product['market'] ); ?>">
<?php if ( $shown['follows'] ) : ?>
	<commerce-price <?php echo esc_attr( $shown['follows'][0] ); ?>="<?php echo esc_attr( $shown['follows'][1] ); ?>"><?php if ( '' !== $shown['struck'] ) : ?><del data-compare-at><?php echo esc_html( $shown['struck'] ); ?></del> <?php endif; ?><span data-amount><?php echo esc_html( $product['price_text'] ); ?></span></commerce-price>
<?php else : ?>
	<span data-amount><?php echo esc_html( $product['price_text'] ); ?></span>
<?php endif; ?>
</p>
