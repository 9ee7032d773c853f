<?php
/**
 * Plugin Name:       Commerce Connector
 * Description:       Shows products of a commerce backend, kept in step by the commerce-connector daemon: pages, prices, stock.
 * Version:           0.1.0
 * Requires at least: 6.5
 * Requires PHP:      7.4
 * Author:            The commerce-connector contributors
 * License:           GPL-2.0-or-later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       commerce-connector
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

define( 'COMMERCE_CONNECTOR_VERSION', '0.1.0' );
define( 'COMMERCE_CONNECTOR_FILE', __FILE__ );
define( 'COMMERCE_CONNECTOR_MIN_WORDPRESS', '6.5' );
define( 'COMMERCE_CONNECTOR_MIN_PHP', '7.4' );

require_once __DIR__ . '/includes/requirements.php';

if ( ! commerce_connector_requirements_met() ) {
	add_action( 'admin_notices', 'commerce_connector_requirements_notice' );
	return;
}

foreach ( array( 'sql', 'tables', 'types', 'secrets', 'versions', 'setup', 'stored', 'offers', 'writes', 'content', 'term-lists', 'terms', 'retire', 'gone', 'adopt', 'media', 'inventory', 'opened', 'events', 'status', 'summary', 'requests', 'api', 'showing', 'purge', 'words', 'template', 'view', 'structured-data', 'relay', 'shopper', 'shop-pages', 'says', 'forms', 'checkout', 'elements', 'picker', 'grid', 'parts', 'blocks', 'panel-words', 'panel', 'search-words', 'editor-api', 'meta-box', 'bulk', 'product-list', 'dashboard', 'settings', 'shop-settings' ) as $commerce_connector_part ) {
	require_once __DIR__ . '/includes/class-commerce-connector-' . $commerce_connector_part . '.php';
}
unset( $commerce_connector_part );

require_once __DIR__ . '/includes/functions.php';
require_once __DIR__ . '/includes/hooks.php';
