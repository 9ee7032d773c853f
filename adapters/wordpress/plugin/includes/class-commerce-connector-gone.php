<?php
/**
 * What visitors get at the address of a product that is no longer sold.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Answers for pages that were retired with a redirect, or as gone.
 */
final class Commerce_Connector_Gone {

	/**
	 * Looks up whether what was not found was a product of ours, and answers for it.
	 *
	 * The redirect is temporary for browsers: the product may come back, and then has its page and
	 * its address again.
	 */
	public static function answer() {
		if ( ! is_404() ) {
			return;
		}
		$moved = Commerce_Connector_Adopt::moved_from( isset( $_SERVER['REQUEST_URI'] ) ? esc_url_raw( wp_unslash( $_SERVER['REQUEST_URI'] ) ) : '' );
		if ( $moved ) {
			wp_safe_redirect( (string) get_permalink( $moved ), 301, 'Commerce Connector' );
			exit;
		}
		$name = (string) get_query_var( Commerce_Connector_Types::PRODUCT );
		if ( '' === $name ) {
			return;
		}
		$retired = self::retired( $name );
		if ( ! $retired ) {
			return;
		}
		if ( Commerce_Connector_Retire::REDIRECT === (int) $retired['retired'] ) {
			wp_safe_redirect( self::category_link( (int) $retired['object_id'] ), 302, 'Commerce Connector' );
			exit;
		}
		status_header( 410 );
		nocache_headers();
	}

	/**
	 * The binding of a page that is off sale and not found.
	 *
	 * @param string $name Slug.
	 * @return array|null
	 */
	private static function retired( $name ) {
		global $wpdb;
		$rows = Commerce_Connector_Sql::rows_if_possible(
			'SELECT b.object_id, b.retired FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " b INNER JOIN {$wpdb->posts} p ON p.ID = b.object_id
			WHERE b.kind = 'product' AND b.retired IN (" . Commerce_Connector_Retire::REDIRECT . ',' . Commerce_Connector_Retire::GONE . ") AND p.post_status = 'draft' AND p.post_name = " . Commerce_Connector_Sql::literal( $name ) . ' LIMIT 1'
		);
		return $rows ? $rows[0] : null;
	}

	/**
	 * Where visitors of a product are sent: its category that stands deepest, or the list of all.
	 *
	 * @param int $id Post.
	 * @return string
	 */
	private static function category_link( $id ) {
		$terms = get_the_terms( $id, Commerce_Connector_Types::CATEGORY );
		$best  = null;
		foreach ( is_array( $terms ) ? $terms : array() as $term ) {
			$depth = count( get_ancestors( $term->term_id, Commerce_Connector_Types::CATEGORY, 'taxonomy' ) );
			if ( null === $best || $depth > $best[0] ) {
				$best = array( $depth, $term );
			}
		}
		$link = $best ? get_term_link( $best[1] ) : null;
		return is_string( $link ) ? $link : (string) get_post_type_archive_link( Commerce_Connector_Types::PRODUCT );
	}
}
