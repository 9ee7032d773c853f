<?php
/**
 * The cart itself. Themes override it with `commerce-connector/cart.php`.
 *
 * @var array $shown is_private, cart (null: empty), away, cart_url, checkout_url.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<commerce-cart view="page" id="commerce-cart" class="commerce-connector-cart"<?php echo '' === $shown['checkout_url'] ? '' : ' checkout="' . esc_url( $shown['checkout_url'] ) . '"'; ?>>
<?php if ( ! $shown['is_private'] ) : ?>
	<?php if ( '' !== $shown['cart_url'] ) : ?>
		<p><a href="<?php echo esc_url( $shown['cart_url'] ); ?>"><?php esc_html_e( 'To the cart', 'commerce-connector' ); ?></a></p>
	<?php endif; ?>
<?php else : ?>
	<?php echo Commerce_Connector_Says::render(); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
	<?php if ( $shown['away'] ) : ?>
		<p role="alert"><?php echo esc_html( Commerce_Connector_Forms::away_text() ); ?></p>
	<?php elseif ( ! $shown['cart'] ) : ?>
		<p><?php esc_html_e( 'Your cart is empty.', 'commerce-connector' ); ?></p>
	<?php else : ?>
		<?php $commerce_connector_cart = $shown['cart']; ?>
		<ul class="commerce-connector-lines">
		<?php foreach ( $commerce_connector_cart['lines'] as $commerce_connector_place => $commerce_connector_line ) : ?>
			<?php $commerce_connector_id = 'commerce-line-' . $commerce_connector_place; ?>
			<li>
				<p><strong><?php echo esc_html( $commerce_connector_line['title'] ); ?></strong> <?php echo esc_html( (string) $commerce_connector_line['variant_title'] ); ?></p>
				<p><?php echo esc_html( $commerce_connector_line['quantity'] . ' × ' . $commerce_connector_line['unit_price']['text'] . ' = ' . $commerce_connector_line['total']['text'] ); ?></p>
				<form method="post" action="#commerce-cart">
					<input type="hidden" name="form" value="commerce-cart">
					<input type="hidden" name="line" value="<?php echo esc_attr( $commerce_connector_line['id'] ); ?>">
					<?php /* translators: %s: the article. */ ?>
					<label for="<?php echo esc_attr( $commerce_connector_id ); ?>"><?php echo esc_html( sprintf( __( 'Quantity of %s', 'commerce-connector' ), $commerce_connector_line['title'] ) ); ?></label>
					<input type="number" id="<?php echo esc_attr( $commerce_connector_id ); ?>" name="quantity" value="<?php echo esc_attr( $commerce_connector_line['quantity'] ); ?>" min="0" max="999" step="1" inputmode="numeric" required>
					<button type="submit" class="wp-element-button" name="commerce-connector" value="set"><?php esc_html_e( 'Change', 'commerce-connector' ); ?><span class="screen-reader-text">: <?php echo esc_html( $commerce_connector_line['title'] ); ?></span></button>
					<button type="submit" class="wp-element-button" name="commerce-connector" value="remove"><?php esc_html_e( 'Remove', 'commerce-connector' ); ?><span class="screen-reader-text">: <?php echo esc_html( $commerce_connector_line['title'] ); ?></span></button>
				</form>
			</li>
		<?php endforeach; ?>
		</ul>
		<form method="post" action="#commerce-cart">
			<input type="hidden" name="form" value="commerce-cart">
			<label for="commerce-cart-code"><?php esc_html_e( 'Promotion code', 'commerce-connector' ); ?></label>
			<input type="text" id="commerce-cart-code" name="code" maxlength="64" autocomplete="off" required>
			<button type="submit" class="wp-element-button" name="commerce-connector" value="apply"><?php esc_html_e( 'Apply', 'commerce-connector' ); ?></button>
		</form>
		<?php foreach ( $commerce_connector_cart['promotions'] as $commerce_connector_code ) : ?>
			<form method="post" action="#commerce-cart">
				<input type="hidden" name="form" value="commerce-cart">
				<input type="hidden" name="code" value="<?php echo esc_attr( $commerce_connector_code ); ?>">
				<?php echo esc_html( $commerce_connector_code ); ?>
				<?php /* translators: %s: a promotion's code. */ ?>
				<button type="submit" class="wp-element-button" name="commerce-connector" value="drop"><?php echo esc_html( sprintf( __( 'Remove code %s', 'commerce-connector' ), $commerce_connector_code ) ); ?></button>
			</form>
		<?php endforeach; ?>
		<?php echo Commerce_Connector_Template::render( 'sums', $shown ); // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?>
		<?php if ( '' !== $shown['checkout_url'] ) : ?>
			<form method="post" action="<?php echo esc_url( $shown['checkout_url'] ); ?>#commerce-checkout">
				<input type="hidden" name="form" value="commerce-checkout">
				<p><button type="submit" class="wp-element-button" name="commerce-connector" value="checkout"><?php esc_html_e( 'Checkout', 'commerce-connector' ); ?></button></p>
			</form>
		<?php endif; ?>
	<?php endif; ?>
<?php endif; ?>
</commerce-cart>
