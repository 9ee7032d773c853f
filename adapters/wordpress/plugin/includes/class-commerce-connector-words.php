<?php
/**
 * What shoppers read, in German and French (languages/de.l10n.php and fr.l10n.php), and what editors
 * read (editors-de, editors-fr; blocks-de, blocks-fr).
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
		foreach ( array( '', 'editors-', 'blocks-' ) as $whose ) {
			$file = $ours . $whose . substr( $locale, 0, 2 );
			if ( is_readable( "$file.l10n.php" ) ) {
				load_textdomain( self::DOMAIN, "$file.mo", $locale );
			}
		}
	}

	/**
	 * The words of the blocks for the editor's script, where the site has no translation of its own.
	 *
	 * @param string|null  $translations JSON that another filter gave.
	 * @param string|false $file         The site's own; false: there is none.
	 * @param string       $handle       Script.
	 * @param string       $domain       Text domain.
	 * @return string|null JSON.
	 */
	public static function for_script( $translations, $file, $handle, $domain ) {
		$ours = dirname( COMMERCE_CONNECTOR_FILE ) . '/languages/blocks-' . substr( determine_locale(), 0, 2 ) . '.l10n.php';
		if ( null !== $translations || $file || Commerce_Connector_Blocks::HANDLE !== $handle || self::DOMAIN !== $domain || ! is_readable( $ours ) ) {
			return $translations;
		}
		$words = include $ours;
		$about = array(
			'domain'       => 'messages',
			'lang'         => $words['language'],
			'plural-forms' => $words['plural-forms'],
		);
		$pairs = array( '' => $about ) + array_map( fn( $says ) => array( $says ), $words['messages'] );
		return (string) wp_json_encode( array( 'locale_data' => array( 'messages' => $pairs ) ) );
	}
}
