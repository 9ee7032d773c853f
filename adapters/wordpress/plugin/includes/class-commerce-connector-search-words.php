<?php
/**
 * What search engines show of a product, as editors write it: in the block editor by a field of the
 * REST answer, in the classic editor by a box of its form. Both save through here.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Title and description for search engines.
 */
final class Commerce_Connector_Search_Words {

	const NAME  = 'commerce_connector_search';
	const NONCE = 'commerce_connector_search_nonce';

	const FIELDS = array( 'seo_title', 'seo_description' );

	/**
	 * Lets the block editor read and save them with the page.
	 */
	public static function register() {
		$text = array(
			'type'      => 'string',
			'maxLength' => Commerce_Connector_Editor_Api::MOST_VALUE,
		);
		register_rest_field(
			Commerce_Connector_Types::PRODUCT,
			self::NAME,
			array(
				'get_callback'    => function ( $post ) {
					return self::of( (int) $post['id'] );
				},
				'update_callback' => function ( $values, $post ) {
					return self::save( $post->ID, (array) $values );
				},
				'schema'          => array(
					'description'          => __( 'Title and description for search engines; null where the page shows no product.', 'commerce-connector' ),
					'type'                 => array( 'object', 'null' ),
					'context'              => array( 'edit' ),
					'properties'           => array_fill_keys( self::FIELDS, $text ),
					'additionalProperties' => false,
				),
			)
		);
	}

	/**
	 * What stands there, as editors see it.
	 *
	 * @param int $post_id Post.
	 * @return string[]|null By field; null where the page shows no product.
	 */
	public static function of( $post_id ) {
		$values = self::stored( $post_id );
		return null === $values ? null : array_map( array( __CLASS__, 'clean' ), $values );
	}

	/**
	 * What stands there, to the byte.
	 *
	 * @param int $post_id Post.
	 * @return string[]|null By field; null where the page shows no product.
	 */
	private static function stored( $post_id ) {
		if ( ! Commerce_Connector_Sql::rows_if_possible( 'SELECT id FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $post_id . ' LIMIT 1' ) ) {
			return null;
		}
		$values = array();
		foreach ( self::FIELDS as $field ) {
			$value            = json_decode( (string) get_post_meta( $post_id, Commerce_Connector_Stored::META . $field, true ) );
			$values[ $field ] = is_string( $value ) ? $value : '';
		}
		return $values;
	}

	/**
	 * Saves what an editor changed, and notes it as an edit. Whoever calls has checked their rights.
	 *
	 * What only cleaning would change was not changed by the editor, and stays to the byte.
	 *
	 * @param int   $post_id Post.
	 * @param array $values  Texts by field; those that are missing stay.
	 * @return true
	 */
	public static function save( $post_id, array $values ) {
		$before  = self::stored( $post_id );
		$changed = array();
		foreach ( null === $before ? array() : self::FIELDS as $field ) {
			if ( ! isset( $values[ $field ] ) || ! is_string( $values[ $field ] ) ) {
				continue;
			}
			$text = self::clean( $values[ $field ] );
			if ( self::clean( $before[ $field ] ) !== $text ) {
				update_post_meta( $post_id, Commerce_Connector_Stored::META . $field, wp_slash( Commerce_Connector_Stored::json( $text ) ) );
				$changed[] = $field;
			}
		}
		if ( $changed ) {
			Commerce_Connector_Events::words_set( $post_id, $changed );
		}
		return true;
	}

	/**
	 * A text of people without markup. All else stays as they wrote it: it is escaped where it is shown.
	 *
	 * @param string $text Text.
	 * @return string
	 */
	private static function clean( $text ) {
		$text = wp_check_invalid_utf8( $text, true );
		return trim( preg_match( '#<[a-z/!?]#i', $text ) ? wp_strip_all_tags( $text ) : $text );
	}

	/**
	 * Adds the box of the classic editor, on pages that show a product.
	 *
	 * @param WP_Post $post Post.
	 */
	public static function add_box( $post ) {
		if ( null !== self::stored( $post->ID ) ) {
			add_meta_box( 'commerce-connector-search', __( 'Search engines', 'commerce-connector' ), array( __CLASS__, 'show_box' ), Commerce_Connector_Types::PRODUCT, 'normal', 'default', array( '__back_compat_meta_box' => true ) );
		}
	}

	/**
	 * Prints the box.
	 *
	 * @param WP_Post $post Post.
	 */
	public static function show_box( $post ) {
		$values = self::of( $post->ID );
		$words  = self::words();
		wp_nonce_field( self::NAME . $post->ID, self::NONCE, false );
		if ( '' !== $words['plugin'] ) {
			printf( '<p>%s</p>', esc_html( $words['plugin'] ) );
		}
		printf(
			'<p><label for="cc-seo-title">%1$s</label><input type="text" class="widefat" id="cc-seo-title" name="%2$s[seo_title]" value="%3$s" aria-describedby="cc-seo-title-hint"><span class="cc-quiet" id="cc-seo-title-hint">%4$s</span></p>',
			esc_html( $words['title'] ),
			esc_attr( self::NAME ),
			esc_attr( $values['seo_title'] ),
			esc_html( $words['titleHint'] )
		);
		printf(
			'<p><label for="cc-seo-description">%1$s</label><textarea class="widefat" rows="3" id="cc-seo-description" name="%2$s[seo_description]" aria-describedby="cc-seo-description-hint">%3$s</textarea><span class="cc-quiet" id="cc-seo-description-hint">%4$s</span></p>',
			esc_html( $words['description'] ),
			esc_attr( self::NAME ),
			esc_textarea( $values['seo_description'] ),
			esc_html( $words['descriptionHint'] )
		);
	}

	/**
	 * Saves the box of the classic editor.
	 *
	 * @param int $post_id Post.
	 */
	public static function save_box( $post_id ) {
		if ( ! isset( $_POST[ self::NAME ], $_POST[ self::NONCE ], $_POST['post_ID'] ) || (int) $_POST['post_ID'] !== $post_id || wp_is_post_autosave( $post_id ) || wp_is_post_revision( $post_id ) ) {
			return;
		}
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- A nonce, and texts that save() cleans.
		if ( ! wp_verify_nonce( wp_unslash( $_POST[ self::NONCE ] ), self::NAME . $post_id ) || ! current_user_can( 'edit_post', $post_id ) || ! is_array( $_POST[ self::NAME ] ) ) {
			return;
		}
		self::save( $post_id, wp_unslash( $_POST[ self::NAME ] ) ); // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- As above.
	}

	/**
	 * What both editors say about these fields.
	 *
	 * @return string[]
	 */
	public static function words() {
		return array(
			'panel'           => __( 'Search engines', 'commerce-connector' ),
			'title'           => Commerce_Connector_Panel_Words::field( 'seo_title' ),
			'titleHint'       => __( 'Search engines show about 60 characters. Empty: the title of the page.', 'commerce-connector' ),
			'description'     => Commerce_Connector_Panel_Words::field( 'seo_description' ),
			'descriptionHint' => __( 'Search engines show about 150 characters. Empty: they choose words of the page.', 'commerce-connector' ),
			'plugin'          => Commerce_Connector_Structured_Data::has_seo_plugin() ? __( 'An SEO plugin says these on the page itself, from fields of its own. What stands here is what the shop and this site agree on.', 'commerce-connector' ) : '',
		);
	}
}
