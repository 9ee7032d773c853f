/**
 * The blocks in the editor: a preview as the server renders it, and what can be chosen beside it.
 *
 * Plain script on wp.*, nothing to build. What a block shows is decided by its render.php alone.
 */
( function ( wp ) {
	'use strict';

	const { createElement: h, Fragment, useEffect, useState } = wp.element;
	const { InspectorControls, useBlockProps } = wp.blockEditor;
	const { ComboboxControl, Disabled, FormTokenField, PanelBody, RangeControl, SelectControl, TextControl, ToggleControl } = wp.components;
	const { __ } = wp.i18n;
	const ServerSideRender = wp.serverSideRender;
	const TAXONOMIES = { category: 'commerce_category', tag: 'commerce_tag' };
	const WAIT_MS = 250;

	/** Products that fit what is typed; the chosen ones are always among them. */
	function useProducts( search, include ) {
		const [ found, setFound ] = useState( [] );
		useEffect( () => {
			let isOver = false;
			const timer = setTimeout( () => {
				const asked = [ wp.apiFetch( { path: wp.url.addQueryArgs( '/commerce-connector-editor/v1/products', { search } ) } ) ];
				if ( include.length ) {
					asked.push( wp.apiFetch( { path: wp.url.addQueryArgs( '/commerce-connector-editor/v1/products', { include } ) } ) );
				}
				Promise.all( asked ).then( ( lists ) => isOver || setFound( unique( lists.flat() ) ), () => {} );
			}, WAIT_MS );
			return () => {
				isOver = true;
				clearTimeout( timer );
			};
		}, [ search, include.join() ] );
		return found;
	}

	function unique( products ) {
		return [ ...new Map( products.map( ( each ) => [ each.id, each ] ) ).values() ];
	}

	function labelOf( { title, skus, price } ) {
		return [ title, skus.slice( 0, 3 ).join( ', ' ), price ].filter( Boolean ).join( ' · ' );
	}

	/** Finds one product by typing its title or SKU. */
	function ProductPicker( { value, onChange } ) {
		const [ search, setSearch ] = useState( '' );
		const products = useProducts( search, value ? [ value ] : [] );
		return h( ComboboxControl, {
			__next40pxDefaultSize: true,
			__nextHasNoMarginBottom: true,
			label: __( 'Product', 'commerce-connector' ),
			help: __( 'Type a title or a SKU. Empty: the product whose page this is.', 'commerce-connector' ),
			value: value || null,
			options: products.map( ( each ) => ( { value: each.id, label: labelOf( each ) } ) ),
			onFilterValueChange: setSearch,
			onChange: ( id ) => onChange( Number( id ) || 0 ),
		} );
	}

	/** Chooses categories or tags by their names. */
	function TermPicker( { label, taxonomy, value, onChange } ) {
		const terms = wp.data.useSelect( ( select ) => select( 'core' ).getEntityRecords( 'taxonomy', taxonomy, { per_page: 100 } ) || [], [ taxonomy ] );
		const nameOf = ( id ) => ( terms.find( ( each ) => each.id === id ) || { name: String( id ) } ).name;
		const idOf = ( name ) => ( terms.find( ( each ) => each.name === name ) || {} ).id;
		return h( FormTokenField, {
			__next40pxDefaultSize: true,
			__nextHasNoMarginBottom: true,
			label,
			value: value.map( nameOf ),
			suggestions: terms.map( ( each ) => each.name ),
			onChange: ( names ) => onChange( names.map( ( name ) => idOf( name ) || value.find( ( id ) => nameOf( id ) === name ) ).filter( Boolean ) ),
			__experimentalExpandOnFocus: true,
		} );
	}

	function productSettings( { attributes, setAttributes } ) {
		return h( ProductPicker, { value: attributes.productId, onChange: ( productId ) => setAttributes( { productId } ) } );
	}

	function gridSettings( { attributes, setAttributes } ) {
		const set = ( name ) => ( value ) => setAttributes( { [ name ]: value } );
		const plain = { __next40pxDefaultSize: true, __nextHasNoMarginBottom: true };
		return h(
			Fragment,
			{},
			h( TermPicker, { label: __( 'Categories', 'commerce-connector' ), taxonomy: TAXONOMIES.category, value: attributes.category, onChange: set( 'category' ) } ),
			h( TermPicker, { label: __( 'Tags', 'commerce-connector' ), taxonomy: TAXONOMIES.tag, value: attributes.tag, onChange: set( 'tag' ) } ),
			h( TextControl, { ...plain, label: __( 'Words', 'commerce-connector' ), value: attributes.search, onChange: set( 'search' ) } ),
			h( SelectControl, {
				...plain,
				label: __( 'Order by', 'commerce-connector' ),
				value: attributes.orderBy + ' ' + attributes.order,
				options: [
					{ value: 'date desc', label: __( 'Newest first', 'commerce-connector' ) },
					{ value: 'modified desc', label: __( 'Last changed first', 'commerce-connector' ) },
					{ value: 'title asc', label: __( 'Title', 'commerce-connector' ) },
					{ value: 'price asc', label: __( 'Cheapest first', 'commerce-connector' ) },
					{ value: 'price desc', label: __( 'Dearest first', 'commerce-connector' ) },
				],
				onChange: ( both ) => setAttributes( { orderBy: both.split( ' ' )[ 0 ], order: both.split( ' ' )[ 1 ] } ),
			} ),
			h( RangeControl, { ...plain, label: __( 'Products on a page', 'commerce-connector' ), min: 1, max: 48, value: attributes.perPage, onChange: set( 'perPage' ) } ),
			h( RangeControl, { ...plain, label: __( 'Columns', 'commerce-connector' ), min: 1, max: 6, value: attributes.columns, onChange: set( 'columns' ) } ),
			h( ToggleControl, { __nextHasNoMarginBottom: true, label: __( 'Further pages', 'commerce-connector' ), checked: attributes.paged, onChange: set( 'paged' ) } )
		);
	}

	/** A block that shows what the server renders. */
	function block( name, settings ) {
		const whole = 'commerce-connector/' + name;
		wp.blocks.registerBlockType( whole, {
			edit( props ) {
				const postId = props.context && props.context.postId;
				return h(
					'div',
					useBlockProps(),
					settings && h( InspectorControls, {}, h( PanelBody, { title: __( 'Shop', 'commerce-connector' ) }, settings( props ) ) ),
					h( Disabled, {}, h( ServerSideRender, { block: whole, attributes: props.attributes, urlQueryArgs: postId ? { post_id: postId } : {} } ) )
				);
			},
			save: () => null,
		} );
	}

	block( 'price', productSettings );
	block( 'buy-button', productSettings );
	block( 'product-card', productSettings );
	block( 'product-grid', gridSettings );
	block( 'cart' );
	block( 'mini-cart' );
	block( 'checkout' );
} )( window.wp );
