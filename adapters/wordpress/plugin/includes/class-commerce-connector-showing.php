<?php
/**
 * Which pages show which products by blocks or shortcodes, so that page caches learn of their prices.
 *
 * Noted when a page is saved. A list (a grid, a product block in a query) shows any product.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The option with pages and what they show.
 */
final class Commerce_Connector_Showing {

	const OPTION  = 'commerce_connector_showing';
	const ANY     = 0;
	const OF_ONE  = array( 'price', 'buy-button', 'product-card' );
	const DEEPEST = 8;

	/**
	 * Notes what a saved page shows.
	 *
	 * @param int     $id   Post.
	 * @param WP_Post $post Post.
	 */
	public static function note( $id, $post ) {
		if ( wp_is_post_revision( $id ) || Commerce_Connector_Types::PRODUCT === $post->post_type ) {
			return;
		}
		$shown = 'publish' === $post->post_status ? self::shown_by( (string) $post->post_content ) : array();
		self::keep( (int) $id, $shown );
	}

	/**
	 * Forgets a deleted page.
	 *
	 * @param int $id Post.
	 */
	public static function forget( $id ) {
		self::keep( (int) $id, array() );
	}

	/**
	 * The pages that show some of these products.
	 *
	 * @param int[] $ids Posts of products.
	 * @return int[]
	 */
	public static function pages_of( array $ids ) {
		$wanted = array_flip( $ids ) + array( self::ANY => true );
		$pages  = array();
		foreach ( (array) get_option( self::OPTION, array() ) as $page => $shown ) {
			if ( array_intersect_key( array_flip( (array) $shown ), $wanted ) ) {
				$pages[] = (int) $page;
			}
		}
		return $pages;
	}

	/**
	 * Keeps what a page shows; most pages show nothing, and cost no write.
	 *
	 * @param int   $id    Post.
	 * @param int[] $shown Posts of products, or ANY.
	 */
	private static function keep( $id, array $shown ) {
		$all    = (array) get_option( self::OPTION, array() );
		$before = isset( $all[ $id ] ) ? $all[ $id ] : array();
		if ( $before === $shown ) {
			return;
		}
		$all[ $id ] = $shown;
		update_option( self::OPTION, array_filter( $all ), true );
	}

	/**
	 * What content shows.
	 *
	 * @param string $content Of a post.
	 * @return int[]
	 */
	private static function shown_by( $content ) {
		if ( false === strpos( $content, 'commerce' ) && false === strpos( $content, 'wp:block ' ) ) {
			return array();
		}
		$shown = array_merge( self::by_blocks( parse_blocks( $content ), 0 ), self::by_shortcodes( $content ) );
		sort( $shown );
		return array_values( array_unique( $shown ) );
	}

	/**
	 * What blocks show, those of synced patterns too.
	 *
	 * @param array[] $blocks As parse_blocks() gives.
	 * @param int     $depth  How deep they are.
	 * @return int[]
	 */
	private static function by_blocks( array $blocks, $depth ) {
		$shown = array();
		foreach ( $depth < self::DEEPEST ? $blocks : array() as $block ) {
			$name = str_replace( 'commerce-connector/', '', (string) $block['blockName'] );
			if ( 'product-grid' === $name ) {
				$shown[] = self::ANY;
			} elseif ( in_array( $name, self::OF_ONE, true ) ) {
				$shown[] = isset( $block['attrs']['productId'] ) ? (int) $block['attrs']['productId'] : self::ANY;
			} elseif ( 'core/block' === $name && isset( $block['attrs']['ref'] ) ) {
				$shown = array_merge( $shown, self::by_blocks( parse_blocks( (string) get_post_field( 'post_content', (int) $block['attrs']['ref'], 'raw' ) ), $depth + 1 ) );
			}
			$shown = array_merge( $shown, self::by_blocks( $block['innerBlocks'], $depth + 1 ) );
		}
		return $shown;
	}

	/**
	 * What shortcodes show.
	 *
	 * @param string $content Of a post.
	 * @return int[]
	 */
	private static function by_shortcodes( $content ) {
		$shown = array();
		preg_match_all( '/' . get_shortcode_regex( array( 'commerce_price', 'commerce_stock', 'commerce_buy', 'commerce_product', 'commerce_products' ) ) . '/', $content, $found, PREG_SET_ORDER );
		foreach ( $found as $match ) {
			$said = (array) shortcode_parse_atts( $match[3] );
			if ( 'commerce_products' !== $match[2] && ! empty( $said['product'] ) ) {
				$shown[] = (int) $said['product'];
			} elseif ( 'commerce_products' !== $match[2] && ! empty( $said['sku'] ) ) {
				$shown = array_merge( $shown, Commerce_Connector_Picker::by_sku( $said['sku'], true ) );
			} else {
				$shown[] = self::ANY;
			}
		}
		return $shown;
	}
}
