<?php

declare(strict_types=1);

namespace Drupal\commerce_connector;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Extension\ModuleHandlerInterface;
use Drupal\Core\File\FileUrlGeneratorInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\Url;
use Drupal\commerce_connector\Shop\Forms;
use Drupal\commerce_connector\Shop\Relay;
use Drupal\node\NodeInterface;
use Symfony\Component\HttpFoundation\RequestStack;

/**
 * What visitors see of a product: prices, stock, variants, and schema.org data.
 *
 * Everything bears the cache tags of the node and of its offers, so that a new
 * price empties the caches of just these pages.
 */
final class View {

  use StringTranslationTrait;

  private const SCHEMA = ['in_stock' => 'https://schema.org/InStock', 'out_of_stock' => 'https://schema.org/OutOfStock', 'backorder' => 'https://schema.org/BackOrder'];

  public function __construct(
    private readonly ConfigFactoryInterface $config,
    private readonly Stored $stored,
    private readonly Offers $offers,
    private readonly FileUrlGeneratorInterface $urls,
    private readonly EntityTypeManagerInterface $entityTypes,
    private readonly ModuleHandlerInterface $modules,
    private readonly Relay $relay,
    private readonly RequestStack $requests,
  ) {}

  /**
   * A product's price, stock, variants and attributes.
   */
  public function product(NodeInterface $node): array {
    $product = $this->of($node, 'commerce-product');
    return $this->shown($node, 'product', $product, ['buy' => $product ? $this->form($node, $product, 'commerce-product') : []], $product ? $this->head($node, $product) : []);
  }

  /**
   * A product's price in one line.
   */
  public function price(NodeInterface $node): array {
    return $this->shown($node, 'price', $this->of($node));
  }

  /**
   * Whether a product can be had.
   */
  public function stock(NodeInterface $node): array {
    return $this->shown($node, 'stock', $this->of($node));
  }

  /**
   * The form that puts a product into the cart.
   */
  public function buy(NodeInterface $node): array {
    $product = $this->of($node);
    return self::cached($node, $product ? $this->form($node, $product, 'commerce-buy') : []);
  }

  /**
   * A product among others: picture, title, price, stock; a button where there
   * is nothing to choose.
   */
  public function card(NodeInterface $node): array {
    $product = $this->of($node);
    $more = ['title' => $node->label(), 'url' => $node->toUrl()->toString()];
    $more['buy'] = $product && count($product['choices']) === 1 ? $this->form($node, $product, 'commerce-card') : [];
    return $this->shown($node, 'card', $product, $more);
  }

  /**
   * What a page loads to be a shop: styles, elements, and where the relay is.
   */
  public function elements(): array {
    if (!$this->relay->isThere()) {
      return ['library' => ['commerce_connector/product']];
    }
    $where = ['name' => 'commerce-connector', 'content' => $this->relay->address(), 'data-market' => $this->market(), 'data-cart' => Url::fromRoute('commerce_connector.shop.share')->toString()];
    return [
      'library' => ['commerce_connector/product', 'commerce_connector/elements'],
      'html_head' => [[['#tag' => 'meta', '#attributes' => $where], 'commerce_connector_relay']],
    ];
  }

  /**
   * The market whose prices this site shows; "" where it has none yet.
   */
  public function market(): string {
    $chosen = (string) $this->config->get('commerce_connector.settings')->get('market');
    return $chosen !== '' ? $chosen : $this->offers->firstMarket();
  }

  /**
   * A product as templates take it; NULL where the node is none.
   *
   * Price and stock follow the choice in the form of the given name.
   */
  private function of(NodeInterface $node, string $form = 'commerce-buy'): ?array {
    $row = $this->stored->bindingsOf('product', (string) $node->id())[0] ?? NULL;
    if (!$row) {
      return NULL;
    }
    $values = $this->values($row);
    $offers = $this->inMarket(array_values($this->offers->rows([$row['subject_key']])[$row['subject_key']] ?? []));
    $availability = $this->best(array_column($offers, 'availability'));
    $variants = $this->variants((array) ($values['variants'] ?? []), $offers);
    $choices = self::choices($variants);
    return [
      'id' => $row['backend_id'],
      'backend' => $row['backend'],
      'retired' => (bool) (int) $row['retired'],
      'market' => $offers[0]['market'] ?? '',
      'price_text' => $this->priceText($offers),
      'availability' => $availability,
      'availability_text' => $this->availabilityText($availability),
      'offers' => $offers,
      'choices' => $choices,
      'follows' => match (TRUE) {
        count($choices) === 1 => ['name' => 'variant', 'value' => $choices[0]['variant']],
        $choices && $this->relay->isThere() => ['name' => 'for', 'value' => "$form-" . $node->id()],
        default => NULL,
      },
      'variants' => $variants,
      'attributes' => (array) ($values['attributes'] ?? []),
      'media' => $this->pictures((array) ($values['media'] ?? [])),
      'seo_title' => (string) ($values['seo_title'] ?? ''),
      'seo_description' => (string) ($values['seo_description'] ?? ''),
    ];
  }

