<?php
/**
 * The site API: routes, signatures, requests checked, answers given. Decides nothing.
 *
 * The contract is adapters/site_api/openapi.yaml of the daemon.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * A request that its sender must mend.
 */
final class Commerce_Connector_Bad_Request extends Exception {}

/**
 * Routes below /wp-json/commerce-connector/v1.
 */
final class Commerce_Connector_Api {

	const ROOT       = 'commerce-connector/v1';
	const OFFER_ROWS = 500;
	const DOCUMENTS  = 100;
	const TERMS      = 100;
	const PAGE       = 500;

	/**
	 * Bodies of the requests under way, by the requests' object ids.
	 *
	 * @var string[]
	 */
	private static $bodies = array();

	/**
	 * Registers the routes.
	 */
	public static function register() {
		$routes = array(
			array( 'GET', 'site', 'site' ),
			array( 'POST', 'offers', 'offers' ),
			array( 'POST', 'content', 'content' ),
			array( 'POST', 'terms', 'terms' ),
			array( 'POST', 'retire', 'retire' ),
			array( 'GET', 'candidates', 'candidates' ),
			array( 'POST', 'adopt', 'adopt' ),
			array( 'POST', 'status', 'status' ),
			array( 'POST', 'summary', 'summary' ),
			array( 'POST', 'answers', 'answers' ),
			array( 'GET', 'media', 'find_media' ),
			array( 'POST', 'media', 'store_media' ),
			array( 'GET', 'inventory', 'inventory' ),
			array( 'GET', 'documents', 'documents' ),
			array( 'GET', 'events', 'events' ),
			array( 'POST', 'events/ack', 'acknowledge' ),
		);
		foreach ( $routes as list( $method, $path, $handler ) ) {
			register_rest_route(
				self::ROOT,
				'/' . $path,
				array(
					'methods'             => $method,
					'permission_callback' => array( __CLASS__, 'is_signed' ),
					'callback'            => function ( $request ) use ( $handler ) {
						return self::answer( $handler, $request );
					},
				)
			);
		}
	}

	/**
	 * Takes the body of a request of ours away before the REST server decodes it: nothing of it is
	 * read before the signature is checked, and then once, with objects kept as objects.
	 *
	 * @param mixed           $result  What others answer instead.
	 * @param WP_REST_Server  $server  Server.
	 * @param WP_REST_Request $request Request.
	 * @return mixed
	 */
	public static function take_body( $result, $server, $request ) {
		if ( null === $result && 0 === strpos( $request->get_route(), '/' . self::ROOT . '/' ) ) {
			self::$bodies[ spl_object_id( $request ) ] = $request->get_body();
			$request->set_body( '' );
		}
		return $result;
	}

	/**
	 * The body as it was sent.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return string
	 */
	private static function raw( $request ) {
		$taken = spl_object_id( $request );
		return isset( self::$bodies[ $taken ] ) ? self::$bodies[ $taken ] : (string) $request->get_body();
	}

	/**
	 * Whether the request is signed; if so, it acts as the daemon's user.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return true|WP_Error
	 */
	public static function is_signed( $request ) {
		$secrets = array_column( Commerce_Connector_Secrets::valid(), 'secret' );
		if ( ! $secrets ) {
			return new WP_Error( 'commerce_connector_not_paired', 'This site is not paired: make a secret on its settings page.', array( 'status' => 401 ) );
		}
		$content = $request->get_method() . ' ' . self::target( $request ) . "\n" . self::raw( $request );
		$sent_at = (string) $request->get_header( 'webhook_timestamp' );
		if ( ! Commerce_Connector_Secrets::fits( $secrets, (string) $request->get_header( 'webhook_id' ), $sent_at, (string) $request->get_header( 'webhook_signature' ), $content, time() ) ) {
			return new WP_Error( 'commerce_connector_bad_signature', 'The signature does not fit, or its time is more than five minutes off.', array( 'status' => 401 ) );
		}
		$misfit = Commerce_Connector_Versions::misfit( (string) $request->get_header( Commerce_Connector_Versions::HEADER ) );
		if ( '' !== $misfit ) {
			return new WP_Error( 'commerce_connector_version', $misfit, array( 'status' => 403 ) );
		}
		Commerce_Connector_Secrets::note_seen( (int) $sent_at );
		wp_set_current_user( Commerce_Connector_Types::user_id() );
		if ( ! current_user_can( 'edit_commerce_products' ) ) {
			return new WP_Error( 'commerce_connector_no_role', 'The plugin\'s user has lost its role: deactivate and activate the plugin.', array( 'status' => 403 ) );
		}
		return true;
	}

