<?php
/**
 * A grid of products. Themes override it with `commerce-connector/grid.php`.
 *
 * @var array $shown cards (HTML), columns, page, pages, id, links (HTML).
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<div class="commerce-connector-grid" id="<?php echo esc_attr( $shown['id'] ); ?>">
	<?php if ( ! $shown['cards'] ) : ?>
		<p><?php esc_html_e( 'No products were found.', 'commerce-connector' ); ?></p>
	<?php else : ?>
		<ul class="commerce-connector-cards has-<?php echo esc_attr( $shown['columns'] ); ?>-columns">
		<?php foreach ( $shown['cards'] as $commerce_connector_card ) : ?>
			<li><?php echo $commerce_connector_card; // phpcs:ignore WordPress.Security.EscapeOutput -- The template escapes. ?></li>
		<?php endforeach; ?>
		</ul>
	<?php endif; ?>
	<?php if ( $shown['links'] ) : ?>
		<nav class="commerce-connector-pages" aria-label="<?php esc_attr_e( 'Pages of products', 'commerce-connector' ); ?>">
			<?php echo wp_kses_post( implode( ' ', $shown['links'] ) ); ?>
		</nav>
	<?php endif; ?>
</div>
