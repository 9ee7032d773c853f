<?php
/**
 * The list of products: how each stands with the shop, filters for what needs somebody, and
 * "Resync from the shop" for many at once.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Column, filter and bulk action.
 */
final class Commerce_Connector_Product_List {

	const COLUMN  = 'commerce_connector';
	const FILTER  = 'commerce_connector_state';
	const ACTION  = 'commerce_connector_resync';
	const RESULT  = 'commerce_connector_asked';
	const FILTERS = array(
		'conflict' => '"conflicts":',
		'parked'   => '"parked":',
		'stale'    => '"waiting":',
		'taken'    => '"state":"taken"',
	);

	/**
	 * Bindings of the page of products that is shown, by post.
	 *
	 * @var array[]|null
	 */
	private static $bindings = null;

	/**
	 * Posts of that page of which something is asked.
	 *
	 * @var int[]
	 */
	private static $asked = array();

	/**
	 * Adds the column after the title.
	 *
	 * @param string[] $columns Columns.
	 * @return string[]
	 */
	public static function add_column( $columns ) {
		$place = 1 + (int) array_search( 'title', array_keys( $columns ), true );
		return array_slice( $columns, 0, $place, true ) + array( self::COLUMN => __( 'Shop', 'commerce-connector' ) ) + array_slice( $columns, $place, null, true );
	}

	/**
	 * Prints the column of one product.
	 *
	 * @param string $column  Column.
	 * @param int    $post_id Post.
	 */
	public static function show_column( $column, $post_id ) {
		if ( self::COLUMN !== $column ) {
			return;
		}
		self::read();
		foreach ( self::badges( $post_id ) as list( $tone, $says ) ) {
			printf( '<span class="cc-badge cc-%s">%s</span> ', esc_attr( $tone ), esc_html( $says ) );
		}
	}

	/**
	 * Reads what the column needs, once for the whole page.
	 */
	private static function read() {
		if ( null !== self::$bindings ) {
			return;
		}
		global $wp_query;
		$ids            = array_map( 'intval', wp_list_pluck( (array) $wp_query->posts, 'ID' ) );
		$rows           = $ids ? Commerce_Connector_Sql::rows_if_possible( 'SELECT object_id, backend_id, retired, status FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id IN (" . Commerce_Connector_Sql::in( $ids ) . ')' ) : array();
		self::$bindings = array_column( $rows, null, 'object_id' );
		self::$asked    = Commerce_Connector_Requests::open_pages( $ids );
	}

	/**
	 * How a product stands.
	 *
	 * @param int $post_id Post.
	 * @return array[] Tone and words.
	 */
	private static function badges( $post_id ) {
		if ( ! isset( self::$bindings[ $post_id ] ) ) {
			return array( array( 'quiet', __( 'Not from the shop', 'commerce-connector' ) ) );
		}
		$row    = self::$bindings[ $post_id ];
		$note   = (array) json_decode( $row['status'], true );
		$badges = array();
		if ( ! empty( $note['parked'] ) ) {
			$badges[] = array( 'bad', __( 'Not synced', 'commerce-connector' ) );
		}
		if ( Commerce_Connector_Panel::undecided( $note ) ) {
			$badges[] = array( 'bad', __( 'Decide words', 'commerce-connector' ) );
		}
		if ( ! empty( $note['waiting'] ) ) {
			$badges[] = array( 'wait', __( 'Behind', 'commerce-connector' ) );
		}
		if ( (int) $row['retired'] ) {
			$badges[] = array( 'wait', __( 'No longer sold', 'commerce-connector' ) );
		}
		if ( in_array( $post_id, self::$asked, true ) ) {
			$badges[] = array( 'wait', __( 'Resync asked', 'commerce-connector' ) );
		}
		return $badges ? $badges : array( array( 'good', __( 'In step', 'commerce-connector' ) ) );
	}

