<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Shop;

use Drupal\Core\Url;
use Drupal\commerce_connector\View;

/**
 * Cart, mini cart and checkout as render arrays, and what pages load for them.
 *
 * Only the module's own pages show a shopper's cart; everywhere else the same
 * markup stands for everybody, which scripts and links make a shop.
 */
final class Parts {

  public function __construct(
    private readonly Relay $relay,
    private readonly Checkout $checkout,
    private readonly Forms $forms,
    private readonly View $view,
  ) {}

  /**
   * The cart, for any page: scripts show it there, or a link leads to it.
   */
  public function cart(): array {
    return $this->part('commerce_connector_cart');
  }

  /**
   * The button that opens the cart.
   */
  public function miniCart(): array {
    return $this->part('commerce_connector_mini_cart');
  }

  /**
   * The checkout, for any page.
   */
  public function checkout(): array {
    return $this->part('commerce_connector_checkout');
  }

  /**
   * The shopper's own cart, for the page that no cache keeps.
   */
  public function ownCart(): array {
    return $this->own('commerce_connector_cart', $this->checkout->cart());
  }

  /**
   * The shopper's own checkout.
   */
  public function ownCheckout(string $step): array {
    return $this->own('commerce_connector_checkout', $this->checkout->view($step, $this->forms->written()));
  }

  /**
   * A part as it stands on every page alike.
   */
  private function part(string $theme, array $shop = []): array {
    $build = ['#cache' => ['tags' => ['config:commerce_connector.settings'], 'contexts' => ['languages:language_interface', 'url.site']]];
    if (!$this->relay->isThere()) {
      return $build;
    }
    return $build + [
      '#theme' => $theme,
      '#shop' => $shop + $this->addresses() + ['is_private' => FALSE],
      '#attached' => $this->view->elements(),
    ];
  }

  private function own(string $theme, array $shown): array {
    $said = $this->forms->said();
    $build = $this->part($theme, [
      'is_private' => TRUE,
      'says' => $said ? ['#theme' => 'commerce_connector_says', '#says' => $said + $this->addresses()] : [],
      'wrong' => $said['fields'] ?? [],
      'away_text' => $this->forms->awayText(),
    ] + $shown);
    $build['#cache']['max-age'] = 0;
    if ($said && $said['status'] !== 200) {
      $build['#attached']['http_header'][] = ['status', $said['status']];
    }
    return $build;
  }

  private function addresses(): array {
    return [
      'cart_url' => Url::fromRoute('commerce_connector.shop.cart')->toString(),
      'checkout_url' => Url::fromRoute('commerce_connector.shop.checkout')->toString(),
    ];
  }

}
