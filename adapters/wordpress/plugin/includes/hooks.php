<?php
/**
 * Every hook of the plugin, in one place.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

// Life.
register_activation_hook( COMMERCE_CONNECTOR_FILE, array( 'Commerce_Connector_Setup', 'activate' ) );
register_deactivation_hook( COMMERCE_CONNECTOR_FILE, array( 'Commerce_Connector_Setup', 'deactivate' ) );
add_action( 'init', array( 'Commerce_Connector_Words', 'load' ), 0 );
add_filter( 'pre_load_script_translations', array( 'Commerce_Connector_Words', 'for_script' ), 10, 4 );
add_action( 'init', array( 'Commerce_Connector_Setup', 'upgrade' ), 5 );
add_action( 'init', array( 'Commerce_Connector_Types', 'register' ) );
add_filter( 'authenticate', array( 'Commerce_Connector_Types', 'refuse_login' ), 100 );
add_filter( 'wp_is_application_passwords_available_for_user', array( 'Commerce_Connector_Types', 'refuse_application_password' ), 10, 2 );

// The daemon.
add_action( 'rest_api_init', array( 'Commerce_Connector_Api', 'register' ) );
add_filter( 'rest_pre_dispatch', array( 'Commerce_Connector_Api', 'take_body' ), PHP_INT_MAX, 3 );

// What people do.
add_filter( 'wp_insert_post_data', array( 'Commerce_Connector_Opened', 'before_save' ), 10, 2 );
add_action( 'post_updated', array( 'Commerce_Connector_Events', 'post_updated' ), 10, 3 );
add_action( 'transition_post_status', array( 'Commerce_Connector_Events', 'status_changed' ), 10, 3 );
add_action( 'before_delete_post', array( 'Commerce_Connector_Events', 'post_deleted' ), 10, 2 );
add_action( 'set_object_terms', array( 'Commerce_Connector_Events', 'terms_set' ), 10, 6 );
add_action( 'deleted_term_relationships', array( 'Commerce_Connector_Events', 'terms_removed' ), 10, 3 );
add_action( 'edited_commerce_category', array( 'Commerce_Connector_Events', 'category_edited' ) );
add_action( 'pre_delete_term', array( 'Commerce_Connector_Events', 'category_deleted' ), 10, 2 );
add_action( 'delete_attachment', array( 'Commerce_Connector_Media', 'deleted' ) );

// Page caches.
add_action( 'save_post', array( 'Commerce_Connector_Showing', 'note' ), 10, 2 );
add_action( 'commerce_connector_offers_updated', array( 'Commerce_Connector_Purge', 'known_page_caches' ) );
add_action( 'commerce_connector_content_updated', array( 'Commerce_Connector_Purge', 'known_page_caches' ) );

// Visitors.
add_action( 'template_redirect', array( 'Commerce_Connector_Gone', 'answer' ), 5 );
add_filter( 'the_content', array( 'Commerce_Connector_View', 'add_to_content' ) );
add_filter( 'the_excerpt', array( 'Commerce_Connector_View', 'add_to_excerpt' ) );
add_filter( 'render_block_core/post-excerpt', array( 'Commerce_Connector_View', 'add_to_excerpt' ) );
add_filter( 'render_block_core/post-featured-image', array( 'Commerce_Connector_View', 'no_second_image' ) );
add_filter( 'post_thumbnail_html', array( 'Commerce_Connector_View', 'no_second_image' ) );
add_action( 'wp_head', array( 'Commerce_Connector_Structured_Data', 'print_json_ld' ) );
add_action( 'wp_head', array( 'Commerce_Connector_Structured_Data', 'print_description' ), 1 );
add_filter( 'document_title_parts', array( 'Commerce_Connector_Structured_Data', 'title_parts' ) );
add_action( 'wp_enqueue_scripts', array( 'Commerce_Connector_View', 'enqueue' ) );

// Shoppers.
add_action( 'wp_loaded', array( 'Commerce_Connector_Elements', 'share_cart' ) );
add_action( 'template_redirect', array( 'Commerce_Connector_Shop_Pages', 'guard' ), 1 );
add_action( 'template_redirect', array( 'Commerce_Connector_Forms', 'take' ), 6 );
add_action( 'template_redirect', array( 'Commerce_Connector_Says', 'take' ), 7 );
add_action( 'wp_head', array( 'Commerce_Connector_Elements', 'print_meta' ), 1 );
add_filter( 'wp_robots', array( 'Commerce_Connector_Shop_Pages', 'robots' ) );
add_action( 'wp_footer', array( 'Commerce_Connector_Says', 'print_rest' ), 5 );

// Blocks, shortcodes, patterns.
add_action( 'init', array( 'Commerce_Connector_Blocks', 'register' ) );
add_action( 'rest_api_init', array( 'Commerce_Connector_Picker', 'register' ) );

// Editors and administrators.
add_action( 'rest_api_init', array( 'Commerce_Connector_Editor_Api', 'register' ) );
add_action( 'rest_api_init', array( 'Commerce_Connector_Opened', 'register' ) );
add_filter( 'rest_pre_insert_commerce_product', array( 'Commerce_Connector_Opened', 'before_rest' ), 10, 2 );
add_action( 'edit_form_top', array( 'Commerce_Connector_Opened', 'show' ) );
add_action( 'add_meta_boxes_commerce_product', array( 'Commerce_Connector_Meta_Box', 'add' ) );
add_action( 'rest_api_init', array( 'Commerce_Connector_Search_Words', 'register' ) );
add_action( 'add_meta_boxes_commerce_product', array( 'Commerce_Connector_Search_Words', 'add_box' ) );
add_action( 'save_post_commerce_product', array( 'Commerce_Connector_Search_Words', 'save_box' ) );
add_action( 'admin_enqueue_scripts', array( 'Commerce_Connector_Meta_Box', 'enqueue' ) );
add_filter( 'manage_commerce_product_posts_columns', array( 'Commerce_Connector_Product_List', 'add_column' ) );
add_action( 'manage_commerce_product_posts_custom_column', array( 'Commerce_Connector_Product_List', 'show_column' ), 10, 2 );
add_action( 'restrict_manage_posts', array( 'Commerce_Connector_Product_List', 'show_filter' ) );
add_action( 'pre_get_posts', array( 'Commerce_Connector_Product_List', 'filter' ) );
add_filter( 'bulk_actions-edit-commerce_product', array( 'Commerce_Connector_Product_List', 'add_action' ) );
add_filter( 'handle_bulk_actions-edit-commerce_product', array( 'Commerce_Connector_Product_List', 'act' ), 10, 3 );
add_action( 'admin_notices', array( 'Commerce_Connector_Product_List', 'show_result' ) );
add_action( 'admin_menu', array( 'Commerce_Connector_Dashboard', 'add_page' ) );
add_action( 'admin_menu', array( 'Commerce_Connector_Settings', 'add_page' ) );
add_action( 'admin_init', array( 'Commerce_Connector_Settings', 'register' ) );
add_action( 'admin_post_commerce_connector_secret', array( 'Commerce_Connector_Settings', 'make_secret' ) );
add_action( 'admin_post_commerce_connector_test', array( 'Commerce_Connector_Settings', 'test' ) );
add_action( 'admin_init', array( 'Commerce_Connector_Shop_Settings', 'register' ) );
add_action( 'commerce_connector_settings', array( 'Commerce_Connector_Shop_Settings', 'show' ) );
add_action( 'admin_post_commerce_connector_pages', array( 'Commerce_Connector_Shop_Settings', 'make_pages' ) );
add_action( 'admin_post_commerce_connector_relay_test', array( 'Commerce_Connector_Shop_Settings', 'test' ) );
