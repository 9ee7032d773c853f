<?php
/**
 * Finding products by what editors type: words of the title, or the beginning of a SKU.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The route behind the blocks' picker.
 */
final class Commerce_Connector_Picker {

	const ROOT = 'commerce-connector-editor/v1';
	const MOST = 20;

	/**
	 * Registers the route.
	 */
	public static function register() {
		register_rest_route(
			self::ROOT,
			'/products',
			array(
				'methods'             => 'GET',
				'permission_callback' => array( __CLASS__, 'may_edit' ),
				'callback'            => array( __CLASS__, 'answer' ),
				'args'                => array(
					'search'  => array(
						'type'      => 'string',
						'default'   => '',
						'maxLength' => 100,
					),
					'include' => array(
						'type'     => 'array',
						'items'    => array( 'type' => 'integer' ),
						'maxItems' => self::MOST,
						'default'  => array(),
					),
				),
			)
		);
	}

	/**
	 * Whether somebody may ask: who writes pages.
	 *
	 * @return bool
	 */
	public static function may_edit() {
		return current_user_can( 'edit_posts' );
	}

	/**
	 * The products found.
	 *
	 * @param WP_REST_Request $request search, or include.
	 * @return array[]
	 */
	public static function answer( $request ) {
		$ids = $request['include'] ? array_map( 'intval', $request['include'] ) : self::found( trim( $request['search'] ) );
		Commerce_Connector_View::prime( $ids );
		return array_map( array( __CLASS__, 'shown' ), array_values( array_filter( $ids, array( __CLASS__, 'is_product' ) ) ) );
	}

	/**
	 * Whether an id is that of a product which visitors can see.
	 *
	 * @param int $id Post.
	 * @return bool
	 */
	private static function is_product( $id ) {
		return Commerce_Connector_Types::PRODUCT === get_post_type( $id ) && 'publish' === get_post_status( $id );
	}

	/**
	 * Posts whose SKU or title fits.
	 *
	 * @param string $text What was typed.
	 * @return int[]
	 */
	private static function found( $text ) {
		$by_title = get_posts(
			array(
				'post_type'      => Commerce_Connector_Types::PRODUCT,
				'post_status'    => 'publish',
				's'              => $text,
				'search_columns' => array( 'post_title' ),
				'fields'         => 'ids',
				'posts_per_page' => self::MOST,
				'orderby'        => '' === $text ? 'title' : 'relevance',
				'order'          => 'ASC',
			)
		);
		$by_sku   = '' === $text ? array() : self::by_sku( $text );
		return array_slice( array_values( array_unique( array_merge( $by_sku, array_map( 'intval', $by_title ) ) ) ), 0, self::MOST );
	}

	/**
	 * Posts of the products that have a SKU.
	 *
	 * @param string $sku   SKU, or its beginning.
	 * @param bool   $whole Whether it is all of it.
	 * @return int[]
	 */
	public static function by_sku( $sku, $whole = false ) {
		global $wpdb;
		$is   = $whole ? '= ' . Commerce_Connector_Sql::literal( $sku ) : 'LIKE ' . Commerce_Connector_Sql::literal( $wpdb->esc_like( $sku ) . '%' );
		$rows = Commerce_Connector_Sql::rows_if_possible(
			'SELECT DISTINCT b.object_id FROM ' . Commerce_Connector_Tables::name( 'offers' ) . ' o JOIN ' . Commerce_Connector_Tables::name( 'bindings' )
			. " b ON b.subject_key = o.subject_key AND b.kind = 'product' WHERE o.sku $is ORDER BY b.object_id LIMIT " . self::MOST
		);
		return array_map( 'intval', array_column( $rows, 'object_id' ) );
	}

	/**
	 * A product as the picker shows it.
	 *
	 * @param int $id Post.
	 * @return array
	 */
	private static function shown( $id ) {
		$product = Commerce_Connector_View::product( $id );
		return array(
			'id'    => $id,
			'title' => html_entity_decode( wp_strip_all_tags( get_post_field( 'post_title', $id, 'raw' ) ), ENT_QUOTES, 'UTF-8' ),
			'skus'  => $product ? array_values( array_filter( array_column( $product['variants'], 'sku' ) ) ) : array(),
			'price' => $product ? $product['price_text'] : '',
			'image' => (string) get_the_post_thumbnail_url( $id, 'thumbnail' ),
		);
	}
}
