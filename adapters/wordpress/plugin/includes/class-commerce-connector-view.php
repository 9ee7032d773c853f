<?php
/**
 * What visitors see of a product: read from bindings, fields and offers, rendered by a template.
 *
 * Works by adding to the content of the page, so that block themes and classic themes alike show
 * it. A theme overrides the markup with files of the same name below `commerce-connector/`.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Product pages and lists.
 */
final class Commerce_Connector_View {

	const MARKET = 'commerce_connector_market';

	/**
	 * Products looked up in this request, by post.
	 *
	 * @var array
	 */
	private static $known = array();

	/**
	 * What a template can show of a product; null where the post is none.
	 *
	 * @param int $id Post.
	 * @return array|null id, source, market, offers, variants, options, attributes, media, price.
	 */
	public static function product( $id ) {
		if ( ! array_key_exists( (int) $id, self::$known ) ) {
			self::load( array( (int) $id ) );
		}
		return self::$known[ (int) $id ];
	}

	/**
	 * Looks up products that are about to be shown, all of them together.
	 *
	 * @param int[] $ids Posts.
	 */
	public static function prime( array $ids ) {
		$new = array_values( array_diff( array_map( 'intval', $ids ), array_keys( self::$known ) ) );
		if ( $new ) {
			self::load( $new );
		}
	}

	/**
	 * Adds the template to the content of a product's page, and the price in lists.
	 *
	 * @param string $content HTML.
	 * @return string
	 */
	public static function add_to_content( $content ) {
		if ( Commerce_Connector_Types::PRODUCT !== get_post_type() || is_feed() || doing_filter( 'get_the_excerpt' ) || post_password_required() ) {
			return $content;
		}
		if ( is_singular( Commerce_Connector_Types::PRODUCT ) && get_queried_object_id() === get_the_ID() ) {
			$product = self::product( get_the_ID() );
			return $product ? Commerce_Connector_Template::render( 'product', array( 'product' => $product ) ) . $content : $content;
		}
		return self::price_in_list() . $content;
	}

	/**
	 * Adds the price to excerpts of products in lists.
	 *
	 * @param string $excerpt HTML.
	 * @return string
	 */
	public static function add_to_excerpt( $excerpt ) {
		return Commerce_Connector_Types::PRODUCT === get_post_type() && ! is_singular( Commerce_Connector_Types::PRODUCT ) ? self::price_in_list() . $excerpt : $excerpt;
	}

	/**
	 * Styles of product pages and lists.
	 */
	public static function enqueue() {
		if ( is_singular( Commerce_Connector_Types::PRODUCT ) || is_post_type_archive( Commerce_Connector_Types::PRODUCT ) || is_tax( array( Commerce_Connector_Types::CATEGORY, Commerce_Connector_Types::TAG ) ) ) {
			wp_enqueue_style( 'commerce-connector', plugins_url( 'assets/product.css', COMMERCE_CONNECTOR_FILE ), array(), COMMERCE_CONNECTOR_VERSION );
		}
	}

	/**
	 * Words for an availability.
	 *
	 * @param string $availability in_stock, out_of_stock or backorder.
	 * @return string
	 */
	public static function availability_text( $availability ) {
		$texts = array(
			'in_stock'     => __( 'In stock', 'commerce-connector' ),
			'out_of_stock' => __( 'Out of stock', 'commerce-connector' ),
			'backorder'    => __( 'Available on backorder', 'commerce-connector' ),
		);
		return isset( $texts[ $availability ] ) ? $texts[ $availability ] : '';
	}

	/**
	 * The price line of the product in the loop.
	 *
	 * @return string
	 */
	private static function price_in_list() {
		global $wp_query;
		$ids = $wp_query instanceof WP_Query ? wp_list_pluck( wp_list_filter( (array) $wp_query->posts, array( 'post_type' => Commerce_Connector_Types::PRODUCT ) ), 'ID' ) : array();
		self::prime( $ids );
		$product = self::product( get_the_ID() );
		return $product ? Commerce_Connector_Parts::price( $product ) : '';
	}

	/**
	 * Looks up products: two queries for all of them.
	 *
	 * @param int[] $ids Posts.
	 */
	private static function load( array $ids ) {
		self::$known += array_fill_keys( $ids, null );
		$bound        = array();
		foreach ( Commerce_Connector_Sql::rows_if_possible( 'SELECT subject_key, backend, backend_id, object_id, retired FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id IN (" . Commerce_Connector_Sql::in( $ids ) . ')' ) as $row ) {
			$bound[ $row['subject_key'] ] = $row;
		}
		$offers = $bound ? self::offers( array_keys( $bound ) ) : array();
		update_meta_cache( 'post', $ids );
		foreach ( $bound as $key => $row ) {
			self::$known[ (int) $row['object_id'] ] = self::assemble( (int) $row['object_id'], $row, isset( $offers[ $key ] ) ? $offers[ $key ] : array() );
		}
	}

	/**
	 * Offers of products.
	 *
	 * @param string[] $keys Subject keys.
	 * @return array[] Subject key to rows.
	 */
	private static function offers( array $keys ) {
		try {
			return Commerce_Connector_Offers::stored( $keys );
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
			return array();
		}
	}