  /**
   * Values beside the node, decoded.
   */
  private function values(array $row): array {
    $product = $this->stored->products($row['backend'], [$row['object_id']])[(int) $row['object_id']] ?? ['values' => []];
    return array_map(static fn (string $json): mixed => json_decode($json, TRUE), $product['values']);
  }

  /**
   * The offers of the market that this site shows, in order.
   */
  private function inMarket(array $offers): array {
    $markets = array_unique(array_column($offers, 'market'));
    sort($markets, SORT_STRING);
    $chosen = (string) $this->config->get('commerce_connector.settings')->get('market');
    $market = in_array($chosen, $markets, TRUE) || !$markets ? $chosen : $markets[0];
    $here = array_values(array_filter($offers, static fn (array $offer): bool => $offer['market'] === $market));
    usort($here, static fn (array $a, array $b): int => [(int) $a['position'], (int) $a['min_quantity']] <=> [(int) $b['position'], (int) $b['min_quantity']]);
    return array_map(fn (array $offer): array => $offer + ['availability_text' => $this->availabilityText($offer['availability'])], $here);
  }

  /**
   * The lowest single-piece price, "from" where they differ.
   */
  private function priceText(array $offers): string {
    $single = array_values(array_filter($offers, static fn (array $offer): bool => (int) $offer['min_quantity'] === 1));
    if (!$single) {
      return '';
    }
    usort($single, static fn (array $a, array $b): int => (int) $a['amount'] <=> (int) $b['amount']);
    $is_one = (int) $single[0]['amount'] === (int) end($single)['amount'];
    return $is_one ? $single[0]['amount_text'] : (string) $this->t('From @price', ['@price' => $single[0]['amount_text']]);
  }

  /**
   * The availability of a product: that of its most available variant.
   */
  private function best(array $found): string {
    foreach (['in_stock', 'backorder', 'out_of_stock'] as $availability) {
      if (in_array($availability, $found, TRUE)) {
        return $availability;
      }
    }
    return '';
  }

  /**
   * An availability in words.
   */
  private function availabilityText(string $availability): string {
    return match ($availability) {
      'in_stock' => (string) $this->t('In stock'),
      'backorder' => (string) $this->t('Can be backordered'),
      'out_of_stock' => (string) $this->t('Out of stock'),
      default => '',
    };
  }

  /**
   * Variants with their offers.
   */
  private function variants(array $variants, array $offers): array {
    $shown = [];
    foreach ($variants as $variant) {
      if (!is_array($variant)) {
        continue;
      }
      $variant += ['id' => '', 'sku' => '', 'title' => '', 'options' => []];
      $variant['title'] = (string) $variant['title'] !== '' ? $variant['title'] : implode(' / ', array_filter((array) $variant['options'], 'is_string'));
      $variant['offers'] = array_values(array_filter($offers, static fn (array $offer): bool => $offer['variant'] === $variant['id']));
      $shown[] = $variant;
    }
    return $shown;
  }

  /**
   * What can be chosen: the variants that have an offer, each with its first.
   */
  private static function choices(array $variants): array {
    $with_offers = array_values(array_filter($variants, static fn (array $variant): bool => (bool) $variant['offers']));
    return array_map(static fn (array $variant): array => ['variant' => (string) $variant['id'], 'title' => (string) $variant['title']] + $variant['offers'][0], $with_offers);
  }

