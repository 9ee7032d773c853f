/**
 * The panel "Shop" beside a product, in whichever editor: shows what the site says of it, asks the
 * connector, and follows what becomes of it. Sentences come from the server; nothing is decided here.
 */
( function () {
	'use strict';

	const words = window.commerceConnectorPanel.words;
	const ROOT = '/commerce-connector/editor/v1';
	const REST_MS = 10000;
	const FOLLOW_MS = 250;

	/** An element with properties and children; texts are texts, never markup. */
	function make( tag, props, ...children ) {
		const element = document.createElement( tag );
		for ( const [ name, value ] of Object.entries( props || {} ) ) {
			if ( name === 'class' ) {
				element.className = value;
			} else if ( name.startsWith( 'on' ) ) {
				element.addEventListener( name.slice( 2 ), value );
			} else if ( value !== null && value !== false ) {
				element.setAttribute( name, value === true ? '' : value );
			}
		}
		element.append( ...children.filter( ( child ) => child !== null && child !== '' ) );
		return element;
	}

	function fill( sentence, ...values ) {
		return values.reduce(
			( text, value, place ) => text.replace( `%${ place + 1 }$s`, value ).replace( '%s', value ),
			sentence
		);
	}

	function button( label, action, more ) {
		return make( 'button', { type: 'button', class: 'button', onclick: action, ...more }, label );
	}

	/** What is known of each page, as long as it is open: editors take panels away and bring them back. */
	const memories = {};

	class Panel {
		constructor( root, post, isDirty ) {
			memories[ post ] = memories[ post ] || { opened: null, mine: '', told: null };
			this.memory = memories[ post ];
			this.root = root;
			this.post = post;
			this.isDirty = isDirty;
			this.shown = '';
			this.timer = 0;
			this.body = make( 'div', {}, make( 'p', {}, words.loading ) );
			this.live = make( 'div', { class: 'cc-live', role: 'status' } );
			this.rest = make( 'div' );
			root.replaceChildren( this.body, this.live, this.rest );
			this.wake = () => document.visibilityState === 'visible' && this.load();
			document.addEventListener( 'visibilitychange', this.wake );
			if ( this.memory.told ) {
				this.show( this.memory.told );
			}
			this.load();
		}

		stop() {
			window.clearTimeout( this.timer );
			document.removeEventListener( 'visibilitychange', this.wake );
			this.stopped = true;
		}

		// ---- what the site says ----

		async load() {
			window.clearTimeout( this.timer );
			let pause = REST_MS;
			try {
				const told = await window.wp.apiFetch( { path: `${ ROOT }/panel?post=${ this.post }` } );
				this.show( told );
				pause = this.isFollowing( told ) ? FOLLOW_MS : REST_MS;
			} catch ( error ) {
				this.say( this.reason( error ), 'bad' );
			}
			if ( ! this.stopped && document.visibilityState === 'visible' ) {
				this.timer = window.setTimeout( () => this.load(), pause );
			}
		}

		isFollowing( told ) {
			return ( told.requests || [] ).some( ( one ) => [ 'waiting', 'working' ].includes( one.standing ) );
		}

		reason( error ) {
			const status = error && error.data && error.data.status;
			const lost = [ 'rest_cookie_invalid_nonce', 'rest_not_logged_in', 'invalid_json' ].includes( error.code );
			// An answer itself is thrown where a fresh nonce was refused.
			if ( status === 401 || lost || error instanceof window.Response ) {
				return words.loggedOut;
			}
			return error && error.code !== 'fetch_error' && error.message ? error.message : words.offline;
		}

		/** Renders anew only where something changed, so that focus and open parts stay. */
		show( told ) {
			this.memory.told = told;
			this.memory.opened = this.memory.opened || told.marks || {};
			const text = JSON.stringify( told );
			if ( text === this.shown ) {
				return;
			}
			this.shown = text;
			const focus = this.root.contains( document.activeElement ) && document.activeElement.dataset.cc;
			const closed = this.rest.querySelector( 'details:not([open])' );
			this.body.replaceChildren( ...this.parts( told ).filter( Boolean ) );
			this.rest.replaceChildren( ...( told.bound ? [ this.owners( told ) ] : [] ) );
			if ( closed ) {
				this.rest.firstChild.open = false;
			}
			const again = focus && this.root.querySelector( `[data-cc="${ CSS.escape( focus ) }"]` );
			if ( again ) {
				again.focus();
			}
			this.follow( told );
		}

		parts( told ) {
			if ( ! told.bound ) {
				return [ this.state( told.state ) ];
			}
			return [
				this.state( told.state ),
				this.changed( told.marks ),
				...told.conflicts.map( ( one ) => this.conflict( one ) ),
				...told.parked.map( ( one ) => this.parked( one ) ),
				this.source( told.source ),
				this.actions( told ),
			];
		}

		state( state ) {
			return make(
				'div',
				{ class: `cc-state cc-${ state.tone }` },
				make( 'strong', {}, state.says ),
				state.detail ? make( 'span', { class: 'cc-quiet' }, state.detail ) : null
			);
		}

		source( source ) {
			const label = source.url
				? make(
						'a',
						{ href: source.url, target: '_blank', rel: 'noopener noreferrer' },
						source.id,
						make( 'span', { class: 'screen-reader-text' }, ` ${ words.newTab }` ),
						make( 'span', { 'aria-hidden': 'true' }, ' ↗' )
				  )
				: source.id;
			return make( 'p', { class: 'cc-source' }, `${ words.source } `, label );
		}

		changed( marks ) {
			const { opened } = this.memory;
			const fields = Object.keys( marks ).filter(
				( name ) => opened[ name ] && opened[ name ].mark !== marks[ name ].mark
			);
			if ( ! fields.length ) {
				return null;
			}
			return make(
				'div',
				{ class: 'cc-notice cc-wait', role: 'alert' },
				make( 'strong', {}, words.changed ),
				make(
					'ul',
					{},
					...fields.map( ( name ) => make( 'li', {}, `${ marks[ name ].label }: “${ marks[ name ].shop }”` ) )
				),
				make( 'p', {}, words.changedHint ),
				button( words.reload, () => this.reload(), { 'data-cc': 'reload' } )
			);
		}

		reload() {
			if ( this.isDirty() ) {
				this.say( words.unsaved, 'wait' );
			} else {
				window.location.reload();
			}
		}

		parked( one ) {
			return make(
				'div',
				{ class: 'cc-notice cc-bad' },
				make( 'p', {}, one.reason, ' ', make( 'span', { class: 'cc-quiet' }, one.since ) ),
				make( 'p', {}, make( 'strong', {}, words.todo ), ' ', one.next )
			);
		}

		// ---- what an editor asks ----

		actions( told ) {
			if ( ! told.can.resync ) {
				return null;
			}
			return make(
				'p',
				{ class: 'cc-actions' },
				button( words.resync, () => this.ask( 'resync' ), { class: 'button button-primary', 'data-cc': 'resync' } ),
				button( words.preview, () => this.ask( 'preview' ), { 'data-cc': 'preview' } )
			);
		}

		/** Asks, and answers whether the site has kept it. The same id is used again after silence. */
		async ask( action, more ) {
			const wish = { post: this.post, action, ...more };
			const key = JSON.stringify( wish );
			this.ids = this.ids || new Map();
			const id = this.ids.get( key ) || window.crypto.getRandomValues( new Uint32Array( 4 ) ).join( '-' );
			this.ids.set( key, id );
			try {
				const told = await window.wp.apiFetch( { path: `${ ROOT }/requests`, method: 'POST', data: { id, ...wish } } );
				this.ids.delete( key );
				this.memory.mine = id;
				this.show( told );
				window.clearTimeout( this.timer );
				this.timer = window.setTimeout( () => this.load(), FOLLOW_MS );
				return '';
			} catch ( error ) {
				const reason = this.reason( error );
				this.say( reason, 'bad' );
				return reason;
			}
		}

		/** What becomes of the latest request, told where it changes. */
		follow( told ) {
			const one = ( told.requests || [] ).find( ( each ) => each.id === this.memory.mine ) || null;
			if ( one ) {
				const tone = { done: 'good', refused: 'wait', failed: 'bad' }[ one.standing ] || 'quiet';
				this.say( one.says, tone, one.changes );
			}
		}

		say( text, tone, changes ) {
			const list = changes && changes.length
				? make( 'ul', {}, ...changes.map( ( each ) => make( 'li', {}, each ) ) )
				: null;
			const said = make( 'div', { class: `cc-notice cc-${ tone }` }, make( 'p', {}, text ), list );
			if ( said.outerHTML !== this.live.innerHTML ) {
				this.live.replaceChildren( said );
			}
		}

		// ---- who decides what ----

		owners( told ) {
			return make(
				'details',
				{ class: 'cc-owners', open: true },
				make( 'summary', { 'data-cc': 'who' }, words.who ),
				told.can.take_over ? null : make( 'p', { class: 'cc-quiet' }, words.noRight ),
				...told.groups.map( ( group ) => this.group( group, told.can ) )
			);
		}

		group( group, can ) {
			return make(
				'div',
				{ class: 'cc-group' },
				make(
					'h3',
					{},
					make( 'span', { class: `dashicons dashicons-${ group.icon === 'lock' ? 'lock' : 'edit' }`, 'aria-hidden': 'true' } ),
					` ${ group.label }`
				),
				make( 'p', { class: 'cc-quiet' }, group.why ),
				make( 'ul', {}, ...group.fields.map( ( one ) => this.field( one, can ) ) )
			);
		}

		field( one, can ) {
			const label = make( 'span', {}, one.label, one.note ? make( 'span', { class: 'cc-quiet' }, ` – ${ one.note }` ) : null );
			return make( 'li', {}, label, can.take_over && one.offer ? this.offer( one ) : null );
		}

		offer( one ) {
			const takes = one.offer === 'take_over';
			const sure = fill( takes ? words.sureTake : one.kept ? words.sureBack : words.sureBackGone, one.label );
			return make(
				'button',
				{
					type: 'button',
					class: 'button-link',
					'data-cc': `${ one.offer } ${ one.field }`,
					'aria-label': fill( takes ? words.takeOverOf : words.giveBackOf, one.label ),
					// eslint-disable-next-line no-alert -- A browser's own question is read out and needs no style.
					onclick: () => window.confirm( sure ) && this.ask( one.offer, { field: one.field } ),
				},
				takes ? words.takeOver : words.giveBack
			);
		}

		// ---- conflicts ----

		conflict( one ) {
			return make(
				'div',
				{ class: 'cc-notice cc-bad' },
				make( 'strong', {}, fill( words.contested, one.label ) ),
				make( 'p', {}, one.decided ? fill( words.decidedBy, one.decided ) : words.pageKeeps ),
				one.decided
					? null
					: button( words.decide, () => this.compare( one ), { 'data-cc': `decide ${ one.field }` } )
			);
		}

		/** Both sides beside each other. What is typed outlives a reload and a lost session. */
		compare( one ) {
			const key = `commerce-connector ${ this.post } ${ one.field } ${ one.mark }`;
			const kept = window.sessionStorage.getItem( key );
			const text = make( 'textarea', { rows: '6', id: 'cc-third' } );
			text.value = kept === null ? one.third : kept;
			text.addEventListener( 'input', () => window.sessionStorage.setItem( key, text.value ) );
			const problem = make( 'p', { class: 'cc-problem', role: 'alert' } );
			const decide = async ( choice, value ) => {
				problem.textContent = '';
				const more = { field: one.field, choice, seen: one.mark };
				const failed = await this.ask( 'resolve', choice === 'value' ? { ...more, value } : more );
				if ( failed ) {
					problem.textContent = failed;
					return;
				}
				window.sessionStorage.removeItem( key );
				dialog.close();
			};
			const third = make(
				'div',
				{ class: 'cc-third' },
				make( 'label', { for: 'cc-third' }, words.third ),
				make( 'p', { class: 'cc-quiet' }, one.lines ? words.thirdLines : words.thirdHint ),
				text,
				button( words.useThird, () => decide( 'value', text.value ) )
			);
			const dialog = make(
				'dialog',
				{ class: 'cc-dialog', 'aria-labelledby': 'cc-dialog-title' },
				make( 'h2', { id: 'cc-dialog-title' }, fill( words.decideOf, one.label ) ),
				make(
					'div',
					{ class: 'cc-sides' },
					this.side( words.onPage, one.page, one.by ? fill( words.edited, one.by, one.edited ) : '', button( words.keepPage, () => decide( 'site' ) ) ),
					this.side( words.inShop, one.shop, one.found, button( words.takeShop, () => decide( 'backend' ) ) )
				),
				one.base === null
					? null
					: make( 'details', {}, make( 'summary', {}, words.before ), make( 'pre', { tabindex: '0' }, one.base ) ),
				one.third === null ? null : third,
				problem,
				button( words.close, () => dialog.close(), { class: 'button cc-close' } )
			);
			dialog.addEventListener( 'close', () => {
				dialog.remove();
				const back = this.root.querySelector( `[data-cc="${ CSS.escape( `decide ${ one.field }` ) }"]` );
				( back || this.root ).focus();
			} );
			document.body.append( dialog );
			dialog.showModal();
		}

		side( title, value, more, choose ) {
			return make(
				'section',
				{},
				make( 'h3', {}, title, more ? make( 'span', { class: 'cc-quiet' }, ` ${ more }` ) : null ),
				make( 'pre', { tabindex: '0', 'aria-label': title }, value ),
				choose
			);
		}
	}

	/** Puts the panel of a page into an element; answers how to stop it. */
	function mount( root, post, isDirty ) {
		const panel = new Panel( root, post, isDirty );
		return () => panel.stop();
	}

	window.commerceConnectorPanel.mount = mount;

	document.addEventListener( 'DOMContentLoaded', () => {
		for ( const root of document.querySelectorAll( '[data-cc-panel]' ) ) {
			const form = document.getElementById( 'post' );
			let changed = false;
			form.addEventListener( 'input', () => ( changed = true ) );
			root.tabIndex = -1;
			mount( root, Number( root.dataset.ccPanel ), () => changed );
		}
	} );
} )();
