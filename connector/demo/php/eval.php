<?php
/**
 * Loads WordPress as its administrator, then runs the PHP that comes on stdin.
 *
 * Arguments: the site's directory, its URL, a JSON list that the code finds in $args.
 */

list( , $site, $url, $json ) = $argv;

$_SERVER['HTTP_HOST']       = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';

require $site . '/wp-load.php';
wp_set_current_user( 1 );
$args = json_decode( $json, true );
eval( stream_get_contents( STDIN ) );