  /**
   * The form of a product; [] where it cannot be bought here.
   */
  private function form(NodeInterface $node, array $product, string $name): array {
    if (!$product['choices'] || $product['retired'] || !$this->relay->isThere()) {
      return [];
    }
    $id = "$name-" . $node->id();
    $query = $this->requests->getCurrentRequest()?->query->all() ?? [];
    $is_added = ($query[Forms::SAID] ?? '') === 'added' && ($query[Forms::FORM] ?? '') === $id;
    return [
      '#theme' => 'commerce_connector_buy',
      '#product' => $product + ['title' => $node->label()],
      '#form' => ['id' => $id, 'action' => Url::fromRoute('commerce_connector.shop.cart')->toString(), 'is_added' => $is_added],
      '#attached' => $this->elements(),
      '#cache' => ['contexts' => ['url.query_args:' . Forms::SAID, 'url.query_args:' . Forms::FORM]],
    ];
  }

  /**
   * A part of a product with what it loads.
   */
  private function shown(NodeInterface $node, string $theme, ?array $product, array $more = [], array $head = []): array {
    if (!$product) {
      return self::cached($node, []);
    }
    $attached = $this->elements();
    $attached['html_head'] = [...($attached['html_head'] ?? []), ...$head];
    return self::cached($node, ['#theme' => "commerce_connector_$theme", '#product' => $product + $more, '#attached' => $attached]);
  }

  /**
   * Pictures with address and alternative text.
   */
  private function pictures(array $media): array {
    $ids = array_filter(array_map('intval', array_column($media, 'id')));
    $entities = $ids ? $this->entityTypes->getStorage('media')->loadMultiple($ids) : [];
    $pictures = [];
    foreach ($media as $one) {
      $entity = $entities[(int) ($one['id'] ?? 0)] ?? NULL;
      $file = $entity ? $this->entityTypes->getStorage('file')->load($entity->getSource()->getSourceFieldValue($entity)) : NULL;
      if ($file) {
        $pictures[] = ['url' => $this->urls->generateString($file->getFileUri()), 'absolute_url' => $this->urls->generateAbsoluteString($file->getFileUri()), 'alt' => (string) ($one['alt'] ?? '')];
      }
    }
    return $pictures;
  }

  /**
   * What stands in the head of a product's own page.
   *
   * The description that the backend has for search engines goes there, unless
   * the site has a module for that.
   */
  private function head(NodeInterface $node, array $product): array {
    $head = [[['#type' => 'html_tag', '#tag' => 'script', '#attributes' => ['type' => 'application/ld+json'], '#value' => $this->jsonLd($node, $product)], 'commerce_connector_json_ld']];
    if ($product['seo_description'] !== '' && !$this->modules->moduleExists('metatag')) {
      $head[] = [['#tag' => 'meta', '#attributes' => ['name' => 'description', 'content' => $product['seo_description']]], 'commerce_connector_description'];
    }
    return $head;
  }

  /**
   * The title that the backend has for search engines; "" where it has none.
   */
  public function seoTitle(NodeInterface $node): string {
    return $this->modules->moduleExists('metatag') ? '' : $this->of($node)['seo_title'] ?? '';
  }

  /**
   * The product as schema.org says it; nothing in it can end the element.
   */
  private function jsonLd(NodeInterface $node, array $product): string {
    $url = $node->toUrl('canonical', ['absolute' => TRUE])->toString();
    $offers = [];
    foreach ($product['offers'] as $offer) {
      if ((int) $offer['min_quantity'] === 1) {
        $offers[] = array_filter([
          '@type' => 'Offer',
          'url' => $url,
          'sku' => $offer['sku'],
          'price' => $offer['price'],
          'priceCurrency' => $offer['currency'],
          'availability' => self::SCHEMA[$offer['availability']],
          'priceValidUntil' => $offer['valid_until'],
        ], static fn (?string $value): bool => (string) $value !== '');
      }
    }
    return json_encode(array_filter([
      '@context' => 'https://schema.org',
      '@type' => 'Product',
      '@id' => "$url#product",
      'name' => $node->label(),
      'url' => $url,
      'description' => $product['seo_description'],
      'image' => array_column($product['media'], 'absolute_url'),
      'offers' => $offers,
    ]), JSON_UNESCAPED_SLASHES | JSON_HEX_TAG | JSON_HEX_AMP);
  }

  /**
   * A render array that the caches leave when the node or its offers change.
   */
  private static function cached(NodeInterface $node, array $build): array {
    $build['#cache'] = [
      'contexts' => ['languages:language_interface', 'url.site', ...($build['#cache']['contexts'] ?? [])],
      'tags' => [...$node->getCacheTags(), Offers::tag($node->id()), 'config:commerce_connector.settings'],
    ];
    return $build;
  }

}
