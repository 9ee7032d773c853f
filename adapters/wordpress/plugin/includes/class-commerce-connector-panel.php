<?php
/**
 * What an editor sees beside one product: one source for the block editor and the classic one.
 *
 * Reads what the site keeps; asks nobody. Sentences are in the editor's language.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * The panel of one page, as plain values.
 */
final class Commerce_Connector_Panel {

	/**
	 * Fields that editors can change in WordPress, so that taking them over means something.
	 */
	const EDITABLE = array( 'title', 'subtitle', 'description', 'seo_title', 'seo_description', 'categories', 'tags' );

	/**
	 * Fields that are lists of words; a third value of theirs is written an entry a line.
	 */
	const LISTS = array( 'categories', 'tags' );

	/**
	 * Everything that the panel shows of a page.
	 *
	 * @param WP_Post $post Page.
	 * @return array
	 */
	public static function of( $post ) {
		$bindings = Commerce_Connector_Sql::rows_if_possible( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $post->ID . ' ORDER BY id' );
		if ( ! $bindings ) {
			return array(
				'bound' => false,
				'state' => array(
					'tone'   => 'quiet',
					'says'   => __( 'This page shows no product of the shop.', 'commerce-connector' ),
					'detail' => '',
				),
			);
		}
		$binding = $bindings[0];
		$note    = (array) json_decode( $binding['status'], true );
		$summary = Commerce_Connector_Summary::of( $binding['backend'] );
		$asked   = Commerce_Connector_Requests::of_page( $post->ID );
		return array(
			'bound'     => true,
			'state'     => self::state( $binding, $note, $summary ),
			'source'    => self::source( $binding ),
			'conflicts' => self::conflicts( $note ),
			'parked'    => self::parked( $note ),
			'groups'    => self::groups( $summary, $note ),
			'marks'     => self::marks( $binding ),
			'requests'  => array_map( array( __CLASS__, 'request' ), $asked ),
			'can'       => array(
				'resync'    => current_user_can( 'edit_post', $post->ID ),
				'take_over' => current_user_can( Commerce_Connector_Types::TAKE_OVER ),
			),
		);
	}

	/**
	 * How the page stands, in one line and one more.
	 *
	 * @param array      $binding Row.
	 * @param array      $note    As the daemon said.
	 * @param array|null $summary As the daemon said.
	 * @return array tone, says, detail.
	 */
	private static function state( array $binding, array $note, $summary ) {
		$looked = $summary && isset( $summary['backend']['looked_at'] ) ? Commerce_Connector_Panel_Words::ago( $summary['backend']['looked_at'] ) : '';
		$wrote  = Commerce_Connector_Panel_Words::ago( (int) $binding['synced_at'] );
		$detail = array();
		if ( '' !== $looked && ! Commerce_Connector_Summary::is_silent( $summary ) ) {
			/* translators: %s: like 5 minutes ago. */
			$detail[] = sprintf( __( 'Shop checked %s.', 'commerce-connector' ), $looked );
		}
		if ( '' !== $wrote ) {
			/* translators: %s: like 5 minutes ago. */
			$detail[] = sprintf( __( 'Page last synced %s.', 'commerce-connector' ), $wrote );
		}
		list( $tone, $says ) = self::verdict( $binding, $note, $summary );
		return array(
			'tone'   => $tone,
			'says'   => $says,
			'detail' => implode( ' ', $detail ),
		);
	}

	/**
	 * The one thing that matters most now.
	 *
	 * @param array      $binding Row.
	 * @param array      $note    As the daemon said.
	 * @param array|null $summary As the daemon said.
	 * @return string[] Tone (good, wait, bad) and sentence.
	 */
	private static function verdict( array $binding, array $note, $summary ) {
		$open = count( self::undecided( $note ) );
		if ( ! empty( $note['parked'] ) ) {
			return array( 'bad', __( 'Not synced: something is wrong with this product', 'commerce-connector' ) );
		}
		if ( $open ) {
			/* translators: %s: number of fields. */
			return array( 'bad', sprintf( _n( '%s field waits for your decision', '%s fields wait for your decision', $open, 'commerce-connector' ), number_format_i18n( $open ) ) );
		}
		if ( Commerce_Connector_Summary::is_silent( $summary ) ) {
			return array( 'wait', __( 'Nothing was heard of the shop connection for a while', 'commerce-connector' ) );
		}
		if ( (int) $binding['retired'] ) {
			return array( 'wait', __( 'The shop no longer sells this product', 'commerce-connector' ) );
		}
		if ( ! empty( $note['waiting'] ) ) {
			$words = isset( $note['waiting']['lane'] ) && 'words' === $note['waiting']['lane'];
			return array( 'wait', $words ? __( 'Your words are on their way into the shop', 'commerce-connector' ) : __( 'A change from the shop is on its way', 'commerce-connector' ) );
		}
		return array( 'good', __( 'In step with the shop', 'commerce-connector' ) );
	}

