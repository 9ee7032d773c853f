<?php

declare(strict_types=1);

namespace Drupal\commerce_connector\Shop;

use Drupal\Component\Utility\EmailValidatorInterface;
use Drupal\Core\StringTranslation\StringTranslationTrait;
use Drupal\Core\StringTranslation\TranslationInterface;

/**
 * The shopper's cart and the steps of the checkout, read from the engine.
 *
 * Nothing of it is kept here: names, addresses and orders go from the engine to
 * the page.
 */
final class Checkout {

  use StringTranslationTrait;

  public const STEPS = ['contact', 'shipping', 'payment', 'review'];
  private const PARTS = [['email', 'shipping_address'], ['shipping'], ['payment']];

  private bool $isAway = FALSE;

  public function __construct(
    private readonly Relay $relay,
    private readonly Shopper $shopper,
    private readonly EmailValidatorInterface $emails,
    TranslationInterface $string_translation,
  ) {
    $this->setStringTranslation($string_translation);
  }

  /**
   * The cart as it is now: cart (NULL: none), ordered, away.
   */
  public function cart(): array {
    $cart = $this->shopper->token() === '' ? NULL : $this->answer('read_cart')['cart'] ?? NULL;
    return [
      'cart' => $cart && empty($cart['ordered']) && !empty($cart['lines']) ? $cart + ['sums' => $this->sums($cart)] : NULL,
      'ordered' => $cart && !empty($cart['ordered']),
      'away' => $this->isAway,
    ];
  }

  /**
   * What the checkout's page shows: step, cart, and what the step needs.
   *
   * @param string $wanted
   *   The step of the address.
   * @param string[] $written
   *   What was just written into the first step; [] where nothing was.
   */
  public function view(string $wanted, array $written = []): array {
    $shown = $this->cart();
    if ($shown['ordered']) {
      $order = $this->answer('read_order')['order'] ?? NULL;
      return ['step' => 'done', 'order' => $order ? $order + ['sums' => $this->sums($order)] : NULL, 'away' => FALSE] + $shown;
    }
    if (!$shown['cart']) {
      return ['step' => 'nothing'] + $shown;
    }
    $step = $this->step($wanted, (array) $shown['cart']['needs']);
    $shown += match ($step) {
      'contact' => ['fields' => $this->filled($shown['cart'], $written)],
      'shipping' => ['options' => (array) ($this->answer('shipping_options')['options'] ?? [])],
      'payment' => ['providers' => $this->providers()],
      default => [],
    };
    return ['step' => $step, 'away' => $this->isAway] + $shown;
  }

  /**
   * How the cart can be paid.
   *
   * @return string[]
   *   Ids of the engine.
   */
  public function providers(): array {
    return array_column((array) ($this->answer('payment_providers')['providers'] ?? []), 'id');
  }

  /**
   * The fields of the first step.
   *
   * @return array[]
   *   Label, autocomplete, whether it must be filled in, how long it may be.
   */
  public function fields(): array {
    return [
      'email' => [$this->t('E-mail'), 'email', TRUE, 254],
      'first_name' => [$this->t('First name'), 'shipping given-name', TRUE, 120],
      'last_name' => [$this->t('Last name'), 'shipping family-name', TRUE, 120],
      'line_1' => [$this->t('Street and number'), 'shipping address-line1', TRUE, 200],
      'line_2' => [$this->t('Further address line'), 'shipping address-line2', FALSE, 200],
      'postal_code' => [$this->t('Postal code'), 'shipping postal-code', TRUE, 20],
      'city' => [$this->t('City'), 'shipping address-level2', TRUE, 120],
      'country' => [$this->t('Country (two letters, like DE)'), 'shipping country', TRUE, 2],
    ];
  }

  /**
   * What is wrong with the first step as it was written, by field.
   */
  public function problems(array $written): array {
    $wrong = [];
    foreach ($this->fields() as $name => [$label, , $required, $most]) {
      if ($required && $written[$name] === '') {
        $wrong[$name] = $this->t('@field is missing.', ['@field' => $label]);
      }
      elseif (mb_strlen($written[$name]) > $most) {
        $wrong[$name] = $this->t('@field is too long.', ['@field' => $label]);
      }
    }
    if (!isset($wrong['email']) && !$this->emails->isValid($written['email'])) {
      $wrong['email'] = $this->t('This is no e-mail address.');
    }
    if (!isset($wrong['country']) && !preg_match('/^[A-Z]{2}\z/', $written['country'])) {
      $wrong['country'] = $this->t('Write the country with two letters, like DE.');
    }
    return $wrong;
  }

  /**
   * The step to show: none after one that is still needed.
   */
  private function step(string $wanted, array $needs): string {
    if (!in_array($wanted, self::STEPS, TRUE)) {
      return 'begin';
    }
    $needed = array_filter(self::PARTS, static fn (array $parts): bool => (bool) array_intersect($parts, $needs));
    return self::STEPS[min(array_key_first($needed) ?? 3, (int) array_search($wanted, self::STEPS, TRUE))];
  }

  /**
   * The first step's fields with what was written, or what the cart has.
   */
  private function filled(array $cart, array $written): array {
    $known = $written ?: ['email' => $cart['email'] ?? ''] + (array) ($cart['shipping_address'] ?? []);
    $filled = [];
    foreach ($this->fields() as $name => [$label, $complete, $required, $most]) {
      $filled[$name] = ['label' => $label, 'complete' => $complete, 'required' => $required, 'most' => $most, 'value' => (string) ($known[$name] ?? '')];
    }
    return $filled;
  }

  /**
   * What a cart or an order comes to: name, label, text.
   */
  private function sums(array $cart): array {
    $rows = [['subtotal', $this->t('Subtotal'), $cart['subtotal']['text']]];
    if ($cart['discount']['minor']) {
      $rows[] = ['discount', $this->t('Discount'), '−' . $cart['discount']['text']];
    }
    if (!empty($cart['shipping']) || $cart['shipping_total']['minor']) {
      $rows[] = ['shipping', $this->t('Shipping'), $cart['shipping_total']['text']];
    }
    if ($cart['tax']['minor']) {
      $rows[] = ['tax', $cart['tax_included'] ? $this->t('Tax included') : $this->t('Tax'), $cart['tax']['text']];
    }
    return [...$rows, ['total', $this->t('Total'), $cart['total']['text']]];
  }

  /**
   * What a read answers; nothing where it does not.
   */
  private function answer(string $action): array {
    $answer = $this->relay->ask($action, $this->shopper->token());
    if (Relay::isUnsure(Relay::problem($answer))) {
      $this->isAway = TRUE;
      return [];
    }
    return $answer['body'];
  }

}
