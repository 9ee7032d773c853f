<?php
/**
 * The panel "Shop" beside a product: its frame in both editors. What is in it comes by REST.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Frame, scripts and words of the panel.
 */
final class Commerce_Connector_Meta_Box {

	/**
	 * Adds the box of the classic editor; the block editor has a panel of its own.
	 */
	public static function add() {
		add_meta_box( 'commerce-connector', __( 'Shop', 'commerce-connector' ), array( __CLASS__, 'show' ), Commerce_Connector_Types::PRODUCT, 'side', 'high', array( '__back_compat_meta_box' => true ) );
	}

	/**
	 * Prints the box.
	 *
	 * @param WP_Post $post Post.
	 */
	public static function show( $post ) {
		printf( '<div class="cc-panel" data-cc-panel="%d"></div><noscript>%s</noscript>', (int) $post->ID, esc_html__( 'This panel needs JavaScript.', 'commerce-connector' ) );
	}

	/**
	 * Brings scripts and styles to the screens of products.
	 */
	public static function enqueue() {
		$screen = get_current_screen();
		if ( ! $screen || Commerce_Connector_Types::PRODUCT !== $screen->post_type ) {
			return;
		}
		wp_enqueue_style( 'commerce-connector-panel', self::asset( 'panel.css' ), array(), COMMERCE_CONNECTOR_VERSION );
		if ( 'edit' === $screen->base ) {
			wp_enqueue_script( 'commerce-connector-bulk', self::asset( 'bulk.js' ), array( 'wp-api-fetch', 'wp-a11y' ), COMMERCE_CONNECTOR_VERSION, true );
			wp_add_inline_script( 'commerce-connector-bulk', 'window.commerceConnectorBulk = ' . wp_json_encode( self::bulk_words() ) . ';', 'before' );
		}
		if ( 'post' !== $screen->base ) {
			return;
		}
		wp_enqueue_script( 'commerce-connector-panel', self::asset( 'panel.js' ), array( 'wp-api-fetch', 'wp-a11y' ), COMMERCE_CONNECTOR_VERSION, true );
		wp_add_inline_script( 'commerce-connector-panel', 'window.commerceConnectorPanel = ' . wp_json_encode(
			array(
				'words'  => self::words(),
				'search' => Commerce_Connector_Search_Words::words(),
			)
		) . ';', 'before' );
		if ( $screen->is_block_editor() ) {
			wp_enqueue_script( 'commerce-connector-sidebar', self::asset( 'panel-sidebar.js' ), array( 'commerce-connector-panel', 'wp-plugins', 'wp-element', 'wp-components', 'wp-data', 'wp-dom-ready', 'wp-preferences', 'wp-editor', 'wp-edit-post' ), COMMERCE_CONNECTOR_VERSION, true );
		}
	}

	/**
	 * Address of a file of the plugin.
	 *
	 * @param string $name File.
	 * @return string
	 */
	public static function asset( $name ) {
		return plugins_url( 'assets/' . $name, COMMERCE_CONNECTOR_FILE );
	}

	/**
	 * The words that the list's script itself says.
	 *
	 * @return string[]
	 */
	private static function bulk_words() {
		return array(
			'loggedOut' => __( 'You are no longer logged in. The resync goes on; log in again in another tab to follow it.', 'commerce-connector' ),
			'offline'   => __( 'The site does not answer. The resync goes on, and is asked about again.', 'commerce-connector' ),
		);
	}

	/**
	 * The words that the script itself says.
	 *
	 * @return string[]
	 */
	private static function words() {
		return array(
			'shop'         => __( 'Shop', 'commerce-connector' ),
			'loading'      => __( 'Looking …', 'commerce-connector' ),
			'source'       => __( 'Product in the shop:', 'commerce-connector' ),
			'newTab'       => __( '(opens in a new tab)', 'commerce-connector' ),
			'resync'       => __( 'Resync now', 'commerce-connector' ),
			'preview'      => __( 'What would change?', 'commerce-connector' ),
			'who'          => __( 'Who decides what', 'commerce-connector' ),
			'takeOver'     => __( 'Take over', 'commerce-connector' ),
			'giveBack'     => __( 'Give back', 'commerce-connector' ),
			/* translators: %s: a field. */
			'takeOverOf'   => __( 'Take %s over from the shop, on this page', 'commerce-connector' ),
			/* translators: %s: a field. */
			'giveBackOf'   => __( 'Give %s back to the shop', 'commerce-connector' ),
			/* translators: %s: a field. */
			'sureBack'     => __( 'The shop\'s value replaces yours in “%s”. Yours stays in the page\'s revisions. Give it back?', 'commerce-connector' ),
			/* translators: %s: a field. */
			'sureBackGone' => __( 'The shop\'s value replaces yours in “%s”, and yours is not kept on this site. Give it back?', 'commerce-connector' ),
			/* translators: %s: a field. */
			'sureTake'     => __( 'From now on the shop changes “%s” on this page no more, until you give it back. Take it over?', 'commerce-connector' ),
			/* translators: %s: a field. */
			'contested'    => __( '%s: changed here and in the shop', 'commerce-connector' ),
			'pageKeeps'    => __( 'The page shows your words until you decide.', 'commerce-connector' ),
			/* translators: %s: a name. */
			'decidedBy'    => __( 'Decided by %s; it is written shortly.', 'commerce-connector' ),
			'decide'       => __( 'Compare and decide', 'commerce-connector' ),
			/* translators: %s: a field. */
			'decideOf'     => __( 'Which words hold? %s', 'commerce-connector' ),
			'onPage'       => __( 'On this page', 'commerce-connector' ),
			'inShop'       => __( 'In the shop', 'commerce-connector' ),
			'before'       => __( 'Before both changes', 'commerce-connector' ),
			'keepPage'     => __( 'Keep the page\'s', 'commerce-connector' ),
			'takeShop'     => __( 'Use the shop\'s', 'commerce-connector' ),
			'third'        => __( 'Or write it anew', 'commerce-connector' ),
			'thirdHint'    => __( 'Begins as the page\'s words. Nothing is saved until you press the button.', 'commerce-connector' ),
			'thirdLines'   => __( 'One entry a line. Nothing is saved until you press the button.', 'commerce-connector' ),
			'useThird'     => __( 'Use this text', 'commerce-connector' ),
			'close'        => __( 'Close', 'commerce-connector' ),
			'changed'      => __( 'Changed in the shop since you opened this page', 'commerce-connector' ),
			'changedHint'  => __( 'Your editor still shows the old words. You can go on: if you change these too, your words stay and both are joined, or you decide. Reload to see the new ones.', 'commerce-connector' ),
			'reload'       => __( 'Reload the page', 'commerce-connector' ),
			'unsaved'      => __( 'You have changes that are not saved. Save or copy them first.', 'commerce-connector' ),
			'loggedOut'    => __( 'You are no longer logged in. Your text is kept here. Log in again in another tab, then press the button once more.', 'commerce-connector' ),
			'offline'      => __( 'The site does not answer. Your text is kept; please try again.', 'commerce-connector' ),
			'mine'         => __( 'You asked', 'commerce-connector' ),
			'noRight'      => __( 'You may look at this, but not take fields over. An editor with more rights can.', 'commerce-connector' ),
			'since'        => __( 'Since', 'commerce-connector' ),
			'todo'         => __( 'What to do:', 'commerce-connector' ),
			/* translators: 1: a name, 2: like 5 minutes ago. */
			'edited'       => __( 'by %1$s, %2$s', 'commerce-connector' ),
		);
	}
}
