<?php
/**
 * What shoppers read, in German and French (languages/de.l10n.php and fr.l10n.php), and what editors
 * read (editors-de, editors-fr).
 *
 * Beside the translations that a site has of its own, which are looked into first.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Loads translations.
 */
final class Commerce_Connector_Words {

	const DOMAIN = 'commerce-connector';

	/**
	 * Loads those of the page's language, whatever its country.
	 */
	public static function load() {
		$locale = determine_locale();
		$own    = WP_LANG_DIR . '/plugins/' . self::DOMAIN . "-$locale.mo";
		$ours   = dirname( COMMERCE_CONNECTOR_FILE ) . '/languages/';
		if ( is_readable( $own ) ) {
			load_textdomain( self::DOMAIN, $own, $locale );
		}
		foreach ( array( '', 'editors-' ) as $whose ) {
			$file = $ours . $whose . substr( $locale, 0, 2 );
			if ( is_readable( "$file.l10n.php" ) ) {
				load_textdomain( self::DOMAIN, "$file.mo", $locale );
			}
		}
	}
}
