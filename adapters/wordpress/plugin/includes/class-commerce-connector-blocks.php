<?php
/**
 * What editors put on pages: blocks, shortcodes for the classic editor, patterns.
 *
 * Blocks are in blocks/NAME (block.json, render.php); all of them show a part of the shop.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Registers blocks, shortcodes and patterns.
 */
final class Commerce_Connector_Blocks {

	const BLOCKS     = array( 'price', 'buy-button', 'product-card', 'product-grid', 'cart', 'mini-cart', 'checkout' );
	const PATTERNS   = array( 'shop', 'landing', 'product' );
	const SHORTCODES = array(
		'commerce_price'     => 'price',
		'commerce_stock'     => 'stock',
		'commerce_buy'       => 'buy',
		'commerce_product'   => 'card',
		'commerce_products'  => 'grid',
		'commerce_cart'      => 'cart',
		'commerce_mini_cart' => 'mini_cart',
		'commerce_checkout'  => 'checkout',
	);
	const HANDLE     = 'commerce-connector-blocks';

	/**
	 * Registers all of it.
	 */
	public static function register() {
		$uses = array( 'wp-blocks', 'wp-block-editor', 'wp-components', 'wp-element', 'wp-i18n', 'wp-server-side-render', 'wp-api-fetch', 'wp-url', 'wp-data', 'wp-core-data' );
		wp_register_script( self::HANDLE, plugins_url( 'assets/blocks.js', COMMERCE_CONNECTOR_FILE ), $uses, COMMERCE_CONNECTOR_VERSION, true );
		wp_set_script_translations( self::HANDLE, 'commerce-connector' );
		wp_register_style( 'commerce-connector', plugins_url( 'assets/product.css', COMMERCE_CONNECTOR_FILE ), array(), COMMERCE_CONNECTOR_VERSION );
		foreach ( self::BLOCKS as $name ) {
			register_block_type( dirname( COMMERCE_CONNECTOR_FILE ) . "/blocks/$name" );
		}
		foreach ( self::SHORTCODES as $code => $part ) {
			add_shortcode(
				$code,
				function ( $attributes ) use ( $part ) {
					return Commerce_Connector_Parts::render( $part, self::wish( (array) $attributes ) );
				}
			);
		}
		self::register_patterns();
	}

	/**
	 * The markup of a block: a part of the shop in a wrapper that takes what the editor chose.
	 *
	 * @param string   $part       Part.
	 * @param array    $attributes Of the block.
	 * @param WP_Block $block      Block.
	 * @return string Empty where there is nothing to show; editors see why.
	 */
	public static function render( $part, array $attributes, $block ) {
		$wish = self::wish( $attributes );
		if ( empty( $wish['product'] ) && isset( $block->context['postId'] ) ) {
			$wish['product'] = (int) $block->context['postId'];
		}
		$html = Commerce_Connector_Parts::render( $part, $wish );
		return '' === $html ? self::why_empty( $part ) : '<div ' . get_block_wrapper_attributes() . ">$html</div>";
	}

	/**
	 * Attributes of blocks and shortcodes as parts take them.
	 *
	 * @param array $attributes Attributes.
	 * @return array
	 */
	private static function wish( array $attributes ) {
		$names = array(
			'productId' => 'product',
			'perPage'   => 'per_page',
			'orderBy'   => 'orderby',
		);
		$wish  = array();
		foreach ( $attributes as $name => $value ) {
			$wish[ isset( $names[ $name ] ) ? $names[ $name ] : $name ] = $value;
		}
		foreach ( array( 'category', 'tag' ) as $name ) {
			if ( isset( $wish[ $name ] ) && is_array( $wish[ $name ] ) ) {
				$wish[ $name ] = implode( ',', array_map( 'strval', $wish[ $name ] ) );
			}
		}
		if ( isset( $wish['paged'] ) && is_string( $wish['paged'] ) ) {
			$wish['paged'] = ! in_array( $wish['paged'], array( 'no', 'false', '0' ), true );
		}
		return $wish;
	}

	/**
	 * Why a block shows nothing, in the editor's preview only.
	 *
	 * @param string $part Part.
	 * @return string
	 */
	private static function why_empty( $part ) {
		if ( ! defined( 'REST_REQUEST' ) || ! REST_REQUEST || ! current_user_can( 'edit_posts' ) ) {
			return '';
		}
		$is_of_product = in_array( $part, array( 'price', 'buy', 'card' ), true );
		if ( ! Commerce_Connector_Relay::is_there() && ! in_array( $part, array( 'price', 'card' ), true ) ) {
			$text = __( 'Nothing can be bought here until an administrator has set the relay\'s address (Settings > Commerce Connector).', 'commerce-connector' );
		} else {
			$text = $is_of_product ? __( 'Choose a product that the shop sells.', 'commerce-connector' ) : __( 'There is nothing to show.', 'commerce-connector' );
		}
		return '<p>' . esc_html( $text ) . '</p>';
	}

	/**
	 * Registers the patterns: patterns/NAME.php prints the blocks.
	 */
	private static function register_patterns() {
		register_block_pattern_category( 'commerce-connector', array( 'label' => __( 'Shop', 'commerce-connector' ) ) );
		$titles = array(
			'shop'    => __( 'Shop page', 'commerce-connector' ),
			'landing' => __( 'Landing page for a product', 'commerce-connector' ),
			'product' => __( 'Section with a product', 'commerce-connector' ),
		);
		foreach ( self::PATTERNS as $name ) {
			ob_start();
			include dirname( COMMERCE_CONNECTOR_FILE ) . "/patterns/$name.php";
			register_block_pattern(
				"commerce-connector/$name",
				array(
					'title'      => $titles[ $name ],
					'categories' => array( 'commerce-connector' ),
					'content'    => trim( (string) ob_get_clean() ),
				)
			);
		}
	}
}
