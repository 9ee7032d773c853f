<?php
/**
 * What the plugin adds to WordPress: post type, taxonomies, role, capabilities, the daemon's user.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Names and registration.
 */
final class Commerce_Connector_Types {

	const PRODUCT  = 'commerce_product';
	const CATEGORY = 'commerce_category';
	const TAG      = 'commerce_tag';
	const ROLE     = 'commerce_connector_daemon';
	const LOGIN    = 'commerce_connector';

	/**
	 * Whose it is to take fields over and to give them back.
	 */
	const TAKE_OVER = 'take_over_commerce_fields';

	/**
	 * Registers post type and taxonomies.
	 */
	public static function register() {
		register_post_type(
			self::PRODUCT,
			array(
				'labels'          => array(
					'name'          => __( 'Products', 'commerce-connector' ),
					'singular_name' => __( 'Product', 'commerce-connector' ),
					'menu_name'     => __( 'Shop products', 'commerce-connector' ),
				),
				'public'          => true,
				'has_archive'     => 'products',
				'rewrite'         => array(
					'slug'       => 'product',
					'with_front' => false,
				),
				'menu_icon'       => 'dashicons-cart',
				'show_in_rest'    => true,
				'supports'        => array( 'title', 'editor', 'excerpt', 'thumbnail', 'revisions', 'author' ),
				'capability_type' => array( 'commerce_product', 'commerce_products' ),
				'map_meta_cap'    => true,
			)
		);
		self::register_taxonomy( self::CATEGORY, true, 'product-category', __( 'Product categories', 'commerce-connector' ), __( 'Product category', 'commerce-connector' ) );
		self::register_taxonomy( self::TAG, false, 'product-tag', __( 'Product tags', 'commerce-connector' ), __( 'Product tag', 'commerce-connector' ) );
	}

	/**
	 * Registers one taxonomy of products.
	 *
	 * @param string $name         Taxonomy.
	 * @param bool   $hierarchical Whether it is a tree.
	 * @param string $slug         Base of its addresses.
	 * @param string $plural       Label.
	 * @param string $singular     Label.
	 */
	private static function register_taxonomy( $name, $hierarchical, $slug, $plural, $singular ) {
		register_taxonomy(
			$name,
			self::PRODUCT,
			array(
				'labels'            => array(
					'name'          => $plural,
					'singular_name' => $singular,
				),
				'hierarchical'      => $hierarchical,
				'public'            => true,
				'show_in_rest'      => true,
				'show_admin_column' => true,
				'rewrite'           => array(
					'slug'         => $slug,
					'with_front'   => false,
					'hierarchical' => $hierarchical,
				),
				'capabilities'      => array(
					'manage_terms' => 'manage_commerce_terms',
					'edit_terms'   => 'manage_commerce_terms',
					'delete_terms' => 'manage_commerce_terms',
					'assign_terms' => 'edit_commerce_products',
				),
			)
		);
	}

	/**
	 * The capabilities over products and their terms.
	 *
	 * @return string[]
	 */
	public static function capabilities() {
		$capabilities = array( 'manage_commerce_terms', self::TAKE_OVER );
		foreach ( array( 'edit', 'edit_others', 'edit_published', 'edit_private', 'publish', 'delete', 'delete_others', 'delete_published', 'delete_private', 'read_private' ) as $verb ) {
			$capabilities[] = $verb . '_commerce_products';
		}
		return $capabilities;
	}

	/**
	 * Makes role and user of the daemon, and lets administrators and editors edit products. The user
	 * may be there without the role: another site of a network made it, or somebody took the role away.
	 */
	public static function add_people() {
		$grants = array_fill_keys( self::capabilities(), true );
		remove_role( self::ROLE );
		add_role( self::ROLE, __( 'Commerce Connector daemon', 'commerce-connector' ), $grants + array( 'upload_files' => true ) );
		foreach ( array( 'administrator', 'editor' ) as $name ) {
			$role = get_role( $name );
			foreach ( $role ? self::capabilities() : array() as $capability ) {
				$role->add_cap( $capability );
			}
		}
		$user = get_userdata( self::user_id() );
		if ( $user && array( self::ROLE ) !== array_values( $user->roles ) ) {
			$user->set_role( self::ROLE );
		}
	}

	/**
	 * The user that signed requests act as; made when it is not there. Nobody can log in as it.
	 *
	 * @return int
	 */
	public static function user_id() {
		$user = get_user_by( 'login', self::LOGIN );
		if ( $user ) {
			return $user->ID;
		}
		$id = wp_insert_user(
			array(
				'user_login'   => self::LOGIN,
				'user_pass'    => wp_generate_password( 64, true, true ),
				'display_name' => get_bloginfo( 'name' ),
				'role'         => self::ROLE,
			)
		);
		return is_wp_error( $id ) ? 0 : (int) $id;
	}

	/**
	 * The user is the plugin's own: no password lets anybody in.
	 *
	 * @param WP_User|WP_Error|null $user Whom other checks let in.
	 * @return WP_User|WP_Error|null
	 */
	public static function refuse_login( $user ) {
		if ( $user instanceof WP_User && self::LOGIN === $user->user_login ) {
			return new WP_Error( 'commerce_connector_no_login', __( 'Nobody logs in as this user.', 'commerce-connector' ) );
		}
		return $user;
	}

	/**
	 * WordPress asks the filter above of no application password.
	 *
	 * @param bool    $available What others think.
	 * @param WP_User $user      Whose.
	 * @return bool
	 */
	public static function refuse_application_password( $available, $user ) {
		return $available && self::LOGIN !== $user->user_login;
	}

	/**
	 * Removes the user from a network, where sites only let go of it.
	 */
	public static function remove_user_of_network() {
		require_once ABSPATH . 'wp-admin/includes/ms.php';
		$user = get_user_by( 'login', self::LOGIN );
		if ( $user ) {
			wpmu_delete_user( $user->ID );
		}
	}

	/**
	 * Removes role, capabilities and user.
	 */
	public static function remove_people() {
		require_once ABSPATH . 'wp-admin/includes/user.php';
		foreach ( wp_roles()->role_objects as $role ) {
			foreach ( self::capabilities() as $capability ) {
				$role->remove_cap( $capability );
			}
		}
		$user = get_user_by( 'login', self::LOGIN );
		if ( $user ) {
			wp_delete_user( $user->ID );
		}
		remove_role( self::ROLE );
	}
}
