<?php
/**
 * The form that puts a product into the cart; keep the names of its fields. Themes override it with `commerce-connector/buy.php`.
 *
 * @var array $product As commerce_connector_product() gives.
 * @var array $shown   form (its id), choices, chosen, quantity, wrong, cart_url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<commerce-buy id="<?php echo esc_attr( $shown['form'] ); ?>" class="commerce-connector-buy">
	<form method="post" action="#<?php echo esc_attr( $shown['form'] ); ?>">
		<input type="hidden" name="commerce-connector" value="add">
		<input type="hidden" name="form" value="<?php echo esc_attr( $shown['form'] ); ?>">
		<?php if ( 1 === count( $shown['choices'] ) ) : ?>
			<input type="hidden" name="variant" value="<?php echo esc_attr( $shown['choices'][0]['variant'] ); ?>">
		<?php else : ?>
			<p>
				<label for="<?php echo esc_attr( $shown['form'] ); ?>-variant"><?php esc_html_e( 'Variant', 'commerce-connector' ); ?></label>
				<select id="<?php echo esc_attr( $shown['form'] ); ?>-variant" name="variant">
				<?php foreach ( $shown['choices'] as $commerce_connector_choice ) : ?>
					<option value="<?php echo esc_attr( $commerce_connector_choice['variant'] ); ?>"<?php selected( $shown['chosen'], $commerce_connector_choice['variant'] ); ?>><?php echo esc_html( $commerce_connector_choice['title'] ); ?></option>
				<?php endforeach; ?>
				</select>
			</p>
		<?php endif; ?>
		<p>
			<label for="<?php echo esc_attr( $shown['form'] ); ?>-quantity"><?php esc_html_e( 'Quantity', 'commerce-connector' ); ?></label>
			<input type="number" id="<?php echo esc_attr( $shown['form'] ); ?>-quantity" name="quantity" value="<?php echo esc_attr( $shown['quantity'] ); ?>" min="1" max="999" step="1" inputmode="numeric" required<?php echo isset( $shown['wrong']['quantity'] ) ? ' aria-invalid="true" aria-describedby="' . esc_attr( $shown['form'] ) . '-says"' : ''; ?>>
		</p>
		<p><button type="submit" class="wp-element-button"><?php esc_html_e( 'Add to cart', 'commerce-connector' ); ?><span class="screen-reader-text">: <?php echo esc_html( wp_strip_all_tags( get_the_title( $product['id'] ) ) ); ?></span></button></p>
	</form>
	<?php echo Commerce_Connector_Says::beside( $shown['form'] ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
</commerce-buy>
