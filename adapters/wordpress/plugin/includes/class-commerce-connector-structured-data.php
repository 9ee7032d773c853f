<?php
/**
 * What machines read of a product's page: schema.org JSON-LD, title and description.
 *
 * @package Commerce_Connector
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/**
 * Output in the head of product pages.
 */
final class Commerce_Connector_Structured_Data {

	const AVAILABILITY = array(
		'in_stock'     => 'https://schema.org/InStock',
		'out_of_stock' => 'https://schema.org/OutOfStock',
		'backorder'    => 'https://schema.org/BackOrder',
	);

	/**
	 * Prints Product and Offer.
	 */
	public static function print_json_ld() {
		$product = self::current();
		if ( $product ) {
			echo '<script type="application/ld+json">' . wp_json_encode( self::json_ld( $product ), JSON_HEX_TAG | JSON_HEX_AMP ) . "</script>\n"; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON with < > & escaped.
		}
	}

	/**
	 * Prints the description that the backend has for search engines, unless an SEO plugin is there.
	 */
	public static function print_description() {
		$product = self::current();
		if ( $product && '' !== $product['seo_description'] && ! self::has_seo_plugin() ) {
			printf( '<meta name="description" content="%s" />' . "\n", esc_attr( $product['seo_description'] ) );
		}
	}

	/**
	 * Puts the title that the backend has for search engines, unless an SEO plugin is there.
	 *
	 * @param array $parts Parts of the document's title.
	 * @return array
	 */
	public static function title_parts( $parts ) {
		$product = self::current();
		if ( $product && '' !== $product['seo_title'] && ! self::has_seo_plugin() ) {
			$parts['title'] = $product['seo_title'];
		}
		return $parts;
	}

	/**
	 * A product as schema.org says it.
	 *
	 * @param array $product As Commerce_Connector_View::product() gives.
	 * @return array
	 */
	private static function json_ld( array $product ) {
		$post = get_post( $product['id'] );
		$data = array(
			'@context'    => 'https://schema.org',
			'@type'       => 'Product',
			'@id'         => get_permalink( $post ) . '#product',
			'name'        => self::plain( get_the_title( $post ) ),
			'url'         => get_permalink( $post ),
			'description' => self::plain( '' !== $post->post_excerpt ? $post->post_excerpt : $post->post_content ),
			'image'       => array_values( array_filter( array_map( 'wp_get_attachment_url', array_map( 'intval', array_column( $product['media'], 'id' ) ) ) ) ),
			'offers'      => array(),
		);
		foreach ( $product['offers'] as $offer ) {
			if ( 1 === (int) $offer['min_quantity'] ) {
				$data['offers'][] = self::offer( $offer, get_permalink( $post ) );
			}
		}
		$skus = array_values( array_filter( array_column( $product['variants'], 'sku' ) ) );
		if ( 1 === count( $skus ) ) {
			$data['sku'] = $skus[0];
		}
		return array_filter( $data );
	}

	/**
	 * Words without markup: in JSON an entity would be read as it is written.
	 *
	 * @param string $html HTML.
	 * @return string
	 */
	private static function plain( $html ) {
		return html_entity_decode( wp_strip_all_tags( $html, true ), ENT_QUOTES, 'UTF-8' );
	}

	/**
	 * An offer as schema.org says it.
	 *
	 * @param array  $offer Row.
	 * @param string $url   Page.
	 * @return array
	 */
	private static function offer( array $offer, $url ) {
		return array_filter(
			array(
				'@type'           => 'Offer',
				'url'             => $url,
				'sku'             => $offer['sku'],
				'price'           => $offer['price'],
				'priceCurrency'   => $offer['currency'],
				'availability'    => self::AVAILABILITY[ $offer['availability'] ],
				'priceValidUntil' => $offer['valid_until'],
			),
			function ( $value ) {
				return '' !== (string) $value;
			}
		);
	}

	/**
	 * The product whose page this is.
	 *
	 * @return array|null
	 */
	private static function current() {
		return is_singular( Commerce_Connector_Types::PRODUCT ) ? Commerce_Connector_View::product( get_queried_object_id() ) : null;
	}

	/**
	 * Whether another plugin writes titles and descriptions.
	 *
	 * @return bool
	 */
	public static function has_seo_plugin() {
		return defined( 'WPSEO_VERSION' ) || defined( 'RANK_MATH_VERSION' ) || defined( 'AIOSEO_VERSION' ) || defined( 'SEOPRESS_VERSION' );
	}
}
