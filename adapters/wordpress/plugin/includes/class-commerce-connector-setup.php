<?php
/**
 * Activation, upgrade and removal of everything the plugin makes.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The plugin's life in a WordPress.
 */
final class Commerce_Connector_Setup {

	const OPTION = 'commerce_connector_version';

	/**
	 * Makes tables, role and user, and the addresses of products.
	 */
	public static function activate() {
		delete_option( Commerce_Connector_Tables::OPTION );
		Commerce_Connector_Tables::upgrade();
		Commerce_Connector_Types::register();
		Commerce_Connector_Types::add_people();
		update_option( self::OPTION, COMMERCE_CONNECTOR_VERSION, true );
		flush_rewrite_rules( false );
	}

	/**
	 * Forgets the addresses of products; everything else stays until the plugin is deleted.
	 */
	public static function deactivate() {
		unregister_post_type( Commerce_Connector_Types::PRODUCT );
		unregister_taxonomy( Commerce_Connector_Types::CATEGORY );
		unregister_taxonomy( Commerce_Connector_Types::TAG );
		flush_rewrite_rules( false );
	}

	/**
	 * After an update of the plugin's files: brings tables and role up to date.
	 */
	public static function upgrade() {
		if ( get_option( self::OPTION ) !== COMMERCE_CONNECTOR_VERSION || (int) get_option( Commerce_Connector_Tables::OPTION ) !== Commerce_Connector_Tables::SCHEMA ) {
			Commerce_Connector_Tables::upgrade();
			Commerce_Connector_Types::add_people();
			update_option( self::OPTION, COMMERCE_CONNECTOR_VERSION, true );
		}
	}

	/**
	 * Removes all of it, on every site of a network: posts, terms, pictures, tables, options, role, user.
	 */
	public static function uninstall() {
		Commerce_Connector_Events::pause();
		if ( ! is_multisite() ) {
			self::remove();
			return;
		}
		foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $site ) { // phpcs:ignore WordPress.Arrays
			switch_to_blog( $site );
			if ( get_option( self::OPTION ) ) {
				self::remove();
			}
			restore_current_blog();
		}
		Commerce_Connector_Types::remove_user_of_network();
	}

	/**
	 * Removes all of it from the present site.
	 */
	private static function remove() {
		Commerce_Connector_Types::register();
		self::delete_posts();
		Commerce_Connector_Shop_Pages::remove();
		Commerce_Connector_Showing::forget();
		self::delete_terms();
		Commerce_Connector_Types::remove_people();
		Commerce_Connector_Tables::drop();
		self::delete_options();
		self::deactivate();
	}

	/**
	 * Deletes products and the pictures that came with them.
	 */
	private static function delete_posts() {
		global $wpdb;
		$media    = Commerce_Connector_Sql::rows_if_possible( 'SELECT object_id FROM ' . Commerce_Connector_Tables::name( 'media' ) . ' WHERE object_id > 0' );
		$products = Commerce_Connector_Sql::rows( "SELECT ID FROM {$wpdb->posts} WHERE post_type = " . Commerce_Connector_Sql::literal( Commerce_Connector_Types::PRODUCT ) );
		foreach ( $products as $row ) {
			wp_delete_post( (int) $row['ID'], true );
		}
		foreach ( $media as $row ) {
			wp_delete_attachment( (int) $row['object_id'], true );
		}
	}

	/**
	 * Deletes categories and tags.
	 */
	private static function delete_terms() {
		foreach ( array( Commerce_Connector_Types::CATEGORY, Commerce_Connector_Types::TAG ) as $taxonomy ) {
			$ids = get_terms(
				array(
					'taxonomy'   => $taxonomy,
					'hide_empty' => false,
					'fields'     => 'ids',
				)
			);
			foreach ( is_array( $ids ) ? $ids : array() as $id ) {
				wp_delete_term( $id, $taxonomy );
			}
			delete_option( $taxonomy . '_children' );
		}
	}

	/**
	 * Deletes options, transients among them.
	 */
	private static function delete_options() {
		global $wpdb;
		$like  = array( 'commerce\_connector\_%', '\_transient\_commerce\_connector\_%', '\_transient\_timeout\_commerce\_connector\_%' );
		$where = implode( ' OR option_name LIKE ', array_map( array( 'Commerce_Connector_Sql', 'literal' ), $like ) );
		foreach ( Commerce_Connector_Sql::rows( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE $where" ) as $row ) {
			delete_option( $row['option_name'] );
		}
	}
}