	/**
	 * Where the product is in the shop.
	 *
	 * @param array $binding Row.
	 * @return array
	 */
	private static function source( array $binding ) {
		$source = json_decode( (string) get_post_meta( (int) $binding['object_id'], Commerce_Connector_Stored::META . 'source', true ), true );
		$url    = is_array( $source ) && ! empty( $source['admin_url'] ) ? esc_url_raw( (string) $source['admin_url'], array( 'http', 'https' ) ) : '';
		return array(
			'id'      => $binding['backend_id'],
			'backend' => $binding['backend'],
			'url'     => $url,
		);
	}

	/**
	 * The note's conflicts that nobody has decided.
	 *
	 * @param array $note As the daemon said.
	 * @return array[]
	 */
	public static function undecided( array $note ) {
		return array_values(
			array_filter(
				isset( $note['conflicts'] ) ? (array) $note['conflicts'] : array(),
				function ( $one ) {
					return is_array( $one ) && empty( $one['decided'] );
				}
			)
		);
	}

	/**
	 * Conflicts as the panel shows them.
	 *
	 * @param array $note As the daemon said.
	 * @return array[]
	 */
	private static function conflicts( array $note ) {
		$shown = array();
		foreach ( isset( $note['conflicts'] ) ? (array) $note['conflicts'] : array() as $one ) {
			$by      = empty( $one['edited_by'] ) ? '' : Commerce_Connector_Requests::name( $one['edited_by'] );
			$shown[] = array(
				'field'   => $one['field'],
				'label'   => Commerce_Connector_Panel_Words::field( $one['field'] ),
				'mark'    => $one['mark'],
				'third'   => self::third( $one ),
				'lines'   => in_array( $one['field'], self::LISTS, true ),
				'base'    => isset( $one['base'] ) ? self::plain( $one['base'] ) : null,
				'shop'    => self::plain( $one['backend'] ),
				'page'    => self::plain( $one['site'] ),
				'by'      => $by,
				'edited'  => Commerce_Connector_Panel_Words::ago( isset( $one['edited_at'] ) ? $one['edited_at'] : null ),
				'found'   => Commerce_Connector_Panel_Words::ago( $one['found_at'] ),
				'decided' => empty( $one['decided'] ) ? '' : (string) $one['decided']['by'],
			);
		}
		return $shown;
	}

	/**
	 * What a third value of a conflict begins with; null where none can be written.
	 *
	 * @param array $one Conflict.
	 * @return string|null
	 */
	private static function third( array $one ) {
		if ( in_array( $one['field'], self::LISTS, true ) && is_array( $one['site'] ) ) {
			return implode( "\n", array_map( 'strval', array_filter( $one['site'], 'is_scalar' ) ) );
		}
		return is_string( $one['backend'] ) && is_string( $one['site'] ) ? $one['site'] : null;
	}

	/**
	 * A third value as the field has it.
	 *
	 * @param string $field Field.
	 * @param string $text  As written.
	 * @return string|string[]
	 */
	public static function third_value( $field, $text ) {
		if ( ! in_array( $field, self::LISTS, true ) ) {
			return $text;
		}
		return array_values( array_unique( array_filter( array_map( 'trim', explode( "\n", $text ) ), 'strlen' ) ) );
	}

	/**
	 * A value as a text that people can read.
	 *
	 * @param mixed $value Value.
	 * @return string
	 */
	private static function plain( $value ) {
		if ( is_string( $value ) ) {
			return $value;
		}
		if ( is_array( $value ) && array_filter( $value, 'is_scalar' ) === $value ) {
			return implode( ', ', array_map( 'strval', $value ) );
		}
		return null === $value ? '' : (string) wp_json_encode( $value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES );
	}

