<?php
/**
 * Markup, from `templates/` or from the theme's folder `commerce-connector/`.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Renders templates that themes can override, classic themes and block themes alike.
 */
final class Commerce_Connector_Template {

	/**
	 * The markup of one template.
	 *
	 * @param string $name  Of the file, without .php.
	 * @param array  $shown What it shows; the product in it is also there as $product.
	 * @return string
	 */
	public static function render( $name, array $shown ) {
		$product  = isset( $shown['product'] ) ? $shown['product'] : null;
		$template = locate_template( "commerce-connector/$name.php" );
		ob_start();
		include $template ? $template : dirname( COMMERCE_CONNECTOR_FILE ) . "/templates/$name.php";
		return (string) ob_get_clean();
	}
}
