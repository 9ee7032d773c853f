<?php
/**
 * What is said beside a form. Themes override it with `commerce-connector/says.php`.
 *
 * @var array $shown form, tone (status, alert), texts, again (label and fields, or null), fields (what is wrong).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<div class="commerce-connector-says is-<?php echo esc_attr( $shown['tone'] ); ?>" role="<?php echo esc_attr( $shown['tone'] ); ?>" id="<?php echo esc_attr( '' === $shown['form'] ? 'commerce' : $shown['form'] ); ?>-says" tabindex="-1" autofocus>
	<?php foreach ( $shown['texts'] as $commerce_connector_text ) : ?>
		<p><?php echo esc_html( $commerce_connector_text ); ?></p>
	<?php endforeach; ?>
	<?php if ( 'status' === $shown['tone'] && 0 === strpos( $shown['form'], 'commerce-buy' ) && '' !== Commerce_Connector_Shop_Pages::url( 'cart' ) ) : ?>
		<p><a href="<?php echo esc_url( Commerce_Connector_Shop_Pages::url( 'cart' ) ); ?>"><?php esc_html_e( 'To the cart', 'commerce-connector' ); ?></a></p>
	<?php endif; ?>
	<?php if ( 1 < count( $shown['fields'] ) ) : ?>
		<ul>
		<?php foreach ( $shown['fields'] as $commerce_connector_field => $commerce_connector_text ) : ?>
			<li><a href="#<?php echo esc_attr( $shown['form'] . '-' . $commerce_connector_field ); ?>"><?php echo esc_html( $commerce_connector_text ); ?></a></li>
		<?php endforeach; ?>
		</ul>
	<?php endif; ?>
	<?php if ( $shown['again'] ) : ?>
		<form method="post"<?php echo '' === $shown['form'] ? '' : ' action="#' . esc_attr( $shown['form'] ) . '"'; ?>>
			<?php foreach ( $shown['again']['fields'] as $commerce_connector_field => $commerce_connector_text ) : ?>
				<input type="hidden" name="<?php echo esc_attr( $commerce_connector_field ); ?>" value="<?php echo esc_attr( $commerce_connector_text ); ?>">
			<?php endforeach; ?>
			<p><button type="submit" class="wp-element-button"><?php echo esc_html( $shown['again']['label'] ); ?></button></p>
		</form>
	<?php endif; ?>
</div>