	/**
	 * The beginning of a text, tags and all: what people compare is what stands there.
	 *
	 * @param string $text Text.
	 * @param int    $most Characters.
	 * @return string
	 */
	private static function brief( $text, $most ) {
		return mb_strlen( $text ) > $most ? mb_substr( $text, 0, $most ) . '…' : $text;
	}

	/**
	 * What was given up on.
	 *
	 * @param array $note As the daemon said.
	 * @return array[]
	 */
	private static function parked( array $note ) {
		$shown = array();
		foreach ( isset( $note['parked'] ) ? (array) $note['parked'] : array() as $one ) {
			$shown[] = array(
				'reason' => (string) $one['reason'],
				'next'   => Commerce_Connector_Panel_Words::next_step( $one ),
				'since'  => Commerce_Connector_Panel_Words::ago( $one['since'] ),
			);
		}
		if ( ! empty( $note['waiting']['reason'] ) ) {
			$shown[] = array(
				'reason' => (string) $note['waiting']['reason'],
				'next'   => __( 'You need not do anything: it is tried again by itself.', 'commerce-connector' ),
				'since'  => Commerce_Connector_Panel_Words::ago( $note['waiting']['since'] ),
			);
		}
		return $shown;
	}

	/**
	 * Every field, under who decides it.
	 *
	 * @param array|null $summary As the daemon said.
	 * @param array      $note    As the daemon said.
	 * @return array[]
	 */
	private static function groups( $summary, array $note ) {
		$groups = array(
			'shared' => array(
				'icon'  => 'pen',
				'label' => __( 'You and the shop', 'commerce-connector' ),
				'why'   => __( 'Write freely: your words stay. What the shop changes elsewhere in a text is added; if both change the same words, you decide.', 'commerce-connector' ),
			),
			'yours'  => array(
				'icon'  => 'pen',
				'label' => __( 'Yours alone', 'commerce-connector' ),
				'why'   => __( 'The shop never touches these.', 'commerce-connector' ),
			),
			'shop'   => array(
				'icon'  => 'lock',
				'label' => __( 'Only the shop', 'commerce-connector' ),
				'why'   => __( 'What you change here is overwritten. Change it in the shop instead.', 'commerce-connector' ),
			),
		);
		$sorted = array_fill_keys( array_keys( $groups ), array() );
		foreach ( $summary && isset( $summary['fields'] ) ? $summary['fields'] : array() as $row ) {
			$special              = isset( $note['fields'][ $row['field'] ] ) ? $note['fields'][ $row['field'] ] : null;
			list( $group, $line ) = self::line( $row, $special );
			$sorted[ $group ][]   = $line;
		}
		$shown = array();
		foreach ( $groups as $name => $group ) {
			if ( $sorted[ $name ] ) {
				$shown[] = $group + array( 'fields' => $sorted[ $name ] );
			}
		}
		return $shown;
	}

	/**
	 * One field.
	 *
	 * @param array      $row     field, owner, takes.
	 * @param array|null $special state, by, at: where this page has it otherwise than usual.
	 * @return array Group and what is shown.
	 */
	private static function line( array $row, $special ) {
		$usual = array(
			'commerce' => 'shop',
			'editor'   => 'yours',
		);
		$group = isset( $usual[ $row['owner'] ] ) ? $usual[ $row['owner'] ] : ( in_array( $row['field'], self::EDITABLE, true ) ? 'shared' : 'shop' );
		$line  = array(
			'field' => $row['field'],
			'label' => Commerce_Connector_Panel_Words::field( $row['field'] ),
			'note'  => '',
			'offer' => ! empty( $row['takes'] ) && in_array( $row['field'], self::EDITABLE, true ) ? 'take_over' : '',
			'kept'  => isset( Commerce_Connector_Stored::COLUMNS[ $row['field'] ] ),
		);
		if ( $special ) {
			$state         = $special['state'];
			$group         = 'returning' === $state ? 'shop' : 'yours';
			$line['offer'] = 'returning' === $state ? '' : 'give_back';
			$line['note']  = self::special( $state, preg_replace( '/ \(user [^)]*\)\z/', '', (string) $special['by'] ), Commerce_Connector_Panel_Words::ago( $special['at'] ) );
		}
		return array( $group, $line );
	}