	/**
	 * Path below the root and query exactly as sent, also where permalinks are plain.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return string
	 */
	private static function target( $request ) {
		$path  = substr( $request->get_route(), strlen( '/' . self::ROOT ) );
		$uri   = isset( $_SERVER['REQUEST_URI'] ) ? (string) wp_unslash( $_SERVER['REQUEST_URI'] ) : ''; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Compared with a signature, byte by byte.
		$query = (string) substr( (string) strstr( $uri, '?' ), 1 );
		$parts = array_filter(
			explode( '&', $query ),
			function ( $part ) {
				return '' !== $part && 0 !== strpos( $part, 'rest_route=' );
			}
		);
		return $path . ( $parts ? '?' . implode( '&', $parts ) : '' );
	}

	/**
	 * Runs a handler and turns what it throws into statuses.
	 *
	 * @param string          $handler Method of this class.
	 * @param WP_REST_Request $request Request.
	 * @return WP_REST_Response|WP_Error
	 */
	private static function answer( $handler, $request ) {
		try {
			$result = self::$handler( $request );
		} catch ( Commerce_Connector_Bad_Request $error ) {
			$result = new WP_Error( 'commerce_connector_bad_request', $error->getMessage(), array( 'status' => 400 ) );
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
			$result = new WP_Error( 'commerce_connector_busy', 'The database is busy; the same request may be sent again.', array( 'status' => 503 ) );
		}
		$response = is_wp_error( $result ) ? rest_convert_error_to_response( $result ) : new WP_REST_Response( $result );
		$response->header( 'Cache-Control', 'no-store' );
		if ( 503 === $response->get_status() ) {
			$response->header( 'Retry-After', '1' );
		}
		return $response;
	}

	/**
	 * GET /site.
	 *
	 * @return array
	 */
	private static function site() {
		$newest = Commerce_Connector_Sql::rows( 'SELECT epoch, sequence FROM ' . Commerce_Connector_Tables::name( 'fences' ) . ' ORDER BY epoch DESC, sequence DESC LIMIT 1' );
		return array(
			'system'            => 'wordpress',
			'version'           => get_bloginfo( 'version' ),
			'extension_version' => COMMERCE_CONNECTOR_VERSION,
			'versions'          => Commerce_Connector_Versions::SPOKEN,
			'locales'           => array( str_replace( '_', '-', get_locale() ) ),
			'time'              => gmdate( 'Y-m-d\TH:i:s\Z' ),
			'highest_fence'     => array(
				'epoch'    => $newest ? max( 0, (int) $newest[0]['epoch'] ) : 0,
				'sequence' => $newest ? (int) $newest[0]['sequence'] : 0,
			),
			'capabilities'      => array(
				'fences'                 => true,
				'own_offers'             => true,
				'offer_rows_per_request' => self::OFFER_ROWS,
				'documents_per_request'  => self::DOCUMENTS,
				'terms_per_request'      => self::TERMS,
				'media'                  => true,
				'events'                 => true,
				'multilingual'           => false,
				'merges'                 => true,
				'adopts'                 => true,
				'panel'                  => true,
				'retire_policies'        => array_keys( Commerce_Connector_Retire::POLICIES ),
				'max_body_bytes'         => (int) wp_convert_hr_to_bytes( ini_get( 'post_max_size' ) ),
			),
			'admin_url'         => admin_url( 'post.php?post={id}&action=edit' ),
			'notes'             => get_option( 'permalink_structure' ) ? array() : array( 'Permalinks are plain; choose others in Settings > Permalinks, so that products have readable addresses.' ),
		);
	}

