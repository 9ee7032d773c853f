<?php
/**
 * Caches of pages whose prices or content changed.
 *
 * Page-cache plugins that follow WordPress' own `clean_post_cache` need nothing. Others can use
 * `commerce_connector_offers_updated`, an action with the list of post ids.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Exact purges.
 */
final class Commerce_Connector_Purge {

	/**
	 * Purges pages that show what changed: the products' own, and those with a block of them. The posts themselves are as they were, so that only page
	 * caches have to know: by the action that core gives them, where anybody listens.
	 *
	 * @param int[] $ids Posts.
	 */
	public static function offers( array $ids ) {
		if ( ! $ids ) {
			return;
		}
		$ids = array_values( array_unique( array_merge( $ids, Commerce_Connector_Showing::pages_of( $ids ) ) ) );
		if ( has_action( 'clean_post_cache' ) ) {
			_prime_post_caches( $ids, false, false );
			foreach ( array_filter( array_map( 'get_post', $ids ) ) as $post ) {
				do_action( 'clean_post_cache', $post->ID, $post ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals
			}
		}

		/**
		 * Prices or stock of products changed.
		 *
		 * @param int[] $ids The posts that show them.
		 */
		do_action( 'commerce_connector_offers_updated', $ids );
	}

	/**
	 * Purges pages, reading all of their posts by one query.
	 *
	 * @param int[] $ids Posts.
	 */
	public static function pages( array $ids ) {
		_prime_post_caches( $ids, false, false );
		foreach ( $ids as $id ) {
			clean_post_cache( $id );
		}
	}

	/**
	 * Page caches that do not follow clean_post_cache, by the functions they publish for this.
	 *
	 * @param int[] $ids Posts.
	 */
	public static function known_page_caches( array $ids ) {
		foreach ( $ids as $id ) {
			do_action( 'litespeed_purge_post', $id ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals
			foreach ( array( 'rocket_clean_post', 'w3tc_flush_post', 'wpsc_delete_post_cache' ) as $purge ) {
				if ( function_exists( $purge ) ) {
					$purge( $id );
				}
			}
		}
	}
}
