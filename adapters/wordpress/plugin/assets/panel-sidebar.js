/**
 * The panel "Shop" in the block editor: the first of the document's panels.
 */
( function ( wp ) {
	'use strict';

	const { createElement, useEffect, useRef } = wp.element;
	const { useSelect, select } = wp.data;
	const DocumentPanel = ( wp.editor && wp.editor.PluginDocumentSettingPanel ) || wp.editPost.PluginDocumentSettingPanel;
	const { words, search } = window.commerceConnectorPanel;
	const { TextControl, TextareaControl } = wp.components;
	const SEARCH = 'commerce_connector_search';

	const NAME = 'commerce-connector-panel/shop';

	/** Document panels begin closed; this one is opened once for each person, then it is theirs. */
	function openOnce() {
		const editor = wp.data.select( 'core/editor' );
		const preferences = wp.data.select( 'core/preferences' );
		if ( editor.isEditorPanelOpened && ! preferences.get( 'commerce-connector', 'seen' ) ) {
			// First opened, then noted: of several changes only the first is saved at once.
			if ( ! editor.isEditorPanelOpened( NAME ) ) {
				wp.data.dispatch( 'core/editor' ).toggleEditorPanelOpened( NAME );
			}
			wp.data.dispatch( 'core/preferences' ).set( 'commerce-connector', 'seen', true );
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

	/** Title and description for search engines; saved with the page. */
	function SearchWords() {
		const value = useSelect( ( get ) => get( 'core/editor' ).getEditedPostAttribute( SEARCH ), [] );
		if ( ! value ) {
			return null;
		}
		const control = ( Control, name, label, help ) =>
			createElement( Control, {
				label,
				help,
				value: value[ name ],
				onChange: ( text ) => wp.data.dispatch( 'core/editor' ).editPost( { [ SEARCH ]: { ...value, [ name ]: text } } ),
				__nextHasNoMarginBottom: true,
				__next40pxDefaultSize: true,
			} );
		return createElement(
			DocumentPanel,
			{ name: 'search', title: search.panel, className: 'cc-search-panel' },
			search.plugin ? createElement( 'p', {}, search.plugin ) : null,
			control( TextControl, 'seo_title', search.title, search.titleHint ),
			control( TextareaControl, 'seo_description', search.description, search.descriptionHint )
		);
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
			createElement(
				wp.element.Fragment,
				{},
				createElement( DocumentPanel, { name: 'shop', title: words.shop, className: 'cc-document-panel' }, createElement( Shop ) ),
				createElement( SearchWords )
			),
	} );
} )( window.wp );