	/**
	 * POST /offers.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function offers( $request ) {
		list( $backend, $items ) = self::writes( $request, array( 'product' ), PHP_INT_MAX );
		$rows                    = 0;
		foreach ( $items as $item ) {
			self::check( isset( $item->offers ) && is_array( $item->offers ) && array_filter( $item->offers, 'is_object' ) === $item->offers, 'offers is no list of objects' );
			$rows += max( 1, count( $item->offers ) );
		}
		self::check( $rows <= self::OFFER_ROWS || 1 === count( $items ), 'too many offers in one request' );
		$offers = new Commerce_Connector_Offers( $backend );
		return array( 'receipts' => $offers->run( $items ) );
	}

	/**
	 * POST /content.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function content( $request ) {
		list( $backend, $items ) = self::writes( $request, array( 'product' ), self::DOCUMENTS );
		foreach ( $items as $item ) {
			self::check( isset( $item->slug, $item->fields, $item->expected, $item->whole ), 'slug, fields, expected or whole is missing' );
			self::check( is_string( $item->slug ) && is_object( $item->fields ) && is_object( $item->expected ) && is_bool( $item->whole ), 'slug, fields, expected or whole is malformed' );
			$item->verbatim = isset( $item->verbatim ) ? $item->verbatim : array();
			$item->seen     = isset( $item->seen ) ? $item->seen : null;
			$item->joined   = isset( $item->joined ) ? $item->joined : new stdClass();
			self::check( is_object( $item->joined ), 'joined is malformed' );
			self::check( is_array( $item->verbatim ) && ( null === $item->seen || is_string( $item->seen ) ), 'verbatim or seen is malformed' );
		}
		return array( 'receipts' => Commerce_Connector_Writes::run( $items, array( 'content' ), new Commerce_Connector_Content( $backend ) ) );
	}

	/**
	 * POST /terms.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function terms( $request ) {
		list( $backend, $items ) = self::writes( $request, array( 'category' ), self::TERMS );
		foreach ( $items as $item ) {
			self::check( isset( $item->slug, $item->name, $item->description, $item->rank ) && is_string( $item->slug ) && is_string( $item->name ) && is_string( $item->description ) && is_int( $item->rank ), 'slug, name, description or rank is malformed' );
			self::check( property_exists( $item, 'parent' ) && ( null === $item->parent || is_string( $item->parent ) ), 'parent is malformed' );
		}
		return array( 'receipts' => Commerce_Connector_Writes::run( $items, array( 'content' ), new Commerce_Connector_Terms( $backend ) ) );
	}

	/**
	 * POST /retire.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function retire( $request ) {
		list( $backend, $items ) = self::writes( $request, array( 'product', 'category' ), self::DOCUMENTS );
		foreach ( $items as $item ) {
			$item->policy = isset( $item->policy ) ? $item->policy : 'unpublish';
			self::check( is_string( $item->policy ) && isset( Commerce_Connector_Retire::POLICIES[ $item->policy ] ), 'policy is unknown' );
		}
		return array( 'receipts' => Commerce_Connector_Writes::run( $items, array( 'content', 'offers' ), new Commerce_Connector_Retire( $backend ) ) );
	}

	/**
	 * GET /candidates.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function candidates( $request ) {
		self::backend( $request['backend'] );
		$types = array_filter( explode( ',', (string) $request['types'] ) );
		return Commerce_Connector_Adopt::candidates( $types, self::number( $request['after'], 0 ), self::limit( $request['limit'] ) );
	}

	/**
	 * POST /adopt.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function adopt( $request ) {
		list( $backend, $items ) = self::writes( $request, array( 'product' ), self::DOCUMENTS );
		foreach ( $items as $item ) {
			self::check( isset( $item->cms_id ) && is_string( $item->cms_id ) && ctype_digit( $item->cms_id ), 'cms_id is malformed' );
		}
		return array( 'receipts' => Commerce_Connector_Writes::run( $items, array( 'content' ), new Commerce_Connector_Adopt( $backend ) ) );
	}

	/**
	 * POST /status.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function status( $request ) {
		list( , $items ) = self::items( $request, array( 'product', 'category' ), self::PAGE );
		foreach ( $items as $item ) {
			self::check( isset( $item->note ) && is_object( $item->note ), 'note is no object' );
		}
		return array( 'written' => Commerce_Connector_Status::write( $items ) );
	}

	/**
	 * POST /summary.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function summary( $request ) {
		$body = self::body( $request );
		self::check( isset( $body->summary ) && is_object( $body->summary ), 'summary is no object' );
		Commerce_Connector_Summary::write( self::backend( isset( $body->backend ) ? $body->backend : null ), $body->summary );
		return array( 'written' => true );
	}

	/**
	 * POST /answers.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function answers( $request ) {
		$body = self::body( $request );
		self::backend( isset( $body->backend ) ? $body->backend : null );
		self::check( isset( $body->items ) && is_array( $body->items ) && count( $body->items ) <= self::PAGE, 'items is no list of at most 500' );
		foreach ( $body->items as $item ) {
			self::check( isset( $item->request, $item->standing, $item->code, $item->says, $item->at, $item->facts ), 'an answer lacks a part' );
			self::check( is_string( $item->request ) && is_string( $item->code ) && is_string( $item->says ) && is_string( $item->at ) && is_object( $item->facts ), 'an answer is malformed' );
			self::check( in_array( $item->standing, array( 'working', 'done', 'refused', 'failed' ), true ), 'a standing is unknown' );
		}
		return array( 'written' => Commerce_Connector_Requests::answer( $body->items ) );
	}

	/**
	 * GET /media.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function find_media( $request ) {
		$hashes = '' === (string) $request['hashes'] ? array() : explode( ',', (string) $request['hashes'] );
		self::check( count( $hashes ) <= self::PAGE, 'too many hashes' );
		foreach ( $hashes as $hash ) {
			self::check( self::is_sha256( $hash ), 'hashes are no SHA-256 in hex' );
		}
		return array( 'media' => (object) Commerce_Connector_Media::find( $hashes ) );
	}

	/**
	 * POST /media.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array|WP_Error
	 */
	private static function store_media( $request ) {
		$query = $request->get_query_params();
		foreach ( array( 'hash', 'filename', 'alt' ) as $name ) {
			self::check( isset( $query[ $name ] ) && is_string( $query[ $name ] ), "$name is missing" );
		}
		self::check( self::is_sha256( $query['hash'] ), 'hash is no SHA-256 in hex' );
		self::check( current_user_can( 'upload_files' ), 'the plugin\'s user may not upload files' );
		return Commerce_Connector_Media::store( $query['hash'], $query['filename'], $query['alt'], self::raw( $request ) );
	}

