<?php
/**
 * Pages of products: makes and changes posts, a batch at a time.
 *
 * Posts go through wp_insert_post and wp_update_post, so that hooks of other plugins fire, but only
 * where an editorial field changed; everything else is written by statements over all rows.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Writes documents.
 */
final class Commerce_Connector_Content {

	/**
	 * Which HTML kses lets through: the contexts that core uses for people without unfiltered_html.
	 */
	const ALLOWED = array(
		'title'       => 'title_save_pre',
		'subtitle'    => 'post',
		'description' => 'post',
	);

	/**
	 * Name of the backend.
	 *
	 * @var string
	 */
	private $backend;

	/**
	 * Posts touched by the running transaction.
	 *
	 * @var int[]
	 */
	private $touched = array();

	/**
	 * Whether a post in the trash bears the slug of a page to be made.
	 *
	 * @var bool
	 */
	private $in_trash = false;

	/**
	 * A writer for one request.
	 *
	 * @param string $backend Backend.
	 */
	public function __construct( $backend ) {
		$this->backend = $backend;
	}

	/**
	 * Slugs of pages to make, and tags to make: WordPress itself does not keep these unique.
	 *
	 * @param object[] $items Items.
	 * @return string[]
	 */
	public function extra_locks( array $items ) {
		$locks = array();
		$bound = Commerce_Connector_Stored::object_ids( array_keys( $items ) );
		foreach ( array_diff_key( $items, $bound ) as $item ) {
			$locks[] = Commerce_Connector_Tables::subject_key( '', 'slug', sanitize_title( $item->slug ) );
		}
		if ( Commerce_Connector_Term_Lists::unknown_tags( $this->tags( $items ) ) ) {
			$locks[] = Commerce_Connector_Tables::subject_key( '', 'lock', 'terms' );
		}
		return array_values( array_unique( $locks ) );
	}

