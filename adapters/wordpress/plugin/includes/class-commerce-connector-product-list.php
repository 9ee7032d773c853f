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
	const LEFT    = 'commerce_connector_left';
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
		if ( null === self::$bindings ) {
			global $wp_query;
			self::read( array_map( 'intval', wp_list_pluck( (array) $wp_query->posts, 'ID' ) ) );
		}
		foreach ( self::badges( $post_id ) as list( $tone, $says ) ) {
			printf( '<span class="cc-badge cc-%s">%s</span> ', esc_attr( $tone ), esc_html( $says ) );
		}
	}

	/**
	 * How some products stand now, for a list that is open.
	 *
	 * @param int[] $post_ids Posts.
	 * @return array[] By post: tone and words of each badge.
	 */
	public static function badges_of( array $post_ids ) {
		self::read( $post_ids );
		return array_combine( $post_ids, array_map( array( __CLASS__, 'badges' ), $post_ids ) );
	}

	/**
	 * Reads what the column needs, once for all pages shown.
	 *
	 * @param int[] $ids Posts.
	 */
	private static function read( array $ids ) {
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
		list( $batch, $left ) = Commerce_Connector_Bulk::ask( array_map( 'intval', $post_ids ) );
		return add_query_arg(
			array(
				self::RESULT => $batch,
				self::LEFT   => $left,
			),
			remove_query_arg( array( self::RESULT, self::LEFT ), $back )
		);
	}

	/**
	 * Says how far the bulk action is. A script goes on from there; without it, a reload does.
	 */
	public static function show_result() {
		$screen = get_current_screen();
		// phpcs:disable WordPress.Security.NonceVerification -- Only shows what the user asked.
		if ( ! $screen || 'edit-' . Commerce_Connector_Types::PRODUCT !== $screen->id || ! isset( $_GET[ self::RESULT ] ) ) {
			return;
		}
		$batch = sanitize_key( $_GET[ self::RESULT ] );
		$left  = isset( $_GET[ self::LEFT ] ) ? (int) $_GET[ self::LEFT ] : 0;
		// phpcs:enable
		$told = Commerce_Connector_Bulk::of( $batch );
		if ( ! $told ) {
			printf( '<div class="notice notice-warning is-dismissible"><p>%s</p></div>', esc_html__( 'Nothing was asked for: none of these come from the shop, or you may not edit them, or the database was busy.', 'commerce-connector' ) );
			return;
		}
		printf( '<div class="notice notice-%s is-dismissible cc-bulk" data-cc-bulk="%s"><p class="cc-bulk-says"><strong>%s</strong></p>', esc_attr( $told['tone'] ), esc_attr( $batch ), esc_html( $told['says'] ) );
		printf( '<progress max="%d" value="%d" aria-label="%s"></progress><div class="cc-bulk-problems">', (int) $told['total'], (int) ( $told['done'] + $told['failed'] ), esc_attr__( 'How far the resync is', 'commerce-connector' ) );
		self::show_problems( $told );
		echo '</div>';
		if ( $left > 0 ) {
			/* translators: %s: number of products. */
			printf( '<p>%s</p>', esc_html( sprintf( _n( '%s of those chosen was left out: not from the shop, not yours to edit, or the database was busy.', '%s of those chosen were left out: not from the shop, not yours to edit, or the database was busy.', $left, 'commerce-connector' ), number_format_i18n( $left ) ) ) );
		}
		echo '</div>';
	}

	/**
	 * Prints what did not work, each with the way to its page.
	 *
	 * @param array $told As Commerce_Connector_Bulk gives it.
	 */
	private static function show_problems( array $told ) {
		if ( ! $told['problems'] ) {
			return;
		}
		echo '<ul>';
		foreach ( $told['problems'] as $one ) {
			$title = '' === $one['url'] ? esc_html( $one['title'] ) : sprintf( '<a href="%s">%s</a>', esc_url( $one['url'] ), esc_html( $one['title'] ) );
			printf( '<li>%s: %s</li>', $title, esc_html( $one['says'] ) ); // phpcs:ignore WordPress.Security.EscapeOutput -- Escaped above.
		}
		printf( '</ul><p>%s</p>', esc_html( $told['more'] ) );
	}
}
