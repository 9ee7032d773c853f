<?php
/**
 * Removes everything the plugin made: products, categories, tags and pictures that came from the
 * backend, its tables, options, role and user. Deactivate instead to keep them.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'WP_UNINSTALL_PLUGIN' ) ) {
	exit;
}

require_once __DIR__ . '/commerce-connector.php';

if ( class_exists( 'Commerce_Connector_Setup' ) ) {
	Commerce_Connector_Setup::uninstall();
}
