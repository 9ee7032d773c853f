<?php
/**
 * The plugin's own tables: what they hold, how they are made and removed.
 *
 * Identity is a hash of the ids (`subject_key`, `row_key`), because collations of databases fold
 * case (SQLite's always) and ids of backends may differ in case alone.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Schema and names of tables.
 */
final class Commerce_Connector_Tables {

	const SCHEMA = 4;
	const OPTION = 'commerce_connector_schema';
	const NAMES  = array( 'bindings', 'fences', 'offers', 'media', 'events', 'requests', 'earlier' );

	/**
	 * A table's name with prefix.
	 *
	 * @param string $name One of NAMES.
	 * @return string
	 */
	public static function name( $name ) {
		global $wpdb;
		return $wpdb->prefix . 'commerce_connector_' . $name;
	}

	/**
	 * The key of a subject: a product or a category of a backend.
	 *
	 * @param string $backend Name of the backend.
	 * @param string $kind    product or category.
	 * @param string $id      The backend's id.
	 * @return string 32 hex digits.
	 */
	public static function subject_key( $backend, $kind, $id ) {
		return substr( hash( 'sha256', "$backend\n$kind\n$id" ), 0, 32 );
	}

	/**
	 * The key of an offer among those of its product.
	 *
	 * @param string $variant      The backend's id of the variant.
	 * @param string $market       The market.
	 * @param int    $min_quantity From how many pieces on.
	 * @return string 32 hex digits.
	 */
	public static function row_key( $variant, $market, $min_quantity ) {
		return substr( hash( 'sha256', "$variant\n$market\n$min_quantity" ), 0, 32 );
	}

	/**
	 * Makes or upgrades the tables when the schema is not the present one.
	 */
	public static function upgrade() {
		if ( (int) get_option( self::OPTION, 0 ) === self::SCHEMA ) {
			return;
		}
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		dbDelta( self::schema() );
		update_option( self::OPTION, self::SCHEMA, true );
	}

	/**
	 * Removes every table.
	 */
	public static function drop() {
		global $wpdb;
		foreach ( self::NAMES as $name ) {
			$wpdb->query( 'DROP TABLE IF EXISTS ' . self::name( $name ) ); // phpcs:ignore WordPress.DB
		}
		delete_option( self::OPTION );
	}

	/**
	 * The statements that dbDelta takes.
	 *
	 * @return string
	 */
	private static function schema() {
		global $wpdb;
		$t       = $wpdb->prefix . 'commerce_connector_';
		$charset = $wpdb->get_charset_collate();
		return "CREATE TABLE {$t}bindings (
  id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  subject_key char(32) COLLATE utf8mb4_bin NOT NULL,
  backend varchar(64) NOT NULL,
  kind varchar(16) NOT NULL,
  backend_id varchar(190) NOT NULL,
  object_id bigint(20) unsigned NOT NULL,
  retired tinyint(4) NOT NULL DEFAULT 0,
  synced_at bigint(20) NOT NULL DEFAULT 0,
  hashes longtext NOT NULL,
  bases longtext NOT NULL,
  status longtext NOT NULL,
  PRIMARY KEY  (id),
  UNIQUE KEY subject_key (subject_key),
  KEY listing (backend,kind,id),
  KEY object (kind,object_id)
) $charset;
CREATE TABLE {$t}fences (
  subject_key char(32) COLLATE utf8mb4_bin NOT NULL,
  lane varchar(16) NOT NULL,
  epoch bigint(20) NOT NULL DEFAULT 0,
  sequence bigint(20) NOT NULL DEFAULT 0,
  write_id varchar(100) NOT NULL DEFAULT '',
  receipt longtext NOT NULL,
  PRIMARY KEY  (subject_key,lane),
  KEY newest (epoch,sequence)
) $charset;
CREATE TABLE {$t}offers (
  subject_key char(32) COLLATE utf8mb4_bin NOT NULL,
  row_key char(32) COLLATE utf8mb4_bin NOT NULL,
  backend varchar(64) NOT NULL,
  product varchar(190) NOT NULL,
  variant varchar(190) NOT NULL,
  market varchar(64) NOT NULL,
  min_quantity int(10) unsigned NOT NULL,
  sku varchar(190) NOT NULL,
  amount bigint(20) NOT NULL,
  price varchar(40) NOT NULL,
  currency char(3) NOT NULL,
  amount_text varchar(100) NOT NULL,
  compare_at bigint(20) NULL,
  compare_at_text varchar(100) NOT NULL,
  price_list varchar(190) NULL,
  tax_included tinyint(4) NOT NULL,
  availability varchar(16) NOT NULL,
  quantity bigint(20) NULL,
  valid_until varchar(40) NULL,
  position int(10) unsigned NOT NULL,
  PRIMARY KEY  (subject_key,row_key),
  KEY market (market),
  KEY sku (sku)
) $charset;
CREATE TABLE {$t}media (
  content_hash char(64) COLLATE utf8mb4_bin NOT NULL,
  object_id bigint(20) unsigned NOT NULL DEFAULT 0,
  claimed_at bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY  (content_hash),
  KEY object (object_id)
) $charset;
CREATE TABLE {$t}events (
  id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  at bigint(20) NOT NULL,
  backend varchar(64) NOT NULL,
  kind varchar(16) NOT NULL,
  backend_id varchar(190) NOT NULL,
  object_id bigint(20) unsigned NOT NULL,
  what varchar(32) NOT NULL,
  fields varchar(190) NOT NULL,
  user_id bigint(20) unsigned NOT NULL,
  PRIMARY KEY  (id),
  KEY backend (backend,id)
) $charset;
CREATE TABLE {$t}requests (
  id varchar(64) COLLATE utf8mb4_bin NOT NULL,
  at bigint(20) NOT NULL,
  backend varchar(64) NOT NULL,
  backend_id varchar(190) NOT NULL,
  object_id bigint(20) unsigned NOT NULL,
  user_id bigint(20) unsigned NOT NULL,
  action varchar(24) NOT NULL,
  body longtext NOT NULL,
  standing varchar(16) NOT NULL,
  code varchar(40) NOT NULL,
  says longtext NOT NULL,
  facts longtext NOT NULL,
  answered_at bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY  (id),
  KEY object (object_id,at),
  KEY standing (standing)
) $charset;
CREATE TABLE {$t}earlier (
  subject_key char(32) COLLATE utf8mb4_bin NOT NULL,
  field varchar(64) NOT NULL,
  mark char(16) COLLATE utf8mb4_bin NOT NULL,
  hash varchar(16) NOT NULL,
  base longtext NOT NULL,
  at bigint(20) NOT NULL,
  PRIMARY KEY  (subject_key,field,mark),
  KEY at (at)
) $charset;";
	}
}