	/**
	 * One product.
	 *
	 * @param int     $id      Post.
	 * @param array   $binding Row.
	 * @param array[] $offers  Rows of all markets.
	 * @return array
	 */
	private static function assemble( $id, array $binding, array $offers ) {
		$market = self::market( $offers );
		$here   = array_filter(
			$offers,
			function ( $offer ) use ( $market ) {
				return $offer['market'] === $market;
			}
		);
		usort(
			$here,
			function ( $a, $b ) {
				return array( (int) $a['position'], (int) $a['min_quantity'] ) <=> array( (int) $b['position'], (int) $b['min_quantity'] );
			}
		);
		$product = array(
			'id'         => $id,
			'backend'    => $binding['backend'],
			'backend_id' => $binding['backend_id'],
			'retired'    => (bool) (int) $binding['retired'],
			'market'     => $market,
			'offers'     => $here,
			'by_variant' => array(),
			'price_text' => self::price_text( $here ),
		);
		foreach ( $here as $offer ) {
			$product['by_variant'][ $offer['variant'] ][] = $offer;
		}
		foreach ( array( 'variants', 'options', 'attributes', 'media', 'seo_title', 'seo_description' ) as $field ) {
			$value             = json_decode( (string) get_post_meta( $id, Commerce_Connector_Stored::META . $field, true ), true );
			$product[ $field ] = null === $value ? ( 0 === strpos( $field, 'seo' ) ? '' : array() ) : $value;
		}
		$product['variants']     = array_map( array( __CLASS__, 'variant' ), (array) $product['variants'] );
		$product['availability'] = self::best_availability( $here );
		return $product;
	}

	/**
	 * A variant with everything that the template shows.
	 *
	 * @param array $variant As the backend gave it.
	 * @return array
	 */
	private static function variant( array $variant ) {
		$variant += array(
			'id'      => '',
			'sku'     => '',
			'title'   => '',
			'options' => array(),
		);
		if ( '' === (string) $variant['title'] ) {
			$variant['title'] = implode( ' / ', (array) $variant['options'] );
		}
		return $variant;
	}

	/**
	 * The availability of the product as a whole: that of its most available variant.
	 *
	 * @param array[] $offers Rows of one market.
	 * @return string Empty: no offer.
	 */
	private static function best_availability( array $offers ) {
		$found = array_column( $offers, 'availability' );
		foreach ( array( 'in_stock', 'backorder', 'out_of_stock' ) as $availability ) {
			if ( in_array( $availability, $found, true ) ) {
				return $availability;
			}
		}
		return '';
	}

	/**
	 * Leaves the theme's featured image out where our gallery shows it already.
	 *
	 * @param string $html Image.
	 * @return string
	 */
	public static function no_second_image( $html ) {
		if ( ! is_singular( Commerce_Connector_Types::PRODUCT ) || get_queried_object_id() !== get_the_ID() ) {
			return $html;
		}
		$product = self::product( get_the_ID() );
		return $product && $product['media'] ? '' : $html;
	}

	/**
	 * The market whose prices this site shows, whatever the product.
	 *
	 * @return string Empty: no product has an offer.
	 */
	public static function shown_market() {
		static $market = null;
		if ( null === $market ) {
			$markets = array_column( Commerce_Connector_Sql::rows_if_possible( 'SELECT DISTINCT market FROM ' . Commerce_Connector_Tables::name( 'offers' ) ), 'market' );
			$market  = self::market_of( $markets );
		}
		return $market;
	}

	/**
	 * The market to show of a product.
	 *
	 * @param array[] $offers Rows.
	 * @return string
	 */
	private static function market( array $offers ) {
		return self::market_of( array_values( array_unique( array_column( $offers, 'market' ) ) ) );
	}

	/**
	 * The market to show of these.
	 *
	 * @param string[] $markets Names.
	 * @return string
	 */
	private static function market_of( array $markets ) {
		sort( $markets, SORT_STRING );
		$chosen = (string) get_option( self::MARKET, '' );
		$market = in_array( $chosen, $markets, true ) || ! $markets ? $chosen : $markets[0];

		/**
		 * The market whose prices are shown.
		 *
		 * @param string   $market  Chosen in the settings, or the first one.
		 * @param string[] $markets Those that the product has offers in.
		 */
		return (string) apply_filters( 'commerce_connector_market', $market, $markets );
	}

	/**
	 * A product's price in one line: the lowest single-piece price, "from" where they differ.
	 *
	 * @param array[] $offers Rows of one market.
	 * @return string
	 */
	private static function price_text( array $offers ) {
		$single = array_filter(
			$offers,
			function ( $offer ) {
				return 1 === (int) $offer['min_quantity'];
			}
		);
		if ( ! $single ) {
			return '';
		}
		$amounts = array_map( 'intval', array_column( $single, 'amount' ) );
		$lowest  = array_values( $single )[ array_search( min( $amounts ), $amounts, true ) ];
		if ( min( $amounts ) === max( $amounts ) ) {
			return $lowest['amount_text'];
		}
		/* translators: %s: the lowest price. */
		return sprintf( __( 'From %s', 'commerce-connector' ), $lowest['amount_text'] );
	}
}
