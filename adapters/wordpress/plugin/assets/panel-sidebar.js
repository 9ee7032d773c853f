/**
 * The panel "Shop" in the block editor: the first of the document's panels.
 */
( function ( wp ) {
	'use strict';

	const { createElement, useEffect, useRef } = wp.element;
	const { useSelect, select } = wp.data;
	const DocumentPanel = ( wp.editor && wp.editor.PluginDocumentSettingPanel ) || wp.editPost.PluginDocumentSettingPanel;
	const words = window.commerceConnectorPanel.words;

	const NAME = 'commerce-connector-panel/shop';

	/** Document panels begin closed; this one is opened once for each person, then it is theirs. */
	function openOnce() {
		const editor = wp.data.select( 'core/editor' );
		const preferences = wp.data.select( 'core/preferences' );
		if ( editor.isEditorPanelOpened && ! preferences.get( 'commerce-connector', 'seen' ) ) {
			wp.data.dispatch( 'core/preferences' ).set( 'commerce-connector', 'seen', true );
			if ( ! editor.isEditorPanelOpened( NAME ) ) {
				wp.data.dispatch( 'core/editor' ).toggleEditorPanelOpened( NAME );
			}
		}
	}

	function Shop() {
		const root = useRef( null );
		const post = useSelect( ( get ) => get( 'core/editor' ).getCurrentPostId(), [] );
		useEffect( () => {
			if ( ! root.current || ! post ) {
				return undefined;
			}
			return window.commerceConnectorPanel.mount( root.current, post, () => select( 'core/editor' ).isEditedPostDirty() );
		}, [ post ] );
		return createElement( 'div', { ref: root, className: 'cc-panel', tabIndex: -1 } );
	}

	/** Each save says which state of the synced fields this editor was opened with. */
	function tellWhatWasOpened( options, next ) {
		const post = select( 'core/editor' ).getCurrentPostId();
		const opened = select( 'core/editor' ).getCurrentPostAttribute( 'commerce_connector_opened' );
		const isSave = options.data && new RegExp( `/commerce_product/${ post }(\\?|$)` ).test( options.path || '' );
		return next(
			isSave && opened ? { ...options, data: { ...options.data, commerce_connector_opened: opened } } : options
		);
	}

	wp.apiFetch.use( tellWhatWasOpened );
	wp.domReady( openOnce );

	wp.plugins.registerPlugin( 'commerce-connector-panel', {
		render: () =>
			createElement( DocumentPanel, { name: 'shop', title: words.shop, className: 'cc-document-panel' }, createElement( Shop ) ),
	} );
} )( window.wp );
