<?php
/**
 * A grid of products: which ones, in which order, page by page.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Query and pages of grids.
 */
final class Commerce_Connector_Grid {

	const WISH   = array(
		'category' => '',
		'tag'      => '',
		'search'   => '',
		'ids'      => array(),
		'orderby'  => 'date',
		'order'    => 'desc',
		'per_page' => 12,
		'columns'  => 3,
		'paged'    => true,
	);
	const ORDERS = array( 'date', 'title', 'price', 'modified' );
	const MOST   = 48;

	/**
	 * How many grids stand on this page so far.
	 *
	 * @var int
	 */
	private static $grids = 0;

	/**
	 * The markup of a grid.
	 *
	 * @param array $wish Some of WISH.
	 * @return string
	 */
	public static function render( array $wish ) {
		$wish  = array_merge( self::WISH, array_intersect_key( $wish, self::WISH ) );
		$name  = 'commerce-page' . ( ++self::$grids > 1 ? '-' . self::$grids : '' );
		$page  = isset( $_GET[ $name ] ) && is_string( $_GET[ $name ] ) && $wish['paged'] ? max( 1, min( 10000, absint( $_GET[ $name ] ) ) ) : 1; // phpcs:ignore WordPress.Security.NonceVerification -- Chooses the page.
		$query = self::query( $wish, $page );
		$ids   = array_map( 'intval', $query->posts );
		Commerce_Connector_Elements::need();
		Commerce_Connector_View::prime( $ids );
		_prime_post_caches( $ids );
		return Commerce_Connector_Template::render(
			'grid',
			array(
				'cards'   => array_map( array( 'Commerce_Connector_Parts', 'card' ), array_values( array_filter( array_map( array( 'Commerce_Connector_View', 'product' ), $ids ) ) ) ),
				'columns' => max( 1, min( 6, (int) $wish['columns'] ) ),
				'page'    => $page,
				'pages'   => $wish['paged'] ? (int) $query->max_num_pages : 1,
				'id'      => $name,
				'links'   => self::links( $name, $page, (int) $query->max_num_pages ),
			)
		);
	}

	/**
	 * The products of one page.
	 *
	 * @param array $wish All of WISH.
	 * @param int   $page Page.
	 * @return WP_Query
	 */
	private static function query( array $wish, $page ) {
		$orderby = in_array( $wish['orderby'], self::ORDERS, true ) ? $wish['orderby'] : 'date';
		$ids     = array_filter( array_map( 'absint', is_array( $wish['ids'] ) ? $wish['ids'] : explode( ',', $wish['ids'] ) ) );
		$clauses = function ( $clauses ) use ( $orderby, $wish ) {
			return self::clauses( $clauses, 'price' === $orderby, 'asc' === strtolower( $wish['order'] ) ? 'ASC' : 'DESC' );
		};
		add_filter( 'posts_clauses', $clauses );
		$query = new WP_Query(
			array(
				'post_type'           => Commerce_Connector_Types::PRODUCT,
				'post_status'         => 'publish',
				'has_password'        => false,
				'fields'              => 'ids',
				'ignore_sticky_posts' => true,
				'posts_per_page'      => max( 1, min( self::MOST, (int) $wish['per_page'] ) ),
				'paged'               => $page,
				'no_found_rows'       => ! $wish['paged'],
				'orderby'             => $ids ? 'post__in' : ( 'price' === $orderby ? 'date' : $orderby ),
				'order'               => 'asc' === strtolower( $wish['order'] ) ? 'ASC' : 'DESC',
				'post__in'            => $ids,
				's'                   => (string) $wish['search'],
				'tax_query'           => self::terms( $wish ), // phpcs:ignore WordPress.DB.SlowDBQuery -- What the editor asks for.
			)
		);
		remove_filter( 'posts_clauses', $clauses );
		return $query;
	}

	/**
	 * Which categories and tags: slugs or ids, with commas between.
	 *
	 * @param array $wish All of WISH.
	 * @return array
	 */
	private static function terms( array $wish ) {
		$query = array();
		foreach ( array( 'category' => Commerce_Connector_Types::CATEGORY, 'tag' => Commerce_Connector_Types::TAG ) as $name => $taxonomy ) { // phpcs:ignore WordPress.Arrays
			$terms = array_filter( array_map( 'trim', explode( ',', (string) $wish[ $name ] ) ), 'strlen' );
			if ( $terms ) {
				$query[] = array(
					'taxonomy' => $taxonomy,
					'field'    => array_filter( $terms, 'ctype_digit' ) === $terms ? 'term_id' : 'slug',
					'terms'    => array_values( $terms ),
				);
			}
		}
		return $query;
	}

	/**
	 * Only what a backend sells, and the lowest price as an order.
	 *
	 * @param string[] $clauses  Of the query.
	 * @param bool     $by_price Whether prices order it.
	 * @param string   $order    ASC or DESC.
	 * @return string[]
	 */
	private static function clauses( array $clauses, $by_price, $order ) {
		global $wpdb;
		$bindings          = Commerce_Connector_Tables::name( 'bindings' );
		$clauses['where'] .= " AND EXISTS (SELECT 1 FROM $bindings cc_b WHERE cc_b.kind = 'product' AND cc_b.object_id = {$wpdb->posts}.ID AND cc_b.retired = 0)";
		if ( $by_price ) {
			$lowest             = 'SELECT MIN(cc_o.amount) FROM ' . Commerce_Connector_Tables::name( 'offers' ) . " cc_o JOIN $bindings cc_p ON cc_p.subject_key = cc_o.subject_key"
				. " WHERE cc_p.kind = 'product' AND cc_p.object_id = {$wpdb->posts}.ID AND cc_o.min_quantity = 1 AND cc_o.market = " . Commerce_Connector_Sql::literal( Commerce_Connector_View::shown_market() );
			$clauses['orderby'] = "($lowest) $order, {$wpdb->posts}.ID ASC";
		}
		return $clauses;
	}

	/**
	 * Links to the pages, with what else stands in the address.
	 *
	 * @param string $name  Of the page's number in the address.
	 * @param int    $page  This page.
	 * @param int    $pages How many there are.
	 * @return string[]
	 */
	private static function links( $name, $page, $pages ) {
		if ( $pages < 2 ) {
			return array();
		}
		$base  = remove_query_arg( array( $name, Commerce_Connector_Says::WORD, Commerce_Connector_Says::FORM ) );
		$links = paginate_links(
			array(
				'base'      => add_query_arg( $name, '%#%', $base ) . "#$name",
				'format'    => '',
				'current'   => $page,
				'total'     => $pages,
				'type'      => 'array',
				'add_args'  => false,
				'prev_text' => __( 'Previous page', 'commerce-connector' ),
				'next_text' => __( 'Next page', 'commerce-connector' ),
			)
		);
		return is_array( $links ) ? $links : array();
	}
}