	/**
	 * GET /inventory.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function inventory( $request ) {
		return Commerce_Connector_Inventory::page( self::backend( $request['backend'] ), self::kind( $request['kind'] ), self::number( $request['after'], 0 ), self::limit( $request['limit'] ) );
	}

	/**
	 * GET /documents.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function documents( $request ) {
		$ids = json_decode( (string) $request['ids'] );
		self::check( is_array( $ids ) && array_filter( $ids, 'is_string' ) === $ids && count( $ids ) <= self::DOCUMENTS, 'ids is no JSON list of at most 100 texts' );
		return array( 'documents' => Commerce_Connector_Inventory::documents( self::backend( $request['backend'] ), self::kind( $request['kind'] ), $ids ) );
	}

	/**
	 * GET /events.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function events( $request ) {
		return Commerce_Connector_Events::after( self::backend( $request['backend'] ), self::number( $request['after'], 0 ), self::limit( $request['limit'] ) );
	}

	/**
	 * POST /events/ack.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return array
	 */
	private static function acknowledge( $request ) {
		$body = self::body( $request );
		self::check( isset( $body->upto ) && is_string( $body->upto ), 'upto is missing' );
		return array( 'forgotten' => Commerce_Connector_Events::acknowledge( self::backend( isset( $body->backend ) ? $body->backend : null ), self::number( $body->upto, 0 ) ) );
	}

	// ---- what requests hold ----

