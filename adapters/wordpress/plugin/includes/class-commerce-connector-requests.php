<?php
/**
 * What editors ask of the daemon: kept with the event that tells it, nudged, answered.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Requests and their answers. Checks no rights: whoever calls has.
 */
final class Commerce_Connector_Requests {

	const ACTIONS = array( 'resync', 'preview', 'take_over', 'give_back', 'resolve' );
	const SHOWN   = 5;

	/**
	 * Keeps one request for each product that a page shows, with the event that tells the daemon.
	 *
	 * The same id again is the same request. Call nudge() after the last one.
	 *
	 * @param string $id      As the editor's browser made it.
	 * @param int    $post_id Page.
	 * @param string $action  One of ACTIONS.
	 * @param array  $more    field, choice, value, seen.
	 * @return bool Whether the page shows a product.
	 * @throws Commerce_Connector_Busy When the database refuses.
	 */
	public static function ask( $id, $post_id, $action, array $more = array() ) {
		$bindings = Commerce_Connector_Sql::rows( 'SELECT backend, backend_id FROM ' . Commerce_Connector_Tables::name( 'bindings' ) . " WHERE kind = 'product' AND object_id = " . (int) $post_id );
		foreach ( $bindings as $place => $row ) {
			$one  = $place ? substr( $id, 0, 60 ) . "-$place" : $id;
			$body = Commerce_Connector_Stored::json( array_intersect_key( $more, array_flip( array( 'field', 'choice', 'value', 'seen' ) ) ) );
			$made = Commerce_Connector_Sql::insert(
				Commerce_Connector_Tables::name( 'requests' ),
				array( 'id', 'at', 'backend', 'backend_id', 'object_id', 'user_id', 'action', 'body', 'standing', 'code', 'says', 'facts' ),
				array( array( $one, time(), $row['backend'], $row['backend_id'], (int) $post_id, get_current_user_id(), $action, $body, 'waiting', '', '', '{}' ) ),
				array( 'id' )
			);
			if ( 1 === $made ) {
				Commerce_Connector_Events::note_request( $row['backend'], $row['backend_id'], $post_id, $one );
			}
		}
		return (bool) $bindings;
	}

	/**
	 * Tells the daemon that somebody waits. It looks by itself too: nothing is lost where this fails.
	 */
	public static function nudge() {
		foreach ( Commerce_Connector_Summary::all() as $summary ) {
			$address = isset( $summary['nudge'] ) ? (string) $summary['nudge'] : '';
			if ( preg_match( '#^https?://.+(/nudge/[^/?\#]+)\z#', $address, $found ) ) {
				wp_remote_post(
					$address,
					array(
						'timeout'     => 1,
						'blocking'    => false,
						'redirection' => 0,
						'headers'     => array( 'content-type' => 'application/json' ) + Commerce_Connector_Relay::signature( wp_generate_uuid4(), 'POST ' . $found[1] . "\n{}" ),
						'body'        => '{}',
					)
				);
			}
		}
	}

	/**
	 * Requests as events tell them.
	 *
	 * @param string[] $ids Ids.
	 * @return array[] By id.
	 */
	public static function told( array $ids ) {
		$told = array();
		$rows = $ids ? Commerce_Connector_Sql::rows( 'SELECT id, action, body, user_id FROM ' . Commerce_Connector_Tables::name( 'requests' ) . ' WHERE id IN (' . Commerce_Connector_Sql::in( $ids ) . ')' ) : array();
		foreach ( $rows as $row ) {
			$more               = (array) json_decode( $row['body'] );
			$told[ $row['id'] ] = array(
				'id'     => $row['id'],
				'action' => $row['action'],
				'by'     => self::name( $row['user_id'] ),
			) + $more;
		}
		return $told;
	}

	/**
	 * Keeps what has become of requests.
	 *
	 * @param object[] $items request, standing, code, says, at and facts.
	 * @return int How many were kept.
	 */
	public static function answer( array $items ) {
		$kept = 0;
		foreach ( $items as $item ) {
			$values = array(
				'standing'    => $item->standing,
				'code'        => $item->code,
				'says'        => $item->says,
				'facts'       => Commerce_Connector_Stored::json( $item->facts ),
				'answered_at' => (int) strtotime( $item->at ),
			);
			$set    = array();
			foreach ( $values as $column => $value ) {
				$set[] = "$column = " . Commerce_Connector_Sql::literal( $value );
			}
			$kept += Commerce_Connector_Sql::run( 'UPDATE ' . Commerce_Connector_Tables::name( 'requests' ) . ' SET ' . implode( ', ', $set ) . ' WHERE id = ' . Commerce_Connector_Sql::literal( $item->request ) );
		}
		Commerce_Connector_Sql::run( 'DELETE FROM ' . Commerce_Connector_Tables::name( 'requests' ) . ' WHERE at < ' . ( time() - 30 * DAY_IN_SECONDS ) );
		return $kept;
	}

	/**
	 * The latest requests of a page, newest first.
	 *
	 * @param int $post_id Page.
	 * @return array[]
	 */
	public static function of_page( $post_id ) {
		$rows = Commerce_Connector_Sql::rows_if_possible( 'SELECT * FROM ' . Commerce_Connector_Tables::name( 'requests' ) . ' WHERE object_id = ' . (int) $post_id . ' ORDER BY at DESC, id DESC LIMIT ' . self::SHOWN );
		foreach ( $rows as $place => $row ) {
			$rows[ $place ]['body']  = (array) json_decode( $row['body'], true );
			$rows[ $place ]['facts'] = (array) json_decode( $row['facts'], true );
			$rows[ $place ]['by']    = self::name( $row['user_id'] );
		}
		return $rows;
	}

	/**
	 * Pages of which something is asked and not answered yet.
	 *
	 * @param int[] $post_ids Pages.
	 * @return int[]
	 */
	public static function open_pages( array $post_ids ) {
		$rows = $post_ids ? Commerce_Connector_Sql::rows_if_possible( 'SELECT DISTINCT object_id FROM ' . Commerce_Connector_Tables::name( 'requests' ) . " WHERE standing IN ('waiting', 'working') AND object_id IN (" . Commerce_Connector_Sql::in( array_map( 'intval', $post_ids ) ) . ')' ) : array();
		return array_map( 'intval', array_column( $rows, 'object_id' ) );
	}

	/**
	 * A person's name.
	 *
	 * @param int|string $user_id User.
	 * @return string
	 */
	public static function name( $user_id ) {
		$user = get_userdata( (int) $user_id );
		/* translators: %d: number of a user who is no longer there. */
		return $user ? mb_substr( $user->display_name, 0, 80 ) : sprintf( __( 'user %d', 'commerce-connector' ), (int) $user_id );
	}
}
