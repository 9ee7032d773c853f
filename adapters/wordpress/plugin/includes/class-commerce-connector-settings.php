<?php
/**
 * The settings page: pair with the daemon, rotate the secret, test, choose the market.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Settings > Commerce Connector.
 */
final class Commerce_Connector_Settings {

	const PAGE = 'commerce-connector';

	/**
	 * Adds the page.
	 */
	public static function add_page() {
		add_options_page( __( 'Commerce Connector', 'commerce-connector' ), __( 'Commerce Connector', 'commerce-connector' ), 'manage_options', self::PAGE, array( __CLASS__, 'show' ) );
	}

	/**
	 * Registers the one setting that people choose.
	 */
	public static function register() {
		register_setting( 'commerce_connector', Commerce_Connector_View::MARKET, array( 'sanitize_callback' => 'sanitize_text_field' ) );
	}

	/**
	 * Prints the page.
	 */
	public static function show() {
		$shown = self::take( 'secret' );
		$test  = self::take( 'test' );
		echo '<div class="wrap"><h1>' . esc_html__( 'Commerce Connector', 'commerce-connector' ) . '</h1>';
		if ( '' !== $shown ) {
			echo '<div class="notice notice-success"><p>' . esc_html__( 'Give this secret to the daemon now; it is not shown again:', 'commerce-connector' ) . '</p><p><code>' . esc_html( $shown ) . '</code></p></div>';
		}
		if ( '' !== $test ) {
			echo '<div class="notice notice-info"><p>' . esc_html( $test ) . '</p></div>';
		}
		echo '<h2>' . esc_html__( 'Connection', 'commerce-connector' ) . '</h2><p>' . esc_html( self::state() ) . '</p>';
		if ( Commerce_Connector_Secrets::valid() ) {
			self::button( 'commerce_connector_secret', 'rotate', __( 'Rotate the secret (the old one holds for 24 hours)', 'commerce-connector' ) );
			self::button( 'commerce_connector_test', 'test', __( 'Test the connection', 'commerce-connector' ) );
		}
		self::button( 'commerce_connector_secret', 'pair', __( 'Pair anew (older secrets stop holding at once)', 'commerce-connector' ) );
		self::show_market();

		/**
		 * The end of the settings page.
		 */
		do_action( 'commerce_connector_settings' );
		echo '</div>';
	}

	/**
	 * Handles the buttons that make a secret.
	 */
	public static function make_secret() {
		$what = self::allowed( 'commerce_connector_secret' );
		self::leave( 'secret', 'rotate' === $what ? Commerce_Connector_Secrets::rotate() : Commerce_Connector_Secrets::pair() );
	}

	/**
	 * Handles the button that tests whether signed requests reach the site API.
	 */
	public static function test() {
		self::allowed( 'commerce_connector_test' );
		$secrets   = array_column( Commerce_Connector_Secrets::valid(), 'secret' );
		$id        = wp_generate_uuid4();
		$timestamp = (string) time();
		$response  = wp_remote_get(
			rest_url( Commerce_Connector_Api::ROOT . '/site' ),
			array(
				'timeout'     => 10,
				'redirection' => 0,
				'headers'     => array(
					'webhook-id'        => $id,
					'webhook-timestamp' => $timestamp,
					'webhook-signature' => $secrets ? Commerce_Connector_Secrets::sign( $secrets[0], $id, $timestamp, "GET /site\n" ) : '',
				),
			)
		);
		$status    = is_wp_error( $response ) ? $response->get_error_message() : (string) wp_remote_retrieve_response_code( $response );
		/* translators: %s: what came instead, a status or a message. */
		$failed = sprintf( __( 'The site API answered %s. A security plugin or the web server may block the REST API.', 'commerce-connector' ), $status );
		self::leave( 'test', '200' === $status ? __( 'Signed requests reach the site API.', 'commerce-connector' ) : $failed );
	}

	/**
	 * The state of the connection in one sentence.
	 *
	 * @return string
	 */
	private static function state() {
		$seen = (array) get_option( Commerce_Connector_Secrets::SEEN, array() );
		if ( ! Commerce_Connector_Secrets::valid() ) {
			return __( 'Not paired yet.', 'commerce-connector' );
		}
		if ( ! isset( $seen['at'] ) ) {
			return __( 'Paired; the daemon has not asked yet.', 'commerce-connector' );
		}
		/* translators: 1: how long ago, 2: seconds. */
		return sprintf( __( 'Paired; the last signed request came %1$s ago. The daemon\'s clock differs by %2$d seconds.', 'commerce-connector' ), human_time_diff( $seen['at'] ), (int) $seen['skew'] );
	}

	/**
	 * Prints the choice of the market.
	 */
	private static function show_market() {
		$markets = array_column( Commerce_Connector_Sql::rows_if_possible( 'SELECT DISTINCT market FROM ' . Commerce_Connector_Tables::name( 'offers' ) . ' ORDER BY market' ), 'market' );
		if ( ! $markets ) {
			return;
		}
		echo '<h2>' . esc_html__( 'Prices shown', 'commerce-connector' ) . '</h2><form method="post" action="' . esc_url( admin_url( 'options.php' ) ) . '">';
		settings_fields( 'commerce_connector' );
		echo '<label>' . esc_html__( 'Market', 'commerce-connector' ) . ' <select name="' . esc_attr( Commerce_Connector_View::MARKET ) . '">';
		foreach ( $markets as $market ) {
			printf( '<option value="%1$s"%2$s>%1$s</option>', esc_attr( $market ), selected( $market, get_option( Commerce_Connector_View::MARKET ), false ) );
		}
		echo '</select></label>';
		submit_button();
		echo '</form>';
	}

	/**
	 * Prints a form of one button.
	 *
	 * @param string $action Hook behind admin_post_.
	 * @param string $what   What the button does.
	 * @param string $label  Its words.
	 */
	public static function button( $action, $what, $label ) {
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '"><input type="hidden" name="action" value="' . esc_attr( $action ) . '"><input type="hidden" name="what" value="' . esc_attr( $what ) . '">';
		wp_nonce_field( $action );
		submit_button( $label, 'secondary', 'submit', false );
		echo '</form><br>';
	}

	/**
	 * Lets only administrators with a fresh form go on.
	 *
	 * @param string $action Action of the nonce.
	 * @return string What the button says.
	 */
	public static function allowed( $action ) {
		check_admin_referer( $action );
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'commerce-connector' ), 403 );
		}
		return isset( $_POST['what'] ) ? sanitize_key( $_POST['what'] ) : '';
	}

	/**
	 * Goes back to the page, where a message is shown once, to this user.
	 *
	 * @param string $kind    secret or test.
	 * @param string $message Message.
	 */
	public static function leave( $kind, $message ) {
		set_transient( 'commerce_connector_' . $kind . '_' . get_current_user_id(), $message, 5 * MINUTE_IN_SECONDS );
		wp_safe_redirect( admin_url( 'options-general.php?page=' . self::PAGE ) );
		exit;
	}

	/**
	 * The message to show, which is then gone.
	 *
	 * @param string $kind secret or test.
	 * @return string
	 */
	private static function take( $kind ) {
		$name    = 'commerce_connector_' . $kind . '_' . get_current_user_id();
		$message = (string) get_transient( $name );
		delete_transient( $name );
		return $message;
	}
}
