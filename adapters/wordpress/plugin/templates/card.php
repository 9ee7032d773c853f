<?php
/**
 * A product as a card. Themes override it with `commerce-connector/card.php`.
 *
 * @var array $product As commerce_connector_product() gives.
 * @var array $shown   title, url, price and buy (HTML).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<article class="commerce-connector-card" data-product="<?php echo esc_attr( $product['backend_id'] ); ?>">
	<?php echo get_the_post_thumbnail( $product['id'], 'medium_large', array( 'alt' => '' ) ); ?>
	<h3 class="commerce-connector-card-title"><a href="<?php echo esc_url( $shown['url'] ); ?>"><?php echo esc_html( wp_strip_all_tags( $shown['title'] ) ); ?></a></h3>
	<?php if ( $product['retired'] ) : ?>
		<p class="commerce-connector-retired" role="note"><?php esc_html_e( 'This product is no longer available.', 'commerce-connector' ); ?></p>
	<?php endif; ?>
	<?php echo $shown['price'] . $shown['buy']; // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape. ?>
</article>
