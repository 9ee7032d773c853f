<?php
/**
 * Pattern: a landing page that tells of one product and sells it.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<!-- wp:group {"align":"full","style":{"spacing":{"padding":{"top":"4rem","bottom":"4rem"}}},"layout":{"type":"constrained"}} -->
<div class="wp-block-group alignfull" style="padding-top:4rem;padding-bottom:4rem"><!-- wp:heading {"textAlign":"center","level":2,"fontSize":"xx-large"} -->
<h2 class="wp-block-heading has-text-align-center has-xx-large-font-size"><?php esc_html_e( 'Say in one line why people want it', 'commerce-connector' ); ?></h2>
<!-- /wp:heading -->

<!-- wp:paragraph {"align":"center"} -->
<p class="has-text-align-center"><?php esc_html_e( 'And in two more what it does for them.', 'commerce-connector' ); ?></p>
<!-- /wp:paragraph -->

<!-- wp:commerce-connector/product-card /--></div>
<!-- /wp:group -->

<!-- wp:heading {"level":2} -->
<h2 class="wp-block-heading"><?php esc_html_e( 'You may like these too', 'commerce-connector' ); ?></h2>
<!-- /wp:heading -->

<!-- wp:commerce-connector/product-grid {"align":"wide","perPage":3,"paged":false} /-->
