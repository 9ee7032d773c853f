<?php
/**
 * The page "Shop connection": how it stands as a whole, and what to do where it does not.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Shop products > Shop connection.
 */
final class Commerce_Connector_Dashboard {

	const PAGE = 'commerce-connector-dashboard';

	/**
	 * Adds the page, for everybody who edits products.
	 */
	public static function add_page() {
		$parent = 'edit.php?post_type=' . Commerce_Connector_Types::PRODUCT;
		$title  = __( 'Shop connection', 'commerce-connector' );
		add_submenu_page( $parent, $title, $title, 'edit_commerce_products', self::PAGE, array( __CLASS__, 'show' ) );
	}

	/**
	 * Prints the page.
	 */
	public static function show() {
		if ( ! current_user_can( 'edit_commerce_products' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'commerce-connector' ), 403 );
		}
		$all = Commerce_Connector_Summary::all();
		echo '<div class="wrap cc-dashboard"><h1>' . esc_html__( 'Shop connection', 'commerce-connector' ) . '</h1>';
		echo '<p>' . esc_html__( 'The connector keeps these pages in step with the shop: prices, stock and texts. This page is renewed each time you load it.', 'commerce-connector' ) . '</p>';
		if ( ! $all ) {
			self::notice( 'wait', __( 'Nothing was heard of the connector yet.', 'commerce-connector' ), __( 'Pair this site in Settings > Commerce Connector, or ask whoever runs the site.', 'commerce-connector' ) );
		}
		foreach ( $all as $backend => $summary ) {
			self::show_backend( (string) $backend, $summary );
		}
		echo '</div>';
	}

	/**
	 * Prints one backend.
	 *
	 * @param string $backend Name.
	 * @param array  $summary As the daemon said.
	 */
	private static function show_backend( $backend, array $summary ) {
		$silent = Commerce_Connector_Summary::is_silent( $summary );
		/* translators: %s: name of a shop. */
		echo '<section><h2>' . esc_html( sprintf( __( 'Shop “%s”', 'commerce-connector' ), $backend ) ) . '</h2>';
		if ( $silent ) {
			/* translators: %s: like 5 minutes ago. */
			self::notice( 'bad', sprintf( __( 'The connector was last heard of %s.', 'commerce-connector' ), Commerce_Connector_Panel_Words::ago( $summary['came_at'] ) ), __( 'Pages keep what they show. Ask whoever runs the connector; what follows is from then.', 'commerce-connector' ) );
		}
		foreach ( $summary['problems'] as $problem ) {
			self::notice( in_array( $problem['code'], array( 'importing', 'late', 'lane_paused' ), true ) ? 'wait' : 'bad', Commerce_Connector_Panel_Words::problem( $problem ), Commerce_Connector_Panel_Words::problem_next( $problem ), $problem );
		}
		if ( ! $silent && ! $summary['problems'] ) {
			self::notice( 'good', __( 'All is well: what changes in the shop reaches its page in time.', 'commerce-connector' ), '' );
		}
		self::figures( $summary );
		self::parked( $backend, isset( $summary['parked'] ) ? $summary['parked'] : array() );
		self::lanes( $summary['lanes'] );
		self::runs( $summary['runs'] );
		echo '</section>';
	}

	/**
	 * Prints a sentence and what to do.
	 *
	 * @param string     $tone    good, wait or bad.
	 * @param string     $says    Sentence.
	 * @param string     $next    What to do; "" for nothing.
	 * @param array|null $problem Where it is one: code, says, since.
	 */
	private static function notice( $tone, $says, $next, $problem = null ) {
		$since = $problem && ! empty( $problem['since'] ) ? Commerce_Connector_Panel_Words::ago( $problem['since'] ) : '';
		printf( '<div class="cc-notice cc-%s"><p><strong>%s</strong> <span class="cc-quiet">%s</span></p>', esc_attr( $tone ), esc_html( $says ), esc_html( $since ) );
		if ( $problem && in_array( $problem['code'], array( 'backend_down', 'paused', 'lane_paused', 'safety_stop' ), true ) ) {
			echo '<p class="cc-quiet">' . esc_html( $problem['says'] ) . '</p>';
		}
		if ( '' !== $next ) {
			echo '<p>' . esc_html( $next ) . ' ';
			self::link( $problem ? $problem['code'] : '' );
			echo '</p>';
		}
		echo '</div>';
	}

	/**
	 * Prints a link to the products that a problem is about.
	 *
	 * @param string $code Code of the problem.
	 */
	private static function link( $code ) {
		$filters = array(
			'parked'    => 'parked',
			'conflicts' => 'conflict',
		);
		if ( isset( $filters[ $code ] ) ) {
			$url = add_query_arg( Commerce_Connector_Product_List::FILTER, $filters[ $code ], admin_url( 'edit.php?post_type=' . Commerce_Connector_Types::PRODUCT ) );
			printf( '<a href="%s">%s</a>', esc_url( $url ), esc_html__( 'Show these products', 'commerce-connector' ) );
		}
	}

	/**
	 * Prints the figures.
	 *
	 * @param array $summary As the daemon said.
	 */
	private static function figures( array $summary ) {
		$due     = array_sum( array_column( $summary['lanes'], 'due' ) );
		$backend = $summary['backend'];
		$never   = __( 'not yet', 'commerce-connector' );
		$looked  = Commerce_Connector_Panel_Words::ago( $backend['looked_at'] );
		$proved  = Commerce_Connector_Panel_Words::ago( isset( $backend['compared_at'] ) ? $backend['compared_at'] : null );
		$figures = array(
			array( $due ? 'wait' : 'good', number_format_i18n( $due ), __( 'changes on their way', 'commerce-connector' ) ),
			array( $summary['counts']['conflicts'] ? 'bad' : 'good', number_format_i18n( $summary['counts']['conflicts'] ), __( 'fields to decide', 'commerce-connector' ) ),
			array( $summary['counts']['parked'] ? 'bad' : 'good', number_format_i18n( $summary['counts']['parked'] ), __( 'not synced', 'commerce-connector' ) ),
			array( 'quiet', number_format_i18n( $summary['counts']['taken'] ), __( 'fields taken over', 'commerce-connector' ) ),
			array( 'quiet', '' === $looked ? $never : $looked, __( 'shop checked', 'commerce-connector' ) ),
			array( 'quiet', '' === $proved ? $never : $proved, __( 'everything compared', 'commerce-connector' ) ),
		);
		echo '<div class="cc-figures">';
		foreach ( $figures as list( $tone, $figure, $label ) ) {
			printf( '<div class="cc-figure cc-%s"><strong>%s</strong>%s</div>', esc_attr( $tone ), esc_html( $figure ), esc_html( $label ) );
		}
		echo '</div>';
	}

	/**
	 * Prints the products that were given up on, also those that have no page yet.
	 *
	 * @param string  $backend Name.
	 * @param array[] $parked  As the daemon said.
	 */
	private static function parked( $backend, array $parked ) {
		if ( ! $parked ) {
			return;
		}
		$keys = array();
		foreach ( $parked as $one ) {
			$keys[ $one['id'] ] = Commerce_Connector_Tables::subject_key( $backend, 'product', $one['id'] );
		}
		$posts = Commerce_Connector_Stored::object_ids( array_values( $keys ) );
		echo '<h3>' . esc_html__( 'Not synced', 'commerce-connector' ) . '</h3><table class="widefat striped"><thead><tr><th scope="col">' . esc_html__( 'Product', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Why', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'What to do', 'commerce-connector' ) . '</th></tr></thead><tbody>';
		foreach ( $parked as $one ) {
			$name = '' === $one['title'] ? $one['id'] : $one['title'];
			$key  = $keys[ $one['id'] ];
			$url  = isset( $posts[ $key ] ) ? get_edit_post_link( (int) $posts[ $key ], 'raw' ) : '';
			echo '<tr><th scope="row">' . ( $url ? '<a href="' . esc_url( $url ) . '">' . esc_html( $name ) . '</a>' : esc_html( $name ) ) . '</th>';
			printf( '<td>%s<br><span class="cc-quiet">%s</span></td><td>%s</td></tr>', esc_html( $one['reason'] ), esc_html( Commerce_Connector_Panel_Words::ago( $one['since'] ) ), esc_html( Commerce_Connector_Panel_Words::next_step( $one ) ) );
		}
		echo '</tbody></table>';
	}

	/**
	 * Prints what waits, by its kind.
	 *
	 * @param array[] $lanes Lanes.
	 */
	private static function lanes( array $lanes ) {
		$labels = array(
			'offers'  => __( 'Prices and stock', 'commerce-connector' ),
			'content' => __( 'Pages and texts', 'commerce-connector' ),
			'media'   => __( 'Pictures', 'commerce-connector' ),
			'words'   => __( 'Your words on their way into the shop', 'commerce-connector' ),
		);
		echo '<h3>' . esc_html__( 'What waits', 'commerce-connector' ) . '</h3><table class="widefat striped"><thead><tr><th scope="col">' . esc_html__( 'What', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Waiting', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Not synced', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Oldest change', 'commerce-connector' ) . '</th></tr></thead><tbody>';
		foreach ( $lanes as $lane ) {
			$oldest = Commerce_Connector_Panel_Words::ago( $lane['oldest_at'] );
			printf( '<tr><th scope="row">%s</th><td>%s</td><td>%s</td><td>%s</td></tr>', esc_html( isset( $labels[ $lane['lane'] ] ) ? $labels[ $lane['lane'] ] : $lane['lane'] ), esc_html( number_format_i18n( $lane['due'] ) ), esc_html( number_format_i18n( $lane['parked'] ) ), esc_html( '' === $oldest ? __( 'all on their pages', 'commerce-connector' ) : $oldest ) );
		}
		echo '</tbody></table>';
	}

	/**
	 * Prints what was done lately.
	 *
	 * @param array[] $runs Runs.
	 */
	private static function runs( array $runs ) {
		if ( ! $runs ) {
			return;
		}
		$kinds    = array(
			'import'      => __( 'First import', 'commerce-connector' ),
			'resync'      => __( 'Resync', 'commerce-connector' ),
			'sync'        => __( 'Resync', 'commerce-connector' ),
			'reconcile'   => __( 'Full comparison', 'commerce-connector' ),
			'take over'   => __( 'Field taken over', 'commerce-connector' ),
			'give back'   => __( 'Field given back', 'commerce-connector' ),
			'conflict'    => __( 'Words decided', 'commerce-connector' ),
			'undo'        => __( 'Undo', 'commerce-connector' ),
			'safety stop' => __( 'Safety stop', 'commerce-connector' ),
		);
		$outcomes = array(
			'running' => __( 'under way', 'commerce-connector' ),
			'done'    => __( 'done', 'commerce-connector' ),
			'parked'  => __( 'some not synced', 'commerce-connector' ),
			'failed'  => __( 'failed', 'commerce-connector' ),
			'stopped' => __( 'stopped', 'commerce-connector' ),
		);
		echo '<h3>' . esc_html__( 'What was done lately', 'commerce-connector' ) . '</h3><table class="widefat striped"><thead><tr><th scope="col">' . esc_html__( 'When', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'What', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Asked by', 'commerce-connector' ) . '</th><th scope="col">' . esc_html__( 'Outcome', 'commerce-connector' ) . '</th></tr></thead><tbody>';
		foreach ( $runs as $run ) {
			$outcome = isset( $outcomes[ $run['outcome'] ] ) ? $outcomes[ $run['outcome'] ] : $run['outcome'];
			printf( '<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>', esc_html( Commerce_Connector_Panel_Words::ago( $run['started_at'] ) ), esc_html( isset( $kinds[ $run['kind'] ] ) ? $kinds[ $run['kind'] ] : $run['kind'] ), esc_html( self::asked_by( $run['asked_by'] ) ), esc_html( $outcome ) );
		}
		echo '</tbody></table>';
	}

	/**
	 * Who asked for a run.
	 *
	 * @param string $name As the daemon says.
	 * @return string
	 */
	private static function asked_by( $name ) {
		if ( in_array( $name, array( 'connector', 'schedule' ), true ) ) {
			return __( 'by itself', 'commerce-connector' );
		}
		return (string) preg_replace( '/ \(user [^)]*\)\z/', '', $name );
	}
}
