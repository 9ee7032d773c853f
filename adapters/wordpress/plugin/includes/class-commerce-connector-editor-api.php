<?php
/**
 * The routes of the panel: what it shows, and what an editor asks. For people logged in here.
 *
 * Rights are checked for the very page that is asked about. Below a root of its own, because the
 * site API takes only signed requests.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Routes below /wp-json/commerce-connector/editor/v1.
 */
final class Commerce_Connector_Editor_Api {

	const ROOT       = 'commerce-connector/editor/v1';
	const MOST_VALUE = 2000000;

	/**
	 * Registers the routes.
	 */
	public static function register() {
		$post = array(
			'type'     => 'integer',
			'required' => true,
			'minimum'  => 1,
		);
		register_rest_route(
			self::ROOT,
			'/panel',
			array(
				'methods'             => 'GET',
				'permission_callback' => array( __CLASS__, 'may_edit' ),
				'callback'            => array( __CLASS__, 'panel' ),
				'args'                => array( 'post' => $post ),
			)
		);
		register_rest_route(
			self::ROOT,
			'/bulk',
			array(
				'methods'             => 'GET',
				'permission_callback' => array( __CLASS__, 'may_list' ),
				'callback'            => array( __CLASS__, 'bulk' ),
				'args'                => array(
					'batch' => array(
						'type'     => 'string',
						'required' => true,
						'pattern'  => '^[a-f0-9]{16}$',
					),
				),
			)
		);
		register_rest_route(
			self::ROOT,
			'/requests',
			array(
				'methods'             => 'POST',
				'permission_callback' => array( __CLASS__, 'may_ask' ),
				'callback'            => array( __CLASS__, 'ask' ),
				'args'                => array(
					'post'   => $post,
					'id'     => array(
						'type'     => 'string',
						'required' => true,
						'pattern'  => '^[A-Za-z0-9-]{8,64}$',
					),
					'action' => array(
						'type'     => 'string',
						'required' => true,
						'enum'     => Commerce_Connector_Requests::ACTIONS,
					),
					'field'  => array(
						'type'      => 'string',
						'maxLength' => 100,
					),
					'choice' => array(
						'type' => 'string',
						'enum' => array( 'site', 'backend', 'value' ),
					),
					'value'  => array(
						'type'      => 'string',
						'maxLength' => self::MOST_VALUE,
					),
					'seen'   => array(
						'type'      => 'string',
						'maxLength' => 64,
					),
				),
			)
		);
	}

	/**
	 * Whether the user may edit the page.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return true|WP_Error
	 */
	public static function may_edit( $request ) {
		$post = get_post( (int) $request['post'] );
		if ( $post && Commerce_Connector_Types::PRODUCT === $post->post_type && current_user_can( 'edit_post', $post->ID ) ) {
			return true;
		}
		return new WP_Error( 'commerce_connector_no_right', __( 'You may not edit this page.', 'commerce-connector' ), array( 'status' => rest_authorization_required_code() ) );
	}

	/**
	 * Whether the user may ask for this.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return true|WP_Error
	 */
	public static function may_ask( $request ) {
		$may = self::may_edit( $request );
		if ( true === $may && in_array( $request['action'], array( 'take_over', 'give_back' ), true ) && ! current_user_can( Commerce_Connector_Types::TAKE_OVER ) ) {
			return new WP_Error( 'commerce_connector_no_right', __( 'You may not take fields over from the shop. Ask an editor with more rights.', 'commerce-connector' ), array( 'status' => 403 ) );
		}
		return $may;
	}

	/**
	 * Whether the user sees the list of products. What is told of each is only of their own asking.
	 *
	 * @return true|WP_Error
	 */
	public static function may_list() {
		if ( current_user_can( 'edit_commerce_products' ) ) {
			return true;
		}
		return new WP_Error( 'commerce_connector_no_right', __( 'You may not edit products.', 'commerce-connector' ), array( 'status' => rest_authorization_required_code() ) );
	}

	/**
	 * GET /bulk: how far a batch of the user's own is.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return WP_REST_Response|WP_Error
	 */
	public static function bulk( $request ) {
		$told = Commerce_Connector_Bulk::of( (string) $request['batch'] );
		if ( ! $told ) {
			return new WP_Error( 'commerce_connector_no_batch', __( 'Nothing of this is known: you did not ask for it, or it is more than 30 days ago.', 'commerce-connector' ), array( 'status' => 404 ) );
		}
		$response = new WP_REST_Response( $told );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}

	/**
	 * GET /panel.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return WP_REST_Response
	 */
	public static function panel( $request ) {
		$response = new WP_REST_Response( Commerce_Connector_Panel::of( get_post( (int) $request['post'] ) ) );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}

	/**
	 * POST /requests. Answers with the panel.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return WP_REST_Response|WP_Error
	 */
	public static function ask( $request ) {
		$more = array();
		foreach ( array( 'field', 'choice', 'value', 'seen' ) as $name ) {
			if ( null !== $request[ $name ] ) {
				$more[ $name ] = (string) $request[ $name ];
			}
		}
		if ( isset( $more['field'], $more['value'] ) ) {
			$more['value'] = Commerce_Connector_Panel::third_value( $more['field'], $more['value'] );
		}
		try {
			$asked = Commerce_Connector_Requests::ask( $request['id'], (int) $request['post'], $request['action'], $more );
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
			return new WP_Error( 'commerce_connector_busy', __( 'The database is busy. Please try again; your text is kept.', 'commerce-connector' ), array( 'status' => 503 ) );
		}
		if ( ! $asked ) {
			return new WP_Error( 'commerce_connector_no_product', __( 'This page shows no product of the shop.', 'commerce-connector' ), array( 'status' => 404 ) );
		}
		Commerce_Connector_Requests::nudge();
		return self::panel( $request );
	}
}
