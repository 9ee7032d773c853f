/* Activates the plugin in the directory that $args names. */
require_once ABSPATH . 'wp-admin/includes/plugin.php';
$files = array_keys( get_plugins( '/' . $args[0] ) );
if ( ! $files ) {
	fwrite( STDERR, "wp-content/plugins/{$args[0]} holds no file with a plugin header." );
	exit( 1 );
}
$failure = activate_plugin( $args[0] . '/' . $files[0] );
if ( is_wp_error( $failure ) ) {
	fwrite( STDERR, $failure->get_error_message() );
	exit( 1 );
}
