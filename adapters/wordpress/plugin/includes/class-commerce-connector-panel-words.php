<?php
/**
 * The words of the panel, the product list and the dashboard, in the editor's language.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Sentences for people from the daemon's codes. Decides nothing.
 */
final class Commerce_Connector_Panel_Words {

	/**
	 * What editors call a field.
	 *
	 * @param string $field Field, maybe with a locale.
	 * @return string
	 */
	public static function field( $field ) {
		list( $name, $locale ) = array_pad( explode( '@', $field, 2 ), 2, '' );
		$labels                = array(
			'title'             => __( 'Title', 'commerce-connector' ),
			'subtitle'          => __( 'Excerpt', 'commerce-connector' ),
			'description'       => __( 'Text', 'commerce-connector' ),
			'seo_title'         => __( 'Search engine title', 'commerce-connector' ),
			'seo_description'   => __( 'Search engine description', 'commerce-connector' ),
			'categories'        => __( 'Categories', 'commerce-connector' ),
			'tags'              => __( 'Tags', 'commerce-connector' ),
			'attributes'        => __( 'Properties', 'commerce-connector' ),
			'options'           => __( 'Choices (size, colour …)', 'commerce-connector' ),
			'variants'          => __( 'Variants', 'commerce-connector' ),
			'media'             => __( 'Pictures', 'commerce-connector' ),
			'slug'              => __( 'Address', 'commerce-connector' ),
			'price'             => __( 'Price', 'commerce-connector' ),
			'amount_text'       => __( 'Price', 'commerce-connector' ),
			'compare_at_text'   => __( 'Price before', 'commerce-connector' ),
			'stock'             => __( 'Stock', 'commerce-connector' ),
			'availability'      => __( 'Stock', 'commerce-connector' ),
			'quantity'          => __( 'Pieces left', 'commerce-connector' ),
			'sku'               => __( 'Article number', 'commerce-connector' ),
			'publish state'     => __( 'Draft or published', 'commerce-connector' ),
			'author'            => __( 'Author', 'commerce-connector' ),
			'layout'            => __( 'Layout', 'commerce-connector' ),
			'extra blocks'      => __( 'Your own blocks', 'commerce-connector' ),
			'source'            => __( 'Link to the shop', 'commerce-connector' ),
			'page'              => __( 'Page', 'commerce-connector' ),
		);
		$label                 = isset( $labels[ $name ] ) ? $labels[ $name ] : $name;
		return '' === $locale ? $label : "$label ($locale)";
	}

	/**
	 * How long ago something was, as people say it.
	 *
	 * @param int|string|null $moment Unix time, or as the daemon writes it.
	 * @return string "" where it is not known.
	 */
	public static function ago( $moment ) {
		$at = is_int( $moment ) ? $moment : (int) strtotime( (string) $moment );
		if ( $at <= 0 ) {
			return '';
		}
		if ( time() - $at < 10 ) {
			return __( 'just now', 'commerce-connector' );
		}
		/* translators: %s: a span of time, like 5 minutes. */
		return sprintf( __( '%s ago', 'commerce-connector' ), human_time_diff( $at ) );
	}

	/**
	 * What an editor does about something that was given up on.
	 *
	 * @param array $parked lane, code, next.
	 * @return string
	 */
	public static function next_step( array $parked ) {
		if ( 'SafetyStop' === $parked['code'] ) {
			return __( 'Ask whoever runs the connector: it stopped so that not too many products leave this site at once, and waits for a word.', 'commerce-connector' );
		}
		if ( 'words' === $parked['lane'] ) {
			return __( 'Your words stay on this page. Write them into the shop by hand, or ask whoever runs the shop why it does not take them.', 'commerce-connector' );
		}
		if ( 'Rejected' === $parked['code'] ) {
			return __( 'Correct the product in the shop: it is tried again as soon as it changes there. If the cause was on this site and is gone, press “Resync now”.', 'commerce-connector' );
		}
		return __( 'Press “Resync now”. If it comes back, show this to whoever runs the connector.', 'commerce-connector' );
	}

