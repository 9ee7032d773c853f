<?php
/**
 * Whether this WordPress and PHP are new enough. Must itself run on old ones.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * True when the plugin can run here.
 *
 * @return bool
 */
function commerce_connector_requirements_met() {
	return version_compare( $GLOBALS['wp_version'], COMMERCE_CONNECTOR_MIN_WORDPRESS, '>=' )
		&& version_compare( PHP_VERSION, COMMERCE_CONNECTOR_MIN_PHP, '>=' );
}

/**
 * Says why nothing of the plugin is registered.
 */
function commerce_connector_requirements_notice() {
	if ( ! current_user_can( 'activate_plugins' ) ) {
		return;
	}
	printf(
		'<div class="notice notice-error"><p>%s</p></div>',
		esc_html(
			sprintf(
				/* translators: 1: needed WordPress version, 2: needed PHP version, 3: present WordPress version, 4: present PHP version. */
				__( 'Commerce Connector does nothing here: it needs WordPress %1$s and PHP %2$s or newer, and this is WordPress %3$s on PHP %4$s.', 'commerce-connector' ),
				COMMERCE_CONNECTOR_MIN_WORDPRESS,
				COMMERCE_CONNECTOR_MIN_PHP,
				$GLOBALS['wp_version'],
				PHP_VERSION
			)
		)
	);
}
