<?php
/**
 * The parts of a shop: price, stock, buy form, card, grid, cart, mini cart, checkout.
 *
 * Blocks, shortcodes, the product's page and themes all get their markup here. It stands and works
 * without script; the storefront's elements upgrade it. Nothing personal is in it, but on pages that
 * nobody keeps.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Markup of each part.
 */
final class Commerce_Connector_Parts {

	const NAMES = array( 'price', 'stock', 'buy', 'card', 'grid', 'cart', 'mini_cart', 'checkout' );

	/**
	 * How often a product's form stands on this page so far.
	 *
	 * @var int[]
	 */
	private static $forms = array();

	/**
	 * One part, by name.
	 *
	 * @param string $name One of NAMES.
	 * @param array  $wish product (post), sku, form, and what grids take.
	 * @return string
	 */
	public static function render( $name, array $wish = array() ) {
		if ( in_array( $name, array( 'cart', 'mini_cart', 'checkout' ), true ) ) {
			return self::$name();
		}
		if ( 'grid' === $name ) {
			return Commerce_Connector_Grid::render( $wish );
		}
		$product = self::product( $wish );
		return $product && in_array( $name, self::NAMES, true ) ? self::$name( $product, isset( $wish['form'] ) ? (string) $wish['form'] : '' ) : '';
	}

	/**
	 * The product that is wished for: by post, by SKU, or the one whose page this is.
	 *
	 * @param array $wish product or sku.
	 * @return array|null Null: there is none that visitors may see.
	 */
	public static function product( array $wish ) {
		$id = isset( $wish['product'] ) ? (int) $wish['product'] : 0;
		if ( ! $id && ! empty( $wish['sku'] ) ) {
			$ids = Commerce_Connector_Picker::by_sku( (string) $wish['sku'], true );
			$id  = $ids ? $ids[0] : -1;
		}
		$id = $id ? $id : (int) get_the_ID();
		if ( 'publish' !== get_post_status( $id ) && ! current_user_can( 'read_post', $id ) ) {
			return null;
		}
		return post_password_required( $id ) ? null : Commerce_Connector_View::product( $id );
	}

	// ---- of a product ----