	/**
	 * A problem of the whole site, in a sentence.
	 *
	 * @param array $problem code, says, count.
	 * @return string
	 */
	public static function problem( array $problem ) {
		$count = isset( $problem['count'] ) ? (int) $problem['count'] : 0;
		switch ( $problem['code'] ) {
			case 'backend_down':
				return __( 'The shop cannot be reached. Pages keep what they show.', 'commerce-connector' );
			case 'importing':
				return __( 'The first import is under way.', 'commerce-connector' );
			case 'late':
				return __( 'The oldest change in the shop waits too long for its page.', 'commerce-connector' );
			case 'safety_stop':
				return __( 'Too many products would leave this site at once, so the connector stopped.', 'commerce-connector' );
			case 'paused':
				return __( 'The connector leaves this site alone.', 'commerce-connector' );
			case 'lane_paused':
				return __( 'A part of the sync is paused.', 'commerce-connector' );
			case 'parked':
				/* translators: %s: number of products. */
				return sprintf( _n( '%s product is not synced.', '%s products are not synced.', $count, 'commerce-connector' ), number_format_i18n( $count ) );
			case 'conflicts':
				/* translators: %s: number of fields. */
				return sprintf( _n( '%s field was changed here and in the shop.', '%s fields were changed here and in the shop.', $count, 'commerce-connector' ), number_format_i18n( $count ) );
		}
		return $problem['says'];
	}

	/**
	 * What to do about a problem of the whole site.
	 *
	 * @param array $problem code, next.
	 * @return string
	 */
	public static function problem_next( array $problem ) {
		switch ( $problem['code'] ) {
			case 'backend_down':
				return __( 'You need not do anything: it is tried again by itself.', 'commerce-connector' );
			case 'importing':
				return __( 'Wait until it is through.', 'commerce-connector' );
			case 'parked':
				return __( 'Open each one: its panel says why, and what to do.', 'commerce-connector' );
			case 'conflicts':
				return __( 'Open each page and say which words hold.', 'commerce-connector' );
			case 'late':
				return __( 'If it does not go away, ask whoever runs the connector.', 'commerce-connector' );
		}
		return __( 'Ask whoever runs the connector.', 'commerce-connector' );
	}

	/**
	 * What has become of a request.
	 *
	 * @param array $request Row with body and facts.
	 * @return string
	 */
	public static function answer( array $request ) {
		$field = isset( $request['body']['field'] ) ? self::field( (string) $request['body']['field'] ) : '';
		$count = isset( $request['facts']['changes'] ) ? count( $request['facts']['changes'] ) : 0;
		switch ( 'waiting' === $request['standing'] ? 'waiting' : $request['code'] ) {
			case 'waiting':
				return __( 'Asked. The connector is on its way …', 'commerce-connector' );
			case 'working':
				return __( 'Under way …', 'commerce-connector' );
			case 'synced':
				/* translators: %s: number of changes. */
				return sprintf( _n( 'Done. %s thing was brought up to date:', 'Done. %s things were brought up to date:', $count, 'commerce-connector' ), number_format_i18n( $count ) );
			case 'unchanged':
				return __( 'Done. The page was up to date already.', 'commerce-connector' );
			case 'previewed':
				return $count ? __( 'The next sync would change:', 'commerce-connector' ) : __( 'The next sync would change nothing.', 'commerce-connector' );
			case 'taken':
				/* translators: %s: a field. */
				return sprintf( __( '%s is yours on this page now.', 'commerce-connector' ), $field );
			case 'given_back':
				/* translators: %s: a field. */
				return sprintf( __( '%s is the shop\'s again, and shows what the shop says.', 'commerce-connector' ), $field );
			case 'resolved':
				return __( 'Done. It is on the page as you decided.', 'commerce-connector' );
			case 'moved_on':
				return __( 'Not done: it was changed again meanwhile. Please look at it once more.', 'commerce-connector' );
			case 'no_conflict':
				return __( 'Not needed: this is decided already.', 'commerce-connector' );
			case 'already_taken':
				return __( 'Not needed: somebody has taken it over already.', 'commerce-connector' );
			case 'already_editors':
				return __( 'Not needed: this is the editors\' on every page.', 'commerce-connector' );
			case 'not_taken':
				return __( 'Not needed: nobody had taken it over.', 'commerce-connector' );
			case 'fixed':
				return __( 'Not possible: shoppers buy by this field, so the shop decides it.', 'commerce-connector' );
			case 'unknown_product':
				return __( 'Not possible: the connector knows no product for this page.', 'commerce-connector' );
			case 'retrying':
				/* translators: %s: a reason. */
				return sprintf( __( 'It did not work yet and is tried again: %s', 'commerce-connector' ), $request['says'] );
			case 'parked':
			case 'unavailable':
				/* translators: %s: a reason. */
				return sprintf( __( 'It did not work: %s', 'commerce-connector' ), $request['says'] );
		}
		return $request['says'];
	}
}