	/**
	 * The items of a write, with fence and write_id.
	 *
	 * @param WP_REST_Request $request Request.
	 * @param string[]        $kinds   Kinds that the route takes.
	 * @param int             $most    How many items.
	 * @return array Backend, and items by subject key.
	 */
	private static function writes( $request, array $kinds, $most ) {
		list( $backend, $items ) = self::items( $request, $kinds, $most );
		foreach ( $items as $item ) {
			self::check( isset( $item->write_id ) && is_string( $item->write_id ) && preg_match( '/^[\x21-\x7e]{1,100}\z/', $item->write_id ), 'write_id is malformed' );
			self::check( isset( $item->fence->epoch, $item->fence->sequence ) && is_int( $item->fence->epoch ) && is_int( $item->fence->sequence ) && $item->fence->epoch >= 0 && $item->fence->sequence >= 0, 'fence is malformed' );
		}
		return array( $backend, $items );
	}

	/**
	 * The items of a body.
	 *
	 * @param WP_REST_Request $request Request.
	 * @param string[]        $kinds   Kinds that the route takes.
	 * @param int             $most    How many items.
	 * @return array Backend, and items by subject key.
	 */
	private static function items( $request, array $kinds, $most ) {
		$body    = self::body( $request );
		$backend = self::backend( isset( $body->backend ) ? $body->backend : null );
		self::check( isset( $body->items ) && is_array( $body->items ), 'items is no list' );
		self::check( count( $body->items ) <= $most, "more than $most items in one request" );
		$items = array();
		foreach ( $body->items as $item ) {
			self::check( isset( $item->kind, $item->id ) && in_array( $item->kind, $kinds, true ), 'an item has no kind that this route takes' );
			self::check( is_string( $item->id ) && '' !== $item->id && mb_strlen( $item->id ) <= 190, 'an id is no text of 1 to 190 characters' );
			$key = Commerce_Connector_Tables::subject_key( $backend, $item->kind, $item->id );
			self::check( ! isset( $items[ $key ] ), "{$item->kind} {$item->id} stands twice in one request" );
			$items[ $key ] = $item;
		}
		return array( $backend, $items );
	}

	/**
	 * The body as JSON. Objects stay objects, so that {} and [] stay apart.
	 *
	 * @param WP_REST_Request $request Request.
	 * @return object
	 */
	private static function body( $request ) {
		$body = json_decode( self::raw( $request ), false, 64 );
		self::check( is_object( $body ), 'the body is no JSON object' );
		return $body;
	}

	/**
	 * Name of a backend.
	 *
	 * @param mixed $value As sent.
	 * @return string
	 */
	private static function backend( $value ) {
		self::check( is_string( $value ) && preg_match( '/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\z/', $value ), 'backend is malformed' );
		return $value;
	}

	/**
	 * Kind of a subject.
	 *
	 * @param mixed $value As sent.
	 * @return string
	 */
	private static function kind( $value ) {
		self::check( in_array( $value, array( 'product', 'category' ), true ), 'kind is neither product nor category' );
		return $value;
	}

	/**
	 * A number that is not negative.
	 *
	 * @param mixed $value    As sent.
	 * @param int   $fallback Where nothing was sent.
	 * @return int
	 */
	private static function number( $value, $fallback ) {
		if ( null === $value || '' === $value ) {
			return $fallback;
		}
		self::check( is_string( $value ) && preg_match( '/^[0-9]{1,18}\z/', $value ), 'a number is malformed' );
		return (int) $value;
	}

	/**
	 * How many rows a page has.
	 *
	 * @param mixed $value As sent.
	 * @return int
	 */
	private static function limit( $value ) {
		return min( self::PAGE, max( 1, self::number( $value, 200 ) ) );
	}

	/**
	 * Whether a text is a SHA-256 in lower-case hex.
	 *
	 * @param string $value Text.
	 * @return bool
	 */
	private static function is_sha256( $value ) {
		return 1 === preg_match( '/^[0-9a-f]{64}\z/', $value );
	}

	/**
	 * Refuses the whole request where something does not hold.
	 *
	 * @param mixed  $holds   What must be true.
	 * @param string $message What is wrong otherwise.
	 * @throws Commerce_Connector_Bad_Request Where it is not.
	 */
	private static function check( $holds, $message ) {
		if ( ! $holds ) {
			throw new Commerce_Connector_Bad_Request( $message );
		}
	}
}
