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
 * What pages and synced patterns show, in their meta: one row for each.
 */
final class Commerce_Connector_Showing {

	const META    = '_cc_shows';
	const ANY     = '0';
	const PATTERN = 'p';
	const OF_ONE  = array( 'price', 'buy-button', 'product-card' );
	const DEEPEST = 8;

	/**
	 * Notes what a saved page shows; most pages show nothing, and cost no write.
	 *
	 * @param int     $id   Post.
	 * @param WP_Post $post Post.
	 */
	public static function note( $id, $post ) {
		if ( wp_is_post_revision( $id ) || Commerce_Connector_Types::PRODUCT === $post->post_type ) {
			return;
		}
		$shown  = 'publish' === $post->post_status ? self::shown_by( (string) $post->post_content ) : array();
		$before = array_map( 'strval', get_post_meta( $id, self::META ) );
		sort( $before, SORT_STRING );
		if ( $before === $shown ) {
			return;
		}
		delete_post_meta( $id, self::META );
		foreach ( $shown as $each ) {
			add_post_meta( $id, self::META, $each );
		}
	}

	/**
	 * The pages that show some of these products, be it by a pattern.
	 *
	 * @param int[] $ids Posts of products.
	 * @return int[]
	 */
	public static function pages_of( array $ids ) {
		$found = array();
		$asked = array_merge( array( self::ANY ), array_map( 'strval', $ids ) );
		for ( $deep = 0; $asked && $deep < self::DEEPEST; $deep++ ) {
			$news  = array_diff( self::showing( $asked ), $found );
			$found = array_merge( $found, $news );
			$asked = array();
			foreach ( $news as $id ) {
				$asked[] = self::PATTERN . $id;
			}
		}
		return $found;
	}

	/**
	 * The posts that show some of these.
	 *
	 * @param string[] $shown As noted.
	 * @return int[]
	 */
	private static function showing( array $shown ) {
		global $wpdb;
		$values = implode( ', ', array_map( array( 'Commerce_Connector_Sql', 'literal' ), $shown ) );
		$rows   = Commerce_Connector_Sql::rows( "SELECT DISTINCT post_id FROM {$wpdb->postmeta} WHERE meta_key = " . Commerce_Connector_Sql::literal( self::META ) . " AND meta_value IN ( {$values} )" );
		return array_map( 'intval', array_column( $rows, 'post_id' ) );
	}

	/**
	 * Forgets what any page shows.
	 */
	public static function forget() {
		delete_metadata( 'post', 0, self::META, '', true );
	}

	/**
	 * What content shows.
	 *
	 * @param string $content Of a post.
	 * @return string[]
	 */
	private static function shown_by( $content ) {
		if ( false === strpos( $content, 'commerce' ) && false === strpos( $content, 'wp:block ' ) ) {
			return array();
		}
		$shown = array_map( 'strval', array_merge( self::by_blocks( parse_blocks( $content ) ), self::by_shortcodes( $content ) ) );
		$shown = array_values( array_unique( $shown ) );
		sort( $shown, SORT_STRING );
		return $shown;
	}

	/**
	 * What blocks show, a synced pattern among them.
	 *
	 * @param array[] $blocks As parse_blocks() gives.
	 * @return array
	 */
	private static function by_blocks( array $blocks ) {
		$shown = array();
		foreach ( $blocks as $block ) {
			$name = str_replace( 'commerce-connector/', '', (string) $block['blockName'] );
			if ( 'product-grid' === $name ) {
				$shown[] = self::ANY;
			} elseif ( in_array( $name, self::OF_ONE, true ) ) {
				$shown[] = isset( $block['attrs']['productId'] ) ? (int) $block['attrs']['productId'] : self::ANY;
			} elseif ( 'core/block' === $name && isset( $block['attrs']['ref'] ) ) {
				$shown[] = self::PATTERN . (int) $block['attrs']['ref'];
			}
			$shown = array_merge( $shown, self::by_blocks( $block['innerBlocks'] ) );
		}
		return $shown;
	}

	/**
	 * What shortcodes show.
	 *
	 * @param string $content Of a post.
	 * @return array
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
