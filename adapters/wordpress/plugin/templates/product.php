<?php
/**
 * A product on its page. Themes override it with `commerce-connector/product.php`.
 *
 * @var array $product As commerce_connector_product() gives.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<section class="commerce-connector-product" data-product="<?php echo esc_attr( $product['backend_id'] ); ?>" data-backend="<?php echo esc_attr( $product['backend'] ); ?>" data-market="<?php echo esc_attr( $product['market'] ); ?>">
	<?php if ( $product['media'] ) : ?>
		<div class="commerce-connector-gallery">
			<?php foreach ( $product['media'] as $commerce_connector_picture ) : ?>
				<?php echo wp_get_attachment_image( (int) $commerce_connector_picture['id'], 'medium_large', false, array( 'alt' => $commerce_connector_picture['alt'] ) ); ?>
			<?php endforeach; ?>
		</div>
	<?php endif; ?>

	<div class="commerce-connector-facts">
	<?php if ( $product['retired'] ) : ?>
		<p class="commerce-connector-retired" role="note"><?php esc_html_e( 'This product is no longer available.', 'commerce-connector' ); ?></p>
	<?php endif; ?>
	<?php $commerce_connector_form = Commerce_Connector_Parts::form_id( $product ); ?>
	<?php echo Commerce_Connector_Parts::price( $product, $commerce_connector_form ) . Commerce_Connector_Parts::stock( $product, $commerce_connector_form ) . Commerce_Connector_Parts::buy( $product, $commerce_connector_form ); // phpcs:ignore WordPress.Security.EscapeOutput -- The templates escape. ?>

	<?php if ( $product['variants'] ) : ?>
		<table class="commerce-connector-variants">
			<thead>
				<tr>
					<th scope="col"><?php esc_html_e( 'Variant', 'commerce-connector' ); ?></th>
					<th scope="col"><?php esc_html_e( 'SKU', 'commerce-connector' ); ?></th>
					<th scope="col"><?php esc_html_e( 'Price', 'commerce-connector' ); ?></th>
					<th scope="col"><?php esc_html_e( 'Availability', 'commerce-connector' ); ?></th>
				</tr>
			</thead>
			<tbody>
			<?php foreach ( $product['variants'] as $commerce_connector_variant ) : ?>
				<?php $commerce_connector_offers = isset( $product['by_variant'][ $commerce_connector_variant['id'] ] ) ? $product['by_variant'][ $commerce_connector_variant['id'] ] : array(); ?>
				<tr data-variant="<?php echo esc_attr( $commerce_connector_variant['id'] ); ?>" data-sku="<?php echo esc_attr( $commerce_connector_variant['sku'] ); ?>">
					<th scope="row"><?php echo esc_html( $commerce_connector_variant['title'] ); ?></th>
					<td><?php echo esc_html( $commerce_connector_variant['sku'] ); ?></td>
					<td>
					<?php foreach ( $commerce_connector_offers as $commerce_connector_offer ) : ?>
						<span class="commerce-connector-offer" data-min-quantity="<?php echo esc_attr( $commerce_connector_offer['min_quantity'] ); ?>">
							<?php if ( '' !== $commerce_connector_offer['compare_at_text'] ) : ?>
								<del><?php echo esc_html( $commerce_connector_offer['compare_at_text'] ); ?></del>
							<?php endif; ?>
							<span class="commerce-connector-amount"><?php echo esc_html( $commerce_connector_offer['amount_text'] ); ?></span>
							<?php if ( 1 < (int) $commerce_connector_offer['min_quantity'] ) : ?>
								<?php /* translators: %d: number of pieces. */ ?>
								<small><?php echo esc_html( sprintf( __( 'from %d pieces', 'commerce-connector' ), $commerce_connector_offer['min_quantity'] ) ); ?></small>
							<?php endif; ?>
						</span>
					<?php endforeach; ?>
					</td>
					<td>
					<?php if ( $commerce_connector_offers ) : ?>
						<span class="commerce-connector-availability is-<?php echo esc_attr( $commerce_connector_offers[0]['availability'] ); ?>"><?php echo esc_html( Commerce_Connector_View::availability_text( $commerce_connector_offers[0]['availability'] ) ); ?></span>
						<?php if ( null !== $commerce_connector_offers[0]['quantity'] && 0 < (int) $commerce_connector_offers[0]['quantity'] ) : ?>
							<?php /* translators: %s: number of pieces in stock. */ ?>
							<small class="commerce-connector-quantity"><?php echo esc_html( sprintf( __( '%s left', 'commerce-connector' ), number_format_i18n( (int) $commerce_connector_offers[0]['quantity'] ) ) ); ?></small>
						<?php endif; ?>
					<?php endif; ?>
					</td>
				</tr>
			<?php endforeach; ?>
			</tbody>
		</table>
	<?php endif; ?>

	<?php if ( $product['attributes'] ) : ?>
		<dl class="commerce-connector-attributes">
			<?php foreach ( $product['attributes'] as $commerce_connector_attribute ) : ?>
				<dt><?php echo esc_html( $commerce_connector_attribute['name'] ); ?></dt>
				<dd><?php echo esc_html( $commerce_connector_attribute['value'] ); ?></dd>
			<?php endforeach; ?>
		</dl>
	<?php endif; ?>
	</div>
</section>