	/**
	 * Why a field is decided otherwise on this page.
	 *
	 * @param string $state taken, returning or held.
	 * @param string $by    Who.
	 * @param string $ago   When.
	 * @return string
	 */
	private static function special( $state, $by, $ago ) {
		if ( 'returning' === $state ) {
			return __( 'given back, the shop writes it shortly', 'commerce-connector' );
		}
		if ( 'held' === $state ) {
			/* translators: 1: name, 2: like 5 minutes ago. */
			return sprintf( __( 'restored by %1$s %2$s, kept until the shop changes it', 'commerce-connector' ), $by, $ago );
		}
		/* translators: 1: name, 2: like 5 minutes ago. */
		return sprintf( __( 'taken over by %1$s %2$s', 'commerce-connector' ), $by, $ago );
	}

	/**
	 * By which an open editor sees that the shop wrote a field since.
	 *
	 * @param array $binding Row.
	 * @return array Field to label and mark.
	 */
	private static function marks( array $binding ) {
		$bases = (array) json_decode( $binding['bases'], true );
		$marks = array();
		foreach ( (array) json_decode( $binding['hashes'], true ) as $field => $hash ) {
			if ( in_array( $field, self::EDITABLE, true ) ) {
				$base            = isset( $bases[ $field ] ) ? $bases[ $field ] : '';
				$marks[ $field ] = array(
					'label' => Commerce_Connector_Panel_Words::field( $field ),
					'mark'  => Commerce_Connector_Opened::mark( $hash, $base ),
					'shop'  => self::brief( self::plain( $base ), 160 ),
				);
			}
		}
		return $marks;
	}

	/**
	 * A request as the panel shows it.
	 *
	 * @param array $row As Commerce_Connector_Requests gives it.
	 * @return array
	 */
	public static function request( array $row ) {
		$changes = array();
		foreach ( isset( $row['facts']['changes'] ) ? (array) $row['facts']['changes'] : array() as $change ) {
			$changes[] = self::change( (array) $change );
		}
		return array(
			'id'       => $row['id'],
			'action'   => $row['action'],
			'field'    => isset( $row['body']['field'] ) ? $row['body']['field'] : '',
			'standing' => $row['standing'],
			'says'     => Commerce_Connector_Panel_Words::answer( $row ),
			'changes'  => $changes,
			'mine'     => (int) $row['user_id'] === get_current_user_id(),
			'by'       => $row['by'],
			'ago'      => Commerce_Connector_Panel_Words::ago( (int) $row['at'] ),
		);
	}

	/**
	 * A change in a line.
	 *
	 * @param array $change what, sku, before, after, note.
	 * @return string
	 */
	private static function change( array $change ) {
		$label = Commerce_Connector_Panel_Words::field( (string) $change['what'] ) . ( empty( $change['sku'] ) ? '' : ' ' . $change['sku'] );
		$note  = isset( $change['note'] ) ? $change['note'] : '';
		$notes = array(
			'both'      => __( 'you changed it too; both are joined, or you decide', 'commerce-connector' ),
			'made'      => __( 'is made', 'commerce-connector' ),
			'create'    => __( 'is made', 'commerce-connector' ),
			'published' => __( 'is published again', 'commerce-connector' ),
			'retire'    => __( 'goes off sale', 'commerce-connector' ),
			'reject'    => __( 'cannot be shown', 'commerce-connector' ),
		);
		$parts = array();
		foreach ( array( 'before', 'after' ) as $side ) {
			if ( isset( $change[ $side ] ) ) {
				$parts[] = '“' . self::brief( self::plain( $change[ $side ] ), 60 ) . '”';
			}
		}
		$text = isset( $notes[ $note ] ) ? $notes[ $note ] : '';
		if ( isset( $change['before'] ) && ! isset( $change['after'] ) ) {
			/* translators: %s: an old value. */
			return $label . ': ' . sprintf( __( 'was %s', 'commerce-connector' ), $parts[0] );
		}
		return $label . ': ' . trim( $text . ' ' . implode( ' → ', $parts ) );
	}
}
