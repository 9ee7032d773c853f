/**
 * The list of products, after "Resync from the shop": how far it is, what did not work, and how each
 * product stands now. Sentences come from the server.
 */
( function () {
	'use strict';

	const words = window.commerceConnectorBulk;
	const FOLLOW_MS = 1000;
	const REST_MS = 10000;

	function make( tag, props, ...children ) {
		const element = Object.assign( document.createElement( tag ), props );
		element.append( ...children );
		return element;
	}

	/** What is read out: each tenth of the way, each new problem, and the end. */
	function step( told ) {
		return told.over ? 'over' : `${ Math.floor( ( 10 * told.done ) / told.total ) } ${ told.failed }`;
	}

	function problem( one ) {
		const title = one.url ? make( 'a', { href: one.url, textContent: one.title } ) : one.title;
		return make( 'li', {}, title, `: ${ one.says }` );
	}

	function reason( error ) {
		const status = error && error.data && error.data.status;
		const lost = [ 'rest_cookie_invalid_nonce', 'rest_not_logged_in', 'invalid_json' ].includes( error.code );
		// An answer itself is thrown where a fresh nonce was refused.
		if ( status === 401 || lost || error instanceof window.Response ) {
			return words.loggedOut;
		}
		return status === 404 ? error.message : words.offline;
	}

	class Progress {
		constructor( root ) {
			this.root = root;
			this.shown = '';
			this.spoken = '';
			this.look();
		}

		async look() {
			let pause = REST_MS;
			try {
				const path = `/commerce-connector/editor/v1/bulk?batch=${ this.root.dataset.ccBulk }`;
				const told = await window.wp.apiFetch( { path } );
				this.show( told );
				if ( told.over && this.ended ) {
					return;
				}
				// Once more after the end: how products stand is told a moment after what was done.
				pause = FOLLOW_MS * ( told.over ? 3 : 1 );
				this.ended = told.over;
			} catch ( error ) {
				this.say( reason( error ) );
			}
			if ( this.root.isConnected ) {
				window.setTimeout( () => this.look(), pause );
			}
		}

		say( text ) {
			this.root.querySelector( '.cc-bulk-says strong' ).textContent = text;
			if ( text !== this.spoken ) {
				this.spoken = text;
				window.wp.a11y.speak( text );
			}
		}

		/** Changes only what is news, so that focus stays where it is. */
		show( told ) {
			const text = JSON.stringify( told );
			if ( text === this.shown ) {
				return;
			}
			this.shown = text;
			for ( const tone of [ 'info', 'success', 'warning' ] ) {
				this.root.classList.toggle( `notice-${ tone }`, tone === told.tone );
			}
			const bar = this.root.querySelector( 'progress' );
			bar.max = told.total;
			bar.value = told.done + told.failed;
			if ( this.step === step( told ) ) {
				this.spoken = told.says;
			}
			this.step = step( told );
			this.say( told.says );
			this.list( told );
			Object.entries( told.badges ).forEach( ( [ post, badges ] ) => this.mark( post, badges ) );
		}

		list( told ) {
			const text = JSON.stringify( [ told.problems, told.more ] );
			if ( text === this.listed ) {
				return;
			}
			this.listed = text;
			const list = make( 'ul', {}, ...told.problems.map( problem ) );
			this.root.querySelector( '.cc-bulk-problems' ).replaceChildren( ...( told.problems.length ? [ list, make( 'p', {}, told.more ) ] : [] ) );
		}

		mark( post, badges ) {
			const cell = document.querySelector( `#post-${ post } .column-commerce_connector` );
			if ( cell ) {
				cell.replaceChildren(
					...badges.flatMap( ( [ tone, says ] ) => [ make( 'span', { className: `cc-badge cc-${ tone }`, textContent: says } ), ' ' ] )
				);
			}
		}
	}

	document.addEventListener( 'DOMContentLoaded', () => {
		document.querySelectorAll( '[data-cc-bulk]' ).forEach( ( root ) => new Progress( root ) );
	} );
} )();