	/**
	 * Its price.
	 *
	 * @param array  $product As Commerce_Connector_View::product() gives.
	 * @param string $form    The form whose choice it follows.
	 * @return string
	 */
	public static function price( array $product, $form = '' ) {
		if ( '' === $product['price_text'] ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		$choices = self::choices( $product );
		return Commerce_Connector_Template::render(
			'price',
			array(
				'product' => $product,
				'follows' => self::follows( $choices, $form ),
				'struck'  => 1 === count( $choices ) ? $choices[0]['compare_at_text'] : '',
			)
		);
	}

	/**
	 * Whether it can be had.
	 *
	 * @param array  $product As Commerce_Connector_View::product() gives.
	 * @param string $form    The form whose choice it follows.
	 * @return string
	 */
	public static function stock( array $product, $form = '' ) {
		if ( '' === $product['availability'] ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		return Commerce_Connector_Template::render(
			'stock',
			array(
				'product' => $product,
				'follows' => self::follows( self::choices( $product ), $form ),
			)
		);
	}

	/**
	 * The form that puts it into the cart.
	 *
	 * @param array  $product As Commerce_Connector_View::product() gives.
	 * @param string $form    Id of the form; "": the next one.
	 * @return string Empty where it cannot be bought here.
	 */
	public static function buy( array $product, $form = '' ) {
		$choices = self::choices( $product );
		if ( ! $choices || $product['retired'] || ! Commerce_Connector_Relay::is_there() ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		$form = '' === $form ? self::form_id( $product ) : $form;
		return Commerce_Connector_Template::render(
			'buy',
			array(
				'product'  => $product,
				'form'     => $form,
				'choices'  => $choices,
				'chosen'   => Commerce_Connector_Forms::form() === $form ? Commerce_Connector_Forms::text( 'variant' ) : '',
				'quantity' => Commerce_Connector_Forms::form() === $form ? Commerce_Connector_Forms::text( 'quantity' ) : '1',
				'wrong'    => Commerce_Connector_Forms::form() === $form ? Commerce_Connector_Says::fields() : array(),
				'cart_url' => Commerce_Connector_Shop_Pages::url( 'cart' ),
			)
		);
	}

	/**
	 * A card that leads to its page.
	 *
	 * @param array $product As Commerce_Connector_View::product() gives.
	 * @return string
	 */
	public static function card( array $product ) {
		Commerce_Connector_Elements::need();
		return Commerce_Connector_Template::render(
			'card',
			array(
				'product' => $product,
				'title'   => get_the_title( $product['id'] ),
				'url'     => (string) get_permalink( $product['id'] ),
				'price'   => self::price( $product ),
				'buy'     => 1 === count( self::choices( $product ) ) ? self::buy( $product ) : '',
			)
		);
	}

	/**
	 * The next id for a form of a product on this page.
	 *
	 * @param array $product Product.
	 * @return string
	 */
	public static function form_id( array $product ) {
		$id                 = (int) $product['id'];
		self::$forms[ $id ] = isset( self::$forms[ $id ] ) ? self::$forms[ $id ] + 1 : 1;
		return "commerce-buy-$id" . ( 1 < self::$forms[ $id ] ? '-' . self::$forms[ $id ] : '' );
	}

	/**
	 * What of it can be chosen: the variants that have an offer.
	 *
	 * @param array $product As Commerce_Connector_View::product() gives.
	 * @return array[] variant, title, and the first offer's amount_text, compare_at_text, availability.
	 */
	private static function choices( array $product ) {
		$choices = array();
		foreach ( $product['variants'] as $variant ) {
			$offer = isset( $product['by_variant'][ $variant['id'] ] ) ? $product['by_variant'][ $variant['id'] ][0] : null;
			if ( $offer ) {
				$choices[] = array(
					'variant' => (string) $variant['id'],
					'title'   => (string) $variant['title'],
				) + $offer;
			}
		}
		return $choices;
	}

	/**
	 * What price and stock follow: the form with the choice, the only article, or nothing.
	 *
	 * @param array[] $choices As choices() gives.
	 * @param string  $form    Id of the form.
	 * @return string[] Attribute and value.
	 */
	private static function follows( array $choices, $form ) {
		if ( 1 === count( $choices ) ) {
			return array( 'variant', $choices[0]['variant'] );
		}
		return '' === $form ? array() : array( 'for', $form );
	}

	// ---- of a shopper ----

	/**
	 * The cart itself.
	 *
	 * @return string
	 */
	private static function cart() {
		if ( ! Commerce_Connector_Relay::is_there() ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		return Commerce_Connector_Template::render( 'cart', self::shoppers() + array( 'checkout_url' => Commerce_Connector_Shop_Pages::url( 'checkout' ) ) );
	}

	/**
	 * The button that opens the cart.
	 *
	 * @return string
	 */
	private static function mini_cart() {
		if ( ! Commerce_Connector_Relay::is_there() ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		return Commerce_Connector_Template::render(
			'mini-cart',
			array(
				'cart_url'     => Commerce_Connector_Shop_Pages::url( 'cart' ),
				'checkout_url' => Commerce_Connector_Shop_Pages::url( 'checkout' ),
			)
		);
	}

	/**
	 * The checkout, step by step.
	 *
	 * @return string
	 */
	private static function checkout() {
		if ( ! Commerce_Connector_Relay::is_there() ) {
			return '';
		}
		Commerce_Connector_Elements::need();
		$is_private = Commerce_Connector_Shop_Pages::is_private();
		return Commerce_Connector_Template::render(
			'checkout',
			( $is_private ? Commerce_Connector_Checkout::view() : array( 'step' => 'elsewhere' ) ) + array(
				'cart_url' => Commerce_Connector_Shop_Pages::url( 'cart' ),
				'wrong'    => Commerce_Connector_Says::fields(),
				'url'      => Commerce_Connector_Shop_Pages::url( 'checkout' ),
			)
		);
	}

	/**
	 * The shopper's cart, on pages that nobody keeps.
	 *
	 * @return array is_private, cart, away.
	 */
	private static function shoppers() {
		$is_private = Commerce_Connector_Shop_Pages::is_private();
		$known      = $is_private ? Commerce_Connector_Checkout::cart() : array();
		return array(
			'is_private' => $is_private,
			'cart_url'   => Commerce_Connector_Shop_Pages::url( 'cart' ),
		) + $known + array(
			'cart' => null,
			'away' => false,
		);
	}
}