	/**
	 * Prints the filter.
	 *
	 * @param string $post_type Type of the list.
	 */
	public static function show_filter( $post_type ) {
		if ( Commerce_Connector_Types::PRODUCT !== $post_type ) {
			return;
		}
		$labels = array(
			''         => __( 'Shop: all', 'commerce-connector' ),
			'conflict' => __( 'Shop: words to decide', 'commerce-connector' ),
			'parked'   => __( 'Shop: not synced', 'commerce-connector' ),
			'stale'    => __( 'Shop: behind', 'commerce-connector' ),
			'taken'    => __( 'Shop: fields taken over', 'commerce-connector' ),
		);
		echo '<label class="screen-reader-text" for="commerce-connector-state">' . esc_html__( 'Filter by how products stand with the shop', 'commerce-connector' ) . '</label><select id="commerce-connector-state" name="' . esc_attr( self::FILTER ) . '">';
		foreach ( $labels as $value => $label ) {
			printf( '<option value="%s"%s>%s</option>', esc_attr( $value ), selected( self::chosen(), $value, false ), esc_html( $label ) );
		}
		echo '</select>';
	}

	/**
	 * Which filter is chosen.
	 *
	 * @return string
	 */
	private static function chosen() {
		$value = isset( $_GET[ self::FILTER ] ) ? sanitize_key( $_GET[ self::FILTER ] ) : ''; // phpcs:ignore WordPress.Security.NonceVerification -- Only reads.
		return isset( self::FILTERS[ $value ] ) ? $value : '';
	}

	/**
	 * Narrows the list to what the filter says.
	 *
	 * @param WP_Query $query Query.
	 */
	public static function filter( $query ) {
		if ( ! is_admin() || ! $query->is_main_query() || Commerce_Connector_Types::PRODUCT !== $query->get( 'post_type' ) || '' === self::chosen() ) {
			return;
		}
		global $wpdb;
		$like = '%' . $wpdb->esc_like( self::FILTERS[ self::chosen() ] ) . '%';
		$rows = Commerce_Connector_Sql::rows_if_possible( 'SELECT object_id FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND status LIKE " . Commerce_Connector_Sql::literal( $like ) );
		$ids  = array_map( 'intval', array_column( $rows, 'object_id' ) );
		$query->set( 'post__in', $ids ? $ids : array( 0 ) );
	}

	/**
	 * Adds the bulk action.
	 *
	 * @param string[] $actions Actions.
	 * @return string[]
	 */
	public static function add_action( $actions ) {
		return $actions + array( self::ACTION => __( 'Resync from the shop', 'commerce-connector' ) );
	}

	/**
	 * Asks for every product chosen that the user may edit. WordPress has checked the nonce.
	 *
	 * @param string $back     Where to go then.
	 * @param string $action   Action.
	 * @param int[]  $post_ids Posts.
	 * @return string
	 */
	public static function act( $back, $action, $post_ids ) {
		if ( self::ACTION !== $action ) {
			return $back;
		}
		$asked = 0;
		try {
			foreach ( array_map( 'intval', $post_ids ) as $post_id ) {
				if ( current_user_can( 'edit_post', $post_id ) && Commerce_Connector_Requests::ask( wp_generate_uuid4(), $post_id, 'resync' ) ) {
					++$asked;
				}
			}
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
		}
		if ( $asked ) {
			Commerce_Connector_Requests::nudge();
		}
		return add_query_arg( self::RESULT, $asked, remove_query_arg( self::RESULT, $back ) );
	}

	/**
	 * Says what the bulk action did.
	 */
	public static function show_result() {
		$screen = get_current_screen();
		if ( ! $screen || 'edit-' . Commerce_Connector_Types::PRODUCT !== $screen->id || ! isset( $_GET[ self::RESULT ] ) ) { // phpcs:ignore WordPress.Security.NonceVerification -- Only shows a number.
			return;
		}
		$count = (int) $_GET[ self::RESULT ]; // phpcs:ignore WordPress.Security.NonceVerification
		/* translators: %s: number of products. */
		$says = sprintf( _n( 'The connector was asked to resync %s product. Reload in a moment to see how it stands.', 'The connector was asked to resync %s products. Reload in a moment to see how they stand.', $count, 'commerce-connector' ), number_format_i18n( $count ) );
		printf( '<div class="notice notice-%s is-dismissible"><p>%s</p></div>', $count ? 'success' : 'warning', esc_html( $count ? $says : __( 'None of these come from the shop, so there was nothing to resync.', 'commerce-connector' ) ) );
	}
}