	/**
	 * Writes what can be written, and answers for each item.
	 *
	 * @param object[] $items  By subject key.
	 * @param array[]  $fences Fences of the subjects.
	 * @return array[] Receipts by subject key.
	 */
	public function apply( array $items, array $fences ) {
		$bound    = Commerce_Connector_Stored::bindings( array_keys( $items ) );
		$stored   = Commerce_Connector_Stored::products( $this->backend, array_column( $bound, 'object_id' ) );
		$terms    = new Commerce_Connector_Term_Lists( $this->backend, $this->categories( $items ), $this->tags( $items ) );
		$receipts = array();
		$pages    = array();
		foreach ( $items as $key => $item ) {
			$page    = $this->page( $item, isset( $bound[ $key ] ) ? $bound[ $key ] : null, $stored );
			$problem = self::problem( $item );
			$missing = $problem ? array() : $terms->missing( self::strings( $page['write'], 'categories' ) );
			if ( $problem ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'rejected', array( 'message' => $problem ) );
			} elseif ( ! $page['have'] && ! $item->whole ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'missing', array( 'message' => 'There is no such page; send the whole of it.' ) );
			} elseif ( $missing ) {
				$receipts[ $key ] = Commerce_Connector_Writes::receipt( $item, 'retry', array( 'message' => 'Categories are not here yet: ' . implode( ', ', $missing ) . '.' ) );
			} else {
				$pages[ $key ] = $page;
			}
		}
		$this->prime( $pages );
		$this->in_trash = self::are_in_trash( $items, $pages );
		foreach ( $pages as $key => $page ) {
			$pages[ $key ]['id'] = $this->save_post( $key, $items[ $key ], $page );
			$this->touched[]     = $pages[ $key ]['id'];
		}
		$this->save_meta( $pages );
		$terms->save( $pages );
		return $receipts + $this->confirm( $items, $pages, $bound, $fences );
	}

	/**
	 * After the commit: what caches took from within the transaction goes.
	 */
	public function done() {
		if ( $this->touched ) {
			$pages = array_merge( $this->touched, Commerce_Connector_Showing::pages_of( $this->touched ) );
			Commerce_Connector_Purge::pages( $pages );
			delete_transient( 'is_multi_author' );

			/**
			 * Pages of products were written.
			 *
			 * @param int[] $ids The posts, and those that show them by a block.
			 */
			do_action( 'commerce_connector_content_updated', $pages );
		}
	}

	/**
	 * After a rollback: the posts are not what caches say.
	 */
	public function undone() {
		foreach ( $this->touched as $id ) {
			wp_cache_delete( $id, 'posts' );
			wp_cache_delete( $id, 'post_meta' );
		}
		$this->touched = array();
	}

	/**
	 * What is to be done for one item: the present page, and which fields are written or kept.
	 *
	 * @param object     $item    Item.
	 * @param array|null $binding Row, or null.
	 * @param array[]    $stored  Pages that are there.
	 * @return array
	 */
	private function page( $item, $binding, array $stored ) {
		$id   = $binding ? (int) $binding['object_id'] : 0;
		$have = isset( $stored[ $id ] ) ? $stored[ $id ] : null;
		$page = array(
			'id'    => $have ? $id : 0,
			'have'  => $have,
			'write' => get_object_vars( $item->fields ),
			'kept'  => array(),
			'back'  => $have && Commerce_Connector_Retire::was_us( (int) $binding['retired'], $have['status'] ),
		);
		$last = $have ? (array) json_decode( $binding['hashes'], true ) : array();
		foreach ( $have ? get_object_vars( $item->expected ) : array() as $field => $hash ) {
			if ( ! array_key_exists( $field, $page['write'] ) ) {
				continue;
			}
			if ( 'slug' === $field && ! isset( $last[ $field ] ) && self::has_first_slug( $binding, $have ) ) {
				continue;
			}
			$now = Commerce_Connector_Stored::hash( isset( $have['raw'][ $field ] ) ? $have['raw'][ $field ] : null );
			if ( $now !== $hash && ( ! isset( $last[ $field ] ) || $now !== $last[ $field ] ) ) {
				$page['kept'][] = (string) $field;
				unset( $page['write'][ $field ] );
			}
		}
		foreach ( array_keys( array_intersect_key( $page['write'], get_object_vars( $item->joined ) ) ) as $field ) {
			if ( $have && self::would_touch( $field, $page['write'][ $field ], $have['raw'] ) ) {
				$page['kept'][] = (string) $field;
				unset( $page['write'][ $field ] );
			}
		}
		return $page;
	}

	/**
	 * Whether cleaning a joined text would touch what the editor wrote: where both it and the stored
	 * text are not as cleaning leaves them.
	 *
	 * @param string $field Field.
	 * @param mixed  $value Joined value.
	 * @param array  $raw   Stored values.
	 * @return bool
	 */
	private static function would_touch( $field, $value, array $raw ) {
		if ( ! isset( self::ALLOWED[ $field ], $raw[ $field ] ) || ! is_string( $value ) || $raw[ $field ] === $value ) {
			return false;
		}
		return self::clean( $value, self::ALLOWED[ $field ] ) !== $value && self::clean( $raw[ $field ], self::ALLOWED[ $field ] ) !== $raw[ $field ];
	}

	/**
	 * Whether a page still has the slug that it was made with, from before addresses followed.
	 *
	 * @param array $binding Row.
	 * @param array $have    The page as it is.
	 * @return bool
	 */
	private static function has_first_slug( array $binding, array $have ) {
		$bases = json_decode( $binding['bases'] );
		return isset( $bases->slug ) && sanitize_title( $bases->slug ) === $have['raw']['slug'];
	}

	/**
	 * Reads all posts that will be updated by one query.
	 *
	 * @param array[] $pages Pages.
	 */
	private function prime( array $pages ) {
		$ids = array_filter( array_column( $pages, 'id' ) );
		if ( $ids ) {
			_prime_post_caches( $ids, false, false );
		}
	}

	/**
	 * Whether posts in the trash bear slugs of pages to be made: asked once instead of for every post.
	 *
	 * @param object[] $items Items.
	 * @param array[]  $pages Pages.
	 * @return bool
	 */
	private static function are_in_trash( array $items, array $pages ) {
		global $wpdb;
		$slugs = array();
		foreach ( $pages as $key => $page ) {
			if ( ! $page['have'] ) {
				$slugs[] = sanitize_title( $items[ $key ]->slug );
			}
		}
		return $slugs && Commerce_Connector_Sql::rows( "SELECT ID FROM {$wpdb->posts} WHERE post_name IN (" . Commerce_Connector_Sql::in( $slugs ) . ") AND post_status = 'trash' LIMIT 1" );
	}

	/**
	 * Makes a post, or updates it where an editorial field or its state changes.
	 *
	 * @param string $key  Subject key.
	 * @param object $item Item.
	 * @param array  $page Page.
	 * @return int Post id.
	 * @throws Commerce_Connector_Item_Failed Where WordPress or a hook refuses this one.
	 * @throws Commerce_Connector_Busy        Where the database refuses.
	 */
	private function save_post( $key, $item, array $page ) {
		$post = array();
		foreach ( array_intersect_key( Commerce_Connector_Stored::COLUMNS, $page['write'] ) as $field => $column ) {
			$clean = $page['write'][ $field ];
			$stands = $page['have'] && $page['have']['raw'][ $field ] === $clean;
			if ( 'slug' === $field ) {
				$clean = sanitize_title( $clean );
			} elseif ( ! $stands && ! in_array( $field, $item->verbatim, true ) ) {
				$clean = self::clean( $clean, self::ALLOWED[ $field ] );
			}
			if ( ! $page['have'] || $page['have']['raw'][ $field ] !== $clean ) {
				$post[ $column ] = $clean;
			}
		}
		if ( $page['back'] ) {
			$post['post_status'] = 'publish';
			if ( 'trash' === $page['have']['status'] ) {
				wp_untrash_post( $page['id'] );
			}
		}
		if ( $page['have'] && ! $post ) {
			return $page['id'];
		}
		$post += $page['have'] ? array( 'ID' => $page['id'] ) : array(
			'post_type'      => Commerce_Connector_Types::PRODUCT,
			'post_status'    => 'publish',
			'post_author'    => Commerce_Connector_Types::user_id(),
			'post_name'      => $item->slug,
			'guid'           => home_url( '/?commerce-connector=' . $key ),
			'comment_status' => 'closed',
			'ping_status'    => 'closed',
		);
		try {
			$id = $page['have'] ? wp_update_post( wp_slash( $post ), true ) : $this->insert( $post );
		} catch ( Exception $error ) {
			throw new Commerce_Connector_Item_Failed( $key, 'A hook of another plugin failed with ' . get_class( $error ) . '.' );
		}
		if ( is_wp_error( $id ) && in_array( $id->get_error_code(), array( 'db_insert_error', 'db_update_error' ), true ) ) {
			throw new Commerce_Connector_Busy( 'The database refused a post.' );
		}
		if ( is_wp_error( $id ) || ! $id ) {
			throw new Commerce_Connector_Item_Failed( $key, is_wp_error( $id ) ? $id->get_error_message() : 'WordPress refused the post.' );
		}
		return $id;
	}

	/**
	 * Inserts a post. Two of core's own listeners rest meanwhile: there are no terms to count again,
	 * and done() clears what the other one clears, once instead of for every post. Neither does core
	 * look in the trash for the slug where we know that it is not there.
	 *
	 * @param array $post Post, not slashed.
	 * @return int|WP_Error
	 */
	private function insert( array $post ) {
		$resting = array( '_update_term_count_on_transition_post_status', '__clear_multi_author_cache' );
		foreach ( $resting as $listener ) {
			remove_action( 'transition_post_status', $listener );
		}
		add_filter( 'add_trashed_suffix_to_trashed_posts', array( $this, 'looks_in_trash' ) );
		try {
			return wp_insert_post( wp_slash( $post ), true );
		} finally {
			remove_filter( 'add_trashed_suffix_to_trashed_posts', array( $this, 'looks_in_trash' ) );
			foreach ( array_reverse( $resting ) as $listener ) {
				add_action( 'transition_post_status', $listener, 10, '__clear_multi_author_cache' === $listener ? 1 : 3 );
			}
		}
	}

	/**
	 * Whether core is to look for the slug in the trash.
	 *
	 * @param bool $looks What others think.
	 * @return bool
	 */
	public function looks_in_trash( $looks ) {
		return $looks && $this->in_trash;
	}

	/**
	 * A text from outside without anything that could run. Only what kses changed for safety is
	 * taken from it: a lone & stays one, as WordPress keeps it for people who may write HTML.
	 *
	 * @param string $text    HTML.
	 * @param string $allowed Context of kses.
	 * @return string
	 */
	private static function clean( $text, $allowed ) {
		if ( strcspn( $text, '<>&' ) === strlen( $text ) ) {
			return wp_kses_no_null( $text );
		}
		$clean = wp_kses( $text, $allowed );
		return preg_replace( '/&(?=\s|$)/D', '&amp;', $text ) === $clean ? $text : $clean;
	}

	/**
	 * Writes all meta rows of all pages.
	 *
	 * @param array[] $pages Pages with ids.
	 */
	private function save_meta( array $pages ) {
		global $wpdb;
		$old  = array();
		$new  = array();
		$gone = array();
		foreach ( $pages as $page ) {
			foreach ( self::meta( $page ) as $name => $value ) {
				$at = isset( $page['have']['meta_ids'][ $name ] ) ? $page['have']['meta_ids'][ $name ] : 0;
				if ( null === $value ) {
					$gone[] = (int) $at;
				} elseif ( $at ) {
					$old[] = array( $at, $page['id'], $name, $value );
				} else {
					$new[] = array( $page['id'], $name, $value );
				}
			}
		}
		Commerce_Connector_Sql::insert( $wpdb->postmeta, array( 'meta_id', 'post_id', 'meta_key', 'meta_value' ), $old, array( 'meta_value' ) );
		Commerce_Connector_Sql::insert( $wpdb->postmeta, array( 'post_id', 'meta_key', 'meta_value' ), $new );
		if ( array_filter( $gone ) ) {
			Commerce_Connector_Sql::run( "DELETE FROM {$wpdb->postmeta} WHERE meta_id IN (" . implode( ', ', array_filter( $gone ) ) . ')' );
		}
	}

	/**
	 * The meta rows of one page; null for one that goes away. The featured image is ours until an editor takes another.
	 *
	 * @param array $page Page.
	 * @return array Name to value.
	 */
	private static function meta( array $page ) {
		$meta = array();
		foreach ( $page['write'] as $field => $value ) {
			if ( ! isset( Commerce_Connector_Stored::COLUMNS[ $field ] ) && 'categories' !== $field && 'tags' !== $field ) {
				$meta[ Commerce_Connector_Stored::META . $field ] = null === $value ? null : Commerce_Connector_Stored::json( $value );
			}
		}
		if ( isset( $page['write']['media'] ) ) {
			$was = isset( $page['have']['raw']['media'] ) ? self::first_picture( json_decode( $page['have']['raw']['media'] ) ) : 0;
			$has = $page['have'] ? $page['have']['thumbnail'] : 0;
			$now = self::first_picture( $page['write']['media'] );
			if ( $has === $was && $has !== $now ) {
				$meta['_thumbnail_id'] = (string) $now;
			}
		}
		return $meta;
	}

	/**
	 * The attachment that stands first.
	 *
	 * @param mixed $media Value of the field.
	 * @return int
	 */
	private static function first_picture( $media ) {
		return is_array( $media ) && isset( $media[0]->id ) ? (int) $media[0]->id : 0;
	}

	/**
	 * Reads back what is stored now, notes it in the bindings, and answers.
	 *
	 * @param object[] $items  Items.
	 * @param array[]  $pages  Pages with ids.
	 * @param array[]  $bound  Bindings as they were.
	 * @param array[]  $fences Fences of the subjects.
	 * @return array[] Receipts by subject key.
	 */
	private function confirm( array $items, array $pages, array $bound, array $fences ) {
		$stored   = Commerce_Connector_Stored::products( $this->backend, array_column( $pages, 'id' ) );
		$receipts = array();
		$rows     = array();
		_prime_post_caches( array_column( $pages, 'id' ), false, false );
		self::keep_earlier( $pages, $bound );
		foreach ( $pages as $key => $page ) {
			$fields           = array_map( 'strval', array_keys( $page['write'] ) );
			$hashes           = Commerce_Connector_Stored::hashes( $stored[ $page['id'] ]['raw'], $fields );
			$was              = $page['have'] ? $bound[ $key ] : null;
			$joined           = array_intersect_key( get_object_vars( $items[ $key ]->joined ), $page['write'] );
			$rows[]           = array(
				$key,
				$this->backend,
				'product',
				$items[ $key ]->id,
				$page['id'],
				0,
				time(),
				self::merged( $was ? $was['hashes'] : '{}', array_fill_keys( array_keys( $joined ), '' ) + $hashes ),
				self::merged( $was ? $was['bases'] : '{}', $joined + $page['write'] + ( $was ? array() : array( 'slug' => $items[ $key ]->slug ) ) ),
				'',
			);
			$receipts[ $key ] = Commerce_Connector_Writes::receipt(
				$items[ $key ],
				'done',
				array(
					'cms_id' => (string) $page['id'],
					'url'    => get_permalink( $page['id'] ),
					'hashes' => $hashes,
					'kept'   => $page['kept'],
				) + self::replaced( $items[ $key ], $page, $fields, isset( $fences[ $key ]['content'] ) ? $fences[ $key ]['content'] : null )
			);
		}
		Commerce_Connector_Sql::insert( Commerce_Connector_Tables::name( 'bindings' ), array( 'subject_key', 'backend', 'kind', 'backend_id', 'object_id', 'retired', 'synced_at', 'hashes', 'bases', 'status' ), $rows, array( 'object_id', 'retired', 'synced_at', 'hashes', 'bases' ) );
		return $receipts;
	}

	/**
	 * Keeps the bases that are replaced, for editors that were opened with them.
	 *
	 * @param array[] $pages Pages.
	 * @param array[] $bound Bindings as they were.
	 */
	private static function keep_earlier( array $pages, array $bound ) {
		$names = array();
		foreach ( $pages as $key => $page ) {
			if ( $page['have'] ) {
				$names[ $key ] = array_map( 'strval', array_keys( $page['write'] ) );
			}
		}
		Commerce_Connector_Opened::keep( $bound, $names );
	}

	/**
	 * What a write replaced, so that it can be undone. Where the answer to the write before never
	 * reached the daemon, what that one replaced.
	 *
	 * @param object     $item   Item.
	 * @param array      $page   Page.
	 * @param string[]   $fields Fields written.
	 * @param array|null $last   Fence and receipt of the write before.
	 * @return array made and before.
	 */
	private static function replaced( $item, array $page, array $fields, $last ) {
		$made   = ! $page['have'];
		$before = array();
		foreach ( $made ? array() : $fields as $field ) {
			$raw              = isset( $page['have']['raw'][ $field ] ) ? $page['have']['raw'][ $field ] : null;
			$before[ $field ] = array(
				'value' => Commerce_Connector_Inventory::value( 'product', $field, $page['have']['raw'] ),
				'hash'  => Commerce_Connector_Stored::hash( $raw ),
			);
		}
		if ( $last && '' !== $last['receipt'] && null !== $item->seen && $item->seen !== $last['epoch'] . '.' . $last['sequence'] ) {
			$unseen = json_decode( $last['receipt'] );
			$made   = $made || ! empty( $unseen->made );
			$before = ( isset( $unseen->before ) ? get_object_vars( $unseen->before ) : array() ) + $before;
		}
		return array(
			'made'   => $made,
			'before' => $made ? null : (object) $before,
		);
	}

	/**
	 * A JSON object with some values put in.
	 *
	 * @param string $json   Object.
	 * @param array  $values By name.
	 * @return string
	 */
	private static function merged( $json, array $values ) {
		$object = json_decode( $json );
		foreach ( $values as $name => $value ) {
			$object->$name = $value;
		}
		return Commerce_Connector_Stored::json( $object );
	}

	/**
	 * What is wrong with an item; "" where nothing is.
	 *
	 * @param object $item Item.
	 * @return string
	 */
	private static function problem( $item ) {
		foreach ( get_object_vars( $item->fields ) as $field => $value ) {
			if ( ! preg_match( '/^[a-z][a-z0-9_]{0,60}(@[A-Za-z0-9-]{2,35})?\z/', $field ) ) {
				return 'A field has no proper name.';
			}
			if ( isset( Commerce_Connector_Stored::COLUMNS[ $field ] ) && ! is_string( $value ) ) {
				return "$field is no text.";
			}
			if ( in_array( $field, array( 'categories', 'tags' ), true ) && ( ! is_array( $value ) || array_filter( $value, 'is_string' ) !== $value ) ) {
				return "$field is no list of texts.";
			}
		}
		return '';
	}

	/**
	 * The texts of a list, or none.
	 *
	 * @param array  $fields Fields.
	 * @param string $name   Which.
	 * @return string[]
	 */
	private static function strings( array $fields, $name ) {
		return isset( $fields[ $name ] ) && is_array( $fields[ $name ] ) ? array_filter( $fields[ $name ], 'is_string' ) : array();
	}

	/**
	 * Tags of all items.
	 *
	 * @param object[] $items Items.
	 * @return string[]
	 */
	private function tags( array $items ) {
		return $this->all( $items, 'tags' );
	}

	/**
	 * Categories of all items.
	 *
	 * @param object[] $items Items.
	 * @return string[]
	 */
	private function categories( array $items ) {
		return $this->all( $items, 'categories' );
	}

	/**
	 * The texts of a list, over all items, each once.
	 *
	 * @param object[] $items Items.
	 * @param string   $name  Field.
	 * @return string[]
	 */
	private function all( array $items, $name ) {
		$seen = array();
		foreach ( $items as $item ) {
			foreach ( self::strings( get_object_vars( $item->fields ), $name ) as $one ) {
				$seen[ "x$one" ] = $one;
			}
		}
		return array_values( $seen );
	}
}
