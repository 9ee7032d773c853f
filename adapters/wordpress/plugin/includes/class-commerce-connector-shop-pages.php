<?php
/**
 * The pages with cart and checkout: made on request, never kept by a cache.
 *
 * What is personal is rendered only on pages that are known, before anything is sent, to be kept by
 * nobody: the two pages, those whose own content holds a cart or a checkout, and answers to forms.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Cart page and checkout page.
 */
final class Commerce_Connector_Shop_Pages {

	const OPTION = 'commerce_connector_pages';
	const MADE   = 'commerce_connector_pages_made';

	/**
	 * Whether this answer may hold what is personal.
	 *
	 * @var bool
	 */
	private static $is_private = false;

	/**
	 * Whether this answer may hold what is personal.
	 *
	 * @return bool
	 */
	public static function is_private() {
		return self::$is_private;
	}

	/**
	 * Tells browsers and caches to keep nothing of pages with a cart or a checkout.
	 */
	public static function guard() {
		$post = is_singular() ? get_queried_object() : null;
		if ( ! $post instanceof WP_Post ) {
			return;
		}
		$is_ours = in_array( $post->ID, array( self::id( 'cart' ), self::id( 'checkout' ) ), true );
		if ( $is_ours || self::is_personal( (string) $post->post_content ) ) {
			self::keep_private();
		}
	}

	/**
	 * Makes this answer one that nobody keeps and no other page frames.
	 */
	public static function keep_private() {
		self::$is_private = true;
		foreach ( array( 'DONOTCACHEPAGE', 'DONOTCACHEOBJECT', 'DONOTMINIFY' ) as $constant ) {
			if ( ! defined( $constant ) ) {
				define( $constant, true );
			}
		}
		if ( ! headers_sent() ) {
			nocache_headers();
			header( 'Cache-Control: private, no-store, max-age=0' );
			header( "Content-Security-Policy: frame-ancestors 'self'", false );
			header( 'X-Frame-Options: SAMEORIGIN' );
			send_nosniff_header();
		}
	}

	/**
	 * Keeps search engines from what is a shopper's own.
	 *
	 * @param array $robots Directives.
	 * @return array
	 */
	public static function robots( $robots ) {
		return self::$is_private ? array( 'noindex' => true ) + $robots : $robots;
	}

	/**
	 * Whether content holds a cart or a checkout.
	 *
	 * @param string $content Of a post.
	 * @return bool
	 */
	private static function is_personal( $content ) {
		foreach ( array( 'cart', 'checkout' ) as $name ) {
			if ( has_block( "commerce-connector/$name", $content ) || has_shortcode( $content, "commerce_$name" ) ) {
				return true;
			}
		}
		return false;
	}

	/**
	 * The address of a page.
	 *
	 * @param string $name cart or checkout.
	 * @return string "": there is none.
	 */
	public static function url( $name ) {
		$id = self::id( $name );
		return $id ? (string) get_permalink( $id ) : '';
	}

	/**
	 * A page that visitors can see.
	 *
	 * @param string $name cart or checkout.
	 * @return int 0: there is none.
	 */
	public static function id( $name ) {
		$pages = (array) get_option( self::OPTION, array() );
		$id    = isset( $pages[ $name ] ) ? (int) $pages[ $name ] : 0;
		return $id && 'publish' === get_post_status( $id ) ? $id : 0;
	}

	/**
	 * Makes the pages that are not there.
	 *
	 * @return int How many.
	 */
	public static function make() {
		$titles = array(
			'cart'     => __( 'Cart', 'commerce-connector' ),
			'checkout' => __( 'Checkout', 'commerce-connector' ),
		);
		$pages  = (array) get_option( self::OPTION, array() );
		$made   = array();
		foreach ( $titles as $name => $title ) {
			if ( self::id( $name ) ) {
				continue;
			}
			$id = wp_insert_post(
				array(
					'post_type'      => 'page',
					'post_status'    => 'publish',
					'post_title'     => $title,
					'post_content'   => "<!-- wp:commerce-connector/$name /-->",
					'comment_status' => 'closed',
					'ping_status'    => 'closed',
				)
			);
			$pages[ $name ] = (int) $id;
			$made[]         = (int) $id;
		}
		update_option( self::OPTION, $pages, true );
		update_option( self::MADE, array_merge( (array) get_option( self::MADE, array() ), $made ), false );
		return count( $made );
	}

	/**
	 * Deletes the pages that were made here.
	 */
	public static function remove() {
		foreach ( (array) get_option( self::MADE, array() ) as $id ) {
			wp_delete_post( (int) $id, true );
		}
	}
}
