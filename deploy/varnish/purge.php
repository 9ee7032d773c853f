<?php
/**
 * Plugin Name: Commerce Connector before Varnish
 * Description: Takes pages out of Varnish when a product's price, stock or text changed.
 *
 * Goes into wp-content/mu-plugins. COMMERCE_CONNECTOR_VARNISH in wp-config.php says where Varnish is,
 * like http://127.0.0.1:80; without it the site's own address is asked. Goes with default.vcl.
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Collects the pages that changed in this request, and takes them out once at its end.
 */
final class Commerce_Connector_Varnish {

	const AT_ONCE = 60;

	/**
	 * Posts that changed, by id.
	 *
	 * @var bool[]
	 */
	private static $changed = array();

	/**
	 * Notes a post.
	 *
	 * @param int $id Post.
	 */
	public static function note( $id ) {
		if ( ! self::$changed ) {
			add_action( 'shutdown', array( __CLASS__, 'purge' ) );
		}
		self::$changed[ (int) $id ] = true;
	}

	/**
	 * Takes out the pages of what changed, and those that show products.
	 */
	public static function purge() {
		$ids   = array_filter( array_keys( self::$changed ), 'is_post_publicly_viewable' );
		$paths = array_map( array( __CLASS__, 'path' ), array_map( 'get_permalink', $ids ) );
		if ( in_array( 'commerce_product', array_map( 'get_post_type', $ids ), true ) ) {
			$paths = array_merge( $paths, self::showing_products() );
		}
		foreach ( array_chunk( array_unique( array_filter( $paths ) ), self::AT_ONCE ) as $some ) {
			self::send( '^(' . implode( '|', array_map( 'preg_quote', $some ) ) . ')$' );
		}
	}

	/**
	 * The list of products, and pages with a grid or a card.
	 *
	 * @return string[]
	 */
	private static function showing_products() {
		global $wpdb;
		$ids   = $wpdb->get_col( "SELECT ID FROM {$wpdb->posts} WHERE post_status = 'publish' AND ( post_content LIKE '%wp:commerce-connector/%' OR post_content LIKE '%[commerce_%' ) LIMIT 200" ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$paths = array_map( array( __CLASS__, 'path' ), array_map( 'get_permalink', array_map( 'intval', $ids ) ) );
		return array_merge( $paths, array( self::path( (string) get_post_type_archive_link( 'commerce_product' ) ) ) );
	}

	/**
	 * The path of an address.
	 *
	 * @param string $url Address.
	 * @return string
	 */
	private static function path( $url ) {
		return (string) wp_parse_url( (string) $url, PHP_URL_PATH );
	}

	/**
	 * Tells Varnish, and does not wait.
	 *
	 * @param string $pattern Of paths.
	 */
	private static function send( $pattern ) {
		$home = wp_parse_url( home_url() );
		$host = $home['host'] . ( isset( $home['port'] ) ? ':' . $home['port'] : '' );
		wp_remote_request(
			( defined( 'COMMERCE_CONNECTOR_VARNISH' ) ? COMMERCE_CONNECTOR_VARNISH : $home['scheme'] . '://' . $host ) . '/',
			array(
				'method'   => 'PURGE',
				'headers'  => array(
					'host'    => $host,
					'x-paths' => $pattern,
				),
				'timeout'  => 1,
				'blocking' => false,
			)
		);
	}
}

add_action( 'clean_post_cache', array( 'Commerce_Connector_Varnish', 'note' ) );
