<?php
/**
 * Many products resynced at once: what was asked together, and how far it is.
 *
 * The requests of one batch bear its name in their ids, so that a batch needs no table of its own.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Batches of requests.
 */
final class Commerce_Connector_Bulk {

	const PREFIX         = 'bulk-';
	const BATCH          = '/\A[a-f0-9]{16}\z/';
	const SHOWN_PROBLEMS = 20;

	/**
	 * Asks for a resync of every product chosen that the user may edit.
	 *
	 * @param int[] $post_ids Posts.
	 * @return array batch ("" where nothing was asked), and left: how many were not asked for.
	 */
	public static function ask( array $post_ids ) {
		$batch = substr( str_replace( '-', '', wp_generate_uuid4() ), 0, 16 );
		$asked = 0;
		try {
			foreach ( $post_ids as $post_id ) {
				if ( current_user_can( 'edit_post', $post_id ) && Commerce_Connector_Requests::ask( self::PREFIX . "$batch-$post_id", $post_id, 'resync' ) ) {
					++$asked;
				}
			}
		} catch ( Commerce_Connector_Busy $error ) {
			Commerce_Connector_Sql::log( $error );
		}
		if ( $asked ) {
			Commerce_Connector_Requests::nudge();
		}
		return array( $asked ? $batch : '', count( $post_ids ) - $asked );
	}

	/**
	 * How far a batch of the user's own is.
	 *
	 * @param string $batch Batch.
	 * @return array|null total, done, failed, over, tone, says, problems, more and badges; null: there is none.
	 */
	public static function of( $batch ) {
		$rows = preg_match( self::BATCH, $batch ) ? self::rows( $batch ) : array();
		if ( ! $rows ) {
			return null;
		}
		$standings = array_count_values( array_column( $rows, 'standing' ) ) + array_fill_keys( array( 'waiting', 'working', 'done', 'refused', 'failed' ), 0 );
		$failed    = $standings['refused'] + $standings['failed'];
		$over      = 0 === $standings['waiting'] + $standings['working'];
		$problems  = array_values( array_filter( $rows, array( __CLASS__, 'is_problem' ) ) );
		$posts     = array_values( array_filter( array_unique( array_map( 'intval', array_column( $rows, 'object_id' ) ) ), array( __CLASS__, 'may_edit' ) ) );
		return array(
			'total'    => count( $rows ),
			'done'     => $standings['done'],
			'failed'   => $failed,
			'over'     => $over,
			'tone'     => $over ? ( $failed ? 'warning' : 'success' ) : 'info',
			'says'     => self::says( count( $rows ), $standings['done'], $failed, $over ),
			'problems' => array_map( array( __CLASS__, 'problem' ), array_slice( $problems, 0, self::SHOWN_PROBLEMS ) ),
			'more'     => self::more( count( $problems ) - self::SHOWN_PROBLEMS ),
			'badges'   => (object) Commerce_Connector_Product_List::badges_of( $posts ),
		);
	}

	/**
	 * The user's requests of a batch, oldest product first.
	 *
	 * @param string $batch Batch.
	 * @return array[]
	 */
	private static function rows( $batch ) {
		global $wpdb;
		$like = Commerce_Connector_Sql::literal( $wpdb->esc_like( self::PREFIX . "$batch-" ) . '%' );
		$rows = Commerce_Connector_Sql::rows_if_possible( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'requests' ) . " WHERE id LIKE $like AND user_id = " . get_current_user_id() . ' ORDER BY object_id, id' );
		foreach ( $rows as $place => $row ) {
			$rows[ $place ]['body']  = (array) json_decode( $row['body'], true );
			$rows[ $place ]['facts'] = (array) json_decode( $row['facts'], true );
		}
		return $rows;
	}

	/**
	 * Whether somebody may have to do something about a request.
	 *
	 * @param array $row Request.
	 * @return bool
	 */
	private static function is_problem( array $row ) {
		return in_array( $row['standing'], array( 'refused', 'failed' ), true ) || 'retrying' === $row['code'];
	}

	/**
	 * Whether the user may still edit a page.
	 *
	 * @param int $post_id Post.
	 * @return bool
	 */
	private static function may_edit( $post_id ) {
		return current_user_can( 'edit_post', $post_id );
	}

	/**
	 * What went wrong with one product, and where to look.
	 *
	 * @param array $row Request.
	 * @return array title, url ("" where the user may not edit it) and says.
	 */
	private static function problem( array $row ) {
		$post_id = (int) $row['object_id'];
		$title   = self::may_edit( $post_id ) ? html_entity_decode( wp_strip_all_tags( get_the_title( $post_id ) ), ENT_QUOTES, 'UTF-8' ) : '';
		return array(
			'title' => '' === $title ? $row['backend_id'] : $title,
			'url'   => (string) get_edit_post_link( $post_id, 'raw' ),
			'says'  => Commerce_Connector_Panel_Words::answer( $row ),
		);
	}

	/**
	 * How far it is, in a sentence.
	 *
	 * @param int  $total  Products.
	 * @param int  $done   Brought up to date.
	 * @param int  $failed Not.
	 * @param bool $over   Whether all are through.
	 * @return string
	 */
	private static function says( $total, $done, $failed, $over ) {
		list( $total_text, $done_text, $failed_text ) = array_map( 'number_format_i18n', array( $total, $done, $failed ) );
		if ( $over && ! $failed ) {
			/* translators: %s: number of products. */
			return sprintf( _n( 'Resync: done. %s product is up to date.', 'Resync: done. %s products are up to date.', $total, 'commerce-connector' ), $total_text );
		}
		if ( $over ) {
			/* translators: 1: number of products up to date, 2: of how many, 3: how many not. */
			return sprintf( __( 'Resync: done. Up to date: %1$s of %2$s. Not synced: %3$s.', 'commerce-connector' ), $done_text, $total_text, $failed_text );
		}
		if ( self::is_silent() ) {
			/* translators: 1: number of products up to date, 2: of how many. */
			return sprintf( __( 'Resync under way: %1$s of %2$s. Nothing was heard of the shop connection for a while; the rest follows by itself when it is back.', 'commerce-connector' ), $done_text, $total_text );
		}
		if ( $failed ) {
			/* translators: 1: number of products up to date, 2: of how many, 3: how many not. */
			return sprintf( __( 'Resync under way: %1$s of %2$s. Not synced: %3$s.', 'commerce-connector' ), $done_text, $total_text, $failed_text );
		}
		/* translators: 1: number of products up to date, 2: of how many. */
		return sprintf( __( 'Resync under way: %1$s of %2$s.', 'commerce-connector' ), $done_text, $total_text );
	}

	/**
	 * Whether no connector was heard of lately.
	 *
	 * @return bool
	 */
	private static function is_silent() {
		$summaries = Commerce_Connector_Summary::all();
		return count( array_filter( $summaries, array( 'Commerce_Connector_Summary', 'is_silent' ) ) ) === count( $summaries );
	}

	/**
	 * That there are more problems than are listed.
	 *
	 * @param int $count How many.
	 * @return string "" where there are none.
	 */
	private static function more( $count ) {
		/* translators: %s: number of products. */
		return $count > 0 ? sprintf( _n( 'and %s more', 'and %s more', $count, 'commerce-connector' ), number_format_i18n( $count ) ) : '';
	}
}
