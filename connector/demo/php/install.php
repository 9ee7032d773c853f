<?php
/**
 * Installs WordPress unattended and prints the administrator's application password as JSON.
 *
 * Arguments: the site's directory, its URL, JSON with title, user and password.
 */

list( , $site, $url, $json ) = $argv;
$settings = json_decode( $json, true )[0];

$_SERVER['HTTP_HOST']       = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';

define( 'WP_INSTALLING', true );
require $site . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter( 'pre_wp_mail', '__return_true' );

$installed = wp_install( $settings['title'], $settings['user'], 'admin@example.org', true, '', $settings['password'] );
$wp_rewrite->set_permalink_structure( '/%postname%/' );
flush_rewrite_rules( false );

$created = WP_Application_Passwords::create_new_application_password(
	$installed['user_id'],
	array( 'name' => 'commerce-connector' )
);
if ( is_wp_error( $created ) ) {
	fwrite( STDERR, $created->get_error_message() );
	exit( 1 );
}
echo json_encode( array( 'app_password' => $created[0] ) );
