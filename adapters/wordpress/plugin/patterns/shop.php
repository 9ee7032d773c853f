<?php
/**
 * Pattern: a page of the whole shop.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}
?>
<!-- wp:group {"align":"wide","layout":{"type":"flex","justifyContent":"space-between","flexWrap":"wrap"}} -->
<div class="wp-block-group alignwide"><!-- wp:heading {"level":2} -->
<h2 class="wp-block-heading"><?php esc_html_e( 'Our products', 'commerce-connector' ); ?></h2>
<!-- /wp:heading -->

<!-- wp:commerce-connector/mini-cart /--></div>
<!-- /wp:group -->

<!-- wp:commerce-connector/product-grid {"align":"wide","orderBy":"title","order":"asc"} /-->
